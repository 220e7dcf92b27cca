// Metadata reads and changes attributes: stat, statx, statfs, access, chmod, chown, utimensat, FS_IOC_SETFLAGS.
// Changes are computed here, completely, and given to the file system as one AttributeChange under the vnode's lock.
// Source: inode(7), chmod(2), chown(2), utimensat(2); the order of checks is Linux' notify_change and setattr_prepare.
namespace Tupelo.Vfs;

internal static class Metadata
{
    /// <summary>No change of an id: (uid_t)-1.</summary>
    internal const uint KeepId = uint.MaxValue;

    internal static Errno Stat(VfsContext context, Vnode vnode, ref Stat stat)
    {
        Errno errno = Attributes.Refresh(context, vnode);
        if (errno == Errno.None)
        {
            vnode.FillStat(ref stat);
        }
        return errno;
    }

    internal static Errno Statx(VfsContext context, PathRef place, Vnode vnode, ref Statx statx)
    {
        Errno errno = Stat(context, vnode, ref statx.Stat);
        if (errno != Errno.None)
        {
            return errno;
        }
        statx.Mask = StatxMask.BasicStats | StatxMask.MountId;
        if (statx.Stat.BirthTime != default)
        {
            statx.Mask |= StatxMask.BirthTime;
        }
        statx.MountId = (ulong)place.Mount.Id;
        statx.ChangeCounter = (ulong)vnode.ChangeCounter;
        statx.AttributesMask = StatxAttributes.MountRoot;
        if (vnode.FileSystem.Supports(FileSystemFeatures.InodeFlags))
        {
            statx.AttributesMask |= StatxAttributes.Immutable | StatxAttributes.AppendOnly | StatxAttributes.NoDump;
            statx.Attributes = (StatxAttributes)((uint)vnode.Flags & (uint)(StatxAttributes.Immutable | StatxAttributes.AppendOnly | StatxAttributes.NoDump));
        }
        if (ReferenceEquals(place.Mount.Root, place.Dentry))
        {
            statx.Attributes |= StatxAttributes.MountRoot;
        }
        return Errno.None;
    }

    internal static Errno StatFs(Mount mount, ref StatFs stat)
    {
        FileSystem fileSystem = mount.FileSystem;
        stat = default;
        stat.BlockSizeBytes = (uint)fileSystem.BlockSizeBytes;
        stat.FragmentSizeBytes = (uint)fileSystem.BlockSizeBytes;
        Errno errno = fileSystem.StatFs(ref stat);
        if (errno != Errno.None)
        {
            return errno;
        }
        stat.MaxNameBytes = (uint)fileSystem.MaxNameBytes;
        if (stat.FileSystemId == 0)
        {
            stat.FileSystemId = fileSystem.Device;
        }
        MountFlags flags = mount.Flags;
        stat.Flags = StatFsFlags.Valid
            | (mount.IsReadOnly ? StatFsFlags.ReadOnly : 0)
            | ((flags & MountFlags.NoSetUid) != 0 ? StatFsFlags.NoSetUid : 0)
            | ((flags & MountFlags.NoDevices) != 0 ? StatFsFlags.NoDevices : 0)
            | ((flags & MountFlags.NoExec) != 0 ? StatFsFlags.NoExec : 0)
            | ((flags & MountFlags.Synchronous) != 0 ? StatFsFlags.Synchronous : 0)
            | ((flags & MountFlags.NoAccessTime) != 0 ? StatFsFlags.NoAccessTime : 0)
            | ((flags & MountFlags.NoDirectoryAccessTime) != 0 ? StatFsFlags.NoDirectoryAccessTime : 0)
            | ((flags & (MountFlags.NoAccessTime | MountFlags.StrictAccessTime)) == 0 ? StatFsFlags.RelativeAccessTime : 0)
            | ((flags & MountFlags.NoSymlinkFollow) != 0 ? StatFsFlags.NoSymlinkFollow : 0);
        return Errno.None;
    }

    /// <summary>access(2) on a resolved place, as <paramref name="credentials"/>.</summary>
    /// <remarks>Errors: EACCES noexec · EROFS · EPERM immutable · EACCES.</remarks>
    internal static Errno CheckAccess(VfsContext context, Credentials credentials, PathRef place, Vnode vnode, AccessModes wanted)
    {
        if (wanted == AccessModes.Exists)
        {
            return Errno.None;
        }
        if ((wanted & AccessModes.Execute) != 0 && vnode.IsRegular && (place.Mount.Flags & MountFlags.NoExec) != 0)
        {
            return Errno.EACCES;
        }
        bool writesStorage = (wanted & AccessModes.Write) != 0 && vnode.Type is FileType.Regular or FileType.Directory or FileType.Symlink
            && (wanted & AccessModes.Write) != 0;
        if (writesStorage && vnode.FileSystem.IsReadOnly)
        {
            return Errno.EROFS;
        }
        Errno errno = Access.Check(context, credentials, vnode, wanted);
        return errno == Errno.None && writesStorage && place.Mount.IsReadOnly ? Errno.EROFS : errno;
    }

    /// <summary>chmod(2). Errors: EROFS · EOPNOTSUPP a link, an eventfd and its like · EPERM not owner, immutable · EIO.</summary>
    internal static Errno SetMode(VfsContext context, PathRef place, Vnode vnode, uint mode)
    {
        Errno errno = place.Mount.BeginWrite();
        if (errno != Errno.None)
        {
            return errno;
        }
        if (vnode.Type is FileType.Symlink or FileType.Unknown)
        {
            errno = Errno.EOPNOTSUPP;
        }
        else
        {
            errno = Attributes.Refresh(context, vnode);
        }
        if (errno == Errno.None)
        {
            VnodeLock.EnterWrite(vnode, LockRank.Child);
            errno = IsUnchangeable(vnode) || !Access.IsOwner(context, vnode) ? Errno.EPERM : SetModeLocked(context, vnode, mode);
            VnodeLock.ExitWrite(vnode, LockRank.Child);
        }
        return Finish(place, vnode, errno);
    }

    /// <summary>chown(2); <see cref="KeepId"/> keeps an id. Errors: EROFS · EOPNOTSUPP an eventfd and its like · EPERM · EIO.</summary>
    internal static Errno SetOwner(VfsContext context, PathRef place, Vnode vnode, uint uid, uint gid)
    {
        Errno errno = place.Mount.BeginWrite();
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = Attributes.Refresh(context, vnode);
        InotifyMask told = InotifyMask.None;
        if (errno == Errno.None)
        {
            VnodeLock.EnterWrite(vnode, LockRank.Child);
            errno = SetOwnerLocked(context, vnode, uid, gid, out told);
            VnodeLock.ExitWrite(vnode, LockRank.Child);
        }
        return Finish(place, vnode, errno, told);
    }

    /// <summary>utimensat(2). Null times mean now. Nanoseconds may be UTIME_NOW or UTIME_OMIT.</summary>
    /// <remarks>Errors: EINVAL nanoseconds · EROFS · EPERM immutable, explicit and not owner · EACCES now and no write permission · EIO.</remarks>
    internal static Errno SetTimes(VfsContext context, PathRef place, Vnode vnode, Timespec? access, Timespec? modify)
    {
        if (!IsTime(access) || !IsTime(modify))
        {
            return Errno.EINVAL;
        }
        Errno errno = place.Mount.BeginWrite();
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = Attributes.Refresh(context, vnode);
        if (errno == Errno.None)
        {
            VnodeLock.EnterWrite(vnode, LockRank.Child);
            errno = SetTimesLocked(context, vnode, access, modify);
            VnodeLock.ExitWrite(vnode, LockRank.Child);
        }
        // As Linux, who sets one time alone is taken for one who reads or writes.
        return Finish(place, vnode, errno, IsOmitted(modify) ? InotifyMask.Access : IsOmitted(access) ? InotifyMask.Modify : InotifyMask.Attrib);
    }

    /// <summary>FS_IOC_SETFLAGS. Errors: ENOTTY · EROFS · EPERM not owner, or immutable and append-only without the capability · EOPNOTSUPP a bit.</summary>
    internal static Errno SetFlags(VfsContext context, PathRef place, Vnode vnode, InodeFlags flags)
    {
        if (!vnode.FileSystem.Supports(FileSystemFeatures.InodeFlags))
        {
            return Errno.ENOTTY;
        }
        Errno errno = place.Mount.BeginWrite();
        if (errno != Errno.None)
        {
            return errno;
        }
        VnodeLock.EnterWrite(vnode, LockRank.Child);
        const InodeFlags Known = InodeFlags.Immutable | InodeFlags.AppendOnly | InodeFlags.NoDump | InodeFlags.NoAccessTime;
        const InodeFlags Guarded = InodeFlags.Immutable | InodeFlags.AppendOnly;
        errno = !Access.IsOwner(context, vnode) ? Errno.EPERM
            : (flags & ~Known) != 0 ? Errno.EOPNOTSUPP
            : ((flags ^ vnode.Flags) & Guarded) != 0 && !Access.Has(context, Capabilities.LinuxImmutable) ? Errno.EPERM
            : Apply(context, vnode, new AttributeChange { Mask = AttributeMask.Flags, Flags = flags });
        VnodeLock.ExitWrite(vnode, LockRank.Child);
        return Finish(place, vnode, errno);
    }

    private static Errno Finish(PathRef place, Vnode vnode, Errno errno, InotifyMask told = InotifyMask.Attrib)
    {
        place.Mount.EndWrite();
        if (errno == Errno.None)
        {
            Attributes.Forget(vnode);
            Notify.Changed(vnode, place.Dentry, told);
        }
        return errno;
    }

    private static bool IsUnchangeable(Vnode vnode) => (vnode.Flags & (InodeFlags.Immutable | InodeFlags.AppendOnly)) != 0;

    private static Errno SetModeLocked(VfsContext context, Vnode vnode, uint mode)
    {
        uint permissions = mode & Mode.PermissionMask;
        vnode.ReadAccess(out _, out _, out uint gid);
        if (!context.Credentials.IsInGroup(gid) && !Access.Has(context, Capabilities.KeepSetId))
        {
            permissions &= ~Mode.SetGid;
        }
        if (vnode.ExtensionOrNull?.Seals is { } seals && (seals.Current & Seals.Exec) != 0 && ((permissions ^ vnode.Permissions) & 0x49) != 0)
        {
            return Errno.EPERM;
        }
        return Apply(context, vnode, new AttributeChange { Mask = AttributeMask.Mode, Permissions = permissions });
    }

    private static Errno SetOwnerLocked(VfsContext context, Vnode vnode, uint uid, uint gid, out InotifyMask told)
    {
        told = InotifyMask.None;
        if (vnode.Type == FileType.Unknown)
        {
            return Errno.EOPNOTSUPP;
        }
        vnode.ReadAccess(out uint permissions, out uint oldUid, out uint oldGid);
        bool sets = uid != KeepId || gid != KeepId;
        uint drop = vnode.IsDirectory ? 0 : (permissions & Mode.SetUid) | FileIo.SetGidToDrop(context, permissions, oldGid);
        if ((sets || drop != 0) && IsUnchangeable(vnode))
        {
            return Errno.EPERM;
        }
        bool owner = context.Credentials.Uid == oldUid;
        bool capable = Access.Has(context, Capabilities.ChangeOwner);
        if ((uid != KeepId && !capable && !(owner && uid == oldUid))
            || (gid != KeepId && !capable && !(owner && (gid == oldGid || context.Credentials.IsInGroup(gid))))
            || (drop != 0 && !sets && !Access.IsOwner(context, vnode)))
        {
            return Errno.EPERM;
        }
        told = sets || drop != 0 ? InotifyMask.Attrib : InotifyMask.None;
        return Apply(context, vnode, new AttributeChange
        {
            Mask = (uid != KeepId ? AttributeMask.Uid : 0) | (gid != KeepId ? AttributeMask.Gid : 0) | (drop != 0 ? AttributeMask.Mode : 0),
            Uid = uid,
            Gid = gid,
            Permissions = permissions & ~drop,
        });
    }

    private static Errno SetTimesLocked(VfsContext context, Vnode vnode, Timespec? access, Timespec? modify)
    {
        bool touch = IsNow(access) && IsNow(modify);
        if (touch ? (vnode.Flags & InodeFlags.Immutable) != 0 : IsUnchangeable(vnode))
        {
            return Errno.EPERM;
        }
        if (!Access.IsOwner(context, vnode))
        {
            if (!touch)
            {
                return vnode.Type == FileType.Unknown ? Errno.EOPNOTSUPP : Errno.EPERM;
            }
            Errno errno = Access.Check(context, vnode, AccessModes.Write);
            if (errno != Errno.None)
            {
                return errno;
            }
        }
        Timespec now = context.Now;
        return Apply(context, vnode, new AttributeChange
        {
            Mask = (IsOmitted(access) ? 0 : AttributeMask.AccessTime) | (IsOmitted(modify) ? 0 : AttributeMask.ModifyTime),
            AccessTime = IsNow(access) ? now : access!.Value,
            ModifyTime = IsNow(modify) ? now : modify!.Value,
        });
    }

    private static Errno Apply(VfsContext context, Vnode vnode, AttributeChange change)
    {
        change.Mask |= AttributeMask.ChangeTime;
        change.ChangeTime = context.Now;
        Errno errno = vnode.SetAttributes(context, change);
        if (errno == Errno.None && vnode.FileSystem.CachePolicy == CachePolicy.Exclusive)
        {
            vnode.ApplyChange(change);
        }
        return errno;
    }

    private static bool IsNow(Timespec? time) => time is null || time.Value.Nanoseconds == UtimeNanoseconds.Now;

    private static bool IsOmitted(Timespec? time) => time is { Nanoseconds: UtimeNanoseconds.Omit };

    private static bool IsTime(Timespec? time) =>
        time is null || time.Value.Nanoseconds is (>= 0 and < 1_000_000_000) or UtimeNanoseconds.Now or UtimeNanoseconds.Omit;
}
