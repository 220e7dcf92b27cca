// A NanosDiskLayout says where things lie on a bootable disk image, and writes the partition table that says it to the BIOS and to
// Nanos: boot image (its first sector becomes the master boot record), kernel log, perhaps the EFI system partition, boot volume,
// root volume, without gaps. Bytes: docs/tfs-format.md#disk-image.
using System.Buffers.Binary;
using System.Globalization;

namespace Tupelo.Block;

/// <summary>The record of 20 bytes before the partition entries, by which the boot loader finds the first partition.</summary>
/// <param name="BaseAddress">Not used on disk; 0.</param>
/// <param name="LengthBytes">Length of the boot loader's second stage, which lies behind the first sector.</param>
/// <param name="Type">12: file system.</param>
public readonly record struct BootRegion(ulong BaseAddress, ulong LengthBytes, uint Type)
{
    public const int Offset = 426;
    public const uint FileSystemType = 12;

    /// <summary>The record in the master boot record <paramref name="sector"/>, unchecked.</summary>
    public static BootRegion Read(ReadOnlySpan<byte> sector) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(sector[Offset..]),
        BinaryPrimitives.ReadUInt64LittleEndian(sector[(Offset + 8)..]),
        BinaryPrimitives.ReadUInt32LittleEndian(sector[(Offset + 16)..]));

    /// <summary>Puts the record into the master boot record <paramref name="sector"/>.</summary>
    public void Write(Span<byte> sector)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(sector[Offset..], BaseAddress);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[(Offset + 8)..], LengthBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[(Offset + 16)..], Type);
    }
}

/// <summary>Places of everything on a bootable disk image.</summary>
public sealed class NanosDiskLayout
{
    /// <summary>Length of the kernel's log area, directly before the first partition.</summary>
    public const long KernelLogBytes = 4096;

    /// <summary>Length of the EFI system partition.</summary>
    public const long UefiBytes = 33L << 20;

    /// <summary>Length of the boot volume.</summary>
    public const long BootBytes = 12L << 20;

    private const int SectorsPerTrack = 63;
    private const int Heads = 255;
    private const int MaxCylinder = 1023;

    private NanosDiskLayout(long kernelLogStartBytes, Partition? uefi, Partition boot, Partition root)
    {
        KernelLogStartBytes = kernelLogStartBytes;
        Uefi = uefi;
        Boot = boot;
        Root = root;
    }

    /// <summary>Where the kernel's log begins, which is where the boot image ends.</summary>
    public long KernelLogStartBytes { get; }

    /// <summary>Where an EFI loader goes, when there is one.</summary>
    public Partition? Uefi { get; }

    public Partition Boot { get; }

    public Partition Root { get; }

    /// <summary>Length of the whole image.</summary>
    public long SizeBytes => Root.EndBytes;

    /// <summary>Plans an image around a boot image.</summary>
    /// <param name="bootImage">All of it; its first sector holds a <see cref="BootRegion"/>.</param>
    /// <param name="bootImageName">Its name, for messages.</param>
    /// <param name="withUefi">True to make room for an EFI loader.</param>
    /// <param name="rootBytes">Length of the root volume; a multiple of 512.</param>
    /// <exception cref="BlockDeviceException">EINVAL: this is no boot image of Nanos. EFBIG: more than 2 TiB, which the table cannot
    /// express.</exception>
    public static NanosDiskLayout Plan(ReadOnlySpan<byte> bootImage, string bootImageName, bool withUefi, long rootBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rootBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(rootBytes % PartitionTable.SectorBytes, 0, nameof(rootBytes));
        CheckBootImage(bootImage, bootImageName);
        long start = bootImage.Length + KernelLogBytes;
        int index = 0;
        Partition Next(byte type, long lengthBytes)
        {
            var partition = new Partition(index++, type, PartitionTable.ActiveStatus, start, lengthBytes);
            start = partition.EndBytes;
            return partition;
        }
        Partition? uefi = withUefi ? Next(PartitionTable.UefiType, UefiBytes) : null;
        Partition boot = Next(PartitionTable.LinuxType, BootBytes);
        if (rootBytes / PartitionTable.SectorBytes > uint.MaxValue - (start / PartitionTable.SectorBytes))
        {
            throw new BlockDeviceException(Errno.EFBIG, bootImageName, string.Create(CultureInfo.InvariantCulture,
                $"A root volume of {rootBytes} bytes is too large for a bootable image: its partition table ends at 2 TiB."));
        }
        return new NanosDiskLayout(bootImage.Length, uefi, boot, Next(PartitionTable.LinuxType, rootBytes));
    }

    /// <summary>Writes entries and signature into the master boot record <paramref name="sector"/>; entries not used become zeros.</summary>
    public void WriteTable(Span<byte> sector)
    {
        sector[PartitionTable.EntriesOffset..PartitionTable.SignatureOffset].Clear();
        if (Uefi is { } uefi)
        {
            WriteEntry(sector, uefi);
        }
        WriteEntry(sector, Boot);
        WriteEntry(sector, Root);
        sector[PartitionTable.SignatureOffset] = 0x55;
        sector[PartitionTable.SignatureOffset + 1] = 0xAA;
    }

    private static void CheckBootImage(ReadOnlySpan<byte> bootImage, string name)
    {
        string? problem = null;
        if (bootImage.Length < PartitionTable.SectorBytes || bootImage.Length % PartitionTable.SectorBytes != 0)
        {
            problem = string.Create(CultureInfo.InvariantCulture, $"its length of {bootImage.Length} bytes is not a number of whole sectors");
        }
        else if (BootRegion.Read(bootImage) is var region && region.Type != BootRegion.FileSystemType)
        {
            problem = "its first sector has no record that says where the file system begins";
        }
        else if (region.LengthBytes != (ulong)(bootImage.Length - PartitionTable.SectorBytes))
        {
            problem = string.Create(CultureInfo.InvariantCulture,
                $"it says that {region.LengthBytes} bytes follow its first sector, but there are {bootImage.Length - PartitionTable.SectorBytes}");
        }
        if (problem is not null)
        {
            throw new BlockDeviceException(Errno.EINVAL, name, $"{name} is not a boot image of Nanos: {problem}.");
        }
    }

    private static void WriteEntry(Span<byte> sector, Partition partition)
    {
        Span<byte> entry = sector.Slice(PartitionTable.EntriesOffset + (partition.Index * PartitionTable.EntryBytes), PartitionTable.EntryBytes);
        uint first = checked((uint)(partition.StartBytes / PartitionTable.SectorBytes));
        uint count = checked((uint)(partition.LengthBytes / PartitionTable.SectorBytes));
        entry[0] = partition.Status;
        WriteChs(entry[1..], first);
        entry[4] = partition.Type;
        WriteChs(entry[5..], first + count - 1);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], first);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], count);
    }

    /// <summary>The old address of a sector: head, sector, cylinder.</summary>
    /// <remarks>As Nanos writes it: the upper two bits of the cylinder are not shifted to their place, bits 6 and 7 of the second byte.
    /// Nobody reads them (the LBA counts), and images are compared byte for byte.</remarks>
    internal static void WriteChs(Span<byte> entry, uint sectorNumber)
    {
        uint cylinder = sectorNumber / SectorsPerTrack / Heads;
        uint head = sectorNumber / SectorsPerTrack % Heads;
        uint sector = (sectorNumber % SectorsPerTrack) + 1;
        if (cylinder > MaxCylinder)
        {
            (cylinder, head, sector) = (MaxCylinder, Heads - 1, SectorsPerTrack);
        }
        entry[0] = (byte)head;
        entry[1] = (byte)((cylinder >> 8) | sector);
        entry[2] = (byte)cylinder;
    }
}
