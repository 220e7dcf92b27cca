// vfs: calls of Tupelo's file layer, on RamFs and on a TFS volume in memory, against System.IO on tmpfs. The same tree everywhere:
// 100,000 files of 1 KiB in 1,000 directories, paths of five components, in random order unless a row says "hot" (one path over and
// over). Every contender works in this process; System.IO's calls go into the kernel, which is what an application would use.
using Tupelo.Vfs;

namespace Tupelo.Bench;

internal sealed class VfsSuite : Suite
{
    public const int FileCount = 100_000;
    public const int PerDirectory = 100;
    private const string Prefix = "/one/two/bench/";
    private const long VolumeBytes = 2L << 30;

    public override string Name => "vfs";

    public override IEnumerable<Race> Races(BenchOptions options)
    {
        using var host = new HostTree("/dev/shm/tupelo-bench");
        foreach ((string name, Func<VfsMachine> start) in new (string, Func<VfsMachine>)[]
            { ("RamFs", VfsMachine.Ram), ("TFS in memory", () => VfsMachine.TfsInMemory(VolumeBytes)) })
        {
            foreach (Race race in Lookups(name, start, host).Concat(Changes(name, start, host)))
            {
                yield return race;
            }
        }
        foreach (Race race in TwoThreads())
        {
            yield return race;
        }
    }

    // A tree that does not change.
    private static IEnumerable<Race> Lookups(string name, Func<VfsMachine> start, HostTree host)
    {
        using VfsMachine machine = start();
        var tree = new VfsTree(machine.Calls, Prefix);
        tree.Fill();
        if (machine.Volume is { } volume && volume.Sync() != Errno.None)
        {
            throw new InvalidOperationException("sync failed");
        }
        yield return new Race(
            $"lookup + stat, hot ({name})", "call",
            new Contender(name, () => tree.Stat(hot: true)), new Contender("System.IO tmpfs", () => host.Stat(hot: true)))
        {
            Goal = new Goal { AtMostNanoseconds = 250, AtMostBytes = 0, AtLeastTimesFaster = 10 },
        };
        yield return new Race(
            $"lookup + stat, random ({name})", "call",
            new Contender(name, () => tree.Stat(hot: false)), new Contender("System.IO tmpfs", () => host.Stat(hot: false)))
        {
            Goal = new Goal { AtMostNanoseconds = 600, AtMostBytes = 0 },
        };
        yield return new Race(
            $"lookup of a missing name, hot ({name})", "call",
            new Contender(name, () => tree.StatMissing(hot: true)), new Contender("System.IO tmpfs", () => host.StatMissing(hot: true)))
        {
            Goal = new Goal { AtMostNanoseconds = 250, AtMostBytes = 0, AtLeastTimesFaster = 10 },
        };
        yield return new Race(
            $"lookup of a missing name, random ({name})", "call",
            new Contender(name, () => tree.StatMissing(hot: false)), new Contender("System.IO tmpfs", () => host.StatMissing(hot: false)))
        {
            Goal = new Goal { AtMostNanoseconds = 400, AtMostBytes = 0 },
        };
        yield return new Race(
            $"open + close, hot ({name})", "call pair",
            new Contender(name, () => tree.OpenClose(hot: true)), new Contender("System.IO tmpfs", () => host.OpenClose(hot: true)))
        {
            Goal = new Goal { AtMostNanoseconds = 250 },
        };
        yield return new Race(
            $"open + read 1 KiB + close, hot ({name})", "file",
            new Contender(name, () => tree.Read(hot: true)), new Contender("System.IO tmpfs", () => host.Read(hot: true)))
        {
            Goal = new Goal { AtMostNanoseconds = 1000 },
        };
        yield return new Race(
            $"open + read 1 KiB + close, random ({name})", "file",
            new Contender(name, () => tree.Read(hot: false)), new Contender("System.IO tmpfs", () => host.Read(hot: false)))
        {
            Goal = new Goal { AtMostNanoseconds = 1000 },
        };
        yield return new Race(
            $"readdir ({name})", "entry",
            new Contender(name, tree.ReadDirectories), new Contender("System.IO tmpfs", host.ReadDirectories))
        {
            Goal = new Goal { AtMostNanoseconds = 100, AtMostBytes = 0 },
        };
        yield return new Race(
            $"rename ({name})", "call",
            new Contender(name, tree.Rename), new Contender("System.IO tmpfs", host.Rename))
        {
            Goal = new Goal { AtMostNanoseconds = 1000 },
        };
    }

    // Trees that are made and taken away in each round.
    private static IEnumerable<Race> Changes(string name, Func<VfsMachine> start, HostTree host)
    {
        VfsMachine? machine = null;
        VfsTree? tree = null;
        void Start()
        {
            machine = start();
            tree = new VfsTree(machine.Calls, Prefix);
        }
        void Stop()
        {
            machine!.Dispose();
            (machine, tree) = (null, null);
            GC.Collect();
        }
        yield return new Race(
            $"create + write 1 KiB + close ({name})", "file",
            new Contender(name, () => tree!.Create()) { Before = () => { Start(); tree!.MakeDirectories(); }, After = Stop },
            new Contender("System.IO tmpfs", host.CreateOthers) { After = () => host.DeleteOthers() })
        {
            Goal = new Goal { AtMostNanoseconds = 1500 },
            WarmUps = 2,
        };
        yield return new Race(
            $"unlink ({name})", "file",
            new Contender(name, () => tree!.Delete()) { Before = () => { Start(); tree!.Fill(); }, After = Stop },
            new Contender("System.IO tmpfs", host.DeleteOthers) { Before = () => host.CreateOthers() })
        {
            Goal = new Goal { AtMostNanoseconds = 800 },
            WarmUps = 2,
        };
    }

    // The same number of calls in all; two threads have half of the directories each.
    private static IEnumerable<Race> TwoThreads()
    {
        foreach ((string what, Func<VfsTree, int, int, long> work) in new (string, Func<VfsTree, int, int, long>)[]
            { ("lookup + stat", static (tree, from, to) => tree.Stat(from, to)), ("open + read 1 KiB + close", static (tree, from, to) => tree.Read(from, to)) })
        {
            using VfsMachine machine = VfsMachine.Ram();
            var tree = new VfsTree(machine.Calls, Prefix, inOrder: true);
            tree.Fill();
            VfsTree other = tree.With(machine.Fork());
            const int Times = 4;
            yield return new Race(
                $"{what}: two threads, disjoint directories", "call",
                new Contender("two threads", () => InParallel(
                    () => Repeat(Times, () => work(tree, 0, FileCount / 2)), () => Repeat(Times, () => work(other, FileCount / 2, FileCount)))) { Scope = CpuScope.Process },
                new Contender("one thread", () => Repeat(Times, () => work(tree, 0, FileCount))) { Scope = CpuScope.Process })
            {
                Goal = new Goal { AtLeastTimesFaster = 1.8 },
                Metric = Metric.Wall,
            };
        }
    }

    private static long Repeat(int times, Func<long> work)
    {
        long operations = 0;
        for (int i = 0; i < times; i++)
        {
            operations += work();
        }
        return operations;
    }

    private static long InParallel(Func<long> one, Func<long> two)
    {
        long second = 0;
        var thread = new Thread(() => second = two());
        thread.Start();
        long first = one();
        thread.Join();
        return first + second;
    }
}
