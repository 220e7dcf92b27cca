// A real mount, used by System.IO and by coreutils.
using System.Runtime.Versioning;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Fuse.Tests;

[SupportedOSPlatform("linux")]
public sealed class BasicMountTests
{
    [Fact]
    public void SystemIo_WritesListsMovesAndReads_OnRamFs()
    {
        using ServedMount mount = ServedMount.RamFs();
        UseSystemIo(mount);
        Assert.Empty(mount.Reports);
    }

    [Fact]
    public void SystemIo_WritesListsMovesAndReads_OnTfs()
    {
        using ServedMount mount = ServedMount.Tfs(Volumes.Empty(64 << 20));
        UseSystemIo(mount);
        Assert.Empty(mount.Reports);
    }

    [Fact]
    public void Coreutils_CopyTreeAndBack_ComparesEqual()
    {
        using ServedMount mount = ServedMount.Tfs(Volumes.Empty(256 << 20));
        Shell.Run(
            """
            cp -a /usr/include/linux a
            diff -r /usr/include/linux a
            cp -a a b; rm -r a; mv b a
            diff -r /usr/include/linux a
            head -c 3000000 /dev/urandom > f; cp f g; cmp f g; tail -c +1234567 f | cmp - <(dd if=g bs=1 skip=1234566 iflag=skip_bytes bs=64k status=none)
            ln f h; test "$(stat -c %h f)" = 2; ln -s f s; test "$(readlink s)" = f; cmp s h
            mkfifo p; test -p p; (echo through >p) & read line <p; test "$line" = through
            find . -type f | wc -l; df . | tail -n 1; rm -rf ./*; test -z "$(ls -A)"
            """,
            mount.Root);
        Assert.Empty(mount.Reports);
    }

    [Fact]
    public void Tfs_AfterUnmount_HoldsWhatWasWritten()
    {
        MemoryBlockDevice device = Volumes.Empty(64 << 20);
        byte[] content = new byte[5_000_001];
        new Random(7).NextBytes(content);
        using (ServedMount mount = ServedMount.Tfs(Volumes.Borrow(device)))
        {
            File.WriteAllBytes(mount["kept"], content);
            Directory.CreateDirectory(mount["d/e"]);
        }
        using (ServedMount mount = ServedMount.Tfs(Volumes.Borrow(device)))
        {
            Assert.Equal(content, File.ReadAllBytes(mount["kept"]));
            Assert.True(Directory.Exists(mount["d/e"]));
        }
        Assert.Empty(TfsVolume.Open(device).Faults);
    }

    [Fact]
    public void ForgottenNodes_AreGivenBack_ToTheLastLookup()
    {
        using ServedMount mount = ServedMount.RamFs();
        Shell.Run("mkdir d; for i in $(seq 200); do echo $i >d/$i; done; ls -l d >/dev/null; cat d/* >/dev/null", mount.Root);
        Assert.True(mount.Engine.Counts.Nodes > 200);
        Shell.Run("rm -r d", mount.Root);
        Assert.True(SpinWait.SpinUntil(() => mount.Engine.Counts is { Nodes: 1, Files: 0 }, TimeSpan.FromSeconds(20)), $"{mount.Engine.Counts}");
    }

    private static void UseSystemIo(ServedMount mount)
    {
        Directory.CreateDirectory(mount["dir/sub"]);
        File.WriteAllText(mount["dir/a.txt"], "alpha");
        File.AppendAllText(mount["dir/a.txt"], " beta");
        Assert.Equal("alpha beta", File.ReadAllText(mount["dir/a.txt"]));
        File.Move(mount["dir/a.txt"], mount["dir/sub/b.txt"]);
        Assert.False(File.Exists(mount["dir/a.txt"]));
        Assert.Equal([mount["dir/sub"]], Directory.GetFileSystemEntries(mount["dir"]));
        Assert.Equal([mount["dir/sub/b.txt"]], Directory.GetFiles(mount.Root, "*.txt", SearchOption.AllDirectories));
        byte[] big = new byte[3 << 20];
        Random.Shared.NextBytes(big);
        File.WriteAllBytes(mount["big"], big);
        using (FileStream stream = File.Open(mount["big"], FileMode.Open, FileAccess.ReadWrite))
        {
            stream.Position = 1_000_003;
            stream.Write(big, 0, 4097);
            stream.SetLength(2_000_000);
            stream.Flush(flushToDisk: true);
        }
        big.AsSpan(0, 4097).CopyTo(big.AsSpan(1_000_003));
        Assert.Equal(big[..2_000_000], File.ReadAllBytes(mount["big"]));
        File.CreateSymbolicLink(mount["link"], "dir/sub/b.txt");
        Assert.Equal("alpha beta", File.ReadAllText(mount["link"]));
        File.SetUnixFileMode(mount["big"], UnixFileMode.UserRead);
        Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(mount["big"]));
        var time = new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(mount["big"], time);
        Assert.Equal(time, File.GetLastWriteTimeUtc(mount["big"]));
        Directory.Delete(mount["dir"], recursive: true);
        File.Delete(mount["big"]);
        File.Delete(mount["link"]);
        Assert.Empty(Directory.GetFileSystemEntries(mount.Root));
        Assert.Throws<FileNotFoundException>(() => File.ReadAllText(mount["missing"]));
    }
}
