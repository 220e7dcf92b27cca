// tupelo chmod and tupelo chown, which share the walk over trees.
using System.CommandLine;

namespace Tupelo.Cli.Editing;

internal static class ChmodCommand
{
    public static Command Create(CommandContext context) => Create(new EditDoor(context));

    public static Command Create(EditDoor door)
    {
        var mode = new Argument<string>("MODE") { Description = "Octal (644), or symbolic (u+x,go-w)." };
        Argument<string[]> paths = door.Operands("Files and directories.");
        var recursive = new Option<bool>("--recursive", "-R") { Description = "Directories, with all in them." };
        var command = new Command("chmod", "Change permissions, all in one commit.") { mode, paths, recursive };
        door.AddOptions(command);
        Examples.Add(command, "tupelo chmod 755 app.img:/bin/app", "tupelo chmod -R u=rwX,go=rX app.img:/srv");
        command.SetAction(parsed =>
        {
            var change = ModeChange.Parse(parsed.GetRequiredValue(mode));
            return door.Run(parsed, parsed.GetRequiredValue(paths), (session, operands) =>
            {
                uint umask = (uint)session.Calls.Umask(0);
                _ = session.Calls.Umask(umask);
                foreach (byte[] path in operands)
                {
                    TreeVisit.Each(session, path, parsed.GetValue(recursive), "change the mode of", (file, stat, isOperand) => stat.Type == FileType.Symlink && !isOperand
                        ? 0 // a link has no mode of its own
                        : session.Change(() => session.Calls.FChModAt2(AtFd.CurrentDirectory, file, change.Apply(stat.Mode, stat.Type == FileType.Directory, umask))));
                }
            });
        });
        return command;
    }
}

/// <summary>Visits a file, and with all below it when asked; a directory before what is in it.</summary>
internal static class TreeVisit
{
    /// <summary>Does something to a file; <paramref name="isOperand"/>: it was named, and links are followed.</summary>
    public delegate long Visit(byte[] path, Stat stat, bool isOperand);

    public static void Each(EditSession session, byte[] path, bool recursive, string what, Visit visit)
    {
        Errno errno = session.Image.Stat(path, follow: true, out Stat stat);
        if (errno != Errno.None)
        {
            session.Fail(what, session.Image, path, errno);
            return;
        }
        _ = session.Check(visit(path, stat, isOperand: true), what, path);
        if (recursive && stat.Type == FileType.Directory && session.Image.Stat(path, follow: false, out Stat itself) == Errno.None && itself.Type == FileType.Directory)
        {
            Below(session, path, what, visit);
        }
    }

    private static void Below(EditSession session, byte[] directory, string what, Visit visit)
    {
        var names = new List<(byte[] Name, FileType Type)>();
        Errno errno = session.Image.List(directory, names);
        if (errno != Errno.None)
        {
            session.Fail("read", session.Image, directory, errno);
            return;
        }
        foreach ((byte[] name, _) in names)
        {
            byte[] path = PathBytes.Join(directory, name);
            if (session.Image.Stat(path, follow: false, out Stat stat) != Errno.None)
            {
                continue;
            }
            _ = session.Check(visit(path, stat, isOperand: false), what, path);
            if (stat.Type == FileType.Directory)
            {
                Below(session, path, what, visit);
            }
        }
    }
}
