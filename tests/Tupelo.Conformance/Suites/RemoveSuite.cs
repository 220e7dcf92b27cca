// mknod, unlink, and files that live on without a name.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Making special files; removing files of every kind.</summary>
public abstract class RemoveSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Theory]
    [InlineData(S_IFREG, S_IFREG)]
    [InlineData(0u, S_IFREG)]
    [InlineData(S_IFIFO, S_IFIFO)]
    [InlineData(S_IFSOCK, S_IFSOCK)]
    public void MkNod_MakesTheType(uint type, uint expected)
    {
        Needs(Features.SpecialFiles);
        Ok(S.MkNod("n"u8, type | Oct(640)));
        KernelStat stat = Stat("n"u8);
        Assert.Equal((expected, 0L, 1UL), (stat.TypeBits, stat.SizeBytes, stat.LinkCount));
    }

    [Theory]
    [InlineData(S_IFCHR, 1u, 3u)]
    [InlineData(S_IFCHR, 0u, 0u)]
    [InlineData(S_IFBLK, 7u, 300u)]
    [InlineData(S_IFBLK, 4095u, 1048575u)]
    public void MkNod_KeepsTheDeviceNumber(uint type, uint major, uint minor)
    {
        Needs(Features.DeviceNodes);
        // The call takes what stat gives back: 8 low minor bits, 12 major bits, the other minor bits.
        ulong device = (minor & 0xFF) | (major << 8) | ((ulong)(minor & 0xFFF00) << 12);
        Ok(S.MkNod("n"u8, type | Oct(600), device));
        KernelStat stat = LStat("n"u8);
        Assert.Equal((type, device), (stat.TypeBits, stat.RawDevice));
    }

    [Fact]
    public void MkNod_AppliesTheUmaskAndBelongsToTheCaller()
    {
        Needs(Features.SpecialFiles | Features.Ownership);
        MakePublicDirectory("p"u8);
        ISyscalls user = ForkAs(1000, 2000);
        Ok(user.MkFifo("p/n"u8, Oct(666)));
        KernelStat stat = Stat("p/n"u8);
        Assert.Equal((1000u, 2000u, Oct(644)), (stat.Uid, stat.Gid, stat.Permissions));
    }

    [Theory]
    [InlineData(S_IFDIR, EPERM)]
    [InlineData(S_IFLNK, EINVAL)]
    [InlineData(S_IFMT, EINVAL)]
    [InlineData(0x3000u, EINVAL)]
    public void MkNod_OfOtherTypes_IsRefused(uint type, Errno expected)
    {
        Fails(expected, S.MkNod("n"u8, type | Oct(600)));
        IsMissing("n"u8);
    }

    [Theory]
    [InlineData(S_IFCHR)]
    [InlineData(S_IFBLK)]
    public void MkNod_OfADeviceByAnUnprivilegedProcess_ReturnsEPERM(uint type)
    {
        Needs(Features.DeviceNodes | Features.Ownership);
        MakePublicDirectory("p"u8);
        Fails(EPERM, ForkAs(1000, 1000).MkNod("p/n"u8, type | Oct(600), 0x103));
    }

    [Fact]
    public void MkNod_OfAWhiteoutByAnUnprivilegedProcess_Works()
    {
        Needs(Features.DeviceNodes | Features.Ownership);
        MakePublicDirectory("p"u8);
        Ok(ForkAs(1000, 1000).MkNod("p/n"u8, S_IFCHR, 0));
    }

    [Theory]
    [InlineData("f")]
    [InlineData("d")]
    [InlineData("dangling")]
    [InlineData("f/")]
    [InlineData(".")]
    public void MkNod_OverAnything_ReturnsEEXIST(string path)
    {
        Needs(Features.SpecialFiles | Features.Symlinks);
        Make("f"u8);
        MakeDirectory("d"u8);
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        Fails(EEXIST, S.MkFifo(Bytes(path), Oct(600)));
        Fails(EEXIST, S.MkNod(Bytes(path), S_IFREG | Oct(600)));
    }

    [Fact]
    public void MkNod_WithATrailingSlash_ReturnsENOENT() => Fails(ENOENT, S.MkNod("n/"u8, S_IFREG | Oct(600)));

    [Fact]
    public void Unlink_RemovesTheName()
    {
        Make("f"u8);
        Ok(S.Unlink("f"u8));
        IsMissing("f"u8);
        Fails(ENOENT, S.Unlink("f"u8));
    }

    [Theory]
    [InlineData("fifo")]
    [InlineData("socket")]
    [InlineData("link")]
    [InlineData("dangling")]
    [InlineData("dlink")]
    [InlineData("loop")]
    public void Unlink_RemovesWhatIsNoDirectory(string name)
    {
        Needs(Features.SpecialFiles | Features.Symlinks);
        Make("f"u8, "content"u8);
        MakeDirectory("d"u8);
        Ok(S.MkFifo("fifo"u8, Oct(644)));
        Ok(S.MkNod("socket"u8, S_IFSOCK | Oct(644)));
        Ok(S.Symlink("f"u8, "link"u8));
        Ok(S.Symlink("d"u8, "dlink"u8));
        Ok(S.Symlink("nowhere"u8, "dangling"u8));
        Ok(S.Symlink("loop"u8, "loop"u8));
        Ok(S.Unlink(Bytes(name)));
        IsMissing(Bytes(name));
        Assert.Equal("content", Text("f"u8));
        Assert.Equal(S_IFDIR, Stat("d"u8).TypeBits);
    }

    [Theory]
    [InlineData("d", EISDIR)]
    [InlineData("d/", EISDIR)]
    [InlineData(".", EISDIR)]
    [InlineData("..", EISDIR)]
    [InlineData("/", EISDIR)]
    [InlineData("f/", ENOTDIR)]
    [InlineData("f/x", ENOTDIR)]
    [InlineData("f/.", ENOTDIR)]
    [InlineData("dlink/", ENOTDIR)]
    [InlineData("missing", ENOENT)]
    [InlineData("missing/", ENOENT)]
    [InlineData("missing/x", ENOENT)]
    [InlineData("", ENOENT)]
    public void Unlink_OfWhatItMayNotRemove_TellsWhy(string path, Errno expected)
    {
        Needs(Features.Symlinks);
        Make("f"u8);
        MakeDirectory("d"u8);
        Ok(S.Symlink("d"u8, "dlink"u8));
        Fails(expected, S.Unlink(Bytes(path)));
        Assert.Equal(["d", "dlink", "f"], Names("."u8));
    }

    [Theory]
    [InlineData("f", 0, None)]
    [InlineData("f", AT_REMOVEDIR, ENOTDIR)]
    [InlineData("d", 0, EISDIR)]
    [InlineData("d", AT_REMOVEDIR, None)]
    [InlineData("link", 0, None)]
    [InlineData("link", AT_REMOVEDIR, ENOTDIR)]
    [InlineData("missing", 0, ENOENT)]
    [InlineData("missing", AT_REMOVEDIR, ENOENT)]
    [InlineData("f", 1, EINVAL)]
    [InlineData("f", AT_SYMLINK_NOFOLLOW, EINVAL)]
    public void UnlinkAt_HonoursItsFlag(string path, int flags, Errno expected)
    {
        Needs(Features.Symlinks);
        MakeDirectory("p"u8);
        Make("p/f"u8);
        MakeDirectory("p/d"u8);
        Ok(S.Symlink("d"u8, "p/link"u8));
        int fd = Open("p"u8, O_DIRECTORY);
        Gives(-(long)expected, S.UnlinkAt(fd, Bytes(path), flags));
        Assert.Equal(expected == None ? 2 : 3, Names("p"u8).Length);
    }

    [Fact]
    public void Unlink_ChangesTheParentsTimesAndTheFilesChangeTime()
    {
        Needs(Features.HardLinks);
        MakeDirectory("p"u8);
        Make("p/f"u8);
        Ok(S.Link("p/f"u8, "other"u8));
        Ok(S.UtimeNsAt(AT_FDCWD, "p"u8, [new(1000, 0), new(1000, 0)], 0));
        Ok(S.UtimeNsAt(AT_FDCWD, "p/f"u8, [new(1000, 0), new(1000, 0)], 0));
        KernelTimespec before = Stat("other"u8).ChangeTime;
        Ok(S.Unlink("p/f"u8));
        Assert.True(Stat("p"u8).ModifyTime.Seconds > 1000);
        KernelStat left = Stat("other"u8);
        Assert.Equal(1000, left.ModifyTime.Seconds);
        Assert.True(left.ChangeTime.Seconds > before.Seconds
            || (left.ChangeTime.Seconds == before.Seconds && left.ChangeTime.Nanoseconds >= before.Nanoseconds));
    }

    [Fact]
    public void Unlinked_FileStaysUsableWhileOpen()
    {
        Needs(Features.OpenUnlinked);
        Make("f"u8, "content"u8);
        int fd = Open("f"u8, O_RDWR);
        Ok(S.Unlink("f"u8));
        Assert.Equal(0UL, FStat(fd).LinkCount);
        Gives(4, S.PWrite(fd, "more"u8, 7));
        byte[] all = new byte[20];
        Gives(11, S.PRead(fd, all, 0));
        Assert.Equal("contentmore"u8, all.AsSpan(0, 11));
        Ok(S.FTruncate(fd, 3));
        Assert.Equal(3, FStat(fd).SizeBytes);
    }

    [Fact]
    public void Unlinked_FileIsAnotherThanTheNewOneOfItsName()
    {
        Needs(Features.OpenUnlinked);
        Make("f"u8, "old"u8);
        int fd = Open("f"u8, O_RDONLY);
        Ok(S.Unlink("f"u8));
        Make("f"u8, "new"u8);
        Assert.Equal("old"u8, Rest(fd));
        Assert.Equal("new", Text("f"u8));
        Assert.NotEqual(FStat(fd).Ino, Stat("f"u8).Ino);
    }

    [Fact]
    public void Unlinked_FileGivesItsSpaceBackAtTheLastClose()
    {
        Needs(Features.OpenUnlinked | Features.SizeLimit);
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, 0, "size=4m"u8));
        long before = Free("m"u8);
        int fd = Open("m/f"u8, O_CREAT | O_RDWR, Oct(600));
        WriteAll(fd, new byte[1 << 20]);
        Assert.True(Free("m"u8) < before);
        Ok(S.Unlink("m/f"u8));
        Assert.True(Free("m"u8) < before);
        int second = (int)Ok(S.Dup(fd));
        Ok(S.Close(fd));
        Assert.True(Free("m"u8) < before);
        Ok(S.Close(second));
        Assert.Equal(before, Free("m"u8));
    }

    [Fact]
    public void Unlink_OfManyFilesWhileTheyAreListed_FindsEachOnce()
    {
        const int Count = 300;
        MakeDirectory("d"u8);
        for (int i = 0; i < Count; i++)
        {
            Make([.. "d/"u8, .. Numbered("f", i)]);
        }
        // What "rm -r" does: read some entries, remove them, read on.
        int fd = Open("d"u8, O_DIRECTORY);
        byte[] buffer = new byte[512];
        int removed = 0;
        for (long count = Ok(S.GetDents64(fd, buffer)); count > 0; count = Ok(S.GetDents64(fd, buffer)))
        {
            foreach (DirectoryEntry entry in DirectoryEntry.Decode(buffer.AsSpan(0, (int)count)).Where(entry => entry.Name[0] == 'f'))
            {
                Ok(S.UnlinkAt(fd, Bytes(entry.Name), 0));
                removed++;
            }
        }
        Assert.Equal(Count, removed);
        Ok(S.RmDir("d"u8));
    }

    private long Free(ReadOnlySpan<byte> path)
    {
        var statfs = default(KernelStatFs);
        Ok(S.StatFs(path, ref statfs));
        return (long)statfs.FreeBlocks;
    }

    [Fact]
    public void LongName_InARemovedDirectory_IsMissing()
    {
        MakeDirectory("d"u8);
        int fd = Open("d"u8, O_DIRECTORY);
        var stat = default(KernelStat);
        Fails(ENAMETOOLONG, S.NewFStatAt(fd, Letters(300), ref stat, 0));
        Ok(S.RmDir("d"u8));
        Fails(ENOENT, S.NewFStatAt(fd, Letters(300), ref stat, 0));
    }
}
