// The requirements that the ancestors' history teaches: one test each, named by the commit that fixed it there.
using System.Runtime.InteropServices;
using System.Text;
using Tupelo.FileSystems;

namespace Tupelo.Vfs.Tests;

public sealed class RequirementTests : VfsFixture
{
    private const uint Oct644 = 0x1A4;

    [Fact]
    public unsafe void Requirement_9b1e9b0d_DescriptorLookup_NeitherBlocksNorAllocates()
    {
        WriteFile("/f", "x");
        int fd = Open("/f");
        byte* buffer = stackalloc byte[1];
        void Loop(int count)
        {
            for (int i = 0; i < count; i++)
            {
                _ = Sys.PRead(fd, new Span<byte>(buffer, 1), 0);
            }
        }
        Loop(30_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Loop(10_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Close(fd);
    }

    [Fact]
    public unsafe void Requirement_bcc66b48_Vectors_AreMovedWithoutAllocating()
    {
        WriteFile("/f", new string('a', 64));
        int fd = Open("/f");
        byte* memory = stackalloc byte[64];
        foreach (int segments in new[] { 1, 8, 16 })
        {
            IoVec[] vector = new IoVec[segments];
            for (int i = 0; i < segments; i++)
            {
                vector[i] = new IoVec(memory + (i * 4), 4);
            }
            for (int i = 0; i < 20_000; i++)
            {
                Assert.Equal(segments * 4, Sys.PReadV(fd, vector, segments, 0));
            }
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10_000; i++)
            {
                _ = Sys.PReadV(fd, vector, segments, 0);
            }
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Close(fd);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    public void Requirement_1097dfa0_RenameAt_TakesEachDirectoryByItself(int from, int to)
    {
        MkDir("/a");
        MkDir("/b");
        WriteFile("/a/f", "x");
        Ok(Sys.ChDir(B(from == 0 ? "/a" : "/b")));
        if (from != 0 && to == 0)
        {
            Ok(Sys.ChDir(B("/b")));
        }
        int a = Open("/a", OpenFlags.Directory);
        int b = Open("/b", OpenFlags.Directory);
        (int fd, string path) source = from switch { 0 => (AtFd.CurrentDirectory, "f"), 1 => (a, "f"), _ => (-1, "/a/f") };
        (int fd, string path) target = to switch
        {
            0 => (AtFd.CurrentDirectory, from == 0 ? "../b/g" : "g"),
            1 => (b, "g"),
            _ => (-1, "/b/g"),
        };
        Ok(Sys.RenameAt2(source.fd, B(source.path), target.fd, B(target.path)));
        Assert.Equal("x", ReadFile("/b/g"));
        Assert.False(Exists("/a/f"));
        int file = Open("/b/g");
        Fails(Errno.EBADF, Sys.RenameAt2(99, B("f"), b, B("x")));
        Fails(Errno.ENOTDIR, Sys.RenameAt2(file, B("f"), b, B("x")));
        Close(file);
        Close(a);
        Close(b);
        Ok(Sys.ChDir(B("/")));
    }

    [Theory]
    [InlineData(280)]
    [InlineData(1024)]
    [InlineData(65536)]
    public void Requirement_6716ad91_GetDents64_ListsEachNameOnceWithAnyBuffer(int bufferBytes)
    {
        MkDir("/d");
        var names = new HashSet<string>();
        for (int i = 0; i < 5000; i++)
        {
            string name = $"name-{i}-{new string('x', i % 60)}";
            _ = names.Add(name);
            Ok(Sys.MkNodAt(AtFd.CurrentDirectory, B("/d/" + name), Oct644));
        }
        List<string> listed = List("/d", bufferBytes);
        Assert.Equal(names.Count, listed.Count);
        Assert.True(names.SetEquals(listed));
        int fd = Open("/d", OpenFlags.Directory);
        Fails(Errno.EINVAL, Sys.GetDents64(fd, new byte[23]));
        Close(fd);
        WriteFile("/f", "");
        fd = Open("/f");
        Fails(Errno.ENOTDIR, Sys.GetDents64(fd, new byte[4096]));
        Close(fd);
    }

    [Fact]
    public void Requirement_504b1bb8_SymlinkAt_StoresTheTargetAsItIs()
    {
        Symlink("../no/../such//target/", "/l");
        byte[] buffer = new byte[100];
        long count = Ok(Sys.ReadLinkAt(AtFd.CurrentDirectory, B("/l"), buffer));
        Assert.Equal("../no/../such//target/", Encoding.UTF8.GetString(buffer, 0, (int)count));
        Fails(Errno.EEXIST, Sys.SymlinkAt(B("x"), AtFd.CurrentDirectory, B("/l")));
        Fails(Errno.ENOENT, Sys.SymlinkAt(""u8, AtFd.CurrentDirectory, B("/m")));
    }

    [Theory]
    [InlineData("dir", false, Errno.EISDIR)]
    [InlineData("dir", true, Errno.None)]
    [InlineData("file", false, Errno.None)]
    [InlineData("file", true, Errno.ENOTDIR)]
    [InlineData("link", false, Errno.None)]
    [InlineData("link", true, Errno.ENOTDIR)]
    [InlineData("missing", false, Errno.ENOENT)]
    [InlineData("missing", true, Errno.ENOENT)]
    [InlineData("full", true, Errno.ENOTEMPTY)]
    public void Requirement_b4512b7f_UnlinkAt_HonoursItsFlag(string name, bool removeDirectory, Errno expected)
    {
        MkDir("/dir");
        MkDir("/full");
        WriteFile("/full/x", "");
        WriteFile("/file", "");
        Symlink("dir", "/link");
        Fails(expected, Sys.UnlinkAt(AtFd.CurrentDirectory, B("/" + name), removeDirectory ? AtFlags.RemoveDirectory : AtFlags.None));
        Fails(Errno.EINVAL, Sys.UnlinkAt(AtFd.CurrentDirectory, B("/" + name), (AtFlags)1));
    }

    public static TheoryData<string> PathCalls => [.. Calls.Keys];

    [Theory]
    [MemberData(nameof(PathCalls))]
    public void Requirement_09b88486_EveryAtCall_TreatsItsDirectoryAlike(string name)
    {
        Func<Syscalls, int, byte[]?, long> call = Calls[name];
        WriteFile("/file", "");
        int file = Open("/file");
        Fails(Errno.EBADF, call(Sys, 99, B("x")));
        Fails(Errno.ENOTDIR, call(Sys, file, B("x")));
        Assert.NotEqual(-(long)Errno.EBADF, call(Sys, 99, B("/nowhere/x")));
        Close(file);
    }

    [Theory]
    [MemberData(nameof(PathCalls))]
    public void Requirement_7bc0155d_a0dcf853_EveryPathCall_RefusesANullPath(string name) => Fails(Errno.EFAULT, Calls[name](Sys, AtFd.CurrentDirectory, null));

    [Fact]
    public void Requirement_ffb91b1e_4ffb0fa9_MountOfAnUnknownType_IsENODEV_UntilItIsRegistered()
    {
        MkDir("/m");
        Fails(Errno.ENODEV, Mount("later", "/m"));
        var type = new RamFsType("later");
        Assert.Equal(Errno.None, Kernel.FileSystems.Register(type));
        Ok(Mount("later", "/m"));
        Assert.Equal(Errno.EBUSY, Kernel.FileSystems.Unregister(type));
        Ok(Sys.Umount2(B("/m")));
        Assert.Equal(Errno.None, Kernel.FileSystems.Unregister(type));
        Fails(Errno.ENODEV, Mount("later", "/m"));
    }

    [Fact]
    public void Requirement_18555601_AMountThatFailsInTheDriver_LeavesNothing()
    {
        MkDir("/m");
        Assert.Equal(Errno.None, Kernel.FileSystems.Register(new FailingType()));
        int mounts = Kernel.Statistics.Mounts;
        Fails(Errno.ENXIO, Mount("failing", "/m"));
        Assert.Equal(mounts, Kernel.Statistics.Mounts);
        Ok(Mount("tmpfs", "/m"));
        Ok(Sys.Umount2(B("/m")));
    }

    [Fact]
    public void Requirement_5716f8c4_Statx_AgreesWithStat_ForEachType()
    {
        WriteFile("/reg", "abc");
        MkDir("/dir");
        Symlink("reg", "/lnk");
        Ok(Sys.MkNodAt(AtFd.CurrentDirectory, B("/fifo"), Mode.Fifo | Oct644));
        Ok(Sys.MkNodAt(AtFd.CurrentDirectory, B("/sock"), Mode.Socket | Oct644));
        Ok(Sys.MkNodAt(AtFd.CurrentDirectory, B("/chr"), Mode.CharDevice | Oct644, DeviceNumber.Make(1, 3)));
        Ok(Sys.MkNodAt(AtFd.CurrentDirectory, B("/blk"), Mode.BlockDevice | Oct644, DeviceNumber.Make(7, 0)));
        foreach (string name in new[] { "reg", "dir", "lnk", "fifo", "sock", "chr", "blk" })
        {
            Statx statx = default;
            Ok(Sys.StatX(AtFd.CurrentDirectory, B("/" + name), AtFlags.SymlinkNoFollow, StatxMask.BasicStats, ref statx));
            Assert.Equal(StatxMask.BasicStats, statx.Mask & StatxMask.BasicStats);
            Assert.Equal(StatOf("/" + name), statx.Stat);
        }
        Statx none = default;
        Fails(Errno.EINVAL, Sys.StatX(AtFd.CurrentDirectory, B("/reg"), AtFlags.None, StatxMask.Reserved, ref none));
        Fails(Errno.EINVAL, Sys.StatX(AtFd.CurrentDirectory, B("/reg"), AtFlags.StatxForceSync | AtFlags.StatxDontSync, StatxMask.BasicStats, ref none));
    }

    [Fact]
    public void Requirement_a0761f8d_MkDir_AppliesTheUmask_AndRefusesWhatExists()
    {
        _ = Sys.Umask(0x17); // 027
        MkDir("/d/", 0xFFF);
        Assert.Equal(0x3E8u, StatOf("/d").Mode & Mode.PermissionMask); // 01750
        Symlink("nowhere", "/dangling");
        Fails(Errno.EEXIST, Sys.MkDirAt(AtFd.CurrentDirectory, B("/dangling"), 0x1FF));
        Fails(Errno.EEXIST, Sys.MkDirAt(AtFd.CurrentDirectory, B("/"), 0x1FF));
    }

    [Fact]
    public void Requirement_4499f2c7_AnUnlinkedOpenFile_LivesUntilItsClose_ThenGivesItsSpaceBack()
    {
        StatFs before = default;
        Ok(Sys.StatFs(B("/"), ref before));
        int fd = Open("/t", OpenFlags.Create | OpenFlags.ReadWrite);
        Ok(Sys.Write(fd, new byte[100_000]));
        Ok(Unlink("/t"));
        Stat stat = default;
        Ok(Sys.FStat(fd, ref stat));
        Assert.Equal(0u, stat.LinkCount);
        Assert.Equal(100_000, Sys.PRead(fd, new byte[200_000], 0));
        StatFs during = default;
        Ok(Sys.StatFs(B("/"), ref during));
        Assert.Equal(before.FreeBlocks - 25, during.FreeBlocks);
        Close(fd);
        Ok(Sys.StatFs(B("/"), ref during));
        Assert.Equal((before.FreeBlocks, before.FreeFiles), (during.FreeBlocks, during.FreeFiles));
    }

    [Fact]
    public async Task Requirement_81539853_LSeekWithABadWhence_LeavesNoLock()
    {
        WriteFile("/f", "abc");
        int fd = Open("/f");
        Fails(Errno.EINVAL, Sys.LSeek(fd, 0, (SeekWhence)99));
        Fails(Errno.EINVAL, Sys.LSeek(fd, -1, SeekWhence.Set));
        long read = await Task.Run(() => Sys.Read(fd, new byte[10])).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(3, read);
        Close(fd);
    }

    [Fact]
    public void Requirement_c00c74d7_OffsetsBeyondFourGiB_WorkInEachCall()
    {
        const long Far = 5L << 30;
        int fd = Open("/f", OpenFlags.Create | OpenFlags.ReadWrite);
        Assert.Equal(1, Ok(Sys.PWrite(fd, "x"u8, Far)));
        byte[] one = new byte[1];
        Assert.Equal(1, Ok(Sys.PRead(fd, one, Far)));
        Assert.Equal((byte)'x', one[0]);
        Assert.Equal(Far, Ok(Sys.LSeek(fd, 1000, SeekWhence.Data)));
        Ok(Sys.FAllocate(fd, FallocateMode.PunchHole | FallocateMode.KeepSize, Far, 4096));
        Ok(Sys.FTruncate(fd, Far * 2));
        Assert.Equal(Far * 2, StatOf("/f").SizeBytes);
        Ok(Sys.Truncate(B("/f"), Far));
        Assert.Equal(Far, StatOf("/f").SizeBytes);
        Close(fd);
    }

    [Fact]
    public unsafe void Requirement_c1248bb1_ATransferIsCappedAsLinuxCapsIt_AndNeverNegative()
    {
        int fd = Open("/f", OpenFlags.Create | OpenFlags.ReadWrite);
        Ok(Sys.FTruncate(fd, 3L << 30));
        const int Piece = 64 << 20;
        byte* memory = (byte*)NativeMemory.Alloc(Piece);
        IoVec[] vector = new IoVec[48]; // 3 GiB into the same memory.
        Array.Fill(vector, new IoVec(memory, Piece));
        Assert.Equal(0x7FFFF000, Sys.ReadV(fd, vector, vector.Length));
        NativeMemory.Free(memory);
        Close(fd);
    }

    [Fact]
    public void Requirement_4c0bdbc1_AMapping_IsTheFile()
    {
        int fd = Open("/f", OpenFlags.Create | OpenFlags.ReadWrite);
        byte[] content = new byte[10_000];
        new Random(7).NextBytes(content);
        Ok(Sys.Write(fd, content));
        Ok(Sys.MMap(12288, MapProtection.Read | MapProtection.Write, MapFlags.Shared, fd, 0, out FileMapping? shared));
        byte[] got = new byte[12288];
        Assert.Equal(Errno.None, shared!.Load(0, got));
        Assert.Equal(content, got[..10_000]);
        Assert.All(got[10_000..], static b => Assert.Equal(0, b));
        Assert.Equal(Errno.None, shared.Store(5000, "shared"u8));
        Assert.Equal(6, Sys.PRead(fd, got.AsSpan(0, 6), 5000));
        Assert.Equal("shared"u8.ToArray(), got[..6]);
        Ok(Sys.MMap(4096, MapProtection.Read | MapProtection.Write, MapFlags.Private, fd, 4096, out FileMapping? copy));
        Assert.Equal(Errno.None, copy!.Store(0, "mine"u8));
        Assert.Equal(Errno.None, copy.Load(0, got.AsSpan(0, 4)));
        Assert.Equal("mine"u8.ToArray(), got[..4]);
        Assert.Equal(4, Sys.PRead(fd, got.AsSpan(0, 4), 4096));
        Assert.Equal(content.AsSpan(4096, 4).ToArray(), got[..4]);
        Assert.Equal(Errno.EFAULT, shared.Load(12288, got.AsSpan(0, 1)));
        shared.Dispose();
        copy.Dispose();
        Close(fd);
    }

    [Fact]
    public void Requirement_c193437b_DeviceAndIno_AreUniqueOverAllMounts_AndSharedByBinds()
    {
        MkDir("/a");
        MkDir("/b");
        MkDir("/c");
        Ok(Mount("tmpfs", "/a"));
        Ok(Mount("tmpfs", "/b"));
        Ok(Sys.Mount(B("/a"), B("/c"), default, MountFlags.Bind, default));
        Stat root = StatOf("/");
        Assert.Equal(3, new HashSet<ulong> { root.Device, StatOf("/a").Device, StatOf("/b").Device }.Count);
        Assert.Equal((StatOf("/a").Device, StatOf("/a").Ino), (StatOf("/c").Device, StatOf("/c").Ino));
        StatFs a = default;
        StatFs b = default;
        Ok(Sys.StatFs(B("/a"), ref a));
        Ok(Sys.StatFs(B("/b"), ref b));
        Assert.NotEqual(a.FileSystemId, b.FileSystemId);
    }

    [Fact]
    public void Requirement_bae4381d_AReadOnlyMount_RefusesEveryChange_AndReads()
    {
        MkDir("/m");
        Ok(Mount("tmpfs", "/m"));
        WriteFile("/m/f", "abc");
        Ok(Mount("", "/m", MountFlags.Remount | MountFlags.ReadOnly));
        Assert.Equal("abc", ReadFile("/m/f"));
        Fails(Errno.EROFS, Sys.Open(B("/m/f"), OpenFlags.WriteOnly));
        Fails(Errno.EROFS, Sys.Open(B("/m/g"), OpenFlags.Create | OpenFlags.ReadWrite));
        Fails(Errno.EROFS, Sys.MkDirAt(AtFd.CurrentDirectory, B("/m/d"), 0x1FF));
        Fails(Errno.EROFS, Unlink("/m/f"));
        Fails(Errno.EROFS, Rename("/m/f", "/m/g"));
        Fails(Errno.EROFS, Sys.FChModAt2(AtFd.CurrentDirectory, B("/m/f"), 0));
        Fails(Errno.EROFS, Sys.Truncate(B("/m/f"), 0));
        Fails(Errno.EROFS, Sys.LinkAt(AtFd.CurrentDirectory, B("/m/f"), AtFd.CurrentDirectory, B("/m/l")));
        Fails(Errno.EROFS, Sys.SymlinkAt(B("x"), AtFd.CurrentDirectory, B("/m/s")));
        Fails(Errno.EROFS, Sys.SetXattrAt(AtFd.CurrentDirectory, B("/m/f"), AtFlags.None, B("user.a"), B("v")));
    }

    [Fact]
    public void Requirement_474c538d_OnlyWhatIsConfigured_IsMounted() => Assert.Equal(1, Kernel.Statistics.Mounts);

    [Fact]
    public void Requirement_2b62eac1_FDupFdCloexec_MarksTheNewDescriptorAlone()
    {
        WriteFile("/f", "");
        int fd = Open("/f");
        Assert.Equal(50, Sys.Fcntl(fd, FcntlCommand.DuplicateFdCloseOnExec, 50));
        Assert.Equal(51, Sys.Fcntl(fd, FcntlCommand.DuplicateFdCloseOnExec, 50));
        Assert.Equal(1, Sys.Fcntl(50, FcntlCommand.GetFdFlags));
        Assert.Equal(0, Sys.Fcntl(fd, FcntlCommand.GetFdFlags));
        Fails(Errno.EINVAL, Sys.Fcntl(fd, FcntlCommand.DuplicateFd, -1));
        Fails(Errno.EINVAL, Sys.Fcntl(fd, FcntlCommand.DuplicateFd, 1 << 20));
        _ = Sys.SetLimit(ResourceLimit.OpenFiles, 52);
        Fails(Errno.EMFILE, Sys.Fcntl(fd, FcntlCommand.DuplicateFd, 50));
    }

    [Fact]
    public void Requirement_edcf2593_FStatAtNoFollow_DescribesTheLink()
    {
        Symlink("nowhere", "/l");
        Stat stat = StatOf("/l");
        Assert.Equal(FileType.Symlink, stat.Type);
        Assert.Equal(7, stat.SizeBytes);
    }

    [Fact]
    public void Requirement_e684397e_ReadLinkAt_TruncatesAndAddsNothing()
    {
        MkDir("/d");
        Symlink("target", "/d/l");
        int d = Open("/d", OpenFlags.Directory);
        byte[] buffer = [9, 9, 9, 9, 9, 9, 9, 9];
        Assert.Equal(3, Sys.ReadLinkAt(d, B("l"), buffer.AsSpan(0, 3)));
        Assert.Equal(6, Sys.ReadLinkAt(d, B("l"), buffer));
        Assert.Equal(9, buffer[6]);
        Fails(Errno.EINVAL, Sys.ReadLinkAt(d, B("l"), []));
        int link = (int)Ok(Sys.OpenAt(d, B("l"), OpenFlags.Path | OpenFlags.NoFollow));
        Assert.Equal(6, Sys.ReadLinkAt(link, ""u8, buffer));
        Close(link);
        Close(d);
    }

    [Fact]
    public void Requirement_23d56072_FUtimens_NeedsNoPath()
    {
        WriteFile("/f", "");
        int fd = Open("/f");
        Ok(Rename("/f", "/g"));
        Ok(Sys.UtimeNsAt(fd, default, [new Timespec(1, 2), new Timespec(3, 4)]));
        Assert.Equal(new Timespec(3, 4), StatOf("/g").ModifyTime);
        Ok(Unlink("/g"));
        Ok(Sys.UtimeNsAt(fd, default, []));
        Close(fd);
    }

    [Fact]
    public void Requirement_a61a1dc9_32730589_UnknownRenameAndRwfFlags_AreRefused()
    {
        WriteFile("/f", "abc");
        Fails(Errno.EINVAL, Rename("/f", "/g", (RenameFlags)8));
        int fd = Open("/f");
        Fails(Errno.EOPNOTSUPP, Vector(fd, (ReadWriteFlags)0x4000));
        Close(fd);
    }

    [Fact]
    public void Requirement_1b809fc8_CloseRange_ClosesAndMarks()
    {
        WriteFile("/f", "");
        for (int i = 0; i < 8; i++)
        {
            _ = Open("/f");
        }
        Ok(Sys.CloseRange(2, 3, CloseRangeFlags.None));
        Ok(Sys.CloseRange(4, uint.MaxValue, CloseRangeFlags.CloseOnExec));
        Fails(Errno.EBADF, Sys.Close(2));
        Sys.CloseOnExec();
        Fails(Errno.EBADF, Sys.Close(7));
        Close(0);
        Close(1);
    }

    private static readonly Dictionary<string, Func<Syscalls, int, byte[]?, long>> Calls = new()
    {
        ["openat"] = static (s, fd, path) => s.OpenAt(fd, path, OpenFlags.ReadOnly),
        ["mkdirat"] = static (s, fd, path) => s.MkDirAt(fd, path, 0x1FF),
        ["mknodat"] = static (s, fd, path) => s.MkNodAt(fd, path, Oct644),
        ["unlinkat"] = static (s, fd, path) => s.UnlinkAt(fd, path),
        ["renameat old"] = static (s, fd, path) => s.RenameAt2(fd, path, AtFd.CurrentDirectory, B("/n")),
        ["renameat new"] = static (s, fd, path) => s.RenameAt2(AtFd.CurrentDirectory, B("/o"), fd, path),
        ["linkat old"] = static (s, fd, path) => s.LinkAt(fd, path, AtFd.CurrentDirectory, B("/n")),
        ["linkat new"] = static (s, fd, path) => s.LinkAt(AtFd.CurrentDirectory, B("/"), fd, path),
        ["symlinkat"] = static (s, fd, path) => s.SymlinkAt(B("t"), fd, path),
        ["readlinkat"] = static (s, fd, path) => s.ReadLinkAt(fd, path, new byte[8]),
        ["fstatat"] = static (s, fd, path) => StatAt(s, fd, path),
        ["statx"] = static (s, fd, path) => StatxAt(s, fd, path),
        ["faccessat"] = static (s, fd, path) => s.FAccessAt2(fd, path, AccessModes.Exists),
        ["fchmodat"] = static (s, fd, path) => s.FChModAt2(fd, path, 0),
        ["fchownat"] = static (s, fd, path) => s.FChOwnAt(fd, path, 0, 0),
        ["utimensat"] = static (s, fd, path) => path is null ? s.UtimeNsAt(AtFd.CurrentDirectory, default, []) : s.UtimeNsAt(fd, path, []),
        ["name_to_handle_at"] = static (s, fd, path) => s.NameToHandleAt(fd, path, new byte[64], out _),
    };

    private static long StatAt(Syscalls s, int fd, byte[]? path)
    {
        Stat stat = default;
        return s.FStatAt(fd, path, ref stat, AtFlags.None);
    }

    private static long StatxAt(Syscalls s, int fd, byte[]? path)
    {
        Statx statx = default;
        return s.StatX(fd, path, AtFlags.None, StatxMask.BasicStats, ref statx);
    }

    private unsafe long Vector(int fd, ReadWriteFlags flags)
    {
        byte* one = stackalloc byte[1];
        return Sys.PReadV2(fd, [new IoVec(one, 1)], 1, 0, flags);
    }

    private sealed class FailingType : FileSystemType
    {
        public override string Name => "failing";

        public override Errno Create(MountRequest request, out FileSystem? fileSystem)
        {
            fileSystem = null;
            return Errno.ENXIO;
        }
    }
}
