// tupelo mkfs: makes an image from a directory, a manifest, or both. Here is what the options mean; the work is Tupelo.Images'.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tupelo.Images;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class MkfsCommand
{
    private sealed record Options(
        Argument<string> Image, Option<string?> From, Option<string?> Size, Option<string?> Label, Option<string?> Uuid, Option<string?> Manifest,
        Option<string[]> Set, Option<string[]> Exclude, Option<bool> Plain, Option<bool> Reproducible, Option<string?> TargetRoot,
        Option<string?> BootImage, Option<string?> Kernel, Option<bool> Force, Option<bool> Quiet, Option<bool> Json);

    public static Command Create(CommandContext context)
    {
        Options options = new(
            new Argument<string>("IMAGE") { Description = "The file to make. It gets its name when it is complete." },
            new Option<string?>("--from") { Description = "The directory whose tree goes into the image.", HelpName = "DIR" },
            new Option<string?>("--size") { Description = "Length of the image at the least (1G), or free space beyond its content (+64M). K, M, G and T are powers of 1024.", HelpName = "SIZE" },
            new Option<string?>("--label") { Description = "The volume's label, at most 31 bytes.", HelpName = "TEXT" },
            new Option<string?>("--uuid") { Description = "The volume's identity, 32 hexadecimal digits. Default: random, or derived from the content with --reproducible.", HelpName = "UUID" },
            new Option<string?>("--manifest") { Description = "A manifest in the language of Nanos' tools; - for standard input. Its files are laid over those of --from.", HelpName = "FILE" },
            new Option<string[]>("--set") { Description = "A root attribute: KEY=TEXT, KEY:=VALUE with VALUE as in a manifest ([a b], (k:v)), or (KEY:VALUE ...). Wins over the manifest.", HelpName = "KEY=VALUE", DefaultValueFactory = static _ => [] },
            new Option<string[]>("--exclude") { Description = "Leave out what matches, as .gitignore does: *.o, /build, **/cache/, [a-c]?.", HelpName = "GLOB", DefaultValueFactory = static _ => [] },
            new Option<bool>("--plain") { Description = "Store nothing but what Nanos' own tools store: no modes, owners, times, devices, FIFOs, extended attributes." },
            new Option<bool>("--reproducible") { Description = "The same bytes for the same tree, on any machine. Times are not later than SOURCE_DATE_EPOCH, if that is set." },
            new Option<string?>("--target-root") { Description = "Look up the manifest's host files below this directory first.", HelpName = "DIR" },
            new Option<string?>("--boot-image") { Description = "Nanos' boot loader (boot.img): the image becomes a bootable disk.", HelpName = "FILE" },
            new Option<string?>("--kernel") { Description = "The kernel of a bootable disk. Default: the manifest's boot:, or the file /kernel.", HelpName = "FILE" },
            new Option<bool>("--force") { Description = "Replace an existing file." },
            new Option<bool>("--quiet", "-q") { Description = "No progress and no summary." },
            new Option<bool>("--json") { Description = "Print the summary as a JSON object; see docs/cli.md." });
        Command command = new("mkfs", "Make an image from a directory, a manifest, or both.")
        {
            options.Image, options.From, options.Size, options.Label, options.Uuid, options.Manifest, options.Set, options.Exclude, options.Plain,
            options.Reproducible, options.TargetRoot, options.BootImage, options.Kernel, options.Force, options.Quiet, options.Json,
        };
        Examples.Add(command,
            "tupelo mkfs demo.img --from samples/site",
            "tupelo mkfs app.img --from build --exclude '*.pdb' --set program=/bin/app --set 'arguments:=[app -v]' --size +64M",
            "tupelo mkfs disk.img --manifest app.manifest --boot-image boot.img --kernel kernel.img");
        command.SetAction(parsed => Run(context, parsed, options));
        return command;
    }

    private static int Run(CommandContext context, ParseResult parsed, Options options)
    {
        ImageRequest request = RequestOf(context, parsed, options);
        BuildProgress progress = new();
        long started = Stopwatch.GetTimestamp();
        ImageSummary made;
        using (Interruption interruption = new(context))
        {
            try
            {
                bool watched = context.Terminal.ErrorIsTerminal && !parsed.GetValue(options.Quiet) && !parsed.GetValue(options.Json);
                ImageSummary Make() => ImageMaker.Make(request, progress, context.Warn, interruption.Token);
                made = watched ? MkfsProgress.Show(request, progress, Make, interruption.Token) : Make();
            }
            catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
            {
                context.Error("interrupted; no image was made");
                return interruption.ExitCode;
            }
        }
        if (parsed.GetValue(options.Json))
        {
            PrintJson(context, request, made, progress);
        }
        else if (!parsed.GetValue(options.Quiet))
        {
            Print(context, request, made, progress, Stopwatch.GetElapsedTime(started));
        }
        return ExitCode.Done;
    }

    private static ImageRequest RequestOf(CommandContext context, ParseResult parsed, Options options)
    {
        (long minSize, long free) = SizeOf(parsed.GetValue(options.Size));
        string label = parsed.GetValue(options.Label) ?? "";
        if (Encoding.UTF8.GetByteCount(label) > TfsFormat.MaxLabelBytes)
        {
            throw new UsageException($"--label: '{label}' is {Encoding.UTF8.GetByteCount(label)} bytes long; a label has at most {TfsFormat.MaxLabelBytes}");
        }
        if (parsed.GetValue(options.TargetRoot) is not null && parsed.GetValue(options.Manifest) is null)
        {
            throw new UsageException("--target-root is of use with --manifest only");
        }
        return new ImageRequest
        {
            ImagePath = parsed.GetRequiredValue(options.Image),
            Overwrite = parsed.GetValue(options.Force),
            SourceDirectory = parsed.GetValue(options.From),
            Excludes = ExcludesOf(parsed.GetRequiredValue(options.Exclude)),
            Manifest = ManifestOf(parsed.GetValue(options.Manifest)),
            TargetRoot = parsed.GetValue(options.TargetRoot),
            RootAttributes = AttributesOf(parsed.GetRequiredValue(options.Set)),
            Label = label,
            Uuid = UuidOf(parsed.GetValue(options.Uuid)),
            Plain = parsed.GetValue(options.Plain),
            Reproducible = parsed.GetValue(options.Reproducible),
            LatestTime = EpochOf(context.Terminal.Variable("SOURCE_DATE_EPOCH")),
            BootImage = parsed.GetValue(options.BootImage),
            Kernel = parsed.GetValue(options.Kernel),
            MinSizeBytes = minSize,
            FreeBytes = free,
        };
    }

    private static (long MinSize, long Free) SizeOf(string? text)
    {
        if (text is null)
        {
            return (0, 0);
        }
        bool isFree = text.StartsWith('+');
        return SizeText.TryParse(isFree ? text[1..] : text, out long bytes) && bytes <= 1L << 60
            ? isFree ? (0, bytes) : (bytes, 0)
            : throw new UsageException($"--size: '{text}' is no size; for example 512M, 2G, or +64M for free space");
    }

    private static ExcludePatterns ExcludesOf(string[] patterns)
    {
        try
        {
            return new ExcludePatterns(patterns);
        }
        catch (FormatException wrong)
        {
            throw new UsageException($"--exclude: {wrong.Message}");
        }
    }

    private static TupleLiteral? ManifestOf(string? path)
    {
        if (path is null)
        {
            return null;
        }
        if (path != "-")
        {
            return ManifestParser.Parse(ReadManifest(path), path);
        }
        using Stream input = Console.OpenStandardInput();
        using MemoryStream text = new();
        input.CopyTo(text);
        return ManifestParser.Parse(text.GetBuffer().AsSpan(0, (int)text.Length), "standard input");
    }

    private static byte[] ReadManifest(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"cannot read the manifest {path}: {problem.Message}");
        }
    }

    private static TupleLiteral AttributesOf(string[] settings)
    {
        TupleLiteral attributes = new();
        foreach (string setting in settings)
        {
            if (setting.StartsWith('('))
            {
                TupleLiteral tuple = Parsed(setting, setting) as TupleLiteral ?? throw new UsageException($"--set: '{setting}' is no tuple");
                for (int i = 0; i < tuple.Count; i++)
                {
                    attributes.Set(tuple.NameAt(i), tuple.ValueAt(i));
                }
                continue;
            }
            int equals = setting.IndexOf('=', StringComparison.Ordinal);
            bool isManifest = equals > 0 && setting[equals - 1] == ':';
            string key = setting[..Math.Max(0, isManifest ? equals - 1 : equals)];
            if (key.Length == 0)
            {
                throw new UsageException($"--set: '{setting}' has not the form KEY=TEXT, KEY:=VALUE or (KEY:VALUE ...)");
            }
            string value = setting[(equals + 1)..];
            attributes.Set(Encoding.UTF8.GetBytes(key), isManifest ? Parsed(value, setting) : new StringLiteral(value));
        }
        return attributes;
    }

    private static TfsLiteral Parsed(string value, string setting)
    {
        try
        {
            return ManifestParser.ParseValue(Encoding.UTF8.GetBytes(value), "value");
        }
        catch (ImageException wrong)
        {
            throw new UsageException($"--set '{setting}': {wrong.Message}");
        }
    }

    private static byte[]? UuidOf(string? text)
    {
        if (text is null)
        {
            return null;
        }
        string digits = text.Length == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-'
            ? text.Replace("-", "", StringComparison.Ordinal)
            : text;
        return digits.Length == 2 * TfsFormat.UuidBytes && digits.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(digits)
            : throw new UsageException($"--uuid: '{text}' has not the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    }

    private static Timespec? EpochOf(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
            ? new Timespec(seconds, 0)
            : throw new UsageException($"SOURCE_DATE_EPOCH: '{text}' is no number of seconds");
    }

    private static void Print(CommandContext context, ImageRequest request, ImageSummary made, BuildProgress progress, TimeSpan time)
    {
        List<string> parts = [];
        Add(progress.Files, "file", "files");
        Add(progress.Directories, "directory", "directories");
        Add(progress.Symlinks, "symbolic link", "symbolic links");
        Add(progress.Links, "hard link", "hard links");
        Add(progress.Specials, "special file", "special files");
        Add(progress.Excluded, "excluded", "excluded");
        void Add(long count, string one, string many)
        {
            if (count > 0)
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}"));
            }
        }
        context.Output.Name(Encoding.UTF8.GetBytes(request.ImagePath));
        context.Output.Line(string.Create(CultureInfo.InvariantCulture,
            $": {string.Join(", ", parts)}; {TimeText.Human(progress.Bytes)} of data, {TimeText.Human(made.Root.LogBytes)} of log, "
            + $"image {TimeText.Human(made.SizeBytes)}; {time.TotalSeconds:0.0} s"));
    }

    private static void PrintJson(CommandContext context, ImageRequest request, ImageSummary made, BuildProgress progress) =>
        JsonText.PrintObject(context.Output, json =>
        {
            json.WriteString("image", request.ImagePath);
            json.WriteNumber("imageBytes", made.SizeBytes);
            json.WriteString("uuid", new Guid([.. made.Root.Uuid], bigEndian: true).ToString());
            json.WriteString("label", request.Label);
            json.WriteNumber("rootOffset", made.RootOffsetBytes);
            json.WriteNumber("files", progress.Files);
            json.WriteNumber("directories", progress.Directories);
            json.WriteNumber("symlinks", progress.Symlinks);
            json.WriteNumber("hardLinks", progress.Links);
            json.WriteNumber("specials", progress.Specials);
            json.WriteNumber("excluded", progress.Excluded);
            json.WriteNumber("dataBytes", progress.Bytes);
            json.WriteNumber("logBytes", made.Root.LogBytes);
        });
}
