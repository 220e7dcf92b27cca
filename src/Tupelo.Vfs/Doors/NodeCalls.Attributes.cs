namespace Tupelo.Vfs;

// Attributes, extended attributes, space of a node.
public sealed partial class NodeCalls
{
    /// <summary>stat(2). Errors: ESTALE · EIO, where attributes come from elsewhere.</summary>
    public Errno GetStat(PathRef place, ref Stat stat) => Metadata.Stat(Context, place.Vnode, ref stat);

    /// <summary>statx(2).</summary>
    public Errno GetStatx(PathRef place, ref Statx statx) => Metadata.Statx(Context, place, place.Vnode, ref statx);

    /// <summary>statfs(2).</summary>
    public Errno GetStatFs(PathRef place, ref StatFs stat) => Metadata.StatFs(place.Mount, ref stat);

    /// <summary>access(2), as the context's credentials. Errors: EACCES noexec · EROFS · EPERM immutable · EACCES.</summary>
    public Errno CheckAccess(PathRef place, AccessModes wanted) => Metadata.CheckAccess(Context, Context.Credentials, place, place.Vnode, wanted);

    /// <summary>chmod(2). Errors: EROFS · EOPNOTSUPP a link · EPERM · EIO.</summary>
    public Errno SetMode(PathRef place, uint mode) => Metadata.SetMode(Context, place, place.Vnode, mode);

    /// <summary>chown(2); uint.MaxValue keeps an id. Errors: EROFS · EPERM · EIO.</summary>
    public Errno SetOwner(PathRef place, uint uid, uint gid) => Metadata.SetOwner(Context, place, place.Vnode, uid, gid);

    /// <summary>utimensat(2); null is now, and nanoseconds may be UTIME_NOW or UTIME_OMIT. Errors: EINVAL · EROFS · EPERM · EACCES · EIO.</summary>
    public Errno SetTimes(PathRef place, Timespec? access, Timespec? modify) => Metadata.SetTimes(Context, place, place.Vnode, access, modify);

    /// <summary>truncate(2). Errors: EINVAL below 0 · EISDIR · EINVAL no file · EROFS · EACCES · EPERM · EFBIG · ENOSPC · EIO.</summary>
    public Errno Truncate(PathRef place, long sizeBytes) => sizeBytes < 0 ? Errno.EINVAL : Space.TruncatePath(Context, place, sizeBytes);

    /// <summary>ftruncate(2). Errors: EINVAL below 0, no file, not for writing · EPERM · EFBIG · ENOSPC · EIO.</summary>
    public Errno Truncate(OpenFile file, long sizeBytes) => sizeBytes < 0 ? Errno.EINVAL : Space.TruncateFile(Context, file, sizeBytes);

    /// <summary>setxattr(2). Errors: EINVAL flags · ERANGE name · E2BIG · EROFS · EPERM · EACCES · EOPNOTSUPP · EEXIST · ENODATA · ENOSPC · EIO.</summary>
    public Errno SetXattr(PathRef place, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrFlags flags)
    {
        Errno errno = Xattrs.CheckSet(name, value.Length, flags);
        return errno != Errno.None ? errno : Xattrs.Set(Context, place, place.Vnode, name, value, flags);
    }

    /// <summary>getxattr(2); an empty buffer asks for the length. Errors: ERANGE name, buffer · ENODATA · EACCES · EOPNOTSUPP · EIO.</summary>
    public IoResult GetXattr(PathRef place, ReadOnlySpan<byte> name, Span<byte> value)
    {
        Errno errno = Xattrs.CheckName(name);
        return errno != Errno.None ? errno : Xattrs.Get(Context, place.Vnode, name, value);
    }

    /// <summary>listxattr(2); an empty buffer asks for the length. Errors: ERANGE · EIO.</summary>
    public IoResult ListXattrs(PathRef place, Span<byte> names) => Xattrs.List(Context, place.Vnode, names);

    /// <summary>removexattr(2). Errors: ERANGE name · EROFS · EPERM · EACCES · EOPNOTSUPP · ENODATA · EIO.</summary>
    public Errno RemoveXattr(PathRef place, ReadOnlySpan<byte> name)
    {
        Errno errno = Xattrs.CheckName(name);
        return errno != Errno.None ? errno : Xattrs.Remove(Context, place, place.Vnode, name);
    }
}
