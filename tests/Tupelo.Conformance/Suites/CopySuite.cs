// copy_file_range, sendfile, splice, tee; and files in memory.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Moving bytes from file to file, and mapped files.</summary>
public abstract class CopySuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Fact]
    public void CopyFileRange_CopiesAndMovesBothPositions()
    {
        byte[] content = Pattern(100000);
        Make("a"u8, content);
        int a = Open("a"u8, O_RDONLY);
        int b = Open("b"u8, O_CREAT | O_RDWR, Oct(644));
        Gives(60000, S.CopyFileRange(a, b, 60000));
        Gives(40000, S.CopyFileRange(a, b, 60000));
        Gives(0, S.CopyFileRange(a, b, 60000));
        Assert.Equal(content, Content("b"u8));
        Gives(100000, S.LSeek(b, 0, SEEK_CUR));
    }

    [Fact]
    public void CopyFileRange_WithOffsetsLeavesThePositions()
    {
        Make("a"u8, "abcdef"u8);
        Make("b"u8, "123456"u8);
        int a = Open("a"u8, O_RDONLY);
        int b = Open("b"u8, O_RDWR);
        long from = 1;
        long to = 3;
        Gives(2, S.CopyFileRange(a, ref from, b, ref to, 2, 0));
        Assert.Equal((3L, 5L), (from, to));
        Gives(0, S.LSeek(a, 0, SEEK_CUR));
        Gives(0, S.LSeek(b, 0, SEEK_CUR));
        Assert.Equal("123bc6", Text("b"u8));
    }

    [Fact]
    public void CopyFileRange_InsideOfOneFileMustNotOverlap()
    {
        Make("a"u8, "abcdef"u8);
        int a = Open("a"u8, O_RDWR);
        Gives(3, S.CopyFileRange(a, 0, a, 3, 3));
        Assert.Equal("abcabc", Text("a"u8));
        Fails(EINVAL, S.CopyFileRange(a, 0, a, 2, 3));
        Fails(EINVAL, S.CopyFileRange(a, 2, a, 0, 3));
        Gives(0, S.CopyFileRange(a, 0, a, 0, 0));
    }

    [Fact]
    public void CopyFileRange_OfWhatCannotBe_TellsWhy()
    {
        Needs(Features.SpecialFiles);
        Make("a"u8, "abc"u8);
        int a = Open("a"u8, O_RDWR);
        int b = Open("b"u8, O_CREAT | O_RDWR, Oct(644));
        int fifo = Pipe()[0];
        Fails(EINVAL, S.CopyFileRange(a, b, 1, flags: 1));
        Fails(EISDIR, S.CopyFileRange(Open("."u8, O_RDONLY), b, 1));
        Fails(EINVAL, S.CopyFileRange(fifo, b, 1));
        Fails(EBADF, S.CopyFileRange(Open("a"u8, O_WRONLY), b, 1));
        Fails(EBADF, S.CopyFileRange(a, Open("b"u8, O_RDONLY), 1));
        Fails(EBADF, S.CopyFileRange(a, Open("b"u8, O_WRONLY | O_APPEND), 1));
        Fails(EBADF, S.CopyFileRange(-1, b, 1));
        Fails(EBADF, S.CopyFileRange(a, -1, 1));
        Gives(0, S.CopyFileRange(a, 100, b, 0, 10));
    }

    [Fact]
    public void CopyFileRange_BeyondTheEndOfTheTarget_LeavesAHole()
    {
        Make("a"u8, "abc"u8);
        int b = Open("b"u8, O_CREAT | O_RDWR, Oct(644));
        Gives(3, S.CopyFileRange(Open("a"u8, O_RDONLY), 0, b, 5, 10));
        Assert.Equal("\0\0\0\0\0abc", Text("b"u8));
    }

    [Fact]
    public void SendFile_FeedsAPipeOrAFile()
    {
        byte[] content = Pattern(50000);
        Make("a"u8, content);
        int a = Open("a"u8, O_RDONLY);
        int[] pipe = Pipe();
        long offset = 10;
        Gives(30000, S.SendFile(pipe[1], a, ref offset, 30000));
        Assert.Equal(30010, offset);
        byte[] read = new byte[30000];
        for (int at = 0; at < read.Length;)
        {
            at += (int)Ok(S.Read(pipe[0], read.AsSpan(at)));
        }
        Assert.Equal(content[10..30010], read);
        int b = Open("b"u8, O_CREAT | O_RDWR, Oct(644));
        Gives(50000, S.SendFile(b, a, ref Absent.Ref<long>(), 100000));
        Assert.Equal(content, Content("b"u8));
        Gives(50000, S.LSeek(a, 0, SEEK_CUR));
    }

    [Fact]
    public void SendFile_OfWhatCannotBe_TellsWhy()
    {
        Make("a"u8, "abc"u8);
        int a = Open("a"u8, O_RDONLY);
        int[] pipe = Pipe();
        long offset = -1;
        Fails(EBADF, S.SendFile(-1, a, ref Absent.Ref<long>(), 1));
        Fails(EBADF, S.SendFile(pipe[1], -1, ref Absent.Ref<long>(), 1));
        Fails(EBADF, S.SendFile(a, a, ref Absent.Ref<long>(), 1));
        Fails(EINVAL, S.SendFile(pipe[1], a, ref offset, 1));
        Fails(EINVAL, S.SendFile(Open("b"u8, O_CREAT | O_WRONLY | O_APPEND, Oct(644)), a, ref Absent.Ref<long>(), 1));
    }

    [Fact]
    public void Splice_MovesThroughAPipe()
    {
        byte[] content = Pattern(20000);
        Make("a"u8, content);
        int a = Open("a"u8, O_RDONLY);
        int b = Open("b"u8, O_CREAT | O_RDWR, Oct(644));
        int[] pipe = Pipe();
        long total = 0;
        for (long moved = Ok(S.Splice(a, pipe[1], 8000)); moved > 0; moved = Ok(S.Splice(a, pipe[1], 8000)))
        {
            for (long left = moved; left > 0;)
            {
                left -= Ok(S.Splice(pipe[0], b, (nuint)left));
            }
            total += moved;
        }
        Assert.Equal(20000, total);
        Assert.Equal(content, Content("b"u8));
    }

    [Fact]
    public void Splice_UsesOffsetsOfFilesOnly()
    {
        Make("a"u8, "abcdef"u8);
        int a = Open("a"u8, O_RDWR);
        int[] pipe = Pipe();
        long offset = 2;
        Gives(3, S.Splice(a, ref offset, pipe[1], ref Absent.Ref<long>(), 3, 0));
        Assert.Equal(5, offset);
        Gives(0, S.LSeek(a, 0, SEEK_CUR));
        long at = 0;
        Gives(3, S.Splice(pipe[0], ref Absent.Ref<long>(), a, ref at, 3, 0));
        Assert.Equal("cdedef", Text("a"u8));
        Fails(ESPIPE, S.Splice(pipe[0], ref at, a, ref Absent.Ref<long>(), 1, 0));
        Fails(EINVAL, S.Splice(a, Open("a"u8, O_RDWR), 1));
        Fails(EBADF, S.Splice(-1, pipe[1], 1));
        Fails(EINVAL, S.Splice(pipe[0], pipe[1], 1));
        Fails(EAGAIN, S.Splice(pipe[0], a, 1, SPLICE_F_NONBLOCK));
    }

    [Fact]
    public void Tee_CopiesWithoutTaking()
    {
        int[] one = Pipe();
        int[] two = Pipe();
        Gives(5, S.Write(one[1], "hello"u8));
        Gives(5, S.Tee(one[0], two[1], 100, 0));
        byte[] buffer = new byte[10];
        Gives(5, S.Read(two[0], buffer));
        Gives(5, S.Read(one[0], buffer));
        Assert.Equal("hello"u8, buffer.AsSpan(0, 5));
        Make("f"u8);
        Fails(EINVAL, S.Tee(Open("f"u8, O_RDWR), two[1], 1, 0));
        Fails(EINVAL, S.Tee(one[0], one[1], 1, 0));
    }

    [Fact]
    public void SharedMap_SeesWritesAndIsSeen()
    {
        Needs(Features.MemoryMaps);
        Make("f"u8, Letters(10000));
        int fd = Open("f"u8, O_RDWR);
        long map = Ok(S.MMap(12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        Gives(3, S.PWrite(fd, "xyz"u8, 5000));
        byte[] seen = new byte[5];
        S.Load(map, 4999, seen);
        Assert.Equal("axyza"u8, seen);
        S.Store(map, 100, "MAPPED"u8);
        Ok(S.MSync(map, 12288, MS_SYNC));
        byte[] read = new byte[8];
        Gives(8, S.PRead(fd, read, 99));
        Assert.Equal("aMAPPEDa"u8, read);
        Ok(S.Close(fd));
        S.Store(map, 0, "still"u8);
        Ok(S.MUnmap(map, 12288));
        Assert.Equal("still"u8, Content("f"u8).AsSpan(0, 5));
    }

    [Fact]
    public void SharedMaps_OfOneFileAreOne()
    {
        Needs(Features.MemoryMaps);
        Make("f"u8, Letters(4096));
        long one = Ok(S.MMap(4096, PROT_READ | PROT_WRITE, MAP_SHARED, Open("f"u8, O_RDWR), 0));
        long two = Ok(S.MMap(4096, PROT_READ, MAP_SHARED, Open("f"u8, O_RDONLY), 0));
        S.Store(one, 10, "x"u8);
        byte[] seen = new byte[1];
        S.Load(two, 10, seen);
        Assert.Equal("x"u8, seen);
        Ok(S.MUnmap(one, 4096));
        Ok(S.MUnmap(two, 4096));
    }

    [Fact]
    public void PrivateMap_KeepsItsWritesToItself()
    {
        Needs(Features.MemoryMaps);
        Make("f"u8, Letters(4096));
        int fd = Open("f"u8, O_RDONLY);
        long map = Ok(S.MMap(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
        S.Store(map, 0, "mine"u8);
        byte[] seen = new byte[5];
        S.Load(map, 0, seen);
        Assert.Equal("minea"u8, seen);
        Assert.Equal("aaaaa"u8, Content("f"u8).AsSpan(0, 5));
        Ok(S.MUnmap(map, 4096));
    }

    [Fact]
    public void Map_OfTheLastPageIsZeroBehindTheEnd()
    {
        Needs(Features.MemoryMaps);
        Make("f"u8, Letters(5000));
        long map = Ok(S.MMap(4096, PROT_READ, MAP_SHARED, Open("f"u8, O_RDONLY), 4096));
        byte[] seen = new byte[4096];
        S.Load(map, 0, seen);
        Assert.False(seen.AsSpan(0, 904).ContainsAnyExcept((byte)'a'));
        Assert.False(seen.AsSpan(904).ContainsAnyExcept((byte)0));
        Ok(S.MUnmap(map, 4096));
    }

    [Fact]
    public void Map_OutlivesTheName()
    {
        Needs(Features.MemoryMaps | Features.OpenUnlinked);
        Make("f"u8, Letters(4096));
        int fd = Open("f"u8, O_RDWR);
        long map = Ok(S.MMap(4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        Ok(S.Close(fd));
        Ok(S.Unlink("f"u8));
        S.Store(map, 0, "alive"u8);
        byte[] seen = new byte[5];
        S.Load(map, 0, seen);
        Assert.Equal("alive"u8, seen);
        Ok(S.MUnmap(map, 4096));
    }

    [Fact]
    public void Map_OfWhatCannotBe_TellsWhy()
    {
        Needs(Features.MemoryMaps);
        Make("f"u8, Letters(4096));
        Fails(EACCES, S.MMap(4096, PROT_READ, MAP_SHARED, Open("f"u8, O_WRONLY), 0));
        Fails(EACCES, S.MMap(4096, PROT_WRITE, MAP_SHARED, Open("f"u8, O_RDONLY), 0));
        Fails(EINVAL, S.MMap(0, PROT_READ, MAP_SHARED, Open("f"u8, O_RDONLY), 0));
        Fails(EINVAL, S.MMap(4096, PROT_READ, MAP_SHARED, Open("f"u8, O_RDONLY), 100));
        Fails(EINVAL, S.MMap(4096, PROT_READ, 0, Open("f"u8, O_RDONLY), 0));
        Fails(ENODEV, S.MMap(4096, PROT_READ, MAP_SHARED, Open("."u8, O_RDONLY), 0));
        Fails(EBADF, S.MMap(4096, PROT_READ, MAP_SHARED, Open("f"u8, O_PATH), 0));
        Fails(EBADF, S.MMap(4096, PROT_READ, MAP_SHARED, -1, 0));
    }

    [Fact]
    public void SendFile_LooksAtItsSourceFirst_AndAtItsKindLast()
    {
        Make("a"u8, "abc"u8);
        int a = Open("a"u8, O_RDWR);
        int b = Open("b"u8, O_CREAT | O_WRONLY, Oct(644));
        int directory = Open("."u8, O_RDONLY);
        int eventFd = (int)Ok(S.EventFd2(0, 0));
        Fails(EINVAL, S.SendFile(-1, a, ref Absent.Ref<long>(), nuint.MaxValue));
        long offset = 5;
        Fails(EINVAL, S.SendFile(-1, a, ref offset, nuint.MaxValue >> 1));
        Fails(EBADF, S.SendFile(-1, a, ref Absent.Ref<long>(), 1));
        Gives(0, S.SendFile(b, directory, ref Absent.Ref<long>(), 0));
        Fails(EINVAL, S.SendFile(b, directory, ref Absent.Ref<long>(), 1));
        Fails(EINVAL, S.SendFile(eventFd, a, ref Absent.Ref<long>(), 3));
        Gives(0, S.LSeek(a, 0, SEEK_CUR));
        int[] pipe = Pipe();
        Fails(EINVAL, S.SendFile(b, pipe[0], ref Absent.Ref<long>(), 1));
        Ok(S.Close(pipe[0]));
        Fails(EPIPE, S.SendFile(pipe[1], a, ref Absent.Ref<long>(), 0));
    }

    [Fact]
    public void Splice_RefusesARangeThatDoesNotEnd()
    {
        Make("a"u8, "abc"u8);
        int a = Open("a"u8, O_RDWR);
        int[] pipe = Pipe();
        Gives(1, S.Write(pipe[1], "x"u8));
        long offset = 5;
        Fails(EINVAL, S.Splice(a, ref offset, pipe[1], ref Absent.Ref<long>(), nuint.MaxValue >> 1, 0));
        Fails(EINVAL, S.Splice(pipe[0], ref Absent.Ref<long>(), a, ref offset, nuint.MaxValue >> 1, 0));
        Fails(EINVAL, S.Splice(pipe[0], (int)Ok(S.EventFd2(0, 0)), 1));
    }

    [Fact]
    public void CopyFileRange_FromBeforeTheBeginning_Overflows()
    {
        Make("a"u8, "abc"u8);
        int a = Open("a"u8, O_RDWR);
        int b = Open("b"u8, O_CREAT | O_RDWR, Oct(644));
        Fails(EOVERFLOW, S.CopyFileRange(a, -1, b, 0, 10));
        Fails(EOVERFLOW, S.CopyFileRange(a, 0, b, -1, 10));
        Fails(EINVAL, S.CopyFileRange(a, long.MinValue, b, 0, 10));
    }

    [Fact]
    public void Map_IsAnAccess_AndItsStoresKeepSetIdBits()
    {
        Needs(Features.CallersRights | Features.MemoryMaps | Features.Ownership | Features.NanosecondTimes);
        Make("f"u8, Letters(4096));
        Ok(S.ChMod("f"u8, Oct(6777)));
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), new(2000, 0)], 0));
        using ISyscalls child = ForkAs(1000, 1000);
        long map = Ok(child.MMap(4096, PROT_READ | PROT_WRITE, MAP_SHARED, (int)Ok(child.Open("f"u8, O_RDWR)), 0));
        Assert.True(Stat("f"u8).AccessTime.Seconds > 1000);
        child.Store(map, 0, "x"u8);
        Ok(child.MSync(map, 4096, MS_SYNC));
        Ok(child.MUnmap(map, 4096));
        Assert.Equal(Oct(6777), Stat("f"u8).Permissions);
    }

    [Fact]
    public void GrowSealedFile_TakesWholePagesOfAWrite_UpToItsEnd()
    {
        int memory = (int)Ok(S.MemfdCreate("m"u8, MFD_ALLOW_SEALING));
        Ok(S.FTruncate(memory, 10000));
        Fails(EINVAL, S.Fcntl(memory, F_ADD_SEALS, 0x100 | F_SEAL_SEAL));
        Ok(S.Fcntl(memory, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL));
        Gives(8192, S.PWrite(memory, Letters(20000), 0));
        Gives(10000, S.PWrite(memory, Letters(10000), 0));
        Fails(EPERM, S.PWrite(memory, Letters(5000), 8192));
        Fails(EINVAL, S.Fcntl(memory, F_ADD_SEALS, 0x100));
        Fails(EPERM, S.Fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK));
    }

    [Fact]
    public void GrowSealedFile_TakesNoSpaceBeyondItsEnd()
    {
        int memory = (int)Ok(S.MemfdCreate("m"u8, MFD_ALLOW_SEALING));
        Ok(S.Fcntl(memory, F_ADD_SEALS, F_SEAL_GROW));
        Fails(EPERM, S.FAllocate(memory, FALLOC_FL_KEEP_SIZE, 0, 4096));
    }

    [Fact]
    public void SendFile_BeyondTheLargestOffset_IsEINVAL_EvenOfNothing()
    {
        Needs(Features.LargeFiles);
        Make("a"u8);
        int b = Open("b"u8, O_CREAT | O_WRONLY, Oct(644));
        if (S.LSeek(b, long.MaxValue - 1, SEEK_SET) < 0)
        {
            Assert.Skip($"{TestMount.Name} has no such offsets");
        }
        Fails(EINVAL, S.SendFile(b, Open("a"u8, O_RDONLY), ref Absent.Ref<long>(), 100));
    }

    private int[] Pipe()
    {
        int[] ends = new int[2];
        Ok(S.Pipe2(ends, 0));
        return ends;
    }
}
