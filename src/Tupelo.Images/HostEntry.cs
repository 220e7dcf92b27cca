namespace Tupelo.Images;

/// <summary>What the host says about one entry of a tree; filled anew for each.</summary>
public sealed class HostEntry
{
    public FileType Type { get; internal set; }

    /// <summary>Type and permission bits.</summary>
    public uint Mode { get; internal set; }

    public uint Uid { get; internal set; }

    public uint Gid { get; internal set; }

    /// <summary>Length in bytes.</summary>
    public long SizeBytes { get; internal set; }

    /// <summary>Space that the host uses for it, in units of 512 bytes; less than the length means holes. -1 when not known.</summary>
    public long Blocks512 { get; internal set; }

    /// <summary>Number of names on the host; more than 1 for hard links. 1 where the host cannot say.</summary>
    public uint LinkCount { get; internal set; }

    /// <summary>Device and number of the object: two names of one object have the same.</summary>
    public (ulong Device, ulong Ino) Identity { get; internal set; }

    /// <summary>Number of a device node.</summary>
    public ulong RawDevice { get; internal set; }

    public Timespec ModifyTime { get; internal set; }

    public Timespec AccessTime { get; internal set; }

    /// <summary>Owner and mode are the host's own, not made up.</summary>
    public bool HasOwner { get; internal set; }
}
