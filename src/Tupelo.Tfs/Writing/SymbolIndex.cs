// The writer's half of the dictionary: from the bytes of a symbol (an attribute's or a file's name) to its dictionary index.
// Every distinct symbol may be written out only once per log, so all names of a volume are in here, and memory matters:
// names lie one after another in an arena (4 bytes index, 1-3 bytes length, the name), and an open hash table of 5 bytes a slot
// points into it (one byte of hash to skip foreign names without touching them, four bytes position). At the load factors below
// that is 12 to 15 bytes a symbol beyond its name.
// The hash is keyed at random, so that nobody can choose names that collide; the key never shows in what is written.
// Not thread-safe: belongs to one encoder.
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Tupelo.Tfs;

internal sealed class SymbolIndex
{
    private const int ChunkShift = 16;
    private const int ChunkBytes = 1 << ChunkShift;
    private const int HeaderBytes = sizeof(uint);

    private readonly List<byte[]> _chunks = [];
    private readonly ulong _key0;
    private readonly ulong _key1;
    private byte[] _tags;       // 0 = free slot
    private uint[] _positions;  // of the entry in the arena
    private int _count;
    private int _limit;
    private int _chunkUsed = ChunkBytes;

    public SymbolIndex()
    {
        Span<byte> key = stackalloc byte[16];
        RandomNumberGenerator.Fill(key);
        _key0 = BinaryPrimitives.ReadUInt64LittleEndian(key);
        _key1 = BinaryPrimitives.ReadUInt64LittleEndian(key[8..]) | 1;
        _tags = [];
        _positions = [];
        Resize(256);
    }

    /// <summary>Number of symbols.</summary>
    public int Count => _count;

    /// <summary>The index of <paramref name="symbol"/>; when it is new, it gets <paramref name="newIndex"/>.</summary>
    /// <param name="added">True when it was new.</param>
    public uint GetOrAdd(ReadOnlySpan<byte> symbol, uint newIndex, out bool added)
    {
        ulong hash = Hash(symbol);
        byte tag = Tag(hash);
        int slot = SlotOf(hash);
        while (_tags[slot] != 0)
        {
            if (_tags[slot] == tag && Entry(_positions[slot], out uint index).SequenceEqual(symbol))
            {
                added = false;
                return index;
            }
            slot = slot + 1 == _tags.Length ? 0 : slot + 1;
        }
        uint position = Store(symbol, newIndex);
        _tags[slot] = tag;
        _positions[slot] = position;
        if (++_count > _limit)
        {
            Resize(checked((int)Math.Min(Array.MaxLength, _tags.Length + ((long)_tags.Length >> 1))));
        }
        added = true;
        return newIndex;
    }

    private ReadOnlySpan<byte> Entry(uint position, out uint index)
    {
        ReadOnlySpan<byte> bytes = _chunks[(int)(position >> ChunkShift)].AsSpan((int)(position & (ChunkBytes - 1)));
        index = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        int length = bytes[HeaderBytes];
        int start = HeaderBytes + 1;
        if (length >= 0x80)
        {
            length = ((length & 0x7F) << 8) | bytes[start++];
        }
        return bytes.Slice(start, length);
    }

    private uint Store(ReadOnlySpan<byte> symbol, uint index)
    {
        if (symbol.Length > TupleEncoder.MaxSymbolBytes)
        {
            throw new ArgumentOutOfRangeException(nameof(symbol), "a symbol is too long");
        }
        int header = HeaderBytes + (symbol.Length >= 0x80 ? 2 : 1);
        if (_chunkUsed + header + symbol.Length > ChunkBytes)
        {
            if (_chunks.Count == 1 << (32 - ChunkShift))
            {
                throw new TfsWriteException("too many names: a volume's names can take up 4 GiB at the most");
            }
            if (_chunks.Count > 0 && _chunkUsed + HeaderBytes <= ChunkBytes)
            {
                _chunks[^1].AsSpan(_chunkUsed, HeaderBytes).Clear(); // index 0 ends a chunk for Resize
            }
            _chunks.Add(GC.AllocateUninitializedArray<byte>(ChunkBytes));
            _chunkUsed = 0;
        }
        uint position = (uint)(((_chunks.Count - 1) << ChunkShift) | _chunkUsed);
        Span<byte> bytes = _chunks[^1].AsSpan(_chunkUsed);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, index);
        if (symbol.Length >= 0x80)
        {
            bytes[HeaderBytes] = (byte)(0x80 | (symbol.Length >> 8));
            bytes[HeaderBytes + 1] = (byte)symbol.Length;
        }
        else
        {
            bytes[HeaderBytes] = (byte)symbol.Length;
        }
        symbol.CopyTo(bytes[header..]);
        _chunkUsed += header + symbol.Length;
        return position;
    }

    // Walks the arena in its own order, which is kinder to the caches than the old slots' order.
    private void Resize(int slots)
    {
        _tags = new byte[slots];
        _positions = GC.AllocateUninitializedArray<uint>(slots);
        _limit = (int)(slots * 3L / 4);
        for (int chunk = 0; chunk < _chunks.Count; chunk++)
        {
            int end = chunk == _chunks.Count - 1 ? _chunkUsed : ChunkBytes;
            int used = 0;
            while (used + HeaderBytes < end)
            {
                uint position = (uint)((chunk << ChunkShift) | used);
                if (BinaryPrimitives.ReadUInt32LittleEndian(_chunks[chunk].AsSpan(used)) == 0)
                {
                    break; // what lies behind was never written, not even as a length
                }
                ReadOnlySpan<byte> symbol = Entry(position, out _);
                ulong hash = Hash(symbol);
                int slot = SlotOf(hash);
                while (_tags[slot] != 0)
                {
                    slot = slot + 1 == slots ? 0 : slot + 1;
                }
                _tags[slot] = Tag(hash);
                _positions[slot] = position;
                used += HeaderBytes + (symbol.Length >= 0x80 ? 2 : 1) + symbol.Length;
            }
        }
    }

    private int SlotOf(ulong hash) => (int)(((hash >> 32) * (ulong)_tags.Length) >> 32);

    private static byte Tag(ulong hash) => (byte)Math.Max(1, hash & 0xFF);

    private ulong Hash(ReadOnlySpan<byte> symbol)
    {
        ulong hash = _key0 ^ ((ulong)symbol.Length * 0x9E3779B97F4A7C15);
        while (symbol.Length >= sizeof(ulong))
        {
            hash = Fold(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(symbol));
            symbol = symbol[sizeof(ulong)..];
        }
        ulong tail = 0;
        foreach (byte one in symbol)
        {
            tail = (tail << 8) | one;
        }
        return Fold(Fold(hash ^ tail) ^ 0xD6E8FEB86659FD93);
    }

    private ulong Fold(ulong value)
    {
        ulong high = Math.BigMul(value, _key1, out ulong low);
        return high ^ low;
    }
}
