// What `tupelo mount` was asked for: the source, the mount point, and the option list taken apart into what concerns Linux' mount,
// the door, and the file system. Words that neither knows go to the file system, which refuses what it does not know.
using System.Globalization;
using Tupelo.FileSystems;
using Tupelo.Fuse;

namespace Tupelo.Cli;

internal sealed record MountSettings
{
    public required string Source { get; init; }

    public required string Type { get; init; }

    public required string Directory { get; init; }

    public IReadOnlyList<MountSpec> Inner { get; init; } = [];

    public MountFlags Flags { get; init; }

    /// <summary>For the file system itself.</summary>
    public string Data { get; init; } = "";

    public bool AllowOther { get; init; }

    public required FuseOptions Door { get; init; }

    /// <summary>Serving threads; null: as many as fit the machine.</summary>
    public int? Threads { get; init; }

    public bool IsReadOnly => (Flags & MountFlags.ReadOnly) != 0;

    /// <summary>What Linux' mount is told.</summary>
    public FuseMountOptions LinuxMount => new()
    {
        Source = Source.Length > 0 ? Source : Type,
        AllowOther = AllowOther,
        DefaultPermissions = Door.KernelChecksPermissions,
        ReadOnly = IsReadOnly,
        NoSetUid = (Flags & MountFlags.NoSetUid) != 0,
        NoDevices = (Flags & MountFlags.NoDevices) != 0,
        NoExec = (Flags & MountFlags.NoExec) != 0,
        NoAccessTime = (Flags & MountFlags.NoAccessTime) != 0,
        Synchronous = (Flags & MountFlags.Synchronous) != 0,
        DirectorySync = (Flags & MountFlags.DirectorySync) != 0,
    };

    /// <summary>Understands "TYPE:SOURCE" ("ramfs:"), or an image's path alone.</summary>
    public static (string Type, string Source) ParseSource(string text, Func<string, bool> isType)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && isType(text[..colon]) ? (text[..colon], text[(colon + 1)..]) : ("tfs", text);
    }

    /// <summary>Applies the option list to defaults: private to the user, nosuid, nodev; for an ordinary user, what belongs to root in
    /// the image appears as theirs.</summary>
    /// <exception cref="UsageException">A word is malformed.</exception>
    public static MountSettings Parse(string source, string type, string directory, string options, uint callerUid, uint callerGid)
    {
        MountOptionList list = MountOptionList.Parse("nosuid,nodev" + (options.Length > 0 ? "," + options : ""));
        var door = new FuseOptions
        {
            OwnerUid = callerUid == 0 ? null : callerUid,
            OwnerGid = callerUid == 0 ? null : callerGid,
        };
        var settings = new MountSettings { Source = source, Type = type, Directory = directory, Flags = list.Flags, Door = door };
        var rest = new List<string>();
        foreach (string word in list.Data.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? word : word[..equals];
            string? value = equals < 0 ? null : word[(equals + 1)..];
            door = settings.Door;
            FuseOptions? changed = (name, value) switch
            {
                ("allow_other", null) => door,
                ("default_permissions", null) => door with { KernelChecksPermissions = true },
                ("no_default_permissions", null) => door with { KernelChecksPermissions = false },
                ("writeback_cache", null) => door with { WritebackCache = true },
                ("no_writeback_cache", null) => door with { WritebackCache = false },
                ("shutdown", null) => door with { AllowShutdown = true },
                ("uid", not null) => door with { OwnerUid = Number(name, value, 0, uint.MaxValue - 1) },
                ("gid", not null) => door with { OwnerGid = Number(name, value, 0, uint.MaxValue - 1) },
                ("umask", not null) => door with { HiddenPermissions = Octal(name, value) },
                ("cache", not null) => door with { CacheSeconds = (int)Number(name, value, 0, int.MaxValue) },
                ("max_io", not null) => door with { MaxIoBytes = (int)Number(name, value, 4096, 1 << 20) & ~4095 },
                ("threads", not null) => door,
                ("nofail", null) => door,
                _ => null,
            };
            if (changed is null)
            {
                rest.Add(word);
                continue;
            }
            settings = settings with
            {
                Door = changed,
                AllowOther = settings.AllowOther || name == "allow_other",
                Threads = name == "threads" ? (int)Number(name, value!, 1, 256) : settings.Threads,
            };
        }
        if (settings.Door is { WritebackCache: true, KernelChecksPermissions: false })
        {
            throw new UsageException("writeback_cache and no_default_permissions exclude each other");
        }
        return settings with { Data = string.Join(',', rest) };
    }

    private static uint Number(string name, string value, uint least, uint most) =>
        uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number >= least && number <= most
            ? number
            : throw new UsageException($"the option {name}={value} needs a number from {least} to {most}");

    private static uint Octal(string name, string value)
    {
        uint mask = 0;
        foreach (char digit in value)
        {
            mask = digit is >= '0' and <= '7' && mask <= 0x1FF ? (mask * 8) + (uint)(digit - '0') : uint.MaxValue;
        }
        return value.Length > 0 && mask <= 0x1FF ? mask : throw new UsageException($"the option {name}={value} needs an octal number up to 0777");
    }
}
