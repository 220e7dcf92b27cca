// Writes a rofs image of any tree, bit for bit as OSv's own generator lays it out, but with lengths of names in bytes (the generator
// counts characters, which breaks names that are not ASCII).
//
// Inodes are numbered when an entry is met, so a directory comes before what is in it; the entries of a directory are appended
// after those of all directories below it; data stands in the order in which files are met. Several names of one file become
// several entries of one inode.
// Memory: the tables, about 42 bytes and a name per file; data passes through one buffer.
using System.Buffers;
using System.Buffers.Binary;

namespace Tupelo.FileSystems;

/// <summary>Makes rofs images. One thread.</summary>
public sealed class RoFsWriter
{
    private const int CopyBytes = 256 * 1024;

    private readonly ReadOnlyTree _tree;
    private readonly Stream _output;
    private readonly ArrayBufferWriter<byte> _entries = new();
    private readonly ArrayBufferWriter<byte> _symlinks = new();
    private readonly List<Inode> _inodes = [];
    private readonly Dictionary<int, int> _linked = []; // Node with several names -> inode number.
    private long _start;
    private long _block = 1;
    private int _entryCount;
    private int _symlinkCount;

    private RoFsWriter(ReadOnlyTree tree, Stream output)
    {
        _tree = tree;
        _output = output;
    }

    /// <summary>Writes an image of <paramref name="tree"/> at the stream's position; the stream must be able to seek.</summary>
    /// <exception cref="IOException">The tree has a file that rofs cannot hold (device, FIFO, socket), or reading or writing fails.
    /// What is in the stream then is not an image: its superblock is missing.</exception>
    public static void Write(ReadOnlyTree tree, Stream output)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(output);
        new RoFsWriter(tree, output).Run();
    }

    private void Run()
    {
        _start = _output.Position;
        _output.Write(new byte[RoFsFormat.BlockBytes]);
        WriteTree();
        long structureBlock = _block;
        long structureBytes = _entries.WrittenCount + (long)_symlinks.WrittenCount + ((long)_inodes.Count * RoFsFormat.InodeBytes);
        _output.Write(_entries.WrittenSpan);
        _output.Write(_symlinks.WrittenSpan);
        Span<byte> bytes = stackalloc byte[RoFsFormat.InodeBytes];
        for (int i = 0; i < _inodes.Count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, _inodes[i].Mode);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], (ulong)i + 1);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], (ulong)_inodes[i].Data);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], (ulong)_inodes[i].Count);
            _output.Write(bytes);
        }
        // A structure of whole blocks gets one more, as the original generator does.
        _output.Write(new byte[RoFsFormat.BlockBytes - (structureBytes % RoFsFormat.BlockBytes)]);
        WriteSuperblock(structureBlock, (structureBytes + RoFsFormat.BlockBytes - 1) / RoFsFormat.BlockBytes);
    }

    private void WriteSuperblock(long structureBlock, long structureBlocks)
    {
        Span<byte> bytes = stackalloc byte[RoFsFormat.SuperblockBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[RoFsFormat.MagicAt..], RoFsFormat.Magic);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[RoFsFormat.VersionAt..], RoFsFormat.Version);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[RoFsFormat.BlockSizeAt..], RoFsFormat.BlockBytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[RoFsFormat.FirstStructureBlockAt..], structureBlock);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[RoFsFormat.StructureBlocksAt..], structureBlocks);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[RoFsFormat.EntryCountAt..], _entryCount);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[RoFsFormat.SymlinkCountAt..], _symlinkCount);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[RoFsFormat.InodeCountAt..], _inodes.Count);
        long end = _output.Position;
        _ = _output.Seek(_start, SeekOrigin.Begin);
        _output.Write(bytes);
        _ = _output.Seek(end, SeekOrigin.Begin);
        _output.Flush();
    }

    private void WriteTree()
    {
        var stack = new Stack<Frame>();
        _inodes.Add(new Inode(Mode.Directory, 0, 0));
        stack.Push(new Frame(1, ChildrenOf(0)));
        while (stack.TryPeek(out Frame? frame))
        {
            if (frame.Next == frame.Children.Count)
            {
                _ = stack.Pop();
                _inodes[frame.Ino - 1] = new Inode(Mode.Directory, _entryCount, frame.Children.Count);
                foreach (Child child in frame.Children)
                {
                    WriteEntry(child);
                }
                continue;
            }
            Child next = frame.Children[frame.Next];
            if (_linked.TryGetValue(next.Node, out int known))
            {
                frame.Children[frame.Next++] = next with { Ino = known };
                continue;
            }
            int ino = AddInode(next);
            frame.Children[frame.Next++] = next with { Ino = ino };
            if (_tree.TypeOf(next.Node) == FileType.Directory)
            {
                stack.Push(new Frame(ino, ChildrenOf(next.Node)));
            }
        }
    }

    private int AddInode(in Child child)
    {
        _tree.GetAttributes(child.Node, out VnodeAttributes attributes);
        int ino = _inodes.Count + 1;
        _inodes.Add(_tree.TypeOf(child.Node) switch
        {
            FileType.Directory => new Inode(Mode.Directory, 0, 0),
            FileType.Regular => new Inode(Mode.Regular, WriteData(child, attributes.SizeBytes), attributes.SizeBytes),
            FileType.Symlink => new Inode(Mode.Symlink, WriteSymlink(child), 1),
            FileType other => throw new IOException($"\"{ImageText.Show(child.Name)}\" is a {other}: rofs holds files, directories and symbolic links only"),
        });
        if (attributes.LinkCount > 1 && _inodes[^1].Mode != Mode.Directory)
        {
            _linked.Add(child.Node, ino);
        }
        return ino;
    }

    private long WriteData(in Child child, long sizeBytes)
    {
        long first = _block;
        Require(_tree.Open(child.Node), child);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            for (long done = 0; done < sizeBytes;)
            {
                IoResult read = _tree.Read(child.Node, done, buffer.AsSpan(0, (int)Math.Min(CopyBytes, sizeBytes - done)));
                Require(read.Errno, child);
                _output.Write(buffer, 0, (int)read.Count);
                done += read.Count;
            }
            int padding = (int)(-sizeBytes & (RoFsFormat.BlockBytes - 1));
            buffer.AsSpan(0, padding).Clear();
            _output.Write(buffer, 0, padding);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        _block += (sizeBytes + RoFsFormat.BlockBytes - 1) / RoFsFormat.BlockBytes;
        return first;
    }

    private long WriteSymlink(in Child child)
    {
        Require(_tree.ReadLink(child.Node, out ReadOnlyMemory<byte> target), child);
        Span<byte> header = stackalloc byte[RoFsFormat.SymlinkHeaderBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(header, (ushort)target.Length);
        _symlinks.Write(header);
        _symlinks.Write(target.Span);
        return _symlinkCount++;
    }

    private void WriteEntry(in Child child)
    {
        Span<byte> header = stackalloc byte[RoFsFormat.EntryHeaderBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)child.Ino);
        BinaryPrimitives.WriteUInt16LittleEndian(header[8..], (ushort)child.Name.Length);
        _entries.Write(header);
        _entries.Write(child.Name);
        _entryCount++;
    }

    private List<Child> ChildrenOf(int directory)
    {
        var children = new List<Child>();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            for (long cookie = 0; ;)
            {
                var writer = new DirectoryWriter(buffer);
                Errno errno = _tree.List(directory, cookie, ref writer);
                if (errno != Errno.None)
                {
                    throw new IOException($"cannot read a directory: {errno.Describe()}", (int)errno);
                }
                if (writer.BytesWritten == 0)
                {
                    return children;
                }
                ReadOnlySpan<byte> records = buffer.AsSpan(0, writer.BytesWritten);
                while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
                {
                    children.Add(new Child(record.Name.ToArray(), (int)record.Ino - 1, 0));
                    cookie = record.Cookie;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Require(Errno errno, in Child child)
    {
        if (errno != Errno.None)
        {
            throw new IOException($"cannot read \"{ImageText.Show(child.Name)}\": {errno.Describe()}", (int)errno);
        }
    }

    private readonly record struct Inode(ulong Mode, long Data, long Count);

    private readonly record struct Child(byte[] Name, int Node, int Ino);

    private sealed class Frame(int ino, List<Child> children)
    {
        public int Ino { get; } = ino;

        public List<Child> Children { get; } = children;

        public int Next { get; set; }
    }
}
