using System.Globalization;

namespace Tupelo.Cli;

/// <summary>Sizes as people write them: 4096, 64k, 10M, 1G, 2T; units of 1024.</summary>
internal static class SizeText
{
    /// <summary>The number of bytes.</summary>
    /// <exception cref="UsageException">It is no size; the message names the option.</exception>
    public static long Parse(string option, string text)
    {
        int shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, 'P' => 50, _ => 0 };
        bool isNumber = long.TryParse(shift > 0 ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out long count);
        return isNumber && count <= long.MaxValue >> shift
            ? count << shift
            : throw new UsageException($"{option} {text}: a size is a number, perhaps with k, M, G or T behind it");
    }
}
