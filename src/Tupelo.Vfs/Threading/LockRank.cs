// The order in which locks are taken, and the checker that proves it while the tests run. docs/vfs.md has the same table.
// The checker is on in debug builds, and in any build whose AppContext switch "Tupelo.Vfs.LockRanks" is true (tests/Directory.Build.props
// sets it for every test project); being a static readonly decision, it costs nothing when off.
//
// While it is on, each thread's locks are on record, held or waited for, so that a watchdog can say who waits for whom (Describe).
using System.Runtime.CompilerServices;
using System.Text;

namespace Tupelo.Vfs;

/// <summary>Ranks, outermost first: a thread takes locks in ascending order only.</summary>
internal enum LockRank
{
    /// <summary>An open file's position. Two: by serial number.</summary>
    Position = 1,

    /// <summary>The private pages of one mapping; the file is read under it.</summary>
    Mapping = 2,

    /// <summary>The mount table's mutex.</summary>
    Namespace = 3,

    /// <summary>A file system's rename mutex.</summary>
    Rename = 4,

    /// <summary>A directory whose entries are looked up or changed. Two: ancestor first, and only under Rename or by try-lock.</summary>
    Directory = 5,

    /// <summary>A file or directory that gains, loses or changes a name. Several: directories first, then by number.</summary>
    Child = 6,

    /// <summary>A regular file's content. Two: by number.</summary>
    Data = 7,

    /// <summary>State of cached pages, and locks inside of file systems.</summary>
    Page = 8,

    /// <summary>Epoll instances, which ask files under their lock: the nesting mutex first, then the outer instance before the inner one.</summary>
    Epoll = 9,

    /// <summary>The state of one event source or list of locks. Two rings of pipes: by serial number.</summary>
    Source = 10,

    /// <summary>Short sections that call nobody: tables, lists, queues of waiters. Never two.</summary>
    Leaf = 11,

    /// <summary>What a wake-up takes under a queue of waiters: an epoll instance's ready list, a sleeper's gate. Never two.</summary>
    WakeUp = 12,
}

internal static class LockRanks
{
    internal static readonly bool IsEnabled = Decide();

    /// <summary>Runs before every lock is asked for, while the checker is on: a test that wants rare interleavings delays threads here.</summary>
    internal static volatile Action? BeforeLock;

    private static readonly Lock s_threadsMu = new();                    // Guards s_threads; taken when a thread takes its first lock.
    private static readonly List<WeakReference<ThreadLocks>> s_threads = [];

    [ThreadStatic]
    private static ThreadLocks? t_locks;

    // A lock is about to be taken: checks that it may be, and notes it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Wanted(LockRank rank, object owner)
    {
        if (IsEnabled)
        {
            Note(rank, owner, tried: false);
        }
    }

    // The lock that was wanted last is held.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Got()
    {
        if (IsEnabled)
        {
            t_locks!.IsWaiting = false;
        }
    }

    // A lock was taken without waiting for it: it cannot be part of a deadlock, but what is wanted under it can.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Tried(LockRank rank, object owner)
    {
        if (IsEnabled)
        {
            Note(rank, owner, tried: true);
            t_locks!.IsWaiting = false;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Released(LockRank rank, object owner)
    {
        if (IsEnabled)
        {
            Forget(rank, owner);
        }
    }

    // Before file system code runs: nothing short may be held.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void AssertMayCallFileSystem()
    {
        if (IsEnabled && t_locks is { Held: { Count: > 0 } held } && held[^1].Rank >= LockRank.Page)
        {
            throw new LockOrderException($"file system code would run under {held[^1]}");
        }
    }

    // Before code that may sleep, evict or call out: nothing at all may be held.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void AssertNothingHeld()
    {
        if (IsEnabled && t_locks is { Held: { } held } && held.Exists(static h => h.Rank >= LockRank.Directory))
        {
            throw new LockOrderException($"a vnode would be released, or the thread sleep, under {string.Join(", ", held)}");
        }
    }

    /// <summary>How many locks the calling thread holds; 0 between two calls.</summary>
    internal static int HeldByThisThread => t_locks?.Held.Count ?? 0;

    /// <summary>What every thread holds and waits for now, one line each; for a watchdog. Not a snapshot: threads that move may be misread.</summary>
    internal static string Describe()
    {
        if (!IsEnabled)
        {
            return "the lock-rank checker is off";
        }
        var text = new StringBuilder();
        lock (s_threadsMu)
        {
            foreach (WeakReference<ThreadLocks> reference in s_threads)
            {
                if (reference.TryGetTarget(out ThreadLocks? locks) && locks.Describe() is { } line)
                {
                    _ = text.AppendLine(line);
                }
            }
        }
        return text.Length == 0 ? "no thread holds or waits for a lock" : text.ToString();
    }

    private static bool Decide()
    {
#if DEBUG
        return true;
#else
        return AppContext.TryGetSwitch("Tupelo.Vfs.LockRanks", out bool on) && on;
#endif
    }

    private static ThreadLocks Mine()
    {
        if (t_locks is { } mine)
        {
            return mine;
        }
        var made = new ThreadLocks();
        t_locks = made;
        lock (s_threadsMu)
        {
            _ = s_threads.RemoveAll(static reference => !reference.TryGetTarget(out _));
            s_threads.Add(new WeakReference<ThreadLocks>(made));
        }
        return made;
    }

    private static void Note(LockRank rank, object owner, bool tried)
    {
        BeforeLock?.Invoke();
        // Loops, not lambdas: tests count allocations with the checker on.
        ThreadLocks mine = Mine();
        List<Held> held = mine.Held;
        if (held.Count > 0 && !tried)
        {
            Held top = held[^1];
            if (rank < top.Rank || (rank == top.Rank && !MayFollow(rank, top, owner, held)))
            {
                throw new LockOrderException($"{new Held(rank, owner)} taken under {string.Join(", ", held)}");
            }
        }
        held.Add(new Held(rank, owner));
        mine.IsWaiting = true;
    }

    private static bool MayFollow(LockRank rank, Held top, object owner, List<Held> held) => rank switch
    {
        LockRank.Position => Serial(top.Owner) < Serial(owner),
        // The second directory of a rename: the caller orders them; here only the reason why it may.
        LockRank.Directory => held.Exists(static h => h.Rank == LockRank.Rename),
        LockRank.Child or LockRank.Data =>
            (IsDirectory(top.Owner) && !IsDirectory(owner)) || (IsDirectory(top.Owner) && IsDirectory(owner)) || Serial(top.Owner) < Serial(owner),
        // Instances that watch each other form no cycle: that is checked before one is added to another.
        LockRank.Epoll => !ReferenceEquals(top.Owner, owner),
        LockRank.Source => Serial(top.Owner) < Serial(owner),
        _ => false,
    };

    private static bool IsDirectory(object owner) => owner is Vnode { IsDirectory: true };

    private static ulong Serial(object owner) => owner switch
    {
        Vnode vnode => vnode.Ino,
        OpenFile file => (ulong)file.Serial,
        RankedLock mutex => mutex.Serial,
        _ => 0,
    };

    private static void Forget(LockRank rank, object owner)
    {
        List<Held> held = Mine().Held;
        int index = held.Count - 1;
        while (index >= 0 && (held[index].Rank != rank || !ReferenceEquals(held[index].Owner, owner)))
        {
            index--;
        }
        if (index < 0)
        {
            throw new LockOrderException($"{new Held(rank, owner)} released but not held");
        }
        held.RemoveAt(index);
    }

    private sealed class ThreadLocks
    {
        internal readonly List<Held> Held = [];
        internal volatile bool IsWaiting; // For the last one of Held.
        private readonly Thread _thread = Thread.CurrentThread;

        // Null when there is nothing to say. Read while the thread goes on: a torn list is told as such.
        internal string? Describe()
        {
            try
            {
                Held[] held = [.. Held];
                if (held.Length == 0)
                {
                    return null;
                }
                string name = $"thread {_thread.ManagedThreadId} {_thread.Name}";
                return !IsWaiting ? $"{name}: holds {string.Join(", ", held)}"
                    : held.Length == 1 ? $"{name}: waits for {held[0]}"
                    : $"{name}: waits for {held[^1]}; holds {string.Join(", ", held[..^1])}";
            }
            catch (ArgumentException)
            {
                return $"thread {_thread.ManagedThreadId} {_thread.Name}: moving";
            }
        }
    }

    private readonly record struct Held(LockRank Rank, object Owner)
    {
        public override string ToString() => Owner is Vnode vnode
            ? $"{Rank} of {vnode.Type} {vnode.Ino}"
            : $"{Rank} of {Owner?.GetType().Name} {System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(Owner):x}";
    }
}

/// <summary>A thread took locks in an order that could deadlock: a bug in the core, found by the checker.</summary>
public sealed class LockOrderException(string message) : InvalidOperationException(message);
