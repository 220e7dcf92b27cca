// tupelo sh: a shell over a tree that is composed of any file systems.
using System.CommandLine;
using System.Text;
using Tupelo.Cli.LineEditing;
using Tupelo.FileSystems;

namespace Tupelo.Cli;

internal static class ShellCommand
{
    public static Command Create(CommandContext context)
    {
        var script = new Argument<string?>("SCRIPT") { Description = "A file of commands; without it they are read from standard input.", Arity = ArgumentArity.ZeroOrOne };
        var fstab = new Option<string?>("--fstab") { Description = "Mount what this table lists.", HelpName = "FILE" };
        var mounts = new Option<string[]>("--mount") { Description = "Mount one more file system; may be repeated.", HelpName = "TYPE,SOURCE,TARGET[,OPTIONS]" };
        var line = new Option<string?>("-c") { Description = "Run these commands and end.", HelpName = "COMMANDS" };
        var command = new Command("sh", "Work in a tree of mounted file systems.") { script, fstab, mounts, line };
        Examples.Add(command, "tupelo sh --mount tfs,demo.img,/img -c 'ls -l /img'", "tupelo sh --mount hostfs,.,/here");
        command.SetAction(parsed =>
        {
            using var shell = new Shell(context.Terminal.Output, context.Terminal.Error);
            try
            {
                if (parsed.GetValue(fstab) is { } table)
                {
                    shell.Mount(Fstab.Parse(File.ReadAllText(table), table).Select(static spec => spec with { MakePointMode = 0x1ED, MakeParents = true }));
                }
                shell.Mount((parsed.GetValue(mounts) ?? []).Select(static text => MountArgument.Parse(text)));
            }
            catch (MountTableException wrong)
            {
                throw new UsageException(wrong.Message);
            }
            if (parsed.GetValue(line) is { } commands)
            {
                return shell.Run(new StringReader(commands));
            }
            if (parsed.GetValue(script) is { } path)
            {
                using StreamReader file = File.OpenText(path);
                return shell.Run(file);
            }
            return context.Terminal is { OwnsProcess: true, OutputIsTerminal: true } && RawTerminal.IsPossible
                ? RunOnTerminal(shell, context.Terminal)
                : shell.Run(Console.In, Console.IsInputRedirected ? null : () => Console.Write($"tupelo:{shell.Directory}> "));
        });
        return command;
    }

    private static int RunOnTerminal(Shell shell, Terminal terminal)
    {
        var history = new LineHistory(LineHistory.DefaultPath(terminal.Variable));
        var editor = new LineEditor(
            new KeyDecoder(RawTerminal.ReadByte, RawTerminal.HasMore),
            text => terminal.Output.Write(Encoding.UTF8.GetBytes(text)),
            terminal.Width,
            history,
            shell.Complete);
        return shell.RunInteractively(
            prompt =>
            {
                using var raw = RawTerminal.Enter();
                return editor.Read(prompt);
            },
            () => editor.WasCancelled,
            history.Add);
    }
}
