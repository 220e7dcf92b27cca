// The records that a PackedTree is made of: plain structs in arrays, so that a tree of a million files is a few objects.
namespace Tupelo.FileSystems;

/// <summary>One file. What <see cref="Data"/> and <see cref="Count"/> mean depends on the type.</summary>
internal struct PackedNode
{
    /// <summary>Type and permission bits.</summary>
    public uint Mode;
    public uint Uid;
    public uint Gid;

    /// <summary>Set by <see cref="PackedTreeBuilder.Build"/>: 0 when no name leads here.</summary>
    public uint LinkCount;

    /// <summary>Length of a regular file or of a link's target.</summary>
    public long SizeBytes;

    /// <summary>Regular: offset in the source, or with <see cref="IsSparse"/> the first segment. Symlink: offset in the name bytes.
    /// Directory: first entry. Device node: its number.</summary>
    public long Data;

    /// <summary>Directory: entries. Sparse: segments.</summary>
    public int Count;

    /// <summary>Directory: where it is in.</summary>
    public int Parent;

    public Timespec ModifyTime;

    /// <summary>Index of its extended attributes, or -1.</summary>
    public int Xattrs;

    /// <summary>The bytes are in segments; what lies between them reads as zeros.</summary>
    public bool IsSparse;

    public readonly FileType Type => Tupelo.Mode.TypeOf(Mode);

    public readonly bool IsDirectory => (Mode & Tupelo.Mode.TypeMask) == Tupelo.Mode.Directory;
}

/// <summary>A name in a directory: where its bytes are, and what it names.</summary>
internal record struct PackedEntry(int Name, int Node);

/// <summary>A run of a sparse file's bytes. Segments ascend, do not overlap, and end inside of the file.</summary>
internal readonly record struct PackedSegment(long FileOffset, long LengthBytes, long SourceOffset)
{
    public long FileEnd => FileOffset + LengthBytes;
}

/// <summary>An extended attribute.</summary>
internal sealed record PackedXattr(byte[] Name, byte[] Value);
