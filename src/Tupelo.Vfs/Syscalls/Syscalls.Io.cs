using System.Runtime.InteropServices;

namespace Tupelo.Vfs;

// Reading, writing, seeking, space, durability.
public sealed unsafe partial class Syscalls
{
    /// <summary>read(2).</summary>
    public long Read(int fd, Span<byte> buffer)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        fixed (byte* address = &MemoryMarshal.GetReference(buffer))
        {
            IoVec segment = new(address, (nuint)buffer.Length);
            IoResult result = FileIo.Read(Context, file, new ReadOnlySpan<IoVec>(in segment), FileIo.AtPosition);
            file.Release();
            return result.Raw;
        }
    }

    /// <summary>write(2).</summary>
    public long Write(int fd, ReadOnlySpan<byte> buffer)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        fixed (byte* address = &MemoryMarshal.GetReference(buffer))
        {
            IoVec segment = new(address, (nuint)buffer.Length);
            IoResult result = FileIo.Write(Context, file, new ReadOnlySpan<IoVec>(in segment), FileIo.AtPosition);
            file.Release();
            return result.Raw;
        }
    }

    /// <summary>pread64(2).</summary>
    public long PRead(int fd, Span<byte> buffer, long offsetBytes)
    {
        if (offsetBytes < 0)
        {
            return Result(Errno.EINVAL);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        fixed (byte* address = &MemoryMarshal.GetReference(buffer))
        {
            IoVec segment = new(address, (nuint)buffer.Length);
            IoResult result = FileIo.Read(Context, file, new ReadOnlySpan<IoVec>(in segment), offsetBytes);
            file.Release();
            return result.Raw;
        }
    }

    /// <summary>pwrite64(2); appends when the file was opened so, as Linux does.</summary>
    public long PWrite(int fd, ReadOnlySpan<byte> buffer, long offsetBytes)
    {
        if (offsetBytes < 0)
        {
            return Result(Errno.EINVAL);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        fixed (byte* address = &MemoryMarshal.GetReference(buffer))
        {
            IoVec segment = new(address, (nuint)buffer.Length);
            IoResult result = FileIo.Write(Context, file, new ReadOnlySpan<IoVec>(in segment), offsetBytes);
            file.Release();
            return result.Raw;
        }
    }

    /// <summary>readv(2). The segments' memory must not move during the call.</summary>
    public long ReadV(int fd, ReadOnlySpan<IoVec> segments, int count) => PReadV2(fd, segments, count, FileIo.AtPosition, ReadWriteFlags.None);

    /// <summary>writev(2).</summary>
    public long WriteV(int fd, ReadOnlySpan<IoVec> segments, int count) => PWriteV2(fd, segments, count, FileIo.AtPosition, ReadWriteFlags.None);

    /// <summary>preadv(2).</summary>
    public long PReadV(int fd, ReadOnlySpan<IoVec> segments, int count, long offsetBytes) =>
        offsetBytes < 0 ? Result(Errno.EINVAL) : PReadV2(fd, segments, count, offsetBytes, ReadWriteFlags.None);

    /// <summary>pwritev(2).</summary>
    public long PWriteV(int fd, ReadOnlySpan<IoVec> segments, int count, long offsetBytes) =>
        offsetBytes < 0 ? Result(Errno.EINVAL) : PWriteV2(fd, segments, count, offsetBytes, ReadWriteFlags.None);

    /// <summary>preadv2(2); an offset of -1 uses and moves the position.</summary>
    public long PReadV2(int fd, ReadOnlySpan<IoVec> segments, int count, long offsetBytes, ReadWriteFlags flags)
    {
        if (offsetBytes < FileIo.AtPosition)
        {
            return Result(Errno.EINVAL);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = CheckVector(file, writes: false, segments, count, offsetBytes);
        if (result.Count > 0)
        {
            result = FileIo.Read(Context, file, segments[..count], offsetBytes, flags);
        }
        if (result.Raw == 0)
        {
            Notify.Accessed(file); // Unlike read(2), as Linux: also when nothing was read.
        }
        file.Release();
        return result.Raw;
    }

    /// <summary>pwritev2(2); an offset of -1 uses and moves the position.</summary>
    public long PWriteV2(int fd, ReadOnlySpan<IoVec> segments, int count, long offsetBytes, ReadWriteFlags flags)
    {
        if (offsetBytes < FileIo.AtPosition)
        {
            return Result(Errno.EINVAL);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = CheckVector(file, writes: true, segments, count, offsetBytes);
        if (result.Count > 0)
        {
            result = FileIo.Write(Context, file, segments[..count], offsetBytes, flags);
        }
        file.Release();
        return result.Raw;
    }

    /// <summary>lseek(2).</summary>
    public long LSeek(int fd, long offsetBytes, SeekWhence whence)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = Space.Seek(Context, file, offsetBytes, whence);
        file.Release();
        return result.Raw;
    }

    /// <summary>truncate(2).</summary>
    public long Truncate(ReadOnlySpan<byte> path, long lengthBytes)
    {
        if (lengthBytes < 0)
        {
            return Result(Errno.EINVAL);
        }
        Errno errno = Resolve(AtFd.CurrentDirectory, path, follow: true, mayBeEmpty: false, out PathRef place);
        if (errno == Errno.None)
        {
            errno = Space.TruncatePath(Context, place, lengthBytes);
            place.Unpin();
        }
        return Result(errno);
    }

    /// <summary>ftruncate(2).</summary>
    public long FTruncate(int fd, long lengthBytes)
    {
        if (lengthBytes < 0)
        {
            return Result(Errno.EINVAL);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = Space.TruncateFile(Context, file, lengthBytes);
        file.Release();
        return Result(errno);
    }

    /// <summary>fallocate(2).</summary>
    public long FAllocate(int fd, FallocateMode mode, long offsetBytes, long lengthBytes)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = Space.Allocate(Context, file, mode, offsetBytes, lengthBytes);
        file.Release();
        return Result(errno);
    }

    /// <summary>posix_fadvise(2): checked, and otherwise of no effect.</summary>
    public long FAdvise(int fd, long offsetBytes, long lengthBytes, FileAdvice advice)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = file.Vnode.Type == FileType.Fifo ? Errno.ESPIPE
            : lengthBytes < 0 || (uint)advice > (uint)FileAdvice.NoReuse ? Errno.EINVAL
            : Errno.None;
        file.Release();
        return Result(errno);
    }

    /// <summary>readahead(2): checked, and otherwise of no effect.</summary>
    public long ReadAhead(int fd, long offsetBytes, nuint count)
    {
        _ = (offsetBytes, count);
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = !file.CanRead ? Errno.EBADF : !file.Vnode.IsRegular ? Errno.EINVAL : Errno.None;
        file.Release();
        return Result(errno);
    }

    /// <summary>fsync(2).</summary>
    public long FSync(int fd) => SyncFile(fd, dataOnly: false);

    /// <summary>fdatasync(2).</summary>
    public long FDataSync(int fd) => SyncFile(fd, dataOnly: true);

    /// <summary>sync_file_range(2).</summary>
    public long SyncFileRange(int fd, long offsetBytes, long lengthBytes, SyncFileRangeFlags flags)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = Durability.SyncRange(Context, file, offsetBytes, lengthBytes, flags);
        file.Release();
        return Result(errno);
    }

    /// <summary>syncfs(2).</summary>
    public long SyncFs(int fd)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = Durability.SyncFileSystem(file);
        file.Release();
        return Result(errno);
    }

    /// <summary>sync(2).</summary>
    public long Sync()
    {
        Durability.SyncAll(Context.Kernel);
        return 0;
    }

    // The bytes that would move; when there are none, nothing else is looked at.
    private static IoResult CheckVector(OpenFile file, bool writes, ReadOnlySpan<IoVec> segments, int count, long offsetBytes)
    {
        Errno errno = FileIo.CheckAccess(file, writes, offsetBytes);
        return errno != Errno.None ? errno : FileIo.CheckSegments(segments, count);
    }

    private long SyncFile(int fd, bool dataOnly)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = Durability.Sync(Context, file, dataOnly);
        file.Release();
        return Result(errno);
    }
}
