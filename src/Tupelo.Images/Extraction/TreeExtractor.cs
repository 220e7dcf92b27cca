// A TreeExtractor copies a file or a tree of a volume to the host. The volume is a stranger's: whatever its names, links and sizes
// are, nothing outside of the destination is written, and the limits of ExtractionOptions hold. A file has its final name only when
// it is complete, so an interrupted extraction leaves no half files under names that somebody trusts.
// Place: `tupelo cp` stands on it; below are TreeWalk and TargetDirectory.
//
// Symbolic links are made as they are and never followed. Hard links stay links, holes stay holes. Depth costs neither stack nor
// open descriptors: directories that are far above are parked and found again from below.
// What concerns one entry is reported and the rest goes on; what concerns all (limits, a destination that somebody moves) throws.
// One thread per extractor.
using System.Buffers;
using System.Collections;
using System.Globalization;
using Tupelo.Tfs;

namespace Tupelo.Images.Extraction;

/// <summary>Copies files and trees of a volume to the host.</summary>
public sealed class TreeExtractor
{
    private const int BufferBytes = 1 << 20;
    private const int MaxOpenDirectories = 64;

    private readonly TfsVolume _volume;
    private readonly ExtractionOptions _options;
    private readonly ExtractionProgress _progress;
    private readonly Action<ExtractionNotice> _tell;
    private readonly CancellationToken _cancellation;
    private readonly List<Frame> _open = [];
    private readonly Dictionary<int, PlacedFile> _linked = [];
    private BitArray _hasSeveralNames = new(0);
    private byte[] _buffer = [];
    private long _seenEntries;

    /// <param name="volume">What is read.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Is advanced; any thread may read it.</param>
    /// <param name="tell">Is told what was left out, and what failed.</param>
    /// <param name="cancellation">Ends the extraction between two writes.</param>
    public TreeExtractor(TfsVolume volume, ExtractionOptions options, ExtractionProgress progress, Action<ExtractionNotice> tell, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxTotalBytes, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxEntries, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxDepth, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxRatio, 1, nameof(options));
        _volume = volume;
        _options = options;
        _progress = progress;
        _tell = tell;
        _cancellation = cancellation;
    }

    /// <summary>Copies <paramref name="node"/>, a directory with all in it, to <paramref name="name"/> in the host's directory
    /// <paramref name="directoryPath"/>. A directory that has the name already is merged with.</summary>
    /// <param name="node">What to copy.</param>
    /// <param name="sourcePath">Its path in the volume, for notices.</param>
    /// <param name="directoryPath">An existing directory of the host; may be a symbolic link to one.</param>
    /// <param name="name">UTF-8, a single name.</param>
    /// <exception cref="ImageException">A limit was met, the directory cannot be used, or somebody moved it meanwhile.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void ExtractAs(TfsNode node, ReadOnlySpan<byte> sourcePath, string directoryPath, ReadOnlySpan<byte> name)
    {
        if (!TfsName.IsValid(name))
        {
            throw new ImageException($"'{System.Text.Encoding.UTF8.GetString(name)}' cannot be a file's name");
        }
        Run(node, sourcePath, directoryPath, name.ToArray());
    }

    /// <summary>Copies what is in the directory <paramref name="directory"/> into the host's directory <paramref name="directoryPath"/>.</summary>
    /// <inheritdoc cref="ExtractAs"/>
    public void ExtractInto(TfsNode directory, ReadOnlySpan<byte> sourcePath, string directoryPath)
    {
        if (_volume.TypeOf(directory) != FileType.Directory)
        {
            throw new ArgumentException("Only a directory has something in it.", nameof(directory));
        }
        Run(directory, sourcePath, directoryPath, null);
    }

    private void Run(TfsNode start, ReadOnlySpan<byte> sourcePath, string directoryPath, byte[]? name)
    {
        Count(start, sourcePath);
        _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            _open.Add(new Frame(TargetDirectory.OpenRoot(directoryPath, _options.Portable), new Place(null, []), IsNew: false));
            var walk = new TreeWalk(_volume, start, sourcePath) { MaxDepth = _options.MaxDepth };
            while (walk.MoveNext())
            {
                _cancellation.ThrowIfCancellationRequested();
                if (walk.Step == WalkStep.Enter)
                {
                    Enter(walk, walk.Depth == 0 ? name : null);
                }
                else if (walk.Depth > 0 || name is not null)
                {
                    Leave(walk);
                }
            }
            if (_options.Sync)
            {
                Errno errno = _open[0].Directory.Sync();
                if (errno != Errno.None)
                {
                    throw new ImageException($"{directoryPath}: what was written may not be durable", errno);
                }
            }
        }
        finally
        {
            foreach (Frame frame in _open)
            {
                frame.Directory.Dispose();
            }
            _open.Clear();
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }

    // Looks at the whole tree first: for limits before anything is written, for the progress, and for files with several names.
    private void Count(TfsNode start, ReadOnlySpan<byte> sourcePath)
    {
        var seen = new BitArray(_volume.HighestNodeId + 1);
        _hasSeveralNames = new BitArray(_volume.HighestNodeId + 1);
        long entries = 0;
        long bytes = 0;
        var walk = new TreeWalk(_volume, start, sourcePath) { MaxDepth = _options.MaxDepth };
        while (walk.MoveNext())
        {
            if (walk.Step == WalkStep.Leave)
            {
                continue;
            }
            _cancellation.ThrowIfCancellationRequested();
            entries++;
            if (seen[walk.Node.Id])
            {
                _hasSeveralNames[walk.Node.Id] = true;
                continue;
            }
            seen[walk.Node.Id] = true;
            if (walk.Type == FileType.Regular)
            {
                _volume.GetStat(walk.Node, out Stat stat);
                bytes += Math.Min(stat.SizeBytes, stat.Blocks512 * TfsFormat.SectorBytes);
                if (bytes < 0 || bytes > _options.MaxTotalBytes)
                {
                    ThrowTooManyBytes();
                }
            }
        }
        if (entries > _options.MaxEntries)
        {
            ThrowTooManyEntries();
        }
        _progress.TotalEntries += entries;
        _progress.TotalBytes += bytes;
    }

    private void Enter(TreeWalk walk, byte[]? name)
    {
        if (walk.Depth == 0 && name is null)
        {
            return; // the directory itself is the destination
        }
        // Opening a volume leaves out entries with impossible names; here, before the host sees them, is the last place to know it.
        ReadOnlySpan<byte> entry = name ?? walk.Name;
        if (!TfsName.IsValid(entry))
        {
            Fail(walk, "its name is impossible; it is left out");
            walk.Skip();
            return;
        }
        if (++_seenEntries > _options.MaxEntries)
        {
            ThrowTooManyEntries();
        }
        if (walk.Type == FileType.Directory)
        {
            EnterDirectory(walk, entry);
            return;
        }
        TargetDirectory directory = _open[^1].Directory;
        Errno errno = TryLink(walk, directory, entry, out bool isDone);
        if (!isDone)
        {
            errno = walk.Type switch
            {
                FileType.Regular => ExtractFile(walk, directory, entry),
                FileType.Symlink => ExtractSymlink(walk, directory, entry),
                _ => ExtractNode(walk, directory, entry),
            };
        }
        if (errno != Errno.None)
        {
            Fail(walk, errno switch
            {
                Errno.EEXIST => "exists already, and is left as it is",
                Errno.EISDIR => "a directory has its name",
                Errno.ENOTDIR => "something that is no directory has its name",
                TargetDirectory.SameAsAnother => "another entry of the image has its name already, but for letter case or the like; it is left out",
                Errno.EUCLEAN => "its extents are damaged, so that its content is not known; it is left out",
                Errno.EILSEQ => "its name or target is not UTF-8, which this host needs; it is left out",
                Errno.EINVAL when OperatingSystem.IsWindows() => "its name is not possible on this host; it is left out",
                _ => errno.Describe(),
            });
        }
    }

    private void EnterDirectory(TreeWalk walk, ReadOnlySpan<byte> name)
    {
        _volume.GetStat(walk.Node, out Stat stat);
        Errno errno = _open[^1].Directory.OpenOrMake(name, stat.Mode, out TargetDirectory? child, out bool created);
        if (errno != Errno.None)
        {
            Fail(walk, errno switch
            {
                Errno.ENOTDIR => "a file or symbolic link has its name; it and what is in it are left out",
                TargetDirectory.SameAsAnother => "another directory of the image has its name already, but for letter case or the like; it is left out",
                _ => $"{errno.Describe()}; it and what is in it are left out",
            });
            walk.Skip();
            return;
        }
        _progress.AddEntry();
        _open.Add(new Frame(child!, new Place(_open[^1].Place, name.ToArray()), created));
        // The root stays open: hard links are found from there.
        int parked = _open.Count - 1 - MaxOpenDirectories;
        if (parked > 0 && !_open[parked].Directory.IsParked)
        {
            _open[parked].Directory.Park();
        }
    }

    private void Leave(TreeWalk walk)
    {
        Frame frame = _open[^1];
        if (walk.Depth >= _options.MaxDepth && _volume.EntryCountOf(walk.Node) > 0)
        {
            Fail(walk, string.Create(CultureInfo.InvariantCulture, $"deeper than the limit of {_options.MaxDepth} directories; what is in it is left out"));
        }
        _volume.GetStat(walk.Node, out Stat stat);
        if (frame.IsNew || _options.PreserveAll)
        {
            Errno errno = frame.Directory.Finish(AttributesOf(walk.Node, stat), out int notRestored);
            TellNotRestored(walk, notRestored);
            if (errno != Errno.None)
            {
                Fail(walk, $"its owner, mode or times cannot be restored: {errno.Describe()}");
            }
        }
        _open.RemoveAt(_open.Count - 1);
        if (_open[^1].Directory.IsParked)
        {
            Errno errno = _open[^1].Directory.Wake(frame.Directory);
            if (errno != Errno.None)
            {
                frame.Directory.Dispose();
                throw new ImageException("somebody has moved directories of the destination meanwhile; nothing more is written");
            }
        }
        frame.Directory.Dispose();
    }

    private Errno ExtractFile(TreeWalk walk, TargetDirectory directory, ReadOnlySpan<byte> name)
    {
        Errno errno = _volume.OpenFile(walk.Node, out TfsFileReader? source);
        if (errno != Errno.None)
        {
            return errno;
        }
        _volume.GetStat(walk.Node, out Stat stat);
        TargetAttributes attributes = AttributesOf(walk.Node, stat);
        // Where mode and owner are restored exactly, nobody else sees the content before they are.
        errno = directory.CreateFile(attributes.ExactMode is null ? attributes.Mode : 0, out TargetFile? target);
        if (errno != Errno.None)
        {
            return errno;
        }
        using (target)
        {
            errno = Copy(source!, target!);
            if (errno != Errno.None)
            {
                return errno;
            }
            errno = target!.Finish(attributes, out int notRestored);
            TellNotRestored(walk, notRestored);
            if (errno != Errno.None)
            {
                return errno;
            }
            errno = directory.Place(target, name, _options.Overwrite);
            if (errno == Errno.None)
            {
                Placed(walk.Node, name, target.Ino);
            }
            return errno;
        }
    }

    // Data ranges only: what lies between stays a hole.
    private Errno Copy(TfsFileReader source, TargetFile target)
    {
        long end = 0;
        long at = source.NextData(0);
        while (at >= 0)
        {
            long hole = source.NextHole(at);
            while (at < hole)
            {
                _cancellation.ThrowIfCancellationRequested();
                int count = (int)Math.Min(hole - at, BufferBytes);
                if (_progress.Bytes + count > _options.MaxTotalBytes || (_progress.Bytes + count) / _options.MaxRatio > _volume.Device.SizeBytes)
                {
                    ThrowTooManyBytes();
                }
                IoResult read = source.Read(at, _buffer.AsSpan(0, count));
                if (!read.IsOk || read.Count != count)
                {
                    return read.IsOk ? Errno.EIO : read.Errno;
                }
                Errno errno = target.Write(at, _buffer.AsSpan(0, count));
                if (errno != Errno.None)
                {
                    return errno;
                }
                _progress.AddBytes(count);
                at += count;
                end = at;
            }
            at = source.NextData(at);
        }
        return source.LengthBytes > end ? target.SetLength(source.LengthBytes) : Errno.None;
    }

    private Errno ExtractSymlink(TreeWalk walk, TargetDirectory directory, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> target = _volume.TargetOf(walk.Node);
        if (target.IsEmpty || target.Contains((byte)0))
        {
            return Errno.EINVAL;
        }
        if (_options.SafeLinks && !LinkSafety.StaysInside(target, Math.Max(0, walk.Depth - 1)))
        {
            Skip(walk, "a symbolic link that leads outside, or might; it is left out");
            return Errno.None;
        }
        _volume.GetStat(walk.Node, out Stat stat);
        Errno errno = directory.MakeSymlink(name, target, _options.Overwrite, AttributesOf(walk.Node, stat), out Made made);
        TellNotRestored(walk, made.NotRestored);
        if (errno == Errno.None)
        {
            Placed(walk.Node, name, made.Ino);
        }
        return errno;
    }

    private Errno ExtractNode(TreeWalk walk, TargetDirectory directory, ReadOnlySpan<byte> name)
    {
        if (!_options.Devices)
        {
            Skip(walk, walk.Type switch
            {
                FileType.Fifo => "a FIFO; it is left out",
                FileType.Socket => "a socket; it is left out",
                _ => "a device node; it is left out",
            });
            return Errno.None;
        }
        _volume.GetStat(walk.Node, out Stat stat);
        Errno errno = directory.MakeNode(name, walk.Type, stat.RawDevice, _options.Overwrite, AttributesOf(walk.Node, stat), out Made made);
        TellNotRestored(walk, made.NotRestored);
        if (errno == Errno.None)
        {
            Placed(walk.Node, name, made.Ino);
        }
        return errno;
    }

    // A further name of what is in its place already.
    private Errno TryLink(TreeWalk walk, TargetDirectory directory, ReadOnlySpan<byte> name, out bool isDone)
    {
        isDone = false;
        if (!_linked.TryGetValue(walk.Node.Id, out PlacedFile? first))
        {
            return Errno.None;
        }
        Errno errno;
        if (ReferenceEquals(first.Directory, _open[^1].Place))
        {
            errno = directory.Link(directory, first.Name, first.Ino, name, _options.Overwrite);
        }
        else
        {
            errno = Reopen(first.Directory, out TargetDirectory? source);
            if (errno == Errno.None)
            {
                errno = directory.Link(source!, first.Name, first.Ino, name, _options.Overwrite);
            }
            if (!ReferenceEquals(source, _open[0].Directory))
            {
                source?.Dispose();
            }
        }
        // Where the host has no links, or somebody has taken the first name away, the content comes again.
        isDone = errno is Errno.None or Errno.EEXIST or Errno.EISDIR or TargetDirectory.SameAsAnother;
        if (errno == Errno.None)
        {
            _progress.AddEntry();
        }
        return isDone ? errno : Errno.None;
    }

    // Goes down to a directory of this extraction again, from the root, one checked name at a time.
    private Errno Reopen(Place place, out TargetDirectory? directory)
    {
        var names = new Stack<byte[]>();
        for (Place at = place; at.Parent is not null; at = at.Parent)
        {
            names.Push(at.Name);
        }
        TargetDirectory reached = _open[0].Directory;
        while (names.TryPop(out byte[]? name))
        {
            Errno errno = reached.OpenExisting(name, out TargetDirectory? child);
            if (!ReferenceEquals(reached, _open[0].Directory))
            {
                reached.Dispose();
            }
            if (errno != Errno.None)
            {
                directory = null;
                return errno;
            }
            reached = child!;
        }
        directory = reached;
        return Errno.None;
    }

    private void Placed(TfsNode node, ReadOnlySpan<byte> name, ulong ino)
    {
        _progress.AddEntry();
        if (_hasSeveralNames[node.Id] && ino != 0)
        {
            _linked[node.Id] = new PlacedFile(_open[^1].Place, name.ToArray(), ino);
        }
    }

    private TargetAttributes AttributesOf(TfsNode node, in Stat stat)
    {
        List<(byte[] Name, byte[] Value)> xattrs = ExtendedAttributes.Of(_volume, node);
        if (!_options.PreserveAll)
        {
            _ = xattrs.RemoveAll(static one => !one.Name.AsSpan().StartsWith("user."u8));
        }
        // An image of Nanos' own tools has neither modes nor owners; what stat makes up for it is not to be forced on the host.
        bool hasMode = _volume.AttributeOf(node, TfsAttribute.TupeloMode).Kind != TfsValueKind.None;
        bool hasOwner = _volume.AttributeOf(node, TfsAttribute.TupeloUid).Kind != TfsValueKind.None;
        return new TargetAttributes
        {
            Mode = stat.Mode & 0x1FF,
            ExactMode = _options.PreserveAll && hasMode ? stat.Mode & Mode.PermissionMask : null,
            Owner = _options.PreserveAll && hasOwner ? (stat.Uid, stat.Gid) : null,
            ModifyTime = stat.ModifyTime == default ? null : stat.ModifyTime,
            AccessTime = _options.PreserveAll && stat.AccessTime != default ? stat.AccessTime : null,
            Xattrs = xattrs.Count == 0 ? null : xattrs,
        };
    }

    private void TellNotRestored(TreeWalk walk, int count)
    {
        if (count > 0)
        {
            _tell(new ExtractionNotice(
                walk.Path.ToArray(), string.Create(CultureInfo.InvariantCulture, $"{count} extended attributes cannot be stored here"), IsFailure: _options.PreserveAll));
        }
    }

    private void Fail(TreeWalk walk, string message)
    {
        _progress.AddFailure();
        _tell(new ExtractionNotice(walk.Path.ToArray(), message, IsFailure: true));
    }

    private void Skip(TreeWalk walk, string message)
    {
        _progress.AddSkipped();
        _tell(new ExtractionNotice(walk.Path.ToArray(), message, IsFailure: false));
    }

    private void ThrowTooManyBytes() => throw new ImageException(string.Create(CultureInfo.InvariantCulture,
        $"the files are longer than the limit allows ({_options.MaxTotalBytes} bytes, and {_options.MaxRatio} for each byte of the image)"));

    private void ThrowTooManyEntries() => throw new ImageException(string.Create(CultureInfo.InvariantCulture,
        $"there are more entries than the limit allows ({_options.MaxEntries})"));

    // A directory that is being filled.
    private readonly record struct Frame(TargetDirectory Directory, Place Place, bool IsNew);

    // The way to a directory, known after it is closed.
    private sealed record Place(Place? Parent, byte[] Name);

    private sealed record PlacedFile(Place Directory, byte[] Name, ulong Ino);
}
