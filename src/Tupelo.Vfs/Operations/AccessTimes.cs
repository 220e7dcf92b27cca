// AccessTimes moves a file's access time when it is read, as its mount wants: relatime unless strictatime or noatime.
namespace Tupelo.Vfs;

internal static class AccessTimes
{
    private const long DaySeconds = 24 * 60 * 60;

    // Any lock state. Only where the core's attributes are the truth: others keep their own access times.
    internal static void Touch(VfsContext context, Mount mount, Vnode vnode)
    {
        MountFlags flags = mount.Flags;
        if ((flags & MountFlags.NoAccessTime) != 0
            || vnode.FileSystem.CachePolicy != CachePolicy.Exclusive
            || (vnode.Flags & (InodeFlags.NoAccessTime | InodeFlags.Immutable)) != 0
            || ((flags & MountFlags.NoDirectoryAccessTime) != 0 && vnode.IsDirectory)
            || mount.IsReadOnly)
        {
            return;
        }
        Timespec now = context.Now;
        if ((flags & MountFlags.StrictAccessTime) == 0 && !vnode.AccessTimeIsOld(now, DaySeconds))
        {
            return;
        }
        vnode.Accessed(now);
    }

    // Bytes went into a FIFO: its node's times move, though its content is not the file system's.
    internal static void TouchWritten(VfsContext context, Mount mount, Vnode vnode)
    {
        if (vnode.FileSystem.CachePolicy == CachePolicy.Exclusive && !mount.IsReadOnly)
        {
            vnode.PassedOn(context.Now);
        }
    }
}
