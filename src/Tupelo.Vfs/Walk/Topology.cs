// Topology tells a walk whether a directory has moved while it was under way: counts of moves begun and ended, kernel-wide.
namespace Tupelo.Vfs;

/// <summary>The counts as a walk saw them at its beginning.</summary>
internal readonly struct Topology
{
    private readonly int _begun;
    private readonly bool _quiet;

    // Ended is read first: when both are equal, no move was in progress at that moment.
    internal Topology(TopologyCounter counter)
    {
        int ended = counter.Ended;
        _begun = counter.Begun;
        _quiet = ended == _begun;
    }

    internal bool IsCurrent(VfsKernel kernel) => _quiet && kernel.Moves.Begun == _begun;
}

/// <summary>Counts moves of directories. Begin and End enclose the change of the dentry.</summary>
internal sealed class TopologyCounter
{
    private int _begun;
    private int _ended;

    internal int Begun => Volatile.Read(ref _begun);

    internal int Ended => Volatile.Read(ref _ended);

    internal void Begin() => _ = Interlocked.Increment(ref _begun);

    internal void End() => _ = Interlocked.Increment(ref _ended);
}
