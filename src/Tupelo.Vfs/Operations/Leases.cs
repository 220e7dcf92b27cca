// Leases on open files: F_SETLEASE, and their breaking by another open. Source: fcntl(2) "Leases".
namespace Tupelo.Vfs;

internal static class Leases
{
    /// <summary>F_SETLEASE.</summary>
    /// <remarks>Errors: EACCES not the owner · EINVAL no regular file, unknown type · EAGAIN others have it open.</remarks>
    internal static Errno Set(VfsContext context, OpenFile file, long argument)
    {
        if (argument is < 0 or > (long)LockType.Unlock)
        {
            return Errno.EINVAL;
        }
        var type = (LockType)argument;
        Vnode vnode = file.Vnode;
        if (type != LockType.Unlock)
        {
            vnode.ReadAccess(out _, out uint uid, out _);
            if (context.Credentials.Uid != uid && !Access.Has(context, Capabilities.Lease))
            {
                return Errno.EACCES;
            }
            if (!vnode.IsRegular)
            {
                return Errno.EINVAL;
            }
        }
        int readers = vnode.OpenReaders - (file.CanRead && !file.CanWrite ? 1 : 0);
        int writers = vnode.OpenWriters - (file.CanWrite ? 1 : 0);
        return vnode.Extension.Leases.Set(file, type, holder: null, readers, writers, file.CanWrite);
    }

    /// <summary>Before an open: those who hold a lease that it conflicts with are told, and waited for.</summary>
    /// <remarks>Errors: EAGAIN not blocking · EINTR.</remarks>
    internal static Errno Break(VfsContext context, Vnode vnode, OpenFlags flags)
    {
        LeaseList? leases = vnode.ExtensionOrNull?.LeasesOrNull;
        return leases is null || leases.IsEmpty
            ? Errno.None
            : leases.Break(
                (OpenOperation.WantedAccess(flags) & AccessModes.Write) != 0, (flags & OpenFlags.NonBlock) != 0,
                TimeProvider.System, TimeSpan.FromSeconds(45), context.Interrupt);
    }
}
