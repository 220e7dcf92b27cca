using Tupelo.Tfs;

namespace Tupelo;

public sealed partial class Volume
{
    private volatile VolumeTransaction? _transaction; // the one that holds the writers' gate

    /// <summary>Begins a transaction: the changes made through it become durable together, or none of them happens. Whoever changes the
    /// volume by other ways waits until it ends; who reads goes on, and sees the changes as they come.</summary>
    /// <remarks>One at a time: a second one waits. Disposing of one that was not committed takes its changes back.</remarks>
    /// <exception cref="VolumeException">EROFS; EIO the volume was latched after a failure.</exception>
    /// <exception cref="InvalidOperationException">This thread has one open already.</exception>
    public VolumeTransaction Transaction()
    {
        using OperationGate.Scope all = EnterRead();
        Writers.Acquire();
        try
        {
            Failure.ThrowIf(_fileSystem.BeginTransaction(out TfsTransaction? transaction), "begin a transaction", "");
            return _transaction = new VolumeTransaction(this, transaction!);
        }
        catch
        {
            Writers.Release();
            throw;
        }
    }

    /// <summary>Runs <paramref name="changes"/> in a transaction: commits when it returns, takes everything back when it throws.</summary>
    /// <inheritdoc cref="Transaction()"/>
    public void Transaction(Action<VolumeTransaction> changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        using VolumeTransaction transaction = Transaction();
        changes(transaction);
        transaction.Commit();
    }

    /// <summary>A transaction that is open is taken back.</summary>
    private protected override void Ending() => _transaction?.Dispose();

    internal void TransactionEnded()
    {
        _transaction = null;
        Writers.Release();
    }

    internal bool Grow(Errno errno) => TryMakeRoom(errno);
}
