// The calls by which an extraction changes the host: all relative to an open directory, none that follows a symbolic link.
using System.Runtime.InteropServices;

namespace Tupelo.Images;

internal static unsafe partial class HostCalls
{
    public const int O_WRONLY = 1;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_PATH = 0x200000;

    public const uint RENAME_NOREPLACE = 1;

    private const nint SYS_openat2 = 437; // the same on every processor

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
    public static int OpenEntry(int directory, byte* name, int flags, uint mode = 0)
    {
        flags |= O_NOFOLLOW | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NOCTTY);
        if (Volatile.Read(ref s_openat2IsMissing) == 0)
        {
            var how = new OpenHow
            {
                Flags = (uint)flags,
                Mode = mode,
                Resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
            };
            nint descriptor = OpenAt2(SYS_openat2, directory, name, &how, sizeof(OpenHow));
            if (descriptor >= 0 || LastErrno is not (Errno.ENOSYS or Errno.EPERM or Errno.E2BIG))
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

    // syscall(2) is variadic; on the processors in AreKnown its arguments go where those of an ordinary function go.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint OpenAt2(nint number, nint directory, byte* name, OpenHow* how, nint size);

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

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true)]
    public static partial int RenameAt2(int sourceDirectory, byte* source, int targetDirectory, byte* target, uint flags);

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

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    public static partial int SyncFileSystem(int descriptor);
}
