// An image that a command reads: the file, the partition chosen in it, and the volume there.
using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal sealed class OpenedImage : IDisposable
{
    private OpenedImage(ImageAddress address, BlockDevice device, PartitionTable partitions, TfsVolume volume)
    {
        Address = address;
        Device = device;
        Partitions = partitions;
        Volume = volume;
    }

    /// <summary>How the user named it.</summary>
    public ImageAddress Address { get; }

    /// <summary>The whole image.</summary>
    public BlockDevice Device { get; }

    /// <summary>Its partition table.</summary>
    public PartitionTable Partitions { get; }

    /// <summary>The volume.</summary>
    public TfsVolume Volume { get; }

    /// <summary>The argument that names an image and a path in it.</summary>
    public static Argument<string> AddressArgument() => new("IMAGE[:PATH]") { Description = "The image, and a path in it; without a path the root." };

    /// <summary>The argument that names an image.</summary>
    public static Argument<string> ImageArgument() => new("IMAGE") { Description = "The image." };

    /// <summary>--partition.</summary>
    public static Option<string?> PartitionOption() => new("--partition", "-p")
    {
        Description = "Which volume of a disk image: root (the default), boot, or a number of its table, as `info` shows.",
        HelpName = "WHICH",
    };

    /// <summary>Opens an image for reading, and warns of its faults.</summary>
    public static OpenedImage Open(CommandContext context, string argument, string? partition, bool warnOfFaults = true)
    {
        ImageAddress address = ImageAddress.Parse(argument, context.Terminal);
        BlockDevice device = FileBlockDevice.Open(address.ImagePath, new FileBlockDeviceOptions { ReadOnly = true });
        try
        {
            PartitionTable partitions = PartitionTable.Read(device);
            var image = new OpenedImage(address, device, partitions, TfsVolume.Open(Choose(device, partitions, partition)));
            if (warnOfFaults)
            {
                context.WarnOfFaults(address.ImagePath, image.Volume.Faults);
            }
            return image;
        }
        catch (TfsFormatException problem)
        {
            device.Dispose();
            throw new CommandException($"{address.ImagePath}: {problem.Message}");
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    private static BlockDevice Choose(BlockDevice device, PartitionTable partitions, string? which)
    {
        switch (which)
        {
            case null or "root":
                return partitions.Open(device, PartitionRole.Root, ownsDevice: false);
            case "boot":
                return partitions.Open(device, PartitionRole.Boot, ownsDevice: false);
            default:
                return int.TryParse(which, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < PartitionTable.MaxPartitions
                    ? partitions.Open(device, index, ownsDevice: false)
                    : throw new UsageException($"'{which}' is no partition: root, boot or a number from 0 to {PartitionTable.MaxPartitions - 1}");
        }
    }

    /// <summary>The file object that the address leads to.</summary>
    public TfsNode Find(bool followLast)
    {
        Errno errno = Volume.Resolve(Address.Path.Span, followLast, out TfsNode node);
        if (errno != Errno.None)
        {
            ThrowPath(errno);
        }
        return node;
    }

    /// <summary>For commands that look at the whole image.</summary>
    public void RefusePath()
    {
        if (Address.HasPath && Address.Path.Span.ContainsAnyExcept((byte)'/'))
        {
            throw new UsageException($"{Address.PathText}: this command takes an image, not a path in it");
        }
    }

    /// <summary>Path of the address inside of the image, absolute and without needless '/'.</summary>
    public byte[] NormalPath()
    {
        var path = new List<byte>(Address.Path.Length + 1) { (byte)'/' };
        foreach (byte value in Address.Path.Span)
        {
            if (value != '/' || path[^1] != '/')
            {
                path.Add(value);
            }
        }
        if (path.Count > 1 && path[^1] == '/')
        {
            path.RemoveAt(path.Count - 1);
        }
        return [.. path];
    }

    /// <summary>Ends the run: the path of the address has a problem.</summary>
    [DoesNotReturn]
    public void ThrowPath(Errno errno) => throw new CommandException($"{Address.ImagePath}: {Address.PathText}: {errno.Describe()}");

    public void Dispose() => Device.Dispose();
}
