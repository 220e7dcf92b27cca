// Reads the structure of a rofs image and checks every number in it, before anything is shown. What OSv's own reader learned to
// refuse (a structure of no blocks, tables beyond it, inode numbers and ranges outside of their tables) is refused here, and also
// what would make a walk endless or outside of the image: directories with two parents, shared entries, overflowing offsets.
using System.Buffers.Binary;
using Tupelo.Block;

namespace Tupelo.FileSystems;

internal static class RoFsReader
{
    public static PackedTree Load(BlockDevice source, PackedOptions options)
    {
        var reader = new SourceReader(source);
        Superblock super = ReadSuperblock(reader);
        var builder = new PackedTreeBuilder();
        reader.Seek(super.StructureStart);
        Names names = ReadEntries(reader, super);
        (int Start, int Length)[] targets = ReadSymlinks(reader, super, builder);
        ReadInodes(reader, super, builder, targets, options, out List<Range> directories);
        ConnectDirectories(builder, names, directories);
        return new PackedTree(builder, source, RoFsFormat.Magic);
    }

    private static Superblock ReadSuperblock(SourceReader reader)
    {
        Span<byte> bytes = stackalloc byte[RoFsFormat.SuperblockBytes];
        reader.Read(bytes, "the superblock");
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes[RoFsFormat.MagicAt..]) != RoFsFormat.Magic)
        {
            throw new ImageFormatException("not a rofs image: the magic number is missing", 0);
        }
        ulong version = BinaryPrimitives.ReadUInt64LittleEndian(bytes[RoFsFormat.VersionAt..]);
        ulong block = BinaryPrimitives.ReadUInt64LittleEndian(bytes[RoFsFormat.BlockSizeAt..]);
        if (version != RoFsFormat.Version || block != RoFsFormat.BlockBytes)
        {
            throw new ImageFormatException($"rofs version {version} with blocks of {block} bytes is not known; 1 with {RoFsFormat.BlockBytes} is", RoFsFormat.VersionAt);
        }
        ulong first = BinaryPrimitives.ReadUInt64LittleEndian(bytes[RoFsFormat.FirstStructureBlockAt..]);
        ulong blocks = BinaryPrimitives.ReadUInt64LittleEndian(bytes[RoFsFormat.StructureBlocksAt..]);
        ulong deviceBlocks = (ulong)reader.SizeBytes / RoFsFormat.BlockBytes;
        if (first == 0 || blocks == 0 || first > deviceBlocks || blocks > deviceBlocks - first)
        {
            throw new ImageFormatException(
                $"the structure ({blocks} blocks from block {first}) is not inside of the image ({deviceBlocks} blocks)", RoFsFormat.FirstStructureBlockAt);
        }
        return new Superblock(
            (long)first * RoFsFormat.BlockBytes,
            (long)(first + blocks) * RoFsFormat.BlockBytes,
            CountAt(bytes, RoFsFormat.EntryCountAt, RoFsFormat.EntryHeaderBytes + 1, blocks, "directory entries", 0),
            CountAt(bytes, RoFsFormat.SymlinkCountAt, RoFsFormat.SymlinkHeaderBytes + 1, blocks, "symbolic links", 0),
            CountAt(bytes, RoFsFormat.InodeCountAt, RoFsFormat.InodeBytes, blocks, "inodes", 1));
    }

    // A count that the structure has room for.
    private static int CountAt(ReadOnlySpan<byte> superblock, int at, int minBytes, ulong blocks, string what, int minimum)
    {
        ulong count = BinaryPrimitives.ReadUInt64LittleEndian(superblock[at..]);
        if (count < (ulong)minimum || count > blocks * RoFsFormat.BlockBytes / (ulong)minBytes || count > int.MaxValue / 2)
        {
            throw new ImageFormatException($"{count} {what} cannot be in a structure of {blocks} blocks", at);
        }
        return (int)count;
    }

    private static Names ReadEntries(SourceReader reader, in Superblock super)
    {
        var names = new Names(super.EntryCount);
        Span<byte> header = stackalloc byte[RoFsFormat.EntryHeaderBytes];
        Span<byte> name = stackalloc byte[PackedTreeBuilder.MaxNameBytes];
        for (int i = 0; i < super.EntryCount; i++)
        {
            long offset = reader.Position;
            ReadInside(reader, super, header, "the directory entries");
            ulong ino = BinaryPrimitives.ReadUInt64LittleEndian(header);
            int length = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]);
            if (ino - 1 >= (ulong)super.InodeCount)
            {
                throw new ImageFormatException($"an entry names inode {ino} of {super.InodeCount}", offset);
            }
            if (length is 0 or > PackedTreeBuilder.MaxNameBytes)
            {
                throw new ImageFormatException($"a name of {length} bytes; 1 to {PackedTreeBuilder.MaxNameBytes} are allowed", offset);
            }
            ReadInside(reader, super, name[..length], "the directory entries");
            names.Add(name[..length], (int)(ino - 1), offset);
        }
        return names;
    }

    private static (int Start, int Length)[] ReadSymlinks(SourceReader reader, in Superblock super, PackedTreeBuilder builder)
    {
        var targets = new (int Start, int Length)[super.SymlinkCount];
        Span<byte> header = stackalloc byte[RoFsFormat.SymlinkHeaderBytes];
        Span<byte> target = stackalloc byte[PackedTreeBuilder.MaxTargetBytes];
        for (int i = 0; i < targets.Length; i++)
        {
            long offset = reader.Position;
            ReadInside(reader, super, header, "the symbolic links");
            int length = BinaryPrimitives.ReadUInt16LittleEndian(header);
            if (length > target.Length)
            {
                throw new ImageFormatException($"a symbolic link's target of {length} bytes; up to {target.Length} are allowed", offset);
            }
            ReadInside(reader, super, target[..length], "the symbolic links");
            targets[i] = (builder.AddTarget(target[..length], offset), length);
        }
        return targets;
    }

    private static void ReadInodes(
        SourceReader reader, in Superblock super, PackedTreeBuilder builder, (int Start, int Length)[] targets, PackedOptions options, out List<Range> directories)
    {
        directories = [];
        long claimed = 0;
        Span<byte> bytes = stackalloc byte[RoFsFormat.InodeBytes];
        for (int i = 0; i < super.InodeCount; i++)
        {
            long offset = reader.Position;
            ReadInside(reader, super, bytes, "the inodes");
            ulong mode = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            ulong ino = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
            ulong data = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
            ulong count = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
            if (ino != (ulong)i + 1 || (i == 0 && mode != Mode.Directory))
            {
                throw new ImageFormatException(i == 0 ? "inode 1 is not the root directory" : $"inode {ino} stands at the place of inode {i + 1}", offset);
            }
            var node = new PackedNode
            {
                Mode = (uint)mode | (mode == Mode.Symlink ? 0x1FF : options.Mode ?? RoFsFormat.DefaultPermissions),
                ModifyTime = new Timespec(options.ModifySeconds ?? 0, 0),
            };
            switch (mode)
            {
                case Mode.Directory:
                    if (data > (ulong)super.EntryCount || count > (ulong)super.EntryCount - data || (claimed += (long)count) > super.EntryCount)
                    {
                        throw new ImageFormatException($"directory {ino} claims {count} entries from entry {data}; there are {super.EntryCount} in all", offset);
                    }
                    directories.Add(new Range(i, (int)data, (int)count));
                    break;
                case Mode.Regular:
                    long sizeBytes = checked((long)Math.Min(count, long.MaxValue));
                    if (sizeBytes > 0 && (data > (ulong)(reader.SizeBytes / RoFsFormat.BlockBytes)
                        || sizeBytes > reader.SizeBytes - ((long)data * RoFsFormat.BlockBytes)))
                    {
                        throw new ImageFormatException($"file {ino} ({count} bytes from block {data}) is not inside of the image", offset);
                    }
                    node.SizeBytes = sizeBytes;
                    node.Data = sizeBytes > 0 ? (long)data * RoFsFormat.BlockBytes : 0;
                    break;
                case Mode.Symlink:
                    if (data >= (ulong)targets.Length)
                    {
                        throw new ImageFormatException($"symbolic link {ino} is number {data} of {targets.Length}", offset);
                    }
                    (node.Data, node.SizeBytes) = targets[data];
                    break;
                default:
                    throw new ImageFormatException($"inode {ino} has mode 0x{mode:x}, which is no directory, file or symbolic link", offset);
            }
            _ = builder.AddNode(options.ApplyTo(node));
        }
    }

    private static void ConnectDirectories(PackedTreeBuilder builder, Names names, List<Range> directories)
    {
        foreach (Range range in directories)
        {
            for (int i = range.First; i < range.First + range.Count; i++)
            {
                ReadOnlySpan<byte> name = names.NameOf(i);
                if (builder.Find(range.Directory, name) >= 0)
                {
                    throw new ImageFormatException($"directory {range.Directory + 1} has two entries \"{ImageText.Show(name)}\"", names.OffsetOf(i));
                }
                builder.SetName(range.Directory, name, names.NodeOf(i), names.OffsetOf(i));
            }
        }
    }

    private static void ReadInside(SourceReader reader, in Superblock super, Span<byte> buffer, string what)
    {
        if (buffer.Length > super.StructureEnd - reader.Position)
        {
            throw new ImageFormatException($"the structure ends inside of {what}", reader.Position);
        }
        reader.Read(buffer, what);
    }

    private readonly record struct Superblock(long StructureStart, long StructureEnd, int EntryCount, int SymlinkCount, int InodeCount);

    private readonly record struct Range(int Directory, int First, int Count);

    // The table of entries until the inodes say whose they are.
    private sealed class Names(int capacity)
    {
        private readonly (int Start, int Length, int Node, long Offset)[] _entries = new (int, int, int, long)[capacity];
        private readonly List<byte> _bytes = [];
        private int _count;

        public void Add(ReadOnlySpan<byte> name, int node, long offset)
        {
            _entries[_count++] = (_bytes.Count, name.Length, node, offset);
            _bytes.AddRange(name);
        }

        public int NodeOf(int index) => _entries[index].Node;

        public long OffsetOf(int index) => _entries[index].Offset;

        public ReadOnlySpan<byte> NameOf(int index) =>
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes).Slice(_entries[index].Start, _entries[index].Length);
    }
}
