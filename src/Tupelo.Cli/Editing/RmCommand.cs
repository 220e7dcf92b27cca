// tupelo rm and tupelo rmdir.
using System.CommandLine;

namespace Tupelo.Cli.Editing;

internal static class RmCommand
{
    public static Command Create(CommandContext context) => Create(new EditDoor(context));

    public static Command Create(EditDoor door)
    {
        Argument<string[]> paths = door.Operands("What to remove.", atLeast: 0);
        var recursive = new Option<bool>("--recursive", "-r", "-R") { Description = "Directories, with all in them." };
        var force = new Option<bool>("--force", "-f") { Description = "Say nothing of what does not exist." };
        var command = new Command("rm", "Remove files, and with -r directories, all in one commit.") { paths, recursive, force };
        door.AddOptions(command);
        Examples.Add(command, "tupelo rm app.img:/etc/motd", "tupelo rm -r app.img:/var/cache");
        command.SetAction(parsed =>
        {
            string[] given = parsed.GetRequiredValue(paths);
            if (given.Length == 0)
            {
                return parsed.GetValue(force) ? ExitCode.Done : throw new UsageException("what shall be removed?");
            }
            return door.Run(parsed, given, (session, operands) =>
            {
                foreach (byte[] path in operands)
                {
                    Remove(session, path, parsed.GetValue(recursive), parsed.GetValue(force));
                }
            });
        });
        return command;
    }

    public static Command CreateRmdir(CommandContext context) => CreateRmdir(new EditDoor(context));

    public static Command CreateRmdir(EditDoor door)
    {
        Argument<string[]> paths = door.Operands("Empty directories.");
        var parents = new Option<bool>("--parents", "-p") { Description = "Then their parents too, as far as the path names them." };
        var command = new Command("rmdir", "Remove empty directories, all in one commit.") { paths, parents };
        door.AddOptions(command);
        Examples.Add(command, "tupelo rmdir app.img:/empty");
        command.SetAction(parsed => door.Run(parsed, parsed.GetRequiredValue(paths), (session, operands) =>
        {
            foreach (byte[] path in operands)
            {
                byte[] at = path;
                while (session.Check(session.Change(() => session.Calls.UnlinkAt(AtFd.CurrentDirectory, at, AtFlags.RemoveDirectory)), "remove", at)
                    && parsed.GetValue(parents) && !PathBytes.Name(at = PathBytes.Parent(at)).IsEmpty)
                {
                }
            }
        }));
        return command;
    }

    private static void Remove(EditSession session, byte[] path, bool recursive, bool force)
    {
        if (PathBytes.Name(path).IsEmpty)
        {
            session.Fail($"{session.Image.Text(path)}: this directory is not removed; name what is in it");
            return;
        }
        Errno errno = session.Image.Stat(path, follow: false, out Stat stat);
        if (errno != Errno.None)
        {
            if (!force || errno is not (Errno.ENOENT or Errno.ENOTDIR))
            {
                session.Fail("remove", session.Image, path, errno);
            }
            return;
        }
        if (stat.Type == FileType.Directory && !recursive)
        {
            session.Fail($"cannot remove {session.Image.Text(path)}: it is a directory; -r removes those");
            return;
        }
        RemoveEntry(session, PathBytes.Trim(path), stat.Type);
    }

    private static bool RemoveEntry(EditSession session, byte[] path, FileType type)
    {
        bool all = true;
        if (type == FileType.Directory)
        {
            var names = new List<(byte[] Name, FileType Type)>();
            Errno errno = session.Image.List(path, names);
            if (errno != Errno.None)
            {
                session.Fail("read", session.Image, path, errno);
                return false;
            }
            foreach ((byte[] name, FileType childType) in names)
            {
                all &= RemoveEntry(session, PathBytes.Join(path, name), childType);
            }
        }
        AtFlags flags = type == FileType.Directory ? AtFlags.RemoveDirectory : AtFlags.None;
        return all && session.Check(session.Change(() => session.Calls.UnlinkAt(AtFd.CurrentDirectory, path, flags)), "remove", path);
    }
}
