// ByteBlob keeps many small byte strings side by side: names and string values. A string is found by its position, four bytes;
// its length is stored in front of it. Nothing is ever moved; the place of a string that was given back goes to the next one of the same
// length, and names and values of a volume in use nearly always find one.
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Tupelo.Tfs;

internal sealed class ByteBlob
{
    private const int ChunkShift = 20;
    private const int ChunkBytes = 1 << ChunkShift;
    private const int MaxChunks = 1 << (32 - ChunkShift);

    private readonly List<byte[]> _chunks = [];
    private readonly Dictionary<int, Stack<uint>> _free = []; // by length
    private int _used;

    /// <summary>Stores a copy; returns its position, never 0.</summary>
    /// <exception cref="TfsFormatException">More than 4 GiB of names and strings.</exception>
    public uint Add(ReadOnlySpan<byte> value)
    {
        if (_free.Count > 0 && _free.TryGetValue(value.Length, out Stack<uint>? free) && free.TryPop(out uint reused))
        {
            value.CopyTo(Writable(reused));
            return reused;
        }
        int prefix = PrefixBytes(value.Length);
        int needed = prefix + value.Length;
        if (_chunks.Count == 0 || needed > _chunks[^1].Length - _used || _used >= ChunkBytes)
        {
            if (_chunks.Count == MaxChunks)
            {
                throw new TfsFormatException("the volume holds more than 4 GiB of names and strings", Errno.EFBIG, -1);
            }
            // 16 KiB, 64 KiB, 256 KiB, then 1 MiB each: a small volume stays small. A long string gets a chunk of its own.
            int length = _chunks.Count < 3 ? 1 << (14 + (2 * _chunks.Count)) : ChunkBytes;
            _chunks.Add(GC.AllocateUninitializedArray<byte>(Math.Max(length, needed + 1)));
            _used = _chunks.Count == 1 ? 1 : 0; // position 0 means "none"
        }
        byte[] chunk = _chunks[^1];
        uint position = ((uint)(_chunks.Count - 1) << ChunkShift) | (uint)_used;
        WritePrefix(chunk.AsSpan(_used), value.Length, prefix);
        value.CopyTo(chunk.AsSpan(_used + prefix));
        _used += needed;
        return position;
    }

    /// <summary>The string at <paramref name="position"/>; valid until it is given back.</summary>
    public ReadOnlySpan<byte> this[uint position]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Writable(position);
    }

    /// <summary>Bytes taken, free ones included.</summary>
    public long Bytes
    {
        get
        {
            long bytes = _used;
            for (int i = 0; i < _chunks.Count - 1; i++)
            {
                bytes += _chunks[i].Length;
            }
            return bytes;
        }
    }

    /// <summary>Gives a string back. Nobody may refer to it any more.</summary>
    public void Free(uint position)
    {
        int length = Writable(position).Length;
        if (!_free.TryGetValue(length, out Stack<uint>? free))
        {
            _free.Add(length, free = new Stack<uint>());
        }
        free.Push(position);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<byte> Writable(uint position)
    {
        byte[] chunk = _chunks[(int)(position >> ChunkShift)];
        int offset = (int)(position & (ChunkBytes - 1));
        int length = chunk[offset++];
        if (length >= 0x80)
        {
            length &= 0x7F;
            byte next;
            do
            {
                next = chunk[offset++];
                length = (length << 7) | (next & 0x7F);
            }
            while (next >= 0x80);
        }
        return chunk.AsSpan(offset, length);
    }

    private static int PrefixBytes(int length) => Math.Max(1, (38 - BitOperations.LeadingZeroCount((uint)length)) / 7);

    private static void WritePrefix(Span<byte> target, int length, int prefix)
    {
        for (int i = prefix - 1; i >= 0; i--)
        {
            target[i] = (byte)((length & 0x7F) | (i == prefix - 1 ? 0 : 0x80));
            length >>= 7;
        }
    }
}
