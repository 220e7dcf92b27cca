// Who owns which sectors, as a checker sees it: the log first, then the copy of sector 0, then the files in the order of their sectors. An
// extent that claims sectors of another owner is no longer sound where it is: it gets a copy, so that both can be read and either can be
// deleted without harm to the other.
using System.Globalization;

namespace Tupelo.Tfs;

internal sealed class SectorExaminer(long totalSectors, TfsCheckReport report)
{
    private readonly List<(long Start, long End)> _log = []; // disjoint, sorted when Run begins

    /// <summary>Extents that must be moved to sectors of their own.</summary>
    public List<OwnedExtent> Displaced { get; } = [];

    /// <summary>Sectors that must not be given to anybody: runs that may overlap.</summary>
    public List<(long Start, long Count)> Claimed { get; } = [];

    /// <summary>Finds what is owned twice, and counts.</summary>
    /// <param name="log">The extensions that are in use.</param>
    /// <param name="extents">Of all files, each within the volume; sorted by this.</param>
    /// <param name="pathOf">The path of a file.</param>
    public void Run(IEnumerable<TfsLogExtension> log, List<OwnedExtent> extents, Func<int, byte[]> pathOf)
    {
        foreach (TfsLogExtension extension in log)
        {
            long end = Math.Min(totalSectors, extension.StartSector + extension.SectorCount);
            _log.Add((extension.StartSector, end));
            Claimed.Add((extension.StartSector, end - extension.StartSector));
            report.LogSectors += end - extension.StartSector;
        }
        _log.Sort();
        extents.Sort(static (a, b) => a.StartSector != b.StartSector ? a.StartSector.CompareTo(b.StartSector) : a.AllocatedSectors.CompareTo(b.AllocatedSectors));
        long taken = 0;
        int owner = 0;
        foreach (OwnedExtent extent in extents)
        {
            long end = extent.StartSector + extent.AllocatedSectors;
            Claimed.Add((extent.StartSector, extent.AllocatedSectors));
            bool isLog = OverlapsLog(extent.StartSector, end);
            if (isLog || extent.StartSector < taken)
            {
                long both = isLog ? extent.StartSector : Math.Min(end, taken);
                report.Add(new TfsFinding(TfsFindingCode.SectorsOwnedTwice, TfsSeverity.Error, isLog
                    ? string.Create(CultureInfo.InvariantCulture, $"the file's sectors {extent.StartSector}..{end - 1} are in part the log's: what the file had there is probably lost")
                    : string.Create(CultureInfo.InvariantCulture, $"the file's sectors {extent.StartSector}..{both - 1} are also those of {TfsText.Quote(pathOf(owner))}"))
                {
                    OffsetBytes = extent.StartSector * TfsFormat.SectorBytes,
                    Path = pathOf(extent.File),
                    Remedy = "the file gets a copy of them; what it holds must be looked at",
                });
                Displaced.Add(extent);
                continue;
            }
            report.DataSectors += extent.AllocatedSectors;
            taken = end;
            owner = extent.File;
        }
    }

    private bool OverlapsLog(long start, long end)
    {
        int low = 0;
        int high = _log.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_log[middle].End > start)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        return low < _log.Count && _log[low].Start < end;
    }
}
