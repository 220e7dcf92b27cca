// The page cache holds what was written to files and has not reached the device yet: 4 KiB pages, each found by its place in its file.
// It moves bytes and knows nothing of names, extents or tuples; a file system answers where a range lies (IBlockMap).
//
// Clean pages are not kept: an image file's bytes are in the host's own page cache already, and a second copy costs memory without
// saving more than a system call. So a read takes dirty pages from here and everything else straight from the device into the
// caller's buffer, one request for each run.
//
// Locks, from top to bottom: CachedFile._flushMu, then CachedFile._pagesMu, then PageCache's counters (atomic). The owner's content lock
// is above all of them: shared for Read, exclusive for Write, Truncate, Zero and Discard; WriteBack needs none.
namespace Tupelo.Block;

/// <summary>Limits of a page cache.</summary>
public sealed record PageCacheOptions
{
    /// <summary>Dirty bytes at which a writer has to write its own file back before it goes on. At least 64 KiB.</summary>
    public long DirtyLimitBytes { get; init; } = 64L << 20;
}

/// <summary>Dirty pages of all files of a volume. Any thread.</summary>
public sealed class PageCache
{
    /// <summary>Size of a page.</summary>
    public const int PageBytes = 4096;

    private readonly long _dirtyLimit;
    private long _dirtyBytes;

    public PageCache(PageCacheOptions? options = null)
    {
        _dirtyLimit = (options ?? new PageCacheOptions()).DirtyLimitBytes;
        ArgumentOutOfRangeException.ThrowIfLessThan(_dirtyLimit, 64 << 10);
    }

    /// <summary>Bytes that wait to be written.</summary>
    public long DirtyBytes => Interlocked.Read(ref _dirtyBytes);

    /// <summary>True when a writer should help with write-back before it makes more dirty.</summary>
    public bool IsOverLimit => DirtyBytes > _dirtyLimit;

    internal void AddDirty(long bytes) => _ = Interlocked.Add(ref _dirtyBytes, bytes);
}
