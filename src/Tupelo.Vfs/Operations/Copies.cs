// Copies moves bytes from file to file without the caller's buffers: copy_file_range, sendfile, splice, tee.
//
// Between files bytes pass through one scratch buffer per thread; between a pipe and a file through the pipe's own pages
// (PipeRing.Drain and Fill). Positions are locked for the whole call when they are used, two of them by serial number.
// Source: copy_file_range(2), sendfile(2), splice(2), tee(2); the order of errors is Linux'.
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

internal static unsafe class Copies
{
    private const int ScratchBytes = 256 * 1024;

    [ThreadStatic]
    private static byte[]? t_scratch;

    private static byte[] Scratch => t_scratch ??= GC.AllocateUninitializedArray<byte>(ScratchBytes, pinned: true);

    /// <summary>copy_file_range(2). Here and below a null reference for an offset means the open file's position, which moves.</summary>
    /// <remarks>Errors: EISDIR · EINVAL no regular file, offsets, overlap · EBADF modes, O_APPEND · EXDEV another file system · EOVERFLOW · EFBIG · ENOSPC · EIO.</remarks>
    internal static IoResult CopyRange(VfsContext context, OpenFile source, ref long sourceOffset, OpenFile target, ref long targetOffset, ulong length)
    {
        if (source.Vnode.IsDirectory || target.Vnode.IsDirectory)
        {
            return Errno.EISDIR;
        }
        if (!source.Vnode.IsRegular || !target.Vnode.IsRegular)
        {
            return Errno.EINVAL;
        }
        if (!source.CanRead || !target.CanWrite || (target.Flags & OpenFlags.Append) != 0)
        {
            return Errno.EBADF;
        }
        if (!ReferenceEquals(source.Vnode.FileSystem, target.Vnode.FileSystem))
        {
            return Errno.EXDEV;
        }
        bool sourcePosition = Unsafe.IsNullRef(in sourceOffset);
        bool targetPosition = Unsafe.IsNullRef(in targetOffset);
        LockPositions(source, sourcePosition, target, targetPosition);
        long from = sourcePosition ? source.Position : sourceOffset;
        long to = targetPosition ? target.Position : targetOffset;
        IoResult result = CopyLocked(context, source, from, target, to, length);
        if (result.Count > 0)
        {
            Advance(source, sourcePosition, ref sourceOffset, from + result.Count);
            Advance(target, targetPosition, ref targetOffset, to + result.Count);
            Notify.Modified(target);
        }
        UnlockPositions(source, sourcePosition, target, targetPosition);
        return result;
    }

    /// <summary>What sendfile checks of its source before it looks at the target.</summary>
    /// <remarks>Errors: EBADF not for reading · ESPIPE an offset and no seeking · EINVAL offset, count or their sum below 0.</remarks>
    internal static IoResult CheckOrigin(OpenFile source, ref long sourceOffset, ulong length)
    {
        bool position = Unsafe.IsNullRef(in sourceOffset);
        return !source.CanRead ? Errno.EBADF
            : !position && (source.Traits & HandleTraits.Stream) != 0 ? Errno.ESPIPE
            : !IsRange(source, ref sourceOffset, length) ? Errno.EINVAL
            : IoResult.Bytes(0);
    }

    /// <summary>sendfile(2), after <see cref="CheckOrigin"/>.</summary>
    /// <remarks>
    /// Errors: EBADF modes · to a pipe EPIPE no reader, EAGAIN no room · EINVAL O_APPEND, no seeking in the source, source no file, target
    /// takes no bytes · those of the write.
    /// </remarks>
    internal static IoResult Send(VfsContext context, OpenFile target, OpenFile source, ref long sourceOffset, ulong length)
    {
        if (!target.CanWrite)
        {
            return Errno.EBADF;
        }
        bool position = Unsafe.IsNullRef(in sourceOffset);
        if (target.Handle is FifoHandle pipe)
        {
            return Fill(context, source, ref sourceOffset, !position, pipe.Ring, target, length, nonBlocking: false);
        }
        length = Math.Min(length, FileIo.MaxCount);
        if ((target.Flags & OpenFlags.Append) != 0 || source.Handle is FifoHandle || !IsRange(target, ref Unsafe.NullRef<long>(), length))
        {
            return Errno.EINVAL;
        }
        if (length == 0 || !IsReadable(source))
        {
            // Linux looks at the source's kind when there is something to move, and then the source was accessed all the same.
            Touch(context, source);
            return length == 0 ? IoResult.Bytes(0) : Errno.EINVAL;
        }
        if (target.Handle is EventHandle)
        {
            // Linux reads first; at the end there is nothing to refuse.
            Touch(context, source);
            long at = position ? source.Position : sourceOffset;
            return source.Handle is null && at >= source.Vnode.SizeBytes ? IoResult.Bytes(0) : Errno.EINVAL;
        }
        bool targetPosition = (target.Traits & (HandleTraits.Stream | HandleTraits.OwnPosition)) == 0;
        LockPositions(source, position, target, targetPosition);
        long from = position ? source.Position : sourceOffset;
        long start = from;
        long to = target.Position;
        long done = 0;
        IoResult result = IoResult.Bytes(0);
        long left = (long)length;
        while (left > 0)
        {
            IoResult read = ReadAt(context, source, from, Scratch.AsSpan(0, (int)Math.Min(ScratchBytes, left)));
            if (read.Count == 0)
            {
                result = read;
                break;
            }
            result = targetPosition
                ? WriteAt(context, target, to, Scratch.AsSpan(0, (int)read.Count))
                : WriteStream(context, target, Scratch.AsSpan(0, (int)read.Count), mayWait: done == 0);
            from += result.Count;
            to += result.Count;
            done += result.Count;
            left -= result.Count;
            if (result.Count < read.Count)
            {
                break;
            }
        }
        if (done > 0)
        {
            Advance(source, position, ref sourceOffset, start + done);
            if (targetPosition)
            {
                target.Position = to;
            }
            Notify.Modified(target);
        }
        UnlockPositions(source, position, target, targetPosition);
        return done > 0 || result.IsOk ? IoResult.Bytes(done) : result;
    }

    /// <summary>splice(2): one side, or both, is a pipe.</summary>
    /// <remarks>Errors: ESPIPE an offset for a pipe · EBADF modes · EINVAL no pipe, the same pipe, O_APPEND, no seeking · EAGAIN · EPIPE · EINTR ...</remarks>
    internal static IoResult Splice(
        VfsContext context, OpenFile source, ref long sourceOffset, OpenFile target, ref long targetOffset, ulong length, SpliceFlags flags)
    {
        PipeRing? from = (source.Handle as FifoHandle)?.Ring;
        PipeRing? to = (target.Handle as FifoHandle)?.Ring;
        bool sourceGiven = !Unsafe.IsNullRef(in sourceOffset);
        bool targetGiven = !Unsafe.IsNullRef(in targetOffset);
        if ((from is not null && sourceGiven) || (to is not null && targetGiven))
        {
            return Errno.ESPIPE;
        }
        if (!source.CanRead || !target.CanWrite)
        {
            return Errno.EBADF;
        }
        bool nonBlocking = (flags & SpliceFlags.NonBlock) != 0;
        if (from is not null && to is not null)
        {
            return from.SpliceTo(to, (long)Math.Min(length, FileIo.MaxCount), nonBlocking || IsNonBlocking(source) || IsNonBlocking(target), context.Interrupt);
        }
        return from is not null ? Drain(context, from, source, target, ref targetOffset, targetGiven, length, nonBlocking)
            : to is not null ? Fill(context, source, ref sourceOffset, sourceGiven, to, target, length, nonBlocking)
            : Errno.EINVAL;
    }

    /// <summary>tee(2). Errors: EINVAL not two pipes, or the same · EBADF modes · EAGAIN · EPIPE · EINTR.</summary>
    internal static IoResult Tee(VfsContext context, OpenFile source, OpenFile target, ulong length, SpliceFlags flags)
    {
        if (!source.CanRead || !target.CanWrite)
        {
            return Errno.EBADF;
        }
        if (source.Handle is not FifoHandle from || target.Handle is not FifoHandle to)
        {
            return Errno.EINVAL;
        }
        bool nonBlocking = (flags & SpliceFlags.NonBlock) != 0 || IsNonBlocking(source) || IsNonBlocking(target);
        return from.Ring.TeeTo(to.Ring, (long)Math.Min(length, FileIo.MaxCount), nonBlocking, context.Interrupt);
    }

    // What a splice can read: files, and devices that have a position; no directories, no events.
    private static bool IsReadable(OpenFile source) => source.Handle is { } handle
        ? (handle.Traits & HandleTraits.Stream) == 0
        : source.Vnode.IsRegular;

    // Begins at 0 at least and ends before the largest offset.
    private static bool IsRange(OpenFile file, ref long offset, ulong length)
    {
        long start = Unsafe.IsNullRef(in offset) ? file.Position : offset;
        return start >= 0 && length <= (ulong)(long.MaxValue - start);
    }

    private static void Touch(VfsContext context, OpenFile file)
    {
        if ((file.Flags & OpenFlags.NoAccessTime) == 0)
        {
            AccessTimes.Touch(context, file.Path.Mount, file.Vnode);
        }
    }

    private static bool IsNonBlocking(OpenFile file) => (file.Flags & OpenFlags.NonBlock) != 0;

    private static void LockPositions(OpenFile source, bool sourcePosition, OpenFile target, bool targetPosition)
    {
        if (sourcePosition && targetPosition)
        {
            PositionLock.EnterTwo(source, target);
        }
        else if (sourcePosition)
        {
            PositionLock.Enter(source);
        }
        else if (targetPosition)
        {
            PositionLock.Enter(target);
        }
    }

    private static void UnlockPositions(OpenFile source, bool sourcePosition, OpenFile target, bool targetPosition)
    {
        if (sourcePosition && targetPosition)
        {
            PositionLock.ExitTwo(source, target);
        }
        else if (sourcePosition)
        {
            PositionLock.Exit(source);
        }
        else if (targetPosition)
        {
            PositionLock.Exit(target);
        }
    }

    private static void Advance(OpenFile file, bool position, ref long offset, long to)
    {
        if (position)
        {
            file.Position = to;
        }
        else
        {
            offset = to;
        }
    }

    // The ranges are checked here; positions are locked by the caller.
    private static IoResult CopyLocked(VfsContext context, OpenFile source, long from, OpenFile target, long to, ulong length)
    {
        if ((target.Vnode.Flags & InodeFlags.Immutable) != 0)
        {
            return Errno.EPERM;
        }
        if (length > ulong.MaxValue - (ulong)from || length > ulong.MaxValue - (ulong)to)
        {
            return Errno.EOVERFLOW;
        }
        Errno errno = Attributes.Refresh(context, source.Vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        long left = (long)Math.Min(length, long.MaxValue);
        if (from >= 0)
        {
            left = Math.Clamp(source.Vnode.SizeBytes - from, 0, left);
        }
        long limit = FileIo.SizeLimit(context, target.Vnode);
        if (to >= limit)
        {
            return Errno.EFBIG;
        }
        if (to >= 0)
        {
            left = Math.Min(left, limit - to);
        }
        if (from < 0 || to < 0)
        {
            return Errno.EINVAL;
        }
        left = Math.Min(left, FileIo.MaxCount);
        if (left == 0)
        {
            return IoResult.Bytes(0);
        }
        if (ReferenceEquals(source.Vnode, target.Vnode) && from < to + left && to < from + left)
        {
            return Errno.EINVAL;
        }
        long done = 0;
        IoResult result = IoResult.Bytes(0);
        while (done < left)
        {
            IoResult read = ReadAt(context, source, from + done, Scratch.AsSpan(0, (int)Math.Min(ScratchBytes, left - done)));
            if (read.Count == 0)
            {
                result = read;
                break;
            }
            result = WriteAt(context, target, to + done, Scratch.AsSpan(0, (int)read.Count));
            done += result.Count;
            if (result.Count < read.Count)
            {
                break;
            }
        }
        return done > 0 || result.IsOk ? IoResult.Bytes(done) : result;
    }

    private static IoResult ReadAt(VfsContext context, OpenFile file, long offset, Span<byte> buffer)
    {
        fixed (byte* address = buffer)
        {
            IoVec segment = new(address, (nuint)buffer.Length);
            return FileIo.Read(context, file, new ReadOnlySpan<IoVec>(in segment), offset);
        }
    }

    private static IoResult WriteAt(VfsContext context, OpenFile file, long offset, ReadOnlySpan<byte> data)
    {
        fixed (byte* address = data)
        {
            IoVec segment = new(address, (nuint)data.Length);
            return FileIo.Write(context, file, new ReadOnlySpan<IoVec>(in segment), offset);
        }
    }

    private static IoResult WriteStream(VfsContext context, OpenFile file, ReadOnlySpan<byte> data, bool mayWait)
    {
        fixed (byte* address = data)
        {
            IoVec segment = new(address, (nuint)data.Length);
            return FileIo.Write(
                context, file, new ReadOnlySpan<IoVec>(in segment), FileIo.AtPosition, mayWait ? ReadWriteFlags.None : ReadWriteFlags.NoWait);
        }
    }

    private static IoResult Drain(
        VfsContext context, PipeRing from, OpenFile source, OpenFile target, ref long targetOffset, bool targetGiven, ulong length, bool nonBlocking)
    {
        if ((target.Flags & OpenFlags.Append) != 0 || target.Handle is EventHandle || !IsRange(target, ref targetOffset, length)
            || (targetGiven && (target.Traits & HandleTraits.Stream) != 0))
        {
            return Errno.EINVAL;
        }
        bool position = !targetGiven && (target.Traits & (HandleTraits.Stream | HandleTraits.OwnPosition)) == 0;
        LockPositions(source, false, target, position);
        long start = position ? target.Position : targetGiven ? targetOffset : 0;
        var sink = new FileSink(context, target, start);
        IoResult result = from.Drain(ref sink, (long)Math.Min(length, FileIo.MaxCount), nonBlocking || IsNonBlocking(source), context.Interrupt);
        if (result.Count > 0 && (position || targetGiven))
        {
            Advance(target, position, ref targetOffset, start + result.Count);
        }
        UnlockPositions(source, false, target, position);
        return result;
    }

    private static IoResult Fill(
        VfsContext context, OpenFile source, ref long sourceOffset, bool sourceGiven, PipeRing to, OpenFile target, ulong length, bool nonBlocking)
    {
        if (!IsRange(source, ref sourceOffset, length) || (sourceGiven && (source.Traits & HandleTraits.Stream) != 0))
        {
            return Errno.EINVAL;
        }
        bool position = !sourceGiven && (source.Traits & (HandleTraits.Stream | HandleTraits.OwnPosition)) == 0;
        LockPositions(source, position, target, false);
        long start = position ? source.Position : sourceGiven ? sourceOffset : 0;
        var origin = new FileOrigin(context, source, start);
        IoResult result = to.Fill(ref origin, (long)Math.Min(length, FileIo.MaxCount), (int)(start & 4095), nonBlocking || IsNonBlocking(target), context.Interrupt);
        if (result.Count > 0 && (position || sourceGiven))
        {
            Advance(source, position, ref sourceOffset, start + result.Count);
        }
        UnlockPositions(source, position, target, false);
        return result;
    }

    // A pipe's bytes go to a file at an offset that moves along.
    private ref struct FileSink(VfsContext context, OpenFile file, long offset) : IPipeSink
    {
        private long _offset = offset;

        public IoResult Write(ReadOnlySpan<byte> data)
        {
            if ((file.Traits & HandleTraits.Stream) != 0)
            {
                return WriteStream(context, file, data, mayWait: true);
            }
            IoResult result = WriteAt(context, file, _offset, data);
            _offset += result.Count;
            return result;
        }
    }

    private ref struct FileOrigin(VfsContext context, OpenFile file, long offset) : IPipeSource
    {
        private long _offset = offset;

        public IoResult Read(Span<byte> buffer)
        {
            if (!IsReadable(file))
            {
                return Errno.EINVAL;
            }
            IoResult result = ReadAt(context, file, _offset, buffer);
            _offset += result.Count;
            return result;
        }
    }
}
