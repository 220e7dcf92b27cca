// TfsLogWriter puts records into the extensions of a log, closes commits with their commit record and hands every full extension to
// its sink. It stands between the encoder (which makes records) and whoever owns the volume's space and order of writes: the image
// builder, which writes extensions as they fill up and sector 0 at the very end.
//
// A commit here ends in the extension it began in, unless a record is longer than what is left; then it goes on behind the link.
// Its checksum runs over everything since the commit before, in the order of the log, links and headers included.
// Not thread-safe. Bytes: docs/tfs-format.md#log and #commit-record
using System.Diagnostics;

namespace Tupelo.Tfs.Writing;

/// <summary>Where a log writer gets space and leaves what is finished.</summary>
internal interface ILogSink
{
    /// <summary>Takes <see cref="TfsFormat.ExtensionSectors"/> free sectors of the volume for the log.</summary>
    /// <returns>The first one.</returns>
    long AllocateExtension();

    /// <summary>Stores a finished extension; nothing in it will change any more, except behind its last commit.</summary>
    void WriteExtension(LogExtension extension);
}

/// <summary>Frames records, extends the log, seals commits.</summary>
internal sealed class TfsLogWriter
{
    private const uint RootIndex = 1;
    private const int MaxCommitRecordBytes = 64;

    private readonly ILogSink _sink;
    private readonly LogExtension _extension = new();
    private uint _commitSymbol;
    private uint _crc;
    private long _crcBytes;      // covered by _crc
    private int _crcUsed;        // of the current extension, those of it
    private int _recordsSinceCommit;

    /// <summary>Starts a log in a newly allocated extension.</summary>
    public TfsLogWriter(ILogSink sink)
    {
        _sink = sink;
        FirstSector = sink.AllocateExtension();
        _extension.Begin(FirstSector);
    }

    /// <summary>First sector of the log's first extension: what sector 0 links to.</summary>
    public long FirstSector { get; }

    /// <summary>Records appended so far, commit records not counted.</summary>
    public long RecordCount { get; private set; }

    /// <summary>Extensions begun so far.</summary>
    public int ExtensionCount { get; private set; } = 1;

    /// <summary>Sequence number of the last commit sealed; 0 before the first.</summary>
    public ulong Sequence { get; private set; }

    /// <summary>Turns commit records on: from now on each commit ends with one. Without this call the log is as Nanos would write it.</summary>
    /// <param name="commitSymbol">Dictionary index of the symbol tupelo_commit, which an earlier or the next record writes out:
    /// a commit record may be placed before a record that was encoded earlier, so it must not take an index itself.</param>
    public void SealCommits(uint commitSymbol) => _commitSymbol = commitSymbol;

    /// <summary>Appends one encoded record. It is not stored before its extension is full or <see cref="Finish"/> is called.</summary>
    public void Append(ReadOnlySpan<byte> record)
    {
        int done = 0;
        while ((done = _extension.Append(record, done, EndOfRecords)) < record.Length)
        {
            if (done == 0)
            {
                SealCommit();
            }
            Extend();
        }
        _recordsSinceCommit++;
        RecordCount++;
    }

    /// <summary>Seals the last commit and stores the last extension.</summary>
    public void Finish()
    {
        SealCommit();
        _sink.WriteExtension(_extension);
    }

    // Behind the records stay two sectors: one in which a commit record always fits, and the link's.
    private int EndOfRecords => LogExtension.SizeBytes - ((_commitSymbol != 0 ? 2 : 1) * TfsFormat.SectorBytes);

    private void SealCommit()
    {
        if (_commitSymbol == 0 || _recordsSinceCommit == 0)
        {
            _extension.PadSector();
            return;
        }
        Span<byte> record = stackalloc byte[MaxCommitRecordBytes];
        int length = TupleEncoder.WriteHeader(record, immediate: false, TfsValueType.Tuple, n: 1);
        length += TfsVarInt.Write(record[length..], RootIndex);
        length += TupleEncoder.WriteHeader(record[length..], immediate: false, TfsValueType.Buffer, _commitSymbol);
        length += TupleEncoder.WriteHeader(record[length..], immediate: true, TfsValueType.String, CommitRecord.ValueBytes);
        if (_extension.RoomInSector < LogExtension.FrameBytes(length + CommitRecord.ValueBytes))
        {
            _extension.PadSector();
        }
        CoverUsed();
        CommitRecord.Seal(++Sequence, (ulong)_crcBytes, _crc).WriteTo(record[length..]);
        length += CommitRecord.ValueBytes;
        int done = _extension.Append(record[..length], 0, LogExtension.SizeBytes - TfsFormat.SectorBytes);
        Debug.Assert(done == length);
        _extension.PadSector();
        _crc = 0;
        _crcBytes = 0;
        _crcUsed = _extension.Used;
        _recordsSinceCommit = 0;
    }

    private void Extend()
    {
        long next = _sink.AllocateExtension();
        _extension.Link(next);
        CoverUsed();
        _sink.WriteExtension(_extension);
        _extension.Begin(next);
        _crcUsed = 0;
        ExtensionCount++;
    }

    private void CoverUsed()
    {
        ReadOnlySpan<byte> bytes = _extension.Bytes[_crcUsed.._extension.Used];
        _crc = CommitRecord.Extend(_crc, bytes);
        _crcBytes += bytes.Length;
        _crcUsed = _extension.Used;
    }
}
