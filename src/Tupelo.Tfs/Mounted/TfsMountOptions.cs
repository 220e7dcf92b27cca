namespace Tupelo.Tfs;

/// <summary>How a volume is mounted; checked when it is.</summary>
public sealed record TfsMountOptions
{
    /// <summary>Nothing is written, not even a recovery.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>How long a change may stay in memory only. Zero: until a sync, or unmount. Nanos' own is 1 s.</summary>
    public TimeSpan FlushDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Limits of the page cache.</summary>
    public PageCacheOptions Cache { get; init; } = new();

    /// <summary>Where the flush timer comes from.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Compact by itself when half of the log is obsolete: on a thread of its own, or with <see cref="FlushDelay"/> zero in the
    /// sync that finds it so.</summary>
    public bool AutoCompact { get; init; } = true;

    /// <summary>Bytes of records that a compaction stages in one step, during which others wait.</summary>
    internal int CompactionStepBytes { get; init; } = 128 << 10;

    /// <summary>The volume closes its device when it is shut down.</summary>
    public bool OwnsDevice { get; init; }
}
