// DentryCache bounds how many names stay cached: a clock over all hashed dentries, in a few rings so that threads seldom meet.
//
// A dentry enters a ring once, when it is made, and leaves when the hand finds it dead, unhashed or evictable. The hand passes
// over what was used since its last visit, what is pinned or has children (its count is above 1), and mount points.
// Locks: _mu of a ring is a leaf. Evicting runs file system code (Vnode.Release), so Trim is called with nothing held.
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

internal sealed class DentryCache
{
    private const int Rings = 8;
    private const int VictimsPerSweep = 32;
    private const int MaxNameBytes = 4096; // more than any file system allows

    private readonly Ring[] _rings = new Ring[Rings];
    private readonly int _ringBudget;

    internal DentryCache(int budget)
    {
        _ringBudget = Math.Max(16, budget / Rings);
        for (int i = 0; i < Rings; i++)
        {
            _rings[i] = new Ring();
        }
    }

    internal int Count
    {
        get
        {
            int count = 0;
            foreach (Ring ring in _rings)
            {
                count += Volatile.Read(ref ring.Count);
            }
            return count;
        }
    }

    // A new hashed dentry. Any lock may be held but a leaf.
    internal void Add(Dentry dentry) => Mine.Add(dentry);

    // Brings the calling thread's ring back under its budget. No lock is held.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Trim()
    {
        Ring ring = Mine;
        if (Volatile.Read(ref ring.Count) > _ringBudget)
        {
            Sweep(ring, _ringBudget);
        }
    }

    // Evicts what can be evicted now, whatever was used lately. For tests, memory pressure and the end of a file system.
    internal void TrimAll(int budget)
    {
        for (int pass = 0; pass < 64; pass++)
        {
            int before = Count;
            foreach (Ring ring in _rings)
            {
                Sweep(ring, budget / Rings);
            }
            // A pass clears marks of use, or frees leaves whose parents the next pass can free.
            if (Count == before && pass > 1)
            {
                return;
            }
        }
    }

    // Forgets the dentries that are unhashed already: at the end of a file system, so that nothing of it is kept in memory.
    internal void Purge()
    {
        foreach (Ring ring in _rings)
        {
            ring.Purge();
        }
    }

    // Takes a name out of its directory's table. True when the caller must give the cache's count back (Unpin), with no lock held.
    internal static bool Unhash(Dentry dentry)
    {
        DentryTable table = dentry.Parent.Children!;
        table.EnterLock();
        bool hashed = !dentry.IsUnhashed;
        if (hashed)
        {
            dentry.SetFlags(DentryFlags.Unhashed);
            table.RemoveLocked(dentry);
        }
        table.ExitLock();
        return hashed;
    }

    // Unhashes everything below a directory that nobody pins: at the end of its file system, or when it turned out stale.
    internal static void DropSubtree(Dentry root)
    {
        LockRanks.AssertNothingHeld();
        var stack = new Stack<(Dentry Dentry, bool Entered)>();
        stack.Push((root, false));
        while (stack.TryPop(out (Dentry Dentry, bool Entered) top))
        {
            if (!top.Entered && top.Dentry.Children is { } children)
            {
                stack.Push((top.Dentry, true));
                foreach (Dentry child in children)
                {
                    stack.Push((child, false));
                }
            }
            else if (!ReferenceEquals(top.Dentry, root) && !top.Dentry.IsUnhashed && Unhash(top.Dentry))
            {
                top.Dentry.Unpin();
            }
        }
    }

    // Asks again for every cached name below a directory, and forgets those that lead elsewhere now, with all below them.
    internal static void DropStale(Dentry root, NameCheck isTrue)
    {
        LockRanks.AssertNothingHeld();
        Span<byte> room = stackalloc byte[MaxNameBytes];
        var stack = new Stack<Dentry>();
        stack.Push(root);
        while (stack.TryPop(out Dentry? directory))
        {
            if (directory.Children is not { } children || directory.Vnode is not { } parent)
            {
                continue;
            }
            foreach (Dentry child in children)
            {
                int length = child.CopyName(room);
                if (isTrue(parent, room[..length], child.Vnode))
                {
                    stack.Push(child);
                }
                else
                {
                    DropSubtree(child);
                    if (Unhash(child))
                    {
                        child.Unpin();
                    }
                }
            }
        }
    }

    private Ring Mine => _rings[Environment.CurrentManagedThreadId & (Rings - 1)];

    private static void Sweep(Ring ring, int budget)
    {
        LockRanks.AssertNothingHeld();
        VictimList victims = default;
        while (true)
        {
            int count = ring.Collect(budget, ref victims);
            for (int i = 0; i < count; i++)
            {
                Dentry victim = victims[i];
                victims[i] = null!;
                DentryTable table = victim.Parent.Children!;
                table.EnterLock();
                table.RemoveLocked(victim);
                table.ExitLock();
                victim.Bury();
            }
            if (count < VictimsPerSweep)
            {
                return;
            }
        }
    }

    [InlineArray(VictimsPerSweep)]
    private struct VictimList
    {
        private Dentry _first;
    }

    private sealed class Ring
    {
        internal int Count;
        private readonly RankedLock _mu = new(LockRank.Leaf); // Guards the fields below.
        private Dentry[] _slots = new Dentry[64];
        private int _hand;

        internal void Add(Dentry dentry)
        {
            using (_mu.EnterScope())
            {
                if (Count == _slots.Length)
                {
                    Array.Resize(ref _slots, Count * 2);
                }
                _slots[Count++] = dentry;
            }
        }

        internal void Purge()
        {
            using (_mu.EnterScope())
            {
                int kept = 0;
                for (int i = 0; i < Count; i++)
                {
                    if (!_slots[i].IsUnhashed)
                    {
                        _slots[kept++] = _slots[i];
                    }
                }
                Array.Clear(_slots, kept, Count - kept);
                Count = kept;
            }
        }

        internal int Collect(int budget, ref VictimList victims)
        {
            int found = 0;
            using (_mu.EnterScope())
            {
                // Twice around at most: the first time may only clear marks.
                for (int steps = Count * 2; steps > 0 && Count > budget && found < VictimsPerSweep; steps--)
                {
                    if (_hand >= Count)
                    {
                        _hand = 0;
                    }
                    Dentry dentry = _slots[_hand];
                    bool victim = false;
                    if (!dentry.IsUnhashed)
                    {
                        if (dentry.TestAndClearUsed() || (dentry.Flags & DentryFlags.MountPoint) != 0 || !dentry.TryKillUnused())
                        {
                            _hand++;
                            continue;
                        }
                        // From here on readers skip it and may insert another one of the same name.
                        dentry.SetFlags(DentryFlags.Unhashed);
                        victim = true;
                    }
                    _slots[_hand] = _slots[--Count];
                    _slots[Count] = null!;
                    if (victim)
                    {
                        victims[found++] = dentry;
                    }
                }
            }
            return found;
        }
    }
}
