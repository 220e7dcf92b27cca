// Compaction writes the live tree into a new chain of extensions and then lets sector 0 lead to it: a single sector is the commit. The
// old chain is the volume's log until then, whatever happens.
//
// Order: new extensions prepared, filled, flushed -> sector 0 -> flush -> its shadow -> the old chain is free.
namespace Tupelo.Tfs;

public sealed partial class TfsFileSystem
{
    private const int MinObsolete = 8192;
    private const int StepBytes = 256 << 10;

    /// <summary>True when Nanos' own thresholds hold: at least 8,192 obsolete entries, and they are half of all or more.</summary>
    public bool IsCompactionDue => Metadata.ObsoleteEntries >= MinObsolete && Metadata.TotalEntries <= 2 * Metadata.ObsoleteEntries;

    /// <summary>Rewrites the log without what is obsolete.</summary>
    /// <remarks>Errors: EROFS mounted read-only, or latched · ENOSPC no room for a second log (nothing has changed) · EIO.</remarks>
    public Errno Compact() => _committer is null ? Errno.EROFS : _committer.Exclusively(CompactLocked);

    private (Errno Errno, TfsLog Log) CompactLocked(TfsLog old)
    {
        using TfsMetadata.Operation operation = Metadata.Enter();
        old.DropSpare(); // the new log needs an extension more than the old one a way on
        var staged = new RecordBuffer();
        var encoder = new StoreEncoder(Metadata.Store, new LogDictionary(), staged) { DeferredSymbol = Metadata.Symbols.Children };
        Errno errno = TfsLog.Start(Device, Allocator, encoder.Dictionary, old.Sequence, out TfsLog? log);
        long entries = 0;
        if (errno == Errno.None)
        {
            errno = WriteTree(encoder, staged, log!, out entries);
        }
        if (errno == Errno.None)
        {
            errno = SwitchTo(log!);
            if (errno != Errno.None)
            {
                // Whether the device has the old sector 0 or the new one is not known: neither chain may be touched again.
                log!.Fail(errno);
                return (errno, log);
            }
            foreach ((long start, long count) in old.Chain)
            {
                Allocator.Free(start, count);
            }
            old.Close();
            log!.TakeSpare();
            Metadata.LogWasRewritten(encoder, entries);
            return (Errno.None, log);
        }
        if (log is not null)
        {
            log.DropSpare();
            log.Close();
            foreach ((long start, long count) in log.Chain)
            {
                Allocator.Free(start, count);
            }
        }
        old.TakeSpare();
        if (errno != Errno.ENOSPC)
        {
            old.Fail(errno);
        }
        return (errno, old);
    }

    // Directory by directory, each entry a record of its own: its file complete, a directory still empty.
    private Errno WriteTree(StoreEncoder encoder, RecordBuffer staged, TfsLog log, out long entries)
    {
        TupleStore store = Metadata.Store;
        entries = store.CountOf(TupleStore.Root);
        encoder.Root(except: Metadata.Symbols.Commit);
        staged.EndOperation();
        Errno errno = log.Open(Metadata.Symbols.Commit, staged);
        staged.Clear();
        var directories = new Stack<int>();
        directories.Push(TupleStore.Root);
        while (errno == Errno.None && directories.TryPop(out int directory))
        {
            int children = (int)store.Get(directory, Metadata.Symbols.Children).Value;
            foreach (ref readonly AttributeSlot slot in store.SlotsOf(children))
            {
                if (slot.IsVacant)
                {
                    continue;
                }
                encoder.SetAttribute(children, slot.Symbol);
                staged.EndOperation();
                entries += 1 + store.CountOf((int)slot.Value);
                if (!store.Get((int)slot.Value, Metadata.Symbols.Children).IsVacant)
                {
                    directories.Push((int)slot.Value);
                }
                if (staged.LengthBytes >= StepBytes)
                {
                    errno = log.Commit(staged);
                    staged.Clear();
                    if (errno != Errno.None)
                    {
                        return errno;
                    }
                }
            }
        }
        return errno == Errno.None && !staged.IsEmpty ? log.Commit(staged) : errno;
    }

    private Errno SwitchTo(TfsLog log)
    {
        byte[] sector = new byte[TfsFormat.SectorBytes];
        VolumeHeader.Write(sector, _volume.Uuid, _volume.Label, log.Chain[0].Start);
        Errno errno = Device.Write(0, sector);
        errno = errno == Errno.None ? Device.Flush() : errno;
        if (errno != Errno.None)
        {
            return errno;
        }
        long last = Allocator.TotalSectors - 1;
        return HasShadow(_volume, last) ? Device.Write(last * TfsFormat.SectorBytes, sector) : Errno.None;
    }
}
