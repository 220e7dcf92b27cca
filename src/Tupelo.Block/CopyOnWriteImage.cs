// A CopyOnWriteImage is the content of a device as a value: a copy costs nothing until one of the two changes, and then only the
// pages that change. Crash states are made of it by the million: what was durable, with some of the writes that were not.
//
// A tree of nodes with 64 children each, pages of 4 KiB at its leaves; a child that is missing is zeros. Images share nodes and pages.
// Each node and page knows its owner, the image that may change it in place; a Snapshot disowns all, so that both images copy the way
// from the root to a page before they change it (path copying; the owner is a token, as in Clojure's transients).
//
// Threads: an image is changed by one thread at a time. One that nobody changes any more (Freeze) is read, and snapshots of it are
// taken, by any thread.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tupelo.Block;

/// <summary>The content of a device, cheap to copy.</summary>
public sealed class CopyOnWriteImage
{
    /// <summary>Unit of sharing, in bytes.</summary>
    public const int PageBytes = 4096;

    /// <summary>Greatest length; above it sums of offsets could overflow.</summary>
    public const long MaxSizeBytes = 1L << 62;

    private const int PageShift = 12;
    private const int FanShift = 6;
    private const int Fan = 1 << FanShift;

    private static readonly byte[] ZeroPage = new byte[PageBytes];

    private object _owner = new();
    private Node? _root;
    private int _height = 1; // Levels of nodes; the root covers Fan ^ _height pages.

    /// <summary>An image of <paramref name="sizeBytes"/> zeros.</summary>
    public CopyOnWriteImage(long sizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, MaxSizeBytes);
        SizeBytes = sizeBytes;
        Heighten();
    }

    private CopyOnWriteImage(CopyOnWriteImage source)
    {
        SizeBytes = source.SizeBytes;
        _root = source._root;
        _height = source._height;
    }

    private sealed class Page(object owner, byte[] bytes)
    {
        public readonly object Owner = owner;
        public readonly byte[] Bytes = bytes;
    }

    private sealed class Node(object owner)
    {
        public readonly object Owner = owner;
        public Children Children; // Nodes, or on the lowest level pages.
    }

    [InlineArray(Fan)]
    private struct Children
    {
        private object? _first;
    }

    public long SizeBytes { get; private set; }

    /// <summary>True when nothing changes it any more.</summary>
    public bool IsFrozen { get; private set; }

    /// <summary>A copy of <paramref name="content"/>.</summary>
    public static CopyOnWriteImage FromBytes(ReadOnlySpan<byte> content)
    {
        var image = new CopyOnWriteImage(content.Length);
        image.Fill(0, content);
        return image;
    }

    /// <summary>A copy of what is on <paramref name="device"/>; costs memory only for pages that are not zero.</summary>
    /// <exception cref="BlockDeviceException">It cannot be read.</exception>
    public static unsafe CopyOnWriteImage FromDevice(BlockDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        const int Chunk = 1 << 20;
        var image = new CopyOnWriteImage(device.SizeBytes);
        void* memory = NativeMemory.AlignedAlloc(Chunk, PageBytes);
        try
        {
            for (long offset = 0; offset < image.SizeBytes; offset += Chunk)
            {
                var part = new Span<byte>(memory, (int)Math.Min(Chunk, image.SizeBytes - offset));
                Errno errno = device.Read(offset, part);
                if (errno != Errno.None)
                {
                    throw new BlockDeviceException(errno, device.Name, $"Cannot read {device.Name}: {errno.Describe()}.");
                }
                image.Fill(offset, part);
            }
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
        return image;
    }

    /// <summary>A copy that shares everything with this image until one of them changes. Takes no time.</summary>
    public CopyOnWriteImage Snapshot()
    {
        if (!IsFrozen)
        {
            _owner = new object(); // what we owned is shared now
        }
        return new CopyOnWriteImage(this);
    }

    /// <summary>Forbids further change, and returns this image.</summary>
    public CopyOnWriteImage Freeze()
    {
        IsFrozen = true;
        return this;
    }

    /// <summary>Copies bytes out. The range must lie inside.</summary>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        CheckRange(offsetBytes, buffer.Length);
        while (buffer.Length > 0)
        {
            (long page, int start, int count) = Split(offsetBytes, buffer.Length);
            PageAt(page).Slice(start, count).CopyTo(buffer);
            buffer = buffer[count..];
            offsetBytes += count;
        }
    }

    /// <summary>All of it in one array.</summary>
    public byte[] ToArray()
    {
        byte[] content = new byte[SizeBytes];
        Read(0, content);
        return content;
    }

    /// <summary>Stores bytes; the image grows when they reach beyond its end.</summary>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offsetBytes, MaxSizeBytes - buffer.Length);
        CheckNotFrozen();
        if (offsetBytes + buffer.Length > SizeBytes)
        {
            Resize(offsetBytes + buffer.Length);
        }
        while (buffer.Length > 0)
        {
            (long page, int start, int count) = Split(offsetBytes, buffer.Length);
            buffer[..count].CopyTo(OwnPage(page, keepContent: count < PageBytes).AsSpan(start));
            buffer = buffer[count..];
            offsetBytes += count;
        }
    }

    /// <summary>Makes a range zeros; costs nothing for whole pages, however many.</summary>
    public void Zero(long offsetBytes, long lengthBytes)
    {
        CheckRange(offsetBytes, lengthBytes);
        CheckNotFrozen();
        long end = offsetBytes + lengthBytes;
        long firstWhole = (offsetBytes + PageBytes - 1) >> PageShift;
        long endWhole = end >> PageShift;
        if (firstWhole > endWhole)
        {
            ZeroPart(offsetBytes, lengthBytes); // inside of one page
            return;
        }
        ZeroPart(offsetBytes, (firstWhole << PageShift) - offsetBytes);
        ZeroPart(endWhole << PageShift, end - (endWhole << PageShift));
        _root = Prune(_root, _height, 0, firstWhole, endWhole);
    }

    /// <summary>Changes the length; new bytes are zeros.</summary>
    public void Resize(long sizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, MaxSizeBytes);
        CheckNotFrozen();
        if (sizeBytes < SizeBytes)
        {
            Zero(sizeBytes, SizeBytes - sizeBytes); // so that growing again shows zeros
        }
        SizeBytes = sizeBytes;
        Heighten();
    }

    /// <summary>Numbers of the pages in which this image differs from <paramref name="other"/>, ascending. Costs what they do not share.</summary>
    public IReadOnlyList<long> DifferingPages(CopyOnWriteImage other)
    {
        var pages = new List<long>();
        Compare(_root, _height, other._root, other._height, 0, pages);
        return pages;
    }

    /// <summary>A number that is the same for two images that differ from <paramref name="reference"/> in the same way, and another one
    /// for all others (with a probability of 1 - 2^-120 or so). Fingerprints add up: from a to b and from b to c makes from a to c. Costs
    /// what is not shared with <paramref name="reference"/>.</summary>
    public UInt128 Fingerprint(CopyOnWriteImage reference)
    {
        UInt128 sum = (UInt128)((Int128)SizeBytes - reference.SizeBytes) * 0x9E3779B97F4A7C15;
        Sum(_root, _height, reference._root, reference._height, 0, ref sum);
        return sum;
    }

    private static (long Page, int Start, int Count) Split(long offsetBytes, long lengthBytes)
    {
        int start = (int)(offsetBytes & (PageBytes - 1));
        return (offsetBytes >> PageShift, start, (int)Math.Min(PageBytes - start, lengthBytes));
    }

    private void CheckRange(long offsetBytes, long lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offsetBytes, SizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthBytes, SizeBytes - offsetBytes);
    }

    private void CheckNotFrozen()
    {
        if (IsFrozen)
        {
            throw new InvalidOperationException("The image is frozen: change a snapshot of it.");
        }
    }

    private void Heighten()
    {
        long pages = (SizeBytes + PageBytes - 1) >> PageShift;
        while (_height * FanShift < 63 - PageShift && pages > 1L << (_height * FanShift))
        {
            if (_root is not null)
            {
                var root = new Node(_owner);
                root.Children[0] = _root;
                _root = root;
            }
            _height++;
        }
    }

    private void Fill(long offsetBytes, ReadOnlySpan<byte> content)
    {
        for (int at = 0; at < content.Length; at += PageBytes)
        {
            ReadOnlySpan<byte> part = content[at..Math.Min(at + PageBytes, content.Length)];
            if (part.ContainsAnyExcept((byte)0))
            {
                Write(offsetBytes + at, part);
            }
        }
    }

    private static int ChildIndex(long page, int level) => (int)(page >> ((level - 1) * FanShift)) & (Fan - 1);

    private ReadOnlySpan<byte> PageAt(long page) => PageOf(page)?.Bytes ?? ZeroPage;

    private Page? PageOf(long page)
    {
        Node? node = page >> (_height * FanShift) == 0 ? _root : null;
        for (int level = _height; level > 1 && node is not null; level--)
        {
            node = Unsafe.As<Node?>(node.Children[ChildIndex(page, level)]);
        }
        return node is null ? null : Unsafe.As<Page?>(node.Children[ChildIndex(page, 1)]);
    }

    /// <summary>The bytes of a page, for changing; copies what is shared on the way to it.</summary>
    private byte[] OwnPage(long page, bool keepContent)
    {
        Node node = _root = Own(_root);
        for (int level = _height; level > 1; level--)
        {
            ref object? child = ref node.Children[ChildIndex(page, level)];
            child = node = Own(Unsafe.As<Node?>(child));
        }
        ref object? leaf = ref node.Children[ChildIndex(page, 1)];
        Page? old = Unsafe.As<Page?>(leaf);
        if (old is not null && old.Owner == _owner)
        {
            return old.Bytes;
        }
        byte[] bytes;
        if (!keepContent || old is not null)
        {
            bytes = GC.AllocateUninitializedArray<byte>(PageBytes); // overwritten at once, here or by the caller
            old?.Bytes.CopyTo(bytes, 0);
        }
        else
        {
            bytes = new byte[PageBytes];
        }
        leaf = new Page(_owner, bytes);
        return bytes;
    }

    private Node Own(Node? node)
    {
        if (node is null)
        {
            return new Node(_owner);
        }
        return node.Owner == _owner ? node : new Node(_owner) { Children = node.Children };
    }

    private void ZeroPart(long offsetBytes, long lengthBytes)
    {
        (long page, int start, int count) = Split(offsetBytes, lengthBytes);
        if (count > 0 && PageOf(page) is not null)
        {
            OwnPage(page, keepContent: true).AsSpan(start, count).Clear();
        }
    }

    /// <summary>The node without the pages [first, end); null when nothing is left.</summary>
    private Node? Prune(Node? node, int level, long nodeFirst, long first, long end)
    {
        long span = 1L << (level * FanShift);
        if (node is null || end <= nodeFirst || nodeFirst + span <= first || first >= end)
        {
            return node;
        }
        if (first <= nodeFirst && nodeFirst + span <= end)
        {
            return null;
        }
        node = Own(node);
        long childSpan = 1L << ((level - 1) * FanShift);
        for (int i = (int)(Math.Max(first - nodeFirst, 0) / childSpan); i < Fan && nodeFirst + (i * childSpan) < end; i++)
        {
            ref object? child = ref node.Children[i];
            child = level == 1 ? null : Prune(Unsafe.As<Node?>(child), level - 1, nodeFirst + (i * childSpan), first, end);
        }
        return node;
    }

    private static void Compare(Node? a, int aHeight, Node? b, int bHeight, long first, List<long> differing)
    {
        if (ReferenceEquals(a, b))
        {
            return;
        }
        for (int i = 0; i < Fan; i++)
        {
            (object? aChild, int aLevel, object? bChild, int bLevel, long childFirst) = ChildrenAt(a, aHeight, b, bHeight, first, i);
            if (ReferenceEquals(aChild, bChild))
            {
                continue;
            }
            if (Math.Max(aHeight, bHeight) == 1)
            {
                if (!BytesOf(aChild).SequenceEqual(BytesOf(bChild)))
                {
                    differing.Add(childFirst);
                }
                continue;
            }
            Compare(Unsafe.As<Node?>(aChild), aLevel, Unsafe.As<Node?>(bChild), bLevel, childFirst, differing);
        }
    }

    // As Compare, without a list: the hashes of a's pages less those of b's.
    private static void Sum(Node? a, int aHeight, Node? b, int bHeight, long first, ref UInt128 sum)
    {
        if (ReferenceEquals(a, b))
        {
            return;
        }
        for (int i = 0; i < Fan; i++)
        {
            (object? aChild, int aLevel, object? bChild, int bLevel, long childFirst) = ChildrenAt(a, aHeight, b, bHeight, first, i);
            if (ReferenceEquals(aChild, bChild))
            {
                continue;
            }
            if (Math.Max(aHeight, bHeight) == 1)
            {
                // Equal pages have equal hashes, so they need not be told apart first.
                sum += HashPage(childFirst, BytesOf(aChild)) - HashPage(childFirst, BytesOf(bChild));
                continue;
            }
            Sum(Unsafe.As<Node?>(aChild), aLevel, Unsafe.As<Node?>(bChild), bLevel, childFirst, ref sum);
        }
    }

    // The i-th child of both, each with its height. The higher tree has the lower one as its first child.
    private static (object? A, int AHeight, object? B, int BHeight, long First) ChildrenAt(Node? a, int aHeight, Node? b, int bHeight, long first, int i)
    {
        int height = Math.Max(aHeight, bHeight);
        (object? aChild, int aChildHeight) = aHeight == height ? (a?.Children[i], height - 1) : (i == 0 ? a : null, aHeight);
        (object? bChild, int bChildHeight) = bHeight == height ? (b?.Children[i], height - 1) : (i == 0 ? b : null, bHeight);
        return (aChild, aChildHeight, bChild, bChildHeight, first + (i * (1L << ((height - 1) * FanShift))));
    }

    private static ReadOnlySpan<byte> BytesOf(object? page) => Unsafe.As<Page?>(page)?.Bytes ?? ZeroPage;

    // Two lanes of multiply-and-fold over 16 bytes at a time.
    private static UInt128 HashPage(long page, ReadOnlySpan<byte> bytes)
    {
        Debug.Assert(bytes.Length == PageBytes);
        ulong a = 0xA0761D6478BD642F ^ (ulong)page;
        ulong b = 0xE7037ED1A0B428DB + (ulong)page;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        for (int i = 0; i < words.Length; i += 2)
        {
            a = Fold(a ^ words[i], 0x8EBC6AF09C88C6E3 ^ words[i + 1]);
            b = Fold(b ^ words[i + 1], 0x589965CC75374CC3 ^ words[i]) + 1;
        }
        return new UInt128(Fold(a, 0x1D8E4E27C47D124F ^ b), Fold(b, 0xEB44ACCAB455D165 ^ a));
    }

    private static ulong Fold(ulong x, ulong y)
    {
        ulong high = Math.BigMul(x, y, out ulong low);
        return high ^ low;
    }
}
