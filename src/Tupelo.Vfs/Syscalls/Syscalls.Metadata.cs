using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

// Attributes: stat, access, chmod, chown, times, statfs.
public sealed partial class Syscalls
{
    /// <summary>stat(2).</summary>
    public long Stat(ReadOnlySpan<byte> path, ref Stat stat) => FStatAt(AtFd.CurrentDirectory, path, ref stat, AtFlags.None);

    /// <summary>lstat(2).</summary>
    public long LStat(ReadOnlySpan<byte> path, ref Stat stat) => FStatAt(AtFd.CurrentDirectory, path, ref stat, AtFlags.SymlinkNoFollow);

    /// <summary>newfstatat(2); with EmptyPath a NULL path means the descriptor too.</summary>
    public long FStatAt(int dirFd, ReadOnlySpan<byte> path, ref Stat stat, AtFlags flags)
    {
        // As Linux since 6.11: then it is fstat, whatever the other flags.
        if ((flags & AtFlags.EmptyPath) != 0 && path.IsEmpty && dirFd >= 0)
        {
            return FStat(dirFd, ref stat);
        }
        if ((flags & ~(AtFlags.SymlinkNoFollow | AtFlags.NoAutomount | AtFlags.EmptyPath)) != 0)
        {
            return Result(Errno.EINVAL);
        }
        if ((flags & AtFlags.EmptyPath) != 0 && IsNull(path))
        {
            path = ""u8;
        }
        var walk = new PathWalk(Context, dirFd, path, WalkFlagsFor(flags));
        Errno errno = walk.Begin();
        if (errno == Errno.None)
        {
            errno = walk.ToEnd();
            if (errno == Errno.None)
            {
                errno = Unsafe.IsNullRef(in stat) ? Errno.EFAULT : Metadata.Stat(Context, walk.Vnode, ref stat);
            }
        }
        walk.Dispose();
        return Result(errno);
    }

    /// <summary>fstat(2).</summary>
    public long FStat(int fd, ref Stat stat)
    {
        if (!TryGetAny(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = Unsafe.IsNullRef(in stat) ? Errno.EFAULT : Metadata.Stat(Context, file.Vnode, ref stat);
        file.Release();
        return Result(errno);
    }

    /// <summary>statx(2); with EmptyPath a NULL path means the descriptor too.</summary>
    public long StatX(int dirFd, ReadOnlySpan<byte> path, AtFlags flags, StatxMask mask, ref Statx statx)
    {
        const AtFlags SyncType = AtFlags.StatxForceSync | AtFlags.StatxDontSync;
        if ((mask & StatxMask.Reserved) != 0
            || (flags & SyncType) == SyncType
            || (flags & ~(AtFlags.SymlinkNoFollow | AtFlags.NoAutomount | AtFlags.EmptyPath | SyncType)) != 0)
        {
            return Result(Errno.EINVAL);
        }
        if ((flags & AtFlags.EmptyPath) != 0 && IsNull(path))
        {
            path = ""u8;
        }
        Errno errno = Resolve(dirFd, path, (flags & AtFlags.SymlinkNoFollow) == 0, (flags & AtFlags.EmptyPath) != 0, out PathRef place);
        if (errno == Errno.None)
        {
            errno = Unsafe.IsNullRef(in statx) ? Errno.EFAULT : Metadata.Statx(Context, place, place.Vnode, ref statx);
            if (errno == Errno.None && (mask & StatxMask.UniqueMountId) != 0)
            {
                statx.MountId = place.Mount.UniqueId;
                statx.Mask = (statx.Mask & ~StatxMask.MountId) | StatxMask.UniqueMountId;
            }
            place.Unpin();
        }
        return Result(errno);
    }

    /// <summary>statfs(2).</summary>
    public long StatFs(ReadOnlySpan<byte> path, ref StatFs statFs)
    {
        Errno errno = Resolve(AtFd.CurrentDirectory, path, follow: true, mayBeEmpty: false, out PathRef place);
        if (errno == Errno.None)
        {
            errno = Unsafe.IsNullRef(in statFs) ? Errno.EFAULT : Metadata.StatFs(place.Mount, ref statFs);
            place.Unpin();
        }
        return Result(errno);
    }

    /// <summary>fstatfs(2).</summary>
    public long FStatFs(int fd, ref StatFs statFs)
    {
        if (!TryGetAny(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = Unsafe.IsNullRef(in statFs) ? Errno.EFAULT : Metadata.StatFs(file.Path.Mount, ref statFs);
        file.Release();
        return Result(errno);
    }

    /// <summary>faccessat2(2); access(2) without flags: the real ids ask.</summary>
    public long FAccessAt2(int dirFd, ReadOnlySpan<byte> path, AccessModes mode, AtFlags flags = AtFlags.None)
    {
        if ((mode & ~(AccessModes.Read | AccessModes.Write | AccessModes.Execute)) != 0
            || (flags & ~(AtFlags.SymlinkNoFollow | AtFlags.EffectiveAccess | AtFlags.EmptyPath)) != 0)
        {
            return Result(Errno.EINVAL);
        }
        Credentials effective = Context.Credentials;
        Credentials asking = (flags & AtFlags.EffectiveAccess) != 0 ? effective : effective.ForAccessCheck();
        if (ReferenceEquals(asking, effective))
        {
            return Result(CheckAccess(dirFd, path, mode, flags));
        }
        using VfsContext other = Context.NewThread(asking);
        return Result(new Syscalls(other).CheckAccess(dirFd, path, mode, flags));
    }

    /// <summary>fchmodat2(2).</summary>
    public long FChModAt2(int dirFd, ReadOnlySpan<byte> path, uint mode, AtFlags flags = AtFlags.None)
    {
        Errno errno = ResolveForChange(dirFd, path, flags, out PathRef place);
        if (errno == Errno.None)
        {
            errno = Metadata.SetMode(Context, place, place.Vnode, mode);
            place.Unpin();
        }
        return Result(errno);
    }

    /// <summary>fchmod(2).</summary>
    public long FChMod(int fd, uint mode)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = Metadata.SetMode(Context, file.Path, file.Vnode, mode);
        file.Release();
        return Result(errno);
    }

    /// <summary>fchownat(2); an id of all ones is kept.</summary>
    public long FChOwnAt(int dirFd, ReadOnlySpan<byte> path, uint uid, uint gid, AtFlags flags = AtFlags.None)
    {
        Errno errno = ResolveForChange(dirFd, path, flags, out PathRef place);
        if (errno == Errno.None)
        {
            errno = Metadata.SetOwner(Context, place, place.Vnode, uid, gid);
            place.Unpin();
        }
        return Result(errno);
    }

    /// <summary>fchown(2).</summary>
    public long FChOwn(int fd, uint uid, uint gid)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = Metadata.SetOwner(Context, file.Path, file.Vnode, uid, gid);
        file.Release();
        return Result(errno);
    }

    /// <summary>utimensat(2). No times: now. A NULL path with a descriptor is futimens(3).</summary>
    public long UtimeNsAt(int dirFd, ReadOnlySpan<byte> path, ReadOnlySpan<Timespec> times, AtFlags flags = AtFlags.None)
    {
        Timespec? access = times.IsEmpty ? null : times[0];
        Timespec? modify = times.IsEmpty ? null : times[1];
        if (access is { Nanoseconds: UtimeNanoseconds.Omit } && modify is { Nanoseconds: UtimeNanoseconds.Omit })
        {
            return 0; // Nothing to do: the path is not even looked at.
        }
        if (IsNull(path) && dirFd != AtFd.CurrentDirectory)
        {
            if (flags != AtFlags.None)
            {
                return Result(Errno.EINVAL);
            }
            if (!TryGetFile(dirFd, out OpenFile file))
            {
                return Result(Errno.EBADF);
            }
            Errno result = Metadata.SetTimes(Context, file.Path, file.Vnode, access, modify);
            file.Release();
            return Result(result);
        }
        Errno errno = ResolveForChange(dirFd, path, flags, out PathRef place);
        if (errno == Errno.None)
        {
            errno = Metadata.SetTimes(Context, place, place.Vnode, access, modify);
            place.Unpin();
        }
        return Result(errno);
    }

    private static WalkFlags WalkFlagsFor(AtFlags flags) =>
        ((flags & AtFlags.SymlinkNoFollow) == 0 ? WalkFlags.FollowLast : WalkFlags.None)
        | ((flags & AtFlags.EmptyPath) != 0 ? WalkFlags.EmptyPath : WalkFlags.None);

    private Errno CheckAccess(int dirFd, ReadOnlySpan<byte> path, AccessModes mode, AtFlags flags)
    {
        var walk = new PathWalk(Context, dirFd, path, WalkFlagsFor(flags));
        Errno errno = walk.Begin();
        if (errno == Errno.None)
        {
            errno = walk.ToEnd();
            if (errno == Errno.None)
            {
                errno = Metadata.CheckAccess(Context, Context.Credentials, walk.Here, walk.Vnode, mode);
            }
        }
        walk.Dispose();
        return errno;
    }

    private Errno ResolveForChange(int dirFd, ReadOnlySpan<byte> path, AtFlags flags, out PathRef place)
    {
        place = default;
        return (flags & ~(AtFlags.SymlinkNoFollow | AtFlags.EmptyPath)) != 0
            ? Errno.EINVAL
            : Resolve(dirFd, path, (flags & AtFlags.SymlinkNoFollow) == 0, (flags & AtFlags.EmptyPath) != 0, out place);
    }
}
