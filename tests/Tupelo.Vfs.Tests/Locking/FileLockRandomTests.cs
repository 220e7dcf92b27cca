// Random record locks: against the host's kernel, call by call, and on several threads against the rules themselves.
using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Locking;

public sealed class FileLockRandomTests(ITestOutputHelper output)
{
    private const int Bytes = 64;

    // Four owners on one host file: this process (POSIX) and three open file descriptions, against the same four here.
    [Fact]
    public void RandomCalls_GiveWhatTheHostsKernelGives()
    {
        Assert.SkipUnless(HostKernel.IsAvailable, "needs Linux");
        int seed = TestThread.NewSeed(output);
        Random random = new(seed);
        string path = Path.Combine(Path.GetTempPath(), $"tupelo-locks-{Environment.ProcessId}-{seed}");
        int[] fds = [.. Enumerable.Range(0, 4).Select(_ => HostKernel.Open(path, HostKernel.O_RDWR | HostKernel.O_CREAT | HostKernel.O_CLOEXEC))];
        try
        {
            FileLockList list = new(new LockGraph());
            LockOwner[] owners =
            [
                LockOwner.ForProcess(new object(), Environment.ProcessId),
                LockOwner.ForOpenFile(new object()),
                LockOwner.ForOpenFile(new object()),
                LockOwner.ForOpenFile(new object()),
            ];
            for (int step = 0; step < 60_000; step++)
            {
                int who = random.Next(owners.Length);
                bool get = random.Next(3) == 0;
                HostKernel.Flock64 theirs = RandomRequest(random);
                LockRequest ours = new()
                {
                    Type = (LockType)theirs.Type,
                    Whence = theirs.Whence,
                    Start = theirs.Start,
                    Length = theirs.Length,
                    ProcessId = theirs.Pid,
                };
                string what = $"seed {seed} step {step}: owner {who} {(get ? "get" : "set")} {ours}";
                int command = get
                    ? who == 0 ? HostKernel.F_GETLK : HostKernel.F_OFD_GETLK
                    : who == 0 ? HostKernel.F_SETLK : HostKernel.F_OFD_SETLK;
                long expected = HostKernel.FcntlLock(fds[who], command, ref theirs);
                Errno actual = get
                    ? list.GetLock(owners[who], ref ours, 0, 0)
                    : list.SetLock(owners[who], ours, 0, 0, true, true, false, null);
                Assert.True(expected == -(long)actual, $"{what}: host {expected}, ours {actual}");
                if (get && expected == 0)
                {
                    LockRequest answer = new()
                    {
                        Type = (LockType)theirs.Type,
                        Whence = theirs.Whence,
                        Start = theirs.Start,
                        Length = theirs.Length,
                        ProcessId = theirs.Pid,
                    };
                    Assert.True(answer == ours, $"{what}: host {answer}, ours {ours}");
                }
                CheckInvariants(list, what);
            }
        }
        finally
        {
            Array.ForEach(fds, HostKernel.Close);
            File.Delete(path);
        }
    }

    [Fact]
    public void RandomFlocks_GiveWhatTheHostsKernelGives()
    {
        Assert.SkipUnless(HostKernel.IsAvailable, "needs Linux");
        int seed = TestThread.NewSeed(output);
        Random random = new(seed);
        string path = Path.Combine(Path.GetTempPath(), $"tupelo-flock-{Environment.ProcessId}-{seed}");
        int[] fds = [.. Enumerable.Range(0, 4).Select(_ => HostKernel.Open(path, HostKernel.O_RDWR | HostKernel.O_CREAT | HostKernel.O_CLOEXEC))];
        try
        {
            FlockList list = new();
            object[] owners = [.. fds.Select(_ => new object())];
            for (int step = 0; step < 20_000; step++)
            {
                int who = random.Next(owners.Length);
                int operation = 4 | (random.Next(8) switch { 0 or 1 or 2 => 1, 3 or 4 => 2, 5 or 6 => 8, _ => random.Next(16) });
                int expected = HostKernel.Flock(fds[who], operation);
                Errno actual = list.Apply(owners[who], (FlockOperation)operation, null);
                Assert.True(expected == -(int)actual, $"seed {seed} step {step}: owner {who} flock({operation}): host {expected}, ours {actual}");
            }
        }
        finally
        {
            Array.ForEach(fds, HostKernel.Close);
            File.Delete(path);
        }
    }

    // Threads lock, work on plain fields, unlock; some are interrupted, some meet EDEADLK. The fields tell whether a lock kept its word.
    [Fact]
    public void BlockingLocks_OnManyThreads_ExcludeEachOther_AndEverybodyComesBack()
    {
        int seed = TestThread.NewSeed(output);
        LockGraph graph = new();
        FileLockList[] files = [new(graph), new(graph)];
        int[][] writers = [new int[Bytes], new int[Bytes]];
        int[][] readers = [new int[Bytes], new int[Bytes]];
        int deadlocks = 0;
        int interrupted = 0;
        Interrupt[] interrupts = [.. Enumerable.Range(0, 4).Select(_ => new Interrupt())];
        using CancellationTokenSource stop = new();
        TestThread[] threads = [.. Enumerable.Range(0, 4).Select(number => TestThread.Run(() =>
        {
            Random random = new(seed + number);
            LockOwner owner = number == 3 ? LockOwner.ForOpenFile(new object()) : LockOwner.ForProcess(new object(), number);
            for (int round = 0; round < 4000; round++)
            {
                // An OFD owner takes one lock at a time: nobody looks for its deadlocks.
                int file = random.Next(2);
                if (Enter(file, out LockRange first, out bool exclusive))
                {
                    if (!owner.IsOpenFile && random.Next(2) == 0 && Enter(1 - file, out LockRange second, out bool secondExclusive))
                    {
                        Leave(1 - file, second, secondExclusive);
                    }
                    Leave(file, first, exclusive);
                }
            }

            bool Enter(int file, out LockRange range, out bool exclusive)
            {
                long start = random.Next(Bytes);
                range = new LockRange(start, Math.Min(Bytes - 1, start + random.Next(16)));
                exclusive = random.Next(2) == 0;
                Errno error = files[file].Set(owner, range, exclusive ? LockType.Write : LockType.Read, true, interrupts[number]);
                if (error != Errno.None)
                {
                    Assert.True(error is Errno.EINTR or Errno.EDEADLK, $"seed {seed}: {error}");
                    _ = Interlocked.Increment(ref error == Errno.EINTR ? ref interrupted : ref deadlocks);
                    interrupts[number].Clear();
                    return false;
                }
                for (long i = range.Start; i <= range.End; i++)
                {
                    if (exclusive)
                    {
                        Assert.Equal(1, Interlocked.Increment(ref writers[file][i]));
                        Assert.Equal(0, Volatile.Read(ref readers[file][i]));
                    }
                    else
                    {
                        _ = Interlocked.Increment(ref readers[file][i]);
                        Assert.Equal(0, Volatile.Read(ref writers[file][i]));
                    }
                }
                return true;
            }

            void Leave(int file, LockRange range, bool exclusive)
            {
                for (long i = range.Start; i <= range.End; i++)
                {
                    _ = Interlocked.Decrement(ref (exclusive ? writers : readers)[file][i]);
                }
                Assert.Equal(Errno.None, files[file].Set(owner, range, LockType.Unlock, false, null));
            }
        }))];
        TestThread signaller = TestThread.Run(() =>
        {
            Random random = new(seed);
            while (!stop.IsCancellationRequested)
            {
                interrupts[random.Next(interrupts.Length)].Raise();
                Thread.Sleep(1);
            }
        });
        foreach (TestThread thread in threads)
        {
            thread.Join();
        }
        stop.Cancel();
        signaller.Join();
        output.WriteLine($"{deadlocks} deadlocks avoided, {interrupted} waits interrupted");
        Assert.Equal(0, graph.WaitingOwners);
        Assert.All(files, file =>
        {
            Assert.Equal(0, file.WaiterCount);
            Assert.True(file.IsEmpty);
        });
    }

    private static HostKernel.Flock64 RandomRequest(Random random) => new()
    {
        Type = (short)(random.Next(40) == 0 ? random.Next(-1, 5) : random.Next(3)),
        Whence = (short)(random.Next(60) == 0 ? random.Next(-1, 4) : 0),
        Start = random.Next(50) == 0 ? random.NextInt64(long.MinValue, long.MaxValue) : random.Next(Bytes),
        Length = random.Next(20) switch
        {
            0 => 0,
            1 => -random.Next(Bytes),
            2 => random.NextInt64(long.MinValue, long.MaxValue),
            3 => long.MaxValue - random.Next(3),
            _ => random.Next(1, Bytes / 4),
        },
        Pid = random.Next(50) == 0 ? 1 : 0,
    };

    private static void CheckInvariants(FileLockList list, string what)
    {
        IReadOnlyList<(LockOwner Owner, LockType Type, LockRange Range)> records = list.Snapshot();
        HashSet<LockOwner> finished = [];
        for (int i = 1; i < records.Count; i++)
        {
            if (records[i].Owner == records[i - 1].Owner)
            {
                Assert.True(records[i].Range.Start > records[i - 1].Range.End, what);
                Assert.True(records[i].Type != records[i - 1].Type || records[i].Range.Start - 1 > records[i - 1].Range.End, what);
            }
            else
            {
                Assert.True(finished.Add(records[i - 1].Owner) && !finished.Contains(records[i].Owner), what);
            }
        }
        foreach ((LockOwner owner, LockType type, LockRange range) in records)
        {
            Assert.DoesNotContain(records, other => other.Owner != owner && other.Range.Overlaps(range)
                && (type == LockType.Write || other.Type == LockType.Write));
        }
    }
}
