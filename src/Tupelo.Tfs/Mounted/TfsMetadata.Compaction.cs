// Compaction, as the clerk's book sees it: while a LogRewriter is at work, every change is staged for both logs, for each as far as it knows
// the tuple. Up to the moment in which the new log is the volume's, the old stage has all that the old log lacks; from then on the new one
// has all that the new log lacks. So a compaction can be given up at any time before, and nothing is lost.
using System.Diagnostics;

namespace Tupelo.Tfs;

internal sealed partial class TfsMetadata
{
    /// <summary>Begins to stage for a second log as well.</summary>
    /// <param name="root">The new log's first record.</param>
    /// <returns>Null when a transaction is open.</returns>
    public LogRewriter? BeginRewriting(out RecordBuffer? root)
    {
        lock (_metaMu)
        {
            Debug.Assert(_rewriter is null);
            root = null;
            if (_undo is null)
            {
                _rewriter = new LogRewriter(Store, Symbols);
                root = _rewriter.Root();
            }
            return _rewriter;
        }
    }

    /// <summary>Stages more of the tree for the new log, for a short time, and takes what is staged for it.</summary>
    /// <param name="rewriter">The compaction.</param>
    /// <param name="maxBytes">See <see cref="LogRewriter.Step"/>.</param>
    /// <param name="maxTime">See <see cref="LogRewriter.Step"/>.</param>
    /// <param name="isDone">True when all of the tree has been staged.</param>
    /// <param name="empty">Takes the place of what is taken; may be null.</param>
    /// <returns>Null when a transaction has ended the compaction.</returns>
    public RecordBuffer? Rewrite(LogRewriter rewriter, int maxBytes, TimeSpan maxTime, RecordBuffer? empty, out bool isDone)
    {
        LetOthersPass();
        lock (_metaMu)
        {
            isDone = false;
            if (_rewriter != rewriter)
            {
                return null;
            }
            rewriter.Step(maxBytes, maxTime);
            isDone = rewriter.IsDone;
            return rewriter.Take(empty);
        }
    }

    /// <summary>Waits until nobody waits for the lock, but not for ever: who takes it again and again, each time for long, must do so, since
    /// the lock itself does not care who came first.</summary>
    public void LetOthersPass()
    {
        long begun = Stopwatch.GetTimestamp();
        var spinner = default(SpinWait);
        while (Volatile.Read(ref _waiting) > 0 && Stopwatch.GetElapsedTime(begun).TotalMilliseconds < 20)
        {
            spinner.SpinOnce();
        }
    }

    /// <summary>Takes what the new log lacks up to this moment.</summary>
    /// <param name="rewriter">The compaction, done with the tree.</param>
    /// <param name="retiredRuns">How many runs of sectors are free when that is durable.</param>
    /// <returns>Null when a transaction has ended the compaction.</returns>
    public RecordBuffer? TakeLast(LogRewriter rewriter, out int retiredRuns)
    {
        lock (_metaMu)
        {
            retiredRuns = _retired.Count;
            return _rewriter != rewriter ? null : rewriter.Take();
        }
    }

    /// <summary>The new log is the volume's. What was staged for the old one is in it, or staged for it.</summary>
    /// <returns>The runs of sectors that are free now.</returns>
    public List<(long Start, long Count)> EndRewriting(LogRewriter rewriter, int retiredRuns)
    {
        lock (_metaMu)
        {
            Debug.Assert(_rewriter == rewriter && _undo is null);
            _rewriter = null;
            _staged = rewriter.Staged;
            _encoder = new StoreEncoder(Store, rewriter.Dictionary, _staged);
            TotalEntries = rewriter.EntryCount;
            ObsoleteEntries = 0;
            List<(long Start, long Count)> free = _retired[..retiredRuns];
            _retired.RemoveRange(0, retiredRuns);
            return free;
        }
    }

    /// <summary>The compaction is given up.</summary>
    public void AbandonRewriting(LogRewriter rewriter)
    {
        lock (_metaMu)
        {
            _rewriter = _rewriter == rewriter ? null : _rewriter;
        }
    }

    /// <summary>A file has lost its last name: its attributes in the log are obsolete, as the entry is.</summary>
    public void NoteGone(int file)
    {
        Debug.Assert(_metaMu.IsHeldByCurrentThread);
        ObsoleteEntries += EntriesOf(file);
    }

    /// <summary>How many attributes a file has, with those of its extents or of its empty directory. Within an operation, or before there are any.</summary>
    public long EntriesOf(int file)
    {
        long entries = Store.CountOf(file);
        AttributeSlot extents = Store.Get(file, Symbols.Extents);
        if (extents.Kind == TfsValueKind.Tuple)
        {
            entries += 4L * Store.CountOf((int)extents.Value);
        }
        return entries;
    }

    /// <summary>At mount: so many attributes are alive; all others in the log are obsolete, though its reader may not have seen why.</summary>
    public void CountLive(long entries) => ObsoleteEntries = Math.Max(ObsoleteEntries, TotalEntries - entries);

    /// <summary>At mount: a file has so many names, whatever its link count says. Its sectors go when the last name goes, so the count must be
    /// right; it is set in memory, and logged with the next compaction or change of names.</summary>
    public void CorrectLinkCount(int file, uint names)
    {
        AttributeSlot held = Store.Get(file, Symbols.LinkCount);
        if (held.IsVacant ? names != 1 : !Store.TryGetNumber(held, out ulong count) || count != names)
        {
            _ = Store.Set(file, Symbols.LinkCount, TfsValueKind.Integer, names);
        }
    }

    /// <summary>The collection of what nobody uses, once the log was rewritten.</summary>
    /// <returns>Null while a transaction is open: taking it back takes numbers back, too.</returns>
    public TupleCollector? BeginCollecting()
    {
        lock (_metaMu)
        {
            return _undo is null ? new TupleCollector(Store, _encoder.Dictionary, Symbols) : null;
        }
    }
}
