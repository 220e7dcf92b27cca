// TupleStore is the volume's metadata in memory: every tuple and vector of the log, as they stand after the last record.
// Place: the decoder fills it, TfsVolume reads it. It knows values and references, nothing of files, directories or devices.
//
// A tuple is a number (1 = root). Its attributes lie side by side in an arena of 12-byte slots: symbol and kind in four bytes, the
// value, or where it is, in eight. Tuples of more than 16 attributes (directories, mostly) have an array and an index of their own.
// A file with mode, owner and times costs about 230 bytes, names included; object graphs cost 1 KB and the garbage collector's time.
//
// Threads: none of its own. Whoever owns the store lets one thread write, or any number read.
using System.Collections;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tupelo.Tfs;

/// <summary>What an attribute holds.</summary>
public enum TfsValueKind : byte
{
    /// <summary>Nothing: no such attribute, or a removed vector element.</summary>
    None = 0,
    Tuple = 1,
    Vector = 2,

    /// <summary>Integer, 0 or more.</summary>
    Integer = 3,

    /// <summary>Integer below 0; the magnitude is kept.</summary>
    NegativeInteger = 4,
    String = 5,

    /// <summary>Untyped bytes: a null value (one zero byte), or any value that version 4 wrote.</summary>
    Buffer = 6,

    /// <summary>Place of a vector element that was removed.</summary>
    Removed = 7,
}

/// <summary>One attribute: symbol and kind packed, then 64 bits of value.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct AttributeSlot
{
    private const int KindShift = 28;

    private uint _key;
    private ulong _value;

    public AttributeSlot(int symbol, TfsValueKind kind, ulong value)
    {
        _key = (uint)symbol | ((uint)kind << KindShift);
        _value = value;
    }

    public readonly int Symbol => (int)(_key & TupleStore.MaxSymbol);

    public readonly TfsValueKind Kind => (TfsValueKind)(_key >> KindShift);

    /// <summary>Tuple number, magnitude, or position in the blob.</summary>
    public readonly ulong Value => _value;

    public readonly bool IsVacant => _key == 0;

    public readonly bool HasSymbol(int symbol) => (_key & TupleStore.MaxSymbol) == (uint)symbol && _key != 0;

    public void Replace(TfsValueKind kind, ulong value) => this = new AttributeSlot(Symbol, kind, value);
}

internal sealed class TupleStore
{
    public const int MaxSymbol = (1 << 28) - 1;
    public const int Root = 1;

    private const int MaxSmall = 16;
    private const byte FlagLarge = 1;
    private const byte FlagVector = 2;
    private const byte FlagFree = 4;

    private readonly ByteBlob _blob = new();
    private readonly ChunkedArray<TupleHeader> _tuples = new();
    private readonly ChunkedArray<AttributeSlot> _arena = new();
    private readonly List<LargeTuple?> _large = [];
    private readonly Stack<int> _freeLarge = new();
    private readonly Stack<int> _freeTuples = new();
    private ChunkedArray<uint>? _generations; // how often a number was given back; null until the first was
    private BitArray? _marks;                 // while a collection is under way: tuples that stay
    private readonly Stack<int>?[] _freeRuns = new Stack<int>?[MaxSmall + 1];

    public TupleStore()
    {
        Symbols = new SymbolTable(_blob);
        _ = _tuples.Add(default); // number 0 is no tuple
    }

    /// <summary>Names of attributes.</summary>
    public SymbolTable Symbols { get; }

    /// <summary>Highest tuple number given so far.</summary>
    public int TupleCount => _tuples.Count - 1;

    public bool IsVector(int tuple) => (_tuples[tuple].Flags & FlagVector) != 0;

    /// <summary>A new tuple or vector, with room for <paramref name="expected"/> attributes.</summary>
    /// <exception cref="TfsFormatException">More than 2^31 - 1 tuples.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int NewTuple(bool vector, int expected)
    {
        if (_tuples.Count == int.MaxValue)
        {
            throw new TfsFormatException("the volume holds too many tuples", Errno.EFBIG, -1);
        }
        var header = new TupleHeader { Flags = vector ? FlagVector : (byte)0 };
        if (expected > MaxSmall)
        {
            MakeLarge(ref header, expected);
        }
        else if (expected > 0)
        {
            header.Start = (uint)TakeRun(expected);
            header.Capacity = (byte)expected;
        }
        if (_freeTuples.TryPop(out int tuple))
        {
            _tuples[tuple] = header;
            _ = Mark(tuple);
            return tuple;
        }
        return _tuples.Add(header);
    }

    /// <summary>Tuples and vectors that exist.</summary>
    public int InUse => TupleCount - _freeTuples.Count;

    /// <summary>Bytes that names and strings take, free ones included.</summary>
    public long StringBytes => _blob.Bytes;

    /// <summary>False for a number that was given back.</summary>
    public bool Exists(int tuple) => tuple > 0 && tuple <= TupleCount && (_tuples[tuple].Flags & FlagFree) == 0;

    /// <summary>How often the number was given back: what has it now is another thing than before.</summary>
    public uint GenerationOf(int tuple) => _generations is null || tuple >= _generations.Count ? 0 : _generations[tuple];

    /// <summary>Begins to note which tuples stay: those that are made from now on, and those that <see cref="Mark"/> is called for.</summary>
    public void BeginMarking()
    {
        _marks = new BitArray(TupleCount + 1);
        Symbols.BeginMarking();
    }

    /// <summary>The tuple stays. True when it was not known yet.</summary>
    public bool Mark(int tuple)
    {
        if (_marks is null || tuple >= _marks.Length || _marks[tuple])
        {
            return false;
        }
        _marks[tuple] = true;
        return true;
    }

    /// <summary>Whether a tuple is marked, or was made after marking began.</summary>
    public bool IsMarked(int tuple) => _marks is null || tuple >= _marks.Length || _marks[tuple];

    /// <summary>Ends the noting.</summary>
    public void EndMarking()
    {
        _marks = null;
        Symbols.EndMarking();
    }

    /// <summary>Gives a tuple back, with the strings that it holds: its number will be another's. What it leads to stays.</summary>
    public void Free(int tuple)
    {
        Debug.Assert(Exists(tuple) && tuple != Root);
        foreach (ref readonly AttributeSlot slot in SlotsOf(tuple))
        {
            FreeBytes(slot);
        }
        ref TupleHeader header = ref _tuples[tuple];
        if ((header.Flags & FlagLarge) != 0)
        {
            _large[(int)header.Start] = null;
            _freeLarge.Push((int)header.Start);
        }
        else
        {
            GiveRun((int)header.Start, header.Capacity);
        }
        header = new TupleHeader { Flags = FlagFree };
        _freeTuples.Push(tuple);
        _generations ??= new ChunkedArray<uint>();
        while (_generations.Count <= tuple)
        {
            _ = _generations.Add(0);
        }
        _generations[tuple]++;
    }

    /// <summary>Gives the string or buffer of a slot back, if it has one. No slot may hold it any more.</summary>
    public void FreeBytes(AttributeSlot slot)
    {
        if (slot.Kind is TfsValueKind.String or TfsValueKind.Buffer)
        {
            _blob.Free((uint)slot.Value);
        }
    }

    /// <summary>The attributes of a tuple, or the elements of a vector, in the order they were first set. Vacant slots are to be skipped.
    /// Valid until the store is next changed.</summary>
    public ReadOnlySpan<AttributeSlot> SlotsOf(int tuple)
    {
        ref TupleHeader header = ref _tuples[tuple];
        if ((header.Flags & FlagLarge) != 0)
        {
            LargeTuple large = _large[(int)header.Start]!;
            return large.Slots.AsSpan(0, large.Used);
        }
        return _arena.Run((int)header.Start, header.Count);
    }

    /// <summary>How many attributes the tuple has (elements of a vector, removed ones included).</summary>
    public int CountOf(int tuple)
    {
        ref TupleHeader header = ref _tuples[tuple];
        return (header.Flags & FlagLarge) != 0 ? _large[(int)header.Start]!.Live : header.Count;
    }

    /// <summary>The attribute named <paramref name="symbol"/>; a vacant slot when there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public AttributeSlot Get(int tuple, int symbol)
    {
        ref TupleHeader header = ref _tuples[tuple];
        if ((header.Flags & FlagLarge) != 0)
        {
            LargeTuple large = _large[(int)header.Start]!;
            int place = large.Find(symbol);
            return place < 0 ? default : large.Slots[place];
        }
        foreach (ref readonly AttributeSlot slot in _arena.Run((int)header.Start, header.Count))
        {
            if (slot.HasSymbol(symbol))
            {
                return slot;
            }
        }
        return default;
    }

    /// <summary>Sets an attribute of a tuple. True when it had a value before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Set(int tuple, int symbol, TfsValueKind kind, ulong value)
    {
        Debug.Assert(kind is not (TfsValueKind.None or TfsValueKind.Removed) && symbol > 0);
        Symbols.Mark(symbol);
        ref TupleHeader header = ref _tuples[tuple];
        if ((header.Flags & FlagLarge) != 0)
        {
            return _large[(int)header.Start]!.Set(symbol, kind, value);
        }
        Span<AttributeSlot> slots = _arena.Run((int)header.Start, header.Capacity);
        int count = header.Count;
        for (int i = 0; i < count; i++)
        {
            if (slots[i].HasSymbol(symbol))
            {
                slots[i].Replace(kind, value);
                return true;
            }
        }
        var added = new AttributeSlot(symbol, kind, value);
        if (count < slots.Length)
        {
            slots[count] = added;
            header.Count = (ushort)(count + 1);
        }
        else
        {
            Append(ref header, added);
        }
        return false;
    }

    /// <summary>Sets element <paramref name="index"/> of a vector; at most one past its end. True when there was one before.</summary>
    public bool SetElement(int vector, int index, TfsValueKind kind, ulong value)
    {
        Debug.Assert(IsVector(vector) && index <= CountOf(vector));
        ref TupleHeader header = ref _tuples[vector];
        Span<AttributeSlot> slots = (header.Flags & FlagLarge) != 0
            ? _large[(int)header.Start]!.Slots.AsSpan(0, _large[(int)header.Start]!.Used)
            : _arena.Run((int)header.Start, header.Count);
        if (index < slots.Length)
        {
            bool existed = slots[index].Kind != TfsValueKind.Removed;
            slots[index] = new AttributeSlot(0, kind, value);
            return existed;
        }
        var slot = new AttributeSlot(0, kind, value);
        if ((header.Flags & FlagLarge) != 0)
        {
            _large[(int)header.Start]!.Append(slot);
        }
        else
        {
            Append(ref header, slot);
        }
        return false;
    }

    /// <summary>Removes an attribute of a tuple. True when it had one.</summary>
    public bool Remove(int tuple, int symbol)
    {
        ref TupleHeader header = ref _tuples[tuple];
        if ((header.Flags & FlagLarge) != 0)
        {
            return _large[(int)header.Start]!.Remove(symbol);
        }
        Span<AttributeSlot> slots = _arena.Run((int)header.Start, header.Count);
        for (int i = 0; i < slots.Length; i++)
        {
            if (slots[i].HasSymbol(symbol))
            {
                slots[(i + 1)..].CopyTo(slots[i..]);
                header.Count--;
                return true;
            }
        }
        return false;
    }

    /// <summary>Stores a string or buffer for an attribute; the result is the slot's value.</summary>
    public ulong StoreBytes(ReadOnlySpan<byte> bytes) => _blob.Add(bytes);

    /// <summary>The bytes of a string or buffer.</summary>
    public ReadOnlySpan<byte> BytesOf(AttributeSlot slot)
    {
        Debug.Assert(slot.Kind is TfsValueKind.String or TfsValueKind.Buffer);
        return _blob[(uint)slot.Value];
    }

    /// <summary>Reads a number: an integer, or decimal digits in a string or buffer (which mkfs, OPS and version 4 write).</summary>
    public bool TryGetNumber(AttributeSlot slot, out ulong number)
    {
        number = 0;
        switch (slot.Kind)
        {
            case TfsValueKind.Integer:
                number = slot.Value;
                return true;
            case TfsValueKind.String or TfsValueKind.Buffer:
                ReadOnlySpan<byte> digits = BytesOf(slot);
                return System.Buffers.Text.Utf8Parser.TryParse(digits, out number, out int consumed) && consumed == digits.Length;
            default:
                return false;
        }
    }

    private void Append(ref TupleHeader header, AttributeSlot slot)
    {
        if (header.Count == header.Capacity)
        {
            if (header.Count == MaxSmall)
            {
                ReadOnlySpan<AttributeSlot> old = _arena.Run((int)header.Start, header.Count);
                GiveRun((int)header.Start, header.Capacity);
                MakeLarge(ref header, MaxSmall * 2);
                LargeTuple large = _large[(int)header.Start]!;
                foreach (ref readonly AttributeSlot moved in old)
                {
                    large.Append(moved);
                }
                large.Append(slot);
                return;
            }
            int capacity = header.Capacity < 4 ? header.Capacity + 1 : Math.Min(MaxSmall, header.Capacity + 4);
            int start = TakeRun(capacity);
            _arena.Run((int)header.Start, header.Count).CopyTo(_arena.Run(start, capacity));
            GiveRun((int)header.Start, header.Capacity);
            header.Start = (uint)start;
            header.Capacity = (byte)capacity;
        }
        header.Count++;
        _arena.Run((int)header.Start, header.Count)[^1] = slot;
    }

    private void MakeLarge(ref TupleHeader header, int capacity)
    {
        var large = new LargeTuple(capacity, (header.Flags & FlagVector) == 0);
        header.Count = 0;
        header.Capacity = 0;
        header.Flags |= FlagLarge;
        if (_freeLarge.TryPop(out int place))
        {
            _large[place] = large;
            header.Start = (uint)place;
            return;
        }
        header.Start = (uint)_large.Count;
        _large.Add(large);
    }

    private int TakeRun(int length) =>
        _freeRuns[length] is { Count: > 0 } free ? free.Pop() : _arena.AddRun(length);

    private void GiveRun(int start, int length)
    {
        if (length > 0)
        {
            (_freeRuns[length] ??= new Stack<int>()).Push(start);
        }
    }

    private struct TupleHeader
    {
        public uint Start;
        public ushort Count;
        public byte Capacity;
        public byte Flags;
    }

    // More than 16 attributes. The index maps a symbol to its slot; an entry whose slot is vacant is a deleted one.
    private sealed class LargeTuple(int capacity, bool indexed)
    {
        private int[] _index = [];
        private int _indexUsed;

        public AttributeSlot[] Slots = new AttributeSlot[capacity];

        public int Used { get; private set; }

        public int Live { get; private set; }

        public int Find(int symbol)
        {
            if (_index.Length == 0)
            {
                return -1;
            }
            uint mask = (uint)_index.Length - 1;
            for (uint place = Hash(symbol) & mask; ; place = (place + 1) & mask)
            {
                int entry = _index[place];
                if (entry == 0)
                {
                    return -1;
                }
                if (Slots[entry - 1].HasSymbol(symbol))
                {
                    return entry - 1;
                }
            }
        }

        public bool Set(int symbol, TfsValueKind kind, ulong value)
        {
            int place = Find(symbol);
            if (place >= 0)
            {
                Slots[place].Replace(kind, value);
                return true;
            }
            Append(new AttributeSlot(symbol, kind, value));
            return false;
        }

        public void Append(AttributeSlot slot)
        {
            if (Used == Slots.Length)
            {
                if (Live < Used / 2)
                {
                    Squeeze();
                }
                else
                {
                    Array.Resize(ref Slots, checked(Used + (Used / 2)));
                }
            }
            Slots[Used++] = slot;
            Live++;
            if (!indexed)
            {
                return;
            }
            if ((_indexUsed + 1) * 5L > _index.Length * 4L)
            {
                BuildIndex();
            }
            else
            {
                Enter(Used);
            }
        }

        public bool Remove(int symbol)
        {
            int place = Find(symbol);
            if (place < 0)
            {
                return false;
            }
            Slots[place] = default;
            Live--;
            return true;
        }

        private void Squeeze()
        {
            int kept = 0;
            for (int i = 0; i < Used; i++)
            {
                if (!Slots[i].IsVacant)
                {
                    Slots[kept++] = Slots[i];
                }
            }
            Slots.AsSpan(kept, Used - kept).Clear();
            Used = kept;
            BuildIndex();
        }

        private void BuildIndex()
        {
            int length = 32;
            while (Math.Max(Live, Slots.Length * 2L / 3) * 5 > length * 4L)
            {
                length *= 2;
            }
            _index = new int[length];
            _indexUsed = 0;
            for (int i = 0; i < Used; i++)
            {
                if (!Slots[i].IsVacant)
                {
                    Enter(i + 1);
                }
            }
        }

        private void Enter(int entry)
        {
            uint mask = (uint)_index.Length - 1;
            uint place = Hash(Slots[entry - 1].Symbol) & mask;
            while (_index[place] != 0)
            {
                place = (place + 1) & mask;
            }
            _index[place] = entry;
            _indexUsed++;
        }

        // Symbols are numbers that we hand out ourselves, one after another: a multiplication spreads them well enough.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static uint Hash(int symbol) => (uint)((ulong)((uint)symbol * 0x9E3779B97F4A7C15UL) >> 32);
    }
}
