using Tupelo.Block;

namespace Tupelo.Tests;

public sealed class CrashTests
{
    private const int Files = 1_000;

    [Fact]
    public void ATransactionOfAThousandFiles_IsThereWholeOrNotAtAll_InEveryCrashState()
    {
        const int seed = 1;
        var random = new Random(seed);
        var options = new VolumeOptions { FlushDelay = TimeSpan.Zero, InitialSizeBytes = 8 << 20 };
        var device = new CrashBlockDevice(new CopyOnWriteImage(options.InitialSizeBytes));
        Volume.Format(device, options);
        using Volume volume = Volume.Open(device, options);
        volume.WriteAllText("/before", "old");
        volume.CreateDirectory("/d");
        volume.Flush();
        int start = device.Record().Epochs.Count(static epoch => epoch.End is not null);
        using (VolumeTransaction transaction = volume.Transaction())
        {
            for (int i = 0; i < Files; i++)
            {
                transaction.WriteAllText($"/d/f{i}", $"content of file {i}");
            }
            transaction.WriteAllText("/before", "new");
            transaction.Commit();
        }
        CrashRecording recording = device.Record();
        int old = 0;
        int whole = 0;
        var seen = new HashSet<UInt128>();
        CopyOnWriteImage reference = recording.Epochs[start].Durable;
        foreach (CrashEpoch epoch in recording.Epochs.Skip(start))
        {
            int changes = epoch.Changes.Count;
            for (int state = 0; state < 2 * changes + 60; state++)
            {
                // Each prefix, each change missing, and random sets of them, torn at random sectors.
                KeptChange[] kept = state < changes
                    ? KeptChange.AllOf(state)
                    : state < 2 * changes
                        ? [.. KeptChange.AllOf(changes).Where(change => change.Index != state - changes)]
                        : [.. KeptChange.AllOf(changes).Where(_ => random.Next(2) == 0)];
                CopyOnWriteImage image = epoch.Materialize(kept);
                if (seen.Add(image.Fingerprint(reference)))
                {
                    Check(image, ref old, ref whole, $"seed {seed}, epoch {epoch.Index}, kept {string.Join(' ', kept)}");
                }
            }
        }
        Check(device.DurableImage(), ref old, ref whole, "the end");
        Assert.True(old > 20 && whole > 0, $"{old} states before, {whole} after");
    }

    private static void Check(CopyOnWriteImage image, ref int old, ref int whole, string what)
    {
        using Volume volume = Volume.Open(new CrashBlockDevice(image.Snapshot()));
        int count = volume.Enumerate("/d").Count();
        bool isNew = volume.ReadAllText("/before") == "new";
        Assert.True(count == (isNew ? Files : 0), $"{what}: {count} files of {Files}, the other change {(isNew ? "there" : "not there")}");
        if (isNew)
        {
            whole++;
            for (int i = 0; i < Files; i += 37)
            {
                Assert.Equal($"content of file {i}", volume.ReadAllText($"/d/f{i}"));
            }
        }
        else
        {
            old++;
        }
    }
}
