// tupelo info: what an image is, without listing what is in it: identity, log, space, fragmentation, faults, partitions.
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class InfoCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.ImageArgument();
        Option<string?> partition = OpenedImage.PartitionOption();
        var json = new Option<bool>("--json") { Description = "Print a JSON object; see docs/cli.md." };
        var command = new Command("info", "Tell what an image is: volume, log, space, faults, partitions.") { address, json, partition };
        Examples.Add(command, "tupelo info demo.img", "tupelo info --json demo.img");
        command.SetAction(parsed =>
        {
            using OpenedImage image = OpenedImage.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition), warnOfFaults: false);
            image.Address.RefusePath();
            TfsSpaceMap space = TfsSpaceMap.Build(image.Volume);
            if (parsed.GetValue(json))
            {
                JsonText.PrintObject(context.Output, writer => WriteJson(writer, image, space));
            }
            else
            {
                Print(context, image, space);
            }
            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteJson(Utf8JsonWriter json, OpenedImage image, TfsSpaceMap space)
    {
        TfsVolume volume = image.Volume;
        json.WriteString("image", image.Address.ImagePath);
        json.WriteNumber("imageBytes", image.Device.SizeBytes);
        json.WriteText("label", volume.Label);
        json.WriteString("uuid", volume.UuidText);
        json.WriteStartArray("partitions");
        foreach (Partition partition in image.Partitions.Partitions)
        {
            json.WriteStartObject();
            json.WriteNumber("index", partition.Index);
            json.WriteString("role", RoleName(image, partition));
            json.WriteNumber("type", partition.Type);
            json.WriteBoolean("active", partition.Status == PartitionTable.ActiveStatus);
            json.WriteNumber("start", partition.StartBytes);
            json.WriteNumber("length", partition.LengthBytes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartObject("log");
        json.WriteNumber("records", volume.Log.RecordCount);
        json.WriteNumber("splitRecords", volume.Log.SplitRecordCount);
        json.WriteNumber("commits", volume.Log.CommitCount);
        json.WriteNumber("lastCommit", volume.Log.LastCommitSequence);
        json.WriteNumber("endOfSegmentFrames", volume.Log.EndOfSegmentCount);
        json.WriteNumber("entries", volume.Log.TotalEntries);
        json.WriteNumber("obsoleteEntries", volume.Log.ObsoleteEntries);
        json.WriteNumber("dictionaryEntries", volume.Log.DictionaryCount);
        json.WriteStartArray("extensions");
        foreach (TfsLogExtension extension in volume.Log.Extensions)
        {
            json.WriteStartObject();
            json.WriteNumber("startSector", extension.StartSector);
            json.WriteNumber("sectors", extension.SectorCount);
            json.WriteNumber("version", extension.Version);
            json.WriteNumber("usedBytes", extension.UsedBytes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartObject("space");
        json.WriteNumber("sectorBytes", TfsFormat.SectorBytes);
        json.WriteNumber("totalSectors", space.TotalSectors);
        json.WriteNumber("logSectors", space.LogSectors);
        json.WriteNumber("dataSectors", space.DataSectors);
        json.WriteNumber("slackSectors", space.SlackSectors);
        json.WriteNumber("freeSectors", space.FreeSectors);
        json.WriteNumber("freeRuns", space.FreeRuns.Count);
        json.WriteNumber("largestFreeRunSectors", space.LargestFreeRun);
        json.WriteEndObject();
        json.WriteStartObject("files");
        json.WriteNumber("regular", space.FileCount);
        json.WriteNumber("directories", space.DirectoryCount);
        json.WriteNumber("others", space.OtherCount);
        json.WriteNumber("extents", space.ExtentCount);
        json.WriteNumber("fragmented", space.FragmentedFileCount);
        json.WriteEndObject();
        json.WriteStartArray("faults");
        foreach (TfsFault fault in volume.Faults.Concat(space.Faults))
        {
            json.WriteStartObject();
            json.WriteString("message", fault.Message);
            if (fault.OffsetBytes >= 0)
            {
                json.WriteNumber("offset", fault.OffsetBytes);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Print(CommandContext context, OpenedImage image, TfsSpaceMap space)
    {
        TfsVolume volume = image.Volume;
        var page = new FieldList(context);
        page.Heading(image.Address.ImagePath);
        page.Field("size", Bytes(image.Device.SizeBytes));

        foreach (Partition partition in image.Partitions.Partitions)
        {
            page.Field(
                string.Create(CultureInfo.InvariantCulture, $"partition {partition.Index}"),
                string.Create(CultureInfo.InvariantCulture, $"{RoleName(image, partition) ?? "not used"}, type {partition.Type:X2}, {Bytes(partition.LengthBytes)} from byte {partition.StartBytes}"));
        }

        page.Heading("volume");
        page.Field("label", volume.Label.IsEmpty ? "(none)" : Encoding.UTF8.GetString(volume.Label));
        page.Field("uuid", volume.UuidText);
        page.Field("size", $"{Bytes(space.TotalSectors * TfsFormat.SectorBytes)}, {Number(space.TotalSectors)} sectors of {TfsFormat.SectorBytes}");

        TfsLogInfo log = volume.Log;
        page.Heading("log");
        page.Field("version", string.Join(", then ", log.Extensions.Select(static extension => extension.Version).Distinct()));
        page.Field("records", $"{Number(log.RecordCount)}{(log.SplitRecordCount > 0 ? $", {Number(log.SplitRecordCount)} of them split" : "")}");
        page.Field("commits", log.CommitCount == 0 ? "none: not written by Tupelo" : $"{Number(log.CommitCount)}, the last is number {log.LastCommitSequence}");
        page.Field("entries", $"{Number(log.TotalEntries)}, {Number(log.ObsoleteEntries)} of them obsolete");
        page.Field("dictionary", Number(log.DictionaryCount));
        foreach (TfsLogExtension extension in log.Extensions)
        {
            page.Field("extension", $"sectors {extension.StartSector}..{extension.StartSector + extension.SectorCount - 1}, {Bytes(extension.UsedBytes)} of {Bytes(extension.SectorCount * TfsFormat.SectorBytes)} used");
        }

        page.Heading("files");
        page.Field("regular", Number(space.FileCount));
        page.Field("directories", Number(space.DirectoryCount));
        page.Field("others", Number(space.OtherCount));
        page.Field("extents", $"{Number(space.ExtentCount)}; {Number(space.FragmentedFileCount)} files are fragmented");

        page.Heading("space");
        page.Field("log", Sectors(space.LogSectors, space.TotalSectors));
        page.Field("data", $"{Sectors(space.DataSectors, space.TotalSectors)}, of it {Bytes(space.SlackSectors * TfsFormat.SectorBytes)} allocated ahead");
        page.Field("free", $"{Sectors(space.FreeSectors, space.TotalSectors)} in {Number(space.FreeRuns.Count)} runs, the longest {Bytes(space.LargestFreeRun * TfsFormat.SectorBytes)}");

        TfsFault[] faults = [.. volume.Faults, .. space.Faults];
        page.Heading("faults");
        if (faults.Length == 0)
        {
            page.Field("none", "");
        }
        foreach (TfsFault fault in faults)
        {
            page.Field(fault.OffsetBytes < 0 ? "volume" : string.Create(CultureInfo.InvariantCulture, $"byte {fault.OffsetBytes}"), fault.Message);
        }
        page.Print();
    }

    private static string? RoleName(OpenedImage image, Partition partition) => image.Partitions.RoleOf(partition)?.ToString().ToLowerInvariant();

    private static string Bytes(long bytes) => bytes < 1024 ? $"{bytes} bytes" : $"{TimeText.Human(bytes)} ({Number(bytes)} bytes)";

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Sectors(long sectors, long total) =>
        string.Create(CultureInfo.InvariantCulture, $"{TimeText.Human(sectors * TfsFormat.SectorBytes)} ({(total == 0 ? 0 : 100.0 * sectors / total):0.0} %)");
}
