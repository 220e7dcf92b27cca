// What the suites do not ask of the sample plug-in: its mount option, its limit, and the first program of its tutorial.
using Notes;
using Tupelo.Vfs;
using static Tupelo.Conformance.LinuxAbi;
using Calls = Tupelo.Vfs.Syscalls;

namespace Tupelo.Conformance;

public sealed class NoteFsTests
{
    [Theory]
    [InlineData("size=1m")]
    [InlineData("blocks=")]
    [InlineData("blocks=-1")]
    [InlineData("blocks=4,other")]
    public void Mount_WithABadOption_GivesEINVAL(string options)
    {
        var kernel = new VfsKernel();
        Assert.Equal(Errno.None, kernel.FileSystems.Register(new NoteFsType()));
        Assert.Equal(Errno.EINVAL, kernel.Start("notefs", "notes", MountFlags.None, options, out VfsContext? first));
        Assert.Null(first);
    }

    [Fact]
    public void Write_AtTheLimit_WritesAPartThenGivesENOSPC_AndRemovalFreesTheBlocks()
    {
        var kernel = new VfsKernel();
        Assert.Equal(Errno.None, kernel.FileSystems.Register(new NoteFsType()));
        Assert.Equal(Errno.None, kernel.Start("notefs", "notes", MountFlags.None, "blocks=4", out VfsContext? first));
        using VfsContext context = first!;
        var calls = new Calls(context);
        int fd = (int)calls.OpenAt(AT_FDCWD, "/a"u8, OpenFlags.Create | OpenFlags.ReadWrite, Oct(644));
        Assert.Equal(4 * 4096, calls.Write(fd, new byte[5 * 4096]));
        Assert.Equal(-(long)Errno.ENOSPC, calls.Write(fd, new byte[1]));
        var full = default(StatFs);
        Assert.Equal(0, calls.StatFs("/"u8, ref full));
        Assert.Equal((4UL, 0UL), (full.BlockCount, full.FreeBlocks));

        Assert.Equal(0, calls.FTruncate(fd, 4097));
        var shorter = default(StatFs);
        Assert.Equal(0, calls.StatFs("/"u8, ref shorter));
        Assert.Equal(2UL, shorter.FreeBlocks);

        Assert.Equal(0, calls.UnlinkAt(AT_FDCWD, "/a"u8, 0));
        Assert.Equal(0, calls.Close(fd));
        var empty = default(StatFs);
        Assert.Equal(0, calls.StatFs("/"u8, ref empty));
        Assert.Equal(4UL, empty.FreeBlocks);
    }
}
