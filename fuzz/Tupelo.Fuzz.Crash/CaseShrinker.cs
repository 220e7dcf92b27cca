// Makes a failing case smaller while it goes on failing: first fewer steps, halves before single ones, then fewer kept writes in the
// state. What fails need not fail in the same words: any violation is worth keeping.
using Tupelo.Block;

namespace Tupelo.Fuzz.Crash;

internal static class CaseShrinker
{
    /// <summary>The smaller case, with the state that fails, and what is wrong with it.</summary>
    /// <param name="failing">A case that fails.</param>
    /// <param name="violation">How.</param>
    /// <param name="between">What it fails on, when that is a seeded bug.</param>
    /// <param name="maxRuns">Bound of the effort.</param>
    public static (CrashCase Case, Violation Violation) Shrink(CrashCase failing, Violation violation, Func<BlockDevice, BlockDevice>? between = null, int maxRuns = 2000)
    {
        CrashCase best = failing with { State = null };
        int runs = 0;
        for (int chunk = Math.Max(1, best.Operations.Count / 2); chunk >= 1 && runs < maxRuns; chunk = chunk == 1 ? 0 : chunk / 2)
        {
            bool removed = true;
            while (removed && runs < maxRuns)
            {
                removed = false;
                for (int at = 0; at < best.Operations.Count && runs < maxRuns; at += chunk)
                {
                    var fewer = new List<CrashOperation>(best.Operations);
                    fewer.RemoveRange(at, Math.Min(chunk, fewer.Count - at));
                    CrashCase smaller = best with { Operations = fewer };
                    runs++;
                    if (smaller.Run(new Explorer(), between) is { } again)
                    {
                        (best, violation) = (smaller, again);
                        removed = true;
                        at -= chunk;
                    }
                }
            }
        }
        return violation.State is null ? (best, violation) : ShrinkState(best with { State = violation.State }, violation, between);
    }

    private static (CrashCase Case, Violation Violation) ShrinkState(CrashCase best, Violation violation, Func<BlockDevice, BlockDevice>? between)
    {
        for (int at = best.State!.Kept.Count - 1; at >= 0; at--)
        {
            foreach (bool whole in new[] { false, true })
            {
                var kept = new List<KeptChange>(best.State.Kept);
                if (whole && kept[at].Choice == SectorChoice.All)
                {
                    continue;
                }
                if (whole)
                {
                    kept[at] = new KeptChange(kept[at].Index);
                }
                else
                {
                    kept.RemoveAt(at);
                }
                CrashCase smaller = best with { State = best.State with { Kept = kept } };
                if (smaller.Run(new Explorer(), between) is { } again)
                {
                    (best, violation) = (smaller, again);
                    break;
                }
            }
        }
        return (best, violation);
    }
}
