namespace Tupelo.Vfs;

// Extended attributes: by path (following links or not), by descriptor, and the *at forms of Linux 6.13.
public sealed partial class Syscalls
{
    /// <summary>setxattr(2), lsetxattr(2) with SymlinkNoFollow, setxattrat(2).</summary>
    public long SetXattrAt(
        int dirFd, ReadOnlySpan<byte> path, AtFlags flags, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrFlags xattrFlags = XattrFlags.None)
    {
        if ((flags & ~(AtFlags.SymlinkNoFollow | AtFlags.EmptyPath)) != 0)
        {
            return Result(Errno.EINVAL);
        }
        Errno errno = CheckSet(name, value, xattrFlags);
        if (errno == Errno.None)
        {
            errno = ResolveForChange(dirFd, path, flags, out PathRef place);
            if (errno == Errno.None)
            {
                errno = Xattrs.Set(Context, place, place.Vnode, name, value, xattrFlags);
                place.Unpin();
            }
        }
        return Result(errno);
    }

    /// <summary>fsetxattr(2).</summary>
    public long FSetXattr(int fd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrFlags xattrFlags = XattrFlags.None)
    {
        Errno errno = CheckSet(name, value, xattrFlags);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        errno = Xattrs.Set(Context, file.Path, file.Vnode, name, value, xattrFlags);
        file.Release();
        return Result(errno);
    }

    /// <summary>getxattr(2), lgetxattr(2), getxattrat(2). An empty buffer asks for the length.</summary>
    public long GetXattrAt(int dirFd, ReadOnlySpan<byte> path, AtFlags flags, ReadOnlySpan<byte> name, Span<byte> value)
    {
        Errno errno = Xattrs.CheckName(name);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        errno = ResolveForChange(dirFd, path, flags, out PathRef place);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        IoResult result = Xattrs.Get(Context, place.Vnode, name, value);
        place.Unpin();
        return result.Raw;
    }

    /// <summary>fgetxattr(2).</summary>
    public long FGetXattr(int fd, ReadOnlySpan<byte> name, Span<byte> value)
    {
        Errno errno = Xattrs.CheckName(name);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = Xattrs.Get(Context, file.Vnode, name, value);
        file.Release();
        return result.Raw;
    }

    /// <summary>listxattr(2), llistxattr(2), listxattrat(2). An empty buffer asks for the length.</summary>
    public long ListXattrAt(int dirFd, ReadOnlySpan<byte> path, AtFlags flags, Span<byte> names)
    {
        Errno errno = ResolveForChange(dirFd, path, flags, out PathRef place);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        IoResult result = Xattrs.List(Context, place.Vnode, names);
        place.Unpin();
        return result.Raw;
    }

    /// <summary>flistxattr(2).</summary>
    public long FListXattr(int fd, Span<byte> names)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = Xattrs.List(Context, file.Vnode, names);
        file.Release();
        return result.Raw;
    }

    /// <summary>removexattr(2), lremovexattr(2), removexattrat(2).</summary>
    public long RemoveXattrAt(int dirFd, ReadOnlySpan<byte> path, AtFlags flags, ReadOnlySpan<byte> name)
    {
        Errno errno = Xattrs.CheckName(name);
        if (errno == Errno.None)
        {
            errno = ResolveForChange(dirFd, path, flags, out PathRef place);
            if (errno == Errno.None)
            {
                errno = Xattrs.Remove(Context, place, place.Vnode, name);
                place.Unpin();
            }
        }
        return Result(errno);
    }

    /// <summary>fremovexattr(2).</summary>
    public long FRemoveXattr(int fd, ReadOnlySpan<byte> name)
    {
        Errno errno = Xattrs.CheckName(name);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        errno = Xattrs.Remove(Context, file.Path, file.Vnode, name);
        file.Release();
        return Result(errno);
    }

    private static Errno CheckSet(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrFlags flags)
    {
        Errno errno = Xattrs.CheckSet(name, value.Length, flags);
        return errno == Errno.None && !value.IsEmpty && IsNull(value) ? Errno.EFAULT : errno;
    }
}
