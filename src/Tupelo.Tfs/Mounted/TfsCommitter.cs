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

    /// <summary>Why nothing can be written any more; None while all is well.</summary>
    public Errno Failure => _log.Failure;

    /// <summary>The log; its owner is whoever commits.</summary>
    public TfsLog Log => _log;

    /// <summary>Data has reached the device and waits for a flush.</summary>
    public void DataWasWritten() => _ = Interlocked.Increment(ref _dataWritten);

    /// <summary>Makes everything durable that was staged, and all data that was written, before the call.</summary>
    /// <remarks>Locks held: none, or a vnode's. Errors: EIO · ENOSPC the log cannot go on; both latch the volume.</remarks>
    public Errno Commit()
    {
        long ticket = Interlocked.Increment(ref _requested);
        lock (_commitMu)
        {
            if (_committed >= ticket)
            {
                return _log.Failure;
            }
            if (_log.Failure != Errno.None)
            {
                return Errno.EIO;
            }
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
    }

    /// <summary>A write of data failed: nothing may be written any more.</summary>
    public void Latch(Errno errno)
    {
        lock (_commitMu)
        {
            _log.Fail(errno);
        }
    }

    /// <summary>Runs something that needs the log to stand still.</summary>
    public Errno Exclusively(Func<TfsLog, (Errno Errno, TfsLog Log)> action)
    {
        lock (_commitMu)
        {
            if (_log.Failure != Errno.None)
            {
                return Errno.EIO;
            }
            Errno errno = CommitLocked();
            if (errno != Errno.None)
            {
                _log.Fail(errno);
                return errno;
            }
            (errno, _log) = action(_log);
            return errno;
        }
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
