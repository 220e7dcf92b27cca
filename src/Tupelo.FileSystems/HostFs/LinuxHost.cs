// The Linux calls that pass a directory of the host through: every one works on a descriptor and at most one name, none on a path of
// several names, so nothing here can be led astray by what others do to the tree meanwhile.
// The calls themselves are declared in Tupelo.Block's HostCalls; here names are terminated and descriptors turned into the paths that
// some calls need, and answers become errnos.
using System.Runtime.CompilerServices;
using Tupelo.Block;

namespace Tupelo.FileSystems;

internal static unsafe class LinuxHost
{
    private const int NameBufferBytes = 256;

    /// <summary>Whether this process may give files away and open what their mode forbids (effective uid 0).</summary>
    public static readonly bool IsRoot = HostCalls.AreKnown && HostCalls.EffectiveUid() == 0;

    /// <summary>Opens one name in a directory, never following a link and never leaving the directory: openat2, or where the kernel
    /// has none (or a filter hides it) openat, which for one name that is not ".." comes to the same.</summary>
    public static Errno OpenBeneath(int directory, ReadOnlySpan<byte> name, int flags, uint mode, bool crossDevices, out int descriptor)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        descriptor = -1;
        if (!Terminate(name, text))
        {
            return Errno.ENAMETOOLONG;
        }
        for (int tries = 0; ; tries++)
        {
            descriptor = HostCalls.OpenEntry(directory, text, flags, mode, crossDevices);
            Errno errno = descriptor < 0 ? LastErrno : Errno.None;
            // EAGAIN: something was renamed meanwhile, and the kernel could not tell whether it left the directory.
            if (errno != Errno.EINTR && (errno != Errno.EAGAIN || tries >= 64))
            {
                return errno;
            }
        }
    }

    /// <summary>Opens again what a descriptor stands for, with other flags: the same file, whatever its name is now.</summary>
    public static Errno Reopen(int descriptor, int flags, out int opened)
    {
        byte* path = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        return OpenPath(path, flags, 0, out opened);
    }

    /// <summary>Opens a path as the process sees it; the way in, nothing else.</summary>
    public static Errno OpenRoot(string path, out int descriptor)
    {
        fixed (byte* text = System.Text.Encoding.UTF8.GetBytes(path + '\0'))
        {
            return OpenPath(text, HostCalls.O_PATH | HostCalls.O_DIRECTORY, 0, out descriptor);
        }
    }

    public static Errno Stat(int directory, ReadOnlySpan<byte> name, out HostCalls.StatX stat)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        fixed (HostCalls.StatX* result = &stat)
        {
            return !Terminate(name, text)
                ? Errno.ENAMETOOLONG
                : ErrnoOf(HostCalls.Statx(directory, text, HostCalls.AT_SYMLINK_NOFOLLOW | (name.IsEmpty ? HostCalls.AT_EMPTY_PATH : 0), HostCalls.STATX_BASIC_STATS | HostCalls.STATX_BTIME, result));
        }
    }

    public static Errno ReadLink(int descriptor, Span<byte> target, out int length)
    {
        byte empty = 0;
        fixed (byte* room = target)
        {
            length = (int)HostCalls.ReadLinkAt(descriptor, &empty, room, target.Length);
        }
        return length < 0 ? LastErrno : Errno.None;
    }

    public static Errno MakeDirectory(int directory, ReadOnlySpan<byte> name, uint mode)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        return Terminate(name, text) ? ErrnoOf(HostCalls.MakeDirectoryAt(directory, text, mode)) : Errno.ENAMETOOLONG;
    }

    public static Errno MakeNode(int directory, ReadOnlySpan<byte> name, uint mode, ulong device)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        return Terminate(name, text) ? ErrnoOf(HostCalls.MakeNodeAt(directory, text, mode, device)) : Errno.ENAMETOOLONG;
    }

    public static Errno MakeSymlink(ReadOnlySpan<byte> target, int directory, ReadOnlySpan<byte> name)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        byte* targetText = stackalloc byte[target.Length + 1];
        target.CopyTo(new Span<byte>(targetText, target.Length));
        targetText[target.Length] = 0;
        return Terminate(name, text) ? ErrnoOf(HostCalls.SymlinkAt(targetText, directory, text)) : Errno.ENAMETOOLONG;
    }

    /// <summary>Gives the file that a descriptor stands for one more name.</summary>
    public static Errno Link(int descriptor, int directory, ReadOnlySpan<byte> name)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        byte* path = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        return Terminate(name, text) ? ErrnoOf(HostCalls.LinkAt(HostCalls.AT_FDCWD, path, directory, text, HostCalls.AT_SYMLINK_FOLLOW)) : Errno.ENAMETOOLONG;
    }

    public static Errno Unlink(int directory, ReadOnlySpan<byte> name, bool isDirectory)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        return Terminate(name, text) ? ErrnoOf(HostCalls.UnlinkAt(directory, text, isDirectory ? HostCalls.AT_REMOVEDIR : 0)) : Errno.ENAMETOOLONG;
    }

    public static Errno Rename(int oldDirectory, ReadOnlySpan<byte> oldName, int newDirectory, ReadOnlySpan<byte> newName, uint flags)
    {
        byte* oldText = stackalloc byte[NameBufferBytes];
        byte* newText = stackalloc byte[NameBufferBytes];
        if (!Terminate(oldName, oldText) || !Terminate(newName, newText))
        {
            return Errno.ENAMETOOLONG;
        }
        return ErrnoOf(HostCalls.RenameAt2(oldDirectory, oldText, newDirectory, newText, flags));
    }

    public static Errno ChangeMode(int descriptor, uint mode)
    {
        byte* path = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        return ErrnoOf(HostCalls.Chmod(path, mode));
    }

    public static Errno ChangeOwner(int descriptor, uint uid, uint gid)
    {
        byte empty = 0;
        return ErrnoOf(HostCalls.FchownAt(descriptor, &empty, uid, gid, HostCalls.AT_EMPTY_PATH));
    }

    public static Errno ChangeTimes(int descriptor, HostCalls.TimeSpec access, HostCalls.TimeSpec modify)
    {
        byte* path = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        HostCalls.TimeSpec* times = stackalloc HostCalls.TimeSpec[2] { access, modify };
        return ErrnoOf(HostCalls.UtimensAt(HostCalls.AT_FDCWD, path, times, 0));
    }

    public static Errno Truncate(int descriptor, long sizeBytes) => ErrnoOf(HostCalls.Ftruncate(descriptor, sizeBytes));

    public static IoResult GetXattr(int descriptor, ReadOnlySpan<byte> name, Span<byte> value)
    {
        byte* path = stackalloc byte[NameBufferBytes];
        byte* text = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        if (!Terminate(name, text))
        {
            return Errno.ERANGE;
        }
        fixed (byte* room = value)
        {
            return ResultOf(HostCalls.GetXattrOfPath(path, text, room, value.Length));
        }
    }

    public static IoResult ListXattrs(int descriptor, Span<byte> names)
    {
        byte* path = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        fixed (byte* room = names)
        {
            return ResultOf(HostCalls.ListXattrsOfPath(path, room, names.Length));
        }
    }

    public static Errno SetXattr(int descriptor, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags)
    {
        byte* path = stackalloc byte[NameBufferBytes];
        byte* text = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        if (!Terminate(name, text))
        {
            return Errno.ERANGE;
        }
        fixed (byte* bytes = value)
        {
            return ErrnoOf(HostCalls.SetXattrOfPath(path, text, bytes, value.Length, flags));
        }
    }

    public static Errno RemoveXattr(int descriptor, ReadOnlySpan<byte> name)
    {
        byte* path = stackalloc byte[NameBufferBytes];
        byte* text = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        return Terminate(name, text) ? ErrnoOf(HostCalls.RemoveXattrOfPath(path, text)) : Errno.ERANGE;
    }

    public static IoResult Read(int descriptor, Span<byte> buffer, long offset)
    {
        fixed (byte* room = buffer)
        {
            while (true)
            {
                IoResult result = ResultOf(HostCalls.Pread(descriptor, room, buffer.Length, offset));
                if (result.Errno != Errno.EINTR)
                {
                    return result;
                }
            }
        }
    }

    public static IoResult Write(int descriptor, ReadOnlySpan<byte> buffer, long offset)
    {
        fixed (byte* bytes = buffer)
        {
            while (true)
            {
                IoResult result = ResultOf(HostCalls.Pwrite(descriptor, bytes, buffer.Length, offset));
                if (result.Errno != Errno.EINTR)
                {
                    return result;
                }
            }
        }
    }

    /// <summary>Writes at the end, wherever it is by then, in one step.</summary>
    public static IoResult Append(int descriptor, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            var vector = new HostCalls.IoVector { Address = bytes, Length = (nuint)buffer.Length };
            while (true)
            {
                IoResult result = ResultOf(HostCalls.Pwritev2(descriptor, &vector, 1, 0, HostCalls.RWF_APPEND));
                if (result.Errno != Errno.EINTR)
                {
                    return result;
                }
            }
        }
    }

    public static IoResult Seek(int descriptor, long offset, int whence) => ResultOf((nint)HostCalls.Seek(descriptor, offset, whence));

    public static IoResult ReadDirectory(int descriptor, Span<byte> buffer)
    {
        fixed (byte* room = buffer)
        {
            return ResultOf(HostCalls.GetDirectoryEntries(descriptor, room, buffer.Length));
        }
    }

    public static Errno Allocate(int descriptor, int mode, long offset, long length)
    {
        while (true)
        {
            Errno errno = ErrnoOf(HostCalls.Fallocate(descriptor, mode, offset, length));
            if (errno != Errno.EINTR)
            {
                return errno;
            }
        }
    }

    public static Errno Sync(int descriptor, bool dataOnly) => ErrnoOf(dataOnly ? HostCalls.Fdatasync(descriptor) : HostCalls.Fsync(descriptor));

    public static Errno SyncFileSystem(int descriptor) => ErrnoOf(HostCalls.SyncFileSystem(descriptor));

    public static Errno StatFs(int descriptor, out HostCalls.StatFs stat)
    {
        fixed (HostCalls.StatFs* result = &stat)
        {
            return ErrnoOf(HostCalls.FstatFs(descriptor, result));
        }
    }

    public static void CloseDescriptor(int descriptor) => _ = HostCalls.Close(descriptor);

    private static Errno LastErrno => HostCalls.LastErrno;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Errno ErrnoOf(int result) => result == 0 ? Errno.None : LastErrno;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static IoResult ResultOf(nint result) => result >= 0 ? IoResult.Bytes(result) : LastErrno;

    private static Errno OpenPath(byte* path, int flags, uint mode, out int descriptor)
    {
        while (true)
        {
            descriptor = HostCalls.OpenAt(HostCalls.AT_FDCWD, path, flags | HostCalls.O_CLOEXEC | HostCalls.O_NOCTTY, mode);
            if (descriptor >= 0)
            {
                return Errno.None;
            }
            Errno errno = LastErrno;
            if (errno != Errno.EINTR)
            {
                return errno;
            }
        }
    }

    private static bool Terminate(ReadOnlySpan<byte> name, byte* text)
    {
        if (name.Length >= NameBufferBytes)
        {
            return false;
        }
        name.CopyTo(new Span<byte>(text, NameBufferBytes));
        text[name.Length] = 0;
        return true;
    }

    // A magic link: it leads to the open file itself, not along a path.
    private static void WriteProcPath(int descriptor, byte* path)
    {
        var text = new Span<byte>(path, NameBufferBytes);
        ReadOnlySpan<byte> prefix = "/proc/self/fd/"u8;
        prefix.CopyTo(text);
        _ = System.Buffers.Text.Utf8Formatter.TryFormat(descriptor, text[prefix.Length..], out int digits);
        text[prefix.Length + digits] = 0;
    }
}
