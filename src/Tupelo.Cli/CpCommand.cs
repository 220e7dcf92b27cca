// tupelo cp: files and trees out of an image. What is written, and how safely, is TreeExtractor's; here are the words around it.
using System.CommandLine;
using System.Globalization;
using System.Text;
using Tupelo.Images;
using Tupelo.Images.Extraction;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class CpCommand
{
    public static Command Create(CommandContext context)
    {
        var paths = new Argument<string[]>("IMAGE:PATH... DEST") { Description = "What to copy, and where to: a file or directory of the host, or - for standard output.", Arity = new ArgumentArity(1, 100_000) };
        OpenedImage.Complete(paths, context);
        Option<string?> partition = OpenedImage.PartitionOption();
        var recursive = new Option<bool>("--recursive", "-r", "-R") { Description = "Directories, with all in them." };
        var preserveAll = new Option<bool>("--preserve-all", "-a") { Description = "Like -r, with owner, all mode bits, all times and all extended attributes." };
        var devices = new Option<bool>("--devices") { Description = "Device nodes, FIFOs and sockets too; else they are left out." };
        var safeLinks = new Option<bool>("--safe-links") { Description = "Leave out symbolic links that lead, or might lead, out of what is copied." };
        var noClobber = new Option<bool>("--no-clobber", "-n") { Description = "Leave files alone that exist already." };
        var sync = new Option<bool>("--sync") { Description = "End only when everything is safely on the disk." };
        var maxBytes = new Option<string?>("--max-bytes") { Description = "Write no more than this into files; default 64G.", HelpName = "SIZE" };
        var maxEntries = new Option<long?>("--max-entries") { Description = "Make no more entries than this; default 10000000.", HelpName = "N" };
        var maxDepth = new Option<int?>("--max-depth") { Description = "Go no deeper than this; default 4096.", HelpName = "N" };
        var command = new Command("cp", "Copy files and directories out of an image. Nothing outside of DEST is ever written, whatever the image says.")
        {
            paths, recursive, preserveAll, devices, safeLinks, noClobber, sync, maxBytes, maxEntries, maxDepth, partition,
        };
        Examples.Add(command,
            "tupelo cp demo.img:/index.html .",
            "tupelo cp -r demo.img:/ out",
            "tupelo cp demo.img:/index.html - | less");
        command.SetAction(parsed =>
        {
            string[] given = parsed.GetRequiredValue(paths);
            if (given.Length < 2)
            {
                throw new UsageException($"where to? 'tupelo cp {given[0]} DEST'");
            }
            string destination = given[^1];
            var defaults = new ExtractionOptions();
            var options = new ExtractionOptions
            {
                PreserveAll = parsed.GetValue(preserveAll),
                Devices = parsed.GetValue(devices),
                SafeLinks = parsed.GetValue(safeLinks),
                Overwrite = !parsed.GetValue(noClobber),
                Sync = parsed.GetValue(sync),
                MaxTotalBytes = parsed.GetValue(maxBytes) is { } text ? Size(text) : defaults.MaxTotalBytes,
                MaxEntries = NotNegative("--max-entries", parsed.GetValue(maxEntries)) ?? defaults.MaxEntries,
                MaxDepth = (int)(NotNegative("--max-depth", parsed.GetValue(maxDepth)) ?? defaults.MaxDepth),
            };
            var copying = new Copying(context, options, parsed.GetValue(recursive) || options.PreserveAll, destination, given.Length > 2);
            foreach (string source in given[..^1])
            {
                copying.Copy(source, parsed.GetValue(partition));
            }
            return ExitCode.Done;
        });
        return command;
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
                    : $"{source}: no image is named; only copying out of images (IMAGE:PATH) is possible, 'tupelo mkfs' makes them");
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
