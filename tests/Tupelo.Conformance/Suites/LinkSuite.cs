// Hard links, symbolic links and files without a name.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>link, symlink, readlink, and O_TMPFILE.</summary>
public abstract class LinkSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Fact]
    public void Link_GivesASecondNameToTheSameFile()
    {
        Needs(Features.HardLinks);
        Make("a"u8, "one"u8);
        Ok(S.Link("a"u8, "b"u8));
        Assert.Equal(Stat("a"u8).Ino, Stat("b"u8).Ino);
        Assert.Equal(2UL, Stat("a"u8).LinkCount);
        int fd = Open("b"u8, O_WRONLY | O_APPEND);
        WriteAll(fd, " two"u8);
        Assert.Equal("one two", Text("a"u8));
    }

    [Fact]
    public void Link_SurvivesTheFirstName()
    {
        Needs(Features.HardLinks);
        Make("a"u8, "content"u8);
        Ok(S.Link("a"u8, "b"u8));
        Ok(S.Unlink("a"u8));
        Assert.Equal("content", Text("b"u8));
        Assert.Equal(1UL, Stat("b"u8).LinkCount);
    }

    [Fact]
    public void Link_SharesModeOwnerTimesAndAttributes()
    {
        Needs(Features.HardLinks | Features.Ownership | Features.UserXattrs);
        MakeDirectory("d"u8);
        Make("a"u8);
        Ok(S.Link("a"u8, "d/b"u8));
        Ok(S.ChMod("d/b"u8, Oct(640)));
        Ok(S.ChOwn("a"u8, 7, 8));
        Ok(S.SetXattr("d/b"u8, "user.k"u8, "v"u8, 0));
        KernelStat stat = Stat("a"u8);
        Assert.Equal((Oct(640), 7u, 8u), (stat.Permissions, Stat("d/b"u8).Uid, stat.Gid));
        Gives(1, S.GetXattr("a"u8, "user.k"u8, new byte[10]));
    }

    [Fact]
    public void Link_ChangesTheChangeTimeOnly()
    {
        Needs(Features.HardLinks);
        Make("a"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "a"u8, [new(1000, 0), new(1000, 0)], 0));
        Ok(S.Link("a"u8, "b"u8));
        KernelStat stat = Stat("a"u8);
        Assert.Equal(1000, stat.ModifyTime.Seconds);
        Assert.True(stat.ChangeTime.Seconds > 1000);
    }

    [Fact]
    public void Link_OfALink_NamesTheLinkUnlessToldToFollow()
    {
        Needs(Features.HardLinks | Features.Symlinks);
        Make("f"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        Ok(S.Link("link"u8, "b"u8));
        Assert.Equal((S_IFLNK, LStat("link"u8).Ino), (LStat("b"u8).TypeBits, LStat("b"u8).Ino));
        Ok(S.LinkAt(AT_FDCWD, "link"u8, AT_FDCWD, "c"u8, AT_SYMLINK_FOLLOW));
        Assert.Equal(Stat("f"u8).Ino, LStat("c"u8).Ino);
    }

    [Fact]
    public void Link_OfADanglingLink_WorksUnlessToldToFollow()
    {
        Needs(Features.HardLinks | Features.Symlinks);
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        Ok(S.Link("dangling"u8, "b"u8));
        Fails(ENOENT, S.LinkAt(AT_FDCWD, "dangling"u8, AT_FDCWD, "c"u8, AT_SYMLINK_FOLLOW));
    }

    [Fact]
    public void Link_OfSpecialFiles_Works()
    {
        Needs(Features.HardLinks | Features.SpecialFiles);
        Ok(S.MkFifo("fifo"u8, Oct(644)));
        Ok(S.MkNod("socket"u8, S_IFSOCK | Oct(644)));
        Ok(S.Link("fifo"u8, "fifo2"u8));
        Ok(S.Link("socket"u8, "socket2"u8));
        Assert.Equal(2UL, Stat("fifo"u8).LinkCount);
    }

    [Theory]
    [InlineData("d", "x", EPERM)]
    [InlineData("d", "f", EEXIST)]
    [InlineData("f", "f", EEXIST)]
    [InlineData("f", "d", EEXIST)]
    [InlineData("f", "dangling", EEXIST)]
    [InlineData("f", ".", EEXIST)]
    [InlineData("f", "x/", ENOENT)]
    [InlineData("f", "d/", EEXIST)]
    [InlineData("f/", "x", ENOTDIR)]
    [InlineData("f/x", "y", ENOTDIR)]
    [InlineData("f", "f/y", ENOTDIR)]
    [InlineData("missing", "x", ENOENT)]
    [InlineData("missing", "f", ENOENT)]
    [InlineData("f", "missing/x", ENOENT)]
    [InlineData("", "x", ENOENT)]
    [InlineData("f", "", ENOENT)]
    [InlineData("f", "/shm/x", EXDEV)]
    [InlineData("d", "/shm/x", EXDEV)]
    public void Link_WhereItCannotBe_TellsWhy(string from, string to, Errno expected)
    {
        Needs(Features.HardLinks | Features.Symlinks);
        Make("f"u8);
        MakeDirectory("d"u8);
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        Fails(expected, S.Link(Bytes(from), Bytes(to)));
        Assert.Equal(["d", "dangling", "f"], Names("."u8));
        Assert.Equal(1UL, Stat("f"u8).LinkCount);
    }

    [Fact]
    public void LinkAt_EmptyPath_LinksTheDescriptor()
    {
        Needs(Features.HardLinks);
        Make("a"u8);
        int fd = Open("a"u8, O_RDONLY);
        Ok(S.LinkAt(fd, ""u8, AT_FDCWD, "b"u8, AT_EMPTY_PATH));
        Assert.Equal(Stat("a"u8).Ino, Stat("b"u8).Ino);
        Fails(ENOENT, S.LinkAt(fd, ""u8, AT_FDCWD, "c"u8, 0));
        Fails(EINVAL, S.LinkAt(fd, "a"u8, AT_FDCWD, "c"u8, AT_SYMLINK_NOFOLLOW));
    }

    [Fact]
    public void LinkAt_OfAnUnlinkedFile_ReturnsENOENT()
    {
        Needs(Features.HardLinks | Features.OpenUnlinked);
        Make("a"u8);
        int fd = Open("a"u8, O_RDONLY);
        Ok(S.Unlink("a"u8));
        Fails(ENOENT, S.LinkAt(fd, ""u8, AT_FDCWD, "b"u8, AT_EMPTY_PATH));
    }

    [Fact]
    public void Link_ToAnothersFile_NeedsOwnershipOrAccess()
    {
        Needs(Features.HardLinks | Features.Ownership);
        MakePublicDirectory("p"u8);
        Make("private"u8);
        Ok(S.ChMod("private"u8, Oct(600)));
        Make("open"u8);
        Ok(S.ChMod("open"u8, Oct(666)));
        Make("setuid"u8);
        Ok(S.ChMod("setuid"u8, Oct(4777)));
        ISyscalls user = ForkAs(1000, 1000);
        Fails(EPERM, user.Link("private"u8, "p/a"u8));
        Fails(EPERM, user.Link("setuid"u8, "p/b"u8));
        Ok(user.Link("open"u8, "p/c"u8));
    }

    [Fact]
    public void ManyLinks_AreCounted()
    {
        Needs(Features.HardLinks);
        Make("a"u8);
        for (int i = 0; i < 200; i++)
        {
            Ok(S.Link("a"u8, Numbered("l", i)));
        }
        Assert.Equal(201UL, Stat("a"u8).LinkCount);
        for (int i = 0; i < 200; i++)
        {
            Ok(S.Unlink(Numbered("l", i)));
        }
        Assert.Equal(1UL, Stat("a"u8).LinkCount);
    }

    [Fact]
    public void Symlink_KeepsItsTargetVerbatim()
    {
        Needs(Features.Symlinks);
        foreach (string target in new[] { "f", "/", "..", "//a//b/", "no such/../thing ", "\u00e4\u20ac", "." })
        {
            Ok(S.Symlink(Bytes(target), "link"u8));
            Assert.Equal(Bytes(target), System.Text.Encoding.Latin1.GetBytes(Target("link"u8)));
            Assert.Equal(Bytes(target).Length, LStat("link"u8).SizeBytes);
            Ok(S.Unlink("link"u8));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(59)]
    [InlineData(60)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(1000)]
    [InlineData(4095)]
    public void Symlink_HoldsTargetsOfAnyLength(int length)
    {
        Needs(Features.Symlinks);
        byte[] target = Letters(length);
        Ok(S.Symlink(target, "link"u8));
        byte[] buffer = new byte[5000];
        Gives(length, S.ReadLink("link"u8, buffer));
        Assert.Equal(target, buffer[..length]);
    }

    [Fact]
    public void Symlink_TooLong_ReturnsENAMETOOLONG()
    {
        Needs(Features.Symlinks);
        Fails(ENAMETOOLONG, S.Symlink(Letters(4096), "link"u8));
    }

    [Theory]
    [InlineData("", "x", ENOENT)]
    [InlineData("", "f", ENOENT)]
    [InlineData("t", "f", EEXIST)]
    [InlineData("t", "d", EEXIST)]
    [InlineData("t", "dangling", EEXIST)]
    [InlineData("t", "f/", EEXIST)]
    [InlineData("t", ".", EEXIST)]
    [InlineData("t", "x/", ENOENT)]
    [InlineData("t", "f/x", ENOTDIR)]
    [InlineData("t", "missing/x", ENOENT)]
    [InlineData("t", "", ENOENT)]
    public void Symlink_WhereItCannotBe_TellsWhy(string target, string path, Errno expected)
    {
        Needs(Features.Symlinks);
        Make("f"u8);
        MakeDirectory("d"u8);
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        Fails(expected, S.Symlink(Bytes(target), Bytes(path)));
        Assert.Equal(["d", "dangling", "f"], Names("."u8));
    }

    [Fact]
    public void Symlink_IsFollowedInEveryPosition()
    {
        Needs(Features.Symlinks);
        MakeDirectory("a"u8);
        MakeDirectory("a/b"u8);
        Make("a/b/f"u8, "content"u8);
        Ok(S.Symlink("a"u8, "first"u8));
        Ok(S.Symlink("b"u8, "a/middle"u8));
        Ok(S.Symlink("f"u8, "a/b/last"u8));
        Ok(S.Symlink("/work/a"u8, "absolute"u8));
        Ok(S.Symlink("../../a/b/f"u8, "a/b/around"u8));
        foreach (string path in new[] { "first/b/f", "a/middle/f", "a/b/last", "first/middle/last", "absolute/middle/f", "first/middle/around" })
        {
            Assert.Equal("content", Text(Bytes(path)));
        }
    }

    [Fact]
    public void Symlink_DotDotIsThatOfTheTarget()
    {
        Needs(Features.Symlinks);
        MakeDirectory("a"u8);
        MakeDirectory("a/b"u8);
        Make("a/f"u8, "in a"u8);
        Make("f"u8, "in work"u8);
        Ok(S.Symlink("a/b"u8, "link"u8));
        Assert.Equal("in a", Text("link/../f"u8));
    }

    [Fact]
    public void Symlinks_FortyAreFollowedAndNotOneMore()
    {
        Needs(Features.Symlinks);
        Make("f"u8);
        Ok(S.Symlink("f"u8, "l0"u8));
        for (int i = 1; i <= 40; i++)
        {
            Ok(S.Symlink(Bytes($"l{i - 1}"), Bytes($"l{i}")));
        }
        Ok(S.Open("l39"u8, O_RDONLY));
        Fails(ELOOP, S.Open("l40"u8, O_RDONLY));
    }

    [Fact]
    public void Symlinks_FortyInOnePathAreFollowedAndNotOneMore()
    {
        Needs(Features.Symlinks);
        Ok(S.Symlink("."u8, "l"u8));
        Ok(S.Open(Bytes(string.Concat(Enumerable.Repeat("l/", 40)) + "."), O_RDONLY));
        Fails(ELOOP, S.Open(Bytes(string.Concat(Enumerable.Repeat("l/", 41)) + "."), O_RDONLY));
    }

    [Fact]
    public void SymlinkLoop_ReturnsELOOPEverywhere()
    {
        Needs(Features.Symlinks);
        Ok(S.Symlink("two"u8, "one"u8));
        Ok(S.Symlink("one"u8, "two"u8));
        var stat = default(KernelStat);
        Fails(ELOOP, S.Stat("one"u8, ref stat));
        Ok(S.LStat("one"u8, ref stat));
        Fails(ELOOP, S.Stat("one/x"u8, ref stat));
        Fails(ELOOP, S.ChDir("one"u8));
        Fails(ELOOP, S.Truncate("one"u8, 0));
        Fails(ELOOP, S.ChMod("one"u8, Oct(644)));
        Fails(ELOOP, S.Access("one"u8, F_OK));
        Fails(ELOOP, S.MkDir("one/x"u8, Oct(755)));
        Fails(ELOOP, S.Rename("one/x"u8, "y"u8));
        Fails(EEXIST, S.MkDir("one"u8, Oct(755)));
    }

    [Fact]
    public void Symlink_HasAllPermissionBits()
    {
        Needs(Features.Symlinks);
        Ok(S.Umask(Oct(77)));
        Ok(S.Symlink("t"u8, "link"u8));
        Assert.Equal(Oct(777), LStat("link"u8).Permissions);
    }

    [Fact]
    public void ReadLink_FillsNoMoreThanTheBufferAndNoNul()
    {
        Needs(Features.Symlinks);
        Ok(S.Symlink("target"u8, "link"u8));
        byte[] buffer = Letters(10, '#');
        Gives(6, S.ReadLink("link"u8, buffer));
        Assert.Equal("target####"u8, buffer);
        Gives(3, S.ReadLinkAt(AT_FDCWD, "link"u8, buffer, 3));
        Fails(EINVAL, S.ReadLinkAt(AT_FDCWD, "link"u8, buffer, 0));
        Fails(EINVAL, S.ReadLinkAt(AT_FDCWD, "link"u8, buffer, -1));
    }

    [Fact]
    public void ReadLink_OfWhatIsNoLink_ReturnsEINVAL()
    {
        Make("f"u8);
        MakeDirectory("d"u8);
        Fails(EINVAL, S.ReadLink("f"u8, new byte[10]));
        Fails(EINVAL, S.ReadLink("d"u8, new byte[10]));
        Fails(ENOENT, S.ReadLink("missing"u8, new byte[10]));
        Fails(ENOTDIR, S.ReadLink("f/"u8, new byte[10]));
    }

    [Fact]
    public void SymlinkAt_AndReadLinkAt_StartAtTheDescriptor()
    {
        Needs(Features.Symlinks);
        MakeDirectory("d"u8);
        int fd = Open("d"u8, O_DIRECTORY);
        Ok(S.SymlinkAt("t"u8, fd, "link"u8));
        Gives(1, S.ReadLinkAt(fd, "link"u8, new byte[10], 10));
        Assert.Equal("t", Target("d/link"u8));
    }

    [Fact]
    public void TmpFile_HasNoNameUntilLinked()
    {
        Needs(Features.TmpFile | Features.HardLinks);
        MakeDirectory("d"u8);
        int fd = Open("d"u8, O_TMPFILE | O_RDWR, Oct(600));
        WriteAll(fd, "content"u8);
        Assert.Empty(Names("d"u8));
        KernelStat stat = FStat(fd);
        Assert.Equal((S_IFREG, 0UL, 7L), (stat.TypeBits, stat.LinkCount, stat.SizeBytes));
        Ok(S.LinkAt(fd, ""u8, AT_FDCWD, "d/f"u8, AT_EMPTY_PATH));
        Assert.Equal("content", Text("d/f"u8));
        Assert.Equal(1UL, FStat(fd).LinkCount);
    }

    [Fact]
    public void TmpFileExclusive_CannotBeLinked()
    {
        Needs(Features.TmpFile | Features.HardLinks);
        int fd = Open("."u8, O_TMPFILE | O_EXCL | O_RDWR, Oct(600));
        Fails(ENOENT, S.LinkAt(fd, ""u8, AT_FDCWD, "f"u8, AT_EMPTY_PATH));
    }

    [Fact]
    public void TmpFile_AppliesTheUmaskAndNeedsWritePermission()
    {
        Needs(Features.TmpFile | Features.Ownership);
        int fd = Open("."u8, O_TMPFILE | O_RDWR, Oct(666));
        Assert.Equal(Oct(644), FStat(fd).Permissions);
        Fails(EACCES, ForkAs(1000, 1000).Open("."u8, O_TMPFILE | O_RDWR, Oct(600)));
    }

    [Fact]
    public void TmpFile_InMissingDirectory_ReturnsENOENT() => Fails(ENOENT, S.Open("missing"u8, O_TMPFILE | O_RDWR, Oct(600)));

    [Fact]
    public void TmpFile_DiesWithItsDescriptor()
    {
        Needs(Features.TmpFile | Features.SizeLimit);
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, 0, "size=4m"u8));
        var before = default(KernelStatFs);
        Ok(S.StatFs("m"u8, ref before));
        int fd = Open("m"u8, O_TMPFILE | O_RDWR, Oct(600));
        WriteAll(fd, new byte[1 << 20]);
        Ok(S.Close(fd));
        var after = default(KernelStatFs);
        Ok(S.StatFs("m"u8, ref after));
        Assert.Equal(before.FreeBlocks, after.FreeBlocks);
    }

    // Since Linux 6.10 a descriptor that another user opened does not lead anywhere in linkat, not even as a directory to begin at.
    [Fact]
    public void LinkAt_WithEmptyPathAllowed_RefusesTheDescriptorsOfOthers()
    {
        Needs(Features.HardLinks);
        Assert.SkipWhen(HostTmpfsMount.KernelVersion() is (6, < 10) or ( < 6, _), "the host's kernel is older than 6.10");
        MakePublicDirectory("d"u8);
        Make("d/f"u8);
        int directory = Open("d"u8, O_DIRECTORY);
        int file = Open("d/f"u8, O_RDONLY);
        using ISyscalls child = ForkAs(1000, 1000);
        Fails(ENOENT, child.LinkAt(file, ""u8, AT_FDCWD, "d/g"u8, AT_EMPTY_PATH));
        Fails(ENOENT, child.LinkAt(directory, "f"u8, AT_FDCWD, "d/g"u8, AT_EMPTY_PATH));
        Fails(ENOENT, child.LinkAt(file, "f/x"u8, AT_FDCWD, "d/g"u8, AT_EMPTY_PATH));
        Fails(EBADF, child.LinkAt(-1, ""u8, AT_FDCWD, "d/g"u8, AT_EMPTY_PATH));
    }
}
