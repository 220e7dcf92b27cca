// Concurrent histories of names, checked against a sequential model: see NamespaceModel for what is atomic and what is not.
//
// TUPELO_HISTORIES multiplies the number of histories, TUPELO_SEED moves their seeds.
using System.Globalization;
using System.Text;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

public abstract class ConcurrencySuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    /// <summary>Histories per number of threads.</summary>
    protected virtual int HistoryCount => 150;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public void Histories_OfNames_AreLinearizable(int threads)
    {
        Needs(Features.Ownership | Features.Histories);
        ulong free = FreeFiles();
        using (var recorder = new HistoryRecorder(Processes(threads), TestMount.DescribeLocks))
        {
            int first = Number("TUPELO_SEED", 1) * 1_000_000;
            int count = HistoryCount * Number("TUPELO_HISTORIES", 1);
            int overlaps = 0;
            for (int i = 0; i < count; i++)
            {
                PlannedHistory plan = PlannedHistory.Make(first + i, threads, TestMount.Features);
                List<NamespaceCall> calls = recorder.Record(plan, TestMount.Features);
                Assert.True(IsLinearizable(plan, calls, out string report), report);
                // Every object of the history is gone, so nothing may hold it still.
                Assert.True(free == FreeFiles(), $"the history of seed {plan.Seed} leaves {free - FreeFiles()} files behind:\n{string.Join('\n', calls)}");
                overlaps += Overlaps(calls);
            }
            Assert.True(overlaps >= count / 10, $"of {count} histories only {overlaps} calls met others: nothing was tried");
        }
    }

    /// <summary>Checks one history; the report has every call and how far the search came.</summary>
    internal static bool IsLinearizable(PlannedHistory plan, List<NamespaceCall> calls, out string report)
    {
        var model = new NamespaceModel(calls);
        NamespaceState start = default(NamespaceState)
            .With(NamespaceModel.Slot(0, 0), 1)
            .With(NamespaceModel.Slot(plan.IsNested ? 1 : 0, 1), 2);
        Verdict verdict = LinearizabilityChecker.Check(model.Steps, model, start);
        report = verdict.IsLinearizable ? string.Empty : Describe(plan, calls, model, verdict);
        return verdict.IsLinearizable;
    }

    private static string Describe(PlannedHistory plan, List<NamespaceCall> calls, NamespaceModel model, Verdict verdict)
    {
        var text = new StringBuilder($"history of seed {plan.Seed} on {plan.Threads.Length} threads, d1 at d0/w, d2 at {(plan.IsNested ? "d1" : "d0")}/x, has no order:\n");
        foreach (NamespaceCall call in calls)
        {
            _ = text.Append("  ").Append(call).Append('\n');
        }
        _ = text.Append("the longest order that the model allows is\n");
        foreach (int step in verdict.Order)
        {
            _ = text.Append("  ").Append(model.CallOf(step)).Append('\n');
        }
        return text.ToString();
    }

    // Calls that began before another one had ended.
    private static int Overlaps(List<NamespaceCall> calls)
    {
        long end = 0;
        int overlaps = 0;
        foreach (NamespaceCall call in calls)
        {
            overlaps += call.Invoked < end ? 1 : 0;
            end = Math.Max(end, call.Returned);
        }
        return overlaps;
    }

    internal static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : otherwise;

    /// <summary>The first process and forks of it, umask 0.</summary>
    private ISyscalls[] Processes(int count)
    {
        _ = S.Umask(0);
        return [.. Enumerable.Range(0, count).Select(i => i == 0 ? S : Fork())];
    }

    private ulong FreeFiles()
    {
        var stat = default(KernelStatFs);
        Ok(S.StatFs("."u8, ref stat));
        return stat.FreeFiles;
    }
}
