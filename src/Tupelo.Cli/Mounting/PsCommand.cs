// tupelo ps: the mounts that are served now.
using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Tupelo.Cli;

internal static class PsCommand
{
    public static Command Create(CommandContext context)
    {
        var json = new Option<bool>("--json") { Description = "Print a JSON array; see docs/cli.md." };
        var command = new Command("ps", "List your mounts: process, image, mount point, since when.") { json };
        Examples.Add(command, "tupelo ps");
        command.SetAction(parsed =>
        {
            if (!OperatingSystem.IsLinux())
            {
                throw new CommandException("mounting needs Linux");
            }
            List<MountRecord> mounts = MountRegistry.Running();
            if (parsed.GetValue(json))
            {
                using var array = new JsonArray(context.Output);
                foreach (MountRecord mount in mounts)
                {
                    JsonSerializer.Serialize(array.Begin(), mount, MountRecordJson.Default.MountRecord);
                    array.End();
                }
                array.Close();
                return ExitCode.Done;
            }
            var table = new TextTable(context, ">Pid", "Type", "Source", "Directory", "Mode", "Since");
            foreach (MountRecord mount in mounts)
            {
                table.Row(
                    mount.Pid.ToString(CultureInfo.InvariantCulture),
                    mount.Type,
                    mount.Source.Length > 0 ? mount.Source : "-",
                    mount.Directory,
                    mount.ReadOnly ? "ro" : "rw",
                    mount.Since.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));
            }
            table.Print();
            return ExitCode.Done;
        });
        return command;
    }
}
