// EpollInstance is an epoll descriptor's object: a set of registrations (file, descriptor number) and the list of those that may
// be ready. Above it: an open file on the hidden file system of anonymous objects. Below: the PollQueue of each watched file.
//
// A registration (EpollItem) is a node in its file's queue. A wake-up there appends it to the ready list; EpollWait takes items
// off the list, asks the file again (GetReady) and puts level-triggered ones that were ready back to the end.
//
// Invariants: an item is in _items exactly as long as it is in its file's queue; Linked says that it is in the ready list.
// A registration does not keep its file open: the last close of a file calls ReleaseFile.
// Lock order:
//   s_nestingMu                   only when an epoll instance is added to another: no cycle, at most MaxDepth instances deep
//     EpollInstance._mu           a mutex, not a leaf: files are asked under it; the outer instance before the inner one
//       the leaf locks of watched files
//       PollQueue._mu
//         EpollInstance._readyMu  innermost: nothing is taken under it
using System.Diagnostics;

namespace Tupelo.Vfs;

/// <summary>One report of epoll_wait(2).</summary>
/// <param name="Events">What came true.</param>
/// <param name="Data">The caller's word, given at registration.</param>
public readonly record struct EpollEvent(PollEvents Events, ulong Data);

/// <summary>An epoll instance. Source: epoll(7).</summary>
public sealed class EpollInstance : IPollable
{
    /// <summary>Longest chain of epoll instances that watch each other (Linux: EP_MAX_NESTS and the instance at its end).</summary>
    public const int MaxDepth = 5;

    // What may stand beside EPOLLEXCLUSIVE.
    private const PollEvents ExclusiveAllowed = PollEvents.In | PollEvents.Out | PollEvents.Error | PollEvents.HangUp
        | PollEvents.WakeUp | PollEvents.EdgeTriggered | PollEvents.Exclusive;

    private static readonly RankedLock s_nestingMu = new(LockRank.Epoll);

    private readonly RankedLock _mu = new(LockRank.Epoll); // Guards _items, the Interest and Data of each, and harvesting.
    private readonly RankedLock _readyMu = new(LockRank.WakeUp); // Guards the ready list: its ends and count, Item.ReadyNext, Item.Linked.
    private readonly PollQueue _waiters = new();
    private readonly Dictionary<Key, Item> _items = [];
    private Item? _readyHead;
    private Item? _readyTail;
    private int _readyCount;
    private bool _closed;

    /// <inheritdoc/>
    public PollQueue Waiters => _waiters;

    /// <inheritdoc/>
    public EpollInstance? Epoll => this;

    /// <summary>How many files are watched.</summary>
    public int Count
    {
        get
        {
            using (_mu.EnterScope())
            {
                return _items.Count;
            }
        }
    }

    /// <summary>Adds, changes or removes the registration of <paramref name="file"/> under <paramref name="descriptor"/>.</summary>
    /// <remarks>Errors, first match wins: EINVAL an instance in itself, an unknown operation, EPOLLEXCLUSIVE where it may not be ·
    /// ELOOP a cycle or a chain longer than <see cref="MaxDepth"/> · EEXIST · ENOENT. The caller has checked EBADF and EPERM (a file
    /// that is not pollable). Any thread. Source: epoll_ctl(2).</remarks>
    public Errno Control(EpollOperation operation, IPollable file, int descriptor, PollEvents events, ulong data)
    {
        EpollInstance? nested = file.Epoll;
        if (ReferenceEquals(nested, this))
        {
            return Errno.EINVAL;
        }
        bool exclusive = (events & PollEvents.Exclusive) != 0;
        if (operation != EpollOperation.Delete && exclusive
            && (operation == EpollOperation.Modify || nested is not null || (events & ~ExclusiveAllowed) != 0))
        {
            return Errno.EINVAL;
        }
        Key key = new(file, descriptor);
        switch (operation)
        {
            case EpollOperation.Add when nested is not null:
                using (s_nestingMu.EnterScope())
                {
                    if (nested.Reaches(this, 0) || DepthBelow(nested) + DepthAbove(this) > MaxDepth)
                    {
                        return Errno.ELOOP;
                    }
                    return Add(key, events, data);
                }
            case EpollOperation.Add:
                return Add(key, events, data);
            case EpollOperation.Modify:
                return Modify(key, events, data);
            case EpollOperation.Delete:
                return Delete(key, null) ? Errno.None : Errno.ENOENT;
            default:
                return Errno.EINVAL;
        }
    }

    /// <summary>Waits for events.</summary>
    /// <param name="events">Where to write them; its length is maxevents.</param>
    /// <param name="immediate">Look once and return (a timeout of 0).</param>
    /// <returns>How many were written; 0 after the timeout.</returns>
    /// <remarks>Errors, first match wins: EINVAL <paramref name="events"/> empty · EINTR. Any thread; allocates nothing when warm.
    /// Source: epoll_wait(2).</remarks>
    public IoResult Wait(Span<EpollEvent> events, WaitTimeout timeout, bool immediate, Interrupt? interrupt)
    {
        if (events.IsEmpty)
        {
            return Errno.EINVAL;
        }
        int count = Harvest(events);
        if (count > 0 || immediate)
        {
            return IoResult.Bytes(count);
        }
        using BlockingWait wait = new(_waiters, PollEvents.Readable, interrupt);
        while (true)
        {
            count = Harvest(events);
            if (count > 0)
            {
                return IoResult.Bytes(count);
            }
            switch (wait.Sleep(timeout))
            {
                case Errno.EINTR:
                    return Errno.EINTR;
                case Errno.ETIMEDOUT:
                    return IoResult.Bytes(0);
                default:
                    break;
            }
        }
    }

    /// <inheritdoc/>
    public PollEvents GetReady()
    {
        using (_mu.EnterScope())
        {
            // Items that turn out not to be ready leave the list; the first that is answers for all. Taken off before it is asked:
            // a wake-up in between links it again instead of being lost.
            for (int left = Volatile.Read(ref _readyCount); left > 0 && PopReady() is { } item; left--)
            {
                if (!item.Disarmed && (item.File.GetReady() & (item.Interest | PollEvents.Always)) != 0)
                {
                    PushReady(item, atFront: true);
                    return PollEvents.Readable;
                }
            }
            return PollEvents.None;
        }
    }

    /// <summary>The instance's last close: all registrations go.</summary>
    public void Close()
    {
        using (_mu.EnterScope())
        {
            _closed = true;
            foreach (Item item in _items.Values)
            {
                item.Queue?.Remove(item);
            }
            _items.Clear();
            using (_readyMu.EnterScope())
            {
                _readyHead = null;
                _readyTail = null;
                _readyCount = 0;
            }
        }
    }

    /// <summary>A file's last close: every epoll instance forgets it. One field read when nobody waits on it.</summary>
    public static void ReleaseFile(IPollable file)
    {
        PollQueue queue = file.Waiters;
        while (queue.HasWaiters
            && queue.Find(file, static (node, wanted) => node is Item item && ReferenceEquals(item.File, wanted)) is Item found)
        {
            _ = found.Owner.Delete(new Key(found.File, found.Descriptor), found);
        }
    }

    private Errno Add(Key key, PollEvents events, ulong data)
    {
        bool ready;
        using (_mu.EnterScope())
        {
            if (_closed)
            {
                return Errno.EBADF;
            }
            if (_items.ContainsKey(key))
            {
                return Errno.EEXIST;
            }
            Item item = new(this, key.File, key.Descriptor)
            {
                Interest = events & key.File.PossibleEvents,
                Flags = events & PollEvents.EpollFlags,
                Data = data,
                Exclusive = (events & PollEvents.Exclusive) != 0,
            };
            _items.Add(key, item);
            key.File.Waiters.Add(item);
            ready = PushIfReadyLocked(item);
        }
        if (ready)
        {
            _waiters.Wake(PollEvents.Readable);
        }
        return Errno.None;
    }

    private Errno Modify(Key key, PollEvents events, ulong data)
    {
        bool ready;
        using (_mu.EnterScope())
        {
            if (!_items.TryGetValue(key, out Item? item))
            {
                return Errno.ENOENT;
            }
            if (item.Exclusive)
            {
                return Errno.EINVAL;
            }
            item.Data = data;
            item.Interest = events & item.File.PossibleEvents;
            item.Flags = events & PollEvents.EpollFlags;
            // Interest is read by wake-ups without our lock: one that misses the new value came before the file is asked here.
            Interlocked.MemoryBarrier();
            item.Disarmed = false;
            ready = PushIfReadyLocked(item);
        }
        if (ready)
        {
            _waiters.Wake(PollEvents.Readable);
        }
        return Errno.None;
    }

    private bool Delete(Key key, Item? only)
    {
        using (_mu.EnterScope())
        {
            if (!_items.TryGetValue(key, out Item? item) || (only is not null && item != only))
            {
                return false;
            }
            bool removed = _items.Remove(key);
            Debug.Assert(removed);
            item.File.Waiters.Remove(item); // No wake-up can link it from here on.
            Unlink(item);
            return true;
        }
    }

    private bool PushIfReadyLocked(Item item)
    {
        if ((item.File.GetReady() & (item.Interest | PollEvents.Always)) == 0)
        {
            return false;
        }
        PushReady(item);
        return true;
    }

    private int Harvest(Span<EpollEvent> events)
    {
        if (Volatile.Read(ref _readyCount) == 0)
        {
            return 0;
        }
        int count = 0;
        using (_mu.EnterScope())
        {
            // At most as many as are linked now: those put back to the end are not met twice.
            for (int left = Volatile.Read(ref _readyCount); left > 0 && count < events.Length && PopReady() is { } item; left--)
            {
                if (item.Disarmed)
                {
                    continue;
                }
                PollEvents ready = item.File.GetReady() & (item.Interest | PollEvents.Always);
                if (ready == PollEvents.None)
                {
                    continue;
                }
                events[count++] = new EpollEvent(ready, item.Data);
                if ((item.Flags & PollEvents.OneShot) != 0)
                {
                    item.Disarmed = true;
                }
                else if ((item.Flags & PollEvents.EdgeTriggered) == 0)
                {
                    PushReady(item);
                }
            }
        }
        return count;
    }

    private Item? PopReady()
    {
        using (_readyMu.EnterScope())
        {
            Item? item = _readyHead;
            if (item is not null)
            {
                _readyHead = item.ReadyNext;
                if (_readyHead is null)
                {
                    _readyTail = null;
                }
                _readyCount--;
                item.ReadyNext = null;
                item.Linked = false;
            }
            return item;
        }
    }

    private void PushReady(Item item, bool atFront = false)
    {
        using (_readyMu.EnterScope())
        {
            if (item.Linked)
            {
                return;
            }
            item.Linked = true;
            _readyCount++;
            if (_readyTail is null)
            {
                _readyHead = item;
                _readyTail = item;
            }
            else if (atFront)
            {
                item.ReadyNext = _readyHead;
                _readyHead = item;
            }
            else
            {
                _readyTail.ReadyNext = item;
                _readyTail = item;
            }
        }
    }

    private void Unlink(Item item)
    {
        using (_readyMu.EnterScope())
        {
            if (!item.Linked)
            {
                return;
            }
            Item? previous = null;
            for (Item? walk = _readyHead; walk != item; walk = walk!.ReadyNext)
            {
                previous = walk;
            }
            if (previous is null)
            {
                _readyHead = item.ReadyNext;
            }
            else
            {
                previous.ReadyNext = item.ReadyNext;
            }
            if (_readyTail == item)
            {
                _readyTail = previous;
            }
            _readyCount--;
            item.ReadyNext = null;
            item.Linked = false;
        }
    }

    // Caller holds s_nestingMu, so that no edge between instances appears meanwhile.
    private bool Reaches(EpollInstance target, int depth)
    {
        if (ReferenceEquals(this, target) || depth > MaxDepth)
        {
            return true;
        }
        foreach (EpollInstance nested in NestedInstances())
        {
            if (nested.Reaches(target, depth + 1))
            {
                return true;
            }
        }
        return false;
    }

    // Instances on the longest chain from this one down to what it watches, itself included.
    private static int DepthBelow(EpollInstance instance)
    {
        int deepest = 0;
        foreach (EpollInstance nested in instance.NestedInstances())
        {
            deepest = Math.Max(deepest, DepthBelow(nested));
        }
        return deepest + 1;
    }

    private static int DepthAbove(EpollInstance instance)
    {
        List<EpollInstance> parents = [];
        _ = instance._waiters.Find(parents, static (node, list) =>
        {
            if (node is Item item)
            {
                list.Add(item.Owner);
            }
            return false;
        });
        int highest = 0;
        foreach (EpollInstance parent in parents)
        {
            highest = Math.Max(highest, DepthAbove(parent));
        }
        return highest + 1;
    }

    private List<EpollInstance> NestedInstances()
    {
        List<EpollInstance> nested = [];
        using (_mu.EnterScope())
        {
            foreach (Item item in _items.Values)
            {
                if (item.File.Epoll is { } inner)
                {
                    nested.Add(inner);
                }
            }
        }
        return nested;
    }

    private readonly struct Key(IPollable file, int descriptor) : IEquatable<Key>
    {
        internal readonly IPollable File = file;
        internal readonly int Descriptor = descriptor;

        public bool Equals(Key other) => ReferenceEquals(File, other.File) && Descriptor == other.Descriptor;

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(File) ^ (Descriptor * 0x1F35);
    }

    private sealed class Item(EpollInstance owner, IPollable file, int descriptor) : PollNode
    {
        internal readonly EpollInstance Owner = owner;
        internal readonly IPollable File = file;
        internal readonly int Descriptor = descriptor;
        internal PollEvents Flags;
        internal ulong Data;
        internal Item? ReadyNext;
        internal bool Linked;
        internal volatile bool Disarmed; // EPOLLONESHOT has fired; until the next EPOLL_CTL_MOD.

        internal override bool OnWake(PollEvents events, out PollQueue? then)
        {
            then = null;
            if (Disarmed)
            {
                return false;
            }
            Owner.PushReady(this);
            then = Owner._waiters;
            // An exclusive wake-up is used up only by an instance that somebody sleeps on.
            return Owner._waiters.HasWaiters;
        }
    }
}
