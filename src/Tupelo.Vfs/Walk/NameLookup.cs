// NameLookup finds one name in one directory, cached or not: the slow half of PathWalk, and the first half of every change.
//
// A miss takes the directory's lock shared, looks into the cache once more, asks the file system and publishes the answer, also
// a negative one. Where others may change the file system (CachePolicy other than Exclusive) a hit is asked for first.
// Locks: the directory's (rank Directory) around the question; the table's (Leaf) around publishing.
namespace Tupelo.Vfs;

internal static class NameLookup
{
    // Errors: EAGAIN cachedOnly and not cached · ENOENT the directory was removed · ENAMETOOLONG · what the file system says. A missing
    // name is a null vnode.
    internal static Errno Find(VfsContext context, Dentry directory, in NameKey key, bool cachedOnly, out Dentry child, out Vnode? vnode)
    {
        child = null!;
        vnode = null;
        Vnode? parent = directory.Vnode;
        if (parent is null)
        {
            return Errno.ENOENT;
        }
        if (directory.Children?.Find(directory, key, out vnode) is { } hit && Validate(context, directory, parent, key, hit, vnode))
        {
            hit.MarkUsed();
            child = hit;
            return Errno.None;
        }
        if (cachedOnly)
        {
            return Errno.EAGAIN;
        }
        // The walk came here without a pin: the file system must not see its vnode made inactive under the question.
        if (!directory.TryPin())
        {
            return Errno.ESTALE;
        }
        Errno errno;
        LockRanks.AssertMayCallFileSystem();
        VnodeLock.EnterRead(parent, LockRank.Directory);
        try
        {
            errno = FindLocked(context, directory, parent, key, out child, out vnode);
        }
        finally
        {
            VnodeLock.ExitRead(parent, LockRank.Directory);
        }
        Deferred.Unpin(directory);
        Deferred.Run();
        context.Kernel.Names.Trim(child);
        return errno;
    }

    // The same for a caller that holds the directory's lock, shared or exclusively.
    internal static Errno FindLocked(VfsContext context, Dentry directory, Vnode parent, in NameKey key, out Dentry child, out Vnode? vnode)
    {
        child = null!;
        vnode = null;
        if (parent.IsDead)
        {
            return Errno.ENOENT;
        }
        if (key.Length > parent.FileSystem.MaxNameBytes)
        {
            return Errno.ENAMETOOLONG;
        }
        Dentry? stale = directory.Children?.Find(directory, key, out vnode);
        if (stale is not null && IsFresh(parent, stale))
        {
            child = stale;
            return Errno.None;
        }
        Errno errno = LookupReferenced(context, parent, key, out vnode);
        if (errno is not (Errno.None or Errno.ENOENT))
        {
            return errno;
        }
        if (stale is not null)
        {
            // What somebody has mounted on stays, whatever the file system says.
            if (ReferenceEquals(stale.Vnode, vnode) || (stale.Flags & DentryFlags.MountPoint) != 0)
            {
                if (vnode is not null)
                {
                    Deferred.Release(vnode);
                }
                vnode = stale.Vnode;
                stale.Expires = ExpiryFor(parent.FileSystem);
                child = stale;
                return Errno.None;
            }
            Deferred.Forget(stale);
        }
        child = Publish(context, directory, key, ref vnode);
        return Errno.None;
    }

    // Believes a dentry of a file system that others may change, or asks.
    private static bool Validate(VfsContext context, Dentry directory, Vnode parent, in NameKey key, Dentry hit, Vnode? vnode)
    {
        if (IsFresh(parent, hit))
        {
            return true;
        }
        if (parent.FileSystem.CachePolicy == CachePolicy.None || !parent.Revalidate(context, key.Bytes, vnode))
        {
            return false;
        }
        hit.Expires = ExpiryFor(parent.FileSystem);
        return true;
    }

    private static bool IsFresh(Vnode parent, Dentry dentry) => parent.FileSystem.CachePolicy switch
    {
        CachePolicy.Exclusive => true,
        CachePolicy.Timeout => Environment.TickCount64 < dentry.Expires,
        _ => false,
    };

    private static long ExpiryFor(FileSystem fileSystem) =>
        fileSystem.CachePolicy == CachePolicy.Timeout ? Environment.TickCount64 + (long)fileSystem.CacheTimeout.TotalMilliseconds : 0;

    // Asks the file system, and refers to what it answers. A vnode that was let go between its answer and now (file systems keep tables
    // of those in use) is asked for again: the name is there, and cannot go while the caller holds the directory.
    private static Errno LookupReferenced(VfsContext context, Vnode parent, in NameKey key, out Vnode? vnode)
    {
        const int Patience = 10_000;
        SpinWait spin = default;
        for (int tries = 0; ; tries++)
        {
            Errno errno = parent.Lookup(context, key.Bytes, out vnode);
            if (errno != Errno.None || vnode is null || vnode.TryReference())
            {
                return errno;
            }
            if (tries == Patience)
            {
                vnode = null;
                return Errno.ESTALE;
            }
            spin.SpinOnce();
        }
    }

    // Puts a name into the cache, or finds that somebody else has; then `vnode` is what they found. The caller's reference to it goes to
    // the dentry, or back.
    private static Dentry Publish(VfsContext context, Dentry directory, in NameKey key, ref Vnode? vnode)
    {
        FileSystem fileSystem = directory.Vnode!.FileSystem;
        DentryTable table = directory.GetOrMakeChildren();
        var made = new Dentry(directory, key, vnode, fileSystem.CachePolicy == CachePolicy.Exclusive ? DentryFlags.None : DentryFlags.Revalidate)
        {
            Expires = ExpiryFor(fileSystem),
        };
        table.EnterLock();
        Dentry? other = table.Find(directory, key, out Vnode? otherVnode);
        bool inserted = false;
        if (other is null)
        {
            // The caller walks through `directory` without a pin. When it has been evicted meanwhile, the new dentry is dead from the
            // beginning: good for this walk, found by no other, and whoever wants to pin it walks again.
            inserted = directory.TryPin();
            if (inserted)
            {
                table.InsertLocked(made);
            }
            else
            {
                made.MarkStillborn();
            }
        }
        table.ExitLock();
        if (!inserted && vnode is not null)
        {
            Deferred.Release(vnode);
        }
        if (other is not null)
        {
            vnode = otherVnode;
            return other;
        }
        if (inserted)
        {
            context.Kernel.Names.Add(made);
        }
        return made;
    }
}
