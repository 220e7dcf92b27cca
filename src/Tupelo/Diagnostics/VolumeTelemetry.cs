// What a program's monitoring can listen to: a meter and an activity source, both named "Tupelo". Nobody listens: one field is read.
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace Tupelo;

/// <summary>Names of the measurements and activities of this assembly.</summary>
public static class VolumeTelemetry
{
    /// <summary>Name of the <see cref="Meter"/> and of the <see cref="ActivitySource"/>.</summary>
    public const string Name = "Tupelo";

    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Reads = Meter.CreateCounter<long>("tupelo.file.reads", "{call}", "Calls that read file content.");
    private static readonly Counter<long> BytesRead = Meter.CreateCounter<long>("tupelo.file.read.bytes", "By", "Content read.");
    private static readonly Counter<long> Writes = Meter.CreateCounter<long>("tupelo.file.writes", "{call}", "Calls that wrote file content.");
    private static readonly Counter<long> BytesWritten = Meter.CreateCounter<long>("tupelo.file.written.bytes", "By", "Content written.");
    private static readonly Histogram<double> Flushes = Meter.CreateHistogram<double>("tupelo.flush.duration", "s", "How long making durable took.");
    private static readonly Histogram<double> Commits = Meter.CreateHistogram<double>("tupelo.transaction.duration", "s", "How long transactions took to commit.");

    internal static ActivitySource Activities { get; } = new(Name);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void CountRead(long bytes)
    {
        if (Reads.Enabled)
        {
            Reads.Add(1);
            BytesRead.Add(bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void CountWrite(long bytes)
    {
        if (Writes.Enabled)
        {
            Writes.Add(1);
            BytesWritten.Add(bytes);
        }
    }

    /// <summary>Measures from here to its end.</summary>
    internal static Span Flushing() => new("flush", Flushes);

    /// <inheritdoc cref="Flushing"/>
    internal static Span Committing() => new("commit", Commits);

    /// <summary>One activity, and how long it took. Lives on the stack.</summary>
    internal readonly ref struct Span(string name, Histogram<double> histogram)
    {
        private readonly Activity? _activity = Activities.StartActivity(name);
        private readonly long _start = Stopwatch.GetTimestamp();

        public void Dispose()
        {
            histogram.Record(Stopwatch.GetElapsedTime(_start).TotalSeconds);
            _activity?.Dispose();
        }
    }
}
