// RankedLock is the mutex of Tupelo.Vfs: System.Threading.Lock with a place in the order of locks. Nothing else in this assembly
// is a mutex (a test looks at every field), so that whatever the tests run, they run with the order checked.
//
// Not recursive. Use: using (_mu.EnterScope()) { ... }. Cost over Lock: one more field read and, when the checker is off, a
// constant test that the compiler removes.
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

/// <summary>A mutex of this rank.</summary>
/// <param name="rank">Its place in the order.</param>
/// <param name="serial">Where two of this rank may be held, the lower one is taken first; 0 where that never happens.</param>
internal sealed class RankedLock(LockRank rank, ulong serial = 0)
{
    private readonly Lock _lock = new();

    internal ulong Serial => serial;

    /// <summary>Takes the lock until the scope is disposed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Scope EnterScope()
    {
        Enter();
        return new Scope(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Enter()
    {
        LockRanks.Wanted(rank, this);
        _lock.Enter();
        LockRanks.Got();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Exit()
    {
        _lock.Exit();
        LockRanks.Released(rank, this);
    }

    internal readonly ref struct Scope(RankedLock owner)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose() => owner.Exit();
    }
}
