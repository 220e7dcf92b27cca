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

    internal static void MakeEmptyVolume(MemoryBlockDevice device)
    {
        using var builder = new TfsImageBuilder(device, new TfsBuildOptions { FixedSize = true, MinSizeBytes = device.SizeBytes });
        _ = builder.Complete();
    }

    private static ImageBytes Bytes(BlockDevice device) =>
        new(device.SizeBytes, (offset, buffer) => Assert.Equal(Errno.None, device.Read(offset, buffer)));

    internal static void CheckVolume(BlockDevice device, int seed, int step)
    {
        TfsVolume volume = TfsVolume.Open(device);
        Assert.True(volume.Faults.Count == 0, $"seed {seed}, step {step}: {string.Join("; ", volume.Faults)}");
        TfsSpaceMap space = TfsSpaceMap.Build(volume);
        Assert.True(space.Faults.Count == 0, $"seed {seed}, step {step}: {string.Join("; ", space.Faults)}");
        IndependentVolume independent = IndependentVolume.Read(Bytes(device));
        List<string> complaints = LogLint.Check(independent.Log, new LintOptions(Fresh: false));
        Assert.True(complaints.Count == 0, $"seed {seed}, step {step}: {string.Join("; ", complaints.Take(5))}");
    }

    internal static void AssertSameTree(VfsMachine model, VfsMachine tfs, int seed, int step)
    {
        Dictionary<string, string> expected = model.Tree();
        Dictionary<string, string> got = tfs.Tree();
        foreach ((string path, string what) in expected)
        {
            Assert.True(got.TryGetValue(path, out string? other) && other == what, $"seed {seed}, step {step}: {path}: RamFs {what}, TFS {other}");
        }
        Assert.Equal(expected.Count, got.Count);
    }
}
