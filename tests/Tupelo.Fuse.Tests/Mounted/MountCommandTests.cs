// `tupelo mount`, `umount` and `ps` as users run them.
using System.Globalization;
using System.IO.MemoryMappedFiles;

namespace Tupelo.Fuse.Tests;

public sealed class MountCommandTests
{
    [Fact]
    public void Mount_ReturnsWhenItIsLive_AndUmountWhenAllIsWritten()
    {
        using Daemon daemon = Daemon.Prepare();
        daemon.Mount();
        File.WriteAllText(Path.Combine(daemon.Root, "f"), "at once");
        Assert.Contains(daemon.Image, Shell.Run($"{Daemon.Program} ps"), StringComparison.Ordinal);
        daemon.Unmount();
        Assert.Equal("at once", Shell.Run($"{Daemon.Program} cat {daemon.Image}:/f"));
        Assert.DoesNotContain(daemon.Root, Shell.Run($"{Daemon.Program} ps"), StringComparison.Ordinal);
        Assert.Contains("is unmounted", File.ReadAllText(daemon.Log), StringComparison.Ordinal);
        daemon.Check();
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public void Signal_UnmountsAndLosesNothing(string signal)
    {
        using Daemon daemon = Daemon.Start();
        Shell.Run("head -c 3000000 /dev/urandom >f; sha256sum f >/dev/null; cp f g", daemon.Root);
        int pid = daemon.Pid;
        Shell.Run($"kill -{signal} {pid}; for i in $(seq 200); do test -e /proc/{pid} || exit 0; sleep 0.05; done; exit 1");
        Assert.DoesNotContain(daemon.Root, File.ReadAllText("/proc/mounts"), StringComparison.Ordinal);
        daemon.Check();
        Shell.Run($"cmp <({Daemon.Program} cat {daemon.Image}:/f) <({Daemon.Program} cat {daemon.Image}:/g)");
    }

    [Fact]
    public void Signal_WhileFilesAreOpen_EndsAllTheSame_AndKeepsWhatWasWritten()
    {
        using Daemon daemon = Daemon.Start();
        int pid = daemon.Pid;
        Shell.Run(
            $"""
            exec 9>open; echo kept >&9
            kill -TERM {pid}
            for i in $(seq 300); do test -e /proc/{pid} || break; sleep 0.05; done
            test ! -e /proc/{pid}
            """,
            daemon.Root);
        Assert.Equal("kept\n", Shell.Run($"{Daemon.Program} cat {daemon.Image}:/open"));
    }

    [Fact]
    public void KilledDaemon_GivesENOTCONN_AndNothingHangs()
    {
        using Daemon daemon = Daemon.Start();
        File.WriteAllText(Path.Combine(daemon.Root, "f"), "x");
        int pid = daemon.Pid;
        Shell.Run($"kill -KILL {pid}");
        Shell.Run($"for i in $(seq 100); do [[ $(ls {daemon.Root} 2>&1 || true) != *'endpoint is not connected'* ]] || exit 0; sleep 0.05; done; exit 1");
        Shell.Run($"umount -l {daemon.Root}");
        daemon.Mount();
        daemon.Unmount();
        daemon.Check();
    }

    [Fact]
    public void Mount_OfAnImageInUse_IsRefusedWithAReason()
    {
        using Daemon daemon = Daemon.Start();
        Directory.CreateDirectory(Path.Combine(daemon.Work, "n"));
        (int code, string output) = Shell.TryRun($"{Daemon.Program} mount {daemon.Image} {daemon.Work}/n");
        Assert.Equal(1, code);
        Assert.Contains("in use", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-o nonsense", "nonsense")]
    [InlineData("-o umask=9", "umask")]
    [InlineData("-o threads=0", "threads")]
    [InlineData("-o writeback_cache,no_default_permissions", "exclude")]
    public void WrongOptions_AreNamed(string options, string word)
    {
        using Daemon daemon = Daemon.Prepare("8M");
        (int code, string output) = Shell.TryRun($"{Daemon.Program} mount {daemon.Image} {daemon.Root} {options}");
        Assert.NotEqual(0, code);
        Assert.Contains(word, output, StringComparison.Ordinal);
        Assert.DoesNotContain(daemon.Root, File.ReadAllText("/proc/mounts"), StringComparison.Ordinal);
    }

    [Fact]
    public void WrongPlacesAndSources_AreNamed()
    {
        using Daemon daemon = Daemon.Prepare("8M");
        Assert.Contains("no such directory", Shell.TryRun($"{Daemon.Program} mount {daemon.Image} {daemon.Work}/missing").Output, StringComparison.Ordinal);
        Assert.Contains("not a directory", Shell.TryRun($"{Daemon.Program} mount {daemon.Image} {daemon.Image}").Output, StringComparison.Ordinal);
        Assert.Contains("no-image", Shell.TryRun($"{Daemon.Program} mount {daemon.Work}/no-image {daemon.Root}").Output, StringComparison.Ordinal);
        Shell.Run($"head -c 1000000 /dev/urandom >{daemon.Work}/garbage");
        Assert.NotEqual(0, Shell.TryRun($"{Daemon.Program} mount {daemon.Work}/garbage {daemon.Root}").Code);
        Assert.NotEqual(0, Shell.TryRun($"{Daemon.Program} umount {daemon.Root}").Code);
    }

    [Fact]
    public void ReadOnlyMount_ChangesNothing_NotEvenTheImage()
    {
        using Daemon daemon = Daemon.Start();
        Shell.Run("echo x >f; mkdir d", daemon.Root);
        daemon.Unmount();
        string before = Shell.Run($"sha256sum {daemon.Image}");
        daemon.Mount("ro");
        Assert.Contains("Read-only file system", Shell.TryRun("cat f && touch g", daemon.Root).Output, StringComparison.Ordinal);
        Shell.Run("cat f; ls -l d; df .", daemon.Root);
        daemon.Unmount();
        Assert.Equal(before, Shell.Run($"sha256sum {daemon.Image}"));
    }

    [Fact]
    public void DefaultMount_IsPrivateNosuidNodev()
    {
        using Daemon daemon = Daemon.Start("rw");
        string line = File.ReadAllLines("/proc/mounts").Single(mount => mount.Contains(daemon.Root + " ", StringComparison.Ordinal));
        Assert.Contains("nosuid,nodev", line, StringComparison.Ordinal);
        Assert.DoesNotContain("allow_other", line, StringComparison.Ordinal);
        Assert.Contains("fuse.tupelo", line, StringComparison.Ordinal);
        Shell.Run($"chmod 755 {daemon.Work}; chmod 777 {daemon.Root}");
        Assert.Contains("Permission denied", Shell.TryRun($"setpriv --reuid=1234 --regid=1234 --clear-groups ls {daemon.Root}").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void ComposedTree_IsOneMount()
    {
        using Daemon daemon = Daemon.Prepare();
        Shell.Run(
            $"""
            cd {daemon.Work}; mkdir src; echo inside >src/f; tar cf t.tar src
            {Daemon.Program} mount ramfs: {daemon.Root} --mount tfs,{daemon.Image},/img --mount tar,t.tar,/tar --mount procfs,,/proc
            test "$(cat m/tar/src/f)" = inside
            cp m/tar/src/f m/img/g; mv m/img/g m/h; test "$(cat m/h)" = inside; grep -q tfs m/proc/mounts
            ! touch m/tar/x 2>/dev/null
            ls -liR m/tar m/img >/dev/null
            """);
        daemon.Unmount();
    }

    [Fact]
    public void MountHelper_ServesMountAndFstab()
    {
        using Daemon daemon = Daemon.Prepare();
        string helper = "/sbin/mount.fuse.tupelo";
        Assert.SkipWhen(File.Exists(helper), $"{helper} is there already");
        try
        {
            Shell.Run(
                $"""
                ln -s {AppContext.BaseDirectory}mount.fuse.tupelo {helper}
                mount -t fuse.tupelo {daemon.Image} {daemon.Root} -o allow_other,noatime
                echo by mount >{daemon.Root}/f; findmnt -n {daemon.Root} | grep -q fuse.tupelo; umount {daemon.Root}
                echo "{daemon.Image} {daemon.Root} fuse.tupelo ro,noauto,x-systemd.automount 0 0" >{daemon.Work}/fstab
                mount -T {daemon.Work}/fstab {daemon.Root}; test "$(cat {daemon.Root}/f)" = "by mount"; umount {daemon.Root}
                """);
        }
        finally
        {
            File.Delete(helper);
        }
    }

    [Fact]
    public void OrdinaryUser_MountsEditsAndUnmounts()
    {
        using Daemon daemon = Daemon.Prepare();
        // The device must be open to users, as distributions have it.
        UnixFileMode device = File.GetUnixFileMode("/dev/fuse");
        try
        {
            Shell.Run(
                $"""
                chmod 666 /dev/fuse; chmod -R a+rX {AppContext.BaseDirectory}; chown -R nobody:nogroup {daemon.Work}
                p={daemon.Work}/p; cp -r {AppContext.BaseDirectory} $p; chmod -R a+rX $p
                cat >{daemon.Work}/script <<'E'
                set -eux
                cd {daemon.Work}
                p/tupelo mount test.img m
                echo hello >m/file; sed -i s/hello/edited/ m/file; mkdir m/dir; mv m/file m/dir; chmod 600 m/dir/file
                test "$(cat m/dir/file)" = edited; test "$(stat -c %U m/dir/file)" = nobody
                p/tupelo ps | grep -q test.img
                p/tupelo umount m
                test "$(p/tupelo cat test.img:/dir/file)" = edited
                E
                HOME={daemon.Work} setpriv --reuid=nobody --regid=nogroup --clear-groups env -u XDG_RUNTIME_DIR bash {daemon.Work}/script
                {Daemon.Program} stat {daemon.Image}:/dir/file
                """);
        }
        finally
        {
            File.SetUnixFileMode("/dev/fuse", device);
        }
    }

    [Fact]
    public void MappedMemory_IsWrittenThroughAndShared()
    {
        using Daemon daemon = Daemon.Start();
        string path = Path.Combine(daemon.Root, "mapped");
        File.WriteAllBytes(path, new byte[100_000]);
        using (var map = MemoryMappedFile.CreateFromFile(path))
        using (MemoryMappedViewAccessor view = map.CreateViewAccessor())
        {
            for (int i = 0; i < 100_000; i += 1000)
            {
                view.Write(i, (byte)(i / 1000));
            }
            view.Flush();
        }
        daemon.Unmount();
        daemon.Mount();
        byte[] read = File.ReadAllBytes(path);
        Assert.Equal(100_000, read.Length);
        for (int i = 0; i < 100_000; i += 1000)
        {
            Assert.Equal((byte)(i / 1000), read[i]);
        }
    }

    [Fact]
    public void WritebackCache_KeepsEverythingAtUnmount()
    {
        using Daemon daemon = Daemon.Start("writeback_cache");
        Shell.Run(
            """
            for i in $(seq 300); do echo $i >>log; done; head -c 2000000 /dev/urandom >f; cp f g; touch -d 2001-02-03 g
            test "$(wc -l <log)" = 300; cmp f g
            """,
            daemon.Root);
        daemon.Unmount();
        daemon.Check();
        daemon.Mount("ro");
        Shell.Run("test \"$(wc -l <log)\" = 300; cmp f g; test \"$(stat -c %Y g)\" = \"$(date -d 2001-02-03 +%s)\"", daemon.Root);
    }

    [Fact]
    public void StatStorm_AsksTheDaemonNothing()
    {
        using Daemon daemon = Daemon.Start();
        Shell.Run("mkdir d; for i in $(seq 50); do : >d/$i; done; ls -l d >/dev/null", daemon.Root);
        int pid = daemon.Pid;
        long before = ContextSwitches(pid);
        string[] paths = [.. Enumerable.Range(1, 50).Select(i => Path.Combine(daemon.Root, "d", i.ToString(CultureInfo.InvariantCulture)))];
        long stats = 0;
        for (long end = Environment.TickCount64 + 1000; Environment.TickCount64 < end; stats += paths.Length)
        {
            foreach (string path in paths)
            {
                _ = File.GetLastWriteTimeUtc(path);
            }
        }
        long switches = ContextSwitches(pid) - before;
        // The runtime's own threads wake up now and then; a request per stat would be thousands.
        Assert.True(switches < 100 && stats > 1000, $"{stats} stats, {switches} wake-ups of the daemon");
    }

    private static long ContextSwitches(int pid) =>
        Directory.GetDirectories($"/proc/{pid}/task").Sum(task => File.ReadLines(Path.Combine(task, "status"))
            .Where(line => line.StartsWith("voluntary_ctxt_switches", StringComparison.Ordinal))
            .Sum(line => long.Parse(line.AsSpan(line.IndexOf(':', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture)));
}
