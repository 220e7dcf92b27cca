// TfsFileSystem is a mounted TFS volume: it joins the VFS above (Vnode, FileSystem) with the log, the allocator and the page cache below.
// It owns the vnodes in use and knows who among them has something to write.
//
// Lock order (take from top to bottom; the vnodes' own locks are above all of them):
//   TfsCommitter._commitMu
//   TfsRegularFile._writeBackMu
//   CachedFile._flushMu, _pagesMu
//   _vnodesMu                     the table of vnodes in use
//   TfsMetadata._metaMu
//   _dirtyMu, TfsAllocator._freeMu   leaves
namespace Tupelo.Tfs;

/// <summary>A TFS volume, mounted under the VFS.</summary>
public sealed partial class TfsFileSystem : FileSystem
{
    // What one operation may add to the log at the most, besides names and values: attributes, extents, frames and a commit's padding.
    private const int OperationBytes = 16 << 10;

    private const FileSystemFeatures SupportedFeatures = FileSystemFeatures.AllNames | FileSystemFeatures.AllSpace | FileSystemFeatures.Xattrs
        | FileSystemFeatures.Handles | FileSystemFeatures.DirectIo | FileSystemFeatures.StatelessOpen;

    private readonly TfsVolume _volume;
    private readonly TfsMountOptions _options;
    private readonly TfsCommitter? _committer;
    private readonly Lock _vnodesMu = new(); // Guards _vnodes.
    private readonly Dictionary<int, TfsVnode> _vnodes = [];
    private readonly Lock _dirtyMu = new();  // Guards _dirty, _timerIsSet.
    private readonly ITimer? _timer;
    private HashSet<TfsVnode> _dirty = [];
    private readonly HashSet<TfsVnode> _nameless = []; // files in use that no name leads to; guarded by _dirtyMu
    private bool _timerIsSet;
    private TfsDirectory? _root;

    private TfsFileSystem(FileSystemType type, TfsVolume volume, TfsMountOptions options, TfsAllocator allocator, TfsMetadata metadata, TfsLog? log)
        : base(type, SupportedFeatures, options.ReadOnly)
    {
        MaxFileBytes = long.MaxValue / 2;
        _volume = volume;
        _options = options;
        Allocator = allocator;
        Metadata = metadata;
        Device = volume.Device;
        Pages = new PageCache(options.Cache);
        _committer = log is null ? null : new TfsCommitter(volume.Device, metadata, allocator, log);
        if (log is not null && options.FlushDelay > TimeSpan.Zero)
        {
            _timer = options.TimeProvider.CreateTimer(_ => FlushFromTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Mounts the volume that a device holds.</summary>
    /// <remarks>Writing needs a sound volume: one with <see cref="TfsVolume.Faults"/> other than an unfinished last commit is refused
    /// (EUCLEAN) until it has been repaired.</remarks>
    /// <exception cref="TfsFormatException">It cannot be mounted.</exception>
    public static TfsFileSystem Mount(BlockDevice device, TfsMountOptions? options = null, FileSystemType? type = null)
    {
        options ??= new TfsMountOptions();
        type ??= TfsFileSystemType.Shared;
        if (device.IsReadOnly && !options.ReadOnly)
        {
            throw new TfsFormatException("the device is read-only: mount the volume read-only", Errno.EROFS, -1);
        }
        TfsVolume volume = options.ReadOnly ? TfsVolume.Open(device) : TfsVolume.OpenForWriting(device);
        var allocator = new TfsAllocator(device.SizeBytes / TfsFormat.SectorBytes);
        if (options.ReadOnly)
        {
            return new TfsFileSystem(type, volume, options, allocator, new TfsMetadata(volume.Store, new LogDictionary(), allocator, volume.Log), null);
        }
        if (volume.HasDamage)
        {
            throw new TfsFormatException($"the volume is damaged and can only be mounted read-only: {volume.Faults[0].Message}");
        }
        var metadata = new TfsMetadata(volume.Store, volume.Numbers!, allocator, volume.Log);
        TakeStock(volume, allocator, metadata);
        TfsLog log = TfsLog.Attach(device, allocator, volume.Numbers!, metadata.Symbols.Commit, volume.Log, volume.Tail);
        return new TfsFileSystem(type, volume, options, allocator, metadata, log);
    }

    /// <summary>The volume's identity, label and state of its log when it was mounted.</summary>
    public TfsVolume Volume => _volume;

    /// <inheritdoc/>
    public override Vnode Root => _root ??= (TfsDirectory)VnodeOf(TupleStore.Root, TupleStore.Root);

    /// <inheritdoc/>
    public override string SourceName => _volume.Device.Name;

    internal new BlockDevice Device { get; }

    internal TfsMetadata Metadata { get; }

    internal TfsAllocator Allocator { get; }

    internal PageCache Pages { get; }

    /// <summary>The log that is the volume's now.</summary>
    internal TfsLog Log => _committer!.Log;

    /// <summary>Where the next new file's data had best go: behind the last. Guarded by the metadata's lock.</summary>
    internal long AllocationGoal { get; set; }

    /// <summary>None while all is well; otherwise why the volume takes no more changes.</summary>
    internal Errno Failure => _committer?.Failure ?? Errno.EROFS;

    /// <inheritdoc/>
    public override Errno StatFs(ref StatFs stat)
    {
        const int Unit = PageCache.PageBytes / TfsFormat.SectorBytes;
        stat.BlockSizeBytes = PageCache.PageBytes;
        stat.FragmentSizeBytes = PageCache.PageBytes;
        stat.BlockCount = (ulong)(Allocator.TotalSectors / Unit);
        stat.FreeBlocks = (ulong)(_committer is null ? TfsSpaceMap.Build(_volume).FreeSectors / Unit : Allocator.FreeSectors / Unit);
        stat.AvailableBlocks = (ulong)(_committer is null ? 0 : Math.Max(0, Allocator.AvailableSectors) / Unit);
        return Errno.None;
    }

    /// <inheritdoc/>
    public override Errno Sync()
    {
        if (_committer is null)
        {
            return Errno.None;
        }
        if (Metadata.InTransaction)
        {
            return Errno.EBUSY;
        }
        Errno errno = WriteBackDirty();
        Errno committed = _committer.Commit();
        if (errno == Errno.None && committed == Errno.None)
        {
            committed = CompactWhenDue();
        }
        return errno != Errno.None ? errno : committed;
    }

    /// <inheritdoc/>
    public override Errno FindVnode(ulong ino, ulong generation, out Vnode? vnode)
    {
        vnode = null;
        if (ino is 0 or > int.MaxValue)
        {
            return Errno.ESTALE;
        }
        lock (_vnodesMu)
        {
            if (_vnodes.TryGetValue((int)ino, out TfsVnode? known) && !known.IsDead)
            {
                vnode = known.Generation == generation ? known : null;
                return vnode is null ? Errno.ESTALE : Errno.None;
            }
        }
        // Not in use: it must have a name, or it is no file (any more).
        int parent = FindParent((int)ino, generation);
        if (parent == 0)
        {
            return Errno.ESTALE;
        }
        vnode = VnodeOf((int)ino, parent);
        return Errno.None;
    }

    /// <inheritdoc/>
    public override void Shutdown()
    {
        if (_committer is not null)
        {
            _timer?.Dispose();
            _isShuttingDown = true;
            if (!Metadata.InTransaction)
            {
                _ = Sync();
            }
            lock (_compactionMu) // one that is under way gives up
            {
                _committer.Log.DropSpare();
                _committer.Log.Close();
            }
        }
        if (_options.OwnsDevice)
        {
            _volume.Device.Dispose();
        }
    }

    /// <summary>Whether anything may be changed, and the log has room for a small change that frees something.</summary>
    /// <remarks>Errors: EROFS the volume was latched after a failure.</remarks>
    internal Errno CanChange() => Failure == Errno.None ? Errno.None : Errno.EROFS;

    /// <summary>Whether something may be added: the log must have room for it, and keep some for removals.</summary>
    /// <param name="extraBytes">Of names, targets and values.</param>
    /// <remarks>Errors: EROFS latched · ENOSPC.</remarks>
    internal Errno CanGrow(int extraBytes)
    {
        if (Failure != Errno.None)
        {
            return Errno.EROFS;
        }
        long needed = Metadata.StagedBytes + extraBytes + (2 * OperationBytes);
        return needed <= _committer!.Log.GrowthBytes / 2
            || Allocator.LongestFreeRun >= TfsFormat.ExtensionSectors * (2 + (needed / LogExtension.SizeBytes)) ? Errno.None : Errno.ENOSPC;
    }

    /// <summary>Whether data may take sectors: the log's next extension comes first.</summary>
    internal bool HasRoomForData(long sectors) => Allocator.AvailableSectors >= sectors;

    internal void DataWasWritten() => _committer!.DataWasWritten();

    /// <summary>A vnode has something that the device does not have. Any locks but the leaves'.</summary>
    internal void NoteDirty(TfsVnode vnode)
    {
        if (_committer is null)
        {
            return;
        }
        lock (_dirtyMu)
        {
            _ = _dirty.Add(vnode);
            if (!_timerIsSet && _timer is not null)
            {
                _timerIsSet = true;
                _ = _timer.Change(_options.FlushDelay, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>fsync of one file: its pages and attributes, and with the log everything that was done before.</summary>
    internal Errno SyncFile(TfsVnode vnode)
    {
        if (_committer is null)
        {
            return Errno.None;
        }
        if (Metadata.InTransaction)
        {
            return Errno.EBUSY;
        }
        Errno errno = vnode.WriteBack();
        Errno committed = _committer.Commit();
        return errno != Errno.None ? errno : committed;
    }

    /// <summary>Makes all that is staged durable, unless a transaction is open, which will. Locks held: none, or a vnode's.</summary>
    internal Errno CommitStaged() => _committer!.Commit() is not Errno.EBUSY and var errno ? errno : Errno.None;

    /// <summary>A write of data failed: what the device holds is not known, so the volume takes no more changes. Any locks.</summary>
    internal void Latch(Errno errno) => _committer!.Latch(errno);

    /// <summary>The one vnode of a file object.</summary>
    internal TfsVnode VnodeOf(int tuple, int parent)
    {
        lock (_vnodesMu)
        {
            if (_vnodes.TryGetValue(tuple, out TfsVnode? vnode) && !vnode.IsDead)
            {
                return vnode;
            }
            vnode = MakeVnode(tuple, parent);
            _vnodes[tuple] = vnode;
            return vnode;
        }
    }

    /// <summary>Nobody uses the vnode: forget it, unless it has something to write.</summary>
    internal void Drop(TfsVnode vnode)
    {
        if (vnode.HasDirtyAttributes || vnode is TfsRegularFile { HasDirtyPages: true } || vnode.Tuple == TupleStore.Root)
        {
            return; // it is dropped after the next write-back
        }
        lock (_vnodesMu)
        {
            if (_vnodes.TryGetValue(vnode.Tuple, out TfsVnode? known) && known == vnode && vnode.TryForget())
            {
                _ = _vnodes.Remove(vnode.Tuple);
            }
        }
    }

    /// <summary>The vnode's file is gone for good.</summary>
    internal void Evicted(TfsVnode vnode)
    {
        lock (_vnodesMu)
        {
            if (_vnodes.TryGetValue(vnode.Tuple, out TfsVnode? known) && known == vnode)
            {
                _ = _vnodes.Remove(vnode.Tuple);
            }
        }
        using TfsMetadata.Operation operation = Metadata.Enter();
        vnode.IsGone = true;
        lock (_dirtyMu)
        {
            _ = _dirty.Remove(vnode);
            _ = _nameless.Remove(vnode);
        }
    }

    /// <summary>A file in use has lost its last name, or (false) has one again. Caller holds the metadata's lock.</summary>
    internal void NoteNameless(TfsVnode vnode, bool isNameless)
    {
        lock (_dirtyMu)
        {
            _ = isNameless ? _nameless.Add(vnode) : _nameless.Remove(vnode);
        }
    }

    /// <summary>Enters a new vnode into the table of those in use. Locks held: none of this file system's.</summary>
    internal void Register(TfsVnode vnode)
    {
        lock (_vnodesMu)
        {
            _vnodes[vnode.Tuple] = vnode;
        }
    }

    /// <summary>Builds a file without a name. Locks held: none of this file system's.</summary>
    internal TfsVnode NewTemporary(in NewVnode make)
    {
        TfsVnode vnode;
        using (Metadata.Enter())
        {
            vnode = NewVnodeLocked(make, named: false, 0);
            NoteNameless(vnode, true);
        }
        Register(vnode);
        return vnode;
    }

    internal FileType TypeOfLocked(int tuple) => _volume.TypeOf(new TfsNode(tuple));

    /// <summary>Builds a new file's tuple and vnode. Caller holds the metadata's lock, gives it a name, and calls <see cref="Register"/>
    /// when the lock is free again: the table's lock is above.</summary>
    internal TfsVnode NewVnodeLocked(in NewVnode make, bool named, int parent)
    {
        TfsSymbols symbols = Metadata.Symbols;
        int tuple = Metadata.Store.NewTuple(false, 8);
        Metadata.NoteMade(tuple);
        int children = 0;
        switch (make.Type)
        {
            case FileType.Directory:
                children = Metadata.Store.NewTuple(false, 0);
                Metadata.SetTuple(tuple, symbols.Children, children);
                break;
            case FileType.Symlink:
                Metadata.SetString(tuple, symbols.LinkTarget, make.Target);
                break;
            case FileType.Socket:
                Metadata.SetNull(tuple, symbols.Socket);
                break;
            case FileType.Regular:
                Metadata.SetTuple(tuple, symbols.Extents, Metadata.Store.NewTuple(false, 0));
                Metadata.SetNumber(tuple, symbols.FileLength, 0);
                break;
            default:
                break;
        }
        ulong time = TfsTime.Encode(make.Time);
        Metadata.SetNumber(tuple, symbols.ModifyTime, time);
        Metadata.SetNumber(tuple, symbols.Mode, Mode.OfType(make.Type) | make.Permissions);
        Metadata.SetNumber(tuple, symbols.Uid, make.Uid);
        Metadata.SetNumber(tuple, symbols.Gid, make.Gid);
        Metadata.SetNumber(tuple, symbols.ChangeTime, time);
        Metadata.SetNumber(tuple, symbols.BirthTime, time);
        if (make.Type is FileType.CharDevice or FileType.BlockDevice)
        {
            Metadata.SetNumber(tuple, symbols.Device, make.RawDevice);
        }
        VnodeAttributes attributes = make.ToAttributes(named);
        return make.Type switch
        {
            FileType.Directory => new TfsDirectory(this, tuple, children, parent, attributes),
            FileType.Regular => NewRegularFile(tuple, attributes),
            FileType.Symlink => new TfsSymlink(this, tuple, attributes, make.Target.ToArray()),
            _ => new TfsSpecialFile(this, tuple, make.Type, make.RawDevice, attributes),
        };
    }
}
