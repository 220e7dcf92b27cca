// A transaction makes one operation of everything that is staged while it is open, and can take all of it back: each change of the store
// leaves what was there before in a list, the log's dictionary notes what got a number, and sectors that were allocated or freed are
// counted apart. Taking back goes through the list backwards. What stays behind is memory only: names and values that nobody refers to.
using System.Diagnostics;

namespace Tupelo.Tfs;

internal sealed partial class TfsMetadata
{
    private Undo? _undo; // guarded by _metaMu; not null while a transaction is open
    private long _transactions;

    /// <summary>Whether a transaction is open. Stable for whoever holds TfsCommitter's lock, a hint for others.</summary>
    public bool InTransaction => Volatile.Read(ref _undo) is not null;

    /// <summary>Number of the open transaction; 0 when none is. Within an operation.</summary>
    public long Epoch => _undo is null ? 0 : _transactions;

    /// <summary>Opens a transaction. Nothing incomplete may be staged.</summary>
    public void BeginTransaction()
    {
        lock (_metaMu)
        {
            Debug.Assert(_undo is null && _staged.RecordCount == _staged.RecordsOf(_staged.OperationCount));
            _rewriter = null; // taking back is for one log only: the compaction notices, and gives up
            _transactions++;
            _encoder.Dictionary.Note();
            Volatile.Write(ref _undo, new Undo(_staged.RecordCount, _retired.Count, TotalEntries, ObsoleteEntries));
        }
    }

    /// <summary>Closes the transaction: what it staged is one operation from now on.</summary>
    public void EndTransaction()
    {
        lock (_metaMu)
        {
            foreach ((int _, int _, AttributeSlot old) in _undo!.Changes)
            {
                Store.FreeBytes(old);
            }
            _encoder.Dictionary.Keep();
            _staged.EndOperation();
            Volatile.Write(ref _undo, null);
        }
    }

    /// <summary>Closes the transaction and takes all of it back. Within an operation.</summary>
    /// <returns>The tuples of files that it made: they are no files any more.</returns>
    public HashSet<int> RollBack()
    {
        Debug.Assert(_metaMu.IsHeldByCurrentThread && _undo is not null);
        Undo undo = _undo;
        Parents = null;
        for (int i = undo.Changes.Count - 1; i >= 0; i--)
        {
            (int tuple, int symbol, AttributeSlot old) = undo.Changes[i];
            _ = old.IsVacant ? Store.Remove(tuple, symbol) : Store.Set(tuple, symbol, old.Kind, old.Value);
        }
        _encoder.Dictionary.TakeBack();
        _staged.Truncate(undo.RecordCount);
        for (int i = undo.RetiredCount; i < _retired.Count; i++)
        {
            _allocator.Retire(-_retired[i].Count);
        }
        _retired.RemoveRange(undo.RetiredCount, _retired.Count - undo.RetiredCount);
        foreach ((long start, long count) in undo.Allocated.Runs().ToArray())
        {
            _allocator.Free(start, count);
        }
        TotalEntries = undo.TotalEntries;
        ObsoleteEntries = undo.ObsoleteEntries;
        Volatile.Write(ref _undo, null);
        return undo.Made;
    }

    /// <summary>A file was made.</summary>
    public void NoteMade(int tuple) => _undo?.Made.Add(tuple);

    /// <summary>Sectors were allocated.</summary>
    public void NoteAllocated(long start, long count) => _undo?.Allocated.Add(start, count);

    /// <summary>Sectors were freed that no record had ever mentioned.</summary>
    public void NoteFreed(long start, long count) => _undo?.Allocated.Remove(start, count);

    /// <summary>What a commit of everything staged takes in the log; see <see cref="TfsLog.ReserveRoom"/>.</summary>
    public Errno ReserveRoom(TfsLog log)
    {
        lock (_metaMu)
        {
            return log.ReserveRoom(_staged);
        }
    }

    private sealed class Undo(int recordCount, int retiredCount, long totalEntries, long obsoleteEntries)
    {
        public int RecordCount => recordCount;

        public int RetiredCount => retiredCount;

        public long TotalEntries => totalEntries;

        public long ObsoleteEntries => obsoleteEntries;

        /// <summary>Attributes as they were before each change, in the order of the changes.</summary>
        public List<(int Tuple, int Symbol, AttributeSlot Old)> Changes { get; } = [];

        /// <summary>Sectors that only this transaction uses.</summary>
        public FreeRunTree Allocated { get; } = new();

        public HashSet<int> Made { get; } = [];
    }
}
