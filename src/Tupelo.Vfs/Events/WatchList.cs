// WatchList holds the watches on one inode, made when the first watch comes. The vnode has a field for it: null says that nobody
// watches, and Mask says what those who do want to hear, so that an event nobody wants costs one or two field reads.
//
// A watch belongs to the inode, not to a name or an open file, and keeps none of them alive: hard links, bind mounts and renames
// do not change it, and it ends with the inode (Die).
// Invariants: _watches is replaced, never changed in place, so that delivery walks it without a lock; at most one watch of an
// instance stands in it; Mask is the union of the masks of all.
// Locks: _mu is a leaf, taken under InotifyInstance._mu by add and remove, and never the other way round.
namespace Tupelo.Vfs;

/// <summary>One instance's watch on one inode.</summary>
internal sealed class Watch(InotifyInstance instance, WatchList list, int descriptor)
{
    internal readonly InotifyInstance Instance = instance;
    internal readonly WatchList List = list;
    internal readonly int Descriptor = descriptor;

    /// <summary>Events asked for, and the flags ExcludeUnlinked and OneShot. Guarded by the list's lock for writing.</summary>
    internal volatile InotifyMask Mask;

    /// <summary>The watch has left its instance: no event follows IN_IGNORED. Guarded by the instance's lock.</summary>
    internal bool Removed;
}

/// <summary>The inotify watches of one inode. Any thread.</summary>
public sealed class WatchList
{
    private readonly RankedLock _mu = new(LockRank.Leaf); // Guards changes of _watches, _mask, _dead and Watch.Mask.
    private Watch[] _watches = [];
    private uint _mask;
    private bool _dead;

    /// <summary>The union of what all watches want; one field read.</summary>
    public InotifyMask Mask => (InotifyMask)Volatile.Read(ref _mask);

    /// <summary>True when nobody watches.</summary>
    public bool IsEmpty => Volatile.Read(ref _watches).Length == 0;

    /// <summary>Delivers one event to every watch that wants it. Call it with no lock held.</summary>
    /// <param name="mask">The event bit, with <see cref="InotifyMask.IsDirectory"/> where the subject is one.</param>
    /// <param name="name">The child's name when this is the watch of its directory; empty for the inode itself.</param>
    /// <param name="cookie">Pairs the two halves of a move; 0 otherwise.</param>
    /// <param name="childUnlinked">The child has lost its name: those with EXCL_UNLINK do not hear of it.</param>
    public void Notify(InotifyMask mask, ReadOnlySpan<byte> name, uint cookie = 0, bool childUnlinked = false)
    {
        if ((Mask & mask & InotifyMask.AllEvents) == 0)
        {
            return;
        }
        foreach (Watch watch in Volatile.Read(ref _watches))
        {
            InotifyMask wanted = watch.Mask;
            if ((wanted & mask & InotifyMask.AllEvents) == 0 || (childUnlinked && (wanted & InotifyMask.ExcludeUnlinked) != 0))
            {
                continue;
            }
            watch.Instance.Deliver(watch, mask, name, cookie, (wanted & InotifyMask.OneShot) != 0);
        }
    }

    /// <summary>The inode is gone: DELETE_SELF to those who asked for it, then IGNORED to all. Call it with no lock held.</summary>
    public void Die() => End(InotifyMask.DeleteSelf);

    /// <summary>The inode's file system was unmounted: UNMOUNT and IGNORED to all. Call it with no lock held.</summary>
    public void Unmount() => End(InotifyMask.Unmount);

    /// <summary>Finds or makes <paramref name="instance"/>'s watch. The caller holds the instance's lock.</summary>
    /// <returns>Null when the inode is dead.</returns>
    internal Watch? FindOrAdd(InotifyInstance instance, int newDescriptor, InotifyMask mask, out bool added)
    {
        using (_mu.EnterScope())
        {
            added = false;
            if (_dead)
            {
                return null;
            }
            foreach (Watch existing in _watches)
            {
                if (existing.Instance == instance)
                {
                    return existing;
                }
            }
            Watch watch = new(instance, this, newDescriptor) { Mask = mask };
            Volatile.Write(ref _watches, [.. _watches, watch]);
            UpdateMaskLocked();
            added = true;
            return watch;
        }
    }

    internal void SetMask(Watch watch, InotifyMask mask)
    {
        using (_mu.EnterScope())
        {
            watch.Mask = mask;
            UpdateMaskLocked();
        }
    }

    internal void Remove(Watch watch)
    {
        using (_mu.EnterScope())
        {
            int index = Array.IndexOf(_watches, watch);
            if (index < 0)
            {
                return;
            }
            Watch[] rest = new Watch[_watches.Length - 1];
            Array.Copy(_watches, rest, index);
            Array.Copy(_watches, index + 1, rest, index, rest.Length - index);
            Volatile.Write(ref _watches, rest);
            UpdateMaskLocked();
        }
    }

    private void UpdateMaskLocked()
    {
        InotifyMask mask = InotifyMask.None;
        foreach (Watch watch in _watches)
        {
            mask |= watch.Mask;
        }
        Volatile.Write(ref _mask, (uint)mask);
    }

    private void End(InotifyMask last)
    {
        Watch[] watches;
        using (_mu.EnterScope())
        {
            _dead = true;
            watches = _watches;
        }
        foreach (Watch watch in watches)
        {
            if (last == InotifyMask.Unmount || (watch.Mask & last) != 0)
            {
                watch.Instance.Deliver(watch, last, [], 0, oneShot: false);
            }
            watch.Instance.Retire(watch);
        }
    }
}
