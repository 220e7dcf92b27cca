using System.Buffers.Binary;
using System.Globalization;
using Tupelo.Block;
using Tupelo.Tests;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo.Crash;

/// <summary>Strict prefix consistency: whatever a crash leaves mounts, checks clean, and shows names and attributes as they were after
/// exactly one operation between the last sync that returned and the crash; files not changed since that sync have their content, and no
/// file ever shows bytes that were not written to it.</summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    // A campaign is the same with more seeds: TUPELO_CRASH_SEEDS=500 ./test crash (CONTRIBUTING.md, "Campaigns").
    private static readonly int SeedsPerTest = int.Parse(Environment.GetEnvironmentVariable("TUPELO_CRASH_SEEDS") ?? "4", CultureInfo.InvariantCulture);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void RandomWorkloads_SurviveEveryCrashStateTried(int firstSeed)
    {
        var seen = new HashSet<UInt128>();
        int mounted = 0;
        for (int seed = firstSeed * 1000; seed < (firstSeed * 1000) + SeedsPerTest; seed++)
        {
            CrashWorkload workload = CrashWorkload.Run(seed, 60);
            CopyOnWriteImage first = workload.Recording.Epochs[0].Durable;
            var random = new Random(seed);
            foreach (CrashEpoch epoch in workload.Recording.Epochs)
            {
                (int begun, int ended) = OperationsAround(workload, epoch);
                foreach (KeptChange[] kept in CrashStates.Of(epoch, random))
                {
                    CopyOnWriteImage image = epoch.Materialize(kept);
                    if (!seen.Add(image.Fingerprint(first)))
                    {
                        continue;
                    }
                    mounted++;
                    string? wrong = Check(workload, image, begun, ended, probe: mounted % 5 == 0);
                    Assert.True(wrong is null, $"seed {seed}, state {new CrashState(epoch.Index, kept)}, operations {ended}..{begun}: {wrong}\n{string.Join('\n', workload.Log.Take(begun))}");
                }
            }
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{mounted} distinct crash states, seeds {firstSeed * 1000}.."));
        Assert.True(mounted > 300, $"only {mounted} states");
    }

    // The operations that had begun, and that had returned, when the epoch's last change was made. A state of the epoch may be of any
    // moment in it: the last sync that counts is one that returned before its first change.
    private static (int Begun, int Ended) OperationsAround(CrashWorkload workload, CrashEpoch epoch)
    {
        int begun = (int)(workload.Recording.LastMarkBefore(epoch.Changes[^1].Sequence, CrashMark.OperationBegin)?.Operation ?? 0);
        int ended = (int)(workload.Recording.LastMarkBefore(epoch.Changes[0].Sequence, CrashMark.OperationEnd)?.Operation ?? 0);
        return (begun, ended);
    }

    private static string? Check(CrashWorkload workload, CopyOnWriteImage image, int begun, int ended, bool probe)
    {
        using var device = new CrashBlockDevice(image.Freeze());
        int durable = workload.DurableAt[ended];
        VfsMachine? machine = null;
        try
        {
            machine = new VfsMachine(device);
            TreeState found = CrashWorkload.Capture(machine);
            int at = -1;
            for (int i = begun; i >= durable && at < 0; i--)
            {
                at = workload.States[i].Names == found.Names ? i : -1;
            }
            if (at < 0)
            {
                return $"the tree is of no moment between {durable} and {begun}:\n{found.Names}\nlast durable:\n{workload.States[durable].Names}\nnewest:\n{workload.States[begun].Names}";
            }
            string? content = CheckContent(workload, found, durable, begun);
            if (content is not null)
            {
                return content;
            }
            if (probe)
            {
                long fd = machine.Calls.Open("/probe"u8, OpenFlags.Create | OpenFlags.ReadWrite, 0x1A4);
                if (fd < 0 || machine.Calls.PWrite((int)fd, new byte[5000], 100) != 5000 || machine.Calls.FSync((int)fd) != 0 || machine.Calls.Close((int)fd) != 0)
                {
                    return "it cannot be written to";
                }
                found = CrashWorkload.Capture(machine);
                machine.Dispose();
                machine = new VfsMachine(device);
                TreeState again = CrashWorkload.Capture(machine);
                if (again.Names != found.Names)
                {
                    return $"it changes when it is mounted again:\n{found.Names}\n{again.Names}";
                }
            }
            machine.Dispose();
            machine = null;
            TfsVolume volume = TfsVolume.Open(device);
            IEnumerable<TfsFault> faults = [.. volume.Faults.Where(fault => !fault.IsUnfinishedEnd), .. TfsSpaceMap.Build(volume).Faults];
            return faults.FirstOrDefault()?.Message;
        }
        catch (TfsFormatException error)
        {
            return $"it does not mount: {error.Message}";
        }
        finally
        {
            machine?.Dispose();
        }
    }

    private static string? CheckContent(CrashWorkload workload, TreeState found, int durable, int begun)
    {
        foreach ((string path, byte[] bytes) in found.Content)
        {
            // Which file it is: its stamps say so. All of them must say the same, or nothing.
            uint file = 0;
            for (int i = 0; i + 8 <= bytes.Length; i += 8)
            {
                uint stamp = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(i));
                if (stamp != 0 && file != 0 && stamp != file)
                {
                    return $"{path} shows bytes of file {stamp} and of file {file}, at {i}";
                }
                file = stamp != 0 ? stamp : file;
            }
            // A file that nothing has touched since the last sync has just the content that it had.
            if (workload.States[durable].Content.TryGetValue(path, out byte[]? before)
                && Enumerable.Range(durable, begun - durable + 1).All(i => workload.States[i].Content.TryGetValue(path, out byte[]? then) && then.AsSpan().SequenceEqual(before))
                && !bytes.AsSpan().SequenceEqual(before))
            {
                return $"{path} had {before.Length} bytes at the last sync, was not changed since, and has {bytes.Length} others";
            }
        }
        return null;
    }
}
