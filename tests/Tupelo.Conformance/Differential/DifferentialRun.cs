// One run: the same calls on the host's kernel and on the machine under test, judged call by call and by the tree they leave; and
// the search for the shortest part of a failing run that still fails.
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Tupelo.Conformance.Differential;

/// <summary>A machine under test.</summary>
internal abstract class MachineUnderTest
{
    /// <summary>The first process; see <see cref="TestMount.Boot"/>. Its end throws when the machine leaves something behind.</summary>
    public abstract ISyscalls Boot();

    /// <summary>The type that mount(2) knows a scratch file system by.</summary>
    public abstract ReadOnlySpan<byte> ScratchType { get; }

    /// <summary>The first process of the machine that is right by definition: the host.</summary>
    public virtual ISyscalls BootReference() => HostTmpfsMount.BootHost();

    /// <summary>As <see cref="ScratchType"/>, there.</summary>
    public virtual ReadOnlySpan<byte> ReferenceScratchType => "tmpfs"u8;

    /// <summary>Whether files must take the same space on both.</summary>
    public virtual bool SpaceCounts => true;

    /// <summary>Called before each call of a run: what may happen at any time without anybody noticing.</summary>
    public virtual void Between(int index)
    {
    }

    /// <summary>After the machine's processes have ended: whether what they wrote is there when it starts again. Null, or what is not.</summary>
    /// <param name="reference">The tree as the other machine has it.</param>
    /// <param name="hadMounts">Some of it may have been in other file systems, or shown twice.</param>
    public virtual string? FindLoss(SortedDictionary<string, TreeEntry> reference, bool hadMounts) => null;
}

/// <summary>Where and how two machines differ.</summary>
/// <param name="Index">The call after which it showed; the count of calls when it is the final tree.</param>
/// <param name="Kind">Of that call; null for the final tree.</param>
/// <param name="Text">What differs.</param>
internal sealed partial record Difference(int Index, CallKind? Kind, string Text)
{
    /// <summary>What two failures with one cause have in common: the call's kind, and the difference without its numbers and bytes.</summary>
    public string Likeness => $"{Kind} {Particulars().Replace(Text, "#")}";

    [GeneratedRegex("[0-9a-f]*[0-9][0-9a-f]*|\"[^\"]*\"|\\./[^:]*:")]
    private static partial Regex Particulars();
}

/// <summary>Runs calls on two machines.</summary>
internal static class DifferentialRun
{
    /// <summary>Makes the calls of a list on both; stops at the first difference.</summary>
    public static Difference? Run(IReadOnlyList<Call> calls, MachineUnderTest machine)
    {
        return RunCalls(calls.Count, i => calls[i], static (_, _) => { }, machine);
    }

    /// <summary>Generates and makes calls on both; stops at the first difference.</summary>
    /// <param name="calls">Gets the calls that were made.</param>
    /// <param name="succeeded">Counts the calls that did not fail, by kind.</param>
    public static Difference? Run(CallGenerator generator, int count, MachineUnderTest machine, List<Call> calls, long[] succeeded)
    {
        return RunCalls(count, Next, Learn, machine);

        Call Next(int index)
        {
            Call call = generator.Next();
            calls.Add(call);
            return call;
        }

        void Learn(Call call, Outcome outcome)
        {
            generator.Learn(call, outcome);
            succeeded[(int)call.Kind] += outcome.Result >= 0 ? 1 : 0;
        }
    }

    /// <summary>Leaves out as many calls as possible while the run still fails in a like way.</summary>
    public static (IReadOnlyList<Call> Calls, Difference Difference) Shrink(IReadOnlyList<Call> calls, Difference difference, MachineUnderTest machine)
    {
        List<Call> best = [.. calls.Take(Math.Min(calls.Count, difference.Index + 1))];
        Difference found = difference;
        for (int chunk = Math.Max(1, best.Count / 2); chunk >= 1; chunk /= 2)
        {
            bool changed;
            do
            {
                changed = false;
                for (int start = best.Count - chunk; start > -chunk; start -= chunk)
                {
                    int from = Math.Max(0, start);
                    List<Call> shorter = [.. best.Take(from), .. best.Skip(from + chunk)];
                    if (shorter.Count < best.Count && Run(shorter, machine) is { } again && again.Likeness == difference.Likeness)
                    {
                        best = [.. shorter.Take(Math.Min(shorter.Count, again.Index + 1))];
                        found = again;
                        changed = true;
                        start = Math.Min(start, best.Count);
                    }
                }
            }
            while (changed && chunk == 1);
        }
        return (best, found);
    }

    /// <summary>A failure for a person to read.</summary>
    public static string Describe(int seed, Themes themes, IReadOnlyList<Call> calls, Difference difference)
    {
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"seed {seed}, themes {themes}: after {calls.Count} calls:");
        foreach (Call call in calls)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {call}");
        }
        return text.AppendLine(CultureInfo.InvariantCulture, $"  -> {difference.Text}").ToString();
    }

    private static Difference? RunCalls(int count, Func<int, Call> next, Action<Call, Outcome> answered, MachineUnderTest machine)
    {
        int reserved = HostSyscalls.ReservedDescriptor;
        bool hadMounts = false;
        SortedDictionary<string, TreeEntry> reference = [];
        using CallExecutor host = new(machine.BootReference(), reserved, machine.ReferenceScratchType);
        CallExecutor ours = new(machine.Boot(), reserved, machine.ScratchType);
        Difference? difference = RunCalls(count, Next, answered, host, ours, machine, ref reference);
        try
        {
            ours.Dispose();
            if (difference is null && machine.FindLoss(reference, hadMounts) is { } loss)
            {
                difference = new Difference(count, null, $"mounted again: {loss}");
            }
        }
        catch (Exception leak)
        {
            difference ??= new Difference(count, null, leak.Message);
        }
        return difference;

        Call Next(int index)
        {
            Call call = next(index);
            hadMounts |= call.Kind is CallKind.Mount;
            machine.Between(index);
            return call;
        }
    }

    private static Difference? RunCalls(
        int count, Func<int, Call> next, Action<Call, Outcome> answered, CallExecutor host, CallExecutor ours, MachineUnderTest machine,
        ref SortedDictionary<string, TreeEntry> reference)
    {
        Judge judge = new(host.Devices()) { SpaceCounts = machine.SpaceCounts };
        Outcome theirs = new();
        Outcome mine = new();
        int made = 0;
        CallKind? kind = null;
        string? difference = null;
        try
        {
            host.Run(() =>
            {
                for (; made < count && difference is null; made += difference is null ? 1 : 0)
                {
                    Call call = next(made);
                    kind = call.Kind;
                    host.Execute(call, theirs);
                    ours.Execute(call, mine);
                    difference = judge.Compare(theirs, mine);
                    if (difference is null)
                    {
                        answered(call, theirs);
                    }
                }
            });
            if (difference is not null)
            {
                return new Difference(made, kind, difference);
            }
            kind = null;
            reference = host.TakeTree();
            difference = TreeSnapshot.Compare(reference, ours.TakeTree(), judge);
            return difference is null ? null : new Difference(count, null, $"final tree: {difference}");
        }
        catch (Exception failure)
        {
            return new Difference(made, kind, failure.ToString());
        }
    }
}
