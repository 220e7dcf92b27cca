// truncate, fallocate, holes, and the end of space.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Sizes, holes and limits.</summary>
public abstract class SpaceSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    private const int Unit = 65536;   // A multiple of every allocation unit.

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(9999)]
    [InlineData(10000)]
    public void Truncate_CutsAndGrownPartsReadZero(int length)
    {
        byte[] content = Pattern(10000);
        Make("f"u8, content);
        Ok(S.Truncate("f"u8, length));
        Assert.Equal(content[..length], Content("f"u8));
        Ok(S.Truncate("f"u8, 20000));
        byte[] grown = Content("f"u8);
        Assert.Equal(20000, grown.Length);
        Assert.Equal(content.AsSpan(0, length), grown.AsSpan(0, length));
        Assert.False(grown.AsSpan(length).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void FTruncate_WorksOnTheDescriptorsFile()
    {
        Make("f"u8, "abcdef"u8);
        int fd = Open("f"u8, O_RDWR);
        Gives(5, S.LSeek(fd, 5, SEEK_SET));
        Ok(S.FTruncate(fd, 2));
        Gives(5, S.LSeek(fd, 0, SEEK_CUR));
        Gives(0, S.Read(fd, new byte[10]));
        Gives(1, S.Write(fd, "x"u8));
        Assert.Equal("ab\0\0\0x", Text("f"u8));
    }

    [Fact]
    public void Truncate_FollowsLinks()
    {
        Needs(Features.Symlinks);
        Make("f"u8, "abcdef"u8);
        Ok(S.Symlink("f"u8, "link"u8));
        Ok(S.Truncate("link"u8, 3));
        Assert.Equal("abc", Text("f"u8));
    }

    [Fact]
    public void Truncate_ChangesTheTimes()
    {
        Make("f"u8, "abc"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), new(1000, 0)], 0));
        Ok(S.Truncate("f"u8, 2));
        Assert.True(Stat("f"u8).ModifyTime.Seconds > 1000);
    }

    [Fact]
    public void Truncate_ByAnotherThanRoot_ClearsSetIdBits()
    {
        Needs(Features.Ownership);
        Make("f"u8, "abc"u8);
        Ok(S.ChOwn("f"u8, 1000, 1000));
        Ok(S.ChMod("f"u8, Oct(6777)));
        Ok(ForkAs(1000, 1000).Truncate("f"u8, 1));
        Assert.Equal(Oct(777), Stat("f"u8).Permissions);
    }

    [Theory]
    [InlineData("f", -1, EINVAL)]
    [InlineData("d", 0, EISDIR)]
    [InlineData("d", -1, EINVAL)]
    [InlineData("missing", 0, ENOENT)]
    [InlineData("missing", -1, EINVAL)]
    [InlineData("f/", 0, ENOTDIR)]
    [InlineData("f/x", 0, ENOTDIR)]
    [InlineData("", 0, ENOENT)]
    [InlineData("fifo", 0, EINVAL)]
    public void Truncate_OfWhatCannotBe_TellsWhy(string path, int length, Errno expected)
    {
        Needs(Features.SpecialFiles);
        Make("f"u8, "abc"u8);
        MakeDirectory("d"u8);
        Ok(S.MkFifo("fifo"u8, Oct(644)));
        Fails(expected, S.Truncate(Bytes(path), length));
        Assert.Equal("abc", Text("f"u8));
    }

    [Fact]
    public void FTruncate_OfWhatCannotBe_TellsWhy()
    {
        Make("f"u8, "abc"u8);
        Fails(EINVAL, S.FTruncate(Open("f"u8, O_RDONLY), 0));
        Fails(EINVAL, S.FTruncate(Open("."u8, O_RDONLY), 0));
        Fails(EINVAL, S.FTruncate(Open("f"u8, O_RDWR), -1));
        Fails(EBADF, S.FTruncate(Open("f"u8, O_PATH), 0));
        Fails(EBADF, S.FTruncate(-1, 0));
        Assert.Equal("abc", Text("f"u8));
    }

    [Fact]
    public void Truncate_NeedsWritePermission()
    {
        Needs(Features.Ownership);
        Make("f"u8, "abc"u8);
        Fails(EACCES, ForkAs(1000, 1000).Truncate("f"u8, 0));
        Assert.Equal("abc", Text("f"u8));
    }

    [Fact]
    public void Truncate_FreesSpace()
    {
        Needs(Features.Sparse);
        Make("f"u8, Pattern(16 * Unit));
        long full = Stat("f"u8).Blocks512;
        Assert.True(full >= 16 * Unit / 512);
        Ok(S.Truncate("f"u8, Unit));
        Assert.InRange(Stat("f"u8).Blocks512, 1, full - 1);
        Ok(S.Truncate("f"u8, 0));
        Assert.Equal(0, Stat("f"u8).Blocks512);
        Ok(S.Truncate("f"u8, 16 * Unit));
        Assert.Equal(0, Stat("f"u8).Blocks512);
    }

    [Fact]
    public void Allocate_GrowsTheFileWithZeros()
    {
        Needs(Features.Preallocate);
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDWR);
        Ok(S.FAllocate(fd, 0, 0, 10000));
        byte[] content = Content("f"u8);
        Assert.Equal(10000, content.Length);
        Assert.Equal("abc"u8, content.AsSpan(0, 3));
        Assert.False(content.AsSpan(3).ContainsAnyExcept((byte)0));
        Assert.True(FStat(fd).Blocks512 >= 10000 / 512);
        Ok(S.FAllocate(fd, 0, 0, 100));
        Assert.Equal(10000, FStat(fd).SizeBytes);
    }

    [Fact]
    public void AllocateKeepSize_TakesSpaceOnly()
    {
        Needs(Features.Preallocate);
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDWR);
        Ok(S.FAllocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4 * Unit));
        KernelStat stat = FStat(fd);
        Assert.Equal(3, stat.SizeBytes);
        Assert.True(stat.Blocks512 >= 4 * Unit / 512);
        Assert.Equal("abc", Text("f"u8));
    }

    [Theory]
    [InlineData(0, 5000)]
    [InlineData(1, 3)]
    [InlineData(4096, 4096)]
    [InlineData(100, 200000)]
    [InlineData(65000, 1000)]
    [InlineData(500000, 100)]
    public void PunchHole_ReadsZeroAndKeepsTheSize(int offset, int length)
    {
        Needs(Features.PunchHole);
        byte[] content = Pattern(300000);
        Make("f"u8, content);
        int fd = Open("f"u8, O_RDWR);
        Ok(S.FAllocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length));
        if (offset < content.Length)
        {
            content.AsSpan(offset, Math.Min(length, content.Length - offset)).Clear();
        }
        Assert.Equal(content, Content("f"u8));
    }

    [Fact]
    public void PunchHole_GivesSpaceBack()
    {
        Needs(Features.PunchHole | Features.Sparse);
        Make("f"u8, Pattern(8 * Unit));
        int fd = Open("f"u8, O_RDWR);
        long full = FStat(fd).Blocks512;
        Ok(S.FAllocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, Unit, 4 * Unit));
        Assert.Equal(full - (4 * Unit / 512), FStat(fd).Blocks512);
    }

    [Fact]
    public void ZeroRange_ZeroesAndMayGrow()
    {
        Needs(Features.ShiftRanges);
        byte[] content = Pattern(10000);
        Make("f"u8, content);
        int fd = Open("f"u8, O_RDWR);
        Ok(S.FAllocate(fd, FALLOC_FL_ZERO_RANGE, 100, 5000));
        content.AsSpan(100, 5000).Clear();
        Assert.Equal(content, Content("f"u8));
        Ok(S.FAllocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 9000, 5000));
        content.AsSpan(9000).Clear();
        Assert.Equal(content, Content("f"u8));
        Ok(S.FAllocate(fd, FALLOC_FL_ZERO_RANGE, 9000, 5000));
        Assert.Equal(14000, FStat(fd).SizeBytes);
    }

    [Fact]
    public void CollapseRange_RemovesBytes()
    {
        Needs(Features.ShiftRanges);
        byte[] content = Pattern(4 * Unit);
        Make("f"u8, content);
        int fd = Open("f"u8, O_RDWR);
        Ok(S.FAllocate(fd, FALLOC_FL_COLLAPSE_RANGE, Unit, Unit));
        Assert.Equal([.. content.AsSpan(0, Unit), .. content.AsSpan(2 * Unit)], Content("f"u8));
        Fails(EINVAL, S.FAllocate(fd, FALLOC_FL_COLLAPSE_RANGE, 1, Unit));
        Fails(EINVAL, S.FAllocate(fd, FALLOC_FL_COLLAPSE_RANGE, Unit, 2 * Unit));
        Fails(EOPNOTSUPP, S.FAllocate(fd, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, Unit));
    }

    [Fact]
    public void InsertRange_AddsAHole()
    {
        Needs(Features.ShiftRanges);
        byte[] content = Pattern((3 * Unit) + 5);
        Make("f"u8, content);
        int fd = Open("f"u8, O_RDWR);
        Ok(S.FAllocate(fd, FALLOC_FL_INSERT_RANGE, Unit, 2 * Unit));
        Assert.Equal([.. content.AsSpan(0, Unit), .. new byte[2 * Unit], .. content.AsSpan(Unit)], Content("f"u8));
        Fails(EINVAL, S.FAllocate(fd, FALLOC_FL_INSERT_RANGE, 100, Unit));
        Fails(EINVAL, S.FAllocate(fd, FALLOC_FL_INSERT_RANGE, 64 * Unit, Unit));
    }

    [Fact]
    public void Allocate_OfWhatCannotBe_TellsWhy()
    {
        Needs(Features.Preallocate);
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDWR);
        Fails(EINVAL, S.FAllocate(fd, 0, -1, 1));
        Fails(EINVAL, S.FAllocate(fd, 0, 0, 0));
        Fails(EINVAL, S.FAllocate(fd, 0, 0, -1));
        Fails(EBADF, S.FAllocate(Open("f"u8, O_RDONLY), 0, 0, 1));
        Fails(EBADF, S.FAllocate(Open("."u8, O_RDONLY), 0, 0, 1));
        Fails(EBADF, S.FAllocate(-1, 0, 0, 1));
        Fails(EOPNOTSUPP, S.FAllocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1));
        Fails(EOPNOTSUPP, S.FAllocate(fd, 0x1000, 0, 1));
        Fails(EFBIG, S.FAllocate(fd, 0, long.MaxValue - 1, 10));
        Assert.Equal("abc", Text("f"u8));
    }

    [Fact]
    public void SeekDataAndHole_FindThem()
    {
        Needs(Features.Sparse);
        int fd = Open("f"u8, O_CREAT | O_RDWR, Oct(644));
        Gives(Unit, S.PWrite(fd, Letters(Unit), 2 * Unit));
        Gives(10, S.PWrite(fd, Letters(10), 6 * Unit));
        Ok(S.FTruncate(fd, 10 * Unit));
        Gives(2 * Unit, S.LSeek(fd, 0, SEEK_DATA));
        Gives((2 * Unit) + 5, S.LSeek(fd, (2 * Unit) + 5, SEEK_DATA));
        Gives(0, S.LSeek(fd, 0, SEEK_HOLE));
        Gives(3 * Unit, S.LSeek(fd, 2 * Unit, SEEK_HOLE));
        Gives(6 * Unit, S.LSeek(fd, 3 * Unit, SEEK_DATA));
        long hole = Ok(S.LSeek(fd, 6 * Unit, SEEK_HOLE));
        Assert.InRange(hole, (6 * Unit) + 10, 7 * Unit);
        Gives(hole, S.LSeek(fd, 0, SEEK_CUR));
        Fails(ENXIO, S.LSeek(fd, 8 * Unit, SEEK_DATA));
        Gives(8 * Unit, S.LSeek(fd, 8 * Unit, SEEK_HOLE));
        Fails(ENXIO, S.LSeek(fd, 10 * Unit, SEEK_HOLE));
        Fails(ENXIO, S.LSeek(fd, 10 * Unit, SEEK_DATA));
        Fails(ENXIO, S.LSeek(fd, -1, SEEK_DATA));
    }

    [Fact]
    public void SeekHole_OfAFullFile_IsItsEnd()
    {
        Make("f"u8, Letters(100));
        int fd = Open("f"u8, O_RDONLY);
        Gives(100, S.LSeek(fd, 0, SEEK_HOLE));
        Gives(0, S.LSeek(fd, 0, SEEK_DATA));
        Gives(50, S.LSeek(fd, 50, SEEK_DATA));
        Fails(ENXIO, S.LSeek(fd, 100, SEEK_DATA));
    }

    [Fact]
    public void SeekHole_SeesAPunchedHole()
    {
        Needs(Features.PunchHole | Features.Sparse);
        Make("f"u8, Letters(4 * Unit));
        int fd = Open("f"u8, O_RDWR);
        Ok(S.FAllocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, Unit, Unit));
        Gives(Unit, S.LSeek(fd, 0, SEEK_HOLE));
        Gives(2 * Unit, S.LSeek(fd, Unit, SEEK_DATA));
    }

    [Fact]
    public void FullFileSystem_GivesENOSPCAndPartialWrites()
    {
        Needs(Features.SizeLimit);
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, 0, "size=1m"u8));
        int fd = Open("m/f"u8, O_CREAT | O_RDWR, Oct(644));
        byte[] piece = Pattern(300000);
        long written = 0;
        long result;
        while ((result = S.Write(fd, piece)) > 0)
        {
            written += result;
        }
        Fails(ENOSPC, result);
        Assert.InRange(written, 500000, 1 << 20);
        Assert.Equal(written, FStat(fd).SizeBytes);
        Fails(ENOSPC, S.FAllocate(Open("m/g"u8, O_CREAT | O_RDWR, Oct(644)), 0, 0, 1 << 20));
        Ok(S.Unlink("m/f"u8));
        Ok(S.Close(fd));
        Make("m/h"u8, piece);
        Assert.Equal(piece, Content("m/h"u8));
    }

    [Fact]
    public void FailedAllocation_LeavesTheFileAsItWas()
    {
        Needs(Features.SizeLimit | Features.Preallocate);
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, 0, "size=1m"u8));
        int fd = Open("m/f"u8, O_CREAT | O_RDWR, Oct(644));
        WriteAll(fd, "abc"u8);
        var before = default(KernelStatFs);
        Ok(S.StatFs("m"u8, ref before));
        Fails(ENOSPC, S.FAllocate(fd, 0, 0, 1 << 30));
        var after = default(KernelStatFs);
        Ok(S.StatFs("m"u8, ref after));
        Assert.Equal((3L, before.FreeBlocks), (FStat(fd).SizeBytes, after.FreeBlocks));
    }

    [Fact]
    public void FullFileSystem_OfInodes_GivesENOSPC()
    {
        Needs(Features.SizeLimit);
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, 0, "nr_inodes=10"u8));
        long result = 0;
        int made = 0;
        while (made < 100 && (result = S.MkDir([.. "m/"u8, .. Numbered("d", made)], Oct(755))) == 0)
        {
            made++;
        }
        Fails(ENOSPC, result);
        Assert.InRange(made, 5, 10);
        Ok(S.RmDir("m/d0000"u8));
        Ok(S.MkDir("m/x"u8, Oct(755)));
    }

    [Fact]
    public void StatFs_ShowsSpaceComeAndGo()
    {
        Needs(Features.SizeLimit);
        MakeDirectory("m"u8);
        Ok(S.Mount("t"u8, "m"u8, TestMount.ScratchType, 0, "size=4m,nr_inodes=1000"u8));
        var empty = default(KernelStatFs);
        Ok(S.StatFs("m"u8, ref empty));
        Assert.Equal(4L << 20, (long)empty.Blocks * empty.BlockSizeBytes);
        Make("m/f"u8, new byte[1 << 20]);
        var full = default(KernelStatFs);
        Ok(S.StatFs("m/f"u8, ref full));
        Assert.InRange((long)(empty.FreeBlocks - full.FreeBlocks) * full.BlockSizeBytes, 1 << 20, (1 << 20) + 65536);
        Assert.Equal(empty.FreeFiles - 1, full.FreeFiles);
        Ok(S.Unlink("m/f"u8));
        var after = default(KernelStatFs);
        Ok(S.StatFs("m"u8, ref after));
        Assert.Equal((empty.FreeBlocks, empty.FreeFiles), (after.FreeBlocks, after.FreeFiles));
    }

    [Fact]
    public void Truncation_ToTheSameSize_FreesWhatWasAllocatedBeyond()
    {
        Needs(Features.Preallocate);
        int fd = Open("f"u8, O_CREAT | O_RDWR, Oct(644));
        Ok(S.FAllocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000));
        Assert.True(FStat(fd).Blocks512 >= 40);
        Ok(S.FTruncate(fd, 0));
        Assert.Equal(0, FStat(fd).Blocks512);
        Ok(S.FAllocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000));
        _ = Open("f"u8, O_WRONLY | O_TRUNC);
        Assert.Equal(0, FStat(fd).Blocks512);
    }
}
