// LogRewriter writes the live tree of a store into a new log, entry by entry, in steps as short as the caller wants: compaction takes them
// while others go on changing the store, a repair and a resize take them in one go. Nothing leads to the new log until SwitchTo has
// written sector 0: a single sector is the commit, and the old log is the volume's until then, whatever happens.
//
// Every record is one operation. A directory is written out empty, and so is any very large tuple; their attributes follow, those first
// that were there when their turn came. What is set later, by others, in a tuple that the new log knows must be staged with Encoder too:
// then, when Step has nothing left to do, the new log says what the store says.
//
// Order: extensions prepared, filled, flushed -> sector 0 -> flush -> its copy -> what the old log had is free.
// Not thread-safe: on a mounted volume everything but Write and SwitchTo is done under TfsMetadata's lock.
using System.Diagnostics;

namespace Tupelo.Tfs;

internal sealed class LogRewriter
{
    private readonly TupleStore _store;
    private readonly TfsSymbols _symbols;
    private readonly Stack<int> _deferred = new();
    private int _tuple;         // whose attributes are being written; 0 when none
    private int[] _attributes = [];
    private int _next;
    private RecordBuffer _staged = new();
    private long _taken;        // attributes in what was taken

    public LogRewriter(TupleStore store, TfsSymbols symbols)
    {
        _store = store;
        _symbols = symbols;
        Dictionary = new LogDictionary();
        Encoder = new StoreEncoder(store, Dictionary, _staged) { Deferred = _deferred };
    }

    /// <summary>The new log's numbers.</summary>
    public LogDictionary Dictionary { get; }

    /// <summary>Stages records for the new log.</summary>
    public StoreEncoder Encoder { get; private set; }

    /// <summary>Bytes staged and not taken yet.</summary>
    public int StagedBytes => _staged.LengthBytes;

    /// <summary>Attributes that the new log has.</summary>
    public long EntryCount => _taken + Encoder.EntryCount;

    /// <summary>True when <see cref="Step"/> has nothing left to do.</summary>
    public bool IsDone => _tuple == 0 && _deferred.Count == 0;

    /// <summary>Prepares the new log and writes its first commit, the root with all its attributes: for a volume that nobody else uses.</summary>
    /// <remarks>Errors: ENOSPC no room for an extension (nothing has changed) · EIO.</remarks>
    public Errno Begin(BlockDevice device, TfsAllocator allocator, ulong sequence, out TfsLog? log)
    {
        Errno errno = TfsLog.Start(device, allocator, sequence, out log);
        if (errno != Errno.None)
        {
            return errno;
        }
        RecordBuffer root = Root();
        return log!.Open(CommitSymbol, root);
    }

    /// <summary>The record that begins the new log. What is staged with <see cref="Encoder"/> comes after it.</summary>
    public RecordBuffer Root()
    {
        Encoder.Root(except: _symbols.Commit);
        _staged.EndOperation();
        CommitSymbol = Dictionary.AddSymbol(_symbols.Commit);
        return Take();
    }

    /// <summary>Number of the commit records' attribute in the new log, which <see cref="Root"/> has settled.</summary>
    public uint CommitSymbol { get; private set; }

    /// <summary>Stages more of the tree: until there is nothing left, or so many bytes are staged, or the time is up.</summary>
    /// <param name="maxBytes">Of records, all that is staged counted.</param>
    /// <param name="maxTime">How long at the most.</param>
    public void Step(int maxBytes, TimeSpan maxTime)
    {
        long begun = Stopwatch.GetTimestamp();
        int sinceLook = 0;
        while (_staged.LengthBytes < maxBytes)
        {
            if (_next == _attributes.Length && !TakeDeferred())
            {
                return;
            }
            int symbol = _attributes[_next++];
            if (!_store.Get(_tuple, symbol).IsVacant)
            {
                Encoder.SetAttribute(_tuple, symbol);
                _staged.EndOperation();
            }
            if (++sinceLook == 64)
            {
                sinceLook = 0;
                if (Stopwatch.GetElapsedTime(begun) >= maxTime)
                {
                    return;
                }
            }
        }
    }

    /// <summary>Ends an operation that others have staged with <see cref="Encoder"/>.</summary>
    public void EndOperation() => _staged.EndOperation();

    /// <summary>What is staged since the last <see cref="Take"/>: it becomes the log's stage when the new log is the volume's.</summary>
    public RecordBuffer Staged => _staged;

    /// <summary>Takes what is staged, to be written to the new log.</summary>
    /// <param name="empty">Takes its place; a new one when null.</param>
    public RecordBuffer Take(RecordBuffer? empty = null)
    {
        Debug.Assert(empty is null or { IsEmpty: true });
        RecordBuffer taken = _staged;
        _staged = empty ?? new RecordBuffer();
        _taken += Encoder.EntryCount;
        Encoder = new StoreEncoder(_store, Dictionary, _staged) { Deferred = _deferred };
        return taken;
    }

    /// <summary>All that is left in one go: for a volume that nobody else uses.</summary>
    /// <remarks>Errors: ENOSPC · EIO.</remarks>
    public Errno Finish(TfsLog log)
    {
        Errno errno = Errno.None;
        RecordBuffer? spare = null;
        do
        {
            Step(1 << 20, TimeSpan.MaxValue);
            RecordBuffer taken = Take(spare);
            errno = taken.IsEmpty ? Errno.None : log.Append(taken);
            taken.Clear();
            spare = taken;
        }
        while (errno == Errno.None && !IsDone);
        return errno == Errno.None ? log.Commit(spare) : errno; // which flushes
    }

    /// <summary>Lets sector 0 lead to a log that is complete and flushed, and brings its copy up to date.</summary>
    /// <param name="device">The volume.</param>
    /// <param name="uuid">Its identity.</param>
    /// <param name="label">Its label.</param>
    /// <param name="log">The log.</param>
    /// <param name="copySector">Where the copy of sector 0 belongs; -1 when there is no room for one.</param>
    /// <remarks>Errors: EIO; whether sector 0 leads to the old log or the new one is then not known.</remarks>
    public static Errno SwitchTo(BlockDevice device, ReadOnlySpan<byte> uuid, ReadOnlySpan<byte> label, TfsLog log, long copySector)
    {
        byte[] sector = new byte[TfsFormat.SectorBytes];
        VolumeHeader.Write(sector, uuid, label, log.Chain[0].Start);
        Errno errno = device.Write(0, sector);
        errno = errno == Errno.None ? device.Flush() : errno;
        return errno == Errno.None && copySector > 0 ? device.Write(copySector * TfsFormat.SectorBytes, sector) : errno;
    }

    // The attributes of the next tuple, as they are now. Others may add to it and take from it between the steps.
    private bool TakeDeferred()
    {
        _tuple = 0;
        if (!_deferred.TryPop(out int tuple))
        {
            return false;
        }
        int count = 0;
        if (_attributes.Length != _store.CountOf(tuple))
        {
            _attributes = new int[_store.CountOf(tuple)];
        }
        foreach (ref readonly AttributeSlot slot in _store.SlotsOf(tuple))
        {
            if (!slot.IsVacant)
            {
                _attributes[count++] = slot.Symbol;
            }
        }
        Debug.Assert(count == _attributes.Length);
        _next = 0;
        _tuple = tuple;
        return true;
    }
}
