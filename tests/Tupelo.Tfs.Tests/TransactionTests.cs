using System.Globalization;
using System.Text;
using Tupelo.Block;
using Tupelo.FileSystems;
using Tupelo.Testing.Images;
using Tupelo.Tests;
using Tupelo.Vfs;

namespace Tupelo.Tfs.Tests;

/// <summary>A transaction is all or nothing: on the device at every moment, and in memory when it is taken back.</summary>
public sealed class TransactionTests
{
    private const string Old = "what was there before";

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    public void Abort_OfRandomCalls_LeavesWhatWasThereBefore_AndTheVolumeGoesOn(int seed)
    {
        const int Steps = 4000;
        var random = new Random(seed);
        using var device = new MemoryBlockDevice(24 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using var model = new VfsMachine(new RamFsType(), "");
        using var tfs = new VfsMachine(device);
        Assert.Equal(0, model.Calls.FChModAt2(AtFd.CurrentDirectory, "/"u8, 0x1ED));
        Assert.Equal(0, tfs.Calls.FChModAt2(AtFd.CurrentDirectory, "/"u8, 0x1ED));
        long sectorsBefore = -1;
        for (int step = 0; step < Steps; step++)
        {
            if (random.Next(100) == 0)
            {
                RunAndAbort(tfs, random);
                MountedModelTests.AssertSameTree(model, tfs, seed, step);
                // What the transaction had taken is free again, and nothing else is.
                Assert.Equal(0, tfs.Calls.Sync());
                MountedModelTests.CheckVolume(device, seed, step);
                StatFs space = default;
                _ = tfs.Volume!.StatFs(ref space);
                long held = OpenButRemoved(tfs);
                TfsSpaceMap map = TfsSpaceMap.Build(TfsVolume.Open(device));
                if (held == 0)
                {
                    sectorsBefore = (long)space.FreeBlocks * 8;
                    Assert.InRange(map.FreeSectors - sectorsBefore, 0, 7 + (2 * TfsFormat.ExtensionSectors)); // the log's spare extension
                }
                continue;
            }
            var call = RandomCall.Make(random);
            string expected = call.Run(model);
            string got = call.Run(tfs);
            Assert.True(expected == got, $"seed {seed}, step {step}: {call}: RamFs {expected}, TFS {got}");
        }
        MountedModelTests.AssertSameTree(model, tfs, seed, Steps);
        Assert.NotEqual(-1, sectorsBefore);
    }

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    public void Commit_OfRandomCalls_IsOneCommit_AndWhatTheModelHas(int seed)
    {
        var random = new Random(seed);
        using var device = new MemoryBlockDevice(24 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using var model = new VfsMachine(new RamFsType(), "");
        Assert.Equal(0, model.Calls.FChModAt2(AtFd.CurrentDirectory, "/"u8, 0x1ED));
        var tfs = new VfsMachine(device);
        Assert.Equal(0, tfs.Calls.FChModAt2(AtFd.CurrentDirectory, "/"u8, 0x1ED));
        for (int round = 0; round < 25; round++)
        {
            Assert.Equal(0, tfs.Calls.Sync());
            ulong commits = TfsVolume.Open(device).Log.LastCommitSequence;
            Assert.Equal(Errno.None, tfs.Volume!.BeginTransaction(out TfsTransaction? transaction));
            for (int step = 0; step < 200; step++)
            {
                var call = RandomCall.Make(random);
                if (call.Kind == 23 && (call.Flags & 3) != 0)
                {
                    continue; // a sync, which is refused here
                }
                string expected = call.Run(model);
                string got = call.Run(tfs);
                Assert.True(expected == got, $"seed {seed}, round {round}, step {step}: {call}: RamFs {expected}, TFS {got}");
            }
            Assert.Equal(Errno.EBUSY, tfs.Volume.Compact());
            Assert.Equal(Errno.None, transaction!.Commit());
            Assert.Equal(commits + 1, TfsVolume.Open(device).Log.LastCommitSequence);
            MountedModelTests.CheckVolume(device, seed, round);
            tfs.Dispose();
            model.CloseFiles();
            tfs = new VfsMachine(device);
            MountedModelTests.AssertSameTree(model, tfs, seed, round);
        }
        tfs.Dispose();
    }

    [Fact]
    public void LargeTransaction_OverSeveralExtensions_IsOneCommit_OldOrNewAfterACrash()
    {
        const int Files = 12_000;
        using var empty = new MemoryBlockDevice(48 << 20);
        MountedModelTests.MakeEmptyVolume(empty);
        using var device = new CrashBlockDevice(CopyOnWriteImage.FromDevice(empty).Freeze());
        var tfs = new VfsMachine(device);
        WriteFile(tfs, "/old", Old);
        Assert.Equal(0, tfs.Calls.Sync());
        int extensions = TfsVolume.Open(device).Log.Extensions.Count;
        int begin = device.Mark(CrashMark.OperationBegin, 1);
        Assert.Equal(Errno.None, tfs.Volume!.BeginTransaction(out TfsTransaction? transaction));
        for (int i = 0; i < Files; i++)
        {
            WriteFile(tfs, string.Create(CultureInfo.InvariantCulture, $"/a-name-that-is-not-too-short-{i}"), Old);
        }
        WriteFile(tfs, "/old", "something else");
        Assert.Equal(Errno.None, transaction!.Commit());
        CrashRecording recording = device.Record();
        tfs.Dispose();
        Assert.True(TfsVolume.Open(device).Log.Extensions.Count >= extensions + 3, "the test is meant to fill several extensions");
        int olds = 0;
        int news = 0;
        foreach (CrashEpoch epoch in recording.Epochs.Where(epoch => epoch.Changes[0].Sequence > begin))
        {
            foreach (KeptChange[] kept in SomeStates(epoch))
            {
                using var after = new CrashBlockDevice(epoch.Materialize(kept).Freeze());
                TfsVolume volume = TfsVolume.Open(after);
                int files = 0;
                foreach (TfsDirectoryEntries _ in volume.EntriesOf(volume.Root))
                {
                    files++;
                }
                Assert.True(files is 1 or Files + 1, $"{files} files in state {new CrashState(epoch.Index, kept)}");
                using var again = new VfsMachine(after);
                Assert.Equal(files == 1 ? Old : "something else", Encoding.UTF8.GetString(again.ReadAll("/old")));
                _ = files == 1 ? olds++ : news++;
            }
        }
        Assert.True(olds > 20 && news >= 1, $"{olds} old, {news} new");
        Assert.Equal(Files + 1, IndependentVolume.Read(new ImageBytes(device.SizeBytes, (offset, buffer) => Assert.Equal(Errno.None, device.Read(offset, buffer)))).Entries.Count(entry => entry.PathText != "/"));
    }

    [Fact]
    public void OverwrittenBytes_AreTheOldOnesUntilTheCommit_AndAfterAnAbort()
    {
        using var device = new MemoryBlockDevice(8 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using var tfs = new VfsMachine(device);
        byte[] before = new byte[100_000];
        new Random(1).NextBytes(before);
        int fd = (int)tfs.Calls.Open("/file"u8, OpenFlags.Create | OpenFlags.ReadWrite, 0x1A4);
        Assert.Equal(before.Length, tfs.Calls.PWrite(fd, before, 0));
        Assert.Equal(0, tfs.Calls.Sync());
        Assert.Equal(Errno.None, tfs.Volume!.BeginTransaction(out TfsTransaction? transaction));
        Assert.Equal(5000, tfs.Calls.PWrite(fd, new byte[5000], 10_000));
        Assert.Equal(0, tfs.Calls.FTruncate(fd, 50_001));
        Assert.Equal(-(long)Errno.EBUSY, tfs.Calls.FSync(fd));
        // Written back by pressure on the cache, or by a look for holes: the durable bytes stay.
        Assert.Equal(0, tfs.Calls.LSeek(fd, 0, SeekWhence.Data));
        using (var durable = new VfsMachine(Copy(device)))
        {
            Assert.Equal(before, durable.ReadAll("/file"));
        }
        transaction!.Abort();
        Assert.Equal(before, tfs.ReadAll("/file"));
        byte[] read = new byte[5000];
        Assert.Equal(5000, tfs.Calls.PRead(fd, read, 10_000)); // a descriptor of before the transaction is as good as ever
        Assert.Equal(before[10_000..15_000], read);
        Assert.Equal(5, tfs.Calls.PWrite(fd, "after"u8, 0));
        Assert.Equal(0, tfs.Calls.FSync(fd));
        MountedModelTests.CheckVolume(device, 0, 0);
    }

    [Fact]
    public void TransactionThatDoesNotFit_SaysENOSPC_AndCanBeTakenBack()
    {
        using var device = new MemoryBlockDevice(4 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using var tfs = new VfsMachine(device);
        WriteFile(tfs, "/old", Old);
        Assert.Equal(0, tfs.Calls.Sync());
        Dictionary<string, string> before = tfs.Tree();
        Assert.Equal(Errno.None, tfs.Volume!.BeginTransaction(out TfsTransaction? transaction));
        long result = 0;
        for (int i = 0; i < 100_000 && result >= 0; i++)
        {
            result = tfs.Calls.SetXattrAt(AtFd.CurrentDirectory, "/old"u8, AtFlags.None, Encoding.ASCII.GetBytes($"user.x{i}"), new byte[1000], XattrFlags.None);
        }
        Assert.Equal(-(long)Errno.ENOSPC, result);
        transaction!.Abort();
        Assert.Equal(before, tfs.Tree());
        WriteFile(tfs, "/more", Old);
        Assert.Equal(0, tfs.Calls.Sync());
        MountedModelTests.CheckVolume(device, 0, 0);
    }

    [Fact]
    public void Dispose_WithoutCommit_TakesBack_AndWhatWasMadeGoesWithItsLastUser()
    {
        using var device = new MemoryBlockDevice(8 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        using var tfs = new VfsMachine(device);
        Assert.Equal(0, tfs.Calls.MkDirAt(AtFd.CurrentDirectory, "/d"u8, 0x1ED));
        WriteFile(tfs, "/d/f", Old);
        Dictionary<string, string> before = tfs.Tree();
        int made;
        Assert.Equal(Errno.None, tfs.Volume!.BeginTransaction(out TfsTransaction? transaction));
        using (transaction)
        {
            made = (int)tfs.Calls.Open("/made"u8, OpenFlags.Create | OpenFlags.ReadWrite, 0x1A4);
            Assert.Equal(7, tfs.Calls.Write(made, "content"u8));
            Assert.Equal(0, tfs.Calls.UnlinkAt(AtFd.CurrentDirectory, "/d/f"u8));
            Assert.Equal(0, tfs.Calls.UnlinkAt(AtFd.CurrentDirectory, "/d"u8, AtFlags.RemoveDirectory));
            Assert.Equal(0, tfs.Calls.MkDirAt(AtFd.CurrentDirectory, "/d"u8, 0x1C0));
        }
        Assert.Equal(before, tfs.Tree());
        Stat stat = default;
        Assert.Equal(0, tfs.Calls.FStat(made, ref stat));
        Assert.Equal(0u, stat.LinkCount);
        Assert.Equal(0, tfs.Calls.Close(made));
        Assert.Equal(Errno.EINVAL, transaction!.Commit());
        Assert.Equal(0, tfs.Calls.Sync());
        MountedModelTests.CheckVolume(device, 0, 0);
    }

    [Fact]
    public void UnmountWithAnOpenTransaction_LeavesTheDeviceAsItWas()
    {
        using var device = new MemoryBlockDevice(8 << 20);
        MountedModelTests.MakeEmptyVolume(device);
        var tfs = new VfsMachine(device);
        WriteFile(tfs, "/old", Old);
        Assert.Equal(0, tfs.Calls.Sync());
        Assert.Equal(Errno.None, tfs.Volume!.BeginTransaction(out _));
        WriteFile(tfs, "/old", "new");
        tfs.Dispose();
        using var again = new VfsMachine(device);
        Assert.Equal(Old, Encoding.UTF8.GetString(again.ReadAll("/old")));
    }

    private static void RunAndAbort(VfsMachine tfs, Random random)
    {
        Assert.Equal(Errno.None, tfs.Volume!.BeginTransaction(out TfsTransaction? transaction));
        int calls = random.Next(1, 80);
        for (int i = 0; i < calls; i++)
        {
            // Descriptors of its own, and some of those that were open before, to read and write; none of these is closed here.
            var call = RandomCall.Make(random);
            bool usesDescriptor = call.Kind is >= 9 and <= 17;
            _ = (usesDescriptor && random.Next(2) == 0 ? call : call with { Slot = call.Slot + 100 }).Run(tfs);
        }
        if (random.Next(2) == 0)
        {
            CloseOwn(tfs);
        }
        transaction!.Abort();
        CloseOwn(tfs);
    }

    private static void CloseOwn(VfsMachine tfs)
    {
        foreach (int slot in tfs.Files.Keys.Where(slot => slot >= 100).ToArray())
        {
            _ = tfs.Files.Remove(slot, out int fd);
            Assert.Equal(0, tfs.Calls.Close(fd));
        }
    }

    private static long OpenButRemoved(VfsMachine tfs)
    {
        long count = 0;
        foreach (int fd in tfs.Files.Values)
        {
            Stat stat = default;
            Assert.Equal(0, tfs.Calls.FStat(fd, ref stat));
            count += stat.LinkCount == 0 ? 1 : 0;
        }
        return count;
    }

    private static void WriteFile(VfsMachine tfs, string path, string text)
    {
        int fd = (int)tfs.Calls.Open(Encoding.UTF8.GetBytes(path), OpenFlags.Create | OpenFlags.ReadWrite | OpenFlags.Truncate, 0x1A4);
        Assert.True(fd >= 0, $"{path}: {(Errno)(-fd)}");
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Assert.Equal(bytes.Length, tfs.Calls.Write(fd, bytes));
        Assert.Equal(0, tfs.Calls.Close(fd));
    }

    // Prefixes, single changes, all but one, and torn ones, a handful of each where there are many.
    private static IEnumerable<KeptChange[]> SomeStates(CrashEpoch epoch)
    {
        int count = epoch.Changes.Count;
        int step = Math.Max(1, count / 6);
        for (int i = 0; i <= count; i += step)
        {
            yield return KeptChange.AllOf(i);
        }
        yield return KeptChange.AllOf(count);
        for (int i = 0; i < count; i += step)
        {
            yield return [new KeptChange(i)];
            yield return [.. Enumerable.Range(0, count).Where(other => other != i).Select(other => new KeptChange(other))];
            long sectors = epoch.Changes[i].SectorCount(epoch.SectorBytes);
            if (sectors > 1)
            {
                yield return [.. KeptChange.AllOf(i), new KeptChange(i, SectorChoice.First, (ulong)(sectors / 2))];
                yield return [.. KeptChange.AllOf(i), new KeptChange(i, SectorChoice.Last, (ulong)(sectors / 2))];
            }
        }
    }

    private static MemoryBlockDevice Copy(MemoryBlockDevice device)
    {
        byte[] bytes = new byte[device.SizeBytes];
        Assert.Equal(Errno.None, device.Read(0, bytes));
        return new MemoryBlockDevice(bytes);
    }
}
