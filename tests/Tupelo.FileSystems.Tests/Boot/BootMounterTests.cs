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
