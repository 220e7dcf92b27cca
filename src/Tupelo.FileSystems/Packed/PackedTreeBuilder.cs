// PackedTreeBuilder collects what a reader finds in an image, in the order in which it is found, and sorts it into a PackedTree.
//
// While building, names are found through one hash table over (directory, name). A name may be given to another node later: the
// last one wins. A directory has one parent only: giving it a second name is refused, so no cycle can be built.
// One thread. What an image must not say is an ImageFormatException.
using System.Runtime.InteropServices;

namespace Tupelo.FileSystems;

internal sealed class PackedTreeBuilder
{
    /// <summary>Longest name in a directory.</summary>
    public const int MaxNameBytes = 255;

    /// <summary>Longest target of a symbolic link.</summary>
    public const int MaxTargetBytes = 4095;

    private readonly List<PackedNode> _nodes = [];
    private readonly List<Found> _found = [];
    private readonly List<byte> _names = [];
    private readonly List<PackedSegment> _segments = [];
    private readonly List<PackedXattr[]> _xattrs = [];
    private int[] _slots = new int[64]; // Index + 1 of an entry in _found; linear probing.

    public int NodeCount => _nodes.Count;

    /// <summary>A node, to be completed in place. The reference is good until the next node is added.</summary>
    public ref PackedNode this[int node] => ref CollectionsMarshal.AsSpan(_nodes)[node];

    /// <summary>Adds a node that has no name yet; the first one is the root.</summary>
    public int AddNode(in PackedNode node)
    {
        _nodes.Add(node with { Xattrs = -1, LinkCount = 0, Parent = _nodes.Count == 0 ? 0 : -1 });
        return _nodes.Count - 1;
    }

    /// <summary>Keeps the target of symbolic links; the result is a node's <see cref="PackedNode.Data"/>.</summary>
    public int AddTarget(ReadOnlySpan<byte> target, long offset)
    {
        if (target.IsEmpty || target.Length > MaxTargetBytes || target.Contains((byte)0))
        {
            throw new ImageFormatException($"a symbolic link has a target of {target.Length} bytes, or one with a NUL; 1 to {MaxTargetBytes} are allowed", offset);
        }
        AddBytes(target);
        return _names.Count - target.Length;
    }

    /// <summary>Says where the bytes of a sparse file are; ascending and inside of the file.</summary>
    public void SetSegments(int node, List<PackedSegment> segments)
    {
        this[node].IsSparse = true;
        this[node].Data = _segments.Count;
        this[node].Count = segments.Count;
        _segments.AddRange(segments);
    }

    /// <summary>Gives extended attributes, no two of one name.</summary>
    public void SetXattrs(int node, PackedXattr[] xattrs)
    {
        this[node].Xattrs = _xattrs.Count;
        _xattrs.Add(xattrs);
    }

    /// <summary>What a name in a directory means so far, or -1.</summary>
    public int Find(int directory, ReadOnlySpan<byte> name)
    {
        int slot = SlotOf(directory, name);
        return _slots[slot] == 0 ? -1 : _found[_slots[slot] - 1].Node;
    }

    /// <summary>Bytes of a symbolic link's target. Good until the next name is added.</summary>
    public ReadOnlySpan<byte> TargetOf(int node) =>
        CollectionsMarshal.AsSpan(_names).Slice((int)this[node].Data, (int)this[node].SizeBytes);

    /// <summary>Gives a node a name; a file that had the name loses it.</summary>
    public void SetName(int directory, ReadOnlySpan<byte> name, int node, long offset)
    {
        if (!IsValidName(name))
        {
            throw new ImageFormatException($"bad name \"{ImageText.Show(name)}\"", offset);
        }
        if (this[node].IsDirectory)
        {
            if (this[node].Parent >= 0)
            {
                throw new ImageFormatException($"directory \"{ImageText.Show(name)}\" has two names", offset);
            }
            this[node].Parent = directory;
        }
        int slot = SlotOf(directory, name);
        if (_slots[slot] != 0)
        {
            ref Found old = ref CollectionsMarshal.AsSpan(_found)[_slots[slot] - 1];
            if (this[old.Node].IsDirectory)
            {
                this[old.Node].Parent = -1;
            }
            old.Node = node;
            return;
        }
        _found.Add(new Found(directory, _names.Count, node));
        _slots[slot] = _found.Count;
        this[directory].Count++;
        _names.Add((byte)name.Length);
        AddBytes(name);
        if (_found.Count * 2 > _slots.Length)
        {
            Grow();
        }
    }

    /// <summary>1 to 255 bytes, no '/' and NUL, neither "." nor "..".</summary>
    public static bool IsValidName(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= MaxNameBytes && name.IndexOfAny((byte)'/', (byte)0) < 0 && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8);

    /// <summary>Sorts everything into its final order. The builder is used up.</summary>
    internal (PackedNode[] Nodes, PackedEntry[] Entries, byte[] Names, PackedSegment[] Segments, PackedXattr[][] Xattrs) Build()
    {
        PackedNode[] nodes = [.. _nodes];
        int first = 0;
        foreach (ref PackedNode node in nodes.AsSpan())
        {
            if (node.IsDirectory)
            {
                node.Data = first;
                first += node.Count;
                node.Count = 0;
            }
        }
        var entries = new PackedEntry[first];
        foreach (Found found in _found)
        {
            ref PackedNode directory = ref nodes[found.Directory];
            entries[directory.Data + directory.Count++] = new PackedEntry(found.Name, found.Node);
        }
        byte[] names = [.. _names];
        foreach (ref PackedNode node in nodes.AsSpan())
        {
            if (node.IsDirectory)
            {
                entries.AsSpan((int)node.Data, node.Count).Sort((a, b) =>
                    names.AsSpan(a.Name + 1, names[a.Name]).SequenceCompareTo(names.AsSpan(b.Name + 1, names[b.Name])));
            }
        }
        CountLinks(nodes, entries);
        return (nodes, entries, names, [.. _segments], [.. _xattrs]);
    }

    // From the root down: what is not reached has no links. Directories have one parent, so each is met once.
    private static void CountLinks(PackedNode[] nodes, PackedEntry[] entries)
    {
        var pending = new Stack<int>();
        pending.Push(0);
        nodes[0].LinkCount = 2;
        while (pending.TryPop(out int directory))
        {
            foreach (PackedEntry entry in entries.AsSpan((int)nodes[directory].Data, nodes[directory].Count))
            {
                ref PackedNode child = ref nodes[entry.Node];
                if (!child.IsDirectory)
                {
                    child.LinkCount++;
                    continue;
                }
                child.LinkCount = 2;
                nodes[directory].LinkCount++;
                pending.Push(entry.Node);
            }
        }
    }

    private void AddBytes(ReadOnlySpan<byte> bytes)
    {
        if (_names.Count > int.MaxValue - bytes.Length - MaxNameBytes - 1)
        {
            throw new ImageFormatException("the names of the image take more than 2 GiB");
        }
        _names.AddRange(bytes);
    }

    // The slot of an entry, or the empty one where it belongs. The hash is seeded anew in each process: an image cannot aim at it.
    private int SlotOf(int directory, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> names = CollectionsMarshal.AsSpan(_names);
        int mask = _slots.Length - 1;
        for (int slot = HashOf(directory, name) & mask; ; slot = (slot + 1) & mask)
        {
            if (_slots[slot] == 0)
            {
                return slot;
            }
            Found found = _found[_slots[slot] - 1];
            if (found.Directory == directory && names.Slice(found.Name + 1, names[found.Name]).SequenceEqual(name))
            {
                return slot;
            }
        }
    }

    private void Grow()
    {
        ReadOnlySpan<byte> names = CollectionsMarshal.AsSpan(_names);
        var slots = new int[_slots.Length * 2];
        int mask = slots.Length - 1;
        for (int i = 0; i < _found.Count; i++)
        {
            int slot = HashOf(_found[i].Directory, names.Slice(_found[i].Name + 1, names[_found[i].Name])) & mask;
            while (slots[slot] != 0)
            {
                slot = (slot + 1) & mask;
            }
            slots[slot] = i + 1;
        }
        _slots = slots;
    }

    private static int HashOf(int directory, ReadOnlySpan<byte> name)
    {
        HashCode hash = default;
        hash.Add(directory);
        hash.AddBytes(name);
        return hash.ToHashCode();
    }

    private record struct Found(int Directory, int Name, int Node);
}
