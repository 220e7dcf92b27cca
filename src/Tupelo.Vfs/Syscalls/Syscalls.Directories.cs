namespace Tupelo.Vfs;

// Where a process is: current directory, root, umask, limits.
public sealed partial class Syscalls
{
    /// <summary>chdir(2).</summary>
    public long ChDir(ReadOnlySpan<byte> path)
    {
        Errno errno = ResolveDirectory(path, out PathRef place);
        if (errno == Errno.None)
        {
            Context.Directories.SetCurrent(place);
        }
        return Result(errno);
    }

    /// <summary>fchdir(2); an O_PATH descriptor will do.</summary>
    public long FChDir(int fd)
    {
        if (!TryGetAny(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = file.Vnode.IsDirectory ? Access.Check(Context, file.Vnode, AccessModes.Execute) : Errno.ENOTDIR;
        if (errno == Errno.None)
        {
            PathRef place = file.Path;
            place.Mount.Pin();
            place.Dentry.Pin();
            Context.Directories.SetCurrent(place);
        }
        file.Release();
        return Result(errno);
    }

    /// <summary>chroot(2).</summary>
    public long ChRoot(ReadOnlySpan<byte> path)
    {
        Errno errno = ResolveDirectory(path, out PathRef place);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        if (!Access.Has(Context, Capabilities.ChangeRoot))
        {
            place.Unpin();
            return Result(Errno.EPERM);
        }
        Context.Directories.SetRoot(place);
        return 0;
    }

    /// <summary>getcwd(2), the system call: the length with the NUL. A place outside of the root begins with "(unreachable)".</summary>
    public long GetCwd(Span<byte> buffer)
    {
        DirectoryState.Places places = Context.Directories.Now;
        Span<byte> room = stackalloc byte[PathWalk.MaxPathBytes];
        Errno errno = PathText.Format(Context, places.Current, places.Root, room, out ReadOnlySpan<byte> text, out PathState state);
        if (errno != Errno.None)
        {
            return Result(errno == Errno.ERANGE ? Errno.ENAMETOOLONG : errno);
        }
        if (state == PathState.Deleted)
        {
            return Result(Errno.ENOENT);
        }
        ReadOnlySpan<byte> prefix = state == PathState.Unreachable ? "(unreachable)"u8 : default;
        int length = prefix.Length + text.Length + 1;
        if (length > buffer.Length)
        {
            return Result(Errno.ERANGE);
        }
        if (IsNull<byte>(buffer))
        {
            return Result(Errno.EFAULT);
        }
        prefix.CopyTo(buffer);
        text.CopyTo(buffer[prefix.Length..]);
        buffer[length - 1] = 0;
        return length;
    }

    /// <summary>umask(2).</summary>
    public long Umask(uint mask) => Context.Directories.ExchangeUmask(mask);

    /// <summary>setrlimit(2) of the two resources that concern files; above int range means no limit.</summary>
    public long SetLimit(ResourceLimit resource, ulong value)
    {
        switch (resource)
        {
            case ResourceLimit.FileSize:
                Context.Limits.MaxFileBytes = (long)Math.Min(value, long.MaxValue);
                return 0;
            case ResourceLimit.OpenFiles:
                if (value > FdTable.MaxDescriptors && !Access.Has(Context, Capabilities.Resources))
                {
                    return Result(Errno.EPERM);
                }
                Context.Limits.MaxOpenFiles = (int)Math.Min(value, FdTable.MaxDescriptors);
                return 0;
            default:
                return Result(Errno.EINVAL);
        }
    }

    private Errno ResolveDirectory(ReadOnlySpan<byte> path, out PathRef place)
    {
        var walk = new PathWalk(Context, AtFd.CurrentDirectory, path, WalkFlags.FollowLast | WalkFlags.Directory);
        Errno errno = walk.Begin();
        place = default;
        if (errno == Errno.None)
        {
            errno = walk.ToEndPinned(out place);
        }
        walk.Dispose();
        if (errno == Errno.None)
        {
            errno = Access.Check(Context, place.Vnode, AccessModes.Execute);
            if (errno != Errno.None)
            {
                place.Unpin();
            }
        }
        return errno;
    }
}
