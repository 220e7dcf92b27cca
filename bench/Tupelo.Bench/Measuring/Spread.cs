namespace Tupelo.Bench;

/// <summary>Median and quartiles of some numbers.</summary>
internal readonly record struct Spread(double Lower, double Median, double Upper)
{
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return new Spread(At(sorted, 0.25), At(sorted, 0.5), At(sorted, 0.75));
    }

    private static double At(double[] sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        return below + 1 == sorted.Length ? sorted[below] : sorted[below] + ((place - below) * (sorted[below + 1] - sorted[below]));
    }
}

/// <summary>A ratio, and whether the rounds agree enough to speak of one: when the middle half of the rounds lies further apart than
/// the median is from 1, there is no ratio to print.</summary>
internal readonly record struct RatioVerdict(Spread Ratio, bool IsClear)
{
    public static RatioVerdict Of(IEnumerable<double> ratios)
    {
        Spread spread = Spread.Of(ratios);
        double width = Math.Log(spread.Upper / spread.Lower);
        return new RatioVerdict(spread, width < Math.Abs(Math.Log(spread.Median)));
    }
}
