namespace Tupelo.Fuse;

/// <summary>How an engine serves. Validated when the engine is made.</summary>
public sealed record FuseOptions
{
    /// <summary>The largest WRITE and READ, in bytes: a multiple of 4096, at least 4096. The kernel takes up to 1 MiB.</summary>
    public int MaxIoBytes { get; init; } = 1 << 20;

    /// <summary>Reads ahead of a sequential reader, in bytes; the kernel's own limit holds as well.</summary>
    public int MaxReadAheadBytes { get; init; } = 1 << 20;

    /// <summary>The kernel checks permissions (default_permissions): the engine then permits what it is asked for.</summary>
    public bool KernelChecksPermissions { get; init; } = true;

    /// <summary>The kernel keeps written data for a while (FUSE_WRITEBACK_CACHE). Faster for small writes; lack of space is told at
    /// fsync or close, not at write. Needs <see cref="KernelChecksPermissions"/>.</summary>
    public bool WritebackCache { get; init; }

    /// <summary>How long names and attributes of file systems that nobody else changes may be believed, in seconds.</summary>
    public int CacheSeconds { get; init; } = 86_400;

    /// <summary>Files are opened and closed without asking, where nothing depends on it (FUSE_NO_OPEN_SUPPORT).</summary>
    public bool OpensWithoutAsking { get; init; } = true;

    /// <summary>Who appears as the owner of what belongs to root in the file system, and the other way round; null: root.</summary>
    public uint? OwnerUid { get; init; }

    /// <summary>The same for the group.</summary>
    public uint? OwnerGid { get; init; }

    /// <summary>Permissions that are taken away from what is shown, as an octal umask.</summary>
    public uint HiddenPermissions { get; init; }

    /// <summary>Requests that the kernel may have under way in the background.</summary>
    public int MaxBackground { get; init; } = 64;

    /// <summary>The shutdown ioctl works for root: everything after it fails with EIO. For crash tests.</summary>
    public bool AllowShutdown { get; init; }

    /// <summary>Told once when a request failed by a bug, with what went wrong.</summary>
    public Action<string>? Report { get; init; }
}
