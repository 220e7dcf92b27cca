// Makes an image longer or shorter: the volume in it (TfsResizer), the entry of its partition, and the file, in the order in which a
// crash between any two of them leaves a volume that can be mounted.
//
//   longer:   file, flush -> partition's entry, flush -> copy of sector 0
//   shorter:  what lies behind the new end is moved, flushed -> partition's entry, flush -> file
using System.Buffers.Binary;
using System.Globalization;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Images;

/// <summary>What a resize came to.</summary>
/// <param name="Problem">Why it could not be done; empty when it was.</param>
/// <param name="OldBytes">The volume's length before.</param>
/// <param name="NewBytes">The volume's length now.</param>
/// <param name="MovedBytes">Bytes of files that had to be moved.</param>
public sealed record ImageResizeResult(string Problem, long OldBytes, long NewBytes, long MovedBytes);

/// <summary>Resizes images that nobody has mounted.</summary>
public static class ImageResizer
{
    private const int EntriesOffset = 446;
    private const int EntryBytes = 16;
    private const int CountOffset = 12;

    /// <summary>Changes the length of a volume, and of the image that it is in.</summary>
    /// <param name="disk">The image, opened for writing.</param>
    /// <param name="table">Its partition table.</param>
    /// <param name="partition">Which partition; null when the image is one volume.</param>
    /// <param name="volumeBytes">The volume's new length; the rest of a sector is cut off.</param>
    public static ImageResizeResult Resize(BlockDevice disk, PartitionTable table, Partition? partition, long volumeBytes)
    {
        ArgumentNullException.ThrowIfNull(disk);
        ArgumentNullException.ThrowIfNull(table);
        ArgumentOutOfRangeException.ThrowIfNegative(volumeBytes);
        volumeBytes -= volumeBytes % TfsFormat.SectorBytes;
        long start = partition?.StartBytes ?? 0;
        long old = partition?.LengthBytes ?? disk.SizeBytes;
        string problem = partition is { } chosen ? Refusal(disk, table, chosen, volumeBytes) : "";
        long moved = 0;
        if (problem.Length == 0 && volumeBytes != old)
        {
            problem = volumeBytes > old ? Grow(disk, partition, start, old, volumeBytes) : Shrink(disk, partition, start, old, volumeBytes, out moved);
        }
        return new ImageResizeResult(problem, old, problem.Length == 0 ? volumeBytes : old, moved);
    }

    private static string Refusal(BlockDevice disk, PartitionTable table, Partition partition, long volumeBytes)
    {
        foreach (Partition other in table.Partitions)
        {
            if (other.Index != partition.Index && other.StartBytes >= partition.StartBytes)
            {
                return string.Create(CultureInfo.InvariantCulture, $"partition {partition.Index} cannot change its length: partition {other.Index} lies behind it");
            }
        }
        if (volumeBytes / TfsFormat.SectorBytes > uint.MaxValue)
        {
            return "a partition table of this kind cannot tell of more than 2 TiB";
        }
        return partition.EndBytes <= disk.SizeBytes ? "" : "the partition reaches beyond the image already";
    }

    private static string Grow(BlockDevice disk, Partition? partition, long start, long old, long volumeBytes)
    {
        Errno errno = start + volumeBytes > disk.SizeBytes ? disk.Resize(start + volumeBytes) : Errno.None;
        errno = errno == Errno.None ? disk.Flush() : errno;
        errno = errno == Errno.None ? WriteEntry(disk, partition, volumeBytes) : errno;
        if (errno == Errno.None)
        {
            using var volume = new SliceBlockDevice(disk, start, volumeBytes);
            errno = TfsResizer.MoveHeaderCopy(volume, old);
        }
        return errno switch
        {
            Errno.None => "",
            Errno.EOPNOTSUPP => "what the image lies on has a fixed length",
            _ => $"the image cannot be made longer: {errno.Describe()}",
        };
    }

    private static string Shrink(BlockDevice disk, Partition? partition, long start, long old, long volumeBytes, out long moved)
    {
        moved = 0;
        using var volume = new SliceBlockDevice(disk, start, old);
        TfsResizeResult room = TfsResizer.MakeRoom(volume, volumeBytes);
        if (room.Problem.Length > 0)
        {
            return room.Problem;
        }
        moved = room.MovedBytes;
        Errno errno = WriteEntry(disk, partition, volumeBytes);
        errno = errno == Errno.None ? disk.Resize(start + volumeBytes) : errno;
        errno = errno == Errno.None ? disk.Flush() : errno;
        return errno switch
        {
            Errno.None => "",
            Errno.EOPNOTSUPP when partition is not null => "", // the partition is shorter; the disk has its length
            Errno.EOPNOTSUPP => "everything lies below the new end now, but what the image lies on has a fixed length",
            _ => $"the image cannot be cut: {errno.Describe()}",
        };
    }

    // One sector. Readers go by first sector and count; the count is all that changes.
    private static Errno WriteEntry(BlockDevice disk, Partition? partition, long volumeBytes)
    {
        if (partition is not { } entry)
        {
            return Errno.None;
        }
        byte[] sector = new byte[TfsFormat.SectorBytes];
        Errno errno = disk.Read(0, sector);
        if (errno != Errno.None)
        {
            return errno;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(sector.AsSpan(EntriesOffset + (entry.Index * EntryBytes) + CountOffset), (uint)(volumeBytes / TfsFormat.SectorBytes));
        errno = disk.Write(0, sector);
        return errno == Errno.None ? disk.Flush() : errno;
    }
}
