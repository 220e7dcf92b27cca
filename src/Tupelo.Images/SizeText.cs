using System.Globalization;

namespace Tupelo.Images;

/// <summary>Sizes as people write them: a number of bytes, or with K, M, G or T (powers of 1024; small letters, a B or iB behind are fine).</summary>
public static class SizeText
{
    /// <summary>Reads a size.</summary>
    /// <returns>False when it is none, or does not fit 63 bits.</returns>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        ReadOnlySpan<char> rest = text.AsSpan();
        int digits = rest.IndexOfAnyExceptInRange('0', '9');
        digits = digits < 0 ? rest.Length : digits;
        if (!long.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out long number))
        {
            return false;
        }
        int shift = 0;
        rest = rest[digits..];
        if (!rest.IsEmpty && "KMGT".IndexOf(char.ToUpperInvariant(rest[0]), StringComparison.Ordinal) is >= 0 and var power)
        {
            shift = 10 * (power + 1);
            rest = rest[1..];
            rest = rest.Equals("iB", StringComparison.OrdinalIgnoreCase) ? default : rest;
        }
        if (!(rest.IsEmpty || rest.Equals("B", StringComparison.OrdinalIgnoreCase)) || number > long.MaxValue >> shift)
        {
            return false;
        }
        bytes = number << shift;
        return true;
    }
}
