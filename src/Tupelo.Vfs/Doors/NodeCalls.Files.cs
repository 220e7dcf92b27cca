namespace Tupelo.Vfs;

// Open files. Whoever got an OpenFile from here releases it; positions are the client's.
public sealed partial class NodeCalls
{
    /// <summary>Opens a node. O_CREAT, O_EXCL and O_NOFOLLOW mean nothing here; O_TRUNC truncates.</summary>
    /// <remarks>Errors: ENOTDIR with O_DIRECTORY · ELOOP a link · EISDIR · EACCES · EROFS · EPERM · ETXTBSY ... as open(2).</remarks>
    public Errno Open(PathRef place, OpenFlags flags, out OpenFile? file)
    {
        file = null;
        flags &= OpenOperation.Known & ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow | OpenFlags.TemporaryFileBit | OpenFlags.Path);
        if ((flags & OpenFlags.Directory) != 0 && !place.Vnode.IsDirectory)
        {
            return Errno.ENOTDIR;
        }
        Pin(place);
        return OpenOperation.OpenPinned(Context, place, flags, out file);
    }

    /// <summary>open(2) with O_CREAT by name: makes the file or, without O_EXCL, opens the one that is there.</summary>
    /// <remarks>Errors: those of <see cref="Make"/> and <see cref="Open"/>.</remarks>
    public Errno Create(PathRef directory, ReadOnlySpan<byte> name, OpenFlags flags, uint mode, out OpenFile? file)
    {
        file = null;
        Errno errno = CheckName(directory, name, out NameKey key, out LastKind kind);
        if (errno != Errno.None || kind != LastKind.Normal)
        {
            return errno != Errno.None ? errno : Errno.EISDIR;
        }
        flags &= OpenOperation.Known & ~(OpenFlags.TemporaryFileBit | OpenFlags.Path | OpenFlags.Directory);
        while (true)
        {
            errno = OpenOperation.Create(Context, directory, key, flags, mode & Mode.PermissionMask, out file);
            Deferred.Run();
            if (errno != Errno.EEXIST || (flags & OpenFlags.Exclusive) != 0)
            {
                return errno;
            }
            errno = Lookup(directory, name, out PathRef place);
            if (errno == Errno.None)
            {
                if (place.Vnode.IsDirectory)
                {
                    place.Unpin();
                    return Errno.EISDIR;
                }
                return OpenOperation.OpenPinned(Context, place, flags & ~OpenFlags.Create, out file);
            }
            if (errno != Errno.ENOENT)
            {
                return errno;
            }
        }
    }

    /// <summary>open(2) with O_TMPFILE in a directory.</summary>
    /// <remarks>Errors: EINVAL not for writing · EROFS · EACCES · EOPNOTSUPP · ENOENT removed directory · ENOSPC ...</remarks>
    public Errno CreateTemporary(PathRef directory, OpenFlags flags, uint mode, out OpenFile? file)
    {
        file = null;
        if (!directory.Vnode.IsDirectory || (OpenOperation.WantedAccess(flags & OpenFlags.AccessMode) & AccessModes.Write) == 0)
        {
            return directory.Vnode.IsDirectory ? Errno.EINVAL : Errno.ENOTDIR;
        }
        Errno errno = directory.Mount.BeginWrite();
        if (errno == Errno.None)
        {
            errno = OpenOperation.MakeTemporary(Context, directory, flags & OpenOperation.Known, mode & Mode.PermissionMask, out file);
            directory.Mount.EndWrite();
            Deferred.Run();
        }
        return errno;
    }

    /// <summary>preadv(2). Errors: EINVAL offset below 0 · EBADF · ESPIPE · EISDIR · EIO.</summary>
    public IoResult Read(OpenFile file, ReadOnlySpan<IoVec> segments, long offsetBytes) =>
        offsetBytes < 0 ? Errno.EINVAL : FileIo.Read(Context, file, segments, offsetBytes);

    /// <summary>pwritev(2). Errors: EINVAL offset below 0 · EBADF · ESPIPE · EFBIG · EPERM · ENOSPC · EIO.</summary>
    public IoResult Write(OpenFile file, ReadOnlySpan<IoVec> segments, long offsetBytes) =>
        offsetBytes < 0 ? Errno.EINVAL : FileIo.Write(Context, file, segments, offsetBytes);

    /// <summary>What close(2) of one descriptor does before the last one: the file's handle is told.</summary>
    public Errno Flush(OpenFile file) => file.Handle?.Flush(Context) ?? Errno.None;

    /// <summary>fsync(2), fdatasync(2) on an open file, with the write-back errors that it has not been told. Errors: EINVAL · EIO · ENOSPC.</summary>
    public Errno Sync(OpenFile file, bool dataOnly) => Durability.Sync(Context, file, dataOnly);

    /// <summary>fsync(2) on a node, as clients do that keep no open directories.</summary>
    public Errno Sync(PathRef place, bool dataOnly) => place.Vnode.Sync(Context, dataOnly);

    /// <summary>syncfs(2) of the file system that a node belongs to.</summary>
    public static Errno SyncFileSystem(PathRef place) =>
        place.Vnode.FileSystem.IsReadOnly ? Errno.None : place.Vnode.FileSystem.Sync();

    /// <summary>sync(2) of everything that is mounted.</summary>
    /// <remarks>Errors: the first one that a file system answered.</remarks>
    public Errno SyncAll()
    {
        Errno first = Errno.None;
        foreach (FileSystem fileSystem in Context.Kernel.Mounts.FileSystemsNow())
        {
            Errno errno = fileSystem.IsReadOnly ? Errno.None : fileSystem.Sync();
            first = first == Errno.None ? errno : first;
        }
        return first;
    }

    /// <summary>fallocate(2).</summary>
    public Errno Allocate(OpenFile file, FallocateMode mode, long offsetBytes, long lengthBytes) =>
        Space.Allocate(Context, file, mode, offsetBytes, lengthBytes);

    /// <summary>lseek(2). Errors: ESPIPE · EINVAL · ENXIO.</summary>
    public IoResult Seek(OpenFile file, long offsetBytes, SeekWhence whence) => Space.Seek(Context, file, offsetBytes, whence);

    /// <summary>copy_file_range(2) with both offsets given.</summary>
    public IoResult CopyRange(OpenFile source, long sourceOffsetBytes, OpenFile target, long targetOffsetBytes, ulong lengthBytes) =>
        sourceOffsetBytes < 0 || targetOffsetBytes < 0
            ? Errno.EINVAL
            : Copies.CopyRange(Context, source, ref sourceOffsetBytes, target, ref targetOffsetBytes, lengthBytes);

    /// <summary>ioctl(2); requests about descriptors (FIOCLEX) are the client's.</summary>
    public IoResult Ioctl(OpenFile file, uint request, Span<byte> argument) => Ioctls.Run(Context, -1, file, request, argument);
}
