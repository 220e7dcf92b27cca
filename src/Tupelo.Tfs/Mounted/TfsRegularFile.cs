// A regular file: bytes in the page cache, places in FileExtents. The file maps, the cache moves.
//
// Order of durability: a place is chosen when pages are written back, and logged, with the length, once their bytes are on the
// device. So no crash shows bytes that were never written to this file.
namespace Tupelo.Tfs;

internal sealed class TfsRegularFile : TfsVnode
{
    private readonly Lock _writeBackMu = new(); // Above the page cache's _flushMu. One write-back at a time.
    private readonly FileExtents _extents;
    private readonly CachedFile _pages;

    public TfsRegularFile(TfsFileSystem fileSystem, int tuple, in VnodeAttributes attributes)
        : base(fileSystem, tuple, FileType.Regular, 0, attributes)
    {
        _extents = new FileExtents(fileSystem, tuple);
        _pages = new CachedFile(fileSystem.Pages, fileSystem.Device, _extents);
    }

    /// <summary>Set when the file's extents are damaged: nothing can be read or written.</summary>
    public bool IsDamaged { get; init; }

    /// <summary>True while something of the file's content is only in memory.</summary>
    public bool HasDirtyPages => _pages.HasDirtyPages;

    /// <summary>Reads the extents in; caller holds the metadata's lock.</summary>
    public void LoadLocked(int extentsTuple, List<TfsExtent> extents, long sizeBytes) => _extents.LoadLocked(extentsTuple, extents, sizeBytes);

    /// <summary>Drops what is only in memory: a transaction is being taken back.</summary>
    public void DropPages() => _pages.Discard(0, long.MaxValue);

    /// <summary>Reads the extents in again; caller holds the metadata's lock.</summary>
    public void ReloadLocked(int extentsTuple, List<TfsExtent> extents, long sizeBytes) => _extents.ReloadLocked(extentsTuple, extents, sizeBytes);

    public override Errno WriteBack()
    {
        // One at a time: else a length that was read before a write, by the timer, would be logged after the one that an fsync has logged.
        lock (_writeBackMu)
        {
            // What is dirty below this length now is on the device when the pages are written; the length may be logged then.
            long sizeBytes = _extents.SizeBytes;
            Errno errno = _pages.WriteBack();
            if (errno != Errno.None)
            {
                return errno;
            }
            _extents.LogSize(sizeBytes);
            StageAttributes();
            return Errno.None;
        }
    }

    protected override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer)
    {
        if (IsDamaged)
        {
            return Errno.EUCLEAN;
        }
        Errno errno = _pages.Read(offsetBytes, buffer);
        return errno == Errno.None ? IoResult.Bytes(buffer.Length) : errno;
    }

    protected override IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        Errno errno = CanWrite();
        if (errno != Errno.None)
        {
            return errno;
        }
        // A write far behind the end leaves a hole, but what the last page held behind the old end must be zeros: it is, always.
        IoResult result = _pages.Write(offsetBytes, buffer, _extents.SizeBytes);
        if (result.IsOk)
        {
            _extents.Grow(offsetBytes + result.Count);
            SetBlocks512(_extents.OwnedSectors);
            Tfs.NoteDirty(this);
        }
        return result;
    }

    protected override Errno SetSize(VfsContext context, long sizeBytes)
    {
        Errno errno = CanWrite();
        if (errno == Errno.None)
        {
            errno = _pages.Truncate(sizeBytes, _extents.SizeBytes);
        }
        if (errno != Errno.None)
        {
            return errno;
        }
        _extents.SetSize(sizeBytes);
        SetBlocks512(_extents.OwnedSectors);
        Tfs.NoteDirty(this);
        return Errno.None;
    }

    protected override Errno Allocate(VfsContext context, FallocateMode mode, long offsetBytes, long lengthBytes)
    {
        Errno errno = CanWrite();
        if (errno != Errno.None)
        {
            return errno;
        }
        // Places change under the pages: nothing may be waiting to be written to them.
        errno = _pages.WriteBack();
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = mode switch
        {
            FallocateMode.PunchHole => Punch(offsetBytes, lengthBytes),
            FallocateMode.ZeroRange => ZeroRange(offsetBytes, lengthBytes),
            FallocateMode.CollapseRange => Shift(offsetBytes + lengthBytes, -lengthBytes),
            FallocateMode.InsertRange => Shift(offsetBytes, lengthBytes),
            _ => _extents.Preallocate(offsetBytes, lengthBytes),
        };
        SetBlocks512(_extents.OwnedSectors);
        Tfs.NoteDirty(this);
        return errno;
    }

    protected override IoResult FindData(VfsContext context, long offsetBytes, bool hole)
    {
        Errno errno = _pages.WriteBack(); // so that all data has a place
        if (errno != Errno.None)
        {
            return errno;
        }
        long sector = _extents.FindData(offsetBytes / TfsFormat.SectorBytes, hole);
        if (sector < 0 || (sector * TfsFormat.SectorBytes >= _extents.SizeBytes && !hole))
        {
            return Errno.ENXIO;
        }
        return IoResult.Bytes(Math.Min(Math.Max(offsetBytes, sector * TfsFormat.SectorBytes), _extents.SizeBytes));
    }

    protected override void AttributesChanged(AttributeMask what)
    {
        if ((what & AttributeMask.Size) != 0)
        {
            _extents.Grow(SizeBytes); // fallocate moves the end without a write
        }
        base.AttributesChanged(what);
    }

    protected override void Evict()
    {
        _pages.Discard(0, long.MaxValue);
        _extents.Abandon();
        base.Evict();
    }

    private Errno CanWrite() => IsDamaged ? Errno.EUCLEAN : Tfs.CanGrow(0);

    private Errno Punch(long offsetBytes, long lengthBytes)
    {
        long firstWhole = RoundUp(offsetBytes);
        long endWhole = (offsetBytes + lengthBytes) / PageCache.PageBytes * PageCache.PageBytes;
        if (endWhole <= firstWhole)
        {
            return _pages.Zero(offsetBytes, lengthBytes, _extents.SizeBytes);
        }
        Errno errno = _pages.Zero(offsetBytes, firstWhole - offsetBytes, _extents.SizeBytes);
        errno = errno == Errno.None ? _pages.Zero(endWhole, offsetBytes + lengthBytes - endWhole, _extents.SizeBytes) : errno;
        if (errno == Errno.None)
        {
            _pages.Discard(firstWhole, endWhole);
            _extents.Punch(firstWhole / TfsFormat.SectorBytes, endWhole / TfsFormat.SectorBytes);
        }
        return errno;
    }

    private Errno ZeroRange(long offsetBytes, long lengthBytes)
    {
        Errno errno = Punch(offsetBytes, lengthBytes);
        return errno == Errno.None ? _extents.Preallocate(offsetBytes, lengthBytes) : errno;
    }

    // The new places are made durable at once. The next write to what was moved goes to the same sectors, and a crash must not show it at
    // the place where these sectors were before.
    private Errno Shift(long fromBytes, long distanceBytes)
    {
        _pages.Discard(Math.Min(fromBytes, fromBytes + distanceBytes) / PageCache.PageBytes * PageCache.PageBytes, long.MaxValue);
        _extents.Shift(fromBytes / TfsFormat.SectorBytes, distanceBytes / TfsFormat.SectorBytes, _extents.SizeBytes + distanceBytes);
        return Tfs.CommitStaged();
    }

    private static long RoundUp(long bytes) => (bytes + PageCache.PageBytes - 1) / PageCache.PageBytes * PageCache.PageBytes;
}
