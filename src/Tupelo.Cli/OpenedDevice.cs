// An image file that a command reads, and the partition chosen in it; what is there has not been looked at.
using System.Globalization;
using Tupelo.Block;

namespace Tupelo.Cli;

internal sealed class OpenedDevice : IDisposable
{
    private OpenedDevice(ImageAddress address, BlockDevice device, PartitionTable partitions)
    {
        Address = address;
        Device = device;
        Partitions = partitions;
        Volume = device;
    }

    /// <summary>How the user named it.</summary>
    public ImageAddress Address { get; }

    /// <summary>The whole image.</summary>
    public BlockDevice Device { get; }

    /// <summary>Its partition table.</summary>
    public PartitionTable Partitions { get; }

    /// <summary>The partition chosen.</summary>
    public BlockDevice Volume { get; private set; }

    /// <summary>Opens an image, and looks at its partition table.</summary>
    public static OpenedDevice OpenWhole(CommandContext context, string argument, bool writable = false)
    {
        ImageAddress address = ImageAddress.Parse(argument, context.Terminal);
        BlockDevice device = context.Terminal.OpenImage(address.ImagePath, !writable);
        try
        {
            return new OpenedDevice(address, device, PartitionTable.Read(device));
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>Opens an image, and chooses a partition.</summary>
    /// <param name="writable">Nobody else may have it open then.</param>
    public static OpenedDevice Open(CommandContext context, string argument, string? partition, bool writable = false)
    {
        OpenedDevice opened = OpenWhole(context, argument, writable);
        try
        {
            opened.Volume = opened.Choose(partition);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>The partition chosen; null when the image is one volume.</summary>
    public Partition? Partition { get; private set; }

    /// <summary>Makes the image longer, and with it the volume that is mounted there.</summary>
    /// <remarks>Errors: EOPNOTSUPP a disk with partitions · ENOSPC the host is full · EFBIG · EIO.</remarks>
    public Errno Grow(long sizeBytes, Tfs.TfsFileSystem mounted)
    {
        if (!Partitions.IsWholeVolume)
        {
            return Errno.EOPNOTSUPP;
        }
        Errno errno = Device.Resize(sizeBytes);
        return errno == Errno.None ? mounted.Grow(sizeBytes) : errno;
    }

    public void Dispose() => Device.Dispose();

    private BlockDevice Choose(string? which)
    {
        switch (which)
        {
            case null or "root" when Partitions.IsWholeVolume:
                return Device; // and not a window of it, which could not grow
            case null or "root":
                Partition = Partitions.Find(PartitionRole.Root);
                return Partitions.Open(Device, PartitionRole.Root, ownsDevice: false);
            case "boot":
                Partition = Partitions.Find(PartitionRole.Boot);
                return Partitions.Open(Device, PartitionRole.Boot, ownsDevice: false);
            default:
                if (!int.TryParse(which, NumberStyles.None, CultureInfo.InvariantCulture, out int index) || index >= PartitionTable.MaxPartitions)
                {
                    throw new UsageException($"'{which}' is no partition: root, boot or a number from 0 to {PartitionTable.MaxPartitions - 1}");
                }
                Partition = Partitions.Find(index);
                return Partitions.Open(Device, index, ownsDevice: false);
        }
    }
}
