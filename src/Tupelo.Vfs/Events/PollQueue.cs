// PollQueue is the list of those who want to hear from one source (a pipe, an eventfd, an inotify instance, an epoll instance):
// threads asleep in a blocking call or in poll, and epoll registrations. The source owns it and lives at least as long.
//
// Protocol against lost wake-ups: a waiter adds its node first and looks at the source's state afterwards (under the source's
// lock); a source changes its state under its lock and calls Wake after releasing it. Whichever of the two lock sections comes
// first, the waiter sees the state or the source sees the node.
//
// Locks: _mu is a leaf. Under it only PollNode.OnWake runs, which takes at most the epoll ready-list lock or a sleeper's gate
// (both take nothing further) and touches nothing else. A wake-up that travels on (an epoll instance has waiters of its own)
// is remembered and sent after _mu is released. When Remove has returned, OnWake of that node is not running and never will.
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

/// <summary>A place in a <see cref="PollQueue"/>.</summary>
internal abstract class PollNode
{
    internal PollQueue? Queue;
    internal PollNode? Previous;
    internal PollNode? Next;

    /// <summary>The events to hear of; <see cref="PollEvents.Always"/> is added by the queue.</summary>
    internal PollEvents Interest;

    /// <summary>Stands at the end of the queue, and the first one that accepts ends the wake-up of those that are exclusive.</summary>
    internal bool Exclusive;

    /// <summary>Called with the queue's lock held. Returns false when the wake-up was of no use here.</summary>
    /// <param name="then">A queue to wake in turn once the lock is released, or null.</param>
    internal abstract bool OnWake(PollEvents events, out PollQueue? then);
}

/// <summary>The waiters of one event source. Any thread.</summary>
public sealed class PollQueue
{
    private readonly RankedLock _mu = new(LockRank.Leaf); // Guards the links of all nodes in this queue.
    private PollNode? _head;
    private PollNode? _tail;

    /// <summary>True when somebody waits; one field read.</summary>
    public bool HasWaiters
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _head) is not null;
    }

    /// <summary>Tells the waiters that <paramref name="events"/> may have come true. Call it after releasing the source's lock.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Wake(PollEvents events)
    {
        if (HasWaiters)
        {
            WakeNodes(events);
        }
    }

    internal void Add(PollNode node)
    {
        using (_mu.EnterScope())
        {
            Debug.Assert(node.Queue is null);
            node.Queue = this;
            if (node.Exclusive || _head is null)
            {
                node.Previous = _tail;
                node.Next = null;
                if (_tail is null)
                {
                    _head = node;
                }
                else
                {
                    _tail.Next = node;
                }
                _tail = node;
            }
            else
            {
                // Those who are not exclusive stand in front, so that the first exclusive one found ends the walk.
                node.Previous = null;
                node.Next = _head;
                _head.Previous = node;
                _head = node;
            }
        }
    }

    internal void Remove(PollNode node)
    {
        using (_mu.EnterScope())
        {
            if (node.Queue != this)
            {
                return;
            }
            if (node.Previous is null)
            {
                _head = node.Next;
            }
            else
            {
                node.Previous.Next = node.Next;
            }
            if (node.Next is null)
            {
                _tail = node.Previous;
            }
            else
            {
                node.Next.Previous = node.Previous;
            }
            node.Previous = null;
            node.Next = null;
            node.Queue = null;
        }
    }

    /// <summary>The first node for which <paramref name="match"/> holds; it may have left when this returns.</summary>
    internal PollNode? Find<TState>(TState state, Func<PollNode, TState, bool> match)
    {
        using (_mu.EnterScope())
        {
            for (PollNode? node = _head; node is not null; node = node.Next)
            {
                if (match(node, state))
                {
                    return node;
                }
            }
            return null;
        }
    }

    private void WakeNodes(PollEvents events)
    {
        Chain chain = default;
        int count = 0;
        List<PollQueue>? more = null;
        using (_mu.EnterScope())
        {
            for (PollNode? node = _head; node is not null; node = node.Next)
            {
                if ((events & (node.Interest | PollEvents.Always)) == 0)
                {
                    continue;
                }
                bool accepted = node.OnWake(events, out PollQueue? then);
                if (then is not null)
                {
                    if (count < Chain.Length)
                    {
                        chain[count++] = then;
                    }
                    else
                    {
                        (more ??= []).Add(then);
                    }
                }
                if (accepted && node.Exclusive)
                {
                    break;
                }
            }
        }
        for (int i = 0; i < count; i++)
        {
            chain[i].Wake(PollEvents.Readable);
        }
        if (more is not null)
        {
            foreach (PollQueue queue in more)
            {
                queue.Wake(PollEvents.Readable);
            }
        }
    }

    // Epoll instances are rarely more than a few on one source: the queues to wake in turn stay on the stack.
    [InlineArray(Length)]
    private struct Chain
    {
        internal const int Length = 8;
        private PollQueue _first;
    }
}
