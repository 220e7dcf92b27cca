namespace Tupelo.Images;

/// <summary>How far a build has come: counters that one thread advances and any thread may read.</summary>
public sealed class BuildProgress
{
    private long _files;
    private long _directories;
    private long _symlinks;
    private long _specials;
    private long _links;
    private long _bytes;
    private long _skipped;
    private int _isFlushing;

    /// <summary>Regular files stored, each object once.</summary>
    public long Files => Volatile.Read(ref _files);

    /// <summary>Directories stored, the root included.</summary>
    public long Directories => Volatile.Read(ref _directories);

    public long Symlinks => Volatile.Read(ref _symlinks);

    /// <summary>Sockets, FIFOs and device nodes stored.</summary>
    public long Specials => Volatile.Read(ref _specials);

    /// <summary>Further names of objects stored already.</summary>
    public long Links => Volatile.Read(ref _links);

    /// <summary>File bytes read; holes do not count.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Entries left out by exclusion, with what is below them counted as one.</summary>
    public long Excluded => Volatile.Read(ref _skipped);

    /// <summary>True while the host is making everything durable.</summary>
    public bool IsFlushing
    {
        get => Volatile.Read(ref _isFlushing) != 0;
        internal set => Volatile.Write(ref _isFlushing, value ? 1 : 0);
    }

    internal void AddFile() => Volatile.Write(ref _files, _files + 1);

    internal void AddDirectory() => Volatile.Write(ref _directories, _directories + 1);

    internal void AddSymlink() => Volatile.Write(ref _symlinks, _symlinks + 1);

    internal void AddSpecial() => Volatile.Write(ref _specials, _specials + 1);

    internal void AddLink() => Volatile.Write(ref _links, _links + 1);

    internal void AddBytes(long count) => Volatile.Write(ref _bytes, _bytes + count);

    internal void AddExcluded() => Volatile.Write(ref _skipped, _skipped + 1);
}
