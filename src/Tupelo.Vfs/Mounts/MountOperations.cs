// MountOperations are mount(2), umount2(2), pivot_root(2) and the new namespace of unshare(2): checks in Linux' order, then one
// change of the mount table under its mutex.
namespace Tupelo.Vfs;

internal static class MountOperations
{
    // Flags kept by a mount itself; the others concern the call or the file system.
    private const MountFlags PerMount = MountFlags.ReadOnly | MountFlags.NoSetUid | MountFlags.NoDevices | MountFlags.NoExec
        | MountFlags.NoAccessTime | MountFlags.NoDirectoryAccessTime | MountFlags.RelativeAccessTime | MountFlags.StrictAccessTime
        | MountFlags.NoSymlinkFollow | MountFlags.Synchronous | MountFlags.DirectorySync;

    private const MountFlags AccessTimeFlags = MountFlags.NoAccessTime | MountFlags.NoDirectoryAccessTime | MountFlags.RelativeAccessTime
        | MountFlags.StrictAccessTime;

    private const MountFlags PropagationFlags = MountFlags.Shared | MountFlags.Private | MountFlags.Slave | MountFlags.Unbindable;

    /// <summary>mount(2) at a resolved, pinned target. The flags choose what is done.</summary>
    /// <remarks>Errors: EPERM · EINVAL · ENODEV type · ENOENT, ENOTDIR, ... source of a bind · ENOTDIR kinds differ · EBUSY · ELOOP · those of the file system.</remarks>
    internal static Errno Mount(VfsContext context, PathRef target, string source, ReadOnlySpan<byte> sourcePath, string? type, MountFlags flags, string options)
    {
        if (!Access.Has(context, Capabilities.Administrator))
        {
            return Errno.EPERM;
        }
        if ((flags & (MountFlags.Remount | MountFlags.Bind)) == (MountFlags.Remount | MountFlags.Bind))
        {
            return RemountFlags(context, target, flags);
        }
        if ((flags & MountFlags.Remount) != 0)
        {
            return Remount(context, target, flags, options);
        }
        if ((flags & MountFlags.Bind) != 0)
        {
            return Bind(context, target, sourcePath, recursive: (flags & MountFlags.Recursive) != 0);
        }
        if ((flags & PropagationFlags) != 0)
        {
            return ChangePropagation(context, target, flags);
        }
        return (flags & MountFlags.Move) != 0 ? Move(context, target, sourcePath) : MountNew(context, target, source, type, flags, options);
    }

    /// <summary>umount2(2) of a resolved, pinned place; the pin is given back here.</summary>
    /// <remarks>Errors: EPERM · EINVAL not a mount's root, EXPIRE with FORCE or DETACH · EAGAIN first EXPIRE · EBUSY.</remarks>
    internal static Errno Unmount(VfsContext context, PathRef place, UnmountFlags flags)
    {
        MountTable table = context.Kernel.Mounts;
        MountChange change = default;
        table.Enter();
        // What was mounted over the place goes first, also where no name led over it (".": after pivot_root(".", ".") the old root).
        PathRef top = table.TopLocked(place);
        Mount mount = top.Mount;
        Errno errno = !Access.Has(context, Capabilities.Administrator) ? Errno.EPERM
            : !ReferenceEquals(top.Dentry, mount.Root) || !IsMine(context, mount) ? Errno.EINVAL
            : Errno.None;
        change.Unpin(place);
        if (errno == Errno.None)
        {
            // Our own pin does not make it busy; the table keeps it alive.
            errno = UnmountLocked(context, table, mount, flags, ownPins: ReferenceEquals(mount, place.Mount) ? 1 : 0, ref change);
        }
        table.Exit();
        change.Finish();
        return errno;
    }

    /// <summary>pivot_root(2): both places are pinned directories.</summary>
    /// <remarks>Errors: EPERM · EINVAL shared, not mount points, not below each other · EBUSY the current root's mount.</remarks>
    internal static Errno PivotRoot(VfsContext context, PathRef newRoot, PathRef putOld)
    {
        if (!Access.Has(context, Capabilities.Administrator))
        {
            return Errno.EPERM;
        }
        MountTable table = context.Kernel.Mounts;
        MountChange change = default;
        table.Enter();
        PathRef root = context.Directories.Now.Root;
        putOld = table.TopLocked(putOld);
        Errno errno = CheckPivot(context, root, newRoot, putOld);
        if (errno == Errno.None)
        {
            MountNamespace mountNamespace = root.Mount.Namespace!;
            MountAttachment? rootAt = root.Mount.Attachment;
            table.UnhangLocked(newRoot.Mount, ref change);
            if (rootAt is null)
            {
                table.ReplaceRootLocked(mountNamespace, newRoot.Mount);
            }
            else
            {
                table.UnhangLocked(root.Mount, ref change);
                table.AttachLocked(newRoot.Mount, rootAt.Parent, rootAt.MountPoint);
            }
            table.AttachLocked(root.Mount, putOld.Mount, putOld.Dentry);
            table.MoveDirectoriesLocked(root, newRoot, ref change);
        }
        table.Exit();
        change.Finish();
        return errno;
    }

    /// <summary>unshare(CLONE_NEWNS): the caller's directories go into a copy of its namespace.</summary>
    /// <remarks>Errors: EPERM · EINVAL the directories are shared with threads.</remarks>
    internal static Errno UnshareNamespace(VfsContext context)
    {
        if (!Access.Has(context, Capabilities.Administrator))
        {
            return Errno.EPERM;
        }
        if (context.Directories.IsShared)
        {
            return Errno.EINVAL;
        }
        MountTable table = context.Kernel.Mounts;
        MountChange change = default;
        table.Enter();
        MountNamespace old = context.Directories.Now.Namespace;
        MountNamespace made = table.CopyNamespaceLocked(old, out Dictionary<Mount, Mount> map);
        context.Directories.MoveTo(made, map, ref change);
        made.Users++;
        table.LeaveLocked(old, ref change);
        table.Exit();
        change.Finish();
        return Errno.None;
    }

    // What a new mount keeps of its flags: relatime unless something else is said.
    internal static MountFlags Kept(MountFlags flags)
    {
        MountFlags kept = flags & PerMount;
        return (kept & (MountFlags.NoAccessTime | MountFlags.StrictAccessTime)) == 0 ? kept | MountFlags.RelativeAccessTime : kept & ~MountFlags.RelativeAccessTime;
    }

    private static bool IsMine(VfsContext context, Mount mount) =>
        mount.Namespace is { } mountNamespace && ReferenceEquals(mountNamespace, context.Directories.Now.Namespace);

    private static Errno MountNew(VfsContext context, PathRef target, string source, string? type, MountFlags flags, string options)
    {
        if (type is null)
        {
            return Errno.EINVAL;
        }
        if (!context.Kernel.FileSystems.TryFind(type, out FileSystemType? fileSystemType))
        {
            return Errno.ENODEV;
        }
        Errno errno = context.Kernel.MakeFileSystem(context, fileSystemType, source, flags, options, out FileSystem? fileSystem);
        if (errno != Errno.None)
        {
            return errno;
        }
        MountTable table = context.Kernel.Mounts;
        MountChange change = default;
        table.Enter();
        Mount made = table.MakeMountLocked(fileSystem!, fileSystem!.RootDentry, Kept(flags), source);
        PathRef top = table.TopLocked(target);
        // The same file system twice at one place; a bind mount may.
        errno = ReferenceEquals(top.Dentry, top.Mount.Root) && ReferenceEquals(top.Mount.FileSystem, fileSystem) ? Errno.EBUSY
            : Attach(context, table, made, target);
        if (errno != Errno.None)
        {
            _ = made.TryEndUnused();
            change.End(made);
        }
        table.Exit();
        change.Finish();
        return errno;
    }

    // Whether something may be mounted at the top of the target. Caller holds the mutex.
    // Errors: ENOENT the target is in a detached mount, or was removed · EINVAL in another namespace.
    private static Errno CheckTarget(VfsContext context, PathRef top) =>
        !top.Mount.IsAttached || IsGone(top) ? Errno.ENOENT
        : !IsMine(context, top.Mount) ? Errno.EINVAL
        : Errno.None;

    // A name that was removed since it was resolved.
    private static bool IsGone(PathRef top) => top.Vnode.IsDead || (top.Dentry.IsUnhashed && (top.Dentry.Flags & DentryFlags.FileSystemRoot) == 0);

    // Hangs a new tree at the top of the target. Caller holds the mutex.
    private static Errno Attach(VfsContext context, MountTable table, Mount tree, PathRef target)
    {
        PathRef top = table.TopLocked(target);
        Vnode point = top.Vnode;
        Errno errno = CheckTarget(context, top);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (point.IsDirectory != tree.Root.Vnode!.IsDirectory)
        {
            return Errno.ENOTDIR;
        }
        VnodeLock.EnterWrite(point, LockRank.Child);
        // Nor may what is mounted be without a name, as in Linux since 6.17.
        bool gone = IsGone(top) || IsGone(tree.Place);
        if (!gone)
        {
            table.AttachEverywhereLocked(tree, top.Mount, top.Dentry);
        }
        VnodeLock.ExitWrite(point, LockRank.Child);
        return gone ? Errno.ENOENT : Errno.None;
    }

    private static Errno Bind(VfsContext context, PathRef target, ReadOnlySpan<byte> sourcePath, bool recursive)
    {
        Errno errno = ResolveSource(context, sourcePath, out PathRef source);
        if (errno != Errno.None)
        {
            return errno;
        }
        MountTable table = context.Kernel.Mounts;
        MountChange change = default;
        table.Enter();
        errno = CheckTarget(context, table.TopLocked(target));
        if (errno == Errno.None && (source.Mount.Propagation.IsUnbindable || !IsMine(context, source.Mount)))
        {
            errno = Errno.EINVAL;
        }
        if (errno == Errno.None)
        {
            Mount copy = recursive
                ? table.CopyTreeLocked(source.Mount, source.Dentry, keepUnbindable: false)
                : table.CopyMountLocked(source.Mount, source.Dentry);
            errno = Attach(context, table, copy, target);
            if (errno != Errno.None)
            {
                table.DetachTreeLocked(copy, ref change);
            }
        }
        table.Exit();
        change.Unpin(source);
        change.Finish();
        return errno;
    }

    private static Errno Move(VfsContext context, PathRef target, ReadOnlySpan<byte> sourcePath)
    {
        Errno errno = ResolveSource(context, sourcePath, out PathRef source);
        if (errno != Errno.None)
        {
            return errno;
        }
        MountTable table = context.Kernel.Mounts;
        MountChange change = default;
        table.Enter();
        Mount moved = source.Mount;
        PathRef top = table.TopLocked(target);
        errno = !ReferenceEquals(source.Dentry, moved.Root) || top.Vnode.IsDirectory != moved.Root.Vnode!.IsDirectory ? Errno.EINVAL
            : CheckTarget(context, top) is Errno.ENOENT ? Errno.ENOENT
            : !IsMine(context, moved) || moved.Parent is { Propagation.IsShared: true }
            || !IsMine(context, top.Mount)
            || (top.Mount.Propagation.IsShared && MountTable.TreeLocked(moved).Exists(static m => m.Propagation.IsUnbindable)) ? Errno.EINVAL
            : IsBelow(top.Mount, moved) ? Errno.ELOOP // Also the root of all.
            : Errno.None;
        if (errno == Errno.None)
        {
            MountAttachment before = moved.Attachment!;
            table.UnhangLocked(moved, ref change);
            errno = Attach(context, table, moved, target);
            if (errno != Errno.None)
            {
                table.AttachLocked(moved, before.Parent, before.MountPoint);
            }
        }
        table.Exit();
        change.Unpin(source);
        change.Finish();
        return errno;
    }

    private static Errno ResolveSource(VfsContext context, ReadOnlySpan<byte> path, out PathRef source)
    {
        source = default;
        if (path.IsEmpty)
        {
            return Errno.EINVAL;
        }
        var walk = new PathWalk(context, AtFd.CurrentDirectory, path, WalkFlags.FollowLast);
        Errno errno = walk.Begin();
        if (errno == Errno.None)
        {
            errno = walk.ToEndPinned(out source);
        }
        walk.Dispose();
        return errno;
    }

    private static bool IsBelow(Mount mount, Mount top)
    {
        for (Mount? at = mount; at is not null; at = at.Parent)
        {
            if (ReferenceEquals(at, top))
            {
                return true;
            }
        }
        return false;
    }

    private static Errno ChangePropagation(VfsContext context, PathRef target, MountFlags flags)
    {
        MountFlags kind = flags & PropagationFlags;
        bool one = ((ulong)kind & ((ulong)kind - 1)) == 0;
        if (!one || (flags & ~(PropagationFlags | MountFlags.Recursive | MountFlags.Silent)) != 0)
        {
            return Errno.EINVAL;
        }
        MountTable table = context.Kernel.Mounts;
        table.Enter();
        Errno errno = ReferenceEquals(target.Dentry, target.Mount.Root) && IsMine(context, target.Mount) ? Errno.None : Errno.EINVAL;
        if (errno == Errno.None)
        {
            foreach (Mount mount in (flags & MountFlags.Recursive) != 0 ? MountTable.TreeLocked(target.Mount) : [target.Mount])
            {
                switch (kind)
                {
                    case MountFlags.Shared:
                        mount.Propagation.Share(mount);
                        break;
                    case MountFlags.Slave:
                        mount.Propagation.Enslave(mount);
                        break;
                    default:
                        mount.Propagation.MakePrivate(mount, unbindable: kind == MountFlags.Unbindable);
                        break;
                }
            }
        }
        table.Exit();
        return errno;
    }

    // MS_REMOUNT | MS_BIND: the flags of this mount alone.
    private static Errno RemountFlags(VfsContext context, PathRef target, MountFlags flags)
    {
        MountTable table = context.Kernel.Mounts;
        table.Enter();
        Mount mount = target.Mount;
        Errno errno = ReferenceEquals(target.Dentry, mount.Root) && IsMine(context, mount)
            ? mount.SetFlags(NewFlags(mount, flags), checkWriters: true)
            : Errno.EINVAL;
        table.Exit();
        return errno;
    }

    // MS_REMOUNT: the file system and this mount.
    private static Errno Remount(VfsContext context, PathRef target, MountFlags flags, string options)
    {
        MountTable table = context.Kernel.Mounts;
        Mount mount = target.Mount;
        FileSystem fileSystem = mount.FileSystem;
        bool readOnly = (flags & MountFlags.ReadOnly) != 0;
        bool wasReadOnly = fileSystem.IsReadOnly;
        table.Enter();
        Errno errno = !ReferenceEquals(target.Dentry, mount.Root) || !IsMine(context, mount) ? Errno.EINVAL
            : readOnly && !wasReadOnly ? StopWriters(table, fileSystem)
            : Errno.None;
        table.Exit();
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = readOnly && !wasReadOnly ? fileSystem.Sync() : Errno.None;
        if (errno == Errno.None)
        {
            errno = fileSystem.Remount(readOnly, options);
        }
        if (errno != Errno.None)
        {
            fileSystem.SetReadOnly(wasReadOnly);
            return errno;
        }
        fileSystem.SetReadOnly(readOnly);
        table.Enter();
        errno = mount.SetFlags(NewFlags(mount, flags), checkWriters: false);
        table.Exit();
        return errno;
    }

    private static MountFlags NewFlags(Mount mount, MountFlags flags) =>
        (flags & AccessTimeFlags) == 0 ? (flags & PerMount & ~AccessTimeFlags) | (mount.Flags & AccessTimeFlags) : Kept(flags);

    // From here on nobody may begin to write to the file system, through any mount. Caller holds the mutex. Errors: EBUSY.
    private static Errno StopWriters(MountTable table, FileSystem fileSystem)
    {
        List<Mount> mounts = fileSystem.Mounts;
        int barred = 0;
        while (barred < mounts.Count && mounts[barred].TryBarWriters())
        {
            barred++;
        }
        bool all = barred == mounts.Count && !fileSystem.HasOrphans;
        if (all)
        {
            fileSystem.SetReadOnly(true);
        }
        for (int i = 0; i < barred; i++)
        {
            mounts[i].AllowWriters();
        }
        return all ? Errno.None : Errno.EBUSY;
    }

    private static Errno UnmountLocked(VfsContext context, MountTable table, Mount mount, UnmountFlags flags, int ownPins, ref MountChange change)
    {
        bool isRoot = ReferenceEquals(mount, context.Directories.Now.Root.Mount) || mount.Attachment is null;
        if ((flags & UnmountFlags.Expire) != 0)
        {
            if (isRoot || (flags & (UnmountFlags.Force | UnmountFlags.Detach)) != 0)
            {
                return Errno.EINVAL;
            }
            if (mount.PinCount > ownPins || mount.Children.Count > 0)
            {
                return Errno.EBUSY;
            }
            if (!mount.IsExpiring)
            {
                mount.IsExpiring = true;
                return Errno.EAGAIN;
            }
        }
        if ((flags & UnmountFlags.Detach) != 0 && mount.Attachment is not null)
        {
            foreach (Mount counterpart in table.CounterpartsLocked(mount))
            {
                table.DetachTreeLocked(counterpart, ref change);
            }
            return Errno.None;
        }
        if (isRoot || mount.Children.Count > 0)
        {
            return Errno.EBUSY;
        }
        List<Mount> all = table.CounterpartsLocked(mount);
        // Counterparts with mounts of their own stay; a busy one makes the whole call fail.
        _ = all.RemoveAll(other => !ReferenceEquals(other, mount) && other.Children.Count > 0);
        for (int i = 0; i < all.Count; i++)
        {
            if (!all[i].TryEndUnused(ReferenceEquals(all[i], mount) ? ownPins : 0))
            {
                for (int j = 0; j < i; j++)
                {
                    all[j].Revive();
                }
                return Errno.EBUSY;
            }
        }
        foreach (Mount ended in all)
        {
            table.EndUnusedLocked(ended, ref change);
        }
        return Errno.None;
    }

    private static Errno CheckPivot(VfsContext context, PathRef root, PathRef newRoot, PathRef putOld)
    {
        Mount rootMount = root.Mount;
        Mount newMount = newRoot.Mount;
        if (putOld.Mount.Propagation.IsShared
            || newMount.Parent is { Propagation.IsShared: true }
            || rootMount.Parent is { Propagation.IsShared: true }
            || !IsMine(context, rootMount) || !IsMine(context, newMount))
        {
            return Errno.EINVAL;
        }
        if (newRoot.Vnode.IsDead)
        {
            return Errno.ENOENT;
        }
        if (ReferenceEquals(newMount, rootMount) || ReferenceEquals(putOld.Mount, rootMount))
        {
            return Errno.EBUSY;
        }
        return !ReferenceEquals(root.Dentry, rootMount.Root)
            || !ReferenceEquals(newRoot.Dentry, newMount.Root) || newMount.Attachment is null
            || !IsReachable(putOld, newRoot) || !IsReachable(newRoot, root)
            ? Errno.EINVAL
            : Errno.None;
    }

    // True when `place` is `top` or below it, across mounts.
    private static bool IsReachable(PathRef place, PathRef top)
    {
        Mount mount = place.Mount;
        Dentry dentry = place.Dentry;
        while (!ReferenceEquals(mount, top.Mount))
        {
            if (mount.Attachment is not { } at)
            {
                return false;
            }
            dentry = at.MountPoint;
            mount = at.Parent;
        }
        return MountTable.IsWithin(dentry, top.Dentry);
    }
}
