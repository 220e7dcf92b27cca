// The progress of long work, on a terminal only: a bar, the rate, the time left. Drawn by Spectre.Console on a thread of its own,
// while the work goes on in the caller's; nothing is drawn for work that is done within half a second.
using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Tupelo.Cli;

internal sealed class ProgressLine : IDisposable
{
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _done = new();

    private ProgressLine(CommandContext context, string what, Func<(long Bytes, long TotalBytes, long Entries, long TotalEntries)> state)
    {
        _thread = new Thread(() => Draw(context, what, state)) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>Shows progress until the result is disposed. Nothing when standard error is no terminal.</summary>
    /// <param name="context">The run.</param>
    /// <param name="what">What is being done: "copying".</param>
    /// <param name="state">How far it is; called from another thread. A total of 0 bytes: entries are shown.</param>
    public static IDisposable? Show(CommandContext context, string what, Func<(long Bytes, long TotalBytes, long Entries, long TotalEntries)> state) =>
        context.Terminal.ErrorIsTerminal && context.Terminal.Variable("TERM") != "dumb" ? new ProgressLine(context, what, state) : null;

    public void Dispose()
    {
        _done.Set();
        _thread.Join();
        _done.Dispose();
    }

    private void Draw(CommandContext context, string what, Func<(long Bytes, long TotalBytes, long Entries, long TotalEntries)> state)
    {
        if (_done.Wait(500))
        {
            return;
        }
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
            ColorSystem = string.IsNullOrEmpty(context.Terminal.Variable("NO_COLOR")) ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(context.Terminal.Error),
        });
        console.Profile.Width = context.Terminal.Width();
        new Progress(console) { AutoClear = true, AutoRefresh = false }
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RateColumn(state), new RemainingTimeColumn())
            .Start(progress =>
            {
                ProgressTask task = progress.AddTask(what);
                do
                {
                    (long bytes, long totalBytes, long entries, long totalEntries) = state();
                    task.MaxValue = Math.Max(1, totalBytes > 0 ? totalBytes : totalEntries);
                    task.Value = totalBytes > 0 ? bytes : entries;
                    task.IsIndeterminate = totalEntries == 0;
                    progress.Refresh();
                }
                while (!_done.Wait(100));
            });
    }

    // Bytes and entries per second since the beginning.
    private sealed class RateColumn(Func<(long Bytes, long TotalBytes, long Entries, long TotalEntries)> state) : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
        {
            (long bytes, long totalBytes, long entries, _) = state();
            double seconds = Math.Max(0.001, task.ElapsedTime?.TotalSeconds ?? 0.001);
            return new Text(totalBytes > 0
                ? $"{TimeText.Human(bytes)} at {TimeText.Human((long)(bytes / seconds))}/s"
                : string.Create(CultureInfo.InvariantCulture, $"{entries} at {entries / seconds:0}/s"));
        }
    }
}
