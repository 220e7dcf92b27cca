// tupelo df: size, use and free space of an image's volumes.
using System.CommandLine;
using System.Globalization;
using System.Text;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class DfCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.ImageArgument();
        Option<string?> partition = OpenedImage.PartitionOption();
        var human = new Option<bool>("--human-readable", "-h") { Description = "Sizes like 1.5K, 20M; else in units of 1 KiB." };
        var json = new Option<bool>("--json") { Description = "Print a JSON array; see docs/cli.md." };
        var command = new Command("df", "Tell size and free space of the volumes of an image.") { address, human, json, partition };
        Examples.Add(command, "tupelo df -h demo.img");
        command.SetAction(parsed =>
        {
            var rows = new List<(string Volume, string Label, TfsSpaceMap Space)>();
            foreach (string which in Volumes(context, parsed.GetRequiredValue(address), parsed.GetValue(partition)))
            {
                using OpenedImage image = OpenedImage.Open(context, parsed.GetRequiredValue(address), which);
                image.Address.RefusePath();
                rows.Add((which, Encoding.UTF8.GetString(image.Volume.Label), TfsSpaceMap.Build(image.Volume)));
            }
            if (parsed.GetValue(json))
            {
                using var array = new JsonArray(context.Output);
                foreach ((string volume, string label, TfsSpaceMap space) in rows)
                {
                    System.Text.Json.Utf8JsonWriter writer = array.Begin();
                    writer.WriteStartObject();
                    writer.WriteString("volume", volume);
                    writer.WriteString("label", label);
                    writer.WriteNumber("totalBytes", space.TotalSectors * TfsFormat.SectorBytes);
                    writer.WriteNumber("usedBytes", (space.TotalSectors - space.FreeSectors) * TfsFormat.SectorBytes);
                    writer.WriteNumber("freeBytes", space.FreeSectors * TfsFormat.SectorBytes);
                    writer.WriteNumber("files", space.FileCount + space.OtherCount);
                    writer.WriteNumber("directories", space.DirectoryCount);
                    writer.WriteEndObject();
                    array.End();
                }
                array.Close();
                return ExitCode.Done;
            }
            var table = new TextTable(context, "Volume", "Label", ">Size", ">Used", ">Free", ">Use%", ">Files");
            foreach ((string volume, string label, TfsSpaceMap space) in rows)
            {
                long used = space.TotalSectors - space.FreeSectors;
                table.Row(
                    volume,
                    label.Length > 0 ? label : "-",
                    Size(space.TotalSectors, parsed.GetValue(human)),
                    Size(used, parsed.GetValue(human)),
                    Size(space.FreeSectors, parsed.GetValue(human)),
                    string.Create(CultureInfo.InvariantCulture, $"{(space.TotalSectors == 0 ? 0 : (int)Math.Ceiling(100.0 * used / space.TotalSectors))}%"),
                    (space.FileCount + space.OtherCount + space.DirectoryCount).ToString(CultureInfo.InvariantCulture));
            }
            table.Print();
            return ExitCode.Done;
        });
        return command;
    }

    // All volumes that the image has, unless one is asked for.
    private static IEnumerable<string> Volumes(CommandContext context, string argument, string? partition)
    {
        if (partition is not null)
        {
            return [partition];
        }
        using OpenedDevice whole = OpenedDevice.OpenWhole(context, argument);
        return whole.Partitions.IsWholeVolume
            ? ["root"]
            : [.. ((PartitionRole[])[PartitionRole.Boot, PartitionRole.Root]).Where(role => whole.Partitions.Find(role) is not null).Select(static role => role.ToString().ToLowerInvariant())];
    }

    private static string Size(long sectors, bool human) =>
        human ? TimeText.Human(sectors * TfsFormat.SectorBytes) : ((sectors + 1) / 2).ToString(CultureInfo.InvariantCulture);
}
