namespace Tupelo.Vfs;

/// <summary>How mounts and unmounts below a mount spread to its peers. Source: mount_namespaces(7), "Shared subtrees".</summary>
internal sealed class MountPropagation
{
    /// <summary>Mount events spread among the members of one group, both ways; null when private.</summary>
    internal PeerGroup? Shared { get; set; }

    /// <summary>Events of this group arrive here, but not the other way round.</summary>
    internal PeerGroup? Master { get; set; }

    /// <summary>May not be the source of a bind mount.</summary>
    internal bool Unbindable { get; set; }
}

/// <summary>The mounts that share their mount events. Guarded by the mount table's mutex.</summary>
internal sealed class PeerGroup(int id)
{
    internal int Id { get; } = id;

    internal List<Mount> Peers { get; } = [];

    internal List<Mount> Slaves { get; } = [];
}
