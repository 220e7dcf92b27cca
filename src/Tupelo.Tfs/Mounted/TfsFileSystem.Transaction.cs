// A transaction: many changes, by any calls of the VFS, that become durable together or never happened.
//
// On the device it is one commit, however large (TfsLog), and its data lies in sectors that nothing durable refers to (FileExtents), so a
// crash shows all of it or nothing. In memory, taking it back restores the tuples, and the vnodes in use and cached names after them.
//
// There is one set of tuples and pages, so what others change while it is open joins it. Who wants them to wait makes them wait at the
// door, above the vnodes' locks, where nobody holds what the transaction needs; a sync does not wait and answers EBUSY.
namespace Tupelo.Tfs;

public sealed partial class TfsFileSystem
{
    private readonly object _transactionMu = new(); // Guards _transactionIsOpen, and is waited on. A leaf; whoever waits holds nothing.
    private bool _transactionIsOpen;
    private HashSet<TfsVnode> _namelessBefore = []; // files without a name that were in use when the transaction began

    /// <summary>Begins a transaction: every change from here on belongs to it. Waits until an earlier one has ended.</summary>
    /// <remarks>While it is open, syncs and compaction answer EBUSY and nothing is committed by time. Errors: EROFS mounted read-only ·
    /// EIO latched after a failure.</remarks>
    public Errno BeginTransaction(out TfsTransaction? transaction)
    {
        transaction = null;
        if (_committer is null)
        {
            return Errno.EROFS;
        }
        lock (_transactionMu)
        {
            while (_transactionIsOpen)
            {
                _ = Monitor.Wait(_transactionMu);
            }
            _transactionIsOpen = true;
        }
        Errno errno = WriteBackDirty();
        errno = errno == Errno.None ? _committer.BeginTransaction() : errno;
        if (errno != Errno.None)
        {
            EndTransaction();
            return errno;
        }
        _namelessBefore = [.. VnodesNow().Where(static vnode => vnode.LinkCount == 0)];
        transaction = new TfsTransaction(this);
        return Errno.None;
    }

    /// <summary>The device has become longer: its new sectors are the volume's.</summary>
    /// <remarks>Errors: EROFS · EINVAL shorter than now, or longer than the device.</remarks>
    public Errno Grow(long sizeBytes)
    {
        if (CanChange() != Errno.None)
        {
            return Errno.EROFS;
        }
        long sectors = sizeBytes / TfsFormat.SectorBytes;
        return sectors >= Allocator.TotalSectors && sizeBytes <= Device.SizeBytes && Allocator.TryResize(sectors) ? Errno.None : Errno.EINVAL;
    }

    internal Errno CommitTransaction()
    {
        Errno errno = WriteBackDirty();
        errno = errno == Errno.None ? _committer!.CommitTransaction() : errno;
        if (!Metadata.InTransaction)
        {
            EndTransaction();
        }
        return errno;
    }

    internal void AbortTransaction()
    {
        TfsVnode[] vnodes = VnodesNow();
        foreach (TfsVnode vnode in vnodes)
        {
            (vnode as TfsRegularFile)?.DropPages();
        }
        using (Metadata.Enter())
        {
            HashSet<int> made = Metadata.RollBack();
            foreach (TfsVnode vnode in vnodes)
            {
                RestoreLocked(vnode, made.Contains(vnode.Tuple));
            }
        }
        _namelessBefore = [];
        lock (_dirtyMu)
        {
            _dirty = [];
        }
        EndTransaction();
        RecheckNames(static (directory, name, child) => ((TfsDirectory)directory).TupleOf(name) == (((TfsVnode?)child)?.Tuple ?? 0));
    }

    private void EndTransaction()
    {
        lock (_transactionMu)
        {
            _transactionIsOpen = false;
            Monitor.Pulse(_transactionMu);
        }
    }

    private TfsVnode[] VnodesNow()
    {
        lock (_vnodesMu)
        {
            return [.. _vnodes.Values];
        }
    }

    // A vnode as its tuple is again. A file that the transaction made is one without a name; it goes when its last user has gone.
    private void RestoreLocked(TfsVnode vnode, bool wasMade)
    {
        VnodeAttributes attributes = AttributesOfLocked(vnode.Tuple, out _);
        if (wasMade)
        {
            attributes.LinkCount = 0;
            attributes.SizeBytes = 0;
        }
        else if (_namelessBefore.Contains(vnode))
        {
            attributes.LinkCount = 0;
        }
        switch (vnode)
        {
            case TfsRegularFile file:
                var extents = new List<TfsExtent>();
                _ = _volume.GetExtents(new TfsNode(vnode.Tuple), extents);
                AttributeSlot held = Metadata.Store.Get(vnode.Tuple, Metadata.Symbols.Extents);
                file.ReloadLocked(held.Kind == TfsValueKind.Tuple ? (int)held.Value : 0, wasMade ? [] : extents, attributes.SizeBytes);
                break;
            case TfsDirectory directory:
                directory.ForgetLocked();
                break;
            default:
                break;
        }
        NoteNameless(vnode, attributes.LinkCount == 0);
        vnode.Restore(attributes);
    }
}

/// <summary>An open transaction. One owner at a time; disposing of one that was not committed takes it back.</summary>
public sealed class TfsTransaction : IDisposable
{
    private readonly TfsFileSystem _fileSystem;

    internal TfsTransaction(TfsFileSystem fileSystem) => _fileSystem = fileSystem;

    /// <summary>Whether it can still be committed or taken back.</summary>
    public bool IsOpen { get; private set; } = true;

    /// <summary>Makes everything durable, in one commit.</summary>
    /// <returns>None: all of it is on the device, flushed.</returns>
    /// <remarks>Errors: EINVAL it has ended · ENOSPC not enough room for data or log: nothing has happened, it is still open, and can be
    /// taken back, or committed once there is room · EIO: what the device holds is not known, the volume is latched.</remarks>
    public Errno Commit()
    {
        if (!IsOpen)
        {
            return Errno.EINVAL;
        }
        Errno errno = _fileSystem.CommitTransaction();
        IsOpen = _fileSystem.Metadata.InTransaction;
        return errno;
    }

    /// <summary>Takes everything back, in memory as on the device. Files that it made and somebody has open live on without a name until
    /// they are closed. Locks held: none; no other call of the file system may be under way.</summary>
    public void Abort()
    {
        if (IsOpen)
        {
            IsOpen = false;
            _fileSystem.AbortTransaction();
        }
    }

    public void Dispose() => Abort();
}
