// A TreeWalk goes through a directory tree of a volume, depth first, names of one directory in the order of their bytes, each
// directory before its entries and once more after them. Place: listings, searches and extraction stand on it; below is TfsVolume.
//
// Trees come from strangers: the walk keeps its own stack (no recursion), one growing buffer for the path and one for the names of
// the directories that are open, so a tree of any depth costs memory for one path and its siblings alone.
// Threads: one walk belongs to one thread; any number of walks may run over one volume.
using Tupelo.Tfs;

namespace Tupelo.Images;

/// <summary>What a <see cref="TreeWalk"/> stands on.</summary>
public enum WalkStep
{
    /// <summary>A file, or a directory before its entries.</summary>
    Enter,

    /// <summary>A directory after its entries.</summary>
    Leave,
}

/// <summary>Decides whether a walk sees an entry; one that it does not see is not descended into.</summary>
public delegate bool WalkFilter(ReadOnlySpan<byte> name, TfsNode node);

/// <summary>A depth-first walk over a tree, without recursion.</summary>
public sealed class TreeWalk
{
    private readonly TfsVolume _volume;
    private readonly TfsNode _start;
    private Entry[] _entries = [];
    private byte[] _names = new byte[256];
    private Level[] _levels = new Level[4];
    private byte[] _path;
    private int _startPathLength;
    private int _pathLength;
    private int _depth = -1; // levels that are open, -1 before the start
    private Entry _current;
    private bool _descend;

    /// <param name="volume">The volume.</param>
    /// <param name="start">Where to begin; it is the first step of the walk.</param>
    /// <param name="startPath">What the start is called; the paths of the others begin with it.</param>
    public TreeWalk(TfsVolume volume, TfsNode start, ReadOnlySpan<byte> startPath)
    {
        _volume = volume;
        _start = start;
        _path = new byte[startPath.Length + 256];
        startPath.CopyTo(_path);
        _startPathLength = startPath.Length;
        _pathLength = startPath.Length;
    }

    /// <summary>Directories deeper than this are stepped on but not entered; <see cref="DepthExceeded"/> then tells. Default: no limit.</summary>
    public int MaxDepth { get; init; } = int.MaxValue;

    /// <summary>Which entries are seen; the start always is. Default: all.</summary>
    public WalkFilter? Filter { get; init; }

    /// <summary>Whether entering or leaving.</summary>
    public WalkStep Step { get; private set; }

    /// <summary>The file object stood on.</summary>
    public TfsNode Node { get; private set; }

    /// <summary>Its kind.</summary>
    public FileType Type { get; private set; }

    /// <summary>0 for the start, 1 for its entries.</summary>
    public int Depth { get; private set; }

    /// <summary>True for the last entry of its directory (and for the start).</summary>
    public bool IsLast { get; private set; }

    /// <summary>True when a directory was not entered because of <see cref="MaxDepth"/>.</summary>
    public bool DepthExceeded { get; private set; }

    /// <summary>Its name; empty for the start. Valid until the next step.</summary>
    public ReadOnlySpan<byte> Name => Depth == 0 ? default : _path.AsSpan(_pathLength - _current.NameLength, _current.NameLength);

    /// <summary>Its path: the start's, and the names from there. Valid until the next step.</summary>
    public ReadOnlySpan<byte> Path => _path.AsSpan(0, _pathLength);

    /// <summary>Its path without the start's, and without a '/' in front; empty for the start.</summary>
    public ReadOnlySpan<byte> RelativePath => Depth == 0 ? default : Path[_startPathLength..].TrimStart((byte)'/');

    /// <summary>Goes on. False when the tree has been seen.</summary>
    public bool MoveNext()
    {
        if (_depth < 0)
        {
            _depth = 0;
            IsLast = true;
            StandOn(_start, 0);
            return true;
        }
        if (_descend)
        {
            _descend = false;
            if (Depth >= MaxDepth)
            {
                DepthExceeded = true;
                Step = WalkStep.Leave;
                return true;
            }
            Open();
        }
        else if (_depth == 0)
        {
            return false;
        }
        ref Level level = ref _levels[_depth - 1];
        _pathLength = level.PathLength;
        if (level.Next == level.End)
        {
            return Close(ref level);
        }
        _current = _entries[level.Next++];
        IsLast = level.Next == level.End;
        Append(_names.AsSpan(_current.NameStart, _current.NameLength));
        StandOn(new TfsNode(_current.Node), _depth);
        return true;
    }

    /// <summary>Called on entering a directory: leaves its entries out, and does not step on it again.</summary>
    public void Skip() => _descend = false;

    private void StandOn(TfsNode node, int depth)
    {
        Step = WalkStep.Enter;
        Node = node;
        Depth = depth;
        Type = _volume.TypeOf(node);
        _descend = Type == FileType.Directory;
    }

    private void Open()
    {
        if (_depth == _levels.Length)
        {
            Array.Resize(ref _levels, _depth * 2);
        }
        ref Level level = ref _levels[_depth];
        int entriesTop = _depth == 0 ? 0 : _levels[_depth - 1].End;
        int namesTop = _depth == 0 ? 0 : _levels[_depth - 1].NamesEnd;
        level = new Level
        {
            Node = Node,
            Self = _current,
            SelfIsLast = IsLast,
            Next = entriesTop,
            PathLength = _pathLength,
        };
        int count = _volume.EntryCountOf(Node);
        Grow(ref _entries, entriesTop, entriesTop + count);
        bool sorted = true;
        foreach (TfsDirectoryEntries entry in _volume.EntriesOf(Node))
        {
            ReadOnlySpan<byte> name = entry.Name;
            if (Filter is not null && !Filter(name, entry.Node))
            {
                continue;
            }
            Grow(ref _names, namesTop, namesTop + name.Length);
            name.CopyTo(_names.AsSpan(namesTop));
            Grow(ref _entries, entriesTop, entriesTop + 1);
            _entries[entriesTop] = new Entry(entry.Node.Id, namesTop, name.Length, NameOrder.KeyOf(name));
            sorted &= entriesTop == level.Next || NameOrder.Compare(_entries[entriesTop - 1], _entries[entriesTop], _names) < 0;
            entriesTop++;
            namesTop += name.Length;
        }
        level.End = entriesTop;
        level.NamesEnd = namesTop;
        if (!sorted)
        {
            NameOrder.Sort(_entries.AsSpan(level.Next, entriesTop - level.Next), _names);
        }
        _depth++;
    }

    private bool Close(ref Level level)
    {
        Step = WalkStep.Leave;
        Node = level.Node;
        Type = FileType.Directory;
        _current = level.Self;
        IsLast = level.SelfIsLast;
        _depth--;
        Depth = _depth;
        return true;
    }

    private void Append(ReadOnlySpan<byte> name)
    {
        int needed = _pathLength + 1 + name.Length;
        Grow(ref _path, _pathLength, needed);
        if (_pathLength > 0 && _path[_pathLength - 1] != '/')
        {
            _path[_pathLength++] = (byte)'/';
        }
        name.CopyTo(_path.AsSpan(_pathLength));
        _pathLength += name.Length;
    }

    private static void Grow<T>(ref T[] array, int used, int needed)
    {
        if (needed > array.Length)
        {
            var larger = new T[Math.Max(needed, array.Length * 2)];
            array.AsSpan(0, used).CopyTo(larger);
            array = larger;
        }
    }

    internal readonly struct Entry(int node, int nameStart, int nameLength, ulong key)
    {
        public readonly ulong Key = key;
        public readonly int Node = node;
        public readonly int NameStart = nameStart;
        public readonly int NameLength = nameLength;
    }

    private struct Level
    {
        public TfsNode Node;
        public Entry Self;
        public bool SelfIsLast;
        public int Next;
        public int End;
        public int NamesEnd;
        public int PathLength;
    }
}
