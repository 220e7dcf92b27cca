// tupelo mv: new names and places within an image.
using System.CommandLine;

namespace Tupelo.Cli.Editing;

internal static class MvCommand
{
    public static Command Create(CommandContext context) => Create(new EditDoor(context));

    public static Command Create(EditDoor door)
    {
        Argument<string[]> paths = door.Operands("What to move, and where to: into a directory, or to a new name.", atLeast: 2);
        var noClobber = new Option<bool>("--no-clobber", "-n") { Description = "Leave what exists already." };
        var force = new Option<bool>("--force", "-f") { Description = "Replace what exists; that is the rule anyway." };
        var command = new Command("mv", "Move and rename files and directories within an image, all in one commit.") { paths, noClobber, force };
        door.AddOptions(command);
        Examples.Add(command, "tupelo mv app.img:/bin/app.new app.img:/bin/app");
        command.SetAction(parsed => door.Run(parsed, parsed.GetRequiredValue(paths), (session, operands) =>
        {
            byte[] destination = operands[^1];
            bool isDirectory = session.Image.IsDirectory(destination);
            if (operands.Length > 2 && !isDirectory)
            {
                throw new CommandException($"{session.Image.Text(destination)}: is no directory");
            }
            foreach (byte[] source in operands.AsSpan(0, operands.Length - 1))
            {
                Move(session, source, destination, isDirectory, parsed.GetValue(noClobber));
            }
        }));
        return command;
    }

    private static void Move(EditSession session, byte[] source, byte[] destination, bool isDirectory, bool noClobber)
    {
        ReadOnlySpan<byte> name = PathBytes.Name(source);
        if (name.IsEmpty)
        {
            session.Fail("move", session.Image, source, Errno.EBUSY);
            return;
        }
        byte[] target = isDirectory ? PathBytes.Join(destination, name) : destination;
        // A directory's new name may end in '/', a file's may not.
        Errno errno = session.Image.Stat(PathBytes.Trim(source), follow: false, out Stat stat);
        if (errno != Errno.None)
        {
            session.Fail("move", session.Image, source, errno);
            return;
        }
        bool exists = session.Image.Stat(target, follow: false, out Stat old) == Errno.None;
        if (exists && noClobber)
        {
            return;
        }
        if (exists && old.Ino == stat.Ino)
        {
            session.Fail($"{session.Image.Text(source)} and {session.Image.Text(target)} are the same file");
            return;
        }
        if (exists && old.Type == FileType.Directory != (stat.Type == FileType.Directory))
        {
            session.Fail(old.Type == FileType.Directory
                ? $"cannot overwrite the directory {session.Image.Text(target)} with what is none"
                : $"cannot overwrite {session.Image.Text(target)}, which is no directory, with the directory {session.Image.Text(source)}");
            return;
        }
        long moved = session.Change(() => session.Calls.RenameAt2(AtFd.CurrentDirectory, source, AtFd.CurrentDirectory, target));
        if (moved == -(long)Errno.EINVAL)
        {
            session.Fail($"cannot move {session.Image.Text(source)} into itself, {session.Image.Text(target)}");
        }
        else if (moved < 0)
        {
            session.Fail($"cannot move {session.Image.Text(source)} to {session.Image.Text(target)}: {((Errno)(-moved)).Describe()}");
        }
    }
}
