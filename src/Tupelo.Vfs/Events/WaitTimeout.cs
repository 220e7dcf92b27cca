// How long a call may sleep: a point on an injected clock, or for ever.
namespace Tupelo.Vfs;

/// <summary>A deadline on the monotonic clock of a <see cref="TimeProvider"/>; the default value never comes.</summary>
public readonly struct WaitTimeout : IEquatable<WaitTimeout>
{
    private readonly TimeProvider? _clock;
    private readonly long _deadline;

    private WaitTimeout(TimeProvider clock, long deadline)
    {
        _clock = clock;
        _deadline = deadline;
    }

    /// <summary>Sleep until something happens.</summary>
    public static WaitTimeout Infinite => default;

    /// <summary>The deadline <paramref name="delay"/> from now; a negative delay never ends, zero has ended already.</summary>
    public static WaitTimeout After(TimeProvider clock, TimeSpan delay)
    {
        if (delay < TimeSpan.Zero)
        {
            return default;
        }
        Int128 ticks = (Int128)delay.Ticks * clock.TimestampFrequency / TimeSpan.TicksPerSecond;
        Int128 deadline = clock.GetTimestamp() + ticks;
        return new WaitTimeout(clock, deadline > long.MaxValue ? long.MaxValue : (long)deadline);
    }

    /// <summary>poll(2)'s and epoll_wait(2)'s form: milliseconds, below zero for ever.</summary>
    public static WaitTimeout AfterMilliseconds(TimeProvider clock, long milliseconds)
        => milliseconds < 0 ? default : After(clock, TimeSpan.FromTicks(Math.Min(milliseconds, long.MaxValue / TimeSpan.TicksPerMillisecond) * TimeSpan.TicksPerMillisecond));

    /// <summary>True when the deadline never comes.</summary>
    public bool IsInfinite => _clock is null;

    internal TimeProvider Clock => _clock!;

    /// <summary>Time left, zero when it has passed; meaningless when <see cref="IsInfinite"/>.</summary>
    internal TimeSpan Remaining
    {
        get
        {
            long left = _deadline - _clock!.GetTimestamp();
            return left <= 0
                ? TimeSpan.Zero
                : TimeSpan.FromTicks((long)Int128.Min(Int128.Max(1, (Int128)left * TimeSpan.TicksPerSecond / _clock.TimestampFrequency), long.MaxValue));
        }
    }

    public bool Equals(WaitTimeout other) => ReferenceEquals(_clock, other._clock) && _deadline == other._deadline;

    public override bool Equals(object? obj) => obj is WaitTimeout other && Equals(other);

    public override int GetHashCode() => _deadline.GetHashCode();

    public static bool operator ==(WaitTimeout left, WaitTimeout right) => left.Equals(right);

    public static bool operator !=(WaitTimeout left, WaitTimeout right) => !left.Equals(right);
}
