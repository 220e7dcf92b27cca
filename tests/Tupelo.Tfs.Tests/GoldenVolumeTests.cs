using System.Text;
using System.Text.Json;
using Tupelo.Block;
using Tupelo.Testing.Images;

namespace Tupelo.Tfs.Tests;

/// <summary>The product's reader against images that others wrote.</summary>
public sealed class GoldenVolumeTests
{
    public static TheoryData<string> Goldens() => [.. GoldenImage.Names];

    [Theory]
    [MemberData(nameof(Goldens))]
    public void Volume_ReadsGoldenToItsExpectation(string name)
    {
        GoldenImage golden = GoldenImage.Load(name);
        using var device = new MemoryBlockDevice(golden.Bytes.AsSpan((int)golden.RootVolumeOffset), isReadOnly: true);
        TfsVolume volume = TfsVolume.Open(device);
        Assert.Empty(volume.Faults);
        List<ListedEntry> listed = VolumeListing.List(volume);
        Assert.Empty(GoldenImage.Differences(golden.Entries, listed));
        Assert.Equal(golden.Label, Encoding.UTF8.GetString(volume.Label));
        Assert.Equal(golden.Uuid, Convert.ToHexStringLower(volume.Uuid));
        if (golden.RootAttributes is { } attributes)
        {
            Assert.Equal(IndependentListing.Canonical(attributes), VolumeListing.RootAttributes(volume));
        }

        // And the two readers agree on what the expectation does not state.
        IndependentVolume independent = IndependentVolume.Read(new ImageBytes(golden.Bytes[(int)golden.RootVolumeOffset..]));
        Assert.Equal(IndependentListing.List(independent), listed);
        Assert.Equal(IndependentListing.RootAttributes(independent), VolumeListing.RootAttributes(volume));
        Assert.Equal(
            independent.Log.Extensions.Select(extension => ((long)extension.StartSector, (long)extension.SectorCount, extension.Version, (long)extension.UsedBytes)),
            volume.Log.Extensions.Select(extension => (extension.StartSector, extension.SectorCount, extension.Version, extension.UsedBytes)));
        Assert.Equal(independent.Log.Records.Count, volume.Log.RecordCount);
        Assert.Equal(independent.Log.SplitRecords, volume.Log.SplitRecordCount);
        Assert.Equal(independent.Log.DictionaryEntries, volume.Log.DictionaryCount);
        Assert.Equal(0, volume.Log.CommitCount);
    }

    [Theory]
    [InlineData("13-disk-mbr")]
    [InlineData("14-disk-uefi")]
    public void Volume_ReadsTheBootVolumeOfAGoldenDisk(string name)
    {
        GoldenImage golden = GoldenImage.Load(name);
        JsonElement partition = golden.Partitions.Single(candidate => candidate.TryGetProperty("tfs_entries", out _));
        int start = partition.GetProperty("lba").GetInt32() * 512;
        using var device = new MemoryBlockDevice(golden.Bytes.AsSpan(start, partition.GetProperty("sectors").GetInt32() * 512), isReadOnly: true);
        Assert.Empty(GoldenImage.Differences(partition.GetProperty("tfs_entries"), VolumeListing.List(TfsVolume.Open(device))));
    }
}
