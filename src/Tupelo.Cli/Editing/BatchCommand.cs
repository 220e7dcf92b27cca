// tupelo batch: editing commands from a script, all of them one commit. The first line that fails ends it, and nothing is changed.
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Tupelo.Cli.Editing;

internal static class BatchCommand
{
    public static Command Create(CommandContext context)
    {
        var door = new EditDoor(context);
        Argument<string> image = OpenedImage.ImageArgument();
        var script = new Argument<string?>("SCRIPT") { Description = "A file of commands; without it they are read from standard input.", Arity = ArgumentArity.ZeroOrOne };
        var json = new Option<bool>("--json") { Description = "Print what was done as JSON; see docs/cli.md." };
        Option<string?> partition = OpenedImage.PartitionOption(withLetter: false);
        var grow = new Option<bool>("--grow") { Description = "Let the image become larger when its space is short." };
        var command = new Command("batch", "Run editing commands from a script (mkdir, cp, mv, rm, rmdir, ln, touch, truncate, chmod, chown, xattr, set, unset), one on a line. All of them are one commit; if a line fails nothing is changed. Paths are in the image; those of cp that do not begin with ':' are the host's.")
        {
            image, script, json, partition, grow,
        };
        Examples.Add(command, "tupelo batch app.img < changes.txt", "printf 'mkdir -p /etc/app\\ncp app.conf :/etc/app\\n' | tupelo batch app.img");
        command.SetAction(parsed =>
        {
            ImageAddress.Parse(parsed.GetRequiredValue(image), context.Terminal).RefusePath();
            string? path = parsed.GetValue(script);
            using TextReader reader = OpenScript(context, path);
            using EditSession session = EditSession.Open(context, parsed.GetRequiredValue(image), parsed.GetValue(partition), parsed.GetValue(grow), stopsAtFailures: true);
            long done = Run(new EditDoor(context, session), reader, path is null or "-" ? "standard input" : path);
            session.Commit();
            if (parsed.GetValue(json))
            {
                session.PrintSummary(members => members.WriteNumber("commands", done));
            }
            return ExitCode.Done;
        });
        return command;
    }

    private static TextReader OpenScript(CommandContext context, string? path)
    {
        try
        {
            return path is null or "-" ? new StreamReader(context.Terminal.Input()) : File.OpenText(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"cannot read {path}: {problem.Message}");
        }
    }

    private static long Run(EditDoor door, TextReader script, string name)
    {
        var root = new RootCommand("batch");
        root.Options.Clear();
        root.Directives.Clear();
        foreach (Command command in EditCommands.InBatch(door))
        {
            root.Add(command);
        }
        long done = 0;
        int number = 0;
        while (script.ReadLine() is { } line)
        {
            number++;
            int first = number;
            // A quote may hold line ends, and a backslash at its end continues a line.
            while (ShellWords.GoesOn(ref line) && script.ReadLine() is { } more)
            {
                number++;
                line += more;
            }
            try
            {
                foreach (ShellLine words in ShellWords.Parse(line))
                {
                    RunLine(root, words);
                    done++;
                }
            }
            catch (Exception problem) when (problem is CommandException or UsageException or IOException or UnauthorizedAccessException or Block.BlockDeviceException)
            {
                throw new CommandException(string.Create(CultureInfo.InvariantCulture, $"{name}, line {first}: {problem.Message}; nothing was changed"));
            }
        }
        return done;
    }

    private static void RunLine(RootCommand root, ShellLine words)
    {
        if (words.Output is not null)
        {
            throw new UsageException("a batch has no redirections; quote '>' in a name");
        }
        ParseResult parsed = root.Parse(words.Words, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.CommandResult.Command is RootCommand)
        {
            throw new UsageException($"'{words.Words[0]}' is no command of a batch; {string.Join(", ", root.Subcommands.Select(static command => command.Name))} are");
        }
        CommandLine.Refuse(parsed);
        _ = parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }
}

/// <summary>The commands that a batch knows.</summary>
internal static class EditCommands
{
    public static IEnumerable<Command> InBatch(EditDoor door) =>
    [
        MkdirCommand.Create(door), CpCommand.CreateInBatch(door), MvCommand.Create(door), RmCommand.Create(door), RmCommand.CreateRmdir(door),
        LnCommand.Create(door), TouchCommand.Create(door), TouchCommand.CreateTruncate(door), ChmodCommand.Create(door), ChownCommand.Create(door),
        XattrCommand.Create(door), SetCommand.Create(door), SetCommand.CreateUnset(door),
    ];
}
