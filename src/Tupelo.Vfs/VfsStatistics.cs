namespace Tupelo.Vfs;

/// <summary>Counts of what is alive, for leak tests and /proc. Each is exact when no call is in progress.</summary>
public sealed class VfsStatistics
{
    private readonly StripedCounter _openFiles = new();
    private int _contexts;
    private int _mounts;

    public long OpenFiles => _openFiles.Sum;

    public int Contexts => Volatile.Read(ref _contexts);

    public int Mounts => Volatile.Read(ref _mounts);

    internal void OpenFileMade() => _openFiles.Add(1);

    internal void OpenFileGone() => _openFiles.Add(-1);

    internal void ContextMade() => _ = Interlocked.Increment(ref _contexts);

    // True when it was the last one.
    internal bool ContextGone() => Interlocked.Decrement(ref _contexts) == 0;

    internal void MountMade() => _ = Interlocked.Increment(ref _mounts);

    internal void MountGone() => _ = Interlocked.Decrement(ref _mounts);
}
