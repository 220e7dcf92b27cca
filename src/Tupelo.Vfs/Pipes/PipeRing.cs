// PipeRing is what is between the ends of a pipe or FIFO: a queue of pieces of pages, and the count of those at each end. A pipe's
// ring lives with its ends; a FIFO's ring hangs on its inode and becomes empty and of default size when the last end closes.
//
// Invariants: _slots[(_first + i) % length], i < _used, are the pieces in reading order; _used + _reserved <= _maxSlots, where
// _reserved are places promised to a Fill under way; a piece is never empty; only the newest piece is appended to, and only if it
// may be (CanMerge). Linux is followed to the piece, because the pieces decide how much a full pipe takes and so when it answers EAGAIN.
// A write of at most AtomicBytes goes in as a whole or not at all; a larger one may be interleaved with others.
//
// Locks: _mu is a leaf; two rings (splice, tee) in the order of their Ids. Pages are copied under it, callers' code never runs
// under it: a Drain marks the ring (_draining) while its sink writes, a Fill reserves places while its source reads.
// Waiters are woken after release. Splicing is in PipeRing.Splice.cs.
using System.Diagnostics;
using System.Numerics;

namespace Tupelo.Vfs;

/// <summary>The buffer of a pipe or FIFO. Any thread. Source: pipe(7).</summary>
public sealed partial class PipeRing
{
    /// <summary>PIPE_BUF: a write of at most this many bytes is not interleaved with others.</summary>
    public const int AtomicBytes = PipePage.Bytes;

    /// <summary>What a new pipe holds.</summary>
    public const int DefaultCapacity = 16 * PipePage.Bytes;

    /// <summary>What F_SETPIPE_SZ allows to those without CAP_SYS_RESOURCE (/proc/sys/fs/pipe-max-size).</summary>
    public const int DefaultMaxCapacity = 1 << 20;

    private static long s_lastId;

    private readonly RankedLock _mu = new(LockRank.Source, (ulong)Interlocked.Increment(ref s_lastId)); // Guards everything below.
    private readonly PollQueue _waiters = new();
    private Piece[] _slots = [];
    private int _first;
    private int _used;
    private int _reserved;
    private int _maxSlots = DefaultCapacity / PipePage.Bytes;
    private int _openers;
    private int _readers;
    private int _writers;
    private long _readersEver;
    private long _writersEver;
    private bool _draining;

    /// <summary>Woken when bytes, room, or somebody at an end comes or goes.</summary>
    public PollQueue Waiters => _waiters;

    /// <summary>Bytes that the ring can hold (F_GETPIPE_SZ).</summary>
    public int Capacity
    {
        get
        {
            using (_mu.EnterScope())
            {
                return (int)Math.Min((long)_maxSlots * PipePage.Bytes, int.MaxValue);
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
                long bytes = 0;
                for (int i = 0; i < _used; i++)
                {
                    bytes += SlotLocked(i).Length;
                }
                return (int)Math.Min(bytes, int.MaxValue);
            }
        }
    }

    /// <summary>True when nobody has an end open or opens one.</summary>
    public bool IsUnused
    {
        get
        {
            using (_mu.EnterScope())
            {
                return _openers == 0;
            }
        }
    }

    /// <summary>F_SETPIPE_SZ: sets the capacity to the next power of two of pages.</summary>
    /// <param name="bytes">As the caller gave it, unsigned.</param>
    /// <param name="mayExceedLimit">The caller has CAP_SYS_RESOURCE.</param>
    /// <returns>The new capacity.</returns>
    /// <remarks>Errors, first match wins: EINVAL above 2^31 · EPERM growing above <see cref="DefaultMaxCapacity"/> · EBUSY more is
    /// queued than would fit.</remarks>
    public IoResult SetCapacity(uint bytes, bool mayExceedLimit)
    {
        if (bytes > 1u << 31)
        {
            return Errno.EINVAL;
        }
        long size = bytes < PipePage.Bytes ? PipePage.Bytes : BitOperations.RoundUpToPowerOf2(bytes);
        using (_mu.EnterScope())
        {
            int slots = (int)(size / PipePage.Bytes);
            if (slots > _maxSlots && size > DefaultMaxCapacity && !mayExceedLimit)
            {
                return Errno.EPERM;
            }
            if (_used + _reserved > slots)
            {
                return Errno.EBUSY;
            }
            _maxSlots = slots;
            if (_slots.Length > slots)
            {
                ResizeLocked(slots);
            }
        }
        _waiters.Wake(PollEvents.Writable);
        return IoResult.Bytes(size);
    }

    /// <summary>Takes bytes from the front; waits while there are none and a writer may come with some.</summary>
    /// <returns>Bytes read; 0 for an empty buffer, or when the ring is empty and no writer has it open.</returns>
    /// <remarks>A packet (see <see cref="Write"/>) ends the read, and what did not fit of it is lost. Errors: EAGAIN empty and
    /// <paramref name="nonBlocking"/> · EINTR. Allocates nothing.</remarks>
    public IoResult Read(Span<byte> buffer, bool nonBlocking, Interrupt? interrupt)
    {
        if (buffer.IsEmpty)
        {
            return IoResult.Bytes(0);
        }
        IoResult result = TryRead(buffer, out bool busy);
        if (result.Errno != Errno.EAGAIN || (nonBlocking && !busy))
        {
            return result;
        }
        using BlockingWait wait = new(_waiters, PollEvents.Readable, interrupt);
        while (true)
        {
            result = TryRead(buffer, out busy);
            if (result.Errno != Errno.EAGAIN || (nonBlocking && !busy))
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

    /// <summary>Appends <paramref name="data"/>, waiting for room.</summary>
    /// <param name="asPackets">O_DIRECT: each write is a packet of its own (several, above 4096 bytes).</param>
    /// <returns>All bytes; fewer when <paramref name="nonBlocking"/>, interrupted, or the readers left in the middle of more than
    /// <see cref="AtomicBytes"/>.</returns>
    /// <remarks>Errors, first match wins: EPIPE no reader (the caller sends SIGPIPE; after a short write too) · EAGAIN no room and
    /// <paramref name="nonBlocking"/> · EINTR. Allocates nothing when warm.</remarks>
    public IoResult Write(ReadOnlySpan<byte> data, bool nonBlocking, bool asPackets, Interrupt? interrupt)
    {
        if (data.IsEmpty)
        {
            return IoResult.Bytes(0);
        }
        int done = 0;
        Errno error = WriteSome(data, ref done, merge: true, asPackets);
        if (error == Errno.EAGAIN && !nonBlocking)
        {
            using BlockingWait wait = new(_waiters, PollEvents.Writable, interrupt);
            do
            {
                error = WriteSome(data, ref done, merge: false, asPackets);
                if (error == Errno.EAGAIN)
                {
                    Errno sleep = wait.Sleep();
                    error = sleep == Errno.None ? Errno.EAGAIN : sleep;
                }
            }
            while (error == Errno.EAGAIN);
        }
        return done > 0 || error == Errno.None ? IoResult.Bytes(done) : error;
    }

    /// <summary>Opens an end of a FIFO, waiting for a partner at the other one unless told not to.</summary>
    /// <remarks>Errors, first match wins: EINVAL neither reading nor writing · ENXIO writing only, <paramref name="nonBlocking"/>, no
    /// reader · EINTR. Reading only and non-blocking, or both, never waits. Source: fifo(7).</remarks>
    public Errno OpenEnd(bool read, bool write, bool nonBlocking, Interrupt? interrupt, out PipeEnd? end)
    {
        end = null;
        if (!read && !write)
        {
            return Errno.EINVAL;
        }
        bool mustWait;
        long partnersBefore;
        long noHangUpAt = PipeEnd.Never;
        using (_mu.EnterScope())
        {
            if (write && !read && nonBlocking && _readers == 0)
            {
                return Errno.ENXIO;
            }
            _openers++;
            if (read)
            {
                _readers++;
                _readersEver++;
            }
            if (write)
            {
                _writers++;
                _writersEver++;
            }
            mustWait = read != write && (read ? _writers : _readers) == 0;
            if (mustWait && nonBlocking)
            {
                // As Linux: a reader that did not wait is not told of a hang-up before a writer has come and gone.
                mustWait = false;
                noHangUpAt = _writersEver;
            }
            partnersBefore = read ? _writersEver : _readersEver;
        }
        _waiters.Wake(PollEvents.Always);
        if (mustWait)
        {
            Errno error = WaitForPartner(read, partnersBefore, interrupt);
            if (error != Errno.None)
            {
                CloseEnd(read, write);
                return error;
            }
        }
        end = new PipeEnd(this, read, write, noHangUpAt);
        return Errno.None;
    }

    /// <summary>pipe(2): a new ring with both its ends.</summary>
    public static void CreatePair(out PipeEnd readEnd, out PipeEnd writeEnd)
    {
        PipeRing ring = new();
        using (ring._mu.EnterScope())
        {
            ring._openers = 2;
            ring._readers = 1;
            ring._writers = 1;
            ring._readersEver = 1;
            ring._writersEver = 1;
        }
        readEnd = new PipeEnd(ring, true, false, PipeEnd.Never);
        writeEnd = new PipeEnd(ring, false, true, PipeEnd.Never);
    }

    internal void CloseEnd(bool read, bool write)
    {
        using (_mu.EnterScope())
        {
            _readers -= read ? 1 : 0;
            _writers -= write ? 1 : 0;
            _openers--;
            Debug.Assert(_readers >= 0 && _writers >= 0 && _openers >= 0);
            if (_openers == 0)
            {
                while (_used > 0)
                {
                    DropFirstLocked();
                }
                _slots = [];
                _first = 0;
                _maxSlots = DefaultCapacity / PipePage.Bytes;
            }
        }
        _waiters.Wake(PollEvents.Always);
    }

    internal PollEvents GetReady(bool read, bool write, long noHangUpAt)
    {
        using (_mu.EnterScope())
        {
            PollEvents ready = PollEvents.None;
            if (read)
            {
                ready |= _used > 0 ? PollEvents.Readable : PollEvents.None;
                ready |= _writers == 0 && _writersEver != noHangUpAt ? PollEvents.HangUp : PollEvents.None;
            }
            if (write)
            {
                ready |= IsFullLocked ? PollEvents.None : PollEvents.Writable;
                ready |= _readers == 0 ? PollEvents.Error : PollEvents.None;
            }
            return ready;
        }
    }

    private bool IsFullLocked => _used + _reserved >= _maxSlots;

    private Errno WaitForPartner(bool read, long partnersBefore, Interrupt? interrupt)
    {
        using BlockingWait wait = new(_waiters, PollEvents.None, interrupt);
        while (true)
        {
            using (_mu.EnterScope())
            {
                // A partner that came and went again counts: what matters is that there was one.
                if ((read ? _writersEver : _readersEver) != partnersBefore)
                {
                    return Errno.None;
                }
            }
            Errno error = wait.Sleep();
            if (error != Errno.None)
            {
                return error;
            }
        }
    }

    private IoResult TryRead(Span<byte> buffer, out bool busy)
    {
        int done = 0;
        bool madeRoom = false;
        using (_mu.EnterScope())
        {
            busy = _draining;
            if (busy)
            {
                return Errno.EAGAIN;
            }
            if (_used == 0)
            {
                return _writers == 0 ? IoResult.Bytes(0) : Errno.EAGAIN;
            }
            while (_used > 0 && done < buffer.Length)
            {
                ref Piece piece = ref SlotLocked(0);
                int count = Math.Min(piece.Length, buffer.Length - done);
                piece.Page.Data.AsSpan(piece.Offset, count).CopyTo(buffer[done..]);
                done += count;
                bool packet = piece.IsPacket;
                if (packet || count == piece.Length)
                {
                    madeRoom |= IsFullLocked;
                    DropFirstLocked();
                }
                else
                {
                    piece.Offset += count;
                    piece.Length -= count;
                }
                if (packet)
                {
                    break;
                }
            }
        }
        if (madeRoom)
        {
            _waiters.Wake(PollEvents.Writable);
        }
        return IoResult.Bytes(done);
    }

    // Puts in what goes in now. None: all of it; EAGAIN: no room for the rest; EPIPE: no reader.
    private Errno WriteSome(ReadOnlySpan<byte> data, ref int done, bool merge, bool asPackets)
    {
        Errno error = Errno.None;
        using (_mu.EnterScope())
        {
            if (_readers == 0)
            {
                return Errno.EPIPE;
            }
            int tailBytes = data.Length % PipePage.Bytes;
            if (merge && tailBytes > 0 && _used > 0)
            {
                ref Piece last = ref SlotLocked(_used - 1);
                int end = last.Offset + last.Length;
                if (last.CanMerge && end + tailBytes <= PipePage.Bytes)
                {
                    data[..tailBytes].CopyTo(last.Page.Data.AsSpan(end));
                    last.Length += tailBytes;
                    done += tailBytes;
                }
            }
            while (done < data.Length)
            {
                if (IsFullLocked)
                {
                    error = Errno.EAGAIN;
                    break;
                }
                int count = Math.Min(PipePage.Bytes, data.Length - done);
                PipePage page = PipePage.Rent();
                data.Slice(done, count).CopyTo(page.Data);
                AppendLocked(new Piece { Page = page, Length = count, IsPacket = asPackets, CanMerge = !asPackets });
                done += count;
            }
        }
        // Also when nothing went in, as Linux: an edge-triggered reader hears of every attempt.
        _waiters.Wake(PollEvents.Readable);
        return error;
    }

    private ref Piece SlotLocked(int index)
    {
        int slot = _first + index;
        return ref _slots[slot >= _slots.Length ? slot - _slots.Length : slot];
    }

    private void AppendLocked(in Piece piece)
    {
        Debug.Assert(piece.Length > 0 && _used < _maxSlots);
        if (_used == _slots.Length)
        {
            ResizeLocked(Math.Min(_maxSlots, Math.Max(4, _slots.Length * 2)));
        }
        _used++;
        SlotLocked(_used - 1) = piece;
    }

    private void DropFirstLocked()
    {
        SlotLocked(0).Page.Release();
        ForgetFirstLocked();
    }

    // Takes the first piece out of the ring; its page has another owner now.
    private void ForgetFirstLocked()
    {
        SlotLocked(0) = default;
        _first = _first + 1 == _slots.Length ? 0 : _first + 1;
        _used--;
    }

    private void ResizeLocked(int slots)
    {
        Piece[] target = new Piece[slots];
        for (int i = 0; i < _used; i++)
        {
            target[i] = SlotLocked(i);
        }
        _slots = target;
        _first = 0;
    }

    private struct Piece
    {
        internal PipePage Page;
        internal int Offset;
        internal int Length;
        internal bool CanMerge;
        internal bool IsPacket;
    }
}
