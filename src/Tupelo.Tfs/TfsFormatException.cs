namespace Tupelo.Tfs;

/// <summary>The image is damaged, or not TFS at all: thrown when a volume is opened, never later.</summary>
public sealed class TfsFormatException : IOException
{
    public TfsFormatException(string message, long offsetBytes = -1)
        : base(offsetBytes < 0 ? message : $"{message} (at byte {offsetBytes} of the volume)") => OffsetBytes = offsetBytes;

    public TfsFormatException(string message, Errno errno, long offsetBytes)
        : this(message, offsetBytes) => Errno = errno;

    /// <summary>EUCLEAN for damage, or what the device answered.</summary>
    public Errno Errno { get; } = Errno.EUCLEAN;

    /// <summary>Where in the volume, in bytes; -1 when no single place is to blame.</summary>
    public long OffsetBytes { get; }

    /// <summary>A record begins before the one before it is complete: what Nanos makes of a log whose last record a crash cut off.</summary>
    internal bool IsRecordWithinRecord { get; init; }

    /// <summary>A commit's records are not those that its checksum was made of.</summary>
    internal bool IsChecksumMismatch { get; init; }
}

/// <summary>Damage that was found and survived: what was read is right but for this.</summary>
/// <param name="Message">What is wrong, and what was done about it.</param>
/// <param name="OffsetBytes">Where in the volume, in bytes; -1 when no single place is to blame.</param>
public sealed record TfsFault(string Message, long OffsetBytes)
{
    /// <summary>True when it is what a crash leaves: an unfinished end of the log, which nobody was promised and the next writer removes.</summary>
    public bool IsUnfinishedEnd { get; init; }

    /// <summary>What it is, where a checker has to tell.</summary>
    internal TfsFaultKind Kind { get; init; }
}

/// <summary>Faults that a checker tells apart.</summary>
internal enum TfsFaultKind : byte
{
    Other,

    /// <summary>The last commit has no commit record.</summary>
    UnfinishedCommit,

    /// <summary>The log ends within a record.</summary>
    PartialRecord,

    /// <summary>A record without its end, and the log goes on behind it.</summary>
    AbandonedRecord,
}
