using System.Text.RegularExpressions;

namespace Tupelo.Fuzz.Images;

/// <summary>Counts how the two readers agree over many damaged images, and why they do not.</summary>
public static partial class AgreementSurvey
{
    /// <returns>True when they never told different stories.</returns>
    public static bool Run(ulong seed, long first, long images, TextWriter output)
    {
        var counts = new Dictionary<(Agreement, string), (long Count, long Example)>();
        for (long number = first; number < first + images; number++)
        {
            Agreement agreement = Differential.Compare(new FuzzCase(seed, number).Build(), out string why);
            string reason = agreement is Agreement.SameTree or Agreement.BothRefuse ? "" : Digits().Replace(why, "#");
            (long count, _) = counts.GetValueOrDefault((agreement, reason));
            counts[(agreement, reason)] = (count + 1, number);
        }
        foreach (((Agreement agreement, string reason), (long count, long example)) in counts.OrderBy(pair => pair.Key.Item1).ThenByDescending(pair => pair.Value.Count))
        {
            output.WriteLine($"{count,8} {agreement} {reason} (case {example})");
        }
        return counts.Keys.All(key => key.Item1 != Agreement.Different);
    }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();
}
