namespace Tupelo.Vfs;

/// <summary>setrlimit(2) for files. Shared by the contexts of one process; any thread.</summary>
public sealed class ResourceLimits
{
    private long _maxFileBytes = long.MaxValue;
    private int _maxOpenFiles = 1024;

    /// <summary>RLIMIT_FSIZE: writing beyond gives EFBIG.</summary>
    public long MaxFileBytes
    {
        get => Volatile.Read(ref _maxFileBytes);
        set => Volatile.Write(ref _maxFileBytes, value);
    }

    /// <summary>RLIMIT_NOFILE: descriptors are below it (EMFILE).</summary>
    public int MaxOpenFiles
    {
        get => Volatile.Read(ref _maxOpenFiles);
        set => Volatile.Write(ref _maxOpenFiles, value);
    }

    internal ResourceLimits Clone() => new() { MaxFileBytes = MaxFileBytes, MaxOpenFiles = MaxOpenFiles };
}
