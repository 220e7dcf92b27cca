namespace Tupelo.Block.Tests;

/// <summary>What needs root and a Linux host: a real block device, a full file system.</summary>
public sealed class HostDeviceTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();

    public void Dispose() => _files.Dispose();

    private static void NeedRoot() => Assert.SkipUnless(
        OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File.Exists("/dev/loop-control"), "needs root and loop devices");

    [Fact]
    public void LoopDevice_ReadsWritesFlushesAndDiscards_ButDoesNotResize()
    {
        NeedRoot();
        const int Size = 1 << 20;
        File.WriteAllBytes(_files["disk"], new byte[Size]);
        string loop = HostTool.Run("losetup", "--find", "--show", _files["disk"]).Trim();
        try
        {
            using FileBlockDevice device = FileBlockDevice.Open(loop);
            Assert.True(device.IsHostBlockDevice);
            Assert.Equal(Size, device.SizeBytes);
            Assert.Equal(512, device.SectorBytes);
            byte[] ones = new byte[65536];
            ones.AsSpan().Fill(1);
            Assert.Equal(Errno.None, device.Write(65_000, ones));
            Assert.Equal(Errno.None, device.Flush());
            Assert.Equal(ones, File.ReadAllBytes(_files["disk"])[65_000..(65_000 + 65536)]);
            Assert.Equal(Errno.EOPNOTSUPP, device.Resize(Size * 2));
            Assert.Equal(Errno.EINVAL, device.Write(Size - 10, ones));

            // Whole sectors inside of the range go, the rest of the first and last sector stays.
            Assert.Equal(Errno.None, device.Discard(65_100, 1000));
            byte[] actual = new byte[65536];
            Assert.Equal(Errno.None, device.Read(65_000, actual));
            ones.AsSpan(65_536 - 65_000, 512).Clear();
            Assert.Equal(ones, actual);
            Assert.Equal(Errno.None, device.Discard(65_537, 600)); // no whole sector
            Assert.Equal(Errno.None, device.Read(65_000, actual));
            Assert.Equal(ones, actual);
        }
        finally
        {
            _ = HostTool.Run("losetup", "--detach", loop);
        }
    }

    [Fact]
    public void MountedOrOpenBlockDevice_RefusesAWriter_AndSaysWhy()
    {
        NeedRoot();
        File.WriteAllBytes(_files["disk"], new byte[1 << 20]);
        string loop = HostTool.Run("losetup", "--find", "--show", _files["disk"]).Trim();
        try
        {
            using (FileBlockDevice first = FileBlockDevice.Open(loop))
            {
                BlockDeviceException busy = Assert.Throws<BlockDeviceException>(() => FileBlockDevice.Open(loop));
                Assert.Equal(Errno.EBUSY, busy.Errno);
                Assert.Contains("this same process, which is writing it", busy.Message, StringComparison.Ordinal);
            }
            _ = HostTool.Run("mke2fs", "-q", loop);
            Directory.CreateDirectory(_files["mount"]);
            _ = HostTool.Run("mount", loop, _files["mount"]);
            try
            {
                BlockDeviceException mounted = Assert.Throws<BlockDeviceException>(() => FileBlockDevice.Open(loop));
                Assert.Equal(Errno.EBUSY, mounted.Errno);
                Assert.Contains("it is mounted", mounted.Message, StringComparison.Ordinal);
                FileBlockDevice.Open(loop, new() { ReadOnly = true }).Dispose();
            }
            finally
            {
                _ = HostTool.Run("umount", _files["mount"]);
            }
            FileBlockDevice.Open(loop).Dispose();
        }
        finally
        {
            _ = HostTool.Run("losetup", "--detach", loop);
        }
    }

    /// <summary>A failed write-back is reported once by the kernel, and the next fdatasync succeeds though the data is gone. Whoever tried
    /// again after a failure would believe that the data is safe.</summary>
    [Fact]
    public unsafe void FailedFlush_StaysFailed()
    {
        NeedRoot();
        Directory.CreateDirectory(_files["mount"]);
        _ = HostTool.Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", _files["mount"]);
        string loop = "";
        try
        {
            string disk = Path.Combine(_files["mount"], "disk");
            _ = HostTool.Run("truncate", "--size=8M", disk); // a disk that breaks when its first MiB is used up
            loop = HostTool.Run("losetup", "--find", "--show", disk).Trim();
            using FileBlockDevice device = FileBlockDevice.Open(loop);
            byte[] ones = new byte[4 << 20];
            ones.AsSpan().Fill(1);
            Assert.Equal(Errno.None, device.Write(0, ones)); // into the host's cache
            Assert.NotEqual(Errno.None, device.Flush());
            Assert.Equal(0, LinuxCalls.Fdatasync(device.Handle)); // the kernel has told it, and forgets
            Assert.NotEqual(Errno.None, device.Flush());
        }
        finally
        {
            if (loop.Length > 0)
            {
                _ = HostTool.Run("losetup", "--detach", loop);
            }
            _ = HostTool.Run("umount", _files["mount"]);
        }
    }

    [Fact]
    public void FullHost_IsENOSPC_AndTheDeviceGoesOn()
    {
        NeedRoot();
        Directory.CreateDirectory(_files["mount"]);
        _ = HostTool.Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", _files["mount"]);
        try
        {
            using FileBlockDevice device = FileBlockDevice.Open(
                Path.Combine(_files["mount"], "a.img"), new() { Creation = FileCreation.New, SizeBytes = 4 << 20 });
            byte[] ones = new byte[2 << 20];
            ones.AsSpan().Fill(1);
            Assert.Equal(Errno.ENOSPC, device.Write(0, ones));
            Assert.Equal(Errno.None, device.Discard(0, 2 << 20));
            Assert.Equal(Errno.None, device.Write(0, ones.AsSpan(0, 65536)));
            Assert.Equal(Errno.None, device.Flush());
        }
        finally
        {
            _ = HostTool.Run("umount", _files["mount"]);
        }
    }
}
