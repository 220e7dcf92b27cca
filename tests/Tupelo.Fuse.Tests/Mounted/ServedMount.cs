// A mount of this process for the length of one test: a tree, an engine, a server, a directory below the temporary one. However the
// test ends the mount ends with it; a request that hangs is aborted, so that no test leaves a dead mount behind.
using System.Runtime.Versioning;
using Tupelo.Block;
using Tupelo.FileSystems;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo.Fuse.Tests;

/// <summary>What is mounted. Files in it must not be memory-mapped by this process: a page fault would wait for its own collector.</summary>
[SupportedOSPlatform("linux")]
internal sealed class ServedMount : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly VfsContext _context;
    private readonly FuseServer _server;
    private readonly List<string> _reports = [];

    private ServedMount(VfsContext context, FuseOptions options, FuseMountOptions? linux)
    {
        RequireFuse();
        _context = context;
        Engine = new FuseEngine(context, options with { Report = Report });
        Root = Directory.CreateTempSubdirectory("tupelo-fuse-").FullName;
        FuseMount mount = FuseMount.Make(Root, linux ?? new FuseMountOptions { Source = "test", AllowOther = true, DefaultPermissions = options.KernelChecksPermissions });
        _server = new FuseServer(mount, Engine, threads: 3, Report);
        _server.Start();
        if (!_server.WaitUntilLive(Patience))
        {
            throw new InvalidOperationException("the mount did not come to life");
        }
    }

    /// <summary>The mount point.</summary>
    public string Root { get; }

    public FuseEngine Engine { get; }

    /// <summary>What engine and server have complained of.</summary>
    public IReadOnlyList<string> Reports
    {
        get
        {
            lock (_reports)
            {
                return [.. _reports];
            }
        }
    }

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>An empty RamFs.</summary>
    public static ServedMount RamFs(FuseOptions? options = null, FuseMountOptions? linux = null, VfsOptions? kernel = null) =>
        new(Start(new RamFsType(), "ramfs", kernel), options ?? new FuseOptions(), linux);

    /// <summary>A TFS volume on a device.</summary>
    public static ServedMount Tfs(BlockDevice device, FuseOptions? options = null, FuseMountOptions? linux = null) =>
        new(Start(new TfsFileSystemType(_ => (Errno.None, device)), "tfs", null), options ?? new FuseOptions(), linux);

    /// <summary>Whatever a context's root is.</summary>
    public static ServedMount Of(VfsContext context, FuseOptions? options = null) => new(context, options ?? new FuseOptions(), null);

    /// <summary>Skips the running test, and says why, where mounting is not possible.</summary>
    public static void RequireFuse()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/dev/fuse"), "there is no /dev/fuse on this machine");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting for these tests needs root");
    }

    /// <summary>A kernel with one file system as its root.</summary>
    public static VfsContext Start(FileSystemType type, string name, VfsOptions? options)
    {
        var kernel = new VfsKernel(options);
        Assert.Equal(Errno.None, kernel.FileSystems.Register(type));
        Assert.Equal(Errno.None, kernel.Start(name, "source", MountFlags.None, string.Empty, out VfsContext? context));
        return context!;
    }

    public void Dispose()
    {
        _ = _server.Stop(TimeSpan.FromSeconds(2));
        if (!_server.WaitForEnd(Patience))
        {
            throw new InvalidOperationException($"{Root}: a request never ended");
        }
        Engine.Dispose();
        _context.Dispose();
        _server.Dispose();
        Directory.Delete(Root);
    }

    private void Report(string message)
    {
        lock (_reports)
        {
            _reports.Add(message);
        }
    }
}
