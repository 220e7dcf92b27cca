// How a caller names a file: text or UTF-8, whichever he has. The file layer below knows bytes only.
using System.Text;

namespace Tupelo;

/// <summary>A path: made by itself from a string, from characters, or from UTF-8 bytes ("a/b", span, "a/b"u8). Names are separated by
/// '/'; a path that does not begin with one counts from the root. A backslash is a letter like any other.</summary>
public readonly ref struct VolumePath
{
    private readonly ReadOnlySpan<char> _text;
    private readonly ReadOnlySpan<byte> _utf8;
    private readonly bool _isText;

    /// <param name="text">Characters; invalid surrogates are not possible in a name and give U+FFFD.</param>
    public VolumePath(ReadOnlySpan<char> text)
    {
        _text = text;
        _isText = true;
    }

    /// <param name="utf8">Bytes, taken as they are: names need not be UTF-8.</param>
    public VolumePath(ReadOnlySpan<byte> utf8) => _utf8 = utf8;

    /// <summary>True for "".</summary>
    public bool IsEmpty => _text.IsEmpty && _utf8.IsEmpty;

    public static implicit operator VolumePath(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return new VolumePath(path.AsSpan());
    }

    public static implicit operator VolumePath(ReadOnlySpan<char> path) => new(path);

    public static implicit operator VolumePath(ReadOnlySpan<byte> path) => new(path);

    /// <summary>As text, for messages and for people.</summary>
    public override string ToString() => _isText ? _text.ToString() : Encoding.UTF8.GetString(_utf8);

    /// <summary>The same as a value that lives longer than the call.</summary>
    internal byte[] ToBytes()
    {
        if (!_isText)
        {
            return _utf8.ToArray();
        }
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(_text)];
        _ = Encoding.UTF8.GetBytes(_text, bytes);
        return bytes;
    }

    /// <summary>As bytes, in <paramref name="room"/> where they fit.</summary>
    internal ReadOnlySpan<byte> Encode(Span<byte> room)
    {
        if (!_isText)
        {
            return _utf8;
        }
        return Encoding.UTF8.TryGetBytes(_text, room, out int written) ? room[..written] : ToBytes();
    }
}
