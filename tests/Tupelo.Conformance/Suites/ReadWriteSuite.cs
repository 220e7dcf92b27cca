// read, write and their relatives: positions, holes, vectors, append, and what each kind of descriptor refuses.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Moving bytes.</summary>
public abstract class ReadWriteSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(511)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(65536)]
    [InlineData(1000003)]
    public void WrittenBytes_ComeBack(int length)
    {
        byte[] content = Pattern(length);
        Make("f"u8, content);
        Assert.Equal(length, Stat("f"u8).SizeBytes);
        Assert.Equal(content, Content("f"u8));
    }

    [Fact]
    public void Write_InSmallPieces_AddsUp()
    {
        byte[] content = Pattern(20000);
        int fd = Open("f"u8, O_CREAT | O_WRONLY, Oct(644));
        for (int at = 0, step = 1; at < content.Length; at += step, step = (step % 97) + 1)
        {
            WriteAll(fd, content.AsSpan(at, Math.Min(step, content.Length - at)));
        }
        Assert.Equal(content, Content("f"u8));
    }

    [Fact]
    public void Read_InSmallPieces_AddsUp()
    {
        byte[] content = Pattern(10000);
        Make("f"u8, content);
        int fd = Open("f"u8, O_RDONLY);
        var read = new List<byte>();
        byte[] buffer = new byte[101];
        for (int step = 1; Ok(S.Read(fd, buffer.AsSpan(0, step))) is > 0 and long count; step = (step % 101) + 1)
        {
            read.AddRange(buffer.AsSpan(0, (int)count));
        }
        Assert.Equal(content, read);
    }

    [Fact]
    public void Read_AtTheEnd_GivesNothing()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDONLY);
        byte[] buffer = new byte[10];
        Gives(3, S.Read(fd, buffer));
        Gives(0, S.Read(fd, buffer));
        Gives(0, S.PRead(fd, buffer, 3));
        Gives(0, S.PRead(fd, buffer, 1L << 40));
        Gives(1, S.PRead(fd, buffer, 2));
    }

    [Fact]
    public void Read_PartlyBeyondTheEnd_LeavesTheRestOfTheBuffer()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDONLY);
        byte[] buffer = Letters(6, '#');
        Gives(3, S.Read(fd, buffer));
        Assert.Equal("abc###"u8, buffer);
    }

    [Fact]
    public void ReadAndWrite_ShareThePosition()
    {
        Make("f"u8, "abcdef"u8);
        int fd = Open("f"u8, O_RDWR);
        byte[] buffer = new byte[2];
        Gives(2, S.Read(fd, buffer));
        Gives(2, S.Write(fd, "CD"u8));
        Gives(2, S.Read(fd, buffer));
        Assert.Equal("ef"u8, buffer);
        Assert.Equal("abCDef", Text("f"u8));
    }

    [Fact]
    public void PositionedIo_LeavesThePosition()
    {
        Make("f"u8, "abcdef"u8);
        int fd = Open("f"u8, O_RDWR);
        Gives(2, S.LSeek(fd, 2, SEEK_SET));
        byte[] buffer = new byte[2];
        Gives(2, S.PRead(fd, buffer, 4));
        Gives(2, S.PWrite(fd, "AB"u8, 0));
        Gives(2, S.LSeek(fd, 0, SEEK_CUR));
        Assert.Equal("ABcdef", Text("f"u8));
    }

    [Fact]
    public void Write_BeyondTheEnd_LeavesZeros()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDWR);
        Gives(1, S.PWrite(fd, "z"u8, 10000));
        byte[] content = Content("f"u8);
        Assert.Equal(10001, content.Length);
        Assert.Equal("abc"u8, content.AsSpan(0, 3));
        Assert.False(content.AsSpan(3, 9997).ContainsAnyExcept((byte)0));
        Assert.Equal((byte)'z', content[10000]);
    }

    [Fact]
    public void Write_FarAway_TakesLittleSpace()
    {
        Needs(Features.Sparse | Features.LargeFiles);
        int fd = Open("f"u8, O_CREAT | O_RDWR, Oct(644));
        const long Far = 1L << 40;
        Gives(1, S.PWrite(fd, "z"u8, Far));
        KernelStat stat = FStat(fd);
        Assert.Equal(Far + 1, stat.SizeBytes);
        Assert.InRange(stat.Blocks512, 1, 4096);
        byte[] buffer = new byte[3];
        Gives(3, S.PRead(fd, buffer, Far - 2));
        Assert.Equal("\0\0z"u8, buffer);
        Gives(3, S.PRead(fd, buffer, Far / 2));
        Assert.Equal("\0\0\0"u8, buffer);
    }

    [Fact]
    public void Offsets_BeyondFourGigabytes_AreNotCut()
    {
        Needs(Features.Sparse | Features.LargeFiles);
        int fd = Open("f"u8, O_CREAT | O_RDWR, Oct(644));
        long[] offsets = [0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x123456789ABC];
        foreach (long offset in offsets)
        {
            Gives(8, S.PWrite(fd, BitConverter.GetBytes(offset), offset));
        }
        byte[] buffer = new byte[8];
        // Each write covers what the ones before left within the same eight bytes, so read backwards.
        foreach (long offset in offsets.Reverse().Where(offset => offset is not (0x7FFFFFFF or 0xFFFFFFFF)))
        {
            Gives(8, S.PRead(fd, buffer, offset));
            Assert.Equal(offset, BitConverter.ToInt64(buffer));
        }
        Gives(0x100000000, S.LSeek(fd, 0x100000000, SEEK_SET));
        Gives(8, S.Read(fd, buffer));
        Assert.Equal(0x100000000, BitConverter.ToInt64(buffer));
    }

    [Fact]
    public void Append_WritesAtTheEndWhereverThePositionIs()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDWR | O_APPEND);
        Gives(0, S.LSeek(fd, 0, SEEK_SET));
        Gives(3, S.Write(fd, "def"u8));
        Gives(6, S.LSeek(fd, 0, SEEK_CUR));
        Gives(1, S.PWrite(fd, "g"u8, 0));   // As on Linux: pwrite to such a descriptor appends.
        Assert.Equal("abcdefg", Text("f"u8));
    }

    [Fact]
    public void Append_SeesWhatOthersAppended()
    {
        int one = Open("f"u8, O_CREAT | O_WRONLY | O_APPEND, Oct(644));
        int two = Open("f"u8, O_WRONLY | O_APPEND);
        Gives(1, S.Write(one, "a"u8));
        Gives(1, S.Write(two, "b"u8));
        Gives(1, S.Write(one, "c"u8));
        Assert.Equal("abc", Text("f"u8));
    }

    [Fact]
    public void Append_ByManyProcesses_LosesNothing()
    {
        Make("f"u8);
        const int Writers = 4;
        const int Lines = 200;
        Task<long>[] writers = [.. Enumerable.Range(0, Writers).Select(writer =>
        {
            ISyscalls process = Fork();
            return Start(() =>
            {
                int fd = (int)Ok(process.Open("f"u8, O_WRONLY | O_APPEND));
                byte[] line = Bytes(new string((char)('a' + writer), 15) + "\n");
                for (int i = 0; i < Lines; i++)
                {
                    Gives(16, process.Write(fd, line));
                }
                return 0;
            });
        })];
        Array.ForEach(writers, writer => Finish(writer));
        string[] lines = Text("f"u8).TrimEnd('\n').Split('\n');
        Assert.Equal(Writers * Lines, lines.Length);
        Assert.All(lines, line => Assert.Equal(new string(line[0], 15), line));
    }

    [Fact]
    public void SetAppend_OnAnOpenFile_Works()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_WRONLY);
        Ok(S.Fcntl(fd, F_SETFL, O_APPEND));
        Gives(1, S.Write(fd, "d"u8));
        Ok(S.Fcntl(fd, F_SETFL, 0));
        Gives(0, S.LSeek(fd, 0, SEEK_SET));
        Gives(1, S.Write(fd, "A"u8));
        Assert.Equal("Abcd", Text("f"u8));
    }

    [Fact]
    public void PWriteV2_AppendFlag_AppendsOnce()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_WRONLY);
        byte[] data = KernelIoVec.AllocatePinned("d"u8);
        Gives(1, S.PWriteV2(fd, [KernelIoVec.Over(data)], 1, 0, RWF_APPEND));
        Gives(0, S.LSeek(fd, 0, SEEK_CUR));
        Gives(1, S.PWriteV2(fd, [KernelIoVec.Over(data)], 1, 0, 0));
        Assert.Equal("dbcd", Text("f"u8));
    }

    [Fact]
    public void PWriteV2_NoAppendFlag_WritesWhereTold()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_WRONLY | O_APPEND);
        byte[] data = KernelIoVec.AllocatePinned("A"u8);
        Gives(1, S.PWriteV2(fd, [KernelIoVec.Over(data)], 1, 0, RWF_NOAPPEND));
        Assert.Equal("Abc", Text("f"u8));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(1024)]
    public void Vectors_GatherAndScatter(int segments)
    {
        byte[][] parts = [.. Enumerable.Range(0, segments).Select(i => KernelIoVec.AllocatePinned(Pattern((i * 7) % 61, i)))];
        byte[] content = [.. parts.SelectMany(part => part)];
        KernelIoVec[] vectors = [.. parts.Select(part => part.Length == 0 ? default : KernelIoVec.Over(part))];
        int fd = Open("f"u8, O_CREAT | O_RDWR, Oct(644));
        Gives(content.Length, S.WriteV(fd, vectors, segments));
        Assert.Equal(content, Content("f"u8));
        foreach (byte[] part in parts)
        {
            part.AsSpan().Clear();
        }
        Gives(0, S.LSeek(fd, 0, SEEK_SET));
        Gives(content.Length, S.ReadV(fd, vectors, segments));
        Assert.Equal(content, parts.SelectMany(part => part));
    }

    [Fact]
    public void Vectors_StopAtTheEndOfTheFile()
    {
        Make("f"u8, "abcde"u8);
        int fd = Open("f"u8, O_RDONLY);
        byte[] one = KernelIoVec.AllocatePinned(3);
        byte[] two = KernelIoVec.AllocatePinned(3);
        Gives(5, S.ReadV(fd, [KernelIoVec.Over(one), KernelIoVec.Over(two)], 2));
        Assert.Equal("abc"u8, one);
        Assert.Equal("de\0"u8, two);
    }

    [Fact]
    public void Vectors_OfABadShape_AreRefused()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDWR);
        KernelIoVec[] many = new KernelIoVec[1025];
        Fails(EINVAL, S.ReadV(fd, many, 1025));
        Fails(EINVAL, S.WriteV(fd, many, 1025));
        Fails(EINVAL, S.ReadV(fd, many, -1));
        Gives(0, S.ReadV(fd, many, 0));
        Gives(0, S.WriteV(fd, many, 1024));
        byte[] data = KernelIoVec.AllocatePinned(1);
        KernelIoVec one = KernelIoVec.Over(data);
        Fails(EINVAL, S.ReadV(fd, [one with { Length = (nuint)1 << 63 }], 1));
        Fails(EFAULT, S.ReadV(fd, Absent.Span<KernelIoVec>(1), 1));
        Assert.Equal("abc", Text("f"u8));
    }

    [Fact]
    public void PReadV2_OffsetMinusOne_UsesAndMovesThePosition()
    {
        Make("f"u8, "abcdef"u8);
        int fd = Open("f"u8, O_RDONLY);
        byte[] data = KernelIoVec.AllocatePinned(2);
        Gives(2, S.PReadV2(fd, [KernelIoVec.Over(data)], 1, -1, 0));
        Gives(2, S.PReadV2(fd, [KernelIoVec.Over(data)], 1, -1, 0));
        Assert.Equal("cd"u8, data);
        Gives(4, S.LSeek(fd, 0, SEEK_CUR));
        Gives(2, S.PReadV2(fd, [KernelIoVec.Over(data)], 1, 0, 0));
        Gives(4, S.LSeek(fd, 0, SEEK_CUR));
        Fails(EINVAL, S.PReadV2(fd, [KernelIoVec.Over(data)], 1, -2, 0));
        Fails(EOPNOTSUPP, S.PReadV2(fd, [KernelIoVec.Over(data)], 1, 0, 0x4000));
    }

    [Theory]
    [InlineData(O_RDONLY, false)]
    [InlineData(O_WRONLY, true)]
    public void Direction_OfADescriptorIsEnforced(int mode, bool canWrite)
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, mode);
        byte[] data = KernelIoVec.AllocatePinned(1);
        KernelIoVec[] vector = [KernelIoVec.Over(data)];
        long[] writes = [S.Write(fd, "x"u8), S.PWrite(fd, "x"u8, 0), S.WriteV(fd, vector, 1), S.Write(fd, ""u8), S.PWriteV2(fd, vector, 1, 0, 0)];
        long[] reads = [S.Read(fd, data), S.PRead(fd, data, 0), S.ReadV(fd, vector, 1), S.Read(fd, []), S.PReadV2(fd, vector, 1, 0, 0)];
        Assert.All(canWrite ? reads : writes, result => Fails(EBADF, result));
        Assert.All(canWrite ? writes : reads, result => Ok(result));
    }

    [Fact]
    public void Read_OfADirectory_ReturnsEISDIR()
    {
        int fd = Open("."u8, O_RDONLY);
        Fails(EISDIR, S.Read(fd, new byte[10]));
        Fails(EISDIR, S.PRead(fd, new byte[10], 0));
        Fails(EISDIR, S.Read(fd, []));
        Fails(EBADF, S.Write(fd, "x"u8));
    }

    [Fact]
    public void BadOffsets_AreRefused()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDWR);
        Fails(EINVAL, S.PRead(fd, new byte[1], -1));
        Fails(EINVAL, S.PWrite(fd, "x"u8, -1));
        Fails(EINVAL, S.PRead(-1, new byte[1], -1));
        Fails(EBADF, S.PRead(-1, new byte[1], 0));
        Fails(EINVAL, S.PWrite(fd, "x"u8, long.MaxValue));
        Assert.Equal("abc", Text("f"u8));
    }

    [Theory]
    [InlineData(2, SEEK_SET, 2)]
    [InlineData(0, SEEK_END, 6)]
    [InlineData(-2, SEEK_END, 4)]
    [InlineData(3, SEEK_CUR, 4)]
    [InlineData(-1, SEEK_CUR, 0)]
    [InlineData(100, SEEK_END, 106)]
    [InlineData(1000000, SEEK_SET, 1000000)]
    [InlineData(-1, SEEK_SET, -(int)EINVAL)]
    [InlineData(-7, SEEK_END, -(int)EINVAL)]
    [InlineData(-2, SEEK_CUR, -(int)EINVAL)]
    [InlineData(0, 5, -(int)EINVAL)]
    [InlineData(0, -1, -(int)EINVAL)]
    public void Seek_MovesOrRefusesAndStays(int offset, int whence, int expected)
    {
        Make("f"u8, "abcdef"u8);
        int fd = Open("f"u8, O_RDONLY);
        Gives(1, S.LSeek(fd, 1, SEEK_SET));
        Gives(expected, S.LSeek(fd, offset, whence));
        Gives(expected < 0 ? 1 : expected, S.LSeek(fd, 0, SEEK_CUR));
        Assert.Equal(6, Stat("f"u8).SizeBytes);
    }

    [Fact]
    public void Seek_Overflow_IsRefused()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDONLY);
        Gives(long.MaxValue, S.LSeek(fd, long.MaxValue, SEEK_SET));
        long result = S.LSeek(fd, 1, SEEK_CUR);
        Assert.Contains(result, new[] { -(long)EOVERFLOW, -(long)EINVAL });
    }

    [Fact]
    public void Dup_SharesThePosition()
    {
        Make("f"u8, "abcdef"u8);
        int fd = Open("f"u8, O_RDONLY);
        int other = (int)Ok(S.Dup(fd));
        Gives(3, S.LSeek(fd, 3, SEEK_SET));
        byte[] buffer = new byte[3];
        Gives(3, S.Read(other, buffer));
        Assert.Equal("def"u8, buffer);
        Gives(6, S.LSeek(fd, 0, SEEK_CUR));
    }

    [Fact]
    public void Fork_SharesThePosition()
    {
        Make("f"u8, "abcdef"u8);
        int fd = Open("f"u8, O_RDONLY);
        ISyscalls child = Fork();
        Gives(2, child.Read(fd, new byte[2]));
        byte[] buffer = new byte[1];
        Gives(1, S.Read(fd, buffer));
        Assert.Equal("c"u8, buffer);
    }

    [Fact]
    public void Write_ChangesModificationAndChangeTime()
    {
        Make("f"u8, "abc"u8);
        Ok(S.UtimeNsAt(AT_FDCWD, "f"u8, [new(1000, 0), new(1000, 0)], 0));
        int fd = Open("f"u8, O_WRONLY);
        Gives(0, S.Write(fd, ""u8));
        Assert.Equal(1000, FStat(fd).ModifyTime.Seconds);
        Gives(1, S.Write(fd, "x"u8));
        Assert.True(FStat(fd).ModifyTime.Seconds > 1000);
        Assert.True(FStat(fd).ChangeTime.Seconds > 1000);
    }

    [Fact]
    public void Write_ByAnotherThanRoot_ClearsSetIdBits()
    {
        Needs(Features.Ownership);
        Make("f"u8, "abc"u8);
        Ok(S.ChOwn("f"u8, 1000, 1000));
        Ok(S.ChMod("f"u8, Oct(6777)));
        ISyscalls user = ForkAs(1000, 1000);
        int fd = (int)Ok(user.Open("f"u8, O_WRONLY));
        Gives(1, user.Write(fd, "x"u8));
        Assert.Equal(Oct(777), Stat("f"u8).Permissions);
        Ok(S.ChMod("f"u8, Oct(6777)));
        int rootFd = Open("f"u8, O_WRONLY);
        Gives(1, S.Write(rootFd, "x"u8));
        Assert.Equal(Oct(6777), Stat("f"u8).Permissions);
    }

    [Fact]
    public void Sync_WorksOnEveryDescriptorThatCanBeSynced()
    {
        Make("f"u8, "abc"u8);
        int file = Open("f"u8, O_RDONLY);
        int directory = Open("."u8, O_DIRECTORY);
        int path = Open("f"u8, O_PATH);
        Ok(S.FSync(file));
        Ok(S.FDataSync(file));
        Ok(S.FSync(directory));
        Ok(S.SyncFs(directory));
        Ok(S.Sync());
        Ok(S.SyncFileRange(Open("f"u8, O_RDWR), 0, 0, 7));
        Fails(EBADF, S.FSync(path));
        Fails(EBADF, S.FSync(-1));
        Fails(EBADF, S.SyncFs(path));
        Fails(EINVAL, S.SyncFileRange(file, 0, 0, 8));
        Fails(EINVAL, S.SyncFileRange(file, -1, 0, 0));
        Fails(EINVAL, S.SyncFileRange(file, 0, -1, 0));
    }

    [Fact]
    public void Advice_IsTakenOrRefused()
    {
        Make("f"u8, "abc"u8);
        int fd = Open("f"u8, O_RDONLY);
        for (int advice = 0; advice <= 5; advice++)
        {
            Ok(S.FAdvise(fd, 0, 0, advice));
        }
        Fails(EINVAL, S.FAdvise(fd, 0, 0, 6));
        Fails(EINVAL, S.FAdvise(fd, 0, -1, 0));
        Fails(EBADF, S.FAdvise(-1, 0, 0, 0));
    }

    [Fact]
    public void RandomWrites_MatchAShadowCopy()
    {
        const int Seed = 20240607;
        var random = new Random(Seed);
        byte[] shadow = new byte[200000];
        int size = 0;
        int fd = Open("f"u8, O_CREAT | O_RDWR, Oct(644));
        byte[] buffer = new byte[20000];
        for (int i = 0; i < 600; i++)
        {
            int offset = random.Next(shadow.Length - buffer.Length);
            int length = random.Next(1, random.Next(4) == 0 ? buffer.Length : 300);
            switch (random.Next(4))
            {
                case 0:
                    Ok(S.FTruncate(fd, offset));
                    shadow.AsSpan(offset).Clear();
                    size = offset;
                    break;
                case 1:
                    int expected = Math.Max(0, Math.Min(length, size - offset));
                    Assert.True(S.PRead(fd, buffer.AsSpan(0, length), offset) == expected, $"seed {Seed}, step {i}: a short read");
                    Assert.True(buffer.AsSpan(0, expected).SequenceEqual(shadow.AsSpan(offset, expected)), $"seed {Seed}, step {i}: other bytes");
                    break;
                default:
                    random.NextBytes(buffer.AsSpan(0, length));
                    Gives(length, S.PWrite(fd, buffer.AsSpan(0, length), offset));
                    buffer.AsSpan(0, length).CopyTo(shadow.AsSpan(offset));
                    size = Math.Max(size, offset + length);
                    break;
            }
        }
        Assert.Equal(shadow[..size], Content("f"u8));
    }

    [Fact]
    public void ReadFlags_OfADirectory_AreUnknown_BeforeItIsADirectory()
    {
        int fd = Open("."u8, O_RDONLY);
        byte[] memory = KernelIoVec.AllocatePinned(10);
        KernelIoVec[] one = [KernelIoVec.Over(memory)];
        Fails(EISDIR, S.PReadV2(fd, one, 1, 0, 0));
        Fails(EISDIR, S.PReadV2(fd, one, 1, 0, RWF_HIPRI));
        Fails(EOPNOTSUPP, S.PReadV2(fd, one, 1, 0, RWF_SYNC));
        Gives(0, S.PReadV2(fd, one, 0, 0, RWF_SYNC));
    }

    [Fact]
    public void WriteFlags_ThatContradict_AreEINVALUnlessOneIsUnknown()
    {
        Make("f"u8);
        int fd = Open("f"u8, O_RDWR);
        byte[] memory = KernelIoVec.AllocatePinned(10);
        KernelIoVec[] one = [KernelIoVec.Over(memory)];
        Fails(EINVAL, S.PWriteV2(fd, one, 1, 0, RWF_APPEND | RWF_NOAPPEND));
        Fails(EINVAL, S.PReadV2(fd, one, 1, 0, RWF_APPEND | RWF_NOAPPEND));
        Fails(EOPNOTSUPP, S.PWriteV2(fd, one, 1, 0, RWF_APPEND | RWF_NOAPPEND | (1 << 30)));
    }
}
