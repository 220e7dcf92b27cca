// tupelo chown: owner and group, as numbers or as the host's names.
using System.CommandLine;
using System.Globalization;

namespace Tupelo.Cli.Editing;

internal static class ChownCommand
{
    public static Command Create(CommandContext context) => Create(new EditDoor(context));

    public static Command Create(EditDoor door)
    {
        var owner = new Argument<string>("OWNER[:GROUP]") { Description = "Numbers, or names that the host knows; ':GROUP' changes the group alone." };
        Argument<string[]> paths = door.Operands("Files and directories.");
        var recursive = new Option<bool>("--recursive", "-R") { Description = "Directories, with all in them." };
        var noFollow = new Option<bool>("--no-dereference", "-h") { Description = "Symbolic links themselves, not what they lead to." };
        var command = new Command("chown", "Change owner and group, all in one commit.") { owner, paths, recursive, noFollow };
        door.AddOptions(command);
        Examples.Add(command, "tupelo chown 1000:1000 app.img:/srv", "tupelo chown -R www-data: app.img:/var/www");
        command.SetAction(parsed =>
        {
            (uint uid, uint gid) = Parse(parsed.GetRequiredValue(owner));
            return door.Run(parsed, parsed.GetRequiredValue(paths), (session, operands) =>
            {
                foreach (byte[] path in operands)
                {
                    if (parsed.GetValue(noFollow) && session.Image.Stat(path, follow: false, out Stat link) == Errno.None && link.Type == FileType.Symlink)
                    {
                        _ = session.Check(Change(session, path, uid, gid, AtFlags.SymlinkNoFollow), "change the owner of", path);
                        continue;
                    }
                    TreeVisit.Each(session, path, parsed.GetValue(recursive), "change the owner of", (file, _, isOperand) =>
                        Change(session, file, uid, gid, isOperand ? AtFlags.None : AtFlags.SymlinkNoFollow));
                }
            });
        });
        return command;
    }

    private static long Change(EditSession session, byte[] path, uint uid, uint gid, AtFlags flags) =>
        session.Change(() => session.Calls.FChOwnAt(AtFd.CurrentDirectory, path, uid, gid, flags));

    // "user", "user:group", ":group", and "user:" for the user's own group. uint.MaxValue leaves it.
    private static (uint Uid, uint Gid) Parse(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string user = colon < 0 ? text : text[..colon];
        string? group = colon < 0 ? null : text[(colon + 1)..];
        if (text.Length == 0 || text == ":")
        {
            throw new UsageException($"'{text}' is no owner: 1000, 1000:100, :100 or names of the host, for example");
        }
        uint uid = uint.MaxValue;
        uint gid = uint.MaxValue;
        if (user.Length > 0)
        {
            (uid, uint own) = Find("/etc/passwd", user, "user", needsGroup: group is { Length: 0 });
            gid = group is { Length: 0 } ? own : gid;
        }
        if (group is { Length: > 0 })
        {
            gid = Find("/etc/group", group, "group", needsGroup: false).Id;
        }
        return (uid, gid);
    }

    // name:password:id:group... of /etc/passwd, name:password:id:... of /etc/group. A name goes before a number.
    private static (uint Id, uint Group) Find(string table, string name, string what, bool needsGroup)
    {
        bool isNumber = uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number != uint.MaxValue;
        if (!isNumber || needsGroup)
        {
            try
            {
                foreach (string line in File.ReadLines(table))
                {
                    string[] fields = line.Split(':');
                    if (fields.Length > 3 && (fields[0] == name || (isNumber && fields[2] == name)) && uint.TryParse(fields[2], out uint id))
                    {
                        return (id, needsGroup && uint.TryParse(fields[3], out uint group) ? group : 0);
                    }
                }
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                // No such table here: then there are numbers only.
            }
            throw new UsageException($"'{name}' is no {what} that this host knows; a number will do{(needsGroup ? $": {name}:GROUP" : "")}");
        }
        return (number, 0);
    }
}
