// VnodeLock takes and leaves a vnode's lock under the rank that its use has.
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

internal static class VnodeLock
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void EnterRead(Vnode vnode, LockRank rank)
    {
        LockRanks.Wanted(rank, vnode);
        vnode.ContentLock.EnterRead(vnode.Ino);
        LockRanks.Got();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void ExitRead(Vnode vnode, LockRank rank)
    {
        vnode.ContentLock.ExitRead(vnode.Ino);
        LockRanks.Released(rank, vnode);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void EnterWrite(Vnode vnode, LockRank rank)
    {
        LockRanks.Wanted(rank, vnode);
        vnode.ContentLock.EnterWrite(vnode.Ino);
        LockRanks.Got();
    }

    internal static bool TryEnterWrite(Vnode vnode, LockRank rank)
    {
        if (!vnode.ContentLock.TryEnterWrite())
        {
            return false;
        }
        LockRanks.Tried(rank, vnode);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void ExitWrite(Vnode vnode, LockRank rank)
    {
        vnode.ContentLock.ExitWrite(vnode.Ino);
        LockRanks.Released(rank, vnode);
    }
}
