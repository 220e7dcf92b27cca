// TupleEncoder turns tuples into the bytes of one log record at a time and keeps the dictionary's numbering, which every later
// record depends on: an immediate tuple, vector or symbol takes the next index, nothing else does, and each distinct symbol is
// written out only once per log. Bytes: docs/tfs-format.md#values and #dictionary
//
// Use: Clear, then the calls of one value in the order of its bytes, then Record. What was encoded must reach the log: the numbers
// are given away as soon as a call returns, so a record that is dropped leaves the log unreadable. One encoder belongs to one log;
// compaction starts a new one. Not thread-safe.
using System.Diagnostics;
using System.Numerics;

namespace Tupelo.Tfs;

/// <summary>Encodes records for one log, version 5.</summary>
public sealed class TupleEncoder
{
    /// <summary>The one number that Nanos misreads (as its own negative); it is never written.</summary>
    public const ulong ForbiddenInteger = 1UL << 61;

    /// <summary>Longest attribute name that can be written.</summary>
    public const int MaxSymbolBytes = 16_383;

    private readonly SymbolIndex _symbols = new();
    private byte[] _buffer = new byte[1024];
    private int _length;
    private uint _nextIndex = 1;

    /// <summary>The bytes encoded since <see cref="Clear"/>; valid until the next call.</summary>
    public ReadOnlySpan<byte> Record => _buffer.AsSpan(0, _length);

    /// <summary>The index that the next tuple, vector or new symbol gets.</summary>
    public uint NextIndex => _nextIndex;

    /// <summary>Begins a new record.</summary>
    public void Clear() => _length = 0;

    /// <summary>A tuple that occurs for the first time; <paramref name="count"/> times symbol and value follow.</summary>
    /// <returns>The tuple's index.</returns>
    public uint Tuple(int count)
    {
        Header(immediate: true, TfsValueType.Tuple, (uint)count);
        return TakeIndex();
    }

    /// <summary>The tuple that already has <paramref name="index"/>; <paramref name="count"/> attributes to set follow, 0 for a mere reference.</summary>
    public void TupleReference(uint index, int count)
    {
        Debug.Assert(index > 0 && index < _nextIndex);
        Header(immediate: false, TfsValueType.Tuple, (uint)count);
        VarInt(index);
    }

    /// <summary>A vector that occurs for the first time; <paramref name="count"/> values follow.</summary>
    /// <returns>The vector's index.</returns>
    public uint Vector(int count)
    {
        Header(immediate: true, TfsValueType.Vector, (uint)count);
        return TakeIndex();
    }

    /// <summary>An attribute's name, written out or by its index; its value follows.</summary>
    /// <returns>The symbol's index.</returns>
    public uint Symbol(ReadOnlySpan<byte> name)
    {
        uint index = _symbols.GetOrAdd(name, _nextIndex, out bool added);
        if (!added)
        {
            Header(immediate: false, TfsValueType.Buffer, index);
            return index;
        }
        Header(immediate: true, TfsValueType.Buffer, (uint)name.Length);
        Raw(name);
        return TakeIndex();
    }

    /// <summary>A number, which must not be <see cref="ForbiddenInteger"/>.</summary>
    public void Integer(ulong magnitude, bool negative = false)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(magnitude, ForbiddenInteger);
        Header(immediate: true, TfsValueType.Integer, negative && magnitude != 0 ? 1u : 0u);
        VarInt(magnitude);
    }

    /// <summary>A byte string.</summary>
    public void String(ReadOnlySpan<byte> bytes)
    {
        Header(immediate: true, TfsValueType.String, (uint)bytes.Length);
        Raw(bytes);
    }

    /// <summary>The value of a presence flag.</summary>
    public void Null()
    {
        Header(immediate: true, TfsValueType.Buffer, 1);
        Raw([0]);
    }

    /// <summary>In the place of a value: the attribute is taken away.</summary>
    public void Removal() => Header(immediate: true, TfsValueType.Buffer, 0);

    /// <summary>A whole value with everything below it. Depth is bounded by memory only.</summary>
    public void Value(TfsLiteral value)
    {
        Stack<(TfsLiteral Composite, int Next)>? open = null;
        while (true)
        {
            switch (value)
            {
                case StringLiteral text:
                    String(text.Bytes);
                    break;
                case IntegerLiteral number:
                    Integer(number.Magnitude, number.IsNegative);
                    break;
                case NullLiteral:
                    Null();
                    break;
                case TupleLiteral tuple:
                    _ = Tuple(tuple.Count);
                    (open ??= new()).Push((tuple, 0));
                    break;
                case VectorLiteral vector:
                    _ = Vector(vector.Items.Count);
                    (open ??= new()).Push((vector, 0));
                    break;
            }
            if (open is null || !TryNext(open, out TfsLiteral? next))
            {
                return;
            }
            value = next;
        }
    }

    // The value that comes next in the innermost composite that has one left; its name, if any, is written.
    private bool TryNext(Stack<(TfsLiteral Composite, int Next)> open, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TfsLiteral? value)
    {
        while (open.TryPop(out (TfsLiteral Composite, int Next) top))
        {
            if (top.Composite is TupleLiteral tuple && top.Next < tuple.Count)
            {
                open.Push((tuple, top.Next + 1));
                _ = Symbol(tuple.NameAt(top.Next).Bytes);
                value = tuple.ValueAt(top.Next);
                return true;
            }
            if (top.Composite is VectorLiteral vector && top.Next < vector.Items.Count)
            {
                open.Push((vector, top.Next + 1));
                value = vector.Items[top.Next];
                return true;
            }
        }
        value = null;
        return false;
    }

    /// <summary>Length of the longest header.</summary>
    internal const int MaxHeaderBytes = 6;

    /// <summary>Writes a value's or a symbol's header.</summary>
    /// <returns>The number of bytes written.</returns>
    // First byte: immediate(1) type(3) extended(1) top bits of n(3); then groups of seven bits, all but the last with bit 7 set.
    internal static int WriteHeader(Span<byte> to, bool immediate, TfsValueType type, uint n)
    {
        int bits = 32 - BitOperations.LeadingZeroCount(n);
        int groups = bits <= 3 ? 0 : (bits - 3 + 6) / 7;
        to[0] = (byte)((immediate ? 0x80 : 0) | ((int)type << 4) | (groups > 0 ? 0x08 : 0) | (int)((ulong)n >> (7 * groups)));
        for (int i = 1; i <= groups; i++)
        {
            to[i] = (byte)(((n >> (7 * (groups - i))) & 0x7F) | (i < groups ? 0x80u : 0));
        }
        return 1 + groups;
    }

    private uint TakeIndex()
    {
        if (_nextIndex == uint.MaxValue)
        {
            throw new TfsWriteException("too many files: the dictionary of a volume has room for 4 billion names and tuples");
        }
        return _nextIndex++;
    }

    private void Header(bool immediate, TfsValueType type, uint n) =>
        _length += WriteHeader(Room(MaxHeaderBytes), immediate, type, n);

    private void VarInt(ulong value) => _length += TfsVarint.Write(Room(TfsVarint.MaxBytes), value);

    private void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        _length += bytes.Length;
    }

    private Span<byte> Room(int bytes)
    {
        if (_buffer.Length - _length < bytes)
        {
            Array.Resize(ref _buffer, checked((int)Math.Min(Array.MaxLength, Math.Max((long)_length + bytes, _length * 2L))));
        }
        return _buffer.AsSpan(_length);
    }
}
