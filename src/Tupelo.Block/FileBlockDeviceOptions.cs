// How to open a host file or block device. Validated once, by FileBlockDevice.Open.
namespace Tupelo.Block;

/// <summary>What to do about a file that is not there, or is.</summary>
public enum FileCreation
{
    /// <summary>It must exist.</summary>
    Never,

    /// <summary>Create it when it does not exist; one that exists is kept as it is.</summary>
    IfMissing,

    /// <summary>It must not exist.</summary>
    New,
}

/// <summary>How <see cref="FileBlockDevice.Open"/> opens.</summary>
public sealed record FileBlockDeviceOptions
{
    /// <summary>Open for reading only: Write, Discard and Resize fail with EROFS. Default false.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Bypass the host's page cache (O_DIRECT): every transfer must then be aligned. Default false. Linux only.</summary>
    public bool Direct { get; init; }

    /// <summary>Whether to create the file. Default: it must exist.</summary>
    public FileCreation Creation { get; init; }

    /// <summary>Length in bytes of a file that is created; all zeros, and sparse where the host can. Default 0.</summary>
    public long SizeBytes { get; init; }

    /// <summary>The lock to hold while the file is open. Default (null): <see cref="ImageLockMode.SharedReader"/> when read-only,
    /// otherwise <see cref="ImageLockMode.ExclusiveWriter"/>.</summary>
    public ImageLockMode? Lock { get; init; }

    /// <summary>Read although somebody is writing, and see perhaps half of a change. Default false. No effect on a writer.</summary>
    public bool Force { get; init; }

    internal ImageLockMode EffectiveLock => Lock ?? (ReadOnly ? ImageLockMode.SharedReader : ImageLockMode.ExclusiveWriter);

    /// <summary>Use the framework's portable calls although the system's own are known; for tests of that path.</summary>
    internal bool Portable { get; init; }
}
