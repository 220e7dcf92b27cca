// FileLockList holds the record locks of one inode, POSIX and OFD in one list, made when the first lock comes. Whole-file locks
// (flock) are a separate world and live in FlockList; leases in LeaseList.
//
// Invariants: the records of one owner stand together, sorted by start, disjoint, and two that touch have different types; owners
// stand in the order of their first lock (GETLK reports the first conflict in this order, as Linux does); records of different
// owners that overlap are both Read.
// Fairness: requests that sleep stand in the order they came. Whatever may let one of them in walks that line and grants what it
// can on the spot, so that a lock given up is not snatched from a sleeper; a request that finds no conflict does not queue behind
// sleepers (as on Linux, readers can starve a writer).
// Lock order: FileLockList._mu, then LockGraph._mu. Sleepers are woken after both are released.
using System.Runtime.InteropServices;

namespace Tupelo.Vfs;

/// <summary>The POSIX and OFD record locks of one inode. Any thread. Source: fcntl(2).</summary>
public sealed class FileLockList
{
    private readonly RankedLock _mu = new(LockRank.Source); // Guards _records, _waiters and LockWaiter.State.
    private readonly LockGraph _graph;
    private readonly List<Record> _records = [];
    private readonly List<LockWaiter> _waiters = [];
    private int _count;

    public FileLockList(LockGraph graph) => _graph = graph;

    /// <summary>True when no lock is held; one field read, for the fast path of close.</summary>
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

    /// <summary>The whole of fcntl(2)'s lock commands, from struct flock64.</summary>
    /// <param name="owner">A process for F_SETLK.., an open file for F_OFD_SETLK...</param>
    /// <param name="position">The open file's offset.</param>
    /// <param name="size">The file's size.</param>
    /// <param name="mayRead">The description is open for reading.</param>
    /// <param name="mayWrite">The description is open for writing.</param>
    /// <param name="wait">F_SETLKW, F_OFD_SETLKW.</param>
    /// <remarks>Errors, first match wins: <see cref="LockRange.Resolve"/> · EINVAL unknown type · EBADF the description's access mode
    /// does not allow the type · EINVAL l_pid not 0 for an OFD lock · EAGAIN conflict, not waiting · EDEADLK · EINTR.
    /// Order as Linux fcntl_setlk.</remarks>
    public Errno SetLock(LockOwner owner, in LockRequest request, long position, long size, bool mayRead, bool mayWrite, bool wait, Interrupt? interrupt)
    {
        Errno error = LockRange.Resolve(request, position, size, out LockRange range);
        if (error != Errno.None)
        {
            return error;
        }
        switch (request.Type)
        {
            case LockType.Read when !mayRead:
            case LockType.Write when !mayWrite:
                return Errno.EBADF;
            case LockType.Read:
            case LockType.Write:
            case LockType.Unlock:
                break;
            default:
                return Errno.EINVAL;
        }
        return owner.IsOpenFile && request.ProcessId != 0 ? Errno.EINVAL : Set(owner, range, request.Type, wait, interrupt);
    }

    /// <summary>F_GETLK and F_OFD_GETLK: replaces <paramref name="request"/> by the first lock in its way, or sets its type to Unlock.</summary>
    /// <remarks>For an open file, type Unlock asks for its own locks. Errors, first match wins: EINVAL POSIX and type not Read or
    /// Write · <see cref="LockRange.Resolve"/> · EINVAL unknown type · EINVAL l_pid not 0 for an OFD lock. Order as Linux fcntl_getlk.</remarks>
    public Errno GetLock(LockOwner owner, ref LockRequest request, long position, long size)
    {
        if (!owner.IsOpenFile && request.Type is not (LockType.Read or LockType.Write))
        {
            return Errno.EINVAL;
        }
        Errno error = LockRange.Resolve(request, position, size, out LockRange range);
        if (error != Errno.None)
        {
            return error;
        }
        if (request.Type is not (LockType.Read or LockType.Write or LockType.Unlock) || (owner.IsOpenFile && request.ProcessId != 0))
        {
            return Errno.EINVAL;
        }
        using (_mu.EnterScope())
        {
            int index = request.Type == LockType.Unlock ? FindOwnLocked(owner, range) : FindConflictLocked(owner, range, request.Type);
            if (index < 0)
            {
                request.Type = LockType.Unlock;
                return Errno.None;
            }
            Record found = _records[index];
            request = new LockRequest
            {
                Type = found.Type,
                Whence = 0,
                Start = found.Range.Start,
                Length = found.Range.Length,
                ProcessId = found.Owner.ProcessId,
            };
        }
        return Errno.None;
    }

    /// <summary>Sets, changes or clears <paramref name="owner"/>'s locks on <paramref name="range"/>.</summary>
    /// <remarks>Errors: EAGAIN conflict and not <paramref name="wait"/> · EDEADLK (POSIX only) · EINTR. Unlocking always succeeds.</remarks>
    public Errno Set(LockOwner owner, LockRange range, LockType type, bool wait, Interrupt? interrupt)
    {
        LockWaiter? waiter = null;
        GrantedList granted = default;
        using (_mu.EnterScope())
        {
            if (type == LockType.Unlock || FindConflictLocked(owner, range, type) < 0)
            {
                ApplyLocked(owner, range, type);
                AdmitLocked(ref granted);
            }
            else if (!wait)
            {
                return Errno.EAGAIN;
            }
            else
            {
                waiter = new LockWaiter(owner, range, type);
                if (!owner.IsOpenFile && !_graph.TryWait(waiter, BlockersLocked(waiter)))
                {
                    return Errno.EDEADLK;
                }
                _waiters.Add(waiter);
            }
        }
        granted.Wake();
        return waiter is null ? Errno.None : Sleep(waiter, interrupt);
    }

    /// <summary>The last close of a description (OFD), or any close by a process (POSIX): all locks of <paramref name="owner"/> go.</summary>
    public void Release(LockOwner owner)
    {
        if (!IsEmpty)
        {
            _ = Set(owner, LockRange.All, LockType.Unlock, wait: false, null);
        }
    }

    /// <summary>Copies out the held locks in list order, for /proc/locks and tests.</summary>
    public IReadOnlyList<(LockOwner Owner, LockType Type, LockRange Range)> Snapshot()
    {
        using (_mu.EnterScope())
        {
            return _records.ConvertAll(static record => (record.Owner, record.Type, record.Range));
        }
    }

    private Errno Sleep(LockWaiter waiter, Interrupt? interrupt)
    {
        using BlockingWait wait = new(waiter.Queue, PollEvents.In, interrupt);
        while (true)
        {
            using (_mu.EnterScope())
            {
                if (waiter.State != Errno.EINPROGRESS)
                {
                    return waiter.State;
                }
            }
            Errno error = wait.Sleep();
            if (error == Errno.None)
            {
                continue;
            }
            using (_mu.EnterScope())
            {
                if (waiter.State == Errno.EINPROGRESS)
                {
                    _ = _waiters.Remove(waiter);
                    _graph.Remove(waiter);
                    return error;
                }
            }
        }
    }

    private int FindConflictLocked(LockOwner owner, LockRange range, LockType type)
    {
        ReadOnlySpan<Record> records = CollectionsMarshal.AsSpan(_records);
        for (int i = 0; i < records.Length; i++)
        {
            ref readonly Record record = ref records[i];
            if ((type == LockType.Write || record.Type == LockType.Write) && record.Range.Overlaps(range) && record.Owner != owner)
            {
                return i;
            }
        }
        return -1;
    }

    private int FindOwnLocked(LockOwner owner, LockRange range)
        => _records.FindIndex(record => record.Owner == owner && record.Range.Overlaps(range));

    private HashSet<LockOwner> BlockersLocked(LockWaiter waiter)
    {
        HashSet<LockOwner> blockers = [];
        foreach (Record record in _records)
        {
            if ((waiter.Type == LockType.Write || record.Type == LockType.Write) && record.Range.Overlaps(waiter.Range) && record.Owner != waiter.Owner)
            {
                _ = blockers.Add(record.Owner);
            }
        }
        return blockers;
    }

    // Puts [range, type] over whatever the owner had there.
    private void ApplyLocked(LockOwner owner, LockRange range, LockType type)
    {
        int first = 0;
        while (first < _records.Count && _records[first].Owner != owner)
        {
            first++;
        }
        int end = first;
        while (end < _records.Count && _records[end].Owner == owner)
        {
            end++;
        }
        // What touches the range on either side: [from, to) of the owner's records.
        int from = first;
        while (from < end && _records[from].Range.End < range.Start - 1)
        {
            from++;
        }
        int to = from;
        while (to < end && (_records[to].Range.Start - 1 <= range.End))
        {
            to++;
        }
        LockRange merged = range;
        Record left = default;
        Record right = default;
        bool hasLeft = false;
        bool hasRight = false;
        for (int i = from; i < to; i++)
        {
            Record record = _records[i];
            if (record.Type == type)
            {
                merged = new LockRange(Math.Min(merged.Start, record.Range.Start), Math.Max(merged.End, record.Range.End));
                continue;
            }
            if (record.Range.Start < range.Start)
            {
                left = record with { Range = new LockRange(record.Range.Start, Math.Min(record.Range.End, range.Start - 1)) };
                hasLeft = true;
            }
            if (record.Range.End > range.End)
            {
                right = record with { Range = new LockRange(Math.Max(record.Range.Start, range.End + 1), record.Range.End) };
                hasRight = true;
            }
        }
        Span<Record> replacement = [default, default, default];
        int count = 0;
        if (hasLeft)
        {
            replacement[count++] = left;
        }
        if (type != LockType.Unlock)
        {
            replacement[count++] = new Record(owner, merged, type);
        }
        if (hasRight)
        {
            replacement[count++] = right;
        }
        int overwritten = Math.Min(count, to - from);
        for (int i = 0; i < overwritten; i++)
        {
            _records[from + i] = replacement[i];
        }
        if (to - from > count)
        {
            _records.RemoveRange(from + count, to - from - count);
        }
        for (int i = overwritten; i < count; i++)
        {
            _records.Insert(from + i, replacement[i]);
        }
        Volatile.Write(ref _count, _records.Count);
    }

    // Lets in whoever can come in now, in order of arrival, and renews what the others wait for.
    private void AdmitLocked(ref GrantedList granted)
    {
        for (int i = 0; i < _waiters.Count; i++)
        {
            LockWaiter waiter = _waiters[i];
            if (FindConflictLocked(waiter.Owner, waiter.Range, waiter.Type) < 0)
            {
                ApplyLocked(waiter.Owner, waiter.Range, waiter.Type);
                waiter.State = Errno.None;
                _graph.Remove(waiter);
                _waiters.RemoveAt(i);
                granted.Add(waiter);
                // A lock that turned from Write to Read may have let in somebody who stands before.
                i = -1;
            }
            else if (!waiter.Owner.IsOpenFile && !_graph.TryWait(waiter, BlockersLocked(waiter)))
            {
                waiter.State = Errno.EDEADLK;
                _waiters.RemoveAt(i--);
                granted.Add(waiter);
            }
        }
    }

    private readonly record struct Record(LockOwner Owner, LockRange Range, LockType Type);

    // Sleepers to wake once the list's lock is released; most often none or one.
    private struct GrantedList
    {
        private LockWaiter? _first;
        private List<LockWaiter>? _others;

        internal void Add(LockWaiter waiter)
        {
            if (_first is null)
            {
                _first = waiter;
            }
            else
            {
                (_others ??= []).Add(waiter);
            }
        }

        internal readonly void Wake()
        {
            _first?.Queue.Wake(PollEvents.In);
            if (_others is not null)
            {
                foreach (LockWaiter waiter in _others)
                {
                    waiter.Queue.Wake(PollEvents.In);
                }
            }
        }
    }
}
