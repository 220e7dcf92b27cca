// A PackedTree is a ReadOnlyTree in arrays: nodes, entries (those of a directory together, sorted by name), names, segments of
// sparse files. The bytes of files stay where they are, in a block device, and are read from there: nothing is ever extracted.
//
// Place: made by PackedTreeBuilder out of what a format's reader found; shown by ReadOnlyFileSystem.
// Lookup is a binary search; an entry's cookie is its place in the directory plus 3, and stable, as nothing changes.
using Tupelo.Block;

namespace Tupelo.FileSystems;

/// <summary>A tree read from an image or archive. Any thread.</summary>
internal class PackedTree : ReadOnlyTree
{
    private const long FirstCookie = 3; // 0, 1 and 2 are the beginning, "." and "..".

    private readonly PackedNode[] _nodes;
    private readonly PackedEntry[] _entries;
    private readonly byte[] _names;                  // A name is one byte of length and its bytes; a target its bytes alone.
    private readonly PackedSegment[] _segments;
    private readonly PackedXattr[][] _xattrs;
    private readonly ulong _magic;

    internal PackedTree(PackedTreeBuilder builder, BlockDevice source, ulong magic)
    {
        (_nodes, _entries, _names, _segments, _xattrs) = builder.Build();
        Source = source;
        _magic = magic;
    }

    public override int NodeCount => _nodes.Length;

    public override bool HasXattrs => true;

    // Where the bytes are; owned.
    protected BlockDevice Source { get; }

    public override FileType TypeOf(int node) => _nodes[node].Type;

    public override ulong RawDeviceOf(int node) =>
        _nodes[node].Type is FileType.CharDevice or FileType.BlockDevice ? (ulong)_nodes[node].Data : 0;

    public override void GetAttributes(int node, out VnodeAttributes attributes)
    {
        ref PackedNode packed = ref _nodes[node];
        attributes = new VnodeAttributes
        {
            Permissions = packed.Mode & Mode.PermissionMask,
            Uid = packed.Uid,
            Gid = packed.Gid,
            LinkCount = packed.LinkCount,
            SizeBytes = packed.SizeBytes,
            Blocks512 = (StoredBytes(packed) + 511) / 512,
            AccessTime = packed.ModifyTime,
            ModifyTime = packed.ModifyTime,
            ChangeTime = packed.ModifyTime,
            BirthTime = packed.ModifyTime,
        };
    }

    public override Errno Find(int directory, ReadOnlySpan<byte> name, out int child)
    {
        ref PackedNode packed = ref _nodes[directory];
        int low = (int)packed.Data;
        int high = low + packed.Count - 1;
        while (low <= high)
        {
            int middle = low + ((high - low) / 2);
            int order = NameAt(_entries[middle].Name).SequenceCompareTo(name);
            if (order == 0)
            {
                child = _entries[middle].Node;
                return Errno.None;
            }
            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }
        child = -1;
        return Errno.ENOENT;
    }

    public override Errno List(int directory, long cookie, ref DirectoryWriter writer)
    {
        ref PackedNode packed = ref _nodes[directory];
        for (long index = cookie < FirstCookie ? 0 : cookie - FirstCookie + 1; index < packed.Count; index++)
        {
            PackedEntry entry = _entries[packed.Data + index];
            if (!writer.Add(NameAt(entry.Name), (ulong)entry.Node + 1, _nodes[entry.Node].Type, index + FirstCookie))
            {
                break;
            }
        }
        return Errno.None;
    }

    public override int ParentOf(int directory) => _nodes[directory].Parent;

    public override Errno ReadLink(int node, out ReadOnlyMemory<byte> target)
    {
        target = _names.AsMemory((int)_nodes[node].Data, (int)_nodes[node].SizeBytes);
        return Errno.None;
    }

    public override IoResult Read(int node, long offsetBytes, Span<byte> buffer)
    {
        ref PackedNode packed = ref _nodes[node];
        if (packed.IsSparse)
        {
            return ReadSparse(SegmentsOf(packed), offsetBytes, buffer);
        }
        Errno errno = Source.Read(packed.Data + offsetBytes, buffer);
        return errno == Errno.None ? IoResult.Bytes(buffer.Length) : errno;
    }

    public override IoResult FindData(int node, long offsetBytes, bool hole)
    {
        ref PackedNode packed = ref _nodes[node];
        if (!packed.IsSparse)
        {
            return base.FindData(node, offsetBytes, hole);
        }
        ReadOnlySpan<PackedSegment> segments = SegmentsOf(packed);
        for (int i = IndexAfter(segments, offsetBytes); i < segments.Length; i++)
        {
            bool inside = segments[i].FileOffset <= offsetBytes;
            if (!hole)
            {
                return IoResult.Bytes(inside ? offsetBytes : segments[i].FileOffset);
            }
            if (!inside)
            {
                return IoResult.Bytes(offsetBytes);
            }
            offsetBytes = segments[i].FileEnd; // Segments may touch.
        }
        return hole ? IoResult.Bytes(offsetBytes) : Errno.ENXIO;
    }

    public override IoResult GetXattr(int node, ReadOnlySpan<byte> name, Span<byte> value)
    {
        foreach (PackedXattr xattr in XattrsOf(node))
        {
            if (name.SequenceEqual(xattr.Name))
            {
                if (!value.IsEmpty && value.Length < xattr.Value.Length)
                {
                    return Errno.ERANGE;
                }
                if (!value.IsEmpty)
                {
                    xattr.Value.CopyTo(value);
                }
                return IoResult.Bytes(xattr.Value.Length);
            }
        }
        return Errno.ENODATA;
    }

    public override IoResult ListXattrs(int node, Span<byte> names)
    {
        int used = 0;
        foreach (PackedXattr xattr in XattrsOf(node))
        {
            if (!names.IsEmpty)
            {
                if (names.Length - used <= xattr.Name.Length)
                {
                    return Errno.ERANGE;
                }
                xattr.Name.CopyTo(names[used..]);
                names[used + xattr.Name.Length] = 0;
            }
            used += xattr.Name.Length + 1;
        }
        return IoResult.Bytes(used);
    }

    public override void FillStatFs(ref StatFs stat)
    {
        stat.Type = _magic;
        stat.BlockSizeBytes = 512;
        stat.FragmentSizeBytes = 512;
        stat.BlockCount = (ulong)(Source.SizeBytes + 511) / 512;
    }

    protected override void Dispose(bool disposing)
    {
        Source.Dispose();
        base.Dispose(disposing);
    }

    // Length of a regular file and where its bytes begin, for a check of the whole; not for sparse files.
    protected (long SizeBytes, long SourceOffset) ContentOf(int node) => (_nodes[node].SizeBytes, _nodes[node].Data);

    private ReadOnlySpan<byte> NameAt(int offset) => _names.AsSpan(offset + 1, _names[offset]);

    private ReadOnlySpan<PackedSegment> SegmentsOf(in PackedNode packed) => _segments.AsSpan((int)packed.Data, packed.Count);

    private PackedXattr[] XattrsOf(int node) => _nodes[node].Xattrs < 0 ? [] : _xattrs[_nodes[node].Xattrs];

    private long StoredBytes(in PackedNode packed)
    {
        if (!packed.IsSparse)
        {
            return packed.Type == FileType.Regular ? packed.SizeBytes : 0;
        }
        long sum = 0;
        foreach (PackedSegment segment in SegmentsOf(packed))
        {
            sum += segment.LengthBytes;
        }
        return sum;
    }

    // The first segment that ends after the offset.
    private static int IndexAfter(ReadOnlySpan<PackedSegment> segments, long offset)
    {
        int low = 0;
        int high = segments.Length;
        while (low < high)
        {
            int middle = low + ((high - low) / 2);
            if (segments[middle].FileEnd <= offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }

    private IoResult ReadSparse(ReadOnlySpan<PackedSegment> segments, long offset, Span<byte> buffer)
    {
        int done = 0;
        for (int i = IndexAfter(segments, offset); i < segments.Length && done < buffer.Length; i++)
        {
            ref readonly PackedSegment segment = ref segments[i];
            long gap = Math.Min(Math.Max(0, segment.FileOffset - (offset + done)), buffer.Length - done);
            buffer.Slice(done, (int)gap).Clear();
            done += (int)gap;
            int count = (int)Math.Min(segment.FileEnd - (offset + done), buffer.Length - done);
            if (count <= 0)
            {
                break;
            }
            Errno errno = Source.Read(segment.SourceOffset + (offset + done - segment.FileOffset), buffer.Slice(done, count));
            if (errno != Errno.None)
            {
                return done > 0 ? IoResult.Bytes(done) : errno;
            }
            done += count;
        }
        buffer[done..].Clear();
        return IoResult.Bytes(buffer.Length);
    }
}
