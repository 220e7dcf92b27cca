// tupelo umount: ends a mount, and returns when everything is written.
using System.CommandLine;
using System.Runtime.Versioning;
using Tupelo.Fuse;

namespace Tupelo.Cli;

internal static class UmountCommand
{
    public static Command Create(CommandContext context)
    {
        var directory = new Argument<string>("DIR") { Description = "The mount point." };
        var lazy = new Option<bool>("--lazy", "-z", "-l") { Description = "Out of sight now; ended when nobody uses it any more." };
        var command = new Command("umount", "End a mount; returns when everything is written.") { directory, lazy };
        Examples.Add(command, "tupelo umount /mnt");
        command.SetAction(parsed =>
        {
            if (!OperatingSystem.IsLinux())
            {
                throw new CommandException("mounting needs Linux");
            }
            string path = Path.GetFullPath(parsed.GetRequiredValue(directory));
            MountRecord? record = MountRegistry.Running().FindLast(mount => mount.Directory == path);
            try
            {
                FuseMount.Unmount(path, parsed.GetValue(lazy));
            }
            catch (FuseMountException problem)
            {
                throw new CommandException(problem.Message + (problem.Errno == Errno.EBUSY ? " (`fuser -vm` tells by whom; --lazy does not wait)" : ""));
            }
            if (record is not null && !parsed.GetValue(lazy))
            {
                WaitFor(record, context);
            }
            return ExitCode.Done;
        });
        return command;
    }

    [SupportedOSPlatform("linux")]
    private static void WaitFor(MountRecord record, CommandContext context)
    {
        while (MountRegistry.StartTicksOf(record.Pid) == record.StartTicks)
        {
            context.ThrowIfInterrupted();
            Thread.Sleep(10);
        }
        if (MountRegistry.Read(record.Pid) is { Failure: { } failure })
        {
            MountRegistry.Remove(record.Pid);
            throw new CommandException($"{record.Source}: {failure}{(record.Log is null ? "" : $" (see {record.Log})")}");
        }
    }
}
