// A Mount shows a file system, from some directory of it downward, at a place in a namespace's tree.
//
// Where it hangs is one immutable object (MountAttachment), replaced as a whole, so that a walk going up by ".." never sees
// half of a move. Pins count what keeps it busy: open files, current and root directories, walks that store their result.
// Writers count open files and operations in progress that may write; remounting read-only needs zero.
//
// States: Live -> (Checking -> Live | Dead), or Live -> Detached (MNT_DETACH) -> Checking -> Dead when the last pin goes.
// Checking lasts for the few instructions in which the striped pin count is summed; TryPin waits it out.
// Locks: attachment, children and namespace change under MountTable's mutex. Flags are one volatile word.
using System.Diagnostics;

namespace Tupelo.Vfs;

/// <summary>A file system attached in a namespace. Bind mounts are mounts of the same file system with another root.</summary>
public sealed class Mount
{
    private const int Live = 0;
    private const int Checking = 1;
    private const int Detached = 2;
    private const int Dead = 3;

    private static int s_lastId;
    private static long s_lastUniqueId = int.MaxValue; // As in Linux, unique ids never look like old ones.

    private readonly StripedCounter _pins = new();
    private readonly StripedCounter _writers = new();
    private MountAttachment? _attachment;
    private int _state;
    private ulong _flags;
    private volatile bool _expiring;
    private volatile bool _writersBarred;

    internal Mount(MountTable table, FileSystem fileSystem, Dentry root, MountFlags flags, string source)
    {
        Table = table;
        FileSystem = fileSystem;
        Root = root;
        Source = source;
        _flags = (ulong)flags;
        Id = Interlocked.Increment(ref s_lastId);
        UniqueId = (ulong)Interlocked.Increment(ref s_lastUniqueId);
    }

    internal MountTable Table { get; }

    /// <summary>What is mounted.</summary>
    public FileSystem FileSystem { get; }

    /// <summary>What is shown at the mount point: the file system's root, or any file or directory of it for a bind mount.</summary>
    public Dentry Root { get; }

    /// <summary>The source as given to mount(2), for /proc/mounts.</summary>
    public string Source { get; }

    /// <summary>stx_mnt_id.</summary>
    public int Id { get; }

    /// <summary>STATX_MNT_ID_UNIQUE: never reused.</summary>
    public ulong UniqueId { get; }

    /// <summary>Read-only, nosuid, nodev, noexec, noatime ... of this mount.</summary>
    public MountFlags Flags => (MountFlags)Volatile.Read(ref _flags);

    /// <summary>True when this mount or its file system is read-only.</summary>
    public bool IsReadOnly => (Flags & MountFlags.ReadOnly) != 0 || FileSystem.IsReadOnly;

    /// <summary>The mount below, or null for a namespace's root and for one that is detached.</summary>
    public Mount? Parent => Volatile.Read(ref _attachment)?.Parent;

    /// <summary>The place that it makes visible: not pinned.</summary>
    public PathRef Place => new(this, Root);

    /// <summary>Where it hangs in <see cref="Parent"/>.</summary>
    public Dentry? MountPoint => Volatile.Read(ref _attachment)?.MountPoint;

    internal MountAttachment? Attachment
    {
        get => Volatile.Read(ref _attachment);
        set => Volatile.Write(ref _attachment, value);
    }

    // Guarded by the mount table's mutex.
    internal List<Mount> Children { get; } = [];

    internal MountNamespace? Namespace { get; set; }

    internal MountPropagation Propagation { get; } = new();

    internal bool IsAttached => Namespace is not null;

    internal long PinCount => _pins.Sum;

    internal bool IsExpiring
    {
        get => _expiring;
        set => _expiring = value;
    }

    internal bool TryPin()
    {
        SpinWait spin = default;
        while (true)
        {
            _pins.Add(1);
            int state = Volatile.Read(ref _state);
            if (state is Live or Detached)
            {
                return true;
            }
            _pins.Add(-1);
            if (state == Dead)
            {
                return false;
            }
            spin.SpinOnce();
        }
    }

    // For holders of a pin.
    internal void Pin() => _pins.Add(1);

    // May end the mount and its file system: no lock may be held.
    internal void Unpin()
    {
        _pins.Add(-1);
        if (Volatile.Read(ref _state) == Detached && TryEnd(Detached))
        {
            Finish();
        }
    }

    // EROFS unless writing is allowed; undone by EndWrite. Held by open files for their lifetime.
    internal Errno BeginWrite()
    {
        _writers.Add(1);
        if (!_writersBarred && !IsReadOnly)
        {
            return Errno.None;
        }
        _writers.Add(-1);
        return Errno.EROFS;
    }

    internal void EndWrite() => _writers.Add(-1);

    // Caller holds the mount table's mutex. Becoming read-only needs that nobody writes.
    internal Errno SetFlags(MountFlags flags, bool checkWriters)
    {
        if (checkWriters && (flags & MountFlags.ReadOnly) != 0 && !TryBarWriters())
        {
            return Errno.EBUSY;
        }
        Volatile.Write(ref _flags, (ulong)flags);
        _writersBarred = false;
        return Errno.None;
    }

    // Makes BeginWrite fail until AllowWriters, if nobody writes now.
    internal bool TryBarWriters()
    {
        _writersBarred = true;
        Interlocked.MemoryBarrier();
        if (_writers.Sum == 0)
        {
            return true;
        }
        _writersBarred = false;
        return false;
    }

    internal void AllowWriters() => _writersBarred = false;

    // Caller holds the mount table's mutex, and takes the mount out of the table when this succeeds. `ownPins` are the caller's.
    internal bool TryEndUnused(int ownPins = 0) => TryEnd(Live, ownPins);

    // Undoes TryEndUnused for a mount that stays after all. Caller holds the mutex since.
    internal void Revive() => Volatile.Write(ref _state, Live);

    // Caller holds the mount table's mutex; the mount is out of the table. True when nobody uses it: the caller then calls Finish.
    internal bool Detach()
    {
        bool was = Interlocked.CompareExchange(ref _state, Detached, Live) == Live;
        Debug.Assert(was);
        return TryEnd(Detached);
    }

    // Gives up what the mount holds. No lock is held. Once, after TryEndUnused or Detach said so.
    internal void Finish() => Table.MountEnded(this);

    private bool TryEnd(int from, int ownPins = 0)
    {
        while (true)
        {
            if (Interlocked.CompareExchange(ref _state, Checking, from) != from)
            {
                return false;
            }
            if (_pins.Sum == ownPins)
            {
                Volatile.Write(ref _state, Dead);
                return true;
            }
            Volatile.Write(ref _state, from);
            Interlocked.MemoryBarrier();
            // Somebody may have given the last pin back while we summed, and seen Checking: then it is on us.
            if (from == Live || _pins.Sum != ownPins)
            {
                return false;
            }
        }
    }
}

/// <summary>Where a mount hangs. Immutable.</summary>
internal sealed record MountAttachment(Mount Parent, Dentry MountPoint);
