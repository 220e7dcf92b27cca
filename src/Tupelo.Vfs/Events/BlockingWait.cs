// BlockingWait is how every call of the VFS sleeps: on one queue or several, ended by a wake-up, an interrupt or a deadline.
//
// Use: try the operation; when it must wait, make a BlockingWait on the source's queue, then loop { try again; Sleep; }.
// A wake-up says "look again", no more: Sleep may return without cause, so the caller's loop decides.
// Memory: a thread keeps one Sleeper with its nodes and lends it to the wait, so that a warm wait allocates nothing.
// Locks: Sleeper._gate is the innermost lock of all (taken under PollQueue._mu by a wake-up); nothing is taken under it.
namespace Tupelo.Vfs;

/// <summary>A registration of the calling thread on event sources; dispose it in the same call.</summary>
public ref struct BlockingWait
{
    private readonly Sleeper _sleeper;
    private readonly Interrupt? _interrupt;

    /// <summary>Registers on nothing yet but <paramref name="interrupt"/>.</summary>
    public BlockingWait(Interrupt? interrupt)
    {
        _sleeper = Sleeper.Rent();
        _interrupt = interrupt;
        if (interrupt is not null)
        {
            _sleeper.Watch(interrupt.Sleepers, PollEvents.Error);
        }
    }

    /// <summary>Registers on <paramref name="queue"/> for <paramref name="events"/> (and errors and hang-ups).</summary>
    public BlockingWait(PollQueue queue, PollEvents events, Interrupt? interrupt)
        : this(interrupt) => _sleeper.Watch(queue, events);

    /// <summary>Registers on one more source.</summary>
    public readonly void Watch(PollQueue queue, PollEvents events) => _sleeper.Watch(queue, events);

    /// <summary>Sleeps until a source calls, perhaps without cause.</summary>
    /// <returns>None: look again; EINTR: interrupted; ETIMEDOUT: <paramref name="timeout"/> has passed.</returns>
    public readonly Errno Sleep(WaitTimeout timeout = default) => _sleeper.Sleep(_interrupt, timeout);

    /// <summary>Leaves all queues.</summary>
    public readonly void Dispose() => _sleeper.Return();

    private sealed class Sleeper
    {
        [ThreadStatic]
        private static Sleeper? t_spare;

        private readonly object _gate = new(); // Guards _signaled; a Monitor because it is waited on.
        private SleeperNode[] _nodes = [];
        private int _count;
        private bool _signaled;

        internal static Sleeper Rent()
        {
            // A wait inside a wait (a driver that sleeps while polled) finds no spare one and makes its own.
            Sleeper sleeper = t_spare ?? new Sleeper();
            t_spare = null;
            sleeper._signaled = false; // All its nodes are out of their queues: only a late timer could set it, and that does no harm.
            return sleeper;
        }

        internal void Return()
        {
            for (int i = 0; i < _count; i++)
            {
                SleeperNode node = _nodes[i];
                node.Queue?.Remove(node);
            }
            // A poll of very many descriptors does not pin its nodes for ever.
            const int MaxKeptNodes = 1024;
            if (_nodes.Length > MaxKeptNodes)
            {
                _nodes = [];
            }
            _count = 0;
            t_spare = this;
        }

        internal void Watch(PollQueue queue, PollEvents events)
        {
            if (_count == _nodes.Length)
            {
                Array.Resize(ref _nodes, Math.Max(4, _nodes.Length * 2));
            }
            SleeperNode node = _nodes[_count] ??= new SleeperNode(this);
            _count++;
            node.Interest = events;
            queue.Add(node);
        }

        internal void Signal()
        {
            LockRanks.Wanted(LockRank.WakeUp, this);
            lock (_gate)
            {
                LockRanks.Got();
                _signaled = true;
                Monitor.Pulse(_gate);
            }
            LockRanks.Released(LockRank.WakeUp, this);
        }

        // A wake-up beats an interrupt and an interrupt beats the deadline: what has come true is not thrown away.
        internal Errno Sleep(Interrupt? interrupt, WaitTimeout timeout)
        {
            LockRanks.AssertNothingHeld();
            lock (_gate)
            {
                if (_signaled)
                {
                    _signaled = false;
                    return Errno.None;
                }
                if (interrupt is { IsPending: true })
                {
                    return Errno.EINTR;
                }
                if (timeout.IsInfinite)
                {
                    while (!_signaled)
                    {
                        _ = Monitor.Wait(_gate);
                    }
                    _signaled = false;
                    return Errno.None;
                }
            }
            bool signaled = ReferenceEquals(timeout.Clock, TimeProvider.System) ? SleepOnSystemClock(timeout) : SleepOnClock(timeout);
            return signaled ? Errno.None : Errno.ETIMEDOUT;
        }

        private bool SleepOnSystemClock(WaitTimeout timeout)
        {
            lock (_gate)
            {
                while (!_signaled)
                {
                    double left = Math.Ceiling(timeout.Remaining.TotalMilliseconds);
                    if (left <= 0)
                    {
                        return false;
                    }
                    _ = Monitor.Wait(_gate, (int)Math.Min(left, int.MaxValue));
                }
                _signaled = false;
                return true;
            }
        }

        // An injected clock (tests, simulation) wakes us by its own timer.
        private bool SleepOnClock(WaitTimeout timeout)
        {
            TimeSpan left = timeout.Remaining;
            if (left <= TimeSpan.Zero)
            {
                return false;
            }
            const long MaxTimerTicks = 4_294_967_294L * TimeSpan.TicksPerMillisecond;
            left = TimeSpan.FromTicks(Math.Min(left.Ticks, MaxTimerTicks));
            using ITimer timer = timeout.Clock.CreateTimer(static state => ((Sleeper)state!).Signal(), this, left, Timeout.InfiniteTimeSpan);
            lock (_gate)
            {
                while (!_signaled)
                {
                    _ = Monitor.Wait(_gate);
                }
                _signaled = false;
            }
            return true; // Perhaps by the timer: the caller looks once more, and the next Sleep says ETIMEDOUT.
        }
    }

    private sealed class SleeperNode(Sleeper sleeper) : PollNode
    {
        internal override bool OnWake(PollEvents events, out PollQueue? then)
        {
            then = null;
            sleeper.Signal();
            return true;
        }
    }
}
