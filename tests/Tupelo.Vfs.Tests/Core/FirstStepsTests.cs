namespace Tupelo.Vfs.Tests;

/// <summary>The shortest story: make, write, read, list, move, remove.</summary>
public sealed class FirstStepsTests : VfsFixture
{
    [Fact]
    public void File_WrittenAndReadBack_HasItsContent()
    {
        MkDir("/a");
        MkDir("/a/b");
        WriteFile("/a/b/hello", "hello, world");
        Assert.Equal("hello, world", ReadFile("/a/b/hello"));
        Assert.Equal(12, StatOf("/a/b/hello").SizeBytes);
        Assert.Equal(3u, StatOf("/a").LinkCount);
        Assert.Equal(["hello"], List("/a/b"));
        Ok(Rename("/a/b/hello", "/a/moved"));
        Assert.False(Exists("/a/b/hello"));
        Assert.Equal("hello, world", ReadFile("/a/moved"));
        Ok(RmDir("/a/b"));
        Ok(Unlink("/a/moved"));
        Ok(RmDir("/a"));
        Assert.Empty(List("/"));
    }

    [Fact]
    public void Path_ThroughLinksAndDots_IsPhysical()
    {
        MkDir("/real");
        MkDir("/real/sub");
        WriteFile("/real/f", "x");
        Symlink("/real/sub", "/link");
        Assert.Equal("x", ReadFile("/link/../f"));
        Assert.Equal("x", ReadFile("/link/.././sub/..//f"));
        Fails(Errno.ENOENT, Sys.Open(B("/link/f"), OpenFlags.ReadOnly));
        Symlink("loop", "/loop");
        Fails(Errno.ELOOP, Sys.Open(B("/loop"), OpenFlags.ReadOnly));
    }

    [Fact]
    public void Mount_StackedAndUnmounted_HidesAndShows()
    {
        MkDir("/m");
        WriteFile("/m/below", "1");
        Ok(Mount("tmpfs", "/m"));
        Assert.False(Exists("/m/below"));
        WriteFile("/m/above", "2");
        Ok(Mount("tmpfs", "/m"));
        Assert.Empty(List("/m"));
        Ok(Sys.Umount2(B("/m")));
        Assert.Equal("2", ReadFile("/m/above"));
        int fd = Open("/m/above");
        Fails(Errno.EBUSY, Sys.Umount2(B("/m")));
        Ok(Sys.Umount2(B("/m"), UnmountFlags.Detach));
        Assert.Equal("1", ReadFile("/m/below"));
        Close(fd);
    }
}
