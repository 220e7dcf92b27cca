// The allocator's view of a volume, rebuilt from what the log says, since nothing of it is on disk: which sectors the log and the
// files own, which are free, and which two owners claim (a fault that the reference only prints and then corrupts further).
using System.Globalization;

namespace Tupelo.Tfs;

/// <summary>How the sectors of a volume are used. A snapshot; any thread.</summary>
public sealed class TfsSpaceMap
{
    private TfsSpaceMap(IReadOnlyList<TfsFault> faults) => Faults = faults;

    /// <summary>Sectors of the volume.</summary>
    public long TotalSectors { get; private init; }

    /// <summary>Sectors of log extensions.</summary>
    public long LogSectors { get; private init; }

    /// <summary>Sectors that files own.</summary>
    public long DataSectors { get; private init; }

    /// <summary>Of these, sectors behind the end of their extent's data: preallocation.</summary>
    public long SlackSectors { get; private init; }

    /// <summary>Sectors that nobody owns.</summary>
    public long FreeSectors => TotalSectors - LogSectors - DataSectors;

    /// <summary>Longest run of free sectors.</summary>
    public long LargestFreeRun { get; private init; }

    /// <summary>Runs of free sectors, in order of their start.</summary>
    public IReadOnlyList<(long StartSector, long SectorCount)> FreeRuns { get; private init; } = [];

    /// <summary>Regular files, each counted once.</summary>
    public long FileCount { get; private init; }

    /// <summary>Directories, the root included.</summary>
    public long DirectoryCount { get; private init; }

    /// <summary>Other file objects: links, sockets, FIFOs, devices.</summary>
    public long OtherCount { get; private init; }

    /// <summary>Extents of all files.</summary>
    public long ExtentCount { get; private init; }

    /// <summary>Files with more than one run of sectors, not counting runs that follow each other on the volume.</summary>
    public long FragmentedFileCount { get; private init; }

    /// <summary>Sectors with two owners.</summary>
    public IReadOnlyList<TfsFault> Faults { get; }

    /// <summary>Walks all files of <paramref name="volume"/>.</summary>
    public static TfsSpaceMap Build(TfsVolume volume)
    {
        var used = new List<(long Start, long Count)>();
        long logSectors = 0;
        foreach (TfsLogExtension extension in volume.Log.Extensions)
        {
            used.Add((extension.StartSector, extension.SectorCount));
            logSectors += extension.SectorCount;
        }
        var extents = new List<TfsExtent>();
        long slack = 0;
        long files = 0;
        long directories = 0;
        long others = 0;
        long extentCount = 0;
        long fragmented = 0;
        foreach (TfsNode node in volume.AllNodes())
        {
            FileType type = volume.TypeOf(node);
            directories += type == FileType.Directory ? 1 : 0;
            others += type is FileType.Directory or FileType.Regular ? 0 : 1;
            if (type != FileType.Regular)
            {
                continue;
            }
            files++;
            if (volume.GetExtents(node, extents) != Errno.None)
            {
                continue;
            }
            int runs = 0;
            for (int i = 0; i < extents.Count; i++)
            {
                TfsExtent extent = extents[i];
                used.Add((extent.StartSector, extent.AllocatedSectors));
                slack += extent.AllocatedSectors - extent.SectorCount;
                extentCount++;
                runs += i == 0 || extents[i - 1].StartSector + extents[i - 1].AllocatedSectors != extent.StartSector ? 1 : 0;
            }
            fragmented += runs > 1 ? 1 : 0;
        }

        used.Sort();
        var faults = new List<TfsFault>();
        var free = new List<(long, long)>();
        long end = 0;
        long owned = 0;
        long largest = 0;
        long total = volume.Device.SizeBytes / TfsFormat.SectorBytes;
        foreach ((long start, long count) in used)
        {
            if (start < end && faults.Count < 1000)
            {
                faults.Add(new TfsFault(string.Create(CultureInfo.InvariantCulture, $"sectors {start}..{Math.Min(end, start + count) - 1} have two owners"), start * TfsFormat.SectorBytes));
            }
            if (start > end)
            {
                free.Add((end, start - end));
                largest = Math.Max(largest, start - end);
            }
            owned += Math.Max(0, start + count - Math.Max(start, end));
            end = Math.Max(end, start + count);
        }
        if (total > end)
        {
            free.Add((end, total - end));
            largest = Math.Max(largest, total - end);
        }
        return new TfsSpaceMap(faults)
        {
            TotalSectors = total,
            LogSectors = logSectors,
            DataSectors = owned - logSectors,
            SlackSectors = slack,
            LargestFreeRun = largest,
            FreeRuns = free,
            FileCount = files,
            DirectoryCount = directories,
            OtherCount = others,
            ExtentCount = extentCount,
            FragmentedFileCount = fragmented,
        };
    }
}
