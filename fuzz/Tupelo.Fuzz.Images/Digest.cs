namespace Tupelo.Fuzz.Images;

/// <summary>Condenses everything that a reader said into 64 bits, to see whether it says the same twice.</summary>
public struct Digest
{
    private ulong _value;

    public readonly ulong Value => _value;

    public void Add(ulong value)
    {
        _value = (_value ^ value) * 0x9e3779b97f4a7c15;
        _value ^= _value >> 29;
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Add((ulong)bytes.Length);
        while (bytes.Length >= 8)
        {
            Add(System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }
        ulong rest = 0;
        foreach (byte value in bytes)
        {
            rest = (rest << 8) | value;
        }
        Add(rest);
    }

    public void Add(string text) => Add(System.Runtime.InteropServices.MemoryMarshal.AsBytes(text.AsSpan()));
}
