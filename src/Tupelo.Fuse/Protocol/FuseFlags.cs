// The flag words of the FUSE protocol. Source: include/uapi/linux/fuse.h, protocol 7.45.
namespace Tupelo.Fuse;

/// <summary>INIT: what both sides can do. Bits from 32 on travel in flags2.</summary>
[Flags]
public enum FuseInitFlags : ulong
{
    None = 0,
    AsyncRead = 1ul << 0,
    PosixLocks = 1ul << 1,
    AtomicTruncate = 1ul << 3,
    ExportSupport = 1ul << 4,
    BigWrites = 1ul << 5,
    DontMask = 1ul << 6,
    FlockLocks = 1ul << 10,
    HasIoctlDir = 1ul << 11,
    AutoInvalidateData = 1ul << 12,
    DoReadDirPlus = 1ul << 13,
    ReadDirPlusAuto = 1ul << 14,
    AsyncDirectIo = 1ul << 15,
    WritebackCache = 1ul << 16,
    NoOpenSupport = 1ul << 17,
    ParallelDirOps = 1ul << 18,
    AbortError = 1ul << 21,
    MaxPages = 1ul << 22,
    CacheSymlinks = 1ul << 23,
    NoOpenDirSupport = 1ul << 24,
    ExplicitInvalidateData = 1ul << 25,
    HandleKillPrivilegeV2 = 1ul << 28,
    InitExtended = 1ul << 30,
    CreateSupplementaryGroup = 1ul << 34,
    DirectIoAllowMmap = 1ul << 36,
}

/// <summary>SETATTR: which fields count.</summary>
[Flags]
internal enum SetAttrValid : uint
{
    Mode = 1 << 0,
    Uid = 1 << 1,
    Gid = 1 << 2,
    Size = 1 << 3,
    AccessTime = 1 << 4,
    ModifyTime = 1 << 5,
    FileHandle = 1 << 6,
    AccessTimeNow = 1 << 7,
    ModifyTimeNow = 1 << 8,
    ChangeTime = 1 << 10,
    KillSetIds = 1 << 11,
}

/// <summary>What an OPEN reply tells the kernel about its cache.</summary>
[Flags]
internal enum FuseOpenReplyFlags : uint
{
    None = 0,
    DirectIo = 1 << 0,
    KeepCache = 1 << 1,
    NonSeekable = 1 << 2,
    CacheDirectory = 1 << 3,
    NoFlush = 1 << 5,
    ParallelDirectWrites = 1 << 6,
}

/// <summary>Flags of single requests.</summary>
internal static class FuseRequestFlags
{
    internal const uint GetAttrFileHandle = 1;
    internal const uint OpenKillSetIds = 1;
    internal const uint WriteCache = 1;
    internal const uint WriteKillSetIds = 4;
    internal const uint SyncDataOnly = 1;
    internal const uint LockIsFlock = 1;
    internal const uint ReleaseFlockUnlock = 2;
    internal const uint IoctlIsDirectory = 1 << 4;
    internal const uint IoctlCompat = 1;
    internal const uint ExtensionGroups = 32;
}

/// <summary>What a server tells the kernel without being asked.</summary>
internal enum FuseNotifyCode
{
    InvalidateInode = 2,
    InvalidateEntry = 3,
    Delete = 6,
}
