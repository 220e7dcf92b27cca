// Numbers of the calls that open and resolve: open(2), openat2(2), the AT_ family, access(2), lseek(2), dup3(2), close_range(2).
// x86-64 Linux values; a door passes them through unchanged.
namespace Tupelo;

/// <summary>Flags of open(2). The access mode is the two low bits: 0 read, 1 write, 2 both, 3 neither (as Linux accepts it).</summary>
[Flags]
public enum OpenFlags
{
    ReadOnly = 0,
    WriteOnly = 1,
    ReadWrite = 2,

    /// <summary>Mask of the access mode (O_ACCMODE).</summary>
    AccessMode = 3,
    Create = 0x40,
    Exclusive = 0x80,
    NoControllingTerminal = 0x100,
    Truncate = 0x200,
    Append = 0x400,
    NonBlock = 0x800,

    /// <summary>O_DSYNC: a write returns when its data is durable.</summary>
    DataSync = 0x1000,
    Async = 0x2000,
    Direct = 0x4000,
    LargeFile = 0x8000,
    Directory = 0x10000,
    NoFollow = 0x20000,
    NoAccessTime = 0x40000,
    CloseOnExec = 0x80000,

    /// <summary>O_SYNC, which contains <see cref="DataSync"/>.</summary>
    Sync = 0x101000,
    Path = 0x200000,

    /// <summary>O_TMPFILE, which contains <see cref="Directory"/>.</summary>
    TemporaryFile = 0x410000,

    /// <summary>The bit of O_TMPFILE without O_DIRECTORY (__O_TMPFILE).</summary>
    TemporaryFileBit = 0x400000,
}

/// <summary>The descriptor that stands for the current directory.</summary>
public static class AtFd
{
    /// <summary>AT_FDCWD.</summary>
    public const int CurrentDirectory = -100;
}

/// <summary>Flags of the *at calls. Some numbers mean different things to different calls.</summary>
[Flags]
public enum AtFlags
{
    None = 0,

    SymlinkNoFollow = 0x100,

    /// <summary>name_to_handle_at: the handle need not be openable (AT_HANDLE_FID).</summary>
    HandleFid = 0x200,

    /// <summary>unlinkat: behave as rmdir(2).</summary>
    RemoveDirectory = 0x200,

    /// <summary>faccessat2: use the effective ids.</summary>
    EffectiveAccess = 0x200,
    SymlinkFollow = 0x400,
    NoAutomount = 0x800,
    EmptyPath = 0x1000,
    StatxForceSync = 0x2000,
    StatxDontSync = 0x4000,
    Recursive = 0x8000,
}

/// <summary>openat2's RESOLVE_ bits.</summary>
[Flags]
public enum ResolveFlags : ulong
{
    None = 0,
    NoCrossDevice = 1,
    NoMagicLinks = 2,
    NoSymlinks = 4,
    Beneath = 8,
    InRoot = 0x10,
    Cached = 0x20,
}

/// <summary>struct open_how of openat2(2): 24 bytes.</summary>
public struct OpenHow
{
    public ulong Flags;
    public ulong Mode;
    public ResolveFlags Resolve;
}

/// <summary>access(2)'s question; the same bits as one class of st_mode.</summary>
[Flags]
public enum AccessModes
{
    Exists = 0,
    Execute = 1,
    Write = 2,
    Read = 4,
}

/// <summary>lseek(2)'s origin.</summary>
public enum SeekWhence
{
    Set = 0,
    Current = 1,
    End = 2,
    Data = 3,
    Hole = 4,
}

/// <summary>close_range(2).</summary>
[Flags]
public enum CloseRangeFlags
{
    None = 0,
    Unshare = 2,
    CloseOnExec = 4,
}

/// <summary>memfd_create(2).</summary>
[Flags]
public enum MemfdFlags
{
    None = 0,
    CloseOnExec = 1,
    AllowSealing = 2,
    HugeTlb = 4,
    NoExecSeal = 8,
    Exec = 16,
}
