// The working directory, the root, and handles that outlive both.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>chdir, getcwd, chroot, file handles.</summary>
public abstract class ProcessSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    private const int HandleBytes = 128;

    [Theory]
    [InlineData("d", "/work/d")]
    [InlineData("d/e", "/work/d/e")]
    [InlineData("d/", "/work/d")]
    [InlineData("d/e/..", "/work/d")]
    [InlineData("link", "/work/d/e")]
    [InlineData("link/..", "/work/d")]
    [InlineData("/", "/")]
    [InlineData("/..", "/")]
    [InlineData("..", "/")]
    [InlineData("/shm", "/shm")]
    [InlineData(".", "/work")]
    public void ChDir_ThenGetCwd_TellsWhere(string path, string expected)
    {
        Needs(Features.Symlinks);
        MakeDirectory("d"u8);
        MakeDirectory("d/e"u8);
        Ok(S.Symlink("d/e"u8, "link"u8));
        Ok(S.ChDir(Bytes(path)));
        Assert.Equal(expected, WorkingDirectory(S));
    }

    [Theory]
    [InlineData("f", ENOTDIR)]
    [InlineData("f/", ENOTDIR)]
    [InlineData("missing", ENOENT)]
    [InlineData("missing/", ENOENT)]
    [InlineData("", ENOENT)]
    public void ChDir_ToWhatIsNoDirectory_IsRefused(string path, Errno expected)
    {
        Make("f"u8);
        Fails(expected, S.ChDir(Bytes(path)));
        Assert.Equal("/work", WorkingDirectory(S));
    }

    [Fact]
    public void ChDir_NeedsSearchPermission()
    {
        Needs(Features.Ownership);
        MakeDirectory("d"u8);
        ISyscalls user = ForkAs(1000, 1000);
        Ok(S.ChMod("d"u8, Oct(766)));
        Fails(EACCES, user.ChDir("d"u8));
        Ok(S.ChMod("d"u8, Oct(711)));
        Ok(user.ChDir("d"u8));
    }

    [Fact]
    public void FChDir_TakesDirectoriesOnly()
    {
        MakeDirectory("d"u8);
        Make("f"u8);
        Ok(S.FChDir(Open("d"u8, O_PATH)));
        Assert.Equal("/work/d", WorkingDirectory(S));
        Fails(ENOTDIR, S.FChDir(Open("../f"u8, O_RDONLY)));
        Fails(EBADF, S.FChDir(-1));
    }

    [Fact]
    public void GetCwd_OfASmallBuffer_ReturnsERANGE()
    {
        Fails(ERANGE, S.GetCwd(new byte[5]));
        Gives(6, S.GetCwd(new byte[6]));
        Fails(ERANGE, S.GetCwd(default));
        Fails(EFAULT, S.GetCwd(Absent.Span<byte>(100)));
    }

    [Fact]
    public void WorkingDirectory_FollowsARename()
    {
        MakeDirectory("d"u8);
        MakeDirectory("d/e"u8);
        Ok(S.ChDir("d/e"u8));
        Ok(S.Rename("/work/d"u8, "/work/D"u8));
        Assert.Equal("/work/D/e", WorkingDirectory(S));
        Make("f"u8);
        Ok(S.Access("/work/D/e/f"u8, F_OK));
    }

    [Fact]
    public void WorkingDirectory_IsPerProcess()
    {
        MakeDirectory("d"u8);
        ISyscalls child = Fork();
        Ok(child.ChDir("d"u8));
        Assert.Equal("/work", WorkingDirectory(S));
        Ok(child.Open("f"u8, O_CREAT | O_RDWR, Oct(600)));
        Ok(S.Access("d/f"u8, F_OK));
    }

    [Fact]
    public void GetCwd_OfARemovedDirectory_ReturnsENOENT()
    {
        MakeDirectory("d"u8);
        Ok(S.ChDir("d"u8));
        Ok(S.RmDir("/work/d"u8));
        Fails(ENOENT, S.GetCwd(new byte[100]));
        Ok(S.ChDir(".."u8));
        Assert.Equal("/work", WorkingDirectory(S));
    }

    [Fact]
    public void ChRoot_ChangesWhatSlashMeans()
    {
        Needs(Features.Symlinks);
        MakeDirectory("r"u8);
        MakeDirectory("r/d"u8);
        Make("r/d/f"u8, "inside"u8);
        Make("f"u8, "outside"u8);
        Ok(S.Symlink("/d/f"u8, "r/link"u8));
        Ok(S.ChRoot("r"u8));
        Ok(S.ChDir("/"u8));
        Assert.Equal("/", WorkingDirectory(S));
        Assert.Equal("inside", Text("/d/f"u8));
        Assert.Equal("inside", Text("/link"u8));
        Assert.Equal("inside", Text("/../../d/f"u8));
        Fails(ENOENT, S.Open("/work/f"u8, O_RDONLY));
        Fails(ENOENT, S.Open("../f"u8, O_RDONLY));
    }

    [Fact]
    public void ChRoot_LeavesTheWorkingDirectoryOutside()
    {
        MakeDirectory("r"u8);
        Make("f"u8, "outside"u8);
        Ok(S.ChRoot("r"u8));
        Assert.Equal("outside", Text("f"u8));
        Assert.StartsWith("(unreachable)", WorkingDirectory(S), StringComparison.Ordinal);
    }

    [Fact]
    public void ChRoot_IsPerProcess()
    {
        MakeDirectory("r"u8);
        ISyscalls child = Fork();
        Ok(child.ChRoot("r"u8));
        Ok(S.Access("/work/r"u8, F_OK));
        Fails(ENOENT, child.Access("/work/r"u8, F_OK));
        Fails(ENOTDIR, S.ChRoot("/proc/version"u8));
        Fails(ENOENT, S.ChRoot("missing"u8));
    }

    [Fact]
    public void Handle_OpensItsFileUnderAnyName()
    {
        Needs(Features.FileHandles);
        Make("f"u8, "content"u8);
        byte[] handle = Handle("f"u8, 0);
        int mount = Open("."u8, O_DIRECTORY);
        Ok(S.Rename("f"u8, "g"u8));
        int fd = (int)Ok(S.OpenByHandleAt(mount, handle, O_RDONLY));
        Assert.Equal("content"u8, Rest(fd));
        Assert.Equal(handle, Handle("g"u8, 0));
        Make("other"u8);
        Assert.NotEqual(handle, Handle("other"u8, 0));
    }

    [Fact]
    public void Handle_OfADirectoryOpensADirectory()
    {
        Needs(Features.FileHandles);
        MakeDirectory("d"u8);
        Make("d/f"u8);
        int fd = (int)Ok(S.OpenByHandleAt(Open("."u8, O_DIRECTORY), Handle("d"u8, 0), O_RDONLY | O_DIRECTORY));
        Assert.Contains(Entries(fd), entry => entry.Name == "f");
    }

    [Fact]
    public void Handle_IsCheckedBeforeItsMount_AndTheMountBeforeTheCaller()
    {
        Needs(Features.FileHandles);
        Make("f"u8);
        byte[] handle = Handle("f"u8, 0);
        int[] pipe = new int[2];
        Ok(S.Pipe2(pipe, 0));
        Fails(EINVAL, S.OpenByHandleAt(-1, new byte[8], O_RDONLY));
        Fails(EBADF, S.OpenByHandleAt(-1, handle, O_RDONLY));
        Fails(ESTALE, S.OpenByHandleAt(pipe[0], handle, O_RDONLY));
        Fails(EBADF, S.OpenByHandleAt((int)Ok(S.Open("."u8, O_PATH)), handle, O_RDONLY));
        using ISyscalls child = ForkAs(1000, 1000);
        Fails(EBADF, child.OpenByHandleAt(-1, handle, O_RDONLY));
        Fails(EPERM, child.OpenByHandleAt(AT_FDCWD, handle, O_RDONLY));
    }

    [Fact]
    public void Handle_OfOneFileSystem_IsStaleInAnother()
    {
        Needs(Features.FileHandles);
        Ok(S.MkDir("m"u8, Oct(755)));
        Ok(S.Mount("one"u8, "m"u8, TestMount.ScratchType, 0, default));
        Make("m/f"u8);
        byte[] handle = Handle("m/f"u8, 0);
        MakeDirectory("n"u8);
        Ok(S.Mount("two"u8, "n"u8, TestMount.ScratchType, 0, default));
        Make("n/f"u8);
        _ = Handle("n/f"u8, 0);
        Fails(ESTALE, S.OpenByHandleAt(Open("n"u8, O_DIRECTORY), handle, O_RDONLY));
    }

    [Fact]
    public void Handle_OfARemovedFile_IsStale()
    {
        Needs(Features.FileHandles);
        Make("f"u8);
        byte[] handle = Handle("f"u8, 0);
        Ok(S.Unlink("f"u8));
        int mount = Open("."u8, O_DIRECTORY);
        Fails(ESTALE, S.OpenByHandleAt(mount, handle, O_RDONLY));
        for (int i = 0; i < 20; i++)
        {
            Make(Numbered("n", i));
        }
        Fails(ESTALE, S.OpenByHandleAt(mount, handle, O_RDONLY));
    }

    [Fact]
    public void Handle_BufferTooSmall_TellsTheSize()
    {
        Needs(Features.FileHandles);
        Make("f"u8);
        byte[] buffer = new byte[8 + HandleBytes];
        int mountId = 0;
        Fails(EOVERFLOW, S.NameToHandleAt(AT_FDCWD, "f"u8, buffer, ref mountId, 0));
        int size = BitConverter.ToInt32(buffer);
        Assert.InRange(size, 4, HandleBytes);
        Ok(S.NameToHandleAt(AT_FDCWD, "f"u8, buffer, ref mountId, 0));
        BitConverter.TryWriteBytes(buffer, HandleBytes + 1);
        Fails(EINVAL, S.NameToHandleAt(AT_FDCWD, "f"u8, buffer, ref mountId, 0));
    }

    [Fact]
    public void Handle_FollowsLinksOnlyWhenTold()
    {
        Needs(Features.FileHandles | Features.Symlinks);
        Make("f"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        Assert.NotEqual(Handle("f"u8, 0), Handle("link"u8, 0));
        Assert.Equal(Handle("f"u8, 0), Handle("link"u8, AT_SYMLINK_FOLLOW));
    }

    [Fact]
    public void Handle_OpeningIsForPrivilegedProcesses()
    {
        Needs(Features.FileHandles | Features.Ownership);
        Make("f"u8);
        byte[] handle = Handle("f"u8, 0);
        int mount = Open("."u8, O_DIRECTORY);
        Fails(EPERM, ForkAs(1000, 1000).OpenByHandleAt(mount, handle, O_RDONLY));
        Fails(EBADF, S.OpenByHandleAt(-1, handle, O_RDONLY));
        Fails(ESTALE, S.OpenByHandleAt(mount, [.. handle.AsSpan(0, handle.Length - 1), (byte)~handle[^1]], O_RDONLY));
    }

    private byte[] Handle(ReadOnlySpan<byte> path, int flags)
    {
        byte[] buffer = new byte[8 + HandleBytes];
        BitConverter.TryWriteBytes(buffer, HandleBytes);
        int mountId = 0;
        Ok(S.NameToHandleAt(AT_FDCWD, path, buffer, ref mountId, flags));
        return buffer[..(8 + BitConverter.ToInt32(buffer))];
    }
}
