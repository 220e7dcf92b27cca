// Copying trees of mounts, and attaching and detaching them everywhere where the event arrives.
namespace Tupelo.Vfs;

internal sealed partial class MountTable
{
    // A copy of a mount with another root, attached nowhere (bind).
    internal Mount CopyMountLocked(Mount original, Dentry root)
    {
        Mount copy = MakeMountLocked(original.FileSystem, root, original.Flags, original.Source);
        copy.Propagation.CopyFrom(copy, original.Propagation);
        return copy;
    }

    // A copy of a mount and of what is mounted below `root` in it; unbindable mounts are left out.
    internal Mount CopyTreeLocked(Mount original, Dentry root, bool keepUnbindable, Dictionary<Mount, Mount>? map = null)
    {
        Mount copy = CopyMountLocked(original, root);
        map?.Add(original, copy);
        var pending = new Queue<(Mount From, Mount To, Dentry Root)>();
        pending.Enqueue((original, copy, root));
        while (pending.TryDequeue(out (Mount From, Mount To, Dentry Root) next))
        {
            foreach (Mount child in next.From.Children.ToArray())
            {
                Dentry point = child.MountPoint!;
                if (!IsWithin(point, next.Root) || (child.Propagation.IsUnbindable && !keepUnbindable))
                {
                    continue;
                }
                Mount childCopy = CopyMountLocked(child, child.Root);
                map?.Add(child, childCopy);
                AttachLocked(childCopy, next.To, point);
                pending.Enqueue((child, childCopy, child.Root));
            }
        }
        return copy;
    }

    // Hangs a tree at a place, and copies of it at the same place in every mount that receives the event.
    internal void AttachEverywhereLocked(Mount tree, Mount parent, Dentry point)
    {
        if (parent.Propagation.IsShared)
        {
            foreach (Mount mount in TreeLocked(tree))
            {
                mount.Propagation.Share(mount);
            }
            foreach ((Mount receiver, bool slave) in ReceiversLocked(parent))
            {
                if (IsWithin(point, receiver.Root))
                {
                    Mount copy = CopyTreeLocked(tree, tree.Root, keepUnbindable: true);
                    if (slave)
                    {
                        EnslaveTreeLocked(copy, receiver.Propagation.IsShared);
                    }
                    PathRef top = TopLocked(new PathRef(receiver, point));
                    AttachLocked(copy, top.Mount, top.Dentry);
                }
            }
        }
        AttachLocked(tree, parent, point);
    }

    // The mounts that go when `mount` is unmounted: itself and its counterparts in every receiver of its parent's events.
    internal List<Mount> CounterpartsLocked(Mount mount)
    {
        List<Mount> all = [mount];
        if (mount.Attachment is { } at && at.Parent.Propagation.IsShared)
        {
            foreach ((Mount receiver, _) in ReceiversLocked(at.Parent))
            {
                Mount? counterpart = Snapshot.Find(receiver, at.MountPoint);
                if (counterpart is not null && ReferenceEquals(counterpart.Root, mount.Root))
                {
                    all.Add(counterpart);
                }
            }
        }
        return all;
    }

    // A copy of a namespace with all its mounts; the map tells which became which.
    internal MountNamespace CopyNamespaceLocked(MountNamespace original, out Dictionary<Mount, Mount> map)
    {
        map = [];
        var made = new MountNamespace();
        Mount root = CopyTreeLocked(original.Root!, original.Root!.Root, keepUnbindable: true, map);
        made.Root = root;
        _roots.Add(root);
        SetNamespaceLocked(root, made);
        return made;
    }

    internal static bool IsWithin(Dentry dentry, Dentry root)
    {
        while (!ReferenceEquals(dentry, root))
        {
            Dentry parent = dentry.Parent;
            if (ReferenceEquals(parent, dentry))
            {
                return false;
            }
            dentry = parent;
        }
        return true;
    }

    // Peers first, then slaves with their own peers and slaves.
    private static List<(Mount Receiver, bool Slave)> ReceiversLocked(Mount origin)
    {
        var found = new List<(Mount, bool)>();
        var seen = new HashSet<Mount> { origin };
        var groups = new Queue<(PeerGroup Group, bool Slave)>();
        groups.Enqueue((origin.Propagation.Shared!, false));
        while (groups.TryDequeue(out (PeerGroup Group, bool Slave) next))
        {
            foreach (Mount peer in next.Group.Peers)
            {
                if (seen.Add(peer))
                {
                    found.Add((peer, next.Slave));
                }
            }
            foreach (Mount slave in next.Group.Slaves)
            {
                if (seen.Add(slave))
                {
                    found.Add((slave, true));
                    if (slave.Propagation.Shared is { } inner)
                    {
                        groups.Enqueue((inner, true));
                    }
                }
            }
        }
        return found;
    }

    private static void EnslaveTreeLocked(Mount top, bool shareAgain)
    {
        foreach (Mount mount in TreeLocked(top))
        {
            mount.Propagation.Enslave(mount);
            if (shareAgain)
            {
                mount.Propagation.Share(mount);
            }
        }
    }
}
