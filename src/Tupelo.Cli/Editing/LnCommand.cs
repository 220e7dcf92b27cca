// tupelo ln: hard links within an image, and symbolic links with any text.
using System.CommandLine;

namespace Tupelo.Cli.Editing;

internal static class LnCommand
{
    public static Command Create(CommandContext context) => Create(new EditDoor(context));

    public static Command Create(EditDoor door)
    {
        var paths = new Argument<string[]>($"TARGET... {door.OperandName}")
        {
            Description = "What to link to, and the link's name, or a directory for it. With -s a target is a text that is stored as it is.",
            Arity = new ArgumentArity(2, 100_000),
        };
        OpenedImage.Complete(paths, door.Context);
        var symbolic = new Option<bool>("--symbolic", "-s") { Description = "Make symbolic links." };
        var force = new Option<bool>("--force", "-f") { Description = "Replace a name that exists, unless it is a directory." };
        var noFollow = new Option<bool>("--no-dereference", "-n") { Description = "A last path that is a symbolic link to a directory is the link's name, not a directory for it." };
        var command = new Command("ln", "Make links, all in one commit.") { paths, symbolic, force, noFollow };
        door.AddOptions(command);
        Examples.Add(command, "tupelo ln -s ../lib/app app.img:/bin/app", "tupelo ln app.img:/bin/app app.img:/bin/app2");
        command.SetAction(parsed =>
        {
            string[] given = parsed.GetRequiredValue(paths);
            bool isSymbolic = parsed.GetValue(symbolic);
            // The targets of symbolic links are texts, whatever they look like.
            return door.Run(parsed, isSymbolic ? [given[^1]] : given, (session, operands) =>
            {
                byte[] link = operands[^1];
                bool isDirectory = session.Image.IsDirectory(link)
                    && !(parsed.GetValue(noFollow) && session.Image.Stat(link, follow: false, out Stat last) == Errno.None && last.Type == FileType.Symlink);
                if (given.Length > 2 && !isDirectory)
                {
                    throw new CommandException($"{session.Image.Text(link)}: is no directory");
                }
                for (int i = 0; i < given.Length - 1; i++)
                {
                    byte[] target = isSymbolic ? door.Context.Terminal.ArgumentBytes(given[i]) : operands[i];
                    byte[] name = isDirectory ? PathBytes.Join(link, PathBytes.Name(target)) : link;
                    Link(session, target, name, isSymbolic, parsed.GetValue(force));
                }
            });
        });
        return command;
    }

    private static void Link(EditSession session, byte[] target, byte[] name, bool isSymbolic, bool force)
    {
        long Make() => session.Change(() => isSymbolic
            ? session.Calls.SymlinkAt(target, AtFd.CurrentDirectory, name)
            : session.Calls.LinkAt(AtFd.CurrentDirectory, target, AtFd.CurrentDirectory, name));
        long made = Make();
        if (made == -(long)Errno.EEXIST && force)
        {
            if (!isSymbolic && session.Image.Stat(target, follow: false, out Stat source) == Errno.None
                && session.Image.Stat(name, follow: false, out Stat old) == Errno.None && source.Ino == old.Ino)
            {
                session.Fail($"{session.Image.Text(target)} and {session.Image.Text(name)} are the same file");
                return;
            }
            if (!session.Check(session.Calls.UnlinkAt(AtFd.CurrentDirectory, name), "replace", name))
            {
                return;
            }
            made = Make();
        }
        if (made == -(long)Errno.EPERM && !isSymbolic)
        {
            session.Fail($"{session.Image.Text(target)}: a directory has one name only; -s makes a symbolic link");
            return;
        }
        if (made == -(long)Errno.ENOENT && !isSymbolic && session.Image.Stat(target, follow: false, out _) != Errno.None)
        {
            session.Fail("link to", session.Image, target, Errno.ENOENT);
            return;
        }
        _ = session.Check(made, "make the link", name);
    }
}
