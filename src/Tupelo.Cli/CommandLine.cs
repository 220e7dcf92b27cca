// From arguments to an exit code: builds the commands, parses, runs, and turns what was thrown into one line on standard error.
// Building all commands and their help costs milliseconds that most runs do not need: the command that is named first is built alone.
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Tupelo.Block;
using Tupelo.Cli.Editing;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class CommandLine
{
    private static readonly (string Name, Func<CommandContext, Command> Create)[] Commands =
    [
        ("mkfs", MkfsCommand.Create),
        ("ls", LsCommand.Create),
        ("tree", TreeCommand.Create),
        ("cat", CatCommand.Create),
        ("cp", CpCommand.Create),
        ("stat", StatCommand.Create),
        ("find", FindCommand.Create),
        ("du", DuCommand.Create),
        ("df", DfCommand.Create),
        ("info", InfoCommand.Create),
        ("mv", MvCommand.Create),
        ("rm", RmCommand.Create),
        ("mkdir", MkdirCommand.Create),
        ("rmdir", RmCommand.CreateRmdir),
        ("ln", LnCommand.Create),
        ("touch", TouchCommand.Create),
        ("truncate", TouchCommand.CreateTruncate),
        ("chmod", ChmodCommand.Create),
        ("chown", ChownCommand.Create),
        ("xattr", XattrCommand.Create),
        ("set", SetCommand.Create),
        ("unset", SetCommand.CreateUnset),
        ("batch", BatchCommand.Create),
        ("env", EnvCommand.Create),
        ("dump", DumpCommand.Create),
        ("log", LogCommand.Create),
        ("fsck", FsckCommand.Create),
        ("compact", CompactCommand.Create),
        ("resize", ResizeCommand.Create),
        ("trim", TrimCommand.Create),
        ("completion", CompletionCommand.Create),
        ("sh", ShellCommand.Create),
        ("mount", MountCommand.Create),
        ("umount", UmountCommand.Create),
        ("ps", PsCommand.Create),
    ];

    /// <summary>Runs the program.</summary>
    /// <returns>See <see cref="ExitCode"/>.</returns>
    public static int Run(IReadOnlyList<string> arguments, Terminal terminal)
    {
        var context = new CommandContext(terminal);
        string command = "";
        try
        {
            var color = new Option<string>("--color") { Description = "Paint the output: auto (on a terminal), always or never.", HelpName = "WHEN", Recursive = true };
            color.AcceptOnlyFromAmong("auto", "always", "never");
            if (arguments is ["-h"])
            {
                arguments = ["--help"];
            }
            RootCommand root = Build(context, arguments, color);
            ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
            command = parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name;
            Refuse(parsed);
            context.ChooseColor(parsed.GetValue(color));
            using var standard = new StreamWriter(new OutputStream(context), leaveOpen: true) { AutoFlush = true };
            int code = parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = standard,
                Error = terminal.Error,
            });
            context.Flush();
            return code == ExitCode.Done && context.HasFailed ? ExitCode.Failed : code;
        }
        catch (BrokenPipeException)
        {
            return context.HasFailed ? ExitCode.Failed : ExitCode.Done;
        }
        catch (OperationCanceledException stopped)
        {
            return Fail(context, stopped is InterruptedException ? stopped.Message : "interrupted", ExitCode.Interrupted);
        }
        catch (UsageException wrong)
        {
            return Fail(context, wrong.Message, ExitCode.WrongUsage, $"Try 'tupelo {(command.Length > 0 ? command + " " : "")}--help'.");
        }
        catch (CommandException problem)
        {
            return Fail(context, problem.Message, ExitCode.Failed);
        }
        catch (BlockDeviceException problem)
        {
            return Fail(context, char.ToLowerInvariant(problem.Message[0]) + problem.Message[1..].TrimEnd('.'), ExitCode.Failed);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return Fail(context, problem.Message, ExitCode.Failed);
        }
        catch (OutOfMemoryException)
        {
            return Fail(context, "not enough memory", ExitCode.Failed);
        }
        catch (Exception bug) when (string.IsNullOrEmpty(terminal.Variable("TUPELO_DEBUG")))
        {
            return Fail(context, $"internal error: {bug.GetType().Name}: {bug.Message} (TUPELO_DEBUG=1 shows where; please report it)", ExitCode.Failed);
        }
    }

    private static int Fail(CommandContext context, string message, int code, string? hint = null)
    {
        try
        {
            context.Flush();
        }
        catch (Exception problem) when (problem is BrokenPipeException or CommandException)
        {
            // The failure at hand is the one to report.
        }
        context.Terminal.Error.WriteLine("tupelo: " + NameText.Escape(message));
        if (hint is not null)
        {
            context.Terminal.Error.WriteLine(hint);
        }
        return code;
    }

    private static RootCommand Build(CommandContext context, IReadOnlyList<string> arguments, Option<string> color)
    {
        var root = new RootCommand("Builds, reads and inspects TFS images, the disks of the Nanos unikernel.");
        root.Options.Add(color);
        // -h means "human readable" to ls, du and df, and /h would be a path.
        for (int i = root.Options.Count - 1; i >= 0; i--)
        {
            if (root.Options[i] is HelpOption)
            {
                root.Options.RemoveAt(i);
            }
        }
        var help = new HelpOption("--help", "-?") { Description = "Show help." };
        help.Action = new Examples.HelpWithExamples((SynchronousCommandLineAction)help.Action!);
        root.Options.Insert(0, help);
        int only = -1;
        for (int i = 0; i < Commands.Length && arguments.Count > 0; i++)
        {
            only = Commands[i].Name == arguments[0] ? i : only;
        }
        foreach ((string name, Func<CommandContext, Command> create) in Commands)
        {
            if (only < 0 || Commands[only].Name == name)
            {
                root.Subcommands.Add(create(context));
            }
        }
        return root;
    }

    /// <summary>Ends the run with a word about what is wrong with the arguments, if something is.</summary>
    /// <exception cref="UsageException">Something is.</exception>
    public static void Refuse(ParseResult parsed)
    {
        if (parsed.Errors.Count > 0 && parsed.Action is null or ParseErrorAction)
        {
            throw new UsageException(Explain(parsed));
        }
        RefuseUnknownOptions(parsed);
    }

    private static string Explain(ParseResult parsed)
    {
        string message = string.Join(' ', parsed.Errors[0].Message.Split((char[])['\n', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');
        message = char.ToLowerInvariant(message[0]) + message[1..];
        Command command = parsed.CommandResult.Command;
        if (command is RootCommand)
        {
            if (parsed.UnmatchedTokens.Count == 0)
            {
                return "what shall be done? 'tupelo --help' lists the commands";
            }
            string wrong = parsed.UnmatchedTokens[0];
            string? meant = Spelling.Nearest(wrong, Commands.Select(static command => command.Name));
            return $"'{wrong}' is no command{(meant is null ? "; 'tupelo --help' lists them" : $"; did you mean '{meant}'?")}";
        }
        RefuseUnknownOptions(parsed);
        return message;
    }

    // To the parser, what looks like an option and is none is an argument like another.
    private static void RefuseUnknownOptions(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        IEnumerable<string> arguments = parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(static result => result.Tokens)
            .Select(static token => token.Value).Concat(parsed.UnmatchedTokens);
        HashSet<string> verbatim = [.. parsed.Tokens.SkipWhile(static token => token.Type != TokenType.DoubleDash).Select(static token => token.Value)];
        foreach (string argument in arguments)
        {
            if (argument.Length > 1 && argument[0] == '-' && !verbatim.Contains(argument))
            {
                string? meant = Spelling.Nearest(argument, command.Options.SelectMany(static option => option.Aliases.Append(option.Name)).Where(static name => name.Length > 2));
                throw new UsageException($"'{argument}' is no option of {command.Name}{(meant is null ? "" : $"; did you mean '{meant}'?")} (a name that begins with '-' goes behind '--')");
            }
        }
    }

    // What the parser's own actions write (help, version, completions), into our buffer.
    private sealed class OutputStream(CommandContext context) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override void Write(byte[] buffer, int offset, int count) => context.Output.Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer) => context.Output.Write(buffer);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
