// The places of one open file's data, ordered by their place in the file: a copy of what its tuples say, for searching, and besides
// that the places that write-back has chosen and not yet filled (pending), which no record may mention. In sectors. Memory only;
// guarded by TfsMetadata's lock.
using System.Diagnostics;

namespace Tupelo.Tfs;

/// <summary>One run of a file's data, as <see cref="TfsExtent"/>, or a pending one.</summary>
internal struct ExtentEntry
{
    public long FileSector;
    public long StartSector;
    public long SectorCount;

    /// <summary>Sectors owned, at least <see cref="SectorCount"/>; what is beyond is behind the file's data.</summary>
    public long AllocatedSectors;
    public bool IsUninitialized;

    /// <summary>Chosen by write-back, not yet filled, not in the log.</summary>
    public bool IsPending;

    /// <summary>The transaction that allocated it, see <see cref="TfsMetadata.Epoch"/>; 0: none.</summary>
    public long Epoch;

    public readonly long FileEnd => FileSector + SectorCount;
}

internal sealed class ExtentList
{
    private readonly List<ExtentEntry> _entries = [];

    public int Count => _entries.Count;

    public ExtentEntry this[int index]
    {
        get => _entries[index];
        set => _entries[index] = value;
    }

    /// <summary>Takes over a file's extents as they were read.</summary>
    public void Load(List<TfsExtent> extents)
    {
        _entries.Clear();
        foreach (TfsExtent extent in extents)
        {
            _entries.Add(new ExtentEntry
            {
                FileSector = extent.FileSector,
                StartSector = extent.StartSector,
                SectorCount = extent.SectorCount,
                AllocatedSectors = extent.AllocatedSectors,
                IsUninitialized = extent.IsUninitialized,
            });
        }
    }

    /// <summary>Index of the first entry that ends behind <paramref name="sector"/>; <see cref="Count"/> when there is none.</summary>
    public int FirstEndingAfter(long sector)
    {
        int low = 0;
        int high = _entries.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_entries[middle].FileEnd > sector)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        return low;
    }

    public void Insert(int index, ExtentEntry entry)
    {
        Debug.Assert(index == 0 || _entries[index - 1].FileEnd <= entry.FileSector);
        Debug.Assert(index == _entries.Count || entry.FileEnd <= _entries[index].FileSector);
        _entries.Insert(index, entry);
    }

    public void RemoveAt(int index) => _entries.RemoveAt(index);

    /// <summary>Sectors owned by all entries.</summary>
    public long AllocatedSectors()
    {
        long sectors = 0;
        foreach (ExtentEntry entry in _entries)
        {
            sectors += entry.AllocatedSectors;
        }
        return sectors;
    }
}
