// A Vnode is the in-memory identity of one file: there is one object per (file system, ino, generation) at any time.
// This half holds what the core keeps about it: identity, attributes, lock, references. Vnode.Primitives.cs is what a file
// system overrides.
//
// Attributes. Under CachePolicy.Exclusive the fields here are the truth: the core changes them after a primitive has succeeded
// and tells the file system through AttributesChanged, which may write them down. Under the other policies they are a cache
// that FetchAttributes fills. Either way a reader copies them without a lock, validated by _attributeSequence (odd while being
// written); the writer's odd number excludes other writers, so it is a leaf lock of a few instructions.
//
// References: one per positive dentry, plus watches and servers' node ids. At zero the core calls Inactivate, or, when no name
// is left either, Evict, after which the object is dead for ever. Open files pin their dentry, not the vnode.
//
// Locks: _lock is rank Directory, Child or Data, by use (docs/vfs.md). IsDead and _linkCount change under it, exclusively.
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

/// <summary>One file of any type. A file system derives from it and overrides the primitives that it has.</summary>
public abstract partial class Vnode
{
    internal RwLock ContentLock;

    private int _attributeSequence;
    private int _references;              // int.MinValue when evicted.
    private uint _permissions;            // Read alone by path walks: 32 bits, never torn.
    private uint _uid;
    private uint _gid;
    private uint _linkCount;
    private InodeFlags _flags;
    private int _accessNanoseconds;
    private int _modifyNanoseconds;
    private int _changeNanoseconds;
    private int _birthNanoseconds;
    private volatile bool _dead;          // A directory that was removed, or anything evicted.
    private long _accessSeconds;
    private long _modifySeconds;
    private long _changeSeconds;
    private long _birthSeconds;
    private long _sizeBytes;
    private long _blocks512;
    private long _changeCounter;
    private long _attributesExpire;       // Tick count until which cached attributes are believed; not used under Exclusive.
    private long _writeErrors;
    private int _lastWriteError;
    private int _openReaders;
    private int _openWriters;
    private VnodeExtension? _extension;   // What few vnodes have: locks, watches, a FIFO's pipe. Made on first use.

    /// <param name="fileSystem">The owner.</param>
    /// <param name="ino">Its number there, not 0.</param>
    /// <param name="generation">Tells this use of <paramref name="ino"/> from earlier ones.</param>
    /// <param name="type">Never changes.</param>
    /// <param name="rawDevice">Of a device node, else 0.</param>
    /// <param name="attributes">What it begins with.</param>
    protected Vnode(FileSystem fileSystem, ulong ino, ulong generation, FileType type, ulong rawDevice, in VnodeAttributes attributes)
    {
        FileSystem = fileSystem;
        Ino = ino;
        Generation = generation;
        Type = type;
        RawDevice = rawDevice;
        StoreAttributes(attributes);
    }

    /// <summary>The file system that it belongs to.</summary>
    public FileSystem FileSystem { get; }

    /// <summary>Its number, unique in the file system while it lives.</summary>
    public ulong Ino { get; }

    /// <summary>Tells a reused <see cref="Ino"/> from its earlier owner.</summary>
    public ulong Generation { get; }

    /// <summary>What it is.</summary>
    public FileType Type { get; }

    /// <summary>Of a device node, else 0.</summary>
    public ulong RawDevice { get; }

    public bool IsDirectory => Type == FileType.Directory;

    public bool IsRegular => Type == FileType.Regular;

    /// <summary>Length in bytes. Stable while the caller holds the vnode's lock (in every primitive).</summary>
    public long SizeBytes => Volatile.Read(ref _sizeBytes);

    /// <summary>Names, and for a directory 2 + subdirectories.</summary>
    public uint LinkCount => Volatile.Read(ref _linkCount);

    /// <summary>Permission, set-id and sticky bits.</summary>
    public uint Permissions => Volatile.Read(ref _permissions);

    /// <summary>Immutable, append-only ...</summary>
    public InodeFlags Flags => (InodeFlags)Volatile.Read(ref Unsafe.As<InodeFlags, uint>(ref _flags));

    /// <summary>Grows with each change of content or attributes.</summary>
    public long ChangeCounter => Volatile.Read(ref _changeCounter);

    /// <summary>True when a removed directory, or evicted: nothing can be made or found in it.</summary>
    public bool IsDead => _dead;

    /// <summary>A consistent copy of the attributes kept in the core.</summary>
    public VnodeAttributes Attributes
    {
        get
        {
            VnodeAttributes copy = default;
            int sequence;
            do
            {
                sequence = BeginAttributeRead();
                copy.Permissions = _permissions;
                copy.Uid = _uid;
                copy.Gid = _gid;
                copy.LinkCount = _linkCount;
                copy.Flags = _flags;
                copy.SizeBytes = _sizeBytes;
                copy.Blocks512 = _blocks512;
                copy.AccessTime = new Timespec(_accessSeconds, _accessNanoseconds);
                copy.ModifyTime = new Timespec(_modifySeconds, _modifyNanoseconds);
                copy.ChangeTime = new Timespec(_changeSeconds, _changeNanoseconds);
                copy.BirthTime = new Timespec(_birthSeconds, _birthNanoseconds);
            }
            while (!EndAttributeRead(sequence));
            return copy;
        }
    }

    /// <summary>Replaces the attributes kept in the core: by a file system that reads them from elsewhere. Any lock state.</summary>
    protected internal void StoreAttributes(in VnodeAttributes attributes)
    {
        BeginAttributeWrite();
        _permissions = attributes.Permissions & Mode.PermissionMask;
        _uid = attributes.Uid;
        _gid = attributes.Gid;
        _linkCount = attributes.LinkCount;
        _flags = attributes.Flags;
        _sizeBytes = attributes.SizeBytes;
        _blocks512 = attributes.Blocks512;
        (_accessSeconds, _accessNanoseconds) = attributes.AccessTime;
        (_modifySeconds, _modifyNanoseconds) = attributes.ModifyTime;
        (_changeSeconds, _changeNanoseconds) = attributes.ChangeTime;
        (_birthSeconds, _birthNanoseconds) = attributes.BirthTime;
        _changeCounter++;
        EndAttributeWrite();
    }

    /// <summary>Tells the core how much space the file uses. Called in the primitives that change it.</summary>
    protected void SetBlocks512(long blocks512) => Volatile.Write(ref _blocks512, blocks512);

    /// <summary>Tells the core the length of a directory or special file, where it has one. A regular file's is the core's to change.</summary>
    protected void SetSizeBytes(long sizeBytes) => Volatile.Write(ref _sizeBytes, sizeBytes);

    /// <summary>Says that writing the file's content back has failed, outside of any call: each open file's next fsync tells it once.</summary>
    protected void ReportWriteError(Errno errno)
    {
        Volatile.Write(ref _lastWriteError, (int)errno);
        _ = Interlocked.Increment(ref _writeErrors);
    }

    internal long WriteErrorSequence => Volatile.Read(ref _writeErrors);

    internal Errno LastWriteError => (Errno)Volatile.Read(ref _lastWriteError);

    internal void FillStat(ref Stat stat)
    {
        stat.Device = FileSystem.Device;
        stat.Ino = Ino;
        stat.Generation = Generation;
        stat.RawDevice = RawDevice;
        stat.BlockSizeBytes = (uint)FileSystem.BlockSizeBytes;
        int sequence;
        do
        {
            sequence = BeginAttributeRead();
            stat.Mode = Mode.OfType(Type) | _permissions;
            stat.LinkCount = _linkCount;
            stat.Uid = _uid;
            stat.Gid = _gid;
            stat.SizeBytes = _sizeBytes;
            stat.Blocks512 = _blocks512;
            stat.AccessTime = new Timespec(_accessSeconds, _accessNanoseconds);
            stat.ModifyTime = new Timespec(_modifySeconds, _modifyNanoseconds);
            stat.ChangeTime = new Timespec(_changeSeconds, _changeNanoseconds);
            stat.BirthTime = new Timespec(_birthSeconds, _birthNanoseconds);
        }
        while (!EndAttributeRead(sequence));
    }

    // Owner, group and permissions of one moment, for an access check.
    internal void ReadAccess(out uint permissions, out uint uid, out uint gid)
    {
        int sequence;
        do
        {
            sequence = BeginAttributeRead();
            permissions = _permissions;
            uid = _uid;
            gid = _gid;
        }
        while (!EndAttributeRead(sequence));
    }

    // Applies a change that the file system has accepted. Caller holds the vnode's lock exclusively.
    internal void ApplyChange(in AttributeChange change)
    {
        BeginAttributeWrite();
        if (change.Has(AttributeMask.Mode))
        {
            _permissions = change.Permissions & Mode.PermissionMask;
        }
        if (change.Has(AttributeMask.Uid))
        {
            _uid = change.Uid;
        }
        if (change.Has(AttributeMask.Gid))
        {
            _gid = change.Gid;
        }
        if (change.Has(AttributeMask.Flags))
        {
            _flags = change.Flags;
        }
        if (change.Has(AttributeMask.AccessTime))
        {
            (_accessSeconds, _accessNanoseconds) = change.AccessTime;
        }
        if (change.Has(AttributeMask.ModifyTime))
        {
            (_modifySeconds, _modifyNanoseconds) = change.ModifyTime;
        }
        if (change.Has(AttributeMask.ChangeTime))
        {
            (_changeSeconds, _changeNanoseconds) = change.ChangeTime;
        }
        _changeCounter++;
        EndAttributeWrite();
        AttributesChanged(change.Mask);
    }

    // Content changed: times, and the size when the change moved it. Caller holds the vnode's lock exclusively.
    internal void ContentChanged(Timespec now, long newSizeBytes, uint dropPermissions)
    {
        BeginAttributeWrite();
        (_modifySeconds, _modifyNanoseconds) = now;
        (_changeSeconds, _changeNanoseconds) = now;
        bool resized = newSizeBytes != _sizeBytes;
        _sizeBytes = newSizeBytes;
        _permissions &= ~dropPermissions;
        _changeCounter++;
        EndAttributeWrite();
        AttributesChanged(AttributeMask.ModifyTime | AttributeMask.ChangeTime
            | (resized ? AttributeMask.Size : 0) | (dropPermissions != 0 ? AttributeMask.Mode : 0));
    }

    // A directory gained or lost a name. Caller holds its lock exclusively.
    internal void EntriesChanged(Timespec now, int linkDelta)
    {
        BeginAttributeWrite();
        (_modifySeconds, _modifyNanoseconds) = now;
        (_changeSeconds, _changeNanoseconds) = now;
        // A file system whose directories always have one link does not count.
        if (_linkCount >= 2)
        {
            _linkCount += (uint)linkDelta;
        }
        _changeCounter++;
        EndAttributeWrite();
        AttributesChanged(AttributeMask.ModifyTime | AttributeMask.ChangeTime | (linkDelta != 0 ? AttributeMask.LinkCount : 0));
    }

    // This file gained or lost a name, or moved. Caller holds its lock exclusively.
    internal void LinksChanged(Timespec now, int linkDelta)
    {
        BeginAttributeWrite();
        (_changeSeconds, _changeNanoseconds) = now;
        bool wasOrphan = _linkCount == 0;
        _linkCount += (uint)linkDelta;
        bool isOrphan = _linkCount == 0;
        _changeCounter++;
        EndAttributeWrite();
        if (isOrphan != wasOrphan)
        {
            FileSystem.CountOrphan(isOrphan ? 1 : -1);
        }
        AttributesChanged(AttributeMask.ChangeTime | (linkDelta != 0 ? AttributeMask.LinkCount : 0));
    }

    // Any lock state: an access time may move while others read.
    internal void Accessed(Timespec now)
    {
        BeginAttributeWrite();
        (_accessSeconds, _accessNanoseconds) = now;
        EndAttributeWrite();
        AttributesChanged(AttributeMask.AccessTime);
    }

    // Bytes went into a FIFO. Any lock state.
    internal void PassedOn(Timespec now)
    {
        BeginAttributeWrite();
        (_modifySeconds, _modifyNanoseconds) = now;
        (_changeSeconds, _changeNanoseconds) = now;
        _changeCounter++;
        EndAttributeWrite();
        AttributesChanged(AttributeMask.ModifyTime | AttributeMask.ChangeTime);
    }

    // relatime: whether the access time is no newer than a change, or a day old.
    internal bool AccessTimeIsOld(Timespec now, long maxAgeSeconds)
    {
        long seconds;
        int nanoseconds;
        Timespec modified;
        Timespec changed;
        int sequence;
        do
        {
            sequence = BeginAttributeRead();
            seconds = _accessSeconds;
            nanoseconds = _accessNanoseconds;
            modified = new Timespec(_modifySeconds, _modifyNanoseconds);
            changed = new Timespec(_changeSeconds, _changeNanoseconds);
        }
        while (!EndAttributeRead(sequence));
        var accessed = new Timespec(seconds, nanoseconds);
        return accessed <= modified || accessed <= changed || now.Seconds - seconds >= maxAgeSeconds;
    }

    // Open files of this regular file, for leases.
    internal int OpenReaders => Volatile.Read(ref _openReaders);

    internal int OpenWriters => Volatile.Read(ref _openWriters);

    internal void CountOpen(bool writes, int delta) => _ = writes ? Interlocked.Add(ref _openWriters, delta) : Interlocked.Add(ref _openReaders, delta);

    /// <summary>True when inotify watches depend on this object: a table of vnodes keeps it.</summary>
    protected bool IsWatched => ExtensionOrNull?.WatchesOrNull is { IsEmpty: false };

    // A temporary file that linkat may name, though it has no name yet. Under the lock, exclusively.
    internal bool IsLinkable { get; set; }

    // A temporary file that was opened with O_EXCL. Set once, before anybody else sees the vnode.
    internal bool IsNeverLinkable { get; set; }

    internal void MarkDead() => _dead = true;

    internal VnodeExtension Extension
    {
        get
        {
            VnodeExtension? extension = Volatile.Read(ref _extension);
            if (extension is null)
            {
                var made = new VnodeExtension();
                extension = Interlocked.CompareExchange(ref _extension, made, null) ?? made;
            }
            return extension;
        }
    }

    internal VnodeExtension? ExtensionOrNull => Volatile.Read(ref _extension);

    // True when cached attributes may be used at tick count `now`.
    internal bool AttributesAreFresh(long now) => now < Volatile.Read(ref _attributesExpire);

    internal void AttributesFetched(long expire) => Volatile.Write(ref _attributesExpire, expire);

    internal void ForgetAttributes() => Volatile.Write(ref _attributesExpire, long.MinValue);

    /// <summary>Keeps the vnode from being made inactive, as a dentry does.</summary>
    /// <returns>False when it was evicted.</returns>
    public bool TryReference()
    {
        while (true)
        {
            int references = Volatile.Read(ref _references);
            if (references < 0)
            {
                return false;
            }
            if (Interlocked.CompareExchange(ref _references, references + 1, references) == references)
            {
                return true;
            }
        }
    }

    internal void TryReferenceOrThrow()
    {
        if (!TryReference())
        {
            throw new InvalidOperationException("the file system handed out a vnode that was evicted");
        }
    }

    /// <summary>Undoes one <see cref="TryReference"/>; the last one makes the vnode inactive or evicts it. Locks held: none.</summary>
    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        Debug.Assert(left >= 0);
        if (left != 0)
        {
            return;
        }
        if (HasNoName())
        {
            if (TryKill())
            {
                _dead = true;
                if (Volatile.Read(ref _extension) is { } extension)
                {
                    extension.VnodeGone();
                    FileSystem.ForgetWatched(this);
                }
                Evict();
                FileSystem.CountOrphan(-1);
            }
        }
        else
        {
            Inactivate();
        }
    }

    /// <summary>References now; for leak checks.</summary>
    public int ReferenceCount => Math.Max(0, Volatile.Read(ref _references));

    /// <summary>Asked when nobody refers to the vnode any more: whether its file is gone with that. Then watchers are told, and
    /// <see cref="Evict"/> follows; otherwise <see cref="Inactivate"/>. Locks held: none.</summary>
    /// <remarks>The core knows it of file systems whose attributes it keeps; others that can tell override this.</remarks>
    protected virtual bool HasNoName() => LinkCount == 0 && FileSystem.CachePolicy == CachePolicy.Exclusive;

    /// <summary>Makes every later <see cref="TryReference"/> fail, if nobody refers to it: for tables of vnodes that drop unused ones.</summary>
    protected internal bool TryKill() => Interlocked.CompareExchange(ref _references, int.MinValue, 0) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int BeginAttributeRead()
    {
        int sequence = Volatile.Read(ref _attributeSequence);
        return (sequence & 1) == 0 ? sequence : WaitForAttributeWriter();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool EndAttributeRead(int sequence)
    {
        Volatile.ReadBarrier();
        return Volatile.Read(ref _attributeSequence) == sequence;
    }

    private int WaitForAttributeWriter()
    {
        SpinWait spin = default;
        while (true)
        {
            int sequence = Volatile.Read(ref _attributeSequence);
            if ((sequence & 1) == 0)
            {
                return sequence;
            }
            spin.SpinOnce();
        }
    }

    private void BeginAttributeWrite()
    {
        SpinWait spin = default;
        while (true)
        {
            int sequence = Volatile.Read(ref _attributeSequence);
            if ((sequence & 1) == 0 && Interlocked.CompareExchange(ref _attributeSequence, sequence + 1, sequence) == sequence)
            {
                return;
            }
            spin.SpinOnce();
        }
    }

    private void EndAttributeWrite() => Volatile.Write(ref _attributeSequence, _attributeSequence + 1);
}
