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

    /// <summary>The type that memfd_create keeps its files on; without it the call gives ENOSYS.</summary>
    public string MemoryFileSystem { get; init; } = "ramfs";

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
        Anonymous = new AnonymousFiles(this);
    }

    public VfsOptions Options { get; }

    /// <summary>The types that mount(2) knows; empty at first.</summary>
    public FileSystemRegistry FileSystems { get; } = new();

    public VfsClock Clock { get; }

    /// <summary>What is alive now; all zero at the end of a program that cleans up.</summary>
    public VfsStatistics Statistics { get; } = new();

    /// <summary>Who is behind device nodes.</summary>
    public DeviceRegistry Devices { get; } = new();

    internal DentryCache Names { get; }

    internal MountTable Mounts { get; }

    internal AnonymousFiles Anonymous { get; }

    internal LockGraph LockGraph { get; } = new();

    internal TopologyCounter Moves { get; } = new();

    internal Topology Topology => new(Moves);

    /// <summary>Begins: mounts a file system as the root of a new namespace and makes the first process in it, with root's credentials.</summary>
    /// <remarks>Errors: ENODEV no such type · those of the file system. The namespace ends with its last context.</remarks>
    public Errno Start(string type, string source, MountFlags flags, string options, out VfsContext? first)
    {
        first = null;
        if (!FileSystems.TryFind(type, out FileSystemType? fileSystemType))
        {
            return Errno.ENODEV;
        }
        Errno errno = MakeFileSystem(null, fileSystemType, source, flags, options, out FileSystem? fileSystem);
        if (errno != Errno.None)
        {
            return errno;
        }
        MountNamespace made = Mounts.MakeNamespace(fileSystem!, MountOperations.Kept(flags), source);
        var root = new PathRef(made.Root!, fileSystem!.RootDentry);
        first = VfsContext.Make(this, root, made, Credentials.Root);
        return Errno.None;
    }

    /// <summary>Names in the cache now, negative ones too; 0 when the kernel has no mount any more.</summary>
    public int CachedNames => Names.Count;

    /// <summary>Evicts every cached name that nobody uses: for tests and when memory is short.</summary>
    public void TrimNames() => Names.TrimAll(0);

    /// <summary>What each thread holds and waits for now, of all kernels; for a watchdog, while the lock-rank checker is on (docs/vfs.md).</summary>
    public static string DescribeLocks() => LockRanks.Describe();

    internal Errno MakeFileSystem(
        VfsContext? context, FileSystemType type, string source, MountFlags flags, string options, out FileSystem? fileSystem)
    {
        fileSystem = null;
        if (type.NeedsSource && source.Length == 0)
        {
            return Errno.EINVAL;
        }
        type.InstanceCreated();
        Errno errno = type.Create(
            new MountRequest { Source = source, Options = options, Flags = flags, Kernel = this, Context = context }, out fileSystem);
        if (errno != Errno.None)
        {
            fileSystem = null;
            type.InstanceGone();
        }
        return errno;
    }
}
