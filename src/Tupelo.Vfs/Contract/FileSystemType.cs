// A FileSystemType is a name in the registry ("ramfs", "tfs") and the factory behind mount(2)'s type argument.
using System.Diagnostics.CodeAnalysis;

namespace Tupelo.Vfs;

/// <summary>What mount(2) hands to a file system type.</summary>
public sealed class MountRequest
{
    /// <summary>The device, URL or path to mount from; empty when none was given.</summary>
    public required string Source { get; init; }

    /// <summary>mount(2)'s data: comma-separated options of this type. An unknown one is EINVAL.</summary>
    public string Options { get; init; } = string.Empty;

    /// <summary>The flags that concern a file system (read-only, synchronous ...).</summary>
    public MountFlags Flags { get; init; }

    /// <summary>The core that it will live in: clock, devices.</summary>
    public required VfsKernel Kernel { get; init; }

    /// <summary>Who mounts; null for a kernel's first mount.</summary>
    public required VfsContext? Context { get; init; }

    /// <summary>True when the mount must not write.</summary>
    public bool IsReadOnly => (Flags & MountFlags.ReadOnly) != 0;
}

/// <summary>Makes instances of one kind of file system. Stateless; any thread.</summary>
public abstract class FileSystemType
{
    private int _instances;

    /// <summary>The name that mount(2) asks for: letters, digits, dot and dash.</summary>
    public abstract string Name { get; }

    /// <summary>True when a source must be given (no "nodev" in /proc/filesystems).</summary>
    public virtual bool NeedsSource => false;

    /// <summary>Instances alive; the type cannot be unregistered before this is zero.</summary>
    public int InstanceCount => Volatile.Read(ref _instances);

    /// <summary>Makes an instance. Nothing of the core's is locked: it may take its time, and fail at any step.</summary>
    /// <remarks>Errors: EINVAL option or superblock · ENOENT source · ENOTBLK · ENXIO · EACCES needs read-only · EBUSY · EIO.</remarks>
    public abstract Errno Create(MountRequest request, out FileSystem? fileSystem);

    internal void InstanceCreated() => _ = Interlocked.Increment(ref _instances);

    internal void InstanceGone() => _ = Interlocked.Decrement(ref _instances);
}

/// <summary>The file system types that mount(2) knows. Any thread.</summary>
public sealed class FileSystemRegistry
{
    private readonly RankedLock _typesMu = new(LockRank.Leaf); // Guards changes of _types, a snapshot that is replaced.
    private volatile FileSystemType[] _types = [];

    /// <summary>A snapshot in the order of registration.</summary>
    public IReadOnlyList<FileSystemType> Types => _types;

    /// <summary>Adds a type, at any time. Errors: EBUSY when the name is taken.</summary>
    public Errno Register(FileSystemType type)
    {
        using (_typesMu.EnterScope())
        {
            if (TryFind(type.Name, out _))
            {
                return Errno.EBUSY;
            }
            _types = [.. _types, type];
            return Errno.None;
        }
    }

    /// <summary>Removes a type. Errors: EINVAL not registered · EBUSY an instance is alive.</summary>
    public Errno Unregister(FileSystemType type)
    {
        using (_typesMu.EnterScope())
        {
            if (!_types.Contains(type))
            {
                return Errno.EINVAL;
            }
            if (type.InstanceCount != 0)
            {
                return Errno.EBUSY;
            }
            _types = [.. _types.Where(t => t != type)];
            return Errno.None;
        }
    }

    public bool TryFind(string name, [NotNullWhen(true)] out FileSystemType? type)
    {
        foreach (FileSystemType candidate in _types)
        {
            if (string.Equals(candidate.Name, name, StringComparison.Ordinal))
            {
                type = candidate;
                return true;
            }
        }
        type = null;
        return false;
    }
}
