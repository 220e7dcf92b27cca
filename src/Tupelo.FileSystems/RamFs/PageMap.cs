// PageMap is one file's sparse content: page number -> page, as a radix tree of 512-way nodes, with page 0 apart because most
// files have no other. A page that is reserved but was never written carries a mark: it reads as zeros and counts as a hole.
//
// Invariant: bytes of written pages beyond the end of the file are zero, so that growing needs no clearing.
// Locks: none of its own; the vnode's lock, shared for reading, exclusive for changes.
using System.Diagnostics;

namespace Tupelo.FileSystems;

internal unsafe struct PageMap
{
    private const int Bits = 9;
    private const int Fanout = 1 << Bits;
    private const nint UnwrittenMark = 1;

    private nint _first;
    private Node? _root;
    private int _height;      // Levels in _root: 1 covers pages 0..511.
    private long _count;

    /// <summary>Pages held, reserved ones included.</summary>
    internal readonly long Count => _count;

    internal static bool IsUnwritten(nint page) => (page & UnwrittenMark) != 0;

    internal static byte* Address(nint page) => (byte*)(page & ~UnwrittenMark);

    internal static nint Unwritten(byte* page) => (nint)page | UnwrittenMark;

    // The page with its mark, or 0.
    internal readonly nint Get(long index)
    {
        if (index == 0)
        {
            return _first;
        }
        if (_height == 0 || (_height < 7 && index >> (Bits * _height) != 0))
        {
            return 0;
        }
        Node? node = _root;
        for (int level = _height - 1; level > 0; level--)
        {
            node = node!.Children![(int)(index >> (Bits * level)) & (Fanout - 1)];
            if (node is null)
            {
                return 0;
            }
        }
        nint[] pages = node!.Pages!;
        int slot = (int)index & (Fanout - 1);
        return slot < pages.Length ? pages[slot] : 0;
    }

    // Replaces or adds a page.
    internal void Set(long index, nint page)
    {
        Debug.Assert(page != 0);
        if (index == 0)
        {
            _count += _first == 0 ? 1 : 0;
            _first = page;
            return;
        }
        if (_height == 0)
        {
            _root = new Node { Pages = [] };
            _height = 1;
        }
        while (_height < 7 && index >> (Bits * _height) != 0)
        {
            var above = new Node { Children = new Node?[Fanout], Used = 1 };
            above.Children[0] = _root;
            _root = above;
            _height++;
        }
        Node node = _root!;
        for (int level = _height - 1; level > 0; level--)
        {
            ref Node? child = ref node.Children![(int)(index >> (Bits * level)) & (Fanout - 1)];
            if (child is null)
            {
                child = level > 1 ? new Node { Children = new Node?[Fanout] } : new Node { Pages = [] };
                node.Used++;
            }
            node = child;
        }
        int slot = (int)index & (Fanout - 1);
        if (slot >= node.Pages!.Length)
        {
            // Small files get small leaves.
            Array.Resize(ref node.Pages, slot < 4 ? 4 : slot < 16 ? 16 : slot < 64 ? 64 : Fanout);
        }
        ref nint place = ref node.Pages[slot];
        if (place == 0)
        {
            node.Used++;
            _count++;
        }
        place = page;
    }

    // Takes a page out; 0 when there was none.
    internal nint Remove(long index)
    {
        nint page;
        if (index == 0)
        {
            page = _first;
            _first = 0;
            _count -= page != 0 ? 1 : 0;
            return page;
        }
        if (_height == 0 || (_height < 7 && index >> (Bits * _height) != 0))
        {
            return 0;
        }
        page = RemoveBelow(_root!, _height - 1, index);
        if (page != 0)
        {
            _count--;
            if (_root!.Used == 0)
            {
                _root = null;
                _height = 0;
            }
        }
        return page;
    }

    // The first page number at or above `index` that has a page, -1 when there is none.
    internal readonly long NextPresent(long index)
    {
        if (index <= 0 && _first != 0)
        {
            return 0;
        }
        index = Math.Max(index, 1);
        return _height == 0 ? -1 : NextPresent(_root!, _height - 1, 0, index);
    }

    // The last page number at or below `index` that has a page, -1 when there is none.
    internal readonly long PreviousPresent(long index)
    {
        long found = _height == 0 || index < 1 ? -1 : PreviousPresent(_root!, _height - 1, 0, index);
        return found >= 0 ? found : index >= 0 && _first != 0 ? 0 : -1;
    }

    private static nint RemoveBelow(Node node, int level, long index)
    {
        int slot = (int)(index >> (Bits * level)) & (Fanout - 1);
        if (level > 0)
        {
            Node? child = node.Children![slot];
            if (child is null)
            {
                return 0;
            }
            nint removed = RemoveBelow(child, level - 1, index);
            if (removed != 0 && child.Used == 0)
            {
                node.Children[slot] = null;
                node.Used--;
            }
            return removed;
        }
        if (slot >= node.Pages!.Length)
        {
            return 0;
        }
        nint page = node.Pages[slot];
        node.Pages[slot] = 0;
        node.Used -= page != 0 ? 1 : 0;
        return page;
    }

    private static long NextPresent(Node node, int level, long start, long index)
    {
        // `start` is the first page number that the node covers.
        int slot = index <= start ? 0 : (int)Math.Min(Fanout, (index - start) >> (Bits * level));
        if (level == 0)
        {
            for (; slot < node.Pages!.Length; slot++)
            {
                if (node.Pages[slot] != 0)
                {
                    return start + slot;
                }
            }
            return -1;
        }
        for (; slot < Fanout; slot++)
        {
            if (node.Children![slot] is { } child)
            {
                long found = NextPresent(child, level - 1, start + ((long)slot << (Bits * level)), index);
                if (found >= 0)
                {
                    return found;
                }
            }
        }
        return -1;
    }

    private static long PreviousPresent(Node node, int level, long start, long index)
    {
        int slot = (int)Math.Min(Fanout - 1, (index - start) >> (Bits * level));
        if (level == 0)
        {
            for (slot = Math.Min(slot, node.Pages!.Length - 1); slot >= 0; slot--)
            {
                if (node.Pages[slot] != 0)
                {
                    return start + slot;
                }
            }
            return -1;
        }
        for (; slot >= 0; slot--)
        {
            if (node.Children![slot] is { } child)
            {
                long found = PreviousPresent(child, level - 1, start + ((long)slot << (Bits * level)), index);
                if (found >= 0)
                {
                    return found;
                }
            }
        }
        return -1;
    }

    private sealed class Node
    {
        internal nint[]? Pages;        // A leaf: grows to 512.
        internal Node?[]? Children;    // Else.
        internal int Used;
    }
}
