// A device over a CopyOnWriteImage that records nothing: for looking at crash states, one thread at a time.
using Tupelo.Block;

namespace Tupelo.Fuzz.Crash;

internal sealed class ImageBlockDevice(CopyOnWriteImage image, bool readOnly = false) : BlockDevice
{
    /// <summary>Writes so far.</summary>
    public long WriteCount { get; private set; }

    public override long SizeBytes => image.SizeBytes;

    public override int SectorBytes => 512;

    public override bool IsReadOnly => readOnly;

    public override string Name => "crash state";

    public override Errno Read(long offsetBytes, Span<byte> buffer)
    {
        if (!Contains(offsetBytes, buffer.Length))
        {
            return Errno.EINVAL;
        }
        image.Read(offsetBytes, buffer);
        return Errno.None;
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        if (!Contains(offsetBytes, buffer.Length))
        {
            return Errno.EINVAL;
        }
        WriteCount++;
        image.Write(offsetBytes, buffer);
        return Errno.None;
    }

    public override Errno Flush() => Errno.None;

    public override Errno Discard(long offsetBytes, long lengthBytes)
    {
        if (!Contains(offsetBytes, lengthBytes))
        {
            return Errno.EINVAL;
        }
        WriteCount++;
        image.Zero(offsetBytes, lengthBytes);
        return Errno.None;
    }

    public override Errno Resize(long sizeBytes)
    {
        WriteCount++;
        image.Resize(sizeBytes);
        return Errno.None;
    }
}
