namespace Tupelo.Tfs;

/// <summary>One contiguous area of the log.</summary>
/// <param name="StartSector">First sector, in the volume.</param>
/// <param name="SectorCount">Length, as the link to it says.</param>
/// <param name="Version">Encoding of its records, 4 or 5.</param>
/// <param name="UsedBytes">Bytes up to and with END_OF_LOG or the link to the next extension.</param>
public readonly record struct TfsLogExtension(long StartSector, long SectorCount, int Version, long UsedBytes);

/// <summary>What the log of a volume looks like, as counted while it was read.</summary>
public sealed class TfsLogInfo
{
    /// <summary>The extensions in the order of the chain; the first is sector 0.</summary>
    public IReadOnlyList<TfsLogExtension> Extensions { get; internal set; } = [];

    /// <summary>Records applied.</summary>
    public long RecordCount { get; internal set; }

    /// <summary>Records that stand in more than one frame.</summary>
    public long SplitRecordCount { get; internal set; }

    /// <summary>Lone END_OF_SEGMENT bytes: one for each time that Nanos mounted the volume and wrote.</summary>
    public long EndOfSegmentCount { get; internal set; }

    /// <summary>Commits of Tupelo's, all found whole.</summary>
    public long CommitCount { get; internal set; }

    /// <summary>Number of the last whole commit; 0 when there is none.</summary>
    public ulong LastCommitSequence { get; internal set; }

    /// <summary>Attributes set, nested ones included.</summary>
    public long TotalEntries { get; internal set; }

    /// <summary>Attributes that a later setting or removal made obsolete. Compaction is due at 8,192 or more, once they are half of the total.</summary>
    public long ObsoleteEntries { get; internal set; }

    /// <summary>Dictionary numbers in use.</summary>
    public int DictionaryCount { get; internal set; }
}
