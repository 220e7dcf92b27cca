// The free sectors of a volume as a balanced tree of runs, ordered by start; each node knows the longest run below it, so that
// "the first run at or after here that is long enough" takes O(log n). A treap over arrays: no object per run. Runs never touch:
// what is given back melts into its neighbours. No threads of its own: TfsAllocator's lock guards it.
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tupelo.Tfs;

internal sealed class FreeRunTree
{
    private Node[] _nodes = new Node[64];
    private int _used = 1; // node 0 is "none"
    private int _vacant;   // chain of unused nodes, through Left
    private int _root;
    private uint _random = 0x9E3779B9;

    /// <summary>Runs in the tree.</summary>
    public int RunCount { get; private set; }

    /// <summary>Sectors in all runs.</summary>
    public long SectorCount { get; private set; }

    /// <summary>Length of the longest run.</summary>
    public long LongestRun => _nodes[_root].Longest;

    /// <summary>Adds sectors that are not in the tree.</summary>
    /// <returns>False, and nothing changed, when one of them was.</returns>
    public bool Add(long start, long count)
    {
        Debug.Assert(count > 0);
        if (Overlaps(start, count))
        {
            return false;
        }
        SectorCount += count;
        long end = start + count;
        if (TryFindEndingAt(start, out long before))
        {
            Delete(before);
            start = before;
        }
        if (TryFindStartingAt(end, out long following))
        {
            Delete(end);
            end += following;
        }
        Insert(start, end - start);
        return true;
    }

    /// <summary>Takes sectors out of the run that holds them all.</summary>
    /// <returns>False, and nothing changed, when no run does.</returns>
    public bool Remove(long start, long count)
    {
        Debug.Assert(count > 0);
        int node = FindLast(start);
        if (node == 0 || _nodes[node].Start + _nodes[node].Count < start + count)
        {
            return false;
        }
        (long runStart, long runCount) = (_nodes[node].Start, _nodes[node].Count);
        Delete(runStart);
        if (runStart < start)
        {
            Insert(runStart, start - runStart);
        }
        if (runStart + runCount > start + count)
        {
            Insert(start + count, runStart + runCount - (start + count));
        }
        SectorCount -= count;
        return true;
    }

    /// <summary>The run that holds <paramref name="sector"/>.</summary>
    public bool TryFindRunAt(long sector, out long start, out long count)
    {
        int node = FindLast(sector);
        bool found = node != 0 && _nodes[node].Start + _nodes[node].Count > sector;
        (start, count) = found ? (_nodes[node].Start, _nodes[node].Count) : (0, 0);
        return found;
    }

    /// <summary>The first run that starts at or after <paramref name="from"/> and has at least <paramref name="minimum"/> sectors.</summary>
    public bool TryFindFirst(long from, long minimum, out long start, out long count)
    {
        int node = FindFirst(_root, from, minimum);
        (start, count) = (_nodes[node].Start, _nodes[node].Count);
        return node != 0;
    }

    /// <summary>All runs, in order.</summary>
    public IEnumerable<(long Start, long Count)> Runs()
    {
        for (long from = 0; TryFindFirst(from, 1, out long start, out long count); from = start + count)
        {
            yield return (start, count);
        }
    }

    private bool Overlaps(long start, long count)
    {
        int node = FindLast(start + count - 1);
        return node != 0 && _nodes[node].Start + _nodes[node].Count > start;
    }

    private bool TryFindEndingAt(long end, out long start)
    {
        int node = end == 0 ? 0 : FindLast(end - 1);
        start = _nodes[node].Start;
        return node != 0 && _nodes[node].Start + _nodes[node].Count == end;
    }

    private bool TryFindStartingAt(long start, out long count)
    {
        int node = FindLast(start);
        count = _nodes[node].Count;
        return node != 0 && _nodes[node].Start == start;
    }

    // Last run that starts at or before the sector.
    private int FindLast(long sector)
    {
        int found = 0;
        for (int node = _root; node != 0;)
        {
            if (_nodes[node].Start <= sector)
            {
                found = node;
                node = _nodes[node].Right;
            }
            else
            {
                node = _nodes[node].Left;
            }
        }
        return found;
    }

    private int FindFirst(int node, long from, long minimum)
    {
        if (node == 0 || _nodes[node].Longest < minimum)
        {
            return 0;
        }
        if (_nodes[node].Start >= from)
        {
            int left = FindFirst(_nodes[node].Left, from, minimum);
            if (left != 0)
            {
                return left;
            }
            if (_nodes[node].Count >= minimum)
            {
                return node;
            }
        }
        return FindFirst(_nodes[node].Right, from, minimum);
    }

    private void Insert(long start, long count)
    {
        int node = _vacant;
        if (node != 0)
        {
            _vacant = _nodes[node].Left;
        }
        else
        {
            if (_used == _nodes.Length)
            {
                Array.Resize(ref _nodes, _used * 2);
            }
            node = _used++;
        }
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        _nodes[node] = new Node { Start = start, Count = count, Longest = count, Priority = _random };
        RunCount++;
        Split(_root, start, out int left, out int right);
        _root = Merge(Merge(left, node), right);
    }

    private void Delete(long start)
    {
        Split(_root, start, out int left, out int rest);
        Split(rest, start + 1, out int node, out int right);
        Debug.Assert(node != 0 && _nodes[node].Left == 0 && _nodes[node].Right == 0);
        _root = Merge(left, right);
        _nodes[node] = new Node { Left = _vacant };
        _vacant = node;
        RunCount--;
    }

    // Everything that starts before the key goes left.
    private void Split(int node, long key, out int left, out int right)
    {
        if (node == 0)
        {
            left = 0;
            right = 0;
        }
        else if (_nodes[node].Start < key)
        {
            Split(_nodes[node].Right, key, out int middle, out right);
            _nodes[node].Right = middle;
            Update(node);
            left = node;
        }
        else
        {
            Split(_nodes[node].Left, key, out left, out int middle);
            _nodes[node].Left = middle;
            Update(node);
            right = node;
        }
    }

    private int Merge(int left, int right)
    {
        if (left == 0 || right == 0)
        {
            return left | right;
        }
        if (_nodes[left].Priority > _nodes[right].Priority)
        {
            int merged = Merge(_nodes[left].Right, right);
            _nodes[left].Right = merged;
            Update(left);
            return left;
        }
        else
        {
            int merged = Merge(left, _nodes[right].Left);
            _nodes[right].Left = merged;
            Update(right);
            return right;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Update(int node)
    {
        ref Node at = ref _nodes[node];
        at.Longest = Math.Max(at.Count, Math.Max(_nodes[at.Left].Longest, _nodes[at.Right].Longest));
    }

    private struct Node
    {
        public long Start;
        public long Count;
        public long Longest;
        public int Left;
        public int Right;
        public uint Priority;
    }
}
