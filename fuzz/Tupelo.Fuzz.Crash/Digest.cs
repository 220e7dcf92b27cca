// A 128-bit digest of numbers and bytes, for comparing trees and contents by the million: two lanes of multiply-and-fold. Not against
// an adversary; two different inputs agree with a probability of about 2^-120.
using System.Buffers.Binary;

namespace Tupelo.Fuzz.Crash;

internal struct Digest
{
    private ulong _a;
    private ulong _b;

    public Digest(ulong seed)
    {
        _a = 0xA0761D6478BD642F ^ seed;
        _b = 0xE7037ED1A0B428DB + seed;
    }

    public readonly UInt128 Value => new(Fold(_a, 0x1D8E4E27C47D124F ^ _b), Fold(_b, 0xEB44ACCAB455D165 ^ _a));

    public static UInt128 Of(ReadOnlySpan<byte> bytes)
    {
        var digest = new Digest(0);
        digest.Add(bytes);
        return digest.Value;
    }

    public void Add(ulong number)
    {
        _a = Fold(_a ^ number, 0x8EBC6AF09C88C6E3 ^ _b);
        _b = Fold(_b ^ number, 0x589965CC75374CC3 + _a) + 1;
    }

    public void Add(UInt128 number)
    {
        Add((ulong)number);
        Add((ulong)(number >> 64));
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Add((ulong)bytes.Length);
        ulong a = _a;
        ulong b = _b;
        for (; bytes.Length >= 16; bytes = bytes[16..])
        {
            ulong x = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            ulong y = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
            a = Fold(a ^ x, 0x8EBC6AF09C88C6E3 ^ y);
            b = Fold(b ^ y, 0x589965CC75374CC3 ^ x) + 1;
        }
        (_a, _b) = (a, b);
        while (!bytes.IsEmpty)
        {
            ulong word = 0;
            int count = Math.Min(8, bytes.Length);
            for (int i = 0; i < count; i++)
            {
                word |= (ulong)bytes[i] << (8 * i);
            }
            Add(word);
            bytes = bytes[count..];
        }
    }

    private static ulong Fold(ulong x, ulong y)
    {
        ulong high = Math.BigMul(x, y, out ulong low);
        return high ^ low;
    }
}
