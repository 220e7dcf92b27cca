using Tupelo.Block;

namespace Tupelo.FileSystems;

/// <summary>"rofs": OSv's read-only images. Options: uid=, gid=, mode= (permissions of all files, octal), mtime= (seconds).</summary>
public sealed class RoFsFileSystemType(ImageSources sources) : PackedFileSystemType(sources)
{
    public override string Name => "rofs";

    private protected override bool HasOwnMode => true;

    /// <summary>Opens an image without mounting it; the tree owns the device.</summary>
    /// <exception cref="ImageFormatException">It is not a sound rofs image.</exception>
    public static ReadOnlyTree OpenImage(BlockDevice source) => RoFsReader.Load(source, new PackedOptions());

    private protected override PackedTree Load(BlockDevice source, PackedOptions options) => RoFsReader.Load(source, options);
}
