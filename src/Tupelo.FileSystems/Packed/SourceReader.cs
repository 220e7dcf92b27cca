// A SourceReader reads an image from front to back while it is opened: headers one after another, data skipped. It keeps a window
// of the device, so that archives of many small files cost one read per window; skipping outside of it costs nothing.
// One thread. Everything that does not fit the image is an ImageFormatException with its place.
using Tupelo.Block;

namespace Tupelo.FileSystems;

internal sealed class SourceReader(BlockDevice device)
{
    private const int WindowBytes = 64 * 1024;

    private readonly byte[] _window = new byte[WindowBytes];
    private long _windowStart;
    private int _windowLength;

    public long SizeBytes { get; } = device.SizeBytes;

    /// <summary>Where the next byte comes from.</summary>
    public long Position { get; private set; }

    public long Remaining => SizeBytes - Position;

    /// <summary>Fills the whole buffer and moves on.</summary>
    public void Read(Span<byte> buffer, string what)
    {
        if (buffer.Length > Remaining)
        {
            throw new ImageFormatException($"the image ends inside of {what}", Position);
        }
        while (!buffer.IsEmpty)
        {
            ReadOnlySpan<byte> window = Window();
            int count = Math.Min(window.Length, buffer.Length);
            window[..count].CopyTo(buffer);
            buffer = buffer[count..];
            Position += count;
        }
    }

    /// <summary>Moves on without reading.</summary>
    public void Skip(long count, string what)
    {
        if (count < 0 || count > Remaining)
        {
            throw new ImageFormatException($"the image ends inside of {what}", Position);
        }
        Position += count;
    }

    /// <summary>Moves to a place that is inside of the image or its end.</summary>
    public void Seek(long position)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)position, (ulong)SizeBytes, nameof(position));
        Position = position;
    }

    /// <summary>Moves over zero bytes, but no more than <paramref name="limit"/> of them. False when that did not lead to a byte that is not zero.</summary>
    public bool SkipZeros(long limit)
    {
        while (limit > 0 && Remaining > 0)
        {
            ReadOnlySpan<byte> window = Window();
            int zeros = window.IndexOfAnyExcept((byte)0);
            if (zeros >= 0)
            {
                Position += Math.Min(zeros, limit);
                return zeros < limit;
            }
            Position += window.Length;
            limit -= window.Length;
        }
        return false;
    }

    // What is buffered from Position on; at least one byte. Position is before the end.
    private ReadOnlySpan<byte> Window()
    {
        if (Position < _windowStart || Position >= _windowStart + _windowLength)
        {
            int length = (int)Math.Min(WindowBytes, Remaining);
            Errno errno = device.Read(Position, _window.AsSpan(0, length));
            if (errno != Errno.None)
            {
                _windowLength = 0;
                throw new ImageFormatException($"cannot read {device.Name}: {errno.Describe()}", Position, errno);
            }
            _windowStart = Position;
            _windowLength = length;
        }
        return _window.AsSpan((int)(Position - _windowStart), (int)(_windowStart + _windowLength - Position));
    }
}
