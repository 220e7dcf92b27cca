using System.Text;
using Tupelo.Vfs;

namespace Tupelo.Bench;

/// <summary>The tree of the suite vfs in a machine, and the work on it. Each method returns how many operations it did.</summary>
internal sealed class VfsTree
{
    private const int HotCalls = 200_000;

    private readonly Syscalls _calls;
    private readonly FileSet _files;
    private readonly FileSet _missing;
    private readonly FileSet _renamed;
    private readonly byte[][] _directories;
    private readonly string[] _parents;
    private readonly byte[] _content = new byte[1024];
    private readonly byte[] _buffer = new byte[32 << 10];

    public VfsTree(Syscalls calls, string prefix, bool inOrder = false)
    {
        _calls = calls;
        int[] order = inOrder ? [.. Enumerable.Range(0, VfsSuite.FileCount)] : FileSet.Shuffled(VfsSuite.FileCount);
        _files = new FileSet(prefix, order, VfsSuite.PerDirectory);
        _missing = new FileSet(prefix, order, VfsSuite.PerDirectory, "x");
        _renamed = new FileSet(prefix, order, VfsSuite.PerDirectory, "r");
        string[] parts = prefix.Trim('/').Split('/');
        _parents = [.. parts.Select((_, i) => "/" + string.Join('/', parts[..(i + 1)]))];
        _directories = [.. _files.Strings.Select(static path => path[..path.LastIndexOf('/')]).Distinct().Order(StringComparer.Ordinal).Select(Encoding.UTF8.GetBytes)];
        new Random(1).NextBytes(_content);
    }

    private VfsTree(Syscalls calls, VfsTree other)
    {
        _calls = calls;
        (_files, _missing, _renamed, _directories, _parents) = (other._files, other._missing, other._renamed, other._directories, other._parents);
    }

    /// <summary>The same tree for another thread.</summary>
    public VfsTree With(Syscalls calls) => new(calls, this);

    public void MakeDirectories()
    {
        foreach (string parent in _parents)
        {
            _ = VfsMachine.Check(_calls.MkDirAt(AtFd.CurrentDirectory, Encoding.UTF8.GetBytes(parent), 0x1ED));
        }
        foreach (byte[] directory in _directories)
        {
            _ = VfsMachine.Check(_calls.MkDirAt(AtFd.CurrentDirectory, directory, 0x1ED));
        }
    }

    public void Fill()
    {
        MakeDirectories();
        _ = Create();
    }

    public long Create()
    {
        for (int i = 0; i < _files.Count; i++)
        {
            int fd = (int)VfsMachine.Check(_calls.Open(_files[i], OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, 0x1A4));
            _ = VfsMachine.Check(_calls.Write(fd, _content));
            _ = VfsMachine.Check(_calls.Close(fd));
        }
        return _files.Count;
    }

    public long Delete()
    {
        for (int i = 0; i < _files.Count; i++)
        {
            _ = VfsMachine.Check(_calls.UnlinkAt(AtFd.CurrentDirectory, _files[i]));
        }
        return _files.Count;
    }

    public long Stat(bool hot) => hot ? StatHot() : Stat(0, _files.Count);

    public long Stat(int from, int to)
    {
        Stat stat = default;
        for (int i = from; i < to; i++)
        {
            _ = VfsMachine.Check(_calls.Stat(_files[i], ref stat));
        }
        return to - from;
    }

    public long StatMissing(bool hot)
    {
        Stat stat = default;
        int count = hot ? HotCalls : _missing.Count;
        for (int i = 0; i < count; i++)
        {
            if (_calls.Stat(_missing[hot ? 0 : i], ref stat) != -(long)Errno.ENOENT)
            {
                throw new InvalidOperationException("found");
            }
        }
        return count;
    }

    public long OpenClose(bool hot)
    {
        int count = hot ? HotCalls : _files.Count;
        for (int i = 0; i < count; i++)
        {
            _ = _calls.Close((int)VfsMachine.Check(_calls.Open(_files[hot ? 0 : i], OpenFlags.ReadOnly)));
        }
        return count;
    }

    public long Read(bool hot)
    {
        if (!hot)
        {
            return Read(0, _files.Count);
        }
        for (int i = 0; i < HotCalls; i++)
        {
            ReadOne(_files[0]);
        }
        return HotCalls;
    }

    public long Read(int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            ReadOne(_files[i]);
        }
        return to - from;
    }

    public long ReadDirectories()
    {
        long entries = 0;
        foreach (byte[] directory in _directories)
        {
            int fd = (int)VfsMachine.Check(_calls.Open(directory, OpenFlags.Directory));
            for (long count = _calls.GetDents64(fd, _buffer); count > 0; count = VfsMachine.Check(_calls.GetDents64(fd, _buffer)))
            {
                ReadOnlySpan<byte> records = _buffer.AsSpan(0, (int)count);
                while (DirectoryRecord.TryTake(ref records, out DirectoryRecord _))
                {
                    entries++;
                }
            }
            _ = _calls.Close(fd);
        }
        return entries;
    }

    public long Rename()
    {
        for (int i = 0; i < _files.Count; i++)
        {
            _ = VfsMachine.Check(_calls.RenameAt2(AtFd.CurrentDirectory, _files[i], AtFd.CurrentDirectory, _renamed[i]));
        }
        for (int i = 0; i < _files.Count; i++)
        {
            _ = VfsMachine.Check(_calls.RenameAt2(AtFd.CurrentDirectory, _renamed[i], AtFd.CurrentDirectory, _files[i]));
        }
        return 2 * _files.Count;
    }

    private long StatHot()
    {
        Stat stat = default;
        for (int i = 0; i < HotCalls; i++)
        {
            _ = VfsMachine.Check(_calls.Stat(_files[0], ref stat));
        }
        return HotCalls;
    }

    private void ReadOne(ReadOnlySpan<byte> path)
    {
        int fd = (int)VfsMachine.Check(_calls.Open(path, OpenFlags.ReadOnly));
        if (_calls.Read(fd, _buffer.AsSpan(0, _content.Length)) != _content.Length)
        {
            throw new InvalidOperationException("a short read");
        }
        _ = VfsMachine.Check(_calls.Close(fd));
    }
}
