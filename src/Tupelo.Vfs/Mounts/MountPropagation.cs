// How mounts and unmounts spread among mounts that share them. Source: mount_namespaces(7), "Shared subtrees".
namespace Tupelo.Vfs;

/// <summary>What kind of propagation a mount takes part in. Guarded by the mount table's mutex.</summary>
internal sealed class MountPropagation
{
    /// <summary>Mount events spread among the members of one group, both ways; null when private.</summary>
    internal PeerGroup? Shared { get; private set; }

    /// <summary>Events of this group arrive here, but do not leave.</summary>
    internal PeerGroup? Master { get; private set; }

    /// <summary>May not be the source of a bind mount.</summary>
    internal bool IsUnbindable { get; private set; }

    internal bool IsShared => Shared is not null;

    // MS_SHARED; also a slave can share what it receives.
    internal void Share(Mount mount)
    {
        IsUnbindable = false;
        if (Shared is null)
        {
            Join(mount, new PeerGroup());
        }
    }

    internal void Join(Mount mount, PeerGroup group)
    {
        Shared = group;
        group.Peers.Add(mount);
    }

    internal void Follow(Mount mount, PeerGroup master)
    {
        _ = Master?.Slaves.Remove(mount);
        Master = master;
        master.Slaves.Add(mount);
    }

    // MS_SLAVE: from a member of its group to a receiver; alone in the group it has nobody to receive from.
    internal void Enslave(Mount mount)
    {
        if (Shared is not { } group)
        {
            return;
        }
        LeaveGroup(mount);
        if (group.Peers.Count > 0)
        {
            Follow(mount, group);
        }
    }

    // MS_PRIVATE, MS_UNBINDABLE.
    internal void MakePrivate(Mount mount, bool unbindable)
    {
        Leave(mount);
        IsUnbindable = unbindable;
    }

    internal void Leave(Mount mount)
    {
        LeaveGroup(mount);
        _ = Master?.Slaves.Remove(mount);
        Master = null;
    }

    // A copy of a mount takes part in what the mount takes part in.
    internal void CopyFrom(Mount copy, MountPropagation original)
    {
        if (original.Shared is { } group)
        {
            Join(copy, group);
        }
        if (original.Master is { } master)
        {
            Follow(copy, master);
        }
    }

    private void LeaveGroup(Mount mount)
    {
        if (Shared is not { } group)
        {
            return;
        }
        _ = group.Peers.Remove(mount);
        Shared = null;
        if (group.Peers.Count == 0)
        {
            // The slaves of a group that is gone receive from its master, if it has one.
            foreach (Mount slave in group.Slaves.ToArray())
            {
                slave.Propagation.Master = null;
                if (Master is { } master)
                {
                    slave.Propagation.Follow(slave, master);
                }
            }
            group.Slaves.Clear();
        }
    }
}

/// <summary>The mounts that share their mount events. Guarded by the mount table's mutex.</summary>
internal sealed class PeerGroup
{
    private static int s_lastId;

    internal int Id { get; } = Interlocked.Increment(ref s_lastId);

    internal List<Mount> Peers { get; } = [];

    internal List<Mount> Slaves { get; } = [];
}
