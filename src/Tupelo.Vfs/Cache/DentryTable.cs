// DentryTable holds the cached names of one directory: open addressing over an array of references, published as a whole.
//
// Readers take no lock: they probe the array that they find. They may miss a name that is being inserted or moved (a miss is
// never believed: the caller looks again under the directory's lock) and may find one that has just been removed (its flags
// tell). Writers hold _lock, a spin lock of rank Leaf: a few instructions, or the copying of a grown array.
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

internal sealed class DentryTable
{
    private const int FirstCapacity = 4;

    // Stands where a dentry was, so that probe sequences are not cut. Matches nothing: its parent is nobody's.
    private static readonly Dentry s_tombstone = Dentry.MakeTombstone();

    private Dentry?[] _slots = new Dentry?[FirstCapacity];
    private int _count;     // Dentries.
    private int _used;      // Dentries and tombstones.
    private int _lock;

    internal int Count => Volatile.Read(ref _count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Dentry? Find(Dentry parent, in NameKey key, out Vnode? vnode)
    {
        Dentry?[] slots = Volatile.Read(ref _slots);
        uint index = key.Hash;
        while (true)
        {
            Dentry? dentry = slots[index & (uint)(slots.Length - 1)];
            if (dentry is null)
            {
                vnode = null;
                return null;
            }
            if (dentry.Hash == key.Hash && dentry.TryMatch(parent, key, out vnode))
            {
                return dentry;
            }
            index++;
        }
    }

    internal void EnterLock()
    {
        LockRanks.Wanted(LockRank.Leaf, this);
        if (Interlocked.CompareExchange(ref _lock, 1, 0) != 0)
        {
            SpinWait spin = default;
            while (Volatile.Read(ref _lock) != 0 || Interlocked.CompareExchange(ref _lock, 1, 0) != 0)
            {
                spin.SpinOnce();
            }
        }
        LockRanks.Got();
    }

    internal void ExitLock()
    {
        LockRanks.Released(LockRank.Leaf, this);
        Volatile.Write(ref _lock, 0);
    }

    // Caller holds the lock, and the dentry is in no table.
    internal void InsertLocked(Dentry dentry)
    {
        Debug.Assert(_lock == 1);
        if ((_used + 1) * 4 > _slots.Length * 3)
        {
            Rebuild();
        }
        Place(_slots, dentry);
        _count++;
        _used++;
    }

    // Caller holds the lock. The dentry's own Unhashed flag is set first by the caller.
    internal void RemoveLocked(Dentry dentry)
    {
        Debug.Assert(_lock == 1);
        Dentry?[] slots = _slots;
        uint mask = (uint)(slots.Length - 1);
        for (uint index = dentry.Hash; ; index++)
        {
            Dentry? here = slots[index & mask];
            Debug.Assert(here is not null);
            if (ReferenceEquals(here, dentry))
            {
                // Nothing follows: the slot can end a probe again.
                if (slots[(index + 1) & mask] is null)
                {
                    Volatile.Write(ref slots[index & mask], null);
                    _used--;
                }
                else
                {
                    Volatile.Write(ref slots[index & mask], s_tombstone);
                }
                _count--;
                return;
            }
        }
    }

    // The dentries now, for walks over a subtree (unmount, invalidation). Lock-free snapshot.
    public DentryEnumerator GetEnumerator() => new(Volatile.Read(ref _slots));

    internal static bool IsTombstone(Dentry dentry) => ReferenceEquals(dentry, s_tombstone);

    private static void Place(Dentry?[] slots, Dentry dentry)
    {
        uint mask = (uint)(slots.Length - 1);
        uint index = dentry.Hash;
        while (slots[index & mask] is not null)
        {
            index++;
        }
        Volatile.Write(ref slots[index & mask], dentry);
    }

    private void Rebuild()
    {
        int capacity = _slots.Length;
        while (_count * 2 >= capacity)
        {
            capacity *= 2;
        }
        var slots = new Dentry?[capacity];
        foreach (Dentry? dentry in _slots)
        {
            if (dentry is not null && !ReferenceEquals(dentry, s_tombstone))
            {
                Place(slots, dentry);
            }
        }
        _used = _count;
        Volatile.Write(ref _slots, slots);
    }

    public ref struct DentryEnumerator(Dentry?[] slots)
    {
        private readonly Dentry?[] _slots = slots;
        private int _index = -1;

        public readonly Dentry Current => _slots[_index]!;

        public bool MoveNext()
        {
            while (++_index < _slots.Length)
            {
                if (_slots[_index] is { } dentry && !IsTombstone(dentry))
                {
                    return true;
                }
            }
            return false;
        }
    }
}
