// A FuseNode is what a node id of the client means: one file, seen through one mount, pinned while the client remembers it.
//
// _count = lookups that the client has not forgotten + requests in progress; 0 is final. So a client that forgets a node while
// it uses it (the kernel does not, a guest might) finds it whole until the request ends.
// Locks: _lookups, _place and SharedFile's making under the stripe of NodeTable that the node belongs to; _count by interlocked
// operations. A place is never taken away from a living node: one that is out of date stays pinned behind the newer one.
using Tupelo.Vfs;

namespace Tupelo.Fuse;

internal sealed class FuseNode
{
    private Pinned _place;
    private OpenFile? _file;
    private long _count = 1;
    private ulong _lookups = 1;

    // Takes over the pin.
    internal FuseNode(PathRef place, ulong generation)
    {
        _place = new Pinned(place, null);
        Vnode = place.Vnode;
        Generation = generation;
    }

    internal ulong Id { get; set; }

    /// <summary>Tells one use of <see cref="Id"/> from another.</summary>
    internal ulong Generation { get; }

    internal Vnode Vnode { get; }

    /// <summary>Pinned while the node lives.</summary>
    internal PathRef Place => Volatile.Read(ref _place).Place;

    /// <summary>Lookups not forgotten, for checks.</summary>
    internal ulong Lookups => Volatile.Read(ref _lookups);

    /// <summary>The open file that serves reads and writes of clients that open nothing; made by the first one.</summary>
    internal OpenFile? SharedFile => Volatile.Read(ref _file);

    internal bool TryAcquire()
    {
        while (true)
        {
            long count = Volatile.Read(ref _count);
            if (count == 0)
            {
                return false;
            }
            if (Interlocked.CompareExchange(ref _count, count + 1, count) == count)
            {
                return true;
            }
        }
    }

    // True when it was the last one: the table buries the node.
    internal bool Drop(long count) => Interlocked.Add(ref _count, -count) == 0;

    // Caller holds the stripe. One more lookup, unless the node is gone.
    internal bool TryLookUpLocked()
    {
        if (!TryAcquire())
        {
            return false;
        }
        _lookups++;
        return true;
    }

    // Caller holds the stripe. How many of `lookups` there are to forget: a client that forgets too much harms nobody else.
    internal long ForgetLocked(ulong lookups)
    {
        lookups = Math.Min(lookups, _lookups);
        _lookups -= lookups;
        return (long)lookups;
    }

    // Caller holds the stripe. A newer name of the same file takes over when the old one is out of date; its pin then is the node's.
    internal bool TryAdoptLocked(PathRef place)
    {
        Pinned now = _place;
        if (place == now.Place || !NodeCalls.IsOutOfDate(now.Place))
        {
            return false;
        }
        Volatile.Write(ref _place, new Pinned(place, now));
        return true;
    }

    // Publishes the shared open file; false when somebody else was faster.
    internal bool TryShare(OpenFile file) => Interlocked.CompareExchange(ref _file, file, null) is null;

    // The end. No lock is held.
    internal void Bury()
    {
        _file?.Release();
        for (Pinned? pinned = _place; pinned is not null; pinned = pinned.Earlier)
        {
            pinned.Place.Unpin();
        }
    }

    private sealed record Pinned(PathRef Place, Pinned? Earlier);
}
