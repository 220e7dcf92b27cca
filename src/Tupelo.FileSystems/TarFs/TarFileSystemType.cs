using Tupelo.Block;

namespace Tupelo.FileSystems;

/// <summary>"tar": tar archives of any kind, not compressed, several in a row included. Options: uid=, gid=.</summary>
public sealed class TarFileSystemType(ImageSources sources) : PackedFileSystemType(sources)
{
    public override string Name => "tar";

    /// <summary>Opens an archive without mounting it; the tree owns the device.</summary>
    /// <exception cref="ImageFormatException">It is not a sound archive.</exception>
    public static ReadOnlyTree OpenImage(BlockDevice source) => TarReader.Load(source, new PackedOptions());

    private protected override PackedTree Load(BlockDevice source, PackedOptions options) => TarReader.Load(source, options);
}
