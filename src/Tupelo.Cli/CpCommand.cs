// tupelo cp: files and trees out of an image, where what is written, and how safely, is TreeExtractor's; and into one, where it is
// Editing/TreeCopier's. Here are the words around both.
using System.CommandLine;
using System.Globalization;
using System.Text;
using Tupelo.Cli.Editing;
using Tupelo.Images;
using Tupelo.Images.Extraction;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class CpCommand
{
    public static Command Create(CommandContext context) => Create(new EditDoor(context));

    /// <summary>Within a batch everything goes into its image.</summary>
    public static Command CreateInBatch(EditDoor door)
    {
        var options = new Options(door);
        var command = new Command("cp", "Copy files and directories into the image. Paths that do not begin with ':' are the host's.")
        {
            options.Paths, options.Recursive, options.Archive, options.Preserve, options.NoClobber, options.Force,
        };
        command.SetAction(parsed =>
        {
            string[] given = Given(parsed, options);
            // As the last operand a path is in the image however it is written.
            return door.Run(parsed, [given[^1]], (session, operands) => CopyIn(door, session, parsed, options, given[..^1], operands[0]));
        });
        return command;
    }

    private static Command Create(EditDoor door)
    {
        CommandContext context = door.Context;
        var options = new Options(door);
        var devices = new Option<bool>("--devices") { Description = "Out of an image: device nodes, FIFOs and sockets too; else they are left out." };
        var safeLinks = new Option<bool>("--safe-links") { Description = "Out of an image: leave out symbolic links that lead, or might lead, out of what is copied." };
        var sync = new Option<bool>("--sync") { Description = "Out of an image: end only when everything is safely on the disk. Into one it always is." };
        var maxBytes = new Option<string?>("--max-bytes") { Description = "Out of an image: write no more than this into files; default 64G.", HelpName = "SIZE" };
        var maxEntries = new Option<long?>("--max-entries") { Description = "Out of an image: make no more entries than this; default 10000000.", HelpName = "N" };
        var maxDepth = new Option<int?>("--max-depth") { Description = "Out of an image: go no deeper than this; default 4096.", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Into an image: print what was done as JSON; see docs/cli.md." };
        var command = new Command("cp", "Copy files and directories out of an image, into one (in one commit), or from image to image. Out of an image nothing outside of DEST is ever written, whatever the image says.")
        {
            options.Paths, options.Recursive, options.Archive, options.Preserve, options.NoClobber, options.Force,
            devices, safeLinks, sync, maxBytes, maxEntries, maxDepth, json,
        };
        door.AddOptions(command);
        Examples.Add(command,
            "tupelo cp demo.img:/index.html .",
            "tupelo cp -r demo.img:/ out",
            "tupelo cp -a site demo.img:/srv",
            "date | tupelo cp - demo.img:/etc/built",
            "tupelo cp demo.img:/index.html - | less");
        command.SetAction(parsed =>
        {
            string[] given = Given(parsed, options);
            string destination = given[^1];
            if (destination != "-" && door.IsInImage(destination))
            {
                return door.Run(parsed, [destination], (session, operands) =>
                {
                    CopyIn copy = CopyIn(door, session, parsed, options, given[..^1], operands[0]);
                    if (parsed.GetValue(json))
                    {
                        session.AfterCommit = () => session.PrintSummary(members =>
                        {
                            members.WriteNumber("entries", copy.Done.Entries);
                            members.WriteNumber("bytes", copy.Done.Bytes);
                        });
                    }
                });
            }
            var defaults = new ExtractionOptions();
            var extraction = new ExtractionOptions
            {
                PreserveAll = parsed.GetValue(options.Archive),
                Devices = parsed.GetValue(devices),
                SafeLinks = parsed.GetValue(safeLinks),
                Overwrite = !parsed.GetValue(options.NoClobber),
                Sync = parsed.GetValue(sync),
                MaxTotalBytes = parsed.GetValue(maxBytes) is { } text ? Size(text) : defaults.MaxTotalBytes,
                MaxEntries = NotNegative("--max-entries", parsed.GetValue(maxEntries)) ?? defaults.MaxEntries,
                MaxDepth = (int)(NotNegative("--max-depth", parsed.GetValue(maxDepth)) ?? defaults.MaxDepth),
            };
            var copying = new Copying(context, extraction, parsed.GetValue(options.Recursive) || extraction.PreserveAll, destination, given.Length > 2);
            foreach (string source in given[..^1])
            {
                copying.Copy(source, door.PartitionOf(parsed));
            }
            return ExitCode.Done;
        });
        return command;
    }

    private static string[] Given(ParseResult parsed, Options options)
    {
        string[] given = parsed.GetRequiredValue(options.Paths);
        return given.Length >= 2 ? given : throw new UsageException($"where to? 'tupelo cp {given[0]} DEST'");
    }

    private static CopyIn CopyIn(EditDoor door, EditSession session, ParseResult parsed, Options options, string[] sources, byte[] destination)
    {
        bool archive = parsed.GetValue(options.Archive);
        var copy = new CopyIn(door, session, new CopyOptions
        {
            Recursive = archive || parsed.GetValue(options.Recursive),
            Archive = archive,
            Preserve = archive || parsed.GetValue(options.Preserve),
            NoClobber = parsed.GetValue(options.NoClobber),
            Force = parsed.GetValue(options.Force),
        }, door.PartitionOf(parsed));
        copy.Copy(sources, destination);
        return copy;
    }

    private sealed class Options
    {
        public Options(EditDoor door)
        {
            Paths = new Argument<string[]>("SOURCE... DEST")
            {
                Description = "What to copy, and where to: paths of the host, IMAGE:PATH, or - for standard input or output.",
                Arity = new ArgumentArity(1, 100_000),
            };
            OpenedImage.Complete(Paths, door.Context);
        }

        public Argument<string[]> Paths { get; }

        public Option<bool> Recursive { get; } = new("--recursive", "-r", "-R") { Description = "Directories, with all in them." };

        public Option<bool> Archive { get; } = new("--preserve-all", "-a", "--archive") { Description = "Like -r, with owner, all mode bits, all times, all extended attributes, and into an image hard links." };

        public Option<bool> Preserve { get; } = new("--preserve", "-p") { Description = "Into an image: with mode, owner and times." };

        public Option<bool> NoClobber { get; } = new("--no-clobber", "-n") { Description = "Leave files alone that exist already." };

        public Option<bool> Force { get; } = new("--force", "-f") { Description = "Into an image: remove a file that cannot be written to, and try again." };
    }

    private static long Size(string text) =>
        SizeText.TryParse(text, out long bytes) ? bytes : throw new UsageException($"--max-bytes: '{text}' is no size; for example 512M or 2G");

    private static long? NotNegative(string option, long? value) =>
        value is null or > 0 ? value : throw new UsageException($"{option} {value}: must be greater than 0");

    private sealed class Copying(CommandContext context, ExtractionOptions options, bool recursive, string destination, bool toDirectory)
    {
        public void Copy(string source, string? partition)
        {
            if (ImageAddress.Parse(source, context.Terminal) is { HasPath: false } address)
            {
                throw new UsageException(File.Exists(address.ImagePath)
                    ? $"{source}: what of the image? 'tupelo cp -r {source}:/ DEST' copies all"
                    : $"{source}: no image is named; one of source and destination is IMAGE:PATH, and 'tupelo mkfs' makes images");
            }
            using OpenedImage image = OpenedImage.Open(context, source, partition);
            if (destination == "-")
            {
                CatCommand.Print(context, image);
                return;
            }
            TfsNode node = image.Find(followLast: !recursive);
            if (image.Volume.TypeOf(node) == FileType.Directory && !recursive)
            {
                throw new CommandException($"{source}: is a directory; 'tupelo cp -r' copies those");
            }
            Extract(image, node);
        }

        private void Extract(OpenedImage image, TfsNode node)
        {
            byte[] path = image.NormalPath();
            byte[] name = NameIn(path);
            bool isContents = name.Length == 0; // the root, or a path that ends in "." or "..": it has no name of its own
            bool isDirectory = Directory.Exists(destination);
            if (!isDirectory && (toDirectory || destination.EndsWith('/')) && !(isContents && !toDirectory))
            {
                throw new CommandException($"{destination}: is no directory");
            }
            var progress = new ExtractionProgress();
            // Interrupting removes the file at hand, so it is caught here rather than left to end the process.
            using var interruption = new Interruption(context);
            var extractor = new TreeExtractor(image.Volume, options, progress, Tell, interruption.Token);
            using (ProgressLine.Show(context, "copying", () => (progress.Bytes, progress.TotalBytes, progress.Entries, progress.TotalEntries)))
            {
                try
                {
                    if (isContents)
                    {
                        if (!isDirectory)
                        {
                            MakeDirectory();
                        }
                        extractor.ExtractInto(node, path, destination);
                    }
                    else if (isDirectory)
                    {
                        extractor.ExtractAs(node, path, destination, name);
                    }
                    else
                    {
                        string full = Path.TrimEndingDirectorySeparator(destination);
                        string parent = Path.GetDirectoryName(full) is { Length: > 0 } above ? above : ".";
                        extractor.ExtractAs(node, path, parent, Encoding.UTF8.GetBytes(Path.GetFileName(full)));
                    }
                }
                catch (ImageException problem)
                {
                    throw new CommandException($"{problem.Message}{(progress.Entries > 0 ? $"; {progress.Entries} entries are in {destination}" : "")}");
                }
            }
        }

        private void MakeDirectory()
        {
            try
            {
                if (Path.Exists(destination))
                {
                    throw new CommandException($"{destination}: is no directory");
                }
                string? parent = Path.GetDirectoryName(Path.GetFullPath(Path.TrimEndingDirectorySeparator(destination)));
                if (parent is not null && !Directory.Exists(parent))
                {
                    throw new CommandException($"{destination}: the directory {parent} does not exist");
                }
                _ = Directory.CreateDirectory(destination);
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                throw new CommandException($"cannot make the directory {destination}: {problem.Message}");
            }
        }

        private void Tell(ExtractionNotice notice)
        {
            string message = $"{Encoding.UTF8.GetString(notice.Path)}: {notice.Message}";
            if (notice.IsFailure)
            {
                context.Error(message);
            }
            else
            {
                context.Warn(message);
            }
        }

        private static byte[] NameIn(byte[] path)
        {
            byte[] last = path[(path.AsSpan().LastIndexOf((byte)'/') + 1)..];
            return TfsName.IsValid(last) ? last : [];
        }
    }
}
