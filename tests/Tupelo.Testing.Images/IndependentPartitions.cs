// Where the volumes of a disk image lie, read from its MBR by the rules of Nanos' own readers.
using System.Buffers.Binary;

namespace Tupelo.Testing.Images;

/// <summary>One used entry of the MBR. Addresses count sectors of 512 bytes.</summary>
public readonly record struct IndependentPartition(int Index, byte Active, byte Type, string ChsStart, string ChsEnd, uint Lba, uint Sectors);

public static class IndependentPartitions
{
    /// <summary>The used entries; none when the image is a volume without a partition table.</summary>
    public static List<IndependentPartition> Read(ImageBytes image)
    {
        var partitions = new List<IndependentPartition>();
        byte[] sector = new byte[512];
        image.Read(0, sector);
        if (sector[510] != 0x55 || sector[511] != 0xaa || sector.AsSpan().StartsWith("NVMTFS"u8))
        {
            return partitions;
        }
        for (int index = 0; index < 4; index++)
        {
            ReadOnlySpan<byte> entry = sector.AsSpan(446 + 16 * index, 16);
            uint lba = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
            uint sectors = BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
            if (lba != 0 && sectors != 0)
            {
                partitions.Add(new IndependentPartition(
                    index, entry[0], entry[4], Convert.ToHexStringLower(entry[1..4]), Convert.ToHexStringLower(entry[5..8]), lba, sectors));
            }
        }
        return partitions;
    }

    /// <summary>The root volume: the partition behind the boot volume, or the whole image.</summary>
    public static ImageBytes RootVolume(ImageBytes image, out long offsetBytes)
    {
        List<IndependentPartition> partitions = Read(image);
        offsetBytes = 0;
        if (partitions.Count == 0)
        {
            return image;
        }
        IndependentPartition root = partitions[0].Type == 0xef ? partitions[2] : partitions[1];
        offsetBytes = root.Lba * 512L;
        return image.Window(offsetBytes, root.Sectors * 512L);
    }

    public static ImageBytes Volume(ImageBytes image, IndependentPartition partition) =>
        image.Window(partition.Lba * 512L, partition.Sectors * 512L);
}
