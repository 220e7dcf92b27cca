// tupelo du: space that directories take on the volume. A file with several names counts once, where it is met first.
using System.Collections;
using System.CommandLine;
using System.Globalization;
using Tupelo.Images;

namespace Tupelo.Cli;

internal static class DuCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.AddressArgument(context);
        Option<string?> partition = OpenedImage.PartitionOption();
        var summary = new Option<bool>("--summarize", "-s") { Description = "The total alone." };
        var human = new Option<bool>("--human-readable", "-h") { Description = "Sizes like 1.5K, 20M; else in units of 1 KiB." };
        var all = new Option<bool>("--all", "-a") { Description = "Files, too." };
        var apparent = new Option<bool>("--apparent-size") { Description = "Lengths of files rather than the space that they take." };
        var depth = new Option<int?>("--max-depth", "-d") { Description = "Print directories down to N levels.", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Print a JSON array; see docs/cli.md." };
        var command = new Command("du", "Tell how much space directories take.") { address, summary, human, all, apparent, depth, json, partition };
        Examples.Add(command, "tupelo du -sh demo.img", "tupelo du -h -d 1 demo.img:/usr");
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(depth) < 0)
            {
                throw new UsageException("--max-depth must not be negative");
            }
            using OpenedImage image = OpenedImage.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition));
            int shownDepth = parsed.GetValue(summary) ? 0 : parsed.GetValue(depth) ?? int.MaxValue;
            bool isApparent = parsed.GetValue(apparent);
            var counted = new BitArray(image.Volume.HighestNodeId + 1);
            var sums = new Stack<(long Allocated, long Apparent)>();
            var walk = new TreeWalk(image.Volume, image.Find(followLast: false), image.NormalPath()) { MaxDepth = TreeLimit.MaxDepth };
            using JsonArray? array = parsed.GetValue(json) ? new JsonArray(context.Output) : null;
            while (walk.MoveNext())
            {
                context.ThrowIfInterrupted();
                (long Allocated, long Apparent) sum;
                if (walk.Step == WalkStep.Enter && walk.Type == FileType.Directory)
                {
                    sums.Push(default);
                    continue;
                }
                if (walk.Step == WalkStep.Leave)
                {
                    sum = sums.Pop();
                }
                else
                {
                    if (counted[walk.Node.Id])
                    {
                        continue;
                    }
                    counted[walk.Node.Id] = true;
                    image.Volume.GetStat(walk.Node, out Stat stat);
                    sum = (stat.Blocks512 * 512, stat.SizeBytes);
                }
                if (sums.TryPop(out (long Allocated, long Apparent) above))
                {
                    sums.Push((above.Allocated + sum.Allocated, Saturated(above.Apparent, sum.Apparent)));
                }
                if (walk.Depth <= shownDepth && (walk.Type == FileType.Directory || walk.Depth == 0 || parsed.GetValue(all)))
                {
                    if (array is not null)
                    {
                        System.Text.Json.Utf8JsonWriter writer = array.Begin();
                        writer.WriteStartObject();
                        writer.WriteText("path", walk.Path);
                        writer.WriteString("type", JsonText.TypeName(walk.Type));
                        writer.WriteNumber("allocatedBytes", sum.Allocated);
                        writer.WriteNumber("apparentBytes", sum.Apparent);
                        writer.WriteEndObject();
                        array.End();
                        continue;
                    }
                    long bytes = isApparent ? sum.Apparent : sum.Allocated;
                    context.Output.Write(parsed.GetValue(human) ? TimeText.Human(bytes) : ((bytes / 1024) + (bytes % 1024 > 0 ? 1 : 0)).ToString(CultureInfo.InvariantCulture));
                    context.Output.Write((byte)'\t');
                    context.Output.Name(walk.Path);
                    context.Output.NewLine();
                }
            }
            array?.Close();
            TreeLimit.Report(context, walk, whenExceeded: true);
            return ExitCode.Done;
        });
        return command;
    }

    // Lengths come from the image: sparse files may claim more than fits a number together.
    private static long Saturated(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;
}
