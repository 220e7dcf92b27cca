// TfsLog makes staged records durable. Place: TfsCommitter calls it with what TfsMetadata has staged; below are the allocator, which
// gives it room, and the device. It knows frames, sectors and the order of writes, and nothing of what a record means.
//
// The layout is that of CommitRecord.cs and LogExtension.cs: a commit starts on a fresh sector and fills it up, so an acknowledged sector
// is never written again, and the sector behind a commit already holds END_OF_LOG. Hence one write and one flush for a commit. Three
// things need more:
//   an extension is prepared (written, flushed) before anything links to it;
//   a commit with a record longer than a sector is written from its second sector on, flushed, and then its first sector: Nanos,
//   which knows nothing of commit records, must never meet half of a split record; so is a large operation, of which it should not
//   meet half either, and which may go on over any number of extensions;
//   a log whose tail somebody else wrote is prepared in place first.
//
// Threads: one at a time, under TfsCommitter's _commitMu. After a failure it refuses everything: what is on the device is then not
// known, and writing on would make it worse.
using System.Diagnostics;

namespace Tupelo.Tfs;

internal sealed class TfsLog
{
    private const int MaxCommitBytes = 128 << 10;
    private const int MaxCommitRecordFrame = 64;
    private const int ExtensionAlignment = 4096 / TfsFormat.SectorBytes; // where there is such a place

    private readonly BlockDevice _device;
    private readonly TfsAllocator _allocator;
    private readonly List<(long Start, long Count)> _chain = []; // extensions behind sector 0, in order
    private LogExtension _extension = new();
    private int _written;           // bytes of _extension that are on the device
    private bool _isForeignTail;    // the last extension is not ours to fill: link to a new one at _foreignTail
    private long _foreignTail;
    private int _resumedTail = -1;  // where the content ended of an extension that was taken over and not yet read; -1: none
    private uint _commitSymbolIndex; // number of the symbol `tupelo_commit` in this log
    private bool _announces;        // the next commit record writes its attribute's name out: this log does not have it yet
    private readonly Stack<long> _spares = []; // extensions set aside in memory, so that the log can always go on

    private TfsLog(BlockDevice device, TfsAllocator allocator)
    {
        _device = device;
        _allocator = allocator;
    }

    /// <summary>Number of the last commit.</summary>
    public ulong Sequence { get; private set; }

    /// <summary>Why nothing can be written any more; None while all is well.</summary>
    public Errno Failure { get; private set; }

    /// <summary>Extensions of the chain behind sector 0.</summary>
    public IReadOnlyList<(long Start, long Count)> Chain => _chain;

    /// <summary>Bytes that can still be logged for certain: in this extension and the spare one.</summary>
    public long GuaranteedBytes => (_isForeignTail ? 0 : Math.Max(0, EndOfRecords - _extension.Used)) + (_spares.Count * (long)(EndOfRecords - TfsFormat.SectorBytes));

    /// <summary>Bytes that additions may use up when there is no more room than that: not those of the last extension, which removals and
    /// a compaction on a full volume need.</summary>
    public long GrowthBytes => _isForeignTail || _spares.Count == 0 ? GuaranteedBytes : GuaranteedBytes - (EndOfRecords - TfsFormat.SectorBytes);

    private static int EndOfRecords => LogExtension.SizeBytes - (2 * TfsFormat.SectorBytes);

    /// <summary>Goes on with a log that was read to its end. Nothing is written yet.</summary>
    public static TfsLog Attach(BlockDevice device, TfsAllocator allocator, LogDictionary dictionary, int commitSymbol, TfsLogInfo info, LogTail tail)
    {
        var log = new TfsLog(device, allocator) { Sequence = info.LastCommitSequence };
        log._commitSymbolIndex = dictionary.OfSymbol(commitSymbol);
        if (log._commitSymbolIndex == 0)
        {
            // The name gets its number now, in front of whatever will be staged, and is written out in a commit of its own.
            log._commitSymbolIndex = dictionary.AddSymbol(commitSymbol);
            log._announces = true;
        }
        for (int i = 1; i <= tail.Extension; i++)
        {
            log._chain.Add((info.Extensions[i].StartSector, info.Extensions[i].SectorCount));
        }
        TfsLogExtension last = info.Extensions[tail.Extension];
        if (tail.Extension == 0 || last.Version != TfsFormat.CurrentVersion || last.SectorCount != TfsFormat.ExtensionSectors
            || RoundUp(tail.PositionBytes) > EndOfRecords - TfsFormat.SectorBytes)
        {
            log._isForeignTail = true;
            log._foreignTail = (last.StartSector * TfsFormat.SectorBytes) + tail.PositionBytes;
        }
        else
        {
            log._resumedTail = (int)tail.PositionBytes;
            log._extension.Resume(last.StartSector, log._resumedTail);
            log._written = log._extension.Used;
        }
        log.TakeSpare();
        return log;
    }

    /// <summary>Starts a log of its own, for compaction: in memory, with nothing linked to it.</summary>
    /// <returns>None, or ENOSPC when no extension is free.</returns>
    public static Errno Start(BlockDevice device, TfsAllocator allocator, ulong sequence, out TfsLog? log)
    {
        log = new TfsLog(device, allocator) { Sequence = sequence };
        Errno errno = log.PrepareExtension(out LogExtension first);
        if (errno != Errno.None)
        {
            log = null;
            return errno;
        }
        log._extension = first;
        log._written = first.Used;
        return Errno.None;
    }

    /// <summary>Makes staged operations durable: each of them whole, in order.</summary>
    /// <param name="records">Complete operations.</param>
    /// <returns>None when they are on the device, flushed.</returns>
    /// <remarks>Errors: ENOSPC no room for an extension (nothing is lost: the caller may compact and come again only with a new log) · EIO.
    /// Any error latches <see cref="Failure"/>.</remarks>
    public Errno Commit(RecordBuffer records)
    {
        Errno errno = Append(records);
        errno = errno == Errno.None ? _device.Flush() : errno;
        Failure = errno;
        return errno;
    }

    /// <summary>As <see cref="Commit"/>, but not flushed: for a log that nothing leads to yet.</summary>
    public Errno Append(RecordBuffer records)
    {
        if (Failure != Errno.None)
        {
            return Failure;
        }
        Errno errno = PrepareTail();
        if (errno == Errno.None && _announces)
        {
            errno = Place(records, 0, 0, 0, isSplit: false);
        }
        int operation = 0;
        while (errno == Errno.None && operation < records.OperationCount)
        {
            int end = operation + 1;
            int first = records.RecordsOf(operation);
            long bytes = SizeOf(records, first, records.RecordsOf(end), out bool isSplit);
            while (!isSplit && end < records.OperationCount)
            {
                long more = SizeOf(records, records.RecordsOf(end), records.RecordsOf(end + 1), out bool nextIsSplit);
                if (nextIsSplit || bytes + more > MaxCommitBytes)
                {
                    break;
                }
                bytes += more;
                end++;
            }
            errno = Place(records, first, records.RecordsOf(end), bytes, isSplit);
            operation = end;
        }
        errno = errno == Errno.None ? WriteOut() : errno;
        Failure = errno;
        return errno;
    }

    /// <summary>Writes the first commit of a log that <see cref="Start"/> began: the root's record, and the name of commit records.</summary>
    /// <param name="commitSymbolIndex">Number of the symbol `tupelo_commit`: the first one behind the root's record.</param>
    /// <param name="root">The root's record.</param>
    public Errno Open(uint commitSymbolIndex, RecordBuffer root)
    {
        Debug.Assert(commitSymbolIndex != 0 && root.RecordCount == 1);
        _commitSymbolIndex = commitSymbolIndex;
        _announces = true;
        long bytes = SizeOf(root, 0, 1, out bool isSplit);
        Errno errno = Place(root, 0, 1, bytes, isSplit);
        errno = errno == Errno.None ? WriteOut() : errno;
        errno = errno == Errno.None ? _device.Flush() : errno;
        Failure = errno;
        return errno;
    }

    /// <summary>Sets an extension aside if there is none, so that the log can go on when the volume is full.</summary>
    public void TakeSpare()
    {
        _ = HasSpares(1);
    }

    /// <summary>Sets aside all extensions that a commit of these records as one operation needs.</summary>
    /// <remarks>Errors: ENOSPC, and nothing has changed.</remarks>
    public Errno ReserveRoom(RecordBuffer records)
    {
        long room = _isForeignTail ? 0 : EndOfRecords - _extension.Used;
        if (SizeOf(records, 0, records.RecordCount, out _) + TfsFormat.SectorBytes <= room)
        {
            return Errno.None; // as Place will find
        }
        // It begins a new extension, and what it leaves of the last one is not known to a sector.
        long bytes = PackedBytes(records);
        int extensions = (int)(bytes / (EndOfRecords - (2 * TfsFormat.SectorBytes))) + (bytes <= MaxCommitBytes ? 1 : 2);
        if (HasSpares(extensions))
        {
            return Errno.None;
        }
        while (_spares.Count > 1)
        {
            _allocator.Free(_spares.Pop(), TfsFormat.ExtensionSectors);
        }
        return Errno.ENOSPC;
    }

    /// <summary>Gives the spare extensions back, at unmount or to make room.</summary>
    public void DropSpare()
    {
        while (_spares.TryPop(out long start))
        {
            _allocator.Free(start, TfsFormat.ExtensionSectors);
        }
    }

    /// <summary>True when an extension is set aside.</summary>
    public bool HasSpare => _spares.Count > 0;

    public void Fail(Errno errno) => Failure = errno;

    /// <summary>Nobody will write to this log any more: it was unmounted, or another took its place.</summary>
    public void Close()
    {
        Failure = Failure == Errno.None ? Errno.EIO : Failure;
        _extension.Release();
    }

    private bool HasSpares(int count)
    {
        while (_spares.Count < count)
        {
            if (!_allocator.TryAllocate(TfsFormat.ExtensionSectors, TfsFormat.ExtensionSectors, ExtensionAlignment, ExtensionAlignment, 0, out long start, out _))
            {
                return false;
            }
            _spares.Push(start);
        }
        return true;
    }

    // What records take in the log when they are laid one behind the other, mark and commit record included.
    private static long PackedBytes(RecordBuffer records)
    {
        long at = CommitRecord.Mark.Length;
        for (int i = 0; i < records.RecordCount; i++)
        {
            int frame = LogExtension.FrameBytes(records.Record(i).Length);
            long room = TfsFormat.SectorBytes - (at % TfsFormat.SectorBytes);
            at += frame <= room ? frame : frame <= TfsFormat.SectorBytes ? room + frame : room + frame + (frame / 64) + TfsFormat.SectorBytes;
        }
        return RoundUp(at) + TfsFormat.SectorBytes;
    }

    // Bytes that records take at the most once they are framed and padded; and whether their commit is to be written in two steps.
    private static long SizeOf(RecordBuffer records, int first, int end, out bool isSplit)
    {
        long bytes = 0;
        isSplit = false;
        for (int i = first; i < end; i++)
        {
            int frame = LogExtension.FrameBytes(records.Record(i).Length);
            isSplit |= frame > TfsFormat.SectorBytes;
            // A record of up to a sector wastes less than its own length in front of it; a longer one a few bytes a sector.
            bytes += frame > TfsFormat.SectorBytes ? frame + (frame / 64) + TfsFormat.SectorBytes : 2 * frame;
        }
        isSplit |= bytes > MaxCommitBytes;
        return bytes;
    }

    private Errno Place(RecordBuffer records, int first, int end, long bytes, bool isSplit)
    {
        Errno errno = Errno.None;
        long room = EndOfRecords - _extension.Used;
        if (bytes + TfsFormat.SectorBytes > room && _extension.Used > TfsFormat.SectorBytes)
        {
            errno = Extend();
        }
        if (errno == Errno.None && isSplit)
        {
            errno = WriteOut(); // what is in front of it goes its own way
        }
        if (errno != Errno.None)
        {
            return errno;
        }
        _extension.MarkCommit();
        int commitStart = _extension.Used - CommitRecord.Mark.Length;
        long commitExtension = _extension.StartSector;
        var checksum = default(CommitChecksum);
        for (int i = first; i < end; i++)
        {
            ReadOnlySpan<byte> record = records.Record(i);
            checksum.Append(record);
            for (int done = _extension.Append(record, 0, EndOfRecords); done < record.Length; done = _extension.Append(record, done, EndOfRecords))
            {
                errno = isSplit && _extension.StartSector == commitExtension ? HoldFirstSector(commitStart) : Errno.None;
                errno = errno == Errno.None ? Extend() : errno;
                if (errno != Errno.None)
                {
                    return errno;
                }
            }
        }
        Seal(checksum);
        return isSplit ? WriteSplit(commitStart, commitExtension) : Errno.None;
    }

    private void Seal(in CommitChecksum checksum)
    {
        Span<byte> record = stackalloc byte[MaxCommitRecordFrame];
        int length = TupleEncoder.WriteHeader(record, immediate: false, TfsValueType.Tuple, 1);
        record[length++] = TupleStore.Root;
        if (_announces)
        {
            length += TupleEncoder.WriteHeader(record[length..], immediate: true, TfsValueType.Buffer, (uint)TfsAttribute.TupeloCommit.Length);
            TfsAttribute.TupeloCommit.CopyTo(record[length..]);
            length += TfsAttribute.TupeloCommit.Length;
            _announces = false;
        }
        else
        {
            length += TupleEncoder.WriteHeader(record[length..], immediate: false, TfsValueType.Buffer, _commitSymbolIndex);
        }
        length += TupleEncoder.WriteHeader(record[length..], immediate: true, TfsValueType.String, CommitRecord.ValueBytes);
        checksum.Write(++Sequence, record[length..]);
        int done = _extension.Append(record[..(length + CommitRecord.ValueBytes)], 0, LogExtension.SizeBytes - TfsFormat.SectorBytes);
        Debug.Assert(done == length + CommitRecord.ValueBytes);
        _extension.PadSector();
    }

    // Nothing, or the sectors from the last written one on. Sectors are whole: every commit ends with its sector.
    private Errno WriteOut()
    {
        int from = _written;
        if (from >= _extension.Used)
        {
            return Errno.None;
        }
        _written = _extension.Used;
        return WriteRange(from, _extension.Used);
    }

    private Errno WriteRange(int from, int to) =>
        WriteDevice((_extension.StartSector * TfsFormat.SectorBytes) + from, _extension.Bytes[from..to]);

    // A commit with a split record lies in this extension from `commitStart` on, or began in an earlier one.
    private Errno WriteSplit(int commitStart, long commitExtension)
    {
        if (_extension.StartSector != commitExtension)
        {
            Errno spanned = WriteOut();
            return spanned == Errno.None ? ReleaseFirstSector() : spanned;
        }
        int second = commitStart + TfsFormat.SectorBytes;
        Errno errno = WriteRange(second, _extension.Used);
        errno = errno == Errno.None ? _device.Flush() : errno;
        errno = errno == Errno.None ? WriteRange(commitStart, second) : errno;
        _written = _extension.Used;
        return errno == Errno.None ? _device.Flush() : errno;
    }

    private byte[]? _heldSector;
    private long _heldAt;

    // The commit goes on in another extension: its first sector is kept back until all the others are on the device.
    private Errno HoldFirstSector(int commitStart)
    {
        _heldSector = _extension.Bytes.Slice(commitStart, TfsFormat.SectorBytes).ToArray();
        _heldAt = (_extension.StartSector * TfsFormat.SectorBytes) + commitStart;
        _written = commitStart + TfsFormat.SectorBytes;
        return Errno.None;
    }

    private Errno ReleaseFirstSector()
    {
        Errno errno = _device.Flush();
        errno = errno == Errno.None ? WriteDevice(_heldAt, _heldSector) : errno;
        _heldSector = null;
        return errno == Errno.None ? _device.Flush() : errno;
    }

    // The log goes on in a new extension, which is prepared and flushed before the link to it is written.
    private Errno Extend()
    {
        Errno errno = PrepareExtension(out LogExtension next);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (_isForeignTail)
        {
            errno = LinkForeignTail(next.StartSector);
            _isForeignTail = false;
        }
        else
        {
            _extension.Link(next.StartSector);
            errno = WriteOut();
        }
        _extension.Release();
        _extension = next;
        _written = next.Used;
        return errno;
    }

    // Header, filler to the end of its sector, END_OF_LOG in every other: to whoever follows a link here the log ends, and that is true.
    private Errno PrepareExtension(out LogExtension next)
    {
        next = new LogExtension();
        if (!HasSpares(1))
        {
            return Errno.ENOSPC;
        }
        long start = _spares.Pop();
        next.Begin(start);
        next.PadSector();
        _chain.Add((start, TfsFormat.ExtensionSectors));
        Errno errno = WriteDevice(start * TfsFormat.SectorBytes, next.Bytes);
        errno = errno == Errno.None ? _device.Flush() : errno;
        TakeSpare();
        return errno;
    }

    // Before the first write after mounting: a tail of ours needs nothing, one of Nanos' is prepared in place or linked away from.
    private Errno PrepareTail()
    {
        if (_isForeignTail)
        {
            return Extend();
        }
        if (_resumedTail < 0)
        {
            return Errno.None;
        }
        Errno errno = _extension.Load(_device, _resumedTail, out int tail);
        _resumedTail = -1;
        if (errno != Errno.None || tail < 0)
        {
            return errno;
        }
        // First everything behind the tail's sector, then the tail: at no moment does a reader run past END_OF_LOG into something old.
        errno = WriteRange(_extension.Used, LogExtension.SizeBytes);
        errno = errno == Errno.None ? _device.Flush() : errno;
        if (errno == Errno.None && tail < _extension.Used)
        {
            errno = WriteRange(tail, _extension.Used);
        }
        return errno;
    }

    private Errno LinkForeignTail(long start)
    {
        Span<byte> frame = stackalloc byte[1 + (2 * TfsVarint.MaxBytes) + 1];
        int length = 0;
        frame[length++] = TfsFrame.ExtensionLink;
        length += TfsVarint.Write(frame[length..], (ulong)start);
        length += TfsVarint.Write(frame[length..], (ulong)TfsFormat.ExtensionSectors);
        frame[length++] = TfsFrame.EndOfLog;
        // Whole sectors are written. The link may straddle two: its second half first, flushed, so that END_OF_LOG gives way last.
        long firstSector = _foreignTail / TfsFormat.SectorBytes * TfsFormat.SectorBytes;
        int inSector = (int)(_foreignTail - firstSector);
        int sectors = (inSector + length + TfsFormat.SectorBytes - 1) / TfsFormat.SectorBytes;
        byte[] bytes = new byte[sectors * TfsFormat.SectorBytes];
        Errno errno = _device.Read(firstSector, bytes.AsSpan(0, TfsFormat.SectorBytes));
        if (errno != Errno.None)
        {
            return errno;
        }
        bytes.AsSpan(inSector).Clear();
        frame[..length].CopyTo(bytes.AsSpan(inSector));
        for (int sector = sectors - 1; sector >= 0 && errno == Errno.None; sector--)
        {
            errno = WriteDevice(firstSector + (sector * TfsFormat.SectorBytes), bytes.AsSpan(sector * TfsFormat.SectorBytes, TfsFormat.SectorBytes));
            errno = errno == Errno.None ? _device.Flush() : errno;
        }
        return errno;
    }

    // A device without room is a failed device: ENOSPC means here that the volume has none, and nothing was tried.
    private Errno WriteDevice(long offsetBytes, ReadOnlySpan<byte> bytes)
    {
        Errno errno = _device.Write(offsetBytes, bytes);
        return errno == Errno.ENOSPC ? Errno.EIO : errno;
    }

    private static long RoundUp(long bytes) => (bytes + TfsFormat.SectorBytes - 1) / TfsFormat.SectorBytes * TfsFormat.SectorBytes;
}
