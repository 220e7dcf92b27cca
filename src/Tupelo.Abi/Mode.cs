// File types and permission bits as st_mode holds them, and as a directory entry's d_type holds them.
namespace Tupelo;

/// <summary>Kind of a file object; the number is the directory entry's d_type and, shifted left by 12, the type bits of st_mode.</summary>
public enum FileType : byte
{
    /// <summary>Not known (DT_UNKNOWN).</summary>
    Unknown = 0,

    /// <summary>Named pipe.</summary>
    Fifo = 1,

    /// <summary>Character device.</summary>
    CharDevice = 2,

    /// <summary>Directory.</summary>
    Directory = 4,

    /// <summary>Block device.</summary>
    BlockDevice = 6,

    /// <summary>Regular file.</summary>
    Regular = 8,

    /// <summary>Symbolic link.</summary>
    Symlink = 10,

    /// <summary>Local (Unix domain) socket.</summary>
    Socket = 12,
}

/// <summary>Bits of st_mode. Source: inode(7).</summary>
public static class Mode
{
    /// <summary>Mask of the file type (S_IFMT).</summary>
    public const uint TypeMask = 0xF000;

    /// <summary>Mask of permissions, set-id and sticky bits (07777).</summary>
    public const uint PermissionMask = 0xFFF;

    public const uint Socket = 0xC000;
    public const uint Symlink = 0xA000;
    public const uint Regular = 0x8000;
    public const uint BlockDevice = 0x6000;
    public const uint Directory = 0x4000;
    public const uint CharDevice = 0x2000;
    public const uint Fifo = 0x1000;

    /// <summary>S_ISUID, 04000.</summary>
    public const uint SetUid = 0x800;

    /// <summary>S_ISGID, 02000.</summary>
    public const uint SetGid = 0x400;

    /// <summary>S_ISVTX, 01000.</summary>
    public const uint Sticky = 0x200;

    /// <summary>The type in <paramref name="mode"/>; an undefined pattern gives <see cref="FileType.Unknown"/>.</summary>
    public static FileType TypeOf(uint mode) => (FileType)((mode & TypeMask) >> 12) switch
    {
        FileType.Fifo => FileType.Fifo,
        FileType.CharDevice => FileType.CharDevice,
        FileType.Directory => FileType.Directory,
        FileType.BlockDevice => FileType.BlockDevice,
        FileType.Regular => FileType.Regular,
        FileType.Symlink => FileType.Symlink,
        FileType.Socket => FileType.Socket,
        _ => FileType.Unknown,
    };

    /// <summary>The type bits of st_mode for <paramref name="type"/>.</summary>
    public static uint OfType(FileType type) => (uint)type << 12;
}
