// An array that grows without copying what it holds: chunks of 4,096 elements, the first one growing by doubling so that a small
// volume stays small. Elements never move once their chunk is full-sized; indexes are stable.
using System.Runtime.CompilerServices;

namespace Tupelo.Tfs;

internal sealed class ChunkedArray<T>
    where T : unmanaged
{
    private const int ChunkShift = 12;
    private const int ChunkLength = 1 << ChunkShift;
    private const int FirstLength = 64;

    private T[][] _chunks = new T[4][];
    private int _chunkCount;

    public int Count { get; private set; }

    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _chunks[index >> ChunkShift][index & (ChunkLength - 1)];
    }

    /// <summary>Adds one element and returns its index.</summary>
    public int Add(T value)
    {
        int index = Count;
        int chunk = index >> ChunkShift;
        if (chunk < _chunkCount && (index & (ChunkLength - 1)) < _chunks[chunk].Length)
        {
            Count = index + 1;
        }
        else
        {
            _ = AddRun(1);
        }
        this[index] = value;
        return index;
    }

    /// <summary>Adds <paramref name="length"/> zeroed elements (at most a chunk's worth) that lie side by side; returns the first one's index.</summary>
    public int AddRun(int length)
    {
        int start = Count;
        int room = ChunkLength - (start & (ChunkLength - 1));
        if (length > room)
        {
            start += room; // the rest of this chunk stays unused: at most 15 elements of 4,096
        }
        int end = checked(start + length);
        int chunk = (end - 1) >> ChunkShift;
        if (length > 0)
        {
            EnsureChunk(chunk, ((end - 1) & (ChunkLength - 1)) + 1);
        }
        Count = end;
        return start;
    }

    /// <summary>The <paramref name="length"/> elements from <paramref name="start"/> on, which one AddRun gave.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<T> Run(int start, int length) => length == 0 ? [] : _chunks[start >> ChunkShift].AsSpan(start & (ChunkLength - 1), length);

    private void EnsureChunk(int chunk, int needed)
    {
        if (chunk >= _chunks.Length)
        {
            Array.Resize(ref _chunks, Math.Max(chunk + 1, _chunks.Length * 2));
        }
        if (chunk == 0 && needed <= ChunkLength)
        {
            int have = _chunks[0]?.Length ?? 0;
            if (have < needed)
            {
                int length = Math.Max(have, FirstLength);
                while (length < needed)
                {
                    length *= 2;
                }
                Array.Resize(ref _chunks[0], length);
            }
            _chunkCount = Math.Max(_chunkCount, 1);
            return;
        }
        if (_chunkCount > 0 && _chunks[0].Length < ChunkLength)
        {
            Array.Resize(ref _chunks[0], ChunkLength);
        }
        while (_chunkCount <= chunk)
        {
            _chunks[_chunkCount++] ??= GC.AllocateArray<T>(ChunkLength, pinned: true); // where the collector does not copy them about
        }
    }
}
