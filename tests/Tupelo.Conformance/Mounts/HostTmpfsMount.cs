// The host kernel's tmpfs: what every case of the suite is checked against. It needs root (or CAP_SYS_ADMIN) for a private mount
// namespace; without that its tests are skipped and say so.
using System.Globalization;
using System.Runtime.InteropServices;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>tmpfs on the host's kernel, in a mount namespace and root of its own.</summary>
public sealed class HostTmpfsMount : TestMount
{
    public override string Name => "host tmpfs";

    // tmpfs has no ZERO_RANGE, COLLAPSE_RANGE or INSERT_RANGE.
    public override Features Features => Features.All & ~Features.ShiftRanges;

    public override ReadOnlySpan<byte> ScratchType => "tmpfs"u8;

    public override ISyscalls Boot() => BootHost();

    /// <summary>A fresh process on the host, its root a private tree with tmpfs at /work and /shm and procfs at /proc.</summary>
    /// <param name="work">A directory outside of /tmp that is to be /work instead of a tmpfs.</param>
    public static HostSyscalls BootHost(string? work = null)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64,
            "the oracle is Linux on x86-64");
        long started = HostSyscalls.TryStart(out HostSyscalls? process);
        Assert.SkipWhen(process is null, $"the host does not permit a private mount namespace ({Libc.Describe(started)}); run as root");
        try
        {
            process!.Run(() => Prepare(process, work));
            return process;
        }
        catch
        {
            process!.Dispose();
            throw;
        }
    }

    /// <summary>Major and minor version of the host's kernel.</summary>
    public static (int Major, int Minor) KernelVersion()
    {
        string[] parts = File.ReadAllText("/proc/sys/kernel/osrelease").Split('.', '-');
        return (int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    private static void Prepare(HostSyscalls s, string? work)
    {
        // All sizes are bounded: what a test forgets to bound must not fill the host's memory.
        // Any directory will do to hang the new tree on: the namespace is private and the root is changed right after.
        Must("make mounts private", s.Mount("none"u8, "/"u8, default, MS_REC | MS_PRIVATE, default));
        Must("mount the root", s.Mount("tupelo-root"u8, "/tmp"u8, "tmpfs"u8, 0, "mode=755,size=64m,nr_inodes=100k"u8));
        Must("mkdir", s.MkDir("/tmp/work"u8, Oct(777)));
        Must("mkdir", s.MkDir("/tmp/shm"u8, Oct(777)));
        Must("mkdir", s.MkDir("/tmp/proc"u8, Oct(755)));
        Must("mount work", work is null
            ? s.Mount("tupelo-work"u8, "/tmp/work"u8, "tmpfs"u8, 0, "mode=755,size=256m,nr_inodes=200k"u8)
            : s.Mount(System.Text.Encoding.UTF8.GetBytes(work), "/tmp/work"u8, default, MS_BIND, default));
        Must("mount shm", s.Mount("tupelo-shm"u8, "/tmp/shm"u8, "tmpfs"u8, 0, "size=256m,nr_inodes=100k"u8));
        if (s.Mount("proc"u8, "/tmp/proc"u8, "proc"u8, 0, default) < 0)
        {
            Must("bind proc", s.Mount("/proc"u8, "/tmp/proc"u8, default, MS_BIND | MS_REC, default));
        }
        // The new tree becomes the namespace's own root, so that what lies outside of a later chroot has the same path as in a machine
        // under test; the host's mounts go.
        Must("chdir", s.ChDir("/tmp"u8));
        Must("pivot_root", s.PivotRoot("."u8, "."u8));
        Must("umount", s.Umount2("."u8, MNT_DETACH));
        Must("chroot", s.ChRoot("."u8));
        Must("chdir", s.ChDir("/work"u8));
        _ = s.Umask(Oct(22));
    }

    private static void Must(string what, long result)
    {
        if (result < 0)
        {
            throw new InvalidOperationException($"host machine: {what}: {Libc.Describe(result)}");
        }
    }
}

/// <summary>The host's tmpfs with the standard tree, mounted read-only.</summary>
public sealed class HostReadOnlyTmpfsMount : TestMount
{
    public override string Name => "host tmpfs, read-only";

    public override Features Features => Features.All & ~(Features.Writable | Features.ShiftRanges);

    public override ReadOnlySpan<byte> ScratchType => "tmpfs"u8;

    public override ISyscalls Boot()
    {
        HostSyscalls s = HostTmpfsMount.BootHost();
        StandardTree.Build(s, Features);
        ProbeSetting.Must(s.Mount("none"u8, "/work"u8, default, MS_REMOUNT | MS_RDONLY, default));
        return s;
    }
}
