// Xattrs checks names, namespaces and permissions of extended attributes; the file system stores them.
// Source: xattr(7); the order of checks is Linux' fs/xattr.c.
using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tupelo.Vfs;

internal static class Xattrs
{
    internal const int MaxNameBytes = 255;
    internal const int MaxValueBytes = 65536;

    /// <summary>Checks a name before the path is looked at. Errors: EFAULT null · ERANGE empty or longer than 255.</summary>
    internal static Errno CheckName(ReadOnlySpan<byte> name) =>
        Unsafe.IsNullRef(in MemoryMarshal.GetReference(name)) ? Errno.EFAULT
        : name.Length is 0 or > MaxNameBytes ? Errno.ERANGE
        : Errno.None;

    /// <summary>Checks setxattr's arguments before the path is looked at. Errors: EINVAL flags · EFAULT · ERANGE · E2BIG.</summary>
    internal static Errno CheckSet(ReadOnlySpan<byte> name, int valueBytes, XattrFlags flags)
    {
        if ((flags & ~(XattrFlags.Create | XattrFlags.Replace)) != 0)
        {
            return Errno.EINVAL;
        }
        Errno errno = CheckName(name);
        return errno != Errno.None ? errno : valueBytes > MaxValueBytes ? Errno.E2BIG : Errno.None;
    }

    /// <remarks>Errors: EROFS · EPERM · EACCES · EOPNOTSUPP namespace · EINVAL empty suffix · EEXIST · ENODATA · ENOSPC · EIO.</remarks>
    internal static Errno Set(VfsContext context, PathRef place, Vnode vnode, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrFlags flags)
    {
        Errno errno = place.Mount.BeginWrite();
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = CheckChange(context, vnode, name);
        if (errno == Errno.None)
        {
            VnodeLock.EnterWrite(vnode, LockRank.Child);
            errno = vnode.SetXattr(context, name, value, flags);
            TouchLocked(context, vnode, errno);
            VnodeLock.ExitWrite(vnode, LockRank.Child);
        }
        return Finish(place, vnode, errno);
    }

    /// <remarks>Errors: EROFS · EPERM · EACCES · EOPNOTSUPP · EINVAL · ENODATA · EIO.</remarks>
    internal static Errno Remove(VfsContext context, PathRef place, Vnode vnode, ReadOnlySpan<byte> name)
    {
        Errno errno = place.Mount.BeginWrite();
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = CheckChange(context, vnode, name);
        if (errno == Errno.None)
        {
            VnodeLock.EnterWrite(vnode, LockRank.Child);
            errno = vnode.RemoveXattr(context, name);
            TouchLocked(context, vnode, errno);
            VnodeLock.ExitWrite(vnode, LockRank.Child);
        }
        return Finish(place, vnode, errno);
    }

    /// <remarks>Errors: ENODATA (also for what the caller may not see) · EACCES · EOPNOTSUPP · EINVAL · ERANGE · EIO.</remarks>
    internal static IoResult Get(VfsContext context, Vnode vnode, ReadOnlySpan<byte> name, Span<byte> value)
    {
        Errno errno = CheckAccess(context, vnode, name, writes: false);
        if (errno == Errno.None)
        {
            errno = CheckNamespace(vnode, name);
        }
        if (errno != Errno.None)
        {
            return errno;
        }
        VnodeLock.EnterRead(vnode, LockRank.Child);
        IoResult result = vnode.GetXattr(context, name, value.Length > MaxValueBytes ? value[..MaxValueBytes] : value);
        VnodeLock.ExitRead(vnode, LockRank.Child);
        return result;
    }

    /// <remarks>Errors: ERANGE · E2BIG · EIO.</remarks>
    internal static IoResult List(VfsContext context, Vnode vnode, Span<byte> names)
    {
        // As Linux: where there are none, the list is empty.
        if (!vnode.FileSystem.Supports(FileSystemFeatures.Xattrs))
        {
            return IoResult.Bytes(0);
        }
        VnodeLock.EnterRead(vnode, LockRank.Child);
        IoResult result = Access.Has(context, Capabilities.Administrator) ? vnode.ListXattrs(context, names) : ListVisible(context, vnode, names);
        VnodeLock.ExitRead(vnode, LockRank.Child);
        return result;
    }

    // Leaves out "trusted." names.
    private static IoResult ListVisible(VfsContext context, Vnode vnode, Span<byte> names)
    {
        IoResult length = vnode.ListXattrs(context, []);
        if (!length.IsOk || length.Count == 0)
        {
            return length;
        }
        byte[] all = ArrayPool<byte>.Shared.Rent((int)length.Count);
        IoResult result = vnode.ListXattrs(context, all.AsSpan(0, (int)length.Count));
        if (result.IsOk)
        {
            int kept = 0;
            ReadOnlySpan<byte> rest = all.AsSpan(0, (int)result.Count);
            while (!rest.IsEmpty && result.IsOk)
            {
                ReadOnlySpan<byte> name = rest[..(rest.IndexOf((byte)0) + 1)];
                rest = rest[name.Length..];
                if (name.StartsWith("trusted."u8))
                {
                    continue;
                }
                if (!names.IsEmpty)
                {
                    if (name.Length > names.Length - kept)
                    {
                        result = Errno.ERANGE;
                        break;
                    }
                    name.CopyTo(names[kept..]);
                }
                kept += name.Length;
            }
            result = result.IsOk ? IoResult.Bytes(kept) : result;
        }
        ArrayPool<byte>.Shared.Return(all);
        return result;
    }

    private static Errno CheckChange(VfsContext context, Vnode vnode, ReadOnlySpan<byte> name)
    {
        Errno errno = CheckAccess(context, vnode, name, writes: true);
        return errno != Errno.None ? errno : CheckNamespace(vnode, name);
    }

    // As Linux xattr_permission.
    private static Errno CheckAccess(VfsContext context, Vnode vnode, ReadOnlySpan<byte> name, bool writes)
    {
        if (writes && (vnode.Flags & (InodeFlags.Immutable | InodeFlags.AppendOnly)) != 0)
        {
            return Errno.EPERM;
        }
        if (name.StartsWith("system."u8))
        {
            return Errno.None;
        }
        if (name.StartsWith("security."u8))
        {
            return writes && !Access.Has(context, Capabilities.Administrator) ? Errno.EPERM : Errno.None;
        }
        if (name.StartsWith("trusted."u8))
        {
            return Access.Has(context, Capabilities.Administrator) ? Errno.None : writes ? Errno.EPERM : Errno.ENODATA;
        }
        if (name.StartsWith("user."u8))
        {
            if (!vnode.IsRegular && !vnode.IsDirectory)
            {
                return writes ? Errno.EPERM : Errno.ENODATA;
            }
            Errno errno = Attributes.Refresh(context, vnode);
            if (errno != Errno.None)
            {
                return errno;
            }
            if (writes && vnode.IsDirectory && (vnode.Permissions & Mode.Sticky) != 0 && !Access.IsOwner(context, vnode))
            {
                return Errno.EPERM;
            }
        }
        return Access.Check(context, vnode, writes ? AccessModes.Write : AccessModes.Read);
    }

    private static Errno CheckNamespace(Vnode vnode, ReadOnlySpan<byte> name)
    {
        if (!vnode.FileSystem.Supports(FileSystemFeatures.Xattrs))
        {
            return Errno.EOPNOTSUPP;
        }
        int prefix = name.StartsWith("user."u8) ? 5 : name.StartsWith("trusted."u8) ? 8 : name.StartsWith("security."u8) ? 9 : 0;
        return prefix == 0 ? Errno.EOPNOTSUPP : name.Length == prefix ? Errno.EINVAL : Errno.None;
    }

    private static void TouchLocked(VfsContext context, Vnode vnode, Errno errno)
    {
        if (errno == Errno.None)
        {
            NameOperations.LinksChanged(vnode, context.Now, 0);
        }
    }

    private static Errno Finish(PathRef place, Vnode vnode, Errno errno)
    {
        place.Mount.EndWrite();
        if (errno == Errno.None)
        {
            Notify.AttributesChanged(vnode, place.Dentry);
        }
        return errno;
    }
}
