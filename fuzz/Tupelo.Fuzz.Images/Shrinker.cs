// Makes a failing input smaller while it goes on failing in the same way: first by leaving out steps of its case, then by cutting and
// clearing bytes.
namespace Tupelo.Fuzz.Images;

public static class Shrinker
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(20);

    /// <summary>Leaves out the steps without which the case still fails.</summary>
    public static byte[] ShrinkCase(FuzzCase failing, Func<byte[], string?> judge)
    {
        string? kind = Kind(judge(failing.Build()));
        var without = new HashSet<int>();
        for (int step = -1; step < failing.StepCount; step++)
        {
            _ = without.Add(step);
            if (kind is null || Kind(judge(failing.Build(null, without))) != kind)
            {
                _ = without.Remove(step);
            }
        }
        return ShrinkBytes(failing.Build(null, without), judge);
    }

    /// <summary>Cuts the end off and clears what is not needed, in ever smaller pieces.</summary>
    public static byte[] ShrinkBytes(byte[] input, Func<byte[], string?> judge)
    {
        string? kind = Kind(judge(input));
        if (kind is null)
        {
            return input;
        }
        long end = Environment.TickCount64 + (long)Budget.TotalMilliseconds;
        for (int cut = input.Length / 2; cut > 0 && Environment.TickCount64 < end; cut /= 2)
        {
            while (input.Length > cut && Kind(judge(input[..^cut])) == kind)
            {
                input = input[..^cut];
            }
        }
        for (int size = 4096; size >= 1 && Environment.TickCount64 < end; size = size > 1 ? size / 4 : 0)
        {
            for (int at = 0; at < input.Length && Environment.TickCount64 < end; at += size)
            {
                int length = Math.Min(size, input.Length - at);
                if (input.AsSpan(at, length).ContainsAnyExcept((byte)0))
                {
                    byte[] cleared = [.. input];
                    cleared.AsSpan(at, length).Clear();
                    if (Kind(judge(cleared)) == kind)
                    {
                        input = cleared;
                    }
                }
            }
        }
        return input;
    }

    // The same failure: the first words of the verdict and, for an exception, the place where it was thrown.
    private static string? Kind(string? verdict)
    {
        if (verdict is null)
        {
            return null;
        }
        string[] lines = verdict.Split('\n');
        string head = new([.. lines[0].Where(character => !char.IsAsciiDigit(character)).Take(40)]);
        return lines.Length > 1 ? head + lines[1].Trim() : head;
    }
}
