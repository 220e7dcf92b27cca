// TreeUnpacker copies a read-only tree (an archive) into a directory of the composed tree: Unikraft's "extract". Existing directories are
// kept and filled, anything else that is in the way is replaced, as its unpacker does.
//
// Works on descriptors and single names, never through a symbolic link: an archive over a tree with links in it stays below the
// directory that it is unpacked to. Directories get their times last.
// One descriptor per level is open: an archive deeper than the caller's limit of descriptors gives EMFILE.
using System.Buffers;

namespace Tupelo.FileSystems;

/// <summary>Unpacks one tree. One thread, one use.</summary>
internal sealed class TreeUnpacker(Syscalls sys, ReadOnlyTree tree)
{
    private const int ChunkBytes = 128 * 1024;
    private const int ListBytes = 32 * 1024;
    private const uint OwnerOnly = 0x1C0;

    private readonly Dictionary<int, (int Directory, byte[] Name)> _linked = []; // Files with several names: where the first one is.
    private readonly List<int> _kept = [];                                       // Directories of _linked, open until the end.

    /// <summary>Unpacks into a directory that exists.</summary>
    /// <remarks>Errors: those of the calls that make files · EUCLEAN, EIO the archive cannot be read there. What was unpacked before an
    /// error stays.</remarks>
    public Errno UnpackTo(ReadOnlySpan<byte> path)
    {
        long top = sys.Open(path, OpenFlags.Directory | OpenFlags.CloseOnExec);
        if (top < 0)
        {
            return ErrnoOf(top);
        }
        var open = new Stack<Level>();
        open.Push(Level.Of(tree, 0, (int)top));
        Errno errno = Errno.None;
        while (open.TryPeek(out Level? level))
        {
            if (errno == Errno.None && level.Next < level.Children.Count)
            {
                errno = Unpack(level, level.Children[level.Next++], open);
                continue;
            }
            if (errno == Errno.None && level.Node != 0)
            {
                errno = Finish(level.Descriptor, ""u8, level.Node);
            }
            _ = open.Pop();
            if (!_kept.Contains(level.Descriptor))
            {
                _ = sys.Close(level.Descriptor);
            }
        }
        foreach (int kept in _kept)
        {
            _ = sys.Close(kept);
        }
        return errno;
    }

    private Errno Unpack(Level level, (byte[] Name, int Node) child, Stack<Level> open)
    {
        tree.GetAttributes(child.Node, out VnodeAttributes attributes);
        FileType type = tree.TypeOf(child.Node);
        if (type == FileType.Directory)
        {
            return EnterDirectory(level, child, open);
        }
        Errno errno = ErrnoOf(sys.UnlinkAt(level.Descriptor, child.Name));
        if (errno is not (Errno.None or Errno.ENOENT))
        {
            return errno;
        }
        if (attributes.LinkCount > 1)
        {
            if (_linked.TryGetValue(child.Node, out (int Directory, byte[] Name) first))
            {
                return ErrnoOf(sys.LinkAt(first.Directory, first.Name, level.Descriptor, child.Name));
            }
            _linked.Add(child.Node, (level.Descriptor, child.Name));
            if (!_kept.Contains(level.Descriptor))
            {
                _kept.Add(level.Descriptor);
            }
        }
        switch (type)
        {
            case FileType.Regular:
                errno = UnpackFile(level.Descriptor, child, attributes.SizeBytes);
                break;
            case FileType.Symlink:
                errno = tree.ReadLink(child.Node, out ReadOnlyMemory<byte> target);
                errno = errno == Errno.None ? ErrnoOf(sys.SymlinkAt(target.Span, level.Descriptor, child.Name)) : errno;
                break;
            default:
                errno = ErrnoOf(sys.MkNodAt(level.Descriptor, child.Name, Mode.OfType(type) | OwnerOnly, tree.RawDeviceOf(child.Node)));
                break;
        }
        return errno == Errno.None ? Finish(level.Descriptor, child.Name, child.Node) : errno;
    }

    private Errno EnterDirectory(Level level, (byte[] Name, int Node) child, Stack<Level> open)
    {
        Errno errno = ErrnoOf(sys.MkDirAt(level.Descriptor, child.Name, OwnerOnly));
        if (errno is not (Errno.None or Errno.EEXIST))
        {
            return errno;
        }
        const OpenFlags Flags = OpenFlags.Directory | OpenFlags.NoFollow | OpenFlags.CloseOnExec;
        long descriptor = sys.OpenAt(level.Descriptor, child.Name, Flags);
        if (descriptor == -(long)Errno.ENOTDIR || descriptor == -(long)Errno.ELOOP)
        {
            // Something else has its name.
            errno = ErrnoOf(sys.UnlinkAt(level.Descriptor, child.Name));
            errno = errno == Errno.None ? ErrnoOf(sys.MkDirAt(level.Descriptor, child.Name, OwnerOnly)) : errno;
            descriptor = errno == Errno.None ? sys.OpenAt(level.Descriptor, child.Name, Flags) : -(long)errno;
        }
        if (descriptor < 0)
        {
            return ErrnoOf(descriptor);
        }
        open.Push(Level.Of(tree, child.Node, (int)descriptor));
        return Errno.None;
    }

    private Errno UnpackFile(int directory, (byte[] Name, int Node) child, long sizeBytes)
    {
        Errno errno = tree.Open(child.Node);
        if (errno != Errno.None)
        {
            return errno;
        }
        long file = sys.OpenAt(
            directory, child.Name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow | OpenFlags.CloseOnExec, OwnerOnly);
        if (file < 0)
        {
            return ErrnoOf(file);
        }
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        for (long at = 0; at < sizeBytes && errno == Errno.None;)
        {
            IoResult read = tree.Read(child.Node, at, buffer.AsSpan(0, (int)Math.Min(ChunkBytes, sizeBytes - at)));
            errno = read.IsOk && read.Count == 0 ? Errno.EIO : read.Errno;
            for (int written = 0; errno == Errno.None && written < read.Count;)
            {
                long count = sys.Write((int)file, buffer.AsSpan(written, (int)read.Count - written));
                errno = ErrnoOf(count);
                written += (int)Math.Max(0, count);
            }
            at += read.Count;
        }
        ArrayPool<byte>.Shared.Return(buffer);
        _ = sys.Close((int)file);
        return errno;
    }

    // Owner, mode and times; the mode after the owner, which clears set-id bits. An empty name: the directory itself.
    private Errno Finish(int directory, ReadOnlySpan<byte> name, int node)
    {
        tree.GetAttributes(node, out VnodeAttributes attributes);
        AtFlags self = name.IsEmpty ? AtFlags.EmptyPath : AtFlags.SymlinkNoFollow;
        Errno errno = ErrnoOf(sys.FChOwnAt(directory, name, attributes.Uid, attributes.Gid, self));
        if (errno == Errno.None && tree.TypeOf(node) != FileType.Symlink)
        {
            errno = ErrnoOf(name.IsEmpty ? sys.FChMod(directory, attributes.Permissions) : sys.FChModAt2(directory, name, attributes.Permissions, self));
        }
        return errno == Errno.None ? ErrnoOf(sys.UtimeNsAt(directory, name, [attributes.ModifyTime, attributes.ModifyTime], self)) : errno;
    }

    private static Errno ErrnoOf(long result) => result < 0 ? (Errno)(-result) : Errno.None;

    // A directory being filled.
    private sealed class Level
    {
        public required int Node { get; init; }

        public required int Descriptor { get; init; }

        public required List<(byte[] Name, int Node)> Children { get; init; }

        public int Next { get; set; }

        public static Level Of(ReadOnlyTree tree, int node, int descriptor)
        {
            var children = new List<(byte[] Name, int Node)>();
            byte[] buffer = new byte[ListBytes];
            long cookie = 0;
            while (true)
            {
                var writer = new DirectoryWriter(buffer);
                _ = tree.List(node, cookie, ref writer);
                if (writer.BytesWritten == 0)
                {
                    break;
                }
                ReadOnlySpan<byte> records = buffer.AsSpan(0, writer.BytesWritten);
                while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
                {
                    cookie = record.Cookie;
                    children.Add((record.Name.ToArray(), (int)record.Ino - 1));
                }
            }
            return new Level { Node = node, Descriptor = descriptor, Children = children };
        }
    }
}
