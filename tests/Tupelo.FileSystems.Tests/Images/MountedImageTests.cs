namespace Tupelo.FileSystems.Tests;

/// <summary>Images through the file layer: what read-only file systems answer.</summary>
public sealed class MountedImageTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    // OSv bae4381d: a read-only driver answers EROFS to every change.
    [Fact]
    public void Osv_bae4381d_EveryChangeIsEROFS_AndReadingWorks()
    {
        _machine.Mount("cpio", HostTool.DataFile("cpio/newc.cpio"), "/m", options: "uid=7");
        Syscalls sys = _machine.Sys;
        Assert.Equal("hello\n", _machine.Read("/m/sub/link"));
        Assert.Equal("../a.txt", _machine.ReadLink("/m/sub/link"));
        Assert.Equal(7u, _machine.Stat("/m/empty").Uid);
        Assert.Equal(3u, _machine.Stat("/m/b.txt").LinkCount);
        Assert.Equal(8, _machine.List("/m").Count(name => name.Length < 10));
        Errno[] results =
        [
            _machine.TryOpen("/m/a.txt", OpenFlags.ReadWrite), _machine.TryOpen("/m/new", OpenFlags.Create | OpenFlags.WriteOnly),
            Machine.ErrnoOf(sys.MkDirAt(AtFd.CurrentDirectory, "/m/d"u8, 0x1FF)), Machine.ErrnoOf(sys.UnlinkAt(AtFd.CurrentDirectory, "/m/a.txt"u8)),
            Machine.ErrnoOf(sys.RenameAt2(AtFd.CurrentDirectory, "/m/a.txt"u8, AtFd.CurrentDirectory, "/m/z"u8)),
            Machine.ErrnoOf(sys.LinkAt(AtFd.CurrentDirectory, "/m/a.txt"u8, AtFd.CurrentDirectory, "/m/z"u8)),
            Machine.ErrnoOf(sys.SymlinkAt("x"u8, AtFd.CurrentDirectory, "/m/z"u8)), Machine.ErrnoOf(sys.Truncate("/m/a.txt"u8, 0)),
            Machine.ErrnoOf(sys.FChModAt2(AtFd.CurrentDirectory, "/m/a.txt"u8, 0)),
            Machine.ErrnoOf(sys.UtimeNsAt(AtFd.CurrentDirectory, "/m/a.txt"u8, [default, default])),
        ];
        Assert.All(results, errno => Assert.Equal(Errno.EROFS, errno));
        Assert.Equal(Errno.EROFS, Machine.ErrnoOf(sys.Mount(default, "/m"u8, default, MountFlags.Remount, default)));
    }

    [Fact]
    public void AnImageThatIsDamaged_IsReportedInASentence()
    {
        Assert.Equal(Errno.EINVAL, _machine.TryMount("tar", HostTool.DataFile("cpio/newc.cpio"), "/m"));
        Assert.Contains("not a tar archive", Assert.Single(_machine.Reports), StringComparison.Ordinal);
        Assert.Equal(Errno.EINVAL, _machine.TryMount("cpio", HostTool.DataFile("cpio/newc.cpio"), "/m", options: "mode=0555"));
        Assert.Equal(Errno.ENOENT, _machine.TryMount("rofs", "/no/such/image", "/m"));
    }

    // OSv c193437b: st_dev is different for each mounted instance.
    [Fact]
    public void Osv_c193437b_EachInstanceHasItsOwnDeviceNumber()
    {
        _machine.Mount("cpio", HostTool.DataFile("cpio/newc.cpio"), "/a");
        _machine.Mount("cpio", HostTool.DataFile("cpio/newc.cpio"), "/b");
        Assert.Equal(3, new[] { "/", "/a", "/b" }.Select(path => _machine.Stat(path).Device).Distinct().Count());
        Assert.Equal(_machine.Stat("/a/xs").Ino, _machine.Stat("/b/xs").Ino);
    }
}
