// InotifyInstance is an inotify descriptor's object: its watches by number, and a queue of reports in the form read(2) gives.
// Above it: an open file on the hidden file system of anonymous objects. Below: the WatchList of each watched inode.
//
// The queue is one byte buffer of finished records: 16 bytes of header {wd i32, mask u32, cookie u32, len u32} in the machine's
// order, then the name, zero-padded to a multiple of 16 with at least one zero; an event without a name has len 0.
// Invariants: _head <= _last <= _tail are offsets of record starts (or the end); an event equal to the newest queued one
// (descriptor, mask and name; not the cookie) is dropped; after IGNORED no event of that watch is queued; watch descriptors grow
// from 1 and are not reused until they have wrapped.
// Lock order: InotifyInstance._mu, then WatchList._mu (both leaves otherwise). Waiters are woken after release.
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Tupelo.Vfs;

/// <summary>Bounds of an inotify instance. Source: /proc/sys/fs/inotify.</summary>
public sealed record InotifyLimits
{
    /// <summary>Events in one queue before QueueOverflow (max_queued_events).</summary>
    public int MaxQueuedEvents { get; init; } = 16384;

    /// <summary>Watches of one instance (max_user_watches, counted per instance here); ENOSPC beyond.</summary>
    public int MaxWatches { get; init; } = 1 << 20;
}

/// <summary>An inotify object. Source: inotify(7).</summary>
public sealed class InotifyInstance : IPollable
{
    /// <summary>Size of a report's fixed part; names are padded to a multiple of it.</summary>
    public const int HeaderBytes = 16;

    private readonly RankedLock _mu = new(LockRank.Source); // Guards everything below and Watch.Removed.
    private readonly PollQueue _waiters = new();
    private readonly InotifyLimits _limits;
    private readonly Dictionary<int, Watch> _watches = [];
    private byte[] _queue = [];
    private int _head;
    private int _tail;
    private int _last = -1;
    private int _count;
    private int _overflowAt = -1; // Records before the queued overflow report, itself included, or -1.
    private int _nextDescriptor = 1;
    private bool _closed;

    public InotifyInstance(InotifyLimits? limits = null) => _limits = limits ?? new InotifyLimits();

    /// <inheritdoc/>
    public PollQueue Waiters => _waiters;

    /// <summary>How many inodes are watched.</summary>
    public int WatchCount
    {
        get
        {
            using (_mu.EnterScope())
            {
                return _watches.Count;
            }
        }
    }

    /// <summary>Bytes that could be read now (FIONREAD).</summary>
    public int QueuedBytes
    {
        get
        {
            using (_mu.EnterScope())
            {
                return _tail - _head;
            }
        }
    }

    /// <summary>What the mask of add_watch is checked for before anything else.</summary>
    /// <returns>EINVAL: no known bit, an unknown bit, or MASK_ADD together with MASK_CREATE.</returns>
    public static Errno CheckMask(InotifyMask mask)
        => (mask & ~InotifyMask.Valid) != 0 || (mask & InotifyMask.Valid) == 0
            || (mask & (InotifyMask.MaskAdd | InotifyMask.MaskCreate)) == (InotifyMask.MaskAdd | InotifyMask.MaskCreate)
            ? Errno.EINVAL
            : Errno.None;

    /// <summary>Watches the inode that owns <paramref name="list"/>, or changes the mask of its watch.</summary>
    /// <param name="descriptor">The watch descriptor, at least 1.</param>
    /// <remarks>Errors, first match wins: EINVAL <see cref="CheckMask"/> · ENOENT the inode died meanwhile · EEXIST MASK_CREATE and
    /// watched already · ENOSPC limit. The caller has checked the path, ONLYDIR and read permission. Any thread.</remarks>
    public Errno AddWatch(WatchList list, InotifyMask mask, out int descriptor)
    {
        descriptor = -1;
        Errno error = CheckMask(mask);
        if (error != Errno.None)
        {
            return error;
        }
        InotifyMask kept = mask & (InotifyMask.AllEvents | InotifyMask.ExcludeUnlinked | InotifyMask.OneShot);
        using (_mu.EnterScope())
        {
            if (_closed)
            {
                return Errno.EBADF;
            }
            int candidate = FreeDescriptorLocked();
            Watch? watch = list.FindOrAdd(this, candidate, kept, out bool added);
            if (watch is null)
            {
                return Errno.ENOENT;
            }
            if (!added)
            {
                if ((mask & InotifyMask.MaskCreate) != 0)
                {
                    return Errno.EEXIST;
                }
                list.SetMask(watch, (mask & InotifyMask.MaskAdd) != 0 ? watch.Mask | kept : kept);
            }
            else if (_watches.Count >= _limits.MaxWatches)
            {
                watch.Removed = true;
                list.Remove(watch);
                return Errno.ENOSPC;
            }
            else
            {
                _watches.Add(candidate, watch);
                _nextDescriptor = candidate == int.MaxValue ? 1 : candidate + 1;
            }
            descriptor = watch.Descriptor;
            return Errno.None;
        }
    }

    /// <summary>Ends a watch; an IGNORED report follows.</summary>
    /// <remarks>Errors: EINVAL not a watch of this instance. Any thread.</remarks>
    public Errno RemoveWatch(int descriptor)
    {
        using (_mu.EnterScope())
        {
            if (!_watches.TryGetValue(descriptor, out Watch? watch))
            {
                return Errno.EINVAL;
            }
            RetireLocked(watch);
        }
        _waiters.Wake(PollEvents.Readable);
        return Errno.None;
    }

    /// <summary>Takes as many whole reports as fit.</summary>
    /// <remarks>Errors, first match wins: EAGAIN nothing queued and <paramref name="nonBlocking"/> · EINVAL the first report does not
    /// fit · EINTR. Any thread; allocates nothing.</remarks>
    public IoResult Read(Span<byte> buffer, bool nonBlocking, Interrupt? interrupt)
    {
        IoResult result = TryRead(buffer);
        if (result.Errno != Errno.EAGAIN || nonBlocking)
        {
            return result;
        }
        using BlockingWait wait = new(_waiters, PollEvents.Readable, interrupt);
        while (true)
        {
            result = TryRead(buffer);
            if (result.Errno != Errno.EAGAIN)
            {
                return result;
            }
            Errno error = wait.Sleep();
            if (error != Errno.None)
            {
                return error;
            }
        }
    }

    /// <inheritdoc/>
    public PollEvents GetReady()
    {
        using (_mu.EnterScope())
        {
            return _count > 0 ? PollEvents.Readable : PollEvents.None;
        }
    }

    /// <summary>The instance's last close: all watches go, without reports.</summary>
    public void Close()
    {
        using (_mu.EnterScope())
        {
            _closed = true;
            foreach (Watch watch in _watches.Values)
            {
                watch.Removed = true;
                watch.List.Remove(watch);
            }
            _watches.Clear();
            _queue = [];
            _head = 0;
            _tail = 0;
            _last = -1;
            _count = 0;
            _overflowAt = -1;
        }
    }

    internal void Deliver(Watch watch, InotifyMask mask, ReadOnlySpan<byte> name, uint cookie, bool oneShot)
    {
        // As Linux: the events of the object itself do not carry ISDIR.
        if ((mask & (InotifyMask.DeleteSelf | InotifyMask.MoveSelf)) != 0)
        {
            mask &= ~InotifyMask.IsDirectory;
        }
        using (_mu.EnterScope())
        {
            if (watch.Removed)
            {
                return;
            }
            EnqueueLocked(watch.Descriptor, mask, name, cookie);
            if (oneShot)
            {
                RetireLocked(watch);
            }
        }
        _waiters.Wake(PollEvents.Readable);
    }

    /// <summary>Ends a watch from the inode's side.</summary>
    internal void Retire(Watch watch)
    {
        using (_mu.EnterScope())
        {
            if (watch.Removed)
            {
                return;
            }
            RetireLocked(watch);
        }
        _waiters.Wake(PollEvents.Readable);
    }

    private void RetireLocked(Watch watch)
    {
        watch.Removed = true;
        watch.List.Remove(watch);
        bool removed = _watches.Remove(watch.Descriptor);
        System.Diagnostics.Debug.Assert(removed);
        EnqueueLocked(watch.Descriptor, InotifyMask.Ignored, [], 0);
    }

    private int FreeDescriptorLocked()
    {
        int candidate = _nextDescriptor;
        while (_watches.ContainsKey(candidate))
        {
            candidate = candidate == int.MaxValue ? 1 : candidate + 1;
        }
        return candidate;
    }

    private void EnqueueLocked(int descriptor, InotifyMask mask, ReadOnlySpan<byte> name, uint cookie)
    {
        if (_count >= _limits.MaxQueuedEvents)
        {
            // As Linux: one overflow report stands for everything lost until it is read.
            if (_overflowAt < 0)
            {
                AppendLocked(-1, InotifyMask.QueueOverflow, [], 0);
                _overflowAt = _count;
            }
            return;
        }
        if (_last >= 0 && mask != InotifyMask.Ignored && EqualsLastLocked(descriptor, mask, name))
        {
            return;
        }
        AppendLocked(descriptor, mask, name, cookie);
    }

    private void AppendLocked(int descriptor, InotifyMask mask, ReadOnlySpan<byte> name, uint cookie)
    {
        int nameBytes = name.IsEmpty ? 0 : (name.Length + HeaderBytes) / HeaderBytes * HeaderBytes;
        int size = HeaderBytes + nameBytes;
        if (_queue.Length - _tail < size)
        {
            MakeRoomLocked(size);
        }
        Span<byte> record = _queue.AsSpan(_tail, size);
        BinaryPrimitives.WriteInt32LittleEndian(record, descriptor);
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], (uint)mask);
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], cookie);
        BinaryPrimitives.WriteInt32LittleEndian(record[12..], nameBytes);
        name.CopyTo(record[HeaderBytes..]);
        record[(HeaderBytes + name.Length)..].Clear();
        _last = _tail;
        _tail += size;
        _count++;
    }

    private void MakeRoomLocked(int size)
    {
        int used = _tail - _head;
        byte[] target = _queue;
        if (used + size > _queue.Length / 2)
        {
            target = new byte[Math.Max(1024, (used + size) * 2)];
        }
        Buffer.BlockCopy(_queue, _head, target, 0, used);
        _queue = target;
        _last = _last < 0 ? -1 : _last - _head;
        _tail = used;
        _head = 0;
    }

    private bool EqualsLastLocked(int descriptor, InotifyMask mask, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> last = _queue.AsSpan(_last, _tail - _last);
        if (BinaryPrimitives.ReadInt32LittleEndian(last) != descriptor || BinaryPrimitives.ReadUInt32LittleEndian(last[4..]) != (uint)mask)
        {
            return false;
        }
        ReadOnlySpan<byte> padded = last[HeaderBytes..];
        return name.IsEmpty
            ? padded.IsEmpty
            : padded.Length > name.Length && padded[..name.Length].SequenceEqual(name) && padded[name.Length] == 0;
    }

    private IoResult TryRead(Span<byte> buffer)
    {
        using (_mu.EnterScope())
        {
            if (_count == 0)
            {
                return Errno.EAGAIN;
            }
            int copied = 0;
            while (_count > 0)
            {
                int size = HeaderBytes + MemoryMarshal.Read<int>(_queue.AsSpan(_head + 12));
                if (size > buffer.Length - copied)
                {
                    break;
                }
                _queue.AsSpan(_head, size).CopyTo(buffer[copied..]);
                copied += size;
                _head += size;
                _count--;
                if (_overflowAt > 0 && --_overflowAt == 0)
                {
                    _overflowAt = -1;
                }
            }
            if (copied == 0)
            {
                return Errno.EINVAL;
            }
            if (_count == 0)
            {
                _head = 0;
                _tail = 0;
                _last = -1;
                const int MaxKeptBytes = 64 * 1024;
                if (_queue.Length > MaxKeptBytes)
                {
                    _queue = [];
                }
            }
            return IoResult.Bytes(copied);
        }
    }
}
