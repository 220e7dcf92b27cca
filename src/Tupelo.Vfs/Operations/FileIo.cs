// FileIo moves bytes between callers' segments and open files: the one place where reads and writes are checked, clipped,
// locked and accounted. docs/vfs.md tells a read step by step.
//
// Layers: a call with the open file's position takes the position lock around it; a vnode's content is read under its lock
// shared and written under it exclusive, one lock for all segments, so that each call is atomic against others (POSIX 2.9.7).
// A handle that locks itself (pipes, devices) is called with neither.
// Counts are capped at 0x7FFFF000 as in Linux. Segments are the caller's memory; a null one is EFAULT once bytes would move.
namespace Tupelo.Vfs;

internal static unsafe class FileIo
{
    internal const long MaxCount = 0x7FFFF000;
    internal const int MaxSegments = 1024;
    private const int PageBytes = 4096;

    /// <summary>Where a transfer happens: the open file's own position, or an offset of the caller's.</summary>
    internal const long AtPosition = -1;

    private const ReadWriteFlags KnownFlags = ReadWriteFlags.HighPriority | ReadWriteFlags.DataSync | ReadWriteFlags.Sync | ReadWriteFlags.NoWait
        | ReadWriteFlags.Append | ReadWriteFlags.NoAppend | ReadWriteFlags.NoSignal;

    // Also those that need a file system that can do it, which none here does.
    private const ReadWriteFlags DefinedFlags = KnownFlags | ReadWriteFlags.Atomic | ReadWriteFlags.DontCache;

    /// <summary>Checks segments as readv and writev do, and adds them up.</summary>
    /// <remarks>Errors: EINVAL more than 1024, a length or the sum above SSIZE_MAX · EFAULT no array.</remarks>
    /// <returns>Bytes that would move, capped.</returns>
    internal static IoResult CheckSegments(ReadOnlySpan<IoVec> segments, int count)
    {
        if (count is < 0 or > MaxSegments)
        {
            return Errno.EINVAL;
        }
        if (count > segments.Length || (count > 0 && Syscalls.IsNull(segments)))
        {
            return Errno.EFAULT;
        }
        ulong total = 0;
        for (int i = 0; i < count; i++)
        {
            ulong length = segments[i].Length;
            if ((long)length < 0)
            {
                return Errno.EINVAL;
            }
            // Linux cuts the transfer, it does not refuse the sum.
            total = Math.Min(total + length, MaxCount);
        }
        return IoResult.Bytes((long)total);
    }

    /// <summary>read, readv, pread, preadv, preadv2.</summary>
    /// <param name="offsetBytes"><see cref="AtPosition"/>, or where to read.</param>
    /// <remarks>Errors: EBADF not for reading · ESPIPE an offset on a stream · EOPNOTSUPP flags · EISDIR · EINVAL · EFAULT · EAGAIN · EINTR · EIO.</remarks>
    internal static IoResult Read(VfsContext context, OpenFile file, ReadOnlySpan<IoVec> segments, long offsetBytes, ReadWriteFlags flags = ReadWriteFlags.None)
    {
        Errno errno = CheckAccess(file, writes: false, offsetBytes);
        if (errno == Errno.None)
        {
            errno = CheckRange(file, segments, offsetBytes);
        }
        if (errno == Errno.None && flags != ReadWriteFlags.None)
        {
            errno = CheckFlags(file, flags, writes: false);
        }
        if (errno != Errno.None)
        {
            return errno;
        }
        if (file.Handle is null)
        {
            Vnode vnode = file.Vnode;
            if (!vnode.IsRegular)
            {
                return vnode.IsDirectory ? Errno.EISDIR : Errno.EINVAL;
            }
            if (offsetBytes != AtPosition)
            {
                return ReadVnode(context, file, vnode, segments, offsetBytes);
            }
            PositionLock.Enter(file);
            IoResult result = ReadVnode(context, file, vnode, segments, file.Position);
            file.Position += result.Count;
            PositionLock.Exit(file);
            return result;
        }
        return ReadHandle(context, file, file.Handle, segments, offsetBytes, IsNonBlocking(file, flags));
    }

    /// <summary>write, writev, pwrite, pwritev, pwritev2.</summary>
    /// <remarks>Errors: EBADF not for writing · ESPIPE · EOPNOTSUPP, EINVAL flags · EFBIG · EPERM sealed · ENOSPC · EPIPE · EFAULT · EAGAIN · EINTR · EIO.</remarks>
    internal static IoResult Write(VfsContext context, OpenFile file, ReadOnlySpan<IoVec> segments, long offsetBytes, ReadWriteFlags flags = ReadWriteFlags.None)
    {
        Errno errno = CheckAccess(file, writes: true, offsetBytes);
        if (errno == Errno.None)
        {
            errno = CheckRange(file, segments, offsetBytes);
        }
        if (errno == Errno.None && flags != ReadWriteFlags.None)
        {
            errno = CheckFlags(file, flags, writes: true);
        }
        if (errno != Errno.None)
        {
            return errno;
        }
        OpenFlags open = file.Flags;
        uint permissions = file.Vnode.Permissions;
        bool append = ((open & OpenFlags.Append) != 0 && (flags & ReadWriteFlags.NoAppend) == 0) || (flags & ReadWriteFlags.Append) != 0;
        IoResult result;
        if (file.Handle is { } handle)
        {
            result = WriteHandle(context, file, handle, segments, offsetBytes, append, IsNonBlocking(file, flags));
        }
        else
        {
            if (!file.Vnode.IsRegular)
            {
                return Errno.EINVAL;
            }
            result = WriteFile(context, file, segments, offsetBytes, append);
        }
        if (result.Count > 0)
        {
            Notify.Written(file, permissions);
            bool sync = (open & OpenFlags.DataSync) != 0 || (flags & (ReadWriteFlags.DataSync | ReadWriteFlags.Sync)) != 0
                || (file.Path.Mount.Flags & MountFlags.Synchronous) != 0;
            if (sync && file.Vnode.Type is FileType.Regular or FileType.BlockDevice)
            {
                bool dataOnly = (open & OpenFlags.Sync) != OpenFlags.Sync && (flags & ReadWriteFlags.Sync) == 0;
                errno = Durability.Sync(context, file, dataOnly);
                if (errno != Errno.None)
                {
                    return errno;
                }
            }
        }
        return result;
    }

    /// <summary>Reads a vnode's bytes at an offset; other core operations (copies, mappings) enter here. No locks held.</summary>
    internal static IoResult ReadVnode(VfsContext context, OpenFile file, Vnode vnode, ReadOnlySpan<IoVec> segments, long offsetBytes)
    {
        Errno errno = Attributes.Refresh(context, vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        long done = 0;
        VnodeLock.EnterRead(vnode, LockRank.Data);
        long left = Math.Min(vnode.SizeBytes - offsetBytes, MaxCount);
        IoResult failure = IoResult.Bytes(0);
        for (int i = 0; i < segments.Length && left > 0; i++)
        {
            ref readonly IoVec segment = ref segments[i];
            int count = (int)Math.Min((ulong)left, segment.Length);
            if (count == 0)
            {
                continue;
            }
            if (segment.Address is null)
            {
                failure = Errno.EFAULT;
                break;
            }
            failure = vnode.Read(context, offsetBytes + done, new Span<byte>(segment.Address, count));
            done += failure.Count;
            left -= failure.Count;
            if (failure.Count < count)
            {
                break;
            }
        }
        VnodeLock.ExitRead(vnode, LockRank.Data);
        if (done > 0 || failure.IsOk)
        {
            if ((file.Flags & OpenFlags.NoAccessTime) == 0)
            {
                AccessTimes.Touch(context, file.Path.Mount, vnode);
            }
            if (done > 0)
            {
                Notify.Accessed(file);
            }
            return IoResult.Bytes(done);
        }
        return failure;
    }

    /// <summary>Writes a vnode's bytes; the caller holds its lock exclusively and has chosen the offset.</summary>
    /// <param name="sizeLimit">RLIMIT_FSIZE and the file system's limit together.</param>
    /// <param name="keepsSetId">The store of a mapping: set-id bits stay.</param>
    internal static IoResult WriteVnodeLocked(VfsContext context, Vnode vnode, ReadOnlySpan<IoVec> segments, long offsetBytes, long sizeLimit,
        bool keepsSetId = false)
    {
        long left = Math.Min(TotalOf(segments), MaxCount);
        if (left == 0)
        {
            return IoResult.Bytes(0);
        }
        if (offsetBytes >= sizeLimit)
        {
            return Errno.EFBIG;
        }
        left = Math.Min(left, sizeLimit - offsetBytes);
        Errno errno = CheckContentWritable(vnode, offsetBytes, ref left);
        if (errno != Errno.None)
        {
            // A seal is met by the data, after times and set-id bits, as in Linux. Memory files are always the core's own.
            vnode.ContentChanged(context.Now, vnode.SizeBytes, keepsSetId ? 0 : SetIdBitsToDrop(context, vnode));
            return errno;
        }
        long done = 0;
        IoResult failure = IoResult.Bytes(0);
        for (int i = 0; i < segments.Length && left > 0; i++)
        {
            ref readonly IoVec segment = ref segments[i];
            int count = (int)Math.Min((ulong)left, segment.Length);
            if (count == 0)
            {
                continue;
            }
            if (segment.Address is null)
            {
                failure = Errno.EFAULT;
                break;
            }
            failure = vnode.Write(context, offsetBytes + done, new ReadOnlySpan<byte>(segment.Address, count));
            done += failure.Count;
            left -= failure.Count;
            if (failure.Count < count)
            {
                break;
            }
        }
        if (done == 0)
        {
            return failure;
        }
        if (vnode.FileSystem.CachePolicy == CachePolicy.Exclusive)
        {
            vnode.ContentChanged(context.Now, Math.Max(vnode.SizeBytes, offsetBytes + done), keepsSetId ? 0 : SetIdBitsToDrop(context, vnode));
        }
        else
        {
            vnode.ForgetAttributes();
        }
        return IoResult.Bytes(done);
    }

    /// <summary>Set-id bits that a change of content by this caller clears.</summary>
    internal static uint SetIdBitsToDrop(VfsContext context, Vnode vnode)
    {
        vnode.ReadAccess(out uint permissions, out _, out uint gid);
        return (permissions & (Mode.SetUid | Mode.SetGid)) == 0 || Access.Has(context, Capabilities.KeepSetId) ? 0
            : (permissions & Mode.SetUid) | SetGidToDrop(context, permissions, gid);
    }

    /// <summary>The set-group-id bit, when it marks a program or is not this caller's to keep (without execution it means locks).</summary>
    internal static uint SetGidToDrop(VfsContext context, uint permissions, uint gid)
    {
        const uint GroupExecute = 0x8;
        return (permissions & GroupExecute) != 0 || !(context.Credentials.IsInGroup(gid) || Access.Has(context, Capabilities.KeepSetId))
            ? permissions & Mode.SetGid
            : 0;
    }

    internal static long SizeLimit(VfsContext context, Vnode vnode) => Math.Min(context.Limits.MaxFileBytes, vnode.FileSystem.MaxFileBytes);

    internal static long TotalOf(ReadOnlySpan<IoVec> segments)
    {
        ulong total = 0;
        foreach (ref readonly IoVec segment in segments)
        {
            total = Math.Min(total + segment.Length, MaxCount);
        }
        return (long)total;
    }

    private static bool IsNonBlocking(OpenFile file, ReadWriteFlags flags) =>
        (file.Flags & OpenFlags.NonBlock) != 0 || (flags & ReadWriteFlags.NoWait) != 0;

    /// <summary>What is asked of the open file before its bytes are, in Linux' order.</summary>
    /// <remarks>Errors: ESPIPE an offset on a stream · EBADF access mode · EINVAL no such operation.</remarks>
    internal static Errno CheckAccess(OpenFile file, bool writes, long offsetBytes)
    {
        HandleTraits traits = file.Traits;
        return offsetBytes != AtPosition && (traits & HandleTraits.Stream) != 0 ? Errno.ESPIPE
            : !(writes ? file.CanWrite : file.CanRead) ? Errno.EBADF
            : (traits & (writes ? HandleTraits.Unwritable : HandleTraits.Unreadable)) != 0 ? Errno.EINVAL
            : Errno.None;
    }

    // A range that ends beyond the largest offset.
    private static Errno CheckRange(OpenFile file, ReadOnlySpan<IoVec> segments, long offsetBytes)
    {
        if ((file.Traits & HandleTraits.Stream) != 0)
        {
            return Errno.None;
        }
        long offset = offsetBytes == AtPosition ? file.Position : offsetBytes;
        return TotalOf(segments) > long.MaxValue - offset ? Errno.EINVAL : Errno.None;
    }

    private static Errno CheckFlags(OpenFile file, ReadWriteFlags flags, bool writes)
    {
        const ReadWriteFlags Both = ReadWriteFlags.Append | ReadWriteFlags.NoAppend;
        bool plain = (file.Handle is null && file.Vnode.IsDirectory)
            || (file.Traits & (writes ? HandleTraits.PlainWrite : HandleTraits.PlainRead)) != 0;
        return (flags & ~(plain ? ReadWriteFlags.HighPriority : DefinedFlags)) != 0 ? Errno.EOPNOTSUPP
            : (flags & Both) == Both ? Errno.EINVAL
            : (flags & ~KnownFlags) != 0 ? Errno.EOPNOTSUPP
            : (flags & ReadWriteFlags.NoWait) != 0 && (file.Handle is null || file.Vnode.IsRegular) && !file.Vnode.FileSystem.Supports(FileSystemFeatures.NoWait) ? Errno.EOPNOTSUPP
            : writes && (flags & ReadWriteFlags.NoAppend) != 0 && (file.Vnode.Flags & InodeFlags.AppendOnly) != 0 ? Errno.EPERM
            : Errno.None;
    }

    // Seals. An immutable flag that came after the open does not stop it, as on Linux. Caller holds the lock exclusively.
    private static Errno CheckContentWritable(Vnode vnode, long offsetBytes, ref long left)
    {
        if (vnode.ExtensionOrNull?.Seals is { } seals)
        {
            long size = vnode.SizeBytes;
            Errno errno = seals.CheckWrite(offsetBytes, size);
            if (errno != Errno.None)
            {
                return errno;
            }
            if (offsetBytes + left > size && seals.CheckResize(size, offsetBytes + left) != Errno.None)
            {
                // As Linux, page by page: the first one that would grow the file ends it.
                left = (size / PageBytes * PageBytes) - offsetBytes;
                return left > 0 ? Errno.None : Errno.EPERM;
            }
        }
        return Errno.None;
    }

    private static IoResult WriteFile(VfsContext context, OpenFile file, ReadOnlySpan<IoVec> segments, long offsetBytes, bool append)
    {
        Vnode vnode = file.Vnode;
        Errno errno = Attributes.Refresh(context, vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        bool atPosition = offsetBytes == AtPosition;
        if (atPosition)
        {
            PositionLock.Enter(file);
        }
        VnodeLock.EnterWrite(vnode, LockRank.Data);
        long offset = append ? vnode.SizeBytes : atPosition ? file.Position : offsetBytes;
        IoResult result = WriteVnodeLocked(context, vnode, segments, offset, SizeLimit(context, vnode));
        VnodeLock.ExitWrite(vnode, LockRank.Data);
        if (atPosition)
        {
            if (result.Count > 0)
            {
                file.Position = offset + result.Count;
            }
            PositionLock.Exit(file);
        }
        return result;
    }

    // Where nothing would be read, nothing is written to a caller's bad address.
    private static bool IsAtEnd(VfsContext context, OpenHandle handle, long offsetBytes)
    {
        byte probe = 0;
        return (handle.Traits & (HandleTraits.Stream | HandleTraits.OwnSize)) == HandleTraits.OwnSize
            && handle.Read(context, offsetBytes, new Span<byte>(ref probe), nonBlocking: true) is { IsOk: true, Count: 0 };
    }

    internal static IoResult ReadHandle(
        VfsContext context, OpenFile file, OpenHandle handle, ReadOnlySpan<IoVec> segments, long offsetBytes, bool nonBlocking)
    {
        HandleTraits traits = handle.Traits;
        bool usesPosition = offsetBytes == AtPosition && (traits & (HandleTraits.Stream | HandleTraits.OwnPosition)) == 0;
        bool locks = (traits & HandleTraits.SelfLocking) == 0;
        bool plain = (traits & HandleTraits.PlainRead) != 0;
        if (segments.Length > 1 && (traits & HandleTraits.Stream) != 0 && !plain)
        {
            return StreamVectors.Read(context, file, handle, segments, nonBlocking);
        }
        if (usesPosition)
        {
            PositionLock.Enter(file);
        }
        if (locks)
        {
            VnodeLock.EnterRead(file.Vnode, LockRank.Data);
        }
        long start = usesPosition ? file.Position : offsetBytes;
        long done = 0;
        IoResult result = IoResult.Bytes(0);
        foreach (ref readonly IoVec segment in segments)
        {
            int count = (int)Math.Min(segment.Length, (ulong)(MaxCount - done));
            if (segment.Address is null && count > 0)
            {
                result = IsAtEnd(context, handle, Math.Max(start, 0) + done) ? IoResult.Bytes(0) : Errno.EFAULT;
                break;
            }
            // A plain read is made for each piece, whatever its size.
            if (count == 0 && segments.Length > 1 && !plain)
            {
                continue;
            }
            // What came already is returned at once: only the first piece may sleep.
            result = handle.Read(context, Math.Max(start, 0) + done, new Span<byte>(segment.Address, count), nonBlocking || done > 0);
            done += result.Count;
            if (!result.IsOk || result.Count < count)
            {
                break;
            }
        }
        if (locks)
        {
            VnodeLock.ExitRead(file.Vnode, LockRank.Data);
        }
        if (usesPosition)
        {
            file.Position = start + done;
            PositionLock.Exit(file);
        }
        if (done > 0)
        {
            if (file.Vnode.Type == FileType.Fifo && (file.Flags & OpenFlags.NoAccessTime) == 0)
            {
                AccessTimes.Touch(context, file.Path.Mount, file.Vnode);
            }
            Notify.Accessed(file);
        }
        return done > 0 || result.IsOk ? IoResult.Bytes(done) : result;
    }

    internal static IoResult WriteHandle(
        VfsContext context, OpenFile file, OpenHandle handle, ReadOnlySpan<IoVec> segments, long offsetBytes, bool append, bool nonBlocking)
    {
        HandleTraits traits = handle.Traits;
        bool usesPosition = offsetBytes == AtPosition && (traits & (HandleTraits.Stream | HandleTraits.OwnPosition)) == 0;
        bool locks = (traits & HandleTraits.SelfLocking) == 0;
        bool plain = (traits & HandleTraits.PlainWrite) != 0;
        if (segments.Length > 1 && (traits & HandleTraits.Stream) != 0 && !plain)
        {
            return StreamVectors.Write(context, file, handle, segments, nonBlocking);
        }
        bool ownAppend = append && (traits & HandleTraits.OwnAppend) != 0;
        if (usesPosition)
        {
            PositionLock.Enter(file);
        }
        if (locks)
        {
            VnodeLock.EnterWrite(file.Vnode, LockRank.Data);
        }
        long start = append && (traits & (HandleTraits.OwnAppend | HandleTraits.OwnSize)) == 0 ? file.Vnode.SizeBytes
            : usesPosition ? file.Position
            : offsetBytes;
        long limit = (traits & HandleTraits.Stream) != 0 ? long.MaxValue : SizeLimit(context, file.Vnode);
        long done = 0;
        IoResult result = IoResult.Bytes(0);
        foreach (ref readonly IoVec segment in segments)
        {
            long at = Math.Max(start, 0) + done;
            int count = (int)Math.Min(segment.Length, (ulong)(MaxCount - done));
            if (count > 0 && at >= limit)
            {
                result = Errno.EFBIG;
                break;
            }
            count = (int)Math.Min(count, limit - at);
            if (segment.Address is null && count > 0)
            {
                result = Errno.EFAULT;
                break;
            }
            if (count == 0 && segments.Length > 1 && !plain)
            {
                continue;
            }
            result = handle.Write(context, ownAppend ? OpenHandle.AtEnd : at, new ReadOnlySpan<byte>(segment.Address, count), nonBlocking);
            done += result.Count;
            if (!result.IsOk || result.Count < count)
            {
                break;
            }
        }
        if (locks)
        {
            if (done > 0)
            {
                long size = (traits & HandleTraits.OwnSize) != 0 ? file.Vnode.SizeBytes : Math.Max(file.Vnode.SizeBytes, start + done);
                if (file.Vnode.FileSystem.CachePolicy == CachePolicy.Exclusive)
                {
                    file.Vnode.ContentChanged(context.Now, size, SetIdBitsToDrop(context, file.Vnode));
                }
            }
            VnodeLock.ExitWrite(file.Vnode, LockRank.Data);
        }
        if (done > 0)
        {
            if (file.Vnode.Type == FileType.Fifo)
            {
                AccessTimes.TouchWritten(context, file.Path.Mount, file.Vnode);
            }
            Attributes.Forget(file.Vnode);
        }
        if (usesPosition)
        {
            if (done > 0)
            {
                file.Position = ownAppend ? handle.Seek(context, 0, SeekWhence.End).Count : start + done;
            }
            PositionLock.Exit(file);
        }
        return done > 0 || result.IsOk ? IoResult.Bytes(done) : result;
    }
}
