using System.Numerics;

namespace Tupelo.Tfs.Writing;

/// <summary>Base-128 numbers, most significant group first, every byte but the last with bit 7 set. docs/tfs-format.md#varint</summary>
internal static class TfsVarInt
{
    /// <summary>Length of the longest one.</summary>
    public const int MaxBytes = 10;

    /// <summary>Bytes that <paramref name="value"/> takes.</summary>
    public static int LengthOf(ulong value) => (64 - BitOperations.LeadingZeroCount(value | 1) + 6) / 7;

    /// <summary>Writes <paramref name="value"/> in its shortest form.</summary>
    /// <returns>The number of bytes written.</returns>
    public static int Write(Span<byte> to, ulong value)
    {
        int length = LengthOf(value);
        for (int i = length - 1; i >= 0; i--)
        {
            to[i] = (byte)((value & 0x7F) | (i < length - 1 ? 0x80u : 0));
            value >>= 7;
        }
        return length;
    }
}
