// tupelo env: what the unikernel is told: the root's attributes, but for those that make it a directory, and its environment.
using System.CommandLine;
using Tupelo.Images;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class EnvCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.ImageArgument();
        Option<string?> partition = OpenedImage.PartitionOption();
        var json = new Option<bool>("--json") { Description = "Print JSON; see docs/cli.md." };
        var command = new Command("env", "Print the configuration that an image gives the kernel: program, arguments, environment.") { address, json, partition };
        Examples.Add(command, "tupelo env demo.img", "tupelo env --json demo.img");
        command.SetAction(parsed =>
        {
            using OpenedImage image = OpenedImage.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition));
            image.Address.RefusePath();
            if (parsed.GetValue(json))
            {
                DumpCommand.PrintJson(context, image.Volume, image.Volume.Root, IsConfiguration);
            }
            else
            {
                new TupleText(context, image.Volume, image.Volume.Root) { Filter = IsConfiguration }.Print(image.Volume.Root);
            }
            return ExitCode.Done;
        });
        return command;
    }

    // The root is a directory too: its entries, times, and what Tupelo keeps of it are no configuration.
    private static bool IsConfiguration(ReadOnlySpan<byte> name, TfsNode value) =>
        !name.SequenceEqual(TfsAttribute.Children) && !name.SequenceEqual(TfsAttribute.AccessTime) && !name.SequenceEqual(TfsAttribute.ModifyTime)
        && !name.StartsWith("tupelo_"u8);
}
