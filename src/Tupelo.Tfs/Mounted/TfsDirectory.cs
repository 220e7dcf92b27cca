// A directory: a tuple whose `children` tuple leads from names to files. Each primitive is one operation of TfsMetadata, so that a
// crash shows all of it or nothing.
//
// Cookies. An entry's cookie is the number of its name's symbol (plus 2): it never changes while the volume is mounted, whatever else
// is added or removed. Listing in that order needs the names sorted once per listing; the sorted copy is kept until a name is added.
namespace Tupelo.Tfs;

internal sealed class TfsDirectory : TfsVnode
{
    private const long FirstCookie = 3;

    private readonly int _children;
    private int[]? _sorted;     // symbols of the entries as of the last listing, ascending; guarded by the metadata's lock
    private int _additions;     // grows with each new name
    private int _sortedAt;

    public TfsDirectory(TfsFileSystem fileSystem, int tuple, int children, int parent, in VnodeAttributes attributes)
        : base(fileSystem, tuple, FileType.Directory, 0, attributes)
    {
        _children = children;
        Parent = parent;
    }

    /// <summary>Tuple of the directory that this one is in; guarded by the file system's rename mutex, 0 when not known.</summary>
    public int Parent { get; set; }

    /// <summary>A transaction was taken back: entries and parent may be others. Caller holds the metadata's lock.</summary>
    public void ForgetLocked()
    {
        _additions++;
        Parent = 0;
    }

    /// <summary>The tuple that a name leads to; 0 when there is no such name.</summary>
    public int TupleOf(ReadOnlySpan<byte> name)
    {
        using TfsMetadata.Operation operation = Tfs.Metadata.Enter();
        TupleStore store = Tfs.Metadata.Store;
        int symbol = store.Symbols.Find(name);
        AttributeSlot slot = symbol == 0 ? default : store.Get(_children, symbol);
        return slot.Kind == TfsValueKind.Tuple ? (int)slot.Value : 0;
    }

    protected override Errno Lookup(VfsContext context, ReadOnlySpan<byte> name, out Vnode? child)
    {
        int tuple = TupleOf(name);
        child = tuple == 0 ? null : Tfs.VnodeOf(tuple, Tuple);
        return child is null ? Errno.ENOENT : Errno.None;
    }

    protected override Errno ReadDirectory(VfsContext context, long cookie, ref DirectoryWriter writer)
    {
        using TfsMetadata.Operation operation = Tfs.Metadata.Enter();
        TupleStore store = Tfs.Metadata.Store;
        if (_sorted is null || _sortedAt != _additions)
        {
            Sort(store);
        }
        int from = Array.BinarySearch(_sorted!, (int)Math.Clamp(cookie - FirstCookie + 1, 0, int.MaxValue));
        for (int i = from < 0 ? ~from : from; i < _sorted!.Length; i++)
        {
            AttributeSlot slot = store.Get(_children, _sorted[i]);
            if (slot.Kind != TfsValueKind.Tuple)
            {
                continue; // removed since
            }
            int tuple = (int)slot.Value;
            if (!writer.Add(store.Symbols.NameOf(_sorted[i]), (ulong)tuple, Tfs.TypeOfLocked(tuple), _sorted[i] + FirstCookie))
            {
                return Errno.None;
            }
        }
        return Errno.None;
    }

    protected override Errno IsEmpty(VfsContext context, out bool empty)
    {
        using TfsMetadata.Operation operation = Tfs.Metadata.Enter();
        empty = Tfs.Metadata.Store.CountOf(_children) == 0;
        return Errno.None;
    }

    protected override Errno Create(VfsContext context, ReadOnlySpan<byte> name, in NewVnode make, out Vnode? child)
    {
        child = null;
        Errno errno = Tfs.CanGrow(name.Length + make.Target.Length);
        if (errno != Errno.None)
        {
            return errno;
        }
        using (Tfs.Metadata.Enter())
        {
            child = Tfs.NewVnodeLocked(make, named: true, Tuple);
            AddEntry(name, (int)child.Ino);
        }
        Tfs.Register((TfsVnode)child);
        return Errno.None;
    }

    protected override Errno CreateTemporary(VfsContext context, in NewVnode make, out Vnode? child)
    {
        child = null;
        Errno errno = Tfs.CanGrow(0);
        if (errno != Errno.None)
        {
            return errno;
        }
        child = Tfs.NewTemporary(make);
        return Errno.None;
    }

    protected override Errno Link(VfsContext context, ReadOnlySpan<byte> name, Vnode target)
    {
        Errno errno = Tfs.CanGrow(name.Length);
        if (errno != Errno.None)
        {
            return errno;
        }
        ((TfsVnode)target).StageAttributes();
        using TfsMetadata.Operation operation = Tfs.Metadata.Enter();
        AddEntry(name, (int)target.Ino);
        Tfs.NoteNameless((TfsVnode)target, false);
        if (target.LinkCount > 0)
        {
            Tfs.Metadata.SetNumber((int)target.Ino, Tfs.Metadata.Symbols.LinkCount, target.LinkCount + 1);
        }
        return Errno.None;
    }

    protected override Errno Remove(VfsContext context, ReadOnlySpan<byte> name, Vnode victim)
    {
        Errno errno = Tfs.CanChange();
        if (errno != Errno.None)
        {
            return errno;
        }
        using TfsMetadata.Operation operation = Tfs.Metadata.Enter();
        Tfs.Metadata.Unset(_children, Tfs.Metadata.Store.Symbols.Find(name));
        LoseName(victim);
        return Errno.None;
    }

    protected override Errno Rename(VfsContext context, ref RenameRequest request)
    {
        Errno errno = Tfs.CanGrow(request.NewName.Length);
        if (errno != Errno.None)
        {
            return errno;
        }
        using (Tfs.Metadata.Enter())
        {
            RenameLocked(ref request, (TfsDirectory)request.NewDirectory);
        }
        if (request.WhiteoutVnode is TfsVnode whiteout)
        {
            Tfs.Register(whiteout);
        }
        return Errno.None;
    }

    protected override Errno GetParent(VfsContext context, out Vnode? parent)
    {
        int above = Tuple == TupleStore.Root ? Tuple : Parent != 0 ? Parent : Tfs.FindParent(Tuple, Generation);
        parent = above == 0 ? null : above == Tuple ? this : Tfs.VnodeOf(above, 0);
        return parent is null ? Errno.ENOENT : Errno.None;
    }

    private void RenameLocked(ref RenameRequest request, TfsDirectory target)
    {
        // The new name first: whoever reads a part of this (Nanos, after a crash) finds the file twice rather than not at all.
        target.AddEntry(request.NewName, (int)request.Source.Ino);
        if (request.Exchange)
        {
            AddEntry(request.OldName, (int)request.Victim!.Ino);
            SetParent(request.Victim, Tuple);
        }
        else if (request.Whiteout)
        {
            TfsVnode whiteout = Tfs.NewVnodeLocked(request.NewWhiteout, named: true, Tuple);
            AddEntry(request.OldName, whiteout.Tuple);
            request.WhiteoutVnode = whiteout;
        }
        else
        {
            Tfs.Metadata.Unset(_children, Tfs.Metadata.Store.Symbols.Find(request.OldName));
        }
        if (!request.Exchange && request.Victim is not null)
        {
            LoseName(request.Victim);
        }
        SetParent(request.Source, target.Tuple);
    }

    // Locks: the metadata's.
    private void AddEntry(ReadOnlySpan<byte> name, int tuple)
    {
        Tfs.Metadata.SetTuple(_children, Tfs.Metadata.Store.Symbols.Intern(name), tuple);
        Tfs.Metadata.Parents?.Set(tuple, Tuple);
        _additions++;
    }

    private void LoseName(Vnode victim)
    {
        if (!victim.IsDirectory && victim.LinkCount > 1)
        {
            Tfs.Metadata.SetNumber((int)victim.Ino, Tfs.Metadata.Symbols.LinkCount, victim.LinkCount - 1);
            return;
        }
        Tfs.Metadata.NoteGone((int)victim.Ino);
        Tfs.NoteNameless((TfsVnode)victim, true);
        Tfs.Metadata.Parents?.Set((int)victim.Ino, 0);
        SetParent(victim, 0); // that one may go, too, and its number be another's
    }

    private static void SetParent(Vnode moved, int parent)
    {
        if (moved is TfsDirectory directory)
        {
            directory.Parent = parent;
        }
    }

    private void Sort(TupleStore store)
    {
        ReadOnlySpan<AttributeSlot> slots = store.SlotsOf(_children);
        int[] symbols = new int[store.CountOf(_children)];
        int count = 0;
        foreach (ref readonly AttributeSlot slot in slots)
        {
            if (slot.Kind == TfsValueKind.Tuple)
            {
                symbols[count++] = slot.Symbol;
            }
        }
        Array.Resize(ref symbols, count);
        Array.Sort(symbols);
        _sorted = symbols;
        _sortedAt = _additions;
    }
}
