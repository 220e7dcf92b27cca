using System.Buffers.Binary;
using System.Numerics;

namespace Tupelo.Tfs;

/// <summary>CRC-32C (Castagnoli), by the processor's instruction where it has one.</summary>
public static class Crc32C
{
    /// <summary>The checksum of earlier bytes, whose checksum is <paramref name="crc"/> (0 for none), followed by <paramref name="bytes"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        foreach (byte value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }
        return ~crc;
    }
}
