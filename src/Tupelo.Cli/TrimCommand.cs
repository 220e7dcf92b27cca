// tupelo trim: gives the free space of a volume back to the host.
using System.CommandLine;
using System.Globalization;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class TrimCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.ImageArgument();
        Option<string?> partition = OpenedImage.PartitionOption();
        var command = new Command("trim", "Give the free space of a volume back to the host: holes in the image file.") { address, partition };
        Examples.Add(command, "tupelo trim demo.img && du -h demo.img");
        command.SetAction(parsed =>
        {
            using OpenedDevice opened = OpenedDevice.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition), writable: true);
            opened.Address.RefusePath();
            Errno errno = TfsTrimmer.Trim(opened.Volume, out long bytes);
            if (errno != Errno.None)
            {
                throw new CommandException($"{opened.Address.ImagePath}: " + errno switch
                {
                    Errno.EUCLEAN => "the volume is damaged: 'tupelo fsck' tells, and repairs it",
                    Errno.EOPNOTSUPP => "what the image lies on cannot have holes",
                    _ => errno.Describe(),
                });
            }
            context.Output.Line(string.Create(CultureInfo.InvariantCulture, $"{opened.Address.ImagePath}: {bytes} bytes are free and given back"));
            return ExitCode.Done;
        });
        return command;
    }
}
