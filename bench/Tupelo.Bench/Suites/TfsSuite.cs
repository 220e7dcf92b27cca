// tfs: what it costs to make things durable on a mounted volume, whose image is a file of the work directory, against a raw file, ext4
// through System.IO and SQLite there; and what a large volume takes of memory.
using System.Diagnostics;
using System.Globalization;
using Tupelo.Block;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo.Bench;

internal sealed class TfsSuite : Suite
{
    private const int Syncs = 100;
    private const int Writers = 32;
    private const int FileCount = 100_000;
    private const long ImageBytes = 1L << 30;

    private readonly byte[] _content = new byte[1024];

    public override string Name => "tfs";

    public override IEnumerable<Race> Races(BenchOptions options) => SmallSyncs(options).Concat(Creates(options)).Append(Memory(options));

    private IEnumerable<Race> SmallSyncs(BenchOptions options)
    {
        using VfsMachine machine = VfsMachine.Tfs(NewImage(options, "sync.img"));
        Syscalls calls = machine.Calls;
        using var raw = new RawFile(options.WorkFile("sync.raw"), 1 << 20);
        for (long offset = 0; offset < 1 << 20; offset += 4096)
        {
            raw.Write(new byte[4096], offset);
        }
        raw.FlushFileSystem();
        byte[] page = new byte[4096];
        var limit = new Contender("raw 4 KiB + fdatasync", () => Times(Syncs, i =>
        {
            raw.Write(page, i % 256 * 4096);
            raw.Flush();
        }));
        int fd = Create(calls, "/file");
        _ = VfsMachine.Check(calls.PWrite(fd, page, 0));
        _ = VfsMachine.Check(calls.FSync(fd));
        yield return Small("chmod + fsync", limit, i =>
        {
            _ = VfsMachine.Check(calls.FChMod(fd, i % 2 == 0 ? 0x1A4u : 0x180u));
            _ = VfsMachine.Check(calls.FSync(fd));
        });
        yield return Small("create an empty file + fsync", limit, i =>
        {
            int made = Create(calls, PathOf("/empty", _serial++));
            _ = VfsMachine.Check(calls.FSync(made));
            _ = VfsMachine.Check(calls.Close(made));
        });
        yield return Small("overwrite 4 KiB + fdatasync", limit, i =>
        {
            _ = VfsMachine.Check(calls.PWrite(fd, page, 0));
            _ = VfsMachine.Check(calls.FDataSync(fd));
        });
        long end = 4096;
        yield return Small("append 100 bytes + fdatasync", limit, i =>
        {
            _ = VfsMachine.Check(calls.PWrite(fd, page.AsSpan(0, 100), end));
            end += 100;
            _ = VfsMachine.Check(calls.FDataSync(fd));
        });
        yield return new Race(
            "32 threads, each writes 4 KiB and syncs", "sync",
            new Contender("32 threads", () => ManyWriters(machine, Writers, Syncs)) { Scope = CpuScope.Process },
            new Contender("one thread", () => ManyWriters(machine, 1, Syncs)) { Scope = CpuScope.Process })
        {
            Metric = Metric.Wall,
            Goal = new Goal { AtLeastTimesFaster = 8 },
        };
    }

    private int _serial;

    private static Race Small(string name, Contender limit, Action<int> change) =>
        new(name, "sync", new Contender("TFS", () => Times(Syncs, change)), limit) { Metric = Metric.Wall, Goal = new Goal { AtLeastTimesFaster = 0.8 }, WarmUps = 2 };

    private IEnumerable<Race> Creates(BenchOptions options)
    {
        VfsMachine? machine = null;
        var tfs = new Contender("TFS", () => CreateFiles(machine!))
        {
            Before = () => machine = VfsMachine.Tfs(NewImage(options, "create.img")),
            After = () => machine!.Dispose(),
        };
        string directory = options.WorkFile("create");
        var host = new Contender("System.IO", () => CreateHostFiles(directory)) { Before = () => Remove(directory), After = () => Remove(directory) };
        string database = options.WorkFile("create.sqlite");
        var sqlite = new Contender("SQLite, batches of 1,000", () => SqliteFiles.Create(database, FileCount, _content));
        yield return new Race("create 100,000 files of 1 KiB, durable at the end", "file", tfs, host)
        {
            Goal = new Goal { AtLeastTimesFaster = 10 },
            WarmUps = 1,
            MaxRounds = 5,
        };
        yield return new Race("create 100,000 files of 1 KiB in batches", "file", tfs, sqlite)
        {
            Goal = new Goal { AtLeastTimesFaster = 5 },
            WarmUps = 1,
            MaxRounds = 5,
        };
    }

    private static Race Memory(BenchOptions options)
    {
        string image = SampleImage.Make(options, 1_000_000, 1024, isSparse: true);
        long bytes = 0;
        return new Race(
            "mount 1,000,000 files in a process of its own", "volume",
            new Contender("TFS", () =>
            {
                using Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [typeof(TfsSuite).Assembly.Location, "mount", image]) { RedirectStandardOutput = true })!;
                bytes = long.Parse(process.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture);
                process.WaitForExit();
                return 1;
            })
            { Scope = CpuScope.Children, MemoryPerOperation = () => bytes })
        {
            Goal = new Goal { AtMostMemory = 300e6 },
            WarmUps = 1,
            MaxRounds = 3,
        };
    }

    /// <summary>What the child process does: prints by how much mounting the image made it grow, in resident bytes.</summary>
    public static int MountAndMeasure(string image)
    {
        GC.Collect();
        long before = MachineState.ResidentBytes();
        using VfsMachine machine = VfsMachine.Tfs(FileBlockDevice.Open(image));
        Stat stat = default;
        _ = VfsMachine.Check(machine.Calls.Stat("/dir-0000999/file-0999999"u8, ref stat));
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
        Console.WriteLine((MachineState.ResidentBytes() - before).ToString(CultureInfo.InvariantCulture));
        return 0;
    }

    // An empty volume on a file that has all of its space.
    private static FileBlockDevice NewImage(BenchOptions options, string name)
    {
        string path = options.WorkFile(name);
        if (!File.Exists(path))
        {
            using var file = new RawFile(path, ImageBytes);
            byte[] zeros = new byte[1 << 20];
            for (long offset = 0; offset < ImageBytes; offset += zeros.Length)
            {
                file.Write(zeros, offset);
            }
            file.FlushFileSystem();
        }
        FileBlockDevice device = FileBlockDevice.Open(path);
        VfsMachine.Format(device);
        return device;
    }

    private static long Times(int count, Action<int> work)
    {
        for (int i = 0; i < count; i++)
        {
            work(i);
        }
        return count;
    }

    private static long ManyWriters(VfsMachine machine, int threads, int syncs)
    {
        Thread[] running = [.. Enumerable.Range(0, threads).Select(number => new Thread(() =>
        {
            var calls = machine.Fork();
            byte[] page = new byte[4096];
            int fd = Create(calls, PathOf("/writer", number));
            for (int i = 0; i < syncs; i++)
            {
                _ = VfsMachine.Check(calls.PWrite(fd, page, i % 16 * 4096));
                _ = VfsMachine.Check(calls.FDataSync(fd));
            }
            _ = VfsMachine.Check(calls.Close(fd));
            calls.Context.Dispose();
        }))];
        foreach (Thread thread in running)
        {
            thread.Start();
        }
        foreach (Thread thread in running)
        {
            thread.Join();
        }
        return (long)threads * syncs;
    }

    private long CreateFiles(VfsMachine machine)
    {
        var tree = new VfsTree(machine.Calls, "/one/");
        tree.MakeDirectories();
        long files = tree.Create();
        _ = VfsMachine.Check(machine.Calls.Sync());
        return files;
    }

    private long CreateHostFiles(string directory)
    {
        var files = new FileSet(directory + "/", FileSet.Shuffled(FileCount), VfsSuite.PerDirectory);
        foreach (string parent in files.Strings.Select(static path => path[..path.LastIndexOf('/')]).Distinct())
        {
            _ = Directory.CreateDirectory(parent);
        }
        foreach (string path in files.Strings)
        {
            HostFiles.Create(path, _content);
        }
        using var any = new RawFile(Path.Combine(directory, "end"), 0);
        any.FlushFileSystem();
        return files.Count;
    }

    private static void Remove(string directory)
    {
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static int Create(Syscalls calls, string path) =>
        (int)VfsMachine.Check(calls.Open(System.Text.Encoding.UTF8.GetBytes(path), OpenFlags.ReadWrite | OpenFlags.Create, 0x1A4));

    private static string PathOf(string prefix, int number) => string.Create(CultureInfo.InvariantCulture, $"{prefix}{number}");
}
