// tupelo find: paths that fulfil all of some conditions, named as find(1) names them.
using System.CommandLine;
using System.Globalization;
using Tupelo.Images;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class FindCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.AddressArgument(context);
        Option<string?> partition = OpenedImage.PartitionOption();
        var name = new Option<string?>("--name", "-name") { Description = "The name matches a pattern (* ? [a-z]).", HelpName = "GLOB" };
        var iname = new Option<string?>("--iname", "-iname") { Description = "The same, letter case aside.", HelpName = "GLOB" };
        var path = new Option<string?>("--path", "-path") { Description = "The path matches; * matches '/' too.", HelpName = "GLOB" };
        var type = new Option<string?>("--type", "-type") { Description = "f file, d directory, l symlink, p fifo, s socket, c or b device; several: f,l.", HelpName = "TYPES" };
        var size = new Option<string?>("--size", "-size") { Description = "Its size in units of c (1 byte), k, M, G: exactly N, more than +N, less than -N, rounded up.", HelpName = "[+-]N[ckMG]" };
        var links = new Option<string?>("--links", "-links") { Description = "It has N names, more than +N, fewer than -N.", HelpName = "[+-]N" };
        var empty = new Option<bool>("--empty", "-empty") { Description = "A file of length 0, or a directory without entries." };
        var minDepth = new Option<int?>("--mindepth", "-mindepth") { Description = "At least N levels below the start.", HelpName = "N" };
        var maxDepth = new Option<int?>("--maxdepth", "-maxdepth") { Description = "At most N levels below the start.", HelpName = "N" };
        var print0 = new Option<bool>("--print0", "-print0") { Description = "End each path with a zero byte, for xargs -0." };
        var isLong = new Option<bool>("--long", "-ls") { Description = "With --json: mode, owner and time, too." };
        var json = new Option<bool>("--json") { Description = "Print a JSON array; see docs/cli.md." };
        var command = new Command("find", "Find files by name, kind or size.") { address, name, iname, path, type, size, links, empty, minDepth, maxDepth, print0, isLong, json, partition };
        Examples.Add(command,
            "tupelo find demo.img -name '*.html'",
            "tupelo find demo.img:/var -type f -size +1M",
            "tupelo find demo.img -type l --json");
        command.SetAction(parsed =>
        {
            var tests = new List<Condition>();
            if (parsed.GetValue(name) is { } glob)
            {
                var pattern = new NamePattern(glob);
                tests.Add((_, walk) => pattern.Matches(NameOf(walk)));
            }
            if (parsed.GetValue(iname) is { } caselessGlob)
            {
                var pattern = new NamePattern(caselessGlob, ignoreCase: true);
                tests.Add((_, walk) => pattern.Matches(NameOf(walk)));
            }
            if (parsed.GetValue(path) is { } pathGlob)
            {
                var pattern = new NamePattern(pathGlob);
                tests.Add((_, walk) => pattern.Matches(walk.Path));
            }
            if (parsed.GetValue(type) is { } types)
            {
                FileType[] wanted = [.. types.Split(',').Select(TypeOf)];
                tests.Add((_, walk) => wanted.Contains(walk.Type));
            }
            if (parsed.GetValue(size) is { } sizeText)
            {
                tests.Add(SizeTest(sizeText));
            }
            if (parsed.GetValue(links) is { } linksText)
            {
                (int sign, long count) = Comparison("--links", linksText);
                tests.Add((volume, walk) => Compare(sign, StatOf(volume, walk).LinkCount, count));
            }
            if (parsed.GetValue(empty))
            {
                tests.Add(static (volume, walk) => walk.Type switch
                {
                    FileType.Regular => volume.LengthOf(walk.Node) == 0,
                    FileType.Directory => volume.EntryCountOf(walk.Node) == 0,
                    _ => false,
                });
            }
            int least = NotNegative("--mindepth", parsed.GetValue(minDepth)) ?? 0;
            int? most = NotNegative("--maxdepth", parsed.GetValue(maxDepth));
            using OpenedImage image = OpenedImage.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition));
            var walk = new TreeWalk(image.Volume, image.Find(followLast: false), image.NormalPath()) { MaxDepth = Math.Min(most ?? int.MaxValue, TreeLimit.MaxDepth) };
            using JsonArray? array = parsed.GetValue(json) ? new JsonArray(context.Output) : null;
            while (walk.MoveNext())
            {
                context.ThrowIfInterrupted();
                if (walk.Step == WalkStep.Leave || walk.Depth < least || !tests.TrueForAll(test => test(image.Volume, walk)))
                {
                    continue;
                }
                if (array is not null)
                {
                    EntryText.WriteJson(context, array.Begin(), image.Volume, walk.Node, walk.Type, walk.Path, parsed.GetValue(isLong), hash: false);
                    array.End();
                }
                else if (parsed.GetValue(print0))
                {
                    context.Output.Write(walk.Path);
                    context.Output.Write((byte)0);
                }
                else
                {
                    context.Output.Name(walk.Path);
                    context.Output.NewLine();
                }
            }
            array?.Close();
            TreeLimit.Report(context, walk, most is null);
            return ExitCode.Done;
        });
        return command;
    }

    private delegate bool Condition(TfsVolume volume, TreeWalk walk);

    // The start has no name in the walk, but one in its path.
    private static ReadOnlySpan<byte> NameOf(TreeWalk walk) => walk.Path.Length == 1 ? walk.Path : walk.Path[(walk.Path.LastIndexOf((byte)'/') + 1)..];

    private static Stat StatOf(TfsVolume volume, TreeWalk walk)
    {
        volume.GetStat(walk.Node, out Stat stat);
        return stat;
    }

    private static FileType TypeOf(string letter) => letter switch
    {
        "f" => FileType.Regular,
        "d" => FileType.Directory,
        "l" => FileType.Symlink,
        "p" => FileType.Fifo,
        "s" => FileType.Socket,
        "c" => FileType.CharDevice,
        "b" => FileType.BlockDevice,
        _ => throw new UsageException($"--type {letter}: the kinds are f, d, l, p, s, c, b"),
    };

    private static Condition SizeTest(string text)
    {
        long unit = text.Length > 0 ? text[^1] switch { 'c' => 1, 'k' => 1L << 10, 'M' => 1L << 20, 'G' => 1L << 30, 'T' => 1L << 40, _ => 0 } : 0;
        (int sign, long count) = Comparison("--size", unit > 0 ? text[..^1] : text);
        unit = unit == 0 ? 512 : unit; // as find(1): blocks, when no unit is given
        return (volume, walk) =>
        {
            long bytes = StatOf(volume, walk).SizeBytes;
            return Compare(sign, (bytes / unit) + (bytes % unit > 0 ? 1 : 0), count);
        };
    }

    private static (int Sign, long Count) Comparison(string option, string text)
    {
        int sign = text.StartsWith('+') ? 1 : text.StartsWith('-') ? -1 : 0;
        return long.TryParse(sign == 0 ? text : text[1..], NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            ? (sign, count)
            : throw new UsageException($"{option} {text}: a number is needed, like 10, +10 or -10");
    }

    private static bool Compare(int sign, long value, long count) => sign == 0 ? value == count : sign > 0 ? value > count : value < count;

    private static int? NotNegative(string option, int? value) =>
        value is null or >= 0 ? value : throw new UsageException($"{option} {value}: must not be negative");
}
