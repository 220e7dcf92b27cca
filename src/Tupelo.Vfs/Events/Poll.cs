// Poll: what a pollable thing is (IPollable), and poll(2) over many of them.
//
// A source tells its state (GetReady) and where to wait for a change of it (Waiters). What is always ready (regular files,
// directories) is not an IPollable: the caller fills in In|Out for it, as it fills in Invalid for a descriptor that is not open.
// Locks: GetReady takes the source's leaf lock; no lock is held here while it is called.
namespace Tupelo.Vfs;

/// <summary>An open file whose readiness changes: pipe end, eventfd, timerfd, inotify, epoll, device.</summary>
public interface IPollable
{
    /// <summary>What it is ready for now. Called from any thread; must not sleep.</summary>
    PollEvents GetReady();

    /// <summary>Woken, after the source's own lock is released, whenever an event may have come true.</summary>
    PollQueue Waiters { get; }

    /// <summary>What can ever come true here; a waiter is not woken for anything else. A pipe's two ends share a queue and differ in this.</summary>
    PollEvents PossibleEvents => ~PollEvents.EpollFlags;

    /// <summary>The epoll instance behind this file, or null; only epoll answers otherwise.</summary>
    EpollInstance? Epoll => null;
}

/// <summary>One line of a poll(2) call.</summary>
public struct PollRequest
{
    /// <summary>What to ask, or null when <see cref="Returned"/> is filled in by the caller already.</summary>
    public IPollable? File { get; set; }

    /// <summary>Events asked for; <see cref="PollEvents.Always"/> is implied.</summary>
    public PollEvents Events { get; set; }

    /// <summary>The answer; with a null <see cref="File"/> it is the caller's and counts when it is not zero.</summary>
    public PollEvents Returned { get; set; }
}

/// <summary>poll(2), ppoll(2) and select(2) over pollable files.</summary>
public static class Poll
{
    /// <summary>Waits until one of <paramref name="requests"/> is ready.</summary>
    /// <param name="timeout">When to give up; see <paramref name="immediate"/> for not waiting at all.</param>
    /// <param name="immediate">Look once and return (a timeout of 0).</param>
    /// <returns>How many have a non-zero <see cref="PollRequest.Returned"/>; 0 after the timeout.</returns>
    /// <remarks>Errors: EINTR. Any thread; allocates nothing when warm. Source: poll(2).</remarks>
    public static IoResult Wait(Span<PollRequest> requests, WaitTimeout timeout, bool immediate, Interrupt? interrupt)
    {
        int ready = Look(requests);
        if (ready > 0 || immediate)
        {
            return IoResult.Bytes(ready);
        }
        using BlockingWait wait = new(interrupt);
        foreach (ref PollRequest request in requests)
        {
            if (request.File is not null)
            {
                wait.Watch(request.File.Waiters, request.Events & request.File.PossibleEvents);
            }
        }
        while (true)
        {
            ready = Look(requests);
            if (ready > 0)
            {
                return IoResult.Bytes(ready);
            }
            switch (wait.Sleep(timeout))
            {
                case Errno.EINTR:
                    return Errno.EINTR;
                case Errno.ETIMEDOUT:
                    return IoResult.Bytes(0);
                default:
                    break;
            }
        }
    }

    private static int Look(Span<PollRequest> requests)
    {
        int ready = 0;
        foreach (ref PollRequest request in requests)
        {
            if (request.File is not null)
            {
                request.Returned = request.File.GetReady() & (request.Events | PollEvents.Always);
            }
            if (request.Returned != PollEvents.None)
            {
                ready++;
            }
        }
        return ready;
    }
}
