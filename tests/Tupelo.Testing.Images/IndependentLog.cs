// Replays a TFS log into its root tuple: extensions, frames, split records, dictionary numbers, versions 4 and 5.
//
// Written from the format's description alone and sharing no code with the product, so that the two can be held against each other.
// It is patient with what readers must accept, and keeps a remark about everything that a careful writer would not have written.
// Damage is a DamagedImageException; nesting is followed with a stack of its own, so depth costs heap and not the thread's stack.
using System.Globalization;
using System.Text;

namespace Tupelo.Testing.Images;

/// <summary>One log extension: where it starts and ends (sectors), its version, and the bytes used up to END_OF_LOG or the link.</summary>
public sealed record IndependentExtension(ulong StartSector, ulong SectorCount, int Version, ulong HeaderLength, int HeaderBytes)
{
    public int UsedBytes { get; internal set; }

    public byte[] Content { get; internal init; } = [];
}

/// <summary>One frame: extension number, position in it, kind (1..5), bytes of its own before the payload, and its numbers.</summary>
public readonly record struct IndependentFrame(int Extension, int Position, byte Kind, int HeaderBytes, ulong Total, ulong Here)
{
    public int End => Position + HeaderBytes + (Kind is 2 or 3 ? (int)Here : 0);
}

/// <summary>One record: its frames (END_OF_SEGMENT between them not counted), its length, and what it assigns.</summary>
public sealed record IndependentRecord(
    int FirstFrame, int LastFrame, int LengthBytes, CompositeValue Subject, bool SubjectIsNew, ulong AttributeCount, string? FirstName);

/// <summary>A remark about bytes that readers accept and careful writers do not write.</summary>
public readonly record struct IndependentRemark(long VolumeOffset, string Text)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{VolumeOffset}: {Text}");
}

public sealed class IndependentLog
{
    public const int SectorBytes = 512;
    private const byte EndOfLog = 1;
    private const byte TupleAvailable = 2;
    private const byte TupleExtended = 3;
    private const byte EndOfSegment = 4;
    private const byte ExtensionLink = 5;

    private readonly ImageBytes _volume;
    private readonly List<object> _dictionary = [string.Empty]; // index 0 is not used
    private readonly HashSet<string> _symbols = new(StringComparer.Ordinal);
    private byte[] _bytes = []; // what the cursor walks over: an extension, or an assembled record
    private int _cursor;
    private int _end;
    private long _volumeOffsetOfByte0; // for remarks and messages

    private IndependentLog(ImageBytes volume) => _volume = volume;

    public byte[] Uuid { get; private set; } = [];

    public byte[] Label { get; private set; } = [];

    public List<IndependentExtension> Extensions { get; } = [];

    public List<IndependentFrame> Frames { get; } = [];

    public List<IndependentRecord> Records { get; } = [];

    public List<IndependentRemark> Remarks { get; } = [];

    /// <summary>Attributes set by replaying, and those of them that replaced or removed an older value (a removal counts twice).</summary>
    public long TotalEntries { get; private set; }

    public long ObsoleteEntries { get; private set; }

    public int SplitRecords { get; private set; }

    public int DictionaryEntries => _dictionary.Count - 1;

    public CompositeValue Root => (CompositeValue)_dictionary[1];

    /// <summary>Symbols (strings) and composites by their number; [0] is no entry.</summary>
    public IReadOnlyList<object> Dictionary => _dictionary;

    public static IndependentLog Replay(ImageBytes volume)
    {
        var log = new IndependentLog(volume);
        log.ReplayAll();
        return log;
    }

    private void ReplayAll()
    {
        (ulong Start, ulong Count)? next = (0, 1);
        List<byte>? partial = null;
        ulong partialTotal = 0;
        int partialFirstFrame = 0;
        while (next is { } place)
        {
            next = ReadExtension(place.Start, place.Count, ref partial, ref partialTotal, ref partialFirstFrame);
        }
        if (partial is not null)
        {
            throw Damage($"a record of {partialTotal} bytes ends after {partial.Count} of them");
        }
        if (_dictionary.Count < 2 || _dictionary[1] is not CompositeValue { IsVector: false })
        {
            throw Damage("the log holds no root tuple");
        }
    }

    private (ulong Start, ulong Count)? ReadExtension(
        ulong start, ulong count, ref List<byte>? partial, ref ulong partialTotal, ref int partialFirstFrame)
    {
        if (count == 0 || start > (ulong)_volume.LengthBytes / SectorBytes || count > (ulong)_volume.LengthBytes / SectorBytes - start)
        {
            throw Damage($"a log extension of {count} sectors at sector {start} is outside of the volume");
        }
        foreach (IndependentExtension other in Extensions)
        {
            if (start < other.StartSector + other.SectorCount && other.StartSector < start + count)
            {
                throw Damage($"the log extension at sector {start} overlaps the one at sector {other.StartSector}");
            }
        }
        byte[] content = new byte[checked((int)(count * SectorBytes))];
        _volume.Read((long)start * SectorBytes, content);
        SetCursor(content, 0, content.Length, (long)start * SectorBytes);
        if (!Take(6).SequenceEqual("NVMTFS"u8))
        {
            throw Damage($"no log extension at sector {start}");
        }
        ulong version = TakeVarint();
        if (version is not (4 or 5))
        {
            throw Damage($"version {version}");
        }
        ulong headerLength = TakeVarint();
        if (Extensions.Count == 0)
        {
            Uuid = Take(16).ToArray();
            int length = content.AsSpan(_cursor).IndexOf((byte)0);
            if (length is < 0 or > 31)
            {
                throw Damage("the label has no end");
            }
            Label = Take(length).ToArray();
            _ = Take(1);
        }
        if (headerLength != count)
        {
            Remark($"the header's length is {headerLength} sectors, the link said {count}");
        }
        var extension = new IndependentExtension(start, count, (int)version, headerLength, _cursor) { Content = content };
        Extensions.Add(extension);

        while (true)
        {
            int position = _cursor;
            byte kind = Take(1)[0];
            switch (kind)
            {
                case EndOfLog:
                    AddFrame(position, kind);
                    extension.UsedBytes = _cursor;
                    return null;
                case EndOfSegment:
                    AddFrame(position, kind);
                    break;
                case ExtensionLink:
                    {
                        ulong linkStart = TakeVarint();
                        ulong linkCount = TakeVarint();
                        AddFrame(position, kind, linkStart, linkCount);
                        extension.UsedBytes = _cursor;
                        return (linkStart, linkCount);
                    }
                case TupleAvailable:
                    {
                        if (partial is not null)
                        {
                            throw Damage("a record begins inside of another");
                        }
                        ulong total = TakeVarint();
                        ulong here = TakeVarint();
                        if (here > total || here > (ulong)(_end - _cursor))
                        {
                            throw Damage($"a record's piece of {here} of {total} bytes");
                        }
                        AddFrame(position, kind, total, here);
                        ReadOnlySpan<byte> piece = Take((int)here);
                        partialFirstFrame = Frames.Count - 1;
                        if (here == total)
                        {
                            DecodeInPlace((int)here, (int)version, partialFirstFrame);
                        }
                        else
                        {
                            SplitRecords++;
                            partial = [.. piece];
                            partialTotal = total;
                        }
                        break;
                    }
                case TupleExtended:
                    {
                        ulong here = TakeVarint();
                        if (partial is null)
                        {
                            throw Damage("a record's continuation without its beginning");
                        }
                        if (here > partialTotal - (ulong)partial.Count || here > (ulong)(_end - _cursor))
                        {
                            throw Damage($"a record's continuation of {here} bytes");
                        }
                        AddFrame(position, kind, partialTotal, here);
                        partial.AddRange(Take((int)here));
                        if ((ulong)partial.Count == partialTotal)
                        {
                            byte[] record = [.. partial];
                            partial = null;
                            DecodeAssembled(record, (int)version, partialFirstFrame);
                        }
                        break;
                    }
                default:
                    throw Damage($"frame byte {kind}");
            }
        }
    }

    private void AddFrame(int position, byte kind, ulong first = 0, ulong second = 0) =>
        Frames.Add(new IndependentFrame(Extensions.Count - 1, position, kind, _cursor - position, first, second));

    // --- records ---

    private void DecodeInPlace(int length, int version, int firstFrame)
    {
        int after = _cursor;
        int whole = _end;
        _cursor = after - length;
        _end = after;
        Decode(length, version, firstFrame);
        _cursor = after;
        _end = whole;
    }

    private void DecodeAssembled(byte[] record, int version, int firstFrame)
    {
        (byte[] bytes, int cursor, int end, long offset) = (_bytes, _cursor, _end, _volumeOffsetOfByte0);
        SetCursor(record, 0, record.Length, offset + cursor - record.Length); // the offset is about right: pieces are not contiguous
        Decode(record.Length, version, firstFrame);
        (_bytes, _cursor, _end, _volumeOffsetOfByte0) = (bytes, cursor, end, offset);
    }

    private sealed class Level(CompositeValue composite, ulong remaining)
    {
        public CompositeValue Composite { get; } = composite;

        public ulong Remaining { get; set; } = remaining;

        public ulong NextElement { get; set; }
    }

    private void Decode(int length, int version, int firstFrame)
    {
        Header top = TakeHeader(version);
        if (top.Type is not 1)
        {
            throw Damage($"a record of type {top.Type}");
        }
        CompositeValue subject = TakeComposite(top);
        string? firstName = null;
        var levels = new Stack<Level>();
        levels.Push(new Level(subject, top.Number));
        while (levels.TryPeek(out Level? level))
        {
            if (level.Remaining == 0)
            {
                _ = levels.Pop();
                continue;
            }
            level.Remaining--;
            string name = level.Composite.IsVector
                ? (level.NextElement++).ToString(CultureInfo.InvariantCulture)
                : TakeSymbol(version);
            firstName ??= name;
            Header header = TakeHeader(version);
            if (header.Type is 1 or 2)
            {
                CompositeValue value = TakeComposite(header);
                Set(level.Composite, name, value);
                levels.Push(new Level(value, header.Number));
            }
            else
            {
                Set(level.Composite, name, TakeScalar(header));
            }
        }
        if (_cursor != _end)
        {
            throw Damage($"{_end - _cursor} bytes are left over in a record");
        }
        Records.Add(new IndependentRecord(firstFrame, Frames.Count - 1, length, subject, top.Immediate, top.Number, firstName));
    }

    private CompositeValue TakeComposite(Header header)
    {
        bool vector = header.Type == 2;
        if (header.Number > (ulong)(_end - _cursor))
        {
            throw Damage($"a composite of {header.Number} attributes in {_end - _cursor} bytes");
        }
        if (header.Immediate)
        {
            var created = new CompositeValue(_dictionary.Count, vector);
            _dictionary.Add(created);
            return created;
        }
        ulong index = TakeVarint();
        if (index >= (ulong)_dictionary.Count || _dictionary[(int)index] is not CompositeValue known)
        {
            throw Damage($"a reference to composite {index}, which is none");
        }
        return known.IsVector == vector ? known : throw Damage($"a reference to {index} has the wrong type");
    }

    private string TakeSymbol(int version)
    {
        Header header = TakeHeader(version);
        if (!header.Immediate)
        {
            return header.Number < (ulong)_dictionary.Count && _dictionary[(int)header.Number] is string { } known && header.Number > 0
                ? known
                : throw Damage($"a reference to symbol {header.Number}, which is none");
        }
        string name = Encoding.Latin1.GetString(Take(header.Number));
        if (header.Type != 0)
        {
            Remark($"the header of symbol '{name}' has type {header.Type}");
        }
        if (name.Length == 0)
        {
            Remark("a symbol without a name");
        }
        if (!_symbols.Add(name))
        {
            Remark($"symbol '{name}' is written out a second time");
        }
        _dictionary.Add(name);
        return name;
    }

    /// <returns>Null for the removal of the attribute.</returns>
    private IndependentValue? TakeScalar(Header header)
    {
        if (!header.Immediate)
        {
            throw Damage("a reference to a scalar");
        }
        switch (header.Type)
        {
            case 3:
                {
                    ulong magnitude = TakeVarint();
                    if (header.Number > 1)
                    {
                        Remark($"sign {header.Number}");
                    }
                    if (magnitude == 1UL << 61)
                    {
                        Remark("the integer 2^61, which the reference misreads");
                    }
                    return new IntegerValue(header.Number != 0, magnitude);
                }
            case 4:
                return new BytesValue(Take(header.Number).ToArray(), typed: true);
            default:
                {
                    if (header.Type != 0)
                    {
                        Remark($"a value of type {header.Type}");
                    }
                    byte[] bytes = Take(header.Number).ToArray();
                    if (bytes.Length == 0)
                    {
                        return null;
                    }
                    return bytes is [0] ? NullValue.Instance : new BytesValue(bytes, typed: false);
                }
        }
    }

    private void Set(CompositeValue composite, string name, IndependentValue? value)
    {
        TotalEntries++;
        bool had = composite.Attributes.ContainsKey(name);
        ObsoleteEntries += had ? (value is null ? 2 : 1) : 0;
        if (value is null)
        {
            _ = composite.Attributes.Remove(name);
        }
        else
        {
            composite.Attributes[name] = value;
        }
    }

    // --- primitives ---

    private readonly record struct Header(bool Immediate, int Type, ulong Number);

    private Header TakeHeader(int version)
    {
        int start = _cursor;
        byte first = Take(1)[0];
        (int type, bool more, ulong number) = version == 4
            ? ((first >> 6) & 1, (first & 0x20) != 0, (ulong)(first & 0x1f))
            : ((first >> 4) & 7, (first & 0x08) != 0, (ulong)(first & 0x07));
        int lowBits = version == 4 ? 5 : 3;
        while (more)
        {
            byte next = Take(1)[0];
            if (_cursor - start > 11 || number >> 57 != 0)
            {
                throw Damage("a header's number does not fit in 64 bits");
            }
            number = (number << 7) | (uint)(next & 0x7f);
            more = (next & 0x80) != 0;
        }
        int used = _cursor - start - 1;
        int bits = 64 - System.Numerics.BitOperations.LeadingZeroCount(number);
        int needed = bits <= lowBits ? 0 : (bits - lowBits + 6) / 7;
        if (used != needed)
        {
            Remark($"the number {number} in a header takes {used} bytes more instead of {needed}");
        }
        return new Header((first & 0x80) != 0, type, number);
    }

    private ulong TakeVarint()
    {
        int start = _cursor;
        ulong number = 0;
        while (true)
        {
            byte next = Take(1)[0];
            if (_cursor - start > 10 || number >> 57 != 0)
            {
                throw Damage("a number does not fit in 64 bits");
            }
            number = (number << 7) | (uint)(next & 0x7f);
            if ((next & 0x80) == 0)
            {
                if (_bytes[start] == 0x80)
                {
                    Remark($"the number {number} is written with {_cursor - start} bytes");
                }
                return number;
            }
        }
    }

    private ReadOnlySpan<byte> Take(ulong count) =>
        count <= (ulong)(_end - _cursor) ? Take((int)count) : throw Damage($"{count} bytes are wanted where {_end - _cursor} are left");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _end - _cursor)
        {
            throw Damage($"{count} bytes are wanted where {_end - _cursor} are left");
        }
        ReadOnlySpan<byte> taken = _bytes.AsSpan(_cursor, count);
        _cursor += count;
        return taken;
    }

    private void SetCursor(byte[] bytes, int cursor, int end, long volumeOffsetOfByte0) =>
        (_bytes, _cursor, _end, _volumeOffsetOfByte0) = (bytes, cursor, end, volumeOffsetOfByte0);

    private void Remark(string text) => Remarks.Add(new IndependentRemark(_volumeOffsetOfByte0 + _cursor, text));

    private DamagedImageException Damage(string text) =>
        new(string.Create(CultureInfo.InvariantCulture, $"at byte {_volumeOffsetOfByte0 + _cursor} of the volume: {text}"));
}
