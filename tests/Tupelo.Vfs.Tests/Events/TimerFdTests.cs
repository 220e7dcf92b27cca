using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Events;

public sealed class TimerFdTests
{
    private readonly ManualTime _time = new();
    private readonly byte[] _word = new byte[8];

    [Fact]
    public void OneShot_ExpiresOnce()
    {
        using TimerFd timer = Armed(TimerClock.Monotonic, 10, 0);
        Assert.Equal(Errno.EAGAIN, timer.Read(_word, true, null).Errno);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(PollEvents.None, timer.GetReady());
        Assert.Equal(new Timespec(1, 0), timer.GetTime().Value);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(PollEvents.In, timer.GetReady());
        Assert.Equal(1ul, Take(timer));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(Errno.EAGAIN, timer.Read(_word, true, null).Errno);
        Assert.Equal(default, timer.GetTime().Value);
    }

    [Fact]
    public void Periodic_CountsWhatWasMissed()
    {
        using TimerFd timer = Armed(TimerClock.Monotonic, 10, 3);
        _time.Advance(TimeSpan.FromSeconds(17));
        Assert.Equal(3ul, Take(timer));
        Assert.Equal(new Timespec(2, 0), timer.GetTime().Value);
        Assert.Equal(new Timespec(3, 0), timer.GetTime().Interval);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(1ul, Take(timer));
    }

    [Fact]
    public void SetTime_ForgetsExpirations_TellsTheOldSetting_AndZeroDisarms()
    {
        using TimerFd timer = Armed(TimerClock.Monotonic, 1, 1);
        _time.Advance(TimeSpan.FromSeconds(5.5));
        Assert.Equal(Errno.None, timer.SetTime(TimerFdFlags.None, default, out TimerSetting previous));
        Assert.Equal(new TimerSetting(new Timespec(1, 0), new Timespec(0, 500_000_000)), previous);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(Errno.EAGAIN, timer.Read(_word, true, null).Errno);
        Assert.Equal(0, _time.ActiveTimers);
    }

    [Fact]
    public void AbsoluteTime_InThePast_ExpiresAtOnce()
    {
        using TimerFd timer = new(_time, TimerClock.Realtime);
        Timespec past = Timespec.FromDateTimeOffset(_time.GetUtcNow().AddSeconds(-10));
        Assert.Equal(Errno.None, timer.SetTime(TimerFdFlags.AbsoluteTime, new TimerSetting(new Timespec(4, 0), past), out _));
        Assert.Equal(3ul, Take(timer));
    }

    [Fact]
    public void BadArguments_GiveEINVAL()
    {
        using TimerFd timer = new(_time, TimerClock.Monotonic);
        Assert.Equal(Errno.EINVAL, timer.SetTime((TimerFdFlags)4, default, out _));
        Assert.Equal(Errno.EINVAL, timer.SetTime(TimerFdFlags.None, new TimerSetting(default, new Timespec(0, 1_000_000_000)), out _));
        Assert.Equal(Errno.EINVAL, timer.SetTime(TimerFdFlags.None, new TimerSetting(new Timespec(-1, 0), default), out _));
        Assert.Equal(Errno.EINVAL, timer.Read(new byte[7], true, null).Errno);
    }

    [Fact]
    public void ClockSet_CancelsThoseWhoAskedForIt_Once()
    {
        using TimerFd timer = new(_time, TimerClock.Realtime);
        Timespec due = Timespec.FromDateTimeOffset(_time.GetUtcNow().AddSeconds(10));
        Assert.Equal(Errno.None, timer.SetTime(TimerFdFlags.AbsoluteTime | TimerFdFlags.CancelOnSet, new TimerSetting(default, due), out _));
        _time.SetUtcNow(_time.GetUtcNow().AddSeconds(-100));
        timer.OnClockSet();
        Assert.Equal(PollEvents.In, timer.GetReady());
        Assert.Equal(Errno.ECANCELED, timer.Read(_word, true, null).Errno);
        Assert.Equal(Errno.EAGAIN, timer.Read(_word, true, null).Errno);
        _time.Advance(TimeSpan.FromSeconds(110));
        Assert.Equal(1ul, Take(timer));
    }

    [Fact]
    public void BlockedRead_IsWokenByTheClock()
    {
        using TimerFd timer = Armed(TimerClock.Monotonic, 5, 5);
        for (int round = 0; round < 3; round++)
        {
            ulong got = 0;
            TestThread reader = TestThread.Run(() =>
            {
                byte[] word = new byte[8];
                Assert.Equal(8, timer.Read(word, false, null).Raw);
                got = BitConverter.ToUInt64(word);
            });
            TestThread.WaitUntil(() => timer.Waiters.HasWaiters);
            _time.Advance(TimeSpan.FromSeconds(5));
            reader.Join();
            Assert.Equal(1ul, got);
        }
    }

    [Fact]
    public void BlockedRead_OnTheSystemClock_Returns()
    {
        using TimerFd timer = new(TimeProvider.System, TimerClock.Monotonic);
        Assert.Equal(Errno.None, timer.SetTime(TimerFdFlags.None, new TimerSetting(new Timespec(0, 1_000_000), new Timespec(0, 2_000_000)), out _));
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(8, timer.Read(_word, false, null).Raw);
            Assert.NotEqual(0ul, BitConverter.ToUInt64(_word));
        }
    }

    private TimerFd Armed(TimerClock clock, long seconds, long interval)
    {
        TimerFd timer = new(_time, clock);
        Assert.Equal(Errno.None, timer.SetTime(TimerFdFlags.None, new TimerSetting(new Timespec(interval, 0), new Timespec(seconds, 0)), out _));
        return timer;
    }

    private ulong Take(TimerFd timer)
    {
        Assert.Equal(8, timer.Read(_word, true, null).Raw);
        return BitConverter.ToUInt64(_word);
    }
}
