namespace Tupelo.Bench;

/// <summary>The tree of the suite vfs in a directory of the host, and the same work on it through System.IO. Gone when disposed.</summary>
internal sealed class HostTree : IDisposable
{
    private const int HotCalls = 20_000;

    private readonly string _root;
    private readonly FileSet _files;
    private readonly FileSet _missing;
    private readonly FileSet _renamed;
    private readonly FileSet _others;
    private readonly string[] _directories;
    private readonly byte[] _content = new byte[1024];
    private readonly byte[] _buffer = new byte[1024];

    public HostTree(string root)
    {
        _root = root;
        int[] order = FileSet.Shuffled(VfsSuite.FileCount);
        _files = new FileSet(root + "/", order, VfsSuite.PerDirectory);
        _missing = new FileSet(root + "/", order, VfsSuite.PerDirectory, "x");
        _renamed = new FileSet(root + "/", order, VfsSuite.PerDirectory, "r");
        _others = new FileSet(root + "/o", order, VfsSuite.PerDirectory);
        _directories = DirectoriesOf(_files);
        new Random(1).NextBytes(_content);
        foreach (string directory in _directories.Concat(DirectoriesOf(_others)))
        {
            _ = Directory.CreateDirectory(directory);
        }
        foreach (string path in _files.Strings)
        {
            if (!File.Exists(path))
            {
                HostFiles.Create(path, _content);
            }
        }
    }

    public long Stat(bool hot) => Each(_files, hot, static (_, path) => HostFiles.Stat(path));

    public long StatMissing(bool hot) => Each(_missing, hot, static (_, path) => HostFiles.StatMissing(path));

    public long OpenClose(bool hot) => Each(_files, hot, static (_, path) => HostFiles.OpenClose(path));

    public long Read(bool hot) => Each(_files, hot, static (tree, path) => HostFiles.ReadAll(path, tree._buffer));

    public long CreateOthers() => Each(_others, hot: false, static (tree, path) => HostFiles.Create(path, tree._content));

    public long DeleteOthers() => Each(_others, hot: false, static (_, path) => File.Delete(path));

    public long ReadDirectories()
    {
        long entries = 0;
        foreach (string directory in _directories)
        {
            entries += HostFiles.CountEntries(directory);
        }
        return entries;
    }

    public long Rename()
    {
        for (int i = 0; i < _files.Count; i++)
        {
            File.Move(_files.Strings[i], _renamed.Strings[i]);
        }
        for (int i = 0; i < _files.Count; i++)
        {
            File.Move(_renamed.Strings[i], _files.Strings[i]);
        }
        return 2 * _files.Count;
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static string[] DirectoriesOf(FileSet files) =>
        [.. files.Strings.Select(static path => path[..path.LastIndexOf('/')]).Distinct().Order(StringComparer.Ordinal)];

    private long Each(FileSet files, bool hot, Action<HostTree, string> call)
    {
        string[] paths = files.Strings;
        int count = hot ? HotCalls : paths.Length;
        for (int i = 0; i < count; i++)
        {
            call(this, paths[hot ? 0 : i]);
        }
        return count;
    }
}
