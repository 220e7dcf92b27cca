// The commit record: the last record of every commit that Tupelo writes, by which a reader knows that the commit arrived whole.
// It is an ordinary assignment of the attribute tupelo_commit to the root tuple, so Nanos keeps it and takes no notice.
// Writer and reader share this file, so that they cannot disagree. Bytes: docs/tfs-format.md#commit-record
using System.Buffers.Text;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Tupelo.Tfs;

/// <summary>Sequence number, covered length and checksum of one commit.</summary>
/// <param name="Sequence">1 for the first commit of a volume, then one more each time; compaction does not restart it.</param>
/// <param name="LengthBytes">How many bytes of the log, counted back from the first byte of this record's frame, the checksum covers:
/// everything since the last sector of the commit before, extension links and headers included.</param>
/// <param name="Checksum">CRC-32C of the covered bytes and then of the value's own first <see cref="SealedBytes"/> bytes.</param>
public readonly record struct CommitRecord(ulong Sequence, ulong LengthBytes, uint Checksum)
{
    /// <summary>Length of the attribute's value: <c>SSSSSSSSSSSSSSSS:LLLLLLLLLLLLLLLL:CCCCCCCC</c> in lower-case hexadecimal.</summary>
    public const int ValueBytes = 16 + 1 + 16 + 1 + 8;

    /// <summary>The part of the value in front of the checksum, which the checksum covers too.</summary>
    public const int SealedBytes = 16 + 1 + 16 + 1;

    /// <summary>The record for a commit whose covered bytes have the CRC-32C <paramref name="contentCrc"/>
    /// (see <see cref="Extend"/>).</summary>
    public static CommitRecord Seal(ulong sequence, ulong lengthBytes, uint contentCrc) =>
        new(sequence, lengthBytes, ChecksumOf(sequence, lengthBytes, contentCrc));

    /// <summary>Whether this record fits covered bytes with the CRC-32C <paramref name="contentCrc"/>.</summary>
    public bool Matches(uint contentCrc) => Checksum == ChecksumOf(Sequence, LengthBytes, contentCrc);

    /// <summary>Writes the attribute's value into the first <see cref="ValueBytes"/> bytes of <paramref name="value"/>.</summary>
    public void WriteTo(Span<byte> value)
    {
        WriteSealed(Sequence, LengthBytes, value);
        _ = Utf8Formatter.TryFormat(Checksum, value[SealedBytes..], out _, new System.Buffers.StandardFormat('x', 8));
    }

    /// <summary>Reads an attribute value. False when it does not have the exact form; the checksum is not compared here.</summary>
    public static bool TryParse(ReadOnlySpan<byte> value, out CommitRecord record)
    {
        record = default;
        if (value.Length != ValueBytes || value[16] != ':' || value[33] != ':'
            || !TryParseHex(value[..16], out ulong sequence)
            || !TryParseHex(value.Slice(17, 16), out ulong length)
            || !TryParseHex(value.Slice(34, 8), out ulong checksum))
        {
            return false;
        }
        record = new CommitRecord(sequence, length, (uint)checksum);
        return true;
    }

    /// <summary>CRC-32C (Castagnoli) of earlier bytes, whose CRC is <paramref name="crc"/> (0 for none), followed by <paramref name="bytes"/>.</summary>
    public static uint Extend(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word));
        }
        foreach (byte rest in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, rest);
        }
        return ~crc;
    }

    private static uint ChecksumOf(ulong sequence, ulong lengthBytes, uint contentCrc)
    {
        Span<byte> text = stackalloc byte[SealedBytes];
        WriteSealed(sequence, lengthBytes, text);
        return Extend(contentCrc, text);
    }

    private static void WriteSealed(ulong sequence, ulong lengthBytes, Span<byte> value)
    {
        _ = Utf8Formatter.TryFormat(sequence, value, out _, new System.Buffers.StandardFormat('x', 16));
        value[16] = (byte)':';
        _ = Utf8Formatter.TryFormat(lengthBytes, value[17..], out _, new System.Buffers.StandardFormat('x', 16));
        value[33] = (byte)':';
    }

    private static bool TryParseHex(ReadOnlySpan<byte> digits, out ulong value)
    {
        value = 0;
        foreach (byte digit in digits)
        {
            int nibble = digit switch
            {
                >= (byte)'0' and <= (byte)'9' => digit - '0',
                >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
                _ => -1,
            };
            if (nibble < 0)
            {
                return false;
            }
            value = (value << 4) | (uint)nibble;
        }
        return true;
    }
}
