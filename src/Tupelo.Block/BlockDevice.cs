// A BlockDevice is a row of bytes that survives: the cellar of the house. It knows sectors, flush and discard, and nothing of
// files, names or pages. Above it stand the page cache and the file systems; below it the operating system, or memory.
//
// Transfers are all or nothing towards the caller: a Read fills the whole buffer or fails, a Write stores everything or fails
// (after a failed Write the range holds anything). A Write is durable only when a Flush that began after it has returned None.
// Threads: every member may be called from any thread at any time; two writes that overlap in time and range leave either.
namespace Tupelo.Block;

/// <summary>One piece of a vectored transfer: memory that the garbage collector does not move.</summary>
/// <param name="Address">First byte.</param>
/// <param name="LengthBytes">Length, at least 0.</param>
public readonly record struct IoSegment(nint Address, int LengthBytes)
{
    /// <summary>The memory as a span.</summary>
    public unsafe Span<byte> Span => new((void*)Address, LengthBytes);
}

/// <summary>A random-access device of <see cref="SizeBytes"/> bytes.</summary>
public abstract class BlockDevice : IDisposable
{
    /// <summary>Length in bytes.</summary>
    public abstract long SizeBytes { get; }

    /// <summary>The unit that is written whole or not at all, 512 or 4096. Transfers may have any offset and length all the same,
    /// unless <see cref="RequiresAlignment"/>.</summary>
    public virtual int SectorBytes => 512;

    /// <summary>True when offset, length and memory address of every transfer must be multiples of <see cref="SectorBytes"/> (direct I/O).</summary>
    public virtual bool RequiresAlignment => false;

    /// <summary>True when Write and Discard fail with EROFS.</summary>
    public abstract bool IsReadOnly { get; }

    /// <summary>What to call the device in messages: a path, or "memory".</summary>
    public abstract string Name { get; }

    /// <summary>Fills <paramref name="buffer"/> from <paramref name="offsetBytes"/>.</summary>
    /// <remarks>Errors, first match wins: EINVAL outside of the device, or unaligned where alignment is required · EIO.</remarks>
    public abstract Errno Read(long offsetBytes, Span<byte> buffer);

    /// <summary>Stores <paramref name="buffer"/> at <paramref name="offsetBytes"/>.</summary>
    /// <remarks>Errors, first match wins: EROFS · EINVAL as <see cref="Read(long, Span{byte})"/> · ENOSPC the host is full · EIO.</remarks>
    public abstract Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer);

    /// <summary>Fills the segments one after another from one contiguous range.</summary>
    public virtual Errno Read(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        if (!Contains(offsetBytes, TotalBytes(segments)))
        {
            return Errno.EINVAL;
        }
        foreach (IoSegment segment in segments)
        {
            Errno errno = Read(offsetBytes, segment.Span);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += segment.LengthBytes;
        }
        return Errno.None;
    }

    /// <summary>Stores the segments one after another into one contiguous range.</summary>
    public virtual Errno Write(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        if (IsReadOnly || !Contains(offsetBytes, TotalBytes(segments)))
        {
            return IsReadOnly ? Errno.EROFS : Errno.EINVAL;
        }
        foreach (IoSegment segment in segments)
        {
            Errno errno = Write(offsetBytes, segment.Span);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += segment.LengthBytes;
        }
        return Errno.None;
    }

    /// <summary>Returns when everything written before is durable (fdatasync).</summary>
    /// <remarks>Errors: EIO. After a failure what was written before may be lost: do not retry as if nothing had happened.</remarks>
    public abstract Errno Flush();

    /// <summary>Says that the range is not needed any more: it reads as zeros, or as before, and may give its space back.</summary>
    /// <remarks>Errors, first match wins: EROFS · EINVAL outside of the device · EOPNOTSUPP · EIO.</remarks>
    public virtual Errno Discard(long offsetBytes, long lengthBytes) => Errno.EOPNOTSUPP;

    /// <summary>Changes the device's length; new bytes read as zeros.</summary>
    /// <remarks>Errors, first match wins: EROFS · EOPNOTSUPP (the default) · EINVAL negative · ENOSPC · EFBIG · EIO.</remarks>
    public virtual Errno Resize(long sizeBytes) => Errno.EOPNOTSUPP;

    /// <summary>True when [offset, offset + length) lies inside of the device; safe against overflow.</summary>
    protected bool Contains(long offsetBytes, long lengthBytes) =>
        offsetBytes >= 0 && lengthBytes >= 0 && offsetBytes <= SizeBytes && lengthBytes <= SizeBytes - offsetBytes;

    /// <summary>Length of all segments together.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A length is negative.</exception>
    protected static long TotalBytes(ReadOnlySpan<IoSegment> segments)
    {
        long total = 0;
        foreach (IoSegment segment in segments)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(segment.LengthBytes, nameof(segments));
            total += segment.LengthBytes;
        }
        return total;
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
