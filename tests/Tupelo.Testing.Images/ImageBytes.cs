namespace Tupelo.Testing.Images;

/// <summary>Fills the buffer with the bytes from an offset; the range lies inside of the source.</summary>
public delegate void ByteReader(long offsetBytes, Span<byte> buffer);

/// <summary>Bytes to read an image from: an array, a window of another source, or whatever a delegate reaches.</summary>
public sealed class ImageBytes
{
    private readonly ByteReader _read;

    public ImageBytes(long lengthBytes, ByteReader read)
    {
        LengthBytes = lengthBytes;
        _read = read;
    }

    public ImageBytes(byte[] bytes)
        : this(bytes.Length, (offset, buffer) => bytes.AsSpan(checked((int)offset), buffer.Length).CopyTo(buffer))
    {
    }

    public long LengthBytes { get; }

    /// <summary>Fills the buffer; a range that leaves the source is damage in the image.</summary>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        if (offsetBytes < 0 || offsetBytes > LengthBytes || buffer.Length > LengthBytes - offsetBytes)
        {
            throw new DamagedImageException($"bytes {offsetBytes}..+{buffer.Length} are outside of an image of {LengthBytes}");
        }
        _read(offsetBytes, buffer);
    }

    /// <summary>A part of this source as a source of its own.</summary>
    public ImageBytes Window(long offsetBytes, long lengthBytes)
    {
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > LengthBytes || lengthBytes > LengthBytes - offsetBytes)
        {
            throw new DamagedImageException($"the window {offsetBytes}..+{lengthBytes} is outside of an image of {LengthBytes}");
        }
        return new ImageBytes(lengthBytes, (offset, buffer) => Read(offsetBytes + offset, buffer));
    }
}

/// <summary>The image is not what the format says; the message says where.</summary>
public sealed class DamagedImageException(string message) : Exception(message);
