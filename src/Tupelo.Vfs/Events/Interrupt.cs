// Interrupt is what a signal is to a Linux system call: it ends a sleep with EINTR, and nothing else. A context owns one;
// a FUSE INTERRUPT, a 9P Tflush or a cancelled token raises it, the context's owner clears it before the next request.
//
// Invariant: a raised interrupt is seen by every wait that begins before it is cleared. A waiter registers on the queue first
// and reads the flag afterwards; Raise sets the flag first and walks the queue afterwards, so one of the two sees the other.
// Locks: none of its own; the queue's.
namespace Tupelo.Vfs;

/// <summary>Ends blocking calls of a context with EINTR. Any thread may raise it; several threads may sleep under it.</summary>
public sealed class Interrupt
{
    private readonly PollQueue _sleepers = new();
    private int _pending;

    /// <summary>True from <see cref="Raise"/> to <see cref="Clear"/>.</summary>
    public bool IsPending => Volatile.Read(ref _pending) != 0;

    internal PollQueue Sleepers => _sleepers;

    /// <summary>Every wait under this interrupt returns EINTR until <see cref="Clear"/>.</summary>
    public void Raise()
    {
        _ = Interlocked.Exchange(ref _pending, 1);
        _sleepers.Wake(PollEvents.Error);
    }

    /// <summary>Makes the context able to sleep again.</summary>
    public void Clear() => Volatile.Write(ref _pending, 0);
}
