using System.Buffers.Binary;
using Tupelo.Testing.Images;

namespace Tupelo.Block.Tests;

public sealed class PartitionTableTests
{
    private static byte[] Sector(params (int Index, byte Type, uint Start, uint Count)[] entries)
    {
        byte[] sector = new byte[512];
        foreach ((int index, byte type, uint start, uint count) in entries)
        {
            Span<byte> entry = sector.AsSpan(446 + (index * 16), 16);
            entry[4] = type;
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], start);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], count);
        }
        sector[510] = 0x55;
        sector[511] = 0xAA;
        return sector;
    }

    private static MemoryBlockDevice Disk(int sectors, params (int Index, byte Type, uint Start, uint Count)[] entries)
    {
        var device = new MemoryBlockDevice(sectors * 512L, "disk.img");
        Assert.Equal(Errno.None, device.Write(0, Sector(entries)));
        return device;
    }

    [Theory]
    [InlineData("13-disk-mbr")]
    [InlineData("14-disk-uefi")]
    public void GoldenDisk_ReadsAsItsExpectationSays(string name)
    {
        GoldenImage golden = GoldenImage.Load(name);
        using var device = new MemoryBlockDevice(golden.Bytes);
        PartitionTable table = PartitionTable.Read(device);
        Assert.Equal(golden.Partitions.Count, table.Partitions.Count);
        foreach ((Partition partition, System.Text.Json.JsonElement expected) in table.Partitions.Zip(golden.Partitions))
        {
            Assert.Equal(expected.GetProperty("index").GetInt32(), partition.Index);
            Assert.Equal(expected.GetProperty("active").GetInt32(), partition.Status);
            Assert.Equal(expected.GetProperty("type").GetString(), $"0x{partition.Type:x2}");
            Assert.Equal(expected.GetProperty("lba").GetInt64() * 512, partition.StartBytes);
            Assert.Equal(expected.GetProperty("sectors").GetInt64() * 512, partition.LengthBytes);
        }
        Assert.Equal(golden.RootVolumeOffset, table.Find(PartitionRole.Root)!.Value.StartBytes);
        Assert.Equal(golden.Partitions.Count == 3, table.Find(PartitionRole.Uefi) is not null);
        foreach (PartitionRole role in new[] { PartitionRole.Root, PartitionRole.Boot })
        {
            using BlockDevice volume = table.Open(device, role, ownsDevice: false);
            byte[] start = new byte[6];
            Assert.Equal(Errno.None, volume.Read(0, start));
            Assert.Equal("NVMTFS"u8, start);
        }
    }

    [Fact]
    public void RootVolumeOfEveryGolden_IsWhereItsExpectationSays()
    {
        int tables = 0;
        foreach (string name in GoldenImage.Names)
        {
            GoldenImage golden = GoldenImage.Load(name);
            PartitionTable table = PartitionTable.Parse(golden.Bytes);
            Assert.Equal(golden.RootVolumeOffset, table.Find(PartitionRole.Root)?.StartBytes ?? 0);
            tables += table.IsWholeVolume ? 0 : 1;
        }
        Assert.Equal(22, GoldenImage.Names.Count);
        Assert.Equal(3, tables);
    }

    [Theory]
    [InlineData("13-disk-mbr", false)]
    [InlineData("14-disk-uefi", true)]
    public void PlannedDisk_HasTheGoldenTable_ByteForByte(string name, bool uefi)
    {
        GoldenImage golden = GoldenImage.Load(name);
        byte[] bootImage = golden.Bytes[..4096];
        bootImage.AsSpan(446, 66).Fill(0xCC); // what the boot image holds there does not matter
        long rootBytes = PartitionTable.Parse(golden.Bytes).Find(PartitionRole.Root)!.Value.LengthBytes;
        NanosDiskLayout layout = NanosDiskLayout.Plan(bootImage, "boot.img", uefi, rootBytes);
        layout.WriteTable(bootImage);
        Assert.Equal(Convert.ToHexStringLower(golden.Bytes.AsSpan(0, 512)), Convert.ToHexStringLower(bootImage.AsSpan(0, 512)));
        Assert.Equal(golden.Bytes.Length, layout.SizeBytes);
        Assert.Equal(4096, layout.KernelLogStartBytes);
        Assert.Equal(golden.RootVolumeOffset, layout.Root.StartBytes);
        PartitionTable table = PartitionTable.Parse(bootImage);
        Assert.Equal(layout.Root, table.Find(PartitionRole.Root));
        Assert.Equal(layout.Boot, table.Find(PartitionRole.Boot));
        Assert.Equal(layout.Uefi, table.Find(PartitionRole.Uefi));
    }

    // sector number -> head, sector, cylinder; by hand from cylinder = n / 63 / 255.
    [Theory]
    [InlineData(0u, "000100")]
    [InlineData(16u, "001100")]
    [InlineData(62u, "003f00")]
    [InlineData(63u, "010100")]
    [InlineData(16064u, "fe3f00")]
    [InlineData(16065u, "000101")]
    [InlineData(256u * 16065, "000100")] // cylinder 256: its upper bits 1 fall on sector 1
    [InlineData((256u * 16065) + 1, "000300")] // sector 2 | 1
    [InlineData((512u * 16065) + 4, "000700")] // sector 5 | 2
    [InlineData((1023u * 16065) + 16064, "fe3fff")]
    [InlineData(1024u * 16065, "fe3fff")]
    [InlineData(uint.MaxValue, "fe3fff")]
    public void Chs_IsWrittenAsNanosWritesIt(uint sector, string expected)
    {
        byte[] bytes = new byte[3];
        NanosDiskLayout.WriteChs(bytes, sector);
        Assert.Equal(expected, Convert.ToHexStringLower(bytes));
    }

    [Fact]
    public void EntriesWithoutStartOrLength_AreNone()
    {
        PartitionTable table = PartitionTable.Parse(Sector((0, 0x83, 0, 5), (1, 0x83, 5, 0), (3, 0x0C, 7, 1)));
        Partition only = Assert.Single(table.Partitions);
        Assert.Equal(new Partition(3, 0x0C, 0, 7 * 512, 512), only);
        Assert.Null(table.Find(PartitionRole.Root));
        Assert.Null(table.RoleOf(only));
        Assert.Equal(only, table.Find(3));
        Assert.Null(table.Find(0));
        Assert.Null(table.Find(-1));
        Assert.Null(table.Find(4));
    }

    [Fact]
    public void SignatureInsideOfAVolume_IsNoTable()
    {
        byte[] sector = Sector((0, 0x83, 1, 1));
        "NVMTFS"u8.CopyTo(sector);
        Assert.True(PartitionTable.Parse(sector).IsWholeVolume);
    }

    [Theory]
    [InlineData(510)]
    [InlineData(511)]
    public void WithoutItsSignature_ThereIsNoTable(int at)
    {
        byte[] sector = Sector((0, 0x83, 1, 1));
        sector[at] ^= 1;
        Assert.True(PartitionTable.Parse(sector).IsWholeVolume);
        Assert.True(PartitionTable.Parse(sector.AsSpan(0, 511)).IsWholeVolume);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(511)]
    public void DeviceShorterThanASector_IsOneVolume(int size)
    {
        using var device = new MemoryBlockDevice(size);
        Assert.True(PartitionTable.Read(device).IsWholeVolume);
    }

    [Fact]
    public void Role_IsDecidedByPlace()
    {
        PartitionTable plain = PartitionTable.Parse(Sector((0, 0x83, 1, 1), (1, 0xEF, 2, 1)));
        Assert.Equal(0, plain.Find(PartitionRole.Boot)!.Value.Index);
        Assert.Equal(1, plain.Find(PartitionRole.Root)!.Value.Index);
        Assert.Null(plain.Find(PartitionRole.Uefi));
        PartitionTable uefi = PartitionTable.Parse(Sector((0, 0xEF, 1, 1), (1, 0x83, 2, 1), (2, 0x83, 3, 1)));
        Assert.Equal(0, uefi.Find(PartitionRole.Uefi)!.Value.Index);
        Assert.Equal(1, uefi.Find(PartitionRole.Boot)!.Value.Index);
        Assert.Equal(2, uefi.Find(PartitionRole.Root)!.Value.Index);
        Assert.Equal(PartitionRole.Root, uefi.RoleOf(uefi.Partitions[2]));
    }

    [Fact]
    public void Open_GivesAWindow_OrTheWholeDevice()
    {
        using MemoryBlockDevice disk = Disk(10, (0, 0x83, 2, 3), (1, 0x83, 5, 5));
        PartitionTable table = PartitionTable.Read(disk);
        using (BlockDevice root = table.Open(disk, PartitionRole.Root, ownsDevice: false))
        {
            Assert.Equal(5 * 512, root.SizeBytes);
            Assert.Equal(Errno.None, root.Write(0, "root"u8));
        }
        byte[] four = new byte[4];
        Assert.Equal(Errno.None, disk.Read(5 * 512, four));
        Assert.Equal("root"u8, four);
        using (BlockDevice first = table.Open(disk, 0, ownsDevice: false))
        {
            Assert.Equal(3 * 512, first.SizeBytes);
        }
        var whole = new MemoryBlockDevice(4096);
        PartitionTable none = PartitionTable.Read(whole);
        none.Open(whole, PartitionRole.Root, ownsDevice: false).Dispose();
        Assert.Equal(Errno.None, whole.Write(0, "x"u8)); // still open
        none.Open(whole, PartitionRole.Root, ownsDevice: true).Dispose();
        Assert.Throws<ObjectDisposedException>(() => whole.Write(0, "x"u8));
    }

    [Fact]
    public void MissingPartition_IsNamed_WithWhatThereIs()
    {
        using MemoryBlockDevice disk = Disk(10, (0, 0x83, 2, 3));
        PartitionTable table = PartitionTable.Read(disk);
        BlockDeviceException e = Assert.Throws<BlockDeviceException>(() => table.Open(disk, PartitionRole.Root, ownsDevice: false));
        Assert.Equal(Errno.ENOENT, e.Errno);
        Assert.Equal("disk.img has no root partition; its table has 1: 0 boot (type 83).", e.Message);
        e = Assert.Throws<BlockDeviceException>(() => table.Open(disk, 7, ownsDevice: false));
        Assert.Equal("disk.img has no number 7 partition; its table has 1: 0 boot (type 83).", e.Message);
        using var whole = new MemoryBlockDevice(4096, "bare.img");
        e = Assert.Throws<BlockDeviceException>(() => PartitionTable.Read(whole).Open(whole, PartitionRole.Boot, ownsDevice: false));
        Assert.Equal("bare.img has no boot partition; it has no partition table.", e.Message);
    }

    [Theory]
    [InlineData(5u, 6u)]
    [InlineData(10u, 1u)]
    [InlineData(uint.MaxValue, uint.MaxValue)]
    [InlineData(1u, uint.MaxValue)]
    public void PartitionBeyondTheImage_IsRefused_OthersOpen(uint start, uint count)
    {
        using MemoryBlockDevice disk = Disk(10, (0, 0x83, 2, 1), (1, 0x83, start, count));
        using var readOnly = new SliceBlockDevice(disk, 0, disk.SizeBytes, isReadOnly: true);
        PartitionTable table = PartitionTable.Read(disk);
        BlockDeviceException e = Assert.Throws<BlockDeviceException>(() => table.Open(readOnly, PartitionRole.Root, ownsDevice: false));
        Assert.Equal(Errno.EUCLEAN, e.Errno);
        Assert.Contains("has only 5120 bytes", e.Message, StringComparison.Ordinal);
        table.Open(readOnly, PartitionRole.Boot, ownsDevice: false).Dispose();
    }

    [Fact]
    public void OverlappingPartitions_OpenForReadingAlone()
    {
        using MemoryBlockDevice disk = Disk(10, (0, 0x83, 2, 4), (1, 0x83, 5, 5), (2, 0x83, 6, 1));
        PartitionTable table = PartitionTable.Read(disk);
        BlockDeviceException e = Assert.Throws<BlockDeviceException>(() => table.Open(disk, PartitionRole.Boot, ownsDevice: false));
        Assert.Equal(Errno.EUCLEAN, e.Errno);
        Assert.Contains("overlaps partition 1", e.Message, StringComparison.Ordinal);
        using var readOnly = new SliceBlockDevice(disk, 0, disk.SizeBytes, isReadOnly: true);
        table.Open(readOnly, PartitionRole.Boot, ownsDevice: false).Dispose();
    }

    [Fact]
    public void RandomSectors_AreReadWithoutHarm()
    {
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var disk = new MemoryBlockDevice(1 << 20);
        using var readOnly = new SliceBlockDevice(disk, 0, disk.SizeBytes, isReadOnly: true);
        byte[] sector = new byte[512];
        int opened = 0;
        for (int i = 0; i < 5000; i++)
        {
            random.NextBytes(sector);
            sector[510] = 0x55;
            sector[511] = 0xAA;
            for (int entry = 0; entry < 4; entry++)
            {
                if (random.Next(2) == 0)
                {
                    sector.AsSpan(446 + (entry * 16) + 10, 2).Clear(); // a start that may lie inside
                    sector.AsSpan(446 + (entry * 16) + 13, 3).Clear();
                }
            }
            Assert.Equal(Errno.None, disk.Write(0, sector));
            PartitionTable table = PartitionTable.Read(disk);
            foreach (Partition partition in table.Partitions)
            {
                foreach (BlockDevice device in new BlockDevice[] { disk, readOnly })
                {
                    try
                    {
                        using BlockDevice volume = table.Open(device, partition.Index, ownsDevice: false);
                        Assert.Equal(partition.LengthBytes, volume.SizeBytes);
                        opened++;
                    }
                    catch (BlockDeviceException e)
                    {
                        Assert.Equal(Errno.EUCLEAN, e.Errno);
                    }
                }
            }
        }
        Assert.True(opened > 500);
    }

    [Theory]
    [InlineData(0, 12u, 0ul, "its length of 0 bytes")]
    [InlineData(4000, 12u, 3488ul, "its length of 4000 bytes")]
    [InlineData(4096, 11u, 3584ul, "has no record")]
    [InlineData(4096, 12u, 3585ul, "3585 bytes follow")]
    [InlineData(4096, 12u, ulong.MaxValue, "18446744073709551615 bytes follow")]
    public void OtherFileThanABootImage_IsRefusedInWords(int length, uint type, ulong regionLength, string words)
    {
        byte[] bootImage = new byte[length];
        if (length >= 512)
        {
            new BootRegion(0, regionLength, type).Write(bootImage);
            Assert.Equal(new BootRegion(0, regionLength, type), BootRegion.Read(bootImage));
        }
        BlockDeviceException e = Assert.Throws<BlockDeviceException>(() => NanosDiskLayout.Plan(bootImage, "boot.img", false, 1 << 20));
        Assert.Equal(Errno.EINVAL, e.Errno);
        Assert.StartsWith("boot.img is not a boot image of Nanos: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RootBeyondTwoTebibytes_IsEFBIG_AndTheLargestFits()
    {
        byte[] bootImage = new byte[512];
        new BootRegion(0, 0, BootRegion.FileSystemType).Write(bootImage);
        NanosDiskLayout layout = NanosDiskLayout.Plan(bootImage, "boot.img", true, 512);
        long largest = (uint.MaxValue * 512L) - layout.Root.StartBytes;
        NanosDiskLayout.Plan(bootImage, "boot.img", true, largest).WriteTable(bootImage);
        Assert.Equal(largest, PartitionTable.Parse(bootImage).Find(PartitionRole.Root)!.Value.LengthBytes);
        BlockDeviceException e = Assert.Throws<BlockDeviceException>(() => NanosDiskLayout.Plan(bootImage, "boot.img", true, largest + 512));
        Assert.Equal(Errno.EFBIG, e.Errno);
        Assert.Throws<ArgumentOutOfRangeException>(() => NanosDiskLayout.Plan(bootImage, "boot.img", true, 1000));
    }

    [Fact]
    public void UnreadableDevice_IsItsErrno()
    {
        using var files = new TemporaryDirectory();
        File.WriteAllBytes(files["a.img"], new byte[8192]);
        using FileBlockDevice device = FileBlockDevice.Open(files["a.img"]);
        _ = HostTool.Run("truncate", "--size=0", files["a.img"]);
        BlockDeviceException e = Assert.Throws<BlockDeviceException>(() => PartitionTable.Read(device));
        Assert.Equal(Errno.EIO, e.Errno);
    }

    [Fact]
    public void DirectDevice_IsReadThroughAlignedMemory()
    {
        using var files = new TemporaryDirectory();
        File.WriteAllBytes(files["a.img"], GoldenImage.Load("13-disk-mbr").Bytes);
        using FileBlockDevice device = FileBlockDevice.Open(files["a.img"], new() { Direct = true });
        Assert.Equal(2, PartitionTable.Read(device).Partitions.Count);
    }
}
