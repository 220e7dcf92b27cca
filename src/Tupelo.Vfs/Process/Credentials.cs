// Credentials say as whom a call is made: ids, groups, capabilities. Immutable; a context swaps the whole object.
namespace Tupelo.Vfs;

/// <summary>The capabilities that matter to files; the numbers of capability.h as bits.</summary>
[Flags]
public enum Capabilities : ulong
{
    None = 0,
    ChangeOwner = 1ul << 0,        // CAP_CHOWN
    OverrideAccess = 1ul << 1,     // CAP_DAC_OVERRIDE
    ReadSearch = 1ul << 2,         // CAP_DAC_READ_SEARCH
    FileOwner = 1ul << 3,          // CAP_FOWNER
    KeepSetId = 1ul << 4,          // CAP_FSETID
    SetGid = 1ul << 6,             // CAP_SETGID
    SetUid = 1ul << 7,             // CAP_SETUID
    LinuxImmutable = 1ul << 9,     // CAP_LINUX_IMMUTABLE
    ChangeRoot = 1ul << 18,        // CAP_SYS_CHROOT
    Administrator = 1ul << 21,     // CAP_SYS_ADMIN
    Resources = 1ul << 24,         // CAP_SYS_RESOURCE
    MakeNode = 1ul << 27,          // CAP_MKNOD
    Lease = 1ul << 28,             // CAP_LEASE
    All = ulong.MaxValue,
}

/// <summary>Who calls. Source: credentials(7), capabilities(7).</summary>
public sealed class Credentials
{
    /// <summary>uid 0, gid 0, every capability.</summary>
    public static readonly Credentials Root = new(0, 0);

    private readonly uint[] _groups;
    private readonly SupplementaryGroups? _lazyGroups;

    /// <summary>Real and effective ids equal; capabilities all for uid 0, none for others.</summary>
    public Credentials(uint uid, uint gid, params ReadOnlySpan<uint> groups)
        : this(uid, gid, uid, gid, groups, uid == 0 ? Capabilities.All : Capabilities.None)
    {
    }

    public Credentials(uint uid, uint gid, uint realUid, uint realGid, ReadOnlySpan<uint> groups, Capabilities capabilities)
    {
        Uid = uid;
        Gid = gid;
        RealUid = realUid;
        RealGid = realGid;
        _groups = groups.ToArray();
        Array.Sort(_groups);
        Capabilities = capabilities;
    }

    /// <summary>For doors: real and effective ids equal, groups that are asked for only when a decision needs them.</summary>
    public Credentials(uint uid, uint gid, SupplementaryGroups? groups, Capabilities capabilities)
        : this(uid, gid, uid, gid, [], capabilities) => _lazyGroups = groups;

    /// <summary>The id that file accesses are checked with, and that new files get (fsuid).</summary>
    public uint Uid { get; }

    public uint Gid { get; }

    /// <summary>What access(2) checks with.</summary>
    public uint RealUid { get; }

    public uint RealGid { get; }

    public Capabilities Capabilities { get; }

    /// <summary>Supplementary groups, ascending, as far as they were given.</summary>
    public ReadOnlySpan<uint> Groups => _groups;

    public bool Has(Capabilities capability) => (Capabilities & capability) == capability;

    /// <summary>The group itself or a supplementary one.</summary>
    public bool IsInGroup(uint gid) => gid == Gid || Array.BinarySearch(_groups, gid) >= 0 || (_lazyGroups?.Contains(gid) ?? false);

    // As access(2) sees it: the real ids; capabilities only for real root.
    internal Credentials ForAccessCheck() =>
        RealUid == Uid && RealGid == Gid
            ? this
            : new Credentials(RealUid, RealGid, RealUid, RealGid, _groups, RealUid == 0 ? Capabilities.All : Capabilities.None);
}

/// <summary>The supplementary groups of a caller whom a door knows by process only: looked up when somebody asks.</summary>
public abstract class SupplementaryGroups
{
    /// <summary>Whether the caller of the current request is in the group.</summary>
    public abstract bool Contains(uint gid);
}
