// mount, umount2, pivot_root: stacking, binding, moving, read-only mounts, and what keeps a mount busy. The file system under test is
// the one at /work; what is mounted on it is the machine's scratch type.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Mounts.</summary>
public abstract class MountSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Fact]
    public void Mount_CoversAndUnmountUncovers()
    {
        MakeDirectory("m"u8);
        Make("m/below"u8, "below"u8);
        Mount("m"u8);
        Assert.Empty(Names("m"u8));
        Make("m/above"u8);
        Assert.NotEqual(Stat("."u8).Device, Stat("m"u8).Device);
        Ok(S.Umount("m"u8));
        Assert.Equal(["below"], Names("m"u8));
    }

    [Fact]
    public void Mounts_Stack()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        Make("m/first"u8);
        Mount("m"u8);
        Assert.Empty(Names("m"u8));
        Make("m/second"u8);
        Ok(S.Umount("m"u8));
        Assert.Equal(["first"], Names("m"u8));
        Ok(S.Umount("m"u8));
        Fails(EINVAL, S.Umount("m"u8));
    }

    [Fact]
    public void Mount_InAMount_Works()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        MakeDirectory("m/n"u8);
        Mount("m/n"u8);
        Make("m/n/f"u8);
        Fails(EBUSY, S.Umount("m"u8));
        Assert.Equal(Stat("m"u8).Ino, Stat("m/n/.."u8).Ino);
        Ok(S.Umount("m/n"u8));
        Ok(S.Umount("m"u8));
    }

    [Fact]
    public void Mount_OfWhatCannotBe_TellsWhy()
    {
        MakeDirectory("m"u8);
        Make("f"u8);
        Fails(ENODEV, S.Mount("x"u8, "m"u8, "no-such-type"u8, 0, default));
        Fails(ENOENT, S.Mount("x"u8, "missing"u8, TestMount.ScratchType, 0, default));
        Fails(ENOTDIR, S.Mount("x"u8, "f"u8, TestMount.ScratchType, 0, default));
        Fails(EINVAL, S.Mount("x"u8, "m"u8, TestMount.ScratchType, 0, "no_such_option=1"u8));
        Fails(EINVAL, S.Mount("x"u8, "m"u8, default, MS_REMOUNT, default));
        Fails(ENOENT, S.Mount("missing"u8, "m"u8, default, MS_BIND, default));
        Fails(ENOTDIR, S.Mount("f"u8, "m"u8, default, MS_BIND, default));
        Assert.Empty(Names("m"u8));
    }

    [Fact]
    public void Unmount_WhileInUse_ReturnsEBUSY()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        Make("m/f"u8);
        MakeDirectory("m/d"u8);
        int fd = Open("m/f"u8, O_RDONLY);
        Fails(EBUSY, S.Umount("m"u8));
        Ok(S.Close(fd));
        ISyscalls other = Fork();
        Ok(other.ChDir("m/d"u8));
        Fails(EBUSY, S.Umount("m"u8));
        Ok(other.ChDir("/"u8));
        int path = Open("m"u8, O_PATH);
        Fails(EBUSY, S.Umount("m"u8));
        Ok(S.Close(path));
        Ok(S.Umount("m"u8));
    }

    [Fact]
    public void Unmount_OfWhatIsNoMount_ReturnsEINVAL()
    {
        MakeDirectory("d"u8);
        Make("f"u8);
        Fails(EINVAL, S.Umount("d"u8));
        Fails(EINVAL, S.Umount("f"u8));
        Fails(ENOENT, S.Umount("missing"u8));
        MakeDirectory("m"u8);
        Mount("m"u8);
        MakeDirectory("m/d"u8);
        Fails(EINVAL, S.Umount("m/d"u8));
        Fails(EINVAL, S.Umount2("m"u8, 0x100));
        Fails(EINVAL, S.Umount2("m"u8, MNT_EXPIRE | MNT_FORCE));
        Fails(EINVAL, S.Umount2("m"u8, MNT_EXPIRE | MNT_DETACH));
    }

    [Fact]
    public void Unmount_FollowsALinkUnlessTold()
    {
        Needs(Features.Symlinks);
        MakeDirectory("m"u8);
        Mount("m"u8);
        Ok(S.Symlink("m"u8, "link"u8));
        Fails(EINVAL, S.Umount2("link"u8, UMOUNT_NOFOLLOW));
        Ok(S.Umount("link"u8));
    }

    [Fact]
    public void Detach_TakesABusyMountAwayAndLeavesItsUsers()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        MakeDirectory("m/d"u8);
        Make("m/d/f"u8, "content"u8);
        int d = Open("m/d"u8, O_DIRECTORY);
        Ok(S.Umount2("m"u8, MNT_DETACH));
        Assert.Empty(Names("m"u8));
        int fd = (int)Ok(S.OpenAt(d, "f"u8, O_RDONLY, 0));
        Assert.Equal("content"u8, Rest(fd));
        Ok(S.OpenAt(d, "g"u8, O_CREAT | O_RDWR, Oct(644)));
        Ok(S.RmDir("m"u8));
    }

    [Fact]
    public void Detach_TakesMountsBelowToo()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        MakeDirectory("m/n"u8);
        Mount("m/n"u8);
        Ok(S.Umount2("m"u8, MNT_DETACH));
        Assert.Empty(Names("m"u8));
        Fails(EINVAL, S.Umount("m"u8));
    }

    [Fact]
    public void Expire_UnmountsAtTheSecondCall()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        Make("m/f"u8);
        Fails(EAGAIN, S.Umount2("m"u8, MNT_EXPIRE));
        Ok(S.Access("m/f"u8, F_OK));             // Used in between: the mark is gone.
        Fails(EAGAIN, S.Umount2("m"u8, MNT_EXPIRE));
        Ok(S.Umount2("m"u8, MNT_EXPIRE));
        Assert.Empty(Names("m"u8));
    }

    [Fact]
    public void Bind_ShowsTheSameFiles()
    {
        MakeDirectory("a"u8);
        Make("a/f"u8, "content"u8);
        MakeDirectory("b"u8);
        Bind("a"u8, "b"u8);
        Assert.Equal((Stat("a/f"u8).Device, Stat("a/f"u8).Ino), (Stat("b/f"u8).Device, Stat("b/f"u8).Ino));
        Make("b/g"u8);
        Assert.Equal(["f", "g"], Names("a"u8));
        Assert.Equal(Stat("."u8).Ino, Stat("b/.."u8).Ino);
        Fails(EXDEV, S.Rename("b/f"u8, "a/x"u8));
        Fails(EXDEV, S.Link("b/f"u8, "a/x"u8));
        Ok(S.Rename("b/f"u8, "b/x"u8));
        Assert.Equal("content", Text("a/x"u8));
        Ok(S.Umount("b"u8));
        Assert.Empty(Names("b"u8));
    }

    [Fact]
    public void Bind_OfAFile_CoversAFile()
    {
        Make("a"u8, "a"u8);
        Make("b"u8, "b"u8);
        Bind("a"u8, "b"u8);
        Assert.Equal("a", Text("b"u8));
        Fails(EBUSY, S.Unlink("b"u8));
        Fails(EBUSY, S.Rename("b"u8, "c"u8));
        Fails(EBUSY, S.Rename("a"u8, "b"u8));
        MakeDirectory("d"u8);
        Fails(ENOTDIR, S.Mount("d"u8, "b"u8, default, MS_BIND, default));
        Ok(S.Umount("b"u8));
        Assert.Equal("b", Text("b"u8));
    }

    [Fact]
    public void Bind_LeavesMountsBelowOutUnlessRecursive()
    {
        MakeDirectory("a"u8);
        MakeDirectory("a/m"u8);
        Mount("a/m"u8);
        Make("a/m/f"u8);
        MakeDirectory("b"u8);
        Bind("a"u8, "b"u8);
        Assert.Empty(Names("b/m"u8));
        MakeDirectory("c"u8);
        Ok(S.Mount("a"u8, "c"u8, default, MS_BIND | MS_REC, default));
        Assert.Equal(["f"], Names("c/m"u8));
    }

    [Fact]
    public void Bind_SurvivesTheRemovalOfItsSource()
    {
        MakeDirectory("a"u8);
        MakeDirectory("b"u8);
        Bind("a"u8, "b"u8);
        Ok(S.RmDir("a"u8));
        Fails(ENOENT, S.MkDir("b/x"u8, Oct(755)));
        Ok(S.Umount("b"u8));
    }

    [Fact]
    public void Move_TakesAMountElsewhere()
    {
        MakeDirectory("m"u8);
        MakeDirectory("n"u8);
        Mount("m"u8);
        Make("m/f"u8);
        int fd = Open("m/f"u8, O_RDONLY);
        Ok(S.Mount("m"u8, "n"u8, default, MS_MOVE, default));
        Assert.Empty(Names("m"u8));
        Assert.Equal(["f"], Names("n"u8));
        Ok(S.FStatOrFail(fd));
        MakeDirectory("n/inner"u8);
        Fails(ELOOP, S.Mount("n"u8, "n/inner"u8, default, MS_MOVE, default));
        Fails(EINVAL, S.Mount("m"u8, "n"u8, default, MS_MOVE, default));
    }

    [Fact]
    public void MountPoint_CannotBeRemovedOrRenamed()
    {
        MakeDirectory("m"u8);
        MakeDirectory("d"u8);
        Mount("m"u8);
        Fails(EBUSY, S.RmDir("m"u8));
        Fails(EBUSY, S.Rename("m"u8, "x"u8));
        Fails(EBUSY, S.Rename("d"u8, "m"u8));
        Fails(EBUSY, S.Rename("d"u8, "m"u8, RENAME_EXCHANGE));
        Fails(EXDEV, S.Rename("d"u8, "m/x"u8));
        Ok(S.Umount("m"u8));
        Ok(S.RmDir("m"u8));
    }

    [Fact]
    public void ParentOfAMountPoint_CanBeRenamed()
    {
        MakeDirectory("a"u8);
        MakeDirectory("a/m"u8);
        Mount("a/m"u8);
        Make("a/m/f"u8);
        Ok(S.Rename("a"u8, "b"u8));
        Assert.Equal(["f"], Names("b/m"u8));
        Ok(S.Umount("b/m"u8));
    }

    [Fact]
    public void ReadOnlyRemount_RefusesChangesAndWritersKeepItAway()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        Make("m/f"u8, "content"u8);
        int writer = Open("m/f"u8, O_WRONLY);
        Fails(EBUSY, S.Mount("t"u8, "m"u8, default, MS_REMOUNT | MS_RDONLY, default));
        Ok(S.Close(writer));
        Ok(S.Mount("t"u8, "m"u8, default, MS_REMOUNT | MS_RDONLY, default));
        Fails(EROFS, S.Open("m/f"u8, O_WRONLY));
        Fails(EROFS, S.Unlink("m/f"u8));
        Assert.Equal("content", Text("m/f"u8));
        var statfs = default(KernelStatFs);
        Ok(S.StatFs("m"u8, ref statfs));
        Assert.Equal(1, statfs.Flags & 1);
        Ok(S.Mount("t"u8, "m"u8, default, MS_REMOUNT, default));
        Ok(S.Open("m/f"u8, O_WRONLY));
    }

    [Fact]
    public void ReadOnlyBind_IsReadOnlyThroughItselfOnly()
    {
        MakeDirectory("a"u8);
        Make("a/f"u8);
        MakeDirectory("b"u8);
        Bind("a"u8, "b"u8);
        Ok(S.Mount("none"u8, "b"u8, default, MS_REMOUNT | MS_BIND | MS_RDONLY, default));
        Fails(EROFS, S.Open("b/f"u8, O_WRONLY));
        Fails(EROFS, S.MkDir("b/d"u8, Oct(755)));
        Fails(EROFS, S.ChMod("b/f"u8, Oct(600)));
        Fails(EROFS, S.Access("b/f"u8, W_OK));
        Ok(S.Open("a/f"u8, O_WRONLY));
        Make("a/g"u8);
        Assert.Equal(["f", "g"], Names("b"u8));
    }

    [Fact]
    public void NoDev_RefusesDevices()
    {
        Needs(Features.DeviceNodes);
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, MS_NODEV, default));
        Ok(S.MkNod("m/null"u8, S_IFCHR | Oct(666), 0x103));
        Fails(EACCES, S.Open("m/null"u8, O_RDONLY));
    }

    [Fact]
    public void NoExec_RefusesExecutionToAccess()
    {
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, MS_NOEXEC, default));
        Make("m/f"u8);
        Ok(S.ChMod("m/f"u8, Oct(755)));
        Fails(EACCES, S.Access("m/f"u8, X_OK));
        Ok(S.Access("m"u8, X_OK));
    }

    [Fact]
    public void NoSymFollow_RefusesToFollow()
    {
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, MS_NOSYMFOLLOW, default));
        Make("m/f"u8);
        Ok(S.Symlink("f"u8, "m/link"u8));
        Fails(ELOOP, S.Open("m/link"u8, O_RDONLY));
        Assert.Equal("f", Target("m/link"u8));
    }

    [Fact]
    public void NoAccessTime_LeavesIt()
    {
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, MS_NOATIME, default));
        Make("m/f"u8, "abc"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "m/f"u8, [new(1000, 0), new(1000, 0)], 0));
        Assert.Equal("abc", Text("m/f"u8));
        Assert.Equal(1000, Stat("m/f"u8).AccessTime.Seconds);
    }

    [Fact]
    public void PivotRoot_ExchangesTheRoot()
    {
        MakeDirectory("new"u8);
        Mount("new"u8);
        MakeDirectory("new/old"u8);
        Make("new/f"u8);
        Ok(S.PivotRoot("new"u8, "new/old"u8));
        Ok(S.ChDir("/"u8));
        Assert.Equal(["f", "old"], Names("/"u8));
        Assert.Contains("work", Names("/old"u8));
        Ok(S.Umount2("/old"u8, MNT_DETACH));
        Assert.Empty(Names("/old"u8));
    }

    // As pivot_root(2) tells it: without a directory for the old root, which then lies over the new one.
    [Fact]
    public void PivotRoot_OntoItself_LetsTheOldRootGo()
    {
        MakeDirectory("new"u8);
        Mount("new"u8);
        Make("new/f"u8);
        Ok(S.ChDir("new"u8));
        Ok(S.PivotRoot("."u8, "."u8));
        Ok(S.Umount2("."u8, MNT_DETACH));
        Ok(S.ChDir("/"u8));
        Assert.Equal(["f"], Names("/"u8));
        Assert.Equal("/", WorkingDirectory(S));
    }

    [Fact]
    public void PivotRoot_OfWhatCannotBe_TellsWhy()
    {
        MakeDirectory("d"u8);
        Make("f"u8);
        Fails(EINVAL, S.PivotRoot("d"u8, "d"u8));
        Fails(ENOTDIR, S.PivotRoot("f"u8, "f"u8));
        Fails(ENOENT, S.PivotRoot("missing"u8, "missing"u8));
        Fails(EBUSY, S.PivotRoot("/"u8, "/"u8));
    }

    [Fact]
    public void Remount_ChangesTheSizeLimit()
    {
        Needs(Features.SizeLimit);
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, 0, "size=1m"u8));
        Make("m/f"u8, new byte[600000]);
        Fails(EINVAL, S.Mount("t"u8, "m"u8, default, MS_REMOUNT, "size=100k"u8));
        Ok(S.Mount("t"u8, "m"u8, default, MS_REMOUNT, "size=2m"u8));
        var statfs = default(KernelStatFs);
        Ok(S.StatFs("m"u8, ref statfs));
        Assert.Equal(2L << 20, (long)statfs.Blocks * statfs.BlockSizeBytes);
    }

    [Fact]
    public void Bind_OntoItself_Works()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        Make("m/f"u8);
        Bind("m"u8, "m"u8);
        Assert.Equal(["f"], Names("m"u8));
        Ok(S.Umount("m"u8));
        Ok(S.Umount("m"u8));
        Fails(EINVAL, S.Umount("m"u8));
    }

    [Fact]
    public void DetachedMount_TakesNoMounts()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        MakeDirectory("m/d"u8);
        Ok(S.ChDir("m"u8));
        Ok(S.Umount2("."u8, MNT_DETACH));
        Fails(ENOENT, S.Mount("t"u8, "d"u8, TestMount.ScratchType, 0, default));
        Fails(ENOENT, S.Mount("d"u8, "d"u8, default, MS_BIND, default));
        Fails(EINVAL, S.Mount("t"u8, "."u8, default, MS_REMOUNT | MS_RDONLY, default));
    }

    // A writer that came in through a mount which is gone from the tree is still a writer.
    [Fact]
    public void ReadOnlyRemount_IsKeptAwayByAWriterOfADetachedBind()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        MakeDirectory("b"u8);
        Bind("m"u8, "b"u8);
        int writer = Open("b/f"u8, O_CREAT | O_WRONLY, Oct(644));
        Ok(S.Umount2("b"u8, MNT_DETACH));
        Fails(EBUSY, S.Mount("t"u8, "m"u8, default, MS_REMOUNT | MS_RDONLY, default));
        Ok(S.Close(writer));
        Ok(S.Mount("t"u8, "m"u8, default, MS_REMOUNT | MS_RDONLY, default));
    }

    // A file without a name must be freed at its last close: that is a write to come.
    [Fact]
    public void ReadOnlyRemount_IsKeptAwayByAnOpenFileWithoutAName()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        Make("m/f"u8);
        int reader = Open("m/f"u8, O_RDONLY);
        Ok(S.Unlink("m/f"u8));
        Fails(EBUSY, S.Mount("t"u8, "m"u8, default, MS_REMOUNT | MS_RDONLY, default));
        Ok(S.Close(reader));
        Ok(S.Mount("t"u8, "m"u8, default, MS_REMOUNT | MS_RDONLY, default));
    }

    [Fact]
    public void Mount_OfASourceThatIsTooLong_LooksAtNothingElse()
    {
        Fails(EINVAL, S.Mount(Letters(PATH_MAX), "missing"u8, TestMount.ScratchType, 0, default));
        Fails(ENOENT, S.Mount(Letters(PATH_MAX - 1), "missing"u8, TestMount.ScratchType, 0, default));
    }

    // Relative, the root is not known yet when the link is met, so nothing is its mount; that is how Linux answers.
    [Fact]
    public void NoCrossDevice_RefusesAnAbsoluteLinkInARelativePath()
    {
        Needs(Features.Symlinks);
        MakeDirectory("d"u8);
        Ok(S.Symlink("/work/d"u8, "l"u8));
        var how = new KernelOpenHow { Flags = O_RDONLY, Resolve = RESOLVE_NO_XDEV };
        Fails(EXDEV, S.OpenAt2(AT_FDCWD, "l"u8, how));
        Ok(S.OpenAt2(AT_FDCWD, "d"u8, how));
    }

    [Fact]
    public void Unmount_OfDot_TakesWhatCoversIt()
    {
        MakeDirectory("m"u8);
        Mount("m"u8);
        Make("m/f"u8);
        Ok(S.ChDir("m"u8));
        Ok(S.Mount("t"u8, "."u8, TestMount.ScratchType, 0, default));
        Assert.Equal(["f"], Names("."u8));
        Assert.Empty(Names("/work/m"u8));
        Ok(S.Umount("."u8));
        Assert.Equal(["f"], Names("/work/m"u8));
        Fails(EBUSY, S.Umount("."u8));
    }

    [Fact]
    public void Move_OfTheRootOfAll_IsACircle()
    {
        MakeDirectory("m"u8);
        Fails(ELOOP, S.Mount("/"u8, "m"u8, default, MS_MOVE, default));
    }

    // A bind mount outlives the name that it shows, but nothing more can be mounted on it.
    [Fact]
    public void Mount_OntoABindWhoseSourceIsGone_ReturnsENOENT()
    {
        Make("a"u8);
        Make("b"u8);
        Make("c"u8);
        Bind("a"u8, "b"u8);
        Ok(S.Unlink("a"u8));
        Fails(ENOENT, S.Mount("c"u8, "b"u8, default, MS_BIND, default));
    }

    // ".." stops at the root, also where a mount lies over it: it leaves no mount, so RESOLVE_NO_XDEV has nothing to refuse.
    [Fact]
    public void DotDot_InAMountOverTheRoot_StaysInIt()
    {
        MakeDirectory("r"u8);
        using ISyscalls child = Fork();
        Ok(child.ChRoot("r"u8));
        Ok(child.Mount("t"u8, "r"u8, TestMount.ScratchType, 0, default));
        Ok(child.ChDir("r"u8));
        Ok(child.MkDir("x"u8, Oct(755)));
        var how = new KernelOpenHow { Flags = O_RDONLY, Resolve = RESOLVE_NO_XDEV };
        Ok(child.OpenAt2(AT_FDCWD, "../x"u8, how));
        Ok(child.OpenAt2(AT_FDCWD, ".."u8, how));
    }

    private void Mount(ReadOnlySpan<byte> target) => Ok(S.Mount("t"u8, target, TestMount.ScratchType, 0, default));

    private void Bind(ReadOnlySpan<byte> source, ReadOnlySpan<byte> target) => Ok(S.Mount(source, target, default, MS_BIND, default));
}
