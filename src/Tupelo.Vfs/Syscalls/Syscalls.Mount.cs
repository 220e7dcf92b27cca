using System.Text;

namespace Tupelo.Vfs;

// Mounts and namespaces.
public sealed partial class Syscalls
{
    /// <summary>mount(2). Null spans are NULL pointers: no source, no type, no options.</summary>
    public long Mount(ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, ReadOnlySpan<byte> type, MountFlags flags, ReadOnlySpan<byte> data)
    {
        if ((flags & MountFlags.MagicMask) == MountFlags.MagicValue)
        {
            flags &= ~MountFlags.MagicMask;
        }
        // A source need not be a path; it is copied before anything is looked at.
        if (source.Length >= PathWalk.MaxPathBytes || type.Length >= PathWalk.MaxPathBytes)
        {
            return Result(Errno.EINVAL);
        }
        Errno errno = Resolve(AtFd.CurrentDirectory, target, follow: true, mayBeEmpty: false, out PathRef place);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        string options = Encoding.UTF8.GetString(data);
        errno = MountOperations.Mount(
            Context, place, Encoding.UTF8.GetString(source), source, IsNull(type) ? null : Encoding.UTF8.GetString(type), flags, options);
        place.Unpin();
        return Result(errno);
    }

    /// <summary>umount2(2).</summary>
    public long Umount2(ReadOnlySpan<byte> target, UnmountFlags flags = UnmountFlags.None)
    {
        if ((flags & ~(UnmountFlags.Force | UnmountFlags.Detach | UnmountFlags.Expire | UnmountFlags.NoFollow)) != 0)
        {
            return Result(Errno.EINVAL);
        }
        Errno errno = Resolve(
            AtFd.CurrentDirectory, target, ((flags & UnmountFlags.NoFollow) == 0 ? WalkFlags.FollowLast : 0) | WalkFlags.KeepExpiry, out PathRef place);
        return Result(errno != Errno.None ? errno : MountOperations.Unmount(Context, place, flags));
    }

    /// <summary>pivot_root(2).</summary>
    public long PivotRoot(ReadOnlySpan<byte> newRoot, ReadOnlySpan<byte> putOld)
    {
        if (!Access.Has(Context, Capabilities.Administrator))
        {
            return Result(Errno.EPERM);
        }
        Errno errno = ResolveDirectory(newRoot, out PathRef newPlace);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        errno = ResolveDirectory(putOld, out PathRef oldPlace);
        if (errno == Errno.None)
        {
            errno = MountOperations.PivotRoot(Context, newPlace, oldPlace);
            oldPlace.Unpin();
        }
        newPlace.Unpin();
        return Result(errno);
    }

    /// <summary>unshare(2) with CLONE_NEWNS: a mount namespace of one's own.</summary>
    public long UnshareMounts() => Result(MountOperations.UnshareNamespace(Context));
}
