// Disk images with a damaged partition table: every way in is tried, and what is found must lie inside of the image and be what the
// independent reader of tables finds, too.
using System.Buffers.Binary;
using Tupelo.Block;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Fuzz.Images;

public static class PartitionTarget
{
    private const int EntriesOffset = 446;

    /// <summary>A disk with a boot and a root volume, whose table is damaged as the number says.</summary>
    public static byte[] Build(ulong seed, long number)
    {
        FuzzRandom random = FuzzRandom.ForCase(seed, number);
        byte[] boot = SeedImages.Forged[random.Below(SeedImages.ForgedCount)].Document.Emit();
        byte[] root = SeedImages.Forged[random.Below(SeedImages.ForgedCount)].Document.Emit();
        bool uefi = random.OneIn(2);
        byte[] disk = new byte[(8 * 512) + boot.Length + root.Length];
        boot.CopyTo(disk, 8 * 512);
        root.CopyTo(disk, (8 * 512) + boot.Length);
        disk[510] = 0x55;
        disk[511] = 0xaa;
        int entry = 0;
        if (uefi)
        {
            Put(disk, entry++, 0xef, 1, 7);
        }
        Put(disk, entry++, 0x83, 8, (uint)(boot.Length / 512));
        Put(disk, entry, 0x83, (uint)(8 + (boot.Length / 512)), (uint)(root.Length / 512));
        for (int steps = random.Below(4); steps > 0; steps--)
        {
            int at = EntriesOffset + (16 * random.Below(4));
            switch (random.Below(6))
            {
                case 0:
                    disk[EntriesOffset + random.Below(66)] = (byte)random.Next();
                    break;
                case 1:
                    BinaryPrimitives.WriteUInt32LittleEndian(disk.AsSpan(at + 8), (uint)random.Pick(LogMutator.Edges));
                    break;
                case 2:
                    BinaryPrimitives.WriteUInt32LittleEndian(disk.AsSpan(at + 12), (uint)random.Pick(LogMutator.Edges));
                    break;
                case 3:
                    disk.AsSpan(EntriesOffset + (16 * random.Below(4)), 16).CopyTo(disk.AsSpan(at));
                    break;
                case 4:
                    disk[at + 4] = random.OneIn(2) ? (byte)0xef : (byte)random.Next();
                    break;
                default:
                    Array.Resize(ref disk, random.Below(disk.Length));
                    return disk.Length < 512 ? disk : ByteMutator.Mutate(disk, 512, random);
            }
        }
        return disk;
    }

    public static ImageOutcome Run(byte[] image)
    {
        using var device = new ArrayBlockDevice(image);
        var digest = new Digest();
        PartitionTable table = PartitionTable.Read(device);
        Compare(table, image);
        int opened = 0;
        foreach (PartitionRole role in Enum.GetValues<PartitionRole>())
        {
            opened += Open(() => table.Open(device, role, ownsDevice: false), image, ref digest);
        }
        for (int index = -1; index <= 4; index++)
        {
            opened += Open(() => table.Open(device, index, ownsDevice: false), image, ref digest);
        }
        return new ImageOutcome(digest.Value, opened == 0 ? "nothing to open" : null, 0, device.Outside);
    }

    private static int Open(Func<BlockDevice> open, byte[] image, ref Digest digest)
    {
        try
        {
            using BlockDevice volume = open();
            if (volume.SizeBytes > image.Length)
            {
                throw new FuzzInvariantException("a partition is longer than its disk");
            }
            digest.Add((ulong)volume.SizeBytes);
            digest.Add((ulong)TfsVolume.Open(volume).Log.RecordCount);
            return 1;
        }
        catch (BlockDeviceException refused)
        {
            digest.Add(refused.Message);
        }
        catch (TfsFormatException refused)
        {
            digest.Add(refused.Message);
        }
        return 0;
    }

    private static void Compare(PartitionTable table, byte[] image)
    {
        if (image.Length < 512)
        {
            return;
        }
        List<IndependentPartition> independent = IndependentPartitions.Read(new ImageBytes(image));
        bool same = independent.Count == table.Partitions.Count;
        for (int i = 0; same && i < independent.Count; i++)
        {
            Partition found = table.Partitions[i];
            same = found.Index == independent[i].Index && found.Type == independent[i].Type
                && found.StartBytes == independent[i].Lba * 512L && found.LengthBytes == independent[i].Sectors * 512L;
        }
        if (!same)
        {
            throw new FuzzInvariantException("two readers of the partition table disagree");
        }
    }

    private static void Put(byte[] disk, int entry, byte type, uint lba, uint sectors)
    {
        Span<byte> bytes = disk.AsSpan(EntriesOffset + (16 * entry), 16);
        bytes[0] = 0x80;
        bytes[4] = type;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], lba);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], sectors);
    }
}
