// TfsAllocator hands out the sectors of a mounted volume. Place: the log and the files ask it; it knows no device and no tuple, and
// nothing of it is on disk: mounting rebuilds it from what the log says is in use.
//
// Three kinds of sectors are not in use: free ones; reserved ones, which are a number only (promised to writes whose place is not
// chosen yet, so that ENOSPC is told at write time and never later); and retired ones, which a change freed that is not yet durable.
// A retired sector still belongs to what a crash would bring back: it becomes free when the commit that freed it is on the device.
//
// Lock: _freeMu guards everything; a leaf, nothing is called under it.
using System.Diagnostics;

namespace Tupelo.Tfs;

internal sealed class TfsAllocator
{
    private readonly Lock _freeMu = new(); // Guards all fields below.
    private readonly FreeRunTree _free = new();
    private long _reserved;
    private long _retired;

    /// <summary>An allocator of [0, <paramref name="totalSectors"/>), all free.</summary>
    public TfsAllocator(long totalSectors)
    {
        TotalSectors = totalSectors;
        if (totalSectors > 0)
        {
            _ = _free.Add(0, totalSectors);
        }
    }

    /// <summary>Sectors of the volume.</summary>
    public long TotalSectors { get; private set; }

    /// <summary>Sectors that can still be promised: free and not reserved.</summary>
    public long AvailableSectors
    {
        get
        {
            lock (_freeMu)
            {
                return _free.SectorCount - _reserved;
            }
        }
    }

    /// <summary>Sectors that nobody uses: free ones (reserved or not) and retired ones.</summary>
    public long FreeSectors
    {
        get
        {
            lock (_freeMu)
            {
                return _free.SectorCount + _retired;
            }
        }
    }

    /// <summary>Longest run of free sectors.</summary>
    public long LongestFreeRun
    {
        get
        {
            lock (_freeMu)
            {
                return _free.LongestRun;
            }
        }
    }

    /// <summary>Marks sectors as used, at mount. False when one of them is in use already, or outside of the volume.</summary>
    public bool MarkUsed(long start, long count)
    {
        lock (_freeMu)
        {
            return count == 0 || _free.Remove(start, count);
        }
    }

    /// <summary>Promises <paramref name="count"/> sectors. False (ENOSPC) when there are not so many.</summary>
    public bool TryReserve(long count)
    {
        Debug.Assert(count >= 0);
        lock (_freeMu)
        {
            if (_free.SectorCount - _reserved < count)
            {
                return false;
            }
            _reserved += count;
            return true;
        }
    }

    /// <summary>Takes a promise back.</summary>
    public void Unreserve(long count)
    {
        lock (_freeMu)
        {
            _reserved -= count;
            Debug.Assert(_reserved >= 0);
        }
    }

    /// <summary>Allocates up to <paramref name="wanted"/> sectors in one run: at <paramref name="goal"/> when it is free, otherwise in
    /// the first run behind it that is long enough, otherwise in the first such run of the volume, otherwise as much as the longest run
    /// has, down to <paramref name="minimum"/>.</summary>
    /// <param name="wanted">Sectors asked for, at least 1.</param>
    /// <param name="minimum">Fewer are of no use; 1..<paramref name="wanted"/>.</param>
    /// <param name="goal">Where it would be best.</param>
    /// <param name="alignment">The run starts at a multiple of this, a power of two, where such a run exists; never for a goal met exactly.</param>
    /// <param name="reserved">How many of the sectors were promised before: that part of the promise is used up.</param>
    /// <param name="start">First sector.</param>
    /// <param name="count">Sectors allocated.</param>
    /// <returns>False when not even the minimum is free beyond what others were promised.</returns>
    public bool TryAllocate(long wanted, long minimum, long goal, long alignment, long reserved, out long start, out long count)
    {
        Debug.Assert(minimum >= 1 && wanted >= minimum && long.IsPow2(alignment));
        lock (_freeMu)
        {
            long available = _free.SectorCount - _reserved + reserved;
            wanted = Math.Min(wanted, available);
            if (wanted < minimum || !TryPlaceLocked(wanted, minimum, goal, alignment, out start, out count))
            {
                (start, count) = (0, 0);
                return false;
            }
            bool removed = _free.Remove(start, count);
            Debug.Assert(removed);
            _reserved -= Math.Min(reserved, count);
            return true;
        }
    }

    /// <summary>Allocates sectors from <paramref name="start"/> on, as many of <paramref name="wanted"/> as are free there.</summary>
    /// <returns>How many; 0 when the first one is in use.</returns>
    public long ExtendAt(long start, long wanted, long reserved)
    {
        lock (_freeMu)
        {
            if (!_free.TryFindRunAt(start, out long runStart, out long runCount))
            {
                return 0;
            }
            long count = Math.Min(Math.Min(wanted, runStart + runCount - start), _free.SectorCount - _reserved + reserved);
            if (count <= 0)
            {
                return 0;
            }
            bool removed = _free.Remove(start, count);
            Debug.Assert(removed);
            _reserved -= Math.Min(reserved, count);
            return count;
        }
    }

    /// <summary>Gives back sectors that no durable state refers to: they were allocated and never committed.</summary>
    public void Free(long start, long count)
    {
        lock (_freeMu)
        {
            FreeLocked(start, count);
        }
    }

    /// <summary>Counts sectors as freed by a change that is not durable yet. The caller keeps them, and calls
    /// <see cref="Release"/> when it is.</summary>
    public void Retire(long count)
    {
        lock (_freeMu)
        {
            _retired += count;
        }
    }

    /// <summary>Makes retired sectors free, once nothing durable refers to them.</summary>
    public void Release(ReadOnlySpan<(long Start, long Count)> runs)
    {
        lock (_freeMu)
        {
            foreach ((long start, long count) in runs)
            {
                FreeLocked(start, count);
                _retired -= count;
            }
            Debug.Assert(_retired >= 0);
        }
    }

    /// <summary>Changes the volume's length. Shrinking needs all sectors behind the new end to be free.</summary>
    /// <returns>False, and nothing changed, when they are not.</returns>
    public bool TryResize(long totalSectors)
    {
        lock (_freeMu)
        {
            if (totalSectors < TotalSectors)
            {
                long cut = TotalSectors - totalSectors;
                if (_free.SectorCount - _reserved < cut || !_free.Remove(totalSectors, cut))
                {
                    return false;
                }
            }
            else if (totalSectors > TotalSectors)
            {
                FreeLocked(TotalSectors, totalSectors - TotalSectors);
            }
            TotalSectors = totalSectors;
            return true;
        }
    }

    /// <summary>The free runs, in order; a snapshot.</summary>
    public (long Start, long Count)[] FreeRuns()
    {
        lock (_freeMu)
        {
            return [.. _free.Runs()];
        }
    }

    private void FreeLocked(long start, long count)
    {
        Debug.Assert(_freeMu.IsHeldByCurrentThread);
        if (!_free.Add(start, count))
        {
            throw new InvalidOperationException($"sectors {start}+{count} are freed twice");
        }
    }

    private bool TryPlaceLocked(long wanted, long minimum, long goal, long alignment, out long start, out long count)
    {
        Debug.Assert(_freeMu.IsHeldByCurrentThread);
        count = wanted;
        if (_free.TryFindRunAt(goal, out long runStart, out long runCount) && runStart + runCount - goal >= wanted)
        {
            start = goal;
            return true;
        }
        // A run that is longer by the alignment fits for certain; failing that, one that is just long enough, unaligned.
        long roomy = wanted + alignment - 1;
        if (_free.TryFindFirst(goal, roomy, out start, out _) || _free.TryFindFirst(0, roomy, out start, out _))
        {
            start = (start + alignment - 1) & -alignment;
            return true;
        }
        if (_free.TryFindFirst(goal, wanted, out start, out _) || _free.TryFindFirst(0, wanted, out start, out _))
        {
            return true;
        }
        long longest = _free.LongestRun;
        count = longest;
        return longest >= minimum && _free.TryFindFirst(0, longest, out start, out _);
    }
}
