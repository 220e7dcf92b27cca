// A watch: one thread sleeps in the file layer's inotify, follows directories as they come, go and move, and puts what it hears into a
// bounded queue. Nobody who changes files ever waits for somebody who watches.
using System.Buffers.Binary;
using System.Text;
using System.Threading.Channels;
using Tupelo.Vfs;

namespace Tupelo;

/// <summary>Changes as they happen, in order. Begins when it is made; ends when it, its enumerator or its tree is disposed of.</summary>
public sealed class FileWatch : IAsyncEnumerable<FileChange>, IDisposable
{
    private const InotifyMask Heard = InotifyMask.Create | InotifyMask.Delete | InotifyMask.Move | InotifyMask.Modify | InotifyMask.Attrib
        | InotifyMask.DeleteSelf | InotifyMask.OnlyDirectory | InotifyMask.DontFollow;

    private const int MoveMilliseconds = 100;

    private readonly MountedTree _tree;
    private readonly VfsContext _context;
    private readonly Syscalls _calls;
    private readonly Channel<FileChange> _queue;
    private readonly Dictionary<int, string> _pathOf = []; // watch descriptor -> directory; the thread's own
    private readonly Dictionary<string, int> _watchOf = new(StringComparer.Ordinal);
    private readonly bool _recursive;
    private readonly Thread _thread;
    private readonly int _fd;
    private bool _overflowed;
    private int _ended;

    // What was moved away, until the next report tells where to.
    private (uint Cookie, string Path, bool IsDirectory)? _moved;

    internal FileWatch(MountedTree tree, string path, bool recursive, int capacity)
    {
        _tree = tree;
        _recursive = recursive;
        _context = tree.Context.NewThread();
        _calls = new Syscalls(_context);
        _queue = Channel.CreateBounded<FileChange>(new BoundedChannelOptions(capacity) { SingleWriter = true, FullMode = BoundedChannelFullMode.Wait });
        _fd = (int)Failure.Check(_calls.InotifyInit1(OpenFlags.CloseOnExec), "watch", path);
        string start = path.Length > 1 ? path.TrimEnd('/') : path;
        Errno errno = Follow(start.Length == 0 ? "/" : start, tell: false);
        if (errno != Errno.None)
        {
            Close();
            Failure.Throw(errno, "watch", path, isDirectory: true);
        }
        _thread = new Thread(Listen) { IsBackground = true, Name = "Tupelo watch" };
        _thread.Start();
    }

    /// <inheritdoc/>
    public async IAsyncEnumerator<FileChange> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        try
        {
            await foreach (FileChange change in _queue.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return change;
            }
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>Takes a change that is there already.</summary>
    public bool TryRead(out FileChange change) => _queue.Reader.TryRead(out change);

    /// <summary>Ends it: what is in the queue can still be read.</summary>
    public void Dispose() => End();

    internal void End()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            _context.Interrupt.Raise();
            if (Thread.CurrentThread != _thread)
            {
                _thread.Join();
            }
            _tree.NotWatching(this);
        }
    }

    private void Listen()
    {
        byte[] buffer = new byte[16 << 10];
        while (Volatile.Read(ref _ended) == 0)
        {
            long count = _calls.Read(_fd, buffer);
            if (count == -(long)Errno.EINTR)
            {
                continue;
            }
            if (count <= 0)
            {
                break;
            }
            for (int at = 0; at < count;)
            {
                ReadOnlySpan<byte> report = buffer.AsSpan(at, (int)count - at);
                int length = BinaryPrimitives.ReadInt32LittleEndian(report[12..]);
                ReadOnlySpan<byte> name = report.Slice(16, length);
                int end = name.IndexOf((byte)0);
                Take(
                    BinaryPrimitives.ReadInt32LittleEndian(report), (InotifyMask)BinaryPrimitives.ReadUInt32LittleEndian(report[4..]),
                    BinaryPrimitives.ReadUInt32LittleEndian(report[8..]), Encoding.UTF8.GetString(end < 0 ? name : name[..end]));
                at += 16 + length;
            }
            // A move is two reports, and the second one may be on its way still.
            if (_moved is not null && !HasMoreWithin(MoveMilliseconds))
            {
                TellMovedAway();
            }
        }
        Close();
    }

    private bool HasMoreWithin(int milliseconds)
    {
        Span<PollFd> poll = [new PollFd { Fd = _fd, Events = (short)PollEvents.In }];
        return _calls.Poll(poll, milliseconds) > 0;
    }

    private void Close()
    {
        _ = _calls.Close(_fd);
        _context.Dispose();
        _ = _queue.Writer.TryComplete();
    }

    private void Take(int watch, InotifyMask mask, uint cookie, string name)
    {
        if ((mask & InotifyMask.QueueOverflow) != 0)
        {
            _overflowed = true;
            return;
        }
        if ((mask & InotifyMask.Ignored) != 0)
        {
            if (_pathOf.Remove(watch, out string? gone))
            {
                _ = _watchOf.Remove(gone);
            }
            return;
        }
        if (name.Length == 0 || !_pathOf.TryGetValue(watch, out string? directory))
        {
            return; // about the directory itself: its parent tells, if that is watched
        }
        string path = directory[^1] == '/' ? directory + name : directory + "/" + name;
        bool isDirectory = (mask & InotifyMask.IsDirectory) != 0;
        if ((mask & InotifyMask.MovedTo) != 0 && _moved is { } moved && moved.Cookie == cookie)
        {
            _moved = null;
            if (isDirectory)
            {
                Rename(moved.Path, path);
            }
            Tell(new FileChange(FileChangeKind.Renamed, path, moved.Path, isDirectory));
            return;
        }
        TellMovedAway();
        if ((mask & InotifyMask.MovedFrom) != 0)
        {
            _moved = (cookie, path, isDirectory);
        }
        else if ((mask & (InotifyMask.Create | InotifyMask.MovedTo)) != 0)
        {
            Tell(new FileChange(FileChangeKind.Created, path, null, isDirectory));
            if (isDirectory && _recursive)
            {
                _ = Follow(path, tell: true);
            }
        }
        else if ((mask & InotifyMask.Delete) != 0)
        {
            Tell(new FileChange(FileChangeKind.Deleted, path, null, isDirectory));
        }
        else if ((mask & InotifyMask.Modify) != 0)
        {
            Tell(new FileChange(FileChangeKind.Changed, path, null, isDirectory));
        }
        else if ((mask & InotifyMask.Attrib) != 0)
        {
            Tell(new FileChange(FileChangeKind.AttributesChanged, path, null, isDirectory));
        }
    }

    private void TellMovedAway()
    {
        if (_moved is { } moved)
        {
            _moved = null;
            if (moved.IsDirectory)
            {
                Forget(moved.Path);
            }
            Tell(new FileChange(FileChangeKind.Deleted, moved.Path, null, moved.IsDirectory));
        }
    }

    private void Tell(FileChange change)
    {
        if (_overflowed && !_queue.Writer.TryWrite(new FileChange(FileChangeKind.Overflow, "")))
        {
            return;
        }
        _overflowed = !_queue.Writer.TryWrite(change);
    }

    // Watches a directory and, when asked for, those below; tells of what is in a new one already: it may have come before the watch.
    private Errno Follow(string start, bool tell)
    {
        var waiting = new Stack<string>();
        waiting.Push(start);
        Errno first = Errno.None;
        while (waiting.TryPop(out string? path))
        {
            long watch = _calls.InotifyAddWatch(_fd, Encoding.UTF8.GetBytes(path), Heard);
            if (watch < 0)
            {
                first = ReferenceEquals(path, start) ? (Errno)(-watch) : first; // others may have gone meanwhile
                continue;
            }
            _pathOf[(int)watch] = path;
            _watchOf[path] = (int)watch;
            if (!_recursive)
            {
                continue;
            }
            foreach ((string name, bool isDirectory) in NamesIn(path))
            {
                string child = path[^1] == '/' ? path + name : path + "/" + name;
                if (tell)
                {
                    Tell(new FileChange(FileChangeKind.Created, child, null, isDirectory));
                }
                if (isDirectory)
                {
                    waiting.Push(child);
                }
            }
        }
        return first;
    }

    private List<(string Name, bool IsDirectory)> NamesIn(string path)
    {
        var names = new List<(string, bool)>();
        long fd = _calls.Open(Encoding.UTF8.GetBytes(path), OpenFlags.Directory | OpenFlags.CloseOnExec);
        if (fd < 0)
        {
            return names;
        }
        byte[] buffer = new byte[16 << 10];
        long count;
        while ((count = _calls.GetDents64((int)fd, buffer)) > 0)
        {
            ReadOnlySpan<byte> records = buffer.AsSpan(0, (int)count);
            while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
            {
                if (record.Name is not ([(byte)'.'] or [(byte)'.', (byte)'.']))
                {
                    names.Add((Encoding.UTF8.GetString(record.Name), record.Type == FileType.Directory));
                }
            }
        }
        _ = _calls.Close((int)fd);
        return names;
    }

    // A directory has moved: what is watched below it has other paths now.
    private void Rename(string from, string to)
    {
        foreach ((string path, int watch) in Below(from))
        {
            string moved = to + path[from.Length..];
            _ = _watchOf.Remove(path);
            _watchOf[moved] = watch;
            _pathOf[watch] = moved;
        }
    }

    private void Forget(string directory)
    {
        foreach ((_, int watch) in Below(directory))
        {
            _ = _calls.InotifyRmWatch(_fd, watch);
        }
    }

    private List<KeyValuePair<string, int>> Below(string directory) => [.. _watchOf.Where(
        one => one.Key.StartsWith(directory, StringComparison.Ordinal) && (one.Key.Length == directory.Length || one.Key[directory.Length] == '/'))];
}
