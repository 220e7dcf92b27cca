// The data that workloads write: each eight bytes say which file they were written to, by which step, and where. So a byte that
// belongs to another file, to an older version or to another place is seen, and said to be so.
using System.Buffers.Binary;
using System.Globalization;

namespace Tupelo.Fuzz.Crash;

internal static class Stamp
{
    /// <summary>Fills <paramref name="target"/>, which lies at <paramref name="offsetBytes"/> in the file.</summary>
    public static void Fill(Span<byte> target, int file, int step, long offsetBytes)
    {
        Span<byte> word = stackalloc byte[8];
        ulong head = ((ulong)(file & 0x7FFF) | 0x8000 | ((ulong)(ushort)step << 16)) << 32;
        int done = 0;
        while (done < target.Length)
        {
            long at = offsetBytes + done;
            ulong value = head | (uint)(at / 8);
            int inWord = (int)(at % 8);
            if (inWord == 0 && target.Length - done >= 8)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(target[done..], value);
                done += 8;
                continue;
            }
            BinaryPrimitives.WriteUInt64LittleEndian(word, value);
            int count = Math.Min(8 - inWord, target.Length - done);
            word.Slice(inWord, count).CopyTo(target[done..]);
            done += count;
        }
    }

    /// <summary>Says whose bytes these eight are.</summary>
    public static string Describe(ReadOnlySpan<byte> word)
    {
        ulong value = word.Length < 8 ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(word);
        return value == 0 ? "zeros" : (value >> 32 & 0x8000) == 0 ? Convert.ToHexString(word)
            : string.Create(CultureInfo.InvariantCulture, $"what step {value >> 48} wrote to file {value >> 32 & 0x7FFF} at {(uint)value * 8L}");
    }
}
