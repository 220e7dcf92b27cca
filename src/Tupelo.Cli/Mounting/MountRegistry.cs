// The mounts that run on this machine, as files: one per daemon, <pid>.json beside its log, in a directory that only the user may
// write. `ps` lists them, `umount` learns from them whom to wait for. A file whose process is gone is removed by whoever finds it.
using System.Globalization;
using System.Runtime.Versioning;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tupelo.Cli;

/// <summary>A mount that is served.</summary>
internal sealed record MountRecord
{
    public required int Pid { get; init; }

    /// <summary>When the process began, in the kernel's clock ticks: tells it from a later one with the same number.</summary>
    public required ulong StartTicks { get; init; }

    public required string Type { get; init; }

    public required string Source { get; init; }

    public required string Directory { get; init; }

    public required DateTimeOffset Since { get; init; }

    public required bool ReadOnly { get; init; }

    public string? Log { get; init; }

    /// <summary>Why the end was not clean, when it was not.</summary>
    public string? Failure { get; init; }
}

[JsonSerializable(typeof(MountRecord))]
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class MountRecordJson : JsonSerializerContext;

[SupportedOSPlatform("linux")]
internal static class MountRegistry
{
    /// <summary>Where this user's records and logs are; made when it is missing.</summary>
    public static string Directory
    {
        get
        {
            uint uid = DaemonCalls.EffectiveUid();
            string? runtime = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
            string path = uid == 0 ? "/run/tupelo"
                : !string.IsNullOrEmpty(runtime) && System.IO.Directory.Exists(runtime) ? Path.Combine(runtime, "tupelo")
                : Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"tupelo-{uid}"));
            const UnixFileMode OnlyOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            _ = System.IO.Directory.CreateDirectory(path, OnlyOwner);
            // In /tmp somebody else may have been faster: then nothing of ours goes there.
            if (new DirectoryInfo(path).LinkTarget is not null || (File.GetUnixFileMode(path) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
            {
                throw new CommandException($"{path} may be written by others; remove it");
            }
            return path;
        }
    }

    public static string LogPath(int pid) => Path.Combine(Directory, string.Create(CultureInfo.InvariantCulture, $"{pid}.log"));

    public static void Write(MountRecord record)
    {
        string path = PathOf(record.Pid);
        File.WriteAllText(path + ".new", JsonSerializer.Serialize(record, MountRecordJson.Default.MountRecord));
        File.Move(path + ".new", path, overwrite: true);
    }

    public static void Remove(int pid) => File.Delete(PathOf(pid));

    public static MountRecord? Read(int pid) => Read(PathOf(pid));

    /// <summary>The mounts that are served now, oldest first.</summary>
    public static List<MountRecord> Running()
    {
        var running = new List<MountRecord>();
        foreach (string path in System.IO.Directory.GetFiles(Directory, "*.json"))
        {
            if (Read(path) is not { } record)
            {
                continue;
            }
            if (StartTicksOf(record.Pid) == record.StartTicks)
            {
                running.Add(record);
            }
            else
            {
                File.Delete(path);
            }
        }
        running.Sort(static (a, b) => a.Since.CompareTo(b.Since));
        return running;
    }

    /// <summary>When a process began; null when there is none of this number.</summary>
    public static ulong? StartTicksOf(int pid)
    {
        try
        {
            // The command's name may hold anything, ')' too: fields are counted from its last one.
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            const int StateField = 0;
            const int StartField = 19;
            return fields[StateField] is "Z" or "X" ? null : ulong.Parse(fields[StartField], CultureInfo.InvariantCulture);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string PathOf(int pid) => Path.Combine(Directory, string.Create(CultureInfo.InvariantCulture, $"{pid}.json"));

    private static MountRecord? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), MountRecordJson.Default.MountRecord);
        }
        catch (Exception unreadable) when (unreadable is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
