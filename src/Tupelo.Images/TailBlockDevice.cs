using Tupelo.Block;

namespace Tupelo.Images;

/// <summary>Everything of a device from a byte on, growing and shrinking with it: the last partition of an image being built.</summary>
internal sealed class TailBlockDevice(BlockDevice inner, long startBytes) : FilterBlockDevice(inner, ownsInner: false)
{
    /// <summary>Where it begins in <see cref="FilterBlockDevice.Inner"/>.</summary>
    public long StartBytes => startBytes;

    public override long SizeBytes => Inner.SizeBytes - startBytes;

    public override Errno Read(long offsetBytes, Span<byte> buffer) =>
        Contains(offsetBytes, buffer.Length) ? Inner.Read(startBytes + offsetBytes, buffer) : Errno.EINVAL;

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer) =>
        Contains(offsetBytes, buffer.Length) ? Inner.Write(startBytes + offsetBytes, buffer) : Errno.EINVAL;

    public override Errno Read(long offsetBytes, ReadOnlySpan<IoSegment> segments) =>
        Contains(offsetBytes, TotalBytes(segments)) ? Inner.Read(startBytes + offsetBytes, segments) : Errno.EINVAL;

    public override Errno Write(long offsetBytes, ReadOnlySpan<IoSegment> segments) =>
        Contains(offsetBytes, TotalBytes(segments)) ? Inner.Write(startBytes + offsetBytes, segments) : Errno.EINVAL;

    public override Errno Discard(long offsetBytes, long lengthBytes) =>
        Contains(offsetBytes, lengthBytes) ? Inner.Discard(startBytes + offsetBytes, lengthBytes) : Errno.EINVAL;

    public override Errno Resize(long sizeBytes) => sizeBytes < 0 ? Errno.EINVAL : Inner.Resize(startBytes + sizeBytes);
}
