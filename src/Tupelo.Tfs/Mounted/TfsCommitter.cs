// TfsCommitter decides when staged changes become durable: at a sync, within a second of the first change, and at unmount. Syncs that
// come while one is under way share the next (group commit): whoever gets the lock commits for all that wait.
//
// Order of one commit: data that staged records lead to is on the device already (Written was called for it) -> flush -> log -> flush ->
// sectors that the commit freed are free. If no data was written since the last flush the first one is left out.
//
// Lock: _commitMu, above TfsMetadata's and CachedFile's _flushMu is not taken under it. A failure latches the volume: what the device
// holds is not known then, so nothing is written any more and every sync says EIO.
namespace Tupelo.Tfs;

internal sealed class TfsCommitter(BlockDevice device, TfsMetadata metadata, TfsAllocator allocator, TfsLog log)
{
    private readonly Lock _commitMu = new(); // Guards the log, _committed, _flushedData, _spareBuffer.
    private TfsLog _log = log;
    private RecordBuffer _spareBuffer = new();
    private long _requested;    // grows with each request; a commit serves all requests made before it began
    private long _committed;
    private long _dataWritten;  // grows with each data write that has reached the device
    private long _dataFlushed;
    private int _latched;       // volatile: an Errno, once a write of data has failed

    /// <summary>Why nothing can be written any more; None while all is well.</summary>
    public Errno Failure => (Errno)Volatile.Read(ref _latched) is not Errno.None and var latched ? latched : _log.Failure;

    /// <summary>The log; its owner is whoever commits.</summary>
    public TfsLog Log => _log;

    /// <summary>The log has an extension set aside to go on in. A hint.</summary>
    public bool HasWayOn => _log.HasSpare;

    /// <summary>Data has reached the device and waits for a flush.</summary>
    public void DataWasWritten() => _ = Interlocked.Increment(ref _dataWritten);

    /// <summary>Makes everything durable that was staged, and all data that was written, before the call.</summary>
    /// <remarks>Locks held: none, or a vnode's. Errors: EBUSY a transaction is open: it commits, nobody else · EIO · ENOSPC the log
    /// cannot go on; these two latch the volume.</remarks>
    public Errno Commit()
    {
        long ticket = Interlocked.Increment(ref _requested);
        lock (_commitMu)
        {
            if (metadata.InTransaction)
            {
                return Errno.EBUSY;
            }
            if (_committed >= ticket)
            {
                return Failure == Errno.None ? Errno.None : Errno.EIO;
            }
            if (Failure != Errno.None)
            {
                return Errno.EIO;
            }
            return LatchingCommitLocked();
        }
    }

    /// <summary>Commits what is staged, and opens a transaction: from here on only <see cref="CommitTransaction"/> commits.</summary>
    /// <remarks>Errors: EBUSY one is open · EIO.</remarks>
    public Errno BeginTransaction()
    {
        lock (_commitMu)
        {
            Errno errno = metadata.InTransaction ? Errno.EBUSY : Failure != Errno.None ? Errno.EIO : LatchingCommitLocked();
            if (errno == Errno.None)
            {
                metadata.BeginTransaction();
            }
            return errno;
        }
    }

    /// <summary>Closes the transaction and makes it durable: all of it in one commit. Its data is on the device, not yet flushed.</summary>
    /// <remarks>Errors: ENOSPC the log has no room for it; it is still open, and nothing has happened · EIO latches the volume.</remarks>
    public Errno CommitTransaction()
    {
        lock (_commitMu)
        {
            Errno errno = Failure != Errno.None ? Errno.EIO : metadata.ReserveRoom(_log);
            if (errno != Errno.None)
            {
                return errno;
            }
            metadata.EndTransaction();
            return LatchingCommitLocked();
        }
    }

    /// <summary>A write of data failed: nothing may be written any more. Any locks.</summary>
    public void Latch(Errno errno) => _ = Interlocked.CompareExchange(ref _latched, (int)errno, (int)Errno.None);

    /// <summary>Runs something that needs the log to stand still.</summary>
    public Errno Exclusively(Func<TfsLog, (Errno Errno, TfsLog Log)> action)
    {
        lock (_commitMu)
        {
            if (metadata.InTransaction)
            {
                return Errno.EBUSY;
            }
            if (Failure != Errno.None)
            {
                return Errno.EIO;
            }
            Errno errno = LatchingCommitLocked();
            if (errno != Errno.None)
            {
                return errno;
            }
            (errno, _log) = action(_log);
            return errno;
        }
    }

    /// <summary>Makes a log that a compaction has written the volume's, with all that was staged until then.</summary>
    /// <param name="rewriter">The compaction, done with the tree.</param>
    /// <param name="log">The new log; nothing leads to it yet.</param>
    /// <param name="writeHeader">Lets sector 0 lead to it.</param>
    /// <remarks>Errors: EBUSY a transaction came first · ENOSPC the new log has no room; in both cases the old log goes on · EIO latches
    /// the volume.</remarks>
    public Errno SwitchTo(LogRewriter rewriter, TfsLog log, Func<TfsLog, Errno> writeHeader)
    {
        lock (_commitMu)
        {
            if (_log.Failure != Errno.None)
            {
                return Errno.EIO;
            }
            long serves = Interlocked.Read(ref _requested);
            long data = Interlocked.Read(ref _dataWritten);
            RecordBuffer? last = metadata.TakeLast(rewriter, out int retiredRuns);
            if (last is null)
            {
                return Errno.EBUSY;
            }
            // One flush for the new log and for the data that it leads to; and only then sector 0.
            Errno errno = last.IsEmpty ? device.Flush() : log.Commit(last);
            if (errno == Errno.ENOSPC)
            {
                return errno;
            }
            errno = errno == Errno.None ? writeHeader(log) : errno;
            if (errno != Errno.None)
            {
                // Whether the device has the old sector 0 or the new one is not known: neither log may be touched again.
                _log.Fail(errno);
                return errno;
            }
            TfsLog old = _log;
            List<(long Start, long Count)> retired = metadata.EndRewriting(rewriter, retiredRuns);
            Volatile.Write(ref _log, log);
            _dataFlushed = data;
            _committed = serves;
            allocator.Release(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(retired));
            Discard(old);
            log.TakeSpare();
            return Errno.None;
        }
    }

    /// <summary>Gives the sectors of a log back that nothing leads to.</summary>
    public void Discard(TfsLog log)
    {
        log.DropSpare();
        foreach ((long start, long count) in log.Chain)
        {
            allocator.Free(start, count);
        }
        log.Close();
    }

    private Errno LatchingCommitLocked()
    {
        long serves = Interlocked.Read(ref _requested);
        Errno errno = CommitLocked();
        if (errno != Errno.None)
        {
            _log.Fail(errno);
            return errno;
        }
        _committed = serves;
        return Errno.None;
    }

    private Errno CommitLocked()
    {
        RecordBuffer staged = metadata.Take(_spareBuffer, out List<(long Start, long Count)> retired);
        long data = Interlocked.Read(ref _dataWritten);
        if (data != _dataFlushed)
        {
            Errno flushed = device.Flush();
            if (flushed != Errno.None)
            {
                return flushed;
            }
            _dataFlushed = data;
        }
        Errno errno = staged.IsEmpty ? Errno.None : _log.Commit(staged);
        if (errno != Errno.None)
        {
            return errno;
        }
        staged.Clear();
        _spareBuffer = staged;
        if (retired.Count > 0)
        {
            allocator.Release(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(retired));
            _log.TakeSpare();
        }
        return Errno.None;
    }
}
