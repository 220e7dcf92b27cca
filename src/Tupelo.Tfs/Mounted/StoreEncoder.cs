// StoreEncoder writes records out of the tuple store into a buffer, numbering what is new to its log. One encoder belongs to one log;
// while compaction runs there are two. What was encoded must reach the log in the order in which it was encoded: later records rely on
// the numbers. Bytes: docs/tfs-format.md#values. Guarded by TfsMetadata's lock.
using System.Diagnostics;

namespace Tupelo.Tfs;

internal sealed class StoreEncoder(TupleStore store, LogDictionary dictionary, RecordBuffer target)
{
    private readonly Stack<(int Tuple, int Next)> _open = new();

    // A tuple of more attributes than this is not written out in one record by a rewriter: a step of its must be short.
    private const int MaxAttributesAtOnce = 1024;

    private readonly int _childrenSymbol = store.Symbols.Find(TfsAttribute.Children);

    /// <summary>While a rewriter writes the tree: takes the tuples that were written out empty, `children` and very large ones, whose
    /// attributes are to follow one by one. Null otherwise.</summary>
    public Stack<int>? Deferred { get; init; }

    /// <summary>Attributes written out so far, nested ones included.</summary>
    public long EntryCount { get; private set; }

    /// <summary>The log's numbers.</summary>
    public LogDictionary Dictionary => dictionary;

    /// <summary>A record that sets an attribute of a tuple, which has a number, to what the store holds; or removes it when it holds nothing.</summary>
    public void SetAttribute(int tuple, int symbol)
    {
        Begin(tuple, symbol);
        AttributeSlot slot = store.Get(tuple, symbol);
        if (slot.IsVacant)
        {
            target.Header(immediate: true, TfsValueType.Buffer, 0);
        }
        else
        {
            Value(slot);
        }
        target.EndRecord();
    }

    /// <summary>A record that sets an attribute of a tuple to a string that the store does not hold.</summary>
    public void SetString(int tuple, int symbol, ReadOnlySpan<byte> value)
    {
        Begin(tuple, symbol);
        target.Header(immediate: true, TfsValueType.String, (uint)value.Length);
        target.Bytes(value);
        target.EndRecord();
    }

    /// <summary>The record that begins a log: the root with its attributes, its directory still empty.</summary>
    /// <param name="except">A symbol that is left out.</param>
    public void Root(int except)
    {
        Debug.Assert(dictionary.Next == 1 && Deferred is not null);
        int count = 0;
        foreach (ref readonly AttributeSlot slot in store.SlotsOf(TupleStore.Root))
        {
            count += slot.IsVacant || slot.Symbol == except ? 0 : 1;
        }
        target.Header(immediate: true, TfsValueType.Tuple, (uint)count);
        _ = dictionary.AddTuple(TupleStore.Root);
        foreach (ref readonly AttributeSlot slot in store.SlotsOf(TupleStore.Root))
        {
            if (!slot.IsVacant && slot.Symbol != except)
            {
                Name(slot.Symbol);
                Value(slot);
            }
        }
        target.EndRecord();
    }

    private void Begin(int tuple, int symbol)
    {
        Debug.Assert(!store.IsVector(tuple) && dictionary.OfTuple(tuple) != 0);
        target.Header(immediate: false, TfsValueType.Tuple, 1);
        target.Varint(dictionary.OfTuple(tuple));
        Name(symbol);
    }

    private void Name(int symbol)
    {
        uint number = dictionary.OfSymbol(symbol);
        if (number != 0)
        {
            target.Header(immediate: false, TfsValueType.Buffer, number);
            return;
        }
        ReadOnlySpan<byte> name = store.Symbols.NameOf(symbol);
        target.Header(immediate: true, TfsValueType.Buffer, (uint)name.Length);
        target.Bytes(name);
        _ = dictionary.AddSymbol(symbol);
    }

    // A value with everything below it that the log does not have; what it has is referred to. No recursion.
    private void Value(AttributeSlot value)
    {
        Debug.Assert(_open.Count == 0);
        Scalar(value);
        while (_open.TryPop(out (int Tuple, int Next) top))
        {
            ReadOnlySpan<AttributeSlot> slots = store.SlotsOf(top.Tuple);
            int next = top.Next;
            while (next < slots.Length && slots[next].IsVacant)
            {
                next++;
            }
            if (next == slots.Length)
            {
                continue;
            }
            _open.Push((top.Tuple, next + 1));
            if (!store.IsVector(top.Tuple))
            {
                Name(slots[next].Symbol);
            }
            Scalar(slots[next]);
        }
    }

    private void Scalar(AttributeSlot value)
    {
        EntryCount++;
        switch (value.Kind)
        {
            case TfsValueKind.Integer or TfsValueKind.NegativeInteger:
                target.Header(immediate: true, TfsValueType.Integer, value.Kind == TfsValueKind.NegativeInteger ? 1u : 0u);
                target.Varint(value.Value);
                return;
            case TfsValueKind.String or TfsValueKind.Buffer:
                ReadOnlySpan<byte> bytes = store.BytesOf(value);
                target.Header(immediate: true, value.Kind == TfsValueKind.String ? TfsValueType.String : TfsValueType.Buffer, (uint)bytes.Length);
                target.Bytes(bytes);
                return;
            case TfsValueKind.Removed:
                target.Header(immediate: true, TfsValueType.Buffer, 0);
                return;
            default:
                Composite((int)value.Value, value.Kind == TfsValueKind.Vector ? TfsValueType.Vector : TfsValueType.Tuple, value.Symbol);
                return;
        }
    }

    private void Composite(int tuple, TfsValueType type, int symbol)
    {
        uint number = dictionary.OfTuple(tuple);
        if (number != 0)
        {
            target.Header(immediate: false, type, 0);
            target.Varint(number);
            return;
        }
        int count = store.CountOf(tuple);
        bool isDeferred = Deferred is not null && type == TfsValueType.Tuple && count > 0 && (symbol == _childrenSymbol || count > MaxAttributesAtOnce);
        target.Header(immediate: true, type, isDeferred ? 0 : (uint)count);
        _ = dictionary.AddTuple(tuple);
        if (isDeferred)
        {
            Deferred!.Push(tuple);
        }
        else
        {
            _open.Push((tuple, 0));
        }
    }
}

/// <summary>Encoded records side by side, with the ends of operations marked: what is staged for the next commits.</summary>
internal sealed class RecordBuffer
{
    private readonly List<int> _ends = [];       // of records
    private readonly List<int> _operations = []; // of operations, as counts of records
    private byte[] _bytes = new byte[4096];
    private int _length;

    /// <summary>Bytes of all records.</summary>
    public int LengthBytes => _length;

    public int RecordCount => _ends.Count;

    /// <summary>Operations that are complete: a commit may end behind each of them, and nowhere else.</summary>
    public int OperationCount => _operations.Count;

    public bool IsEmpty => _ends.Count == 0;

    /// <summary>How many records the first <paramref name="operations"/> operations have.</summary>
    public int RecordsOf(int operations) => operations == 0 ? 0 : _operations[operations - 1];

    public ReadOnlySpan<byte> Record(int index) => _bytes.AsSpan((index == 0 ? 0 : _ends[index - 1])..(_ends[index]));

    public void Header(bool immediate, TfsValueType type, uint n) => _length += TupleEncoder.WriteHeader(Room(TupleEncoder.MaxHeaderBytes), immediate, type, n);

    public void Varint(ulong value) => _length += TfsVarint.Write(Room(TfsVarint.MaxBytes), value);

    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        _length += bytes.Length;
    }

    public void EndRecord() => _ends.Add(_length);

    /// <summary>What was recorded since the last call is one operation: all of it is in a commit, or nothing.</summary>
    public void EndOperation()
    {
        if (_ends.Count > RecordsOf(_operations.Count))
        {
            _operations.Add(_ends.Count);
        }
    }

    /// <summary>Forgets all but the first records; what is left are whole operations.</summary>
    public void Truncate(int records)
    {
        _length = records == 0 ? 0 : _ends[records - 1];
        _ends.RemoveRange(records, _ends.Count - records);
    }

    public void Clear()
    {
        _ends.Clear();
        _operations.Clear();
        _length = 0;
        if (_bytes.Length > 4 << 20)
        {
            _bytes = new byte[4096];
        }
    }

    private Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _length < bytes)
        {
            Array.Resize(ref _bytes, checked((int)Math.Min(Array.MaxLength, Math.Max((long)_length + bytes, _length * 2L))));
        }
        return _bytes.AsSpan(_length);
    }
}
