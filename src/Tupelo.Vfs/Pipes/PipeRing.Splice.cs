// Moving data between a pipe and something else without the caller's buffers: splice, tee, and what sendfile is made of.
// Between two pipes pages change hands (splice) or are shared (tee); a source or sink that is not a pipe sees the pages' bytes.
using System.Diagnostics;

namespace Tupelo.Vfs;

/// <summary>Takes bytes out of a pipe: the destination of a splice that is not a pipe.</summary>
public interface IPipeSink
{
    /// <summary>Writes some of <paramref name="data"/>; called with no lock held. A short count or an error ends the transfer.</summary>
    IoResult Write(ReadOnlySpan<byte> data);
}

/// <summary>Gives bytes for a pipe: the origin of a splice that is not a pipe.</summary>
public interface IPipeSource
{
    /// <summary>Reads into a page; called with no lock held. A short count, 0 or an error ends the transfer.</summary>
    IoResult Read(Span<byte> buffer);
}

public sealed partial class PipeRing
{
    /// <summary>Moves up to <paramref name="length"/> bytes from the front of this ring into <paramref name="sink"/>.</summary>
    /// <returns>Bytes moved; 0 when the ring is empty and no writer has it open. Readers wait meanwhile, so nothing is read twice.</returns>
    /// <remarks>Errors: EAGAIN empty and <paramref name="nonBlocking"/> · EINTR · the sink's, when it took nothing. Source: splice(2).</remarks>
    public IoResult Drain<TSink>(ref TSink sink, long length, bool nonBlocking, Interrupt? interrupt)
        where TSink : IPipeSink, allows ref struct
    {
        if (length == 0)
        {
            return IoResult.Bytes(0);
        }
        Errno error = BeginDrain(nonBlocking, interrupt, out bool ended);
        if (error != Errno.None || ended)
        {
            return error == Errno.None ? IoResult.Bytes(0) : error;
        }
        long done = 0;
        try
        {
            // Only the first piece is touched by this thread, writers only append: its bytes stay while they are written.
            while (done < length)
            {
                Piece piece;
                using (_mu.EnterScope())
                {
                    if (_used == 0)
                    {
                        break;
                    }
                    piece = SlotLocked(0);
                }
                int count = (int)Math.Min(piece.Length, length - done);
                IoResult moved = sink.Write(piece.Page.Data.AsSpan(piece.Offset, count));
                if (!moved.IsOk)
                {
                    return done > 0 ? IoResult.Bytes(done) : moved;
                }
                Debug.Assert(moved.Count <= count);
                Consume((int)moved.Count);
                done += moved.Count;
                if (moved.Count < count)
                {
                    break;
                }
            }
        }
        finally
        {
            using (_mu.EnterScope())
            {
                _draining = false;
            }
            _waiters.Wake(PollEvents.Readable | PollEvents.Writable);
        }
        return IoResult.Bytes(done);
    }

    /// <summary>Moves up to <paramref name="length"/> bytes from <paramref name="source"/> to the end of this ring, as many as there is
    /// room for, after waiting until there is some.</summary>
    /// <param name="offsetInPage">Where in a page the source stands: the first piece ends at the page's end.</param>
    /// <returns>Bytes moved; 0 at the source's end, or when there is room and <paramref name="length"/> is 0.</returns>
    /// <remarks>Errors, first match wins: EPIPE no reader · EAGAIN no room and <paramref name="nonBlocking"/> · EINTR · the source's, when
    /// it gave nothing. Source: splice(2).</remarks>
    public IoResult Fill<TSource>(ref TSource source, long length, int offsetInPage, bool nonBlocking, Interrupt? interrupt)
        where TSource : IPipeSource, allows ref struct
    {
        Errno error = Reserve(length, offsetInPage, nonBlocking, interrupt, out int places);
        if (error != Errno.None)
        {
            return error;
        }
        // As Linux, no more bytes than whole free pages, however the source lies in its own.
        length = Math.Min(length, (long)places * PipePage.Bytes);
        long done = 0;
        IoResult result = IoResult.Bytes(0);
        while (places > 0 && done < length)
        {
            int count = (int)Math.Min(PipePage.Bytes - offsetInPage, length - done);
            PipePage page = PipePage.Rent();
            result = source.Read(page.Data.AsSpan(offsetInPage, count));
            int got = (int)result.Count;
            using (_mu.EnterScope())
            {
                if (got > 0)
                {
                    _reserved--;
                    places--;
                    AppendLocked(new Piece { Page = page, Offset = offsetInPage, Length = got });
                }
            }
            if (got == 0)
            {
                page.Release();
                break;
            }
            done += got;
            _waiters.Wake(PollEvents.Readable);
            if (got < count)
            {
                break;
            }
            offsetInPage = 0;
        }
        if (places > 0)
        {
            using (_mu.EnterScope())
            {
                _reserved -= places;
            }
            _waiters.Wake(PollEvents.Writable);
        }
        return done > 0 || result.IsOk ? IoResult.Bytes(done) : result;
    }

    /// <summary>splice(2) between two pipes: pages change hands.</summary>
    /// <remarks>Errors, first match wins: EINVAL the same pipe · EAGAIN nothing to move or no room, and <paramref name="nonBlocking"/> ·
    /// EPIPE no reader of <paramref name="target"/> · EINTR. 0: this ring is empty and no writer has it open.</remarks>
    public IoResult SpliceTo(PipeRing target, long length, bool nonBlocking, Interrupt? interrupt)
        => ReferenceEquals(this, target) ? Errno.EINVAL : Transfer(target, length, nonBlocking, share: false, interrupt);

    /// <summary>tee(2): <paramref name="target"/> gets the same pages, and this ring keeps them.</summary>
    /// <remarks>Errors as <see cref="SpliceTo"/>.</remarks>
    public IoResult TeeTo(PipeRing target, long length, bool nonBlocking, Interrupt? interrupt)
        => ReferenceEquals(this, target) ? Errno.EINVAL : Transfer(target, length, nonBlocking, share: true, interrupt);

    private IoResult Transfer(PipeRing target, long length, bool nonBlocking, bool share, Interrupt? interrupt)
    {
        if (length == 0)
        {
            return IoResult.Bytes(0);
        }
        IoResult result = TryTransfer(target, length, share);
        if (result.Errno != Errno.EAGAIN || nonBlocking)
        {
            return result;
        }
        using BlockingWait wait = new(_waiters, PollEvents.Readable, interrupt);
        wait.Watch(target._waiters, PollEvents.Writable);
        while (true)
        {
            result = TryTransfer(target, length, share);
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

    private IoResult TryTransfer(PipeRing target, long length, bool share)
    {
        long done = 0;
        bool wasFull;
        PipeRing low = _mu.Serial < target._mu.Serial ? this : target;
        PipeRing high = _mu.Serial < target._mu.Serial ? target : this;
        using (low._mu.EnterScope())
        {
            using (high._mu.EnterScope())
            {
                bool empty = _draining || _used == 0;
                // The order of Linux: the input is waited for, then room in the output, and only then its readers are looked at.
                if (empty && (_draining || _writers > 0))
                {
                    return Errno.EAGAIN;
                }
                if (target.IsFullLocked && target._readers > 0)
                {
                    return Errno.EAGAIN;
                }
                if (target._readers == 0)
                {
                    return Errno.EPIPE;
                }
                wasFull = IsFullLocked;
                for (int i = 0; done < length && i < _used && !target.IsFullLocked;)
                {
                    ref Piece piece = ref SlotLocked(i);
                    int count = (int)Math.Min(piece.Length, length - done);
                    Piece moved = piece;
                    moved.Length = count;
                    done += count;
                    if (!share && count == piece.Length)
                    {
                        ForgetFirstLocked();
                    }
                    else
                    {
                        // Two rings see the page from here on: only the one that had it may append to it.
                        moved.CanMerge = false;
                        moved.Page.AddReference();
                        if (share)
                        {
                            i++;
                        }
                        else
                        {
                            piece.Offset += count;
                            piece.Length -= count;
                        }
                    }
                    target.AppendLocked(moved);
                }
            }
        }
        if (done > 0)
        {
            target._waiters.Wake(PollEvents.Readable);
            if (wasFull && !share)
            {
                _waiters.Wake(PollEvents.Writable);
            }
        }
        return IoResult.Bytes(done);
    }

    private Errno BeginDrain(bool nonBlocking, Interrupt? interrupt, out bool ended)
    {
        Errno error = TryBeginDrain(out ended, out bool busy);
        if (error != Errno.EAGAIN || (nonBlocking && !busy))
        {
            return error;
        }
        using BlockingWait wait = new(_waiters, PollEvents.Readable, interrupt);
        while (true)
        {
            error = TryBeginDrain(out ended, out busy);
            if (error != Errno.EAGAIN || (nonBlocking && !busy))
            {
                return error;
            }
            error = wait.Sleep();
            if (error != Errno.None)
            {
                return error;
            }
        }
    }

    private Errno TryBeginDrain(out bool ended, out bool busy)
    {
        using (_mu.EnterScope())
        {
            busy = _draining;
            ended = !busy && _used == 0 && _writers == 0;
            if (ended)
            {
                return Errno.None;
            }
            if (busy || _used == 0)
            {
                return Errno.EAGAIN;
            }
            _draining = true;
            return Errno.None;
        }
    }

    private void Consume(int count)
    {
        if (count == 0)
        {
            return;
        }
        using (_mu.EnterScope())
        {
            ref Piece piece = ref SlotLocked(0);
            // A write may have been merged into the piece meanwhile: it is longer than it was, never shorter.
            if (count == piece.Length)
            {
                DropFirstLocked();
            }
            else
            {
                piece.Offset += count;
                piece.Length -= count;
            }
        }
    }

    private Errno Reserve(long length, int offsetInPage, bool nonBlocking, Interrupt? interrupt, out int places)
    {
        Errno error = TryReserve(length, offsetInPage, out places);
        if (error != Errno.EAGAIN || nonBlocking)
        {
            return error;
        }
        using BlockingWait wait = new(_waiters, PollEvents.Writable, interrupt);
        while (true)
        {
            error = TryReserve(length, offsetInPage, out places);
            if (error != Errno.EAGAIN)
            {
                return error;
            }
            error = wait.Sleep();
            if (error != Errno.None)
            {
                return error;
            }
        }
    }

    private Errno TryReserve(long length, int offsetInPage, out int places)
    {
        using (_mu.EnterScope())
        {
            places = 0;
            if (_readers == 0)
            {
                return Errno.EPIPE;
            }
            if (IsFullLocked)
            {
                return Errno.EAGAIN;
            }
            int free = _maxSlots - _used - _reserved;
            long wanted = Math.Min(length, (long)free * PipePage.Bytes) + offsetInPage;
            places = (int)Math.Min(free, (wanted + PipePage.Bytes - 1) / PipePage.Bytes);
            _reserved += places;
            return Errno.None;
        }
    }
}
