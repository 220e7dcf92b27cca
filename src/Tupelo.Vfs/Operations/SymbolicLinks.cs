namespace Tupelo.Vfs;

internal static class SymbolicLinks
{
    /// <summary>readlink(2) of a resolved place: the target, cut at the buffer's end, without a NUL.</summary>
    /// <remarks>Errors: EINVAL no link · EFAULT · EIO.</remarks>
    internal static IoResult Read(VfsContext context, PathRef place, Span<byte> buffer)
    {
        Vnode vnode = place.Vnode;
        if (vnode.Type != FileType.Symlink)
        {
            return Errno.EINVAL;
        }
        Errno errno = vnode.ReadLink(context, out ReadOnlyMemory<byte> target);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (Syscalls.IsNull<byte>(buffer))
        {
            return Errno.EFAULT;
        }
        AccessTimes.Touch(context, place.Mount, vnode);
        int count = Math.Min(buffer.Length, target.Length);
        target.Span[..count].CopyTo(buffer);
        return IoResult.Bytes(count);
    }
}
