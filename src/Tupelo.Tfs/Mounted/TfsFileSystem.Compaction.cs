// Compaction of a mounted volume: LogRewriter's steps, and the switch to the new log.
namespace Tupelo.Tfs;

public sealed partial class TfsFileSystem
{
    private const int MinObsolete = 8192;

    /// <summary>True when Nanos' own thresholds hold: at least 8,192 obsolete entries, and they are half of all or more.</summary>
    public bool IsCompactionDue => Metadata.ObsoleteEntries >= MinObsolete && Metadata.TotalEntries <= 2 * Metadata.ObsoleteEntries;

    /// <summary>Rewrites the log without what is obsolete.</summary>
    /// <remarks>Errors: EROFS mounted read-only, or latched · ENOSPC no room for a second log (nothing has changed) · EIO.</remarks>
    public Errno Compact() => _committer is null ? Errno.EROFS : _committer.Exclusively(CompactLocked);

    private (Errno Errno, TfsLog Log) CompactLocked(TfsLog old)
    {
        using TfsMetadata.Operation operation = Metadata.Enter();
        old.DropSpare(); // the new log needs an extension more than the old one a way on
        var rewriter = new LogRewriter(Metadata.Store, Metadata.Symbols);
        Errno errno = rewriter.Begin(Device, Allocator, old.Sequence, out TfsLog? log);
        errno = errno == Errno.None ? rewriter.Finish(log!) : errno;
        if (errno == Errno.None)
        {
            long last = Allocator.TotalSectors - 1;
            errno = LogRewriter.SwitchTo(Device, _volume.Uuid, _volume.Label, log!, HasShadow(_volume, last) ? last : -1);
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
            Metadata.LogWasRewritten(rewriter);
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
}
