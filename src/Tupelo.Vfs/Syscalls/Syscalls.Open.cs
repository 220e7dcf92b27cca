namespace Tupelo.Vfs;

// Opening, closing and duplicating descriptors.
public sealed partial class Syscalls
{
    private const int OpenHowBytes = 24;

    /// <summary>open(2).</summary>
    public long Open(ReadOnlySpan<byte> path, OpenFlags flags, uint mode = 0) => OpenAt(AtFd.CurrentDirectory, path, flags, mode);

    /// <summary>creat(2).</summary>
    public long Create(ReadOnlySpan<byte> path, uint mode) =>
        OpenAt(AtFd.CurrentDirectory, path, OpenFlags.Create | OpenFlags.WriteOnly | OpenFlags.Truncate, mode);

    /// <summary>openat(2). Unknown flags are ignored, as Linux does.</summary>
    public long OpenAt(int dirFd, ReadOnlySpan<byte> path, OpenFlags flags, uint mode = 0)
    {
        flags &= OpenOperation.Known;
        if ((flags & OpenFlags.Path) != 0)
        {
            flags &= OpenOperation.PathFlags;
        }
        return OpenChecked(dirFd, path, flags, mode & Mode.PermissionMask, ResolveFlags.None);
    }

    /// <summary>openat2(2) with a struct of the present size.</summary>
    public long OpenAt2(int dirFd, ReadOnlySpan<byte> path, in OpenHow how)
    {
        const ResolveFlags KnownResolve = ResolveFlags.NoCrossDevice | ResolveFlags.NoMagicLinks | ResolveFlags.NoSymlinks | ResolveFlags.Beneath
            | ResolveFlags.InRoot | ResolveFlags.Cached;
        const ResolveFlags Scoped = ResolveFlags.Beneath | ResolveFlags.InRoot;
        var flags = (OpenFlags)how.Flags;
        bool creates = (flags & (OpenFlags.Create | OpenFlags.TemporaryFileBit)) != 0;
        if ((how.Flags & ~(ulong)OpenOperation.Known) != 0
            || (how.Resolve & ~KnownResolve) != 0
            || (how.Resolve & Scoped) == Scoped
            || (how.Mode & ~(ulong)(creates ? Mode.PermissionMask : 0)) != 0
            || ((flags & OpenFlags.Path) != 0 && (flags & ~OpenOperation.PathFlags) != 0))
        {
            return Result(Errno.EINVAL);
        }
        return OpenChecked(dirFd, path, flags, (uint)how.Mode, how.Resolve);
    }

    /// <summary>openat2(2) with the raw struct: EINVAL smaller than 24 bytes, E2BIG larger with something in the tail, or larger than a page.</summary>
    public long OpenAt2(int dirFd, ReadOnlySpan<byte> path, ReadOnlySpan<byte> how, nuint sizeBytes)
    {
        if (sizeBytes < OpenHowBytes)
        {
            return Result(Errno.EINVAL);
        }
        if (sizeBytes > 4096)
        {
            return Result(Errno.E2BIG);
        }
        if (IsNull(how) || how.Length < (int)sizeBytes)
        {
            return Result(Errno.EFAULT);
        }
        if (how[OpenHowBytes..(int)sizeBytes].ContainsAnyExcept((byte)0))
        {
            return Result(Errno.E2BIG);
        }
        return OpenAt2(dirFd, path, System.Runtime.InteropServices.MemoryMarshal.Read<OpenHow>(how));
    }

    /// <summary>close(2).</summary>
    public long Close(int fd)
    {
        OpenFile? file = Context.Files.Remove(fd);
        return file is null ? Result(Errno.EBADF) : Result(Context.CloseFile(file));
    }

    /// <summary>close_range(2).</summary>
    public long CloseRange(uint first, uint last, CloseRangeFlags flags)
    {
        if ((flags & ~(CloseRangeFlags.Unshare | CloseRangeFlags.CloseOnExec)) != 0 || first > last)
        {
            return Result(Errno.EINVAL);
        }
        if ((flags & CloseRangeFlags.Unshare) != 0)
        {
            Context.UnshareFiles();
        }
        if ((flags & CloseRangeFlags.CloseOnExec) != 0)
        {
            Context.Files.SetCloseOnExec(first, last);
            return 0;
        }
        while (Context.Files.RemoveNext(ref first, last) is { } file)
        {
            _ = Context.CloseFile(file);
        }
        return 0;
    }

    /// <summary>What execve(2) does to descriptors: closes those marked close-on-exec.</summary>
    public void CloseOnExec()
    {
        while (Context.Files.RemoveNextCloseOnExec() is { } file)
        {
            _ = Context.CloseFile(file);
        }
    }

    /// <summary>dup(2).</summary>
    public long Dup(int fd) => DupFrom(fd, 0, closeOnExec: false);

    /// <summary>dup2(2).</summary>
    public long Dup2(int oldFd, int newFd)
    {
        if (oldFd == newFd)
        {
            if (!TryGetAny(oldFd, out OpenFile same))
            {
                return Result(Errno.EBADF);
            }
            same.Release();
            return newFd;
        }
        return DupTo(oldFd, newFd, closeOnExec: false);
    }

    /// <summary>dup3(2).</summary>
    public long Dup3(int oldFd, int newFd, OpenFlags flags) =>
        (flags & ~OpenFlags.CloseOnExec) != 0 || oldFd == newFd
            ? Result(Errno.EINVAL)
            : DupTo(oldFd, newFd, closeOnExec: flags != 0);

    private long OpenChecked(int dirFd, ReadOnlySpan<byte> path, OpenFlags flags, uint mode, ResolveFlags resolve)
    {
        flags = OpenOperation.Completed(flags);
        Errno errno = OpenOperation.CheckFlags(flags, resolve);
        if (errno == Errno.None)
        {
            errno = PathWalk.CheckPath(path, mayBeEmpty: false);
        }
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        // As Linux, the number is taken before the path is looked at: EMFILE comes first, and nothing is created in vain.
        FdTable files = Context.Files;
        IoResult fd = files.Reserve(Context.Limits.MaxOpenFiles);
        if (!fd.IsOk)
        {
            return fd.Raw;
        }
        errno = OpenOperation.Open(Context, dirFd, path, flags, mode, resolve, out OpenFile? file);
        if (errno != Errno.None)
        {
            files.Cancel((int)fd.Count);
            return Result(errno);
        }
        files.Publish((int)fd.Count, file!, (flags & OpenFlags.CloseOnExec) != 0);
        return fd.Raw;
    }

    private long DupFrom(int fd, int minimum, bool closeOnExec)
    {
        if (!TryGetAny(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        IoResult made = Context.Files.Install(file, minimum, Context.Limits.MaxOpenFiles, closeOnExec);
        if (!made.IsOk)
        {
            file.Release();
        }
        return made.Raw;
    }

    private long DupTo(int oldFd, int newFd, bool closeOnExec)
    {
        if ((uint)newFd >= (uint)Context.Limits.MaxOpenFiles || !TryGetAny(oldFd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = Context.Files.Replace(newFd, file, closeOnExec, out OpenFile? old);
        if (errno != Errno.None)
        {
            file.Release();
            return Result(errno);
        }
        if (old is not null)
        {
            _ = Context.CloseFile(old);
        }
        return newFd;
    }
}
