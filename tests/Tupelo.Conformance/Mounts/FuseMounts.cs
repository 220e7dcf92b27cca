// The host's kernel with a FUSE mount at /work: calls go through Linux to an engine and a server in this process, and from there to
// a file system. Root with allow_other and default_permissions, as a machine's administrator would mount.
//
// This process must not touch mapped memory of its own mount: its collector would wait for the page fault, and the fault for a
// thread that the collector has stopped. So these mounts declare no memory maps; the programs in Tupelo.Fuse.Tests cover them.
using System.Runtime.Versioning;
using Tupelo.FileSystems;
using Tupelo.Fuse;
using Tupelo.Tfs;
using Tupelo.Vfs;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>A file system under test behind a FUSE mount.</summary>
[SupportedOSPlatform("linux")]
public abstract class FuseHostMount : TestMount
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // Linux' FUSE passes no COLLAPSE_RANGE or INSERT_RANGE on, lets epoll watch files, which it asks the server about, and tells nobody of
    // what goes through a FIFO.
    public override Features Features => Features.All & ~(Features.MemoryMaps | Features.ShiftRanges | Features.FilesRefuseEpoll | Features.FifoTimes);

    public override ReadOnlySpan<byte> ScratchType => "tmpfs"u8;

    public override ISyscalls Boot()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/dev/fuse"), "there is no /dev/fuse on this machine");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "a FUSE mount with allow_other needs root");
        var kernel = new VfsKernel(new VfsOptions { ProtectHardLinks = false });
        VfsContext context = Start(kernel);
        var engine = new FuseEngine(context);
        // Not below /tmp, where the machine's root will hide it.
        string directory = Path.Combine("/run", "tupelo-conformance-" + Guid.NewGuid().ToString("N"));
        _ = Directory.CreateDirectory(directory);
        FuseMount mount = FuseMount.Make(
            directory, new FuseMountOptions { Source = Name, AllowOther = true, NoDevices = false, NoSetUid = false });
        var server = new FuseServer(mount, engine, threads: 2);
        server.Start();
        HostSyscalls? s = null;
        try
        {
            Assert.True(server.WaitUntilLive(Patience), "the mount did not come to life");
            s = HostTmpfsMount.BootHost(directory);
            ProbeSetting.Must(s.ChMod("/work"u8, Oct(755)));
            s.Ended = End;
            return s;
        }
        catch
        {
            s?.Dispose();
            End();
            throw;
        }

        // Namespaces of cases that run beside this one hold copies of the mount: only an abort ends it.
        void End()
        {
            Assert.True(server.Abort(Patience), $"{directory}: a request never ended");
            engine.Dispose();
            context.Dispose();
            server.Dispose();
            Directory.Delete(directory);
        }
    }

    /// <summary>Starts the kernel with the file system under test as its root.</summary>
    protected abstract VfsContext Start(VfsKernel kernel);

    protected static VfsContext Start(VfsKernel kernel, FileSystemType type, string options)
    {
        Assert.Equal(Errno.None, kernel.FileSystems.Register(type));
        Assert.Equal(Errno.None, kernel.Start(type.Name, "source", MountFlags.None, options, out VfsContext? context));
        return context!;
    }
}

/// <summary>What Linux' FUSE does otherwise than its tmpfs, whatever is behind it.</summary>
public static class FuseDifferences
{
    public static IReadOnlyDictionary<string, (string Answer, string Reason)> Table { get; } = new Dictionary<string, (string, string)>(StringComparer.Ordinal)
    {
        ["fallocate(ZERO_RANGE)"] = ("OK", "passed on, and both file systems have it; tmpfs has not"),
        ["epoll_ctl(ADD regular)"] = ("OK", "every file of a FUSE mount can be polled; that it is always ready the server tells when asked"),
    };
}

/// <summary>RamFs behind FUSE.</summary>
[SupportedOSPlatform("linux")]
public sealed class FuseRamFsMount : FuseHostMount
{
    public override string Name => "RamFs through FUSE";

    protected override VfsContext Start(VfsKernel kernel) => Start(kernel, new RamFsType(), "mode=755");
}

/// <summary>TFS behind FUSE.</summary>
[SupportedOSPlatform("linux")]
public class FuseTfsMount : FuseHostMount
{
    private const long SizeBytes = 64L << 20;

    public override string Name => "TFS through FUSE";

    protected override VfsContext Start(VfsKernel kernel) =>
        Start(kernel, new TfsFileSystemType(static _ => (Errno.None, StandardImages.EmptyTfs(SizeBytes))), string.Empty);
}

/// <summary>TFS with the standard tree behind FUSE, mounted read-only.</summary>
[SupportedOSPlatform("linux")]
public sealed class FuseReadOnlyTfsMount : FuseTfsMount
{
    public override string Name => "TFS through FUSE, read-only";

    public override Features Features => base.Features & ~Features.Writable;

    public override ISyscalls Boot()
    {
        ISyscalls s = base.Boot();
        StandardTree.Build(s, Features);
        ProbeSetting.Must(s.Mount("none"u8, "/work"u8, default, MS_REMOUNT | MS_RDONLY, default));
        return s;
    }
}
