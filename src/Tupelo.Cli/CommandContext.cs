// What one run of a command has in hand: its streams, its choice of colour, and whether something failed on the way. A command
// reports what concerns one file with Error and goes on; the run then ends with exit code 1. What ends the run is thrown.
namespace Tupelo.Cli;

/// <summary>Exit codes; part of the program's interface.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int Interrupted = 130;
}

/// <summary>Ends the run: "tupelo: message" and exit code 1.</summary>
internal sealed class CommandException(string message) : Exception(message);

/// <summary>Ends the run: "tupelo: message", a hint at the help, and exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The user has interrupted the run, and this is what came of it: exit code 130.</summary>
internal sealed class InterruptedException(string message) : OperationCanceledException(message);

internal sealed class CommandContext(Terminal terminal)
{
    private const int MaxFaultsShown = 10;

    private OutputWriter? _output;

    /// <summary>The streams.</summary>
    public Terminal Terminal => terminal;

    /// <summary>Standard output.</summary>
    public OutputWriter Output => _output ??= new OutputWriter(terminal.Output, terminal.OutputIsTerminal);

    /// <summary>Paint the output.</summary>
    public bool UseColor { get; private set; }

    /// <summary>Something was reported with <see cref="Error"/>.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Applies --color.</summary>
    public void ChooseColor(string? when) => UseColor = when switch
    {
        "always" => true,
        "never" => false,
        _ => terminal.OutputIsTerminal && string.IsNullOrEmpty(terminal.Variable("NO_COLOR")) && terminal.Variable("TERM") != "dumb",
    };

    /// <summary>Reports a failure, and goes on.</summary>
    public void Error(string message)
    {
        HasFailed = true;
        Report(message);
    }

    /// <summary>Reports something that the user should know.</summary>
    public void Warn(string message) => Report("warning: " + message);

    /// <summary>Warns of damage that was found when a volume was opened.</summary>
    public void WarnOfFaults(string image, IReadOnlyList<Tfs.TfsFault> faults)
    {
        for (int i = 0; i < Math.Min(faults.Count, MaxFaultsShown); i++)
        {
            Warn($"{image}: {faults[i].Message}{(faults[i].OffsetBytes >= 0 ? $" (at byte {faults[i].OffsetBytes} of the volume)" : "")}");
        }
        if (faults.Count > MaxFaultsShown)
        {
            Warn($"{image}: {faults.Count - MaxFaultsShown} more faults; 'tupelo info --json {image}' lists them all");
        }
    }

    /// <summary>Ends the run when the user has interrupted it.</summary>
    public void ThrowIfInterrupted() => terminal.Interrupted.ThrowIfCancellationRequested();

    /// <summary>Writes what is buffered.</summary>
    public void Flush() => _output?.Flush();

    private void Report(string message)
    {
        _output?.Flush(); // keeps the order where both streams are one terminal
        // An error may quote a name from a hostile image, and nearly always goes to a terminal.
        terminal.Error.WriteLine("tupelo: " + NameText.Escape(message));
    }
}
