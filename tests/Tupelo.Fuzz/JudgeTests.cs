using Tupelo.Fuzz.Images;

namespace Tupelo.Fuzz;

/// <summary>A judge that lets everything pass proves nothing: each thing that is forbidden is done here, and must be noticed.</summary>
public sealed class JudgeTests
{
    private static readonly byte[] Image = new byte[4096];

    [Fact]
    public void ForbiddenException_IsAVerdict() =>
        Assert.StartsWith("IndexOutOfRangeException", Judge.Try(Image, image => new ImageOutcome(image[image.Length], null, 0, null), out _), StringComparison.Ordinal);

    [Fact]
    public void Hang_IsAVerdict() =>
        Assert.Contains(" ms for an image", Judge.Try(
            Image,
            _ =>
            {
                Compute(300);
                return default;
            },
            out _)!, StringComparison.Ordinal);

    [Fact]
    public void OneSlowRun_IsNoVerdict()
    {
        int runs = 0;
        Assert.Null(Judge.Try(
            Image,
            _ =>
            {
                if (runs++ == 0)
                {
                    Compute(300);
                }
                return default;
            },
            out _));
    }

    [Fact]
    public void TooMuchMemory_IsAVerdict() =>
        Assert.Contains("bytes allocated", Judge.Try(
            Image,
            image =>
            {
                for (int i = 0; i < 20; i++)
                {
                    GC.KeepAlive(new byte[1 << 20]);
                }
                return default;
            },
            out _)!, StringComparison.Ordinal);

    [Fact]
    public void TwoAnswers_AreAVerdict()
    {
        ulong answer = 0;
        Assert.StartsWith("two opens differ", Judge.Try(Image, _ => new ImageOutcome(answer++, null, 0, null), out _), StringComparison.Ordinal);
    }

    [Fact]
    public void ReadBeyondTheDevice_IsAVerdict() =>
        Assert.StartsWith("a read outside", Judge.Try(
            Image,
            image =>
            {
                using var device = new ArrayBlockDevice(image);
                _ = device.Read(4000, new byte[100]);
                return new ImageOutcome(0, null, 0, device.Outside);
            },
            out _), StringComparison.Ordinal);

    // Not a sleep: the judge counts what a thread computes, so that a busy machine makes no verdicts.
    private static void Compute(int milliseconds)
    {
        TimeSpan end = ThreadClock.Now + TimeSpan.FromMilliseconds(milliseconds);
        while (ThreadClock.Now < end)
        {
            Thread.SpinWait(100);
        }
    }

    [Fact]
    public void FailingInput_ShrinksToWhatMatters()
    {
        byte[] input = new byte[5000];
        new Random(1).NextBytes(input);
        input[1234] = 77;
        byte[] shrunk = Shrinker.ShrinkBytes(input, candidate => candidate.Length > 1234 && candidate[1234] == 77 ? "bad byte" : null);
        Assert.Equal(1235, shrunk.Length);
        Assert.Equal(1, shrunk.Count(value => value != 0));
    }
}
