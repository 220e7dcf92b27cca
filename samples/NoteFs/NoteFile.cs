// Regular files and symbolic links of NoteFs.
// Invariants of a file: a block that is not there reads as zeros; the bytes of its last block beyond its end are zero, so that growing
// needs no clearing.
// Locks: the core holds the vnode's lock, shared for Read and FindData, exclusive for Write and SetSize.
using Tupelo;
using Tupelo.Vfs;

namespace Notes;

internal sealed class NoteFile(NoteFs fileSystem, in NewVnode make)
    : Vnode(fileSystem, fileSystem.NextIno(), generation: 1, FileType.Regular, rawDevice: 0, make.ToAttributes())
{
    private const int BlockBytes = NoteFs.BlockBytes;

    private readonly NoteFs _owner = fileSystem;
    private readonly SortedList<long, byte[]> _blocks = [];  // Block number -> its bytes; holes are missing.

    // The core has clipped the range to the file's size.
    protected override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer)
    {
        for (int done = 0; done < buffer.Length;)
        {
            Span<byte> piece = buffer[done..];
            int within = Cut(offsetBytes + done, ref piece);
            if (_blocks.TryGetValue((offsetBytes + done) / BlockBytes, out byte[]? block))
            {
                block.AsSpan(within, piece.Length).CopyTo(piece);
            }
            else
            {
                piece.Clear();
            }
            done += piece.Length;
        }
        return IoResult.Bytes(buffer.Length);
    }

    // The core moves the size by what is returned; it also sets the times and takes set-id bits away.
    protected override IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            long number = (offsetBytes + done) / BlockBytes;
            int within = (int)((offsetBytes + done) % BlockBytes);
            ReadOnlySpan<byte> piece = buffer.Slice(done, Math.Min(buffer.Length - done, BlockBytes - within));
            if (!_blocks.TryGetValue(number, out byte[]? block))
            {
                if (!_owner.TryReserveBlock())
                {
                    break;
                }
                block = new byte[BlockBytes];
                _blocks.Add(number, block);
            }
            piece.CopyTo(block.AsSpan(within));
            done += piece.Length;
        }
        CountBlocks();
        return done == 0 ? Errno.ENOSPC : IoResult.Bytes(done);
    }

    protected override Errno SetSize(VfsContext context, long sizeBytes)
    {
        if (sizeBytes < SizeBytes)
        {
            int within = (int)(sizeBytes % BlockBytes);
            if (within != 0 && _blocks.TryGetValue(sizeBytes / BlockBytes, out byte[]? last))
            {
                last.AsSpan(within).Clear();
            }
            Truncate((sizeBytes / BlockBytes) + (within == 0 ? 0 : 1));
        }
        return Errno.None;
    }

    protected override IoResult FindData(VfsContext context, long offsetBytes, bool hole)
    {
        long at = offsetBytes;
        for (int i = IndexOf(offsetBytes / BlockBytes); i < _blocks.Count; i++)
        {
            long start = _blocks.Keys[i] * BlockBytes;
            if (!hole)
            {
                return IoResult.Bytes(Math.Max(at, start));
            }
            if (start > at)
            {
                break; // A gap before this block.
            }
            at = start + BlockBytes;
        }
        // Beyond the last block there are only holes, and the end of the file counts as one.
        return hole ? IoResult.Bytes(Math.Min(at, SizeBytes)) : Errno.ENXIO;
    }

    // The last name and the last open file are gone.
    protected override void Evict() => Truncate(0);

    // Shortens a piece of a buffer to what lies in the block of `offsetBytes`; gives the place in that block.
    private static int Cut(long offsetBytes, ref Span<byte> piece)
    {
        int within = (int)(offsetBytes % BlockBytes);
        piece = piece[..Math.Min(piece.Length, BlockBytes - within)];
        return within;
    }

    // Drops all blocks from number `first` on.
    private void Truncate(long first)
    {
        int count = _blocks.Count;
        while (_blocks.Count > 0 && _blocks.Keys[^1] >= first)
        {
            _blocks.RemoveAt(_blocks.Count - 1);
        }
        _owner.FreeBlocks(count - _blocks.Count);
        CountBlocks();
    }

    // Index of the first block whose number is not below `number`.
    private int IndexOf(long number)
    {
        int low = 0;
        int high = _blocks.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_blocks.Keys[middle] >= number)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        return low;
    }

    private void CountBlocks() => SetBlocks512(_blocks.Count * (BlockBytes / 512L));
}

internal sealed class NoteLink(NoteFs fileSystem, in NewVnode make)
    : Vnode(fileSystem, fileSystem.NextIno(), generation: 1, FileType.Symlink, rawDevice: 0, make.ToAttributes())
{
    private readonly byte[] _target = make.Target.ToArray();

    protected override Errno ReadLink(VfsContext context, out ReadOnlyMemory<byte> target)
    {
        target = _target;
        return Errno.None;
    }
}
