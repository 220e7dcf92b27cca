namespace Tupelo.Vfs;

/// <summary>What only few vnodes have: locks, watches, the ring of a FIFO, seals. Each part is made on first use and stays.</summary>
internal sealed class VnodeExtension
{
    internal int WritableMappings;

    private FileLockList? _locks;
    private FlockList? _flocks;
    private LeaseList? _leases;
    private WatchList? _watches;
    private PipeRing? _fifo;

    internal FileLockList? LocksOrNull => Volatile.Read(ref _locks);

    internal FlockList? FlocksOrNull => Volatile.Read(ref _flocks);

    internal LeaseList? LeasesOrNull => Volatile.Read(ref _leases);

    internal WatchList? WatchesOrNull => Volatile.Read(ref _watches);

    internal FlockList Flocks => Once(ref _flocks);

    internal LeaseList Leases => Once(ref _leases);

    internal WatchList Watches => Once(ref _watches);

    internal PipeRing Fifo => Once(ref _fifo);

    // Of a memory file; null for every other.
    internal SealSet? Seals { get; set; }

    internal FileLockList Locks(VfsKernel kernel) =>
        Volatile.Read(ref _locks) ?? Interlocked.CompareExchange(ref _locks, new FileLockList(kernel.LockGraph), null) ?? _locks!;

    // The last name and user are gone.
    internal void VnodeGone() => WatchesOrNull?.Die();

    private static T Once<T>(ref T? field)
        where T : class, new() => Volatile.Read(ref field) ?? Interlocked.CompareExchange(ref field, new T(), null) ?? field;
}
