// A FileSystem is one mounted instance (what Linux calls a superblock): it owns vnodes and answers for space and durability.
// One of the three classes that a file system implements (FileSystemType makes it, Vnode does the work).
//
// Place: Mount refers to it, Vnode belongs to it. It knows neither mounts, paths, dentries nor open files.
// Lifetime: from FileSystemType.Create until its last mount is gone and the last vnode in use is released; then Shutdown runs once.
//
// Lock order: see docs/vfs.md. _renameMutex (rank Rename) freezes the shape of this file system's tree of directories.
namespace Tupelo.Vfs;

/// <summary>What a file system can do. The core answers the calls that need a missing feature, with Linux' errno.</summary>
[Flags]
public enum FileSystemFeatures
{
    None = 0,

    /// <summary>Several names for one vnode (else link gives EPERM).</summary>
    HardLinks = 1,

    /// <summary>Symbolic links can be created (else EPERM). Existing ones are always followed.</summary>
    Symlinks = 1 << 1,

    /// <summary>FIFOs, sockets and device nodes can be created (else EPERM).</summary>
    SpecialFiles = 1 << 2,

    /// <summary>Extended attributes (else EOPNOTSUPP).</summary>
    Xattrs = 1 << 3,

    /// <summary>O_TMPFILE (else EOPNOTSUPP).</summary>
    TemporaryFiles = 1 << 4,

    /// <summary>renameat2 EXCHANGE (else EINVAL).</summary>
    RenameExchange = 1 << 5,

    /// <summary>renameat2 WHITEOUT (else EINVAL).</summary>
    RenameWhiteout = 1 << 6,

    /// <summary>fallocate mode 0 and KEEP_SIZE (else EOPNOTSUPP).</summary>
    Allocate = 1 << 7,

    /// <summary>fallocate PUNCH_HOLE.</summary>
    PunchHole = 1 << 8,

    /// <summary>fallocate ZERO_RANGE.</summary>
    ZeroRange = 1 << 9,

    /// <summary>fallocate COLLAPSE_RANGE and INSERT_RANGE.</summary>
    ShiftRange = 1 << 10,

    /// <summary>FindVnode works, so that handles of name_to_handle_at can be opened (else EOPNOTSUPP).</summary>
    Handles = 1 << 11,

    /// <summary>O_DIRECT is accepted (else open gives EINVAL).</summary>
    DirectIo = 1 << 12,

    /// <summary>RWF_NOWAIT is accepted on files (else EOPNOTSUPP): a read or write never sleeps for a device.</summary>
    NoWait = 1 << 13,

    /// <summary>FS_IOC_SETFLAGS can make files immutable and append-only (else ENOTTY).</summary>
    InodeFlags = 1 << 14,

    /// <summary>Files tell their seals (F_GET_SEALS), as memory file systems do; only those of memfd_create take new ones.</summary>
    Seals = 1 << 15,

    /// <summary>Opening a regular file or a directory has no effect and no state: doors may serve it without.</summary>
    StatelessOpen = 1 << 16,

    /// <summary>Everything that concerns names.</summary>
    AllNames = HardLinks | Symlinks | SpecialFiles | TemporaryFiles | RenameExchange | RenameWhiteout,

    /// <summary>Everything that concerns space.</summary>
    AllSpace = Allocate | PunchHole | ZeroRange | ShiftRange,
}

/// <summary>Who else may change the file system behind the core's back, and so how long the caches may be believed.</summary>
public enum CachePolicy
{
    /// <summary>Nobody: names and attributes are cached for ever, and the attributes kept in the core are the truth.</summary>
    Exclusive,

    /// <summary>Somebody: names and attributes are believed for <see cref="FileSystem.CacheTimeout"/>.</summary>
    Timeout,

    /// <summary>Somebody: each use asks <see cref="Vnode.Revalidate"/> and <see cref="Vnode.FetchAttributes"/> first.</summary>
    Revalidate,

    /// <summary>Nothing is cached: each walk looks names up again.</summary>
    None,
}

/// <summary>Whether a name in a directory leads to this child; null: to nothing.</summary>
public delegate bool NameCheck(Vnode directory, ReadOnlySpan<byte> name, Vnode? child);

/// <summary>A mounted instance of a file system. Source: the call list and locks are in docs/vfs.md.</summary>
public abstract class FileSystem
{
    private static long s_nextAnonymousDevice;

    // Serial and topology locks; see RenameOperation.
    internal readonly RankedLock RenameMutex = new(LockRank.Rename);  // Guards the parent pointers of this file system's directories.
    private Dentry? _rootDentry;
    private int _orphans;
    private System.Collections.Concurrent.ConcurrentDictionary<Vnode, bool>? _watched;
    private volatile bool _readOnly;

    /// <param name="type">The type that made it.</param>
    /// <param name="features">What it can do.</param>
    /// <param name="readOnly">No primitive that changes anything will be called.</param>
    /// <param name="cachePolicy">Whether the caches may be believed.</param>
    protected FileSystem(FileSystemType type, FileSystemFeatures features, bool readOnly, CachePolicy cachePolicy = CachePolicy.Exclusive)
    {
        Type = type;
        Features = features;
        _readOnly = readOnly;
        CachePolicy = cachePolicy;
        // Linux numbers anonymous devices with major 0.
        Device = DeviceNumber.Make(0, (uint)Interlocked.Increment(ref s_nextAnonymousDevice));
    }

    /// <summary>The type that made it; its name is what /proc/mounts shows.</summary>
    public FileSystemType Type { get; }

    /// <summary>What it can do.</summary>
    public FileSystemFeatures Features { get; }

    /// <summary>st_dev: unique among all instances of this process.</summary>
    public ulong Device { get; }

    /// <summary>The root directory; the same vnode each time.</summary>
    public abstract Vnode Root { get; }

    /// <summary>Whether the caches may be believed.</summary>
    public CachePolicy CachePolicy { get; }

    /// <summary>How long names and attributes are believed under <see cref="CachePolicy.Timeout"/>.</summary>
    public TimeSpan CacheTimeout { get; protected init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest name in bytes; the core refuses longer ones with ENAMETOOLONG.</summary>
    public int MaxNameBytes { get; protected init; } = 255;

    /// <summary>Largest file in bytes; the core refuses to go beyond with EFBIG.</summary>
    public long MaxFileBytes { get; protected init; } = long.MaxValue;

    /// <summary>Most names of one file; the core answers EMLINK beyond.</summary>
    public uint MaxLinks { get; protected init; } = int.MaxValue;

    /// <summary>Unit of allocation: st_blksize, and the alignment that COLLAPSE_RANGE and INSERT_RANGE need. A power of two.</summary>
    public int BlockSizeBytes { get; protected init; } = 4096;

    /// <summary>What stands in the first column of /proc/mounts.</summary>
    public virtual string SourceName => Type.Name;

    /// <summary>Options besides the generic ones, as /proc/mounts shows them: "size=1024k,nr_inodes=100"; empty when there are none.</summary>
    public virtual string OptionsText => string.Empty;

    /// <summary>True when nothing may be changed; see <see cref="Remount"/>.</summary>
    public bool IsReadOnly => _readOnly;

    /// <summary>True when <paramref name="feature"/> is there, all of its bits.</summary>
    public bool Supports(FileSystemFeatures feature) => (Features & feature) == feature;

    /// <summary>Fills in type, sizes and counts; the core adds id, name length and mount flags.</summary>
    public virtual Errno StatFs(ref StatFs stat) => Errno.ENOSYS;

    /// <summary>Makes everything durable that was changed before the call.</summary>
    /// <remarks>Locks held: none. Errors: EIO · ENOSPC.</remarks>
    public virtual Errno Sync() => Errno.None;

    /// <summary>Takes new options; when it succeeds the core switches <see cref="IsReadOnly"/> itself.</summary>
    /// <remarks>Errors: EINVAL option not known or not changeable · EROFS cannot become writable · EIO.</remarks>
    public virtual Errno Remount(bool readOnly, string options) => options.Length == 0 ? Errno.None : Errno.EINVAL;

    /// <summary>Finds a file by what name_to_handle_at told; needs <see cref="FileSystemFeatures.Handles"/>.</summary>
    /// <remarks>Errors: ESTALE no such file any more · EIO.</remarks>
    public virtual Errno FindVnode(ulong ino, ulong generation, out Vnode? vnode)
    {
        vnode = null;
        return Errno.EOPNOTSUPP;
    }

    /// <summary>Somebody asked for a handle of this vnode: <see cref="FindVnode"/> must find it while it lives.</summary>
    /// <remarks>Locks held: none.</remarks>
    public virtual void HandleMade(Vnode vnode)
    {
    }

    /// <summary>The end: nothing of this file system is in use any more. Writes back, closes its device. Called once.</summary>
    public virtual void Shutdown()
    {
    }

    /// <summary>The file system has changed its tree by itself (it took a transaction back): every cached name is asked for again, and
    /// forgotten when it is not true any more.</summary>
    /// <remarks>Locks held: none; nobody else may be changing names.</remarks>
    protected void RecheckNames(NameCheck isTrue)
    {
        if (Volatile.Read(ref _rootDentry) is { } root)
        {
            DentryCache.DropStale(root, isTrue);
        }
    }

    internal void SetReadOnly(bool readOnly) => _readOnly = readOnly;

    // The dentry of the root, shared by all mounts; its pin belongs to the first one.
    internal Dentry RootDentry
    {
        get
        {
            Dentry? root = Volatile.Read(ref _rootDentry);
            if (root is null)
            {
                var made = Dentry.MakeRoot(Root);
                root = Interlocked.CompareExchange(ref _rootDentry, made, null);
                if (root is null)
                {
                    return made;
                }
                made.Unpin();
            }
            return root;
        }
    }

    // Files in use that have no name: they must be freed some day, so the file system cannot become read-only.
    internal bool HasOrphans => Volatile.Read(ref _orphans) > 0;

    internal void CountOrphan(int delta) => _ = Interlocked.Add(ref _orphans, delta);

    // Vnodes that inotify has ever watched: told when the file system ends.
    internal System.Collections.Concurrent.ConcurrentDictionary<Vnode, bool> Watched => LazyInitializer.EnsureInitialized(ref _watched)!;

    internal void ForgetWatched(Vnode vnode) => _ = Volatile.Read(ref _watched)?.TryRemove(vnode, out _);

    internal void TellUnmount()
    {
        foreach (Vnode vnode in Volatile.Read(ref _watched)?.Keys ?? [])
        {
            vnode.ExtensionOrNull?.WatchesOrNull?.Unmount();
        }
    }

    // Mounts now: also bind mounts, and detached ones that are still used. Guarded by the mount table's mutex.
    internal List<Mount> Mounts { get; } = [];
}
