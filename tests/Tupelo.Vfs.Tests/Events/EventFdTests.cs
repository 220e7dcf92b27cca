using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Events;

public sealed class EventFdTests
{
    private readonly byte[] _word = new byte[8];

    [Fact]
    public void Read_TakesTheWholeCounter()
    {
        EventFd fd = new(3, isSemaphore: false);
        Assert.Equal(8, Add(fd, 4));
        Assert.Equal(7ul, Take(fd));
        Assert.Equal(Errno.EAGAIN, fd.Read(_word, true, null).Errno);
    }

    [Fact]
    public void Read_OfASemaphore_TakesOne()
    {
        EventFd fd = new(2, isSemaphore: true);
        Assert.Equal(1ul, Take(fd));
        Assert.Equal(1ul, Take(fd));
        Assert.Equal(Errno.EAGAIN, fd.Read(_word, true, null).Errno);
    }

    [Fact]
    public void Write_ThatWouldOverflow_ReturnsEAGAIN_AndAllOnesEINVAL()
    {
        EventFd fd = new(0, false);
        Assert.Equal(8, Add(fd, ulong.MaxValue - 1));
        Assert.Equal(PollEvents.In, fd.GetReady());
        Assert.Equal(-(long)Errno.EAGAIN, Add(fd, 1));
        Assert.Equal(8, Add(fd, 0));
        Assert.Equal(-(long)Errno.EINVAL, Add(fd, ulong.MaxValue));
        Assert.Equal(ulong.MaxValue - 1, Take(fd));
    }

    [Fact]
    public void ShortBuffers_GiveEINVAL()
    {
        EventFd fd = new(1, false);
        Assert.Equal(Errno.EINVAL, fd.Read(new byte[7], true, null).Errno);
        Assert.Equal(Errno.EINVAL, fd.Write(new byte[7], true, null).Errno);
    }

    [Fact]
    public void BlockedReaderAndWriter_WakeEachOther()
    {
        EventFd fd = new(0, false);
        ulong got = 0;
        TestThread reader = TestThread.Run(() =>
        {
            byte[] word = new byte[8];
            Assert.Equal(8, fd.Read(word, false, null).Raw);
            got = BitConverter.ToUInt64(word);
        });
        TestThread.WaitUntil(() => fd.Waiters.HasWaiters);
        Assert.Equal(8, Add(fd, ulong.MaxValue - 1));
        reader.Join();
        Assert.Equal(ulong.MaxValue - 1, got);
        Assert.Equal(8, Add(fd, ulong.MaxValue - 1));
        TestThread writer = TestThread.Run(() => Assert.Equal(8, fd.Write(BitConverter.GetBytes(5ul), false, null).Raw));
        TestThread.WaitUntil(() => fd.Waiters.HasWaiters);
        Assert.Equal(ulong.MaxValue - 1, Take(fd));
        writer.Join();
        Assert.Equal(5ul, fd.Counter);
    }

    [Fact]
    public void BlockedRead_Interrupted_ReturnsEINTR()
    {
        EventFd fd = new(0, false);
        Interrupt interrupt = new();
        TestThread reader = TestThread.Run(() => Assert.Equal(Errno.EINTR, fd.Read(new byte[8], false, interrupt).Errno));
        TestThread.WaitUntil(() => fd.Waiters.HasWaiters);
        interrupt.Raise();
        reader.Join();
        Assert.False(fd.Waiters.HasWaiters);
    }

    [Fact]
    public void PingPong_OfTwoThreads_LosesNoWakeUp()
    {
        const int Rounds = 20_000;
        EventFd ping = new(0, true);
        EventFd pong = new(0, true);
        TestThread other = TestThread.Run(() =>
        {
            byte[] word = new byte[8];
            for (int i = 0; i < Rounds; i++)
            {
                Assert.Equal(8, ping.Read(word, false, null).Raw);
                Assert.Equal(8, pong.Write(word, false, null).Raw);
            }
        });
        byte[] one = BitConverter.GetBytes(1ul);
        for (int i = 0; i < Rounds; i++)
        {
            Assert.Equal(8, ping.Write(one, false, null).Raw);
            Assert.Equal(8, pong.Read(_word, false, null).Raw);
        }
        other.Join();
    }

    private static long Add(EventFd fd, ulong value) => fd.Write(BitConverter.GetBytes(value), true, null).Raw;

    private ulong Take(EventFd fd)
    {
        Assert.Equal(8, fd.Read(_word, true, null).Raw);
        return BitConverter.ToUInt64(_word);
    }
}
