// Makes an image file from a directory of the host, a manifest, or both. An image is one volume, or a bootable disk:
//   boot loader | kernel log | boot volume with the kernel | root volume            docs/tfs-format.md#disk-image
// The file has no name until everything in it is durable; what makes it valid (sector 0 of a volume, of the disk) is written last.
using System.Security.Cryptography;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Images;

/// <summary>The one entrance to making images.</summary>
public sealed class ImageMaker
{
    private const int MaxBootImageBytes = 16 << 20;

    private readonly ImageRequest _request;
    private readonly BuildProgress _progress;
    private readonly Action<string> _warn;
    private readonly CancellationToken _cancellation;
    private readonly TreeOptions _tree;

    // The manifest and the request, taken apart.
    private readonly TupleLiteral _rootAttributes = new();
    private readonly TupleLiteral? _children;
    private readonly TupleLiteral? _boot;
    private readonly long _minSizeBytes;

    private ImageMaker(ImageRequest request, BuildProgress progress, Action<string> warn, CancellationToken cancellation)
    {
        _request = request;
        _progress = progress;
        _warn = warn;
        _cancellation = cancellation;
        _tree = new TreeOptions
        {
            Plain = request.Plain,
            Reproducible = request.Reproducible,
            LatestTime = request.LatestTime,
            Excludes = request.Excludes,
            Lookup = new HostLookup(request.TargetRoot),
        };
        Merge(request.Manifest);
        Merge(request.RootAttributes);
        _children = Take<TupleLiteral>(TfsAttribute.Children, "a tuple");
        _boot = Take<TupleLiteral>("boot"u8, "a tuple");
        StringLiteral? imageSize = Take<StringLiteral>("imagesize"u8, "a size, for example 64M");
        _minSizeBytes = Math.Max(
            request.MinSizeBytes > 0 || imageSize is null ? request.MinSizeBytes : SizeOf(imageSize, "imagesize"),
            _rootAttributes["coredumplimit"u8] is StringLiteral limit ? SizeOf(limit, "coredumplimit") : 0);
    }

    /// <summary>Makes the image.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="progress">Counted up meanwhile; another thread may watch.</param>
    /// <param name="warn">Told in a sentence what was left out or looks odd.</param>
    /// <param name="cancellation">Ends the work; nothing is left behind.</param>
    /// <exception cref="ImageException">It could not be made.</exception>
    /// <exception cref="TfsWriteException">It could not be made.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ImageSummary Make(ImageRequest request, BuildProgress progress, Action<string> warn, CancellationToken cancellation)
    {
        ImageMaker maker = new(request, progress, warn, cancellation);
        using HostDirectory? source = request.SourceDirectory is { } path ? HostDirectory.Open(path) : null;
        using ImageFile image = ImageFile.Create(request.ImagePath, request.Overwrite);
        ImageSummary summary;
        if (request.BootImage is { } bootImage)
        {
            summary = maker.BuildDisk(image, source, bootImage);
        }
        else
        {
            if (request.Kernel is not null)
            {
                throw new ImageException("a kernel is put into a bootable image only: give the boot loader, too (--boot-image)");
            }
            if (maker._boot is not null)
            {
                warn("the manifest's `boot` is left out: only a bootable image (--boot-image) has a boot volume");
            }
            TfsBuildSummary root = maker.BuildRoot(image, source, maker._minSizeBytes);
            summary = new ImageSummary { SizeBytes = image.SizeBytes, RootOffsetBytes = 0, Root = root };
        }
        cancellation.ThrowIfCancellationRequested();
        image.Publish();
        return summary;
    }

    private ImageSummary BuildDisk(ImageFile image, HostDirectory? source, string bootImagePath)
    {
        byte[] bootImage = ReadWhole(bootImagePath, MaxBootImageBytes);
        NanosDiskLayout layout = Plan(bootImage, bootImagePath, PartitionTable.SectorBytes);
        long rootStart = layout.Root.StartBytes;
        Check(image, image.Resize(rootStart));
        BuildBoot(new SliceBlockDevice(image, layout.Boot.StartBytes, layout.Boot.LengthBytes), source);
        TfsBuildSummary root = BuildRoot(new TailBlockDevice(image, rootStart), source, Math.Max(0, _minSizeBytes - rootStart));
        layout = Plan(bootImage, bootImagePath, root.SizeBytes);
        layout.WriteTable(bootImage);
        Check(image, image.Write(0, bootImage));
        Check(image, image.Flush());
        return new ImageSummary { SizeBytes = image.SizeBytes, RootOffsetBytes = rootStart, Root = root };
    }

    private static NanosDiskLayout Plan(byte[] bootImage, string name, long rootBytes)
    {
        try
        {
            return NanosDiskLayout.Plan(bootImage, name, withUefi: false, rootBytes);
        }
        catch (BlockDeviceException e)
        {
            throw new ImageException(e.Message, e);
        }
    }

    // The boot volume is read by the boot loader, a program of few bytes: it gets nothing but what Nanos' own tools would write.
    private void BuildBoot(BlockDevice volume, HostDirectory? source)
    {
        TupleLiteral children = _boot?[TfsAttribute.Children] as TupleLiteral ?? new TupleLiteral();
        using HostFile? kernel = _request.Kernel is { } path ? HostFile.Open(path) : FindKernel(source, children);
        if (kernel is not null)
        {
            _ = children.Remove("kernel"u8);
        }
        TreeOptions plain = _tree with { Plain = true };
        using TfsImageBuilder builder = new(volume, new TfsBuildOptions
        {
            Uuid = NewUuid(),
            Plain = true,
            FixedSize = true,
        });
        try
        {
            ImageTreeWriter writer = new(builder, plain, new BuildProgress(), _warn, _cancellation);
            writer.Write(null, children);
            if (kernel is not null)
            {
                writer.AddToRoot("kernel"u8, kernel);
            }
            _ = builder.Complete();
        }
        catch (IOException e) when (e is ImageException or TfsWriteException)
        {
            throw new ImageException($"boot volume: {e.Message}", e);
        }
    }

    // Without `boot` and --kernel: the file /kernel of the root volume, from the manifest or the tree.
    private HostFile? FindKernel(HostDirectory? source, TupleLiteral bootChildren)
    {
        if (_boot is not null)
        {
            return bootChildren["kernel"u8] is not null
                ? null
                : throw new ImageException("the manifest's `boot` has no file `kernel`: add it, or give the kernel with --kernel");
        }
        if (_children?["kernel"u8] is TupleLiteral entry && entry["contents"u8] is TupleLiteral contents && contents["host"u8] is StringLiteral path)
        {
            return _tree.Lookup.Open(path.Bytes);
        }
        if (source is not null && File.Exists(Path.Combine(_request.SourceDirectory!, "kernel")))
        {
            return HostFile.Open(Path.Combine(_request.SourceDirectory!, "kernel"));
        }
        throw new ImageException("a bootable image needs a kernel: give it with --kernel, in the manifest's `boot`, or as the file /kernel");
    }

    private TfsBuildSummary BuildRoot(BlockDevice volume, HostDirectory? source, long minSizeBytes)
    {
        TfsEntryAttributes attributes = new();
        if (source is not null)
        {
            ImageTreeWriter.Describe(source.Self, _tree, attributes);
            if (!_tree.Plain)
            {
                source.ReadXattrs(attributes.Others);
                ImageTreeWriter.FilterXattrs(_tree, attributes.Others);
            }
        }
        using TfsImageBuilder builder = new(volume, new TfsBuildOptions
        {
            Label = _request.Label,
            Uuid = _request.Uuid ?? NewUuid(),
            Plain = _request.Plain,
            RootAttributes = _rootAttributes,
            Root = attributes,
            MinSizeBytes = minSizeBytes,
            FreeBytes = _request.FreeBytes,
        });
        new ImageTreeWriter(builder, _tree, _progress, _warn, _cancellation).Write(source, _children);
        _progress.IsFlushing = true;
        return builder.Complete();
    }

    private byte[]? NewUuid() => _request.Reproducible ? null : RandomNumberGenerator.GetBytes(TfsFormat.UuidBytes);

    private void Merge(TupleLiteral? attributes)
    {
        for (int i = 0; i < (attributes?.Count ?? 0); i++)
        {
            _rootAttributes.Set(attributes!.NameAt(i), attributes.ValueAt(i));
        }
    }

    // Takes an attribute that concerns the making of the image out of those that are stored.
    private T? Take<T>(ReadOnlySpan<byte> name, string form)
        where T : TfsLiteral
    {
        TfsLiteral? value = _rootAttributes[name];
        _ = _rootAttributes.Remove(name);
        return value is null or T ? (T?)value : throw new ImageException($"the attribute {TfsText.Quote(name)} must be {form}");
    }

    private static long SizeOf(StringLiteral text, string name) =>
        SizeText.TryParse(System.Text.Encoding.UTF8.GetString(text.Bytes), out long bytes)
            ? bytes
            : throw new ImageException($"the attribute \"{name}\" must be a size, for example 64M, not {TfsText.Quote(text.Bytes)}");

    private static byte[] ReadWhole(string path, int maxBytes)
    {
        using HostFile file = HostFile.Open(path);
        if (file.Entry.SizeBytes > maxBytes)
        {
            throw new ImageException($"{path} is too long for a boot image: {file.Entry.SizeBytes} bytes, at most {maxBytes} are possible");
        }
        byte[] bytes = new byte[file.Entry.SizeBytes];
        IoResult read = file.Read(0, bytes);
        return read.Count == bytes.Length ? bytes : throw new ImageException($"cannot read {path}", read.IsOk ? Errno.EIO : read.Errno);
    }

    private static void Check(BlockDevice image, Errno errno)
    {
        if (errno != Errno.None)
        {
            throw new ImageException($"cannot write {image.Name}", errno);
        }
    }
}
