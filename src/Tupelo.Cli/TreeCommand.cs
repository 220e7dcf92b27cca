// tupelo tree: the directories and files below a path, drawn with lines.
using System.CommandLine;
using System.Globalization;
using Tupelo.Images;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class TreeCommand
{
    // A line of a tree is as long as its depth; a deep tree would otherwise be drawn in gigabytes.
    private const int MaxDrawnDepth = 64;

    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.AddressArgument(context);
        Option<string?> partition = OpenedImage.PartitionOption();
        var all = new Option<bool>("--all", "-a") { Description = "Names that begin with a dot, too." };
        var directories = new Option<bool>("--directories", "-d") { Description = "Directories only." };
        var level = new Option<int?>("--level", "-L") { Description = "Go down this many levels.", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Print nested JSON objects; see docs/cli.md." };
        var command = new Command("tree", "Draw the tree of directories and files.") { address, all, directories, level, json, partition };
        level.Validators.Add(static result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value == 0)
            {
                result.AddError("--level must be at least 1");
            }
        });
        Examples.Add(command, "tupelo tree demo.img", "tupelo tree -L 2 demo.img:/usr");
        command.SetAction(parsed =>
        {
            using OpenedImage image = OpenedImage.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition));
            TfsNode start = image.Find(followLast: true);
            bool showsHidden = parsed.GetValue(all) || parsed.GetValue(json);
            bool directoriesOnly = parsed.GetValue(directories);
            var walk = new TreeWalk(image.Volume, start, image.NormalPath())
            {
                MaxDepth = Math.Min(parsed.GetValue(level) ?? int.MaxValue, TreeLimit.MaxDepth),
                Filter = (name, node) => (showsHidden || name[0] != '.') && (!directoriesOnly || image.Volume.TypeOf(node) == FileType.Directory),
            };
            var drawing = new Drawing(context, image);
            if (parsed.GetValue(json))
            {
                drawing.PrintJson(walk);
            }
            else
            {
                drawing.Print(walk);
            }
            TreeLimit.Report(context, walk, parsed.GetValue(level) is null);
            return ExitCode.Done;
        });
        return command;
    }

    private sealed class Drawing(CommandContext context, OpenedImage image)
    {
        private readonly OutputWriter _output = context.Output;
        private readonly List<bool> _hasMore = []; // per level: whether more entries follow the directory on the way

        public void Print(TreeWalk walk)
        {
            long directories = 0;
            long files = 0;
            while (walk.MoveNext())
            {
                if (walk.Step == WalkStep.Leave)
                {
                    continue;
                }
                context.ThrowIfInterrupted();
                if (walk.Depth > 0)
                {
                    directories += walk.Type == FileType.Directory ? 1 : 0;
                    files += walk.Type == FileType.Directory ? 0 : 1;
                    DrawLines(walk);
                }
                EntryText.PrintName(context, image.Volume, walk.Node, walk.Type, walk.Depth > 0 ? walk.Name : walk.Path);
                if (walk.Type == FileType.Symlink)
                {
                    _output.Write(" -> "u8);
                    _output.Name(image.Volume.TargetOf(walk.Node));
                }
                _output.NewLine();
            }
            _output.NewLine();
            _output.Line(string.Create(CultureInfo.InvariantCulture, $"{Count(directories, "directory", "directories")}, {Count(files, "file", "files")}"));
        }

        public void PrintJson(TreeWalk walk)
        {
            using System.Text.Json.Utf8JsonWriter json = JsonText.Writer(_output, indented: false);
            while (walk.MoveNext())
            {
                if (walk.Step == WalkStep.Leave)
                {
                    json.WriteEndArray();
                    json.WriteEndObject();
                    continue;
                }
                context.ThrowIfInterrupted();
                json.WriteStartObject();
                json.WriteText("name", walk.Depth == 0 ? walk.Path : walk.Name);
                json.WriteString("type", JsonText.TypeName(walk.Type));
                if (walk.Type == FileType.Symlink)
                {
                    json.WriteText("target", image.Volume.TargetOf(walk.Node));
                }
                else if (walk.Type == FileType.Regular)
                {
                    json.WriteNumber("size", image.Volume.LengthOf(walk.Node));
                }
                if (walk.Type == FileType.Directory)
                {
                    json.WriteStartArray("children");
                }
                else
                {
                    json.WriteEndObject();
                }
            }
            json.Flush();
            _output.NewLine();
        }

        private void DrawLines(TreeWalk entry)
        {
            while (_hasMore.Count < entry.Depth)
            {
                _hasMore.Add(false);
            }
            _hasMore[entry.Depth - 1] = !entry.IsLast;
            int from = 0;
            if (entry.Depth > MaxDrawnDepth)
            {
                _output.Write(string.Create(CultureInfo.InvariantCulture, $"[{entry.Depth}] "));
                from = entry.Depth - MaxDrawnDepth;
            }
            for (int i = from; i < entry.Depth - 1; i++)
            {
                _output.Write(_hasMore[i] ? "│   "u8 : "    "u8);
            }
            _output.Write(entry.IsLast ? "└── "u8 : "├── "u8);
        }

        private static string Count(long number, string one, string many) =>
            string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? one : many)}");
    }
}
