// Which images a power failure can leave, out of one epoch of a recording (the writes between two flushes, w1..wn):
//   every prefix; every write missing alone, every write there alone;
//   all 2^n choices up to a bound, beyond it choices by seed, half of them in another order;
//   each write of several sectors torn: by its first sectors, by its last ones, by sectors at random;
//   a sector that is written twice: the older version surviving;
//   sectors that nothing durable was ever in: with zeros or with garbage instead of what was written;
//   on a device whose sectors are not atomic: torn in the middle of a sector.
using Tupelo.Block;

namespace Tupelo.Fuzz.Crash;

/// <summary>How much of it.</summary>
internal sealed record GeneratorOptions
{
    /// <summary>Up to so many writes in an epoch all choices of them are made.</summary>
    public int MaxExhaustive { get; init; } = 12;

    /// <summary>Choices by seed in larger epochs.</summary>
    public int SampledSubsets { get; init; } = 256;

    /// <summary>Choices of sectors by seed, for each write of several sectors.</summary>
    public int SampledTears { get; init; } = 8;

    /// <summary>Most prefixes and suffixes of sectors, for each write of several sectors.</summary>
    public int MaxSectorCuts { get; init; } = 16;

    /// <summary>Whether writes are torn inside of sectors, and nothing else is done.</summary>
    public bool TearsSectors { get; init; }
}

internal sealed class StateGenerator(GeneratorOptions options, int seed)
{
    private readonly Random _random = new(seed);
    private readonly List<KeptChange> _kept = [];

    /// <summary>Makes all states of an epoch, one after another; each list is valid until the next.</summary>
    public IEnumerable<List<KeptChange>> Of(CrashEpoch epoch, DurableSectors durable)
    {
        return options.TearsSectors ? TornSectors(epoch) : AtomicSectors(epoch, durable);
    }

    private IEnumerable<List<KeptChange>> AtomicSectors(CrashEpoch epoch, DurableSectors durable)
    {
        int count = epoch.Changes.Count;
        for (int kept = 0; kept <= count; kept++)
        {
            yield return First(kept);
        }
        if (count <= options.MaxExhaustive)
        {
            for (int mask = 1; mask < (1 << count) - 1; mask++)
            {
                if ((mask & (mask + 1)) != 0) // a prefix otherwise
                {
                    yield return ByMask(mask, count);
                }
            }
        }
        else
        {
            for (int which = 0; which < count; which++)
            {
                yield return AllBut(which, count);
                yield return One(new KeptChange(which));
            }
            for (int subset = 0; subset < options.SampledSubsets; subset++)
            {
                yield return Sample(count, shuffled: subset % 2 == 0);
            }
        }
        foreach (List<KeptChange> versions in OlderVersions(epoch, count))
        {
            yield return versions;
        }
        for (int torn = 0; torn < count; torn++)
        {
            long sectors = epoch.Changes[torn].SectorCount(epoch.SectorBytes);
            if (sectors > 1)
            {
                foreach (KeptChange piece in Tears(torn, sectors))
                {
                    yield return With(First(torn), piece);
                    if (torn < count - 1)
                    {
                        yield return With(AllBut(torn, count), piece);
                    }
                }
            }
            if (!durable.Overlaps(epoch.Changes[torn]))
            {
                foreach (SectorContent content in new[] { SectorContent.Zeros, SectorContent.Garbage })
                {
                    yield return With(First(torn), new KeptChange(torn, SectorChoice.Random, (ulong)_random.NextInt64(), content));
                    yield return With(AllBut(torn, count), new KeptChange(torn, SectorChoice.All, (ulong)_random.NextInt64(), content));
                }
            }
        }
    }

    private IEnumerable<List<KeptChange>> TornSectors(CrashEpoch epoch)
    {
        int count = epoch.Changes.Count;
        for (int torn = 0; torn < count; torn++)
        {
            long length = epoch.Changes[torn].LengthBytes;
            for (int i = 0; i < options.SampledTears; i++)
            {
                // Mostly in its first and in its last sector, where marks and commit records are.
                long cut = i % 3 == 0 ? _random.NextInt64(1, length + 1) : i % 3 == 1 ? _random.NextInt64(1, Math.Min(512, length) + 1) : length - _random.NextInt64(0, Math.Min(512, length));
                var piece = new KeptChange(torn, SectorChoice.FirstBytes, (ulong)cut);
                yield return With(First(torn), piece);
                yield return With(AllBut(torn, count), piece);
            }
        }
    }

    // Pairs of writes that meet in a sector: the later one reaches the medium first.
    private IEnumerable<List<KeptChange>> OlderVersions(CrashEpoch epoch, int count)
    {
        for (int late = 1; late < count; late++)
        {
            for (int early = 0; early < late; early++)
            {
                if (Meet(epoch.Changes[early], epoch.Changes[late]))
                {
                    yield return With(AllBut(early, count), new KeptChange(early));
                    yield return With(With(First(early), new KeptChange(late)), new KeptChange(early));
                }
            }
        }
    }

    private static bool Meet(CrashEvent a, CrashEvent b) =>
        a.Kind != CrashEventKind.Resize && b.Kind != CrashEventKind.Resize && a.OffsetBytes < b.OffsetBytes + b.LengthBytes && b.OffsetBytes < a.OffsetBytes + a.LengthBytes;

    private IEnumerable<KeptChange> Tears(int index, long sectors)
    {
        long step = Math.Max(1, sectors / options.MaxSectorCuts);
        for (long kept = 1; kept < sectors; kept += step)
        {
            yield return new KeptChange(index, SectorChoice.First, (ulong)kept);
            yield return new KeptChange(index, SectorChoice.Last, (ulong)kept);
        }
        for (int i = 0; i < options.SampledTears; i++)
        {
            yield return new KeptChange(index, SectorChoice.Random, (ulong)_random.NextInt64());
        }
    }

    private List<KeptChange> First(int count)
    {
        _kept.Clear();
        for (int i = 0; i < count; i++)
        {
            _kept.Add(new KeptChange(i));
        }
        return _kept;
    }

    private List<KeptChange> One(KeptChange change)
    {
        _kept.Clear();
        _kept.Add(change);
        return _kept;
    }

    private List<KeptChange> AllBut(int which, int count)
    {
        _kept.Clear();
        for (int i = 0; i < count; i++)
        {
            if (i != which)
            {
                _kept.Add(new KeptChange(i));
            }
        }
        return _kept;
    }

    private List<KeptChange> ByMask(int mask, int count)
    {
        _kept.Clear();
        for (int i = 0; i < count; i++)
        {
            if ((mask >> i & 1) != 0)
            {
                _kept.Add(new KeptChange(i));
            }
        }
        return _kept;
    }

    // The last few are the likelier ones to be missing.
    private List<KeptChange> Sample(int count, bool shuffled)
    {
        _kept.Clear();
        int sure = _random.Next(2) == 0 ? 0 : _random.Next(count);
        for (int i = 0; i < count; i++)
        {
            if (i < sure || _random.Next(2) == 0)
            {
                _kept.Add(new KeptChange(i));
            }
        }
        if (shuffled)
        {
            _random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_kept));
        }
        return _kept;
    }

    private static List<KeptChange> With(List<KeptChange> kept, KeptChange more)
    {
        kept.Add(more);
        return kept;
    }
}

/// <summary>The sectors that something durable was written to, since the base volume, and those that the base volume uses.</summary>
internal sealed class DurableSectors
{
    private readonly System.Collections.BitArray _written;

    public DurableSectors(BaseVolume start)
    {
        _written = new System.Collections.BitArray(start.Options.SizeBytes / 512, true);
        foreach ((long first, long count) in start.FreeRuns)
        {
            for (long sector = first; sector < first + count; sector++)
            {
                _written[(int)sector] = false;
            }
        }
    }

    public void Add(CrashEvent change)
    {
        for (long sector = change.OffsetBytes / 512; change.Kind == CrashEventKind.Write && sector < Math.Min(EndOf(change), _written.Length); sector++)
        {
            _written[(int)sector] = true;
        }
    }

    public bool Overlaps(CrashEvent change)
    {
        bool overlaps = change.Kind != CrashEventKind.Write;
        for (long sector = change.OffsetBytes / 512; sector < Math.Min(EndOf(change), _written.Length) && !overlaps; sector++)
        {
            overlaps = _written[(int)sector];
        }
        return overlaps;
    }

    private static long EndOf(CrashEvent change) => (change.OffsetBytes + change.LengthBytes + 511) / 512;
}
