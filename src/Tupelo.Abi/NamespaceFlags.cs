// Numbers of the calls that change names, attributes and mounts.
namespace Tupelo;

/// <summary>renameat2(2).</summary>
[Flags]
public enum RenameFlags
{
    None = 0,
    NoReplace = 1,
    Exchange = 2,
    Whiteout = 4,
}

/// <summary>setxattr(2).</summary>
[Flags]
public enum XattrFlags
{
    None = 0,
    Create = 1,
    Replace = 2,
}

/// <summary>Special nanosecond values of utimensat(2).</summary>
public static class UtimeNanoseconds
{
    /// <summary>UTIME_NOW.</summary>
    public const int Now = 0x3fffffff;

    /// <summary>UTIME_OMIT.</summary>
    public const int Omit = 0x3ffffffe;
}

/// <summary>mount(2)'s flags.</summary>
[Flags]
public enum MountFlags : ulong
{
    None = 0,
    ReadOnly = 1,
    NoSetUid = 2,
    NoDevices = 4,
    NoExec = 8,
    Synchronous = 0x10,
    Remount = 0x20,
    MandatoryLocks = 0x40,
    DirectorySync = 0x80,
    NoSymlinkFollow = 0x100,
    NoAccessTime = 0x400,
    NoDirectoryAccessTime = 0x800,
    Bind = 0x1000,
    Move = 0x2000,
    Recursive = 0x4000,
    Silent = 0x8000,
    Unbindable = 0x20000,
    Private = 0x40000,
    Slave = 0x80000,
    Shared = 0x100000,
    RelativeAccessTime = 0x200000,
    StrictAccessTime = 0x1000000,
    LazyTime = 0x2000000,

    /// <summary>The historic high half that old programs set (MS_MGC_VAL); ignored.</summary>
    MagicValue = 0xC0ED0000,
    MagicMask = 0xFFFF0000,
}

/// <summary>umount2(2).</summary>
[Flags]
public enum UnmountFlags
{
    None = 0,
    Force = 1,
    Detach = 2,
    Expire = 4,
    NoFollow = 8,
}

/// <summary>FS_IOC_GETFLAGS bits that the core enforces.</summary>
[Flags]
public enum InodeFlags : uint
{
    None = 0,
    Immutable = 0x10,
    AppendOnly = 0x20,
    NoDump = 0x40,
    NoAccessTime = 0x80,
}
