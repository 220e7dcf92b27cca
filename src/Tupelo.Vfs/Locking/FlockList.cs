// FlockList holds the whole-file locks (flock) of one inode. They know nothing of record locks. An owner is an open file
// description; it holds at most one, which goes with the description's last close.
//
// Invariants: one exclusive lock or any number of shared ones; sleepers stand in the order they came.
// Conversion is not atomic, as flock(2) says: the old lock is given up first, and a conversion that fails has lost it. The
// converter is served before those who sleep.
// Locks: _mu is a leaf; sleepers are woken after it is released.
namespace Tupelo.Vfs;

/// <summary>The flock locks of one inode. Any thread. Source: flock(2).</summary>
public sealed class FlockList
{
    private readonly RankedLock _mu = new(LockRank.Leaf); // Guards _holders, _exclusive, _waiters and Waiter.IsGranted.
    private readonly HashSet<object> _holders = new(ReferenceEqualityComparer.Instance);
    private readonly List<Waiter> _waiters = [];
    private bool _exclusive;
    private int _count;

    /// <summary>True when nobody holds it; one field read, for the fast path of close.</summary>
    public bool IsEmpty => Volatile.Read(ref _count) == 0;

    /// <summary>Requests asleep; for statistics and tests.</summary>
    public int WaiterCount
    {
        get
        {
            using (_mu.EnterScope())
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>The check that comes even before the descriptor's.</summary>
    /// <returns>EINVAL unless exactly one of Shared, Exclusive, Unlock is given, with or without NonBlocking.</returns>
    public static Errno Check(FlockOperation operation)
        => (operation & ~FlockOperation.NonBlocking) is FlockOperation.Shared or FlockOperation.Exclusive or FlockOperation.Unlock
            ? Errno.None
            : Errno.EINVAL;

    /// <summary>Takes, converts or gives up <paramref name="owner"/>'s lock.</summary>
    /// <remarks>Errors, first match wins: EINVAL <see cref="Check"/> · EAGAIN conflict and NonBlocking (a lock held before is lost) ·
    /// EINTR.</remarks>
    public Errno Apply(object owner, FlockOperation operation, Interrupt? interrupt)
    {
        Errno error = Check(operation);
        if (error != Errno.None)
        {
            return error;
        }
        Waiter? waiter = null;
        List<Waiter>? granted;
        using (_mu.EnterScope())
        {
            FlockOperation wanted = operation & ~FlockOperation.NonBlocking;
            bool exclusive = wanted == FlockOperation.Exclusive;
            if (wanted != FlockOperation.Unlock && _holders.Contains(owner) && exclusive == _exclusive)
            {
                return Errno.None;
            }
            if (_holders.Remove(owner))
            {
                _exclusive = false;
            }
            if (wanted != FlockOperation.Unlock)
            {
                if (MayEnterLocked(exclusive))
                {
                    EnterLocked(owner, exclusive);
                }
                else if ((operation & FlockOperation.NonBlocking) != 0)
                {
                    error = Errno.EAGAIN;
                }
                else
                {
                    waiter = new Waiter(owner, exclusive);
                    _waiters.Add(waiter);
                }
            }
            granted = AdmitLocked();
        }
        Wake(granted);
        return waiter is null ? error : Sleep(waiter, interrupt);
    }

    /// <summary>The description's last close.</summary>
    public void Release(object owner)
    {
        if (!IsEmpty)
        {
            _ = Apply(owner, FlockOperation.Unlock, null);
        }
    }

    private static void Wake(List<Waiter>? granted)
    {
        if (granted is not null)
        {
            foreach (Waiter waiter in granted)
            {
                waiter.Queue.Wake(PollEvents.In);
            }
        }
    }

    private bool MayEnterLocked(bool exclusive) => _holders.Count == 0 || (!exclusive && !_exclusive);

    private void EnterLocked(object owner, bool exclusive)
    {
        _ = _holders.Add(owner);
        _exclusive = exclusive;
        Volatile.Write(ref _count, _holders.Count);
    }

    private List<Waiter>? AdmitLocked()
    {
        List<Waiter>? granted = null;
        for (int i = 0; i < _waiters.Count; i++)
        {
            Waiter waiter = _waiters[i];
            if (MayEnterLocked(waiter.Exclusive))
            {
                EnterLocked(waiter.Owner, waiter.Exclusive);
                waiter.IsGranted = true;
                _waiters.RemoveAt(i--);
                (granted ??= []).Add(waiter);
            }
        }
        Volatile.Write(ref _count, _holders.Count);
        return granted;
    }

    private Errno Sleep(Waiter waiter, Interrupt? interrupt)
    {
        using BlockingWait wait = new(waiter.Queue, PollEvents.In, interrupt);
        Errno error = Errno.None;
        while (true)
        {
            using (_mu.EnterScope())
            {
                if (waiter.IsGranted)
                {
                    return Errno.None;
                }
                if (error != Errno.None)
                {
                    _ = _waiters.Remove(waiter);
                    return error;
                }
            }
            error = wait.Sleep();
        }
    }

    private sealed class Waiter(object owner, bool exclusive)
    {
        internal readonly object Owner = owner;
        internal readonly bool Exclusive = exclusive;
        internal readonly PollQueue Queue = new();
        internal bool IsGranted;
    }
}
