using System.Text;
using Tupelo.Block;
using Tupelo.Tests;
using Tupelo.Vfs;

namespace Tupelo.Tfs.Tests;

/// <summary>A volume that is to be cut loses nothing, whenever the power goes; trimming touches nothing that somebody has.</summary>
public sealed class ResizeTests
{
    private const long Size = 12 << 20;

    [Theory]
    [InlineData(8)]
    [InlineData(5)]
    [InlineData(3)]
    public void MakeRoom_MovesFilesAndLogBelowTheNewEnd(int megabytes)
    {
        using MemoryBlockDevice device = FilledFromTheEnd(out Dictionary<string, string> tree);
        TfsResizeResult result = TfsResizer.MakeRoom(device, (long)megabytes << 20);
        Assert.Equal("", result.Problem);
        Assert.True(result.MovedBytes > 0 && result.IsLogRewritten);
        Assert.True(TfsChecker.Check(device).IsClean);
        Assert.Equal(Errno.None, device.Resize((long)megabytes << 20));
        TfsCheckReport report = TfsChecker.Check(device);
        Assert.True(report.IsClean && !report.NeedsRepair && report.HeaderCopySectors == 1, string.Join(", ", report.Findings));
        using var machine = new VfsMachine(device);
        Assert.Equal(tree, machine.Tree());
    }

    [Fact]
    public void MakeRoom_WhereThereIsNone_SaysWhatIsNeededAndLeavesTheVolume()
    {
        using MemoryBlockDevice device = FilledFromTheEnd(out Dictionary<string, string> tree);
        TfsResizeResult result = TfsResizer.MakeRoom(device, 1 << 20);
        Assert.Contains("not enough", result.Problem, StringComparison.Ordinal);
        Assert.True(TfsChecker.Check(device).IsClean);
        using var machine = new VfsMachine(device);
        Assert.Equal(tree, machine.Tree());
    }

    [Fact]
    public void CrashAtAnyWriteOfMakeRoom_LeavesTheVolumeWhole()
    {
        using MemoryBlockDevice filled = FilledFromTheEnd(out Dictionary<string, string> tree);
        byte[] before = BytesOf(filled);
        using var counting = new FlakyBlockDevice(new MemoryBlockDevice(before));
        Assert.Equal("", TfsResizer.MakeRoom(counting, 4 << 20).Problem);
        long writes = counting.CountOf(BlockOperation.Write);
        for (long at = 0; at < writes; at++)
        {
            using var memory = new MemoryBlockDevice(before);
            using var device = new FlakyBlockDevice(memory);
            device.FailAt(BlockOperation.Write, at, new Fault(Errno.EIO, Latch: FaultLatch.Changes));
            Assert.NotEqual("", TfsResizer.MakeRoom(device, 4 << 20).Problem);
            Assert.True(TfsChecker.Check(memory).IsClean, $"write {at}");
            using var machine = new VfsMachine(memory);
            Assert.Equal(tree, machine.Tree());
        }
    }

    [Fact]
    public void Grown_VolumeHasItsHeaderCopyAtTheNewEnd()
    {
        using MemoryBlockDevice device = FilledFromTheEnd(out Dictionary<string, string> tree);
        Assert.Equal(Errno.None, device.Resize(2 * Size));
        Assert.Equal(Errno.None, TfsResizer.MoveHeaderCopy(device, Size));
        TfsCheckReport report = TfsChecker.Check(device);
        Assert.True(report.IsClean && report.HeaderCopySectors == 1 && !report.NeedsRepair);
        using var machine = new VfsMachine(device);
        Assert.Equal(tree, machine.Tree());
    }

    [Fact]
    public void Trim_GivesBackWhatIsFree_AndNothingElse()
    {
        using MemoryBlockDevice device = FilledFromTheEnd(out Dictionary<string, string> tree);
        Assert.Equal(Errno.None, TfsTrimmer.Trim(device, out long bytes));
        TfsCheckReport report = TfsChecker.Check(device);
        Assert.True(report.IsClean && report.HeaderCopySectors == 1);
        Assert.InRange(bytes, (report.FreeSectors * 512) - (1 << 20), report.FreeSectors * 512);
        using var machine = new VfsMachine(device);
        Assert.Equal(tree, machine.Tree());
    }

    // Files at both ends and the log in the middle of free space: what was in between is removed again.
    private static MemoryBlockDevice FilledFromTheEnd(out Dictionary<string, string> tree)
    {
        var device = new MemoryBlockDevice(Size);
        MountedModelTests.MakeEmptyVolume(device);
        using var machine = new VfsMachine(device);
        var random = new Random(5);
        int files = 0;
        for (; ; files++)
        {
            byte[] data = new byte[random.Next(1, 200_000)];
            random.NextBytes(data);
            int fd = (int)machine.Calls.Open(Name(files), OpenFlags.ReadWrite | OpenFlags.Create, 0x1A4);
            if (fd < 0 || machine.Calls.PWrite(fd, data, 0) != data.Length)
            {
                break;
            }
            Assert.Equal(0, machine.Calls.FSync(fd));
            Assert.Equal(0, machine.Calls.Close(fd));
        }
        machine.CloseFiles();
        for (int i = 0; i <= files; i++)
        {
            if (i < files - 8)
            {
                _ = machine.Calls.UnlinkAt(AtFd.CurrentDirectory, Name(i));
            }
        }
        Assert.Equal(Errno.None, machine.Volume!.Sync());
        tree = machine.Tree();
        return device;
    }

    private static byte[] Name(int i) => Encoding.ASCII.GetBytes($"/file{i}");

    private static byte[] BytesOf(MemoryBlockDevice device)
    {
        byte[] bytes = new byte[device.SizeBytes];
        Assert.Equal(Errno.None, device.Read(0, bytes));
        return bytes;
    }
}
