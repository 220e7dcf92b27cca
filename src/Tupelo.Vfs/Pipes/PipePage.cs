// PipePage is a page of pipe data. A page may be in several rings at once (tee) and be passed from ring to ring (splice) without
// being copied; the last holder gives it back to the pool. Bytes once written into a page do not change while anybody can see
// them: a ring appends only behind the bytes that others may hold.
//
// Locks: none. References are counted with Interlocked; the pool is an array of slots exchanged atomically, so that it may be used
// under a ring's lock.
namespace Tupelo.Vfs;

/// <summary>A reference-counted page of 4096 bytes.</summary>
internal sealed class PipePage
{
    internal const int Bytes = 4096;

    private const int PoolSlots = 256;

    private static readonly PipePage?[] s_pool = new PipePage?[PoolSlots];
    private static int s_hint;

    private readonly byte[] _data = new byte[Bytes];
    private int _references;

    private PipePage()
    {
    }

    internal byte[] Data => _data;

    /// <summary>A page with one reference and undefined content.</summary>
    internal static PipePage Rent()
    {
        int hint = Volatile.Read(ref s_hint);
        for (int i = 0; i < PoolSlots; i++)
        {
            int slot = (hint + PoolSlots - 1 - i) & (PoolSlots - 1);
            if (Volatile.Read(ref s_pool[slot]) is not null && Interlocked.Exchange(ref s_pool[slot], null) is { } page)
            {
                Volatile.Write(ref s_hint, slot);
                page._references = 1;
                return page;
            }
        }
        return new PipePage { _references = 1 };
    }

    internal void AddReference() => _ = Interlocked.Increment(ref _references);

    internal void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0)
        {
            return;
        }
        int hint = Volatile.Read(ref s_hint);
        for (int i = 0; i < PoolSlots; i++)
        {
            int slot = (hint + i) & (PoolSlots - 1);
            if (Volatile.Read(ref s_pool[slot]) is null && Interlocked.CompareExchange(ref s_pool[slot], this, null) is null)
            {
                Volatile.Write(ref s_hint, (slot + 1) & (PoolSlots - 1));
                return;
            }
        }
        // The pool is full: the collector takes it.
    }
}
