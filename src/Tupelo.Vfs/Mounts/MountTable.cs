// MountTable is the tree of mounts of all namespaces: who hangs where. Walks read a snapshot, changes replace it.
//
// This half keeps the tree: making, attaching, detaching, ending. MountTable.Propagation.cs spreads changes to peers,
// MountOperations has the calls and their checks.
// Locks: _mu (rank Namespace) serializes all changes; attaching takes the mount point's vnode lock under it, so that it cannot be
// removed meanwhile. File systems are made before _mu is taken and ended after it is released (MountChange.Finish).
using System.Diagnostics;

namespace Tupelo.Vfs;

internal sealed partial class MountTable(VfsKernel kernel)
{
    private readonly RankedLock _mu = new(LockRank.Namespace);  // Guards everything below and the links of all mounts.
    private readonly List<Mount> _attached = [];   // Those with an attachment, in order of mounting.
    private readonly List<Mount> _roots = [];      // Those at the root of a namespace.
    private readonly List<DirectoryState> _directories = [];
    private MountSnapshot _snapshot = MountSnapshot.Empty;

    internal MountSnapshot Snapshot => Volatile.Read(ref _snapshot);

    internal VfsKernel Kernel { get; } = kernel;

    internal void Enter()
    {
        _mu.Enter();
    }

    internal void Exit()
    {
        _mu.Exit();
    }

    // Whether something is mounted on this dentry in the namespace of `mount`. Lock-free; exact for a caller that holds the vnode's
    // lock exclusively, which mounting takes too.
    internal bool IsMountPoint(Mount mount, Dentry dentry) =>
        (dentry.Flags & DentryFlags.MountPoint) != 0 && Snapshot.HasMountOn(dentry, mount.Namespace);

    // A new namespace whose only mount is a file system's root. The namespace has no users yet.
    internal MountNamespace MakeNamespace(FileSystem fileSystem, MountFlags flags, string source)
    {
        var made = new MountNamespace();
        Enter();
        Mount root = MakeMountLocked(fileSystem, fileSystem.RootDentry, flags, source);
        root.Namespace = made;
        made.Root = root;
        _roots.Add(root);
        Exit();
        return made;
    }

    // A mount in no namespace: of anonymous files.
    internal Mount MakeHidden(FileSystem fileSystem)
    {
        Enter();
        Mount made = MakeMountLocked(fileSystem, fileSystem.RootDentry, MountFlags.None, "none");
        Exit();
        return made;
    }

    // Its files may still be open: it ends with the last one.
    internal void EndHidden(Mount? mount)
    {
        if (mount is null)
        {
            return;
        }
        MountChange change = default;
        Enter();
        EndLocked(mount, ref change, mount.Detach());
        Exit();
        change.Finish();
    }

    // Caller holds the mutex. The mount is attached nowhere yet.
    internal Mount MakeMountLocked(FileSystem fileSystem, Dentry root, MountFlags flags, string source)
    {
        root.Pin();
        var made = new Mount(this, fileSystem, root, flags, source);
        fileSystem.Mounts.Add(made);
        Kernel.Statistics.MountMade();
        return made;
    }

    // The top of the stack of mounts at a place: where a new mount goes. Caller holds the mutex.
    internal PathRef TopLocked(PathRef place)
    {
        while (Snapshot.Find(place.Mount, place.Dentry) is { } above)
        {
            place = new PathRef(above, above.Root);
        }
        return place;
    }

    // Hangs a mount (with what is below it) at a place. Caller holds the mutex and has checked everything.
    internal void AttachLocked(Mount mount, Mount parent, Dentry point)
    {
        Debug.Assert(mount.Attachment is null);
        point.Pin();
        point.SetFlags(DentryFlags.MountPoint);
        mount.Attachment = new MountAttachment(parent, point);
        parent.Children.Add(mount);
        _attached.Add(mount);
        SetNamespaceLocked(mount, parent.Namespace);
        PublishLocked();
    }

    // Takes a mount off its place; what is below it stays with it. The mount point's pin goes to the change.
    internal void UnhangLocked(Mount mount, ref MountChange change)
    {
        if (mount.Attachment is { } at)
        {
            _ = at.Parent.Children.Remove(mount);
            _ = _attached.Remove(mount);
            mount.Attachment = null;
            PublishLocked();
            if (!_attached.Exists(other => ReferenceEquals(other.MountPoint, at.MountPoint)))
            {
                at.MountPoint.ClearFlags(DentryFlags.MountPoint);
            }
            change.Unpin(at.MountPoint);
        }
    }

    // Detaches a mount and everything below it, busy or not: each ends when its last user lets go.
    internal void DetachTreeLocked(Mount top, ref MountChange change)
    {
        List<Mount> tree = TreeLocked(top);
        for (int i = tree.Count - 1; i >= 0; i--)
        {
            Mount mount = tree[i];
            UnhangLocked(mount, ref change);
            EndLocked(mount, ref change, mount.Detach());
        }
    }

    // Ends a mount that TryEndUnused has found unused.
    internal void EndUnusedLocked(Mount mount, ref MountChange change)
    {
        UnhangLocked(mount, ref change);
        EndLocked(mount, ref change, ended: true);
    }

    // A mount and all mounts below it, parents first.
    internal static List<Mount> TreeLocked(Mount top)
    {
        List<Mount> tree = [top];
        for (int i = 0; i < tree.Count; i++)
        {
            tree.AddRange(tree[i].Children);
        }
        return tree;
    }

    // The dentry has lost its name: what other namespaces have mounted there goes. No lock is held.
    internal void DetachFrom(Dentry dentry)
    {
        if ((dentry.Flags & DentryFlags.MountPoint) == 0)
        {
            return;
        }
        MountChange change = default;
        Enter();
        while (_attached.Find(mount => ReferenceEquals(mount.MountPoint, dentry)) is { } mount)
        {
            DetachTreeLocked(mount, ref change);
        }
        Exit();
        change.Finish();
    }

    // File systems in use, each once. For sync.
    internal List<FileSystem> FileSystemsNow()
    {
        Enter();
        List<FileSystem> all = [.. _roots.Concat(_attached).Select(static mount => mount.FileSystem).Distinct()];
        Exit();
        return all;
    }

    // The mounts of a namespace, in order of mounting: for /proc/mounts.
    internal List<Mount> MountsOf(MountNamespace mountNamespace)
    {
        Enter();
        List<Mount> all = [.. _roots.Concat(_attached).Where(mount => ReferenceEquals(mount.Namespace, mountNamespace))];
        Exit();
        return all;
    }

    // A process' directories live in a namespace from here on.
    internal void Join(DirectoryState directories, MountNamespace mountNamespace)
    {
        Enter();
        mountNamespace.Users++;
        _directories.Add(directories);
        Exit();
    }

    // The last user takes the namespace's mounts with it. No lock is held; the directories' pins are given back already.
    internal void Leave(DirectoryState directories, MountNamespace mountNamespace)
    {
        MountChange change = default;
        Enter();
        _ = _directories.Remove(directories);
        LeaveLocked(mountNamespace, ref change);
        Exit();
        change.Finish();
    }

    internal void LeaveLocked(MountNamespace mountNamespace, ref MountChange change)
    {
        if (--mountNamespace.Users == 0 && mountNamespace.Root is { } root)
        {
            mountNamespace.Root = null;
            _ = _roots.Remove(root);
            DetachTreeLocked(root, ref change);
        }
    }

    // Every process whose root or current directory is the old place goes to the new one (pivot_root). Caller holds the mutex.
    internal void MoveDirectoriesLocked(PathRef from, PathRef to, ref MountChange change)
    {
        foreach (DirectoryState directories in _directories)
        {
            directories.Replace(from, to, ref change);
        }
    }

    internal void ReplaceRootLocked(MountNamespace mountNamespace, Mount root)
    {
        _ = _roots.Remove(mountNamespace.Root!);
        _roots.Add(root);
        mountNamespace.Root = root;
    }

    // A mount is dead: its root loses a pin, and the file system a mount; the last one ends the file system. No lock is held.
    internal void MountEnded(Mount mount)
    {
        LockRanks.AssertNothingHeld();
        FileSystem fileSystem = mount.FileSystem;
        Enter();
        _ = fileSystem.Mounts.Remove(mount);
        bool last = fileSystem.Mounts.Count == 0;
        Exit();
        mount.Root.Unpin();
        Kernel.Statistics.MountGone();
        if (last)
        {
            fileSystem.TellUnmount();
            DentryCache.DropSubtree(fileSystem.RootDentry);
            fileSystem.RootDentry.Unpin();
            Kernel.Names.Purge();
            if (!fileSystem.IsReadOnly)
            {
                _ = fileSystem.Sync();
            }
            fileSystem.Shutdown();
            fileSystem.Type.InstanceGone();
        }
    }

    private static void SetNamespaceLocked(Mount top, MountNamespace? mountNamespace)
    {
        foreach (Mount mount in TreeLocked(top))
        {
            mount.Namespace = mountNamespace;
        }
    }

    private void PublishLocked() => Volatile.Write(ref _snapshot, new MountSnapshot(_attached));

    private static void EndLocked(Mount mount, ref MountChange change, bool ended)
    {
        mount.Namespace = null;
        mount.Children.Clear();
        mount.Propagation.Leave(mount);
        if (ended)
        {
            change.End(mount);
        }
    }
}

/// <summary>What a change of the mount table leaves to be done when its lock is released.</summary>
internal ref struct MountChange
{
    private List<Mount>? _ended;
    private List<PathRef>? _places;
    private List<Dentry>? _points;

    internal void End(Mount mount) => (_ended ??= []).Add(mount);

    internal void Unpin(Dentry point) => (_points ??= []).Add(point);

    internal void Unpin(PathRef place) => (_places ??= []).Add(place);

    // No lock is held.
    internal readonly void Finish()
    {
        _points?.ForEach(static point => point.Unpin());
        _places?.ForEach(static place => place.Unpin());
        _ended?.ForEach(static mount => mount.Finish());
    }
}
