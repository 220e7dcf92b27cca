// TfsVolume is an image at rest: the log is replayed into memory once, then names, attributes and data are answered from there and
// from the device. Place: the command line and the read-only mount stand on it; below are LogReader, TupleStore and the device.
//
// Opening fails (TfsFormatException) when the log itself is damaged. Damage that concerns one entry or file is survived: the entry is
// left out, or the file cannot be read (EUCLEAN), and Faults says so. After opening nothing changes any more: any thread may call.
using System.Globalization;
using System.Text;

namespace Tupelo.Tfs;

/// <summary>A TFS volume, opened for reading.</summary>
public sealed partial class TfsVolume : ILogConsumer
{
    private readonly TupleStore _store = new();
    private readonly List<TfsFault> _faults = [];
    private readonly HashSet<int> _damagedFiles = [];
    private readonly Dictionary<int, uint> _extraNames = []; // names of files besides their first, as they were when the volume was opened
    private readonly byte[] _uuid;
    private readonly byte[] _label;
    private readonly TfsWellKnown _known;
    private TupleDecoder? _decoder;
    private ulong _commitSymbolIndex;

    private TfsVolume(BlockDevice device, bool keepsNumbers)
    {
        Device = device;
        _decoder = new TupleDecoder(_store);
        var reader = new LogReader(device, this, _faults);
        Log = reader.Read();
        if (_store.TupleCount == 0)
        {
            throw new TfsFormatException("the log holds no record, so there is no root");
        }
        Log.TotalEntries = _decoder.TotalEntries;
        Log.ObsoleteEntries = _decoder.ObsoleteEntries;
        Log.DictionaryCount = _decoder.DictionaryCount;
        Tail = reader.Tail;
        Numbers = keepsNumbers ? LogDictionary.From(_decoder) : null;
        _decoder = null; // numbers are needed for replaying, and for going on with the log
        _uuid = reader.Uuid;
        _label = reader.Label;
        if (keepsNumbers)
        {
            _ = new TfsSymbols(_store.Symbols); // what is added later must be known by then
        }
        _known = new TfsWellKnown(_store.Symbols);
        CheckTree();
    }

    /// <summary>Replays the log of the volume that <paramref name="device"/> holds. The device stays the caller's.</summary>
    /// <exception cref="TfsFormatException">It is no TFS volume, its log is damaged, or the device failed.</exception>
    public static TfsVolume Open(BlockDevice device) => new(device, keepsNumbers: false);

    /// <summary>As <see cref="Open"/>, for somebody who goes on with the log: the store and the numbers are his from then on.</summary>
    internal static TfsVolume OpenForWriting(BlockDevice device) => new(device, keepsNumbers: true);

    /// <summary>All tuples.</summary>
    internal TupleStore Store => _store;

    /// <summary>The log's numbers; null unless opened for writing.</summary>
    internal LogDictionary? Numbers { get; }

    /// <summary>Where the log goes on.</summary>
    internal LogTail Tail { get; }

    /// <summary>What the volume lies on.</summary>
    public BlockDevice Device { get; }

    /// <summary>Identity: 16 bytes.</summary>
    public ReadOnlySpan<byte> Uuid => _uuid;

    /// <summary>Identity as Nanos writes it: 8-4-4-4-12 hexadecimal digits.</summary>
    public string UuidText
    {
        get
        {
            string digits = Convert.ToHexStringLower(_uuid);
            return $"{digits[..8]}-{digits[8..12]}-{digits[12..16]}-{digits[16..20]}-{digits[20..]}";
        }
    }

    /// <summary>Label: at most 31 bytes of UTF-8, often none.</summary>
    public ReadOnlySpan<byte> Label => _label;

    /// <summary>The root directory, whose other attributes are the system's configuration.</summary>
    public TfsNode Root => new(TupleStore.Root);

    /// <summary>What the log looks like.</summary>
    public TfsLogInfo Log { get; }

    /// <summary>Damage that was found and survived.</summary>
    public IReadOnlyList<TfsFault> Faults => _faults;

    /// <summary>True when something is wrong that a crash does not explain.</summary>
    public bool HasDamage => _faults.Exists(static fault => !fault.IsUnfinishedEnd);

    /// <summary>Highest <see cref="TfsNode.Id"/> in use.</summary>
    public int HighestNodeId => _store.TupleCount;

    /// <summary>Kind of file object.</summary>
    public FileType TypeOf(TfsNode node)
    {
        // In the order in which Nanos tests. A device or FIFO is Tupelo's, and known by its mode.
        int tuple = node.Id;
        if (Has(tuple, _known.Children) || tuple == TupleStore.Root)
        {
            return FileType.Directory;
        }
        if (Has(tuple, _known.LinkTarget))
        {
            return FileType.Symlink;
        }
        if (Has(tuple, _known.Socket))
        {
            return FileType.Socket;
        }
        if (Has(tuple, _known.Special))
        {
            return FileType.CharDevice;
        }
        if (!Has(tuple, _known.Extents) && TryGetNumber(tuple, _known.Mode, out ulong mode))
        {
            FileType type = Mode.TypeOf((uint)mode);
            if (type is FileType.Fifo or FileType.CharDevice or FileType.BlockDevice)
            {
                return type;
            }
        }
        return FileType.Regular;
    }

    /// <summary>Looks a name up in a directory.</summary>
    /// <remarks>Errors, first match wins: ENOTDIR · ENAMETOOLONG more than 255 bytes · ENOENT.</remarks>
    public Errno Lookup(TfsNode directory, ReadOnlySpan<byte> name, out TfsNode child)
    {
        child = TfsNode.None;
        if (TypeOf(directory) != FileType.Directory)
        {
            return Errno.ENOTDIR;
        }
        if (name.Length > TfsFormat.MaxNameBytes)
        {
            return Errno.ENAMETOOLONG;
        }
        int symbol = _store.Symbols.Find(name);
        int children = ChildrenOf(directory);
        if (symbol == 0 || children == 0)
        {
            return Errno.ENOENT;
        }
        AttributeSlot slot = _store.Get(children, symbol);
        if (slot.Kind != TfsValueKind.Tuple)
        {
            return Errno.ENOENT;
        }
        child = new TfsNode((int)slot.Value);
        return Errno.None;
    }

    /// <summary>The entries of a directory; none for another kind of file.</summary>
    public TfsDirectoryEntries EntriesOf(TfsNode directory)
    {
        int children = ChildrenOf(directory);
        return new TfsDirectoryEntries(_store, children == 0 ? [] : _store.SlotsOf(children));
    }

    /// <summary>How many entries a directory has.</summary>
    public int EntryCountOf(TfsNode directory)
    {
        int children = ChildrenOf(directory);
        return children == 0 ? 0 : _store.CountOf(children);
    }

    /// <summary>Every file object of the tree once, however many names it has; the root first, a directory before its entries.</summary>
    public IEnumerable<TfsNode> AllNodes()
    {
        var seen = new System.Collections.BitArray(_store.TupleCount + 1);
        var directories = new Stack<int>();
        var found = new List<TfsNode>();
        directories.Push(TupleStore.Root);
        yield return Root;
        while (directories.TryPop(out int directory))
        {
            found.Clear();
            foreach (TfsDirectoryEntries entry in EntriesOf(new TfsNode(directory)))
            {
                if (!seen[entry.Node.Id])
                {
                    seen[entry.Node.Id] = true;
                    found.Add(entry.Node);
                }
            }
            foreach (TfsNode node in found)
            {
                if (TypeOf(node) == FileType.Directory)
                {
                    directories.Push(node.Id);
                }
                yield return node;
            }
        }
    }

    /// <summary>All attributes of a tuple, or elements of a vector.</summary>
    public TfsAttributes AttributesOf(TfsNode node) => new(_store, node.Id, 0);

    /// <summary>The attributes behind a <see cref="TfsAttributes.Position"/>; 0 gives all.</summary>
    public TfsAttributes AttributesOf(TfsNode node, int position) => new(_store, node.Id, position);

    /// <summary>True for a list of values without names.</summary>
    public bool IsVector(TfsNode node) => _store.IsVector(node.Id);

    /// <summary>One attribute of a tuple; of kind <see cref="TfsValueKind.None"/> when it has no such.</summary>
    public TfsValue AttributeOf(TfsNode node, ReadOnlySpan<byte> name)
    {
        int symbol = _store.Symbols.Find(name);
        return new TfsValue(_store, symbol == 0 || _store.IsVector(node.Id) ? default : _store.Get(node.Id, symbol));
    }

    /// <summary>Target of a symbolic link; empty for another kind of file.</summary>
    public ReadOnlySpan<byte> TargetOf(TfsNode link) => new TfsValue(_store, Get(link.Id, _known.LinkTarget)).Bytes;

    /// <summary>What stat tells. Where Nanos' format has no word for it, Tupelo's own attributes are used, or what Nanos itself shows:
    /// mode 0777 for directories and links, 0666 for the others, owner 0.</summary>
    public void GetStat(TfsNode node, out Stat stat)
    {
        FileType type = TypeOf(node);
        stat = new Stat
        {
            Ino = (ulong)node.Id,
            BlockSizeBytes = 4096,
            LinkCount = 1,
            Mode = Mode.OfType(type) | (type is FileType.Directory or FileType.Symlink ? 0x1FFu : 0x1B6u),
        };
        if (TryGetNumber(node.Id, _known.Mode, out ulong mode))
        {
            stat.Mode = Mode.OfType(type) | ((uint)mode & Mode.PermissionMask);
        }
        if (TryGetNumber(node.Id, _known.Uid, out ulong uid))
        {
            stat.Uid = (uint)uid;
        }
        if (TryGetNumber(node.Id, _known.Gid, out ulong gid))
        {
            stat.Gid = (uint)gid;
        }
        stat.AccessTime = TimeOf(node.Id, _known.AccessTime);
        stat.ModifyTime = TimeOf(node.Id, _known.ModifyTime);
        stat.ChangeTime = Has(node.Id, _known.ChangeTime) ? TimeOf(node.Id, _known.ChangeTime) : stat.ModifyTime;
        stat.BirthTime = TimeOf(node.Id, _known.BirthTime);
        switch (type)
        {
            case FileType.Directory:
                stat.LinkCount = 2;
                foreach (TfsDirectoryEntries entry in EntriesOf(node))
                {
                    stat.LinkCount += TypeOf(entry.Node) == FileType.Directory ? 1u : 0u;
                }
                return;
            case FileType.Symlink:
                stat.SizeBytes = TargetOf(node).Length;
                break;
            case FileType.CharDevice or FileType.BlockDevice:
                _ = TryGetNumber(node.Id, _known.Device, out stat.RawDevice);
                break;
            case FileType.Regular:
                stat.SizeBytes = LengthOf(node);
                stat.Blocks512 = AllocatedSectorsOf(node);
                break;
            default:
                break;
        }
        if (TryGetNumber(node.Id, _known.LinkCount, out ulong links))
        {
            stat.LinkCount = (uint)Math.Clamp(links, 1, uint.MaxValue);
        }
    }

    /// <summary>How many names a file had when the volume was opened. Its link count should say the same, and need not: Nanos writes the two
    /// in separate records.</summary>
    public uint NamesOf(TfsNode file) => 1 + _extraNames.GetValueOrDefault(file.Id);

    /// <summary>Length of a regular file in bytes.</summary>
    public long LengthOf(TfsNode file) => TryGetNumber(file.Id, _known.FileLength, out ulong length) && length <= long.MaxValue ? (long)length : 0;

    /// <summary>Follows a path from the root, through symbolic links; a leading '/' is not needed.</summary>
    /// <param name="path">Names separated by '/'; "." and ".." are understood, ".." at the root stays there.</param>
    /// <param name="followLast">Whether a link at the end is followed.</param>
    /// <param name="node">What it leads to.</param>
    /// <remarks>Errors, first match wins, from left to right: ENOTDIR · ENAMETOOLONG · ENOENT · ELOOP more than 40 links.</remarks>
    public Errno Resolve(ReadOnlySpan<byte> path, bool followLast, out TfsNode node)
    {
        node = TfsNode.None;
        var trail = new List<TfsNode> { Root };
        byte[] rest = path.ToArray();
        int at = 0;
        int links = 0;
        while (true)
        {
            while (at < rest.Length && rest[at] == '/')
            {
                at++;
            }
            if (at == rest.Length)
            {
                break;
            }
            int length = rest.AsSpan(at).IndexOf((byte)'/');
            length = length < 0 ? rest.Length - at : length;
            ReadOnlySpan<byte> name = rest.AsSpan(at, length);
            bool isLast = rest.AsSpan(at + length).IndexOfAnyExcept((byte)'/') < 0;
            bool mustBeDirectory = at + length < rest.Length;
            TfsNode here = trail[^1];
            if (TypeOf(here) != FileType.Directory)
            {
                return Errno.ENOTDIR;
            }
            if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
            {
                if (name.Length == 2 && trail.Count > 1)
                {
                    trail.RemoveAt(trail.Count - 1);
                }
                at += length;
                continue;
            }
            Errno errno = Lookup(here, name, out TfsNode child);
            if (errno != Errno.None)
            {
                return errno;
            }
            at += length;
            if (TypeOf(child) == FileType.Symlink && (!isLast || followLast || mustBeDirectory))
            {
                if (++links > 40)
                {
                    return Errno.ELOOP;
                }
                ReadOnlySpan<byte> target = TargetOf(child);
                if (target.IsEmpty)
                {
                    return Errno.ENOENT;
                }
                if (target[0] == '/')
                {
                    trail.RemoveRange(1, trail.Count - 1);
                }
                rest = [.. target, .. rest.AsSpan(at)];
                if (rest.Length > 1 << 16)
                {
                    return Errno.ENAMETOOLONG;
                }
                at = 0;
                continue;
            }
            if (mustBeDirectory && TypeOf(child) != FileType.Directory)
            {
                return Errno.ENOTDIR;
            }
            trail.Add(child);
        }
        node = trail[^1];
        return Errno.None;
    }

    void ILogConsumer.Apply(ReadOnlySpan<byte> record, in LogRecordPlace place) => _decoder!.Decode(record, place.OldEncoding, place.OffsetBytes);

    ulong ILogConsumer.CommitSymbolIndex => FindCommitSymbol(_decoder!, _store, ref _commitSymbolIndex);

    // The number is given once, by the first commit record (or by Nanos, when its compaction writes the root): looked for from where
    // the last search ended.
    internal static ulong FindCommitSymbol(TupleDecoder decoder, TupleStore store, ref ulong known)
    {
        if (known == 0)
        {
            int symbol = store.Symbols.Find(TfsAttribute.TupeloCommit);
            known = symbol == 0 ? 0 : decoder.IndexOfSymbol(symbol);
        }
        return known;
    }

    private int ChildrenOf(TfsNode directory)
    {
        AttributeSlot slot = Get(directory.Id, _known.Children);
        return slot.Kind == TfsValueKind.Tuple ? (int)slot.Value : 0;
    }

    private AttributeSlot Get(int tuple, int symbol) => symbol == 0 ? default : _store.Get(tuple, symbol);

    private bool Has(int tuple, int symbol) => symbol != 0 && !_store.Get(tuple, symbol).IsVacant;

    private bool TryGetNumber(int tuple, int symbol, out ulong number)
    {
        number = 0;
        return symbol != 0 && _store.TryGetNumber(_store.Get(tuple, symbol), out number);
    }

    private Timespec TimeOf(int tuple, int symbol) => TryGetNumber(tuple, symbol, out ulong value) ? TfsTime.Decode(value) : default;

    private void Fault(string message) => _faults.Add(new TfsFault(message, -1));

    private static string Printable(ReadOnlySpan<byte> name) => string.Create(CultureInfo.InvariantCulture, $"'{Encoding.UTF8.GetString(name[..Math.Min(name.Length, 64)])}{(name.Length > 64 ? "..." : "")}'");
}
