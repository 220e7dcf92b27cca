namespace Tupelo.Fuzz.Images;

/// <summary>A random sequence that is the same on every machine and runtime for one seed (SplitMix64).</summary>
public sealed class FuzzRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The sequence of one case of a campaign: cases do not depend on each other, so any one can be replayed.</summary>
    public static FuzzRandom ForCase(ulong seed, long number) => new(Mix(seed + 0x9e3779b97f4a7c15) ^ Mix((ulong)number));

    public ulong Next()
    {
        _state += 0x9e3779b97f4a7c15;
        return Mix(_state);
    }

    /// <summary>0 to <paramref name="bound"/> - 1; 0 for a bound of 0.</summary>
    public int Below(int bound) => bound <= 0 ? 0 : (int)((Next() >> 32) * (ulong)bound >> 32);

    /// <summary>True once in <paramref name="times"/>.</summary>
    public bool OneIn(int times) => Below(times) == 0;

    public T Pick<T>(IReadOnlyList<T> list) => list[Below(list.Count)];

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
