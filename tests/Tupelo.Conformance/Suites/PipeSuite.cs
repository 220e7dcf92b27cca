// Pipes, FIFOs, eventfd, poll and epoll: what is no file in a directory, or waits.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Errno;

namespace Tupelo.Conformance;

/// <summary>Pipes and waiting.</summary>
public abstract class PipeSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    [Fact]
    public void Pipe_CarriesBytesInOrder()
    {
        (int reader, int writer) = Pipe();
        Gives(3, S.Write(writer, "abc"u8));
        Gives(3, S.Write(writer, "def"u8));
        byte[] buffer = new byte[10];
        Gives(2, S.Read(reader, buffer.AsSpan(0, 2)));
        Gives(4, S.Read(reader, buffer));
        Assert.Equal("cdef"u8, buffer.AsSpan(0, 4));
    }

    [Fact]
    public void Pipe_EndsWithTheLastWriter()
    {
        (int reader, int writer) = Pipe();
        int second = (int)Ok(S.Dup(writer));
        Gives(1, S.Write(writer, "x"u8));
        Ok(S.Close(writer));
        Gives(1, S.Read(reader, new byte[10]));
        Ok(S.Fcntl(reader, F_SETFL, O_NONBLOCK));
        Fails(EAGAIN, S.Read(reader, new byte[10]));
        Ok(S.Close(second));
        Gives(0, S.Read(reader, new byte[10]));
    }

    [Fact]
    public void Pipe_EndsAreOfOneDirection()
    {
        (int reader, int writer) = Pipe();
        Fails(EBADF, S.Write(reader, "x"u8));
        Fails(EBADF, S.Read(writer, new byte[1]));
        Fails(ESPIPE, S.LSeek(reader, 0, SEEK_CUR));
        Fails(ESPIPE, S.PRead(reader, new byte[1], 0));
        Fails(ESPIPE, S.PWrite(writer, "x"u8, 0));
        Fails(EINVAL, S.FSync(reader));
        Fails(EINVAL, S.FTruncate(writer, 0));
        Fails(ESPIPE, S.FAllocate(writer, 0, 0, 1));
        Assert.Equal(S_IFIFO, FStat(reader).TypeBits);
        Assert.Equal(FStat(reader).Ino, FStat(writer).Ino);
    }

    [Fact]
    public void PipeFlags_AreSet()
    {
        int[] ends = new int[2];
        Ok(S.Pipe2(ends, O_CLOEXEC | O_NONBLOCK));
        Gives(FD_CLOEXEC, S.Fcntl(ends[0], F_GETFD));
        Gives(O_NONBLOCK, Ok(S.Fcntl(ends[1], F_GETFL)) & O_NONBLOCK);
        Fails(EAGAIN, S.Read(ends[0], new byte[1]));
        Fails(EINVAL, S.Pipe2(ends, O_CREAT));
        Fails(EFAULT, S.Pipe2(Absent.Span<int>(2), 0));
    }

    [Fact]
    public void FullPipe_GivesEAGAINAndTakesPartOfALargeWrite()
    {
        int[] ends = new int[2];
        Ok(S.Pipe2(ends, O_NONBLOCK));
        Gives(65536, S.Write(ends[1], new byte[100000]));
        Fails(EAGAIN, S.Write(ends[1], new byte[1]));
        Gives(5000, S.Read(ends[0], new byte[5000]));
        Gives(4096, S.Write(ends[1], new byte[5000]));
        Fails(EAGAIN, S.Write(ends[1], new byte[PIPE_BUF]));   // All or nothing up to PIPE_BUF.
    }

    [Fact]
    public void PipeSize_CanBeAskedAndSet()
    {
        (int reader, int writer) = Pipe();
        Gives(65536, S.Fcntl(reader, F_GETPIPE_SZ));
        Gives(131072, S.Fcntl(writer, F_SETPIPE_SZ, 100000));
        Gives(131072, S.Fcntl(reader, F_GETPIPE_SZ));
        Gives(100000, S.Write(writer, new byte[100000]));
        Fails(EBUSY, S.Fcntl(writer, F_SETPIPE_SZ, 4096));
        Gives(100000, S.Read(reader, new byte[100000]));
        Gives(4096, S.Fcntl(writer, F_SETPIPE_SZ, 1));
        Make("f"u8);
        Fails(EBADF, S.Fcntl(Open("f"u8, O_RDONLY), F_GETPIPE_SZ));
    }

    [Fact]
    public void Reader_WaitsForAWriter()
    {
        (int reader, int writer) = Pipe();
        ISyscalls other = Fork();
        byte[] buffer = new byte[10];
        Task<long> waiting = Start(() => other.Read(reader, buffer));
        IsBlocked(waiting);
        Gives(5, S.Write(writer, "hello"u8));
        Gives(5, Finish(waiting));
    }

    [Fact]
    public void Writer_WaitsForRoom()
    {
        (int reader, int writer) = Pipe();
        ISyscalls other = Fork();
        byte[] content = Pattern(200000);
        Task<long> writing = Start(() => other.Write(writer, content));
        IsBlocked(writing);
        byte[] read = new byte[content.Length];
        for (int at = 0; at < read.Length;)
        {
            at += (int)Ok(S.Read(reader, read.AsSpan(at)));
        }
        Gives(content.Length, Finish(writing));
        Assert.Equal(content, read);
    }

    [Fact]
    public void SmallWrites_OfManyAreNotMixed()
    {
        (int reader, int writer) = Pipe();
        const int Writers = 3;
        const int Lines = 100;
        Task<long>[] writers = [.. Enumerable.Range(0, Writers).Select(number =>
        {
            ISyscalls process = Fork();
            return Start(() =>
            {
                byte[] line = [.. Letters(999, (char)('a' + number)), (byte)'\n'];
                for (int i = 0; i < Lines; i++)
                {
                    Gives(1000, process.Write(writer, line));
                }
                return 0;
            });
        })];
        byte[] read = new byte[Writers * Lines * 1000];
        for (int at = 0; at < read.Length;)
        {
            at += (int)Ok(S.Read(reader, read.AsSpan(at)));
        }
        Array.ForEach(writers, task => Finish(task));
        for (int at = 0; at < read.Length; at += 1000)
        {
            Assert.False(read.AsSpan(at, 999).ContainsAnyExcept(read[at]), "two writes are mixed");
            Assert.Equal((byte)'\n', read[at + 999]);
        }
    }

    [Fact]
    public void Fifo_IsAPipeWithAName()
    {
        Needs(Features.SpecialFiles);
        Ok(S.MkFifo("fifo"u8, Oct(644)));
        int both = Open("fifo"u8, O_RDWR | O_NONBLOCK);
        int writer = Open("fifo"u8, O_WRONLY | O_NONBLOCK);
        Gives(3, S.Write(writer, "abc"u8));
        byte[] buffer = new byte[10];
        Gives(3, S.Read(both, buffer));
        Fails(EAGAIN, S.Read(both, buffer));
        Assert.Equal(0, Stat("fifo"u8).SizeBytes);
        Ok(S.Rename("fifo"u8, "other"u8));
        Ok(S.Unlink("other"u8));
        Gives(1, S.Write(writer, "x"u8));
        Gives(1, S.Read(both, buffer));
    }

    [Fact]
    public void EventFd_CountsAndResets()
    {
        int fd = (int)Ok(S.EventFd2(5, O_NONBLOCK));
        byte[] value = new byte[8];
        Gives(8, S.Write(fd, BitConverter.GetBytes(3L)));
        Gives(8, S.Read(fd, value));
        Assert.Equal(8, BitConverter.ToInt64(value));
        Fails(EAGAIN, S.Read(fd, value));
        Fails(EINVAL, S.Write(fd, BitConverter.GetBytes(-1L)));
        Gives(8, S.Write(fd, BitConverter.GetBytes(-2L)));
        Fails(EAGAIN, S.Write(fd, BitConverter.GetBytes(1L)));
        Fails(EINVAL, S.Read(fd, value.AsSpan(0, 7)));
        Fails(EINVAL, S.Write(fd, new byte[7]));
        Fails(EINVAL, S.EventFd2(0, 2));
    }

    [Fact]
    public void EventFd_AsASemaphoreGivesOneEach()
    {
        int fd = (int)Ok(S.EventFd2(2, O_NONBLOCK | EFD_SEMAPHORE));
        byte[] value = new byte[8];
        Gives(8, S.Read(fd, value));
        Assert.Equal(1, BitConverter.ToInt64(value));
        Gives(8, S.Read(fd, value));
        Fails(EAGAIN, S.Read(fd, value));
    }

    [Fact]
    public void Poll_OfFilesIsAlwaysReady()
    {
        Make("f"u8);
        KernelPollFd[] fds = [new(Open("f"u8, O_RDONLY), POLLIN | POLLOUT), new(Open("."u8, O_DIRECTORY), POLLIN), new(Open("f"u8, O_PATH), POLLIN),
            new(-1, POLLIN), new(9999, POLLIN)];
        Gives(4, S.Poll(fds, -1));
        Assert.Equal([POLLIN | POLLOUT, POLLIN, POLLNVAL, 0, POLLNVAL], fds.Select(fd => (int)fd.ReturnedEvents));
    }

    [Fact]
    public void Poll_OfPipesTellsBothEnds()
    {
        (int reader, int writer) = Pipe();
        Assert.Equal((0, POLLOUT), (Poll(reader), Poll(writer)));
        Gives(1, S.Write(writer, "x"u8));
        Assert.Equal((POLLIN, POLLOUT), (Poll(reader), Poll(writer)));
        Gives(1, S.Read(reader, new byte[1]));
        Ok(S.Fcntl(writer, F_SETFL, O_NONBLOCK));
        Gives(65536, S.Write(writer, new byte[70000]));
        Assert.Equal((POLLIN, 0), (Poll(reader), Poll(writer)));
        ISyscalls other = Fork();
        Ok(S.Close(writer));
        Assert.Equal(POLLIN, Poll(reader));
        Ok(other.Close(writer));
        Assert.Equal(POLLIN | POLLHUP, Poll(reader));
        Gives(65536, S.Read(reader, new byte[70000]));
        Assert.Equal(POLLHUP, Poll(reader));
    }

    [Fact]
    public void Poll_OfAPipeWithoutReaders_TellsAnError()
    {
        (int reader, int writer) = Pipe();
        Ok(S.Close(reader));
        Assert.Equal(POLLOUT | POLLERR, Poll(writer));
    }

    [Fact]
    public void Poll_WaitsAndTimesOut()
    {
        (int reader, int writer) = Pipe();
        KernelPollFd[] fds = [new(reader, POLLIN)];
        Gives(0, S.Poll(fds, 20));
        ISyscalls other = Fork();
        KernelPollFd[] otherFds = [new(reader, POLLIN)];
        Task<long> waiting = Start(() => other.Poll(otherFds, -1));
        IsBlocked(waiting);
        Gives(1, S.Write(writer, "x"u8));
        Gives(1, Finish(waiting));
        Assert.Equal(POLLIN, otherFds[0].ReturnedEvents);
    }

    [Fact]
    public void Epoll_TellsLevelsUntilTheyEnd()
    {
        (int reader, int writer) = Pipe();
        int epoll = (int)Ok(S.EpollCreate1(0));
        Add(epoll, reader, EPOLLIN, 11);
        Assert.Empty(Ready(epoll));
        Gives(1, S.Write(writer, "x"u8));
        Assert.Equal([(EPOLLIN, 11UL)], Ready(epoll));
        Assert.Equal([(EPOLLIN, 11UL)], Ready(epoll));
        Gives(1, S.Read(reader, new byte[1]));
        Assert.Empty(Ready(epoll));
        Ok(S.Close(writer));
        Assert.Equal([(EPOLLHUP, 11UL)], Ready(epoll));
    }

    [Fact]
    public void Epoll_TellsEdgesOnce()
    {
        (int reader, int writer) = Pipe();
        int epoll = (int)Ok(S.EpollCreate1(0));
        Add(epoll, reader, EPOLLIN | EPOLLET, 11);
        Gives(1, S.Write(writer, "x"u8));
        Assert.Single(Ready(epoll));
        Assert.Empty(Ready(epoll));
        Gives(1, S.Write(writer, "x"u8));
        Assert.Single(Ready(epoll));
    }

    [Fact]
    public void Epoll_OneShotIsDisarmedUntilModified()
    {
        (int reader, int writer) = Pipe();
        int epoll = (int)Ok(S.EpollCreate1(0));
        Add(epoll, reader, EPOLLIN | EPOLLONESHOT, 11);
        Gives(1, S.Write(writer, "x"u8));
        Assert.Single(Ready(epoll));
        Gives(1, S.Write(writer, "x"u8));
        Assert.Empty(Ready(epoll));
        var change = new KernelEpollEvent { Events = EPOLLIN | EPOLLONESHOT, Data = 12 };
        Ok(S.EpollCtl(epoll, EPOLL_CTL_MOD, reader, ref change));
        Assert.Equal([(EPOLLIN, 12UL)], Ready(epoll));
    }

    [Fact]
    public void Epoll_RefusesWhatItCannotWatch()
    {
        Make("f"u8);
        (int reader, _) = Pipe();
        int epoll = (int)Ok(S.EpollCreate1(0));
        var change = new KernelEpollEvent { Events = EPOLLIN };
        if ((TestMount.Features & Features.FilesRefuseEpoll) != 0)
        {
            Fails(EPERM, S.EpollCtl(epoll, EPOLL_CTL_ADD, Open("f"u8, O_RDONLY), ref change));
        }
        Fails(EPERM, S.EpollCtl(epoll, EPOLL_CTL_ADD, Open("."u8, O_DIRECTORY), ref change));
        Fails(EBADF, S.EpollCtl(epoll, EPOLL_CTL_ADD, -1, ref change));
        Fails(EBADF, S.EpollCtl(-1, EPOLL_CTL_ADD, reader, ref change));
        Fails(EINVAL, S.EpollCtl(epoll, EPOLL_CTL_ADD, epoll, ref change));
        Fails(EINVAL, S.EpollCtl(reader, EPOLL_CTL_ADD, epoll, ref change));
        Fails(ENOENT, S.EpollCtl(epoll, EPOLL_CTL_DEL, reader, ref change));
        Fails(ENOENT, S.EpollCtl(epoll, EPOLL_CTL_MOD, reader, ref change));
        Ok(S.EpollCtl(epoll, EPOLL_CTL_ADD, reader, ref change));
        Fails(EEXIST, S.EpollCtl(epoll, EPOLL_CTL_ADD, reader, ref change));
        Ok(S.EpollCtl(epoll, EPOLL_CTL_DEL, reader, ref change));
        Fails(EINVAL, S.EpollWait(epoll, [], 0));
        Fails(EINVAL, S.EpollCreate1(1));
    }

    [Fact]
    public void Epoll_CanWatchAnEpollButNotInACircle()
    {
        (int reader, int writer) = Pipe();
        int inner = (int)Ok(S.EpollCreate1(0));
        int outer = (int)Ok(S.EpollCreate1(0));
        Add(inner, reader, EPOLLIN, 1);
        Add(outer, inner, EPOLLIN, 2);
        Assert.Empty(Ready(outer));
        Gives(1, S.Write(writer, "x"u8));
        Assert.Equal([(EPOLLIN, 2UL)], Ready(outer));
        var change = new KernelEpollEvent { Events = EPOLLIN };
        Fails(ELOOP, S.EpollCtl(inner, EPOLL_CTL_ADD, outer, ref change));
    }

    [Fact]
    public void Epoll_ForgetsADescriptorAtItsLastClose()
    {
        (int reader, int writer) = Pipe();
        int copy = (int)Ok(S.Dup(reader));
        int epoll = (int)Ok(S.EpollCreate1(0));
        Add(epoll, reader, EPOLLIN, 1);
        Gives(1, S.Write(writer, "x"u8));
        Ok(S.Close(reader));
        Assert.Single(Ready(epoll));   // The open file lives on in its copy.
        Ok(S.Close(copy));
        Assert.Empty(Ready(epoll));
    }

    [Fact]
    public void Epoll_Waits()
    {
        (int reader, int writer) = Pipe();
        int epoll = (int)Ok(S.EpollCreate1(0));
        Add(epoll, reader, EPOLLIN, 1);
        ISyscalls other = Fork();
        KernelEpollEvent[] events = new KernelEpollEvent[1];
        Task<long> waiting = Start(() => other.EpollWait(epoll, events, -1));
        IsBlocked(waiting);
        Gives(1, S.Write(writer, "x"u8));
        Gives(1, Finish(waiting));
        Gives(0, S.EpollWait((int)Ok(S.EpollCreate1(0)), events, 10));
    }

    [Fact]
    public void Ioctl_TellsWhatWaitsInAPipe()
    {
        (int reader, int writer) = Pipe();
        Gives(5, S.Write(writer, "hello"u8));
        byte[] answer = new byte[4];
        Ok(S.IoCtl(reader, FIONREAD, answer));
        Assert.Equal(5, BitConverter.ToInt32(answer));
    }

    [Fact]
    public void Seek_ByAnUnknownRule_IsEINVALBeforeAnythingElse()
    {
        (int reader, _) = Pipe();
        Fails(EINVAL, S.LSeek(reader, 0, -1));
        Fails(EINVAL, S.LSeek(reader, 0, 5));
        Fails(EBADF, S.LSeek(-1, 0, 5));
    }

    // A packet read by readv was once cut at the first segment, and one written by writev came out as several.
    [Fact]
    public void Packets_AreWholeForVectorsToo()
    {
        int[] ends = new int[2];
        Ok(S.Pipe2(ends, O_DIRECT | O_NONBLOCK));
        byte[] memory = KernelIoVec.AllocatePinned(100);
        KernelIoVec all = KernelIoVec.Over(memory);
        KernelIoVec[] two = [new(all.Base, 30), new(all.Base + 30, 30)];
        Gives(50, S.Write(ends[1], Letters(50, 'x')));
        Gives(5, S.Write(ends[1], Letters(5, 'y')));
        Gives(50, S.ReadV(ends[0], two, 2));
        Assert.Equal(Letters(50, 'x'), memory[..50]);
        Gives(5, S.ReadV(ends[0], two, 2));
        Gives(60, S.WriteV(ends[1], two, 2));
        Gives(60, S.Read(ends[0], new byte[100]));
        Fails(EAGAIN, S.Read(ends[0], new byte[100]));
    }

    [Fact]
    public void PacketFlag_IsTheWritingEndsAlone()
    {
        int[] ends = new int[2];
        Ok(S.Pipe2(ends, O_DIRECT));
        Gives(0, Ok(S.Fcntl(ends[0], F_GETFL)) & O_DIRECT);
        Gives(O_DIRECT, Ok(S.Fcntl(ends[1], F_GETFL)) & O_DIRECT);
    }

    [Fact]
    public void SynchronousWrite_IntoAPipe_IsAWrite()
    {
        (int reader, int writer) = Pipe();
        byte[] memory = KernelIoVec.AllocatePinned(10);
        Gives(10, S.PWriteV2(writer, [KernelIoVec.Over(memory)], 1, -1, RWF_DSYNC));
        Gives(10, S.Read(reader, new byte[20]));
    }

    [Fact]
    public void Fifo_HasTheTimesOfItsUse()
    {
        Needs(Features.SpecialFiles | Features.FifoTimes);
        Ok(S.MkFifo("p"u8, Oct(644)));
        int fd = Open("p"u8, O_RDWR);
        Ok(S.UtimeNsAt(AT_FDCWD, "p"u8, [new(1000, 0), new(2000, 0)], 0));
        Gives(5, S.Write(fd, "hello"u8));
        Assert.Equal(1000, Stat("p"u8).AccessTime.Seconds);
        Assert.True(Stat("p"u8).ModifyTime.Seconds > 2000);
        Ok(S.UtimeNsAt(AT_FDCWD, "p"u8, [new(1000, 0), new(2000, 0)], 0));
        Gives(5, S.Read(fd, new byte[10]));
        Assert.Equal(2000, Stat("p"u8).ModifyTime.Seconds);
        Assert.True(Stat("p"u8).AccessTime.Seconds > 1000);
    }

    [Fact]
    public void WhatHasNoReadOrWrite_RefusesNothingToo()
    {
        int epoll = (int)Ok(S.EpollCreate1(0));
        Fails(EINVAL, S.ReadV(epoll, [], 0));
        Fails(EINVAL, S.WriteV(epoll, [], 0));
        Fails(EINVAL, S.Read(epoll, []));
        int inotify = (int)Ok(S.InotifyInit1(IN_NONBLOCK));
        Gives(0, S.ReadV(inotify, [], 0));
        Fails(EBADF, S.WriteV(inotify, [], 0));
    }

    // The inode behind these descriptors is the system's, whoever asks.
    [Fact]
    public void EventFd_HasNoOwnerToChange()
    {
        int eventFd = (int)Ok(S.EventFd2(0, 0));
        Fails(EOPNOTSUPP, S.FChOwn(eventFd, 5, 5));
        Fails(EOPNOTSUPP, S.FChMod(eventFd, Oct(600)));
        using ISyscalls child = ForkAs(1000, 1000);
        Fails(EOPNOTSUPP, child.FChOwn(eventFd, 5, 5));
        Fails(EOPNOTSUPP, child.FChMod(eventFd, Oct(600)));
    }

    [Fact]
    public void FileBytesReadable_IsCutTo32Bits()
    {
        Needs(Features.LargeFiles);
        Make("f"u8);
        int fd = Open("f"u8, O_RDONLY);
        Gives((1L << 32) + 1, S.LSeek(fd, (1L << 32) + 1, SEEK_SET));
        byte[] answer = new byte[4];
        Ok(S.IoCtl(fd, FIONREAD, answer));
        Assert.Equal(-1, BitConverter.ToInt32(answer));
    }

    private (int Reader, int Writer) Pipe()
    {
        int[] ends = new int[2];
        Ok(S.Pipe2(ends, 0));
        return (ends[0], ends[1]);
    }

    private int Poll(int fd)
    {
        KernelPollFd[] fds = [new(fd, POLLIN | POLLOUT)];
        Ok(S.Poll(fds, 0));
        return fds[0].ReturnedEvents;
    }

    private void Add(int epoll, int fd, uint events, ulong data)
    {
        var change = new KernelEpollEvent { Events = events, Data = data };
        Ok(S.EpollCtl(epoll, EPOLL_CTL_ADD, fd, ref change));
    }

    private (uint Events, ulong Data)[] Ready(int epoll)
    {
        KernelEpollEvent[] events = new KernelEpollEvent[8];
        int count = (int)Ok(S.EpollWait(epoll, events, 0));
        return [.. events.Take(count).Select(e => (e.Events, e.Data))];
    }
}
