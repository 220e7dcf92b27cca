// Makes an image file from a directory of the host, a manifest, or both: opens the nameless file, builds the volume in it, publishes it.
using System.Security.Cryptography;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Images;

/// <summary>The one entrance to making images.</summary>
public static class ImageMaker
{
    /// <summary>Makes the image.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="progress">Counted up meanwhile; another thread may watch.</param>
    /// <param name="warn">Told in a sentence what was left out or looks odd.</param>
    /// <param name="cancellation">Ends the work; nothing is left behind.</param>
    /// <exception cref="ImageException">It could not be made.</exception>
    /// <exception cref="TfsWriteException">It could not be made.</exception>
    public static ImageSummary Make(ImageRequest request, BuildProgress progress, Action<string> warn, CancellationToken cancellation)
    {
        using HostDirectory? source = request.SourceDirectory is { } path ? HostDirectory.Open(path) : null;
        using ImageFile image = ImageFile.Create(request.ImagePath, request.Overwrite);
        TfsBuildSummary root = BuildRoot(request, source, image, progress, warn, cancellation);
        cancellation.ThrowIfCancellationRequested();
        image.Publish();
        return new ImageSummary { SizeBytes = image.SizeBytes, Root = root };
    }

    private static TfsBuildSummary BuildRoot(ImageRequest request, HostDirectory? source, BlockDevice volume,
        BuildProgress progress, Action<string> warn, CancellationToken cancellation)
    {
        TreeOptions tree = new()
        {
            Plain = request.Plain,
            Reproducible = request.Reproducible,
            LatestTime = request.LatestTime,
            Excludes = request.Excludes,
            Lookup = new HostLookup(request.TargetRoot),
        };
        TfsEntryAttributes attributes = new();
        if (source is not null)
        {
            ImageTreeWriter.Describe(source.Self, tree, attributes);
            source.ReadXattrs(attributes.Others);
            ImageTreeWriter.FilterXattrs(tree, attributes.Others);
        }
        TupleLiteral own = new();
        TupleLiteral? children = null;
        for (int i = 0; i < (request.Manifest?.Count ?? 0); i++)
        {
            AttributeName name = request.Manifest!.NameAt(i);
            TfsLiteral value = request.Manifest.ValueAt(i);
            if (name.Bytes.SequenceEqual(TfsAttribute.Children))
            {
                children = value as TupleLiteral ?? throw new ImageException("manifest: the value of children must be a tuple");
            }
            else
            {
                own.Set(name, value);
            }
        }
        for (int i = 0; i < request.RootAttributes.Count; i++)
        {
            own.Set(request.RootAttributes.NameAt(i), request.RootAttributes.ValueAt(i));
        }
        byte[]? uuid = request.Uuid ?? (request.Reproducible ? null : RandomNumberGenerator.GetBytes(TfsFormat.UuidBytes));
        using TfsImageBuilder builder = new(volume, new TfsBuildOptions
        {
            Label = request.Label,
            Uuid = uuid,
            Plain = request.Plain,
            RootAttributes = own,
            Root = attributes,
            MinSizeBytes = request.MinSizeBytes,
            FreeBytes = request.FreeBytes,
        });
        new ImageTreeWriter(builder, tree, progress, warn, cancellation).Write(source, children);
        progress.IsFlushing = true;
        return builder.Complete();
    }
}
