// A file system that cannot be written: everything reads, every change is refused with EROFS, and where two errors apply the one that
// Linux gives. The mount's Boot has put StandardTree in place.
using System.Text;
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>A call that would change something, or fails for an older reason.</summary>
/// <param name="Name">As written in C.</param>
/// <param name="Expected">The error.</param>
/// <param name="Call">Makes it.</param>
public sealed record Change(string Name, Errno Expected, Func<ISyscalls, long> Call)
{
    public static IReadOnlyList<Change> All { get; } =
    [
        new("open(f, O_WRONLY)", EROFS, s => s.Open("f"u8, O_WRONLY)),
        new("open(f, O_RDWR)", EROFS, s => s.Open("f"u8, O_RDWR)),
        new("open(f, O_RDONLY|O_TRUNC)", EROFS, s => s.Open("f"u8, O_RDONLY | O_TRUNC)),
        new("open(new, O_CREAT)", EROFS, s => s.Open("new"u8, O_CREAT | O_RDWR, Oct(644))),
        new("open(new, O_CREAT|O_RDONLY)", EROFS, s => s.Open("new"u8, O_CREAT | O_RDONLY, Oct(644))),
        new("open(d/new, O_CREAT|O_EXCL)", EROFS, s => s.Open("d/new"u8, O_CREAT | O_EXCL | O_RDWR, Oct(644))),
        new("open(f, O_CREAT|O_EXCL)", EEXIST, s => s.Open("f"u8, O_CREAT | O_EXCL | O_RDONLY, Oct(644))),
        new("creat(f)", EROFS, s => s.Creat("f"u8, Oct(644))),
        new("open(., O_TMPFILE)", EROFS, s => s.Open("."u8, O_TMPFILE | O_RDWR, Oct(600))),
        new("open(d, O_WRONLY)", EISDIR, s => s.Open("d"u8, O_WRONLY)),
        new("mkdir(new)", EROFS, s => s.MkDir("new"u8, Oct(755))),
        new("mkdir(d/new/)", EROFS, s => s.MkDir("d/new/"u8, Oct(755))),
        new("mkdir(f)", EEXIST, s => s.MkDir("f"u8, Oct(755))),
        new("mkdir(d)", EEXIST, s => s.MkDir("d"u8, Oct(755))),
        new("mkdir(missing/new)", ENOENT, s => s.MkDir("missing/new"u8, Oct(755))),
        new("mkdir(f/new)", ENOTDIR, s => s.MkDir("f/new"u8, Oct(755))),
        new("mknod(new, S_IFREG)", EROFS, s => s.MkNod("new"u8, S_IFREG | Oct(644))),
        new("mkfifo(new)", EROFS, s => s.MkFifo("new"u8, Oct(644))),
        new("mkfifo(f)", EEXIST, s => s.MkFifo("f"u8, Oct(644))),
        new("mknod(new, S_IFCHR)", EROFS, s => s.MkNod("new"u8, S_IFCHR | Oct(644), 0x103)),
        new("unlink(f)", EROFS, s => s.Unlink("f"u8)),
        new("unlink(missing)", EROFS, s => s.Unlink("missing"u8)),
        new("unlink(missing/x)", ENOENT, s => s.Unlink("missing/x"u8)),
        new("unlink(d)", EROFS, s => s.Unlink("d"u8)),
        new("unlink(.)", EISDIR, s => s.Unlink("."u8)),
        new("rmdir(none)", EROFS, s => s.RmDir("none"u8)),
        new("rmdir(d)", EROFS, s => s.RmDir("d"u8)),
        new("rmdir(missing)", EROFS, s => s.RmDir("missing"u8)),
        new("rmdir(none/.)", EINVAL, s => s.RmDir("none/."u8)),
        new("rename(f, new)", EROFS, s => s.Rename("f"u8, "new"u8)),
        new("rename(f, f)", EROFS, s => s.Rename("f"u8, "f"u8)),
        new("rename(missing, new)", EROFS, s => s.Rename("missing"u8, "new"u8)),
        new("rename(f, d/new)", EROFS, s => s.Rename("f"u8, "d/new"u8)),
        new("rename(., new)", EBUSY, s => s.Rename("."u8, "new"u8)),
        new("rename(f, /shm/new)", EXDEV, s => s.Rename("f"u8, "/shm/new"u8)),
        new("rename(/shm/f, new)", EXDEV, s => s.Rename("/shm/f"u8, "new"u8)),
        new("renameat2(f, empty, EXCHANGE)", EROFS, s => s.Rename("f"u8, "empty"u8, RENAME_EXCHANGE)),
        new("renameat2(f, new, NOREPLACE)", EROFS, s => s.Rename("f"u8, "new"u8, RENAME_NOREPLACE)),
        new("link(f, new)", EROFS, s => s.Link("f"u8, "new"u8)),
        new("link(f, empty)", EEXIST, s => s.Link("f"u8, "empty"u8)),
        new("link(missing, new)", ENOENT, s => s.Link("missing"u8, "new"u8)),
        new("symlink(t, new)", EROFS, s => s.Symlink("t"u8, "new"u8)),
        new("symlink(t, f)", EEXIST, s => s.Symlink("t"u8, "f"u8)),
        new("chmod(f)", EROFS, s => s.ChMod("f"u8, Oct(600))),
        new("chmod(missing)", ENOENT, s => s.ChMod("missing"u8, Oct(600))),
        new("fchmod(f)", EROFS, s => s.FChMod((int)s.Open("f"u8, O_RDONLY), Oct(600))),
        new("chown(f)", EROFS, s => s.ChOwn("f"u8, 1, 1)),
        new("lchown(f, -1, -1)", EROFS, s => s.LChOwn("f"u8, uint.MaxValue, uint.MaxValue)),
        new("fchown(f)", EROFS, s => s.FChOwn((int)s.Open("f"u8, O_RDONLY), 1, 1)),
        new("utimensat(f)", EROFS, s => s.UtimeNsAt(AT_FDCWD, "f"u8, default, 0)),
        new("futimens(f)", EROFS, s => s.UtimeNsAt((int)s.Open("f"u8, O_RDONLY), default, [new(1, 1), new(1, 1)], 0)),
        new("truncate(f)", EROFS, s => s.Truncate("f"u8, 0)),
        new("truncate(d)", EISDIR, s => s.Truncate("d"u8, 0)),
        new("ftruncate(f)", EINVAL, s => s.FTruncate((int)s.Open("f"u8, O_RDONLY), 0)),
        new("write(f)", EBADF, s => s.Write((int)s.Open("f"u8, O_RDONLY), "x"u8)),
        new("fallocate(f)", EBADF, s => s.FAllocate((int)s.Open("f"u8, O_RDONLY), 0, 0, 100)),
        new("setxattr(f, user.k)", EROFS, s => s.SetXattr("f"u8, "user.k"u8, "v"u8, 0)),
        new("fsetxattr(f, user.k)", EROFS, s => s.FSetXattr((int)s.Open("f"u8, O_RDONLY), "user.k"u8, "v"u8, 0)),
        new("removexattr(f, user.k)", EROFS, s => s.RemoveXattr("f"u8, "user.k"u8)),
        new("access(f, W_OK)", EROFS, s => s.Access("f"u8, W_OK)),
        new("access(d, W_OK)", EROFS, s => s.Access("d"u8, W_OK)),
        new("mmap(f, PROT_WRITE, MAP_SHARED)", EACCES, s => s.MMap(4096, PROT_WRITE, MAP_SHARED, (int)s.Open("f"u8, O_RDONLY), 0)),
        new("copy_file_range(to f)", EBADF, s => s.CopyFileRange((int)s.Open("big"u8, O_RDONLY), (int)s.Open("f"u8, O_RDONLY), 10)),
        new("sendfile(to f)", EBADF, s =>
            s.SendFile((int)s.Open("f"u8, O_RDONLY), (int)s.Open("big"u8, O_RDONLY), ref Absent.Ref<long>(), 10)),
    ];
}

/// <summary>Names of <see cref="Change.All"/>, as cases of a theory.</summary>
public static class ChangeNames
{
    public static TheoryData<string> All => [.. Change.All.Select(change => change.Name)];
}

/// <summary>Reading, and refusing to write.</summary>
public abstract class ReadOnlySuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    private string[] StandardNames => [.. StandardTree.Entries(TestMount.Features).Select(entry => entry.Path)];

    [Theory]
    [MemberData(nameof(ChangeNames.All), MemberType = typeof(ChangeNames))]
    public void Change_IsRefused(string name)
    {
        Change change = Change.All.First(candidate => string.Equals(candidate.Name, name, StringComparison.Ordinal));
        Fails(change.Expected, change.Call(S));
    }

    [Fact]
    public void AfterEveryRefusal_TheTreeIsAsItWas()
    {
        foreach (Change change in Change.All)
        {
            Assert.True(change.Call(S) < 0, change.Name);
        }
        AssertTree();
    }

    [Fact]
    public void Tree_IsReadBack() => AssertTree();

    [Fact]
    public void OpenCreate_OfAnExistingFileForReading_Works()
    {
        int fd = Open("f"u8, O_CREAT | O_RDONLY, Oct(644));
        Assert.Equal("content"u8, Rest(fd));
    }

    [Fact]
    public void Reads_AtAnyOffset()
    {
        int fd = Open("big"u8, O_RDONLY);
        byte[] buffer = new byte[70000];
        int size = StandardTree.Big.Length;
        foreach (int length in new[] { 1, 100, 4096, 65536, 70000 })
        {
            foreach (int offset in new[] { 0, 1, 511, 512, 4095, 4096, 65535, 100000, size - 1, size - 50000 })
            {
                int expected = Math.Min(length, size - offset);
                Gives(expected, S.PRead(fd, buffer.AsSpan(0, length), offset));
                Assert.True(buffer.AsSpan(0, expected).SequenceEqual(StandardTree.Big.Slice(offset, expected)), $"offset {offset}, {length} bytes");
            }
        }
        Gives(0, S.PRead(fd, buffer, size));
        Gives(0, S.PRead(fd, buffer, 1L << 40));
        Gives(size, S.LSeek(fd, 0, SEEK_END));
        Gives(size, S.LSeek(fd, 0, SEEK_HOLE));
        Gives(0, S.LSeek(fd, 0, SEEK_DATA));
        Fails(ENXIO, S.LSeek(fd, size, SEEK_DATA));
    }

    [Fact]
    public void Vectors_Read()
    {
        int fd = Open("big"u8, O_RDONLY);
        byte[] one = KernelIoVec.AllocatePinned(1000);
        byte[] two = KernelIoVec.AllocatePinned(70000);
        Gives(71000, S.ReadV(fd, [KernelIoVec.Over(one), KernelIoVec.Over(two)], 2));
        Assert.True(StandardTree.Big[..1000].SequenceEqual(one));
        Assert.True(StandardTree.Big[1000..71000].SequenceEqual(two));
    }

    [Fact]
    public void EmptyFile_ReadsNothing()
    {
        int fd = Open("empty"u8, O_RDONLY);
        Gives(0, S.Read(fd, new byte[10]));
        Assert.Equal(0, FStat(fd).SizeBytes);
    }

    [Theory]
    [InlineData(32)]
    [InlineData(100)]
    [InlineData(4096)]
    [InlineData(65536)]
    public void ManyEntries_AreListedOnceWithAnyBuffer(int bufferBytes)
    {
        List<DirectoryEntry> entries = Entries(Open("many"u8, O_DIRECTORY), bufferBytes);
        Assert.Equal(StandardTree.ManyCount + 2, entries.Count);
        Assert.Equal(entries.Count, entries.Select(entry => entry.Name).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void EntryTypesAndNumbers_AreThoseOfTheFiles()
    {
        foreach (DirectoryEntry entry in Entries(Open("."u8, O_DIRECTORY)).Where(entry => entry.Name is not ".."))
        {
            KernelStat stat = LStat(Encoding.Latin1.GetBytes(entry.Name));
            Assert.Equal(stat.Ino, entry.Ino);
            Assert.True(entry.Type == 0 || entry.Type == stat.TypeBits >> 12, entry.Name);
        }
    }

    [Fact]
    public void Cookies_ContinueWhereTheyPoint()
    {
        int fd = Open("many"u8, O_DIRECTORY);
        List<DirectoryEntry> all = Entries(fd);
        for (int i = 0; i < all.Count; i += 41)
        {
            Gives(all[i].Cookie, S.LSeek(fd, all[i].Cookie, SEEK_SET));
            Assert.Equal(all.Skip(i + 1), Entries(fd, 200));
        }
    }

    [Theory]
    [InlineData("link", "content")]
    [InlineData("absolute", "content")]
    [InlineData("dlink/e/deep", "deep")]
    [InlineData("d/up", "content")]
    [InlineData("dlink/up", "content")]
    [InlineData("d/../d/e/../e/deep", "deep")]
    public void Links_AreFollowed(string path, string expected)
    {
        Needs(Features.Symlinks);
        Assert.Equal(expected, Text(Bytes(path)));
    }

    [Theory]
    [InlineData("missing", ENOENT)]
    [InlineData("missing/x", ENOENT)]
    [InlineData("f/", ENOTDIR)]
    [InlineData("f/x", ENOTDIR)]
    [InlineData("d/missing", ENOENT)]
    [InlineData("many/f9999", ENOENT)]
    [InlineData("many/f000", ENOENT)]
    [InlineData("many/f00000", ENOENT)]
    [InlineData("F", ENOENT)]
    [InlineData("", ENOENT)]
    public void Walks_FailAsEverywhere(string path, Errno expected) => Fails(expected, S.Open(Bytes(path), O_RDONLY));

    [Theory]
    [InlineData("dangling", ENOENT)]
    [InlineData("loop", ELOOP)]
    [InlineData("loop/x", ELOOP)]
    [InlineData("link/", ENOTDIR)]
    [InlineData("link/x", ENOTDIR)]
    public void WalksThroughLinks_FailAsEverywhere(string path, Errno expected)
    {
        Needs(Features.Symlinks);
        Fails(expected, S.Open(Bytes(path), O_RDONLY));
    }

    [Fact]
    public void Stat_TellsSizesTypesAndDeviceOfTheMount()
    {
        KernelStat root = Stat("."u8);
        foreach (StandardEntry entry in StandardTree.Entries(TestMount.Features))
        {
            KernelStat stat = LStat(Bytes(entry.Path));
            Assert.Equal((entry.Type, root.Device), (stat.TypeBits, stat.Device));
            if (entry.Type != S_IFDIR)
            {
                Assert.Equal(entry.Content.Length, stat.SizeBytes);
            }
        }
    }

    [Fact]
    public void Permissions_AreKept()
    {
        Needs(Features.Ownership);
        foreach (StandardEntry entry in StandardTree.Entries(TestMount.Features))
        {
            KernelStat stat = LStat(Bytes(entry.Path));
            Assert.Equal((entry.Path, entry.Permissions, 0u), (entry.Path, stat.Permissions, stat.Uid));
        }
        Ok(S.Access("exec"u8, X_OK));
        Fails(EACCES, S.Access("f"u8, X_OK));
    }

    [Fact]
    public void UnprivilegedProcesses_ReadToo()
    {
        ISyscalls user = ForkAs(1000, 1000);
        int fd = (int)Ok(user.Open("d/e/deep"u8, O_RDONLY));
        Gives(4, user.Read(fd, new byte[10]));
        long result = user.Unlink("f"u8);
        Assert.Contains(result, new[] { -(long)EROFS, -(long)EACCES });
    }

    [Fact]
    public void StatFs_TellsThatItIsReadOnly()
    {
        var statfs = default(KernelStatFs);
        Ok(S.StatFs("."u8, ref statfs));
        Assert.Equal(1, statfs.Flags & 1);
        Assert.True(statfs.NameMax > 0);
    }

    [Fact]
    public void WorkingDirectory_AndDescriptorsAsStart()
    {
        Ok(S.ChDir("d/e"u8));
        Assert.Equal("/work/d/e", WorkingDirectory(S));
        Assert.Equal("content", Text("../../f"u8));
        int fd = Open(".."u8, O_PATH);
        Ok(S.OpenAt(fd, "e/deep"u8, O_RDONLY, 0));
    }

    [Fact]
    public void Copies_CanBeMadeFromIt()
    {
        int big = Open("big"u8, O_RDONLY);
        int copy = Open("/shm/copy"u8, O_CREAT | O_RDWR, Oct(644));
        for (long copied = Ok(S.SendFile(copy, big, ref Absent.Ref<long>(), 1 << 20)); copied > 0;)
        {
            copied = Ok(S.SendFile(copy, big, ref Absent.Ref<long>(), 1 << 20));
        }
        Assert.True(StandardTree.Big.SequenceEqual(Content("/shm/copy"u8)));
    }

    [Fact]
    public void Maps_ShowTheContent()
    {
        Needs(Features.MemoryMaps);
        int big = Open("big"u8, O_RDONLY);
        long map = Ok(S.MMap(8192, PROT_READ, MAP_SHARED, big, 4096));
        byte[] seen = new byte[8192];
        S.Load(map, 0, seen);
        Assert.True(StandardTree.Big.Slice(4096, 8192).SequenceEqual(seen));
        Ok(S.MUnmap(map, 8192));
    }

    [Fact]
    public void LocksAndWatches_WorkOnIt()
    {
        int one = Open("f"u8, O_RDONLY);
        int two = Open("f"u8, O_RDONLY);
        Ok(S.Flock(one, LOCK_EX));
        Fails(EAGAIN, S.Flock(two, LOCK_SH | LOCK_NB));
        var request = new KernelLock(F_RDLCK, 0, 0);
        Ok(S.Fcntl(one, F_SETLK, ref request));
        int n = (int)Ok(S.InotifyInit1(IN_NONBLOCK));
        Ok(S.InotifyAddWatch(n, "f"u8, IN_OPEN));
        Open("f"u8, O_RDONLY);
        Gives(16, S.Read(n, new byte[100]));
    }

    [Fact]
    public void Syncs_HaveNothingToDo()
    {
        Ok(S.FSync(Open("f"u8, O_RDONLY)));
        Ok(S.FSync(Open("."u8, O_DIRECTORY)));
        Ok(S.SyncFs(Open("."u8, O_DIRECTORY)));
    }

    [Fact]
    public void Mounts_CanBeMadeOnIt()
    {
        Ok(S.Mount("t"u8, "none"u8, TestMount.ScratchType, 0, default));
        Make("none/f"u8);
        Ok(S.Umount("none"u8));
        Assert.Empty(Names("none"u8));
    }

    [Fact]
    public void AccessTimes_StayAsTheyAre()
    {
        KernelTimespec before = Stat("f"u8).AccessTime;
        Assert.Equal("content", Text("f"u8));
        Assert.Equal(before, Stat("f"u8).AccessTime);
    }

    [Fact]
    public void ManyReaders_ReadAtOnce()
    {
        Task<long>[] readers = [.. Enumerable.Range(0, 4).Select(_ =>
        {
            ISyscalls process = Fork();
            return Start(() =>
            {
                byte[] buffer = new byte[50000];
                for (int round = 0; round < 20; round++)
                {
                    int fd = (int)Ok(process.Open("big"u8, O_RDONLY));
                    int offset = round * 12345;
                    Gives(50000, process.PRead(fd, buffer, offset));
                    Assert.True(buffer.AsSpan().SequenceEqual(StandardTree.Big.Slice(offset, 50000)));
                    Ok(process.Close(fd));
                }
                return 0;
            });
        })];
        Array.ForEach(readers, reader => Finish(reader));
    }

    private void AssertTree()
    {
        var found = new List<string>();
        Walk(string.Empty, found);
        Assert.Equal(StandardNames.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
        foreach (StandardEntry entry in StandardTree.Entries(TestMount.Features))
        {
            byte[] path = Bytes(entry.Path);
            if (entry.Type == S_IFREG)
            {
                Assert.True(entry.Content.Span.SequenceEqual(Content(path)), entry.Path);
            }
            else if (entry.Type == S_IFLNK)
            {
                Assert.Equal(Encoding.Latin1.GetString(entry.Content.Span), Target(path));
            }
        }
    }

    private void Walk(string directory, List<string> found)
    {
        int fd = Open(directory.Length == 0 ? "."u8 : Bytes(directory), O_DIRECTORY);
        foreach (DirectoryEntry entry in Entries(fd).Where(entry => entry.Name is not ("." or "..")))
        {
            string name = Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(entry.Name));
            string path = directory.Length == 0 ? name : directory + "/" + name;
            found.Add(path);
            if (LStat(Bytes(path)).TypeBits == S_IFDIR)
            {
                Walk(path, found);
            }
        }
        Ok(S.Close(fd));
    }
}
