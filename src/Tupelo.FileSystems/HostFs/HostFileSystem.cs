// HostFileSystem shows a directory of the host, and nothing beside it.
//
// Containment. Every file is reached from its directory by one name, with openat2(RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS), and is
// held by an O_PATH descriptor, which stands for the file whatever happens to names. ".." is never asked of the host: the core
// goes up along its own dentries. Symbolic links are read as text and resolved by the core, inside of its own tree. So neither
// a link nor a rename on the host leads out, whenever it happens. A directory that somebody moves out of the tree while it is in
// use stays usable for those who hold it, as with any descriptor; the next walk from the root does not find it any more.
// Files that are not regular are never opened on the host: devices are the core's (by number), FIFOs and sockets likewise.
//
// Credentials. The core decides by the owners, groups and modes that the host has stored; the host's own check is against this
// process. A new file is given to the caller (when this process is root; otherwise it stays this process') with exactly the mode
// that the core decided, whatever this process' umask is.
//
// Read-only. A mount that is read-only leaves the host's access times alone (O_NOATIME), as far as this process may ask for that: it
// must be root or own the file. Links are the exception: reading one moves its access time, and Linux has no call that does not.
//
// Freshness. Others change the host's files: names and attributes are asked for each time (CachePolicy.Revalidate).
//
// Descriptors. A file that is known but not open keeps its O_PATH descriptor as long as there is room for it; one that was given up is
// opened again through its directory, and must be the same file (ESTALE otherwise).
// Locks: _tableMu and the ring's are leaves.
using Tupelo.Block;

namespace Tupelo.FileSystems;

internal sealed class HostFileSystem : FileSystem
{
    private readonly Lock _tableMu = new();  // Rank Leaf. Guards _table, _devices and the counters.
    private readonly Dictionary<HostKey, WeakReference<HostVnode>> _table = [];
    private readonly List<ulong> _devices = []; // Devices of file systems mounted below, by order of meeting them.
    private readonly HostVnode _root;
    private readonly ulong _device;
    private int _sweepAt = 1024;
    private ulong _generation;

    internal HostFileSystem(HostFileSystemType type, MountRequest request, HostFileSystemOptions options, HostDescriptor root, in HostCalls.StatX stat)
        : base(type, FeaturesFor(options), request.IsReadOnly, CachePolicy.Revalidate)
    {
        HostOptions = options;
        SourceName = request.Source;
        OptionsText = options.ToText();
        _device = stat.Device;
        Descriptors = new HostDescriptorRing(options.CachedDescriptors);
        _root = GetOrAdd(stat);
        _root.PinAsRoot(root);
    }

    public override Vnode Root => _root;

    public override string SourceName { get; }

    public override string OptionsText { get; }

    internal HostFileSystemOptions HostOptions { get; }

    // Who may be asked to give its descriptor up.
    internal HostDescriptorRing Descriptors { get; }

    internal HostVnode RootVnode => _root;

    public override Errno StatFs(ref StatFs stat)
    {
        Errno errno = _root.Acquire(out HostDescriptor? descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = LinuxHost.StatFs(descriptor!.Number, out HostCalls.StatFs host);
        descriptor.Release();
        stat.Type = (ulong)host.Type;
        stat.BlockSizeBytes = (uint)host.BlockSizeBytes;
        stat.FragmentSizeBytes = (uint)host.FragmentSizeBytes;
        stat.BlockCount = host.BlockCount;
        stat.FreeBlocks = host.FreeBlocks;
        stat.AvailableBlocks = host.AvailableBlocks;
        stat.FileCount = host.FileCount;
        stat.FreeFiles = host.FreeFiles;
        return errno;
    }

    public override Errno Sync()
    {
        Errno errno = _root.OpenForReading(out int descriptor);
        if (errno == Errno.None)
        {
            errno = LinuxHost.SyncFileSystem(descriptor);
            LinuxHost.CloseDescriptor(descriptor);
        }
        return errno;
    }

    public override Errno Remount(bool readOnly, string options) =>
        options.Length == 0 || string.Equals(options, OptionsText, StringComparison.Ordinal) ? Errno.None : Errno.EINVAL;

    public override void Shutdown()
    {
        lock (_tableMu)
        {
            _table.Clear();
        }
        Descriptors.Clear();
        _root.DropDescriptor();
    }

    // The one object of a file of the host. A number that was used again for another file gets another object.
    internal HostVnode GetOrAdd(in HostCalls.StatX stat)
    {
        var key = new HostKey(stat.Device, stat.Ino);
        lock (_tableMu)
        {
            if (_table.TryGetValue(key, out WeakReference<HostVnode>? known) && known.TryGetTarget(out HostVnode? vnode) && vnode.IsSameFile(stat))
            {
                return vnode;
            }
            if (_table.Count >= _sweepAt)
            {
                Sweep();
            }
            vnode = new HostVnode(this, key, InoOf(stat), ++_generation, stat);
            _table[key] = new WeakReference<HostVnode>(vnode);
            return vnode;
        }
    }

    // The file is gone from the host, or will be with its last user.
    internal void Forget(HostVnode vnode)
    {
        lock (_tableMu)
        {
            if (_table.TryGetValue(vnode.Key, out WeakReference<HostVnode>? known) && known.TryGetTarget(out HostVnode? current) && ReferenceEquals(current, vnode))
            {
                _ = _table.Remove(vnode.Key);
            }
        }
    }

    internal ulong InoOf(ulong device, ulong ino)
    {
        lock (_tableMu)
        {
            return MapIno(device, ino);
        }
    }

    private static FileSystemFeatures FeaturesFor(HostFileSystemOptions options) =>
        FileSystemFeatures.HardLinks | FileSystemFeatures.Symlinks | FileSystemFeatures.SpecialFiles | FileSystemFeatures.TemporaryFiles
        | FileSystemFeatures.RenameExchange | FileSystemFeatures.AllSpace | FileSystemFeatures.DirectIo
        | (options.Xattrs == HostXattrs.None ? FileSystemFeatures.None : FileSystemFeatures.Xattrs);

    private ulong InoOf(in HostCalls.StatX stat) => MapIno(stat.Device, stat.Ino);

    // Numbers of the directory's own file system are as they are; those of others get the other's number in front, as all together
    // must look like one file system.
    private ulong MapIno(ulong device, ulong ino)
    {
        if (device == _device)
        {
            return ino;
        }
        int index = _devices.IndexOf(device);
        if (index < 0)
        {
            index = _devices.Count;
            _devices.Add(device);
        }
        return ((ulong)(index + 1) << 48) ^ ino;
    }

    private void Sweep()
    {
        foreach ((HostKey key, WeakReference<HostVnode> entry) in _table)
        {
            if (!entry.TryGetTarget(out _))
            {
                _ = _table.Remove(key);
            }
        }
        _sweepAt = Math.Max(1024, _table.Count * 2);
    }
}

/// <summary>What the host knows a file by.</summary>
internal readonly record struct HostKey(ulong Device, ulong Ino);

/// <summary>
/// The files whose O_PATH descriptor may be given up, bounded: a clock that passes over what was used since its last visit.
/// Any thread. Descriptors are given up after the lock is released.
/// </summary>
internal sealed class HostDescriptorRing(int capacity)
{
    private readonly Lock _mu = new();  // Rank Leaf. Guards the fields below and each vnode's IsInRing.
    private readonly List<HostVnode> _slots = [];
    private int _hand;

    internal int Count
    {
        get
        {
            lock (_mu)
            {
                return _slots.Count;
            }
        }
    }

    internal void Add(HostVnode vnode)
    {
        HostVnode? victim = null;
        lock (_mu)
        {
            if (vnode.IsInRing)
            {
                return;
            }
            if (_slots.Count >= capacity)
            {
                victim = TakeVictimLocked();
            }
            vnode.IsInRing = true;
            _slots.Add(vnode);
        }
        victim?.GiveUpDescriptor();
    }

    internal void Clear()
    {
        HostVnode[] all;
        lock (_mu)
        {
            all = [.. _slots];
            foreach (HostVnode vnode in all)
            {
                vnode.IsInRing = false;
            }
            _slots.Clear();
        }
        foreach (HostVnode vnode in all)
        {
            vnode.GiveUpDescriptor();
        }
    }

    private HostVnode TakeVictimLocked()
    {
        for (int steps = 0; ; steps++)
        {
            if (_hand >= _slots.Count)
            {
                _hand = 0;
            }
            HostVnode candidate = _slots[_hand];
            if (candidate.HasDescriptor && steps < _slots.Count * 2 && candidate.TestAndClearUsed())
            {
                _hand++;
                continue;
            }
            candidate.IsInRing = false;
            _slots[_hand] = _slots[^1];
            _slots.RemoveAt(_slots.Count - 1);
            return candidate;
        }
    }
}
