using System.Text;
using Tupelo.Testing.Images;

namespace Tupelo.Tfs.Tests;

/// <summary>The smith that makes odd images must make sound ones first.</summary>
public sealed class IndependentSmithTests
{
    public static TheoryData<string> GoldensWithoutRecordsAcrossExtensions() =>
        [.. GoldenImage.Names.Where(name => !name.StartsWith("09", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(GoldensWithoutRecordsAcrossExtensions))]
    public void ParsedGolden_IsEmittedByteForByte(string name)
    {
        GoldenImage golden = GoldenImage.Load(name);
        byte[] volume = golden.Bytes[(int)golden.RootVolumeOffset..];
        LogDocument document = LogDocument.Parse(volume);
        byte[] emitted = document.Emit();
        foreach (IndependentExtension extension in IndependentLog.Replay(new ImageBytes(volume)).Extensions)
        {
            int start = (int)extension.StartSector * 512;
            Assert.Equal(volume.AsSpan(start, extension.UsedBytes), emitted.AsSpan(start, extension.UsedBytes));
        }
        Assert.Equal(
            IndependentListing.List(IndependentVolume.Read(new ImageBytes(volume))),
            IndependentListing.List(IndependentVolume.Read(new ImageBytes(emitted))));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(4)]
    public void ForgedImage_ReadsAsItWasForged(int version)
    {
        var smith = new ImageSmith(volumeSectors: 64, version: version, label: "forged");
        int children = smith.BeginRoot(("program", "/a"));
        _ = smith.AddFile(children, "a", "hello"u8);
        int directory = smith.AddDirectory(children, "d");
        _ = smith.AddFile(directory, "empty", []);
        _ = smith.AddSymlink(directory, "link", "../a");
        IndependentVolume read = IndependentVolume.Read(new ImageBytes(smith.Finish().Emit()));
        Assert.Equal("forged", Encoding.UTF8.GetString(read.Log.Label));
        Assert.Empty(read.Log.Remarks);
        Assert.Equal(["/ dir", "/a file 5", "/d dir", "/d/empty file 0", "/d/link symlink 4"], read.Entries.Select(entry =>
            $"{entry.PathText} {IndependentListing.TypeName(entry.Kind)}{(entry.Kind == ImageEntryKind.Directory ? "" : " " + entry.Size)}"));
        byte[] content = new byte[5];
        read.ReadContent(read.Entries[1], 0, content);
        Assert.Equal("hello"u8, content);
    }

    [Fact]
    public void ForgedCommits_ReadLikeOrdinaryRecords()
    {
        var smith = new ImageSmith(volumeSectors: 64, extensionSectors: 16);
        smith.Document.SectorFramed = true;
        smith.Document.PrepareSectors = true;
        smith.BeginCommit();
        int children = smith.BeginRoot();
        smith.EndCommit();
        smith.BeginCommit();
        _ = smith.AddSymlink(children, "long", new string('x', 1500)); // longer than a sector: split
        _ = smith.AddFile(children, "a", "hello"u8);
        smith.EndCommit();
        IndependentVolume read = IndependentVolume.Read(new ImageBytes(smith.Finish().Emit()));
        Assert.Empty(read.Log.Remarks);
        Assert.Equal(1, read.Log.SplitRecords);
        Assert.Equal(["/", "/a", "/long"], read.Entries.Select(entry => entry.PathText));
        Assert.Equal(5, read.Log.Records.Count);
        var commit = (BytesValue)read.Log.Root[IndependentCommit.Attribute]!;
        Assert.Equal([2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0], commit.Bytes[..12]);
    }

    [Fact]
    public void Checksum_IsCastagnolis() => Assert.Equal(0xe3069283u, IndependentCommit.Checksum("123456789"u8));
}
