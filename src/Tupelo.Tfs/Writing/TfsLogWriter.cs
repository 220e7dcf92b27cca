// TfsLogWriter puts records into the extensions of a log, opens and closes commits and hands every full extension to its sink. It
// stands between the encoder (which makes records) and whoever owns the volume's space and order of writes: the image builder, which
// writes extensions as they fill up and sector 0 at the very end.
//
// A commit ends in the extension in which it began, unless one of its records is longer than an extension. So a reader, which holds a
// commit back until it is whole, holds back half a MiB.
// Not thread-safe. Bytes: docs/tfs-format.md#log and #commit-record
using System.Diagnostics;

namespace Tupelo.Tfs;

/// <summary>Where a log writer gets space and leaves what is finished.</summary>
internal interface ILogSink
{
    /// <summary>Takes <see cref="TfsFormat.ExtensionSectors"/> free sectors of the volume for the log.</summary>
    /// <returns>The first one.</returns>
    long AllocateExtension();

    /// <summary>Stores an extension that is finished.</summary>
    void WriteExtension(LogExtension extension);
}

/// <summary>Frames records, extends the log, seals commits.</summary>
internal sealed class TfsLogWriter
{
    private const uint RootIndex = 1;
    private const int MaxCommitRecordBytes = 64;

    private readonly ILogSink _sink;
    private readonly TupleEncoder _encoder;
    private readonly bool _hasCommits;
    private readonly LogExtension _extension = new();
    private CommitChecksum _checksum;
    private uint _commitSymbol; // 0 before the first commit is sealed
    private bool _inCommit;

    /// <summary>Starts a log in a newly allocated extension.</summary>
    /// <param name="sink">Space and storage.</param>
    /// <param name="encoder">The log's encoder, which also encodes the first commit record.</param>
    /// <param name="hasCommits">False for a log as Nanos would write it, without commit records.</param>
    public TfsLogWriter(ILogSink sink, TupleEncoder encoder, bool hasCommits)
    {
        _sink = sink;
        _encoder = encoder;
        _hasCommits = hasCommits;
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

    /// <summary>Appends one encoded record. It is not stored before its extension is full or <see cref="Finish"/> is called.</summary>
    public void Append(ReadOnlySpan<byte> record)
    {
        bool opensCommit = _hasCommits && !_inCommit;
        if (_extension.Used > LogExtension.HeaderBytes && !_extension.HasRoom(record.Length, opensCommit, EndOfRecords))
        {
            if (_checksum.RecordCount > 0 && _commitSymbol != 0)
            {
                SealCommitBefore();
            }
            Extend();
        }
        if (_hasCommits && !_inCommit)
        {
            _extension.MarkCommit();
            _inCommit = true;
        }
        int done = 0;
        while ((done = _extension.Append(record, done, EndOfRecords)) < record.Length)
        {
            Extend(); // longer than a whole extension
        }
        _checksum.Append(record);
        RecordCount++;
    }

    /// <summary>Ends the open commit with its commit record, if anything was appended since the last one.</summary>
    public void SealCommit()
    {
        if (!_hasCommits || _checksum.RecordCount == 0)
        {
            return;
        }
        Span<byte> value = stackalloc byte[CommitRecord.ValueBytes];
        _checksum.Write(++Sequence, value);
        _encoder.Clear();
        _encoder.TupleReference(RootIndex, 1);
        _commitSymbol = _encoder.Symbol(TfsAttribute.TupeloCommit);
        _encoder.String(value);
        CloseCommit(_encoder.Record);
    }

    // Ends the commit in front of a record that was encoded already: the commit record names its symbol by number, and so takes none.
    private void SealCommitBefore()
    {
        Span<byte> record = stackalloc byte[MaxCommitRecordBytes];
        int length = TupleEncoder.WriteHeader(record, immediate: false, TfsValueType.Tuple, n: 1);
        length += TfsVarint.Write(record[length..], RootIndex);
        length += TupleEncoder.WriteHeader(record[length..], immediate: false, TfsValueType.Buffer, _commitSymbol);
        length += TupleEncoder.WriteHeader(record[length..], immediate: true, TfsValueType.String, CommitRecord.ValueBytes);
        _checksum.Write(++Sequence, record[length..]);
        CloseCommit(record[..(length + CommitRecord.ValueBytes)]);
    }

    /// <summary>Seals the last commit and stores the last extension.</summary>
    public void Finish()
    {
        SealCommit();
        _extension.PadSector();
        _sink.WriteExtension(_extension);
    }

    // Behind the records stay two sectors: one in which a commit record always fits, and the link's.
    private int EndOfRecords => LogExtension.SizeBytes - ((_hasCommits ? 2 : 1) * TfsFormat.SectorBytes);

    private void CloseCommit(ReadOnlySpan<byte> commitRecord)
    {
        int done = _extension.Append(commitRecord, 0, LogExtension.SizeBytes - TfsFormat.SectorBytes);
        Debug.Assert(done == commitRecord.Length);
        _extension.PadSector();
        _checksum = default;
        _inCommit = false;
    }

    private void Extend()
    {
        long next = _sink.AllocateExtension();
        _extension.Link(next);
        _sink.WriteExtension(_extension);
        _extension.Begin(next);
        ExtensionCount++;
    }
}
