// The calls that change trees of the host: all relative to an open directory, or on one; see HostCalls.cs.
using System.Runtime.InteropServices;

namespace Tupelo.Block;

internal static unsafe partial class HostCalls
{
    public const int O_WRONLY = 1;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_PATH = 0x200000;

    public const uint RENAME_NOREPLACE = 1;
    public const uint RENAME_EXCHANGE = 2;

    public const int FALLOC_FL_KEEP_SIZE = 1;
    public const int RWF_APPEND = 0x10;

    private const nint SYS_openat2 = 437; // the same on every processor

    private const ulong RESOLVE_NO_XDEV = 1;
    private const ulong RESOLVE_NO_MAGICLINKS = 2;
    private const ulong RESOLVE_NO_SYMLINKS = 4;
    private const ulong RESOLVE_BENEATH = 8;

    private static int s_openat2IsMissing; // Volatile: set once an old kernel or a sandbox has said so.

    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        /// <summary>In <see cref="Nanoseconds"/>: leave this time as it is (UTIME_OMIT).</summary>
        public const long Omit = (1 << 30) - 2;

        public long Seconds;
        public long Nanoseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    /// <summary>Opens the entry <paramref name="name"/>, a single name, of a directory; never through a symbolic link, never outside.</summary>
    /// <returns>The descriptor, or -1 with the errno set.</returns>
    public static int OpenEntry(int directory, byte* name, int flags, uint mode = 0, bool crossDevices = true)
    {
        flags |= O_NOFOLLOW | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NOCTTY);
        if (Volatile.Read(ref s_openat2IsMissing) == 0 || !crossDevices)
        {
            var how = new OpenHow
            {
                Flags = (uint)flags,
                Mode = mode,
                Resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | (crossDevices ? 0 : RESOLVE_NO_XDEV),
            };
            nint descriptor = SystemCall(SYS_openat2, directory, (nint)name, (nint)(&how), sizeof(OpenHow));
            if (descriptor >= 0 || !crossDevices || LastErrno is not (Errno.ENOSYS or Errno.EPERM or Errno.E2BIG))
            {
                return (int)descriptor;
            }
            if (LastErrno != Errno.EPERM)
            {
                Volatile.Write(ref s_openat2IsMissing, 1);
            }
        }
        // A single name cannot lead elsewhere when the last part is not followed: this is as safe, if less plain.
        return OpenAt(directory, name, flags, mode);
    }

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true)]
    public static partial int MakeDirectoryAt(int directory, byte* name, uint mode);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true)]
    public static partial int SymlinkAt(byte* target, int directory, byte* name);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true)]
    public static partial int LinkAt(int sourceDirectory, byte* source, int targetDirectory, byte* target, int flags);

    [LibraryImport("libc", EntryPoint = "mknodat", SetLastError = true)]
    public static partial int MakeNodeAt(int directory, byte* name, uint mode, ulong device);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true)]
    public static partial int RenameAt(int sourceDirectory, byte* source, int targetDirectory, byte* target);

    public static int RenameAt2(int sourceDirectory, byte* source, int targetDirectory, byte* target, uint flags) =>
        (int)SystemCall(s_renameat2, sourceDirectory, (nint)source, targetDirectory, (nint)target, (nint)flags);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    public static partial int UnlinkAt(int directory, byte* name, int flags);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint Pwrite(int descriptor, byte* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Ftruncate(int descriptor, long length);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    public static partial int Fchmod(int descriptor, uint mode);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    public static partial int Fchown(int descriptor, uint uid, uint gid);

    [LibraryImport("libc", EntryPoint = "fchownat", SetLastError = true)]
    public static partial int FchownAt(int directory, byte* name, uint uid, uint gid, int flags);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true)]
    public static partial int Chmod(byte* path, uint mode);

    [LibraryImport("libc", EntryPoint = "futimens", SetLastError = true)]
    public static partial int Futimens(int descriptor, TimeSpec* times);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    public static partial int UtimensAt(int directory, byte* name, TimeSpec* times, int flags);

    [LibraryImport("libc", EntryPoint = "fsetxattr", SetLastError = true)]
    public static partial int SetXattr(int descriptor, byte* name, byte* value, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "setxattr", SetLastError = true)]
    public static partial int SetXattrOfPath(byte* path, byte* name, byte* value, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "removexattr", SetLastError = true)]
    public static partial int RemoveXattrOfPath(byte* path, byte* name);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Fallocate(int descriptor, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "pwritev2", SetLastError = true)]
    public static partial nint Pwritev2(int descriptor, IoVector* vectors, int count, long offset, int flags);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    public static partial int SyncFileSystem(int descriptor);
}
