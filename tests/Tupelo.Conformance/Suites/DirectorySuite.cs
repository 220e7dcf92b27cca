// mkdir, rmdir, and the link counts and times that they change.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Making and removing directories.</summary>
public abstract class DirectorySuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Fact]
    public void MkDir_MakesAnEmptyDirectory()
    {
        Ok(S.MkDir("d"u8, Oct(755)));
        Assert.Equal(S_IFDIR, Stat("d"u8).TypeBits);
        Assert.Empty(Names("d"u8));
    }

    [Fact]
    public void MkDir_AppliesTheUmask()
    {
        Needs(Features.Ownership);
        Ok(S.Umask(Oct(27)));
        Ok(S.MkDir("d"u8, Oct(777)));
        Assert.Equal(Oct(750), Stat("d"u8).Permissions);
    }

    [Fact]
    public void MkDir_KeepsTheStickyBitAndDropsSetIdBits()
    {
        Needs(Features.Ownership);
        Ok(S.Umask(0));
        Ok(S.MkDir("d"u8, Oct(7777)));
        Assert.Equal(Oct(1777), Stat("d"u8).Permissions);
    }

    [Fact]
    public void MkDir_BelongsToTheCaller()
    {
        Needs(Features.Ownership);
        MakePublicDirectory("p"u8);
        ISyscalls user = ForkAs(1000, 2000);
        Ok(user.MkDir("p/d"u8, Oct(755)));
        KernelStat stat = Stat("p/d"u8);
        Assert.Equal((1000u, 2000u), (stat.Uid, stat.Gid));
    }

    [Fact]
    public void MkDir_RaisesTheParentsLinkCount()
    {
        Needs(Features.DirectoryLinkCount);
        MakeDirectory("p"u8);
        Assert.Equal(2UL, Stat("p"u8).LinkCount);
        MakeDirectory("p/a"u8);
        MakeDirectory("p/b"u8);
        Assert.Equal(4UL, Stat("p"u8).LinkCount);
        Assert.Equal(2UL, Stat("p/a"u8).LinkCount);
        Ok(S.RmDir("p/a"u8));
        Assert.Equal(3UL, Stat("p"u8).LinkCount);
    }

    [Fact]
    public void MkDir_ChangesTheParentsTimes()
    {
        MakeDirectory("p"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "p"u8, [new(1000, 0), new(1000, 0)], 0));
        MakeDirectory("p/a"u8);
        KernelStat after = Stat("p"u8);
        Assert.True(after.ModifyTime.Seconds > 1000);
        Assert.True(after.ChangeTime.Seconds > 1000);
    }

    [Fact]
    public void MkDir_RefusedLeavesTheParentsTimes()
    {
        MakeDirectory("p"u8);
        MakeDirectory("p/a"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "p"u8, [new(1000, 0), new(1000, 0)], 0));
        Fails(EEXIST, S.MkDir("p/a"u8, Oct(755)));
        Assert.Equal(1000, Stat("p"u8).ModifyTime.Seconds);
    }

    [Theory]
    [InlineData("f")]
    [InlineData("d")]
    [InlineData("fifo")]
    [InlineData("link")]
    [InlineData("dangling")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("/")]
    [InlineData("d/.")]
    [InlineData("d/..")]
    [InlineData("d/")]
    [InlineData("d//")]
    [InlineData("dangling/")]
    public void MkDir_OverAnything_ReturnsEEXIST(string name)
    {
        Needs(Features.Symlinks | Features.SpecialFiles);
        Make("f"u8);
        MakeDirectory("d"u8);
        Ok(S.MkFifo("fifo"u8, Oct(644)));
        Ok(S.Symlink("d"u8, "link"u8));
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        Fails(EEXIST, S.MkDir(Bytes(name), Oct(755)));
        IsMissing("nowhere"u8);
    }

    [Fact]
    public void MkDir_AcceptsTrailingSlashes()
    {
        Ok(S.MkDir("d///"u8, Oct(755)));
        Ok(S.MkDir("d/e/"u8, Oct(755)));
        Assert.Equal(["e"], Names("d"u8));
    }

    [Fact]
    public void MkDir_InMissingParent_ReturnsENOENT() => Fails(ENOENT, S.MkDir("missing/d"u8, Oct(755)));

    [Fact]
    public void MkDir_BelowAFile_ReturnsENOTDIR()
    {
        Make("f"u8);
        Fails(ENOTDIR, S.MkDir("f/d"u8, Oct(755)));
    }

    [Fact]
    public void MkDir_InADirectoryWithoutWritePermission_ReturnsEACCES()
    {
        Needs(Features.Ownership);
        MakeDirectory("p"u8);
        Fails(EACCES, ForkAs(1000, 1000).MkDir("p/d"u8, Oct(755)));
    }

    [Fact]
    public void MkDir_InADirectoryWithoutSearchPermission_ReturnsEACCES()
    {
        Needs(Features.Ownership);
        MakeDirectory("p"u8);
        MakePublicDirectory("p/q"u8);
        Ok(S.ChMod("p"u8, Oct(700)));
        Fails(EACCES, ForkAs(1000, 1000).MkDir("p/q/d"u8, Oct(755)));
    }

    [Fact]
    public void MkDirAt_MakesBelowTheDescriptor()
    {
        MakeDirectory("p"u8);
        int fd = Open("p"u8, O_DIRECTORY);
        Ok(S.MkDirAt(fd, "d"u8, Oct(755)));
        Assert.Equal(["d"], Names("p"u8));
    }

    [Fact]
    public void RmDir_RemovesAnEmptyDirectory()
    {
        MakeDirectory("d"u8);
        Ok(S.RmDir("d"u8));
        IsMissing("d"u8);
        Fails(ENOENT, S.RmDir("d"u8));
    }

    [Fact]
    public void RmDir_AcceptsTrailingSlashes()
    {
        MakeDirectory("d"u8);
        Ok(S.RmDir("d//"u8));
        IsMissing("d"u8);
    }

    [Theory]
    [InlineData("file")]
    [InlineData("directory")]
    [InlineData("link")]
    public void RmDir_OfADirectoryWithAnEntry_ReturnsENOTEMPTY(string kind)
    {
        Needs(Features.Symlinks);
        MakeDirectory("d"u8);
        switch (kind)
        {
            case "file": Make("d/x"u8); break;
            case "directory": MakeDirectory("d/x"u8); break;
            default: Ok(S.Symlink("nowhere"u8, "d/x"u8)); break;
        }
        Fails(ENOTEMPTY, S.RmDir("d"u8));
        Assert.Equal(["x"], Names("d"u8));
    }

    [Fact]
    public void RmDir_AfterTheLastEntryLeft_Works()
    {
        MakeDirectory("d"u8);
        Make("d/x"u8);
        Make("d/y"u8);
        Ok(S.Unlink("d/x"u8));
        Fails(ENOTEMPTY, S.RmDir("d"u8));
        Ok(S.Rename("d/y"u8, "y"u8));
        Ok(S.RmDir("d"u8));
    }

    [Theory]
    [InlineData(".", EINVAL)]
    [InlineData("d/.", EINVAL)]
    [InlineData("d/..", ENOTEMPTY)]
    [InlineData("..", ENOTEMPTY)]
    [InlineData("f", ENOTDIR)]
    [InlineData("f/", ENOTDIR)]
    [InlineData("link", ENOTDIR)]
    [InlineData("link/", ENOTDIR)]
    [InlineData("dangling", ENOTDIR)]
    [InlineData("missing", ENOENT)]
    [InlineData("missing/", ENOENT)]
    [InlineData("f/x", ENOTDIR)]
    [InlineData("", ENOENT)]
    public void RmDir_OfWhatItMayNotRemove_TellsWhy(string path, Errno expected)
    {
        Needs(Features.Symlinks);
        Make("f"u8);
        MakeDirectory("d"u8);
        Ok(S.Symlink("d"u8, "link"u8));
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        Fails(expected, S.RmDir(Bytes(path)));
        Assert.Equal(S_IFDIR, Stat("d"u8).TypeBits);
    }

    [Fact]
    public void RmDir_OfAnotherProcessesWorkingDirectory_Works()
    {
        MakeDirectory("d"u8);
        ISyscalls other = Fork();
        Ok(other.ChDir("d"u8));
        Ok(S.RmDir("d"u8));
        Fails(ENOENT, other.Open("x"u8, O_CREAT | O_WRONLY, Oct(644)));
        Fails(ENOENT, other.GetCwd(new byte[100]));
        Ok(other.ChDir(".."u8));
        Assert.Equal("/work", WorkingDirectory(other));
    }

    [Fact]
    public void RmDir_OfAnOpenDirectory_LeavesAnEmptyDeadOne()
    {
        MakeDirectory("d"u8);
        int fd = Open("d"u8, O_DIRECTORY);
        Ok(S.RmDir("d"u8));
        Assert.Equal(0UL, FStat(fd).LinkCount);
        Fails(ENOENT, S.OpenAt(fd, "x"u8, O_CREAT | O_WRONLY, Oct(644)));
        Fails(ENOENT, S.MkDirAt(fd, "x"u8, Oct(755)));
        Fails(ENOENT, S.SymlinkAt("t"u8, fd, "x"u8));
        Fails(ENOENT, S.GetDents64(fd, new byte[1024]));
        Ok(S.OpenAt(fd, "."u8, O_DIRECTORY, 0));
    }

    [Fact]
    public void RmDir_NameCanBeUsedAgain()
    {
        MakeDirectory("d"u8);
        int old = Open("d"u8, O_DIRECTORY);
        Ok(S.RmDir("d"u8));
        MakeDirectory("d"u8);
        Make("d/x"u8);
        Assert.NotEqual(FStat(old).Ino, Stat("d"u8).Ino);
        Fails(ENOENT, S.OpenAt(old, "x"u8, O_RDONLY, 0));
    }

    [Fact]
    public void RmDir_OfTheRoot_ReturnsEBUSY() => Fails(EBUSY, S.RmDir("/"u8));

    [Fact]
    public void ManyDirectories_ComeAndGo()
    {
        const int Count = 500;
        for (int i = 0; i < Count; i++)
        {
            Ok(S.MkDir(Numbered("d", i), Oct(755)));
        }
        Assert.Equal(Count, Names("."u8).Length);
        for (int i = 0; i < Count; i += 2)
        {
            Ok(S.RmDir(Numbered("d", i)));
        }
        Assert.Equal(Count / 2, Names("."u8).Length);
        Assert.Equal("d0001", Names("."u8)[0]);
    }

    [Fact]
    public void DeepDirectories_CanBeMadeWalkedAndRemoved()
    {
        const int Depth = 300;
        for (int i = 0; i < Depth; i++)
        {
            MakeDirectory("d"u8);
            Ok(S.ChDir("d"u8));
        }
        Assert.Equal(5 + (2 * Depth), WorkingDirectory(S).Length);
        for (int i = 0; i < Depth; i++)
        {
            Ok(S.ChDir(".."u8));
            Ok(S.RmDir("d"u8));
        }
        Assert.Equal("/work", WorkingDirectory(S));
    }
}
