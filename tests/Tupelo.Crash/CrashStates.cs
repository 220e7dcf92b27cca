// Which images a power failure can leave, out of one epoch of a recording: every prefix of its writes; every one missing or alone;
// every choice when there are few, random choices otherwise; and multi-sector writes torn at every kind of place.
using Tupelo.Block;

namespace Tupelo.Crash;

internal static class CrashStates
{
    private const int MaxExhaustive = 6;
    private const int RandomSubsets = 24;

    public static IEnumerable<KeptChange[]> Of(CrashEpoch epoch, Random random)
    {
        int count = epoch.Changes.Count;
        for (int kept = 0; kept <= count; kept++)
        {
            yield return KeptChange.AllOf(kept);
        }
        if (count <= MaxExhaustive)
        {
            for (int mask = 1; mask < (1 << count) - 1; mask++)
            {
                yield return Choose(count, i => (mask >> i & 1) != 0);
            }
        }
        else
        {
            for (int which = 0; which < count; which++)
            {
                yield return Choose(count, i => i != which);
                yield return Choose(count, i => i == which);
            }
            for (int subset = 0; subset < RandomSubsets; subset++)
            {
                KeptChange[] kept = Choose(count, _ => random.Next(2) == 0);
                if (subset % 2 == 0)
                {
                    random.Shuffle(kept);
                }
                yield return kept;
            }
        }
        for (int torn = 0; torn < count; torn++)
        {
            long sectors = epoch.Changes[torn].SectorCount(epoch.SectorBytes);
            if (sectors < 2)
            {
                continue;
            }
            foreach (KeptChange piece in Tears(torn, sectors, random))
            {
                yield return [.. KeptChange.AllOf(torn), piece];
                yield return [.. Choose(count, i => i != torn), piece];
            }
        }
    }

    private static IEnumerable<KeptChange> Tears(int index, long sectors, Random random)
    {
        long step = Math.Max(1, sectors / 8);
        for (long kept = 1; kept < sectors; kept += step)
        {
            yield return new KeptChange(index, SectorChoice.First, (ulong)kept);
            yield return new KeptChange(index, SectorChoice.Last, (ulong)kept);
        }
        for (int i = 0; i < 4; i++)
        {
            yield return new KeptChange(index, SectorChoice.Random, (ulong)random.NextInt64());
        }
    }

    private static KeptChange[] Choose(int count, Func<int, bool> isKept) =>
        [.. Enumerable.Range(0, count).Where(isKept).Select(i => new KeptChange(i))];
}
