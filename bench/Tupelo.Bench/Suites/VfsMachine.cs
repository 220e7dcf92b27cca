using Tupelo.Block;
using Tupelo.FileSystems;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo.Bench;

/// <summary>A kernel with one file system as its root, as the benchmarks use it.</summary>
internal sealed class VfsMachine : IDisposable
{
    private readonly VfsContext _context;

    private VfsMachine(FileSystemType type)
    {
        var kernel = new VfsKernel();
        Check(kernel.FileSystems.Register(type));
        Check(kernel.Start(type.Name, "bench", MountFlags.None, "", out VfsContext? context));
        _context = context!;
        Calls = new Syscalls(_context);
    }

    public Syscalls Calls { get; }

    /// <summary>The volume, when it is one.</summary>
    public TfsFileSystem? Volume { get; private init; }

    public static VfsMachine Ram() => new(new RamFsType());

    /// <summary>Mounts a volume; it and its device end with the machine.</summary>
    /// <param name="options">Null: nothing is written until a sync.</param>
    public static VfsMachine Tfs(BlockDevice device, TfsMountOptions? options = null)
    {
        TfsFileSystem volume = TfsFileSystem.Mount(device, (options ?? new TfsMountOptions { FlushDelay = TimeSpan.Zero }) with { OwnsDevice = true });
        return new VfsMachine(new MountedType(volume)) { Volume = volume };
    }

    /// <summary>Mounts an empty volume in memory.</summary>
    public static VfsMachine TfsInMemory(long sizeBytes)
    {
        var device = new MemoryBlockDevice(sizeBytes);
        Format(device);
        return Tfs(device);
    }

    /// <summary>Makes an empty volume of the device's length.</summary>
    public static void Format(BlockDevice device)
    {
        using var builder = new TfsImageBuilder(device, new TfsBuildOptions { FixedSize = true, Root = new TfsEntryAttributes { Mode = 0x41ED } });
        _ = builder.Complete();
    }

    /// <summary>Calls of another process: its own descriptors.</summary>
    public Syscalls Fork() => new(_context.Fork());

    /// <summary>The result of a call that must not fail.</summary>
    public static long Check(long result) => result >= 0 ? result : throw new InvalidOperationException($"a call failed: {(Errno)(-result)}");

    public void Dispose() => _context.Dispose();

    private static void Check(Errno errno)
    {
        if (errno != Errno.None)
        {
            throw new InvalidOperationException(errno.ToString());
        }
    }

    private sealed class MountedType(FileSystem mounted) : FileSystemType
    {
        public override string Name => "tfs";

        public override Errno Create(MountRequest request, out FileSystem? fileSystem)
        {
            fileSystem = mounted;
            return Errno.None;
        }
    }
}
