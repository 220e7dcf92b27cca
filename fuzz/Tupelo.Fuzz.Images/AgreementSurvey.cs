using System.Text.RegularExpressions;

namespace Tupelo.Fuzz.Images;

/// <summary>Counts how the two readers agree over many damaged images, and why they do not.</summary>
public static partial class AgreementSurvey
{
    // Where the product may read on although the independent reader stops. Anything else is a check that the product lacks.
    private static readonly string[] KnownLenient =
    [
        "at byte # of the volume: a header's number does not fit", // zeros in front, any number of them
        "at byte # of the volume: a reference to # has the wrong type", // a vector's elements set by their names
        "tupelo_mode is not a number", "nlink is not a number", // an attribute that tells nothing is as good as none
        "filelength is not a number", // of something that is no regular file, or in more digits than a number needs
        "a link target that is no string", // null, which version 4 cannot tell from a string
        "extent ''", // attributes without a name are dropped
    ];

    // Where the product may stop although the independent reader reads on.
    private static readonly string[] KnownStrict =
    [
        "damaged log: a commit", "the last commit is incomplete", "the log holds no record", // the independent reader knows no commits
        "damaged log: a frame is longer than its record", // or empty, which no writer makes it
        "a directory uses the entries of another",
        "file ", // numbers beyond 63 bits, extents that own nothing or sector 0
    ];

    /// <returns>True when they never told different stories, and differed for known reasons only.</returns>
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
        bool fine = true;
        foreach (((Agreement agreement, string reason), (long count, long example)) in counts.OrderBy(pair => pair.Key.Item1).ThenByDescending(pair => pair.Value.Count))
        {
            bool known = agreement switch
            {
                Agreement.Different => false,
                Agreement.ProductLenient => KnownLenient.Any(start => reason.StartsWith(start, StringComparison.Ordinal)),
                Agreement.ProductStrict => KnownStrict.Any(start => reason.StartsWith(start, StringComparison.Ordinal)),
                _ => true,
            };
            fine &= known;
            output.WriteLine($"{(known ? ' ' : '!')}{count,8} {agreement} {reason} (case {example})");
        }
        return fine;
    }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();
}
