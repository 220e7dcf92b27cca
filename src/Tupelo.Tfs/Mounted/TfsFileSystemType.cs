namespace Tupelo.Tfs;

/// <summary>The file system type "tfs": mounts a volume from an image file, or from a device that its maker was given.</summary>
public sealed class TfsFileSystemType : FileSystemType
{
    private readonly Func<MountRequest, (Errno Errno, BlockDevice? Device)>? _open;

    /// <param name="open">Opens a mount's source; null: the source is a path of the host, and a disk's root partition is taken.</param>
    public TfsFileSystemType(Func<MountRequest, (Errno Errno, BlockDevice? Device)>? open = null) => _open = open;

    /// <summary>The type of volumes that are mounted without a name.</summary>
    internal static TfsFileSystemType Shared { get; } = new();

    /// <summary>How volumes are mounted, but for what each mount says itself.</summary>
    public TfsMountOptions Options { get; init; } = new();

    /// <summary>Is told why a volume is refused: mount(2) has no more than a number for it.</summary>
    public Action<TfsFormatException>? Refused { get; init; }

    /// <inheritdoc/>
    public override string Name => "tfs";

    /// <inheritdoc/>
    public override bool NeedsSource => true;

    /// <inheritdoc/>
    public override Errno Create(MountRequest request, out FileSystem? fileSystem)
    {
        fileSystem = null;
        if (request.Options.Length > 0)
        {
            return Errno.EINVAL;
        }
        (Errno errno, BlockDevice? device) = _open is not null ? _open(request) : OpenHostFile(request);
        if (device is null)
        {
            return errno;
        }
        try
        {
            fileSystem = TfsFileSystem.Mount(device, Options with { ReadOnly = request.IsReadOnly, OwnsDevice = true }, this);
            return Errno.None;
        }
        catch (TfsFormatException error)
        {
            device.Dispose();
            Refused?.Invoke(error);
            return error.Errno == Errno.EUCLEAN ? Errno.EINVAL : error.Errno; // as mount(2) says of a bad superblock
        }
    }

    private static (Errno Errno, BlockDevice? Device) OpenHostFile(MountRequest request)
    {
        try
        {
            BlockDevice disk = FileBlockDevice.Open(request.Source, new FileBlockDeviceOptions { ReadOnly = request.IsReadOnly });
            return (Errno.None, PartitionTable.Read(disk).Open(disk, PartitionRole.Root, ownsDevice: true));
        }
        catch (BlockDeviceException error)
        {
            return (error.Errno, null);
        }
    }
}
