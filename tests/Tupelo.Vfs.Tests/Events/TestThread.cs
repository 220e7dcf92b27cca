// A thread whose exception fails the test, and the seed of a random test.
namespace Tupelo.Vfs.Tests;

internal sealed class TestThread
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Thread _thread;
    private Exception? _failure;

    private TestThread(Action body)
    {
        _thread = new Thread(() =>
        {
            try
            {
                body();
            }
            catch (Exception failure)
            {
                _failure = failure;
            }
        })
        {
            IsBackground = true,
        };
        _thread.Start();
    }

    internal static TestThread Run(Action body) => new(body);

    internal bool IsFinished => !_thread.IsAlive;

    internal void Join()
    {
        Assert.True(_thread.Join(s_patience), "a thread did not come back: a lost wake-up or a deadlock");
        if (_failure is not null)
        {
            throw new InvalidOperationException("a thread failed", _failure);
        }
    }

    // For "somebody sleeps now", where no state tells it: gives the other thread the time to get there.
    internal static void WaitUntil(Func<bool> condition)
    {
        long end = Environment.TickCount64 + (long)s_patience.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < end, "what was waited for did not happen");
            Thread.Sleep(1);
        }
    }

    internal static int NewSeed(ITestOutputHelper? output)
    {
        int seed = Environment.GetEnvironmentVariable("TUPELO_SEED") is { Length: > 0 } given
            ? int.Parse(given)
            : Random.Shared.Next();
        output?.WriteLine($"seed {seed} (set TUPELO_SEED to repeat)");
        return seed;
    }
}
