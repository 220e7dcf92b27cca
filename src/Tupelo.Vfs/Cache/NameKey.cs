// A NameKey is one path component made ready for the dentry cache: its first 16 bytes as two words, its length and its hash.
// Most names fit the two words, so that comparing them needs no second memory access.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace Tupelo.Vfs;

internal readonly ref struct NameKey
{
    internal const int InlineBytes = 16;

    // Keyed per process, so that nobody can choose names that collide.
    private static readonly ulong s_seed0 = RandomSeed();
    private static readonly ulong s_seed1 = RandomSeed();

    internal readonly ReadOnlySpan<byte> Bytes;
    internal readonly ulong Word0;
    internal readonly ulong Word1;
    internal readonly uint Hash;

    internal NameKey(ReadOnlySpan<byte> name)
    {
        Bytes = name;
        ulong word0 = 0;
        ulong word1 = 0;
        if (name.Length >= 8)
        {
            word0 = BinaryPrimitives.ReadUInt64LittleEndian(name);
            if (name.Length >= InlineBytes)
            {
                word1 = BinaryPrimitives.ReadUInt64LittleEndian(name[8..]);
            }
            else if (name.Length > 8)
            {
                // The last eight bytes, moved so that only those after the first word remain.
                word1 = BinaryPrimitives.ReadUInt64LittleEndian(name[^8..]) >> ((InlineBytes - name.Length) * 8);
            }
        }
        else
        {
            for (int i = name.Length - 1; i >= 0; i--)
            {
                word0 = (word0 << 8) | name[i];
            }
        }
        Word0 = word0;
        Word1 = word1;
        Hash = HashOf(name, word0, word1);
    }

    private NameKey(ReadOnlySpan<byte> name, ulong word0, ulong word1)
    {
        Bytes = name;
        Word0 = word0;
        Word1 = word1;
        Hash = HashOf(name, word0, word1);
    }

    internal int Length => Bytes.Length;

    // Cuts the first component off a path that does not begin with '/'. The path is not empty.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static NameKey TakeComponent(scoped ref ReadOnlySpan<byte> path)
    {
        if (path.Length > InlineBytes && BitConverter.IsLittleEndian)
        {
            Vector128<byte> head = Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(path));
            uint slashes = Vector128.Equals(head, Vector128.Create((byte)'/')).ExtractMostSignificantBits();
            if (slashes != 0)
            {
                int length = System.Numerics.BitOperations.TrailingZeroCount(slashes);
                ReadOnlySpan<byte> name = path[..length];
                path = path[length..];
                ulong word0 = head.AsUInt64().ToScalar();
                ulong word1 = head.AsUInt64().GetElement(1);
                return length <= 8
                    ? new NameKey(name, length == 8 ? word0 : word0 & ((1ul << (length * 8)) - 1), 0)
                    : new NameKey(name, word0, word1 & ((1ul << ((length - 8) * 8)) - 1));
            }
        }
        return TakeComponentSlow(ref path);
    }

    private static NameKey TakeComponentSlow(scoped ref ReadOnlySpan<byte> path)
    {
        int length = path.IndexOf((byte)'/');
        if (length < 0)
        {
            length = path.Length;
        }
        ReadOnlySpan<byte> name = path[..length];
        path = path[length..];
        return new NameKey(name);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint HashOf(ReadOnlySpan<byte> name, ulong word0, ulong word1)
    {
        ulong high = Math.BigMul(word0 ^ s_seed0, word1 ^ s_seed1 ^ (ulong)name.Length, out ulong low);
        ulong hash = high ^ low;
        return name.Length <= InlineBytes ? (uint)(hash ^ (hash >> 32)) : HashTail(name, hash);
    }

    private static uint HashTail(ReadOnlySpan<byte> name, ulong hash)
    {
        for (int i = InlineBytes; i < name.Length; i += 8)
        {
            ulong word = i + 8 <= name.Length
                ? BinaryPrimitives.ReadUInt64LittleEndian(name[i..])
                : BinaryPrimitives.ReadUInt64LittleEndian(name[^8..]);
            ulong high = Math.BigMul(word ^ s_seed1, hash ^ s_seed0, out ulong low);
            hash = high ^ low;
        }
        return (uint)(hash ^ (hash >> 32));
    }

    private static ulong RandomSeed()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes) | 1;
    }
}
