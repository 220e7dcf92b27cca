// A clock that moves only when told; its timers fire, in order, on the thread that moves it.
namespace Tupelo.Vfs.Tests;

internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _mu = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now = new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private long _ticks = 1_000_000;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public int ActiveTimers
    {
        get
        {
            lock (_mu)
            {
                return _timers.Count(static timer => timer.Due != long.MaxValue);
            }
        }
    }

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow()
    {
        lock (_mu)
        {
            return _now;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer timer = new(this, callback, state);
        lock (_mu)
        {
            _timers.Add(timer);
        }
        _ = timer.Change(dueTime, period);
        return timer;
    }

    internal void Advance(TimeSpan by)
    {
        long target = _ticks + by.Ticks;
        while (true)
        {
            ManualTimer? next = null;
            lock (_mu)
            {
                foreach (ManualTimer timer in _timers)
                {
                    if (timer.Due <= target && (next is null || timer.Due < next.Due))
                    {
                        next = timer;
                    }
                }
                long to = next is null ? target : Math.Max(_ticks, next.Due);
                _now += TimeSpan.FromTicks(to - _ticks);
                Volatile.Write(ref _ticks, to);
                if (next is not null)
                {
                    next.Due = long.MaxValue;
                }
            }
            if (next is null)
            {
                return;
            }
            next.Fire();
        }
    }

    internal void SetUtcNow(DateTimeOffset now)
    {
        lock (_mu)
        {
            _now = now;
        }
    }

    private sealed class ManualTimer(ManualTime owner, TimerCallback callback, object? state) : ITimer
    {
        internal long Due = long.MaxValue;

        internal void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Assert.Equal(Timeout.InfiniteTimeSpan, period);
            lock (owner._mu)
            {
                Due = dueTime == Timeout.InfiniteTimeSpan ? long.MaxValue : owner._ticks + dueTime.Ticks;
            }
            return true;
        }

        public void Dispose()
        {
            lock (owner._mu)
            {
                _ = owner._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
