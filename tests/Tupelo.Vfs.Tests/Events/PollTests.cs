using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Events;

public sealed class PollTests
{
    private readonly EventFd _first = new(0, false);
    private readonly EventFd _second = new(0, false);

    [Fact]
    public void Poll_ReturnsTheReadyOnes_AndWhatTheCallerFilledIn()
    {
        _ = _second.Write(BitConverter.GetBytes(1ul), true, null);
        PollRequest[] requests =
        [
            new() { File = _first, Events = PollEvents.In },
            new() { File = _second, Events = PollEvents.In | PollEvents.Out },
            new() { Returned = PollEvents.Invalid },
            new(),
        ];
        Assert.Equal(2, Poll.Wait(requests, WaitTimeout.Infinite, immediate: false, null).Raw);
        Assert.Equal([PollEvents.None, PollEvents.In | PollEvents.Out, PollEvents.Invalid, PollEvents.None], requests.Select(r => r.Returned));
    }

    [Fact]
    public void Poll_WithNothingReady_ReturnsZeroAtOnceOrAfterTheTimeout()
    {
        PollRequest[] requests = [new() { File = _first, Events = PollEvents.In }];
        Assert.Equal(0, Poll.Wait(requests, WaitTimeout.Infinite, immediate: true, null).Raw);
        Assert.Equal(0, Poll.Wait(requests, WaitTimeout.AfterMilliseconds(TimeProvider.System, 3), false, null).Raw);
        ManualTime time = new();
        TestThread sleeper = TestThread.Run(() =>
        {
            PollRequest[] mine = [new() { File = _first, Events = PollEvents.In }];
            Assert.Equal(0, Poll.Wait(mine, WaitTimeout.After(time, TimeSpan.FromSeconds(10)), false, null).Raw);
        });
        TestThread.WaitUntil(() => time.ActiveTimers == 1);
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(sleeper.IsFinished);
        time.Advance(TimeSpan.FromSeconds(1));
        sleeper.Join();
        Assert.Equal(0, time.ActiveTimers);
        Assert.False(_first.Waiters.HasWaiters);
    }

    [Fact]
    public void SleepingPoll_IsWokenByAnyOfItsFiles_AndInterrupted()
    {
        PollRequest[] requests = [new() { File = _first, Events = PollEvents.In }, new() { File = _second, Events = PollEvents.In }];
        TestThread sleeper = TestThread.Run(() => Assert.Equal(1, Poll.Wait(requests, WaitTimeout.Infinite, false, null).Raw));
        TestThread.WaitUntil(() => _second.Waiters.HasWaiters);
        _ = _second.Write(BitConverter.GetBytes(1ul), true, null);
        sleeper.Join();
        Assert.Equal(PollEvents.In, requests[1].Returned);
        Interrupt interrupt = new();
        PollRequest[] others = [new() { File = _first, Events = PollEvents.In }];
        sleeper = TestThread.Run(() => Assert.Equal(Errno.EINTR, Poll.Wait(others, WaitTimeout.Infinite, false, interrupt).Errno));
        TestThread.WaitUntil(() => _first.Waiters.HasWaiters);
        interrupt.Raise();
        sleeper.Join();
    }

    [Fact]
    public void Poll_ThatSleeps_AllocatesNothingWhenWarm()
    {
        PollRequest[] requests = [new() { File = _first, Events = PollEvents.In }, new() { File = _second, Events = PollEvents.In }];
        Interrupt interrupt = new();
        interrupt.Raise();
        _ = Poll.Wait(requests, WaitTimeout.Infinite, false, interrupt);
        int interrupted = 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            // Registers on three queues, then finds the interrupt.
            interrupted += Poll.Wait(requests, WaitTimeout.Infinite, false, interrupt).Errno == Errno.EINTR ? 1 : 0;
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1000, interrupted);
    }

    [Fact]
    public void InterruptRaisedAtAnyMoment_EndsEverySleep()
    {
        Interrupt interrupt = new();
        int ended = 0;
        TestThread[] sleepers = [.. Enumerable.Range(0, 3).Select(_ => TestThread.Run(() =>
        {
            for (int i = 0; i < 2000; i++)
            {
                PollRequest[] requests = [new() { File = _first, Events = PollEvents.In }];
                Assert.Equal(Errno.EINTR, Poll.Wait(requests, WaitTimeout.Infinite, false, interrupt).Errno);
                _ = Interlocked.Increment(ref ended);
            }
        }))];
        TestThread.WaitUntil(() =>
        {
            interrupt.Raise();
            Thread.Yield();
            interrupt.Clear();
            return Volatile.Read(ref ended) == 6000;
        });
        Array.ForEach(sleepers, sleeper => sleeper.Join());
    }
}
