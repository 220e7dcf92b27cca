// A SliceBlockDevice is a window of another device: a partition. Nothing outside of the window can be reached through it. Its length
// is fixed. Threads: as the device behind.
namespace Tupelo.Block;

/// <summary>The bytes [start, start + length) of another device.</summary>
public sealed class SliceBlockDevice : FilterBlockDevice
{
    private readonly long _startBytes;
    private readonly bool _isReadOnly;

    /// <param name="inner">The whole device.</param>
    /// <param name="startBytes">First byte of the window.</param>
    /// <param name="lengthBytes">Length of the window; it must lie inside of <paramref name="inner"/>.</param>
    /// <param name="ownsInner">True when disposing the window disposes <paramref name="inner"/> too.</param>
    /// <param name="isReadOnly">True to allow reading alone.</param>
    /// <exception cref="ArgumentOutOfRangeException">The window is not inside of the device, or not aligned where alignment is required.</exception>
    public SliceBlockDevice(BlockDevice inner, long startBytes, long lengthBytes, bool ownsInner = false, bool isReadOnly = false)
        : base(inner, ownsInner)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(startBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(startBytes, inner.SizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthBytes, inner.SizeBytes - startBytes);
        if (inner.RequiresAlignment)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(startBytes % inner.SectorBytes, 0, nameof(startBytes));
            ArgumentOutOfRangeException.ThrowIfNotEqual(lengthBytes % inner.SectorBytes, 0, nameof(lengthBytes));
        }
        _startBytes = startBytes;
        SizeBytes = lengthBytes;
        _isReadOnly = isReadOnly;
    }

    /// <summary>Where the window begins in <see cref="FilterBlockDevice.Inner"/>.</summary>
    public long StartBytes => _startBytes;

    public override long SizeBytes { get; }

    public override bool IsReadOnly => _isReadOnly || Inner.IsReadOnly;

    public override Errno Read(long offsetBytes, Span<byte> buffer) =>
        Contains(offsetBytes, buffer.Length) ? Inner.Read(_startBytes + offsetBytes, buffer) : Errno.EINVAL;

    public override Errno Read(long offsetBytes, ReadOnlySpan<IoSegment> segments) =>
        Contains(offsetBytes, TotalBytes(segments)) ? Inner.Read(_startBytes + offsetBytes, segments) : Errno.EINVAL;

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        Errno errno = CheckChange(offsetBytes, buffer.Length);
        return errno != Errno.None ? errno : Inner.Write(_startBytes + offsetBytes, buffer);
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        Errno errno = CheckChange(offsetBytes, TotalBytes(segments));
        return errno != Errno.None ? errno : Inner.Write(_startBytes + offsetBytes, segments);
    }

    public override Errno Discard(long offsetBytes, long lengthBytes)
    {
        Errno errno = CheckChange(offsetBytes, lengthBytes);
        return errno != Errno.None ? errno : Inner.Discard(_startBytes + offsetBytes, lengthBytes);
    }

    public override Errno Resize(long sizeBytes) => IsReadOnly ? Errno.EROFS : Errno.EOPNOTSUPP;

    private Errno CheckChange(long offsetBytes, long lengthBytes)
    {
        if (IsReadOnly)
        {
            return Errno.EROFS;
        }
        return Contains(offsetBytes, lengthBytes) ? Errno.None : Errno.EINVAL;
    }
}
