// open, openat, openat2 and creat: which flags do what, on what kind of file.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Opening and creating files.</summary>
public abstract class OpenSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Fact]
    public void Open_OfAMissingFile_ReturnsENOENT()
    {
        Fails(ENOENT, S.Open("f"u8, O_RDONLY));
        Fails(ENOENT, S.Open("f"u8, O_RDWR));
        Fails(ENOENT, S.Open("f"u8, O_WRONLY | O_TRUNC));
    }

    [Fact]
    public void Create_MakesAnEmptyFile()
    {
        Open("f"u8, O_CREAT | O_RDWR, Oct(644));
        KernelStat stat = Stat("f"u8);
        Assert.Equal((S_IFREG, 0L, 1UL), (stat.TypeBits, stat.SizeBytes, stat.LinkCount));
    }

    [Fact]
    public void Create_AppliesTheUmask()
    {
        Needs(Features.Ownership);
        Ok(S.Umask(Oct(137)));
        Open("f"u8, O_CREAT | O_RDWR, Oct(7777));
        Assert.Equal(Oct(7640), Stat("f"u8).Permissions);
    }

    [Fact]
    public void Create_WithoutPermissionBits_StillGivesAWritableDescriptor()
    {
        Needs(Features.Ownership);
        MakePublicDirectory("p"u8);
        ISyscalls user = ForkAs(1000, 1000);
        long fd = Ok(user.Open("p/f"u8, O_CREAT | O_RDWR, 0));
        Gives(1, user.Write((int)fd, "x"u8));
        Fails(EACCES, user.Open("p/f"u8, O_RDONLY));
    }

    [Fact]
    public void Create_OfAnExistingFile_OpensItAsItIs()
    {
        Make("f"u8, "old"u8);
        Ok(S.ChMod("f"u8, Oct(600)));
        Open("f"u8, O_CREAT | O_RDWR, Oct(644));
        Assert.Equal("old", Text("f"u8));
        Assert.Equal(Oct(600), Stat("f"u8).Permissions & Oct(600));
    }

    [Fact]
    public void CreateExclusive_OfAnExistingFile_ReturnsEEXIST()
    {
        Make("f"u8);
        Fails(EEXIST, S.Open("f"u8, O_CREAT | O_EXCL | O_RDWR, Oct(644)));
    }

    [Fact]
    public void CreateExclusive_OfALink_ReturnsEEXISTAndMakesNothing()
    {
        Needs(Features.Symlinks);
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        Fails(EEXIST, S.Open("dangling"u8, O_CREAT | O_EXCL | O_RDWR, Oct(644)));
        IsMissing("nowhere"u8);
    }

    [Fact]
    public void Create_ThroughADanglingLink_MakesItsTarget()
    {
        Needs(Features.Symlinks);
        MakeDirectory("d"u8);
        Ok(S.Symlink("d/target"u8, "dangling"u8));
        int fd = Open("dangling"u8, O_CREAT | O_RDWR, Oct(644));
        WriteAll(fd, "x"u8);
        Assert.Equal("x", Text("d/target"u8));
        Assert.Equal(["d", "dangling"], Names("."u8));
    }

    [Fact]
    public void Create_ThroughALinkWhoseDirectoryIsMissing_ReturnsENOENT()
    {
        Needs(Features.Symlinks);
        Ok(S.Symlink("missing/target"u8, "dangling"u8));
        Fails(ENOENT, S.Open("dangling"u8, O_CREAT | O_RDWR, Oct(644)));
    }

    [Fact]
    public void Create_ThroughAChainOfLinks_MakesTheLastTarget()
    {
        Needs(Features.Symlinks);
        Ok(S.Symlink("b"u8, "a"u8));
        Ok(S.Symlink("c"u8, "b"u8));
        Open("a"u8, O_CREAT | O_RDWR, Oct(644));
        Assert.Equal(S_IFREG, LStat("c"u8).TypeBits);
    }

    [Fact]
    public void Creat_TruncatesAndOpensForWriting()
    {
        Make("f"u8, "old content"u8);
        int fd = (int)Ok(S.Creat("f"u8, Oct(644)));
        Fails(EBADF, S.Read(fd, new byte[1]));
        Assert.Equal(0, Stat("f"u8).SizeBytes);
    }

    [Theory]
    [InlineData("new/", O_CREAT | O_WRONLY, EISDIR)]
    [InlineData("d/", O_CREAT | O_RDONLY, EISDIR)]
    [InlineData("f/", O_CREAT | O_RDONLY, EISDIR)]
    [InlineData("f/", O_RDONLY, ENOTDIR)]
    [InlineData("f/.", O_RDONLY, ENOTDIR)]
    [InlineData("f/..", O_RDONLY, ENOTDIR)]
    [InlineData("f/x", O_RDONLY, ENOTDIR)]
    [InlineData("f/x", O_CREAT | O_RDWR, ENOTDIR)]
    [InlineData("missing/x", O_CREAT | O_RDWR, ENOENT)]
    [InlineData("d", O_WRONLY, EISDIR)]
    [InlineData("d", O_RDWR, EISDIR)]
    [InlineData("d", O_RDONLY | O_TRUNC, EISDIR)]
    [InlineData("d", O_RDONLY | O_CREAT, EISDIR)]
    [InlineData("d", O_CREAT | O_EXCL | O_RDWR, EEXIST)]
    [InlineData("f", O_DIRECTORY, ENOTDIR)]
    [InlineData("f", O_DIRECTORY | O_CREAT, EINVAL)]
    [InlineData("new", O_DIRECTORY | O_CREAT, EINVAL)]
    [InlineData("link", O_NOFOLLOW, ELOOP)]
    [InlineData("link", O_NOFOLLOW | O_CREAT | O_RDWR, ELOOP)]
    [InlineData("dlink", O_NOFOLLOW | O_DIRECTORY, ENOTDIR)]
    [InlineData("dangling", O_RDONLY, ENOENT)]
    [InlineData("loop", O_RDONLY, ELOOP)]
    [InlineData("loop", O_CREAT | O_RDWR, ELOOP)]
    [InlineData("loop/x", O_RDONLY, ELOOP)]
    [InlineData("", O_RDONLY, ENOENT)]
    [InlineData("", O_CREAT | O_RDWR, ENOENT)]
    [InlineData("f", O_TMPFILE | O_RDWR, ENOTDIR)]
    [InlineData("d", O_TMPFILE | O_RDONLY, EINVAL)]
    public void Open_OfWhatCannotBeOpenedSo_TellsWhy(string path, int flags, Errno expected)
    {
        Needs(Features.Symlinks);
        Make("f"u8, "content"u8);
        MakeDirectory("d"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        Ok(S.Symlink("d"u8, "dlink"u8));
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        Ok(S.Symlink("loop"u8, "loop"u8));
        Fails(expected, S.Open(Bytes(path), flags, Oct(644)));
        Assert.Equal(["d", "dangling", "dlink", "f", "link", "loop"], Names("."u8));
        Assert.Equal("content", Text("f"u8));
    }

    [Fact]
    public void OpenTruncate_EmptiesTheFileAndKeepsItsIdentity()
    {
        Make("f"u8, "content"u8);
        ulong ino = Stat("f"u8).Ino;
        Open("f"u8, O_WRONLY | O_TRUNC);
        KernelStat stat = Stat("f"u8);
        Assert.Equal((ino, 0L), (stat.Ino, stat.SizeBytes));
    }

    [Fact]
    public void OpenTruncate_ChangesTheTimes()
    {
        Make("f"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), new(1000, 0)], 0));
        Open("f"u8, O_WRONLY | O_TRUNC);
        Assert.True(Stat("f"u8).ModifyTime.Seconds > 1000);
    }

    [Fact]
    public void OpenTruncate_WithoutWritePermission_ReturnsEACCES()
    {
        Needs(Features.Ownership);
        Make("f"u8, "content"u8);
        Fails(EACCES, ForkAs(1000, 1000).Open("f"u8, O_RDONLY | O_TRUNC));
        Assert.Equal("content", Text("f"u8));
    }

    [Theory]
    [InlineData(400, true, false)]
    [InlineData(200, false, true)]
    [InlineData(600, true, true)]
    [InlineData(0, false, false)]
    [InlineData(77, false, false)]
    public void Open_ObeysTheOwnersBits(int mode, bool canRead, bool canWrite)
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChOwn("f"u8, 1000, 1000));
        Ok(S.ChMod("f"u8, Oct(mode)));
        ISyscalls user = ForkAs(1000, 1000);
        Assert.Equal(canRead, user.Open("f"u8, O_RDONLY) >= 0);
        Assert.Equal(canWrite, user.Open("f"u8, O_WRONLY) >= 0);
        Assert.Equal(canRead && canWrite, user.Open("f"u8, O_RDWR) >= 0);
    }

    [Theory]
    [InlineData(1000, 9, 740, true)]
    [InlineData(1001, 2000, 740, true)]
    [InlineData(1001, 2001, 740, false)]
    [InlineData(1001, 2000, 704, false)]
    [InlineData(1001, 2001, 704, true)]
    [InlineData(1000, 2000, 77, false)]
    public void Open_UsesTheFirstClassThatMatches(uint uid, uint gid, int mode, bool canRead)
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChOwn("f"u8, 1000, 2000));
        Ok(S.ChMod("f"u8, Oct(mode)));
        Assert.Equal(canRead, ForkAs(uid, gid).Open("f"u8, O_RDONLY) >= 0);
    }

    [Fact]
    public void Open_UsesSupplementaryGroups()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChOwn("f"u8, 1000, 2000));
        Ok(S.ChMod("f"u8, Oct(40)));
        Fails(EACCES, ForkAs(1001, 3000, 4000).Open("f"u8, O_RDONLY));
        Ok(ForkAs(1001, 3000, 4000, 2000).Open("f"u8, O_RDONLY));
    }

    [Fact]
    public void OpenPath_NeedsNoPermissionOnTheFileAndGivesNoAccess()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChMod("f"u8, 0));
        ISyscalls user = ForkAs(1000, 1000);
        int fd = (int)Ok(user.Open("f"u8, O_PATH));
        Fails(EBADF, user.Read(fd, new byte[1]));
        Fails(EBADF, user.Write(fd, "x"u8));
        Fails(EBADF, user.FTruncate(fd, 0));
        Fails(EBADF, user.LSeek(fd, 0, SEEK_SET));
        Fails(EBADF, user.FChMod(fd, Oct(777)));
        Fails(EBADF, user.FSync(fd));
        var stat = default(KernelStat);
        Ok(user.FStat(fd, ref stat));
    }

    [Fact]
    public void OpenPath_IgnoresOtherFlags()
    {
        Make("f"u8, "content"u8);
        Open("f"u8, O_PATH | O_RDWR | O_TRUNC);
        Assert.Equal("content", Text("f"u8));
        Fails(ENOENT, S.Open("missing"u8, O_PATH | O_CREAT, Oct(644)));
    }

    [Fact]
    public void OpenPath_OfADirectory_IsAStartForOtherCalls()
    {
        MakeDirectory("d"u8);
        Make("d/f"u8, "x"u8);
        int fd = Open("d"u8, O_PATH | O_DIRECTORY);
        Ok(S.OpenAt(fd, "f"u8, O_RDONLY, 0));
        Ok(S.MkDirAt(fd, "e"u8, Oct(755)));
        Ok(S.FChDir(fd));
        Fails(EBADF, S.GetDents64(fd, new byte[100]));
    }

    [Fact]
    public void OpenPathNoFollow_OpensTheLinkItself()
    {
        Needs(Features.Symlinks);
        Ok(S.Symlink("nowhere"u8, "link"u8));
        int fd = Open("link"u8, O_PATH | O_NOFOLLOW);
        Assert.Equal(S_IFLNK, FStat(fd).TypeBits);
        byte[] target = new byte[20];
        Gives(7, S.ReadLinkAt(fd, ""u8, target, 20));
    }

    [Fact]
    public void Open_UnknownFlagsAreIgnored()
    {
        Make("f"u8);
        Ok(S.Open("f"u8, O_RDONLY | (1 << 30)));
    }

    [Fact]
    public void Open_AccessModeThree_GivesNeitherReadNorWrite()
    {
        Make("f"u8);
        int fd = Open("f"u8, O_ACCMODE);
        Fails(EBADF, S.Read(fd, new byte[1]));
        Fails(EBADF, S.Write(fd, "x"u8));
    }

    [Fact]
    public void Open_GivesTheLowestFreeDescriptor()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDONLY);
        int b = Open("f"u8, O_RDONLY);
        int c = Open("f"u8, O_RDONLY);
        Assert.True(a < b && b < c);
        Ok(S.Close(b));
        Ok(S.Close(a));
        Assert.Equal(a, Open("f"u8, O_RDONLY));
        Assert.Equal(b, Open("f"u8, O_RDONLY));
    }

    [Fact]
    public void Open_EachOpenHasAPositionOfItsOwn()
    {
        Make("f"u8, "abcdef"u8);
        int one = Open("f"u8, O_RDONLY);
        int two = Open("f"u8, O_RDONLY);
        byte[] buffer = new byte[3];
        Gives(3, S.Read(one, buffer));
        Gives(3, S.Read(two, buffer));
        Assert.Equal("abc"u8, buffer);
        Gives(3, S.Read(one, buffer));
        Assert.Equal("def"u8, buffer);
    }

    [Fact]
    public void Open_KeepsItsRightsAfterTheModeChanged()
    {
        Needs(Features.Ownership);
        Make("f"u8, "content"u8);
        Ok(S.ChOwn("f"u8, 1000, 1000));
        ISyscalls user = ForkAs(1000, 1000);
        int fd = (int)Ok(user.Open("f"u8, O_RDWR));
        Ok(S.ChMod("f"u8, 0));
        Gives(1, user.Write(fd, "C"u8));
        Fails(EACCES, user.Open("f"u8, O_RDONLY));
    }

    [Fact]
    public void Open_NoAccessTimeByAnotherThanTheOwner_ReturnsEPERM()
    {
        Needs(Features.Ownership);
        Make("f"u8);
        Ok(S.ChMod("f"u8, Oct(666)));
        Fails(EPERM, ForkAs(1000, 1000).Open("f"u8, O_RDONLY | O_NOATIME));
        Ok(S.Open("f"u8, O_RDONLY | O_NOATIME));
    }

    [Fact]
    public void Close_OfAClosedDescriptor_ReturnsEBADF()
    {
        Make("f"u8);
        int fd = Open("f"u8, O_RDONLY);
        Ok(S.Close(fd));
        Fails(EBADF, S.Close(fd));
        Fails(EBADF, S.Close(-1));
        Fails(EBADF, S.Read(fd, new byte[1]));
    }

    [Fact]
    public void OpenAt2_UnknownFlagsAreRefused()
    {
        Make("f"u8);
        Fails(EINVAL, S.OpenAt2(AT_FDCWD, "f"u8, new KernelOpenHow { Flags = 1UL << 30 }));
        Fails(EINVAL, S.OpenAt2(AT_FDCWD, "f"u8, new KernelOpenHow { Flags = O_PATH | O_RDWR }));
        Fails(EINVAL, S.OpenAt2(AT_FDCWD, "f"u8, new KernelOpenHow { Resolve = 1UL << 20 }));
        Fails(EINVAL, S.OpenAt2(AT_FDCWD, "f"u8, new KernelOpenHow { Mode = Oct(600) }));
        Fails(EINVAL, S.OpenAt2(AT_FDCWD, "g"u8, new KernelOpenHow { Flags = O_CREAT | O_RDWR, Mode = 0x10000 }));
        IsMissing("g"u8);
    }

    [Theory]
    [InlineData("d/in", RESOLVE_BENEATH, None)]
    [InlineData("d/../f", RESOLVE_BENEATH, None)]
    [InlineData("../f", RESOLVE_BENEATH, EXDEV)]
    [InlineData("/work/t/f", RESOLVE_BENEATH, EXDEV)]
    [InlineData("abs", RESOLVE_BENEATH, EXDEV)]
    [InlineData("up", RESOLVE_BENEATH, EXDEV)]
    [InlineData("rel", RESOLVE_BENEATH, None)]
    [InlineData("../../../f", RESOLVE_IN_ROOT, None)]
    [InlineData("/f", RESOLVE_IN_ROOT, None)]
    [InlineData("absroot", RESOLVE_IN_ROOT, None)]
    [InlineData("abs", RESOLVE_IN_ROOT, ENOENT)]
    [InlineData("up", RESOLVE_IN_ROOT, None)]
    [InlineData("rel", RESOLVE_NO_SYMLINKS, ELOOP)]
    [InlineData("dlink/in", RESOLVE_NO_SYMLINKS, ELOOP)]
    [InlineData("d/in", RESOLVE_NO_SYMLINKS, None)]
    [InlineData("/proc/version", RESOLVE_NO_XDEV, EXDEV)]
    [InlineData("d/in", RESOLVE_NO_XDEV, None)]
    public void OpenAt2_ResolvesAsTold(string path, ulong resolve, Errno expected)
    {
        Needs(Features.Symlinks);
        MakeDirectory("t"u8);
        MakeDirectory("t/d"u8);
        Make("t/d/in"u8);
        Make("t/f"u8);
        Make("f"u8);
        Ok(S.Symlink("d/in"u8, "t/rel"u8));
        Ok(S.Symlink("d"u8, "t/dlink"u8));
        Ok(S.Symlink("/work/f"u8, "t/abs"u8));
        Ok(S.Symlink("/f"u8, "t/absroot"u8));
        Ok(S.Symlink("../f"u8, "t/up"u8));
        int start = Open("t"u8, O_DIRECTORY);
        long result = S.OpenAt2(start, Bytes(path), new KernelOpenHow { Resolve = resolve });
        if (expected == None)
        {
            Ok(result);
        }
        else
        {
            Fails(expected, result);
        }
    }

    [Fact]
    public void OpenAt2_NoXdev_RefusesToLeaveByDotDot()
    {
        Fails(EXDEV, S.OpenAt2(AT_FDCWD, ".."u8, new KernelOpenHow { Resolve = RESOLVE_NO_XDEV }));
        Fails(EXDEV, S.OpenAt2(AT_FDCWD, "/shm"u8, new KernelOpenHow { Resolve = RESOLVE_NO_XDEV }));
    }

    [Fact]
    public void OpenFifo_NonBlocking_DoesNotWaitForTheOtherEnd()
    {
        Needs(Features.SpecialFiles);
        Ok(S.MkFifo("fifo"u8, Oct(644)));
        Fails(ENXIO, S.Open("fifo"u8, O_WRONLY | O_NONBLOCK));
        Open("fifo"u8, O_RDONLY | O_NONBLOCK);
        Open("fifo"u8, O_WRONLY | O_NONBLOCK);
    }

    [Fact]
    public void OpenFifo_BlocksUntilTheOtherEndComes()
    {
        Needs(Features.SpecialFiles);
        Ok(S.MkFifo("fifo"u8, Oct(644)));
        ISyscalls other = Fork();
        Task<long> reader = Start(() => other.Open("fifo"u8, O_RDONLY));
        IsBlocked(reader);
        int writer = Open("fifo"u8, O_WRONLY);
        int fd = (int)Ok(Finish(reader));
        Gives(2, S.Write(writer, "ab"u8));
        byte[] buffer = new byte[10];
        Gives(2, other.Read(fd, buffer));
        Ok(S.Close(writer));
        Gives(0, other.Read(fd, buffer));
    }

    // O_CREAT must not fall upon a device that somebody has put into a directory for all.
    [Fact]
    public void Create_OverSomebodysDevice_InAStickyDirectory_ReturnsEACCES()
    {
        Needs(Features.CallersRights | Features.DeviceNodes | Features.Ownership);
        MakeDirectory("d"u8);
        Ok(S.ChMod("d"u8, Oct(1777)));
        Ok(S.MkNod("d/dev"u8, S_IFCHR | Oct(666), 0));
        Ok(S.ChOwn("d/dev"u8, 1000, 1000));
        Fails(EACCES, S.Open("d/dev"u8, O_CREAT | O_RDONLY, Oct(600)));
        Fails(ENXIO, S.Open("d/dev"u8, O_RDONLY));
        Ok(S.ChMod("d"u8, Oct(777)));
        Fails(ENXIO, S.Open("d/dev"u8, O_CREAT | O_RDONLY, Oct(600)));
    }

    [Fact]
    public void Direct_IsForFilesWithData()
    {
        MakeDirectory("d"u8);
        Fails(EINVAL, S.Open("d"u8, O_RDONLY | O_DIRECT));
        int fd = Open("d"u8, O_RDONLY);
        Fails(EINVAL, S.Fcntl(fd, F_SETFL, O_DIRECT));
    }

    [Fact]
    public void OpenSocketNode_ReturnsENXIO()
    {
        Needs(Features.SpecialFiles);
        Ok(S.MkNod("socket"u8, S_IFSOCK | Oct(644)));
        Fails(ENXIO, S.Open("socket"u8, O_RDWR));
        Ok(S.Open("socket"u8, O_PATH));
    }
}
