namespace Tupelo.Tfs;

/// <summary>A file object of a volume: what a name leads to. Two names of one file have equal nodes. Valid with its volume only.</summary>
/// <param name="Id">The tuple's number in memory, from 1 (the root); serves as inode number while the volume is open.</param>
public readonly record struct TfsNode(int Id)
{
    /// <summary>No node.</summary>
    public static TfsNode None => default;

    /// <summary>True for <see cref="None"/>.</summary>
    public bool IsNone => Id == 0;
}

/// <summary>One run of a file's data.</summary>
/// <param name="FileSector">Where in the file, in sectors.</param>
/// <param name="StartSector">Where on the volume, in sectors.</param>
/// <param name="SectorCount">Sectors of the file that it covers.</param>
/// <param name="AllocatedSectors">Sectors of the volume that it owns, at least <paramref name="SectorCount"/>.</param>
/// <param name="IsUninitialized">Owned but never written: reads as zeros.</param>
public readonly record struct TfsExtent(long FileSector, long StartSector, long SectorCount, long AllocatedSectors, bool IsUninitialized);

/// <summary>An attribute's value, as the log holds it.</summary>
public readonly ref struct TfsValue
{
    private readonly TupleStore _store;
    private readonly AttributeSlot _slot;

    internal TfsValue(TupleStore store, AttributeSlot slot)
    {
        _store = store;
        _slot = slot;
    }

    /// <summary>What it is; <see cref="TfsValueKind.None"/> when there is no such attribute.</summary>
    public TfsValueKind Kind => _slot.Kind;

    /// <summary>Magnitude of an integer; <see cref="Kind"/> tells the sign.</summary>
    public ulong Magnitude => _slot.Value;

    /// <summary>Bytes of a string or buffer; empty for the others.</summary>
    public ReadOnlySpan<byte> Bytes => Kind is TfsValueKind.String or TfsValueKind.Buffer ? _store.BytesOf(_slot) : default;

    /// <summary>True for the null value: a flag that is set, and says no more.</summary>
    public bool IsNull => Kind == TfsValueKind.Buffer && Bytes is [0];

    /// <summary>The tuple or vector.</summary>
    public TfsNode Composite => Kind is TfsValueKind.Tuple or TfsValueKind.Vector ? new TfsNode((int)_slot.Value) : TfsNode.None;

    /// <summary>Reads a number, also where it was written as decimal digits.</summary>
    public bool TryGetNumber(out ulong number)
    {
        if (Kind == TfsValueKind.None)
        {
            number = 0;
            return false;
        }
        return _store.TryGetNumber(_slot, out number);
    }
}

/// <summary>The attributes of a tuple (or the elements of a vector, whose names are empty), in the order in which they were first set.</summary>
public ref struct TfsAttributes
{
    private readonly TupleStore _store;
    private readonly ReadOnlySpan<AttributeSlot> _slots;
    private int _next;

    internal TfsAttributes(TupleStore store, int tuple, int position)
    {
        _store = store;
        _slots = store.SlotsOf(tuple);
        _next = position;
    }

    /// <summary>Where the current attribute stands: given to <see cref="TfsVolume.AttributesOf(TfsNode, int)"/>, it goes on behind it.</summary>
    public readonly int Position => _next;

    /// <summary>For foreach.</summary>
    public readonly TfsAttributes GetEnumerator() => this;

    /// <summary>Name of the current attribute.</summary>
    public readonly ReadOnlySpan<byte> Name
    {
        get
        {
            int symbol = _slots[_next - 1].Symbol;
            return symbol == 0 ? default : _store.Symbols.NameOf(symbol);
        }
    }

    /// <summary>Value of the current attribute.</summary>
    public readonly TfsValue Value => new(_store, _slots[_next - 1]);

    /// <summary>For foreach: this enumerator, placed on an attribute.</summary>
    public readonly TfsAttributes Current => this;

    /// <summary>Goes on to the next attribute.</summary>
    public bool MoveNext()
    {
        while (_next < _slots.Length)
        {
            if (!_slots[_next++].IsVacant)
            {
                return true;
            }
        }
        return false;
    }
}

/// <summary>The entries of a directory, in the order in which they were made.</summary>
public ref struct TfsDirectoryEntries
{
    private readonly TupleStore _store;
    private readonly ReadOnlySpan<AttributeSlot> _slots;
    private int _next;

    internal TfsDirectoryEntries(TupleStore store, ReadOnlySpan<AttributeSlot> slots)
    {
        _store = store;
        _slots = slots;
    }

    /// <summary>For foreach.</summary>
    public readonly TfsDirectoryEntries GetEnumerator() => this;

    /// <summary>Name of the current entry: 1..255 bytes without '/' and NUL.</summary>
    public readonly ReadOnlySpan<byte> Name => _store.Symbols.NameOf(_slots[_next - 1].Symbol);

    /// <summary>What the current entry leads to.</summary>
    public readonly TfsNode Node => new((int)_slots[_next - 1].Value);

    /// <summary>For foreach: this enumerator, placed on an entry.</summary>
    public readonly TfsDirectoryEntries Current => this;

    /// <summary>Goes on to the next entry.</summary>
    public bool MoveNext()
    {
        while (_next < _slots.Length)
        {
            if (!_slots[_next++].IsVacant)
            {
                return true; // what is no entry was reported and left out when the volume was opened
            }
        }
        return false;
    }
}

/// <summary>Rules for file names.</summary>
public static class TfsName
{
    /// <summary>True for 1..255 bytes without '/' and NUL that are neither "." nor "..".</summary>
    public static bool IsValid(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= TfsFormat.MaxNameBytes
        && !name.ContainsAny((byte)0, (byte)'/')
        && !(name[0] == '.' && (name.Length == 1 || (name.Length == 2 && name[1] == '.')));
}
