// The structures that Linux' file calls read and fill, byte for byte as on x86-64.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tupelo.Conformance;

/// <summary>struct timespec, 16 bytes; unlike <see cref="Tupelo.Timespec"/> it holds any number in its nanoseconds.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct KernelTimespec : IEquatable<KernelTimespec>
{
    public long Seconds;
    public long Nanoseconds;

    public KernelTimespec(long seconds, long nanoseconds)
    {
        Seconds = seconds;
        Nanoseconds = nanoseconds;
    }

    public readonly bool Equals(KernelTimespec other) => Seconds == other.Seconds && Nanoseconds == other.Nanoseconds;

    public override readonly bool Equals(object? obj) => obj is KernelTimespec other && Equals(other);

    public override readonly int GetHashCode() => HashCode.Combine(Seconds, Nanoseconds);

    public override readonly string ToString() => $"{Seconds}.{Nanoseconds:D9}";

    public static bool operator ==(KernelTimespec left, KernelTimespec right) => left.Equals(right);

    public static bool operator !=(KernelTimespec left, KernelTimespec right) => !left.Equals(right);
}

/// <summary>struct stat, 144 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 144)]
public struct KernelStat
{
    [FieldOffset(0)] public ulong Device;
    [FieldOffset(8)] public ulong Ino;
    [FieldOffset(16)] public ulong LinkCount;
    [FieldOffset(24)] public uint Mode;
    [FieldOffset(28)] public uint Uid;
    [FieldOffset(32)] public uint Gid;
    [FieldOffset(40)] public ulong RawDevice;
    [FieldOffset(48)] public long SizeBytes;
    [FieldOffset(56)] public long BlockSizeBytes;
    [FieldOffset(64)] public long Blocks512;
    [FieldOffset(72)] public KernelTimespec AccessTime;
    [FieldOffset(88)] public KernelTimespec ModifyTime;
    [FieldOffset(104)] public KernelTimespec ChangeTime;

    /// <summary>The type bits of <see cref="Mode"/>.</summary>
    public readonly uint TypeBits => Mode & LinuxAbi.S_IFMT;

    /// <summary>Permission, set-id and sticky bits of <see cref="Mode"/>.</summary>
    public readonly uint Permissions => Mode & 0xFFF;
}

/// <summary>struct statx_timestamp, 16 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct KernelStatxTime
{
    [FieldOffset(0)] public long Seconds;
    [FieldOffset(8)] public uint Nanoseconds;
}

/// <summary>struct statx, 256 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public struct KernelStatx
{
    [FieldOffset(0)] public uint Mask;
    [FieldOffset(4)] public uint BlockSizeBytes;
    [FieldOffset(8)] public ulong Attributes;
    [FieldOffset(16)] public uint LinkCount;
    [FieldOffset(20)] public uint Uid;
    [FieldOffset(24)] public uint Gid;
    [FieldOffset(28)] public ushort Mode;
    [FieldOffset(32)] public ulong Ino;
    [FieldOffset(40)] public ulong SizeBytes;
    [FieldOffset(48)] public ulong Blocks512;
    [FieldOffset(56)] public ulong AttributesMask;
    [FieldOffset(64)] public KernelStatxTime AccessTime;
    [FieldOffset(80)] public KernelStatxTime BirthTime;
    [FieldOffset(96)] public KernelStatxTime ChangeTime;
    [FieldOffset(112)] public KernelStatxTime ModifyTime;
    [FieldOffset(128)] public uint RawDeviceMajor;
    [FieldOffset(132)] public uint RawDeviceMinor;
    [FieldOffset(136)] public uint DeviceMajor;
    [FieldOffset(140)] public uint DeviceMinor;
    [FieldOffset(144)] public ulong MountId;
}

/// <summary>struct statfs, 120 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 120)]
public struct KernelStatFs
{
    [FieldOffset(0)] public long Type;
    [FieldOffset(8)] public long BlockSizeBytes;
    [FieldOffset(16)] public ulong Blocks;
    [FieldOffset(24)] public ulong FreeBlocks;
    [FieldOffset(32)] public ulong AvailableBlocks;
    [FieldOffset(40)] public ulong Files;
    [FieldOffset(48)] public ulong FreeFiles;
    [FieldOffset(56)] public ulong FileSystemId;
    [FieldOffset(64)] public long NameMax;
    [FieldOffset(72)] public long FragmentSizeBytes;
    [FieldOffset(80)] public long Flags;
}

/// <summary>struct flock, 32 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct KernelLock
{
    [FieldOffset(0)] public short Type;
    [FieldOffset(2)] public short Whence;
    [FieldOffset(8)] public long Start;
    [FieldOffset(16)] public long Length;
    [FieldOffset(24)] public int Pid;

    public KernelLock(short type, long start, long length, short whence = 0)
    {
        Type = type;
        Start = start;
        Length = length;
        Whence = whence;
    }
}

/// <summary>struct open_how, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct KernelOpenHow
{
    public ulong Flags;
    public ulong Mode;
    public ulong Resolve;
}

/// <summary>struct pollfd, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct KernelPollFd
{
    public int Fd;
    public short Events;
    public short ReturnedEvents;

    public KernelPollFd(int fd, short events)
    {
        Fd = fd;
        Events = events;
    }
}

/// <summary>struct epoll_event, 12 bytes on x86-64.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public struct KernelEpollEvent
{
    public uint Events;
    public ulong Data;
}

/// <summary>struct iovec, 16 bytes. <see cref="Base"/> is an address in this process' memory.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct KernelIoVec
{
    public nint Base;
    public nuint Length;

    public KernelIoVec(nint address, nuint length)
    {
        Base = address;
        Length = length;
    }

    /// <summary>All of <paramref name="pinned"/>, which must come from <see cref="AllocatePinned"/>.</summary>
    public static unsafe KernelIoVec Over(byte[] pinned) =>
        new((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned)), (nuint)pinned.Length);

    /// <summary>An array which the garbage collector does not move, so that its address can stand in an iovec.</summary>
    public static byte[] AllocatePinned(int sizeBytes) => GC.AllocateArray<byte>(sizeBytes, pinned: true);

    /// <summary>A pinned copy of <paramref name="bytes"/>.</summary>
    public static byte[] AllocatePinned(ReadOnlySpan<byte> bytes)
    {
        byte[] copy = AllocatePinned(bytes.Length);
        bytes.CopyTo(copy);
        return copy;
    }
}
