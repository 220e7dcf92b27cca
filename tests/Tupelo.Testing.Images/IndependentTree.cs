// From the root tuple to a tree of files: the second half of the independent reader.
//
// Kinds are recognised in the format's order: children, linktarget, socket, special, otherwise a regular file. Tupelo keeps FIFOs
// and device nodes, which Nanos has not, in the type bits of `tupelo_mode`. The attributes `.` and `..` are never followed.
using System.Security.Cryptography;
using System.Text;

namespace Tupelo.Testing.Images;

public enum ImageEntryKind
{
    Directory,
    File,
    Symlink,
    Socket,
    Fifo,
    CharDevice,
    BlockDevice,
    Special,
}

/// <summary>A run of a file's sectors that is stored; what no extent covers reads as zeros.</summary>
public readonly record struct ImageExtent(ulong FileSector, ulong StorageSector, ulong Length, ulong Allocated, bool Uninitialized);

/// <summary>One name in the tree. Two hard links are two entries with the same <see cref="Tuple"/>.</summary>
public sealed class ImageEntry(byte[] path, ImageEntryKind kind, CompositeValue tuple)
{
    /// <summary>Absolute, from '/'.</summary>
    public byte[] Path { get; } = path;

    public ImageEntryKind Kind { get; } = kind;

    public CompositeValue Tuple { get; } = tuple;

    public ulong Size { get; init; }

    public ulong LinkCount { get; init; } = 1;

    public byte[]? Target { get; init; }

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<ImageExtent> Extents { get; init; } = [];

    public string PathText => Encoding.UTF8.GetString(Path);
}

public sealed class IndependentVolume
{
    public const int SectorBytes = IndependentLog.SectorBytes;
    private readonly ImageBytes _volume;

    private IndependentVolume(ImageBytes volume, IndependentLog log)
    {
        _volume = volume;
        Log = log;
    }

    public IndependentLog Log { get; }

    public ulong SectorCount => (ulong)_volume.LengthBytes / SectorBytes;

    /// <summary>Every entry, a directory before what is in it; children by the bytes of their names.</summary>
    public List<ImageEntry> Entries { get; } = [];

    /// <summary>Reads the volume whose first byte is the source's first.</summary>
    public static IndependentVolume Read(ImageBytes volume)
    {
        var result = new IndependentVolume(volume, IndependentLog.Replay(volume));
        result.Walk();
        return result;
    }

    private void Walk()
    {
        var seen = new HashSet<CompositeValue>();
        var waiting = new Stack<(byte[] Path, CompositeValue Tuple)>();
        waiting.Push(("/"u8.ToArray(), Log.Root));
        while (waiting.TryPop(out (byte[] Path, CompositeValue Tuple) item))
        {
            ImageEntry entry = Classify(item.Path, item.Tuple);
            Entries.Add(entry);
            if (entry.Kind != ImageEntryKind.Directory)
            {
                continue;
            }
            if (!seen.Add(item.Tuple))
            {
                throw new DamagedImageException($"directory {entry.PathText} is reached twice");
            }
            var children = (CompositeValue)item.Tuple["children"]!;
            foreach ((string name, IndependentValue value) in children.Attributes.OrderByDescending(pair => pair.Key, StringComparer.Ordinal))
            {
                if (name is "." or ".." or "")
                {
                    continue;
                }
                if (name.Length > 255 || name.Contains('/', StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal))
                {
                    throw new DamagedImageException($"a name of {name.Length} bytes that no file can have, in {entry.PathText}");
                }
                if (value is not CompositeValue { IsVector: false } child)
                {
                    throw new DamagedImageException($"child {name} of {entry.PathText} is not a tuple");
                }
                byte[] prefix = item.Path.Length == 1 ? [] : item.Path;
                waiting.Push(([.. prefix, (byte)'/', .. Encoding.Latin1.GetBytes(name)], child));
            }
        }
        if (Entries[0].Kind != ImageEntryKind.Directory)
        {
            throw new DamagedImageException("the root is not a directory");
        }
    }

    private ImageEntry Classify(byte[] path, CompositeValue tuple)
    {
        if (tuple["children"] is { } children)
        {
            return children is CompositeValue { IsVector: false }
                ? new ImageEntry(path, ImageEntryKind.Directory, tuple)
                : throw new DamagedImageException("children that are no tuple");
        }
        ulong links = Number(tuple, "nlink") ?? 1;
        if (tuple["linktarget"] is { } target)
        {
            byte[] bytes = target is BytesValue value ? value.Bytes : throw new DamagedImageException("a link target that is no string");
            return new ImageEntry(path, ImageEntryKind.Symlink, tuple) { Target = bytes, Size = (ulong)bytes.Length, LinkCount = links };
        }
        if (tuple["socket"] is not null)
        {
            return new ImageEntry(path, ImageEntryKind.Socket, tuple) { LinkCount = links };
        }
        if (tuple["special"] is not null)
        {
            return new ImageEntry(path, ImageEntryKind.Special, tuple) { LinkCount = links };
        }
        ImageEntryKind kind = (Number(tuple, "tupelo_mode") & 0xf000) switch
        {
            _ when tuple["extents"] is not null => ImageEntryKind.File, // whatever the mode says: to Nanos it is one
            0x1000 => ImageEntryKind.Fifo,
            0x2000 => ImageEntryKind.CharDevice,
            0x6000 => ImageEntryKind.BlockDevice,
            _ => ImageEntryKind.File,
        };
        ulong size = Number(tuple, "filelength") ?? 0;
        return new ImageEntry(path, kind, tuple) { Size = size, LinkCount = links, Extents = ReadExtents(tuple) };
    }

    private List<ImageExtent> ReadExtents(CompositeValue file)
    {
        var extents = new List<ImageExtent>();
        if (file["extents"] is not { } value)
        {
            return extents;
        }
        if (value is not CompositeValue { IsVector: false } tuple)
        {
            throw new DamagedImageException("extents that are no tuple");
        }
        foreach ((string key, IndependentValue item) in tuple.Attributes)
        {
            if (key is "." or "..")
            {
                continue;
            }
            if (!ulong.TryParse(key, System.Globalization.NumberStyles.None, null, out ulong fileSector) || item is not CompositeValue extent)
            {
                throw new DamagedImageException($"extent '{key}'");
            }
            ulong length = Number(extent, "length") ?? throw new DamagedImageException("an extent without a length");
            extents.Add(new ImageExtent(
                fileSector,
                Number(extent, "offset") ?? throw new DamagedImageException("an extent without an offset"),
                length,
                Number(extent, "allocated") ?? throw new DamagedImageException("an extent without its allocated length"),
                extent["uninited"] is not null));
        }
        extents.Sort((one, other) => one.FileSector.CompareTo(other.FileSector));
        ulong end = 0;
        foreach (ImageExtent extent in extents)
        {
            if (extent.FileSector < end || extent.Length > extent.Allocated || extent.FileSector + extent.Length < extent.FileSector
                || extent.StorageSector > SectorCount || extent.Allocated > SectorCount - extent.StorageSector)
            {
                throw new DamagedImageException($"extent {extent} overlaps another or leaves the volume of {SectorCount} sectors");
            }
            end = extent.FileSector + extent.Length;
        }
        return extents;
    }

    private static ulong? Number(CompositeValue tuple, string name)
    {
        if (tuple[name] is not { } value)
        {
            return null;
        }
        return value.AsNumber() ?? throw new DamagedImageException($"{name} is not a number");
    }

    /// <summary>Fills the buffer with a file's bytes from an offset on; the range lies inside of the file.</summary>
    public void ReadContent(ImageEntry file, ulong offset, Span<byte> buffer)
    {
        buffer.Clear();
        ulong end = offset + (ulong)buffer.Length;
        foreach (ImageExtent extent in file.Extents)
        {
            ulong first = Math.Max(offset, extent.FileSector * SectorBytes);
            ulong last = Math.Min(end, (extent.FileSector + extent.Length) * SectorBytes);
            if (first < last && !extent.Uninitialized)
            {
                ulong inExtent = first - extent.FileSector * SectorBytes;
                _volume.Read(
                    (long)(extent.StorageSector * SectorBytes + inExtent), buffer[(int)(first - offset)..(int)(last - offset)]);
            }
        }
    }

    /// <summary>SHA-256 of a file's content, in lower-case hexadecimal.</summary>
    public string HashContent(ImageEntry file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[(int)Math.Min(file.Size, 1 << 20)];
        for (ulong offset = 0; offset < file.Size; offset += (ulong)buffer.Length)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min((ulong)buffer.Length, file.Size - offset));
            ReadContent(file, offset, part);
            hash.AppendData(part);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
