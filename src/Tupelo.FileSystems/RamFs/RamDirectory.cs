// A directory of RamFs.
using Tupelo.Vfs;

namespace Tupelo.FileSystems;

internal sealed class RamDirectory : RamVnode
{
    private const int EntryBytes = 20; // What an entry adds to the directory's size, as on tmpfs.

    private readonly RamDirectoryIndex _index = new();
    private RamDirectory _parent;       // Changed by Rename under the rename mutex; read by GetParent without a lock.

    internal RamDirectory(RamFs fileSystem, ulong ino, in NewVnode make, RamDirectory? parent)
        : base(fileSystem, ino, make)
    {
        _parent = parent ?? this;
        CountSize();
    }

    protected override Errno Lookup(VfsContext context, ReadOnlySpan<byte> name, out Vnode? child)
    {
        child = _index.Find(name);
        return child is null ? Errno.ENOENT : Errno.None;
    }

    protected override Errno ReadDirectory(VfsContext context, long cookie, ref DirectoryWriter writer)
    {
        _index.Read(cookie, ref writer);
        return Errno.None;
    }

    protected override Errno IsEmpty(VfsContext context, out bool empty)
    {
        empty = _index.Count == 0;
        return Errno.None;
    }

    protected override Errno Create(VfsContext context, ReadOnlySpan<byte> name, in NewVnode make, out Vnode? child)
    {
        Errno errno = Make(make, named: true, out RamVnode? made);
        if (errno == Errno.None)
        {
            Add(name, made!);
        }
        child = made;
        return errno;
    }

    protected override Errno CreateTemporary(VfsContext context, in NewVnode make, out Vnode? child)
    {
        Errno errno = Make(make, named: false, out RamVnode? made);
        child = made;
        return errno;
    }

    protected override Errno Link(VfsContext context, ReadOnlySpan<byte> name, Vnode target)
    {
        Add(name, (RamVnode)target);
        return Errno.None;
    }

    protected override Errno Remove(VfsContext context, ReadOnlySpan<byte> name, Vnode victim)
    {
        Drop(name);
        return Errno.None;
    }

    protected override Errno Rename(VfsContext context, ref RenameRequest request)
    {
        var target = (RamDirectory)request.NewDirectory;
        var source = (RamVnode)request.Source;
        var victim = (RamVnode?)request.Victim;
        if (request.Exchange)
        {
            _index.Replace(request.OldName, victim!);
            target._index.Replace(request.NewName, source);
            MoveTo(victim!, this);
            MoveTo(source, target);
            return Errno.None;
        }
        if (request.Whiteout)
        {
            Errno errno = Make(request.NewWhiteout, named: true, out RamVnode? whiteout);
            if (errno != Errno.None)
            {
                return errno;
            }
            request.WhiteoutVnode = whiteout;
            _index.Replace(request.OldName, whiteout!);
        }
        else
        {
            Drop(request.OldName);
        }
        if (victim is null)
        {
            target.Add(request.NewName, source);
        }
        else
        {
            target._index.Replace(request.NewName, source);
        }
        MoveTo(source, target);
        return Errno.None;
    }

    protected override Errno GetParent(VfsContext context, out Vnode? parent)
    {
        parent = Volatile.Read(ref _parent);
        return Errno.None;
    }

    private static void MoveTo(RamVnode vnode, RamDirectory parent)
    {
        if (vnode is RamDirectory directory)
        {
            Volatile.Write(ref directory._parent, parent);
        }
    }

    private void Add(ReadOnlySpan<byte> name, RamVnode vnode)
    {
        _index.Add(name, vnode);
        CountSize();
    }

    // "." and ".." count too.
    private void CountSize() => SetSizeBytes((_index.Count + 2L) * EntryBytes);

    private void Drop(ReadOnlySpan<byte> name)
    {
        _index.Remove(name);
        CountSize();
    }

    private Errno Make(in NewVnode make, bool named, out RamVnode? made)
    {
        made = null;
        Errno errno = Owner.ReserveFile();
        if (errno != Errno.None)
        {
            return errno;
        }
        ulong ino = Owner.NextIno();
        made = make.Type switch
        {
            FileType.Directory => new RamDirectory(Owner, ino, make, this),
            FileType.Regular => new RamRegularFile(Owner, ino, make, named),
            FileType.Symlink => new RamSymlink(Owner, ino, make),
            _ => new RamSpecialFile(Owner, ino, make),
        };
        return Errno.None;
    }
}
