// LeaseList holds the leases of one inode (F_SETLEASE): a holder is told before another open that conflicts with its lease goes on,
// and has a bounded time to give it up.
//
// Invariants: one Write lease, or any number of Read leases; a lease being broken (Target below Type) counts with its Type until
// the holder answers or its time is over.
// Locks: _mu is a leaf; holders are told and sleepers woken after it is released.
namespace Tupelo.Vfs;

/// <summary>Hears that a lease must be given up (SIGIO of Linux). Called with no lock held.</summary>
public interface ILeaseHolder
{
    /// <summary>The lease must become <paramref name="target"/>: Read (downgrade) or Unlock.</summary>
    void OnLeaseBreak(LockType target);
}

/// <summary>The leases of one inode. Any thread. Source: fcntl(2), F_SETLEASE.</summary>
public sealed class LeaseList
{
    private readonly RankedLock _mu = new(LockRank.Leaf); // Guards _leases.
    private readonly PollQueue _breakers = new();
    private readonly List<Lease> _leases = [];
    private int _count;

    /// <summary>True when there is none; one field read, for the fast path of open.</summary>
    public bool IsEmpty => Volatile.Read(ref _count) == 0;

    /// <summary>Takes, changes or gives up <paramref name="owner"/>'s lease.</summary>
    /// <param name="owner">The open file description.</param>
    /// <param name="otherReaders">Other descriptions open for reading only.</param>
    /// <param name="otherWriters">Other descriptions open for writing.</param>
    /// <param name="ownerMayWrite">This description is open for writing.</param>
    /// <remarks>Errors, first match wins: EINVAL unknown type · EAGAIN Read while the file is open for writing (by this description
    /// too), Write while anybody else has it open, a conflicting lease or one being broken, Unlock without a lease. The caller has
    /// checked that the file is regular (EINVAL) and the credentials (EACCES).</remarks>
    public Errno Set(object owner, LockType type, ILeaseHolder? holder, int otherReaders, int otherWriters, bool ownerMayWrite)
    {
        using (_mu.EnterScope())
        {
            int index = _leases.FindIndex(lease => ReferenceEquals(lease.Owner, owner));
            switch (type)
            {
                case LockType.Unlock:
                    if (index < 0)
                    {
                        return Errno.EAGAIN;
                    }
                    _leases.RemoveAt(index);
                    break;
                case LockType.Read:
                    if (otherWriters > 0 || ownerMayWrite || ConflictsLocked(owner, type))
                    {
                        return Errno.EAGAIN;
                    }
                    PutLocked(index, new Lease(owner, holder, type));
                    break;
                case LockType.Write:
                    if (otherWriters > 0 || otherReaders > 0 || ConflictsLocked(owner, type))
                    {
                        return Errno.EAGAIN;
                    }
                    PutLocked(index, new Lease(owner, holder, type));
                    break;
                default:
                    return Errno.EINVAL;
            }
            Volatile.Write(ref _count, _leases.Count);
        }
        _breakers.Wake(PollEvents.In);
        return Errno.None;
    }

    /// <summary>F_GETLEASE: the lease of <paramref name="owner"/>, or what it must become while it is being broken.</summary>
    public LockType Get(object owner)
    {
        using (_mu.EnterScope())
        {
            Lease? lease = _leases.Find(lease => ReferenceEquals(lease.Owner, owner));
            return lease?.Target ?? LockType.Unlock;
        }
    }

    /// <summary>The description's last close.</summary>
    public void Release(object owner)
    {
        if (!IsEmpty)
        {
            // EAGAIN only says that it held none.
            _ = Set(owner, LockType.Unlock, null, 0, 0, false);
        }
    }

    /// <summary>An open or truncate by somebody: tells the holders whose lease is in its way and waits for them.</summary>
    /// <param name="forWrite">The opener wants to change the file: every lease is in its way; otherwise only Write leases.</param>
    /// <param name="breakTime">How long a holder has (45 s on Linux); then its lease is taken.</param>
    /// <remarks>Errors: EAGAIN (EWOULDBLOCK) and <paramref name="nonBlocking"/>, the holders are told nevertheless · EINTR.</remarks>
    public Errno Break(bool forWrite, bool nonBlocking, TimeProvider clock, TimeSpan breakTime, Interrupt? interrupt)
    {
        if (IsEmpty)
        {
            return Errno.None;
        }
        LockType target = forWrite ? LockType.Unlock : LockType.Read;
        List<Lease> told = [];
        bool conflict = false;
        using (_mu.EnterScope())
        {
            foreach (Lease lease in _leases)
            {
                if (!lease.IsInTheWay(forWrite))
                {
                    continue;
                }
                conflict = true;
                if (lease.Target != LockType.Unlock && lease.Target != target)
                {
                    lease.Target = target;
                    told.Add(lease);
                }
            }
        }
        foreach (Lease lease in told)
        {
            lease.Holder?.OnLeaseBreak(target);
        }
        if (!conflict)
        {
            return Errno.None;
        }
        if (nonBlocking)
        {
            return Errno.EAGAIN;
        }
        WaitTimeout timeout = WaitTimeout.After(clock, breakTime);
        using BlockingWait wait = new(_breakers, PollEvents.In, interrupt);
        while (AnyInTheWay(forWrite))
        {
            switch (wait.Sleep(timeout))
            {
                case Errno.EINTR:
                    return Errno.EINTR;
                case Errno.ETIMEDOUT:
                    TakeAway(forWrite);
                    return Errno.None;
                default:
                    break;
            }
        }
        return Errno.None;
    }

    private bool ConflictsLocked(object owner, LockType type)
    {
        foreach (Lease lease in _leases)
        {
            if (!ReferenceEquals(lease.Owner, owner) && (type == LockType.Write || lease.Type == LockType.Write || lease.Target != lease.Type))
            {
                return true;
            }
        }
        return false;
    }

    private void PutLocked(int index, Lease lease)
    {
        if (index < 0)
        {
            _leases.Add(lease);
        }
        else
        {
            _leases[index] = lease;
        }
    }

    private bool AnyInTheWay(bool forWrite)
    {
        using (_mu.EnterScope())
        {
            return _leases.Exists(lease => lease.IsInTheWay(forWrite));
        }
    }

    private void TakeAway(bool forWrite)
    {
        using (_mu.EnterScope())
        {
            if (forWrite)
            {
                _leases.Clear();
            }
            else
            {
                for (int i = 0; i < _leases.Count; i++)
                {
                    if (_leases[i].Type == LockType.Write)
                    {
                        _leases[i] = new Lease(_leases[i].Owner, _leases[i].Holder, LockType.Read);
                    }
                }
            }
            Volatile.Write(ref _count, _leases.Count);
        }
        _breakers.Wake(PollEvents.In);
    }

    private sealed class Lease(object owner, ILeaseHolder? holder, LockType type)
    {
        internal readonly object Owner = owner;
        internal readonly ILeaseHolder? Holder = holder;
        internal readonly LockType Type = type;
        internal LockType Target = type;

        internal bool IsInTheWay(bool forWrite) => forWrite || Type == LockType.Write;
    }
}
