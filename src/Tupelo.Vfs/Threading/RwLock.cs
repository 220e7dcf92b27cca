// RwLock is a reader-writer lock in four bytes, embedded in every vnode. Uncontended: one compare-and-swap in, one interlocked
// operation out. Contended: a short spin, then sleep in a shared parking lot (a monitor chosen by the owner's key).
//
// Not recursive, in any combination. Writers are preferred: once one waits, new readers wait too.
// Protocol: the Waiters bit is set only while holding the parking lot's monitor, by somebody who then sleeps on it; whoever
// releases the lock and sees the bit takes the monitor, clears the bit and wakes all, so no wake-up is lost.
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

internal struct RwLock
{
    private const int Writer = int.MinValue;
    private const int Waiters = 0x4000_0000;
    private const int Readers = 0x3FFF_FFFF;
    private const int SpinCount = 12;

    private static readonly object[] s_lots = MakeLots();

    private int _state;

    internal readonly bool IsWriteHeld => Volatile.Read(in _state) < 0;

    internal readonly bool IsHeld => (Volatile.Read(in _state) & ~Waiters) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void EnterRead(ulong key)
    {
        int state = Volatile.Read(ref _state);
        if ((state & ~Readers) != 0 || Interlocked.CompareExchange(ref _state, state + 1, state) != state)
        {
            EnterSlow(key, write: false);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void EnterWrite(ulong key)
    {
        if (Interlocked.CompareExchange(ref _state, Writer, 0) != 0)
        {
            EnterSlow(key, write: true);
        }
    }

    internal bool TryEnterWrite() => Interlocked.CompareExchange(ref _state, Writer, 0) == 0;

    internal bool TryEnterRead()
    {
        int state = Volatile.Read(ref _state);
        return (state & ~Readers) == 0 && Interlocked.CompareExchange(ref _state, state + 1, state) == state;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ExitRead(ulong key)
    {
        int state = Interlocked.Decrement(ref _state);
        if (state == Waiters)
        {
            WakeAll(key);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ExitWrite(ulong key)
    {
        if (Interlocked.And(ref _state, ~Writer) != Writer)
        {
            WakeAll(key);
        }
    }

    private static object[] MakeLots()
    {
        var lots = new object[64];
        for (int i = 0; i < lots.Length; i++)
        {
            lots[i] = new object();
        }
        return lots;
    }

    private static object Lot(ulong key) => s_lots[(key * 0x9E3779B97F4A7C15) >> 58];

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterSlow(ulong key, bool write)
    {
        SpinWait spin = default;
        for (int i = 0; i < SpinCount; i++)
        {
            if (write ? TryEnterWriteKeepingWaiters() : TryEnterRead())
            {
                return;
            }
            spin.SpinOnce(sleep1Threshold: -1);
        }
        object lot = Lot(key);
        lock (lot)
        {
            while (true)
            {
                int state = Volatile.Read(ref _state);
                // A sleeping writer does not bar a free lock: readers may enter when nobody is inside.
                bool free = write ? (state & ~Waiters) == 0 : state >= 0 && ((state & Waiters) == 0 || (state & Readers) == 0);
                if (free)
                {
                    if (Interlocked.CompareExchange(ref _state, write ? state | Writer : state + 1, state) == state)
                    {
                        return;
                    }
                }
                else if ((state & Waiters) != 0 || Interlocked.CompareExchange(ref _state, state | Waiters, state) == state)
                {
                    _ = Monitor.Wait(lot);
                }
            }
        }
    }

    private bool TryEnterWriteKeepingWaiters()
    {
        int state = Volatile.Read(ref _state);
        return (state & ~Waiters) == 0 && Interlocked.CompareExchange(ref _state, state | Writer, state) == state;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WakeAll(ulong key)
    {
        object lot = Lot(key);
        lock (lot)
        {
            _ = Interlocked.And(ref _state, ~Waiters);
            Monitor.PulseAll(lot);
        }
    }
}
