// The Linux calls that this assembly makes, with raw pointers and error numbers: System.IO throws and allocates where these return.
// Numbers are those of asm-generic and x86, with the one that differs on Arm; other processors take the portable way.
// A SafeFileHandle parameter is referenced for the duration of the call, so a descriptor cannot be closed and reused under it.
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Tupelo.Block;

internal static unsafe partial class LinuxCalls
{
    public const int O_RDONLY = 0;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_NOCTTY = 0x100;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;

    public const int F_GETFL = 3;
    public const int F_SETFL = 4;
    public const int F_OFD_GETLK = 36;
    public const int F_OFD_SETLK = 37;
    public const short F_RDLCK = 0;
    public const short F_WRLCK = 1;
    public const short F_UNLCK = 2;

    public const int FALLOC_FL_KEEP_SIZE = 1;
    public const int FALLOC_FL_PUNCH_HOLE = 2;

    public const nuint BLKSSZGET = 0x1268;
    public const nuint BLKDISCARD = 0x1277;
    public const nuint BLKGETSIZE64 = 0x80081272;

    public const int AT_FDCWD = -100;
    public const int AT_EMPTY_PATH = 0x1000;
    public const int AT_STATX_DONT_SYNC = 0x4000;
    public const uint STATX_BASIC_STATS = 0x7FF;
    public const uint STATX_DIOALIGN = 0x2000;

    /// <summary>Longest vector that preadv and pwritev take (UIO_MAXIOV).</summary>
    public const int MaxVectors = 1024;

    /// <summary>True where these calls and numbers hold.</summary>
    public static readonly bool AreKnown = OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture
        is Architecture.X64 or Architecture.Arm64 or Architecture.RiscV64 or Architecture.LoongArch64 or Architecture.S390x;

    public static readonly int O_DIRECT = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public nint Address;
        public nint Length;
    }

    /// <summary>struct flock, 64 bit.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int ProcessId;
    }

    /// <summary>The fields of struct statx that are needed here. Source: statx(2).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct StatX
    {
        [FieldOffset(0)] public uint Mask;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Ino;
        [FieldOffset(40)] public long SizeBytes;
        [FieldOffset(128)] public uint RawDeviceMajor;
        [FieldOffset(132)] public uint RawDeviceMinor;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;
        [FieldOffset(152)] public uint DirectMemoryAlign;
        [FieldOffset(156)] public uint DirectOffsetAlign;
    }

    /// <summary>errno of the call before, in this thread.</summary>
    public static Errno LastErrno => (Errno)Marshal.GetLastPInvokeError();

    /// <summary>What a call that returns 0 or -1 came to.</summary>
    public static Errno ErrnoOf(int result) => result == 0 ? Errno.None : LastErrno;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Statx(int directory, string path, int flags, uint mask, StatX* result);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Statx(SafeFileHandle file, string path, int flags, uint mask, StatX* result);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint Pread(SafeFileHandle file, byte* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint Pwrite(SafeFileHandle file, byte* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "preadv", SetLastError = true)]
    public static partial nint Preadv(SafeFileHandle file, IoVector* vectors, int count, long offset);

    [LibraryImport("libc", EntryPoint = "pwritev", SetLastError = true)]
    public static partial nint Pwritev(SafeFileHandle file, IoVector* vectors, int count, long offset);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int Fdatasync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Ftruncate(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Ioctl(SafeFileHandle file, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Fcntl(SafeFileHandle file, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int FcntlLock(SafeFileHandle file, int command, FileLock* argument);
}
