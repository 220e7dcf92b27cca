// An image that a command reads: the file, the partition chosen in it (OpenedDevice), and the volume there.
using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal sealed class OpenedImage : IDisposable
{
    private readonly OpenedDevice _opened;

    private OpenedImage(OpenedDevice opened, TfsVolume volume)
    {
        _opened = opened;
        Volume = volume;
    }

    /// <summary>How the user named it.</summary>
    public ImageAddress Address => _opened.Address;

    /// <summary>The whole image.</summary>
    public BlockDevice Device => _opened.Device;

    /// <summary>Its partition table.</summary>
    public PartitionTable Partitions => _opened.Partitions;

    /// <summary>The partition that the volume is in.</summary>
    public BlockDevice VolumeDevice => _opened.Volume;

    /// <summary>The volume.</summary>
    public TfsVolume Volume { get; }

    /// <summary>The argument that names an image and a path in it.</summary>
    public static Argument<string> AddressArgument(CommandContext context)
    {
        var address = new Argument<string>("IMAGE[:PATH]") { Description = "The image, and a path in it; without a path the root." };
        Complete(address, context);
        return address;
    }

    /// <summary>Lets the shell complete paths inside of an image.</summary>
    public static void Complete(Argument argument, CommandContext context) =>
        argument.CompletionSources.Add(typed => ImageCompletion.Suggest(typed, context.Terminal));

    /// <summary>The argument that names an image.</summary>
    public static Argument<string> ImageArgument() => new("IMAGE") { Description = "The image." };

    /// <summary>--partition.</summary>
    /// <param name="withLetter">Also as -p, which means something else to the commands that edit.</param>
    public static Option<string?> PartitionOption(bool withLetter = true) => new("--partition", withLetter ? ["-p"] : [])
    {
        Description = "Which volume of a disk image: root (the default), boot, or a number of its table, as `info` shows.",
        HelpName = "WHICH",
    };

    /// <summary>Opens an image for reading, and warns of its faults.</summary>
    public static OpenedImage Open(CommandContext context, string argument, string? partition, bool warnOfFaults = true)
    {
        OpenedDevice opened = OpenedDevice.Open(context, argument, partition);
        try
        {
            var image = new OpenedImage(opened, TfsVolume.Open(opened.Volume));
            if (warnOfFaults)
            {
                context.WarnOfFaults(image.Address.ImagePath, image.Volume.Faults);
            }
            return image;
        }
        catch (TfsFormatException problem)
        {
            opened.Dispose();
            throw new CommandException($"{opened.Address.ImagePath}: {problem.Message}");
        }
        catch
        {
            opened.Dispose();
            throw;
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

    public void Dispose() => _opened.Dispose();
}
