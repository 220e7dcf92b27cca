// A log as a checker sees it: replayed as far as it can be trusted, with nothing judged and nothing left out. Unlike TfsVolume, which
// refuses a damaged log, it ends at the damage; and it never holds a part of a record or of a commit.
namespace Tupelo.Tfs;

internal sealed class ReplayedLog : ILogConsumer
{
    private readonly TupleDecoder _decoder;
    private readonly long _limit;     // records behind this one are not applied
    private ulong _commitSymbolIndex;
    private long _seen;
    private long _whole;              // records up to the end of the last whole commit, or of what stands outside of one
    private ulong _commit;            // the commit that the records applied last belong to

    private ReplayedLog(BlockDevice device, long limit)
    {
        _limit = limit;
        _decoder = new TupleDecoder(Store);
        var reader = new LogReader(device, this, Faults);
        Info = reader.ReadUpToDamage(out TfsFormatException? damage);
        Damage = damage;
        Tail = reader.Tail;
        Uuid = reader.Uuid;
        Label = reader.Label;
    }

    /// <summary>Replays the log that sector 0 of a device leads to.</summary>
    /// <remarks>Never throws for what the device holds.</remarks>
    public static ReplayedLog Read(BlockDevice device)
    {
        var log = new ReplayedLog(device, long.MaxValue);
        if (log.Damage is null || log._seen == log._whole)
        {
            return log;
        }
        // The damage is in a record, a part of which was applied, or in a commit that does not get its end: once more, up to there.
        return new ReplayedLog(device, log._whole) { Damage = log.Damage };
    }

    /// <summary>The tuples.</summary>
    public TupleStore Store { get; } = new();

    /// <summary>What ended the log before its end; null when nothing did.</summary>
    public TfsFormatException? Damage { get; private init; }

    /// <summary>What was met on the way and survived.</summary>
    public List<TfsFault> Faults { get; } = [];

    public TfsLogInfo Info { get; }

    public LogTail Tail { get; }

    public byte[] Uuid { get; }

    public byte[] Label { get; }

    /// <summary>Records that were applied.</summary>
    public long RecordCount => Math.Min(_seen, _limit);

    public long TotalEntries => _decoder.TotalEntries;

    public long ObsoleteEntries => _decoder.ObsoleteEntries;

    /// <summary>True when there is a root.</summary>
    public bool HasRoot => Store.TupleCount > 0 && !Store.IsVector(TupleStore.Root);

    ulong ILogConsumer.CommitSymbolIndex => TfsVolume.FindCommitSymbol(_decoder, Store, ref _commitSymbolIndex);

    /// <summary>A name that the log writes out twice; 0 when there is none.</summary>
    public int FindNameTwice()
    {
        var seen = new System.Collections.BitArray(Store.Symbols.Count + 1);
        for (int index = 1; index <= _decoder.DictionaryCount; index++)
        {
            int symbol = _decoder.SymbolAt((ulong)index);
            if (symbol != 0 && seen[symbol])
            {
                return symbol;
            }
            seen[symbol] = symbol != 0;
        }
        return 0;
    }

    void ILogConsumer.Apply(ReadOnlySpan<byte> record, in LogRecordPlace place)
    {
        if (place.Commit == 0 || place.Commit != _commit)
        {
            _whole = _seen; // what came before is complete
            _commit = place.Commit;
        }
        _seen++;
        if (_seen > _limit)
        {
            return;
        }
        _decoder.Decode(record, place.OldEncoding, place.OffsetBytes);
        if (place.Commit == 0 || CommitRecord.TryRecognize(record, ((ILogConsumer)this).CommitSymbolIndex, out _))
        {
            _whole = _seen;
        }
    }
}
