// tupelo log: the records of a volume's log one by one, what each did, and which no longer matter.
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class LogCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.ImageArgument();
        Option<string?> partition = OpenedImage.PartitionOption();
        var live = new Option<bool>("--live") { Description = "Leave out records that no longer matter." };
        var json = new Option<bool>("--json") { Description = "Print a JSON array; see docs/cli.md." };
        var command = new Command("log", "Print the log's records: where, what, and whether they still matter.") { address, live, json, partition };
        Examples.Add(command, "tupelo log demo.img", "tupelo log --json demo.img | jq '.[] | select(.obsolete)'");
        command.SetAction(parsed =>
        {
            using OpenedDevice opened = OpenedDevice.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition));
            opened.Address.RefusePath();
            bool onlyLive = parsed.GetValue(live);
            using JsonArray? array = parsed.GetValue(json) ? new JsonArray(context.Output) : null;
            try
            {
                IReadOnlyList<TfsFault> faults = TfsLogListing.Read(opened.Volume, record =>
                {
                    context.ThrowIfInterrupted();
                    if (onlyLive && record.IsObsolete)
                    {
                        return;
                    }
                    if (array is null)
                    {
                        Print(context, record);
                    }
                    else
                    {
                        WriteJson(array.Begin(), record);
                        array.End();
                    }
                });
                context.WarnOfFaults(opened.Address.ImagePath, faults);
            }
            catch (TfsFormatException problem)
            {
                context.Error($"{opened.Address.ImagePath}: {problem.Message}");
            }
            array?.Close();
            return ExitCode.Done;
        });
        return command;
    }

    private static void Print(CommandContext context, TfsLogRecord record)
    {
        OutputWriter output = context.Output;
        string state = record.IsObsolete ? "obsolete"
            : record.ObsoleteCount > 0 ? string.Create(CultureInfo.InvariantCulture, $"{record.EntryCount - record.ObsoleteCount}/{record.EntryCount} live")
            : "";
        output.Write(string.Create(CultureInfo.InvariantCulture, $"{record.OffsetBytes,10}  {record.Kind.ToString().ToLowerInvariant(),-6}  {state,-12}  "));
        bool isFaint = context.UseColor && record.IsObsolete;
        output.Write(isFaint ? "\x1b[2m"u8 : default);
        output.Name(Encoding.UTF8.GetBytes(record.Effect));
        output.Write(isFaint ? "\x1b[0m"u8 : default);
        if (record.FrameCount > 1)
        {
            output.Write(string.Create(CultureInfo.InvariantCulture, $"  ({record.LengthBytes} bytes in {record.FrameCount} frames)"));
        }
        output.NewLine();
    }

    private static void WriteJson(Utf8JsonWriter json, TfsLogRecord record)
    {
        json.WriteStartObject();
        json.WriteNumber("offset", record.OffsetBytes);
        json.WriteString("kind", record.Kind.ToString().ToLowerInvariant());
        json.WriteNumber("length", record.LengthBytes);
        json.WriteNumber("frames", record.FrameCount);
        json.WriteNumber("version", record.IsOldEncoding ? TfsFormat.OldVersion : TfsFormat.CurrentVersion);
        json.WriteNumber("commit", record.Commit);
        json.WriteNumber("tuple", record.Subject.Id);
        if (record.Path is null)
        {
            json.WriteNull("path");
        }
        else
        {
            json.WriteText("path", record.Path);
        }
        json.WriteText("within", record.Within);
        json.WriteText("attribute", record.Attribute);
        json.WriteString("value", record.Value);
        json.WriteString("effect", record.Effect);
        json.WriteNumber("entries", record.EntryCount);
        json.WriteNumber("obsoleteEntries", record.ObsoleteCount);
        json.WriteBoolean("obsolete", record.IsObsolete);
        json.WriteEndObject();
    }
}
