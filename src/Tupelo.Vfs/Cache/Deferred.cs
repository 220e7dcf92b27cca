// Deferred holds what a call must still release when it holds no lock any more: dentries taken out of the cache, whose last
// count may run file system code (Vnode.Release). Per thread; each operation that may have put something in runs it at its end.
namespace Tupelo.Vfs;

internal static class Deferred
{
    [ThreadStatic]
    private static List<Entry>? t_entries;

    // The name is stale: out of the cache with it and, for a directory, with everything below.
    internal static void Forget(Dentry dentry)
    {
        if (DentryCache.Unhash(dentry))
        {
            Add(new Entry(dentry, null, Subtree: true));
        }
    }

    // One count of a dentry is to be given back.
    internal static void Unpin(Dentry dentry)
    {
        if (!dentry.TryUnpinShared())
        {
            Add(new Entry(dentry, null, Subtree: false));
        }
    }

    // One reference of a vnode is to be given back.
    internal static void Release(Vnode vnode) => Add(new Entry(null, vnode, Subtree: false));

    // No lock is held.
    internal static void Run()
    {
        if (t_entries is { Count: > 0 } entries)
        {
            RunAll(entries);
        }
    }

    private static void Add(Entry entry) => (t_entries ??= []).Add(entry);

    private static void RunAll(List<Entry> entries)
    {
        LockRanks.AssertNothingHeld();
        while (entries.Count > 0)
        {
            Entry last = entries[^1];
            entries.RemoveAt(entries.Count - 1);
            if (last.Subtree)
            {
                DentryCache.DropSubtree(last.Dentry!);
            }
            last.Dentry?.Unpin();
            last.Vnode?.Release();
        }
    }

    private readonly record struct Entry(Dentry? Dentry, Vnode? Vnode, bool Subtree);
}
