// TfsLogListing tells what each record of a log did, for people who want to know how a volume came to be as it is. The log is read
// twice: first to learn which records still matter at its end, then to describe them one by one. Place: `tupelo log`; below are
// LogReader and TupleDecoder, so what it tells is what opening the volume would do.
//
// Memory: the tuples, and 16 bytes for each attribute that was ever set. A damaged log is described up to the damage.
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Tupelo.Tfs;

/// <summary>What sort of record it is.</summary>
public enum TfsLogRecordKind
{
    /// <summary>A whole tree: the first record of a log.</summary>
    Tree,

    /// <summary>One attribute is set.</summary>
    Set,

    /// <summary>One attribute is removed.</summary>
    Remove,

    /// <summary>Several attributes of a tuple, or none.</summary>
    Update,

    /// <summary>The end of a commit of Tupelo's.</summary>
    Commit,
}

/// <summary>One record of a log.</summary>
public sealed record TfsLogRecord
{
    /// <summary>Where its first frame begins, in the volume.</summary>
    public required long OffsetBytes { get; init; }

    /// <summary>Its length without frames.</summary>
    public required int LengthBytes { get; init; }

    /// <summary>Frames that it stands in.</summary>
    public required int FrameCount { get; init; }

    /// <summary>Encoded as version 4.</summary>
    public required bool IsOldEncoding { get; init; }

    /// <summary>Sequence of the commit that it belongs to; 0 when Nanos wrote it.</summary>
    public required ulong Commit { get; init; }

    /// <summary>What sort of record it is.</summary>
    public required TfsLogRecordKind Kind { get; init; }

    /// <summary>The tuple that it changes.</summary>
    public required TfsNode Subject { get; init; }

    /// <summary>Path of the file object that the subject is or belongs to, as it was when the record was written (UTF-8); null when it
    /// was in no directory.</summary>
    public required byte[]? Path { get; init; }

    /// <summary>The way from that file object to the subject: names of attributes, separated by '/'; empty when the subject is it.</summary>
    public required byte[] Within { get; init; }

    /// <summary>Name of the attribute; empty for <see cref="TfsLogRecordKind.Tree"/> and <see cref="TfsLogRecordKind.Update"/>.</summary>
    public required byte[] Attribute { get; init; }

    /// <summary>The new value in a few words; empty when there is none.</summary>
    public required string Value { get; init; }

    /// <summary>What it does to the files, in a few words.</summary>
    public required string Effect { get; init; }

    /// <summary>Attributes that it sets or removes, nested ones included.</summary>
    public required int EntryCount { get; init; }

    /// <summary>How many of these no longer matter at the end of the log: set again, removed, or in a tuple that nothing leads to.</summary>
    public required int ObsoleteCount { get; init; }

    /// <summary>True when compaction would leave nothing of it.</summary>
    public bool IsObsolete => ObsoleteCount == EntryCount;
}

/// <summary>Describes the records of a log.</summary>
public static class TfsLogListing
{
    /// <summary>Calls <paramref name="each"/> with every record, in the order of the log.</summary>
    /// <returns>Faults that were survived: a record or commit at the end that is left out.</returns>
    /// <exception cref="TfsFormatException">The log is damaged; the records in front of the damage have been given.</exception>
    public static IReadOnlyList<TfsFault> Read(BlockDevice device, Action<TfsLogRecord> each)
    {
        var survey = new LogSurvey();
        try
        {
            _ = new LogReader(device, survey, []).Read();
        }
        catch (TfsFormatException)
        {
            // The second reading comes to the same place, and throws what is to be told.
        }
        survey.Finish();
        var faults = new List<TfsFault>();
        _ = new LogReader(device, new LogDescriber(survey, each), faults).Read();
        return faults;
    }
}

/// <summary>First reading: which of the changes still hold at the end.</summary>
internal sealed class LogSurvey : ILogConsumer, ITupleObserver
{
    private readonly TupleStore _store = new();
    private readonly TupleDecoder _decoder;
    private readonly Dictionary<(int Owner, int Name), int> _lastChange = [];
    private readonly List<(int Owner, int Record)> _changes = [];
    private readonly List<int> _obsolete = [];
    private ulong _commitSymbolIndex;

    public LogSurvey() => _decoder = new TupleDecoder(_store) { Observer = this };

    public ulong CommitSymbolIndex => TfsVolume.FindCommitSymbol(_decoder, _store, ref _commitSymbolIndex);

    public void Apply(ReadOnlySpan<byte> record, in LogRecordPlace place)
    {
        _obsolete.Add(0);
        _decoder.Decode(record, place.OldEncoding, place.OffsetBytes);
    }

    public void Changing(int owner, int symbol, int element, AttributeSlot slot)
    {
        int record = _obsolete.Count - 1;
        ref int last = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(
            _lastChange, (owner, element >= 0 ? -1 - element : symbol), out bool existed);
        if (existed && last >= 0)
        {
            _obsolete[_changes[last].Record]++;
            _changes[last] = default; // counted
        }
        if (slot.IsVacant)
        {
            _obsolete[record]++; // a removal is nothing that compaction would keep
            last = -1;
            return;
        }
        last = _changes.Count;
        _changes.Add((owner, record));
    }

    /// <summary>Counts what lies in tuples that nothing leads to.</summary>
    public void Finish()
    {
        var seen = new System.Collections.BitArray(_store.TupleCount + 1);
        var open = new Stack<int>();
        if (_store.TupleCount > 0)
        {
            seen[TupleStore.Root] = true;
            open.Push(TupleStore.Root);
        }
        while (open.TryPop(out int tuple))
        {
            foreach (ref readonly AttributeSlot slot in _store.SlotsOf(tuple))
            {
                if (slot.Kind is TfsValueKind.Tuple or TfsValueKind.Vector && !seen[(int)slot.Value])
                {
                    seen[(int)slot.Value] = true;
                    open.Push((int)slot.Value);
                }
            }
        }
        foreach ((int owner, int record) in _changes)
        {
            if (owner != 0 && !seen[owner])
            {
                _obsolete[record]++;
            }
        }
    }

    /// <summary>How many changes of a record are obsolete.</summary>
    public int ObsoleteOf(int record) => record < _obsolete.Count ? _obsolete[record] : 0;
}

/// <summary>Second reading: describes each record.</summary>
internal sealed class LogDescriber : ILogConsumer, ITupleObserver
{
    private const int MaxPathNames = 256;
    private const int MaxShownBytes = 256;
    private const int MaxSummaryBytes = 64;

    private readonly TupleStore _store = new();
    private readonly TupleDecoder _decoder;
    private readonly LogSurvey _survey;
    private readonly Action<TfsLogRecord> _each;
    private readonly List<(int Owner, int Symbol, int Element)> _parents = [default]; // by tuple: where it was last put
    private ulong _commitSymbolIndex;
    private int _recordNumber;

    // The record being decoded.
    private int _entryCount;
    private int _subject;
    private int _symbol;
    private AttributeSlot _before;
    private AttributeSlot _after;
    private int _tuplesBefore;

    public LogDescriber(LogSurvey survey, Action<TfsLogRecord> each)
    {
        _survey = survey;
        _each = each;
        _decoder = new TupleDecoder(_store) { Observer = this };
    }

    public ulong CommitSymbolIndex => TfsVolume.FindCommitSymbol(_decoder, _store, ref _commitSymbolIndex);

    public void Changing(int owner, int symbol, int element, AttributeSlot slot)
    {
        if (_entryCount++ == 0)
        {
            (_subject, _symbol, _after) = (owner, symbol, slot);
            _before = element < 0 ? _store.Get(owner, symbol) : default;
        }
        if (slot.Kind is TfsValueKind.Tuple or TfsValueKind.Vector)
        {
            int child = (int)slot.Value;
            while (_parents.Count <= child)
            {
                _parents.Add(default);
            }
            _parents[child] = (owner, symbol, element);
        }
    }

    public void Apply(ReadOnlySpan<byte> record, in LogRecordPlace place)
    {
        _entryCount = 0;
        _subject = 0;
        _symbol = 0;
        _tuplesBefore = _store.TupleCount;
        _decoder.Decode(record, place.OldEncoding, place.OffsetBytes);
        int number = _recordNumber++;
        var head = new TupleReader(record, place.OldEncoding, place.OffsetBytes);
        ulong topCount = head.ReadHeader().Count;
        if (_subject == 0)
        {
            // Nothing was set: a tuple that is made and not yet filled, or attributes that are ignored.
            _subject = _store.TupleCount > _tuplesBefore ? _tuplesBefore + 1 : TupleStore.Root;
        }
        bool single = topCount == 1 && _entryCount > 0;
        TfsLogRecordKind kind = Kind(single);
        (byte[]? path, byte[] within) = PathOf(_subject);
        _each(new TfsLogRecord
        {
            OffsetBytes = place.OffsetBytes,
            LengthBytes = record.Length,
            FrameCount = place.FrameCount,
            IsOldEncoding = place.OldEncoding,
            Commit = place.Commit,
            Kind = kind,
            Subject = new TfsNode(_subject),
            Path = path,
            Within = within,
            Attribute = single ? NameOf(_symbol) : [],
            Value = single && kind != TfsLogRecordKind.Remove ? Summary(_after) : "",
            Effect = Effect(kind, path, within, place),
            EntryCount = _entryCount,
            ObsoleteCount = Math.Min(_survey.ObsoleteOf(number), _entryCount),
        });
    }

    private TfsLogRecordKind Kind(bool single)
    {
        if (single)
        {
            return _after.IsVacant ? TfsLogRecordKind.Remove
                : _subject == TupleStore.Root && NameOf(_symbol).AsSpan().SequenceEqual(TfsAttribute.TupeloCommit) ? TfsLogRecordKind.Commit
                : _tuplesBefore == 0 ? TfsLogRecordKind.Tree
                : TfsLogRecordKind.Set;
        }
        return _tuplesBefore == 0 ? TfsLogRecordKind.Tree : TfsLogRecordKind.Update;
    }

    // The chain from a tuple to the root, cut into the file's path and what lies within the file.
    private (byte[]? Path, byte[] Within) PathOf(int tuple)
    {
        var names = new List<byte[]>(); // from the tuple upwards
        int at = tuple;
        while (at != TupleStore.Root)
        {
            if (at >= _parents.Count || _parents[at].Owner == 0 || names.Count == MaxPathNames)
            {
                return (null, Join(names, names.Count - 1));
            }
            (int owner, int symbol, int element) = _parents[at];
            names.Add(element >= 0 ? Encoding.ASCII.GetBytes(element.ToString(CultureInfo.InvariantCulture)) : NameOf(symbol));
            at = owner;
        }
        // children, name, children, name ...: as long as that goes on, it is a path.
        var path = new MemoryStream();
        int next = names.Count - 1;
        while (next >= 1 && names[next].AsSpan().SequenceEqual(TfsAttribute.Children))
        {
            path.WriteByte((byte)'/');
            path.Write(names[next - 1]);
            next -= 2;
        }
        return (path.Length == 0 ? "/"u8.ToArray() : path.ToArray(), Join(names, next));
    }

    private static byte[] Join(List<byte[]> names, int from)
    {
        var joined = new MemoryStream();
        for (int i = from; i >= 0; i--)
        {
            if (joined.Length > 0)
            {
                joined.WriteByte((byte)'/');
            }
            joined.Write(names[i]);
        }
        return joined.ToArray();
    }

    private string Effect(TfsLogRecordKind kind, byte[]? path, byte[] within, in LogRecordPlace place)
    {
        string file = path is null ? "a file in no directory" : Shown(path);
        switch (kind)
        {
            case TfsLogRecordKind.Tree:
                return string.Create(CultureInfo.InvariantCulture, $"the whole tree, {_store.TupleCount - _tuplesBefore} tuples");
            case TfsLogRecordKind.Commit:
                return string.Create(CultureInfo.InvariantCulture, $"end of commit {place.Commit}");
            case TfsLogRecordKind.Update:
                return string.Create(CultureInfo.InvariantCulture, $"{_entryCount} attributes of {file}");
        }
        byte[] name = NameOf(_symbol);
        bool removed = kind == TfsLogRecordKind.Remove;
        string where = within.Length == 0 ? file : $"{file}, {Shown(within)}";
        if (within.AsSpan().SequenceEqual(TfsAttribute.Children))
        {
            string entry = (path is [(byte)'/'] ? "/" : file + "/") + Shown(name);
            return removed ? $"removes {entry}"
                : _after.Kind != TfsValueKind.Tuple ? $"puts something that is no file at {entry}"
                : (int)_after.Value <= _tuplesBefore ? $"{(_before.IsVacant ? "gives a file the name" : "puts another file at")} {entry}"
                : $"{(_before.IsVacant ? "creates" : "replaces")} {TypeName((int)_after.Value)} {entry}";
        }
        if (within.AsSpan().SequenceEqual(TfsAttribute.Extents))
        {
            return removed ? $"makes a hole in {file} at sector {Shown(name)}" : $"extent of {file} at sector {Shown(name)}: {ExtentText((int)_after.Value)}";
        }
        if (within.AsSpan().StartsWith("extents/"u8))
        {
            string extent = $"extent of {file} at sector {Shown(within.AsSpan("extents/".Length))}";
            return name.AsSpan().SequenceEqual(TfsAttribute.Uninitialized)
                ? $"{extent} is {(removed ? "written" : "not yet written")}"
                : removed ? $"{extent} loses {Shown(name)}" : $"{extent}: {Shown(name)} is {Summary(_after)}";
        }
        if (within.Length == 0 && name.AsSpan().SequenceEqual(TfsAttribute.FileLength) && !removed)
        {
            return $"{file} is {Summary(_after)} bytes long";
        }
        if (within.Length == 0 && name.AsSpan().SequenceEqual(TfsAttribute.Extents) && !removed)
        {
            return $"{file} gets a table of extents";
        }
        return removed ? $"removes {Shown(name)} of {where}" : $"{Shown(name)} of {where} is {Summary(_after)}";
    }

    private string TypeName(int tuple)
    {
        bool Has(ReadOnlySpan<byte> name)
        {
            int symbol = _store.Symbols.Find(name);
            return symbol != 0 && !_store.Get(tuple, symbol).IsVacant;
        }
        return Has(TfsAttribute.Children) ? "directory" : Has(TfsAttribute.LinkTarget) ? "symlink" : Has(TfsAttribute.Socket) ? "socket" : "file";
    }

    private string ExtentText(int extent)
    {
        if (_after.Kind != TfsValueKind.Tuple)
        {
            return Summary(_after);
        }
        bool Number(ReadOnlySpan<byte> name, out ulong number)
        {
            number = 0;
            int symbol = _store.Symbols.Find(name);
            return symbol != 0 && _store.TryGetNumber(_store.Get(extent, symbol), out number);
        }
        int uninitialized = _store.Symbols.Find(TfsAttribute.Uninitialized);
        bool isWritten = uninitialized == 0 || _store.Get(extent, uninitialized).IsVacant;
        return Number(TfsAttribute.Offset, out ulong offset) && Number(TfsAttribute.Length, out ulong length) && Number(TfsAttribute.Allocated, out ulong allocated)
            ? string.Create(CultureInfo.InvariantCulture,
                $"{length} sectors at {offset} of the volume{(allocated > length ? $", {allocated} allocated" : "")}{(isWritten ? "" : ", not yet written")}")
            : "not yet placed";
    }

    private byte[] NameOf(int symbol) => symbol == 0 ? [] : _store.Symbols.NameOf(symbol).ToArray();

    private string Summary(AttributeSlot slot)
    {
        switch (slot.Kind)
        {
            case TfsValueKind.Tuple or TfsValueKind.Vector:
                int count = _store.CountOf((int)slot.Value);
                return string.Create(CultureInfo.InvariantCulture, $"{(slot.Kind == TfsValueKind.Tuple ? "tuple" : "vector")} {slot.Value} of {count}");
            case TfsValueKind.Integer:
                return slot.Value.ToString(CultureInfo.InvariantCulture);
            case TfsValueKind.NegativeInteger:
                return "-" + slot.Value.ToString(CultureInfo.InvariantCulture);
            case TfsValueKind.String or TfsValueKind.Buffer:
                ReadOnlySpan<byte> bytes = _store.BytesOf(slot);
                return bytes is [0] ? "null"
                    : !bytes.IsEmpty && Utf8Parser.TryParse(bytes, out ulong _, out int consumed) && consumed == bytes.Length ? Encoding.ASCII.GetString(bytes)
                    : $"\"{Shown(bytes, MaxSummaryBytes)}\"";
            default:
                return "";
        }
    }

    private static string Shown(ReadOnlySpan<byte> text, int most = MaxShownBytes) =>
        Encoding.UTF8.GetString(text[..Math.Min(text.Length, most)]) + (text.Length > most ? "..." : "");
}
