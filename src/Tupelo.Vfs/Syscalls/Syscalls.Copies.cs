using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

// From file to file, pipes, mappings. A null reference for an offset means the open file's position.
public sealed unsafe partial class Syscalls
{
    /// <summary>copy_file_range(2).</summary>
    public long CopyFileRange(int inFd, ref long inOffset, int outFd, ref long outOffset, nuint length, uint flags = 0)
    {
        if (!TryGetTwo(inFd, outFd, out OpenFile source, out OpenFile target))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = Errno.EINVAL;
        if (flags == 0)
        {
            result = Copies.CopyRange(Context, source, ref inOffset, target, ref outOffset, length);
        }
        source.Release();
        target.Release();
        return result.Raw;
    }

    /// <summary>sendfile(2).</summary>
    public long SendFile(int outFd, int inFd, ref long offset, nuint count)
    {
        if (!TryGetFile(inFd, out OpenFile source))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = Copies.CheckOrigin(source, ref offset, count);
        if (result.IsOk)
        {
            if (TryGetFile(outFd, out OpenFile target))
            {
                result = Copies.Send(Context, target, source, ref offset, count);
                target.Release();
            }
            else
            {
                result = Errno.EBADF;
            }
        }
        source.Release();
        return result.Raw;
    }

    /// <summary>splice(2).</summary>
    public long Splice(int inFd, ref long inOffset, int outFd, ref long outOffset, nuint length, SpliceFlags flags = SpliceFlags.None)
    {
        if (length == 0)
        {
            return 0;
        }
        if ((flags & ~(SpliceFlags.Move | SpliceFlags.NonBlock | SpliceFlags.More | SpliceFlags.Gift)) != 0)
        {
            return Result(Errno.EINVAL);
        }
        if (!TryGetTwo(inFd, outFd, out OpenFile source, out OpenFile target))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = Copies.Splice(Context, source, ref inOffset, target, ref outOffset, length, flags);
        source.Release();
        target.Release();
        return result.Raw;
    }

    /// <summary>tee(2).</summary>
    public long Tee(int inFd, int outFd, nuint length, SpliceFlags flags = SpliceFlags.None)
    {
        if ((flags & ~(SpliceFlags.Move | SpliceFlags.NonBlock | SpliceFlags.More | SpliceFlags.Gift)) != 0)
        {
            return Result(Errno.EINVAL);
        }
        if (length == 0)
        {
            return 0;
        }
        if (!TryGetTwo(inFd, outFd, out OpenFile source, out OpenFile target))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = Copies.Tee(Context, source, target, length, flags);
        source.Release();
        target.Release();
        return result.Raw;
    }

    /// <summary>vmsplice(2): the segments go into a pipe, or a pipe's bytes into the segments.</summary>
    public long VmSplice(int fd, ReadOnlySpan<IoVec> segments, int count, SpliceFlags flags = SpliceFlags.None)
    {
        if ((flags & ~(SpliceFlags.Move | SpliceFlags.NonBlock | SpliceFlags.More | SpliceFlags.Gift)) != 0)
        {
            return Result(Errno.EINVAL);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = file.Handle is FifoHandle ? FileIo.CheckSegments(segments, count) : Errno.EBADF;
        if (result.Count > 0)
        {
            ReadWriteFlags waits = (flags & SpliceFlags.NonBlock) != 0 ? ReadWriteFlags.NoWait : ReadWriteFlags.None;
            result = file.CanWrite
                ? FileIo.Write(Context, file, segments[..count], FileIo.AtPosition, waits)
                : FileIo.Read(Context, file, segments[..count], FileIo.AtPosition, waits);
        }
        file.Release();
        return result.Raw;
    }

    /// <summary>pipe2(2): the reading end, then the writing end.</summary>
    public long Pipe2(Span<int> fds, OpenFlags flags = OpenFlags.ReadOnly)
    {
        if ((flags & ~(OpenFlags.CloseOnExec | OpenFlags.NonBlock | OpenFlags.Direct)) != 0)
        {
            return Result(Errno.EINVAL);
        }
        if (fds.Length < 2 || Unsafe.IsNullRef(in System.Runtime.InteropServices.MemoryMarshal.GetReference(fds)))
        {
            return Result(Errno.EFAULT);
        }
        Context.Kernel.Anonymous.OpenPipe(Context, flags & ~OpenFlags.CloseOnExec, out OpenFile reading, out OpenFile writing);
        long first = Install(reading, flags);
        if (first < 0)
        {
            writing.Release();
            return first;
        }
        long second = Install(writing, flags);
        if (second < 0)
        {
            _ = Close((int)first);
            return second;
        }
        fds[0] = (int)first;
        fds[1] = (int)second;
        return 0;
    }

    /// <summary>mmap(2) of a file.</summary>
    public long MMap(nuint length, MapProtection protection, MapFlags flags, int fd, long offsetBytes, out FileMapping? mapping)
    {
        mapping = null;
        if ((offsetBytes & 4095) != 0 || offsetBytes < 0)
        {
            return Result(Errno.EINVAL);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = FileMapping.Map(Context, file, offsetBytes, length, protection, flags, out mapping);
        if (errno != Errno.None)
        {
            file.Release();
        }
        return Result(errno);
    }

    private bool TryGetTwo(int firstFd, int secondFd, out OpenFile first, out OpenFile second)
    {
        second = null!;
        if (!TryGetFile(firstFd, out first))
        {
            return false;
        }
        if (TryGetFile(secondFd, out second))
        {
            return true;
        }
        first.Release();
        return false;
    }
}
