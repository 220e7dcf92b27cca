// Descriptors: dup, fcntl, close_range, their limit, and what two of them share.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>The descriptor table.</summary>
public abstract class DescriptorSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Fact]
    public void Dup_GivesTheLowestFreeOne()
    {
        Make("f"u8);
        int a = Open("f"u8, O_RDONLY);
        int b = Open("f"u8, O_RDONLY);
        int c = Open("f"u8, O_RDONLY);
        Ok(S.Close(b));
        Gives(b, S.Dup(c));
        Ok(S.Close(a));
        Gives(a, S.Dup(c));
        Fails(EBADF, S.Dup(-1));
        Fails(EBADF, S.Dup(c + 1000));
    }

    [Fact]
    public void Dup2_ReplacesWhatWasThere()
    {
        Make("f"u8, "f"u8);
        Make("g"u8, "g"u8);
        int f = Open("f"u8, O_RDONLY);
        int g = Open("g"u8, O_RDONLY);
        Gives(g, S.Dup2(f, g));
        Assert.Equal("f"u8, Rest(g));
        Gives(f, S.Dup2(f, f));
        Gives(777, S.Dup2(f, 777));
        Fails(EBADF, S.Dup2(-1, g));
        Fails(EBADF, S.Dup2(-1, -1));
        Fails(EBADF, S.Dup2(f, -1));
        Fails(EBADF, S.Dup2(f, S.DescriptorLimit));
        Ok(S.FStatOrFail(g));
    }

    [Fact]
    public void Dup3_SetsCloseOnExecAndRefusesTheSame()
    {
        Make("f"u8);
        int f = Open("f"u8, O_RDONLY);
        Gives(200, S.Dup3(f, 200, O_CLOEXEC));
        Gives(FD_CLOEXEC, S.Fcntl(200, F_GETFD));
        Gives(201, S.Dup3(200, 201, 0));
        Gives(0, S.Fcntl(201, F_GETFD));
        Fails(EINVAL, S.Dup3(f, f, 0));
        Fails(EINVAL, S.Dup3(f, 202, 1));
        Fails(EBADF, S.Dup3(-1, 202, 0));
    }

    [Fact]
    public void FcntlDup_GivesTheLowestFromItsArgument()
    {
        Make("f"u8);
        int f = Open("f"u8, O_RDONLY);
        Gives(300, S.Fcntl(f, F_DUPFD, 300));
        Gives(301, S.Fcntl(f, F_DUPFD, 300));
        Gives(302, S.Fcntl(f, F_DUPFD_CLOEXEC, 300));
        Gives(0, S.Fcntl(301, F_GETFD));
        Gives(FD_CLOEXEC, S.Fcntl(302, F_GETFD));
        Fails(EINVAL, S.Fcntl(f, F_DUPFD, -1));
        Fails(EINVAL, S.Fcntl(f, F_DUPFD, S.DescriptorLimit));
        Fails(EBADF, S.Fcntl(-1, F_DUPFD, 300));
    }

    [Fact]
    public void FullTable_ReturnsEMFILE()
    {
        Make("f"u8);
        int f = Open("f"u8, O_RDONLY);
        int last = S.DescriptorLimit - 1;
        Gives(last, S.Fcntl(f, F_DUPFD, last));
        Fails(EMFILE, S.Fcntl(f, F_DUPFD, last));
        Ok(S.Close(last));
        Gives(last, S.Fcntl(f, F_DUPFD, last));
    }

    [Fact]
    public void CloseOnExec_BelongsToTheDescriptor()
    {
        Make("f"u8);
        int f = Open("f"u8, O_RDONLY | O_CLOEXEC);
        int copy = (int)Ok(S.Dup(f));
        Gives(FD_CLOEXEC, S.Fcntl(f, F_GETFD));
        Gives(0, S.Fcntl(copy, F_GETFD));
        Ok(S.Fcntl(copy, F_SETFD, FD_CLOEXEC));
        Ok(S.Fcntl(f, F_SETFD, 0));
        Gives(0, S.Fcntl(f, F_GETFD));
        Gives(FD_CLOEXEC, S.Fcntl(copy, F_GETFD));
        Ok(S.Fcntl(Open("f"u8, O_PATH), F_SETFD, FD_CLOEXEC));
    }

    [Fact]
    public void StatusFlags_BelongToTheOpenFile()
    {
        Make("f"u8);
        int f = Open("f"u8, O_RDWR | O_APPEND);
        int copy = (int)Ok(S.Dup(f));
        Gives(O_RDWR | O_APPEND, Ok(S.Fcntl(f, F_GETFL)) & ~O_LARGEFILE);
        Ok(S.Fcntl(copy, F_SETFL, O_NONBLOCK));
        Gives(O_RDWR | O_NONBLOCK, Ok(S.Fcntl(f, F_GETFL)) & ~O_LARGEFILE);
        Ok(S.Fcntl(f, F_SETFL, O_WRONLY | O_CREAT | O_TRUNC));   // Only some flags can be changed.
        Gives(O_RDWR, Ok(S.Fcntl(f, F_GETFL)) & ~O_LARGEFILE);
    }

    [Fact]
    public void StatusFlags_OfPathDescriptors()
    {
        Make("f"u8);
        int path = Open("f"u8, O_PATH);
        Gives(O_PATH, Ok(S.Fcntl(path, F_GETFL)) & ~O_LARGEFILE);
        Fails(EBADF, S.Fcntl(path, F_SETFL, 0));
        Ok(S.Fcntl(path, F_DUPFD, 0));
    }

    [Fact]
    public void UnknownCommand_ReturnsEINVAL()
    {
        Make("f"u8);
        Fails(EINVAL, S.Fcntl(Open("f"u8, O_RDONLY), 9999, 0));
        Fails(EBADF, S.Fcntl(-1, 9999, 0));
    }

    [Fact]
    public void CloseRange_ClosesAllBetween()
    {
        Make("f"u8);
        int f = Open("f"u8, O_RDONLY);
        foreach (int fd in new[] { 500, 501, 505, 510 })
        {
            Gives(fd, S.Dup2(f, fd));
        }
        Ok(S.CloseRange(501, 505, 0));
        Ok(S.FStatOrFail(500));
        Fails(EBADF, S.FStatOrFail(501));
        Fails(EBADF, S.FStatOrFail(505));
        Ok(S.FStatOrFail(510));
        Ok(S.CloseRange(500, uint.MaxValue, 0));
        Fails(EBADF, S.FStatOrFail(500));
        Fails(EBADF, S.FStatOrFail(510));
        Fails(EINVAL, S.CloseRange(10, 9, 0));
        Fails(EINVAL, S.CloseRange(600, 601, 1));
    }

    [Fact]
    public void CloseRange_CanOnlyMark()
    {
        Make("f"u8);
        int f = Open("f"u8, O_RDONLY);
        Gives(500, S.Dup2(f, 500));
        Gives(502, S.Dup2(f, 502));
        Ok(S.CloseRange(500, 501, CLOSE_RANGE_CLOEXEC));
        Gives(FD_CLOEXEC, S.Fcntl(500, F_GETFD));
        Gives(0, S.Fcntl(502, F_GETFD));
    }

    [Fact]
    public void Table_OfAForkedProcessIsACopy()
    {
        Make("f"u8);
        int f = Open("f"u8, O_RDONLY);
        ISyscalls child = Fork();
        Ok(child.Close(f));
        Ok(S.FStatOrFail(f));
        Ok(S.Dup2(f, 400));
        Fails(EBADF, child.FStatOrFail(400));
    }

    [Fact]
    public void ManyDescriptors_WorkAtOnce()
    {
        Make("f"u8, "x"u8);
        int[] fds = [.. Enumerable.Range(0, 500).Select(_ => Open("f"u8, O_RDONLY))];
        Assert.Equal(500, fds.Distinct().Count());
        Assert.All(fds, fd => Gives(1, S.Read(fd, new byte[1])));
        Assert.All(fds, fd => Ok(S.Close(fd)));
    }

    [Fact]
    public void Ioctl_KnowsItsNumbers()
    {
        Make("f"u8, "abcdef"u8);
        int f = Open("f"u8, O_RDONLY);
        byte[] answer = new byte[4];
        Ok(S.LSeek(f, 2, SEEK_SET));
        Ok(S.IoCtl(f, FIONREAD, answer));
        Assert.Equal(4, BitConverter.ToInt32(answer));
        Ok(S.IoCtl(f, FIOCLEX, default));
        Gives(FD_CLOEXEC, S.Fcntl(f, F_GETFD));
        Ok(S.IoCtl(f, FIONCLEX, default));
        Gives(0, S.Fcntl(f, F_GETFD));
        Ok(S.IoCtl(f, FIONBIO, [1, 0, 0, 0]));
        Gives(O_NONBLOCK, Ok(S.Fcntl(f, F_GETFL)) & O_NONBLOCK);
        Fails(ENOTTY, S.IoCtl(f, 0x1234, answer));
        Fails(EBADF, S.IoCtl(-1, FIONREAD, answer));
        Fails(EBADF, S.IoCtl(Open("f"u8, O_PATH), FIONREAD, answer));
    }

    [Fact]
    public void Memfd_IsAFileWithoutAPlace()
    {
        int fd = (int)Ok(S.MemfdCreate("note"u8, MFD_ALLOW_SEALING));
        Gives(5, S.Write(fd, "hello"u8));
        Assert.Equal((S_IFREG, 5L), (FStat(fd).TypeBits, FStat(fd).SizeBytes));
        Gives(0, S.Fcntl(fd, F_GET_SEALS));
        Ok(S.Fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
        Fails(EPERM, S.FTruncate(fd, 1));
        Ok(S.FTruncate(fd, 10));
        Ok(S.Fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE));
        Fails(EPERM, S.FTruncate(fd, 20));
        Fails(EPERM, S.Write(fd, "x"u8));
        Ok(S.Fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
        Fails(EPERM, S.Fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
        Gives(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, S.Fcntl(fd, F_GET_SEALS));
        int plain = (int)Ok(S.MemfdCreate("plain"u8, 0));
        Gives(F_SEAL_SEAL, S.Fcntl(plain, F_GET_SEALS));
        Fails(EINVAL, S.MemfdCreate("x"u8, 0x1000));
        Fails(EINVAL, S.MemfdCreate(Letters(250), 0));
    }
}

/// <summary>A call whose only interest is whether the descriptor is one.</summary>
public static class DescriptorProbe
{
    public static long FStatOrFail(this ISyscalls s, int fd)
    {
        var stat = default(KernelStat);
        return s.FStat(fd, ref stat);
    }
}
