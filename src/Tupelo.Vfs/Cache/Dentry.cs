// A Dentry is a name in a directory: (parent, name) -> vnode, or "no such name" (negative). Paths are never stored; they are
// made by walking up. Place: owned by the parent's DentryTable (cache), pinned by open files, current directories and mounts.
//
// Life, as one count. Being hashed (findable in the parent's table) is 1; each pin is 1; each hashed child is 1. A count of 0
// is final: the dentry is dead, gives its vnode reference and its count in the parent back, and is left to the collector.
// Readers walk without counting: a dentry that they reach through a stale table is told by its flags and sequence. What they
// keep, they pin, and look at the dentry again after pinning.
//   evict      count 1 -> 0 (only hashed), then out of the table
//   unlink     count 1 -> frozen, becomes negative in place, -> 1; when pinned: out of the table, stays positive for its holders
//   rename     out of one table, into another; _sequence is odd in between
//
// Locks: name, parent and hashed state change under the lock of the parent's table(s); the vnode of a hashed dentry changes
// under the parent directory's vnode lock, exclusively. _flags are changed by interlocked operations.
using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

/// <summary>One name in the cache. Doors hold it inside of a <see cref="PathRef"/>.</summary>
[DebuggerDisplay("{DebugName,nq}")]
public sealed class Dentry
{
    private const int Frozen = int.MinValue;

    private Dentry _parent;               // Itself for a root.
    private Vnode? _vnode;                // Null: negative.
    private DentryTable? _children;
    private byte[]? _longName;            // The whole name when it has more than 16 bytes.
    private ulong _word0;
    private ulong _word1;
    private int _length;
    private uint _hash;
    private int _sequence;
    private int _flags;
    private int _count;
    private bool _used;                   // Set by hits, cleared by the clock hand. Racing writes do no harm.
    private long _expires;                // Tick count until which a cached name is believed, under CachePolicy.Timeout.

    private Dentry(Vnode? vnode, Dentry? parent, DentryFlags flags)
    {
        _parent = parent ?? this;
        _vnode = vnode;
        _flags = (int)flags;
        _count = 1;
    }

    internal Dentry(Dentry parent, in NameKey key, Vnode? vnode, DentryFlags flags)
        : this(vnode, parent, flags) => SetName(key);

    /// <summary>The directory's dentry; a root's is itself.</summary>
    internal Dentry Parent => Volatile.Read(ref _parent);

    internal bool IsRoot => ReferenceEquals(Volatile.Read(ref _parent), this);

    /// <summary>The file, or null for a negative dentry.</summary>
    public Vnode? Vnode => Volatile.Read(ref _vnode);

    internal DentryTable? Children => Volatile.Read(ref _children);

    internal uint Hash => _hash;

    internal int Sequence => Volatile.Read(ref _sequence);

    internal DentryFlags Flags
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (DentryFlags)Volatile.Read(ref _flags);
    }

    internal bool IsUnhashed => (Flags & DentryFlags.Unhashed) != 0;

    internal long Expires
    {
        get => Volatile.Read(ref _expires);
        set => Volatile.Write(ref _expires, value);
    }

    /// <summary>Holders now; for leak checks.</summary>
    internal int Count => Volatile.Read(ref _count);

    private string DebugName
    {
        get
        {
            Span<byte> room = stackalloc byte[256];
            return System.Text.Encoding.UTF8.GetString(room[..CopyName(room)]);
        }
    }

    // The root of a file system: its count of 1 belongs to the file system's first mount.
    internal static Dentry MakeRoot(Vnode vnode)
    {
        vnode.TryReferenceOrThrow();
        DentryFlags care = vnode.FileSystem.CachePolicy == CachePolicy.Exclusive ? DentryFlags.None : DentryFlags.Revalidate;
        return new Dentry(vnode, null, DentryFlags.Unhashed | DentryFlags.FileSystemRoot | care);
    }

    // A dentry that no table knows: of a temporary file, an anonymous file, a file opened by handle. Its count of 1 is the caller's pin.
    // A parent, which the caller has pinned, hears of what happens to the file.
    internal static Dentry MakeUnhashed(Vnode vnode, in NameKey name, Dentry? parent = null)
    {
        vnode.TryReferenceOrThrow();
        parent?.Pin();
        var dentry = new Dentry(vnode, parent, DentryFlags.Unhashed);
        dentry.SetName(name);
        return dentry;
    }

    internal static Dentry MakeTombstone() => new(null, null, DentryFlags.Unhashed);

    // True when this is (parent, key), hashed, at some moment inside of the call; `vnode` is what it meant then. Lock-free.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryMatch(Dentry parent, in NameKey key, out Vnode? vnode)
    {
        int sequence = Volatile.Read(ref _sequence);
        if (_word0 != key.Word0 || _word1 != key.Word1 || _length != key.Length || !ReferenceEquals(_parent, parent)
            || (key.Length > NameKey.InlineBytes && !MatchesLong(key)))
        {
            vnode = null;
            return false;
        }
        vnode = Volatile.Read(ref _vnode);
        bool unhashed = IsUnhashed;
        Volatile.ReadBarrier();
        return !unhashed && Volatile.Read(ref _sequence) == sequence && (sequence & 1) == 0;
    }

    internal void MarkUsed()
    {
        if (!_used)
        {
            _used = true;
        }
    }

    internal bool TestAndClearUsed()
    {
        bool used = _used;
        _used = false;
        return used;
    }

    internal void SetFlags(DentryFlags flags) => _ = Interlocked.Or(ref _flags, (int)flags);

    internal void ClearFlags(DentryFlags flags) => _ = Interlocked.And(ref _flags, ~(int)flags);

    // Turns a negative dentry positive (create) or replaces a vnode. Caller holds the directory exclusively.
    internal void SetVnode(Vnode? vnode) => Volatile.Write(ref _vnode, vnode);

    internal DentryTable GetOrMakeChildren()
    {
        DentryTable? children = Volatile.Read(ref _children);
        if (children is null)
        {
            var made = new DentryTable();
            children = Interlocked.CompareExchange(ref _children, made, null) ?? made;
        }
        return children;
    }

    // Gives another name and place. Caller holds the locks of both tables and has taken the dentry out of the old one.
    internal void MoveTo(Dentry parent, in NameKey key)
    {
        _ = Interlocked.Increment(ref _sequence);
        Volatile.Write(ref _parent, parent);
        SetName(key);
        _ = Interlocked.Increment(ref _sequence);
    }

    internal bool TryPin()
    {
        SpinWait spin = default;
        while (true)
        {
            int count = Volatile.Read(ref _count);
            if (count > 0)
            {
                if (Interlocked.CompareExchange(ref _count, count + 1, count) == count)
                {
                    return true;
                }
            }
            else if (count == 0)
            {
                return false;
            }
            else
            {
                spin.SpinOnce(); // Frozen by an unlink for a few instructions.
            }
        }
    }

    // For holders of a pin: needs no check.
    internal void Pin()
    {
        int count = Interlocked.Increment(ref _count);
        Debug.Assert(count > 1);
    }

    // Gives one count back. Runs file system code when it was the last: no lock may be held.
    internal void Unpin()
    {
        Dentry dentry = this;
        while (Interlocked.Decrement(ref dentry._count) == 0)
        {
            Dentry parent = dentry._parent;
            dentry._vnode?.Release();
            if (ReferenceEquals(parent, dentry))
            {
                return;
            }
            dentry = parent;
        }
    }

    // Never to be found nor pinned; owns no references.
    internal void MarkStillborn()
    {
        SetFlags(DentryFlags.Unhashed);
        Volatile.Write(ref _count, 0);
    }

    // Eviction: from "only hashed" to dead. The caller then takes it out of the table and calls Unpin's second half, Bury.
    internal bool TryKillUnused() => Interlocked.CompareExchange(ref _count, 0, 1) == 1;

    internal void Bury()
    {
        Debug.Assert(_count == 0);
        _vnode?.Release();
        if (!IsRoot)
        {
            _parent.Unpin();
        }
    }

    // Gives one count back if it is not the last one.
    internal bool TryUnpinShared()
    {
        int count = Volatile.Read(ref _count);
        while (count > 1)
        {
            int before = Interlocked.CompareExchange(ref _count, count - 1, count);
            if (before == count)
            {
                return true;
            }
            count = before;
        }
        return false;
    }

    // Unlink, by the holder of the only pin: keeps others from pinning while the dentry turns negative. Fails when somebody else has,
    // or when it is not hashed any more. Thaw gives the pin back.
    internal bool TryFreezePinned() => !IsUnhashed && Interlocked.CompareExchange(ref _count, Frozen, 2) == 2;

    internal void Thaw() => Volatile.Write(ref _count, 1);

    internal int CopyName(Span<byte> destination)
    {
        Span<byte> words = stackalloc byte[NameKey.InlineBytes];
        while (true)
        {
            int sequence = Volatile.Read(ref _sequence);
            int length = _length;
            byte[]? longName = _longName;
            if (longName is not null && length > NameKey.InlineBytes)
            {
                length = Math.Min(length, longName.Length);
                longName.AsSpan(0, Math.Min(length, destination.Length)).CopyTo(destination);
            }
            else
            {
                BinaryPrimitives.WriteUInt64LittleEndian(words, _word0);
                BinaryPrimitives.WriteUInt64LittleEndian(words[8..], _word1);
                words[..Math.Min(Math.Min(length, NameKey.InlineBytes), destination.Length)].CopyTo(destination);
            }
            Volatile.ReadBarrier();
            if (Volatile.Read(ref _sequence) == sequence && (sequence & 1) == 0)
            {
                return length;
            }
        }
    }

    private bool MatchesLong(in NameKey key)
    {
        byte[]? name = Volatile.Read(ref _longName);
        return name is not null && key.Bytes.SequenceEqual(name);
    }

    private void SetName(in NameKey key)
    {
        _word0 = key.Word0;
        _word1 = key.Word1;
        _length = key.Length;
        _hash = key.Hash;
        Volatile.Write(ref _longName, key.Length > NameKey.InlineBytes ? key.Bytes.ToArray() : null);
    }
}

[Flags]
internal enum DentryFlags
{
    None = 0,

    /// <summary>Not in a table: removed, or never was.</summary>
    Unhashed = 1,

    /// <summary>Somebody may have mounted here: ask the mount table.</summary>
    MountPoint = 2,

    /// <summary>The file system wants to be asked before the dentry is believed.</summary>
    Revalidate = 4,

    /// <summary>A file system's root.</summary>
    FileSystemRoot = 8,

    /// <summary>What a walk must look at before going on.</summary>
    NeedsCare = MountPoint | Revalidate,
}
