// What the types that mount an image or archive have in common: options, opening the source, and telling why it failed.
using Tupelo.Block;

namespace Tupelo.FileSystems;

/// <summary>Options that every image understands: uid=N and gid=N override the owner of all files.</summary>
internal sealed record PackedOptions
{
    public uint? Uid { get; init; }

    public uint? Gid { get; init; }

    /// <summary>rofs only: permissions of all files (its inodes have none). 0555 as OSv shows them.</summary>
    public uint? Mode { get; init; }

    /// <summary>rofs only: the time of all files in seconds since 1970. 0 as OSv shows it.</summary>
    public long? ModifySeconds { get; init; }

    public PackedNode ApplyTo(PackedNode node)
    {
        node.Uid = Uid ?? node.Uid;
        node.Gid = Gid ?? node.Gid;
        return node;
    }
}

/// <summary>Mounts one kind of image, read-only.</summary>
public abstract class PackedFileSystemType : FileSystemType
{
    private readonly ImageSources _sources;

    private protected PackedFileSystemType(ImageSources sources) => _sources = sources;

    public override bool NeedsSource => true;

    // Options beyond uid and gid.
    private protected virtual bool HasOwnMode => false;

    // Reads the whole structure of an image. Takes the device over when it succeeds.
    private protected abstract PackedTree Load(BlockDevice source, PackedOptions options);

    /// <remarks>Errors: EINVAL option not known, or not a sound image (the reason goes to <see cref="ImageSources.Report"/>) · ENOENT · EACCES · EIO.</remarks>
    public sealed override Errno Create(MountRequest request, out FileSystem? fileSystem)
    {
        fileSystem = null;
        if (!TryParse(request.Options, out PackedOptions options))
        {
            _sources.Report?.Invoke($"{Name}: unknown or malformed option in \"{request.Options}\"");
            return Errno.EINVAL;
        }
        Errno errno = OpenTree(request.Source, options, out PackedTree? tree);
        if (errno == Errno.None)
        {
            fileSystem = new ReadOnlyFileSystem(this, tree!, request.Source, request.Options);
        }
        return errno;
    }

    // What a source holds, without mounting it; the caller disposes of it. Errors: as Create.
    internal Errno OpenTree(string source, PackedOptions options, out PackedTree? tree)
    {
        tree = null;
        Errno errno = _sources.Open(source, out BlockDevice? device);
        if (errno != Errno.None)
        {
            return errno;
        }
        try
        {
            tree = Load(device!, options);
            return Errno.None;
        }
        catch (ImageFormatException problem)
        {
            device!.Dispose();
            _sources.Report?.Invoke($"{Name}: {source}: {problem.Message}");
            return problem.Errno;
        }
    }

    private bool TryParse(string text, out PackedOptions options)
    {
        options = new PackedOptions();
        var reader = new MountOptionText(text);
        while (reader.TryNext(out ReadOnlySpan<char> name))
        {
            if (name is "uid" && reader.TryGetNumber(out uint uid))
            {
                options = options with { Uid = uid };
            }
            else if (name is "gid" && reader.TryGetNumber(out uint gid))
            {
                options = options with { Gid = gid };
            }
            else if (HasOwnMode && name is "mode" && reader.TryGetMode(out uint mode))
            {
                options = options with { Mode = mode };
            }
            else if (HasOwnMode && name is "mtime" && reader.TryGetNumber(out long seconds))
            {
                options = options with { ModifySeconds = seconds };
            }
            else
            {
                return false;
            }
        }
        return true;
    }
}
