// PathText makes the path of a place by walking up, as getcwd(2) and /proc do. Nothing stores paths; this is where they come from.
//
// Names are written from the end of the buffer backwards. The kernel's topology counter tells whether a directory has moved
// meanwhile; then it starts again.
namespace Tupelo.Vfs;

/// <summary>What a path's text says besides its names.</summary>
public enum PathState
{
    /// <summary>It leads there from the root.</summary>
    Reachable,

    /// <summary>The place is outside of the root, or in a mount that is attached nowhere.</summary>
    Unreachable,

    /// <summary>The place has no name any more.</summary>
    Deleted,
}

/// <summary>Paths of places. Any thread; no locks.</summary>
public static class PathText
{
    /// <summary>Writes the absolute path of <paramref name="place"/>, seen from the root of <paramref name="context"/>, into the end of a buffer.</summary>
    /// <returns>The text, a slice of <paramref name="buffer"/>; of a deleted place, the path that it had.</returns>
    /// <remarks>Errors: ERANGE the buffer is too small.</remarks>
    public static Errno Format(VfsContext context, PathRef place, Span<byte> buffer, out ReadOnlySpan<byte> text, out PathState state) =>
        Format(context, place, context.Directories.Now.Root, buffer, out text, out state);

    internal static Errno Format(VfsContext context, PathRef place, PathRef root, Span<byte> buffer, out ReadOnlySpan<byte> text, out PathState state)
    {
        while (true)
        {
            Topology before = context.Kernel.Topology;
            Errno errno = FormatOnce(place, root, buffer, out text, out state);
            if (before.IsCurrent(context.Kernel))
            {
                return errno;
            }
            _ = Thread.Yield();
        }
    }

    private static Errno FormatOnce(PathRef place, PathRef root, Span<byte> buffer, out ReadOnlySpan<byte> text, out PathState state)
    {
        Span<byte> name = stackalloc byte[256];
        Mount mount = place.Mount;
        Dentry dentry = place.Dentry;
        int at = buffer.Length;
        text = default;
        state = dentry.IsUnhashed && !dentry.IsRoot ? PathState.Deleted : PathState.Reachable;
        while (!(ReferenceEquals(mount, root.Mount) && ReferenceEquals(dentry, root.Dentry)))
        {
            if (ReferenceEquals(dentry, mount.Root))
            {
                if (mount.Attachment is not { } hung)
                {
                    state = state == PathState.Deleted ? state : PathState.Unreachable;
                    break;
                }
                mount = hung.Parent;
                dentry = hung.MountPoint;
                continue;
            }
            int length = dentry.CopyName(name);
            if (length + 1 > at)
            {
                return Errno.ERANGE;
            }
            at -= length;
            name[..length].CopyTo(buffer[at..]);
            Dentry parent = dentry.Parent;
            if (ReferenceEquals(parent, dentry))
            {
                // A file without a directory (temporary, anonymous): its name alone.
                break;
            }
            buffer[--at] = (byte)'/';
            dentry = parent;
        }
        if (at == buffer.Length)
        {
            if (at == 0)
            {
                return Errno.ERANGE;
            }
            buffer[--at] = (byte)'/';
        }
        text = buffer[at..];
        return Errno.None;
    }
}
