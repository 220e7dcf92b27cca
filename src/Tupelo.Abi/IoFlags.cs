// Numbers and structures of the calls that move bytes: preadv2, fallocate, splice, sync_file_range, posix_fadvise, poll, mmap, ioctl.
namespace Tupelo;

/// <summary>One segment of readv and writev: struct iovec. The memory must stay in place during the call.</summary>
public readonly unsafe struct IoVec(byte* address, nuint length)
{
    /// <summary>First byte; null is EFAULT when something is moved.</summary>
    public readonly byte* Address = address;

    /// <summary>Bytes; the sum over all segments must fit a signed 64-bit number (EINVAL).</summary>
    public readonly nuint Length = length;
}

/// <summary>preadv2 and pwritev2's RWF_ flags.</summary>
[Flags]
public enum ReadWriteFlags
{
    None = 0,
    HighPriority = 1,
    DataSync = 2,
    Sync = 4,
    NoWait = 8,
    Append = 0x10,
    NoAppend = 0x20,
    Atomic = 0x40,
    DontCache = 0x80,
    NoSignal = 0x100,
}

/// <summary>fallocate(2)'s mode.</summary>
[Flags]
public enum FallocateMode
{
    None = 0,
    KeepSize = 1,
    PunchHole = 2,
    CollapseRange = 8,
    ZeroRange = 0x10,
    InsertRange = 0x20,
    UnshareRange = 0x40,
}

/// <summary>splice(2), tee(2), vmsplice(2).</summary>
[Flags]
public enum SpliceFlags
{
    None = 0,
    Move = 1,
    NonBlock = 2,
    More = 4,
    Gift = 8,
}

/// <summary>sync_file_range(2).</summary>
[Flags]
public enum SyncFileRangeFlags
{
    None = 0,
    WaitBefore = 1,
    Write = 2,
    WaitAfter = 4,
}

/// <summary>posix_fadvise(2).</summary>
public enum FileAdvice
{
    Normal = 0,
    Random = 1,
    Sequential = 2,
    WillNeed = 3,
    DontNeed = 4,
    NoReuse = 5,
}

/// <summary>mmap(2)'s protection.</summary>
[Flags]
public enum MapProtection
{
    None = 0,
    Read = 1,
    Write = 2,
    Execute = 4,
}

/// <summary>mmap(2)'s flags, those that mean something to a file.</summary>
[Flags]
public enum MapFlags
{
    None = 0,
    Shared = 1,
    Private = 2,
    SharedValidate = 3,
    TypeMask = 15,
}

/// <summary>msync(2).</summary>
[Flags]
public enum MapSyncFlags
{
    None = 0,
    Async = 1,
    Invalidate = 2,
    Sync = 4,
}

/// <summary>ioctl(2) requests that the core answers itself.</summary>
public static class IoctlRequest
{
    public const uint FileBytesReadable = 0x541B;     // FIONREAD
    public const uint FileNonBlocking = 0x5421;       // FIONBIO
    public const uint FileAsync = 0x5452;             // FIOASYNC
    public const uint FileNoCloseOnExec = 0x5450;     // FIONCLEX
    public const uint FileCloseOnExec = 0x5451;       // FIOCLEX
    public const uint GetInodeFlags = 0x80086601;     // FS_IOC_GETFLAGS
    public const uint SetInodeFlags = 0x40086602;     // FS_IOC_SETFLAGS
    public const uint GetInodeVersion = 0x80087601;   // FS_IOC_GETVERSION
    public const uint CloneFile = 0x40049409;         // FICLONE
    public const uint CloneFileRange = 0x4020940D;    // FICLONERANGE
    public const uint FileSystemBlockSize = 2;        // FIGETBSZ
    public const uint FileMapBlock = 1;               // FIBMAP
    public const uint BlockSectorSize = 0x1268;       // BLKSSZGET
    public const uint BlockSizeInSectors = 0x1260;    // BLKGETSIZE
    public const uint BlockSizeInBytes = 0x80081272;  // BLKGETSIZE64
    public const uint BlockFlush = 0x1261;            // BLKFLSBUF
    public const uint BlockReadOnlyGet = 0x125E;      // BLKROGET
    public const uint BlockDiscard = 0x1277;          // BLKDISCARD
    public const uint BlockZeroOut = 0x127F;          // BLKZEROOUT
}
