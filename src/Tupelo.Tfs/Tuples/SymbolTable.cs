// SymbolTable interns attribute names (file names among them): equal names have one number. Numbers start at 1 and never change while
// their name is in use; a collection (TupleCollector) gives back those that are not, and they are given out again.
// Open addressing over the numbers; names themselves lie in the blob that the tuple store's strings share. A slot holds a number and, in
// its upper four bits, a piece of the name's hash: of the neighbours that a probe meets, one in sixteen has to be compared, and each
// comparison is a cache miss or two. The hash is seeded per process, so that an image cannot be made to collide.
using System.Buffers.Binary;
using System.Collections;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Tupelo.Tfs;

internal sealed class SymbolTable
{
    private static readonly ulong Seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8)) | 1;

    private readonly ByteBlob _blob;
    private readonly ChunkedArray<uint> _positions = new();
    private const int TagShift = 28;
    private const uint NumberMask = (1u << TagShift) - 1;

    private readonly Stack<int> _free = new();
    private uint[] _slots = new uint[64];
    private BitArray? _marks; // while a collection is under way: symbols that are in use

    public SymbolTable(ByteBlob blob)
    {
        _blob = blob;
        _ = _positions.Add(0); // number 0 is no symbol
    }

    /// <summary>Highest number given so far.</summary>
    public int Count => _positions.Count - 1;

    /// <summary>The name of symbol <paramref name="symbol"/>.</summary>
    public ReadOnlySpan<byte> NameOf(int symbol) => _blob[_positions[symbol]];

    /// <summary>The number of <paramref name="name"/>, or 0 when nothing has that name.</summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        uint hash = Hash(name);
        return (int)(_slots[Probe(name, hash)] & NumberMask);
    }

    /// <summary>The number of <paramref name="name"/>, new when it was not there.</summary>
    /// <exception cref="TfsFormatException">More than 2^28 - 1 distinct names.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Intern(ReadOnlySpan<byte> name)
    {
        uint hash = Hash(name);
        uint slot = Probe(name, hash);
        if (_slots[slot] != 0)
        {
            Mark((int)(_slots[slot] & NumberMask));
            return (int)(_slots[slot] & NumberMask);
        }
        if (Count == TupleStore.MaxSymbol && _free.Count == 0)
        {
            throw new TfsFormatException("the volume holds too many distinct names", Errno.EFBIG, -1);
        }
        if (_free.TryPop(out int symbol))
        {
            _positions[symbol] = _blob.Add(name);
            Mark(symbol);
        }
        else
        {
            symbol = _positions.Add(_blob.Add(name));
        }
        _slots[slot] = (uint)symbol | (hash & ~NumberMask);
        if (InUse > (_slots.Length >> 2) * 3)
        {
            Grow();
        }
        return symbol;
    }

    /// <summary>Numbers that have a name.</summary>
    public int InUse => Count - _free.Count;

    /// <summary>Begins to note which symbols are in use: those that <see cref="Mark"/> and <see cref="Intern"/> are called for.</summary>
    public void BeginMarking() => _marks = new BitArray(Count + 1);

    /// <summary>The symbol is in use.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Mark(int symbol)
    {
        if (_marks is not null && symbol < _marks.Length)
        {
            _marks[symbol] = true;
        }
    }

    /// <summary>False for a symbol that was there when marking began, has a name, and has not been marked.</summary>
    public bool IsMarked(int symbol) => _marks is null || symbol >= _marks.Length || _marks[symbol] || _positions[symbol] == 0;

    /// <summary>Ends the noting.</summary>
    public void EndMarking() => _marks = null;

    /// <summary>Gives a symbol back: its number will be another's.</summary>
    public void Free(int symbol)
    {
        ReadOnlySpan<byte> name = NameOf(symbol);
        uint hole = Probe(name, Hash(name));
        uint mask = (uint)_slots.Length - 1;
        // Those behind it that would not be found across the hole move up.
        for (uint slot = (hole + 1) & mask; _slots[slot] != 0; slot = (slot + 1) & mask)
        {
            uint home = Hash(NameOf((int)(_slots[slot] & NumberMask))) & mask;
            if (((slot - home) & mask) >= ((slot - hole) & mask))
            {
                _slots[hole] = _slots[slot];
                hole = slot;
            }
        }
        _slots[hole] = 0;
        _blob.Free(_positions[symbol]);
        _positions[symbol] = 0;
        _free.Push(symbol);
    }

    // The slot that has the name, or the empty one where it belongs.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private uint Probe(ReadOnlySpan<byte> name, uint hash)
    {
        uint mask = (uint)_slots.Length - 1;
        uint slot = hash & mask;
        while (true)
        {
            uint entry = _slots[slot];
            if (entry == 0 || (((entry ^ hash) & ~NumberMask) == 0 && NameOf((int)(entry & NumberMask)).SequenceEqual(name)))
            {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Grow()
    {
        uint[] slots = new uint[_slots.Length * 2];
        uint mask = (uint)slots.Length - 1;
        for (int symbol = 1; symbol <= Count; symbol++)
        {
            if (_positions[symbol] == 0)
            {
                continue;
            }
            uint hash = Hash(NameOf(symbol));
            uint slot = hash & mask;
            while (slots[slot] != 0)
            {
                slot = (slot + 1) & mask;
            }
            slots[slot] = (uint)symbol | (hash & ~NumberMask);
        }
        _slots = slots;
    }

    // The low bits choose the slot, the upper four are the tag: a table of more than 2^28 slots would mix them, which costs nothing but tags.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Hash(ReadOnlySpan<byte> name)
    {
        ulong hash = Seed ^ (uint)name.Length;
        while (name.Length >= 8)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(name));
            name = name[8..];
        }
        ulong tail = 0;
        for (int i = 0; i < name.Length; i++)
        {
            tail |= (ulong)name[i] << (8 * i);
        }
        hash = Mix(hash ^ tail);
        return (uint)(hash >> 32);
    }

    // One 64 x 64 -> 128 bit multiplication, folded: every input bit reaches every output bit, and the key is secret.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value ^ Seed, 0x9E3779B97F4A7C15UL ^ BitOperations.RotateLeft(Seed, 29), out ulong low);
        return high ^ low;
    }
}
