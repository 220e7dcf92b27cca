// DirectoryState is a process' view of the tree: root, current directory, umask, namespace. Shared by its threads.
//
// Root and current directory are pinned. Readers copy the pair as one immutable object without a lock; the pins of a place that
// was just left are given back by the leaver, so a reader that needs its copy for long pins it and looks again (PathWalk does).
namespace Tupelo.Vfs;

internal sealed class DirectoryState
{
    private readonly RankedLock _mu = new(LockRank.Leaf); // Guards changes of _places and _users.
    private Places _places;
    private int _umask = 0x12;          // 022
    private int _users = 1;

    // Takes over no pins: makes its own.
    internal DirectoryState(PathRef root, PathRef current, MountNamespace mountNamespace)
    {
        _places = new Places(Pinned(root), Pinned(current), mountNamespace);
        root.Mount.Table.Join(this, mountNamespace);
    }

    internal bool IsShared
    {
        get
        {
            using (_mu.EnterScope())
            {
                return _users > 1;
            }
        }
    }

    internal Places Now => Volatile.Read(ref _places);

    internal uint Umask
    {
        get => (uint)Volatile.Read(ref _umask);
        set => Volatile.Write(ref _umask, (int)(value & 0x1FF));
    }

    internal uint ExchangeUmask(uint mask) => (uint)Interlocked.Exchange(ref _umask, (int)(mask & 0x1FF));

    // Each takes over the caller's pin.
    internal void SetCurrent(PathRef current) => Swap(current, root: false).Unpin();

    internal void SetRoot(PathRef root) => Swap(root, root: true).Unpin();

    internal DirectoryState Clone()
    {
        while (true)
        {
            Places now = Now;
            if (!now.Root.TryPin())
            {
                continue; // Left in the meantime: another one is current.
            }
            if (now.Current.TryPin())
            {
                var copy = new DirectoryState(now.Root, now.Current, now.Namespace) { Umask = Umask };
                now.Root.Unpin();
                now.Current.Unpin();
                return copy;
            }
            now.Root.Unpin();
        }
    }

    internal DirectoryState Share()
    {
        using (_mu.EnterScope())
        {
            _users++;
        }
        return this;
    }

    internal void Release()
    {
        Places last;
        using (_mu.EnterScope())
        {
            if (--_users != 0)
            {
                return;
            }
            last = _places;
        }
        MountTable table = last.Root.Mount.Table;
        last.Current.Unpin();
        last.Root.Unpin();
        table.Leave(this, last.Namespace);
    }

    // Goes to another place if it is at `from`; the pins left go to the change. Caller holds the mount table's mutex.
    internal void Replace(PathRef from, PathRef to, ref MountChange change)
    {
        using (_mu.EnterScope())
        {
            Places old = _places;
            PathRef root = ReplaceOne(old.Root, from, to, ref change);
            PathRef current = ReplaceOne(old.Current, from, to, ref change);
            Volatile.Write(ref _places, new Places(root, current, old.Namespace));
        }
    }

    // Goes to the same places in a copy of the namespace. Caller holds the mount table's mutex.
    internal void MoveTo(MountNamespace mountNamespace, Dictionary<Mount, Mount> map, ref MountChange change)
    {
        using (_mu.EnterScope())
        {
            Places old = _places;
            PathRef root = Mapped(old.Root, map, ref change);
            PathRef current = Mapped(old.Current, map, ref change);
            Volatile.Write(ref _places, new Places(root, current, mountNamespace));
        }
    }

    private static PathRef ReplaceOne(PathRef place, PathRef from, PathRef to, ref MountChange change)
    {
        if (place != from)
        {
            return place;
        }
        to.Mount.Pin();
        to.Dentry.Pin();
        change.Unpin(place);
        return to;
    }

    // A place in a mount that is not in the namespace (detached) stays where it is.
    private static PathRef Mapped(PathRef place, Dictionary<Mount, Mount> map, ref MountChange change)
    {
        if (!map.TryGetValue(place.Mount, out Mount? copy))
        {
            return place;
        }
        copy.Pin();
        place.Dentry.Pin();
        change.Unpin(place);
        return new PathRef(copy, place.Dentry);
    }

    private static PathRef Pinned(PathRef path)
    {
        if (!path.TryPin())
        {
            throw new InvalidOperationException("the directory is gone");
        }
        return path;
    }

    private PathRef Swap(PathRef path, bool root)
    {
        using (_mu.EnterScope())
        {
            Places old = _places;
            Volatile.Write(ref _places, root ? new Places(path, old.Current, old.Namespace) : new Places(old.Root, path, old.Namespace));
            return root ? old.Root : old.Current;
        }
    }

    internal sealed record Places(PathRef Root, PathRef Current, MountNamespace Namespace);
}
