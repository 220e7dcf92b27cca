// IoResult is what a byte mover returns: a count or an error number, in one register.
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tupelo;

/// <summary>A count of bytes (at least 0), or an <see cref="Tupelo.Errno"/>; eight bytes, no allocation.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public readonly struct IoResult : IEquatable<IoResult>
{
    private readonly long _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private IoResult(long value) => _value = value;

    /// <summary>A successful transfer of <paramref name="count"/> bytes, at least 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static IoResult Bytes(long count)
    {
        Debug.Assert(count >= 0);
        return new IoResult(count);
    }

    /// <summary>A failure; <paramref name="errno"/> is not <see cref="Tupelo.Errno.None"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static IoResult Fail(Errno errno)
    {
        Debug.Assert(errno != Errno.None);
        return new IoResult(-(long)errno);
    }

    /// <summary>The raw form of the Linux system call interface: the count, or the negated error number.</summary>
    public long Raw => _value;

    /// <summary>True when the transfer did not fail.</summary>
    public bool IsOk => _value >= 0;

    /// <summary>Bytes moved; 0 when it failed.</summary>
    public long Count => _value >= 0 ? _value : 0;

    /// <summary>Why it failed, or <see cref="Tupelo.Errno.None"/>.</summary>
    public Errno Errno => _value < 0 ? (Errno)(-_value) : Errno.None;

    public static implicit operator IoResult(Errno errno) => Fail(errno);

    public bool Equals(IoResult other) => _value == other._value;

    public override bool Equals(object? obj) => obj is IoResult other && Equals(other);

    public override int GetHashCode() => _value.GetHashCode();

    public static bool operator ==(IoResult left, IoResult right) => left._value == right._value;

    public static bool operator !=(IoResult left, IoResult right) => left._value != right._value;

    public override string ToString() => _value >= 0 ? _value.ToString(System.Globalization.CultureInfo.InvariantCulture) : Errno.ToString();
}
