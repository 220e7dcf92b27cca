using Tupelo.Block;

namespace Tupelo.FileSystems.Tests;

/// <summary>Carrying boot tables out. Names of commits are OSv's, whose behaviour is the requirement.</summary>
public sealed class BootMounterTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    private static MountSpec Spec(string type, string target, string source = "", uint? make = 0x1ED, bool mayFail = false) =>
        new() { Type = type, Source = source, Target = target, MakePointMode = make, MakeParents = true, MayFail = mayFail, Origin = "test" };

    [Fact]
    public void Osv_9cc49b38_AdditionalVolumes_AreMountedInOrder_AndUnmountedInReverse()
    {
        string archive = HostTool.DataFile("cpio/newc.cpio");
        var mounter = new BootMounter(_machine.Context);
        Assert.Null(mounter.Mount(Fstab.Parse($"ramfs /data ramfs defaults\n{archive} /archive cpio ro\n").Select(spec => spec with { MakePointMode = 0x1ED })));
        Assert.Equal("hello\n", _machine.Read("/archive/a.txt"));
        _machine.Write("/data/x", "1");
        mounter.UnmountAll();
        Assert.Equal(Errno.ENOENT, _machine.TryStat("/archive"));
        Assert.Equal(Errno.ENOENT, _machine.TryStat("/data"));
    }

    [Fact]
    public void Unikraft_Extract_MakesFilesOfAnArchive_LinksAndAttributesIncluded()
    {
        using BlockDevice archive = FileBlockDevice.Open(HostTool.DataFile("cpio/newc.cpio"), new FileBlockDeviceOptions { ReadOnly = true });
        Assert.Equal(Errno.None, _machine.Sources.Register("initrd0", archive));
        _machine.Mount("cpio", HostTool.DataFile("cpio/newc.cpio"), "/expected");
        var mounter = new BootMounter(_machine.Context) { HasInitrd = true };
        Assert.Null(mounter.Mount(UnikraftFstab.Parse("\"initrd0:/new:extract::ramfs:mkmp,ifinitrd0\"")));
        Assert.Equal("hello\n", _machine.Read("/new/a.txt"));
        Assert.Equal(Tree("/expected"), Tree("/new"));
        _machine.Write("/new/a.txt", "writable");
        mounter.UnmountAll();
        Assert.Equal(Errno.ENOENT, _machine.TryStat("/new"));
    }

    // What is in the way is replaced, links of the tree are not followed, and what the archive does not know stays.
    [Fact]
    public void Unikraft_Extract_OverAnExistingTree_StaysBelowIt()
    {
        using BlockDevice archive = FileBlockDevice.Open(HostTool.DataFile("cpio/newc.cpio"), new FileBlockDeviceOptions { ReadOnly = true });
        Assert.Equal(Errno.None, _machine.Sources.Register("embedded", archive));
        Assert.Equal(0, _machine.Sys.MkDirAt(AtFd.CurrentDirectory, "/outside"u8, 0x1ED));
        Assert.Equal(0, _machine.Sys.MkDirAt(AtFd.CurrentDirectory, "/to"u8, 0x1ED));
        _machine.Write("/to/own", "own");
        _machine.Write("/outside/a.txt", "outside");
        Assert.Equal(0, _machine.Sys.SymlinkAt("/outside/a.txt"u8, AtFd.CurrentDirectory, "/to/a.txt"u8));
        Assert.Equal(0, _machine.Sys.SymlinkAt("/outside"u8, AtFd.CurrentDirectory, "/to/sub"u8));
        Assert.Null(new BootMounter(_machine.Context).Mount(UnikraftFstab.Parse("embedded:/to:extract")));
        Assert.Equal("hello\n", _machine.Read("/to/a.txt"));
        Assert.Equal("outside", _machine.Read("/outside/a.txt"));
        Assert.Equal(["a.txt"], _machine.List("/outside"));
        Assert.Equal("own", _machine.Read("/to/own"));
        MountFailure? missing = new BootMounter(_machine.Context) { HasInitrd = true }.Mount(UnikraftFstab.Parse("initrd0:/x:extract::ramfs:mkmp"));
        Assert.Equal(Errno.ENOENT, missing!.Errno);
        Assert.Equal(Errno.ENOENT, _machine.TryStat("/x"));
    }

    private List<string> Tree(string top)
    {
        var lines = new List<string>();
        foreach (string name in _machine.List(top))
        {
            string path = $"{top}/{name}";
            Stat stat = _machine.Stat(path, follow: false);
            string content = stat.Type == FileType.Regular ? _machine.Read(path) : stat.Type == FileType.Symlink ? _machine.ReadLink(path) : string.Empty;
            lines.Add($"{name} {stat.Mode:X} {stat.Uid} {stat.Gid} {stat.RawDevice} {stat.ModifyTime} {(stat.Type == FileType.Directory ? 0 : stat.LinkCount)} {content}");
            if (stat.Type == FileType.Directory)
            {
                lines.AddRange(Tree(path));
            }
        }
        return lines;
    }

    [Fact]
    public void Osv_43939b18_AMountThatFails_LeavesNothingBehind_AndItsErrorIsKept()
    {
        var mounter = new BootMounter(_machine.Context);
        MountFailure? failure = mounter.Mount([Spec("ramfs", "/a/b"), Spec("ramfs", "/a/b/c"), Spec("cpio", "/d", "/no/such/file")]);
        Assert.Equal(Errno.ENOENT, failure!.Errno);
        Assert.Equal("/d", failure.Spec.Target);
        Assert.Empty(_machine.List("/"));
        Assert.Equal(1, _machine.Kernel.Statistics.Mounts);
    }

    [Fact]
    public void Osv_ffb91b1e_ATypeThatIsNotThere_IsENODEV_AndNothingElseBreaks()
    {
        MountFailure? failure = new BootMounter(_machine.Context).Mount([Spec("nosuchfs", "/x")]);
        Assert.Equal(Errno.ENODEV, failure!.Errno);
        Assert.Contains("no file system of type \"nosuchfs\"", failure.ToString(), StringComparison.Ordinal);
        Assert.Empty(_machine.List("/"));
    }

    [Fact]
    public void Osv_c04f2261_WithoutRootfs_CandidatesAreTriedInOrder_AndTheFirstBecomesTheRoot()
    {
        var builder = new PackedTreeBuilder();
        _ = builder.AddNode(new PackedNode { Mode = Mode.Directory });
        builder.SetName(0, "marker"u8, builder.AddNode(new PackedNode { Mode = Mode.Regular }), 0);
        using var marked = new PackedTree(builder, new MemoryBlockDevice([]), 1);
        using var device = new MemoryBlockDevice(RoFsTests.Write(marked));
        Assert.Equal(Errno.None, _machine.Sources.Register(OsvBootOptions.RootDevice, device));
        OsvBootOptions options = OsvBootOptions.Parse([]);
        var mounter = new BootMounter(_machine.Context);
        // zfs first here, so that a candidate fails before the one that works.
        Assert.Null(mounter.MountRoot([.. Enumerable.Reverse(options.RootCandidates)], options.Pivots));
        Assert.Equal(["marker"], _machine.List("/"));
        Assert.Equal(Errno.EROFS, _machine.TryOpen("/new", OpenFlags.Create | OpenFlags.WriteOnly));
    }

    [Fact]
    public void Osv_c04f2261_NoPivot_LeavesTheRootWhereItWasStaged()
    {
        var mounter = new BootMounter(_machine.Context);
        Assert.Equal(Errno.ENODEV, mounter.MountRoot(OsvBootOptions.Parse(["--rootfs=zfs"]).RootCandidates, pivots: false)!.Errno);
        Assert.Empty(_machine.List("/"));
        Assert.Null(mounter.MountRoot([Spec("ramfs", "/staged")], pivots: false));
        Assert.Equal(["staged"], _machine.List("/"));
        mounter.UnmountAll();
    }

    [Fact]
    public void Osv_474c538d_NothingIsMountedThatWasNotAskedFor()
    {
        var mounter = new BootMounter(_machine.Context) { HasInitrd = false };
        Assert.Null(mounter.Mount(UnikraftFstab.Parse("a:/a:ramfs:::mkmp,ifinitrd0 b:/b:ramfs:::mkmp,ifnoinitrd0")));
        Assert.Equal(["b"], _machine.List("/"));
        Assert.Equal(2, _machine.Kernel.Statistics.Mounts);
        mounter.UnmountAll();
    }

    [Fact]
    public void ASpecThatMayFail_IsReported_AndTheRestStays()
    {
        var failures = new List<MountFailure>();
        var mounter = new BootMounter(_machine.Context) { Report = failures.Add };
        Assert.Null(mounter.Mount([Spec("ramfs", "/a"), Spec("tar", "/b", "/none", mayFail: true), Spec("ramfs", "/c")]));
        Assert.Equal("/b", Assert.Single(failures).Spec.Target);
        Assert.Equal(["a", "c"], _machine.List("/"));
        mounter.UnmountAll();
        Assert.Empty(_machine.List("/"));
    }
}
