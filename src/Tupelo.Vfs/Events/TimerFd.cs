// TimerFd counts expirations of a clock. The count is computed from the clock when somebody asks; a timer of the injected
// TimeProvider runs only to wake those who wait.
//
// Invariants: _next is meaningful while _armed; _interval 0 means once. Times are nanoseconds of the chosen clock.
// Locks: _armMu (outer) orders changes of the wake-up timer, so that the last setting wins; _mu (leaf) guards the state. Waiters
// are woken after both are released, except from a clock that calls back inside Change, which is still outside _mu.
using System.Buffers.Binary;

namespace Tupelo.Vfs;

/// <summary>The clocks a timer can run on. Source: timerfd_create(2), clock numbers of Linux.</summary>
public enum TimerClock
{
    /// <summary>CLOCK_REALTIME: may be set.</summary>
    Realtime = 0,

    /// <summary>CLOCK_MONOTONIC.</summary>
    Monotonic = 1,
}

/// <summary>Flags of timerfd_settime(2).</summary>
[Flags]
public enum TimerFdFlags : uint
{
    None = 0,

    /// <summary>TFD_TIMER_ABSTIME: the first expiration is a point in time.</summary>
    AbsoluteTime = 1,

    /// <summary>TFD_TIMER_CANCEL_ON_SET: with an absolute realtime timer, reads give ECANCELED after the clock was set.</summary>
    CancelOnSet = 2,
}

/// <summary>A timer's setting: struct itimerspec. Both are durations, except an absolute first expiration.</summary>
/// <param name="Interval">Period after the first expiration; zero for one expiration only.</param>
/// <param name="Value">First expiration; zero disarms.</param>
public readonly record struct TimerSetting(Timespec Interval, Timespec Value);

/// <summary>A timerfd object. Source: timerfd_create(2).</summary>
public sealed class TimerFd : IPollable, IDisposable
{
    private const int WordBytes = sizeof(ulong);
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly TimeProvider _time;
    private readonly TimerClock _clock;
    private readonly PollQueue _waiters = new();
    private readonly RankedLock _armMu = new(LockRank.Source); // Guards _timer and the order of its changes.
    private readonly RankedLock _mu = new(LockRank.Leaf); // Guards all below.
    private ITimer? _timer;
    private long _next;
    private long _interval;
    private ulong _expirations;
    private bool _armed;
    private bool _cancelOnSet;
    private bool _cancelled;

    public TimerFd(TimeProvider time, TimerClock clock)
    {
        _time = time;
        _clock = clock;
    }

    /// <inheritdoc/>
    public PollQueue Waiters => _waiters;

    /// <summary>Arms or disarms the timer and forgets earlier expirations.</summary>
    /// <param name="previous">The setting before, as <see cref="GetTime"/> would have told it.</param>
    /// <remarks>Errors: EINVAL unknown flag, nanoseconds outside of 0..999,999,999 or negative seconds. Any thread.</remarks>
    public Errno SetTime(TimerFdFlags flags, TimerSetting setting, out TimerSetting previous)
    {
        previous = default;
        if ((flags & ~(TimerFdFlags.AbsoluteTime | TimerFdFlags.CancelOnSet)) != 0 || !IsValid(setting.Interval) || !IsValid(setting.Value))
        {
            return Errno.EINVAL;
        }
        long value = ToNanoseconds(setting.Value);
        using (_armMu.EnterScope())
        {
            long now = Now();
            using (_mu.EnterScope())
            {
                previous = SettingLocked(now);
                _expirations = 0;
                _cancelled = false;
                _interval = ToNanoseconds(setting.Interval);
                _armed = value != 0;
                _next = (flags & TimerFdFlags.AbsoluteTime) != 0 ? value : SaturatingAdd(now, value);
                _cancelOnSet = _armed && _clock == TimerClock.Realtime
                    && (flags & (TimerFdFlags.AbsoluteTime | TimerFdFlags.CancelOnSet)) == (TimerFdFlags.AbsoluteTime | TimerFdFlags.CancelOnSet);
            }
            Rearm();
        }
        return Errno.None;
    }

    /// <summary>The time left to the next expiration and the period; all zero when disarmed.</summary>
    public TimerSetting GetTime()
    {
        long now = Now();
        using (_mu.EnterScope())
        {
            return SettingLocked(now);
        }
    }

    /// <summary>Takes the number of expirations since the last read or setting, as eight bytes in the machine's order.</summary>
    /// <remarks>Errors, first match wins: EINVAL <paramref name="buffer"/> below 8 bytes · ECANCELED the clock was set · EAGAIN none
    /// yet and <paramref name="nonBlocking"/> · EINTR. Any thread.</remarks>
    public IoResult Read(Span<byte> buffer, bool nonBlocking, Interrupt? interrupt)
    {
        if (buffer.Length < WordBytes)
        {
            return Errno.EINVAL;
        }
        Errno error = TryTake(out ulong taken, out bool periodic);
        if (error == Errno.EAGAIN && !nonBlocking)
        {
            using BlockingWait wait = new(_waiters, PollEvents.In, interrupt);
            while ((error = TryTake(out taken, out periodic)) == Errno.EAGAIN)
            {
                error = wait.Sleep();
                if (error != Errno.None)
                {
                    return error;
                }
            }
        }
        if (error != Errno.None)
        {
            return error;
        }
        if (periodic)
        {
            using (_armMu.EnterScope())
            {
                Rearm();
            }
        }
        BinaryPrimitives.WriteUInt64LittleEndian(buffer, taken);
        return IoResult.Bytes(WordBytes);
    }

    /// <inheritdoc/>
    public PollEvents GetReady()
    {
        long now = Now();
        using (_mu.EnterScope())
        {
            AdvanceLocked(now);
            return _expirations > 0 || _cancelled ? PollEvents.In : PollEvents.None;
        }
    }

    /// <summary>Tells a realtime timer that somebody set the clock: the wake-up moves, and a CANCEL_ON_SET timer is cancelled.</summary>
    public void OnClockSet()
    {
        if (_clock != TimerClock.Realtime)
        {
            return;
        }
        bool cancelled;
        using (_armMu.EnterScope())
        {
            using (_mu.EnterScope())
            {
                cancelled = _cancelOnSet;
                _cancelled |= cancelled;
            }
            Rearm();
        }
        if (cancelled)
        {
            _waiters.Wake(PollEvents.In);
        }
    }

    /// <summary>Stops the wake-up timer; the object must not be used afterwards.</summary>
    public void Dispose()
    {
        using (_armMu.EnterScope())
        {
            using (_mu.EnterScope())
            {
                _armed = false;
            }
            _timer?.Dispose();
            _timer = null;
        }
    }

    private static bool IsValid(Timespec time) => time.Seconds >= 0 && (uint)time.Nanoseconds < NanosecondsPerSecond;

    private static long ToNanoseconds(Timespec time) => (long)Int128.Min(time.TotalNanoseconds, long.MaxValue);

    private static Timespec ToTimespec(long nanoseconds)
        => new(nanoseconds / NanosecondsPerSecond, (int)(nanoseconds % NanosecondsPerSecond));

    private static long SaturatingAdd(long left, long right) => left > long.MaxValue - right ? long.MaxValue : left + right;

    private long Now() => _clock == TimerClock.Realtime
        ? (_time.GetUtcNow().UtcTicks - DateTimeOffset.UnixEpoch.Ticks) * 100
        : (long)((Int128)_time.GetTimestamp() * NanosecondsPerSecond / _time.TimestampFrequency);

    private Errno TryTake(out ulong taken, out bool periodic)
    {
        long now = Now();
        using (_mu.EnterScope())
        {
            AdvanceLocked(now);
            taken = _expirations;
            periodic = _armed;
            if (_cancelled)
            {
                // As Linux: a cancelled read reports it once; the timer itself goes on.
                _cancelled = false;
                _expirations = 0;
                return Errno.ECANCELED;
            }
            _expirations = 0;
            return taken > 0 ? Errno.None : Errno.EAGAIN;
        }
    }

    private void AdvanceLocked(long now)
    {
        if (!_armed || now < _next)
        {
            return;
        }
        if (_interval == 0)
        {
            _armed = false;
            _expirations++;
            return;
        }
        ulong count = ((ulong)(now - _next) / (ulong)_interval) + 1;
        _expirations += count;
        _next = SaturatingAdd(_next, (long)UInt128.Min((UInt128)count * (ulong)_interval, long.MaxValue));
    }

    private TimerSetting SettingLocked(long now)
    {
        AdvanceLocked(now);
        return new TimerSetting(ToTimespec(_interval), _armed ? ToTimespec(Math.Max(1, _next - now)) : default);
    }

    // Sets the wake-up for the next expiration. The caller holds _armMu.
    private void Rearm()
    {
        long now = Now();
        TimeSpan due = Timeout.InfiniteTimeSpan;
        using (_mu.EnterScope())
        {
            if (_armed)
            {
                // Rounded up to the clock's 100 ns; farther than a timer can reach, it fires early and is set again.
                const long MaxTicks = 4_294_967_294L * TimeSpan.TicksPerMillisecond;
                long left = Math.Max(0, _next - now);
                due = TimeSpan.FromTicks(Math.Min((left / 100) + (left % 100 == 0 ? 0 : 1), MaxTicks));
                if (ReferenceEquals(_time, TimeProvider.System) && due > TimeSpan.Zero)
                {
                    // The system's timers count whole milliseconds, rounded down: never wake before the time.
                    due = TimeSpan.FromMilliseconds(Math.Ceiling(due.TotalMilliseconds));
                }
            }
        }
        if (_timer is null)
        {
            if (due == Timeout.InfiniteTimeSpan)
            {
                return;
            }
            _timer = _time.CreateTimer(static state => ((TimerFd)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        _ = _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    // As Linux, a periodic timer wakes once and is set again by the read that takes its count: nobody pays for a timer that is not read.
    private void OnTimer()
    {
        using (_armMu.EnterScope())
        {
            long now = Now();
            bool early;
            using (_mu.EnterScope())
            {
                AdvanceLocked(now);
                early = _armed && _expirations == 0;
            }
            if (early && _timer is not null)
            {
                Rearm();
            }
        }
        _waiters.Wake(PollEvents.In);
    }
}
