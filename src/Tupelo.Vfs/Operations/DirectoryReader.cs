// DirectoryReader lists a directory: getdents64(2). "." and ".." are made here (cookies 0 and 1), the rest is the file system's,
// whose cookies are above 2 and stay valid whatever happens between two calls.
namespace Tupelo.Vfs;

internal static class DirectoryReader
{
    private const long AfterDot = 1;
    private const long AfterDotDot = 2;

    /// <summary>getdents64(2) on an open directory.</summary>
    /// <returns>Bytes of records, 0 at the end.</returns>
    /// <remarks>Errors: ENOTDIR · ENOENT removed · EINVAL no room for one record · EIO.</remarks>
    internal static IoResult Read(VfsContext context, OpenFile file, Span<byte> buffer)
    {
        Vnode directory = file.Vnode;
        if (!directory.IsDirectory)
        {
            return Errno.ENOTDIR;
        }
        PositionLock.Enter(file);
        long position = file.Position;
        IoResult result = Read(context, file.Path, directory, ref position, buffer);
        file.Position = position;
        PositionLock.Exit(file);
        if (result.Errno != Errno.ENOENT)
        {
            // Also when there was nothing, or no room for it.
            Notify.Accessed(file);
            if ((file.Flags & OpenFlags.NoAccessTime) == 0)
            {
                AccessTimes.Touch(context, file.Path.Mount, directory);
            }
        }
        return result;
    }

    /// <summary>The same for a caller that keeps the position: servers, whose clients bring the cookie.</summary>
    internal static IoResult Read(VfsContext context, PathRef place, Vnode directory, ref long position, Span<byte> buffer)
    {
        var writer = new DirectoryWriter(buffer);
        Errno errno = Errno.None;
        VnodeLock.EnterRead(directory, LockRank.Directory);
        if (directory.IsDead)
        {
            errno = Errno.ENOENT;
        }
        else
        {
            bool room = true;
            if (position == 0)
            {
                room = writer.Add("."u8, directory.Ino, FileType.Directory, AfterDot);
                position = room ? AfterDot : position;
            }
            if (room && position == AfterDot)
            {
                Vnode parent = place.Dentry.Parent.Vnode ?? directory;
                room = writer.Add(".."u8, parent.Ino, FileType.Directory, AfterDotDot);
                position = room ? AfterDotDot : position;
            }
            if (room)
            {
                errno = directory.ReadDirectory(context, position, ref writer);
            }
        }
        VnodeLock.ExitRead(directory, LockRank.Directory);
        if (writer.BytesWritten > 0)
        {
            // An error after the first entries is told by the next call, which meets it again.
            position = writer.LastCookie;
            return IoResult.Bytes(writer.BytesWritten);
        }
        return errno != Errno.None ? errno : writer.IsFull ? Errno.EINVAL : IoResult.Bytes(0);
    }
}
