// Checks a whole volume that a writer left: the log (LogLint), sector 0 and its copy, who owns which sectors, link counts, and that
// nothing is on the volume that nobody put there.
using System.Globalization;

namespace Tupelo.Testing.Images;

public static class VolumeLint
{
    private const int SectorBytes = IndependentLog.SectorBytes;
    private const ulong MaxExtentSectors = 65536;
    private const ulong AlignedFileBytes = 65536;
    private const ulong LogReserveSectors = 2048;
    private const long ScanBytes = 64L << 20;

    /// <summary>What is wrong; empty when nothing is.</summary>
    public static List<string> Check(IndependentVolume volume, ImageBytes bytes, LintOptions options)
    {
        List<string> complaints = LogLint.Check(volume.Log, options);
        CheckHeader(volume, bytes, complaints);
        List<(ulong Start, ulong Count, string Owner)> used = CheckEntries(volume, bytes, complaints);
        CheckSpace(used, bytes, complaints);
        return complaints;
    }

    private static void CheckHeader(IndependentVolume volume, ImageBytes bytes, List<string> complaints)
    {
        byte[] first = new byte[SectorBytes];
        byte[] copy = new byte[SectorBytes];
        bytes.Read(0, first);
        bytes.Read((bytes.LengthBytes / SectorBytes * SectorBytes) - SectorBytes, copy);
        if (!first.AsSpan().SequenceEqual(copy))
        {
            complaints.Add("the last sector is not a copy of sector 0");
        }
        if (volume.Log.Extensions.Count < 2)
        {
            complaints.Add("sector 0 holds the log itself");
        }
    }

    private static List<(ulong Start, ulong Count, string Owner)> CheckEntries(IndependentVolume volume, ImageBytes bytes, List<string> complaints)
    {
        var used = new List<(ulong, ulong, string)> { (volume.SectorCount - 1, 1, "the copy of sector 0") };
        foreach (IndependentExtension extension in volume.Log.Extensions)
        {
            used.Add((extension.StartSector, extension.SectorCount, "the log"));
        }
        foreach (IGrouping<CompositeValue, ImageEntry> names in volume.Entries.GroupBy(entry => entry.Tuple))
        {
            ImageEntry entry = names.First();
            string path = entry.PathText;
            if (entry.Kind != ImageEntryKind.Directory && entry.LinkCount != (ulong)names.Count())
            {
                complaints.Add(string.Create(CultureInfo.InvariantCulture, $"{path} has {names.Count()} names and says {entry.LinkCount}"));
            }
            foreach (string name in entry.Tuple.Attributes.Keys)
            {
                if (name is "." or ".." or "no_encode" or "mount" or "handle" or "")
                {
                    complaints.Add($"{path} has the attribute '{name}'");
                }
            }
            if (entry.Kind == ImageEntryKind.File)
            {
                CheckFile(entry, path, bytes, used, complaints);
            }
        }
        return used;
    }

    private static void CheckFile(
        ImageEntry entry, string path, ImageBytes bytes, List<(ulong Start, ulong Count, string Owner)> used, List<string> complaints)
    {
        if (entry.Tuple["extents"] is null)
        {
            complaints.Add($"{path} has no extents");
        }
        ulong sectors = (entry.Size + SectorBytes - 1) / SectorBytes;
        foreach (ImageExtent extent in entry.Extents)
        {
            used.Add((extent.StorageSector, extent.Allocated, path));
            if (extent.Length == 0 || extent.Allocated != extent.Length || extent.Length > MaxExtentSectors || extent.FileSector + extent.Length > sectors)
            {
                complaints.Add($"{path}: {extent} in a file of {entry.Size} bytes");
            }
        }
        if (entry.Size >= AlignedFileBytes && entry.Extents.Count > 0 && entry.Extents[0].StorageSector % 8 != 0)
        {
            complaints.Add($"{path} of {entry.Size} bytes begins at sector {entry.Extents[0].StorageSector}");
        }
        // What lies behind the end becomes part of the file when it grows.
        ulong tail = entry.Size % SectorBytes;
        if (tail != 0 && entry.Extents is [.., { Uninitialized: false } last] && last.FileSector + last.Length == sectors)
        {
            byte[] sector = new byte[SectorBytes];
            bytes.Read((long)(last.StorageSector + last.Length - 1) * SectorBytes, sector);
            if (sector.AsSpan((int)tail).ContainsAnyExcept((byte)0))
            {
                complaints.Add($"{path}: the last sector holds something behind the file's end");
            }
        }
    }

    private static void CheckSpace(List<(ulong Start, ulong Count, string Owner)> used, ImageBytes bytes, List<string> complaints)
    {
        used.Sort((one, other) => one.Start.CompareTo(other.Start));
        ulong end = 0;
        ulong longest = 0;
        string owner = "";
        byte[] buffer = new byte[1 << 16];
        foreach ((ulong start, ulong count, string name) in used)
        {
            if (start < end && complaints.Count < 50)
            {
                complaints.Add($"sector {start} belongs to {owner} and to {name}");
            }
            if (start > end)
            {
                longest = Math.Max(longest, start - end);
                // Free space reads as zeros: nothing of the machine that made the image is in it.
                for (long at = (long)end * SectorBytes; at < (long)start * SectorBytes && bytes.LengthBytes <= ScanBytes; at += buffer.Length)
                {
                    Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, ((long)start * SectorBytes) - at));
                    bytes.Read(at, part);
                    if (part.ContainsAnyExcept((byte)0))
                    {
                        complaints.Add($"free space near byte {at} is not empty");
                        break;
                    }
                }
            }
            if (start + count >= end)
            {
                (end, owner) = (start + count, name);
            }
        }
        if (longest < LogReserveSectors)
        {
            complaints.Add($"the longest free run is {longest} sectors: the log cannot grow and be compacted");
        }
    }
}
