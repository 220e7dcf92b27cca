// "procfs": the state of the file layer as text. What depends on who asks (self, its descriptors, mounts) is made for the caller.
//   version filesystems mounts meminfo uptime tupelo/{caches,state}
//   self/{mounts,mountinfo,status,fd/N,cwd,root} thread-self sys/kernel/{hostname,osrelease} sys/fs/file-nr
using System.Globalization;

namespace Tupelo.FileSystems;

/// <summary>Makes /proc.</summary>
public sealed class ProcFsType : FileSystemType
{
    private const ulong StatFsMagic = 0x9FA0;

    public override string Name => "procfs";

    /// <remarks>Errors: EINVAL there are no options.</remarks>
    public override Errno Create(MountRequest request, out FileSystem? fileSystem)
    {
        fileSystem = null;
        if (request.Options.Length > 0)
        {
            return Errno.EINVAL;
        }
        var made = new SyntheticFileSystem(this, request.Kernel, StatFsMagic, request.IsReadOnly);
        Fill(made.RootDirectory);
        fileSystem = made;
        return Errno.None;
    }

    private static void Fill(SyntheticDirectory root)
    {
        root.AddFile("version", _ => $"Tupelo version {typeof(ProcFsType).Assembly.GetName().Version?.ToString(3)}\n");
        root.AddFile("filesystems", Filesystems);
        root.AddLink("mounts", "self/mounts");
        root.AddLink("thread-self", "self");
        root.AddFile("uptime", _ => string.Create(CultureInfo.InvariantCulture, $"{Environment.TickCount64 / 1000.0:F2} 0.00\n"));
        root.AddFile("meminfo", _ =>
        {
            GCMemoryInfo memory = GC.GetGCMemoryInfo();
            return $"MemTotal: {memory.TotalAvailableMemoryBytes / 1024,14} kB\nMemFree: {(memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes) / 1024,15} kB\n";
        });
        SyntheticDirectory self = root.AddDirectory("self");
        self.AddFile("mounts", MountText.Mounts);
        self.AddFile("mountinfo", MountText.MountInfo);
        self.AddFile("status", context => $"Pid:\t{context.Pid}\nUid:\t{context.Credentials.RealUid}\t{context.Credentials.Uid}\nGid:\t{context.Credentials.RealGid}\t{context.Credentials.Gid}\nFDSize:\t{context.Files.Count}\n");
        self.AddComputed("fd", new OpenDescriptors());
        self.AddMagicLink("cwd", context => context.PinCurrentDirectory());
        self.AddMagicLink("root", context => context.PinRootDirectory());
        SyntheticDirectory sys = root.AddDirectory("sys");
        SyntheticDirectory kernel = sys.AddDirectory("kernel");
        string hostname = Environment.MachineName;
        kernel.AddFile("hostname", _ => Volatile.Read(ref hostname) + "\n", (context, text) =>
        {
            if (!context.Credentials.Has(Capabilities.Administrator))
            {
                return Errno.EPERM;
            }
            Volatile.Write(ref hostname, text.TrimEnd('\n'));
            return Errno.None;
        });
        kernel.AddFile("osrelease", _ => "6.0.0-tupelo\n");
        sys.AddDirectory("fs").AddFile("file-nr", context => $"{context.Kernel.Statistics.OpenFiles}\t0\t{context.Limits.MaxOpenFiles}\n");
        SyntheticDirectory tupelo = root.AddDirectory("tupelo");
        tupelo.AddFile("state", context =>
        {
            VfsStatistics statistics = context.Kernel.Statistics;
            return $"open_files {statistics.OpenFiles}\ncontexts {statistics.Contexts}\nmounts {statistics.Mounts}\n";
        });
        tupelo.AddFile("caches", context => $"names_limit {context.Kernel.Options.CachedNames}\n");
    }

    private static string Filesystems(VfsContext context) =>
        string.Concat(context.Kernel.FileSystems.Types.Select(type => $"{(type.NeedsSource ? string.Empty : "nodev")}\t{type.Name}\n"));

    private sealed class OpenDescriptors : ComputedNames
    {
        public override int Next(VfsContext context, int from)
        {
            int highest = context.Files.HighestFd;
            for (int fd = from; fd <= highest; fd++)
            {
                if (context.Files.TryGet(fd, out OpenFile? file))
                {
                    file!.Release();
                    return fd;
                }
            }
            return -1;
        }

        public override PathRef? Follow(VfsContext context, int number)
        {
            if (!context.Files.TryGet(number, out OpenFile? file))
            {
                return null;
            }
            PathRef? place = file!.Path.TryPin() ? file.Path : null;
            file.Release();
            return place;
        }
    }
}

/// <summary>The tables of mounts as Linux writes them. Source: proc_pid_mounts(5), proc_pid_mountinfo(5).</summary>
public static class MountText
{
    private static readonly (MountFlags Flag, string Word)[] s_words =
    [
        (MountFlags.NoSetUid, "nosuid"), (MountFlags.NoDevices, "nodev"), (MountFlags.NoExec, "noexec"), (MountFlags.Synchronous, "sync"),
        (MountFlags.NoAccessTime, "noatime"), (MountFlags.NoDirectoryAccessTime, "nodiratime"), (MountFlags.NoSymlinkFollow, "nosymfollow"),
    ];

    public static string Mounts(VfsContext context) => string.Concat(
        context.GetMounts().Select(mount => (mount, path: PathOf(context, mount))).Where(at => at.path is not null)
            .Select(at => $"{Source(at.mount)} {at.path} {at.mount.FileSystem.Type.Name} {Options(at.mount)}{Own(at.mount, ",")} 0 0\n"));

    public static string MountInfo(VfsContext context) => string.Concat(
        context.GetMounts().Select(mount => (mount, path: PathOf(context, mount))).Where(at => at.path is not null)
            .Select(at => $"{at.mount.Id} {at.mount.Parent?.Id ?? at.mount.Id} {DeviceNumber.Major(at.mount.FileSystem.Device)}:{DeviceNumber.Minor(at.mount.FileSystem.Device)}"
                + $" / {at.path} {Options(at.mount)} - {at.mount.FileSystem.Type.Name} {Source(at.mount)} {(at.mount.FileSystem.IsReadOnly ? "ro" : "rw")}{Own(at.mount, ",")}\n"));

    /// <summary>As mounts(5) wants it: blanks, tabs, newlines and backslashes in octal.</summary>
    public static string Escape(string text) => text.Replace("\\", "\\134", StringComparison.Ordinal).Replace(" ", "\\040", StringComparison.Ordinal)
        .Replace("\t", "\\011", StringComparison.Ordinal).Replace("\n", "\\012", StringComparison.Ordinal);

    private static string Source(Mount mount) => mount.Source.Length > 0 ? Escape(mount.Source) : "none";

    private static string Own(Mount mount, string before) => mount.FileSystem.OptionsText is { Length: > 0 } own ? before + Escape(own) : string.Empty;

    private static string Options(Mount mount) =>
        (mount.IsReadOnly ? "ro" : "rw") + string.Concat(s_words.Where(word => (mount.Flags & word.Flag) != 0).Select(word => "," + word.Word));

    // Null when the mount cannot be seen from the caller's root.
    private static string? PathOf(VfsContext context, Mount mount)
    {
        Span<byte> room = stackalloc byte[4096];
        return PathText.Format(context, mount.Place, room, out ReadOnlySpan<byte> path, out PathState state) == Errno.None && state == PathState.Reachable
            ? Escape(System.Text.Encoding.UTF8.GetString(path))
            : null;
    }
}
