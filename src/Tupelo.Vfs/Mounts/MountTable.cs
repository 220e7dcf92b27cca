// MountTable is the tree of mounts of all namespaces: who hangs where. Walks read a snapshot, changes replace it.
//
// Locks: _mu (rank Namespace) serializes all changes. File systems are made before it is taken and ended after it is released.
namespace Tupelo.Vfs;

internal sealed class MountTable(VfsKernel kernel)
{
    private readonly Lock _mu = new();             // Rank Namespace. Guards everything below and the links of all mounts.
    private readonly List<Mount> _attached = [];   // Those with an attachment, in order of mounting.
    private MountSnapshot _snapshot = MountSnapshot.Empty;

    internal MountSnapshot Snapshot => Volatile.Read(ref _snapshot);

    internal VfsKernel Kernel { get; } = kernel;

    // A new namespace whose only mount is a file system's root.
    internal MountNamespace MakeNamespace(FileSystem fileSystem, MountFlags flags, string source)
    {
        var made = new MountNamespace();
        lock (_mu)
        {
            Mount root = MakeMountLocked(fileSystem, fileSystem.RootDentry, flags, source);
            root.Namespace = made;
            made.Root = root;
        }
        return made;
    }

    // A mount is dead: its root loses a pin, and the file system a mount; the last one ends the file system. No lock is held.
    internal void MountEnded(Mount mount)
    {
        LockRanks.AssertNothingHeld();
        FileSystem fileSystem = mount.FileSystem;
        bool last;
        lock (_mu)
        {
            last = --fileSystem.MountCount == 0;
        }
        mount.Root.Unpin();
        Kernel.Statistics.MountGone();
        if (last)
        {
            DentryCache.DropSubtree(fileSystem.RootDentry);
            fileSystem.RootDentry.Unpin();
            _ = fileSystem.Sync();
            fileSystem.Shutdown();
            fileSystem.Type.InstanceGone();
        }
    }

    private Mount MakeMountLocked(FileSystem fileSystem, Dentry root, MountFlags flags, string source)
    {
        root.Pin();
        fileSystem.MountCount++;
        Kernel.Statistics.MountMade();
        return new Mount(this, fileSystem, root, flags, source);
    }

    private void Publish() => Volatile.Write(ref _snapshot, new MountSnapshot(_attached));
}
