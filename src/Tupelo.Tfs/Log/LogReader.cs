// LogReader follows the log from sector 0 through its links to END_OF_LOG and hands each record, whole, to a consumer.
// Place: TfsVolume opens a volume with it and `tupelo log` prints with it; below it is the device. It knows frames, extensions and
// commits, and nothing of what a record means. Bytes: docs/tfs-format.md#frames and CommitRecord.cs.
//
// Every number is checked against the device before it is used. Extensions may not overlap, which also ends loops of links.
using System.Buffers;
using System.Globalization;

namespace Tupelo.Tfs;

/// <summary>Where a record stands, and how.</summary>
/// <param name="OffsetBytes">Of its first frame, in the volume.</param>
/// <param name="OldEncoding">Written as version 4.</param>
/// <param name="FrameCount">1, or more when it is split.</param>
/// <param name="Commit">Sequence of the commit that it belongs to; 0 when Nanos wrote it.</param>
internal readonly record struct LogRecordPlace(long OffsetBytes, bool OldEncoding, int FrameCount, ulong Commit);

/// <summary>A place in a log.</summary>
/// <param name="Extension">Which of its extensions, from 0.</param>
/// <param name="PositionBytes">Where in it.</param>
internal readonly record struct LogTail(int Extension, long PositionBytes);

/// <summary>Takes the records of a log in order.</summary>
internal interface ILogConsumer
{
    /// <summary>Applies a record. Throws <see cref="TfsFormatException"/> when it is damaged.</summary>
    void Apply(ReadOnlySpan<byte> record, in LogRecordPlace place);

    /// <summary>Dictionary number of the symbol `tupelo_commit`, or 0 when it has none yet.</summary>
    ulong CommitSymbolIndex { get; }
}

internal sealed class LogReader
{
    private const int MaxRecordBytes = 1 << 30;
    private const int HeadBytes = TfsFormat.SectorBytes; // more than any frame header, and a whole run of padding

    private readonly BlockDevice _device;
    private readonly ILogConsumer _consumer;
    private readonly List<TfsLogExtension> _extensions = [];
    private readonly SortedList<long, long> _occupied = []; // first sector -> sector behind the last
    private readonly List<TfsFault> _faults;
    private readonly TfsLogInfo _info = new();

    // A record in several frames, until it is whole.
    private readonly ArrayBufferWriter<byte> _partial = new();
    private long _partialTotal;
    private long _partialOffset;
    private int _partialFrames;

    // The open commit: its records side by side, until its commit record proves them.
    private readonly ArrayBufferWriter<byte> _pending = new();
    private readonly List<(int Length, LogRecordPlace Place)> _pendingRecords = [];
    private CommitChecksum _checksum;
    private bool _inCommit;
    private long _commitOffset;
    private LogTail _commitStart;
    private LogTail _partialStart;

    private TfsLogExtension _current;           // the extension that is being read
    private bool _goesOnBehindPartialRecords;
    private bool _isBehindSegmentEnd;           // the last frame was END_OF_SEGMENT

    public LogReader(BlockDevice device, ILogConsumer consumer, List<TfsFault> faults)
    {
        _device = device;
        _consumer = consumer;
        _faults = faults;
    }

    /// <summary>The volume's identity: 16 bytes.</summary>
    public byte[] Uuid { get; } = new byte[TfsFormat.UuidBytes];

    /// <summary>The volume's label, UTF-8, at most 31 bytes.</summary>
    public byte[] Label { get; private set; } = [];

    /// <summary>Where the log goes on: at END_OF_LOG, or where an incomplete commit or record at the end began, which is to be written over.</summary>
    public LogTail Tail { get; private set; }

    /// <summary>Reads the whole log.</summary>
    /// <exception cref="TfsFormatException">It is damaged, or not a log.</exception>
    public TfsLogInfo Read()
    {
        Follow();
        if (_partialFrames > 0)
        {
            Fault(TfsFaultKind.PartialRecord, "the log ends within a record, which is left out", _partialOffset);
            Tail = _partialStart;
        }
        DropOpenCommit();
        _info.Extensions = _extensions;
        return _info;
    }

    /// <summary>Reads as much of the log as can be trusted: for a checker. What <see cref="Read"/> refuses ends the log here.</summary>
    /// <param name="damage">What ended it; null when <see cref="Read"/> would have read all of it.</param>
    /// <returns>What was read, the damaged extension included among the extensions.</returns>
    public TfsLogInfo ReadUpToDamage(out TfsFormatException? damage)
    {
        _goesOnBehindPartialRecords = true;
        damage = null;
        try
        {
            return Read();
        }
        catch (TfsFormatException problem)
        {
            damage = problem;
            if (_current.SectorCount > 0)
            {
                _extensions.Add(_current);
            }
            _info.Extensions = _extensions;
            return _info;
        }
    }

    private void Follow()
    {
        using var window = new ExtensionWindow(_device);
        long startSector = 0;
        long sectorCount = 1;
        while (sectorCount != 0)
        {
            _current = default;
            Claim(startSector, sectorCount);
            _current = new TfsLogExtension(startSector, sectorCount, 0, 0);
            window.Open(startSector * TfsFormat.SectorBytes, sectorCount * TfsFormat.SectorBytes);
            (startSector, sectorCount) = ReadExtension(window, startSector, sectorCount);
        }
        _current = default;
    }

    private void Claim(long startSector, long sectorCount)
    {
        long deviceSectors = _device.SizeBytes / TfsFormat.SectorBytes;
        if (startSector < 0 || sectorCount <= 0 || startSector > deviceSectors || sectorCount > deviceSectors - startSector)
        {
            throw new TfsFormatException(startSector == 0
                ? "not a TFS volume: it is shorter than one sector"
                : string.Create(CultureInfo.InvariantCulture, $"damaged log: a link leads to sectors {startSector}+{sectorCount}, beyond the end of the volume ({deviceSectors} sectors)"));
        }
        // The claims before this one do not overlap each other, so only the neighbours matter.
        int above = UpperBound(startSector);
        if ((above < _occupied.Count && _occupied.GetKeyAtIndex(above) < startSector + sectorCount)
            || (above > 0 && _occupied.GetValueAtIndex(above - 1) > startSector))
        {
            throw new TfsFormatException(string.Create(CultureInfo.InvariantCulture, $"damaged log: a link leads to sectors {startSector}+{sectorCount}, which the log uses already"));
        }
        _occupied.Add(startSector, startSector + sectorCount);
    }

    // First index whose key is greater than the sector.
    private int UpperBound(long sector)
    {
        int low = 0;
        int high = _occupied.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_occupied.GetKeyAtIndex(middle) > sector)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        return low;
    }

    // Reads one extension; returns where the next one is, or a count of 0 at the end of the log.
    private (long NextSector, long NextCount) ReadExtension(ExtensionWindow window, long startSector, long sectorCount)
    {
        long baseBytes = startSector * TfsFormat.SectorBytes;
        int position = 0;
        int version = ReadHeader(window, startSector, ref position);
        long at = position;
        while (true)
        {
            ReadOnlySpan<byte> head = window.At(at, HeadBytes);
            if (head.IsEmpty)
            {
                throw new TfsFormatException("damaged log: an extension has no end", baseBytes + at);
            }
            long inSector = at & (TfsFormat.SectorBytes - 1);
            switch (head[0])
            {
                case TfsFrame.EndOfLog:
                    Tail = new LogTail(_extensions.Count, at);
                    _extensions.Add(new TfsLogExtension(startSector, sectorCount, version, at + 1));
                    return (0, 0);

                case TfsFrame.EndOfSegment:
                    at += Skip(head, inSector, baseBytes, at);
                    _isBehindSegmentEnd = true;
                    continue;

                case TfsFrame.TupleAvailable:
                {
                    if (_partialFrames > 0)
                    {
                        LeavePartialRecord(baseBytes + at);
                    }
                    int header = 1;
                    ulong total = Number(head, ref header, baseBytes + at);
                    ulong here = Number(head, ref header, baseBytes + at);
                    Check(total, here, window.LengthBytes - at - header, baseBytes + at);
                    ReadOnlySpan<byte> bytes = window.At(at + header, (int)here);
                    if (here == total)
                    {
                        TakeRecord(bytes, new LogRecordPlace(baseBytes + at, version == TfsFormat.OldVersion, 1, 0));
                    }
                    else
                    {
                        _partialOffset = baseBytes + at;
                        _partialStart = new LogTail(_extensions.Count, at);
                        _partialTotal = (long)total;
                        TakePart(bytes, version);
                    }
                    at += header + (int)here;
                    break;
                }

                case TfsFrame.TupleExtended:
                {
                    int header = 1;
                    ulong here = Number(head, ref header, baseBytes + at);
                    if (_partialFrames == 0)
                    {
                        throw new TfsFormatException("damaged log: a record goes on that never began", baseBytes + at);
                    }
                    Check((ulong)(_partialTotal - _partial.WrittenCount), here, window.LengthBytes - at - header, baseBytes + at);
                    TakePart(window.At(at + header, (int)here), version);
                    at += header + (int)here;
                    break;
                }

                case TfsFrame.ExtensionLink:
                {
                    int header = 1;
                    ulong sector = Number(head, ref header, baseBytes + at);
                    ulong count = Number(head, ref header, baseBytes + at);
                    if (sector > long.MaxValue || count > long.MaxValue || count == 0)
                    {
                        throw new TfsFormatException("damaged log: a link leads nowhere", baseBytes + at);
                    }
                    _extensions.Add(new TfsLogExtension(startSector, sectorCount, version, at + header));
                    return ((long)sector, (long)count);
                }

                default:
                    throw new TfsFormatException(string.Create(CultureInfo.InvariantCulture, $"damaged log: unknown frame {head[0]:X2}"), baseBytes + at);
            }
            _isBehindSegmentEnd = false;
        }
    }

    private int ReadHeader(ExtensionWindow window, long startSector, ref int position)
    {
        long baseBytes = startSector * TfsFormat.SectorBytes;
        ReadOnlySpan<byte> head = window.At(0, TfsFormat.SectorBytes);
        if (!head.StartsWith(TfsFormat.Magic))
        {
            throw new TfsFormatException(startSector == 0 ? "not a TFS volume: the magic NVMTFS is missing" : "damaged log: a link leads to something that is no log extension", baseBytes);
        }
        position = TfsFormat.Magic.Length;
        ulong version = Number(head, ref position, baseBytes);
        if (version is not (TfsFormat.CurrentVersion or TfsFormat.OldVersion))
        {
            throw new TfsFormatException(string.Create(CultureInfo.InvariantCulture, $"TFS version {version} is not known (4 and 5 are)"), baseBytes);
        }
        _ = Number(head, ref position, baseBytes); // length: the link's count is what holds, as in Nanos
        if (startSector == 0)
        {
            if (head.Length - position < TfsFormat.UuidBytes + 1)
            {
                throw new TfsFormatException("damaged volume header: it is cut off", baseBytes);
            }
            head.Slice(position, TfsFormat.UuidBytes).CopyTo(Uuid);
            position += TfsFormat.UuidBytes;
            int labelBytes = head[position..].IndexOf((byte)0);
            if (labelBytes is < 0 or > TfsFormat.MaxLabelBytes)
            {
                throw new TfsFormatException("damaged volume header: the label does not end", baseBytes + position);
            }
            Label = head.Slice(position, labelBytes).ToArray();
            position += labelBytes + 1;
        }
        return (int)version;
    }

    // At END_OF_SEGMENT: how many bytes to go on, never past the sector's end. Here commits begin, and here Nanos is told from Tupelo;
    // see CommitRecord.cs.
    private int Skip(ReadOnlySpan<byte> head, long inSector, long baseBytes, long at)
    {
        if (inSector == 0 && _partialFrames == 0)
        {
            if (head.StartsWith(CommitRecord.Mark))
            {
                if (_inCommit)
                {
                    throw new TfsFormatException("damaged log: a commit begins before the one before it is complete", baseBytes + at);
                }
                _inCommit = true;
                _commitOffset = baseBytes + at;
                _commitStart = new LogTail(_extensions.Count, at);
                return CommitRecord.Mark.Length;
            }
            if (_inCommit)
            {
                ApplyPending(0);
                _inCommit = false;
            }
        }
        int room = (int)Math.Min(head.Length, TfsFormat.SectorBytes - inSector);
        int run = head[..room].IndexOfAnyExcept(TfsFrame.EndOfSegment);
        run = run < 0 ? room : run;
        if (run == 1 && room > 1 && !_inCommit)
        {
            _info.EndOfSegmentCount++;
        }
        return run;
    }

    // A crash cut a split record off; Nanos mounted the volume, left the piece out, turned END_OF_LOG into END_OF_SEGMENT and went on with
    // the numbers as they were before the piece. Nanos itself cannot read that any more; what it wrote means what it meant all the same.
    private void LeavePartialRecord(long offsetBytes)
    {
        if (!_goesOnBehindPartialRecords || !_isBehindSegmentEnd)
        {
            throw new TfsFormatException("damaged log: a record begins within another", offsetBytes) { IsRecordWithinRecord = true };
        }
        _faults.Add(new TfsFault("a record was cut off by a crash, and the log goes on behind it: Nanos cannot mount this volume any more", _partialOffset) { Kind = TfsFaultKind.AbandonedRecord });
        if (_inCommit)
        {
            ApplyPending(0);
            _inCommit = false;
        }
        _partialFrames = 0;
        _partial.ResetWrittenCount();
    }

    private void TakePart(ReadOnlySpan<byte> bytes, int version)
    {
        _partial.Write(bytes);
        _partialFrames++;
        if (_partial.WrittenCount < _partialTotal)
        {
            return;
        }
        _info.SplitRecordCount++;
        // The extension in which a record ends says how it is encoded.
        TakeRecord(_partial.WrittenSpan, new LogRecordPlace(_partialOffset, version == TfsFormat.OldVersion, _partialFrames, 0));
        _partialFrames = 0;
        if (_partial.Capacity > 1 << 20)
        {
            _partial.Clear();
        }
        _partial.ResetWrittenCount();
    }

    private void TakeRecord(ReadOnlySpan<byte> record, LogRecordPlace place)
    {
        if (!_inCommit)
        {
            Apply(record, place);
            return;
        }
        if (CommitRecord.TryRecognize(record, _consumer.CommitSymbolIndex, out ReadOnlySpan<byte> value))
        {
            ulong sequence = CommitRecord.SequenceOf(value);
            if (!_checksum.Matches(value) || (_info.LastCommitSequence != 0 && sequence != _info.LastCommitSequence + 1))
            {
                throw new TfsFormatException("damaged log: a commit does not match its checksum", _commitOffset) { IsChecksumMismatch = true };
            }
            ApplyPending(sequence);
            Apply(record, place with { Commit = sequence });
            _info.LastCommitSequence = sequence;
            _info.CommitCount++;
            _inCommit = false;
            return;
        }
        _checksum.Append(record);
        _pending.Write(record);
        _pendingRecords.Add((record.Length, place));
    }

    private void ApplyPending(ulong sequence)
    {
        ReadOnlySpan<byte> records = _pending.WrittenSpan;
        foreach ((int length, LogRecordPlace place) in _pendingRecords)
        {
            Apply(records[..length], place with { Commit = sequence });
            records = records[length..];
        }
        ForgetPending();
    }

    private void DropOpenCommit()
    {
        if (_inCommit)
        {
            if (_pendingRecords.Count > 0)
            {
                Fault(TfsFaultKind.UnfinishedCommit, string.Create(CultureInfo.InvariantCulture, $"the last commit is incomplete: {_pendingRecords.Count} records that were never acknowledged are left out"), _commitOffset);
            }
            ForgetPending();
            Tail = _commitStart;
            _inCommit = false;
        }
    }

    private void ForgetPending()
    {
        _pending.ResetWrittenCount();
        _pendingRecords.Clear();
        _checksum = default;
    }

    private void Apply(ReadOnlySpan<byte> record, in LogRecordPlace place)
    {
        _consumer.Apply(record, place);
        _info.RecordCount++;
    }

    private static ulong Number(ReadOnlySpan<byte> source, ref int position, long offsetBytes)
    {
        if (!TfsVarint.TryRead(source[position..], out ulong value, out int length))
        {
            throw new TfsFormatException("damaged log: a number is cut off or does not fit 64 bits", offsetBytes);
        }
        position += length;
        return value;
    }

    private static void Check(ulong total, ulong here, long room, long offsetBytes)
    {
        if (here > total || here > (ulong)Math.Max(0, room) || here == 0)
        {
            throw new TfsFormatException("damaged log: a frame is longer than its record or its extension", offsetBytes);
        }
        if (total > MaxRecordBytes)
        {
            throw new TfsFormatException("damaged log: a record is longer than 1 GiB", Errno.EFBIG, offsetBytes);
        }
    }

    private void Fault(TfsFaultKind kind, string message, long offsetBytes) => _faults.Add(new TfsFault(message, offsetBytes) { Kind = kind, IsUnfinishedEnd = true });
}
