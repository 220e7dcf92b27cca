// The order in which locks are taken, and the checker that proves it while the tests run. docs/vfs.md has the same table.
// The checker is on in debug builds, and in any build whose AppContext switch "Tupelo.Vfs.LockRanks" is true; being a static
// readonly decision, it costs nothing when off.
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

/// <summary>Ranks, outermost first: a thread takes locks in ascending order only.</summary>
internal enum LockRank
{
    /// <summary>An open file's position. Two: by serial number.</summary>
    Position = 1,

    /// <summary>The mount table's mutex.</summary>
    Namespace = 2,

    /// <summary>A file system's rename mutex.</summary>
    Rename = 3,

    /// <summary>A directory whose entries are looked up or changed. Two: ancestor first, and only under Rename or by try-lock.</summary>
    Directory = 4,

    /// <summary>A file or directory that gains, loses or changes a name. Several: directories first, then by number.</summary>
    Child = 5,

    /// <summary>A regular file's content. Two: by number.</summary>
    Data = 6,

    /// <summary>State of cached pages, and locks inside of file systems.</summary>
    Page = 7,

    /// <summary>Short sections that call nobody: tables, lists, queues. Never two.</summary>
    Leaf = 8,
}

internal static class LockRanks
{
    internal static readonly bool IsEnabled = Decide();

    [ThreadStatic]
    private static List<Held>? t_held;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Acquired(LockRank rank, object owner, bool tried = false)
    {
        if (IsEnabled)
        {
            Check(rank, owner, tried);
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
        if (IsEnabled && t_held is { Count: > 0 } held && held[^1].Rank >= LockRank.Page)
        {
            throw new LockOrderException($"file system code would run under {held[^1]}");
        }
    }

    // Before code that may sleep, evict or call out: nothing at all may be held.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void AssertNothingHeld()
    {
        if (IsEnabled && t_held is { Count: > 0 } held && held.Exists(static h => h.Rank >= LockRank.Directory))
        {
            throw new LockOrderException($"a vnode would be released under {string.Join(", ", held)}");
        }
    }

    private static bool Decide()
    {
#if DEBUG
        return true;
#else
        return AppContext.TryGetSwitch("Tupelo.Vfs.LockRanks", out bool on) && on;
#endif
    }

    private static void Check(LockRank rank, object owner, bool tried)
    {
        // Loops, not lambdas: tests count allocations with the checker on.
        List<Held> held = t_held ??= [];
        if (held.Count > 0 && !tried)
        {
            Held top = held[^1];
            if (rank < top.Rank || (rank == top.Rank && !MayFollow(rank, top, owner, held)))
            {
                throw new LockOrderException($"{new Held(rank, owner)} taken under {string.Join(", ", held)}");
            }
        }
        held.Add(new Held(rank, owner));
    }

    private static bool MayFollow(LockRank rank, Held top, object owner, List<Held> held) => rank switch
    {
        LockRank.Position => Serial(top.Owner) < Serial(owner),
        // The second directory of a rename: the caller orders them; here only the reason why it may.
        LockRank.Directory => held.Exists(static h => h.Rank == LockRank.Rename),
        LockRank.Child or LockRank.Data =>
            (IsDirectory(top.Owner) && !IsDirectory(owner)) || (IsDirectory(top.Owner) && IsDirectory(owner)) || Serial(top.Owner) < Serial(owner),
        _ => false,
    };

    private static bool IsDirectory(object owner) => owner is Vnode { IsDirectory: true };

    private static ulong Serial(object owner) => owner switch
    {
        Vnode vnode => vnode.Ino,
        OpenFile file => (ulong)file.Serial,
        _ => 0,
    };

    private static void Forget(LockRank rank, object owner)
    {
        List<Held> held = t_held ??= [];
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

    private readonly record struct Held(LockRank Rank, object Owner)
    {
        public override string ToString() => Owner is Vnode vnode ? $"{Rank} of {vnode.Type} {vnode.Ino}" : $"{Rank} of {Owner.GetType().Name}";
    }
}

/// <summary>A thread took locks in an order that could deadlock: a bug in the core, found by the checker.</summary>
public sealed class LockOrderException(string message) : InvalidOperationException(message);
