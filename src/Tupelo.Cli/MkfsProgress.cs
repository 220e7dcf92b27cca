// The progress bar of mkfs, on standard error when that is a terminal: how much, how fast, how long still. The end is found by
// measuring the tree on the side; until it is known the bar has no end.
using Spectre.Console;
using Tupelo.Images;

namespace Tupelo.Cli;

internal static class MkfsProgress
{
    private const int UpdateMilliseconds = 100;

    /// <summary>Runs <paramref name="make"/> under a progress bar.</summary>
    public static ImageSummary Show(ImageRequest request, BuildProgress progress, Func<ImageSummary> make, CancellationToken cancellation)
    {
        TreeMeasure? measure = request.SourceDirectory is { } from ? TreeMeasure.Start(from, request.Excludes, cancellation) : null;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        ImageSummary? made = null;
        console.Progress()
            .AutoClear(true)
            .HideCompleted(false)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .Start(bars =>
            {
                ProgressTask task = bars.AddTask("reading", maxValue: 1);
                task.IsIndeterminate = true;
                using Timer timer = new(_ => Update(task, progress, measure), null, UpdateMilliseconds, UpdateMilliseconds);
                made = make();
            });
        return made!;
    }

    private static void Update(ProgressTask task, BuildProgress progress, TreeMeasure? measure)
    {
        if (measure is { IsComplete: true })
        {
            task.MaxValue = Math.Max(1, measure.Bytes);
            task.IsIndeterminate = false;
        }
        else
        {
            task.MaxValue = Math.Max(task.MaxValue, progress.Bytes + 1);
        }
        task.Value = Math.Min(progress.Bytes, task.MaxValue);
        if (progress.IsFlushing)
        {
            task.Description = "writing to disk";
        }
    }
}
