// A transaction is a tree of its own over the same volume: what is changed through it belongs to it. The volume's other writers stand
// at the gate (OperationGate) for as long; below, the file system collects the changes into one commit (TfsTransaction).
using Tupelo.Tfs;

namespace Tupelo;

/// <summary>Changes that become durable together, or do not happen. Any number of threads, until it ends; files that were opened
/// through it are closed then.</summary>
public sealed class VolumeTransaction : FileTree
{
    private readonly Volume _volume;
    private readonly TfsTransaction _transaction;
    private readonly HashSet<VolumeFile> _open = [];
    private readonly Lock _openMu = new(); // Guards _open. A leaf.
    private readonly Lock _endMu = new(); // One ends it: a commit, or whoever takes it back. Taken first, before the gates and all below.
    private int _ended;

    internal VolumeTransaction(Volume volume, TfsTransaction transaction)
        : base(volume.Context, new OperationGate(), new OperationGate())
    {
        _volume = volume;
        _transaction = transaction;
    }

    /// <summary>Whether it can still be committed.</summary>
    public bool IsOpen => Volatile.Read(ref _ended) == 0;

    /// <summary>Makes all changes durable, in one piece, and ends the transaction.</summary>
    /// <exception cref="VolumeException">ENOSPC: nothing has happened; it is still open, and can be tried again or taken back.
    /// EIO: what the device holds is not known; the volume is read-only from now on.</exception>
    public void Commit()
    {
        lock (_endMu)
        {
            ObjectDisposedException.ThrowIf(!IsOpen, this);
            CloseFiles();
            using OperationGate.Scope all = _volume.EnterRead();
            using VolumeTelemetry.Span span = VolumeTelemetry.Committing();
            Errno errno;
            do
            {
                errno = _transaction.Commit();
            }
            while (errno != Errno.None && _volume.Grow(errno));
            if (!_transaction.IsOpen)
            {
                End();
            }
            Failure.ThrowIf(errno, "commit the transaction", "");
        }
    }

    /// <inheritdoc cref="Commit"/>
    public Task CommitAsync(CancellationToken cancellationToken = default) => Task.Run(Commit, cancellationToken);

    internal override bool IsTransaction => true;

    internal override bool TryMakeRoom(Errno errno) => _volume.Grow(errno);

    internal override void Opened(VolumeFile file)
    {
        lock (_openMu)
        {
            _ = _open.Add(file);
        }
    }

    internal override void Closed(VolumeFile file)
    {
        lock (_openMu)
        {
            _ = _open.Remove(file);
        }
    }

    /// <summary>Takes everything back unless it was committed.</summary>
    protected override void Dispose(bool disposing)
    {
        if (!disposing)
        {
            return;
        }
        _ = All.Close();
        _ = Writers.Close();
        lock (_endMu)
        {
            CloseFiles();
            if (IsOpen)
            {
                _transaction.Abort();
                End();
            }
        }
    }

    private void CloseFiles()
    {
        VolumeFile[] open;
        lock (_openMu)
        {
            open = [.. _open];
        }
        foreach (VolumeFile file in open)
        {
            file.Dispose();
        }
    }

    private void End()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            _volume.TransactionEnded();
        }
    }
}
