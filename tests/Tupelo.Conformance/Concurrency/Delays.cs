// Random delays where Tupelo's threads are about to take a lock, so that few calls on few cores show the interleavings of many. On for
// the threads that ask for it only; the lock-rank checker, which calls us, is on in every test project.
using Tupelo.Vfs;

namespace Tupelo.Conformance;

/// <summary>Delays of the calling thread before locks.</summary>
internal static class Delays
{
    [ThreadStatic]
    private static Random? t_random;

    /// <summary>From here on this thread is delayed now and then.</summary>
    public static void Begin(int seed)
    {
        t_random = new Random(seed);
        LockRanks.BeforeLock = Delay;
    }

    public static void End() => t_random = null;

    private static void Delay()
    {
        if (t_random is not { } random)
        {
            return;
        }
        switch (random.Next(12))
        {
            case 0:
                _ = Thread.Yield();
                break;
            case 1:
            case 2:
                Thread.SpinWait(random.Next(300));
                break;
            default:
                break;
        }
    }
}
