// The two halves of changing the length of a volume that nobody has mounted. TFS does not write its length down anywhere: the device's is
// the volume's, and the copy of sector 0 is in the last sector.
//
// Before a volume becomes shorter, everything must lie below its new end: the data of extents beyond it is copied to free sectors below,
// flushed, and then the tree is written as a new log below, and sector 0 leads to it; a crash at any moment leaves the volume as it was, or
// ready to be cut. After a volume has become longer, only the copy of sector 0 moves.
using System.Globalization;

namespace Tupelo.Tfs;

/// <summary>What <see cref="TfsResizer.MakeRoom"/> came to.</summary>
/// <param name="Problem">Why it could not be done; empty when it was. Then the volume is as it was.</param>
/// <param name="MovedBytes">Bytes of files that were moved.</param>
/// <param name="IsLogRewritten">Whether the log was written anew.</param>
public sealed record TfsResizeResult(string Problem, long MovedBytes = 0, bool IsLogRewritten = false);

/// <summary>Makes volumes longer and shorter.</summary>
public static class TfsResizer
{
    private const int CopyBytes = 1 << 20;

    /// <summary>Moves whatever lies behind a volume's new end, so that it can be cut there. The device is not cut.</summary>
    /// <param name="volume">The volume, at its old length.</param>
    /// <param name="sizeBytes">Its new length.</param>
    public static TfsResizeResult MakeRoom(BlockDevice volume, long sizeBytes)
    {
        ArgumentNullException.ThrowIfNull(volume);
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        var examination = new VolumeExamination(volume, DateTimeOffset.UnixEpoch);
        examination.Run();
        if (examination.Log is null || examination.NeedsNewLog || !examination.Report.IsClean)
        {
            return new TfsResizeResult("the volume is damaged: `tupelo fsck` tells, and repairs it");
        }
        return new Move(volume, examination, sizeBytes / TfsFormat.SectorBytes).Run();
    }

    /// <summary>Writes the copy of sector 0 where it belongs now, in the last sector of a volume that has become longer.</summary>
    /// <param name="volume">The volume, at its new length.</param>
    /// <param name="oldSizeBytes">Its length before.</param>
    /// <returns>None, flushed.</returns>
    public static Errno MoveHeaderCopy(BlockDevice volume, long oldSizeBytes)
    {
        ArgumentNullException.ThrowIfNull(volume);
        byte[] header = new byte[TfsFormat.SectorBytes];
        byte[] copy = new byte[TfsFormat.SectorBytes];
        if (!HeaderFinder.TryRead(volume, 0, header) || !HeaderFinder.TryRead(volume, (oldSizeBytes / TfsFormat.SectorBytes) - 1, copy)
            || !HeaderFinder.IsHeader(header) || !HeaderFinder.IsHeader(copy) || !HeaderFinder.UuidOf(copy).SequenceEqual(HeaderFinder.UuidOf(header)))
        {
            return volume.Flush(); // it had none
        }
        Errno errno = volume.Write(((volume.SizeBytes / TfsFormat.SectorBytes) - 1) * TfsFormat.SectorBytes, copy);
        return errno == Errno.None ? volume.Flush() : errno;
    }

    private sealed class Move(BlockDevice device, VolumeExamination examination, long newSectors)
    {
        private readonly TupleStore _store = examination.Log!.Store;
        private readonly TfsSymbols _symbols = examination.Symbols!;
        private readonly bool _hasCopy = examination.HeaderCopySector > 0;
        private long _moved;

        public TfsResizeResult Run()
        {
            long end = newSectors - (_hasCopy ? 1 : 0);
            List<OwnedExtent> beyond = [.. examination.Extents.Where(extent => extent.StartSector + extent.AllocatedSectors > end)];
            bool movesLog = examination.Log!.Info.Extensions.Any(extension => extension.StartSector + extension.SectorCount > end);
            if (end < 1 + TfsFormat.ExtensionSectors || examination.Report.DataSectors > end - 1 - TfsFormat.ExtensionSectors)
            {
                return TooSmall();
            }
            if (beyond.Count == 0 && !movesLog)
            {
                return new TfsResizeResult(Failure(_hasCopy ? CopyHeader() : Errno.None));
            }
            TfsAllocator allocator = FreeSpaceBelow(end);
            foreach (OwnedExtent extent in beyond)
            {
                if (!TryMove(extent, allocator, out Errno failed))
                {
                    return failed == Errno.None ? TooSmall() : new TfsResizeResult(Failure(failed));
                }
            }
            Errno errno = device.Flush();
            var rewriter = new LogRewriter(_store, _symbols);
            TfsLog? log = null;
            errno = errno == Errno.None ? rewriter.Begin(device, allocator, examination.Log.Info.LastCommitSequence, out log) : errno;
            errno = errno == Errno.None ? rewriter.Finish(log!) : errno;
            if (errno == Errno.ENOSPC)
            {
                log?.Close();
                return TooSmall();
            }
            errno = errno == Errno.None ? LogRewriter.SwitchTo(device, examination.Log.Uuid, examination.Log.Label, log!, examination.HeaderCopySector) : errno;
            errno = errno == Errno.None && _hasCopy ? CopyHeader() : errno;
            errno = errno == Errno.None ? device.Flush() : errno;
            log?.Close();
            return new TfsResizeResult(Failure(errno), _moved, IsLogRewritten: true);
        }

        // Sector 0 as it is now, into the sector that will be the last one. It is nobody's.
        private Errno CopyHeader()
        {
            byte[] header = new byte[TfsFormat.SectorBytes];
            Errno errno = device.Read(0, header);
            errno = errno == Errno.None ? device.Write((newSectors - 1) * TfsFormat.SectorBytes, header) : errno;
            return errno == Errno.None ? device.Flush() : errno;
        }

        // What stays where it is is in use; what is to be moved is, too, until sector 0 leads to the new log.
        private TfsAllocator FreeSpaceBelow(long end)
        {
            var allocator = new TfsAllocator(end);
            _ = allocator.MarkUsed(0, 1);
            foreach ((long start, long count) in examination.Sectors.Claimed)
            {
                long below = Math.Min(end, start + count) - Math.Max(1, start);
                if (below > 0)
                {
                    _ = allocator.MarkUsed(Math.Max(1, start), below);
                }
            }
            return allocator;
        }

        private bool TryMove(in OwnedExtent extent, TfsAllocator allocator, out Errno errno)
        {
            errno = Errno.None;
            long wanted = Math.Max(1, extent.SectorCount);
            AttributeSlot held = _store.Get(extent.Extents, _symbols.ExtentKey(extent.FileSector));
            byte[] buffer = new byte[Math.Min(CopyBytes, wanted * TfsFormat.SectorBytes)];
            for (long done = 0; done < wanted;)
            {
                if (!allocator.TryAllocate(wanted - done, 1, 0, 1, 0, out long start, out long count))
                {
                    return false;
                }
                errno = extent.IsUninitialized || extent.SectorCount == 0 ? Errno.None : SectorCopy.Run(device, extent.StartSector + done, start, count, buffer);
                if (errno != Errno.None)
                {
                    return false;
                }
                // The first piece keeps the extent's tuple; others are extents of their own.
                int tuple = done == 0 ? (int)held.Value : _store.NewTuple(false, 4);
                SetNumber(tuple, _symbols.Offset, start);
                SetNumber(tuple, _symbols.Length, Math.Min(count, extent.SectorCount));
                SetNumber(tuple, _symbols.Allocated, count);
                if (done > 0)
                {
                    if (extent.IsUninitialized)
                    {
                        _ = _store.Set(tuple, _symbols.Uninitialized, TfsValueKind.Buffer, _store.StoreBytes([0]));
                    }
                    _ = _store.Set(extent.Extents, _symbols.ExtentKey(extent.FileSector + done), TfsValueKind.Tuple, (ulong)tuple);
                }
                done += count;
                _moved += count * TfsFormat.SectorBytes;
            }
            return true;
        }

        private void SetNumber(int tuple, int symbol, long value) => _ = _store.Set(tuple, symbol, TfsValueKind.Integer, (ulong)value);

        private TfsResizeResult TooSmall()
        {
            long needed = 1 + TfsFormat.ExtensionSectors + examination.Report.DataSectors + (_hasCopy ? 1 : 0);
            return new TfsResizeResult(string.Create(CultureInfo.InvariantCulture,
                $"{newSectors * TfsFormat.SectorBytes} bytes are not enough: files take {examination.Report.DataSectors * TfsFormat.SectorBytes} and the log {examination.Report.LogSectors * TfsFormat.SectorBytes}, and beside the old log a new one of {TfsFormat.ExtensionSectors * TfsFormat.SectorBytes} or more must find room while things are moved; less than {needed * TfsFormat.SectorBytes} is never possible"));
        }

        private static string Failure(Errno errno) => errno == Errno.None ? "" : $"the device failed: {errno.Describe()}";
    }
}
