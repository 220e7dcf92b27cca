// What all files of a mounted TFS volume share: the tuple that they are, and attributes that travel from the core to the log.
//
// The core's attributes are the truth while the vnode lives. What it changes is noted (AttributesChanged) and staged at the next
// commit: a time stamp by itself is no operation worth a record of its own at once. What must not be torn apart from an operation
// (link counts, a file's length when it is cut) is staged by the operation.
namespace Tupelo.Tfs;

internal abstract class TfsVnode : Vnode
{
    private int _dirty; // AttributeMask of what the log does not know yet

    protected TfsVnode(TfsFileSystem fileSystem, int tuple, FileType type, ulong rawDevice, in VnodeAttributes attributes)
        : base(fileSystem, (ulong)tuple, fileSystem.Metadata.Store.GenerationOf(tuple), type, rawDevice, attributes)
    {
        Tfs = fileSystem;
        Tuple = tuple;
    }

    /// <summary>The volume.</summary>
    protected TfsFileSystem Tfs { get; }

    /// <summary>The tuple's number in the store.</summary>
    public int Tuple { get; }

    /// <summary>Its file is gone for good, and the tuple may be another's. Guarded by the metadata's lock.</summary>
    public bool IsGone { get; set; }

    /// <summary>True when there is something that <see cref="StageAttributes"/> would stage.</summary>
    public bool HasDirtyAttributes => (Volatile.Read(ref _dirty) & ~(int)AttributeMask.AccessTime) != 0;

    /// <summary>Stages what has changed. Locks held: none, or this vnode's.</summary>
    public virtual void StageAttributes()
    {
        if (Volatile.Read(ref _dirty) == 0)
        {
            return;
        }
        // Taking what is dirty and staging it are one step: whoever finds nothing left commits what was taken.
        using TfsMetadata.Operation operation = Tfs.Metadata.Enter();
        var dirty = (AttributeMask)Interlocked.Exchange(ref _dirty, 0);
        VnodeAttributes now = Attributes;
        Stage(new AttributeChange
        {
            Mask = dirty,
            Permissions = now.Permissions,
            Uid = now.Uid,
            Gid = now.Gid,
            AccessTime = now.AccessTime,
            ModifyTime = now.ModifyTime,
            ChangeTime = now.ChangeTime,
        });
    }

    /// <summary>Everything of this file that is only in memory goes to the device or to the log's stage. Locks held: none.</summary>
    public virtual Errno WriteBack()
    {
        StageAttributes();
        return Errno.None;
    }

    /// <summary>A transaction was taken back: these are its attributes again, and nothing waits to be staged.</summary>
    public void Restore(in VnodeAttributes attributes)
    {
        _ = Interlocked.Exchange(ref _dirty, 0);
        StoreAttributes(attributes);
    }

    /// <summary>Makes the vnode unusable for good, if nobody refers to it.</summary>
    public bool TryForget() => TryKill();

    protected override void AttributesChanged(AttributeMask what)
    {
        int old = Interlocked.Or(ref _dirty, (int)what);
        // An access time goes along with the next other change; by itself it is not worth a write.
        if ((old & ~(int)AttributeMask.AccessTime) == 0 && (what & ~AttributeMask.AccessTime) != 0)
        {
            Tfs.NoteDirty(this);
        }
    }

    // What a caller asked for is an operation like any other, and takes its place in their order; what the core notes by itself (the
    // times of a write, a dropped set-id bit) is not, and waits for the next commit.
    protected override Errno SetAttributes(VfsContext context, in AttributeChange change)
    {
        Errno errno = Tfs.CanChange();
        if (errno != Errno.None)
        {
            return errno;
        }
        Stage(change);
        return Errno.None;
    }

    protected override Errno Sync(VfsContext context, bool dataOnly) => Tfs.SyncFile(this);

    protected override void Inactivate() => Tfs.Drop(this);

    protected override void Evict() => Tfs.Evicted(this);

    protected override IoResult GetXattr(VfsContext context, ReadOnlySpan<byte> name, Span<byte> value)
    {
        using TfsMetadata.Operation operation = Tfs.Metadata.Enter();
        TupleStore store = Tfs.Metadata.Store;
        int symbol = IsXattr(name) ? store.Symbols.Find(name) : 0;
        AttributeSlot slot = symbol == 0 ? default : store.Get(Tuple, symbol);
        if (slot.Kind is not (TfsValueKind.String or TfsValueKind.Buffer))
        {
            return Errno.ENODATA;
        }
        ReadOnlySpan<byte> bytes = store.BytesOf(slot);
        if (value.IsEmpty)
        {
            return IoResult.Bytes(bytes.Length);
        }
        if (value.Length < bytes.Length)
        {
            return Errno.ERANGE;
        }
        bytes.CopyTo(value);
        return IoResult.Bytes(bytes.Length);
    }

    protected override Errno SetXattr(VfsContext context, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrFlags flags)
    {
        if (!IsXattr(name))
        {
            return Errno.EOPNOTSUPP;
        }
        Errno errno = Tfs.CanGrow(name.Length + value.Length);
        if (errno != Errno.None)
        {
            return errno;
        }
        using TfsMetadata.Operation operation = Tfs.Metadata.Enter();
        TupleStore store = Tfs.Metadata.Store;
        int symbol = store.Symbols.Find(name);
        bool exists = symbol != 0 && !store.Get(Tuple, symbol).IsVacant;
        if (exists && (flags & XattrFlags.Create) != 0)
        {
            return Errno.EEXIST;
        }
        if (!exists && (flags & XattrFlags.Replace) != 0)
        {
            return Errno.ENODATA;
        }
        Tfs.Metadata.SetString(Tuple, store.Symbols.Intern(name), value);
        return Errno.None;
    }

    protected override IoResult ListXattrs(VfsContext context, Span<byte> names)
    {
        using TfsMetadata.Operation operation = Tfs.Metadata.Enter();
        TupleStore store = Tfs.Metadata.Store;
        int length = 0;
        foreach (ref readonly AttributeSlot slot in store.SlotsOf(Tuple))
        {
            if (slot.Kind is not (TfsValueKind.String or TfsValueKind.Buffer))
            {
                continue;
            }
            ReadOnlySpan<byte> name = store.Symbols.NameOf(slot.Symbol);
            if (!IsXattr(name))
            {
                continue;
            }
            if (!names.IsEmpty)
            {
                if (names.Length - length < name.Length + 1)
                {
                    return Errno.ERANGE;
                }
                name.CopyTo(names[length..]);
                names[length + name.Length] = 0;
            }
            length += name.Length + 1;
        }
        return IoResult.Bytes(length);
    }

    protected override Errno RemoveXattr(VfsContext context, ReadOnlySpan<byte> name)
    {
        Errno errno = Tfs.CanChange();
        if (errno != Errno.None)
        {
            return errno;
        }
        using TfsMetadata.Operation operation = Tfs.Metadata.Enter();
        int symbol = IsXattr(name) ? Tfs.Metadata.Store.Symbols.Find(name) : 0;
        if (symbol == 0 || Tfs.Metadata.Store.Get(Tuple, symbol).IsVacant)
        {
            return Errno.ENODATA;
        }
        Tfs.Metadata.Unset(Tuple, symbol);
        return Errno.None;
    }

    // Caller is in an operation, or begins one here.
    private void Stage(in AttributeChange change)
    {
        using TfsMetadata.Operation operation = Tfs.Metadata.Enter();
        if (IsGone)
        {
            return;
        }
        TfsMetadata metadata = Tfs.Metadata;
        if (change.Has(AttributeMask.Mode))
        {
            metadata.UpdateNumber(Tuple, metadata.Symbols.Mode, Mode.OfType(Type) | change.Permissions);
        }
        if (change.Has(AttributeMask.Uid))
        {
            metadata.UpdateNumber(Tuple, metadata.Symbols.Uid, change.Uid);
        }
        if (change.Has(AttributeMask.Gid))
        {
            metadata.UpdateNumber(Tuple, metadata.Symbols.Gid, change.Gid);
        }
        if (change.Has(AttributeMask.AccessTime))
        {
            metadata.UpdateNumber(Tuple, metadata.Symbols.AccessTime, TfsTime.Encode(change.AccessTime));
        }
        if (change.Has(AttributeMask.ModifyTime))
        {
            metadata.UpdateNumber(Tuple, metadata.Symbols.ModifyTime, TfsTime.Encode(change.ModifyTime));
        }
        if (change.Has(AttributeMask.ChangeTime))
        {
            metadata.UpdateNumber(Tuple, metadata.Symbols.ChangeTime, TfsTime.Encode(change.ChangeTime));
        }
    }

    // As Nanos tells them: a dot that is neither the first nor the last character.
    private static bool IsXattr(ReadOnlySpan<byte> name) => name.Length > 2 && name[1..^1].Contains((byte)'.');
}

/// <summary>A FIFO, socket or device node: a name and attributes.</summary>
internal sealed class TfsSpecialFile(TfsFileSystem fileSystem, int tuple, FileType type, ulong rawDevice, in VnodeAttributes attributes)
    : TfsVnode(fileSystem, tuple, type, rawDevice, attributes);

/// <summary>A symbolic link.</summary>
internal sealed class TfsSymlink(TfsFileSystem fileSystem, int tuple, in VnodeAttributes attributes, byte[] target)
    : TfsVnode(fileSystem, tuple, FileType.Symlink, 0, attributes)
{
    protected override Errno ReadLink(VfsContext context, out ReadOnlyMemory<byte> text)
    {
        text = target;
        return Errno.None;
    }
}
