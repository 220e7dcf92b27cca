// The Linux calls that pass a directory of the host through: every one works on a descriptor and at most one name, none on a path of
// several names, so nothing here can be led astray by what others do to the tree meanwhile.
// Numbers are those of asm-generic and x86-64, with the ones that differ on Arm; on other machines the file system is not offered.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tupelo.FileSystems;

internal static unsafe partial class LinuxHost
{
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_NOCTTY = 0x100;
    public const int O_NONBLOCK = 0x800;
    public const int O_DSYNC = 0x1000;
    public const int O_NOATIME = 0x40000;
    public const int O_CLOEXEC = 0x80000;
    public const int O_SYNC = 0x101000;
    public const int O_PATH = 0x200000;

    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_REMOVEDIR = 0x200;
    public const int AT_SYMLINK_FOLLOW = 0x400;
    public const int AT_EMPTY_PATH = 0x1000;

    public const ulong RESOLVE_NO_XDEV = 1;
    public const ulong RESOLVE_NO_MAGICLINKS = 2;
    public const ulong RESOLVE_NO_SYMLINKS = 4;
    public const ulong RESOLVE_BENEATH = 8;

    public const uint RENAME_NOREPLACE = 1;
    public const uint RENAME_EXCHANGE = 2;

    public const int SEEK_SET = 0;
    public const int FALLOC_FL_KEEP_SIZE = 1;

    public const uint STATX_BASIC_STATS = 0x7FF;
    public const uint STATX_BTIME = 0x800;
    public const int UTIME_OMIT = 0x3ffffffe;

    private const int NameBufferBytes = 256;

    private static readonly bool s_isArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public static readonly int O_DIRECTORY = s_isArm ? 0x4000 : 0x10000;
    public static readonly int O_NOFOLLOW = s_isArm ? 0x8000 : 0x20000;
    public static readonly int O_DIRECT = s_isArm ? 0x10000 : 0x4000;
    public static readonly int O_TMPFILE = 0x400000 | O_DIRECTORY;

    private static readonly bool s_isX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly nint s_openat2 = 437;
    private static readonly nint s_renameat2 = s_isX64 ? 316 : 276;
    private static readonly nint s_getdents64 = s_isX64 ? 217 : 61;

    /// <summary>True where these calls, numbers and structures hold.</summary>
    public static readonly bool IsKnown = OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture
        is Architecture.X64 or Architecture.Arm64 or Architecture.RiscV64 or Architecture.LoongArch64;

    /// <summary>Whether this process may give files away and open what their mode forbids (effective uid 0).</summary>
    public static readonly bool IsRoot = IsKnown && Geteuid() == 0;

    [StructLayout(LayoutKind.Sequential)]
    public struct HostTime
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct StatxTime
    {
        public long Seconds;
        public uint Nanoseconds;
        private readonly int _reserved;

        public readonly Timespec ToTimespec() => new(Seconds, (int)Nanoseconds);
    }

    /// <summary>struct statx. Source: statx(2).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct HostStat
    {
        [FieldOffset(0)] public uint Mask;
        [FieldOffset(16)] public uint LinkCount;
        [FieldOffset(20)] public uint Uid;
        [FieldOffset(24)] public uint Gid;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Ino;
        [FieldOffset(40)] public long SizeBytes;
        [FieldOffset(48)] public long Blocks512;
        [FieldOffset(64)] public StatxTime AccessTime;
        [FieldOffset(80)] public StatxTime BirthTime;
        [FieldOffset(96)] public StatxTime ChangeTime;
        [FieldOffset(112)] public StatxTime ModifyTime;
        [FieldOffset(128)] public uint RawDeviceMajor;
        [FieldOffset(132)] public uint RawDeviceMinor;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;

        public readonly FileType Type => Tupelo.Mode.TypeOf(Mode);

        public readonly ulong Device => DeviceNumber.Make(DeviceMajor, DeviceMinor);
    }

    /// <summary>struct statfs of 64-bit machines. Source: statfs(2).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    public struct HostStatFs
    {
        [FieldOffset(0)] public long Type;
        [FieldOffset(8)] public long BlockSizeBytes;
        [FieldOffset(16)] public ulong BlockCount;
        [FieldOffset(24)] public ulong FreeBlocks;
        [FieldOffset(32)] public ulong AvailableBlocks;
        [FieldOffset(40)] public ulong FileCount;
        [FieldOffset(48)] public ulong FreeFiles;
        [FieldOffset(64)] public long MaxNameBytes;
        [FieldOffset(72)] public long FragmentSizeBytes;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct HostOpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

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
        flags |= O_CLOEXEC | O_NOFOLLOW;
        var how = new HostOpenHow
        {
            Flags = (uint)flags,
            Mode = mode,
            Resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | (crossDevices ? 0 : RESOLVE_NO_XDEV),
        };
        for (int tries = 0; ; tries++)
        {
            nint result = Syscall(s_openat2, directory, (nint)text, (nint)(&how), sizeof(HostOpenHow));
            Errno errno = result < 0 ? LastErrno : Errno.None;
            if ((errno is Errno.ENOSYS or Errno.EPERM) && crossDevices)
            {
                result = Openat(directory, text, flags, mode);
                errno = result < 0 ? LastErrno : Errno.None;
            }
            // EAGAIN: something was renamed meanwhile, and the kernel could not tell whether it left the directory.
            if (errno == Errno.EINTR || (errno == Errno.EAGAIN && tries < 64))
            {
                continue;
            }
            descriptor = (int)result;
            return errno;
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
            return OpenPath(text, O_PATH | O_DIRECTORY, 0, out descriptor);
        }
    }

    public static Errno Stat(int directory, ReadOnlySpan<byte> name, out HostStat stat)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        fixed (HostStat* result = &stat)
        {
            return !Terminate(name, text)
                ? Errno.ENAMETOOLONG
                : ErrnoOf(Statx(directory, text, AT_SYMLINK_NOFOLLOW | (name.IsEmpty ? AT_EMPTY_PATH : 0), STATX_BASIC_STATS | STATX_BTIME, result));
        }
    }

    public static Errno ReadLink(int descriptor, Span<byte> target, out int length)
    {
        byte empty = 0;
        fixed (byte* room = target)
        {
            length = (int)Readlinkat(descriptor, &empty, room, target.Length);
        }
        return length < 0 ? LastErrno : Errno.None;
    }

    public static Errno MakeDirectory(int directory, ReadOnlySpan<byte> name, uint mode)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        return Terminate(name, text) ? ErrnoOf(Mkdirat(directory, text, mode)) : Errno.ENAMETOOLONG;
    }

    public static Errno MakeNode(int directory, ReadOnlySpan<byte> name, uint mode, ulong device)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        return Terminate(name, text) ? ErrnoOf(Mknodat(directory, text, mode, device)) : Errno.ENAMETOOLONG;
    }

    public static Errno MakeSymlink(ReadOnlySpan<byte> target, int directory, ReadOnlySpan<byte> name)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        byte* targetText = stackalloc byte[target.Length + 1];
        target.CopyTo(new Span<byte>(targetText, target.Length));
        targetText[target.Length] = 0;
        return Terminate(name, text) ? ErrnoOf(Symlinkat(targetText, directory, text)) : Errno.ENAMETOOLONG;
    }

    /// <summary>Gives the file that a descriptor stands for one more name.</summary>
    public static Errno Link(int descriptor, int directory, ReadOnlySpan<byte> name)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        byte* path = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        return Terminate(name, text) ? ErrnoOf(Linkat(AT_FDCWD, path, directory, text, AT_SYMLINK_FOLLOW)) : Errno.ENAMETOOLONG;
    }

    public static Errno Unlink(int directory, ReadOnlySpan<byte> name, bool isDirectory)
    {
        byte* text = stackalloc byte[NameBufferBytes];
        return Terminate(name, text) ? ErrnoOf(Unlinkat(directory, text, isDirectory ? AT_REMOVEDIR : 0)) : Errno.ENAMETOOLONG;
    }

    public static Errno Rename(int oldDirectory, ReadOnlySpan<byte> oldName, int newDirectory, ReadOnlySpan<byte> newName, uint flags)
    {
        byte* oldText = stackalloc byte[NameBufferBytes];
        byte* newText = stackalloc byte[NameBufferBytes];
        if (!Terminate(oldName, oldText) || !Terminate(newName, newText))
        {
            return Errno.ENAMETOOLONG;
        }
        return Syscall(s_renameat2, oldDirectory, (nint)oldText, newDirectory, (nint)newText, (nint)flags) == 0 ? Errno.None : LastErrno;
    }

    public static Errno ChangeMode(int descriptor, uint mode)
    {
        byte* path = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        return ErrnoOf(Chmod(path, mode));
    }

    public static Errno ChangeOwner(int descriptor, uint uid, uint gid)
    {
        byte empty = 0;
        return ErrnoOf(Fchownat(descriptor, &empty, uid, gid, AT_EMPTY_PATH));
    }

    public static Errno ChangeTimes(int descriptor, HostTime access, HostTime modify)
    {
        byte* path = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        HostTime* times = stackalloc HostTime[2] { access, modify };
        return ErrnoOf(Utimensat(AT_FDCWD, path, times, 0));
    }

    public static Errno Truncate(int descriptor, long sizeBytes) => ErrnoOf(Ftruncate(descriptor, sizeBytes));

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
            return ResultOf(Getxattr(path, text, room, (nuint)value.Length));
        }
    }

    public static IoResult ListXattrs(int descriptor, Span<byte> names)
    {
        byte* path = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        fixed (byte* room = names)
        {
            return ResultOf(Listxattr(path, room, (nuint)names.Length));
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
            return ErrnoOf(Setxattr(path, text, bytes, (nuint)value.Length, flags));
        }
    }

    public static Errno RemoveXattr(int descriptor, ReadOnlySpan<byte> name)
    {
        byte* path = stackalloc byte[NameBufferBytes];
        byte* text = stackalloc byte[NameBufferBytes];
        WriteProcPath(descriptor, path);
        return Terminate(name, text) ? ErrnoOf(Removexattr(path, text)) : Errno.ERANGE;
    }

    public static IoResult Read(int descriptor, Span<byte> buffer, long offset)
    {
        fixed (byte* room = buffer)
        {
            while (true)
            {
                IoResult result = ResultOf(Pread(descriptor, room, (nuint)buffer.Length, offset));
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
                IoResult result = ResultOf(Pwrite(descriptor, bytes, (nuint)buffer.Length, offset));
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
            var vector = new IoVec(bytes, (nuint)buffer.Length);
            while (true)
            {
                IoResult result = ResultOf(Pwritev2(descriptor, &vector, 1, 0, (int)ReadWriteFlags.Append));
                if (result.Errno != Errno.EINTR)
                {
                    return result;
                }
            }
        }
    }

    public static IoResult Seek(int descriptor, long offset, int whence) => ResultOf((nint)Lseek(descriptor, offset, whence));

    public static IoResult ReadDirectory(int descriptor, Span<byte> buffer)
    {
        fixed (byte* room = buffer)
        {
            return ResultOf(Syscall(s_getdents64, descriptor, (nint)room, buffer.Length));
        }
    }

    public static Errno Allocate(int descriptor, int mode, long offset, long length)
    {
        while (true)
        {
            Errno errno = ErrnoOf(Fallocate(descriptor, mode, offset, length));
            if (errno != Errno.EINTR)
            {
                return errno;
            }
        }
    }

    public static Errno Sync(int descriptor, bool dataOnly) => ErrnoOf(dataOnly ? Fdatasync(descriptor) : Fsync(descriptor));

    public static Errno SyncFileSystem(int descriptor) => ErrnoOf(Syncfs(descriptor));

    public static Errno StatFs(int descriptor, out HostStatFs stat)
    {
        fixed (HostStatFs* result = &stat)
        {
            return ErrnoOf(Fstatfs(descriptor, result));
        }
    }

    public static void CloseDescriptor(int descriptor) => _ = Close(descriptor);

    private static Errno LastErrno => (Errno)Marshal.GetLastPInvokeError();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Errno ErrnoOf(int result) => result == 0 ? Errno.None : LastErrno;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static IoResult ResultOf(nint result) => result >= 0 ? IoResult.Bytes(result) : LastErrno;

    private static Errno OpenPath(byte* path, int flags, uint mode, out int descriptor)
    {
        while (true)
        {
            descriptor = Openat(AT_FDCWD, path, flags | O_CLOEXEC | O_NOCTTY, mode);
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

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint Geteuid();

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Syscall(nint number, nint a, nint b, nint c, nint d = 0, nint e = 0);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    private static partial int Openat(int directory, byte* path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int Statx(int directory, byte* path, int flags, uint mask, HostStat* result);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    private static partial nint Readlinkat(int directory, byte* path, byte* buffer, nint size);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    private static partial int Mkdirat(int directory, byte* path, uint mode);

    [LibraryImport("libc", EntryPoint = "mknodat", SetLastError = true)]
    private static partial int Mknodat(int directory, byte* path, uint mode, ulong device);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true)]
    private static partial int Symlinkat(byte* target, int directory, byte* path);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true)]
    private static partial int Linkat(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath, int flags);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    private static partial int Unlinkat(int directory, byte* path, int flags);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true)]
    private static partial int Chmod(byte* path, uint mode);

    [LibraryImport("libc", EntryPoint = "fchownat", SetLastError = true)]
    private static partial int Fchownat(int directory, byte* path, uint uid, uint gid, int flags);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    private static partial int Utimensat(int directory, byte* path, HostTime* times, int flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int Ftruncate(int descriptor, long size);

    [LibraryImport("libc", EntryPoint = "getxattr", SetLastError = true)]
    private static partial nint Getxattr(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport("libc", EntryPoint = "listxattr", SetLastError = true)]
    private static partial nint Listxattr(byte* path, byte* list, nuint size);

    [LibraryImport("libc", EntryPoint = "setxattr", SetLastError = true)]
    private static partial int Setxattr(byte* path, byte* name, byte* value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "removexattr", SetLastError = true)]
    private static partial int Removexattr(byte* path, byte* name);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static partial nint Pread(int descriptor, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    private static partial nint Pwrite(int descriptor, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Lseek(int descriptor, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Fallocate(int descriptor, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int Fdatasync(int descriptor);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int Syncfs(int descriptor);

    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    private static partial int Fstatfs(int descriptor, HostStatFs* stat);

    [LibraryImport("libc", EntryPoint = "pwritev2", SetLastError = true)]
    private static partial nint Pwritev2(int descriptor, IoVec* vectors, int count, long offset, int flags);
}
