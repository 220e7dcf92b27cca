using System.Text;
using Tupelo.FileSystems;
using Tupelo.Vfs;

namespace Tupelo.Tests;

/// <summary>A tree with more names than the cache may hold.</summary>
public sealed class NameCacheTests
{
    private const int FileCount = 2000;

    // A full cache used to evict the name that a walk had just looked up, before the walk could pin it; the walk began anew, and did so
    // for ever. It took a clock hand that had passed over names in use up to the last place, where the newest name stands.
    [Fact]
    public void WalksInAFullCache_Arrive()
    {
        using VfsContext context = Start(cachedNames: 128);
        var calls = new Syscalls(context);
        int arrived = 0;
        var walker = new Thread(() => arrived = UseThenOpen(calls)) { IsBackground = true };
        walker.Start();
        Assert.True(walker.Join(TimeSpan.FromSeconds(30)), "a walk does not end");
        Assert.Equal(200, arrived);
    }

    [Fact]
    public void OneThread_MayUseAllOfTheCache()
    {
        using VfsContext context = Start(cachedNames: 2 * FileCount + 64);
        var calls = new Syscalls(context);
        _ = StatAll(calls, rounds: 2);
        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = StatAll(calls, rounds: 1);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096); // every name, also a missing one, is found in the cache
    }

    private static VfsContext Start(int cachedNames)
    {
        var kernel = new VfsKernel(new VfsOptions { CachedNames = cachedNames });
        Assert.Equal(Errno.None, kernel.FileSystems.Register(new RamFsType()));
        Assert.Equal(Errno.None, kernel.Start("ramfs", "", MountFlags.None, "", out VfsContext? context));
        var calls = new Syscalls(context!);
        for (int i = 0; i < FileCount; i++)
        {
            int fd = (int)calls.Create(s_present[i], 0x1A4);
            Assert.True(fd >= 0);
            Assert.Equal(0, calls.Close(fd));
        }
        return context!;
    }

    private static readonly byte[][] s_present = [.. Enumerable.Range(0, FileCount).Select(static i => Encoding.UTF8.GetBytes($"/file{i}"))];
    private static readonly byte[][] s_missing = [.. Enumerable.Range(0, FileCount).Select(static i => Encoding.UTF8.GetBytes($"/none{i}"))];

    // Fills the cache with more and more names in use, and opens one that is not cached each time.
    private static int UseThenOpen(Syscalls calls)
    {
        int opened = 0;
        Stat stat = default;
        for (int used = 1; used <= 200; used++)
        {
            for (int i = 0; i < 3 * used; i++)
            {
                _ = calls.Stat(s_present[i % used], ref stat);
            }
            int fd = (int)calls.Open(s_present[FileCount - used], OpenFlags.ReadOnly);
            opened += fd >= 0 && calls.Close(fd) == 0 ? 1 : 0;
        }
        return opened;
    }

    private static int StatAll(Syscalls calls, int rounds)
    {
        int answers = 0;
        Stat stat = default;
        for (int i = 0; i < rounds * FileCount; i++)
        {
            int file = i * 7 % FileCount;
            answers += calls.Stat(s_present[file], ref stat) == 0 ? 1 : 0;
            answers += calls.Stat(s_missing[file], ref stat) == -(long)Errno.ENOENT ? 1 : 0;
        }
        return answers;
    }
}
