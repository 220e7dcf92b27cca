// A window that slides forward over one log extension: the reader asks for the bytes at a position, the window fetches what is
// missing. A small log in a large extension costs one small read; an extension is never held whole unless one record fills it.
using System.Buffers;

namespace Tupelo.Tfs;

internal sealed class ExtensionWindow(BlockDevice device) : IDisposable
{
    private const int FirstReadBytes = 64 << 10;
    private const int ReadBytes = 1 << 20;

    private byte[] _buffer = [];
    private long _base;          // position in the extension of _buffer[0]
    private int _filled;
    private long _startBytes;

    /// <summary>Length of the extension in bytes.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>Starts over at another extension.</summary>
    public void Open(long startBytes, long lengthBytes)
    {
        _startBytes = startBytes;
        LengthBytes = lengthBytes;
        _base = 0;
        _filled = 0;
    }

    /// <summary>The bytes from <paramref name="position"/> on: <paramref name="length"/> of them, or fewer where the extension ends.
    /// Positions of successive calls do not go back. Valid until the next call.</summary>
    /// <exception cref="TfsFormatException">The device failed.</exception>
    public ReadOnlySpan<byte> At(long position, int length)
    {
        length = (int)Math.Min(length, LengthBytes - position);
        int start = (int)(position - _base);
        if (start + length > _filled)
        {
            Fetch(position, length);
            start = (int)(position - _base);
        }
        return _buffer.AsSpan(start, length);
    }

    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    private void Fetch(long position, int length)
    {
        // Keep what is there from the position on, then read whole sectors behind it.
        int keepFrom = (int)Math.Min(position - _base, _filled);
        int kept = _filled - keepFrom;
        int wanted = Math.Max(length, _base + _filled == 0 ? FirstReadBytes : ReadBytes);
        wanted = (int)Math.Min((wanted + TfsFormat.SectorBytes - 1L) / TfsFormat.SectorBytes * TfsFormat.SectorBytes, LengthBytes - position);
        if (_buffer.Length < wanted)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(wanted);
            _buffer.AsSpan(keepFrom, kept).CopyTo(larger);
            Dispose();
            _buffer = larger;
        }
        else
        {
            _buffer.AsSpan(keepFrom, kept).CopyTo(_buffer);
        }
        _base = position;
        _filled = kept;
        long from = _startBytes + _base + _filled;
        Errno errno = device.Read(from, _buffer.AsSpan(_filled, wanted - _filled));
        if (errno != Errno.None)
        {
            throw new TfsFormatException($"the log cannot be read: {errno.Describe()}", errno, from);
        }
        _filled = wanted;
    }
}
