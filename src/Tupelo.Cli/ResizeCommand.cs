// tupelo resize: makes the volume of an image longer or shorter, and the image with it.
using System.CommandLine;
using System.Globalization;
using Tupelo.Block;
using Tupelo.Images;

namespace Tupelo.Cli;

internal static class ResizeCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.ImageArgument();
        var size = new Argument<string>("SIZE") { Description = "The volume's new size: 64M, or +16M or -16M from what it is." };
        Option<string?> partition = OpenedImage.PartitionOption();
        var command = new Command("resize", "Make a volume longer or shorter, and the image with it.") { address, size, partition };
        Examples.Add(command, "tupelo resize demo.img +64M", "tupelo resize demo.img 16M", "tupelo resize demo.img -- -8M");
        command.SetAction(parsed =>
        {
            string text = parsed.GetRequiredValue(size);
            bool isRelative = text.StartsWith('+') || text.StartsWith('-');
            if (!SizeText.TryParse(isRelative ? text[1..] : text, out long bytes))
            {
                throw new UsageException($"'{text}' is no size: 64M, +16M or -16M");
            }
            using OpenedDevice opened = OpenedDevice.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition), writable: true);
            opened.Address.RefusePath();
            Partition? chosen = opened.Partition;
            long old = opened.Volume.SizeBytes;
            long wanted = text[0] switch { '+' => bytes > long.MaxValue - old ? long.MaxValue : old + bytes, '-' => Math.Max(0, old - bytes), _ => bytes };
            ImageResizeResult result = ImageResizer.Resize(opened.Device, opened.Partitions, chosen, wanted);
            if (result.Problem.Length > 0)
            {
                throw new CommandException($"{opened.Address.ImagePath}: {result.Problem}");
            }
            context.Output.Line(string.Create(CultureInfo.InvariantCulture,
                $"{opened.Address.ImagePath}: the volume had {result.OldBytes} bytes and has {result.NewBytes}{(result.MovedBytes > 0 ? $"; {result.MovedBytes} bytes of files were moved" : "")}"));
            return ExitCode.Done;
        });
        return command;
    }
}
