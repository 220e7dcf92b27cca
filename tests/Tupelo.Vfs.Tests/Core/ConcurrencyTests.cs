// Many threads at once: renames under walkers, opens against unlinks, and nothing left behind. The lock-rank checker is on.
namespace Tupelo.Vfs.Tests;

public sealed class ConcurrencyTests : VfsFixture
{
    private static readonly TimeSpan s_duration = TimeSpan.FromMilliseconds(700);

    // A directory that moves between two places is always at one of them, or being looked for: what lies in it is never someone else's.
    [Fact]
    public async Task RenameStorm_UnderWalkers_NeverShowsAnotherFile()
    {
        MkDir("/a");
        MkDir("/b");
        MkDir("/a/d");
        WriteFile("/a/d/f", "right");
        WriteFile("/f", "wrong");
        DateTime end = DateTime.UtcNow + s_duration;
        long found = 0;
        // On a busy machine the walkers may come late: the storm goes on until one of them has found the file.
        bool GoesOn() => DateTime.UtcNow < end || (Volatile.Read(ref found) == 0 && DateTime.UtcNow < end + TimeSpan.FromSeconds(20));
        Task mover = Task.Run(() =>
        {
            while (GoesOn())
            {
                Ok(Rename("/a/d", "/b/d"));
                Ok(Rename("/b/d", "/a/d"));
            }
        });
        Task[] walkers = [.. Enumerable.Range(0, 3).Select(i => Task.Run(() =>
        {
            byte[] path = B(i == 0 ? "/a/d/f" : i == 1 ? "/b/d/f" : "/a/../b/./d/../../a/d/f");
            Stat stat = default;
            while (GoesOn())
            {
                long result = Sys.Stat(path, ref stat);
                Assert.True(result is 0 or -(long)Errno.ENOENT, $"{(Errno)(-result)}");
                if (result == 0)
                {
                    Assert.Equal(5, stat.SizeBytes);
                    _ = Interlocked.Increment(ref found);
                }
            }
        }))];
        await Task.WhenAll([mover, .. walkers]).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(found > 0);
        Assert.Equal("right", ReadFile("/a/d/f"));
    }

    [Fact]
    public async Task CreateOpenUnlinkRename_OnTheSameNames_KeepCountsRight()
    {
        MkDir("/x");
        MkDir("/y");
        StatFs before = default;
        Ok(Sys.StatFs(B("/"), ref before));
        DateTime end = DateTime.UtcNow + s_duration;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(() =>
        {
            var random = new Random(i + 1);
            while (DateTime.UtcNow < end)
            {
                string name = $"/{(random.Next(2) == 0 ? 'x' : 'y')}/{random.Next(4)}";
                string other = $"/{(random.Next(2) == 0 ? 'x' : 'y')}/{random.Next(4)}";
                switch (random.Next(6))
                {
                    case 0 or 1:
                        long fd = Sys.Open(B(name), OpenFlags.Create | OpenFlags.ReadWrite, 0x1A4);
                        if (fd >= 0)
                        {
                            _ = Sys.Write((int)fd, B("data"));
                            _ = Sys.Close((int)fd);
                        }
                        break;
                    case 2:
                        _ = Unlink(name);
                        break;
                    case 3:
                        _ = Rename(name, other, random.Next(3) == 0 ? RenameFlags.Exchange : RenameFlags.None);
                        break;
                    case 4:
                        _ = Sys.LinkAt(AtFd.CurrentDirectory, B(name), AtFd.CurrentDirectory, B(other));
                        break;
                    default:
                        if (random.Next(2) == 0)
                        {
                            _ = Sys.MkDirAt(AtFd.CurrentDirectory, B(name), 0x1FF);
                        }
                        else
                        {
                            _ = RmDir(name);
                        }
                        break;
                }
            }
        }))).WaitAsync(TimeSpan.FromSeconds(30));
        foreach (string directory in new[] { "/x", "/y" })
        {
            uint directories = 0;
            foreach (string name in List(directory))
            {
                string path = $"{directory}/{name}";
                if (StatOf(path).Type == FileType.Directory)
                {
                    directories++;
                    Ok(RmDir(path));
                }
                else
                {
                    Ok(Unlink(path));
                }
            }
            Assert.Equal(2u, StatOf(directory).LinkCount);
            Ok(RmDir(directory));
        }
        StatFs after = default;
        Ok(Sys.StatFs(B("/"), ref after));
        Assert.Equal((before.FreeBlocks, before.FreeFiles + 2), (after.FreeBlocks, after.FreeFiles));
    }

    // Of several who create the same name exclusively, exactly one succeeds; of several who remove it, too.
    [Fact]
    public async Task ExclusiveCreateAndUnlink_HaveOneWinner()
    {
        for (int round = 0; round < 200; round++)
        {
            long[] created = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(
                () => Sys.Open(B("/one"), OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.WriteOnly, 0x1A4))));
            Close((int)Assert.Single(created, static r => r >= 0));
            long[] removed = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(() => Unlink("/one"))));
            _ = Assert.Single(removed, static r => r == 0);
        }
    }

    // Names that were looked up below a directory keep its dentry. When a rename replaced the directory, they did so for ever.
    [Fact]
    public void RenameOverADirectory_WithNamesCachedBelow_FreesIt()
    {
        StatFs before = default;
        Ok(Sys.StatFs(B("/"), ref before));
        MkDir("/from");
        MkDir("/over");
        Assert.False(Exists("/over/missing"));
        int held = Open("/over", OpenFlags.Directory);
        Ok(Rename("/from", "/over"));
        Close(held);
        Ok(RmDir("/over"));
        StatFs after = default;
        Ok(Sys.StatFs(B("/"), ref after));
        Assert.Equal(before.FreeFiles, after.FreeFiles);
    }

    // A removed name may be another directory's at once. What the remover clears away must not be what lies below the new one: an
    // open directory would lose its name.
    [Fact]
    public async Task RemoveAndMakeAgain_LeavesWhatTheNewDirectoryHolds()
    {
        DateTime end = DateTime.UtcNow + s_duration;
        Task remover = Task.Run(() =>
        {
            while (DateTime.UtcNow < end)
            {
                _ = RmDir("/d");
            }
        });
        Task maker = Task.Run(() =>
        {
            byte[] path = new byte[64];
            while (DateTime.UtcNow < end)
            {
                if (Sys.MkDirAt(AtFd.CurrentDirectory, B("/d"), 0x1FF) == 0 && Sys.MkDirAt(AtFd.CurrentDirectory, B("/d/e"), 0x1FF) == 0)
                {
                    Ok(Sys.ChDir(B("/d/e")));
                    for (int i = 0; i < 20; i++)
                    {
                        long length = Ok(Sys.GetCwd(path));
                        Assert.Equal("/d/e", System.Text.Encoding.ASCII.GetString(path, 0, (int)length - 1));
                    }
                    Ok(Sys.ChDir(B("/")));
                    Ok(RmDir("/d/e"));
                }
            }
        });
        await Task.WhenAll(remover, maker).WaitAsync(TimeSpan.FromSeconds(30));
    }
}
