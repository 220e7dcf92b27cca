using Tupelo.Block;

namespace Tupelo.FileSystems;

/// <summary>"cpio": archives of the newc format, such as initial RAM disks, several in a row included. Options: uid=, gid=.</summary>
public sealed class CpioFileSystemType(ImageSources sources) : PackedFileSystemType(sources)
{
    public override string Name => "cpio";

    /// <summary>Opens an archive without mounting it; the tree owns the device.</summary>
    /// <exception cref="ImageFormatException">It is not a sound archive.</exception>
    public static ReadOnlyTree OpenImage(BlockDevice source) => CpioReader.Load(source, new PackedOptions());

    private protected override PackedTree Load(BlockDevice source, PackedOptions options) => CpioReader.Load(source, options);
}
