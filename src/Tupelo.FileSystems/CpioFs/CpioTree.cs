// The tree of a cpio archive. Members of the 070702 kind carry the sum of their bytes: it is checked when a file is first opened, so that
// mounting reads no data and no program reads wrong data.
using System.Buffers;
using System.Collections.Concurrent;
using Tupelo.Block;

namespace Tupelo.FileSystems;

internal sealed class CpioTree(PackedTreeBuilder builder, BlockDevice source, Dictionary<int, uint> checksums)
    : PackedTree(builder, source, CpioFormat.StatFsMagic)
{
    private const int ChunkBytes = 128 * 1024;

    private readonly ConcurrentDictionary<int, uint> _unchecked = new(checksums);

    public override Errno Open(int node)
    {
        if (_unchecked.IsEmpty || !_unchecked.TryGetValue(node, out uint expected))
        {
            return Errno.None;
        }
        Errno errno = Sum(node, out uint found);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (found != expected)
        {
            return Errno.EUCLEAN;
        }
        _ = _unchecked.TryRemove(node, out _);
        return Errno.None;
    }

    private Errno Sum(int node, out uint sum)
    {
        sum = 0;
        (long sizeBytes, long offset) = ContentOf(node);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        Errno errno = Errno.None;
        for (long end = offset + sizeBytes; offset < end && errno == Errno.None;)
        {
            Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(ChunkBytes, end - offset));
            errno = Source.Read(offset, chunk);
            foreach (byte b in chunk)
            {
                sum += b;
            }
            offset += chunk.Length;
        }
        ArrayPool<byte>.Shared.Return(buffer);
        return errno;
    }
}
