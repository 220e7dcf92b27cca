using Tupelo.Block;

namespace Tupelo.Fuzz.Images;

/// <summary>A read-only device over an array that remembers whether anybody asked for bytes beyond it.</summary>
public sealed class ArrayBlockDevice(byte[] bytes) : BlockDevice
{
    public override long SizeBytes => bytes.Length;

    public override bool IsReadOnly => true;

    public override string Name => "fuzz";

    /// <summary>The first read that left the device: a check that a reader does not make.</summary>
    public string? Outside { get; private set; }

    public override Errno Read(long offsetBytes, Span<byte> buffer)
    {
        if (!Contains(offsetBytes, buffer.Length))
        {
            Outside ??= $"{buffer.Length} bytes at {offsetBytes} of a device of {bytes.Length}";
            return Errno.EINVAL;
        }
        bytes.AsSpan((int)offsetBytes, buffer.Length).CopyTo(buffer);
        return Errno.None;
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer) => Errno.EROFS;

    public override Errno Flush() => Errno.None;
}
