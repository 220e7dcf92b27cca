// The Linux calls on trees of the host, declared once: what reads and extracts trees (Tupelo.Images) and what mounts them
// (Tupelo.FileSystems) both stand on it. Descriptors are plain numbers here, since a tree of 100,000 files opens 100,000 of them; whoever
// opens one closes it. Numbers are those of asm-generic and x86, with those that differ on Arm; other processors and systems take
// the portable way, or have none. This part reads; HostCalls.Changes.cs changes. Calls on device files are in LinuxCalls.cs.
using System.Runtime.InteropServices;

namespace Tupelo.Block;

internal static unsafe partial class HostCalls
{
    public const int O_RDONLY = 0;
    public const int O_RDWR = 2;
    public const int O_DSYNC = 0x1000;
    public const int O_NOATIME = 0x40000;
    public const int O_SYNC = 0x101000;
    public const int O_NOCTTY = 0x100;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;

    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_REMOVEDIR = 0x200;
    public const int AT_SYMLINK_FOLLOW = 0x400;
    public const int AT_NO_AUTOMOUNT = 0x800;
    public const int AT_EMPTY_PATH = 0x1000;
    public const uint STATX_BASIC_STATS = 0x7FF;
    public const uint STATX_BTIME = 0x800;

    public const int SEEK_SET = 0;
    public const int SEEK_DATA = 3;
    public const int SEEK_HOLE = 4;

    public const uint SYNC_FILE_RANGE_WRITE = 2;

    /// <summary>True where these calls and numbers hold.</summary>
    public static readonly bool AreKnown = OperatingSystem.IsLinux()
        && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64 or Architecture.RiscV64 or Architecture.LoongArch64;

    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public static readonly int O_DIRECTORY = IsArm ? 0x4000 : 0x10000;
    public static readonly int O_NOFOLLOW = IsArm ? 0x8000 : 0x20000;
    public static readonly int O_DIRECT = IsArm ? 0x10000 : 0x4000;
    public static readonly int O_TMPFILE = 0x400000 | O_DIRECTORY;

    /// <summary>struct statx. Source: statx(2).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct StatX
    {
        [FieldOffset(0)] public uint Mask;
        [FieldOffset(16)] public uint LinkCount;
        [FieldOffset(20)] public uint Uid;
        [FieldOffset(24)] public uint Gid;
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Ino;
        [FieldOffset(40)] public long SizeBytes;
        [FieldOffset(48)] public long Blocks512;
        [FieldOffset(64)] public long AccessSeconds;
        [FieldOffset(72)] public int AccessNanoseconds;
        [FieldOffset(80)] public long BirthSeconds;
        [FieldOffset(88)] public int BirthNanoseconds;
        [FieldOffset(96)] public long ChangeSeconds;
        [FieldOffset(104)] public int ChangeNanoseconds;
        [FieldOffset(112)] public long ModifySeconds;
        [FieldOffset(120)] public int ModifyNanoseconds;
        [FieldOffset(128)] public uint RawDeviceMajor;
        [FieldOffset(132)] public uint RawDeviceMinor;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;

        public readonly Timespec AccessTime => new(AccessSeconds, AccessNanoseconds);

        public readonly Timespec BirthTime => new(BirthSeconds, BirthNanoseconds);

        public readonly Timespec ChangeTime => new(ChangeSeconds, ChangeNanoseconds);

        public readonly Timespec ModifyTime => new(ModifySeconds, ModifyNanoseconds);

        public readonly FileType Type => Tupelo.Mode.TypeOf(Mode);

        public readonly ulong Device => DeviceNumber.Make(DeviceMajor, DeviceMinor);
    }

    /// <summary>struct statfs of 64-bit machines. Source: statfs(2).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    public struct StatFs
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
    public struct IoVector
    {
        public void* Address;
        public nuint Length;
    }

    // Not every C library has all of these under their names.
    private static readonly bool s_isX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly nint s_renameat2 = s_isX64 ? 316 : 276;
    private static readonly nint s_getdents64 = s_isX64 ? 217 : 61;

    /// <summary>errno of the call before, in this thread.</summary>
    public static Errno LastErrno => (Errno)Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    public static partial int OpenAt(int directory, byte* path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    public static partial int Statx(int directory, byte* path, int flags, uint mask, StatX* result);

    public static nint GetDirectoryEntries(int directory, byte* buffer, nint count) => SystemCall(s_getdents64, directory, (nint)buffer, count);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUid();

    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    public static partial int FstatFs(int descriptor, StatFs* stat);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int Fdatasync(int descriptor);

    [LibraryImport("libc", EntryPoint = "getxattr", SetLastError = true)]
    public static partial nint GetXattrOfPath(byte* path, byte* name, byte* value, nint count);

    [LibraryImport("libc", EntryPoint = "listxattr", SetLastError = true)]
    public static partial nint ListXattrsOfPath(byte* path, byte* names, nint count);

    // syscall(2) is variadic; on the processors in AreKnown its arguments go where those of an ordinary function go.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint a, nint b, nint c, nint d = 0, nint e = 0);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint Pread(int descriptor, byte* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(int descriptor, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    public static partial nint ReadLinkAt(int directory, byte* path, byte* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "flistxattr", SetLastError = true)]
    public static partial nint ListXattrs(int descriptor, byte* names, nint count);

    [LibraryImport("libc", EntryPoint = "fgetxattr", SetLastError = true)]
    public static partial nint GetXattr(int descriptor, byte* name, byte* value, nint count);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    public static partial nint ListLinkXattrs(byte* path, byte* names, nint count);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    public static partial nint GetLinkXattr(byte* path, byte* name, byte* value, nint count);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    public static partial int SyncFileRange(int descriptor, long offset, long count, uint flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int LinkAt(int sourceDirectory, string source, int targetDirectory, string target, int flags);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);
}
