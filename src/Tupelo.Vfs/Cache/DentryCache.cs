// DentryCache bounds how many names stay cached: a clock over all hashed dentries, in a few rings so that threads seldom meet.
//
// A dentry enters a ring once, when it is made, and leaves when the hand finds it dead, unhashed or evictable. The hand passes
// over what was used since its last visit, what is pinned or has children (its count is above 1), and mount points. The budget is one
// for all rings: a single thread may fill all of it. A name that was just looked up counts as used, and the trimming that follows the
// lookup spares it: otherwise a walk could evict what it has found, time after time, and never arrive.
// Locks: _mu of a ring is a leaf. Evicting runs file system code (Vnode.Release), so Trim is called with nothing held.
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

internal sealed class DentryCache
{
    private const int Rings = 8;
    private const int VictimsPerSweep = 32;
    private const int MaxNameBytes = 4096; // more than any file system allows


    // How far a hand goes for one call: where nothing can be evicted, a call must not look at everything.
    private const int StepsPerTrim = 512;

    private readonly Ring[] _rings = new Ring[Rings];
    private readonly int _budget;
    private readonly int _slack; // names above the budget before anything is done: evicting several at once is cheaper

    internal DentryCache(int budget)
    {
        _budget = budget;
        _slack = Math.Min(VictimsPerSweep, budget / 8);
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
    internal void Add(Dentry dentry)
    {
        dentry.MarkUsed();
        Mine.Add(dentry);
    }

    // Brings the cache back towards its budget, and keeps `spared`, which the caller is about to use. No lock is held.
    internal void Trim(Dentry? spared = null)
    {
        int count = Count;
        if (count > _budget + _slack)
        {
            TrimOne(count - _budget, spared);
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
                Sweep(ring, Math.Max(0, ring.Count - (budget / Rings)), int.MaxValue, null);
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

    // The calling thread's ring when it has more than its share, otherwise the largest: a thread that has just begun must not be left
    // with no names at all because another one has many.
    private void TrimOne(int surplus, Dentry? spared)
    {
        Ring ring = Mine;
        if (Volatile.Read(ref ring.Count) <= _budget / Rings)
        {
            foreach (Ring other in _rings)
            {
                ring = Volatile.Read(ref other.Count) > Volatile.Read(ref ring.Count) ? other : ring;
            }
        }
        Sweep(ring, surplus, StepsPerTrim, spared);
    }

    private static void Sweep(Ring ring, int surplus, int maxSteps, Dentry? spared)
    {
        LockRanks.AssertNothingHeld();
        VictimList victims = default;
        while (surplus > 0)
        {
            int count = ring.Collect(Math.Min(surplus, VictimsPerSweep), maxSteps, spared, ref victims);
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
            surplus -= count;
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

        internal int Collect(int wanted, int maxSteps, Dentry? spared, ref VictimList victims)
        {
            int found = 0;
            using (_mu.EnterScope())
            {
                // Twice around at most: the first time may only clear marks.
                for (int steps = (int)Math.Min(Count * 2L, maxSteps); steps > 0 && Count > 0 && found < wanted; steps--)
                {
                    if (_hand >= Count)
                    {
                        _hand = 0;
                    }
                    Dentry dentry = _slots[_hand];
                    bool victim = false;
                    if (!dentry.IsUnhashed)
                    {
                        if (ReferenceEquals(dentry, spared) || dentry.TestAndClearUsed() || (dentry.Flags & DentryFlags.MountPoint) != 0 || !dentry.TryKillUnused())
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
