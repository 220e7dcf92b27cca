// HostFs on a directory of a tmpfs that the host mounts for it: the suites then ask the host's kernel, through HostFs and the core, what
// HostTmpfsMount asks directly. Needs root, for the mount, whose size is bounded.
using System.Runtime.InteropServices;
using Tupelo.FileSystems;
using Tupelo.Vfs;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>A directory of the host, mounted in Tupelo.</summary>
public sealed class HostFsMount : TupeloMount
{
    // Whiteouts and file handles are not passed through; tmpfs below has no ranges that shift.
    internal const Features Can = Features.All & ~(Features.Whiteout | Features.FileHandles | Features.ShiftRanges | Features.FifoTimes | Features.CallersRights);

    private HostScratch? _scratch;

    public override string Name => "HostFs";

    public override Features Features => Can;

    protected override void Prepare(VfsKernel kernel)
    {
        _scratch = HostScratch.Make();
        Register(kernel, new HostFileSystemType());
    }

    protected override void MountWork(ISyscalls s) => ProbeSetting.Must(s.Mount(_scratch!.Path, "/work"u8, "hostfs"u8, 0, "devices,xattr=all"u8));

    protected override void End()
    {
        _scratch?.Dispose();
        _scratch = null;
    }
}

/// <summary>A directory of the host with the standard tree, mounted read-only in Tupelo.</summary>
public sealed class ReadOnlyHostFsMount : TupeloMount
{
    private HostScratch? _scratch;

    public override string Name => "HostFs, read-only";

    public override Features Features => HostFsMount.Can & ~Features.Writable;

    protected override void Prepare(VfsKernel kernel)
    {
        _scratch = HostScratch.Make();
        Register(kernel, new HostFileSystemType());
    }

    protected override void MountWork(ISyscalls s)
    {
        ProbeSetting.Must(s.Mount(_scratch!.Path, "/work"u8, "hostfs"u8, 0, "devices,xattr=all"u8));
        ProbeSetting.Must(s.Umask(Oct(22)));
        ProbeSetting.Must(s.ChDir("/work"u8));
        StandardTree.Build(s, Features);
        ProbeSetting.Must(s.ChDir("/"u8));
        ProbeSetting.Must(s.Umount("/work"u8));
        ProbeSetting.Must(s.Mount(_scratch!.Path, "/work"u8, "hostfs"u8, MS_RDONLY, "devices,xattr=all"u8));
    }

    protected override void End()
    {
        _scratch?.Dispose();
        _scratch = null;
    }
}

/// <summary>A tmpfs of the host, mounted on a directory of its own until it is disposed.</summary>
internal sealed partial class HostScratch : IDisposable
{
    private const int Detach = 2;

    private readonly string _directory;

    private HostScratch(string directory)
    {
        _directory = directory;
        Path = System.Text.Encoding.UTF8.GetBytes(directory);
    }

    public byte[] Path { get; }

    public static HostScratch Make()
    {
        Assert.SkipUnless(HostFileSystemType.IsSupported, "HostFs needs Linux");
        string directory = Directory.CreateTempSubdirectory("tupelo-hostfs").FullName;
        if (MountTmpfs("tupelo-hostfs", directory, "tmpfs", 0, "mode=755,size=256m,nr_inodes=200k") != 0)
        {
            Directory.Delete(directory);
            Assert.Skip($"the host does not permit a mount ({(Errno)Marshal.GetLastPInvokeError()}); run as root");
        }
        return new HostScratch(directory);
    }

    public void Dispose()
    {
        if (Umount2(_directory, Detach) == 0)
        {
            Directory.Delete(_directory);
        }
    }

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MountTmpfs(string source, string target, string type, ulong flags, string data);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Umount2(string target, int flags);
}
