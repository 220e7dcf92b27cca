// A storm of directory renames over one tree, with walkers under it. The tree is `Places` directories p0.. and `Movables` directories
// m0.., each with a file "mark" whose permission bits are its number, and a chain of directories below. Movers carry the movables
// about: into places, into each other, across parents, exchanged. What must hold at every moment, for every walker:
// - a movable reached through a descriptor has its own mark, and the chain below it;
// - ".." leads to a directory, and going up ends at the root (no cycle), though the way may change while it is gone;
// - getcwd gives a path (never an error: nothing is removed), and every path that is walked gives an answer or ENOENT;
// and at the end: each movable has exactly one name, link counts agree with the tree, and everything can be removed.
//
// A watchdog ends a storm that stands still and says which thread waits for which lock.
//
// TUPELO_STORM_SECONDS makes each storm as long as that; TUPELO_SEED moves its seed.
using System.Text;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

public abstract class RenameStormSuite<TMount> : ConformanceSuite<TMount>
    where TMount : TestMount, new()
{
    private const int Places = 3;
    private const int Movables = 6;
    private const int MaxDepth = 2000;    // Far more levels than a walk can meet by moves alone.
    private static readonly TimeSpan s_standstill = TimeSpan.FromSeconds(30);

    private static readonly byte[] s_chain = "a/b/c"u8.ToArray();

    private long _steps;
    private volatile bool _stop;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 4)]
    public void RenameStorm_UnderWalkers_LosesNothingAndEnds(int movers, int walkers)
    {
        Needs(Features.Ownership);
        int seed = ConcurrencySuite<TMount>.Number("TUPELO_SEED", 1);
        _ = S.Umask(0);
        Build();
        var work = new List<(string Name, Action<ISyscalls, Random> Step)>();
        work.AddRange(Enumerable.Range(0, movers).Select(i => ($"mover {i}", (Action<ISyscalls, Random>)Move)));
        work.AddRange(Enumerable.Range(0, walkers).Select(i => ($"walker {i}", (Action<ISyscalls, Random>)Walk)));
        var failures = new Exception?[work.Count];
        Thread[] threads = [.. work.Select((item, i) =>
        {
            ISyscalls process = Fork();
            var random = new Random((seed * 1000) + i);
            return new Thread(() => failures[i] = Run(process, random, item.Step)) { IsBackground = true, Name = item.Name };
        })];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }
        bool moves = Watch(TimeSpan.FromSeconds(ConcurrencySuite<TMount>.Number("TUPELO_STORM_SECONDS", 1)));
        _stop = true;
        foreach (Thread thread in threads)
        {
            moves &= thread.Join(s_standstill);
        }
        Assert.True(moves, $"the storm of seed {seed} stands still:\n{TestMount.DescribeLocks()}");
        Assert.True(Array.TrueForAll(failures, static failure => failure is null), $"seed {seed}: {Array.Find(failures, static failure => failure is not null)}");
        CheckAndRemove();
    }

    private bool Watch(TimeSpan length)
    {
        DateTime end = DateTime.UtcNow + length;
        DateTime lastProgress = DateTime.UtcNow;
        long before = -1;
        while (DateTime.UtcNow < end)
        {
            Thread.Sleep(20);
            long steps = Interlocked.Read(ref _steps);
            if (steps != before)
            {
                before = steps;
                lastProgress = DateTime.UtcNow;
            }
            else if (DateTime.UtcNow - lastProgress > s_standstill)
            {
                return false;
            }
        }
        return true;
    }

    private Exception? Run(ISyscalls s, Random random, Action<ISyscalls, Random> step)
    {
        try
        {
            Delays.Begin(random.Next());
            while (!_stop)
            {
                step(s, random);
                _ = Interlocked.Increment(ref _steps);
            }
            return null;
        }
        catch (Exception failure)
        {
            _stop = true;
            return failure;
        }
    }

    private static byte[] Place(int i) => Bytes($"p{i}");

    private static byte[] Movable(int i) => Bytes($"m{i}");

    private void Build()
    {
        for (int i = 0; i < Places; i++)
        {
            Ok(S.MkDir(Place(i), Oct(755)));
        }
        for (int i = 0; i < Movables; i++)
        {
            byte[] path = [.. Place(i % Places), (byte)'/', .. Movable(i)];
            Ok(S.MkDir(path, Oct(755)));
            Ok(S.Close((int)Ok(S.Open([.. path, .. "/mark"u8], O_CREAT | O_EXCL | O_WRONLY, (uint)i + 1))));
            foreach (string below in new[] { "/a", "/a/b", "/a/b/c" })
            {
                Ok(S.MkDir([.. path, .. Bytes(below)], Oct(755)));
            }
        }
    }

    // A movable's name is always m<i>, or x<i> where a rename within one directory left it.
    private static byte[] NameOf(Random random, int movable) => random.Next(4) == 0 ? Bytes($"x{movable}") : Movable(movable);

    // Somewhere a movable may be: a place, or another movable in a place, or deeper.
    private static byte[] SomePath(Random random)
    {
        var path = new List<byte>(Place(random.Next(Places)));
        for (int depth = random.Next(4); depth > 0; depth--)
        {
            path.Add((byte)'/');
            path.AddRange(NameOf(random, random.Next(Movables)));
            if (random.Next(4) == 0)
            {
                path.AddRange("/a/b"u8);
            }
        }
        return [.. path];
    }

    private static void Move(ISyscalls s, Random random)
    {
        int movable = random.Next(Movables);
        byte[] from = [.. SomePath(random), (byte)'/', .. NameOf(random, movable)];
        uint flags = random.Next(4) switch { 0 => RENAME_EXCHANGE, _ => RENAME_NOREPLACE };
        byte[] to = [.. SomePath(random), (byte)'/', .. NameOf(random, flags == RENAME_EXCHANGE ? random.Next(Movables) : movable)];
        long result = s.Rename(from, to, flags);
        Assert.True(result == 0 || (Errno)(-result) is Errno.ENOENT or Errno.EEXIST or Errno.EINVAL, $"rename {Encoding.ASCII.GetString(from)} {Encoding.ASCII.GetString(to)} {flags}: {Libc.Describe(result)}");
    }

    private static void Walk(ISyscalls s, Random random)
    {
        byte[] path = [.. SomePath(random), .. random.Next(3) == 0 ? "/../."u8 : ""u8];
        long opened = s.Open(path, O_RDONLY | O_DIRECTORY);
        if (opened < 0)
        {
            Assert.True((Errno)(-opened) == Errno.ENOENT, $"{Encoding.ASCII.GetString(path)}: {Libc.Describe(opened)}");
            return;
        }
        int fd = (int)opened;
        CheckChain(s, fd);
        Ok(s.FChDir(fd));
        CheckWorkingDirectory(s);
        if (random.Next(2) == 0)
        {
            Ok(s.ChDir(".."u8));
            CheckWorkingDirectory(s);
        }
        Ok(s.Close(fd));
        ClimbToRoot(s);
    }

    // What a directory was made with stays with it, wherever it is.
    private static void CheckChain(ISyscalls s, int fd)
    {
        var mark = default(KernelStat);
        long marked = s.NewFStatAt(fd, "mark"u8, ref mark, 0);
        if (marked == 0)
        {
            int chain = (int)Ok(s.OpenAt(fd, s_chain, O_RDONLY | O_DIRECTORY, 0));
            var same = default(KernelStat);
            Ok(s.NewFStatAt(chain, "../../../mark"u8, ref same, 0));
            Assert.Equal((mark.Ino, mark.Permissions), (same.Ino, same.Permissions));
            Ok(s.Close(chain));
        }
        else
        {
            Fails(Errno.ENOENT, marked);
        }
    }

    private static void CheckWorkingDirectory(ISyscalls s)
    {
        byte[] buffer = new byte[PATH_MAX];
        long length = s.GetCwd(buffer);
        Assert.True(length > 1 && buffer[0] == '/' && buffer[length - 1] == 0, $"getcwd: {Libc.Describe(length)}");
        var here = default(KernelStat);
        Ok(s.Stat("."u8, ref here));
        Assert.Equal(S_IFDIR, here.TypeBits);
    }

    private static void ClimbToRoot(ISyscalls s)
    {
        var root = default(KernelStat);
        Ok(s.Stat("/"u8, ref root));
        var here = default(KernelStat);
        for (int depth = 0; ; depth++)
        {
            Ok(s.Stat("."u8, ref here));
            if (here.Ino == root.Ino && here.Device == root.Device)
            {
                break;
            }
            Assert.True(depth < MaxDepth, "going up does not end: the directories form a cycle");
            Ok(s.ChDir(".."u8));
        }
        Ok(s.ChDir("/work"u8));
    }

    // In quiet: every movable once, everything that was in it still there, link counts right; then all of it goes.
    private void CheckAndRemove()
    {
        var found = new List<string>();
        for (int i = 0; i < Places; i++)
        {
            CheckTree(Bytes($"/work/p{i}"), found);
        }
        // Each under one name, and its mark says which it is: an exchange may have given it another one's name.
        Assert.Equal(Enumerable.Range(1, Movables).Select(static i => $"mark {i}"), found.Order(StringComparer.Ordinal));
        for (int i = 0; i < Places; i++)
        {
            RemoveTree(Bytes($"/work/p{i}"));
        }
        Assert.Empty(Names("/work"u8));
    }

    private void CheckTree(byte[] path, List<string> found)
    {
        Assert.True(path.Length < PATH_MAX / 2, "the directories form a cycle");
        uint directories = 0;
        foreach (string name in Names(path))
        {
            byte[] child = [.. path, (byte)'/', .. Bytes(name)];
            KernelStat stat = LStat(child);
            if (stat.TypeBits == S_IFDIR)
            {
                directories++;
                CheckTree(child, found);
            }
            else
            {
                Assert.Equal("mark", name);
                found.Add($"mark {stat.Permissions}");
                Assert.Equal(S_IFDIR, LStat([.. path, .. "/a/b/c"u8]).TypeBits);
            }
        }
        if ((TestMount.Features & Features.DirectoryLinkCount) != 0)
        {
            Assert.Equal(2 + directories, LStat(path).LinkCount);
        }
    }

    private void RemoveTree(byte[] path)
    {
        foreach (string name in Names(path))
        {
            byte[] child = [.. path, (byte)'/', .. Bytes(name)];
            if (LStat(child).TypeBits == S_IFDIR)
            {
                RemoveTree(child);
            }
            else
            {
                Ok(S.Unlink(child));
            }
        }
        Ok(S.RmDir(path));
    }
}
