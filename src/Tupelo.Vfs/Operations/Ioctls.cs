// Ioctls answers the ioctl(2) requests that are the same for all files; the rest is the handle's or the file system's.
using System.Buffers.Binary;

namespace Tupelo.Vfs;

internal static class Ioctls
{
    /// <remarks>Errors: EFAULT argument too short · EPERM · EROFS · EOPNOTSUPP · ENOTTY not known.</remarks>
    internal static IoResult Run(VfsContext context, int fd, OpenFile file, uint request, Span<byte> argument)
    {
        switch (request)
        {
            case IoctlRequest.FileCloseOnExec or IoctlRequest.FileNoCloseOnExec:
                return context.Files.TrySetCloseOnExec(fd, request == IoctlRequest.FileCloseOnExec) ? IoResult.Bytes(0) : Errno.EBADF;
            case IoctlRequest.FileNonBlocking or IoctlRequest.FileAsync:
                if (!TryRead(argument, out int on))
                {
                    return Errno.EFAULT;
                }
                if (request == IoctlRequest.FileAsync)
                {
                    bool same = (file.Flags & OpenFlags.Async) != 0 == (on != 0);
                    return same || file.TrySetAsync(on != 0) ? IoResult.Bytes(0) : Errno.ENOTTY;
                }
                file.SetStatusFlags(OpenFlags.NonBlock, on != 0 ? OpenFlags.NonBlock : 0);
                return IoResult.Bytes(0);
            case IoctlRequest.FileBytesReadable when file.Vnode.IsRegular:
                return Write(argument, unchecked((int)(file.Vnode.SizeBytes - file.Position))); // Cut to 32 bits, as Linux does.
            case IoctlRequest.FileSystemBlockSize when file.Vnode.Type is FileType.Regular or FileType.Directory:
                return Write(argument, file.Vnode.FileSystem.BlockSizeBytes);
            case IoctlRequest.GetInodeFlags when HasFlags(file):
                return Write(argument, (int)file.Vnode.Flags);
            case IoctlRequest.SetInodeFlags when HasFlags(file):
                return !TryRead(argument, out int flags) ? Errno.EFAULT : From(Metadata.SetFlags(context, file.Path, file.Vnode, (InodeFlags)flags));
            case IoctlRequest.GetInodeVersion when HasFlags(file):
                return Write(argument, (int)file.Vnode.Generation);
            case IoctlRequest.CloneFile or IoctlRequest.CloneFileRange:
                return Errno.EOPNOTSUPP;
            default:
                return file.Handle is { } handle ? handle.Ioctl(context, request, argument) : file.Vnode.Ioctl(context, request, argument);
        }
    }

    private static bool HasFlags(OpenFile file) => file.Vnode.FileSystem.Supports(FileSystemFeatures.InodeFlags);

    private static IoResult From(Errno errno) => errno == Errno.None ? IoResult.Bytes(0) : errno;

    private static bool TryRead(ReadOnlySpan<byte> argument, out int value)
    {
        value = 0;
        if (argument.Length < sizeof(int) || Syscalls.IsNull(argument))
        {
            return false;
        }
        value = BinaryPrimitives.ReadInt32LittleEndian(argument);
        return true;
    }

    private static IoResult Write(Span<byte> argument, int value)
    {
        if (argument.Length < sizeof(int) || Syscalls.IsNull<byte>(argument))
        {
            return Errno.EFAULT;
        }
        BinaryPrimitives.WriteInt32LittleEndian(argument, value);
        return IoResult.Bytes(0);
    }
}
