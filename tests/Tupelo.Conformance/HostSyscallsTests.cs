// The host's processes must be as separate as processes are, or the cases that run on them prove nothing.
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

public sealed class HostSyscallsTests
{
    [Fact]
    public void Fork_CopiesDescriptorsDirectoryAndUmask()
    {
        using HostSyscalls parent = HostTmpfsMount.BootHost();
        long fd = parent.Open("f"u8, O_CREAT | O_RDWR, Oct(600));
        using ISyscalls child = parent.Fork();
        Assert.Equal(1, child.Write((int)fd, "x"u8));
        Assert.Equal(0, child.Close((int)fd));
        Assert.Equal(0, child.ChDir("/"u8));
        Assert.Equal(Oct(22), child.Umask(0));
        Assert.Equal(1, parent.LSeek((int)fd, 0, SEEK_CUR));
        Assert.Equal(0, parent.Access("f"u8, F_OK));
        Assert.Equal(Oct(22), parent.Umask(Oct(22)));
    }

    [Fact]
    public void SetCredentials_ChangesOneProcessOnly()
    {
        using HostSyscalls parent = HostTmpfsMount.BootHost();
        using ISyscalls child = parent.Fork();
        Assert.Equal(0, child.SetCredentials(65534, 65534, []));
        Assert.Equal(-(long)Errno.EACCES, child.MkDir("d"u8, Oct(755)));
        Assert.Equal(0, parent.MkDir("d"u8, Oct(755)));
    }

    [Fact]
    public void Machines_DoNotSeeEachOthersFilesOrMounts()
    {
        using HostSyscalls one = HostTmpfsMount.BootHost();
        using HostSyscalls two = HostTmpfsMount.BootHost();
        Assert.Equal(0, one.MkDir("d"u8, Oct(755)));
        Assert.Equal(0, one.Mount("t"u8, "d"u8, "tmpfs"u8, 0, default));
        Assert.Equal(-(long)Errno.ENOENT, two.Access("d"u8, F_OK));
        Assert.False(Directory.Exists("/work/d"));
    }

    [Fact]
    public void Run_ExecutesManyCallsOnTheProcessItself()
    {
        using HostSyscalls s = HostTmpfsMount.BootHost();
        long sum = 0;
        s.Run(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                long fd = s.Open("f"u8, O_CREAT | O_RDWR, Oct(600));
                sum += s.Write((int)fd, "abc"u8);
                _ = s.Close((int)fd);
            }
        });
        Assert.Equal(3000, sum);
    }

    [Fact]
    public void NewProcess_HasNoDescriptorsOfThisProgram()
    {
        using HostSyscalls s = HostTmpfsMount.BootHost();
        for (int fd = 3; fd < 200; fd++)
        {
            long flags = s.Fcntl(fd, F_GETFD);
            Assert.True(flags == -(long)Errno.EBADF || fd == HostSyscalls.ReservedDescriptor, $"descriptor {fd} is open");
        }
    }
}
