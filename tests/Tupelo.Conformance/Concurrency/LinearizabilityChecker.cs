// Is there an order of these concurrent steps, true to real time, in which a sequential model gives every answer that was recorded?
// The search is Wing and Gong's (Testing and Verifying Concurrent Objects, 1993) with Lowe's memory of configurations: a set of
// steps done and the state that they led to is looked at once only.
//
// A step may take effect at any moment between its call's invocation and its return. A call may have several steps (see
// NamespaceModel): they take effect each at a moment of its own, in a fixed order where After says so.
namespace Tupelo.Conformance;

/// <summary>One effect or observation: at some moment in [Invoked, Returned], and after the step of index After if that is not -1.</summary>
public readonly record struct Step(long Invoked, long Returned, int After = -1);

/// <summary>What the steps do, one after another.</summary>
public interface ISequentialModel<TState>
    where TState : struct, IEquatable<TState>
{
    /// <summary>Takes one step. False when the recorded answer cannot be given in this state.</summary>
    bool TryApply(int step, ref TState state);
}

/// <summary>The answer of a search.</summary>
/// <param name="IsLinearizable">An order was found.</param>
/// <param name="Order">That order, or the longest one that was possible.</param>
/// <param name="Configurations">How many were looked at.</param>
public sealed record Verdict(bool IsLinearizable, IReadOnlyList<int> Order, int Configurations);

/// <summary>The search. Cost: in the worst case exponential in the number of steps that overlap, so histories are kept short.</summary>
public static class LinearizabilityChecker
{
    /// <summary>Steps in one history at most.</summary>
    public const int MaxSteps = 128;

    private const int MaxConfigurations = 4_000_000;

    /// <summary>Searches for an order. Throws when there are too many configurations to decide: a history that was not checked must not pass.</summary>
    public static Verdict Check<TState>(IReadOnlyList<Step> steps, ISequentialModel<TState> model, TState initial)
        where TState : struct, IEquatable<TState>
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(steps.Count, MaxSteps);
        int[] byInvocation = [.. Enumerable.Range(0, steps.Count).OrderBy(i => steps[i].Invoked)];
        UInt128 all = steps.Count == MaxSteps ? UInt128.MaxValue : (UInt128.One << steps.Count) - 1;
        var seen = new HashSet<(UInt128 Done, TState State)>();
        var path = new List<Frame<TState>>();
        IReadOnlyList<int> longest = [];
        var frame = new Frame<TState>(UInt128.Zero, initial, -1, Deadline(steps, UInt128.Zero));
        while (true)
        {
            if (frame.Done == all)
            {
                return new Verdict(true, Taken(path, frame), seen.Count);
            }
            if (TryNext(steps, byInvocation, model, ref frame, seen, out Frame<TState> next))
            {
                if (seen.Count > MaxConfigurations)
                {
                    throw new InvalidOperationException($"a history of {steps.Count} steps was not decided within {MaxConfigurations} configurations");
                }
                path.Add(frame);
                frame = next;
                if (path.Count > longest.Count)
                {
                    longest = Taken(path, frame);
                }
                continue;
            }
            if (path.Count == 0)
            {
                return new Verdict(false, longest, seen.Count);
            }
            frame = path[^1];
            path.RemoveAt(path.Count - 1);
        }
    }

    private static bool TryNext<TState>(
        IReadOnlyList<Step> steps, int[] byInvocation, ISequentialModel<TState> model, ref Frame<TState> frame,
        HashSet<(UInt128 Done, TState State)> seen, out Frame<TState> next)
        where TState : struct, IEquatable<TState>
    {
        // A step can be the next one unless another one, not done yet, had returned before it was invoked.
        for (; frame.Candidate < byInvocation.Length && steps[byInvocation[frame.Candidate]].Invoked <= frame.Deadline; frame.Candidate++)
        {
            int step = byInvocation[frame.Candidate];
            UInt128 bit = UInt128.One << step;
            if ((frame.Done & bit) != 0 || (steps[step].After >= 0 && (frame.Done & (UInt128.One << steps[step].After)) == 0))
            {
                continue;
            }
            TState state = frame.State;
            if (model.TryApply(step, ref state) && seen.Add((frame.Done | bit, state)))
            {
                frame.Candidate++;
                next = new Frame<TState>(frame.Done | bit, state, step, Deadline(steps, frame.Done | bit));
                return true;
            }
        }
        next = default;
        return false;
    }

    private static long Deadline(IReadOnlyList<Step> steps, UInt128 done)
    {
        long deadline = long.MaxValue;
        for (int i = 0; i < steps.Count; i++)
        {
            if ((done & (UInt128.One << i)) == 0)
            {
                deadline = Math.Min(deadline, steps[i].Returned);
            }
        }
        return deadline;
    }

    private static List<int> Taken<TState>(List<Frame<TState>> path, Frame<TState> last)
        where TState : struct => [.. path.Append(last).Select(frame => frame.Step).Where(step => step >= 0)];

    private struct Frame<TState>(UInt128 done, TState state, int step, long deadline)
    {
        internal readonly UInt128 Done = done;
        internal readonly TState State = state;
        internal readonly int Step = step;          // The step that led here; -1 at the start.
        internal readonly long Deadline = deadline; // When the first step that is not done returned.
        internal int Candidate;
    }
}
