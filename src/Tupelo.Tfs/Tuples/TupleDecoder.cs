// TupleDecoder turns one log record into changes of the tuple store, and numbers symbols, tuples and vectors exactly as the writer
// did: a number is given to each immediate tuple and vector before its content, and to each immediate symbol before its value.
// Bytes: docs/tfs-format.md#values. The input is a stranger's: every length and reference is checked, nesting costs heap, not stack.
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Tupelo.Tfs;

/// <summary>Watches a decoder at work.</summary>
internal interface ITupleObserver
{
    /// <summary>A value is about to be set, or removed (<see cref="TfsValueKind.None"/>); the store still holds the one before.</summary>
    /// <param name="owner">The tuple or vector.</param>
    /// <param name="symbol">The attribute's name; 0 for an element of a vector.</param>
    /// <param name="element">The element's index; -1 for an attribute.</param>
    /// <param name="slot">The new value.</param>
    void Changing(int owner, int symbol, int element, AttributeSlot slot);
}

internal sealed class TupleDecoder
{
    private const uint TupleFlag = 1u << 31;

    private readonly TupleStore _store;
    private readonly ChunkedArray<uint> _dictionary = new();
    private readonly int _lastIgnored; // symbols up to this one name what is read and not kept; see IsKept
    private Frame[] _stack = new Frame[16];

    public TupleDecoder(TupleStore store)
    {
        _store = store;
        _ = _dictionary.Add(0); // numbers start at 1
        foreach (string name in (ReadOnlySpan<string>)["", ".", ".."])
        {
            _lastIgnored = store.Symbols.Intern(System.Text.Encoding.ASCII.GetBytes(name));
        }
    }

    /// <summary>Is told of each change; none when a volume is opened.</summary>
    public ITupleObserver? Observer { get; init; }

    /// <summary>Numbers given so far.</summary>
    public int DictionaryCount => _dictionary.Count - 1;

    /// <summary>Attributes set so far, nested ones included; and how many of these another setting has made obsolete.</summary>
    public long TotalEntries { get; private set; }

    /// <inheritdoc cref="TotalEntries"/>
    public long ObsoleteEntries { get; private set; }

    /// <summary>The symbol with dictionary number <paramref name="index"/>, or 0.</summary>
    public int SymbolAt(ulong index)
    {
        uint entry = EntryAt(index);
        return (entry & TupleFlag) == 0 ? (int)entry : 0;
    }

    /// <summary>The tuple or vector with dictionary number <paramref name="index"/>, or 0.</summary>
    public int TupleAt(ulong index)
    {
        uint entry = EntryAt(index);
        return (entry & TupleFlag) != 0 ? (int)(entry & ~TupleFlag) : 0;
    }

    /// <summary>The first dictionary number of <paramref name="symbol"/>, or 0. Looks at every number: not for hot paths.</summary>
    public ulong IndexOfSymbol(int symbol)
    {
        for (int index = 1; index <= DictionaryCount; index++)
        {
            if (_dictionary[index] == (uint)symbol)
            {
                return (ulong)index;
            }
        }
        return 0;
    }

    /// <summary>Applies one record.</summary>
    /// <param name="record">The whole record.</param>
    /// <param name="old">Encoded as version 4.</param>
    /// <param name="offsetBytes">Where it stands, for messages.</param>
    /// <exception cref="TfsFormatException">The record is damaged; the store then holds a part of it.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Decode(ReadOnlySpan<byte> record, bool old, long offsetBytes)
    {
        var reader = new TupleReader(record, old, offsetBytes);
        Header top = reader.ReadHeader();
        if (top.Type != TfsValueType.Tuple)
        {
            reader.Fail("a record is not a tuple");
        }
        int depth = 0;
        Push(ref depth, Composite(ref reader, top));
        while (depth > 0)
        {
            ref Frame frame = ref _stack[depth - 1];
            if (!old && !frame.IsVectorObject && Observer is null)
            {
                int consumed = TakePlainIntegers(record[reader.Position..], ref frame);
                reader.Skip(consumed);
            }
            if (frame.Remaining == 0)
            {
                depth--;
                continue;
            }
            frame.Remaining--;
            int symbol = 0;
            int element = -1;
            if (frame.IsVector)
            {
                element = frame.NextElement++;
            }
            else
            {
                symbol = ReadSymbol(ref reader);
                if (frame.IsVectorObject)
                {
                    element = ElementNamed(ref reader, frame.Tuple, symbol);
                }
            }
            ReadValue(ref reader, ref depth, frame.Tuple, symbol, element);
        }
        if (!reader.AtEnd)
        {
            reader.Fail("a record is longer than its content");
        }
    }

    // Takes the attributes that most of a log consists of, as many as come one after another: an integer of 0 or more, named by the
    // number of a symbol. Stops in front of anything else and of anything wrong, which the general way then meets; returns the bytes
    // taken. A million files are seven million such attributes: compiled at once rather than by and by.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int TakePlainIntegers(ReadOnlySpan<byte> rest, ref Frame frame)
    {
        const uint ImmediateInteger = 0x80 | ((uint)TfsValueType.Integer << 4);
        int taken = 0;
        ulong remaining = frame.Remaining;
        while (remaining > 0 && taken + 4 < rest.Length)
        {
            int at = taken;
            uint number = rest[at++];
            if (number >= 0x80)
            {
                break;
            }
            if ((number & 0x08) != 0)
            {
                uint low = rest[at++];
                if (low >= 0x80)
                {
                    break;
                }
                number = ((number & 0x07) << 7) | low;
            }
            else
            {
                number &= 0x07;
            }
            int symbol = number < (uint)_dictionary.Count ? (int)_dictionary[(int)number] : 0; // below 0: a tuple
            if (rest[at++] != ImmediateInteger || symbol <= _lastIgnored)
            {
                break;
            }
            ulong value = rest[at++];
            if (value >= 0x80)
            {
                if (!TfsVarint.TryRead(rest[(at - 1)..], out value, out int length))
                {
                    break;
                }
                at += length - 1;
            }
            TotalEntries++;
            if (_store.Set(frame.Tuple, symbol, TfsValueKind.Integer, value))
            {
                ObsoleteEntries++;
            }
            remaining--;
            taken = at;
        }
        frame.Remaining = remaining;
        return taken;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReadValue(ref TupleReader reader, ref int depth, int owner, int symbol, int element)
    {
        Header header = reader.ReadHeader();
        switch (header.Type)
        {
            case TfsValueType.Tuple or TfsValueType.Vector:
                Frame child = Composite(ref reader, header);
                Assign(owner, symbol, element, header.Type == TfsValueType.Tuple ? TfsValueKind.Tuple : TfsValueKind.Vector, (ulong)child.Tuple);
                Push(ref depth, child);
                return;
            case TfsValueType.Integer:
                if (!header.IsImmediate)
                {
                    reader.Fail("an integer is written as a reference");
                }
                ulong magnitude = reader.ReadVarint();
                TfsValueKind sign = header.Count > 0 && magnitude != 0 ? TfsValueKind.NegativeInteger : TfsValueKind.Integer;
                Assign(owner, symbol, element, sign, magnitude);
                return;
            default:
                if (!header.IsImmediate)
                {
                    reader.Fail("a string is written as a reference");
                }
                if (header.Type == TfsValueType.Buffer && header.Count == 0)
                {
                    Unset(owner, symbol, element);
                    return;
                }
                ReadOnlySpan<byte> bytes = reader.ReadBytes(header.Count);
                if (IsKept(symbol, element))
                {
                    Assign(owner, symbol, element, header.Type == TfsValueType.String ? TfsValueKind.String : TfsValueKind.Buffer, _store.StoreBytes(bytes));
                }
                return;
        }
    }

    // Entry 0 is 0: no symbol, and no tuple.
    private uint EntryAt(ulong index) => index < (ulong)_dictionary.Count ? _dictionary[(int)index] : 0;

    // `.` and `..` are names that Nanos keeps in memory and now and then lets slip to disk: to follow them is to walk in circles.
    // An attribute without a name was written by old image builders.
    private bool IsKept(int symbol, int element) => element >= 0 || symbol > _lastIgnored;

    private void Assign(int owner, int symbol, int element, TfsValueKind kind, ulong value)
    {
        if (!IsKept(symbol, element))
        {
            return;
        }
        TotalEntries++;
        Observer?.Changing(owner, symbol, element, new AttributeSlot(symbol, kind, value));
        if (element >= 0 ? _store.SetElement(owner, element, kind, value) : _store.Set(owner, symbol, kind, value))
        {
            ObsoleteEntries++;
        }
    }

    private void Unset(int owner, int symbol, int element)
    {
        if (!IsKept(symbol, element))
        {
            return;
        }
        TotalEntries++;
        Observer?.Changing(owner, symbol, element, default);
        if (element >= 0 ? _store.SetElement(owner, element, TfsValueKind.Removed, 0) : _store.Remove(owner, symbol))
        {
            ObsoleteEntries += 2;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Frame Composite(ref TupleReader reader, Header header)
    {
        bool isVector = header.Type == TfsValueType.Vector;
        int tuple;
        if (header.IsImmediate)
        {
            // An attribute takes at least two bytes, an element one: a count that the record cannot hold is a lie.
            if (header.Count > (ulong)reader.Remaining / (isVector ? 1u : 2u))
            {
                reader.Fail("a tuple has more attributes than its record has room for");
            }
            tuple = _store.NewTuple(isVector, (int)header.Count);
            _ = _dictionary.Add((uint)tuple | TupleFlag);
        }
        else
        {
            ulong index = reader.ReadVarint();
            tuple = TupleAt(index);
            if (tuple == 0)
            {
                reader.Fail(string.Create(CultureInfo.InvariantCulture, $"a record refers to tuple {index}, which does not exist"));
            }
            if (isVector && !_store.IsVector(tuple))
            {
                reader.Fail(string.Create(CultureInfo.InvariantCulture, $"a record takes tuple {index} for a vector"));
            }
        }
        return new Frame(tuple, header.Count, isVector, isVector || (!header.IsImmediate && _store.IsVector(tuple)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int ReadSymbol(ref TupleReader reader)
    {
        Header header = reader.ReadHeader(); // its type bits mean nothing
        if (header.IsImmediate)
        {
            int symbol = _store.Symbols.Intern(reader.ReadBytes(header.Count));
            _ = _dictionary.Add((uint)symbol);
            return symbol;
        }
        int known = SymbolAt(header.Count);
        if (known == 0)
        {
            reader.Fail(string.Create(CultureInfo.InvariantCulture, $"a record refers to symbol {header.Count}, which does not exist"));
        }
        return known;
    }

    private int ElementNamed(ref TupleReader reader, int vector, int symbol)
    {
        ReadOnlySpan<byte> name = _store.Symbols.NameOf(symbol);
        if (!System.Buffers.Text.Utf8Parser.TryParse(name, out int element, out int consumed) || consumed != name.Length
            || element < 0 || element > _store.CountOf(vector))
        {
            reader.Fail("a record sets an element that a vector cannot have");
        }
        return element;
    }

    private void Push(ref int depth, Frame frame)
    {
        if (depth == _stack.Length)
        {
            Array.Resize(ref _stack, depth * 2);
        }
        _stack[depth++] = frame;
    }

    private struct Frame(int tuple, ulong remaining, bool isVector, bool isVectorObject)
    {
        public readonly int Tuple = tuple;
        public readonly bool IsVector = isVector;             // elements follow, without names
        public readonly bool IsVectorObject = isVectorObject; // so does what names them by number
        public int NextElement;
        public ulong Remaining = remaining;
    }
}

/// <summary>First part of an encoded value.</summary>
/// <param name="IsImmediate">The value follows; otherwise it is a reference into the dictionary.</param>
/// <param name="Type">What it is.</param>
/// <param name="Count">N: length, count of attributes, sign, or dictionary index.</param>
internal readonly record struct Header(bool IsImmediate, TfsValueType Type, ulong Count);

/// <summary>Reads the primitives of one record, and says where it went wrong.</summary>
internal ref struct TupleReader(ReadOnlySpan<byte> record, bool old, long offsetBytes)
{
    private readonly ReadOnlySpan<byte> _record = record;
    private readonly bool _old = old;
    private int _position;

    public readonly int Remaining => _record.Length - _position;

    public readonly int Position => _position;

    public readonly bool AtEnd => _position == _record.Length;

    [DoesNotReturn]
    public readonly void Fail(string message) => throw new TfsFormatException("damaged log: " + message, offsetBytes);

    public void Skip(int count) => _position += count;

    // Nearly every header is of version 5 and one byte, or two: these are read in line.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Header ReadHeader()
    {
        int position = _position;
        ReadOnlySpan<byte> bytes = _record;
        if (!_old && (uint)position < (uint)bytes.Length)
        {
            uint first = bytes[position++];
            if ((first & 0x08) == 0)
            {
                _position = position;
                return new Header(first >= 0x80, TypeOf(first), first & 0x07);
            }
            if ((uint)position < (uint)bytes.Length && bytes[position] < 0x80)
            {
                _position = position + 1;
                return new Header(first >= 0x80, TypeOf(first), ((first & 0x07) << 7) | bytes[position]);
            }
        }
        return ReadLongHeader();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TfsValueType TypeOf(uint first)
    {
        uint type = (first >> 4) & 7;
        return type > (uint)TfsValueType.String ? TfsValueType.Buffer : (TfsValueType)type;
    }

    private Header ReadLongHeader()
    {
        byte first = ReadByte();
        bool immediate = (first & 0x80) != 0;
        bool extended;
        ulong count;
        TfsValueType type;
        if (_old)
        {
            type = (first & 0x40) != 0 ? TfsValueType.Tuple : TfsValueType.Buffer;
            extended = (first & 0x20) != 0;
            count = first & 0x1Fu;
        }
        else
        {
            type = TypeOf(first);
            extended = (first & 0x08) != 0;
            count = first & 0x07u;
        }
        while (extended)
        {
            byte next = ReadByte();
            if (count >> 57 != 0)
            {
                Fail("a length does not fit 64 bits");
            }
            count = (count << 7) | (next & 0x7Fu);
            extended = (next & 0x80) != 0;
        }
        return new Header(immediate, type, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadVarint()
    {
        int position = _position;
        if ((uint)position < (uint)_record.Length && _record[position] < 0x80)
        {
            _position = position + 1;
            return _record[position];
        }
        return ReadLongVarint();
    }

    private ulong ReadLongVarint()
    {
        if (!TfsVarint.TryRead(_record[_position..], out ulong value, out int length))
        {
            Fail("a number is cut off or does not fit 64 bits");
        }
        _position += length;
        return value;
    }

    public ReadOnlySpan<byte> ReadBytes(ulong length)
    {
        if (length > (ulong)Remaining)
        {
            Fail("a name or string is longer than its record");
        }
        ReadOnlySpan<byte> bytes = _record.Slice(_position, (int)length);
        _position += (int)length;
        return bytes;
    }

    private byte ReadByte()
    {
        if (AtEnd)
        {
            Fail("a record is shorter than its content");
        }
        return _record[_position++];
    }
}
