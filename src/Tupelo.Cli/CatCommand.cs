// tupelo cat: the bytes of files to standard output, exactly.
using System.CommandLine;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class CatCommand
{
    private const int BufferBytes = 1 << 20;

    public static Command Create(CommandContext context)
    {
        var addresses = new Argument<string[]>("IMAGE:PATH") { Description = "Files to print, one after another.", Arity = ArgumentArity.OneOrMore };
        OpenedImage.Complete(addresses, context);
        Option<string?> partition = OpenedImage.PartitionOption();
        var command = new Command("cat", "Print files of an image.") { addresses, partition };
        Examples.Add(command, "tupelo cat demo.img:/index.html", "tupelo cat demo.img:/a demo.img:/b > both");
        command.SetAction(parsed =>
        {
            foreach (string argument in parsed.GetRequiredValue(addresses))
            {
                using OpenedImage image = OpenedImage.Open(context, argument, parsed.GetValue(partition));
                if (!image.Address.HasPath)
                {
                    throw new UsageException($"{argument}: which file of the image? IMAGE:/path names one");
                }
                Print(context, image);
            }
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Writes the file that the address leads to.</summary>
    public static void Print(CommandContext context, OpenedImage image)
    {
        TfsNode node = image.Find(followLast: true);
        Errno errno = image.Volume.OpenFile(node, out TfsFileReader? file);
        if (errno == Errno.EINVAL)
        {
            throw new CommandException($"{image.Address.ImagePath}: {image.Address.PathText}: is a {JsonText.TypeName(image.Volume.TypeOf(node))}, which has no content");
        }
        if (errno != Errno.None)
        {
            image.ThrowPath(errno);
        }
        byte[] buffer = new byte[(int)Math.Clamp(file!.LengthBytes, 1, BufferBytes)];
        for (long at = 0; at < file.LengthBytes;)
        {
            context.ThrowIfInterrupted();
            IoResult read = file.Read(at, buffer);
            if (!read.IsOk)
            {
                image.ThrowPath(read.Errno);
            }
            context.Output.Write(buffer.AsSpan(0, (int)read.Count));
            at += read.Count;
        }
        context.Output.Flush();
    }
}
