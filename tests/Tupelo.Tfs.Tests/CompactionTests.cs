using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tupelo.Block;
using Tupelo.FileSystems;
using Tupelo.Tests;
using Tupelo.Vfs;

namespace Tupelo.Tfs.Tests;

/// <summary>Compaction while others go on writing: what they change between its steps is in both logs, nobody waits for long, a crash
/// shows the old log or the new one, and the memory of what was deleted comes back.</summary>
public sealed class CompactionTests(ITestOutputHelper output)
{
    private static readonly TfsMountOptions s_smallSteps = new() { FlushDelay = TimeSpan.Zero, CompactionStepBytes = 300, AutoCompact = false };

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    [InlineData(24)]
    public void RandomCallsBetweenItsSteps_GiveTheSameAsOnRamFs(int seed)
    {
        var random = new Random(seed);
        using var device = new MemoryBlockDevice(24 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using var model = new VfsMachine(new RamFsType(), "");
        Assert.Equal(0, model.Calls.FChModAt2(AtFd.CurrentDirectory, "/"u8, 0x1ED));
        var tfs = new VfsMachine(device, s_smallSteps);
        Assert.Equal(0, tfs.Calls.FChModAt2(AtFd.CurrentDirectory, "/"u8, 0x1ED));
        int between = 0;
        try
        {
            for (int round = 0; round < 60; round++)
            {
                Run(model, tfs, random, 40, seed);
                Assert.Equal(Errno.None, tfs.Volume!.Compact((_, _) =>
                {
                    int calls = random.Next(6);
                    between += calls;
                    Run(model, tfs, random, calls, seed);
                    if (random.Next(4) == 0)
                    {
                        Assert.Equal(0, tfs.Calls.Sync());
                    }
                }));
                if (round % 5 == 0)
                {
                    Assert.Equal(0, tfs.Calls.Sync());
                    MountedModelTests.CheckVolume(device, seed, round);
                    MountedModelTests.AssertSameTree(model, tfs, seed, round);
                }
                if (round % 20 == 19)
                {
                    tfs.Dispose();
                    model.CloseFiles();
                    tfs = new VfsMachine(device, s_smallSteps);
                    MountedModelTests.AssertSameTree(model, tfs, seed, round);
                }
            }
            Assert.True(between > 300, $"only {between} calls between the steps");
        }
        finally
        {
            tfs.Dispose();
        }
        TfsCheckReport report = TfsChecker.Check(device);
        Assert.True(report.IsClean && !report.NeedsRepair, string.Join(", ", report.Findings));
    }

    [Fact]
    public void CrashAtAnyWrite_ShowsEverySyncedChange_InTheOldLogOrTheNew()
    {
        const int Files = 12;
        // How many writes there are, and what was synced before each.
        using var start = new MemoryBlockDevice(4 << 20);
        MountedModelTests.MakeEmptyVolume(start);
        byte[] empty = BytesOf(start);
        long writes = Work(empty, long.MaxValue, out _, out _);
        Assert.InRange(writes, 40, 2000);
        for (long at = 0; at < writes; at++)
        {
            _ = Work(empty, at, out byte[] left, out int synced);
            using var device = new MemoryBlockDevice(left);
            TfsCheckReport report = TfsChecker.Check(device);
            Assert.True(report.IsClean, string.Create(CultureInfo.InvariantCulture, $"write {at}: {string.Join(", ", report.Findings)}"));
            using var machine = new VfsMachine(device);
            Dictionary<string, string> tree = machine.Tree();
            for (int file = 0; file < Files; file++)
            {
                Assert.True(tree.ContainsKey($"/d/old{file}"), $"write {at}: old{file} is lost");
            }
            for (int file = 0; file < synced; file++)
            {
                Assert.True(tree.ContainsKey($"/d/new{file}"), $"write {at}: new{file} was synced, and is lost");
            }
        }

        static long Work(byte[] empty, long failAt, out byte[] left, out int synced)
        {
            using var memory = new MemoryBlockDevice(empty);
            using var device = new FlakyBlockDevice(memory);
            var machine = new VfsMachine(device, s_smallSteps);
            Assert.Equal(0, machine.Calls.MkDirAt(AtFd.CurrentDirectory, "/d"u8, 0x1ED));
            for (int file = 0; file < Files; file++)
            {
                Make(machine, $"/d/old{file}");
            }
            Assert.Equal(0, machine.Calls.Sync());
            long before = device.CountOf(BlockOperation.Write);
            if (failAt != long.MaxValue)
            {
                device.FailAt(BlockOperation.Write, before + failAt, new Fault(Errno.EIO, Latch: FaultLatch.Changes));
            }
            int made = 0;
            int durable = 0;
            for (int round = 0; round < 2; round++)
            {
                _ = machine.Volume!.Compact((_, _) =>
                {
                    Make(machine, $"/d/new{made}");
                    if (made % 2 == 1)
                    {
                        _ = machine.Calls.UnlinkAt(AtFd.CurrentDirectory, Encoding.ASCII.GetBytes($"/d/gone{made}"));
                        durable = machine.Volume!.Sync() == Errno.None ? made + 1 : durable;
                    }
                    made++;
                    Make(machine, $"/d/gone{made}");
                });
            }
            synced = durable;
            long after = device.CountOf(BlockOperation.Write);
            left = BytesOf(memory);
            machine.Dispose();
            return after - before;
        }
    }

    [Fact]
    public void TransactionThatBegins_EndsIt_AndTheOldLogGoesOn()
    {
        using var device = new MemoryBlockDevice(8 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using (var machine = new VfsMachine(device, s_smallSteps))
        {
            for (int i = 0; i < 50; i++)
            {
                Make(machine, $"/file{i}");
            }
            TfsTransaction? transaction = null;
            Assert.Equal(Errno.EBUSY, machine.Volume!.Compact((_, _) =>
            {
                if (transaction is null)
                {
                    Assert.Equal(Errno.None, machine.Volume!.BeginTransaction(out transaction));
                    Make(machine, "/in-the-transaction");
                }
            }));
            Assert.Equal(Errno.EBUSY, machine.Volume!.Compact());
            Assert.Equal(Errno.None, transaction!.Commit());
            Assert.Equal(Errno.None, machine.Volume!.Compact());
        }
        MountedModelTests.CheckVolume(device, 0, 0);
        using var again = new VfsMachine(device);
        Assert.Equal(52, again.Tree().Count);
    }

    [Fact]
    public void FilesWithoutANameThatAreInUse_OutliveIt()
    {
        using var device = new MemoryBlockDevice(8 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using var machine = new VfsMachine(device, s_smallSteps);
        byte[] text = "what an open file holds"u8.ToArray();
        int removed = (int)machine.Calls.Open("/removed"u8, OpenFlags.ReadWrite | OpenFlags.Create, 0x1A4);
        Assert.Equal(text.Length, machine.Calls.PWrite(removed, text, 0));
        Assert.Equal(0, machine.Calls.FSync(removed));
        Assert.Equal(0, machine.Calls.UnlinkAt(AtFd.CurrentDirectory, "/removed"u8));
        int temporary = (int)machine.Calls.Open("/"u8, OpenFlags.ReadWrite | OpenFlags.TemporaryFile, 0x1A4);
        Assert.True(temporary >= 0);
        Assert.Equal(text.Length, machine.Calls.PWrite(temporary, text, 0));
        Assert.Equal(0, machine.Calls.FSync(temporary));
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(Errno.None, machine.Volume!.Compact());
            for (int i = 0; i < 30; i++)
            {
                Make(machine, $"/other{round}.{i}"); // takes the numbers that came free
            }
        }
        foreach (int fd in (ReadOnlySpan<int>)[removed, temporary])
        {
            byte[] read = new byte[text.Length];
            Assert.Equal(text.Length, machine.Calls.PRead(fd, read, 0));
            Assert.Equal(text, read);
            Assert.Equal(text.Length, machine.Calls.PWrite(fd, text, 100));
            Assert.Equal(0, machine.Calls.FSync(fd));
        }
        Assert.Equal(0, machine.Calls.LinkAt(temporary, ""u8, AtFd.CurrentDirectory, "/named"u8, AtFlags.EmptyPath));
        Assert.Equal(Errno.None, machine.Volume!.Compact());
        Assert.Equal(123, machine.ReadAll("/named").Length);
    }

    [Fact]
    public void ANumberThatAnotherFileHasGot_IsNoHandleOfTheOldOne()
    {
        using var device = new MemoryBlockDevice(8 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using var machine = new VfsMachine(device, s_smallSteps);
        Make(machine, "/first");
        byte[] handle = new byte[8 + 128];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(handle, 128);
        Assert.Equal(0, machine.Calls.NameToHandleAt(AtFd.CurrentDirectory, "/first"u8, handle, out _));
        int root = (int)machine.Calls.Open("/"u8, OpenFlags.Directory);
        long fd = machine.Calls.OpenByHandleAt(root, handle, OpenFlags.ReadOnly);
        Assert.True(fd >= 0, $"{fd}");
        _ = machine.Calls.Close((int)fd);
        Assert.Equal(0, machine.Calls.UnlinkAt(AtFd.CurrentDirectory, "/first"u8));
        Assert.Equal(-(long)Errno.ESTALE, machine.Calls.OpenByHandleAt(root, handle, OpenFlags.ReadOnly));
        Assert.Equal(Errno.None, machine.Volume!.Compact());
        for (int i = 0; i < 50; i++)
        {
            Make(machine, $"/next{i}");
            Assert.Equal(-(long)Errno.ESTALE, machine.Calls.OpenByHandleAt(root, handle, OpenFlags.ReadOnly));
        }
    }

    [Fact]
    public void CreatingAndRemovingTwoHundredThousandFiles_TakesNoMemoryAndNoLog()
    {
        const int Files = 200_000;
        using var device = new MemoryBlockDevice(32 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using var machine = new VfsMachine(device);
        TupleStore store = machine.Volume!.Metadata.Store;
        int highestTuple = 0;
        int highestSymbol = 0;
        long blobAtStart = 0;
        for (int i = 0; i < Files; i++)
        {
            byte[] name = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/a-name-that-never-comes-again-{i:D6}"));
            int fd = (int)machine.Calls.Open(name, OpenFlags.ReadWrite | OpenFlags.Create, 0x1A4);
            Assert.True(fd >= 0, $"file {i}: {fd}");
            Assert.Equal(0, machine.Calls.SetXattrAt(AtFd.CurrentDirectory, name, AtFlags.None, "user.note"u8, name, XattrFlags.None));
            Assert.Equal(0, machine.Calls.Close(fd));
            Assert.Equal(0, machine.Calls.UnlinkAt(AtFd.CurrentDirectory, name));
            if (i % 1000 == 999)
            {
                Assert.Equal(0, machine.Calls.Sync());
            }
            if (i == Files / 4)
            {
                (highestTuple, highestSymbol) = (store.TupleCount, store.Symbols.Count);
                blobAtStart = store.StringBytes;
            }
        }
        output.WriteLine($"{store.TupleCount} tuples, {store.Symbols.Count} symbols, {store.StringBytes} bytes of strings, {blobAtStart} after a quarter; log of {machine.Volume!.Log.Chain.Count} extensions");
        Assert.InRange(store.TupleCount, 1, highestTuple + (highestTuple / 2));
        Assert.InRange(store.Symbols.Count, 1, highestSymbol + (highestSymbol / 2));
        Assert.InRange(store.TupleCount, 1, 60_000);
        Assert.InRange(store.StringBytes, 1, blobAtStart + (blobAtStart / 4));
        Assert.InRange(machine.Volume!.Log.Chain.Count, 1, 16);
    }

    // TUPELO_STALL_FILES=1000000 measures what a large volume does; then the promise of 50 ms is held to.
    [Fact]
    public void Writers_NeverWaitLongForIt()
    {
        int files = int.Parse(Environment.GetEnvironmentVariable("TUPELO_STALL_FILES") ?? "20000", CultureInfo.InvariantCulture);
        bool isCampaign = Environment.GetEnvironmentVariable("TUPELO_STALL_FILES") is not null;
        using var device = new MemoryBlockDevice((64L << 20) + (files * 1024L));
        MountedModelTests.MakeEmptyVolume(device);
        using var machine = new VfsMachine(device, new TfsMountOptions { FlushDelay = TimeSpan.Zero, AutoCompact = false });
        for (int i = 0; i < files; i++)
        {
            if (i % 2000 == 0)
            {
                Assert.Equal(0, machine.Calls.MkDirAt(AtFd.CurrentDirectory, Encoding.ASCII.GetBytes($"/d{i / 2000}"), 0x1ED));
            }
            Make(machine, $"/d{i / 2000}/file{i}");
        }
        Assert.Equal(0, machine.Calls.Sync());
        using var stop = new CancellationTokenSource();
        TimeSpan longest = TimeSpan.Zero;
        long calls = 0;
        var writer = new Thread(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                long begun = Stopwatch.GetTimestamp();
                Make(machine, $"/d0/extra{i}");
                _ = machine.Calls.UnlinkAt(AtFd.CurrentDirectory, Encoding.ASCII.GetBytes($"/d0/extra{i}"));
                if (i % 16 == 0)
                {
                    Assert.Equal(0, machine.Calls.Sync());
                }
                TimeSpan took = Stopwatch.GetElapsedTime(begun);
                longest = took > longest ? took : longest;
                calls++;
            }
        });
        writer.Start();
        while (Volatile.Read(ref calls) < 1000)
        {
            Thread.Yield();
        }
        longest = TimeSpan.Zero;
        long before = Volatile.Read(ref calls);
        TimeSpan pauses = GC.GetTotalPauseDuration();
        long compacting = Stopwatch.GetTimestamp();
        Errno errno = machine.Volume!.Compact();
        TimeSpan whole = Stopwatch.GetElapsedTime(compacting);
        long during = Volatile.Read(ref calls) - before;
        stop.Cancel();
        writer.Join();
        output.WriteLine($"{files} files: compaction took {whole.TotalMilliseconds:F0} ms, {during} rounds of a writer meanwhile, the longest {longest.TotalMilliseconds:F1} ms; {(GC.GetTotalPauseDuration() - pauses).TotalMilliseconds:F0} ms of garbage collection");
        Assert.Equal(Errno.None, errno);
        Assert.True(during > 0);
        Assert.True(!isCampaign || longest < TimeSpan.FromMilliseconds(50), $"a writer waited {longest.TotalMilliseconds} ms");
    }

    [Fact]
    public void ManyThreads_WriteAndSync_WhileTheLogIsCompactedAgainAndAgain()
    {
        const int Threads = 4;
        const int Rounds = 300;
        using var device = new MemoryBlockDevice(64 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using (var machine = new VfsMachine(device, new TfsMountOptions { FlushDelay = TimeSpan.FromMilliseconds(5), CompactionStepBytes = 2000 }))
        {
            var threads = new List<Thread>();
            int running = Threads;
            for (int t = 0; t < Threads; t++)
            {
                int number = t;
                var thread = new Thread(() =>
                {
                    try
                    {
                        byte[] directory = Encoding.ASCII.GetBytes($"/t{number}");
                        Assert.Equal(0, machine.Calls.MkDirAt(AtFd.CurrentDirectory, directory, 0x1ED));
                        for (int i = 0; i < Rounds; i++)
                        {
                            Make(machine, $"/t{number}/kept{i}");
                            Make(machine, $"/t{number}/gone{i}");
                            Assert.Equal(0, machine.Calls.RenameAt2(AtFd.CurrentDirectory, Encoding.ASCII.GetBytes($"/t{number}/gone{i}"), AtFd.CurrentDirectory, Encoding.ASCII.GetBytes($"/t{number}/moved{i}"), RenameFlags.None));
                            Assert.Equal(0, machine.Calls.UnlinkAt(AtFd.CurrentDirectory, Encoding.ASCII.GetBytes($"/t{number}/moved{i}")));
                            if (i % 10 == 0)
                            {
                                Assert.Equal(0, machine.Calls.Sync());
                            }
                        }
                    }
                    finally
                    {
                        _ = Interlocked.Decrement(ref running);
                    }
                });
                threads.Add(thread);
                thread.Start();
            }
            int compactions = 0;
            while (Volatile.Read(ref running) > 0)
            {
                Assert.Equal(Errno.None, machine.Volume!.Compact());
                compactions++;
            }
            threads.ForEach(static thread => thread.Join());
            output.WriteLine($"{compactions} compactions");
            Assert.True(compactions > 0);
            Assert.Equal(1 + Threads + (Threads * Rounds), machine.Tree().Count);
        }
        MountedModelTests.CheckVolume(device, 0, 0);
        using var again = new VfsMachine(device);
        Assert.Equal(1 + Threads + (Threads * Rounds), again.Tree().Count);
        Assert.True(TfsChecker.Check(device).IsClean);
    }

    private static void Run(VfsMachine model, VfsMachine tfs, Random random, int calls, int seed)
    {
        for (int i = 0; i < calls; i++)
        {
            var call = RandomCall.Make(random);
            string expected = call.Run(model);
            string got = call.Run(tfs);
            Assert.True(expected == got, $"seed {seed}: {call}: RamFs {expected}, TFS {got}");
        }
    }

    private static void Make(VfsMachine machine, string path)
    {
        int fd = (int)machine.Calls.Open(Encoding.ASCII.GetBytes(path), OpenFlags.ReadWrite | OpenFlags.Create, 0x1A4);
        if (fd >= 0)
        {
            _ = machine.Calls.PWrite(fd, "some text"u8, 0);
            _ = machine.Calls.Close(fd);
        }
    }

    private static byte[] BytesOf(MemoryBlockDevice device)
    {
        byte[] bytes = new byte[device.SizeBytes];
        Assert.Equal(Errno.None, device.Read(0, bytes));
        return bytes;
    }
}
