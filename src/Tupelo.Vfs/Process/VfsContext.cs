// A VfsContext is who makes a call: credentials, root and current directory, umask, descriptors, mount namespace, limits.
// It is an argument of every operation, never ambient. A process is one context; a thread of it, or one request of a server,
// is a context that shares some of these parts (NewThread) with credentials of its own.
//
// Parts: Files, Directories and Limits are objects that contexts share or clone. Credentials are immutable and swapped.
// Dispose gives everything back; leak tests count on it.
namespace Tupelo.Vfs;

/// <summary>A process, a thread of one, or a server's request, as the file layer sees it.</summary>
public sealed class VfsContext : IDisposable
{
    private static int s_lastPid;

    private Credentials _credentials;
    private FdTable _files;
    private bool _ownsFiles;
    private int _disposed;

    private VfsContext(VfsKernel kernel, DirectoryState directories, FdTable files, ResourceLimits limits, Credentials credentials, int pid)
    {
        Kernel = kernel;
        Directories = directories;
        _files = files;
        Limits = limits;
        _credentials = credentials;
        Pid = pid;
        kernel.Statistics.ContextMade();
    }

    public VfsKernel Kernel { get; }

    /// <summary>Process number: owner of POSIX locks; threads of one process have the same.</summary>
    public int Pid { get; }

    /// <summary>As whom calls are checked; setting it is setuid and setgid together.</summary>
    public Credentials Credentials
    {
        get => Volatile.Read(ref _credentials);
        set => Volatile.Write(ref _credentials, value);
    }

    /// <summary>The descriptors.</summary>
    public FdTable Files => Volatile.Read(ref _files);

    public ResourceLimits Limits { get; }

    /// <summary>Ends this caller's sleeps with EINTR.</summary>
    public Interrupt Interrupt { get; } = new();

    /// <summary>Wall-clock time for time stamps.</summary>
    public Timespec Now => Kernel.Clock.Now;

    /// <summary>The current directory, pinned; the caller unpins it. Null when its mount is gone.</summary>
    public PathRef? PinCurrentDirectory() => Directories.Now.Current is var place && place.TryPin() ? place : null;

    /// <summary>The root directory, pinned; the caller unpins it. Null when its mount is gone.</summary>
    public PathRef? PinRootDirectory() => Directories.Now.Root is var place && place.TryPin() ? place : null;

    /// <summary>The mounts of its namespace in the order of mounting, as of now.</summary>
    public IReadOnlyList<Mount> GetMounts() => Kernel.Mounts.MountsOf(Directories.Now.Namespace);

    internal DirectoryState Directories { get; }

    internal static VfsContext Make(VfsKernel kernel, PathRef root, MountNamespace mountNamespace, Credentials credentials) =>
        new(kernel, new DirectoryState(root, root, mountNamespace), new FdTable(), new ResourceLimits(), credentials, NextPid())
        {
            _ownsFiles = true,
        };

    /// <summary>fork: a new process with the same open files, directories, umask, limits and credentials.</summary>
    public VfsContext Fork() =>
        new(Kernel, Directories.Clone(), Files.Clone(), Limits.Clone(), Credentials, NextPid()) { _ownsFiles = true };

    /// <summary>One more caller in this process: descriptors, directories and umask are shared, credentials are its own.</summary>
    public VfsContext NewThread(Credentials? credentials = null) =>
        new(Kernel, Directories.Share(), Files, Limits, credentials ?? Credentials, Pid);

    // close_range's CLOSE_RANGE_UNSHARE: descriptors of its own from now on.
    internal void UnshareFiles()
    {
        if (!_ownsFiles)
        {
            _files = _files.Clone();
            _ownsFiles = true;
        }
    }

    /// <summary>The end of the process (or thread): closes descriptors that are its own and leaves its directories.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        if (_ownsFiles)
        {
            uint first = 0;
            while (Files.RemoveNext(ref first, int.MaxValue) is { } file)
            {
                _ = CloseFile(file);
            }
        }
        Directories.Release();
        if (Kernel.Statistics.ContextGone())
        {
            Kernel.Anonymous.End();
        }
    }

    // One descriptor is gone: the process' record locks on the file go with it, whichever descriptor took them (POSIX).
    internal Errno CloseFile(OpenFile file)
    {
        Errno errno = Errno.None;
        if (!file.IsPathOnly)
        {
            if (file.Handle is { } handle)
            {
                errno = handle.Flush(this);
            }
            file.Vnode.ExtensionOrNull?.LocksOrNull?.Release(LockOwner);
        }
        file.Release();
        return errno;
    }

    // POSIX record locks belong to the process; its descriptor table stands for it.
    internal LockOwner LockOwner => LockOwner.ForProcess(Files, Pid);

    private static int NextPid() => Interlocked.Increment(ref s_lastPid);
}
