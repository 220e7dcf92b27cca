// tupelo fsck: checks a volume that nobody has mounted, and repairs it.
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class FsckCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.ImageArgument();
        Option<string?> partition = OpenedImage.PartitionOption();
        var repair = new Option<bool>("--repair") { Description = "Put right what can be put right. Make a copy of the image first." };
        var dryRun = new Option<bool>("--dry-run", "-n") { Description = "With --repair: tell what it would do, and write nothing." };
        var json = new Option<bool>("--json") { Description = "Print a JSON object; see docs/cli.md." };
        var command = new Command("fsck", "Check a volume, and repair it: exit code 0 when it was clean, 1 when it was not.") { address, repair, dryRun, json, partition };
        Examples.Add(command, "tupelo fsck demo.img", "cp --reflink=auto demo.img backup.img && tupelo fsck --repair demo.img", "tupelo fsck --repair --dry-run demo.img");
        command.SetAction(parsed =>
        {
            bool repairs = parsed.GetValue(repair);
            bool isDry = parsed.GetValue(dryRun);
            if (isDry && !repairs)
            {
                throw new UsageException("--dry-run goes with --repair: without it nothing is written anyway");
            }
            using OpenedDevice opened = OpenedDevice.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition), writable: repairs && !isDry);
            opened.Address.RefusePath();
            TfsCheckReport report = repairs ? TfsChecker.Repair(opened.Volume, new TfsRepairOptions { DryRun = isDry }) : TfsChecker.Check(opened.Volume);
            if (parsed.GetValue(json))
            {
                JsonText.PrintObject(context.Output, writer => WriteJson(writer, report));
            }
            else
            {
                Print(context, opened.Address.ImagePath, report, repairs, isDry);
            }
            return report.IsClean && report.RepairProblem.Length == 0 ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private static void Print(CommandContext context, string image, TfsCheckReport report, bool repairs, bool isDry)
    {
        OutputWriter output = context.Output;
        foreach (TfsFinding finding in report.Findings)
        {
            output.Write($"{finding.Severity.ToString().ToLowerInvariant()}: ");
            if (!finding.Path.IsEmpty)
            {
                output.Name(finding.Path.Span);
                output.Write(": ");
            }
            output.Name(System.Text.Encoding.UTF8.GetBytes(finding.Message));
            output.Write(finding.OffsetBytes >= 0 && !finding.Message.Contains("at byte", StringComparison.Ordinal)
                ? string.Create(CultureInfo.InvariantCulture, $" (at byte {finding.OffsetBytes} of the volume) [{finding.CodeText}]") : $" [{finding.CodeText}]");
            output.NewLine();
            if (finding.IsRepairable)
            {
                output.Line($"    repair: {finding.Remedy}");
            }
        }
        foreach (string action in report.Actions)
        {
            output.Write(isDry ? "would do: " : "done: ");
            output.Name(System.Text.Encoding.UTF8.GetBytes(action));
            output.NewLine();
        }
        output.Line(string.Create(CultureInfo.InvariantCulture, $"{report.FileCount} files, {report.DirectoryCount} directories, {report.OtherCount} others"));
        output.Line(string.Create(CultureInfo.InvariantCulture,
            $"{report.TotalSectors} sectors: {report.LogSectors} log, {report.DataSectors} data, {report.HeaderCopySectors} copy of sector 0, {report.FreeSectors} free"));
        output.Line(Verdict(image, report, repairs, isDry));
        if (report.RepairProblem.Length > 0)
        {
            context.Error($"{image}: {report.RepairProblem}");
        }
    }

    private static string Verdict(string image, TfsCheckReport report, bool repairs, bool isDry)
    {
        string counts = string.Create(CultureInfo.InvariantCulture, $"{report.ErrorCount} errors, {report.WarningCount} warnings");
        if (!report.NeedsRepair)
        {
            return report.IsClean ? $"{image}: clean" : $"{image}: {counts}";
        }
        if (!repairs)
        {
            return $"{image}: {counts}; 'tupelo fsck --repair' puts right what can be put right (make a copy of the image first)";
        }
        return report.RepairProblem.Length > 0 ? $"{image}: {counts}; not repaired" : isDry ? $"{image}: {counts}; nothing was written" : $"{image}: {counts}; repaired, and clean now";
    }

    private static void WriteJson(Utf8JsonWriter json, TfsCheckReport report)
    {
        json.WriteBoolean("clean", report.IsClean);
        json.WriteNumber("errors", report.ErrorCount);
        json.WriteNumber("warnings", report.WarningCount);
        json.WriteBoolean("needsRepair", report.NeedsRepair);
        json.WriteBoolean("repaired", report.IsRepaired);
        json.WriteString("repairProblem", report.RepairProblem);
        json.WriteStartArray("findings");
        foreach (TfsFinding finding in report.Findings)
        {
            json.WriteStartObject();
            json.WriteString("code", finding.CodeText);
            json.WriteString("severity", finding.Severity.ToString().ToLowerInvariant());
            json.WriteString("message", finding.Message);
            if (finding.OffsetBytes >= 0)
            {
                json.WriteNumber("offset", finding.OffsetBytes);
            }
            if (!finding.Path.IsEmpty)
            {
                json.WriteText("path", finding.Path.Span);
            }
            if (finding.IsRepairable)
            {
                json.WriteString("remedy", finding.Remedy);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("actions");
        foreach (string action in report.Actions)
        {
            json.WriteStringValue(action);
        }
        json.WriteEndArray();
        json.WriteNumber("files", report.FileCount);
        json.WriteNumber("directories", report.DirectoryCount);
        json.WriteNumber("others", report.OtherCount);
        json.WriteStartObject("sectors");
        json.WriteNumber("total", report.TotalSectors);
        json.WriteNumber("log", report.LogSectors);
        json.WriteNumber("data", report.DataSectors);
        json.WriteNumber("headerCopy", report.HeaderCopySectors);
        json.WriteNumber("free", report.FreeSectors);
        json.WriteEndObject();
    }
}
