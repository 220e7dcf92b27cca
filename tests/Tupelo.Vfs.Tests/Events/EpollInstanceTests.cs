using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Events;

public sealed class EpollInstanceTests
{
    private readonly EpollInstance _epoll = new();
    private readonly EventFd _file = new(0, false);

    [Fact]
    public void Control_TwiceTheSame_ReturnsEEXIST_MissingENOENT_ItselfEINVAL()
    {
        Assert.Equal(Errno.None, Add(_file, PollEvents.In));
        Assert.Equal(Errno.EEXIST, Add(_file, PollEvents.In));
        Assert.Equal(Errno.None, _epoll.Control(EpollOperation.Add, _file, 8, PollEvents.In, 0));
        Assert.Equal(Errno.ENOENT, _epoll.Control(EpollOperation.Modify, _file, 9, PollEvents.In, 0));
        Assert.Equal(Errno.None, _epoll.Control(EpollOperation.Delete, _file, 7, PollEvents.None, 0));
        Assert.Equal(Errno.ENOENT, _epoll.Control(EpollOperation.Delete, _file, 7, PollEvents.None, 0));
        Assert.Equal(Errno.EINVAL, _epoll.Control(EpollOperation.Add, _epoll, 1, PollEvents.In, 0));
        Assert.Equal(Errno.EINVAL, _epoll.Control((EpollOperation)9, _file, 8, PollEvents.In, 0));
    }

    [Fact]
    public void LevelTriggered_ReportsAsLongAsItIsTrue()
    {
        Assert.Equal(Errno.None, Add(_file, PollEvents.In));
        Assert.Empty(Look());
        Signal(_file);
        Assert.Equal([(PollEvents.In, 7ul)], Look());
        Assert.Equal([(PollEvents.In, 7ul)], Look());
        Drain(_file);
        Assert.Empty(Look());
    }

    [Fact]
    public void EdgeTriggered_ReportsEachChangeOnce()
    {
        Signal(_file);
        Assert.Equal(Errno.None, Add(_file, PollEvents.In | PollEvents.EdgeTriggered));
        Assert.Single(Look());
        Assert.Empty(Look());
        Signal(_file);
        Assert.Single(Look());
        Drain(_file);
        Assert.Empty(Look());
    }

    [Fact]
    public void OneShot_IsDisarmedUntilModified()
    {
        Assert.Equal(Errno.None, Add(_file, PollEvents.In | PollEvents.OneShot));
        Signal(_file);
        Assert.Single(Look());
        Signal(_file);
        Assert.Empty(Look());
        Assert.Equal(Errno.None, _epoll.Control(EpollOperation.Modify, _file, 7, PollEvents.In | PollEvents.OneShot, 70));
        Assert.Equal([(PollEvents.In, 70ul)], Look());
    }

    [Fact]
    public void Wait_WithRoomForFewer_TakesTurns()
    {
        EventFd[] files = [.. Enumerable.Range(0, 3).Select(_ => new EventFd(1, false))];
        for (int i = 0; i < files.Length; i++)
        {
            Assert.Equal(Errno.None, _epoll.Control(EpollOperation.Add, files[i], i, PollEvents.In, (ulong)i));
        }
        List<ulong> order = [];
        EpollEvent[] one = new EpollEvent[1];
        for (int i = 0; i < 6; i++)
        {
            Assert.Equal(1, _epoll.Wait(one, default, true, null).Raw);
            order.Add(one[0].Data);
        }
        Assert.Equal([0, 1, 2, 0, 1, 2], order);
        Assert.Equal(Errno.EINVAL, _epoll.Wait([], default, true, null).Errno);
    }

    [Fact]
    public void Exclusive_WakesOneInstance_OthersStayAsleep()
    {
        EpollInstance[] instances = [new(), new(), new()];
        int woken = 0;
        Interrupt interrupt = new();
        foreach (EpollInstance instance in instances)
        {
            Assert.Equal(Errno.None, instance.Control(EpollOperation.Add, _file, 7, PollEvents.In | PollEvents.Exclusive | PollEvents.EdgeTriggered, 0));
        }
        TestThread[] sleepers = [.. instances.Select(instance => TestThread.Run(() =>
        {
            if (instance.Wait(new EpollEvent[1], default, false, interrupt).IsOk)
            {
                _ = Interlocked.Increment(ref woken);
            }
        }))];
        TestThread.WaitUntil(() => instances.All(instance => instance.Waiters.HasWaiters));
        Signal(_file);
        TestThread.WaitUntil(() => sleepers.Any(sleeper => sleeper.IsFinished));
        interrupt.Raise();
        Array.ForEach(sleepers, sleeper => sleeper.Join());
        Assert.Equal(1, woken);
    }

    [Fact]
    public void Exclusive_WhereItMayNotBe_ReturnsEINVAL()
    {
        Assert.Equal(Errno.EINVAL, Add(_file, PollEvents.In | PollEvents.Exclusive | PollEvents.OneShot));
        Assert.Equal(Errno.EINVAL, Add(new EpollInstance(), PollEvents.In | PollEvents.Exclusive));
        Assert.Equal(Errno.None, Add(_file, PollEvents.In | PollEvents.Exclusive));
        Assert.Equal(Errno.EINVAL, _epoll.Control(EpollOperation.Modify, _file, 7, PollEvents.In, 0));
        Assert.Equal(Errno.EINVAL, _epoll.Control(EpollOperation.Modify, _file, 7, PollEvents.In | PollEvents.Exclusive, 0));
    }

    [Fact]
    public void Nested_OuterSeesInner_AndWakesThroughIt()
    {
        EpollInstance inner = new();
        Assert.Equal(Errno.None, inner.Control(EpollOperation.Add, _file, 7, PollEvents.In, 1));
        Assert.Equal(Errno.None, Add(inner, PollEvents.In));
        Assert.Empty(Look());
        TestThread sleeper = TestThread.Run(() => Assert.Equal(1, _epoll.Wait(new EpollEvent[4], default, false, null).Raw));
        TestThread.WaitUntil(() => _epoll.Waiters.HasWaiters);
        Signal(_file);
        sleeper.Join();
        Assert.Equal(PollEvents.Readable, inner.GetReady());
        Drain(_file);
        Assert.Empty(Look());
    }

    [Fact]
    public void Circles_ReturnELOOP()
    {
        EpollInstance second = new();
        EpollInstance third = new();
        Assert.Equal(Errno.None, Add(second, PollEvents.In));
        Assert.Equal(Errno.None, second.Control(EpollOperation.Add, third, 1, PollEvents.In, 0));
        Assert.Equal(Errno.ELOOP, third.Control(EpollOperation.Add, _epoll, 1, PollEvents.In, 0));
        Assert.Equal(Errno.ELOOP, second.Control(EpollOperation.Add, _epoll, 1, PollEvents.In, 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Chains_MayBeAsLongAsOnTheHost(bool growDownwards)
    {
        Assert.SkipUnless(HostKernel.IsAvailable, "needs Linux");
        int[] fds = [.. Enumerable.Range(0, 9).Select(_ => HostKernel.EpollCreate())];
        EpollInstance[] instances = [.. fds.Select(_ => new EpollInstance())];
        try
        {
            for (int i = 0; i + 1 < fds.Length; i++)
            {
                int outer = growDownwards ? i : fds.Length - 2 - i;
                long expected = HostKernel.EpollControl(fds[outer], 1, fds[outer + 1], 1, 0);
                Errno actual = instances[outer].Control(EpollOperation.Add, instances[outer + 1], fds[outer + 1], PollEvents.In, 0);
                Assert.True(expected == -(long)actual, $"link {i}: host {expected}, ours {actual}");
            }
        }
        finally
        {
            Array.ForEach(fds, HostKernel.Close);
        }
    }

    [Fact]
    public void ClosedFile_LeavesEveryInstance()
    {
        EpollInstance other = new();
        Assert.Equal(Errno.None, Add(_file, PollEvents.In));
        Assert.Equal(Errno.None, other.Control(EpollOperation.Add, _file, 3, PollEvents.In, 0));
        Assert.Equal(Errno.None, other.Control(EpollOperation.Add, _file, 4, PollEvents.In, 0));
        Signal(_file);
        EpollInstance.ReleaseFile(_file);
        Assert.Equal(0, _epoll.Count + other.Count);
        Assert.Empty(Look());
        Assert.False(_file.Waiters.HasWaiters);
    }

    [Fact]
    public void ClosedInstance_LeavesItsFiles()
    {
        Assert.Equal(Errno.None, Add(_file, PollEvents.In));
        _epoll.Close();
        Assert.False(_file.Waiters.HasWaiters);
        Assert.Equal(Errno.EBADF, Add(_file, PollEvents.In));
    }

    [Fact]
    public void Wait_WhenWarm_AllocatesNothing()
    {
        Assert.Equal(Errno.None, Add(_file, PollEvents.In));
        EpollEvent[] events = new EpollEvent[4];
        byte[] word = BitConverter.GetBytes(1ul);
        _ = _epoll.Wait(events, default, true, null);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            _ = _file.Write(word, true, null);
            _ = _epoll.Wait(events, default, true, null);
            _ = _file.Read(word, true, null);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private Errno Add(IPollable file, PollEvents events) => _epoll.Control(EpollOperation.Add, file, 7, events, 7);

    private List<(PollEvents, ulong)> Look()
    {
        EpollEvent[] events = new EpollEvent[16];
        IoResult count = _epoll.Wait(events, default, immediate: true, null);
        return [.. events.Take((int)count.Count).Select(e => (e.Events, e.Data))];
    }

    private static void Signal(EventFd file) => Assert.Equal(8, file.Write(BitConverter.GetBytes(1ul), true, null).Raw);

    private static void Drain(EventFd file) => Assert.Equal(8, file.Read(new byte[8], true, null).Raw);
}
