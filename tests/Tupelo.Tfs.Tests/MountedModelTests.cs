using System.Globalization;
using System.Text;
using Tupelo.Block;
using Tupelo.FileSystems;
using Tupelo.Testing.Images;
using Tupelo.Tests;
using Tupelo.Vfs;

namespace Tupelo.Tfs.Tests;

/// <summary>A mounted TFS volume and RamFs are given the same calls: every answer, and the tree at the end, must be the same, over
/// syncs, compactions and remounts; and what is on the device must be what the independent reader expects.</summary>
public sealed class MountedModelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void RandomCalls_GiveTheSameOnTfsAsOnRamFs_OverRemountsAndCompactions(int seed)
    {
        const int Steps = 6000;
        var random = new Random(seed);
        using var device = new MemoryBlockDevice(24 << 20);
        MakeEmptyVolume(device);
        using var model = new VfsMachine(new RamFsType(), "");
        var tfs = new VfsMachine(device);
        Assert.Equal(0, model.Calls.FChModAt2(AtFd.CurrentDirectory, "/"u8, 0x1ED));
        Assert.Equal(0, tfs.Calls.FChModAt2(AtFd.CurrentDirectory, "/"u8, 0x1ED));
        try
        {
            for (int step = 0; step < Steps; step++)
            {
                int action = random.Next(1000);
                if (action < 4)
                {
                    tfs.Dispose();
                    model.CloseFiles();
                    CheckVolume(device, seed, step);
                    tfs = new VfsMachine(device);
                    AssertSameTree(model, tfs, seed, step);
                }
                else if (action < 10)
                {
                    Assert.Equal(0, tfs.Calls.Sync());
                    CheckVolume(device, seed, step);
                }
                else if (action < 13)
                {
                    Assert.Equal(Errno.None, tfs.Volume!.Compact());
                    CheckVolume(device, seed, step);
                }
                else
                {
                    var call = RandomCall.Make(random);
                    string expected = call.Run(model);
                    string got = call.Run(tfs);
                    Assert.True(expected == got, $"seed {seed}, step {step}: {call}: RamFs {expected}, TFS {got}");
                }
            }
            AssertSameTree(model, tfs, seed, Steps);
        }
        finally
        {
            tfs.Dispose();
        }
        CheckVolume(device, seed, Steps);
    }

    [Fact]
    public void FullVolume_SaysENOSPC_AndCanBeEmptiedAgain()
    {
        using var device = new MemoryBlockDevice(3 << 20);
        MakeEmptyVolume(device);
        using (var tfs = new VfsMachine(device))
        {
            byte[] block = new byte[64 << 10];
            long last = 0;
            int files = 0;
            for (; files < 1000 && last >= 0; files++)
            {
                int fd = (int)tfs.Calls.Open(Name(files), OpenFlags.Create | OpenFlags.ReadWrite, 0x1A4);
                last = fd < 0 ? fd : tfs.Calls.Write(fd, block);
                if (fd >= 0)
                {
                    _ = tfs.Calls.Close(fd);
                }
            }
            Assert.Equal(-(long)Errno.ENOSPC, last);
            Assert.Equal(0, tfs.Calls.Sync());
            for (int i = 0; i < files; i++)
            {
                long removed = tfs.Calls.UnlinkAt(AtFd.CurrentDirectory, Name(i));
                Assert.True(removed == 0 || (i == files - 1 && removed == -(long)Errno.ENOENT), $"file {i}: {removed}");
            }
            Assert.Equal(0, tfs.Calls.Sync());
            int again = (int)tfs.Calls.Open("/again"u8, OpenFlags.Create | OpenFlags.ReadWrite, 0x1A4);
            Assert.Equal(block.Length, tfs.Calls.Write(again, block));
            Assert.Equal(0, tfs.Calls.FSync(again));
        }
        CheckVolume(device, 0, 0);

        static byte[] Name(int i) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/file{i}"));
    }

    [Theory]
    [MemberData(nameof(Goldens))]
    public void GoldenImages_AreChangedAndStillReadRightByTheIndependentReader(string name)
    {
        byte[] image = GoldenImage.Load(name).Bytes.ToArray();
        using var disk = new MemoryBlockDevice(image);
        using BlockDevice device = PartitionTable.Read(disk).Open(disk, PartitionRole.Root, ownsDevice: false);
        Dictionary<string, string> before;
        using (var tfs = new VfsMachine(device))
        {
            before = tfs.Tree();
            long fd = tfs.Calls.Open("/tupelo-was-here"u8, OpenFlags.Create | OpenFlags.ReadWrite, 0x1A4);
            if (fd == -(long)Errno.ENOSPC)
            {
                // Some images were made without room: then there is truly none for one more extension of the log.
                Assert.InRange(TfsSpaceMap.Build(TfsVolume.Open(device)).LargestFreeRun, 0, TfsFormat.ExtensionSectors - 1);
                return;
            }
            Assert.True(fd >= 0, $"{(Errno)(-fd)}");
            Assert.Equal(0, tfs.Calls.MkDirAt(AtFd.CurrentDirectory, "/tupelo-dir"u8, 0x1FF));
            Assert.Equal(0, tfs.Calls.RenameAt2(AtFd.CurrentDirectory, "/tupelo-was-here"u8, AtFd.CurrentDirectory, "/tupelo-dir/x"u8));
        }
        TfsVolume after = TfsVolume.Open(device);
        Assert.Empty(after.Faults);
        IndependentVolume independent = IndependentVolume.Read(Bytes(device));
        Assert.Contains(independent.Entries, entry => entry.PathText == "/tupelo-dir/x");
        using var again = new VfsMachine(device);
        Dictionary<string, string> tree = again.Tree();
        foreach ((string path, string what) in before)
        {
            if (path != "/")
            {
                Assert.Equal(what, tree[path]);
            }
        }
    }

    public static TheoryData<string> Goldens() => [.. GoldenImage.Names];

    private static void MakeEmptyVolume(MemoryBlockDevice device)
    {
        using var builder = new TfsImageBuilder(device, new TfsBuildOptions { FixedSize = true, MinSizeBytes = device.SizeBytes });
        _ = builder.Complete();
    }

    private static ImageBytes Bytes(BlockDevice device) =>
        new(device.SizeBytes, (offset, buffer) => Assert.Equal(Errno.None, device.Read(offset, buffer)));

    private static void CheckVolume(BlockDevice device, int seed, int step)
    {
        TfsVolume volume = TfsVolume.Open(device);
        Assert.True(volume.Faults.Count == 0, $"seed {seed}, step {step}: {string.Join("; ", volume.Faults)}");
        TfsSpaceMap space = TfsSpaceMap.Build(volume);
        Assert.True(space.Faults.Count == 0, $"seed {seed}, step {step}: {string.Join("; ", space.Faults)}");
        IndependentVolume independent = IndependentVolume.Read(Bytes(device));
        List<string> complaints = LogLint.Check(independent.Log, new LintOptions(Fresh: false));
        Assert.True(complaints.Count == 0, $"seed {seed}, step {step}: {string.Join("; ", complaints.Take(5))}");
    }

    private static void AssertSameTree(VfsMachine model, VfsMachine tfs, int seed, int step)
    {
        Dictionary<string, string> expected = model.Tree();
        Dictionary<string, string> got = tfs.Tree();
        foreach ((string path, string what) in expected)
        {
            Assert.True(got.TryGetValue(path, out string? other) && other == what, $"seed {seed}, step {step}: {path}: RamFs {what}, TFS {other}");
        }
        Assert.Equal(expected.Count, got.Count);
    }

    /// <summary>One call with its arguments, run the same way on both machines.</summary>
    private sealed record RandomCall(int Kind, string A, string B, long X, long Y, int Slot, int Flags)
    {
        private static readonly string[] Names = [.. from d in (string[])["", "/d", "/e", "/d/s"] from n in (string[])["a", "b", "c", "d", "e", "s", "long-name-that-takes-a-little-more-room"] select d + "/" + n];

        public static RandomCall Make(Random random) => new(
            random.Next(24), Names[random.Next(Names.Length)], Names[random.Next(Names.Length)],
            random.Next(5) switch { 0 => random.Next(100), 1 => random.Next(5000), 2 => random.Next(40) * 512L, 3 => random.Next(60) * 4096L, _ => random.Next(300_000) },
            random.Next(4) switch { 0 => random.Next(1, 600), 1 => 4096 * random.Next(1, 8), 2 => random.Next(1, 20_000), _ => 512 * random.Next(1, 30) },
            random.Next(6), random.Next());

        public string Run(VfsMachine m)
        {
            Syscalls c = m.Calls;
            byte[] a = Encoding.UTF8.GetBytes(A);
            byte[] b = Encoding.UTF8.GetBytes(B);
            int fd = m.Files.GetValueOrDefault(Slot, -1);
            switch (Kind)
            {
                case 0 or 1 or 2:
                {
                    OpenFlags flags = OpenFlags.ReadWrite | OpenFlags.Create | ((Flags & 1) != 0 ? OpenFlags.Truncate : 0) | ((Flags & 6) == 6 ? OpenFlags.Append : 0) | ((Flags & 24) == 24 ? OpenFlags.Exclusive : 0);
                    return Keep(m, c.Open(a, flags, 0x1A4));
                }
                case 3:
                    return Text(c.MkDirAt(AtFd.CurrentDirectory, a, 0x1ED));
                case 4:
                    return Text(c.UnlinkAt(AtFd.CurrentDirectory, a));
                case 5:
                    return Text(c.UnlinkAt(AtFd.CurrentDirectory, a, AtFlags.RemoveDirectory));
                case 6:
                    return Text(c.RenameAt2(AtFd.CurrentDirectory, a, AtFd.CurrentDirectory, b, (Flags % 5) switch { 0 => RenameFlags.NoReplace, 1 => RenameFlags.Exchange, 2 => RenameFlags.Whiteout, _ => RenameFlags.None }));
                case 7:
                    return Text(c.LinkAt(AtFd.CurrentDirectory, a, AtFd.CurrentDirectory, b));
                case 8:
                    return Text(c.SymlinkAt(b, AtFd.CurrentDirectory, a));
                case 9 or 10 or 11:
                    return Text(c.PWrite(fd, Data((int)Y, Flags), X));
                case 12:
                {
                    byte[] buffer = new byte[Y];
                    long count = c.PRead(fd, buffer, X);
                    return Text(count) + (count > 0 ? Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(buffer.AsSpan(0, (int)count)))[..12] : "");
                }
                case 13:
                    return Text(c.FTruncate(fd, X));
                case 14:
                    return Text(c.FAllocate(fd, FallocateMode.PunchHole | FallocateMode.KeepSize, X, Y));
                case 15:
                    return Text(c.FAllocate(fd, (Flags & 1) != 0 ? FallocateMode.KeepSize : FallocateMode.None, X, Y));
                case 16:
                    return Text(c.FAllocate(fd, FallocateMode.ZeroRange | ((Flags & 1) != 0 ? FallocateMode.KeepSize : 0), X, Y));
                case 17:
                    return Text(c.FAllocate(fd, (Flags & 1) != 0 ? FallocateMode.CollapseRange : FallocateMode.InsertRange, X / 4096 * 4096, ((Y / 4096) + 1) * 4096));
                case 18:
                    return Text(c.FChModAt2(AtFd.CurrentDirectory, a, (uint)(Flags & 0xFFF)));
                case 19:
                    return Text(c.FChOwnAt(AtFd.CurrentDirectory, a, (uint)(Flags & 7), uint.MaxValue, AtFlags.SymlinkNoFollow));
                case 20:
                    return Text(c.SetXattrAt(AtFd.CurrentDirectory, a, AtFlags.SymlinkNoFollow, "user.x"u8, Data((int)(Y % 2000), Flags), XattrFlags.None))
                        + Text(c.RemoveXattrAt(AtFd.CurrentDirectory, b, AtFlags.SymlinkNoFollow, "user.x"u8));
                case 21:
                    return (Flags & 1) != 0 ? Keep(m, c.Open("/d"u8, OpenFlags.TemporaryFile | OpenFlags.ReadWrite, 0x180)) : Text(c.LinkAt(fd, ""u8, AtFd.CurrentDirectory, a, AtFlags.EmptyPath));
                case 22:
                    return Text(c.MkNodAt(AtFd.CurrentDirectory, a, (Flags & 1) != 0 ? Mode.Fifo | 0x180 : Mode.CharDevice | 0x180, 0x105));
                default:
                    return (Flags & 3) != 0 ? Text(c.FSync(fd)) : Forget(m, fd);
            }
        }

        private static byte[] Data(int length, int seed)
        {
            byte[] data = new byte[length];
            new Random(seed).NextBytes(data);
            return data;
        }

        private static string Text(long result) => result < 0 ? ((Errno)(-result)).ToString() : result.ToString(CultureInfo.InvariantCulture);

        private string Keep(VfsMachine m, long fd)
        {
            if (fd < 0)
            {
                return Text(fd);
            }
            if (m.Files.Remove(Slot, out int old))
            {
                _ = m.Calls.Close(old);
            }
            m.Files[Slot] = (int)fd;
            return "open";
        }

        private string Forget(VfsMachine m, int fd)
        {
            _ = m.Files.Remove(Slot);
            return Text(m.Calls.Close(fd));
        }
    }
}
