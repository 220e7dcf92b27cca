namespace Tupelo;

/// <summary>What stat and statx tell about a file. A plain struct: filled by the file system, copied out by the door.</summary>
public struct Stat
{
    /// <summary>st_dev of the file system instance, as <see cref="DeviceNumber"/> packs it.</summary>
    public ulong Device;

    /// <summary>Number of the file inside of its file system.</summary>
    public ulong Ino;

    /// <summary>Tells a reused <see cref="Ino"/> from its earlier owner.</summary>
    public ulong Generation;

    /// <summary>Type and permission bits, see <see cref="Tupelo.Mode"/>.</summary>
    public uint Mode;

    /// <summary>Count of names; for a directory 2 + subdirectories.</summary>
    public uint LinkCount;

    public uint Uid;
    public uint Gid;

    /// <summary>Number of a device node, as <see cref="DeviceNumber"/> packs it; 0 otherwise.</summary>
    public ulong RawDevice;

    /// <summary>Length in bytes; of a symbolic link its target's.</summary>
    public long SizeBytes;

    /// <summary>Space used, in units of 512 bytes.</summary>
    public long Blocks512;

    /// <summary>Preferred I/O size in bytes.</summary>
    public uint BlockSizeBytes;

    public Timespec AccessTime;
    public Timespec ModifyTime;
    public Timespec ChangeTime;

    /// <summary>Creation; zero when the file system does not know.</summary>
    public Timespec BirthTime;

    /// <summary>The type in <see cref="Mode"/>.</summary>
    public readonly FileType Type => Tupelo.Mode.TypeOf(Mode);
}

/// <summary>Device numbers as Linux' makedev packs them into 64 bits. Source: makedev(3).</summary>
public static class DeviceNumber
{
    public static ulong Make(uint major, uint minor) =>
        ((ulong)(major & 0xFFFFF000) << 32) | ((ulong)(major & 0xFFF) << 8) | ((ulong)(minor & 0xFFFFFF00) << 12) | (minor & 0xFF);

    public static uint Major(ulong device) => (uint)((device >> 32) & 0xFFFFF000) | (uint)((device >> 8) & 0xFFF);

    public static uint Minor(ulong device) => (uint)((device >> 12) & 0xFFFFFF00) | (uint)(device & 0xFF);
}
