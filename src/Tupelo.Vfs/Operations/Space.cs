// Space changes how much room a file takes: truncate, fallocate; and finds holes: lseek.
// Source: truncate(2), fallocate(2), lseek(2); the order of errors is Linux' vfs_truncate and vfs_fallocate.
namespace Tupelo.Vfs;

internal static class Space
{
    /// <summary>truncate(2) on a resolved place.</summary>
    /// <remarks>Errors: EISDIR · EINVAL no regular file · EROFS · EACCES · EPERM append-only, immutable, sealed · EFBIG · ENOSPC · EIO.</remarks>
    internal static Errno TruncatePath(VfsContext context, PathRef place, long sizeBytes)
    {
        Vnode vnode = place.Vnode;
        if (!vnode.IsRegular)
        {
            return vnode.IsDirectory ? Errno.EISDIR : Errno.EINVAL;
        }
        Errno errno = place.Mount.BeginWrite();
        if (errno != Errno.None)
        {
            return errno;
        }
        uint permissions = vnode.Permissions;
        errno = Access.Check(context, vnode, AccessModes.Write);
        if (errno == Errno.None)
        {
            errno = (vnode.Flags & InodeFlags.AppendOnly) != 0 ? Errno.EPERM : SetSize(context, vnode, sizeBytes, alwaysTouch: false);
        }
        place.Mount.EndWrite();
        if (errno == Errno.None)
        {
            Notify.Resized(vnode, place.Dentry, permissions);
        }
        return errno;
    }

    /// <summary>O_TRUNC: the file is open for it.</summary>
    internal static Errno TruncateOpened(VfsContext context, PathRef place, Vnode vnode)
    {
        uint permissions = vnode.Permissions;
        Errno errno = place.Mount.BeginWrite();
        if (errno == Errno.None)
        {
            errno = SetSize(context, vnode, 0, alwaysTouch: true);
            place.Mount.EndWrite();
        }
        if (errno == Errno.None)
        {
            Notify.Resized(vnode, place.Dentry, permissions);
        }
        return errno;
    }

    /// <summary>ftruncate(2).</summary>
    /// <remarks>Errors: EINVAL no regular file, not for writing · EPERM · EFBIG · ENOSPC · EIO.</remarks>
    internal static Errno TruncateFile(VfsContext context, OpenFile file, long sizeBytes)
    {
        Vnode vnode = file.Vnode;
        if (!vnode.IsRegular || !file.CanWrite)
        {
            return Errno.EINVAL;
        }
        if ((vnode.Flags & InodeFlags.AppendOnly) != 0)
        {
            return Errno.EPERM;
        }
        uint permissions = vnode.Permissions;
        Errno errno = SetSize(context, vnode, sizeBytes, alwaysTouch: true);
        if (errno == Errno.None)
        {
            Notify.Resized(vnode, file.Path.Dentry, permissions);
        }
        return errno;
    }

    /// <summary>fallocate(2).</summary>
    /// <remarks>Errors: EINVAL · EOPNOTSUPP · EBADF not for writing · EPERM · ESPIPE · ENODEV · EFBIG · ENOSPC · EIO.</remarks>
    internal static Errno Allocate(VfsContext context, OpenFile file, FallocateMode mode, long offsetBytes, long lengthBytes)
    {
        if (offsetBytes < 0 || lengthBytes <= 0)
        {
            return Errno.EINVAL;
        }
        Errno errno = CheckMode(mode);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (!file.CanWrite)
        {
            return Errno.EBADF;
        }
        Vnode vnode = file.Vnode;
        if (((vnode.Flags & InodeFlags.AppendOnly) != 0 && (mode & ~FallocateMode.KeepSize) != 0) || (vnode.Flags & InodeFlags.Immutable) != 0)
        {
            return Errno.EPERM;
        }
        if (!vnode.IsRegular)
        {
            return vnode.Type == FileType.Fifo ? Errno.ESPIPE : vnode.IsDirectory ? Errno.EISDIR : Errno.ENODEV;
        }
        if (lengthBytes > vnode.FileSystem.MaxFileBytes - offsetBytes)
        {
            return Errno.EFBIG;
        }
        FallocateMode kind = mode & ~FallocateMode.KeepSize;
        // No file system here shares its blocks between files.
        if (kind == FallocateMode.UnshareRange || !vnode.FileSystem.Supports(NeededFor(kind)))
        {
            return Errno.EOPNOTSUPP;
        }
        errno = Attributes.Refresh(context, vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        uint permissions = vnode.Permissions;
        VnodeLock.EnterWrite(vnode, LockRank.Data);
        errno = AllocateLocked(context, vnode, kind, (mode & FallocateMode.KeepSize) != 0, offsetBytes, lengthBytes);
        VnodeLock.ExitWrite(vnode, LockRank.Data);
        if (errno == Errno.None)
        {
            Attributes.Forget(vnode);
            Notify.Written(file, permissions);
        }
        return errno;
    }

    /// <summary>lseek(2).</summary>
    /// <remarks>Errors: EINVAL whence · ESPIPE · EINVAL result before 0 · ENXIO no data or hole beyond.</remarks>
    internal static IoResult Seek(VfsContext context, OpenFile file, long offsetBytes, SeekWhence whence)
    {
        HandleTraits traits = file.Traits;
        if ((uint)whence > (uint)SeekWhence.Hole)
        {
            return Errno.EINVAL;
        }
        if ((traits & (HandleTraits.Stream | HandleTraits.OwnPosition)) == HandleTraits.Stream)
        {
            return Errno.ESPIPE;
        }
        if ((traits & HandleTraits.OwnPosition) != 0)
        {
            return file.Handle!.Seek(context, offsetBytes, whence);
        }
        PositionLock.Enter(file);
        IoResult result = whence switch
        {
            SeekWhence.Set => Checked(offsetBytes),
            SeekWhence.Current => Sum(file.Position, offsetBytes),
            _ when (traits & HandleTraits.OwnSize) != 0 => file.Handle!.Seek(context, offsetBytes, whence),
            _ when !file.Vnode.IsRegular => Errno.EINVAL,
            SeekWhence.End => SeekEnd(context, file.Vnode, offsetBytes),
            _ => FindData(context, file, offsetBytes, hole: whence == SeekWhence.Hole),
        };
        if (result.IsOk)
        {
            file.Position = result.Count;
        }
        PositionLock.Exit(file);
        return result;
    }

    private static IoResult Checked(long offset) => offset < 0 ? Errno.EINVAL : IoResult.Bytes(offset);

    private static IoResult Sum(long origin, long offset) => offset > 0 && origin > long.MaxValue - offset ? Errno.EINVAL : Checked(origin + offset);

    private static IoResult SeekEnd(VfsContext context, Vnode vnode, long offset)
    {
        Errno errno = Attributes.Refresh(context, vnode);
        return errno != Errno.None ? errno : Sum(vnode.SizeBytes, offset);
    }

    private static IoResult FindData(VfsContext context, OpenFile file, long offset, bool hole)
    {
        Vnode vnode = file.Vnode;
        Errno errno = Attributes.Refresh(context, vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        VnodeLock.EnterRead(vnode, LockRank.Data);
        IoResult result = offset < 0 || offset >= vnode.SizeBytes ? Errno.ENXIO
            : file.Handle is { } handle ? handle.Seek(context, offset, hole ? SeekWhence.Hole : SeekWhence.Data)
            : vnode.FindData(context, offset, hole);
        VnodeLock.ExitRead(vnode, LockRank.Data);
        return result;
    }

    private static Errno CheckMode(FallocateMode mode)
    {
        bool keep = (mode & FallocateMode.KeepSize) != 0;
        return (mode & ~FallocateMode.KeepSize) switch
        {
            FallocateMode.None or FallocateMode.ZeroRange or FallocateMode.UnshareRange => Errno.None,
            FallocateMode.PunchHole => keep ? Errno.None : Errno.EOPNOTSUPP,
            FallocateMode.CollapseRange or FallocateMode.InsertRange => keep ? Errno.EOPNOTSUPP : Errno.None,
            _ => Errno.EOPNOTSUPP,
        };
    }

    private static FileSystemFeatures NeededFor(FallocateMode kind) => kind switch
    {
        FallocateMode.None => FileSystemFeatures.Allocate,
        FallocateMode.PunchHole => FileSystemFeatures.PunchHole,
        FallocateMode.ZeroRange => FileSystemFeatures.ZeroRange,
        _ => FileSystemFeatures.ShiftRange,
    };

    private static Errno AllocateLocked(VfsContext context, Vnode vnode, FallocateMode kind, bool keepSize, long offset, long length)
    {
        long size = vnode.SizeBytes;
        long end = offset + length;
        long newSize = size;
        switch (kind)
        {
            case FallocateMode.None or FallocateMode.ZeroRange:
                newSize = keepSize ? size : Math.Max(size, end);
                break;
            case FallocateMode.CollapseRange:
                if (!IsAligned(vnode, offset, length) || end >= size)
                {
                    return Errno.EINVAL;
                }
                newSize = size - length;
                break;
            case FallocateMode.InsertRange:
                if (!IsAligned(vnode, offset, length) || offset >= size)
                {
                    return Errno.EINVAL;
                }
                if (length > vnode.FileSystem.MaxFileBytes - size)
                {
                    return Errno.EFBIG;
                }
                newSize = size + length;
                break;
            default:
                break;
        }
        if (newSize > size && newSize > context.Limits.MaxFileBytes)
        {
            return Errno.EFBIG;
        }
        if (vnode.ExtensionOrNull?.Seals is { } seals)
        {
            bool changesContent = kind != FallocateMode.None;
            // Space beyond the end is growth, even when the size stays.
            long reach = kind == FallocateMode.None ? Math.Max(newSize, end) : newSize;
            Errno sealedErrno = changesContent && (seals.Current & (Seals.Write | Seals.FutureWrite)) != 0 ? Errno.EPERM : seals.CheckResize(size, reach);
            if (sealedErrno != Errno.None)
            {
                return sealedErrno;
            }
        }
        Errno errno = vnode.Allocate(context, kind, offset, length);
        if (errno == Errno.None && newSize > size && kind is (FallocateMode.None or FallocateMode.ZeroRange)
            && vnode.FileSystem.CachePolicy != CachePolicy.Exclusive)
        {
            // Where the size is not the core's, it is not moved by telling.
            return vnode.SetSize(context, newSize);
        }
        if (errno == Errno.None && vnode.FileSystem.CachePolicy == CachePolicy.Exclusive)
        {
            vnode.ContentChanged(context.Now, newSize, FileIo.SetIdBitsToDrop(context, vnode));
        }
        return errno;
    }

    private static bool IsAligned(Vnode vnode, long offset, long length) => ((offset | length) & (vnode.FileSystem.BlockSizeBytes - 1)) == 0;

    private static Errno SetSize(VfsContext context, Vnode vnode, long sizeBytes, bool alwaysTouch)
    {
        Errno errno = Attributes.Refresh(context, vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        VnodeLock.EnterWrite(vnode, LockRank.Data);
        errno = SetSizeLocked(context, vnode, sizeBytes, alwaysTouch);
        VnodeLock.ExitWrite(vnode, LockRank.Data);
        Attributes.Forget(vnode);
        return errno;
    }

    private static Errno SetSizeLocked(VfsContext context, Vnode vnode, long sizeBytes, bool alwaysTouch)
    {
        long before = vnode.SizeBytes;
        if (sizeBytes > before && sizeBytes > FileIo.SizeLimit(context, vnode))
        {
            return Errno.EFBIG;
        }
        if (vnode.ExtensionOrNull?.Seals is { } seals)
        {
            Errno sealedErrno = seals.CheckResize(before, sizeBytes);
            if (sealedErrno != Errno.None)
            {
                return sealedErrno;
            }
        }
        if (!alwaysTouch && sizeBytes == before && vnode.FileSystem.CachePolicy != CachePolicy.Exclusive)
        {
            return Errno.None; // truncate(2) to the size that it has changes no times; asking the file system would.
        }
        Errno errno = vnode.SetSize(context, sizeBytes);
        if (errno == Errno.None && vnode.FileSystem.CachePolicy == CachePolicy.Exclusive && (alwaysTouch || sizeBytes != before))
        {
            vnode.ContentChanged(context.Now, sizeBytes, FileIo.SetIdBitsToDrop(context, vnode));
        }
        return errno;
    }
}
