// What Tab offers in the shell: commands for a command's first word, paths of the composed tree elsewhere. Candidates are words as they
// are typed, with a backslash before what the shell would take for its own.
using System.Text;
using Tupelo.Cli.LineEditing;

namespace Tupelo.Cli;

internal sealed partial class Shell
{
    private static readonly string[] s_commands =
    [
        "cat", "cd", "chmod", "cp", "df", "echo", "exit", "find", "help", "ln", "ls", "mkdir", "mount", "mv", "pwd", "rm", "rmdir", "set",
        "stat", "touch", "truncate", "umount", "xattr",
    ];

    /// <summary>What may stand at <paramref name="cursor"/> of a line.</summary>
    public Completions Complete(string line, int cursor)
    {
        (int start, string word, bool isCommand) = ShellWords.WordAt(line[..cursor]);
        if (isCommand)
        {
            return new Completions(start, [.. s_commands.Where(name => name.StartsWith(word, StringComparison.Ordinal))]);
        }
        int slash = word.LastIndexOf('/') + 1;
        string directory = word[..slash];
        string name = word[slash..];
        var found = new List<string>();
        try
        {
            string place = directory.Length == 0 ? "." : directory;
            foreach (string entry in NamesIn(place))
            {
                // Hidden names are offered to those who ask for them.
                if (entry.StartsWith(name, StringComparison.Ordinal) && (entry[0] != '.' || name.Length > 0))
                {
                    bool isDirectory = TryStat(Join(place, entry)) is { Type: FileType.Directory };
                    found.Add(ShellWords.Quote(directory + entry) + (isDirectory ? "/" : ""));
                }
            }
        }
        catch (CommandException)
        {
            // A directory that cannot be listed offers nothing.
        }
        return new Completions(start, found);
    }
}
