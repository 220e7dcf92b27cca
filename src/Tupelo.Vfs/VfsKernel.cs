// VfsKernel is one whole file layer: file system types, mount table, name cache, clock. A program may have several; nothing is
// shared between them. Contexts (VfsContext) are made from it, calls are made through Syscalls over a context.
namespace Tupelo.Vfs;

/// <summary>Settings of a <see cref="VfsKernel"/>; validated when it is made.</summary>
public sealed record VfsOptions
{
    /// <summary>Names kept in the cache, used or not; about 110 bytes each. 16 or more.</summary>
    public int CachedNames { get; init; } = 262_144;

    /// <summary>Who may do what.</summary>
    public PermissionModel Permissions { get; init; } = PermissionModel.Unix;

    /// <summary>Where time stamps come from.</summary>
    public VfsClock Clock { get; init; } = VfsClock.System;

    /// <summary>As the protected_hardlinks setting of Linux: only owners link files that they cannot read and write.</summary>
    public bool ProtectHardLinks { get; init; } = true;
}

/// <summary>How permissions are decided. Read-only, nosuid, nodev and noexec mounts are always honoured.</summary>
public enum PermissionModel
{
    /// <summary>Everybody may do everything: for single-user embedders.</summary>
    None,

    /// <summary>Mode bits, owners, groups, sticky, set-id bits and capabilities.</summary>
    Unix,
}

/// <summary>The file layer of a program. Any thread.</summary>
public sealed class VfsKernel
{
    public VfsKernel(VfsOptions? options = null)
    {
        Options = options ?? new VfsOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.CachedNames, 16);
        Clock = Options.Clock;
        Names = new DentryCache(Options.CachedNames);
        Mounts = new MountTable(this);
    }

    public VfsOptions Options { get; }

    /// <summary>The types that mount(2) knows; empty at first.</summary>
    public FileSystemRegistry FileSystems { get; } = new();

    public VfsClock Clock { get; }

    /// <summary>What is alive now; all zero at the end of a program that cleans up.</summary>
    public VfsStatistics Statistics { get; } = new();

    internal DentryCache Names { get; }

    internal MountTable Mounts { get; }

    internal TopologyCounter Moves { get; } = new();

    internal Topology Topology => new(Moves);
}
