// RenameOperation moves a name, exchanges two, or moves one and leaves a whiteout. One call, all checks, then one primitive.
//
// Locks, in this order: the file system's rename mutex when the directories differ (it freezes the relation of directories, so
// that ancestors can be told by reading parents); both directories, ancestor first, else by number; source and victim,
// directories first, else by number. Two directories and a source that is no directory: first both are tried without the mutex.
// A directory's move is enclosed by the kernel's topology counter, which repeats walks that were under way.
// The order of errors is Linux' (do_renameat2, vfs_rename), probed in the conformance suite.
namespace Tupelo.Vfs;

internal ref struct RenameOperation
{
    private readonly VfsContext _context;
    private readonly PathRef _oldDirectory;
    private readonly PathRef _newDirectory;
    private readonly NameKey _oldName;
    private readonly NameKey _newName;
    private readonly bool _oldSlash;
    private readonly bool _newSlash;
    private readonly RenameFlags _flags;
    private readonly Vnode _oldParent;
    private readonly Vnode _newParent;
    private Dentry? _sourceDentry;
    private Dentry? _victimDentry;
    private Vnode? _source;
    private Vnode? _victim;
    private Dentry? _replaced;   // What the victim was known by: out of the cache, perhaps with names below it and mounts of other namespaces on it.
    private bool _moved;

    private RenameOperation(
        VfsContext context, PathRef oldDirectory, in NameKey oldName, bool oldSlash, PathRef newDirectory, in NameKey newName, bool newSlash, RenameFlags flags)
    {
        _context = context;
        _oldDirectory = oldDirectory;
        _newDirectory = newDirectory;
        _oldName = oldName;
        _newName = newName;
        _oldSlash = oldSlash;
        _newSlash = newSlash;
        _flags = flags;
        _oldParent = oldDirectory.Vnode;
        _newParent = newDirectory.Vnode;
    }

    private readonly bool Exchanges => (_flags & RenameFlags.Exchange) != 0;

    private readonly bool SameParent => ReferenceEquals(_oldParent, _newParent);

    /// <summary>Errors of the flags alone: they come before those of the paths.</summary>
    internal static Errno CheckFlags(RenameFlags flags)
    {
        const RenameFlags Known = RenameFlags.NoReplace | RenameFlags.Exchange | RenameFlags.Whiteout;
        return (flags & ~Known) != 0 || ((flags & RenameFlags.Exchange) != 0 && flags != RenameFlags.Exchange) ? Errno.EINVAL : Errno.None;
    }

    /// <summary>Renames; both directories are pinned by the caller, the flags are checked.</summary>
    /// <remarks>Errors: EXDEV · EBUSY dots (EEXIST with NoReplace for the new name) · EROFS · ENAMETOOLONG · ENOENT · EEXIST · ENOTDIR · EINVAL into itself ·
    /// ENOTEMPTY onto an ancestor · EACCES · EPERM · EISDIR · EBUSY mount point · EMLINK · EINVAL flag not supported · ENOTEMPTY · ENOSPC ...</remarks>
    internal static Errno Run(
        VfsContext context, PathRef oldDirectory, in NameKey oldName, LastKind oldKind, bool oldSlash,
        PathRef newDirectory, in NameKey newName, LastKind newKind, bool newSlash, RenameFlags flags)
    {
        if (!ReferenceEquals(oldDirectory.Mount, newDirectory.Mount))
        {
            return Errno.EXDEV;
        }
        if (oldKind != LastKind.Normal)
        {
            return Errno.EBUSY;
        }
        if (newKind != LastKind.Normal)
        {
            return (flags & RenameFlags.NoReplace) != 0 ? Errno.EEXIST : Errno.EBUSY;
        }
        Errno errno = oldDirectory.Mount.BeginWrite();
        if (errno != Errno.None)
        {
            return errno;
        }
        var operation = new RenameOperation(context, oldDirectory, oldName, oldSlash, newDirectory, newName, newSlash, flags);
        errno = operation.RunUnderLocks();
        if (errno == Errno.None && operation._moved)
        {
            operation.Announce();
            if (operation._replaced is { } replaced)
            {
                NameOperations.ForgetRemoved(context, replaced);
            }
        }
        NameOperations.Finish(context, oldDirectory.Mount, Errno.None);
        return errno;
    }

    private Errno RunUnderLocks()
    {
        if (!SameParent)
        {
            // Most renames move files: then the topology does not matter, and the mutex is spared when both locks are free.
            if (TryLockParents())
            {
                Errno errno = FindAndRename(topologyFrozen: false, out bool needsMutex);
                UnlockParents();
                if (!needsMutex)
                {
                    return errno;
                }
            }
            FileSystem fileSystem = _oldParent.FileSystem;
            using (fileSystem.RenameMutex.EnterScope())
            {
                LockParents();
                Errno errno = FindAndRename(topologyFrozen: true, out _);
                UnlockParents();
                return errno;
            }
        }
        VnodeLock.EnterWrite(_oldParent, LockRank.Directory);
        Errno result = FindAndRename(topologyFrozen: true, out _);
        VnodeLock.ExitWrite(_oldParent, LockRank.Directory);
        return result;
    }

    private readonly bool TryLockParents()
    {
        if (!VnodeLock.TryEnterWrite(_oldParent, LockRank.Directory))
        {
            return false;
        }
        if (VnodeLock.TryEnterWrite(_newParent, LockRank.Directory))
        {
            return true;
        }
        VnodeLock.ExitWrite(_oldParent, LockRank.Directory);
        return false;
    }

    // Caller holds the rename mutex: who is whose ancestor cannot change.
    private readonly void LockParents()
    {
        bool oldFirst = IsAncestor(_oldDirectory.Dentry, _newDirectory.Dentry)
            || (!IsAncestor(_newDirectory.Dentry, _oldDirectory.Dentry) && _oldParent.Ino < _newParent.Ino);
        VnodeLock.EnterWrite(oldFirst ? _oldParent : _newParent, LockRank.Directory);
        VnodeLock.EnterWrite(oldFirst ? _newParent : _oldParent, LockRank.Directory);
    }

    private readonly void UnlockParents()
    {
        VnodeLock.ExitWrite(_oldParent, LockRank.Directory);
        VnodeLock.ExitWrite(_newParent, LockRank.Directory);
    }

    private Errno FindAndRename(bool topologyFrozen, out bool needsMutex)
    {
        needsMutex = false;
        Errno errno = Find();
        if (errno == Errno.None)
        {
            needsMutex = !topologyFrozen && (_source!.IsDirectory || _victim is { IsDirectory: true });
            if (!needsMutex)
            {
                errno = CheckTypes();
                // Two names of one file: nothing to do, and it succeeds.
                if (errno == Errno.None && !ReferenceEquals(_source, _victim))
                {
                    errno = CheckPermissions();
                    if (errno == Errno.None)
                    {
                        LockChildren();
                        errno = Move();
                        UnlockChildren();
                    }
                }
            }
        }
        Forget(ref _sourceDentry);
        Forget(ref _victimDentry);
        return errno;
    }

    private static void Forget(ref Dentry? dentry)
    {
        if (dentry is not null)
        {
            Deferred.Unpin(dentry);
            dentry = null;
        }
    }

    private Errno Find()
    {
        Errno errno = NameOperations.FindPinned(_context, _oldDirectory.Dentry, _oldParent, _oldName, out _sourceDentry);
        if (errno != Errno.None)
        {
            _sourceDentry = null;
            return errno;
        }
        _source = _sourceDentry!.Vnode;
        if (_source is null)
        {
            return Errno.ENOENT;
        }
        errno = NameOperations.FindPinned(_context, _newDirectory.Dentry, _newParent, _newName, out _victimDentry);
        if (errno != Errno.None)
        {
            _victimDentry = null;
            return errno;
        }
        _victim = _victimDentry!.Vnode;
        return Errno.None;
    }

    // What the names and kinds alone forbid.
    private readonly Errno CheckTypes()
    {
        if ((_flags & RenameFlags.NoReplace) != 0 && _victim is not null)
        {
            return Errno.EEXIST;
        }
        if (Exchanges)
        {
            if (_victim is null)
            {
                return Errno.ENOENT;
            }
            if (_newSlash && !_victim.IsDirectory)
            {
                return Errno.ENOTDIR;
            }
        }
        if (!_source!.IsDirectory && (_oldSlash || (_newSlash && !Exchanges)))
        {
            return Errno.ENOTDIR;
        }
        if (SameParent)
        {
            return Errno.None;
        }
        return IsAncestor(_sourceDentry!, _newDirectory.Dentry) ? Errno.EINVAL
            : IsAncestor(_victimDentry!, _oldDirectory.Dentry) ? (Exchanges ? Errno.EINVAL : Errno.ENOTEMPTY)
            : Errno.None;
    }

    private readonly Errno CheckPermissions()
    {
        Errno errno = Access.CheckRemove(_context, _oldParent, _source!, _source!.IsDirectory);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = _victim is null
            ? Access.CheckCreate(_context, _newParent)
            : Access.CheckRemove(_context, _newParent, _victim, Exchanges ? _victim.IsDirectory : _source.IsDirectory);
        if (errno != Errno.None || SameParent)
        {
            return errno;
        }
        // A directory that moves gets another "..": that is writing to it.
        if (_source.IsDirectory)
        {
            errno = Access.Check(_context, _source, AccessModes.Write);
        }
        if (errno == Errno.None && Exchanges && _victim!.IsDirectory)
        {
            errno = Access.Check(_context, _victim, AccessModes.Write);
        }
        return errno;
    }

    private readonly void LockChildren()
    {
        if (_victim is null)
        {
            VnodeLock.EnterWrite(_source!, LockRank.Child);
            return;
        }
        bool sourceFirst = _source!.IsDirectory != _victim.IsDirectory ? _source.IsDirectory : _source.Ino < _victim.Ino;
        VnodeLock.EnterWrite(sourceFirst ? _source : _victim, LockRank.Child);
        VnodeLock.EnterWrite(sourceFirst ? _victim : _source, LockRank.Child);
    }

    private readonly void UnlockChildren()
    {
        VnodeLock.ExitWrite(_source!, LockRank.Child);
        if (_victim is not null)
        {
            VnodeLock.ExitWrite(_victim, LockRank.Child);
        }
    }

    // Everything is locked and permitted: the last checks, the primitive, the cache, the attributes.
    private Errno Move()
    {
        FileSystem fileSystem = _oldParent.FileSystem;
        MountTable mounts = _context.Kernel.Mounts;
        if (mounts.IsMountPoint(_oldDirectory.Mount, _sourceDentry!) || (_victim is not null && mounts.IsMountPoint(_newDirectory.Mount, _victimDentry!)))
        {
            return Errno.EBUSY;
        }
        if (!SameParent && WouldExceedLinks(fileSystem.MaxLinks))
        {
            return Errno.EMLINK;
        }
        if ((Exchanges && !fileSystem.Supports(FileSystemFeatures.RenameExchange))
            || ((_flags & RenameFlags.Whiteout) != 0 && !fileSystem.Supports(FileSystemFeatures.RenameWhiteout)))
        {
            return Errno.EINVAL;
        }
        if (!Exchanges && _victim is { IsDirectory: true })
        {
            Errno emptiness = _victim.IsEmpty(_context, out bool empty);
            if (emptiness != Errno.None || !empty)
            {
                return emptiness != Errno.None ? emptiness : Errno.ENOTEMPTY;
            }
        }
        bool whiteout = (_flags & RenameFlags.Whiteout) != 0;
        var request = new RenameRequest
        {
            OldName = _oldName.Bytes,
            Source = _source!,
            NewDirectory = _newParent,
            NewName = _newName.Bytes,
            Victim = _victim,
            Exchange = Exchanges,
            Whiteout = whiteout,
            NewWhiteout = whiteout ? NewFile.Describe(_context, _oldParent, FileType.CharDevice, 0) : default,
        };
        Errno errno = _oldParent.Rename(_context, ref request);
        if (errno != Errno.None)
        {
            return errno;
        }
        MoveDentries();
        ChangeAttributes(_context.Now);
        _replaced = _victim is null || Exchanges ? null : _victimDentry;
        _moved = true;
        return Errno.None;
    }

    private readonly bool WouldExceedLinks(uint maxLinks)
    {
        bool intoNew = _source!.IsDirectory && _victim is not { IsDirectory: true };
        bool intoOld = Exchanges && _victim!.IsDirectory && !_source.IsDirectory;
        return (intoNew && _newParent.LinkCount >= maxLinks) || (intoOld && _oldParent.LinkCount >= maxLinks);
    }

    private readonly void MoveDentries()
    {
        bool directoryMoves = _source!.IsDirectory || (Exchanges && _victim!.IsDirectory);
        if (directoryMoves)
        {
            _context.Kernel.Moves.Begin();
        }
        TakeOut(_oldDirectory.Dentry, _sourceDentry!);
        if (Exchanges)
        {
            TakeOut(_newDirectory.Dentry, _victimDentry!);
            PutIn(_newDirectory.Dentry, _newName, _sourceDentry!);
            PutIn(_oldDirectory.Dentry, _oldName, _victimDentry!);
        }
        else
        {
            if (DentryCache.Unhash(_victimDentry!))
            {
                Deferred.Unpin(_victimDentry!);
            }
            PutIn(_newDirectory.Dentry, _newName, _sourceDentry!);
        }
        if (directoryMoves)
        {
            _context.Kernel.Moves.End();
        }
    }

    // Between the two a walk misses the name, asks under the directory's lock, and so waits for us.
    private static void TakeOut(Dentry directory, Dentry dentry)
    {
        DentryTable table = directory.Children!;
        table.EnterLock();
        table.RemoveLocked(dentry);
        table.ExitLock();
    }

    private static void PutIn(Dentry directory, in NameKey name, Dentry dentry)
    {
        DentryTable table = directory.GetOrMakeChildren();
        Dentry oldDirectory = dentry.Parent;
        if (!ReferenceEquals(oldDirectory, directory))
        {
            directory.Pin();
        }
        table.EnterLock();
        dentry.MoveTo(directory, name);
        table.InsertLocked(dentry);
        table.ExitLock();
        if (!ReferenceEquals(oldDirectory, directory))
        {
            Deferred.Unpin(oldDirectory);
        }
    }

    private void ChangeAttributes(Timespec now)
    {
        int oldDelta = 0;
        int newDelta = 0;
        if (_source!.IsDirectory)
        {
            oldDelta--;
            newDelta++;
        }
        NameOperations.LinksChanged(_source, now, 0);
        if (_victim is not null)
        {
            if (Exchanges)
            {
                oldDelta += _victim.IsDirectory ? 1 : 0;
                newDelta -= _victim.IsDirectory ? 1 : 0;
                NameOperations.LinksChanged(_victim, now, 0);
            }
            else if (_victim.IsDirectory)
            {
                newDelta--;
                _victim.MarkDead();
                NameOperations.LinksChanged(_victim, now, -(int)_victim.LinkCount);
            }
            else
            {
                NameOperations.LinksChanged(_victim, now, -1);
            }
        }
        if (SameParent)
        {
            NameOperations.EntriesChanged(_oldParent, now, oldDelta + newDelta);
        }
        else
        {
            NameOperations.EntriesChanged(_oldParent, now, oldDelta);
            NameOperations.EntriesChanged(_newParent, now, newDelta);
        }
    }

    private readonly void Announce()
    {
        Notify.Renamed(_oldParent, _oldName.Bytes, _newParent, _newName.Bytes, _source!);
        if (Exchanges)
        {
            Notify.Renamed(_newParent, _newName.Bytes, _oldParent, _oldName.Bytes, _victim!);
        }
        else if (_victim is not null)
        {
            Notify.Replaced(_victim);
        }
    }

    // True when `upper` is `lower` or above it, in one file system.
    private static bool IsAncestor(Dentry upper, Dentry lower)
    {
        while (true)
        {
            if (ReferenceEquals(upper, lower))
            {
                return true;
            }
            Dentry parent = lower.Parent;
            if (ReferenceEquals(parent, lower))
            {
                return false;
            }
            lower = parent;
        }
    }
}
