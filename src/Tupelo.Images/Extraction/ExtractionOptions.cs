namespace Tupelo.Images.Extraction;

/// <summary>How an extraction treats what it meets. Validated once, when it begins.</summary>
public sealed record ExtractionOptions
{
    /// <summary>Restore owner, set-id and sticky bits, all extended attributes and access times, and heed no umask. Default: mode without
    /// the special bits and within the umask, modification time, and attributes in `user.` alone.</summary>
    public bool PreserveAll { get; init; }

    /// <summary>Make device nodes, FIFOs and sockets. Default: they are left out, since a device node is a door into the host.</summary>
    public bool Devices { get; init; }

    /// <summary>Leave out symbolic links that lead, or could lead, outside of the destination. Default: they are made as they are; they
    /// are never followed.</summary>
    public bool SafeLinks { get; init; }

    /// <summary>Replace files and links that exist, as cp does. Directories are merged in any case. Default true.</summary>
    public bool Overwrite { get; init; } = true;

    /// <summary>Return only when everything is durable (syncfs). Default false, as cp.</summary>
    public bool Sync { get; init; }

    /// <summary>Most bytes written into files, holes not counted. Default 64 GiB: an image may say that it is larger than any disk.</summary>
    public long MaxTotalBytes { get; init; } = 64L << 30;

    /// <summary>Most bytes written for each byte of the image: extents may be shared by any number of files. Default 1000.</summary>
    public int MaxRatio { get; init; } = 1000;

    /// <summary>Most entries. Default 10 million.</summary>
    public long MaxEntries { get; init; } = 10_000_000;

    /// <summary>Deepest directory, counted from the start. Default 4096.</summary>
    public int MaxDepth { get; init; } = 4096;

    /// <summary>Use the framework's portable calls although the system's own are known; for tests of that path.</summary>
    internal bool Portable { get; init; }
}

/// <summary>Something that an extraction has to tell.</summary>
/// <param name="Path">Path inside of the image, UTF-8.</param>
/// <param name="Message">What is the matter, and what was done about it.</param>
/// <param name="IsFailure">The entry, or a part of it, is missing although it was asked for.</param>
public sealed record ExtractionNotice(byte[] Path, string Message, bool IsFailure);

/// <summary>How far an extraction has come: counters that one thread advances and any thread may read.</summary>
public sealed class ExtractionProgress
{
    private long _totalEntries;
    private long _totalBytes;
    private long _entries;
    private long _bytes;
    private long _skipped;
    private long _failures;

    /// <summary>Entries to come, known once the tree has been counted.</summary>
    public long TotalEntries
    {
        get => Volatile.Read(ref _totalEntries);
        internal set => Volatile.Write(ref _totalEntries, value);
    }

    /// <summary>Bytes to come, holes not counted.</summary>
    public long TotalBytes
    {
        get => Volatile.Read(ref _totalBytes);
        internal set => Volatile.Write(ref _totalBytes, value);
    }

    /// <summary>Entries that are in their place.</summary>
    public long Entries => Volatile.Read(ref _entries);

    /// <summary>Bytes written.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Entries left out on purpose: devices, unsafe links.</summary>
    public long Skipped => Volatile.Read(ref _skipped);

    /// <summary>Entries that failed.</summary>
    public long Failures => Volatile.Read(ref _failures);

    internal void AddEntry() => Volatile.Write(ref _entries, _entries + 1);

    internal void AddBytes(long count) => Volatile.Write(ref _bytes, _bytes + count);

    internal void AddSkipped() => Volatile.Write(ref _skipped, _skipped + 1);

    internal void AddFailure() => Volatile.Write(ref _failures, _failures + 1);
}
