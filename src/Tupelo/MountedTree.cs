// What Volume and ComposedTree have in common: a file layer of their own, the files that are open, and an orderly end.
using System.Collections.Concurrent;
using Tupelo.Vfs;

namespace Tupelo;

/// <summary>A tree that owns its file layer. Any number of threads.</summary>
public abstract class MountedTree : FileTree
{
    private readonly ConcurrentDictionary<VolumeFile, bool> _open = new();
    private readonly ConcurrentDictionary<FileWatch, bool> _watches = new();

    private protected MountedTree(VfsContext context)
        : base(context, new OperationGate(), new OperationGate())
    {
    }

    /// <summary>Files that are open now.</summary>
    public int OpenFileCount => _open.Count;

    /// <summary>Watches a directory from now on.</summary>
    /// <param name="path">An existing directory.</param>
    /// <param name="recursive">Directories below too, also those that come later.</param>
    /// <param name="capacity">Changes that wait to be read; when there are more, one <see cref="FileChangeKind.Overflow"/> is told.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    public FileWatch Watch(string path = "/", bool recursive = false, int capacity = 4096)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 2);
        using OperationGate.Scope all = EnterRead();
        var watch = new FileWatch(this, path, recursive, capacity);
        _watches[watch] = true;
        return watch;
    }

    internal override void Opened(VolumeFile file) => _open[file] = true;

    internal override void Closed(VolumeFile file) => _ = _open.TryRemove(file, out _);

    internal void NotWatching(FileWatch watch) => _ = _watches.TryRemove(watch, out _);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing)
        {
            return;
        }
        if (!Writers.Close())
        {
            return;
        }
        Context.Interrupt.Raise(); // whoever waits for a FIFO or a lock has waited in vain
        _ = All.Close();
        Ending();
        foreach (FileWatch watch in _watches.Keys)
        {
            watch.End();
        }
        foreach (VolumeFile file in _open.Keys)
        {
            file.Dispose();
        }
        Errno errno = Nodes.SyncAll();
        Context.Dispose();
        Ended();
        Failure.ThrowIf(errno, "make the last changes durable", "");
    }

    /// <summary>Called when no call is under way any more, before anything is closed.</summary>
    private protected virtual void Ending()
    {
    }

    /// <summary>Called once everything is closed and unmounted.</summary>
    private protected virtual void Ended()
    {
    }
}
