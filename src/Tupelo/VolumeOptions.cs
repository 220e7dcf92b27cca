using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Tupelo;

/// <summary>How a volume is made and opened. Checked when it is.</summary>
public sealed record VolumeOptions
{
    /// <summary>Name of a new volume: at most 31 bytes of UTF-8.</summary>
    public string Label { get; init; } = "";

    /// <summary>Length of a new volume in bytes; it grows when it must. Default 16 MiB, at least 2 MiB. Space that nothing was written to
    /// costs nothing where the host's files can have holes.</summary>
    public long InitialSizeBytes { get; init; } = 16L << 20;

    /// <summary>The volume grows no longer than this. Default 16 TiB. Equal to its size: it does not grow.</summary>
    public long MaxSizeBytes { get; init; } = 16L << 40;

    /// <summary>Nothing is written, not even what a crash left undone. Others may read at the same time.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>How long a change may wait before it is made durable by itself. Zero: only <see cref="FileTree.Flush"/> and disposing do.
    /// Default 1 s.</summary>
    public TimeSpan FlushDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Most bytes of file content that wait in memory to be written; writers wait beyond it. Default 64 MiB.</summary>
    public long DirtyLimitBytes { get; init; } = 64L << 20;

    /// <summary>Names kept ready for lookups; about 110 bytes each. Default 262,144.</summary>
    public int CachedNames { get; init; } = 262_144;

    /// <summary>Whether mode bits are obeyed. Default false: the program may do everything in its own volume.</summary>
    public bool ChecksPermissions { get; init; }

    /// <summary>Where the time of files and of the flush timer comes from.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Is told of opening, growing, failures.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(InitialSizeBytes, 2L << 20);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSizeBytes, 2L << 20);
        ArgumentOutOfRangeException.ThrowIfLessThan(FlushDelay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(DirtyLimitBytes, 1L << 20);
        ArgumentOutOfRangeException.ThrowIfLessThan(CachedNames, 16);
        ArgumentNullException.ThrowIfNull(Label);
        ArgumentNullException.ThrowIfNull(TimeProvider);
        ArgumentNullException.ThrowIfNull(Logger);
    }
}
