using System.Globalization;

namespace Tupelo.Bench;

/// <summary>Numbers as the reports print them.</summary>
internal static class Figures
{
    public static string Time(double nanoseconds) => nanoseconds switch
    {
        < 1e3 => Digits(nanoseconds) + " ns",
        < 1e6 => Digits(nanoseconds / 1e3) + " us",
        < 1e9 => Digits(nanoseconds / 1e6) + " ms",
        _ => Digits(nanoseconds / 1e9) + " s",
    };

    public static string Bytes(double bytes) => bytes switch
    {
        < 0.05 => "0",
        < 10_000 => Digits(bytes),
        < 10e6 => Digits(bytes / 1024) + " Ki",
        _ => Digits(bytes / (1 << 20)) + " Mi",
    };

    /// <summary>"12.3 x", or what can be said when the rounds do not agree.</summary>
    public static string Ratio(RatioVerdict verdict) => verdict.IsClear
        ? Digits(verdict.Ratio.Median) + " x"
        : $"({Digits(verdict.Ratio.Lower)}..{Digits(verdict.Ratio.Upper)})";

    /// <summary>Three digits that mean something.</summary>
    public static string Digits(double value) => value.ToString(Math.Abs(value) switch { < 9.995 => "0.00", < 99.95 => "0.0", _ => "0" }, CultureInfo.InvariantCulture);
}
