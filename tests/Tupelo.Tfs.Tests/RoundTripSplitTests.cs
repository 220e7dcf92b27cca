using Tupelo.Block;
using Tupelo.Testing.Images;

namespace Tupelo.Tfs.Tests;

/// <summary>Records cut into frames at every byte they have, as no writer would, read by both readers.</summary>
public sealed class RoundTripSplitTests
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 700).Select(value => (byte)(value * 7))];

    [Theory]
    [InlineData(5)]
    [InlineData(4)]
    public void RecordInTwoFrames_IsReadWhereverItIsCut(int version)
    {
        int length = RecordLength(version);
        Assert.True(length > 300);
        List<ListedEntry> whole = Read(Image(version, []));
        for (int cut = 1; cut < length; cut++)
        {
            Assert.Equal(whole, Read(Image(version, [cut])));
        }
    }

    [Fact]
    public void RecordInManyFrames_IsRead()
    {
        List<ListedEntry> whole = Read(Image(5, []));
        for (int piece = 1; piece < 40; piece++)
        {
            int[] pieces = new int[(RecordLength(5) - 1) / piece];
            Array.Fill(pieces, piece);
            Assert.Equal(whole, Read(Image(5, pieces)));
        }
    }

    [Fact]
    public void RecordThatBeginsInVersion4AndEndsInVersion5_IsTakenForVersion5()
    {
        // The extension in which a record ends says how it is encoded. These bytes mean something in version 4 only.
        ImageSmith smith = Begin(4, out int children);
        smith.RecordAcrossExtensions(5, 8, tokens => tokens.Reference(children, 1).Symbol("x").Reference(1));
        byte[] image = smith.Finish().Emit();
        _ = Assert.Throws<TfsFormatException>(() => TfsVolume.Open(new MemoryBlockDevice(image)));
        _ = Assert.Throws<DamagedImageException>(() => IndependentVolume.Read(new ImageBytes(image)));
    }

    [Fact]
    public void RecordAcrossExtensions_IsReadWhereverItIsCut()
    {
        List<ListedEntry> whole = Read(Image(5, []));
        for (int cut = 0; cut < RecordLength(5); cut++)
        {
            ImageSmith smith = Begin(5, out int children);
            if (cut == 0)
            {
                smith.Extend(8);
                smith.Record(tokens => WriteEntry(smith, tokens, children));
            }
            else
            {
                smith.RecordAcrossExtensions(cut, 8, tokens => WriteEntry(smith, tokens, children));
            }
            Assert.Equal(whole, Read(smith.Finish().Emit()));
        }
    }

    [Fact]
    public void PaddingBetweenTheFramesOfARecord_IsSkipped()
    {
        ImageSmith smith = Begin(5, out int children);
        smith.Frame(new LogFrame(LogFrameKind.EndOfSegment));
        smith.RecordAcrossExtensions(100, 8, tokens => WriteEntry(smith, tokens, children));
        LogDocument document = smith.Finish();
        // Padding in front of the link, and at the start of the new extension, in the middle of the record.
        LogFrame[] first = [.. document.Extensions[1].Frames];
        int link = Array.FindIndex(first, frame => frame.Kind == LogFrameKind.Link);
        document.Extensions[1] = document.Extensions[1] with
        {
            Frames = [.. first[..link], new LogFrame(LogFrameKind.PadSector), new LogFrame(LogFrameKind.EndOfSegment), .. first[link..]],
        };
        document.Extensions[2] = document.Extensions[2] with
        {
            Frames = [new LogFrame(LogFrameKind.PadSector), .. document.Extensions[2].Frames],
        };
        Assert.Equal(Read(Image(5, [])), Read(document.Emit()));
    }

    private static int RecordLength(int version)
    {
        ImageSmith smith = Begin(version, out int children);
        smith.Record(tokens => WriteEntry(smith, tokens, children));
        return LogDocument.Encode(smith.Finish().Extensions[1].Frames[2].Tokens, version).Length;
    }

    private static byte[] Image(int version, int[] pieces)
    {
        ImageSmith smith = Begin(version, out int children);
        smith.Record(tokens => WriteEntry(smith, tokens, children), pieces);
        return smith.Finish().Emit();
    }

    private static ImageSmith Begin(int version, out int children)
    {
        var smith = new ImageSmith(64, extensionSectors: 16, version: version, label: "split");
        children = smith.BeginRoot(("program", "/p"));
        _ = smith.AddFile(children, "p", Content);
        return smith;
    }

    // A directory with something of every kind, in one record.
    private static void WriteEntry(ImageSmith smith, TokenWriter tokens, int children)
    {
        _ = tokens.Reference(children, 1).Symbol(new string('d', 200)).Tuple(2);
        _ = tokens.Symbol("children").Tuple(3);
        _ = tokens.Symbol("link").Tuple(1);
        _ = tokens.Symbol("linktarget").String(new byte[130].Select(_ => (byte)'t').ToArray(), typed: smith.Document.Extensions[0].Version == 5);
        _ = tokens.Symbol("empty").Tuple(2);
        _ = tokens.Symbol("extents").Tuple(0);
        smith.Number(tokens.Symbol("filelength"), 4097);
        _ = tokens.Symbol("sock").Tuple(1);
        _ = tokens.Symbol("socket").Null();
        smith.Number(tokens.Symbol("mtime"), 7710336961076252460);
    }

    private static List<ListedEntry> Read(byte[] image)
    {
        IndependentVolume independent = IndependentVolume.Read(new ImageBytes(image));
        TfsVolume volume = TfsVolume.Open(new MemoryBlockDevice(image));
        Assert.Empty(volume.Faults);
        List<ListedEntry> listed = VolumeListing.List(volume);
        Assert.Equal(IndependentListing.List(independent), listed);
        Assert.Equal(6, listed.Count);
        return listed;
    }
}
