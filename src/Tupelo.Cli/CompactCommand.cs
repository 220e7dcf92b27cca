// tupelo compact: writes the log of a volume anew, without what is obsolete.
using System.CommandLine;
using System.Globalization;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class CompactCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.ImageArgument();
        Option<string?> partition = OpenedImage.PartitionOption();
        var command = new Command("compact", "Write a volume's log anew, without what is obsolete.") { address, partition };
        Examples.Add(command, "tupelo compact demo.img");
        command.SetAction(parsed =>
        {
            using OpenedDevice opened = OpenedDevice.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition), writable: true);
            opened.Address.RefusePath();
            string image = opened.Address.ImagePath;
            TfsFileSystem volume;
            try
            {
                volume = TfsFileSystem.Mount(opened.Volume, new TfsMountOptions { FlushDelay = TimeSpan.Zero, AutoCompact = false });
            }
            catch (TfsFormatException problem)
            {
                throw new CommandException($"{image}: {problem.Message}");
            }
            TfsLogInfo before = volume.Volume.Log;
            long done = 0;
            long all = 0;
            Errno errno;
            using (ProgressLine.Show(context, "compacting", () => (0, 0, Interlocked.Read(ref done), Interlocked.Read(ref all))))
            {
                errno = volume.Compact((written, expected) =>
                {
                    _ = Interlocked.Exchange(ref done, written);
                    _ = Interlocked.Exchange(ref all, expected);
                    context.ThrowIfInterrupted();
                });
                volume.Shutdown();
            }
            if (errno != Errno.None)
            {
                throw new CommandException($"{image}: " + (errno == Errno.ENOSPC
                    ? "there is no room for a second log beside the first: it takes runs of 512 KiB; 'tupelo resize' makes the image longer"
                    : errno.Describe()));
            }
            TfsLogInfo after = TfsVolume.Open(opened.Volume).Log;
            context.Output.Line(string.Create(CultureInfo.InvariantCulture,
                $"{image}: the log had {before.TotalEntries} entries in {before.Extensions.Count - 1} extensions, and has {after.TotalEntries} in {after.Extensions.Count - 1}"));
            return ExitCode.Done;
        });
        return command;
    }
}
