// Structures and masks of statx(2) and statfs(2), and the resources of setrlimit(2).
namespace Tupelo;

/// <summary>Fields of statx(2): asked for and answered.</summary>
[Flags]
public enum StatxMask : uint
{
    None = 0,
    Type = 1,
    Mode = 2,
    LinkCount = 4,
    Uid = 8,
    Gid = 0x10,
    AccessTime = 0x20,
    ModifyTime = 0x40,
    ChangeTime = 0x80,
    Ino = 0x100,
    Size = 0x200,
    Blocks = 0x400,
    BasicStats = 0x7ff,
    BirthTime = 0x800,
    MountId = 0x1000,
    DirectIoAlignment = 0x2000,
    UniqueMountId = 0x4000,
    Subvolume = 0x8000,

    /// <summary>Must not be asked for (EINVAL).</summary>
    Reserved = 0x80000000,
}

/// <summary>stx_attributes.</summary>
[Flags]
public enum StatxAttributes : ulong
{
    None = 0,
    Compressed = 4,
    Immutable = 0x10,
    AppendOnly = 0x20,
    NoDump = 0x40,
    Encrypted = 0x800,
    Automount = 0x1000,
    MountRoot = 0x2000,
    Verity = 0x100000,
    Dax = 0x200000,
}

/// <summary>What statx(2) answers.</summary>
public struct Statx
{
    /// <summary>Which fields hold something.</summary>
    public StatxMask Mask;
    public StatxAttributes Attributes;

    /// <summary>Which bits of <see cref="Attributes"/> the file system can tell.</summary>
    public StatxAttributes AttributesMask;

    /// <summary>The fields that stat(2) has, and the birth time.</summary>
    public Stat Stat;
    public ulong MountId;
    public uint DirectIoMemoryAlignment;
    public uint DirectIoOffsetAlignment;

    /// <summary>Grows with every change of content or attributes; the change cookie that NFS and 9P doors need.</summary>
    public ulong ChangeCounter;
}

/// <summary>statfs(2): space and limits of a file system.</summary>
public struct StatFs
{
    /// <summary>f_type, the magic number.</summary>
    public ulong Type;

    /// <summary>Unit of the block counts, in bytes.</summary>
    public uint BlockSizeBytes;
    public uint FragmentSizeBytes;
    public ulong BlockCount;
    public ulong FreeBlocks;

    /// <summary>Free for the unprivileged.</summary>
    public ulong AvailableBlocks;
    public ulong FileCount;
    public ulong FreeFiles;
    public ulong FileSystemId;
    public uint MaxNameBytes;

    /// <summary>ST_RDONLY and the other mount flags.</summary>
    public ulong Flags;
}

/// <summary>f_flags of statfs(2).</summary>
public static class StatFsFlags
{
    public const ulong ReadOnly = 1;
    public const ulong NoSetUid = 2;
    public const ulong NoDevices = 4;
    public const ulong NoExec = 8;
    public const ulong Synchronous = 0x10;
    public const ulong Valid = 0x20;
    public const ulong NoAccessTime = 0x400;
    public const ulong NoDirectoryAccessTime = 0x800;
    public const ulong RelativeAccessTime = 0x1000;
    public const ulong NoSymlinkFollow = 0x2000;
}

/// <summary>setrlimit(2)'s resources that matter to files.</summary>
public enum ResourceLimit
{
    FileSize = 1,
    OpenFiles = 7,
}
