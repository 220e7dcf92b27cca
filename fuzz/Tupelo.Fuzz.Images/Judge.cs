// Runs a target on one input, twice, and judges: exceptions that no reader may throw, time, memory, reads beyond the device, and two
// answers to one question. The limits are those that SECURITY.md promises.
namespace Tupelo.Fuzz.Images;

public static class Judge
{
    /// <summary>More computing than this for a small image counts as a hang.</summary>
    public static readonly TimeSpan TimeLimit = TimeSpan.FromMilliseconds(250);

    /// <summary>An image above this size may take longer: TimeLimit for each so many bytes.</summary>
    public const int SmallImageBytes = 1 << 20;

    public static long AllocationLimit(int imageBytes) => (16L << 20) + (32L * imageBytes);

    /// <summary>Null when all is well; otherwise what is wrong.</summary>
    public static string? Try(byte[] image, out ImageOutcome outcome) => Try(image, ImageTarget.Run, out outcome);

    /// <inheritdoc cref="Try(byte[], out ImageOutcome)"/>
    public static string? Try(byte[] image, Func<byte[], ImageOutcome> target, out ImageOutcome outcome)
    {
        outcome = default;
        TimeSpan limit = TimeLimit * (1 + (image.Length / SmallImageBytes));
        ImageOutcome first = default;
        for (int attempt = 0; attempt < 2; attempt++)
        {
            TimeSpan best = TimeSpan.MaxValue;
            // Compilation and collection make anything slow once; slow four times is slow.
            for (int retry = 0; retry < 4 && best > limit; retry++)
            {
                long allocated = GC.GetAllocatedBytesForCurrentThread();
                TimeSpan start = ThreadClock.Now;
                try
                {
                    outcome = target(image);
                }
                catch (Exception exception)
                {
                    return $"{exception.GetType().Name}: {exception.Message}\n{exception.StackTrace}";
                }
                TimeSpan took = ThreadClock.Now - start;
                best = took < best ? took : best;
                allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
                if (allocated > AllocationLimit(image.Length))
                {
                    return $"{allocated} bytes allocated for an image of {image.Length}";
                }
            }
            if (best > limit)
            {
                return $"{best.TotalMilliseconds:F0} ms for an image of {image.Length} bytes";
            }
            if (outcome.Outside is { } outside)
            {
                return "a read outside of the device: " + outside;
            }
            if (attempt == 0)
            {
                first = outcome;
            }
            else if (outcome != first)
            {
                return $"two opens differ: {first} and {outcome}";
            }
        }
        return null;
    }
}
