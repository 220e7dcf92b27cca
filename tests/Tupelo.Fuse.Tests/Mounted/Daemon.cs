// A daemon of `tupelo mount` in a process of its own, as users have it, on a directory of its own. The end of the test is its end.
using System.Diagnostics;
using System.Globalization;

namespace Tupelo.Fuse.Tests;

internal sealed class Daemon : IDisposable
{
    private readonly bool _ownsDirectory;

    private Daemon(string directory, bool ownsDirectory)
    {
        Work = directory;
        _ownsDirectory = ownsDirectory;
        Root = Path.Combine(directory, "m");
        Image = Path.Combine(directory, "test.img");
        Log = Path.Combine(directory, "log");
        Directory.CreateDirectory(Root);
    }

    /// <summary>The program under test, beside the tests.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "tupelo");

    /// <summary>Holds the image, the mount point and the log.</summary>
    public string Work { get; }

    public string Root { get; }

    public string Image { get; }

    public string Log { get; }

    /// <summary>A directory and an empty image; nothing is mounted yet.</summary>
    public static Daemon Prepare(string size = "256M")
    {
        ServedMount.RequireFuse();
        var daemon = new Daemon(Directory.CreateTempSubdirectory("tupelo-daemon-").FullName, ownsDirectory: true);
        Shell.Run($"{Program} mkfs {daemon.Image} --size {size} -q");
        return daemon;
    }

    /// <summary>A mounted one.</summary>
    public static Daemon Start(string options = "allow_other,suid,dev", string size = "256M", string? source = null)
    {
        Daemon daemon = Prepare(size);
        daemon.Mount(options, source);
        return daemon;
    }

    public void Mount(string options = "allow_other,suid,dev", string? source = null) =>
        Shell.Run($"{Program} mount {source ?? Image} {Root} -o {options} --log {Log}");

    public void Unmount() => Shell.Run($"{Program} umount {Root}");

    /// <summary>The process that serves.</summary>
    public int Pid =>
        int.Parse(
            Shell.Run($"{Program} ps | awk '$4 == \"{Root}\" {{ print $1 }}'").Trim(), CultureInfo.InvariantCulture);

    /// <summary>Ends it as a crash would, and takes the dead mount away.</summary>
    public void Kill(int pid)
    {
        using (Process process = Process.GetProcessById(pid))
        {
            process.Kill();
        }
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{pid}") || File.ReadAllText($"/proc/{pid}/stat").Contains(") Z", StringComparison.Ordinal), 10_000));
        _ = Shell.TryRun($"umount -l {Root}");
    }

    /// <summary>The volume is sound.</summary>
    public void Check() => Shell.Run($"{Program} fsck {Image}");

    public void Dispose()
    {
        if (File.ReadAllText("/proc/mounts").Contains(Root + " ", StringComparison.Ordinal))
        {
            // Aborts what hangs; then nothing keeps the directory.
            _ = Shell.TryRun($"timeout 20 {Program} umount {Root} || umount -f -l {Root}");
        }
        if (_ownsDirectory)
        {
            Directory.Delete(Work, recursive: true);
        }
    }
}
