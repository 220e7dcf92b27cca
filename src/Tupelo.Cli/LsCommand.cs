// tupelo ls: the names in a directory; with -l their attributes, with -R those of the whole tree. Names are in the order of their
// bytes. --json lists every entry, hidden ones too, since a program wants to choose for itself.
using System.CommandLine;
using System.Globalization;
using Tupelo.Images;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class LsCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.AddressArgument(context);
        Option<string?> partition = OpenedImage.PartitionOption();
        var isLong = new Option<bool>("--long", "-l") { Description = "Mode, links, owner, size and time of each entry." };
        var all = new Option<bool>("--all", "-a") { Description = "Names that begin with a dot, too." };
        var recursive = new Option<bool>("--recursive", "-R") { Description = "Directories below, too." };
        var self = new Option<bool>("--directory", "-d") { Description = "The directory itself, not what is in it." };
        var human = new Option<bool>("--human-readable", "-h") { Description = "Sizes like 1.5K, 20M (with -l)." };
        var hash = new Option<bool>("--hash") { Description = "SHA-256 of each file's content." };
        var json = new Option<bool>("--json") { Description = "Print a JSON array; see docs/cli.md." };
        var command = new Command("ls", "List a directory of an image.") { address, isLong, all, recursive, self, human, hash, json, partition };
        Examples.Add(command,
            "tupelo ls demo.img",
            "tupelo ls -l demo.img:/etc",
            "tupelo ls -R --hash --json demo.img");
        command.SetAction(parsed =>
        {
            using OpenedImage image = OpenedImage.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition));
            new Listing(context, image)
            {
                IsLong = parsed.GetValue(isLong),
                All = parsed.GetValue(all),
                Recursive = parsed.GetValue(recursive),
                Self = parsed.GetValue(self),
                Human = parsed.GetValue(human),
                Hash = parsed.GetValue(hash),
            }.Print(parsed.GetValue(json));
            return ExitCode.Done;
        });
        return command;
    }

    private sealed class Listing(CommandContext context, OpenedImage image)
    {
        private readonly TfsVolume _volume = image.Volume;
        private readonly OutputWriter _output = context.Output;

        public bool IsLong { get; init; }

        public bool All { get; init; }

        public bool Recursive { get; init; }

        public bool Self { get; init; }

        public bool Human { get; init; }

        public bool Hash { get; init; }

        public void Print(bool json)
        {
            TfsNode start = image.Find(followLast: !IsLong && !Self);
            byte[] path = image.NormalPath();
            bool isDirectory = _volume.TypeOf(start) == FileType.Directory && !Self;
            if (json)
            {
                PrintJson(start, path, isDirectory);
            }
            else if (!isDirectory)
            {
                var walk = new TreeWalk(_volume, start, path) { MaxDepth = 0 };
                PrintEntries(walk, 0, path);
            }
            else if (!Recursive)
            {
                PrintEntries(new TreeWalk(_volume, start, path) { MaxDepth = 1, Filter = Filter }, 1, default);
            }
            else
            {
                PrintTree(start, path);
            }
        }

        private void PrintJson(TfsNode start, byte[] path, bool isDirectory)
        {
            using var array = new JsonArray(_output);
            var walk = new TreeWalk(_volume, start, path) { MaxDepth = Recursive && isDirectory ? TreeLimit.MaxDepth : isDirectory ? 1 : 0 };
            while (walk.MoveNext())
            {
                if (walk.Step == WalkStep.Enter && (walk.Depth > 0 || Recursive || !isDirectory))
                {
                    context.ThrowIfInterrupted();
                    EntryText.WriteJson(context, array.Begin(), _volume, walk.Node, walk.Type, walk.Path, IsLong, Hash);
                    array.End();
                }
            }
            array.Close();
            TreeLimit.Report(context, walk, Recursive);
        }

        private void PrintTree(TfsNode start, byte[] path)
        {
            var directories = new TreeWalk(_volume, start, path) { MaxDepth = TreeLimit.MaxDepth, Filter = Filter };
            bool first = true;
            while (directories.MoveNext())
            {
                if (directories.Step == WalkStep.Leave || directories.Type != FileType.Directory)
                {
                    continue;
                }
                if (!first)
                {
                    _output.NewLine();
                }
                first = false;
                _output.Name(directories.Path);
                _output.Write(":\n"u8);
                PrintEntries(new TreeWalk(_volume, directories.Node, directories.Path) { MaxDepth = 1, Filter = Filter }, 1, default);
            }
            TreeLimit.Report(context, directories, true);
        }

        // Prints the start of a walk, or the entries one below it.
        private void PrintEntries(TreeWalk walk, int depth, ReadOnlySpan<byte> name)
        {
            if (IsLong)
            {
                PrintLong(walk, depth, name);
                return;
            }
            List<(byte[] Name, TfsNode Node, FileType Type)>? columns = context.Terminal.OutputIsTerminal && !Hash && depth > 0 ? [] : null;
            while (walk.MoveNext())
            {
                if (walk.Step == WalkStep.Leave || walk.Depth != depth)
                {
                    continue;
                }
                ReadOnlySpan<byte> shown = depth == 0 ? name : walk.Name;
                if (columns is not null)
                {
                    columns.Add((shown.ToArray(), walk.Node, walk.Type));
                    continue;
                }
                if (Hash)
                {
                    PrintHash(walk);
                }
                EntryText.PrintName(context, _volume, walk.Node, walk.Type, shown);
                _output.NewLine();
            }
            if (columns is not null)
            {
                PrintColumns(columns);
            }
        }

        private void PrintColumns(List<(byte[] Name, TfsNode Node, FileType Type)> entries)
        {
            int[] widths = [.. entries.Select(static entry => NameText.WidthOf(entry.Name))];
            int cell = widths.DefaultIfEmpty(0).Max() + 2;
            int columns = Math.Max(1, context.Terminal.Width() / cell);
            int rows = (entries.Count + columns - 1) / columns;
            for (int row = 0; row < rows; row++)
            {
                for (int i = row; i < entries.Count; i += rows)
                {
                    EntryText.PrintName(context, _volume, entries[i].Node, entries[i].Type, entries[i].Name);
                    if (i + rows < entries.Count)
                    {
                        _output.Write(new string(' ', cell - widths[i]));
                    }
                }
                _output.NewLine();
            }
        }

        private void PrintLong(TreeWalk walk, int depth, ReadOnlySpan<byte> name)
        {
            var rows = new List<(TfsNode Node, FileType Type, byte[] Name, Stat Stat, string Size)>();
            int[] widths = new int[4];
            while (walk.MoveNext())
            {
                if (walk.Step == WalkStep.Leave || walk.Depth != depth)
                {
                    continue;
                }
                _volume.GetStat(walk.Node, out Stat stat);
                string size = walk.Type is FileType.CharDevice or FileType.BlockDevice
                    ? string.Create(CultureInfo.InvariantCulture, $"{DeviceNumber.MajorOf(stat.RawDevice)}, {DeviceNumber.MinorOf(stat.RawDevice)}")
                    : Human ? TimeText.Human(stat.SizeBytes) : stat.SizeBytes.ToString(CultureInfo.InvariantCulture);
                widths[0] = Math.Max(widths[0], Digits(stat.LinkCount));
                widths[1] = Math.Max(widths[1], Digits(stat.Uid));
                widths[2] = Math.Max(widths[2], Digits(stat.Gid));
                widths[3] = Math.Max(widths[3], size.Length);
                rows.Add((walk.Node, walk.Type, depth == 0 ? name.ToArray() : walk.Name.ToArray(), stat, size));
            }
            foreach ((TfsNode node, FileType type, byte[] shown, Stat stat, string size) in rows)
            {
                _output.Write(EntryText.ModeText(stat.Mode));
                Right(stat.LinkCount.ToString(CultureInfo.InvariantCulture), widths[0] + 1);
                Right(stat.Uid.ToString(CultureInfo.InvariantCulture), widths[1] + 1);
                Right(stat.Gid.ToString(CultureInfo.InvariantCulture), widths[2] + 1);
                Right(size, widths[3] + 1);
                _output.Write((byte)' ');
                _output.Write(TimeText.Short(stat.ModifyTime));
                _output.Write((byte)' ');
                if (Hash)
                {
                    string? digest = type == FileType.Regular ? EntryText.HashOf(context, _volume, node, shown) : null;
                    _output.Write((digest ?? "-").PadRight(64));
                    _output.Write((byte)' ');
                }
                EntryText.PrintName(context, _volume, node, type, shown);
                if (type == FileType.Symlink)
                {
                    _output.Write(" -> "u8);
                    _output.Name(_volume.TargetOf(node));
                }
                _output.NewLine();
            }
        }

        private void PrintHash(TreeWalk walk)
        {
            string? digest = walk.Type == FileType.Regular ? EntryText.HashOf(context, _volume, walk.Node, walk.Path) : null;
            _output.Write((digest ?? "-").PadRight(64));
            _output.Write("  "u8);
        }

        private WalkFilter? Filter => All ? null : static (name, _) => name[0] != '.';

        private void Right(string text, int width) => _output.Write(text.PadLeft(width));

        private static int Digits(uint number) => number.ToString(CultureInfo.InvariantCulture).Length;
    }
}
