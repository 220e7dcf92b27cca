namespace Tupelo.Fuse;

/// <summary>How a mount appears to Linux.</summary>
public sealed record FuseMountOptions
{
    /// <summary>What /proc/mounts shows as the source.</summary>
    public required string Source { get; init; }

    /// <summary>Other users than the mounter may enter. An ordinary user needs user_allow_other in /etc/fuse.conf for it.</summary>
    public bool AllowOther { get; init; }

    /// <summary>The kernel checks mode bits, owners and groups.</summary>
    public bool DefaultPermissions { get; init; } = true;

    /// <summary>Nothing may be changed.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Set-id bits of programs have no effect. Only root can have it otherwise.</summary>
    public bool NoSetUid { get; init; } = true;

    /// <summary>Device nodes cannot be opened. Only root can have it otherwise.</summary>
    public bool NoDevices { get; init; } = true;

    public bool NoExec { get; init; }

    public bool NoAccessTime { get; init; }

    /// <summary>Each write is durable when it returns.</summary>
    public bool Synchronous { get; init; }

    public bool DirectorySync { get; init; }
}

/// <summary>A mount could not be made or ended. The message is for people.</summary>
public sealed class FuseMountException : Exception
{
    public FuseMountException(string message, Errno errno)
        : base(message) => Errno = errno;

    /// <summary>Why, or None when a helper program gave no number.</summary>
    public Errno Errno { get; }
}
