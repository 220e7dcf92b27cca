// TfsMetadata is the clerk's book of a mounted volume: the tuple store, and every change to it staged as log records in the same step,
// so that memory and log cannot part. Place: the vnodes change it, TfsCommitter takes what is staged. It touches no device.
//
// An operation is what happens between Enter and the end of its scope; all its records are in one commit, or none is. A tuple that
// the log does not know yet (a temporary file, something being built) is changed in memory only: the record that first refers to it
// carries all of it.
//
// A transaction (TfsMetadata.Transaction.cs) makes one operation of all that happens while it is open.
//
// Lock: _metaMu guards everything here; memory work only, nothing is called under it but the allocator (its lock is a leaf below).
using System.Diagnostics;
using System.Globalization;

namespace Tupelo.Tfs;

internal sealed partial class TfsMetadata
{
    private readonly Lock _metaMu = new(); // Guards Store, the staging buffers, _retired and the counters.
    private readonly TfsAllocator _allocator;
    private StoreEncoder _encoder;
    private RecordBuffer _staged = new();
    private List<(long Start, long Count)> _retired = [];
    private int _waiting;           // threads that wait for the lock to begin an operation
    private LogRewriter? _rewriter; // the compaction that is under way; see TfsMetadata.Compaction.cs

    public TfsMetadata(TupleStore store, LogDictionary dictionary, TfsAllocator allocator, TfsLogInfo info)
    {
        Store = store;
        Symbols = new TfsSymbols(store.Symbols);
        _allocator = allocator;
        _encoder = new StoreEncoder(store, dictionary, _staged);
        TotalEntries = info.TotalEntries;
        ObsoleteEntries = info.ObsoleteEntries;
    }

    /// <summary>The tuples. Only within an operation.</summary>
    public TupleStore Store { get; }

    public TfsSymbols Symbols { get; }

    /// <summary>Where files have their names; null until somebody asks. Within an operation.</summary>
    public TfsParentIndex? Parents { get; set; }

    /// <summary>Attributes in the log, nested ones included; and how many of them are obsolete.</summary>
    public long TotalEntries { get; private set; }

    /// <inheritdoc cref="TotalEntries"/>
    public long ObsoleteEntries { get; private set; }

    /// <summary>Bytes staged and not yet taken, as they were a moment ago.</summary>
    public int StagedBytes => Volatile.Read(ref _staged).LengthBytes;

    /// <summary>Begins an operation: everything until the scope's Dispose is in one commit.</summary>
    public Operation Enter()
    {
        Acquire();
        return new Operation(this);
    }

    private void Acquire()
    {
        if (!_metaMu.TryEnter())
        {
            _ = Interlocked.Increment(ref _waiting);
            _metaMu.Enter();
            _ = Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>Takes all complete operations, and the sectors that they freed, for a commit. <paramref name="empty"/> takes their place.
    /// If the commit fails the sectors stay retired for ever: the device may still refer to them.</summary>
    public RecordBuffer Take(RecordBuffer empty, out List<(long Start, long Count)> retired)
    {
        Debug.Assert(empty.IsEmpty);
        Acquire();
        try
        {
            RecordBuffer taken = _staged;
            _staged = empty;
            _encoder = new StoreEncoder(Store, _encoder.Dictionary, empty);
            retired = _retired;
            _retired = [];
            return taken;
        }
        finally
        {
            _metaMu.Exit();
        }
    }

    /// <summary>Sets a number.</summary>
    public void SetNumber(int tuple, int symbol, ulong value)
    {
        // Nanos misreads exactly 2^61; nothing of ours counts so far but a time stamp, which TfsTime keeps off it.
        Debug.Assert(value != TupleEncoder.ForbiddenInteger);
        Set(tuple, symbol, TfsValueKind.Integer, value);
    }

    /// <summary>Sets a number unless it is there already.</summary>
    public void UpdateNumber(int tuple, int symbol, ulong value)
    {
        AttributeSlot old = Store.Get(tuple, symbol);
        if (!Store.TryGetNumber(old, out ulong number) || number != value)
        {
            SetNumber(tuple, symbol, value);
        }
    }

    /// <summary>Sets a string.</summary>
    public void SetString(int tuple, int symbol, ReadOnlySpan<byte> value) => Set(tuple, symbol, TfsValueKind.String, Store.StoreBytes(value));

    /// <summary>Sets a flag.</summary>
    public void SetNull(int tuple, int symbol) => Set(tuple, symbol, TfsValueKind.Buffer, Store.StoreBytes([0]));

    /// <summary>Makes an attribute lead to a tuple.</summary>
    public void SetTuple(int tuple, int symbol, int value) => Set(tuple, symbol, TfsValueKind.Tuple, (ulong)value);

    /// <summary>Sets an attribute to a value whose bytes are stored, and whose tuples are built, already.</summary>
    public void SetSlot(int tuple, int symbol, AttributeSlot value) => Set(tuple, symbol, value.Kind, value.Value);

    /// <summary>Takes an attribute away; nothing happens when there is none.</summary>
    public void Unset(int tuple, int symbol)
    {
        Debug.Assert(_metaMu.IsHeldByCurrentThread);
        AttributeSlot old = Store.Get(tuple, symbol);
        if (Store.Remove(tuple, symbol))
        {
            Replaced(tuple, symbol, old);
            ObsoleteEntries += 2;
            Stage(tuple, symbol);
        }
    }

    /// <summary>The sectors belong to nobody from the next commit on.</summary>
    public void Retire(long start, long count)
    {
        Debug.Assert(_metaMu.IsHeldByCurrentThread);
        if (count > 0)
        {
            _allocator.Retire(count);
            _retired.Add((start, count));
        }
    }

    private void Set(int tuple, int symbol, TfsValueKind kind, ulong value)
    {
        Debug.Assert(_metaMu.IsHeldByCurrentThread);
        AttributeSlot old = Store.Get(tuple, symbol);
        TotalEntries++;
        ObsoleteEntries += Store.Set(tuple, symbol, kind, value) ? 1 : 0;
        Replaced(tuple, symbol, old);
        Stage(tuple, symbol);
    }

    // Nothing holds the value that was there before but, perhaps, a transaction that may be taken back.
    private void Replaced(int tuple, int symbol, AttributeSlot old)
    {
        if (_undo is null)
        {
            Store.FreeBytes(old);
        }
        else
        {
            _undo.Changes.Add((tuple, symbol, old));
        }
    }

    private void Stage(int tuple, int symbol)
    {
        if (_encoder.Dictionary.OfTuple(tuple) != 0)
        {
            _encoder.SetAttribute(tuple, symbol);
        }
        if (_rewriter is not null && _rewriter.Dictionary.OfTuple(tuple) != 0)
        {
            _rewriter.Encoder.SetAttribute(tuple, symbol);
        }
    }

    /// <summary>One operation; see <see cref="Enter"/>.</summary>
    public readonly ref struct Operation(TfsMetadata metadata)
    {
        public void Dispose()
        {
            if (metadata._undo is null)
            {
                metadata._staged.EndOperation();
                metadata._rewriter?.EndOperation();
            }
            metadata._metaMu.Exit();
        }
    }
}

/// <summary>The symbols that a mounted volume works with: all of them interned, so that none is ever missing.</summary>
internal sealed class TfsSymbols(SymbolTable symbols)
{
    public readonly int Children = symbols.Intern(TfsAttribute.Children);
    public readonly int Extents = symbols.Intern(TfsAttribute.Extents);
    public readonly int FileLength = symbols.Intern(TfsAttribute.FileLength);
    public readonly int LinkTarget = symbols.Intern(TfsAttribute.LinkTarget);
    public readonly int Socket = symbols.Intern(TfsAttribute.Socket);
    public readonly int LinkCount = symbols.Intern(TfsAttribute.LinkCount);
    public readonly int AccessTime = symbols.Intern(TfsAttribute.AccessTime);
    public readonly int ModifyTime = symbols.Intern(TfsAttribute.ModifyTime);
    public readonly int Offset = symbols.Intern(TfsAttribute.Offset);
    public readonly int Length = symbols.Intern(TfsAttribute.Length);
    public readonly int Allocated = symbols.Intern(TfsAttribute.Allocated);
    public readonly int Uninitialized = symbols.Intern(TfsAttribute.Uninitialized);
    public readonly int Mode = symbols.Intern(TfsAttribute.TupeloMode);
    public readonly int Uid = symbols.Intern(TfsAttribute.TupeloUid);
    public readonly int Gid = symbols.Intern(TfsAttribute.TupeloGid);
    public readonly int ChangeTime = symbols.Intern(TfsAttribute.TupeloChangeTime);
    public readonly int BirthTime = symbols.Intern(TfsAttribute.TupeloBirthTime);
    public readonly int Device = symbols.Intern(TfsAttribute.TupeloDevice);
    public readonly int Commit = symbols.Intern(TfsAttribute.TupeloCommit);
    public readonly int Special = symbols.Intern(TfsAttribute.Special);

    /// <summary>All of them: in use for as long as the volume is.</summary>
    public int[] All() =>
    [
        Children, Extents, FileLength, LinkTarget, Socket, LinkCount, AccessTime, ModifyTime, Offset, Length, Allocated, Uninitialized, Mode, Uid,
        Gid, ChangeTime, BirthTime, Device, Commit, Special,
    ];

    /// <summary>The name of an extent: its place in the file in sectors, as decimal digits.</summary>
    public int ExtentKey(long fileSector)
    {
        Span<byte> digits = stackalloc byte[20];
        bool written = fileSector.TryFormat(digits, out int length, provider: CultureInfo.InvariantCulture);
        Debug.Assert(written);
        return symbols.Intern(digits[..length]);
    }
}
