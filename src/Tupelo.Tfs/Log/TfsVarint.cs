using System.Numerics;

namespace Tupelo.Tfs;

/// <summary>Unsigned integers, seven bits a byte, most significant group first; every byte but the last has bit 7 set.</summary>
internal static class TfsVarint
{
    /// <summary>Most bytes of one number.</summary>
    public const int MaxBytes = 10;

    /// <summary>Reads a number. False when it is cut off, longer than ten bytes, or does not fit 64 bits.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out ulong value, out int length)
    {
        value = 0;
        for (length = 0; length < source.Length && length < MaxBytes;)
        {
            if (value >> 57 != 0)
            {
                return false;
            }
            byte next = source[length++];
            value = (value << 7) | (next & 0x7Fu);
            if (next < 0x80)
            {
                return true;
            }
        }
        return false;
    }

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
