// The arguments of fcntl's lock calls: struct flock64 as the caller gives it, and the range of bytes it means.
namespace Tupelo.Vfs;

/// <summary>struct flock64. Source: fcntl(2).</summary>
public struct LockRequest : IEquatable<LockRequest>
{
    /// <summary>l_type.</summary>
    public LockType Type { get; set; }

    /// <summary>l_whence: 0 start of file, 1 current position, 2 end of file.</summary>
    public short Whence { get; set; }

    /// <summary>l_start, relative to <see cref="Whence"/>.</summary>
    public long Start { get; set; }

    /// <summary>l_len: 0 to the end however far the file grows; negative: the bytes before Start.</summary>
    public long Length { get; set; }

    /// <summary>l_pid: filled in by GETLK; must be 0 when given to an OFD call.</summary>
    public int ProcessId { get; set; }

    public readonly bool Equals(LockRequest other) => Type == other.Type && Whence == other.Whence && Start == other.Start
        && Length == other.Length && ProcessId == other.ProcessId;

    public override readonly bool Equals(object? obj) => obj is LockRequest other && Equals(other);

    public override readonly int GetHashCode() => HashCode.Combine(Type, Whence, Start, Length, ProcessId);

    public static bool operator ==(LockRequest left, LockRequest right) => left.Equals(right);

    public static bool operator !=(LockRequest left, LockRequest right) => !left.Equals(right);

    public override readonly string ToString() => $"{Type} whence {Whence} start {Start} length {Length} pid {ProcessId}";
}

/// <summary>A run of bytes, both ends included; the end <see cref="Infinity"/> means "however far the file grows".</summary>
public readonly record struct LockRange(long Start, long End)
{
    /// <summary>The largest offset.</summary>
    public const long Infinity = long.MaxValue;

    /// <summary>The whole file.</summary>
    public static LockRange All => new(0, Infinity);

    /// <summary>True when a byte belongs to both.</summary>
    public bool Overlaps(LockRange other) => Start <= other.End && other.Start <= End;

    /// <summary>l_len of this range.</summary>
    public long Length => End == Infinity ? 0 : End - Start + 1;

    /// <summary>The bytes that <paramref name="request"/> means.</summary>
    /// <param name="position">The open file's offset, for whence 1.</param>
    /// <param name="size">The file's size, for whence 2.</param>
    /// <remarks>Errors, first match wins: EINVAL unknown whence · EOVERFLOW start beyond the largest offset · EINVAL start before 0 ·
    /// EOVERFLOW end beyond the largest offset · EINVAL a negative length reaching before 0. Source: fcntl(2), POSIX fcntl.</remarks>
    public static Errno Resolve(in LockRequest request, long position, long size, out LockRange range)
    {
        range = default;
        long origin;
        switch (request.Whence)
        {
            case 0:
                origin = 0;
                break;
            case 1:
                origin = position;
                break;
            case 2:
                origin = size;
                break;
            default:
                return Errno.EINVAL;
        }
        if (request.Start > long.MaxValue - origin)
        {
            return Errno.EOVERFLOW;
        }
        long start = origin + request.Start;
        if (start < 0)
        {
            return Errno.EINVAL;
        }
        if (request.Length > 0)
        {
            if (request.Length - 1 > long.MaxValue - start)
            {
                return Errno.EOVERFLOW;
            }
            range = new LockRange(start, start + request.Length - 1);
        }
        else if (request.Length < 0)
        {
            if (start + request.Length < 0)
            {
                return Errno.EINVAL;
            }
            range = new LockRange(start + request.Length, start - 1);
        }
        else
        {
            range = new LockRange(start, Infinity);
        }
        return Errno.None;
    }
}
