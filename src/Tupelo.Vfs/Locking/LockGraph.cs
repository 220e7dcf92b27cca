// LockGraph finds deadlocks among POSIX record locks: who waits for whom, over all files that share the graph.
//
// An edge goes from a waiting owner to every owner whose lock stands in its way. A wait is refused (EDEADLK) when the owner can be
// reached from those it would wait for. Owners of OFD locks and flock do not wait here, as on Linux.
// Lock order: FileLockList._mu (of any one file), then LockGraph._mu; the edges are stored here, so that a search looks at no file.
namespace Tupelo.Vfs;

/// <summary>The waits-for graph of record lock owners; one for all file systems of a kernel. Any thread.</summary>
public sealed class LockGraph
{
    private readonly RankedLock _mu = new(LockRank.Leaf); // Guards _waiting and the Blockers of every waiter in it.
    private readonly Dictionary<LockOwner, List<LockWaiter>> _waiting = [];

    /// <summary>Owners that sleep now; for statistics and tests.</summary>
    public int WaitingOwners
    {
        get
        {
            using (_mu.EnterScope())
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Records that <paramref name="waiter"/> waits for <paramref name="blockers"/> (again, if it did before).</summary>
    /// <returns>False when that closes a cycle: the waiter is not, or no longer, in the graph.</returns>
    internal bool TryWait(LockWaiter waiter, HashSet<LockOwner> blockers)
    {
        using (_mu.EnterScope())
        {
            if (ReachesLocked(blockers, waiter.Owner))
            {
                RemoveLocked(waiter);
                return false;
            }
            if (waiter.Blockers is null)
            {
                if (!_waiting.TryGetValue(waiter.Owner, out List<LockWaiter>? waiters))
                {
                    waiters = [];
                    _waiting.Add(waiter.Owner, waiters);
                }
                waiters.Add(waiter);
            }
            waiter.Blockers = blockers;
            return true;
        }
    }

    internal void Remove(LockWaiter waiter)
    {
        using (_mu.EnterScope())
        {
            RemoveLocked(waiter);
        }
    }

    private void RemoveLocked(LockWaiter waiter)
    {
        if (waiter.Blockers is null)
        {
            return;
        }
        waiter.Blockers = null;
        List<LockWaiter> waiters = _waiting[waiter.Owner];
        _ = waiters.Remove(waiter);
        if (waiters.Count == 0)
        {
            _ = _waiting.Remove(waiter.Owner);
        }
    }

    private bool ReachesLocked(HashSet<LockOwner> from, LockOwner target)
    {
        HashSet<LockOwner> seen = [];
        Stack<LockOwner> open = new(from);
        while (open.TryPop(out LockOwner owner))
        {
            if (owner == target)
            {
                return true;
            }
            if (!seen.Add(owner) || !_waiting.TryGetValue(owner, out List<LockWaiter>? waiters))
            {
                continue;
            }
            foreach (LockWaiter waiter in waiters)
            {
                foreach (LockOwner blocker in waiter.Blockers!)
                {
                    open.Push(blocker);
                }
            }
        }
        return false;
    }
}

/// <summary>A sleeping request for a record lock. Allocated per wait: waiting is the slow path.</summary>
internal sealed class LockWaiter(LockOwner owner, LockRange range, LockType type)
{
    internal readonly LockOwner Owner = owner;
    internal readonly LockRange Range = range;
    internal readonly LockType Type = type;
    internal readonly PollQueue Queue = new();

    /// <summary>Who stands in the way; null when not in the graph. Guarded by the graph's lock.</summary>
    internal HashSet<LockOwner>? Blockers;

    /// <summary>EINPROGRESS while waiting; then None (granted) or EDEADLK. Guarded by the list's lock.</summary>
    internal Errno State = Errno.EINPROGRESS;
}
