// A Volume is one TFS volume as a tree: in a file, in memory, or on any block device; a file layer of its own with the volume as its
// root. Place: the façade's end; below are VfsKernel and TfsFileSystem.
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.Extensions.Logging;
using Tupelo.Block;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo;

/// <summary>A file system in one file, or in memory. Any number of threads.</summary>
/// <remarks>A file is locked while its volume is open: one writer, or any number of readers, of this and of other processes.</remarks>
public sealed partial class Volume : MountedTree
{
    private readonly TfsFileSystem _fileSystem;
    private readonly BlockDevice _device;
    private readonly VolumeOptions _options;
    private readonly Lock _growingMu = new(); // One grows at a time. Taken with no lock held; the file system's are below it.

    private Volume(VfsContext context, TfsFileSystem fileSystem, BlockDevice device, VolumeOptions options)
        : base(context)
    {
        _fileSystem = fileSystem;
        _device = device;
        _options = options;
    }

    /// <summary>Makes a volume in a new file, and opens it.</summary>
    /// <param name="path">A path of the host, where nothing is yet.</param>
    /// <param name="options">How.</param>
    /// <exception cref="BlockDeviceException">EEXIST; EACCES; ENOSPC ...</exception>
    public static Volume Create(string path, VolumeOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new VolumeOptions();
        options.Check();
        if (options.ReadOnly)
        {
            throw new ArgumentException("A new volume cannot be read-only.", nameof(options));
        }
        FileBlockDevice device = FileBlockDevice.Open(path, new FileBlockDeviceOptions { Creation = FileCreation.New, SizeBytes = options.InitialSizeBytes });
        try
        {
            Format(device, options);
            return Mount(device, options);
        }
        catch
        {
            device.Dispose();
            File.Delete(path); // it was made a moment ago, by us
            throw;
        }
    }

    /// <summary>Opens the volume in a file; of a disk image with partitions, its root volume.</summary>
    /// <param name="path">A path of the host.</param>
    /// <param name="options">How.</param>
    /// <exception cref="BlockDeviceException">ENOENT; EACCES; EBUSY somebody else has it open, and who.</exception>
    /// <exception cref="VolumeException">EUCLEAN: it is no volume, or damaged; see <c>tupelo fsck</c>.</exception>
    public static Volume Open(string path, VolumeOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new VolumeOptions();
        options.Check();
        BlockDevice disk = FileBlockDevice.Open(path, new FileBlockDeviceOptions { ReadOnly = options.ReadOnly });
        try
        {
            PartitionTable partitions = PartitionTable.Read(disk);
            return Mount(partitions.IsWholeVolume ? disk : partitions.Open(disk, PartitionRole.Root, ownsDevice: true), options);
        }
        catch
        {
            disk.Dispose();
            throw;
        }
    }

    /// <summary>Opens the volume in a file, and makes it when there is no such file.</summary>
    /// <inheritdoc cref="Open(string, VolumeOptions?)"/>
    public static Volume OpenOrCreate(string path, VolumeOptions? options = null)
    {
        try
        {
            return Open(path, options);
        }
        catch (BlockDeviceException missing) when (missing.Errno == Errno.ENOENT)
        {
            return Create(path, options);
        }
    }

    /// <summary>A new volume in memory: gone when it is disposed of, unless it was saved.</summary>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The volume owns its device.")]
    public static Volume InMemory(VolumeOptions? options = null)
    {
        options ??= new VolumeOptions();
        options.Check();
        var device = new MemoryBlockDevice(options.InitialSizeBytes);
        Format(device, options);
        return Mount(device, options);
    }

    /// <summary>Opens a volume whose bytes are in memory already: an embedded resource, a download. Read-only.</summary>
    /// <exception cref="VolumeException">EUCLEAN: it is no volume, or damaged.</exception>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The volume owns its device.")]
    public static Volume OpenReadOnly(ReadOnlySpan<byte> image, VolumeOptions? options = null)
    {
        options = (options ?? new VolumeOptions()) with { ReadOnly = true };
        options.Check();
        return Mount(new MemoryBlockDevice(image, "memory", isReadOnly: true), options);
    }

    /// <inheritdoc cref="OpenReadOnly(ReadOnlySpan{byte}, VolumeOptions?)"/>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The volume owns its device.")]
    public static Volume OpenReadOnly(Stream image, VolumeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        options = (options ?? new VolumeOptions()) with { ReadOnly = true };
        options.Check();
        return Mount(MemoryBlockDevice.FromStream(image, "memory", isReadOnly: true), options);
    }

    /// <summary>Opens the volume on a device of the caller's making. The device is closed with the volume.</summary>
    /// <exception cref="VolumeException">EUCLEAN: it is no volume, or damaged.</exception>
    public static Volume Open(BlockDevice device, VolumeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        options ??= new VolumeOptions();
        options.Check();
        return Mount(device, options);
    }

    /// <summary>Makes an empty volume on a device of the caller's making: whatever was on it is lost.</summary>
    public static void Format(BlockDevice device, VolumeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        options ??= new VolumeOptions();
        using var builder = new TfsImageBuilder(device, new TfsBuildOptions
        {
            Label = options.Label, Uuid = Guid.NewGuid().ToByteArray(bigEndian: true), MinSizeBytes = options.InitialSizeBytes,
        });
        _ = builder.Complete();
    }

    /// <summary>Name of the volume.</summary>
    public string Label => Encoding.UTF8.GetString(_fileSystem.Volume.Label);

    /// <summary>Identity of the volume.</summary>
    public Guid Id => new(_fileSystem.Volume.Uuid, bigEndian: true);

    /// <summary>Length of the volume in bytes.</summary>
    public long SizeBytes => _device.SizeBytes;

    /// <summary>Bytes that files can still take without the volume growing.</summary>
    public long FreeBytes => GetSpace("/").Free;

    /// <summary>Whether it was opened for reading only.</summary>
    public bool IsReadOnly => _options.ReadOnly;

    /// <summary>Writes the log anew without what is obsolete in it; it happens by itself when half of it is.</summary>
    /// <exception cref="VolumeException">EROFS; ENOSPC; EBUSY a transaction is open; EIO.</exception>
    public void Compact()
    {
        using OperationGate.Scope all = EnterRead();
        Failure.ThrowIf(_fileSystem.Compact(), "compact the volume", "");
    }

    /// <summary>Writes a copy of the volume as it is now into a new file of the host: everything that was changed before the call is in it,
    /// and what others change meanwhile waits.</summary>
    /// <param name="path">A path of the host, where nothing is yet. The file has the name once it is complete and durable.</param>
    public void SaveTo(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using OperationGate.Scope all = EnterRead();
        Writers.Acquire();
        try
        {
            if (!IsReadOnly)
            {
                Failure.ThrowIf(_fileSystem.Sync(), "make the changes durable", "");
            }
            DeviceCopy.Save(_device, path);
        }
        finally
        {
            Writers.Release();
        }
    }

    private static Volume Mount(BlockDevice device, VolumeOptions options)
    {
        TfsFormatException? refusal = null;
        var type = new TfsFileSystemType(_ => (Errno.None, device))
        {
            Options = new TfsMountOptions
            {
                FlushDelay = options.FlushDelay,
                Cache = new PageCacheOptions { DirtyLimitBytes = options.DirtyLimitBytes },
                TimeProvider = options.TimeProvider,
            },
            Refused = why => refusal = why,
        };
        var kernel = new VfsKernel(new VfsOptions
        {
            CachedNames = options.CachedNames,
            Permissions = options.ChecksPermissions ? PermissionModel.Unix : PermissionModel.None,
            Clock = ProviderClock.For(options.TimeProvider),
        });
        _ = kernel.FileSystems.Register(type);
        MountFlags flags = MountFlags.NoDevices | MountFlags.RelativeAccessTime | (options.ReadOnly ? MountFlags.ReadOnly : MountFlags.None);
        Errno errno = kernel.Start(type.Name, device.Name, flags, string.Empty, out VfsContext? context);
        if (errno != Errno.None)
        {
            errno = refusal?.Errno ?? errno;
            throw new VolumeException(errno, device.Name, $"'{device.Name}' cannot be opened: {refusal?.Message ?? errno.Describe()}", refusal);
        }
        PathRef root = context!.PinRootDirectory()!.Value;
        var fileSystem = (TfsFileSystem)root.Vnode.FileSystem;
        root.Unpin();
        context.Limits.MaxOpenFiles = int.MaxValue;
        VolumeLog.Opened(options.Logger, device.Name, device.SizeBytes);
        foreach (TfsFault fault in fileSystem.Volume.Faults)
        {
            VolumeLog.Damaged(options.Logger, device.Name, fault.Message);
        }
        return new Volume(context, fileSystem, device, options);
    }
}
