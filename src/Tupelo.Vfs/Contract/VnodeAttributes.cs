// The attributes of a file as they travel between the core and a file system: a whole set, a change, and what a new file gets.
namespace Tupelo.Vfs;

/// <summary>Which attributes; see <see cref="AttributeChange"/>.</summary>
[Flags]
public enum AttributeMask
{
    None = 0,
    Mode = 1,
    Uid = 2,
    Gid = 4,
    AccessTime = 8,
    ModifyTime = 0x10,
    ChangeTime = 0x20,
    LinkCount = 0x40,
    Size = 0x80,
    Flags = 0x100,
}

/// <summary>All attributes of one file.</summary>
public struct VnodeAttributes
{
    /// <summary>Permission, set-id and sticky bits (07777), without the type.</summary>
    public uint Permissions;
    public uint Uid;
    public uint Gid;
    public uint LinkCount;

    /// <summary>Length; the core never lets a read pass it.</summary>
    public long SizeBytes;

    /// <summary>Space used in units of 512 bytes.</summary>
    public long Blocks512;
    public Timespec AccessTime;
    public Timespec ModifyTime;
    public Timespec ChangeTime;
    public Timespec BirthTime;
    public InodeFlags Flags;
}

/// <summary>A change of attributes, complete and permitted: what the file system is to store. Fields outside of <see cref="Mask"/> mean nothing.</summary>
public struct AttributeChange
{
    public AttributeMask Mask;
    public uint Permissions;
    public uint Uid;
    public uint Gid;
    public Timespec AccessTime;
    public Timespec ModifyTime;
    public Timespec ChangeTime;
    public InodeFlags Flags;

    public readonly bool Has(AttributeMask mask) => (Mask & mask) != 0;
}

/// <summary>What a new file begins with; every field is decided by the core (umask, setgid inheritance, owner, time).</summary>
public readonly ref struct NewVnode
{
    public required FileType Type { get; init; }

    /// <summary>Permission, set-id and sticky bits.</summary>
    public required uint Permissions { get; init; }
    public required uint Uid { get; init; }
    public required uint Gid { get; init; }

    /// <summary>All four times of the new file.</summary>
    public required Timespec Time { get; init; }

    /// <summary>Of a device node, else 0.</summary>
    public ulong RawDevice { get; init; }

    /// <summary>Of a symbolic link: 1..4095 bytes, no NUL. Empty otherwise.</summary>
    public ReadOnlySpan<byte> Target { get; init; }

    /// <summary>The attributes as they are once the file has its first name (a temporary file has none yet).</summary>
    public VnodeAttributes ToAttributes(bool named = true) => new()
    {
        Permissions = Permissions,
        Uid = Uid,
        Gid = Gid,
        LinkCount = !named ? 0u : Type == FileType.Directory ? 2u : 1u,
        SizeBytes = Target.Length,
        AccessTime = Time,
        ModifyTime = Time,
        ChangeTime = Time,
        BirthTime = Time,
    };
}
