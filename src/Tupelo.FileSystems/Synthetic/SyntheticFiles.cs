// The kit's files: generated text, links, device nodes.
using System.Text;

namespace Tupelo.FileSystems;

/// <summary>A file whose text is made when it is opened: however small the pieces in which it is read, they belong together.</summary>
internal sealed class GeneratedFile(SyntheticFileSystem owner, Func<VfsContext, string>? read, Func<VfsContext, string, Errno>? write)
    : SyntheticVnode(owner, FileType.Regular, (read is null ? 0u : 0x124u) | (write is null ? 0u : 0x80u))
{
    protected override Errno Open(VfsContext context, OpenFlags flags, out OpenHandle? handle)
    {
        handle = null;
        OpenFlags access = flags & OpenFlags.AccessMode;
        if ((access != OpenFlags.WriteOnly && read is null) || (access != OpenFlags.ReadOnly && write is null))
        {
            return Errno.EACCES;
        }
        handle = new Snapshot(access == OpenFlags.WriteOnly ? [] : Encoding.UTF8.GetBytes(read!(context)), write);
        return Errno.None;
    }

    private sealed class Snapshot(byte[] text, Func<VfsContext, string, Errno>? write) : OpenHandle
    {
        // Longest text that a knob takes.
        private const int MaxWriteBytes = 65536;

        public override HandleTraits Traits => HandleTraits.SelfLocking | HandleTraits.OwnSize;

        public override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer, bool nonBlocking)
        {
            int count = (int)Math.Clamp(text.Length - offsetBytes, 0, buffer.Length);
            text.AsSpan((int)Math.Min(offsetBytes, text.Length), count).CopyTo(buffer);
            return IoResult.Bytes(count);
        }

        public override IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer, bool nonBlocking)
        {
            if (buffer.Length > MaxWriteBytes)
            {
                return Errno.EINVAL;
            }
            Errno errno = write!(context, Encoding.UTF8.GetString(buffer));
            return errno == Errno.None ? IoResult.Bytes(buffer.Length) : errno;
        }

        public override IoResult Seek(VfsContext context, long offsetBytes, SeekWhence whence) =>
            whence == SeekWhence.End && offsetBytes >= -text.Length ? IoResult.Bytes(text.Length + offsetBytes) : Errno.EINVAL;

        public override Errno Sync(VfsContext context, bool dataOnly) => Errno.None;
    }
}

/// <summary>A symbolic link, of text or to an object.</summary>
internal sealed class SyntheticLink(SyntheticFileSystem owner, Func<VfsContext, byte[]?> text, Func<VfsContext, PathRef?>? place)
    : SyntheticVnode(owner, FileType.Symlink, 0x1FF)
{
    public static SyntheticLink ToPlace(SyntheticFileSystem owner, Func<VfsContext, PathRef?> place) =>
        new(owner, context => Describe(context, place(context)), place);

    protected override Errno ReadLink(VfsContext context, out ReadOnlyMemory<byte> target)
    {
        byte[]? bytes = text(context);
        target = bytes;
        return bytes is { Length: > 0 } ? Errno.None : Errno.ENOENT;
    }

    protected override bool TryFollowMagicLink(VfsContext context, out PathRef target, out Errno errno)
    {
        target = default;
        errno = Errno.None;
        if (place is null)
        {
            return false;
        }
        PathRef? found = place(context);
        target = found ?? default;
        errno = found is null ? Errno.ENOENT : Errno.None;
        return true;
    }

    private static byte[]? Describe(VfsContext context, PathRef? place)
    {
        if (place is not { } at)
        {
            return null;
        }
        Span<byte> room = stackalloc byte[4096];
        Errno errno = PathText.Format(context, at, room, out ReadOnlySpan<byte> path, out PathState state);
        byte[]? bytes = errno != Errno.None ? null : state == PathState.Deleted ? [.. path, .. " (deleted)"u8] : path.ToArray();
        at.Unpin();
        return bytes;
    }
}

/// <summary>A device node. The core opens the driver behind its number.</summary>
internal sealed class SyntheticNode(SyntheticFileSystem owner, FileType type, ulong device, uint permissions)
    : SyntheticVnode(owner, type, permissions, device);
