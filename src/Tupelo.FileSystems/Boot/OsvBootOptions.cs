// The boot options of OSv that concern file systems:
//   --rootfs=TYPE             what the root is: rofs, virtiofs, ext, zfs, ramfs; without it they are tried in that order (but ramfs)
//   --mount-fs=type,url,path  one more mount, as often as wanted; the mount point is made (0755) when it is missing
//   --nomount                 no root is mounted: the initial ramfs stays
//   --nopivot                 the root is mounted, but stays where it was staged (/rofs, /virtiofs, /ext, /zfs)
// Other options are not looked at. A malformed --mount-fs is reported and passed over, as OSv does; a root type that is not known is an error.
namespace Tupelo.FileSystems;

/// <summary>OSv's options, understood. Immutable.</summary>
public sealed record OsvBootOptions
{
    /// <summary>The device that OSv's loader finds its root on.</summary>
    public const string RootDevice = "/dev/vblk0.1";

    /// <summary>The device of a shared directory.</summary>
    public const string SharedDevice = "/dev/virtiofs0";

    private const string RootOption = "--rootfs=";
    private const string MountOption = "--mount-fs=";
    private const uint PointMode = 0x1ED; // 0755

    /// <summary>Roots to try, in order, each at its staging directory; the first that mounts is the root. Empty: the initial ramfs stays.</summary>
    public IReadOnlyList<MountSpec> RootCandidates { get; private init; } = [];

    /// <summary>True when --rootfs named the type: then its failure is the end.</summary>
    public bool IsRootForced { get; private init; }

    /// <summary>Further mounts, in order.</summary>
    public IReadOnlyList<MountSpec> Mounts { get; private init; } = [];

    /// <summary>Whether the root is to be moved from its staging directory to "/".</summary>
    public bool Pivots { get; private init; } = true;

    /// <summary>What was passed over, in sentences.</summary>
    public IReadOnlyList<string> Complaints { get; private init; } = [];

    /// <summary>Reads a command line that was split into words.</summary>
    /// <exception cref="MountTableException">--rootfs names a type that OSv does not have.</exception>
    public static OsvBootOptions Parse(IEnumerable<string> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        string? root = null;
        bool mounts = true;
        bool pivots = true;
        var specs = new List<MountSpec>();
        var complaints = new List<string>();
        foreach (string word in words)
        {
            if (word.StartsWith(RootOption, StringComparison.Ordinal))
            {
                root = word[RootOption.Length..];
            }
            else if (word.StartsWith(MountOption, StringComparison.Ordinal))
            {
                string[] fields = word[MountOption.Length..].Split(',');
                if (fields.Length != 3 || Array.Exists(fields, string.IsNullOrEmpty))
                {
                    complaints.Add($"{word}: not type,url,path: ignored");
                    continue;
                }
                specs.Add(new MountSpec { Type = fields[0], Source = fields[1], Target = fields[2], MakePointMode = PointMode, Origin = word });
            }
            else if (word is "--nomount")
            {
                mounts = false;
            }
            else if (word is "--nopivot")
            {
                pivots = false;
            }
        }
        return new OsvBootOptions
        {
            RootCandidates = mounts ? Candidates(root) : [],
            IsRootForced = root is not null,
            Mounts = specs,
            Pivots = pivots,
            Complaints = complaints,
        };
    }

    private static IReadOnlyList<MountSpec> Candidates(string? root) => root switch
    {
        null => [Candidate("rofs", RootDevice), Candidate("virtiofs", SharedDevice), Candidate("ext", RootDevice), Candidate("zfs", RootDevice)],
        "ramfs" => [],
        "virtiofs" => [Candidate(root, SharedDevice)],
        "rofs" or "ext" or "zfs" => [Candidate(root, RootDevice)],
        _ => throw new MountTableException("--rootfs", $"\"{root}\" is not a root file system; rofs, zfs, ext, ramfs and virtiofs are"),
    };

    private static MountSpec Candidate(string type, string source) => new()
    {
        Type = type,
        Source = source,
        Target = "/" + type,
        MakePointMode = PointMode,
        Origin = "root file system",
    };
}
