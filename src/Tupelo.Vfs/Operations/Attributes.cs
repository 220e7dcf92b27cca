// Attributes keeps the core's copy of a file's attributes fresh, where the file system is not the core's alone.
namespace Tupelo.Vfs;

internal static class Attributes
{
    // Errors: ESTALE · EIO and others of the file system.
    internal static Errno Refresh(VfsContext context, Vnode vnode) =>
        vnode.FileSystem.CachePolicy == CachePolicy.Exclusive ? Errno.None : RefreshShared(context, vnode);

    // After a change by a primitive: the next use asks again.
    internal static void Forget(Vnode vnode)
    {
        if (vnode.FileSystem.CachePolicy != CachePolicy.Exclusive)
        {
            vnode.ForgetAttributes();
        }
    }

    private static Errno RefreshShared(VfsContext context, Vnode vnode)
    {
        FileSystem fileSystem = vnode.FileSystem;
        long now = Environment.TickCount64;
        if (fileSystem.CachePolicy == CachePolicy.Timeout && vnode.AttributesAreFresh(now))
        {
            return Errno.None;
        }
        Errno errno = vnode.FetchAttributes(context);
        if (errno == Errno.None && fileSystem.CachePolicy == CachePolicy.Timeout)
        {
            vnode.AttributesFetched(now + (long)fileSystem.CacheTimeout.TotalMilliseconds);
        }
        return errno;
    }
}
