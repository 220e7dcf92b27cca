using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Fuse.Tests;

/// <summary>TFS volumes for tests.</summary>
internal static class Volumes
{
    /// <summary>An empty one in memory.</summary>
    public static MemoryBlockDevice Empty(long sizeBytes)
    {
        var device = new MemoryBlockDevice(sizeBytes);
        using var builder = new TfsImageBuilder(device, new TfsBuildOptions { FixedSize = true, MinSizeBytes = sizeBytes });
        builder.Complete();
        return device;
    }

    /// <summary>The device for one mount, which does not end it.</summary>
    public static BlockDevice Borrow(BlockDevice device) => new SliceBlockDevice(device, 0, device.SizeBytes, ownsInner: false);
}
