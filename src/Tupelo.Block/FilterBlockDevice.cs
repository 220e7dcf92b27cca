// A FilterBlockDevice stands in front of another device and passes everything on: the base of the devices that change one thing
// only (a window, injected faults, counting). Name, geometry and limits are those of the device behind.
namespace Tupelo.Block;

/// <summary>Passes every call on to <see cref="Inner"/>.</summary>
/// <param name="inner">The device behind.</param>
/// <param name="ownsInner">True when disposing this device disposes <paramref name="inner"/> too.</param>
public abstract class FilterBlockDevice(BlockDevice inner, bool ownsInner) : BlockDevice
{
    /// <summary>The device behind.</summary>
    public BlockDevice Inner { get; } = inner ?? throw new ArgumentNullException(nameof(inner));

    public override long SizeBytes => Inner.SizeBytes;

    public override int SectorBytes => Inner.SectorBytes;

    public override bool RequiresAlignment => Inner.RequiresAlignment;

    public override bool IsReadOnly => Inner.IsReadOnly;

    public override string Name => Inner.Name;

    public override Errno Read(long offsetBytes, Span<byte> buffer) => Inner.Read(offsetBytes, buffer);

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer) => Inner.Write(offsetBytes, buffer);

    public override Errno Read(long offsetBytes, ReadOnlySpan<IoSegment> segments) => Inner.Read(offsetBytes, segments);

    public override Errno Write(long offsetBytes, ReadOnlySpan<IoSegment> segments) => Inner.Write(offsetBytes, segments);

    public override Errno Flush() => Inner.Flush();

    public override Errno Discard(long offsetBytes, long lengthBytes) => Inner.Discard(offsetBytes, lengthBytes);

    public override Errno Resize(long sizeBytes) => Inner.Resize(sizeBytes);

    protected override void Dispose(bool disposing)
    {
        if (disposing && ownsInner)
        {
            Inner.Dispose();
        }
        base.Dispose(disposing);
    }
}
