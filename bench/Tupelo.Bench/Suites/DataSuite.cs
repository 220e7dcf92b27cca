// data: bytes of one large file on a mounted volume whose image is a file of the work directory, against the system's own calls on
// another file there. Both files have all of their space and are in the host's page cache: what is compared is the way from the
// application to that cache. The disk itself is in the rows that end with a sync.
using Tupelo.Block;
using Tupelo.Vfs;

namespace Tupelo.Bench;

internal sealed class DataSuite : Suite
{
    private const int Piece = 1 << 20;
    private const int Page = 4096;
    private const int RandomCalls = 100_000;

    public override string Name => "data";

    public override IEnumerable<Race> Races(BenchOptions options)
    {
        long size = (long)options.LargeFileMiB << 20;
        string image = options.WorkFile("data.img");
        File.Delete(image);
        using (var whole = new RawFile(image, size + (size / 8) + (64 << 20)))
        {
            Sequential(size + (size / 8) + (64 << 20), whole.Write); // no holes: the image has its space as the raw file has
        }
        BlockDevice device = FileBlockDevice.Open(image);
        VfsMachine.Format(device);
        using VfsMachine machine = VfsMachine.Tfs(device);
        Syscalls calls = machine.Calls;
        int fd = (int)VfsMachine.Check(calls.Open("/large"u8, OpenFlags.ReadWrite | OpenFlags.Create, 0x1A4));
        using var raw = new RawFile(options.WorkFile("data.raw"), size);
        void Write(ReadOnlySpan<byte> buffer, long offset) => VfsMachine.Check(calls.PWrite(fd, buffer, offset));
        void Read(Span<byte> buffer, long offset) => VfsMachine.Check(calls.PRead(fd, buffer, offset));
        void Sync() => VfsMachine.Check(calls.FSync(fd));

        yield return new Race(
            "sequential write of a new file, 1 MiB pieces", "MiB",
            new Contender("TFS", () => Sequential(size, Write)) { Before = () => { _ = VfsMachine.Check(calls.FTruncate(fd, 0)); Sync(); }, After = Sync },
            new Contender("pwrite in place", () => Sequential(size, raw.Write)) { After = raw.Flush })
        {
            Goal = new Goal { AtLeastTimesFaster = 0.9 },
            WarmUps = 1,
        };
        yield return new Race(
            "sequential overwrite, 1 MiB pieces", "MiB",
            new Contender("TFS", () => Sequential(size, Write)) { After = Sync },
            new Contender("pwrite in place", () => Sequential(size, raw.Write)) { After = raw.Flush })
        {
            Goal = new Goal { AtLeastTimesFaster = 0.9 },
            WarmUps = 1,
        };
        yield return new Race(
            "sequential overwrite and sync, 1 MiB pieces", "MiB",
            new Contender("TFS", () => Then(Sequential(size, Write), Sync)),
            new Contender("pwrite in place", () => Then(Sequential(size, raw.Write), raw.Flush)))
        {
            Goal = new Goal { AtLeastTimesFaster = 0.9 },
            Metric = Metric.Wall,
            WarmUps = 0,
            MaxRounds = 5,
        };
        yield return new Race(
            "sequential read, 1 MiB pieces", "MiB",
            new Contender("TFS", () => SequentialRead(size, Read)),
            new Contender("pread", () => SequentialRead(size, raw.Read)))
        {
            Goal = new Goal { AtLeastTimesFaster = 0.9, AtMostBytes = 0 },
            WarmUps = 1,
        };
        int[] pages = FileSet.Shuffled((int)Math.Min(RandomCalls, size / Page));
        yield return new Race(
            "random read of 4 KiB, warm", "call",
            new Contender("TFS", () => RandomReads(pages, size, Read)),
            new Contender("pread", () => RandomReads(pages, size, raw.Read)))
        {
            Goal = new Goal { AtMostNanoseconds = 500, AtMostBytes = 0 },
        };
        yield return new Race(
            "random overwrite of 4 KiB, 64 MiB", "call",
            new Contender("TFS", () => RandomWrites(64 << 20, Write)) { After = Sync },
            new Contender("pwrite", () => RandomWrites(64 << 20, raw.Write)) { After = raw.Flush })
        {
            Goal = new Goal { AtMostNanoseconds = 800 },
        };
        _ = calls.Close(fd);
    }

    private delegate void Writer(ReadOnlySpan<byte> buffer, long offset);

    private delegate void Reader(Span<byte> buffer, long offset);

    private static byte[] Buffer(int length)
    {
        byte[] buffer = GC.AllocateArray<byte>(length, pinned: true);
        new Random(1).NextBytes(buffer);
        return buffer;
    }

    private static readonly byte[] _piece = Buffer(Piece);

    private static long Sequential(long size, Writer write)
    {
        for (long offset = 0; offset < size; offset += Piece)
        {
            write(_piece.AsSpan(0, (int)Math.Min(Piece, size - offset)), offset);
        }
        return size / Piece;
    }

    private static long SequentialRead(long size, Reader read)
    {
        for (long offset = 0; offset < size; offset += Piece)
        {
            read(_piece, offset);
        }
        return size / Piece;
    }

    private static long RandomReads(int[] pages, long size, Reader read)
    {
        long spread = size / Page / pages.Length;
        foreach (int page in pages)
        {
            read(_piece.AsSpan(0, Page), page * spread * Page);
        }
        return pages.Length;
    }

    private static long RandomWrites(int range, Writer write)
    {
        int[] pages = FileSet.Shuffled(range / Page);
        foreach (int page in pages)
        {
            write(_piece.AsSpan(0, Page), (long)page * Page);
        }
        return pages.Length;
    }

    private static long Then(long operations, Action last)
    {
        last();
        return operations;
    }
}
