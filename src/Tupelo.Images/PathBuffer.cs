using Tupelo.Tfs;

namespace Tupelo.Images;

/// <summary>The path of the entry at hand, as bytes, for messages and patterns; grows and shrinks by components.</summary>
internal sealed class PathBuffer
{
    private byte[] _bytes = new byte[256];

    /// <summary>Length in bytes; 0 for the root.</summary>
    public int Length { get; private set; }

    /// <summary>The path from the root without a leading slash.</summary>
    public ReadOnlySpan<byte> Relative => Length == 0 ? default : _bytes.AsSpan(1, Length - 1);

    /// <summary>For messages: quoted where it needs to be.</summary>
    public string Text => TfsText.Quote(_bytes.AsSpan(0, Length));

    public void Append(ReadOnlySpan<byte> name)
    {
        int needed = Length + 1 + name.Length;
        if (_bytes.Length < needed)
        {
            Array.Resize(ref _bytes, Math.Max(needed, _bytes.Length * 2));
        }
        _bytes[Length] = (byte)'/';
        name.CopyTo(_bytes.AsSpan(Length + 1));
        Length = needed;
    }

    public void Truncate(int length) => Length = length;
}
