// The commit record as docs/tfs-format.md describes it, made a second time: 20 bytes, little endian:
// u64 sequence, u32 records, u32 their bytes, u32 CRC-32C of these records' bytes and of the 16 bytes before.
using System.Buffers.Binary;

namespace Tupelo.Testing.Images;

/// <summary>What one commit record must say about the records before it.</summary>
public sealed class IndependentCommit
{
    public const string Attribute = "tupelo_commit";
    public const int ValueBytes = 20;

    private static readonly uint[] Table = MakeTable();
    private uint _crc = uint.MaxValue;
    private uint _records;
    private uint _bytes;

    /// <summary>Length of the longest record so far.</summary>
    public int LongestRecord { get; private set; }

    /// <summary>Bytes of all records so far.</summary>
    public uint LengthBytes => _bytes;

    public void Add(ReadOnlySpan<byte> record)
    {
        LongestRecord = Math.Max(LongestRecord, record.Length);
        _crc = Feed(_crc, record);
        _records++;
        _bytes += (uint)record.Length;
    }

    public byte[] Value(ulong sequence)
    {
        byte[] value = new byte[ValueBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(value, sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(8), _records);
        BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(12), _bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(16), ~Feed(_crc, value.AsSpan(0, 16)));
        return value;
    }

    /// <summary>CRC-32C (Castagnoli, reflected) of some bytes.</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes) => ~Feed(uint.MaxValue, bytes);

    private static uint Feed(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            crc = Table[(crc ^ value) & 0xff] ^ (crc >> 8);
        }
        return crc;
    }

    private static uint[] MakeTable()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint crc = i;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
            }
            table[i] = crc;
        }
        return table;
    }
}
