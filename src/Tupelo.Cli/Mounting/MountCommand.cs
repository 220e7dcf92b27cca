// tupelo mount: serves a file system to Linux at a directory, in the background unless asked otherwise.
using System.CommandLine;
using System.Runtime.Versioning;
using Tupelo.FileSystems;
using Tupelo.Fuse;

namespace Tupelo.Cli;

internal static class MountCommand
{
    public static Command Create(CommandContext context)
    {
        var source = new Argument<string>("IMAGE|TYPE:SOURCE") { Description = "An image, or a type (tfs, ramfs, rofs, tar, cpio, hostfs ...) and its source." };
        var directory = new Argument<string>("DIR") { Description = "Where: an existing directory." };
        var options = new Option<string[]>("-o") { Description = "Options as mount(8) takes them: ro, allow_other, uid=, umask= ...; see docs/mounting.md.", HelpName = "OPTIONS" };
        var foreground = new Option<bool>("--foreground", "-f") { Description = "Stay, until unmounted or interrupted." };
        var fstab = new Option<string?>("--fstab") { Description = "Mount inside what this table lists.", HelpName = "FILE" };
        var mounts = new Option<string[]>("--mount") { Description = "Mount one more file system inside; may be repeated.", HelpName = "TYPE,SOURCE,TARGET[,OPTIONS]" };
        var log = new Option<string?>("--log") { Description = "Where the background process writes its messages.", HelpName = "FILE" };
        var command = new Command("mount", "Mount an image, or any file system that Tupelo knows.") { source, directory, options, foreground, fstab, mounts, log };
        Examples.Add(
            command, "tupelo mount demo.img /mnt", "tupelo mount -o ro,allow_other demo.img /mnt", "tupelo mount ramfs: /mnt --mount tfs,demo.img,/img");
        command.SetAction(parsed =>
        {
            if (!OperatingSystem.IsLinux())
            {
                throw new CommandException("mounting needs Linux");
            }
            uint uid = DaemonCalls.EffectiveUid();
            (string type, string from) = MountSettings.ParseSource(parsed.GetRequiredValue(source), ServedTree.IsType);
            MountSettings settings;
            try
            {
                settings = MountSettings.Parse(
                    from, type, Path.GetFullPath(parsed.GetRequiredValue(directory)), string.Join(',', parsed.GetValue(options) ?? []), uid, DaemonCalls.EffectiveGid()) with
                {
                    Inner = InnerMounts(parsed.GetValue(fstab), parsed.GetValue(mounts) ?? []),
                };
            }
            catch (MountTableException wrong)
            {
                throw new UsageException(wrong.Message);
            }
            if (!Directory.Exists(settings.Directory))
            {
                throw new CommandException($"{settings.Directory}: {(File.Exists(settings.Directory) ? "not a directory" : "no such directory")}");
            }
            return parsed.GetValue(foreground)
                ? new MountSession(context, settings).Run()
                : MountDaemon.Start(context, parsed.GetValue(log));
        });
        return command;
    }

    private static List<MountSpec> InnerMounts(string? table, string[] mounts)
    {
        var specs = new List<MountSpec>();
        if (table is not null)
        {
            specs.AddRange(Fstab.Parse(File.ReadAllText(table), table).Select(static spec => spec with { MakePointMode = 0x1ED, MakeParents = true }));
        }
        specs.AddRange(mounts.Select(static text => MountArgument.Parse(text)));
        return specs;
    }
}
