// OpenOperation opens files by path: the checks of open(2), openat2(2), O_CREAT, O_TMPFILE and O_PATH, in Linux' order.
//
// Without O_CREAT a path is walked to its end and the file opened. With it the walk stops at the directory; the name is looked
// up without a lock first, and only when it is missing the directory is locked and the file made (NameOperations.CreateLocked),
// so that opening an existing file with O_CREAT asks nothing of the directory.
// The result owns what it pins: place, write claim on the mount, the file system's handle.
namespace Tupelo.Vfs;

internal static class OpenOperation
{
    // Flags that open(2) gives a meaning; others are dropped by open, refused by openat2.
    internal const OpenFlags Known = OpenFlags.AccessMode | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoControllingTerminal
        | OpenFlags.Truncate | OpenFlags.Append | OpenFlags.NonBlock | OpenFlags.Sync | OpenFlags.Async | OpenFlags.Direct
        | OpenFlags.LargeFile | OpenFlags.Directory | OpenFlags.NoFollow | OpenFlags.NoAccessTime | OpenFlags.CloseOnExec
        | OpenFlags.Path | OpenFlags.TemporaryFile;

    // What O_PATH lets through.
    internal const OpenFlags PathFlags = OpenFlags.Directory | OpenFlags.NoFollow | OpenFlags.Path | OpenFlags.CloseOnExec;

    // What concerns the call and is not kept in the open file.
    private const OpenFlags CallFlags =
        OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoControllingTerminal | OpenFlags.Truncate | OpenFlags.CloseOnExec;

    // O_SYNC is two bits, and either of the higher one's spellings means both.
    internal static OpenFlags Completed(OpenFlags flags) => (flags & OpenFlags.Sync & ~OpenFlags.DataSync) != 0 ? flags | OpenFlags.Sync : flags;

    /// <summary>What the flags alone forbid.</summary>
    /// <remarks>Errors: EINVAL CREAT with DIRECTORY, TMPFILE without DIRECTORY or not for writing · EAGAIN RESOLVE_CACHED and a change.</remarks>
    internal static Errno CheckFlags(OpenFlags flags, ResolveFlags resolve)
    {
        if ((flags & (OpenFlags.Directory | OpenFlags.Create)) == (OpenFlags.Directory | OpenFlags.Create))
        {
            return Errno.EINVAL;
        }
        if ((flags & OpenFlags.TemporaryFileBit) != 0
            && ((flags & OpenFlags.TemporaryFile) != OpenFlags.TemporaryFile || (WantedAccess(flags & OpenFlags.AccessMode) & AccessModes.Write) == 0))
        {
            return Errno.EINVAL;
        }
        return (resolve & ResolveFlags.Cached) != 0 && (flags & (OpenFlags.Truncate | OpenFlags.Create | OpenFlags.TemporaryFileBit)) != 0
            ? Errno.EAGAIN
            : Errno.None;
    }

    /// <summary>Opens. The flags are checked; <paramref name="mode"/> counts for a new file only.</summary>
    /// <remarks>Errors: see the calls in docs/vfs.md; as Linux do_filp_open.</remarks>
    internal static Errno Open(
        VfsContext context, int dirFd, ReadOnlySpan<byte> path, OpenFlags flags, uint mode, ResolveFlags resolve, out OpenFile? file)
    {
        file = null;
        bool creates = (flags & OpenFlags.Create) != 0;
        WalkFlags walkFlags = (Follows(flags) ? WalkFlags.FollowLast : WalkFlags.None)
            | ((flags & OpenFlags.Directory) != 0 ? WalkFlags.Directory : WalkFlags.None);
        var walk = new PathWalk(context, dirFd, path, walkFlags, resolve);
        try
        {
            Errno errno = walk.Begin();
            if (errno != Errno.None)
            {
                return errno;
            }
            if ((flags & OpenFlags.TemporaryFileBit) != 0)
            {
                return OpenTemporary(context, ref walk, flags, mode, out file);
            }
            if (creates)
            {
                return OpenOrCreate(context, ref walk, flags, mode, out file);
            }
            errno = walk.ToEndPinned(out PathRef place);
            return errno != Errno.None ? errno : OpenPinned(context, place, flags, out file);
        }
        finally
        {
            walk.Dispose();
        }
    }

    /// <summary>Opens a file at a known place, as a server does with a node, or open_by_handle_at. Takes over the pin, also when it fails.</summary>
    internal static Errno OpenPinned(VfsContext context, PathRef place, OpenFlags flags, out OpenFile? file)
    {
        Errno errno = OpenExisting(context, place, flags, out file);
        if (errno != Errno.None)
        {
            place.Unpin();
        }
        return errno;
    }

    internal static AccessModes WantedAccess(OpenFlags flags)
    {
        AccessModes access = (flags & OpenFlags.AccessMode) switch
        {
            OpenFlags.ReadOnly => AccessModes.Read,
            OpenFlags.WriteOnly => AccessModes.Write,
            _ => AccessModes.Read | AccessModes.Write,
        };
        return (flags & OpenFlags.Truncate) != 0 ? access | AccessModes.Write : access;
    }

    // With CREAT and EXCL a link in the last place is in the way, wherever it leads.
    private static bool Follows(OpenFlags flags) =>
        (flags & OpenFlags.NoFollow) == 0
        && (flags & (OpenFlags.Create | OpenFlags.Exclusive)) != (OpenFlags.Create | OpenFlags.Exclusive);

    private static Errno OpenOrCreate(VfsContext context, ref PathWalk walk, OpenFlags flags, uint mode, out OpenFile? file)
    {
        file = null;
        while (true)
        {
            Errno errno = walk.ToParentPinned(out PathRef directory);
            if (errno != Errno.None)
            {
                return errno;
            }
            bool again;
            if (walk.LastKind != LastKind.Normal)
            {
                errno = OpenDots(ref walk, flags, out again);
            }
            else if (walk.HasTrailingSlash)
            {
                errno = Errno.EISDIR;
                again = false;
            }
            else
            {
                errno = OpenOrCreateName(context, ref walk, directory, flags, mode, out file, out again);
            }
            directory.Unpin();
            Deferred.Run();
            if (!again)
            {
                return errno;
            }
            if (errno != Errno.None)
            {
                return errno;
            }
        }
    }

    // "." or ".." or "/" with O_CREAT can only fail, but how depends on what is there.
    private static Errno OpenDots(ref PathWalk walk, OpenFlags flags, out bool again)
    {
        again = false;
        Errno errno = walk.TakeLastDots();
        return errno != Errno.None ? errno
            : (flags & OpenFlags.Exclusive) != 0 ? Errno.EEXIST
            : Errno.EISDIR;
    }

    // `again`: a link was followed, or the file vanished; the walk stands where it has to go on.
    private static Errno OpenOrCreateName(
        VfsContext context, ref PathWalk walk, PathRef directory, OpenFlags flags, uint mode, out OpenFile? file, out bool again)
    {
        file = null;
        again = false;
        Errno errno = walk.Lookup(walk.Last, out Dentry child, out Vnode? vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (vnode is null)
        {
            errno = Create(context, directory, walk.Last, flags, mode, out file);
            if (errno != Errno.EEXIST)
            {
                return errno;
            }
            // Somebody was faster: look again.
            again = true;
            return walk.Begin();
        }
        if (vnode.Type == FileType.Symlink && Follows(flags))
        {
            again = true;
            return walk.Follow(vnode);
        }
        errno = walk.Take(child, vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        if ((flags & OpenFlags.Exclusive) != 0)
        {
            return Errno.EEXIST;
        }
        PathRef place = walk.Here;
        vnode = walk.Vnode;
        if (!place.TryPin())
        {
            again = true;
            return walk.Begin();
        }
        if (!ReferenceEquals(place.Dentry.Vnode, vnode))
        {
            place.Unpin();
            again = true;
            return walk.Begin();
        }
        errno = vnode.IsDirectory ? Errno.EISDIR : CheckSticky(context, directory.Vnode, vnode);
        if (errno != Errno.None)
        {
            place.Unpin();
            return errno;
        }
        return OpenPinned(context, place, flags, out file);
    }

    // As Linux may_create_in_sticky: O_CREAT must not fall upon somebody's device in a directory that all may write to. (For files and
    // FIFOs that is a setting of the host, off by default.)
    private static Errno CheckSticky(VfsContext context, Vnode directory, Vnode vnode)
    {
        const uint OthersWrite = 0x2;
        directory.ReadAccess(out uint permissions, out uint directoryUid, out _);
        if (vnode.Type is FileType.Regular or FileType.Fifo || (permissions & (Mode.Sticky | OthersWrite)) != (Mode.Sticky | OthersWrite))
        {
            return Errno.None;
        }
        vnode.ReadAccess(out _, out uint uid, out _);
        return uid == directoryUid || uid == context.Credentials.Uid ? Errno.None : Errno.EACCES;
    }

    // Makes the file, unless it exists by now (EEXIST: internal, the caller looks again).
    internal static Errno Create(VfsContext context, PathRef directory, in NameKey name, OpenFlags flags, uint mode, out OpenFile? file)
    {
        file = null;
        Vnode parent = directory.Vnode;
        Errno writable = directory.Mount.BeginWrite();
        VnodeLock.EnterWrite(parent, LockRank.Directory);
        Errno errno = NameOperations.FindForCreate(context, directory.Dentry, parent, name, slashForbidden: false, writable, out Dentry? dentry);
        if (errno == Errno.None)
        {
            errno = NameOperations.CreateLocked(context, parent, dentry!, name, NewFile.Describe(context, parent, FileType.Regular, mode));
            if (errno != Errno.None)
            {
                Deferred.Unpin(dentry!);
            }
        }
        VnodeLock.ExitWrite(parent, LockRank.Directory);
        if (errno == Errno.None)
        {
            Notify.Created(parent, dentry!.Vnode!, name.Bytes);
            directory.Mount.Pin();
            var place = new PathRef(directory.Mount, dentry!);
            errno = OpenVnode(context, place, place.Vnode, flags & ~OpenFlags.Truncate, out file);
            if (errno != Errno.None)
            {
                place.Unpin();
                errno = errno == Errno.EEXIST ? Errno.EIO : errno;
            }
        }
        NameOperations.Finish(context, directory.Mount, writable);
        return errno;
    }

    private static Errno OpenTemporary(VfsContext context, ref PathWalk walk, OpenFlags flags, uint mode, out OpenFile? file)
    {
        file = null;
        Errno errno = walk.ToEndPinned(out PathRef directory);
        if (errno != Errno.None)
        {
            return errno;
        }
        Mount mount = directory.Mount;
        errno = mount.BeginWrite();
        if (errno == Errno.None)
        {
            errno = MakeTemporary(context, directory, flags, mode, out file);
            mount.EndWrite();
        }
        directory.Unpin();
        return errno;
    }

    // Caller has pinned the directory and claimed writing.
    internal static Errno MakeTemporary(VfsContext context, PathRef directory, OpenFlags flags, uint mode, out OpenFile? file)
    {
        file = null;
        Vnode parent = directory.Vnode;
        Errno errno = Access.Check(context, parent, AccessModes.Write | AccessModes.Execute);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (!parent.FileSystem.Supports(FileSystemFeatures.TemporaryFiles))
        {
            return Errno.EOPNOTSUPP;
        }
        if (parent.IsDead)
        {
            return Errno.ENOENT;
        }
        errno = parent.CreateTemporary(context, NewFile.Describe(context, parent, FileType.Regular, mode), out Vnode? vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        vnode!.FileSystem.CountOrphan(1);
        vnode.IsLinkable = (flags & OpenFlags.Exclusive) == 0;
        vnode.IsNeverLinkable = !vnode.IsLinkable;
        Span<byte> name = stackalloc byte[24];
        name[0] = (byte)'#';
        _ = System.Buffers.Text.Utf8Formatter.TryFormat(vnode.Ino, name[1..], out int digits);
        directory.Mount.Pin();
        var place = new PathRef(directory.Mount, Dentry.MakeUnhashed(vnode, new NameKey(name[..(digits + 1)]), directory.Dentry));
        errno = OpenVnode(context, place, vnode, flags & ~OpenFlags.Truncate, out file);
        if (errno != Errno.None)
        {
            place.Unpin();
        }
        return errno;
    }

    private static Errno OpenExisting(VfsContext context, PathRef place, OpenFlags flags, out OpenFile? file)
    {
        Vnode vnode = place.Vnode;
        if ((flags & OpenFlags.Path) != 0)
        {
            file = new OpenFile(context, place, vnode, flags & PathFlags & ~OpenFlags.CloseOnExec, handle: null, claimsWrite: false);
            return Errno.None;
        }
        file = null;
        bool truncates = (flags & OpenFlags.Truncate) != 0 && vnode.IsRegular;
        if (truncates && place.Mount.IsReadOnly)
        {
            return Errno.EROFS;
        }
        Errno errno = CheckMayOpen(context, place.Mount, vnode, flags);
        if (errno == Errno.None)
        {
            errno = Leases.Break(context, vnode, flags);
        }
        if (errno == Errno.None)
        {
            errno = OpenVnode(context, place, vnode, flags, out file);
        }
        if (errno == Errno.None && truncates)
        {
            errno = Space.TruncateOpened(context, place, vnode);
            if (errno != Errno.None)
            {
                // The open file owns the pin now; the caller gives one back.
                place.Mount.Pin();
                place.Dentry.Pin();
                file!.Release();
                file = null;
            }
        }
        return errno;
    }

    // As Linux may_open.
    private static Errno CheckMayOpen(VfsContext context, Mount mount, Vnode vnode, OpenFlags flags)
    {
        AccessModes wanted = WantedAccess(flags);
        switch (vnode.Type)
        {
            case FileType.Symlink:
                return Errno.ELOOP;
            case FileType.Directory when (wanted & AccessModes.Write) != 0:
                return Errno.EISDIR;
            case FileType.CharDevice or FileType.BlockDevice when (mount.Flags & MountFlags.NoDevices) != 0:
                return Errno.EACCES;
            default:
                break;
        }
        if ((wanted & AccessModes.Write) != 0 && vnode.FileSystem.IsReadOnly && vnode.Type is FileType.Regular or FileType.Directory
            && (wanted & AccessModes.Write) != 0)
        {
            return Errno.EROFS;
        }
        Errno errno = Access.Check(context, vnode, wanted);
        if (errno != Errno.None)
        {
            return errno;
        }
        if ((vnode.Flags & InodeFlags.AppendOnly) != 0
            && (((flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly && (flags & OpenFlags.Append) == 0) || (flags & OpenFlags.Truncate) != 0))
        {
            return Errno.EPERM;
        }
        return (flags & OpenFlags.NoAccessTime) != 0 && !Access.IsOwner(context, vnode) ? Errno.EPERM : Errno.None;
    }

    // Everything is permitted: the write claim, the handle, the open file. Takes over the pin when it succeeds.
    private static Errno OpenVnode(VfsContext context, PathRef place, Vnode vnode, OpenFlags flags, out OpenFile? file)
    {
        file = null;
        bool claimsWrite = (flags & OpenFlags.AccessMode) is OpenFlags.WriteOnly or OpenFlags.ReadWrite && vnode.Type is FileType.Regular;
        if (claimsWrite)
        {
            Errno writable = place.Mount.BeginWrite();
            if (writable != Errno.None)
            {
                return writable;
            }
        }
        LockRanks.AssertMayCallFileSystem();
        // A file system that keeps its own access times is told when the mount wants none.
        bool noAccessTime = place.Mount.IsReadOnly || (place.Mount.Flags & MountFlags.NoAccessTime) != 0;
        Errno errno = vnode.Open(context, noAccessTime ? flags | OpenFlags.NoAccessTime : flags, out OpenHandle? handle);
        if (errno == Errno.None && handle is null)
        {
            errno = SpecialFiles.Open(context, vnode, flags, out handle);
        }
        bool isStorage = vnode.Type is FileType.Regular or FileType.BlockDevice;
        if (errno == Errno.None && (flags & OpenFlags.Direct) != 0 && !(isStorage && vnode.FileSystem.Supports(FileSystemFeatures.DirectIo)))
        {
            handle?.Release();
            Notify.OpenFailed(vnode, place.Dentry, claimsWrite);
            errno = Errno.EINVAL;
        }
        if (errno != Errno.None)
        {
            if (claimsWrite)
            {
                place.Mount.EndWrite();
            }
            return errno;
        }
        file = new OpenFile(context, place, vnode, (flags & ~CallFlags) | OpenFlags.LargeFile, handle, claimsWrite);
        Notify.Opened(file);
        return Errno.None;
    }
}
