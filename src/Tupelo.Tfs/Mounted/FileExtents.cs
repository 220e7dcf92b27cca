// FileExtents is one file's map from its bytes to the volume, and the only place where extents change: each change is made in the list
// that is searched and, through TfsMetadata, in the tuples and the log, in one step. Above it: TfsRegularFile and the page cache
// (through IBlockMap); below: TfsMetadata and TfsAllocator.
//
// An extent that was never written to by us is logged only after its data is on the device (Written); until then it is pending, and a
// crash leaves sectors that nobody refers to. Freed sectors are retired: they come back when the commit that freed them is durable.
//
// In a transaction nothing that a durable record leads to is overwritten: data that replaces data goes to new sectors, and the old
// ones are retired. Entries know by their epoch whether the open transaction allocated them.
//
// Locks: every public member takes TfsMetadata's lock itself, except those named ...Locked. The promises of Reserve are counted here,
// per page, under the same lock.
using System.Diagnostics;

namespace Tupelo.Tfs;

internal sealed class FileExtents(TfsFileSystem fileSystem, int file) : IBlockMap
{
    private const int PageSectors = PageCache.PageBytes / TfsFormat.SectorBytes;

    private readonly TfsMetadata _metadata = fileSystem.Metadata;
    private readonly TfsAllocator _allocator = fileSystem.Allocator;
    private readonly ExtentList _extents = new();
    private readonly Dictionary<long, int> _promised = []; // page -> sectors promised for it
    private bool _isAbandoned;  // the tuple may be another file's
    private int _extentsTuple;  // 0 until the file has one
    private long _sizeBytes;    // the file's length, as the last write or truncation made it

    /// <summary>Reads the extents of a file that exists. Caller holds the metadata's lock.</summary>
    public void LoadLocked(int extentsTuple, List<TfsExtent> extents, long sizeBytes)
    {
        _extentsTuple = extentsTuple;
        _extents.Load(extents);
        _sizeBytes = sizeBytes;
    }

    /// <summary>Back to what the tuples say: a transaction was taken back. Caller holds the metadata's lock, and has dropped the pages.</summary>
    public void ReloadLocked(int extentsTuple, List<TfsExtent> extents, long sizeBytes)
    {
        foreach (int sectors in _promised.Values)
        {
            _allocator.Unreserve(sectors);
        }
        _promised.Clear();
        LoadLocked(extentsTuple, extents, sizeBytes);
    }

    /// <summary>Length in bytes, as of the last write or truncation.</summary>
    public long SizeBytes => Interlocked.Read(ref _sizeBytes);

    /// <summary>Sectors owned or promised.</summary>
    public long OwnedSectors
    {
        get
        {
            using TfsMetadata.Operation operation = _metadata.Enter();
            return _extents.AllocatedSectors() + _promised.Values.Sum(static sectors => (long)sectors);
        }
    }

    /// <summary>The file grew by a write; the log learns of it when the bytes are on the device.</summary>
    public void Grow(long sizeBytes)
    {
        if (sizeBytes > _sizeBytes)
        {
            _ = Interlocked.Exchange(ref _sizeBytes, sizeBytes);
        }
    }

    public int Map(long offsetBytes, long lengthBytes, Span<BlockRun> runs)
    {
        using TfsMetadata.Operation operation = _metadata.Enter();
        long at = offsetBytes / TfsFormat.SectorBytes;
        long end = SectorsFor(offsetBytes + lengthBytes);
        int count = 0;
        int index = _extents.FirstEndingAfter(at);
        while (at < end && count < runs.Length)
        {
            if (index == _extents.Count || _extents[index].FileSector >= end)
            {
                runs[count++] = Run(BlockRunKind.Hole, at, 0, end - at);
                break;
            }
            ExtentEntry entry = _extents[index];
            if (entry.FileSector > at)
            {
                runs[count++] = Run(BlockRunKind.Hole, at, 0, entry.FileSector - at);
                at = entry.FileSector;
                continue;
            }
            long length = Math.Min(entry.FileEnd, end) - at;
            runs[count++] = Run(
                entry.IsUninitialized || entry.IsPending ? BlockRunKind.Uninitialized : BlockRunKind.Mapped, at, entry.StartSector + (at - entry.FileSector), length);
            at += length;
            index++;
        }
        return count;
    }

    public Errno Reserve(long offsetBytes, long lengthBytes)
    {
        if (fileSystem.Failure != Errno.None)
        {
            return Errno.EROFS;
        }
        using TfsMetadata.Operation operation = _metadata.Enter();
        for (long page = offsetBytes / PageCache.PageBytes; page * PageCache.PageBytes < offsetBytes + lengthBytes; page++)
        {
            if (_promised.ContainsKey(page))
            {
                continue;
            }
            int missing = (int)MissingLocked(page * PageSectors, (page + 1) * PageSectors, forData: true);
            if (missing > 0)
            {
                if (!fileSystem.HasRoomForData(missing) || !_allocator.TryReserve(missing))
                {
                    return Errno.ENOSPC;
                }
                _promised.Add(page, missing);
            }
        }
        return Errno.None;
    }

    public Errno MapForWrite(long offsetBytes, long lengthBytes, Span<BlockRun> runs, out int count)
    {
        count = 0;
        using TfsMetadata.Operation operation = _metadata.Enter();
        long at = offsetBytes / TfsFormat.SectorBytes;
        long end = Math.Min(SectorsFor(offsetBytes + lengthBytes), SectorsFor(SizeBytes));
        while (at < end && count < runs.Length)
        {
            int index = _extents.FirstEndingAfter(at);
            if (index == _extents.Count || _extents[index].FileSector > at)
            {
                long gapEnd = index == _extents.Count ? end : Math.Min(end, _extents[index].FileSector);
                if (!AllocateLocked(index, at, gapEnd - at, isPending: true))
                {
                    return Errno.ENOSPC;
                }
                continue;
            }
            ExtentEntry entry = _extents[index];
            long length = Math.Min(entry.FileEnd, end) - at;
            if (MustMove(entry))
            {
                RemoveLocked(at, at + length);
                continue;
            }
            runs[count++] = Run(
                entry.IsUninitialized || entry.IsPending ? BlockRunKind.Uninitialized : BlockRunKind.Mapped, at, entry.StartSector + (at - entry.FileSector), length);
            at += length;
        }
        ForgivePromisesLocked(offsetBytes / TfsFormat.SectorBytes, at);
        return Errno.None;
    }

    public void Written(ReadOnlySpan<BlockRun> runs)
    {
        fileSystem.DataWasWritten();
        using TfsMetadata.Operation operation = _metadata.Enter();
        foreach (ref readonly BlockRun run in runs)
        {
            if (run.Kind != BlockRunKind.Mapped)
            {
                InitializeLocked(run.FileOffsetBytes / TfsFormat.SectorBytes, (run.FileOffsetBytes + run.LengthBytes) / TfsFormat.SectorBytes);
            }
        }
    }

    public void WriteFailed(Errno errno) => fileSystem.Latch(errno);

    /// <summary>Logs the file's length: all of its bytes below <paramref name="writtenBytes"/> are on the device.</summary>
    public void LogSize(long writtenBytes)
    {
        using TfsMetadata.Operation operation = _metadata.Enter();
        if (!_isAbandoned)
        {
            _metadata.UpdateNumber(file, _metadata.Symbols.FileLength, (ulong)Math.Min(writtenBytes, _sizeBytes));
        }
    }

    /// <summary>Cuts or lengthens the file: places behind the end are given up, the length is logged, in one operation. The page cache
    /// has dropped and zeroed what it had to before.</summary>
    public void SetSize(long sizeBytes)
    {
        using TfsMetadata.Operation operation = _metadata.Enter();
        long end = SectorsFor(sizeBytes);
        if (sizeBytes <= _sizeBytes)
        {
            // Also when the size stays: what was allocated beyond it goes.
            RemoveLocked(end, long.MaxValue);
            TrimTailLocked();
        }
        foreach (long page in _promised.Keys.Where(page => page * PageSectors >= end).ToArray())
        {
            _allocator.Unreserve(_promised[page]);
            _ = _promised.Remove(page);
        }
        _ = Interlocked.Exchange(ref _sizeBytes, sizeBytes);
        _metadata.UpdateNumber(file, _metadata.Symbols.FileLength, (ulong)sizeBytes);
    }

    /// <summary>Gives places to all of a range, without data: it reads as zeros until it is written.</summary>
    /// <remarks>All or nothing. Errors: ENOSPC.</remarks>
    public Errno Preallocate(long offsetBytes, long lengthBytes)
    {
        using TfsMetadata.Operation operation = _metadata.Enter();
        long at = offsetBytes / TfsFormat.SectorBytes;
        long end = SectorsFor(offsetBytes + lengthBytes);
        long missing = MissingLocked(at, end, forData: false);
        if (!fileSystem.HasRoomForData(missing) || !_allocator.TryReserve(missing))
        {
            return Errno.ENOSPC;
        }
        _allocator.Unreserve(missing); // nobody else allocates: that happens under the lock that is held here
        while (at < end)
        {
            int index = _extents.FirstEndingAfter(at);
            if (index < _extents.Count && _extents[index].FileSector <= at)
            {
                at = _extents[index].FileEnd;
                continue;
            }
            long gapEnd = index == _extents.Count ? end : Math.Min(end, _extents[index].FileSector);
            if (!AllocateLocked(index, at, gapEnd - at, isPending: false))
            {
                return Errno.ENOSPC;
            }
        }
        return Errno.None;
    }

    /// <summary>Makes a hole of whole sectors.</summary>
    public void Punch(long startSector, long endSector)
    {
        using TfsMetadata.Operation operation = _metadata.Enter();
        RemoveLocked(startSector, endSector);
    }

    /// <summary>Moves everything from a sector on towards the beginning (a negative distance, over what was removed there) or the end.</summary>
    public void Shift(long fromSector, long distanceSectors, long newSizeBytes)
    {
        using TfsMetadata.Operation operation = _metadata.Enter();
        if (distanceSectors < 0)
        {
            RemoveLocked(fromSector + distanceSectors, fromSector);
        }
        else
        {
            SplitLocked(fromSector);
        }
        // In an order in which no extent ever takes the name of another that still has it.
        int first = _extents.FirstEndingAfter(fromSector);
        for (int step = 0; step < _extents.Count - first; step++)
        {
            int index = distanceSectors < 0 ? first + step : _extents.Count - 1 - step;
            ExtentEntry entry = _extents[index];
            Debug.Assert(entry is { IsPending: false } && entry.FileSector >= fromSector);
            int tuple = (int)_metadata.Store.Get(_extentsTuple, _metadata.Symbols.ExtentKey(entry.FileSector)).Value;
            _metadata.Unset(_extentsTuple, _metadata.Symbols.ExtentKey(entry.FileSector));
            entry.FileSector += distanceSectors;
            _metadata.SetTuple(_extentsTuple, _metadata.Symbols.ExtentKey(entry.FileSector), tuple);
            _extents[index] = entry;
        }
        _ = Interlocked.Exchange(ref _sizeBytes, newSizeBytes);
        _metadata.UpdateNumber(file, _metadata.Symbols.FileLength, (ulong)newSizeBytes);
    }

    /// <summary>The file is gone: everything that it owned is given up. No write-back may be under way.</summary>
    public void Abandon()
    {
        using TfsMetadata.Operation operation = _metadata.Enter();
        _isAbandoned = true;
        for (int i = 0; i < _extents.Count; i++)
        {
            GiveUpLocked(_extents[i].StartSector, _extents[i].AllocatedSectors, _extents[i].IsPending);
        }
        foreach (int sectors in _promised.Values)
        {
            _allocator.Unreserve(sectors);
        }
        _promised.Clear();
    }

    /// <summary>First sector at or behind <paramref name="sector"/> that has data, or that has none; -1 when there is no such.</summary>
    public long FindData(long sector, bool hole)
    {
        using TfsMetadata.Operation operation = _metadata.Enter();
        int index = _extents.FirstEndingAfter(sector);
        for (; index < _extents.Count; index++)
        {
            ExtentEntry entry = _extents[index];
            bool isData = !entry.IsUninitialized;
            if (hole && (entry.FileSector > sector || !isData))
            {
                return sector;
            }
            if (!hole && isData)
            {
                return Math.Max(sector, entry.FileSector);
            }
            sector = Math.Max(sector, entry.FileEnd);
        }
        return hole ? sector : -1;
    }

    private static long SectorsFor(long bytes) => (bytes / TfsFormat.SectorBytes) + (bytes % TfsFormat.SectorBytes != 0 ? 1 : 0);

    private static BlockRun Run(BlockRunKind kind, long fileSector, long startSector, long sectors) =>
        new(kind, fileSector * TfsFormat.SectorBytes, startSector * TfsFormat.SectorBytes, sectors * TfsFormat.SectorBytes);

    // In the open transaction its data cannot be overwritten, only replaced.
    private bool MustMove(in ExtentEntry entry) =>
        _metadata.Epoch != 0 && entry.Epoch != _metadata.Epoch && entry is { IsPending: false, IsUninitialized: false };

    // Sectors that a range needs to have places everywhere; or, for data, to have places that can be written to.
    private long MissingLocked(long from, long end, bool forData)
    {
        long missing = 0;
        int index = _extents.FirstEndingAfter(from);
        while (from < end)
        {
            if (index == _extents.Count || _extents[index].FileSector >= end)
            {
                return missing + end - from;
            }
            missing += Math.Max(0, _extents[index].FileSector - from);
            if (forData && MustMove(_extents[index]))
            {
                missing += Math.Min(end, _extents[index].FileEnd) - Math.Max(from, _extents[index].FileSector);
            }
            from = Math.Max(from, _extents[index].FileEnd);
            index++;
        }
        return missing;
    }

    private void ForgivePromisesLocked(long from, long end)
    {
        if (_promised.Count == 0)
        {
            return;
        }
        for (long page = from / PageSectors; page * PageSectors < end; page++)
        {
            if (_promised.Remove(page, out int left))
            {
                _allocator.Unreserve(left);
            }
        }
    }

    // Gives places to `count` sectors from `at` on, or to as many as one run has; they become an entry of their own in front of `index`.
    private bool AllocateLocked(int index, long at, long count, bool isPending)
    {
        count = Math.Min(count, TfsFormat.MaxExtentSectors);
        long promised = 0;
        if (isPending)
        {
            // What was promised for these pages is used up now.
            for (long page = at / PageSectors; page * PageSectors < at + count; page++)
            {
                promised += _promised.GetValueOrDefault(page);
            }
        }
        long goal = index > 0 ? _extents[index - 1].StartSector + _extents[index - 1].AllocatedSectors : fileSystem.AllocationGoal;
        long alignment = count >= PageSectors ? PageSectors : 1;
        promised = Math.Min(promised, count);
        if (!_allocator.TryAllocate(count, 1, goal, alignment, promised, out long start, out long given))
        {
            return false;
        }
        SpendPromisesLocked(at, given, Math.Min(promised, given));
        fileSystem.AllocationGoal = start + given;
        _metadata.NoteAllocated(start, given);
        var entry = new ExtentEntry
        {
            FileSector = at,
            StartSector = start,
            SectorCount = given,
            AllocatedSectors = given,
            IsPending = isPending,
            IsUninitialized = !isPending,
            Epoch = _metadata.Epoch,
        };
        _extents.Insert(index, entry);
        if (!isPending)
        {
            StageNewLocked(entry);
        }
        return true;
    }

    private void SpendPromisesLocked(long at, long count, long spent)
    {
        for (long page = at / PageSectors; spent > 0 && page * PageSectors < at + count; page++)
        {
            if (_promised.TryGetValue(page, out int promised))
            {
                int used = (int)Math.Min(promised, spent);
                spent -= used;
                if (used == promised)
                {
                    _ = _promised.Remove(page);
                }
                else
                {
                    _promised[page] = promised - used;
                }
            }
        }
        Debug.Assert(spent == 0);
    }

    // [from, end) has data on the device now: pending entries are logged, uninitialized extents lose their flag, where they were written.
    private void InitializeLocked(long from, long end)
    {
        SplitLocked(from);
        SplitLocked(end);
        for (int index = _extents.FirstEndingAfter(from); index < _extents.Count && _extents[index].FileSector < end; index++)
        {
            ExtentEntry entry = _extents[index];
            if (!entry.IsPending && !entry.IsUninitialized)
            {
                continue;
            }
            if (index > 0 && TryMergeLocked(index))
            {
                index--;
                continue;
            }
            if (entry.IsPending)
            {
                entry.IsPending = false;
                StageNewLocked(entry);
            }
            else
            {
                _metadata.Unset(TupleOfLocked(entry), _metadata.Symbols.Uninitialized);
                entry.IsUninitialized = false;
            }
            _extents[index] = entry;
        }
    }

    // The entry's sectors follow those of the one before it, in the file and on the volume: that one grows over them.
    private bool TryMergeLocked(int index)
    {
        ExtentEntry before = _extents[index - 1];
        ExtentEntry entry = _extents[index];
        if (before.IsPending || before.IsUninitialized || (before.Epoch != entry.Epoch && _metadata.Epoch != 0) || before.FileEnd != entry.FileSector || before.AllocatedSectors != before.SectorCount
            || before.StartSector + before.AllocatedSectors != entry.StartSector || before.SectorCount + entry.AllocatedSectors > TfsFormat.MaxExtentSectors)
        {
            return false;
        }
        if (!entry.IsPending)
        {
            _metadata.Unset(_extentsTuple, _metadata.Symbols.ExtentKey(entry.FileSector));
        }
        before.SectorCount += entry.SectorCount;
        before.AllocatedSectors += entry.AllocatedSectors;
        int tuple = TupleOfLocked(before);
        _metadata.SetNumber(tuple, _metadata.Symbols.Allocated, (ulong)before.AllocatedSectors);
        _metadata.SetNumber(tuple, _metadata.Symbols.Length, (ulong)before.SectorCount);
        _extents[index - 1] = before;
        _extents.RemoveAt(index);
        return true;
    }

    // No entry covers both sides of the sector any more.
    private void SplitLocked(long sector)
    {
        int index = _extents.FirstEndingAfter(sector);
        if (index == _extents.Count || _extents[index].FileSector >= sector)
        {
            return;
        }
        ExtentEntry left = _extents[index];
        ExtentEntry right = left;
        long cut = sector - left.FileSector;
        right.FileSector = sector;
        right.StartSector += cut;
        right.SectorCount -= cut;
        right.AllocatedSectors -= cut;
        left.SectorCount = cut;
        left.AllocatedSectors = cut;
        if (!left.IsPending)
        {
            int tuple = TupleOfLocked(left);
            _metadata.SetNumber(tuple, _metadata.Symbols.Length, (ulong)cut);
            _metadata.SetNumber(tuple, _metadata.Symbols.Allocated, (ulong)cut);
        }
        _extents[index] = left;
        _extents.Insert(index + 1, right);
        if (!right.IsPending)
        {
            StageNewLocked(right);
        }
    }

    // Takes [from, end) out of the file and gives its sectors up.
    private void RemoveLocked(long from, long end)
    {
        SplitLocked(from);
        if (end != long.MaxValue)
        {
            SplitLocked(end);
        }
        int index = _extents.FirstEndingAfter(from);
        while (index < _extents.Count && _extents[index].FileSector < end)
        {
            ExtentEntry entry = _extents[index];
            if (!entry.IsPending)
            {
                _metadata.Unset(_extentsTuple, _metadata.Symbols.ExtentKey(entry.FileSector));
            }
            GiveUpLocked(entry.StartSector, entry.AllocatedSectors, entry.IsPending);
            _extents.RemoveAt(index);
        }
    }

    // What the last extent owns beyond its length goes back.
    private void TrimTailLocked()
    {
        if (_extents.Count == 0)
        {
            return;
        }
        ExtentEntry last = _extents[^1];
        if (last.AllocatedSectors > last.SectorCount && !last.IsPending)
        {
            GiveUpLocked(last.StartSector + last.SectorCount, last.AllocatedSectors - last.SectorCount, wasPending: false);
            last.AllocatedSectors = last.SectorCount;
            _metadata.SetNumber(TupleOfLocked(last), _metadata.Symbols.Allocated, (ulong)last.AllocatedSectors);
            _extents[^1] = last;
        }
    }

    private void GiveUpLocked(long start, long count, bool wasPending)
    {
        if (wasPending)
        {
            _allocator.Free(start, count);
            _metadata.NoteFreed(start, count);
        }
        else
        {
            _metadata.Retire(start, count);
        }
    }

    private int TupleOfLocked(in ExtentEntry entry) => (int)_metadata.Store.Get(_extentsTuple, _metadata.Symbols.ExtentKey(entry.FileSector)).Value;

    private void StageNewLocked(in ExtentEntry entry)
    {
        if (_extentsTuple == 0)
        {
            _extentsTuple = _metadata.Store.NewTuple(false, 1);
            _metadata.SetTuple(file, _metadata.Symbols.Extents, _extentsTuple);
        }
        int tuple = _metadata.Store.NewTuple(false, entry.IsUninitialized ? 4 : 3);
        _metadata.SetNumber(tuple, _metadata.Symbols.Offset, (ulong)entry.StartSector);
        _metadata.SetNumber(tuple, _metadata.Symbols.Length, (ulong)entry.SectorCount);
        _metadata.SetNumber(tuple, _metadata.Symbols.Allocated, (ulong)entry.AllocatedSectors);
        if (entry.IsUninitialized)
        {
            _metadata.SetNull(tuple, _metadata.Symbols.Uninitialized);
        }
        _metadata.SetTuple(_extentsTuple, _metadata.Symbols.ExtentKey(entry.FileSector), tuple);
    }
}
