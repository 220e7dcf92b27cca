// A MountSpec is one line of any boot table: what to mount, where, how, and under which condition. Each syntax has a parser that
// makes these (Fstab, OsvBootOptions, UnikraftFstab, MountArgument); BootMounter carries them out.
namespace Tupelo.FileSystems;

/// <summary>When a mount is wanted.</summary>
public enum MountCondition
{
    /// <summary>Always.</summary>
    Always,

    /// <summary>Only when there is an initial RAM disk.</summary>
    WithInitrd,

    /// <summary>Only when there is none.</summary>
    WithoutInitrd,
}

/// <summary>What to do at the mount point before something is unpacked there (Unikraft's "extract").</summary>
public enum ExtractTarget
{
    /// <summary>Nothing: this is a mount, not an extraction.</summary>
    None,

    /// <summary>Unpack over what is mounted there already.</summary>
    Existing,

    /// <summary>Mount a ramfs there first.</summary>
    NewRamFs,
}

/// <summary>One mount, wished for. Immutable.</summary>
public sealed record MountSpec
{
    /// <summary>The name of a file system type; empty for bind, move, remount and for changes of propagation.</summary>
    public required string Type { get; init; }

    /// <summary>Device, URL or path; may be empty.</summary>
    public required string Source { get; init; }

    /// <summary>The mount point, absolute.</summary>
    public required string Target { get; init; }

    /// <summary>mount(2)'s flags.</summary>
    public MountFlags Flags { get; init; }

    /// <summary>mount(2)'s data: what the file system itself is to understand.</summary>
    public string Options { get; init; } = string.Empty;

    /// <summary>When it is wanted.</summary>
    public MountCondition Condition { get; init; }

    /// <summary>Permissions of a mount point that has to be made; null: it must exist.</summary>
    public uint? MakePointMode { get; init; }

    /// <summary>Also make the directories above the mount point.</summary>
    public bool MakeParents { get; init; }

    /// <summary>Its failure is reported, but does not undo the rest (fstab's nofail).</summary>
    public bool MayFail { get; init; }

    /// <summary>Not mounted with the others (fstab's noauto).</summary>
    public bool OnlyWhenAsked { get; init; }

    /// <summary>Unpack an archive instead of mounting.</summary>
    public ExtractTarget Extract { get; init; }

    /// <summary>Where it was written, for messages: "fstab line 3".</summary>
    public required string Origin { get; init; }

    public override string ToString() => $"{(Type.Length > 0 ? Type : Flags.ToString())} {(Source.Length > 0 ? Source : "none")} on {Target} ({Origin})";
}

/// <summary>A boot table or option cannot be understood; the message says where and why.</summary>
public sealed class MountTableException(string origin, string message) : FormatException($"{origin}: {message}")
{
    /// <summary>"fstab line 3", "--mount-fs".</summary>
    public string Origin { get; } = origin;
}
