// What a generator remembers of a run: descriptors that were opened and names that were made. Only a hint, so that most calls meet
// something: it may be wrong at any time, and nothing of it goes into a call but numbers and names.
using System.Globalization;
using System.Text;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance.Differential;

/// <summary>What a descriptor is believed to be.</summary>
internal enum FdKind
{
    File,
    Directory,
    PipeRead,
    PipeWrite,
    EventFd,
    Epoll,
    Inotify,
}

/// <summary>Believed state of the machines.</summary>
internal sealed class KnownState
{
    private const int MaxPaths = 40;

    private readonly List<(int Fd, FdKind Kind)>[] _fds = [.. Enumerable.Range(0, CallExecutor.MaxProcesses).Select(_ => new List<(int, FdKind)>())];
    private readonly bool[] _alive = new bool[CallExecutor.MaxProcesses];
    private readonly List<byte[]> _files = [];
    private readonly List<byte[]> _directories = [];
    private readonly List<Call> _attributes = [];

    public KnownState() => _alive[0] = true;

    public bool IsAlive(int process) => _alive[process];

    public IReadOnlyList<(int Fd, FdKind Kind)> Fds(int process) => _fds[process];

    /// <summary>Names of anything that is not a directory.</summary>
    public IReadOnlyList<byte[]> Files => _files;

    public IReadOnlyList<byte[]> Directories => _directories;

    /// <summary>Calls that set extended attributes.</summary>
    public IReadOnlyList<Call> Attributes => _attributes;

    /// <summary>Learns from an answer.</summary>
    public void Learn(Call call, long result, ReadOnlySpan<byte> bytes)
    {
        if (result < 0)
        {
            Forget(call, -result);
            return;
        }
        int process = call.Process;
        switch (call.Kind)
        {
            case CallKind.Fork:
                _alive[call.A] = true;
                _fds[call.A] = [.. _fds[process]];
                break;
            case CallKind.Exit:
                _alive[call.A] = false;
                break;
            case CallKind.OpenAt or CallKind.OpenAt2 or CallKind.OpenByHandle:
                Opened(process, (int)result, (call.A & O_DIRECTORY) != 0 && call.Kind != CallKind.OpenByHandle ? FdKind.Directory : FdKind.File);
                if (call.Kind == CallKind.OpenAt && (call.A & O_CREAT) != 0)
                {
                    Made(call.Fd, call.Path, directoryMade: false);
                }
                break;
            case CallKind.MemfdCreate:
                Opened(process, (int)result, FdKind.File);
                break;
            case CallKind.Dup or CallKind.Dup2 or CallKind.Dup3:
                Opened(process, (int)result, KindOf(process, call.Fd));
                break;
            case CallKind.Fcntl when call.A is F_DUPFD or F_DUPFD_CLOEXEC:
                Opened(process, (int)result, KindOf(process, call.Fd));
                break;
            case CallKind.Pipe2:
                string[] ends = Encoding.ASCII.GetString(bytes).Split(' ');
                Opened(process, int.Parse(ends[0], CultureInfo.InvariantCulture), FdKind.PipeRead);
                Opened(process, int.Parse(ends[1], CultureInfo.InvariantCulture), FdKind.PipeWrite);
                break;
            case CallKind.EventFd2:
                Opened(process, (int)result, FdKind.EventFd);
                break;
            case CallKind.EpollCreate1:
                Opened(process, (int)result, FdKind.Epoll);
                break;
            case CallKind.InotifyInit1:
                Opened(process, (int)result, FdKind.Inotify);
                break;
            case CallKind.ListDirectory:
                Opened(process, call.Fd, FdKind.Directory);
                break;
            case CallKind.Close:
                _fds[process].RemoveAll(known => known.Fd == call.Fd);
                break;
            case CallKind.CloseRange when (call.C & CLOSE_RANGE_CLOEXEC) == 0:
                _fds[process].RemoveAll(known => known.Fd >= call.A && known.Fd <= call.B);
                break;
            case CallKind.MkDirAt:
                Made(call.Fd, call.Path, directoryMade: true);
                break;
            case CallKind.MkNodAt or CallKind.SymlinkAt:
                Made(call.Fd, call.Path, directoryMade: false);
                break;
            case CallKind.LinkAt:
                Made(call.Fd2, call.Path2, directoryMade: false);
                break;
            case CallKind.RenameAt2:
                Made(call.Fd2, call.Path2, directoryMade: Remove(_directories, call.Path));
                break;
            case CallKind.SetXattr or CallKind.LSetXattr or CallKind.FSetXattr:
                _attributes.Add(call);
                if (_attributes.Count > MaxPaths)
                {
                    _attributes.RemoveAt(0);
                }
                break;
            default:
                break;
        }
    }

    private void Forget(Call call, long errno)
    {
        if (errno == (long)Errno.EBADF)
        {
            _fds[call.Process].RemoveAll(known => known.Fd == call.Fd);
        }
        else if (errno is (long)Errno.ENOENT or (long)Errno.ENOTDIR or (long)Errno.ELOOP or (long)Errno.EACCES && call.Path is not null)
        {
            _ = Remove(_files, call.Path);
            _ = Remove(_directories, call.Path);
        }
        else if (errno == (long)Errno.EISDIR && call.Path is not null && Remove(_files, call.Path))
        {
            Made(call.Fd, call.Path, directoryMade: true);
        }
    }

    private static bool Remove(List<byte[]> paths, byte[]? path) => path is not null && paths.RemoveAll(known => known.AsSpan().SequenceEqual(path)) > 0;

    private FdKind KindOf(int process, int fd)
    {
        foreach ((int known, FdKind kind) in _fds[process])
        {
            if (known == fd)
            {
                return kind;
            }
        }
        return FdKind.File;
    }

    private void Opened(int process, int fd, FdKind kind)
    {
        _fds[process].RemoveAll(known => known.Fd == fd);
        _fds[process].Add((fd, kind));
    }

    private void Made(int directory, byte[]? path, bool directoryMade)
    {
        const int LongPath = 64;
        if (directory != AT_FDCWD || path is null || path.Length is 0 or > LongPath)
        {
            return;
        }
        List<byte[]> paths = directoryMade ? _directories : _files;
        _ = Remove(_files, path);
        _ = Remove(_directories, path);
        if (paths.Count == MaxPaths)
        {
            paths.RemoveAt(0);
        }
        paths.Add(path);
    }
}
