namespace Tupelo.Vfs;

// Names: making, removing, moving, linking, listing.
public sealed partial class Syscalls
{
    /// <summary>mkdirat(2).</summary>
    public long MkDirAt(int dirFd, ReadOnlySpan<byte> path, uint mode) =>
        Make(dirFd, path, FileType.Directory, mode & (0x1FF | Mode.Sticky), 0, default);

    /// <summary>mknodat(2).</summary>
    public long MkNodAt(int dirFd, ReadOnlySpan<byte> path, uint mode, ulong device = 0)
    {
        FileType type = (mode & Mode.TypeMask) == 0 ? FileType.Regular : Mode.TypeOf(mode);
        switch (type)
        {
            case FileType.Regular or FileType.Fifo or FileType.Socket:
                device = 0;
                break;
            case FileType.CharDevice or FileType.BlockDevice:
                break;
            default:
                return Result(type == FileType.Directory ? Errno.EPERM : Errno.EINVAL);
        }
        return Make(dirFd, path, type, mode, device, default);
    }

    /// <summary>symlinkat(2).</summary>
    public long SymlinkAt(ReadOnlySpan<byte> target, int dirFd, ReadOnlySpan<byte> path)
    {
        Errno errno = PathWalk.CheckPath(target, mayBeEmpty: false);
        return errno != Errno.None ? Result(errno) : Make(dirFd, path, FileType.Symlink, 0x1FF, 0, target);
    }

    /// <summary>linkat(2).</summary>
    public long LinkAt(int oldDirFd, ReadOnlySpan<byte> oldPath, int newDirFd, ReadOnlySpan<byte> newPath, AtFlags flags = AtFlags.None)
    {
        if ((flags & ~(AtFlags.SymlinkFollow | AtFlags.EmptyPath)) != 0)
        {
            return Result(Errno.EINVAL);
        }
        WalkFlags walkFlags = ((flags & AtFlags.SymlinkFollow) != 0 ? WalkFlags.FollowLast : 0)
            | ((flags & AtFlags.EmptyPath) != 0 ? WalkFlags.EmptyPath | WalkFlags.OwnDescriptor : 0);
        Errno errno = Resolve(oldDirFd, oldPath, walkFlags, out PathRef source);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        var walk = new PathWalk(Context, newDirFd, newPath, WalkFlags.None);
        errno = walk.Begin();
        if (errno == Errno.None)
        {
            errno = walk.ToParentPinned(out PathRef directory);
            if (errno == Errno.None)
            {
                errno = NameOperations.Link(Context, source, directory, walk.Last, walk.LastKind, walk.HasTrailingSlash);
                directory.Unpin();
            }
        }
        walk.Dispose();
        source.Unpin();
        return Result(errno);
    }

    /// <summary>unlinkat(2); with RemoveDirectory it is rmdir(2).</summary>
    public long UnlinkAt(int dirFd, ReadOnlySpan<byte> path, AtFlags flags = AtFlags.None)
    {
        if ((flags & ~AtFlags.RemoveDirectory) != 0)
        {
            return Result(Errno.EINVAL);
        }
        var walk = new PathWalk(Context, dirFd, path, WalkFlags.None);
        Errno errno = walk.Begin();
        if (errno == Errno.None)
        {
            errno = walk.ToParentPinned(out PathRef directory);
            if (errno == Errno.None)
            {
                errno = NameOperations.Remove(Context, directory, walk.Last, walk.LastKind, walk.HasTrailingSlash, (flags & AtFlags.RemoveDirectory) != 0);
                directory.Unpin();
            }
        }
        walk.Dispose();
        return Result(errno);
    }

    /// <summary>renameat2(2).</summary>
    public long RenameAt2(int oldDirFd, ReadOnlySpan<byte> oldPath, int newDirFd, ReadOnlySpan<byte> newPath, RenameFlags flags = RenameFlags.None)
    {
        Errno errno = RenameOperation.CheckFlags(flags);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        var oldWalk = new PathWalk(Context, oldDirFd, oldPath, WalkFlags.None);
        var newWalk = new PathWalk(Context, newDirFd, newPath, WalkFlags.None);
        errno = oldWalk.Begin();
        if (errno == Errno.None)
        {
            errno = oldWalk.ToParentPinned(out PathRef oldDirectory);
            if (errno == Errno.None)
            {
                errno = newWalk.Begin();
                if (errno == Errno.None)
                {
                    errno = newWalk.ToParentPinned(out PathRef newDirectory);
                    if (errno == Errno.None)
                    {
                        errno = RenameOperation.Run(
                            Context, oldDirectory, oldWalk.Last, oldWalk.LastKind, oldWalk.HasTrailingSlash,
                            newDirectory, newWalk.Last, newWalk.LastKind, newWalk.HasTrailingSlash, flags);
                        newDirectory.Unpin();
                    }
                }
                oldDirectory.Unpin();
            }
        }
        newWalk.Dispose();
        oldWalk.Dispose();
        return Result(errno);
    }

    /// <summary>readlinkat(2): truncates silently, adds no NUL. An empty path is the O_PATH descriptor of a link itself.</summary>
    public long ReadLinkAt(int dirFd, ReadOnlySpan<byte> path, Span<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return Result(Errno.EINVAL);
        }
        Errno errno = Resolve(dirFd, path, follow: false, mayBeEmpty: true, out PathRef place);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        IoResult result = path.IsEmpty && place.Vnode.Type != FileType.Symlink ? Errno.ENOENT : SymbolicLinks.Read(Context, place, buffer);
        place.Unpin();
        return result.Raw;
    }

    /// <summary>getdents64(2).</summary>
    public long GetDents64(int fd, Span<byte> buffer)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = !file.Vnode.IsDirectory ? Errno.ENOTDIR
            : !file.CanRead ? Errno.EBADF
            : !buffer.IsEmpty && IsNull<byte>(buffer) ? Errno.EFAULT
            : DirectoryReader.Read(Context, file, buffer);
        file.Release();
        return result.Raw;
    }

    private long Make(int dirFd, ReadOnlySpan<byte> path, FileType type, uint mode, ulong device, ReadOnlySpan<byte> target)
    {
        var walk = new PathWalk(Context, dirFd, path, WalkFlags.None);
        Errno errno = walk.Begin();
        if (errno == Errno.None)
        {
            errno = walk.ToParentPinned(out PathRef directory);
            if (errno == Errno.None)
            {
                errno = NameOperations.Create(
                    Context, directory, walk.Last, walk.LastKind, walk.HasTrailingSlash, type, mode, device, target, out Dentry? made);
                made?.Unpin();
                directory.Unpin();
            }
        }
        walk.Dispose();
        return Result(errno);
    }
}
