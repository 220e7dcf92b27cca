// Walks a tree of the host, a tree of a manifest, or both laid over one another, and adds every entry to an image. Depth-first, names
// in byte order; what the manifest says of a name wins over what the host's directory has, except that two directories are merged.
// Neither walk is recursive: depth costs a frame in memory and nothing else.
using Tupelo.Tfs;

namespace Tupelo.Images;

/// <summary>What of a tree is stored, and how.</summary>
internal sealed record TreeOptions
{
    /// <summary>Store neither mode, owner, times nor extended attributes, and leave out FIFOs and devices.</summary>
    public bool Plain { get; init; }

    /// <summary>Store only what is the same on every machine: owner 0, the access time that of modification, of extended
    /// attributes only `user.`.</summary>
    public bool Reproducible { get; init; }

    /// <summary>No time later than this is stored.</summary>
    public Timespec? LatestTime { get; init; }

    /// <summary>What of the host's tree is left out.</summary>
    public ExcludePatterns Excludes { get; init; } = new([]);

    /// <summary>Finds the host's files that a manifest names.</summary>
    public HostLookup Lookup { get; init; } = new(null);
}

internal sealed class ImageTreeWriter
{
    private readonly TfsImageBuilder _builder;
    private readonly TreeOptions _options;
    private readonly BuildProgress _progress;
    private readonly Action<string> _warn;
    private readonly CancellationToken _cancellation;
    private readonly FileCopier _copier;
    private readonly TfsEntryAttributes _attributes = new();
    private readonly List<DataRange> _ranges = [];
    private readonly List<DataRun> _runs = [];
    private readonly byte[] _target = new byte[TfsFormat.MaxTargetBytes + 1];
    private readonly Dictionary<(ulong Device, ulong Ino), int> _linkedByIdentity = [];
    private readonly List<(uint File, uint Names)> _linked = [];
    private readonly Stack<Frame> _open = new();
    private readonly PathBuffer _path = new();
    private long _unreachableNames;

    // A directory that is being walked.
    private sealed class Frame(HostDirectory? host, TupleLiteral? manifest, uint handle, int pathBytes)
    {
        public HostDirectory? Host { get; } = host;
        public int NextOfHost { get; set; }
        public TupleLiteral? Manifest { get; } = manifest;
        public int NextOfManifest { get; set; }
        public HashSet<int>? Merged { get; set; }
        public uint Handle { get; } = handle;
        public int PathBytes { get; } = pathBytes;
    }

    public ImageTreeWriter(TfsImageBuilder builder, TreeOptions options, BuildProgress progress, Action<string> warn, CancellationToken cancellation)
    {
        _builder = builder;
        _options = options;
        _progress = progress;
        _warn = warn;
        _cancellation = cancellation;
        _copier = new FileCopier(builder, progress, options.Reproducible, cancellation);
    }

    /// <summary>Adds everything below a root directory.</summary>
    /// <param name="host">The host's tree, or null. It stays the caller's.</param>
    /// <param name="manifest">The manifest's `children` of the root, or null.</param>
    public void Write(HostDirectory? host, TupleLiteral? manifest)
    {
        _progress.AddDirectory();
        _open.Push(new Frame(host, manifest, _builder.RootDirectory, 0));
        try
        {
            while (_open.Count > 0)
            {
                _cancellation.ThrowIfCancellationRequested();
                Step(_open.Peek());
            }
        }
        catch (Exception e) when (e is ImageException or TfsWriteException { Errno: Errno.None })
        {
            throw new ImageException(_path.Length == 0 ? e.Message : $"{_path.Text}: {e.Message}", e);
        }
        finally
        {
            while (_open.TryPop(out Frame? frame))
            {
                Close(frame);
            }
        }
        foreach ((uint file, uint names) in _linked)
        {
            if (names > 1)
            {
                _builder.SetLinkCount(file, names);
            }
        }
        if (_unreachableNames > 0)
        {
            _warn($"{_unreachableNames} names are not UTF-8: they are stored as they are, but programs in Nanos cannot open them");
        }
    }

    /// <summary>Adds one regular file to the root directory, with nothing but its content.</summary>
    public void AddToRoot(ReadOnlySpan<byte> name, HostFile file)
    {
        _attributes.Clear();
        _ = AddContent(_builder.RootDirectory, name, file);
    }

    /// <summary>Fills <paramref name="attributes"/> with what is stored of an entry, extended attributes excepted.</summary>
    public static void Describe(HostEntry entry, TreeOptions options, TfsEntryAttributes attributes)
    {
        attributes.Clear();
        if (options.Plain)
        {
            return;
        }
        if (entry.HasOwner)
        {
            attributes.Mode = entry.Mode;
            attributes.Uid = options.Reproducible ? 0 : entry.Uid;
            attributes.Gid = options.Reproducible ? 0 : entry.Gid;
        }
        attributes.ModifyTime = Earlier(entry.ModifyTime, options.LatestTime);
        attributes.AccessTime = options.Reproducible ? attributes.ModifyTime : Earlier(entry.AccessTime, options.LatestTime);
        if (entry.Type is FileType.CharDevice or FileType.BlockDevice)
        {
            attributes.Device = entry.RawDevice;
        }
    }

    /// <summary>Takes those extended attributes away that are not stored.</summary>
    public static void FilterXattrs(TreeOptions options, IList<KeyValuePair<AttributeName, TfsLiteral>> attributes)
    {
        for (int i = attributes.Count - 1; i >= 0; i--)
        {
            ReadOnlySpan<byte> name = attributes[i].Key.Bytes;
            // Without an inner dot Nanos would not take it for an extended attribute, and it might collide with one that has a meaning.
            bool hasInnerDot = name.Length > 2 && name[1..^1].Contains((byte)'.');
            if (!hasInnerDot || (options.Reproducible && !name.StartsWith("user."u8)))
            {
                attributes.RemoveAt(i);
            }
        }
    }

    private static Timespec Earlier(Timespec time, Timespec? latest) => latest is { } limit && limit < time ? limit : time;

    private void Step(Frame frame)
    {
        _path.Truncate(frame.PathBytes);
        if (frame.Host is { } host && frame.NextOfHost < host.Count)
        {
            AddFromHost(frame, host, frame.NextOfHost++);
        }
        else if (frame.Manifest is { } manifest && frame.NextOfManifest < manifest.Count)
        {
            AddFromManifest(frame, manifest, frame.NextOfManifest++);
        }
        else
        {
            Close(_open.Pop());
        }
    }

    private void Close(Frame frame)
    {
        if (_open.Count > 0) // the root's is the caller's
        {
            frame.Host?.Dispose();
        }
    }

    private void AddFromHost(Frame frame, HostDirectory host, int index)
    {
        ReadOnlySpan<byte> name = host.NameAt(index);
        _path.Append(name);
        TupleLiteral? laidOver = null;
        int manifestIndex = frame.Manifest?.IndexOf(name) ?? -1;
        bool isDirectory = host.IsDirectory(index);
        if (manifestIndex >= 0)
        {
            laidOver = frame.Manifest!.ValueAt(manifestIndex) as TupleLiteral;
            if (!isDirectory || laidOver?[TfsAttribute.Children] is null)
            {
                return; // the manifest's entry comes later
            }
            _ = (frame.Merged ??= []).Add(manifestIndex);
        }
        if (!_options.Excludes.IsEmpty && _options.Excludes.Match(_path.Relative, isDirectory))
        {
            if (laidOver is not null)
            {
                _ = frame.Merged!.Remove(manifestIndex);
            }
            _progress.AddExcluded();
            return;
        }
        if (!System.Text.Unicode.Utf8.IsValid(name))
        {
            _unreachableNames++;
        }
        if (isDirectory)
        {
            AddHostDirectory(frame, host, index, laidOver);
        }
        else
        {
            AddHostFile(frame.Handle, name, host.OpenFile(index));
        }
    }

    private void AddHostDirectory(Frame frame, HostDirectory host, int index, TupleLiteral? laidOver)
    {
        HostDirectory directory = host.OpenDirectory(index);
        try
        {
            Describe(directory.Self, _options, _attributes);
            if (!_options.Plain)
            {
                directory.ReadXattrs(_attributes.Others);
                FilterXattrs(_options, _attributes.Others);
            }
            TupleLiteral? children = laidOver is null ? null : TakeManifestAttributes(laidOver);
            uint handle = _builder.AddDirectory(frame.Handle, host.NameAt(index), _attributes);
            _progress.AddDirectory();
            _open.Push(new Frame(directory, children, handle, _path.Length));
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    private void AddHostFile(uint parent, ReadOnlySpan<byte> name, HostFile file)
    {
        HostEntry entry = file.Entry;
        int linked = -1;
        if (entry.LinkCount > 1)
        {
            if (_linkedByIdentity.TryGetValue(entry.Identity, out linked))
            {
                (uint known, uint names) = _linked[linked];
                _builder.AddLink(parent, name, known);
                _linked[linked] = (known, names + 1);
                _progress.AddLink();
                return;
            }
            linked = _linked.Count;
        }
        if (_options.Plain && entry.Type is FileType.Fifo or FileType.CharDevice or FileType.BlockDevice)
        {
            _warn($"{_path.Text} is a {KindOf(entry.Type)}: left out of a plain image");
            return;
        }
        Describe(entry, _options, _attributes);
        if (!_options.Plain)
        {
            Errno errno = file.ReadXattrs(_attributes.Others);
            if (errno != Errno.None)
            {
                throw new ImageException("cannot read the extended attributes", errno);
            }
            if (_attributes.Others.Count > 0)
            {
                FilterXattrs(_options, _attributes.Others);
            }
        }
        uint number;
        switch (entry.Type)
        {
            case FileType.Regular:
                number = AddContent(parent, name, file);
                break;
            case FileType.Symlink:
                IoResult length = file.ReadLink(_target);
                if (!length.IsOk)
                {
                    throw new ImageException("cannot read the symbolic link", length.Errno);
                }
                number = _builder.AddSymlink(parent, name, _attributes, _target.AsSpan(0, (int)length.Count));
                _progress.AddSymlink();
                break;
            default:
                number = _builder.AddSpecial(parent, name, _attributes, entry.Type);
                _progress.AddSpecial();
                break;
        }
        if (linked >= 0)
        {
            _linkedByIdentity.Add(entry.Identity, linked);
            _linked.Add((number, 1));
        }
    }

    private uint AddContent(uint parent, ReadOnlySpan<byte> name, HostFile file)
    {
        file.FindData(_ranges);
        uint number = _builder.AddFile(parent, name, _attributes, file.Entry.SizeBytes,
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_ranges), _runs);
        _copier.Copy(file, _runs);
        _progress.AddFile();
        return number;
    }

    private void AddFromManifest(Frame frame, TupleLiteral manifest, int index)
    {
        if (frame.Merged?.Contains(index) == true)
        {
            return;
        }
        ReadOnlySpan<byte> name = manifest.NameAt(index).Bytes;
        _path.Append(name);
        if (manifest.ValueAt(index) is not TupleLiteral entry)
        {
            throw new ImageException("a file or directory must be a tuple, for example (contents:(host:PATH)) or (children:())");
        }
        _attributes.Clear();
        TupleLiteral? contents = entry["contents"u8] as TupleLiteral;
        TupleLiteral? children = TakeManifestAttributes(entry);
        if (children is not null)
        {
            if (contents is not null)
            {
                throw new ImageException("a directory (children) cannot have contents");
            }
            uint handle = _builder.AddDirectory(frame.Handle, name, _attributes);
            _progress.AddDirectory();
            _open.Push(new Frame(null, children, handle, _path.Length));
            return;
        }
        if (entry["contents"u8] is null)
        {
            _ = _builder.AddTuple(frame.Handle, name, entry);
            Count(entry);
            return;
        }
        if (contents?["host"u8] is not StringLiteral path)
        {
            throw new ImageException("contents must be of the form contents:(host:PATH)");
        }
        if (entry[TfsAttribute.Extents] is not null || entry[TfsAttribute.FileLength] is not null)
        {
            throw new ImageException("a file with contents cannot have the attributes extents and filelength, too");
        }
        using HostFile file = _options.Lookup.Open(path.Bytes);
        _ = AddContent(frame.Handle, name, file);
    }

    // Everything that a manifest says of an entry, but for what makes it a directory or gives it its content, is stored with it.
    private TupleLiteral? TakeManifestAttributes(TupleLiteral entry)
    {
        TupleLiteral? children = null;
        for (int i = 0; i < entry.Count; i++)
        {
            ReadOnlySpan<byte> name = entry.NameAt(i).Bytes;
            if (name.SequenceEqual(TfsAttribute.Children))
            {
                children = entry.ValueAt(i) as TupleLiteral ?? throw new ImageException("the value of children must be a tuple");
            }
            else if (!name.SequenceEqual("contents"u8))
            {
                _attributes.Others.Add(new(entry.NameAt(i), entry.ValueAt(i)));
            }
        }
        return children;
    }

    private void Count(TupleLiteral entry)
    {
        if (entry[TfsAttribute.LinkTarget] is not null)
        {
            _progress.AddSymlink();
        }
        else if (entry[TfsAttribute.Socket] is not null)
        {
            _progress.AddSpecial();
        }
        else
        {
            _progress.AddFile();
        }
    }

    private static string KindOf(FileType type) => type switch
    {
        FileType.Fifo => "FIFO",
        FileType.CharDevice => "character device",
        _ => "block device",
    };
}
