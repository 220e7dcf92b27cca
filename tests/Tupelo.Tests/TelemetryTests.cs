using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Tupelo.Tests;

[Collection("telemetry")]
public sealed class TelemetryTests
{
    [Fact]
    public void Listeners_HearOfBytesFlushesAndCommits()
    {
        var sums = new Dictionary<string, double>(StringComparer.Ordinal);
        using var meters = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == VolumeTelemetry.Name)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        void Add(string name, double value)
        {
            lock (sums)
            {
                sums[name] = sums.GetValueOrDefault(name) + value;
            }
        }
        meters.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument.Name, value));
        meters.SetMeasurementEventCallback<double>((instrument, _, _, _) => Add(instrument.Name, 1));
        meters.Start();
        var activities = new System.Collections.Concurrent.ConcurrentBag<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == VolumeTelemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity => activities.Add(activity.OperationName),
        };
        ActivitySource.AddActivityListener(listener);
        using Volume volume = Volume.InMemory();
        using (VolumeFile file = volume.OpenFile("/f", FileMode.Create))
        {
            file.Write(0, new byte[1000]);
            _ = file.Read(0, new byte[600]);
            file.Flush();
        }
        volume.Transaction(static transaction => transaction.WriteAllText("/t", "x"));
        lock (sums)
        {
            Assert.True(sums["tupelo.file.written.bytes"] >= 1000);
            Assert.True(sums["tupelo.file.read.bytes"] >= 600);
            Assert.True(sums["tupelo.flush.duration"] >= 1);
            Assert.True(sums["tupelo.transaction.duration"] >= 1);
        }
        Assert.Contains("flush", activities);
        Assert.Contains("commit", activities);
    }
}
