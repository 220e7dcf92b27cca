using System.Text;

namespace Tupelo.FileSystems.Tests;

/// <summary>/dev, /proc and /sys, and the kit that they are made of.</summary>
public sealed class SyntheticTests : IDisposable
{
    private readonly Machine _machine = new();
    private readonly DevFsType _devices;

    public SyntheticTests()
    {
        _devices = new DevFsType(_machine.Kernel);
        Assert.Equal(Errno.None, _machine.Kernel.FileSystems.Register(_devices));
        Assert.Equal(Errno.None, _machine.Kernel.FileSystems.Register(new ProcFsType()));
        Assert.Equal(Errno.None, _machine.Kernel.FileSystems.Register(new SysFsType()));
        _machine.Mount("devfs", "devfs", "/dev");
        _machine.Mount("procfs", "proc", "/proc");
        _machine.Mount("sysfs", "sys", "/sys");
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void StandardDevices_DoWhatTheyDoEverywhere()
    {
        byte[] room = Enumerable.Repeat((byte)7, 64).ToArray();
        int Do(string path, Func<int, long> call)
        {
            int fd = _machine.Open(path, OpenFlags.ReadWrite);
            long result = call(fd);
            Assert.Equal(0, _machine.Sys.Close(fd));
            return (int)result;
        }
        Assert.Equal(0, Do("/dev/null", fd => _machine.Sys.Read(fd, room)));
        Assert.Equal(64, Do("/dev/null", fd => _machine.Sys.Write(fd, room)));
        Assert.Equal(64, Do("/dev/zero", fd => _machine.Sys.Read(fd, room)));
        Assert.Equal(new byte[64], room);
        Assert.Equal(-(int)Errno.ENOSPC, Do("/dev/full", fd => _machine.Sys.Write(fd, room)));
        Assert.Equal(64, Do("/dev/urandom", fd => _machine.Sys.Read(fd, room)));
        Assert.NotEqual(new byte[64], room);
        Assert.Equal(DeviceNumber.Make(1, 3), _machine.Stat("/dev/null").RawDevice);
        Assert.Equal(_machine.Stat("/dev/null").Ino, _machine.Stat("/dev/null").Ino);
        Assert.Equal(0, _machine.Sys.MkNodAt(AtFd.CurrentDirectory, "/zero"u8, Mode.CharDevice | 0x1B6, DeviceNumber.Make(1, 5)));
        Assert.Equal(64, Do("/zero", fd => _machine.Sys.Read(fd, room)));
    }

    // The type kept every instance that was ever mounted, and told each of every new device.
    [Fact]
    public void UnmountedDevFs_IsForgotten()
    {
        WeakReference gone = MountAndUnmount();
        for (int i = 0; i < 10 && gone.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.False(gone.IsAlive);
        using var disk = new MemoryBlockDevice(4096);
        Assert.Equal(Errno.None, _devices.RegisterBlockDevice("vdz", disk));
        Assert.Equal(259u, DeviceNumber.Major(_machine.Stat("/dev/vdz").RawDevice));

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        WeakReference MountAndUnmount()
        {
            _machine.Mount("devfs", "devfs", "/dev2");
            var instance = new WeakReference(_machine.Context.GetMounts()[^1].FileSystem);
            Assert.Equal(0, _machine.Sys.Umount2("/dev2"u8));
            _machine.Kernel.TrimNames();
            return instance;
        }
    }

    [Fact]
    public void BlockDevices_ComeAndGo()
    {
        using var disk = new MemoryBlockDevice(4096);
        Assert.Equal(Errno.None, _devices.RegisterBlockDevice("vda", disk));
        Assert.Equal(Errno.EEXIST, _devices.RegisterBlockDevice("vda", disk));
        int fd = _machine.Open("/dev/vda", OpenFlags.ReadWrite);
        Assert.Equal(4096, _machine.Sys.LSeek(fd, 0, SeekWhence.End));
        Assert.Equal(-(long)Errno.ENOSPC, _machine.Sys.Write(fd, "x"u8));
        Assert.Equal(3, _machine.Sys.PWrite(fd, "abc"u8, 4000));
        byte[] room = new byte[100];
        Assert.Equal(96, _machine.Sys.PRead(fd, room, 4000));
        Assert.Equal("abc"u8.ToArray(), room[..3]);
        Assert.Equal(0, _machine.Sys.FSync(fd));
        Assert.Contains("vda", _machine.List("/dev"));
        Assert.Equal(Errno.None, _devices.Unregister("vda"));
        Assert.DoesNotContain("vda", _machine.List("/dev"));
        Assert.Equal(Errno.ENOENT, _machine.TryOpen("/dev/vda"));
        Assert.Equal(96, _machine.Sys.PRead(fd, room, 4000)); // Who has it open keeps it.
        Assert.Equal(0, _machine.Sys.Close(fd));
        Assert.Equal(Errno.ENOENT, _devices.Unregister("vda"));
    }

    [Fact]
    public void NamesOfTheKit_AreTheProgramsAlone()
    {
        Assert.Equal(Errno.EPERM, Machine.ErrnoOf(_machine.Sys.UnlinkAt(AtFd.CurrentDirectory, "/dev/null"u8)));
        Assert.Equal(Errno.EPERM, Machine.ErrnoOf(_machine.Sys.MkDirAt(AtFd.CurrentDirectory, "/dev/x"u8, 0x1FF)));
        Assert.Equal(0, _machine.Sys.FChModAt2(AtFd.CurrentDirectory, "/dev/null"u8, 0x180));
        Assert.Equal(0x180u, _machine.Stat("/dev/null").Mode & Mode.PermissionMask);
    }

    [Fact]
    public void Proc_TellsMountsAndDescriptors()
    {
        string[] mounts = _machine.Read("/proc/mounts").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("ramfs / ramfs rw", mounts[0], StringComparison.Ordinal);
        Assert.Equal(["devfs /dev devfs rw 0 0", "proc /proc procfs rw 0 0", "sys /sys sysfs rw 0 0"], mounts[1..]);
        Assert.Equal(4, _machine.Read("/proc/self/mountinfo").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("nodev\tramfs\n", _machine.Read("/proc/filesystems"), StringComparison.Ordinal);
        _machine.Write("/f", "content");
        int fd = _machine.Open("/f", OpenFlags.ReadWrite);
        Assert.Contains($"{fd}", _machine.List("/proc/self/fd"));
        Assert.Equal("/f", _machine.ReadLink($"/proc/self/fd/{fd}"));
        Assert.Equal(0, _machine.Sys.UnlinkAt(AtFd.CurrentDirectory, "/f"u8));
        Assert.Equal("content", _machine.Read($"/proc/self/fd/{fd}")); // A link to the file, not to its name.
        Assert.Equal("/f (deleted)", _machine.ReadLink($"/proc/self/fd/{fd}"));
        Assert.Equal(0, _machine.Sys.Close(fd));
        Assert.Equal(Errno.ENOENT, _machine.TryStat($"/proc/self/fd/{fd}"));
        Assert.Equal(0, _machine.Sys.ChDir("/dev"u8));
        Assert.Equal("/dev", _machine.ReadLink("/proc/self/cwd"));
        Assert.Equal(0, _machine.Sys.ChDir("/"u8));
        Assert.StartsWith("Tupelo", _machine.Read("/proc/version"), StringComparison.Ordinal);
    }

    // OSv d14a5dca: content is made at open; a slow reader sees one state.
    [Fact]
    public void Osv_d14a5dca_TextIsASnapshot_HoweverSmallThePieces()
    {
        _machine.Write("/proc/sys/kernel/hostname", "first\n", OpenFlags.Truncate);
        int fd = _machine.Open("/proc/sys/kernel/hostname");
        byte[] one = new byte[1];
        var text = new StringBuilder();
        while (_machine.Sys.Read(fd, one) == 1)
        {
            _ = text.Append((char)one[0]);
            _machine.Write("/proc/sys/kernel/hostname", "second, and longer\n", OpenFlags.Truncate);
        }
        Assert.Equal(0, _machine.Sys.Close(fd));
        Assert.Equal("first\n", text.ToString());
        Assert.Equal("second, and longer\n", _machine.Read("/proc/sys/kernel/hostname"));
    }

    [Fact]
    public void Sys_HasTheFilesThatProgramsLookFor()
    {
        Assert.Matches("^0(-[0-9]+)?\n$", _machine.Read("/sys/devices/system/cpu/online"));
        Assert.Matches("^[0-9a-f]{8}(,[0-9a-f]{8})*\n$", _machine.Read("/sys/devices/system/node/node0/cpumap"));
        Assert.Equal("10\n", _machine.Read("/sys/devices/system/node/node0/distance"));
        Assert.Equal(Errno.EACCES, _machine.TryOpen("/sys/devices/system/cpu/online", OpenFlags.WriteOnly));
    }
}
