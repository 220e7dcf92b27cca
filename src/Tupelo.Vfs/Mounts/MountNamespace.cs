namespace Tupelo.Vfs;

/// <summary>One tree of mounts, shared by the contexts that live in it. Source: mount_namespaces(7).</summary>
public sealed class MountNamespace
{
    private static int s_lastId;

    internal MountNamespace() => Id = Interlocked.Increment(ref s_lastId);

    /// <summary>Number for diagnostics.</summary>
    public int Id { get; }

    /// <summary>The mount at "/", below any that are stacked on it. Changed under the mount table's mutex.</summary>
    public Mount? Root { get; internal set; }

    // Contexts that live in it; the last one to leave detaches all mounts. Guarded by the mount table's mutex.
    internal int Users { get; set; }
}
