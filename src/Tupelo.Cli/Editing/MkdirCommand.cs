// tupelo mkdir.
using System.CommandLine;

namespace Tupelo.Cli.Editing;

internal static class MkdirCommand
{
    private const uint AllPermissions = 0x1FF;

    public static Command Create(CommandContext context) => Create(new EditDoor(context));

    public static Command Create(EditDoor door)
    {
        Argument<string[]> paths = door.Operands("Directories to make.");
        var parents = new Option<bool>("--parents", "-p") { Description = "Missing directories on the way too; none is an error that exists." };
        var mode = new Option<string?>("--mode", "-m") { Description = "Permissions, as for chmod.", HelpName = "MODE" };
        var command = new Command("mkdir", "Make directories, all in one commit.") { paths, parents, mode };
        door.AddOptions(command);
        Examples.Add(command, "tupelo mkdir -p app.img:/var/log/app");
        command.SetAction(parsed =>
        {
            ModeChange? permissions = parsed.GetValue(mode) is { } text ? ModeChange.Parse(text) : null;
            return door.Run(parsed, parsed.GetRequiredValue(paths), (session, operands) =>
            {
                foreach (byte[] path in operands)
                {
                    Make(session, path, parsed.GetValue(parents), permissions);
                }
            });
        });
        return command;
    }

    private static void Make(EditSession session, byte[] path, bool parents, ModeChange? permissions)
    {
        if (parents)
        {
            for (int slash = path.AsSpan(1).IndexOf((byte)'/') + 1; slash > 0; slash = NextSlash(path, slash))
            {
                byte[] part = path[..slash];
                long made = session.Change(() => session.Calls.MkDirAt(AtFd.CurrentDirectory, part, AllPermissions));
                if (made < 0 && !session.Image.IsDirectory(part))
                {
                    session.Fail("make the directory", session.Image, part, made == -(long)Errno.EEXIST ? Errno.ENOTDIR : (Errno)(-made));
                    return;
                }
            }
            if (session.Image.IsDirectory(path))
            {
                return;
            }
        }
        if (session.Check(session.Change(() => session.Calls.MkDirAt(AtFd.CurrentDirectory, path, AllPermissions)), "make the directory", path)
            && permissions is not null)
        {
            _ = session.Check(session.Change(() => session.Calls.FChModAt2(AtFd.CurrentDirectory, path, permissions.Apply(AllPermissions, isDirectory: true, umask: 0))), "set the mode of", path);
        }
    }

    private static int NextSlash(byte[] path, int after)
    {
        int next = path.AsSpan(after + 1).IndexOf((byte)'/');
        return next < 0 ? 0 : after + 1 + next;
    }
}
