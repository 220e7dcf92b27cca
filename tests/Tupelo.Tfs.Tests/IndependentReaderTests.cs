using System.Text.Json;
using Tupelo.Testing.Images;

namespace Tupelo.Tfs.Tests;

/// <summary>The second reader must itself be right before the product is held against it.</summary>
public sealed class IndependentReaderTests
{
    public static TheoryData<string> Goldens() => [.. GoldenImage.Names];

    [Fact]
    public void Goldens_AreAllThere() => Assert.Equal(22, GoldenImage.Names.Count);

    [Theory]
    [MemberData(nameof(Goldens))]
    public void IndependentReader_ReadsGoldenToItsExpectation(string name)
    {
        GoldenImage golden = GoldenImage.Load(name);
        ImageBytes volume = IndependentPartitions.RootVolume(new ImageBytes(golden.Bytes), out long offset);
        Assert.Equal(golden.RootVolumeOffset, offset);
        IndependentVolume read = IndependentVolume.Read(volume);

        Assert.Empty(GoldenImage.Differences(golden.Entries, IndependentListing.List(read)));
        Assert.Equal(golden.Label, System.Text.Encoding.UTF8.GetString(read.Log.Label));
        Assert.Equal(golden.Uuid, Convert.ToHexStringLower(read.Log.Uuid));
        if (golden.RootAttributes is { } attributes)
        {
            Assert.Equal(IndependentListing.Canonical(attributes), IndependentListing.RootAttributes(read));
        }

        JsonElement statistics = golden.LogStatistics;
        Assert.Equal(
            statistics.GetProperty("extensions").EnumerateArray().Select(pair => (pair[0].GetUInt64(), pair[1].GetUInt64())),
            read.Log.Extensions.Select(extension => (extension.StartSector, extension.SectorCount)));
        Assert.Equal(
            statistics.GetProperty("versions").EnumerateArray().Select(version => version.GetInt32()),
            read.Log.Extensions.Select(extension => extension.Version));
        Assert.Equal(statistics.GetProperty("total_entries").GetInt64(), read.Log.TotalEntries);
        Assert.Equal(statistics.GetProperty("obsolete_entries").GetInt64(), read.Log.ObsoleteEntries);
        Assert.Equal(statistics.GetProperty("split_records").GetInt32(), read.Log.SplitRecords);
        Assert.Equal(statistics.GetProperty("dictionary_entries").GetInt32(), read.Log.DictionaryEntries);
        Assert.Equal(statistics.GetProperty("end_of_segment_frames").GetInt32(), read.Log.Frames.Count(frame => frame.Kind == 4));
    }

    [Theory]
    [MemberData(nameof(Goldens))]
    public void IndependentReader_FindsThePartitionsOfGolden(string name)
    {
        GoldenImage golden = GoldenImage.Load(name);
        var image = new ImageBytes(golden.Bytes);
        List<IndependentPartition> partitions = IndependentPartitions.Read(image);
        if (golden.Partitions.Count == 0)
        {
            Assert.Equal(golden.RootVolumeOffset != 0, partitions.Count > 0); // one disk image's table is not spelled out
            return;
        }
        Assert.Equal(golden.Partitions.Count, partitions.Count);
        foreach ((JsonElement expected, IndependentPartition found) in golden.Partitions.Zip(partitions))
        {
            Assert.Equal(expected.GetProperty("index").GetInt32(), found.Index);
            Assert.Equal(expected.GetProperty("active").GetByte(), found.Active);
            Assert.Equal(expected.GetProperty("type").GetString(), $"0x{found.Type:x2}");
            Assert.Equal(expected.GetProperty("chs_start").GetString(), found.ChsStart);
            Assert.Equal(expected.GetProperty("chs_end").GetString(), found.ChsEnd);
            Assert.Equal(expected.GetProperty("lba").GetUInt32(), found.Lba);
            Assert.Equal(expected.GetProperty("sectors").GetUInt32(), found.Sectors);
            if (expected.TryGetProperty("tfs_entries", out JsonElement entries))
            {
                IndependentVolume boot = IndependentVolume.Read(IndependentPartitions.Volume(image, found));
                Assert.Empty(GoldenImage.Differences(entries, IndependentListing.List(boot)));
            }
        }
    }
}
