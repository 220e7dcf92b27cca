// A PartitionTable is the master boot record of a disk image, as Nanos writes and reads it: four entries of 16 bytes at byte 446 of
// sector 0, then 55 AA. Which entry is which is decided by place, not by type: with an EFI system partition first, boot is second
// and root third; else boot is first and root second. An entry without a start or without a length is none. An image without a
// table is one volume. Bytes: docs/tfs-format.md#disk-image.
//
// Entries come from strangers: reading keeps them as they are, opening one checks its bounds, and for writing also that it overlaps
// no other. Not here: GUID partition tables, logical partitions.
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tupelo.Block;

/// <summary>What a partition is for, by its place in the table.</summary>
public enum PartitionRole
{
    /// <summary>The volume that the unikernel's program sees.</summary>
    Root,

    /// <summary>The volume that holds the kernel.</summary>
    Boot,

    /// <summary>The EFI system partition (FAT).</summary>
    Uefi,
}

/// <summary>One used entry.</summary>
/// <param name="Index">Its place in the table, 0..3.</param>
/// <param name="Type">System id: 83 Linux (what Nanos uses), EF EFI system partition, both hexadecimal.</param>
/// <param name="Status">80 hexadecimal when active.</param>
/// <param name="StartBytes">First byte on the device; a multiple of 512, at least 512.</param>
/// <param name="LengthBytes">Length; a multiple of 512, at least 512.</param>
public readonly record struct Partition(int Index, byte Type, byte Status, long StartBytes, long LengthBytes)
{
    /// <summary>First byte behind it. Start and length are 32-bit sector numbers, so this does not overflow.</summary>
    public long EndBytes => StartBytes + LengthBytes;

    /// <summary>True when the two have a byte in common.</summary>
    public bool Overlaps(Partition other) => StartBytes < other.EndBytes && other.StartBytes < EndBytes;
}

/// <summary>The used entries of a master boot record.</summary>
public sealed class PartitionTable
{
    /// <summary>Unit of the table's addresses, whatever the device's own sectors are.</summary>
    public const int SectorBytes = 512;

    public const int MaxPartitions = 4;

    /// <summary>Type of a Nanos volume.</summary>
    public const byte LinuxType = 0x83;

    /// <summary>Type of the EFI system partition.</summary>
    public const byte UefiType = 0xEF;

    /// <summary>Status of an active partition; Nanos marks all so.</summary>
    public const byte ActiveStatus = 0x80;

    internal const int EntriesOffset = 446;
    internal const int EntryBytes = 16;
    internal const int SignatureOffset = 510;

    private readonly Partition[] _partitions;

    private PartitionTable(Partition[] partitions) => _partitions = partitions;

    /// <summary>The used entries by <see cref="Partition.Index"/>; none when the device is one volume.</summary>
    public IReadOnlyList<Partition> Partitions => _partitions;

    /// <summary>True when there is no table, so that the whole device is one volume.</summary>
    public bool IsWholeVolume => _partitions.Length == 0;

    /// <summary>Reads the table of <paramref name="device"/>.</summary>
    /// <exception cref="BlockDeviceException">EIO and the like: sector 0 could not be read.</exception>
    public static unsafe PartitionTable Read(BlockDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.SizeBytes < SectorBytes)
        {
            return new PartitionTable([]);
        }
        int unit = device.RequiresAlignment ? device.SectorBytes : SectorBytes;
        void* memory = NativeMemory.AlignedAlloc((nuint)unit, (nuint)unit);
        try
        {
            var sector = new Span<byte>(memory, unit);
            Errno errno = device.Read(0, sector);
            if (errno != Errno.None)
            {
                throw new BlockDeviceException(errno, device.Name, $"Cannot read the first sector of {device.Name}: {errno.Describe()}.");
            }
            return Parse(sector);
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    /// <summary>The table in sector 0.</summary>
    /// <param name="sector">The first 512 bytes of the device, at least.</param>
    public static PartitionTable Parse(ReadOnlySpan<byte> sector)
    {
        // A volume that begins here has its log in this sector, where 55 AA may come about by accident.
        bool isTable = sector.Length >= SectorBytes && sector[SignatureOffset] == 0x55 && sector[SignatureOffset + 1] == 0xAA
            && !sector.StartsWith("NVMTFS"u8);
        var partitions = new List<Partition>(MaxPartitions);
        for (int index = 0; isTable && index < MaxPartitions; index++)
        {
            ReadOnlySpan<byte> entry = sector.Slice(EntriesOffset + (index * EntryBytes), EntryBytes);
            uint start = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
            uint count = BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
            if (start != 0 && count != 0)
            {
                partitions.Add(new Partition(index, entry[4], entry[0], start * (long)SectorBytes, count * (long)SectorBytes));
            }
        }
        return new PartitionTable([.. partitions]);
    }

    /// <summary>The partition with this role, or null.</summary>
    public Partition? Find(PartitionRole role)
    {
        bool uefi = Find(0) is { Type: UefiType };
        return role switch
        {
            PartitionRole.Uefi => uefi ? Find(0) : null,
            PartitionRole.Boot => Find(uefi ? 1 : 0),
            _ => Find(uefi ? 2 : 1),
        };
    }

    /// <summary>The partition at this place in the table, 0..3, or null.</summary>
    public Partition? Find(int index)
    {
        foreach (Partition partition in _partitions)
        {
            if (partition.Index == index)
            {
                return partition;
            }
        }
        return null;
    }

    /// <summary>The role of a partition of this table, or null for one that Nanos has no use for.</summary>
    public PartitionRole? RoleOf(Partition partition)
    {
        foreach (PartitionRole role in (ReadOnlySpan<PartitionRole>)[PartitionRole.Root, PartitionRole.Boot, PartitionRole.Uefi])
        {
            if (Find(role) == partition)
            {
                return role;
            }
        }
        return null;
    }

    /// <summary>The volume with <paramref name="role"/>. A device without a table is its own root volume.</summary>
    /// <param name="device">What the table was read from. With <paramref name="ownsDevice"/> it is closed with the result, also when
    /// the result is the device itself.</param>
    /// <param name="role">Which.</param>
    /// <param name="ownsDevice">True when closing the result closes <paramref name="device"/>. Nothing is closed by a failure.</param>
    /// <exception cref="BlockDeviceException">ENOENT: there is none. EUCLEAN: it reaches beyond the device, or overlaps another.</exception>
    public BlockDevice Open(BlockDevice device, PartitionRole role, bool ownsDevice)
    {
        if (IsWholeVolume && role == PartitionRole.Root)
        {
            return ownsDevice ? device : new SliceBlockDevice(device, 0, device.SizeBytes);
        }
        string name = role switch { PartitionRole.Uefi => "EFI system", PartitionRole.Boot => "boot", _ => "root" };
        return Open(device, Find(role) ?? throw Missing(device, name), ownsDevice);
    }

    /// <summary>The partition at this place in the table, 0..3.</summary>
    /// <inheritdoc cref="Open(BlockDevice, PartitionRole, bool)"/>
    public BlockDevice Open(BlockDevice device, int index, bool ownsDevice) =>
        Open(device, Find(index) ?? throw Missing(device, string.Create(CultureInfo.InvariantCulture, $"number {index}")), ownsDevice);

    private SliceBlockDevice Open(BlockDevice device, Partition partition, bool ownsDevice)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"Partition {partition.Index} of {device.Name}");
        if (partition.EndBytes > device.SizeBytes)
        {
            throw new BlockDeviceException(Errno.EUCLEAN, device.Name, string.Create(CultureInfo.InvariantCulture,
                $"{name} ends at byte {partition.EndBytes}, but the image has only {device.SizeBytes} bytes: it was cut off, or its table is damaged."));
        }
        if (!device.IsReadOnly)
        {
            foreach (Partition other in _partitions)
            {
                if (other.Index != partition.Index && other.Overlaps(partition))
                {
                    throw new BlockDeviceException(Errno.EUCLEAN, device.Name, string.Create(CultureInfo.InvariantCulture,
                        $"{name} overlaps partition {other.Index}: writing one would destroy the other. Open it read-only."));
                }
            }
        }
        if (device.RequiresAlignment && ((partition.StartBytes | partition.LengthBytes) & (device.SectorBytes - 1)) != 0)
        {
            throw new BlockDeviceException(Errno.EINVAL, device.Name, string.Create(CultureInfo.InvariantCulture,
                $"{name} is not aligned to {device.SectorBytes} bytes: direct I/O is not possible."));
        }
        return new SliceBlockDevice(device, partition.StartBytes, partition.LengthBytes, ownsDevice);
    }

    private BlockDeviceException Missing(BlockDevice device, string which)
    {
        string there = IsWholeVolume
            ? "it has no partition table"
            : string.Create(CultureInfo.InvariantCulture, $"its table has {_partitions.Length}: {string.Join(", ", _partitions.Select(Describe))}");
        return new BlockDeviceException(Errno.ENOENT, device.Name, $"{device.Name} has no {which} partition; {there}.");
    }

    private string Describe(Partition partition)
    {
        string role = RoleOf(partition) is { } known ? $" {known.ToString().ToLowerInvariant()}" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{partition.Index}{role} (type {partition.Type:x2})");
    }
}
