// Reads the headers of a tar archive into a tree: V7, ustar, GNU (long names, sparse files, binary numbers) and pax (all records that
// concern files, extended attributes, sparse files). Data is skipped and stays where it is.
//
// The end is two blocks of zeros, or the end of the device. As with tar's --ignore-zeros, members may follow: archives in a row are one.
using Tupelo.Block;

namespace Tupelo.FileSystems;

internal sealed class TarReader
{
    /// <summary>f_type of statfs: "ustr".</summary>
    private const ulong StatFsMagic = 0x75737472;

    /// <summary>Zeros that may stand between two archives.</summary>
    private const long MaxGapBytes = 16 << 20;

    private readonly SourceReader _reader;
    private readonly PackedOptions _options;
    private readonly ArchiveTree _tree;
    private readonly byte[] _block = new byte[TarHeader.BlockBytes];
    private readonly PaxAttributes _global = new();
    private PaxAttributes? _pax;
    private byte[]? _longName;
    private byte[]? _longLink;

    private TarReader(BlockDevice source, PackedOptions options)
    {
        _reader = new SourceReader(source);
        _options = options;
        _tree = new ArchiveTree(options);
    }

    public static PackedTree Load(BlockDevice source, PackedOptions options)
    {
        var reader = new TarReader(source, options);
        try
        {
            reader.ReadMembers();
        }
        catch (FormatException problem)
        {
            throw new ImageFormatException($"a header is damaged: {problem.Message}", reader._reader.Position - TarHeader.BlockBytes);
        }
        return new PackedTree(reader._tree.Builder, source, StatFsMagic);
    }

    private void ReadMembers()
    {
        if (_reader.Remaining < TarHeader.BlockBytes)
        {
            throw new ImageFormatException("not a tar archive: shorter than a header", 0);
        }
        while (FindHeader())
        {
            ReadMember(new TarHeader(_block));
        }
    }

    // Reads the next header, over zeros. False at the end.
    private bool FindHeader()
    {
        long zerosFrom = _reader.Position;
        if (_reader.Remaining == 0 || !_reader.SkipZeros(MaxGapBytes))
        {
            return false;
        }
        long zeroBlocks = (_reader.Position - zerosFrom) / TarHeader.BlockBytes;
        long start = zerosFrom + (zeroBlocks * TarHeader.BlockBytes);
        _reader.Seek(start);
        bool whole = _reader.Remaining >= TarHeader.BlockBytes;
        if (whole)
        {
            _reader.Read(_block, "a header");
        }
        if (whole && new TarHeader(_block).HasValidChecksum)
        {
            return true;
        }
        if (zeroBlocks >= 2)
        {
            return false; // Whatever stands behind the end does not matter.
        }
        throw new ImageFormatException(
            start == 0 ? "not a tar archive: the first header's checksum is wrong"
            : whole ? "a header's checksum is wrong" : "the archive ends inside of a header", start);
    }

    private void ReadMember(TarHeader header)
    {
        long start = _reader.Position - TarHeader.BlockBytes;
        long stored = (_pax ?? _global).SizeBytes ?? header.SizeBytes;
        if (stored < 0)
        {
            throw new ImageFormatException($"a member of {stored} bytes", start);
        }
        switch (header.Type)
        {
            case (byte)'x' or (byte)'X':
                _pax = _global.Copy();
                _pax.Read(ReadText(header.SizeBytes, PaxAttributes.MaxHeaderBytes, "an extended header", start), start);
                return;
            case (byte)'g':
                _global.Read(ReadText(header.SizeBytes, PaxAttributes.MaxHeaderBytes, "a global extended header", start), start);
                return;
            case (byte)'L':
                _longName = ReadName(header, start);
                return;
            case (byte)'K':
                _longLink = ReadName(header, start);
                return;
            case (byte)'V':
                SkipData(stored, "a volume label");
                break;
            case (byte)'M' or (byte)'N':
                throw new ImageFormatException("a part of a multi-volume archive, or a table of old long names: not understood", start);
            default:
                AddMember(header, stored, start);
                break;
        }
        (_pax, _longName, _longLink) = (null, null, null);
    }

    private void AddMember(TarHeader header, long stored, long start)
    {
        PaxAttributes pax = _pax ?? _global;
        byte[] path = pax.SparseName ?? pax.Path ?? _longName ?? HeaderPath(header);
        if (path.Length == 0 || path.Length > ArchiveTree.MaxPathBytes || path.AsSpan().Contains((byte)0))
        {
            throw new ImageFormatException($"a member's name of {path.Length} bytes, or with a NUL in it", start);
        }
        var node = new PackedNode
        {
            Mode = (uint)header.ModeField & Mode.PermissionMask,
            Uid = Id(pax.Uid ?? header.Uid, start),
            Gid = Id(pax.Gid ?? header.Gid, start),
            ModifyTime = pax.ModifyTime ?? new Timespec(header.ModifySeconds, 0),
        };
        switch (header.Type)
        {
            case (byte)'1':
                AddHardLink(path, Link(header, pax, start), start);
                return;
            case (byte)'2':
                node.Mode |= Mode.Symlink;
                byte[] target = Link(header, pax, start);
                node.Data = _tree.Builder.AddTarget(target, start);
                node.SizeBytes = target.Length;
                break;
            case (byte)'3' or (byte)'4':
                node.Mode |= header.Type == '3' ? Mode.CharDevice : Mode.BlockDevice;
                node.Data = (long)DeviceNumber.Make(Id(header.DeviceMajor, start), Id(header.DeviceMinor, start));
                break;
            case (byte)'5' or (byte)'D':
                node.Mode |= Mode.Directory;
                SkipData(header.Type == 'D' ? stored : 0, "a directory's dump");
                break;
            case (byte)'6':
                node.Mode |= Mode.Fifo;
                break;
            case 0 or (byte)'0' when path[^1] == '/': // V7 has no type for directories.
                node.Mode |= Mode.Directory;
                break;
            default:
                AddRegular(header, path, node, stored, start, pax);
                return;
        }
        Finish(_tree.Add(path, _options.ApplyTo(node), start), pax);
    }

    private void AddRegular(TarHeader header, byte[] path, PackedNode node, long stored, long start, PaxAttributes pax)
    {
        List<long>? map = header.Type == 'S' ? TarSparse.ReadOld(header, _reader) : pax.SparseMap;
        long data = _reader.Position;
        if (stored > _reader.Remaining)
        {
            throw new ImageFormatException($"the archive ends inside of \"{ImageText.Show(path)}\" ({stored} bytes)", start);
        }
        if (pax.SparseMajor == 1)
        {
            map = TarSparse.ReadInline(_reader, data + stored);
        }
        node.Mode |= Mode.Regular;
        node.SizeBytes = map is null ? stored : header.Type == 'S' ? header.RealSizeBytes : pax.SparseSizeBytes ?? stored;
        node.Data = data;
        if (node.SizeBytes < 0)
        {
            throw new ImageFormatException($"a sparse file of {node.SizeBytes} bytes", start);
        }
        List<PackedSegment>? segments = map is null ? null : TarSparse.ToSegments(map, node.SizeBytes, _reader.Position, data + stored, start);
        int added = _tree.Add(path, _options.ApplyTo(node), start);
        if (segments is not null)
        {
            _tree.Builder.SetSegments(added, segments);
        }
        Finish(added, pax);
        _reader.Seek(data);
        SkipData(stored, "a member's data");
    }

    private void Finish(int node, PaxAttributes pax)
    {
        if (pax.Xattrs is { } xattrs)
        {
            _tree.Builder.SetXattrs(node, xattrs);
        }
    }

    private void AddHardLink(byte[] path, byte[] target, long start)
    {
        int node = _tree.Find(target, start);
        if (node < 0 || _tree.Builder[node].IsDirectory)
        {
            string why = node < 0 ? "which does not come before it" : "which is a directory";
            throw new ImageFormatException($"\"{ImageText.Show(path)}\" is a hard link to \"{ImageText.Show(target)}\", {why}", start);
        }
        _tree.AddLink(path, node, start);
    }

    private byte[] Link(TarHeader header, PaxAttributes pax, long start)
    {
        byte[] link = pax.LinkPath ?? _longLink ?? header.Link.ToArray();
        return link.Length > 0 && link.Length <= ArchiveTree.MaxPathBytes && !link.AsSpan().Contains((byte)0)
            ? link
            : throw new ImageFormatException($"a link's target of {link.Length} bytes, or with a NUL in it", start);
    }

    private static byte[] HeaderPath(TarHeader header) =>
        header.IsPosix && !header.Prefix.IsEmpty ? [.. header.Prefix, (byte)'/', .. header.Name] : header.Name.ToArray();

    private static uint Id(long id, long start) =>
        id is >= 0 and <= uint.MaxValue ? (uint)id : throw new ImageFormatException($"{id} is not the number of a user, group or device", start);

    // The text ends at the first NUL.
    private byte[] ReadName(TarHeader header, long start)
    {
        byte[] text = ReadText(header.SizeBytes, ArchiveTree.MaxPathBytes + 1, "a long name", start);
        int end = text.AsSpan().IndexOf((byte)0);
        return end < 0 ? text : text[..end];
    }

    private byte[] ReadText(long length, int limit, string what, long start)
    {
        if (length < 0 || length > limit || length > _reader.Remaining)
        {
            throw new ImageFormatException($"{what} of {length} bytes; up to {limit} are allowed, inside of the archive", start);
        }
        byte[] text = new byte[length];
        _reader.Read(text, what);
        SkipPadding(length, what);
        return text;
    }

    private void SkipData(long length, string what)
    {
        _reader.Skip(length, what);
        SkipPadding(length, what);
    }

    // The last padding may be missing.
    private void SkipPadding(long length, string what) =>
        _reader.Skip(Math.Min(-length & (TarHeader.BlockBytes - 1), _reader.Remaining), what);
}
