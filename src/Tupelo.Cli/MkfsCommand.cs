using System.CommandLine;
using Tupelo.Images;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class MkfsCommand
{
    public static Command Create()
    {
        Argument<string> image = new("IMAGE") { Description = "The image file to make." };
        Option<string?> from = new("--from") { Description = "The directory whose tree goes into the image.", HelpName = "DIR" };
        Option<string> label = new("--label") { Description = "The volume's label, at most 31 bytes.", HelpName = "TEXT", DefaultValueFactory = _ => "" };
        Option<bool> force = new("--force") { Description = "Replace an existing file." };
        Option<bool> plain = new("--plain") { Description = "Store nothing but what Nanos' own tools store." };
        Option<bool> reproducible = new("--reproducible") { Description = "Make the same bytes for the same tree, on any machine." };
        Command command = new("mkfs", "Make an image.") { image, from, label, force, plain, reproducible };
        command.SetAction(parsed =>
        {
            try
            {
                BuildProgress progress = new();
                ImageSummary made = ImageMaker.Make(new ImageRequest
                {
                    ImagePath = parsed.GetRequiredValue(image),
                    SourceDirectory = parsed.GetValue(from),
                    Label = parsed.GetValue(label)!,
                    Overwrite = parsed.GetValue(force),
                    Plain = parsed.GetValue(plain),
                    Reproducible = parsed.GetValue(reproducible),
                }, progress, text => Console.Error.WriteLine($"tupelo: warning: {text}"), default);
                Console.WriteLine($"{parsed.GetRequiredValue(image)}: {made.SizeBytes} bytes, {progress.Files} files, {progress.Directories} directories");
                return 0;
            }
            catch (Exception e) when (e is ImageException or TfsWriteException)
            {
                Console.Error.WriteLine($"tupelo: {e.Message}");
                return 1;
            }
        });
        return command;
    }
}
