// Compaction of a mounted volume, while others go on writing: LogRewriter's steps, each a short time under the metadata's lock and then
// a write to the new log, and at the end the switch (TfsCommitter.SwitchTo), for which syncs wait and others do not. Whenever it is given
// up before, by a crash, for want of room or because a transaction begins, the old log is the volume's as if nothing had been.
//
// Where there is no room for another log beside the old one with its spare extension, the spare is given up for it, and everybody waits.
//
// Behind it comes a collection (TupleCollector), which gives back the memory of what was deleted.
using System.Diagnostics;

namespace Tupelo.Tfs;

public sealed partial class TfsFileSystem
{
    private const int MinObsolete = 8192;

    private static readonly TimeSpan s_stepTime = TimeSpan.FromMilliseconds(2);

    private readonly Lock _compactionMu = new(); // One compaction at a time. Above TfsCommitter._commitMu.
    private int _backgroundRuns;
    private volatile bool _isShuttingDown;
    private long _nextTry; // obsolete entries at which it is worth trying again, after a compaction that found no room

    /// <summary>True when Nanos' own thresholds hold: at least 8,192 obsolete entries, and they are half of all or more.</summary>
    public bool IsCompactionDue => Metadata.ObsoleteEntries >= MinObsolete && Metadata.TotalEntries <= 2 * Metadata.ObsoleteEntries;

    /// <summary>Rewrites the log without what is obsolete. Others may go on using the volume; a call waits for one that is under way.</summary>
    /// <param name="progress">Told now and then how many entries have been written, and of about how many.</param>
    /// <remarks>Errors: EROFS mounted read-only · EBUSY a transaction is open, or the volume is being shut down · ENOSPC no room for a
    /// second log (nothing has changed) · EIO.</remarks>
    public Errno Compact(Action<long, long>? progress = null)
    {
        if (_committer is null)
        {
            return Errno.EROFS;
        }
        if (_compactionMu.IsHeldByCurrentThread)
        {
            return Errno.EBUSY; // a sync out of `progress`
        }
        lock (_compactionMu)
        {
            Errno errno = CompactInSteps(progress);
            errno = errno == Errno.ENOSPC ? _committer.Exclusively(CompactAtOnceLocked) : errno;
            if (errno == Errno.None)
            {
                Collect();
            }
            _nextTry = errno == Errno.ENOSPC ? Metadata.ObsoleteEntries + (Metadata.ObsoleteEntries / 4) : 0;
            return errno;
        }
    }

    // After a sync. With a timer there may be other threads: then a thread of its own does it, and nobody waits.
    private Errno CompactWhenDue()
    {
        if (!_options.AutoCompact || !IsCompactionDue || Metadata.ObsoleteEntries < _nextTry || Metadata.InTransaction)
        {
            return Errno.None;
        }
        if (_timer is null)
        {
            Errno errno = Compact();
            return errno is Errno.ENOSPC or Errno.EBUSY ? Errno.None : errno; // what the sync promised is done
        }
        if (Interlocked.CompareExchange(ref _backgroundRuns, 1, 0) == 0)
        {
            var thread = new Thread(CompactInBackground) { IsBackground = true, Name = "tfs compaction" };
            thread.Start();
        }
        return Errno.None;
    }

    private void CompactInBackground()
    {
        try
        {
            _ = Compact(); // a failure is latched, and told to the next who asks
        }
        finally
        {
            Volatile.Write(ref _backgroundRuns, 0);
        }
    }

    private Errno CompactInSteps(Action<long, long>? progress)
    {
        if (Failure != Errno.None)
        {
            return Errno.EIO;
        }
        Errno errno = TfsLog.Start(Device, Allocator, _committer!.Log.Sequence, out TfsLog? log);
        if (errno != Errno.None)
        {
            if (errno != Errno.ENOSPC)
            {
                _committer.Latch(errno);
            }
            return errno;
        }
        LogRewriter? rewriter = Metadata.BeginRewriting(out RecordBuffer? root);
        if (rewriter is null)
        {
            errno = Errno.EBUSY;
        }
        else
        {
            errno = log!.Open(rewriter.CommitSymbol, root!);
            errno = errno == Errno.None ? WriteTree(rewriter, log, progress) : errno;
            errno = errno == Errno.None ? _committer!.SwitchTo(rewriter, log, WriteHeader) : errno;
            Metadata.AbandonRewriting(rewriter);
        }
        if (errno is not (Errno.None or Errno.EBUSY or Errno.ENOSPC))
        {
            _committer!.Latch(errno);
        }
        else if (errno != Errno.None)
        {
            _committer!.Discard(log!);
        }
        return errno;
    }

    private Errno WriteTree(LogRewriter rewriter, TfsLog log, Action<long, long>? progress)
    {
        long expected = Math.Max(1, Metadata.TotalEntries - Metadata.ObsoleteEntries);
        bool isDone = false;
        RecordBuffer? spare = null;
        while (!isDone)
        {
            RecordBuffer? records = _isShuttingDown ? null : Metadata.Rewrite(rewriter, _options.CompactionStepBytes, s_stepTime, spare, out isDone);
            if (records is null)
            {
                return Errno.EBUSY;
            }
            Errno errno = records.IsEmpty ? Errno.None : log.Append(records);
            if (errno != Errno.None)
            {
                return errno;
            }
            if (!_committer!.HasWayOn && Allocator.LongestFreeRun < TfsFormat.ExtensionSectors)
            {
                return Errno.ENOSPC; // the old log may need what is left
            }
            records.Clear();
            spare = records;
            progress?.Invoke(rewriter.EntryCount, Math.Max(expected, rewriter.EntryCount));
        }
        return Errno.None;
    }

    private Errno WriteHeader(TfsLog log)
    {
        long last = Allocator.TotalSectors - 1;
        return LogRewriter.SwitchTo(Device, _volume.Uuid, _volume.Label, log, HasShadow(_volume, last) ? last : -1);
    }

    private (Errno Errno, TfsLog Log) CompactAtOnceLocked(TfsLog old)
    {
        old.DropSpare();
        LogRewriter? rewriter = Metadata.BeginRewriting(out RecordBuffer? root);
        if (rewriter is null)
        {
            old.TakeSpare();
            return (Errno.EBUSY, old);
        }
        Errno errno = TfsLog.Start(Device, Allocator, old.Sequence, out TfsLog? log);
        using (Metadata.Enter())
        {
            errno = errno == Errno.None ? log!.Open(rewriter.CommitSymbol, root!) : errno;
            errno = errno == Errno.None ? rewriter.Finish(log!) : errno;
            errno = errno == Errno.None ? WriteHeader(log!) : errno;
            if (errno == Errno.None)
            {
                _ = Metadata.EndRewriting(rewriter, 0);
                _committer!.Discard(old);
                log!.TakeSpare();
                return (Errno.None, log);
            }
        }
        Metadata.AbandonRewriting(rewriter);
        if (log is not null)
        {
            _committer!.Discard(log);
        }
        old.TakeSpare();
        if (errno != Errno.ENOSPC)
        {
            old.Fail(errno);
        }
        return (errno, old);
    }

    private void Collect()
    {
        TupleCollector? collector;
        using (Metadata.Enter())
        {
            collector = Metadata.BeginCollecting();
            lock (_dirtyMu)
            {
                foreach (TfsVnode vnode in _nameless)
                {
                    collector?.MarkInUse(vnode.Tuple);
                }
            }
        }
        if (collector is null)
        {
            return;
        }
        bool isThrough = false;
        while (!isThrough)
        {
            Metadata.LetOthersPass();
            using TfsMetadata.Operation operation = Metadata.Enter();
            isThrough = collector.Step(s_stepTime);
        }
    }
}
