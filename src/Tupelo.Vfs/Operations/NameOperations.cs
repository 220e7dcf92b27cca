// NameOperations makes and removes names: create (of every type), link, remove. Rename has a file of its own.
//
// Each takes a pinned directory and one name, so that servers that speak in single names enter here, below the paths.
// Protocol: write claim on the mount, directory's lock exclusive, the name looked up again under it, checks in Linux' order,
// the file system's primitive, then the cache and the attributes; locks released; events and releases last.
// Results are pinned dentries: the caller unpins them.
namespace Tupelo.Vfs;

internal static class NameOperations
{
    /// <summary>Makes a file of any type under a new name.</summary>
    /// <param name="kind">Only a normal name can be made.</param>
    /// <param name="trailingSlash">"name/": fine for a directory, ENOENT for others.</param>
    /// <remarks>Errors: EEXIST (also ".", "..", "/") · ENAMETOOLONG · ENOENT removed directory, trailing slash · EROFS · EACCES · EPERM · EMLINK · ENOSPC ...</remarks>
    internal static Errno Create(
        VfsContext context, PathRef directory, in NameKey name, LastKind kind, bool trailingSlash,
        FileType type, uint mode, ulong rawDevice, ReadOnlySpan<byte> target, out Dentry? made)
    {
        made = null;
        if (kind != LastKind.Normal)
        {
            return Errno.EEXIST;
        }
        Vnode parent = directory.Vnode;
        Errno writable = directory.Mount.BeginWrite();
        VnodeLock.EnterWrite(parent, LockRank.Directory);
        Errno errno = FindForCreate(context, directory.Dentry, parent, name, trailingSlash && type != FileType.Directory, writable, out Dentry? dentry);
        if (errno == Errno.None)
        {
            errno = CheckNode(context, parent, type, rawDevice);
            if (errno == Errno.None)
            {
                errno = CreateLocked(context, parent, dentry!, name, NewFile.Describe(context, parent, type, mode, rawDevice, target));
            }
            if (errno == Errno.None)
            {
                made = dentry;
            }
            else
            {
                Deferred.Unpin(dentry!);
            }
        }
        VnodeLock.ExitWrite(parent, LockRank.Directory);
        Finish(context, directory.Mount, writable);
        if (errno == Errno.None)
        {
            Notify.Created(parent, made!.Vnode!, name.Bytes);
        }
        return errno;
    }

    /// <summary>Gives a file one more name.</summary>
    /// <remarks>Errors: EEXIST · ENAMETOOLONG · ENOENT · EROFS · EXDEV · EPERM not owner and not harmless, directory, immutable, not supported · EACCES · EMLINK · ENOSPC ...</remarks>
    internal static Errno Link(
        VfsContext context, PathRef source, PathRef directory, in NameKey name, LastKind kind, bool trailingSlash)
    {
        if (kind != LastKind.Normal)
        {
            return Errno.EEXIST;
        }
        Vnode parent = directory.Vnode;
        Vnode vnode = source.Vnode;
        Errno writable = directory.Mount.BeginWrite();
        VnodeLock.EnterWrite(parent, LockRank.Directory);
        Errno errno = FindForCreate(context, directory.Dentry, parent, name, trailingSlash, writable, out Dentry? dentry, checkAccess: false);
        if (errno == Errno.None)
        {
            errno = CheckLink(context, source, directory, parent, vnode);
            if (errno == Errno.None)
            {
                VnodeLock.EnterWrite(vnode, LockRank.Child);
                errno = LinkLocked(context, parent, vnode, dentry!, name);
                VnodeLock.ExitWrite(vnode, LockRank.Child);
            }
            Deferred.Unpin(dentry!);
        }
        VnodeLock.ExitWrite(parent, LockRank.Directory);
        Finish(context, directory.Mount, writable);
        if (errno == Errno.None)
        {
            Notify.Linked(parent, vnode, name.Bytes);
        }
        return errno;
    }

    /// <summary>Removes a name: unlink, or rmdir with <paramref name="wantsDirectory"/>.</summary>
    /// <remarks>Errors: EISDIR unlink of dots and "/" · EINVAL rmdir "." · ENOTEMPTY rmdir ".." · EBUSY rmdir "/" · EROFS · ENAMETOOLONG · ENOENT ·
    /// EACCES · EPERM · ENOTDIR · EISDIR · EBUSY mount point · ENOTEMPTY ...</remarks>
    internal static Errno Remove(VfsContext context, PathRef directory, in NameKey name, LastKind kind, bool trailingSlash, bool wantsDirectory)
    {
        if (kind != LastKind.Normal)
        {
            return !wantsDirectory ? Errno.EISDIR
                : kind == LastKind.Dot ? Errno.EINVAL
                : kind == LastKind.DotDot ? Errno.ENOTEMPTY
                : Errno.EBUSY;
        }
        Errno errno = directory.Mount.BeginWrite();
        if (errno != Errno.None)
        {
            return errno;
        }
        Vnode parent = directory.Vnode;
        Vnode? victim = null;
        VnodeLock.EnterWrite(parent, LockRank.Directory);
        errno = FindPinned(context, directory.Dentry, parent, name, out Dentry? dentry);
        if (errno == Errno.None)
        {
            victim = dentry!.Vnode;
            errno = victim is null ? Errno.ENOENT
                : trailingSlash && !wantsDirectory ? (victim.IsDirectory ? Errno.EISDIR : Errno.ENOTDIR)
                : Access.CheckRemove(context, parent, victim, wantsDirectory);
            if (errno == Errno.None)
            {
                VnodeLock.EnterWrite(victim!, LockRank.Child);
                errno = RemoveLocked(context, directory, parent, dentry, victim!, name);
                if (errno == Errno.None)
                {
                    // Before the victim is let go: who finds a directory dead must not find its name.
                    DropName(dentry);
                }
                VnodeLock.ExitWrite(victim!, LockRank.Child);
            }
            if (errno != Errno.None)
            {
                Deferred.Unpin(dentry);
            }
        }
        VnodeLock.ExitWrite(parent, LockRank.Directory);
        if (errno == Errno.None)
        {
            Notify.Removed(parent, victim!, name.Bytes);
            ForgetRemoved(context, dentry!);
        }
        Finish(context, directory.Mount, Errno.None);
        return errno;
    }

    // Finds a name under the directory's lock, and pins its dentry. Caller holds the directory exclusively.
    internal static Errno FindPinned(VfsContext context, Dentry directory, Vnode parent, in NameKey name, out Dentry? dentry)
    {
        while (true)
        {
            Errno errno = NameLookup.FindLocked(context, directory, parent, name, out dentry, out _);
            if (errno != Errno.None || dentry.TryPin())
            {
                return errno;
            }
        }
    }

    // The common beginning of Create and Link: the name must be free. `writable` is what BeginWrite said; it counts only now.
    internal static Errno FindForCreate(
        VfsContext context, Dentry directory, Vnode parent, in NameKey name, bool slashForbidden, Errno writable, out Dentry? dentry,
        bool checkAccess = true)
    {
        Errno errno = FindPinned(context, directory, parent, name, out dentry);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = dentry!.Vnode is not null ? Errno.EEXIST
            : slashForbidden ? Errno.ENOENT
            : writable != Errno.None ? writable
            : checkAccess ? Access.CheckCreate(context, parent)
            : Errno.None;
        if (errno != Errno.None)
        {
            Deferred.Unpin(dentry);
            dentry = null;
        }
        return errno;
    }

    // Caller holds the directory exclusively; `dentry` is negative and pinned.
    internal static Errno CreateLocked(VfsContext context, Vnode parent, Dentry dentry, in NameKey name, in NewVnode make)
    {
        Errno errno = parent.Create(context, name.Bytes, make, out Vnode? vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        vnode!.TryReferenceOrThrow();
        dentry.SetVnode(vnode);
        EntriesChanged(parent, make.Time, make.Type == FileType.Directory ? 1 : 0);
        return Errno.None;
    }

    // The end of every change: the write claim, what waits to be released, the cache's budget. No lock is held.
    internal static void Finish(VfsContext context, Mount mount, Errno writable)
    {
        if (writable == Errno.None)
        {
            mount.EndWrite();
        }
        Deferred.Run();
        context.Kernel.Names.Trim();
    }

    // The core's half of a change to a directory: times, link count. Caller holds it exclusively.
    internal static void EntriesChanged(Vnode directory, Timespec now, int linkDelta)
    {
        if (directory.FileSystem.CachePolicy == CachePolicy.Exclusive)
        {
            directory.EntriesChanged(now, linkDelta);
        }
        else
        {
            directory.ForgetAttributes();
        }
    }

    internal static void LinksChanged(Vnode vnode, Timespec now, int linkDelta)
    {
        if (vnode.FileSystem.CachePolicy == CachePolicy.Exclusive)
        {
            vnode.LinksChanged(now, linkDelta);
        }
        else
        {
            vnode.ForgetAttributes();
        }
    }

    // A removed name leaves the cache: as a negative dentry when nobody else holds it. Caller holds the directory exclusively, and a pin.
    internal static void DropName(Dentry dentry)
    {
        Vnode vnode = dentry.Vnode!;
        if (dentry.TryFreezePinned())
        {
            dentry.SetVnode(null);
            dentry.Thaw();
            Deferred.Release(vnode);
            return;
        }
        if (DentryCache.Unhash(dentry))
        {
            Deferred.Unpin(dentry);
        }
        Deferred.Unpin(dentry);
    }

    // After a removal, with no lock held: the names cached below a directory would keep it, and mounts of other namespaces on it end.
    // A dentry that turned negative in place had nothing below it, and may be somebody's new directory by now: it is left alone.
    internal static void ForgetRemoved(VfsContext context, Dentry dentry)
    {
        if (dentry.IsUnhashed)
        {
            DentryCache.DropSubtree(dentry);
            context.Kernel.Mounts.DetachFrom(dentry);
        }
    }

    // Errors: EPERM.
    private static Errno CheckNode(VfsContext context, Vnode parent, FileType type, ulong rawDevice)
    {
        FileSystem fileSystem = parent.FileSystem;
        switch (type)
        {
            case FileType.Directory:
                return parent.LinkCount >= fileSystem.MaxLinks ? Errno.EMLINK : Errno.None;
            case FileType.Regular:
                return Errno.None;
            case FileType.Symlink:
                return fileSystem.Supports(FileSystemFeatures.Symlinks) ? Errno.None : Errno.EPERM;
            case FileType.CharDevice or FileType.BlockDevice:
                // A character device 0/0 is a whiteout, which anybody may make.
                bool whiteout = type == FileType.CharDevice && rawDevice == 0;
                if (!whiteout && !Access.Has(context, Capabilities.MakeNode))
                {
                    return Errno.EPERM;
                }
                goto default;
            default:
                return fileSystem.Supports(FileSystemFeatures.SpecialFiles) ? Errno.None : Errno.EPERM;
        }
    }

    private static Errno CheckLink(VfsContext context, PathRef source, PathRef directory, Vnode parent, Vnode vnode)
    {
        if (!ReferenceEquals(source.Mount, directory.Mount) || !ReferenceEquals(vnode.FileSystem, parent.FileSystem))
        {
            return Errno.EXDEV;
        }
        if (!Access.MayLink(context, vnode))
        {
            return Errno.EPERM;
        }
        Errno errno = Access.CheckCreate(context, parent);
        if (errno != Errno.None)
        {
            return errno;
        }
        return (vnode.Flags & (InodeFlags.Immutable | InodeFlags.AppendOnly)) != 0
            || !vnode.FileSystem.Supports(FileSystemFeatures.HardLinks)
            || vnode.IsDirectory
            ? Errno.EPERM
            : Errno.None;
    }

    private static Errno LinkLocked(VfsContext context, Vnode parent, Vnode vnode, Dentry dentry, in NameKey name)
    {
        uint links = vnode.LinkCount;
        if (vnode.IsNeverLinkable || (links == 0 && !vnode.IsLinkable && vnode.FileSystem.CachePolicy == CachePolicy.Exclusive))
        {
            return Errno.ENOENT;
        }
        if (links >= vnode.FileSystem.MaxLinks)
        {
            return Errno.EMLINK;
        }
        Errno errno = parent.Link(context, name.Bytes, vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        vnode.TryReferenceOrThrow();
        vnode.IsLinkable = false;
        dentry.SetVnode(vnode);
        Timespec now = context.Now;
        LinksChanged(vnode, now, 1);
        EntriesChanged(parent, now, 0);
        return Errno.None;
    }

    private static Errno RemoveLocked(VfsContext context, PathRef directory, Vnode parent, Dentry dentry, Vnode victim, in NameKey name)
    {
        if (context.Kernel.Mounts.IsMountPoint(directory.Mount, dentry))
        {
            return Errno.EBUSY;
        }
        if (victim.IsDirectory)
        {
            Errno errno = victim.IsEmpty(context, out bool empty);
            if (errno != Errno.None || !empty)
            {
                return errno != Errno.None ? errno : Errno.ENOTEMPTY;
            }
        }
        Errno removed = parent.Remove(context, name.Bytes, victim);
        if (removed != Errno.None)
        {
            return removed;
        }
        Timespec now = context.Now;
        if (victim.IsDirectory)
        {
            victim.MarkDead();
            LinksChanged(victim, now, -(int)victim.LinkCount);
            EntriesChanged(parent, now, -1);
        }
        else
        {
            LinksChanged(victim, now, -1);
            EntriesChanged(parent, now, 0);
        }
        return Errno.None;
    }
}
