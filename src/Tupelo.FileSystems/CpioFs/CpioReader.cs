// Reads the headers of one or more concatenated newc archives into a tree; data is skipped and stays where it is.
//
// Hard links: members with the same device and inode number and more than one link are one file; its data comes with one of them,
// usually the last. The table of links begins anew with each archive.
using System.Buffers.Text;
using Tupelo.Block;

namespace Tupelo.FileSystems;

internal sealed class CpioReader
{
    private readonly SourceReader _reader;
    private readonly PackedOptions _options;
    private readonly ArchiveTree _tree;
    private readonly Dictionary<LinkKey, int> _links = [];
    private readonly Dictionary<int, uint> _checksums = [];
    private readonly uint[] _fields = new uint[CpioFormat.FieldCount];
    private readonly byte[] _text = new byte[ArchiveTree.MaxPathBytes + 1];

    private CpioReader(BlockDevice source, PackedOptions options)
    {
        _reader = new SourceReader(source);
        _options = options;
        _tree = new ArchiveTree(options);
    }

    public static PackedTree Load(BlockDevice source, PackedOptions options)
    {
        var reader = new CpioReader(source, options);
        reader.ReadArchives();
        return new CpioTree(reader._tree.Builder, source, reader._checksums);
    }

    private void ReadArchives()
    {
        int archives = 0;
        while (archives == 0 || _reader.SkipZeros(CpioFormat.MaxGapBytes))
        {
            while (ReadMember(isFirst: archives == 0 && _reader.Position == 0))
            {
            }
            archives++;
            _links.Clear();
        }
    }

    // False at the trailer.
    private bool ReadMember(bool isFirst)
    {
        long start = _reader.Position;
        bool hasChecksum = ReadHeader(isFirst);
        int nameSize = (int)Math.Min(_fields[CpioFormat.NameSize], int.MaxValue);
        if (nameSize < 2 || nameSize > _text.Length)
        {
            throw new ImageFormatException($"a member's name of {_fields[CpioFormat.NameSize]} bytes; 2 to {_text.Length} are allowed, with the NUL", start);
        }
        _reader.Read(_text.AsSpan(0, nameSize), "a member's name");
        ReadOnlySpan<byte> name = _text.AsSpan(0, nameSize - 1);
        if (_text[nameSize - 1] != 0 || name.Contains((byte)0))
        {
            throw new ImageFormatException("a member's name does not end where its header says", start);
        }
        SkipPadding(start, "a member's name");
        if (name.SequenceEqual(CpioFormat.Trailer))
        {
            return false;
        }
        long data = _reader.Position;
        AddMember(name, start, data, hasChecksum);
        _reader.Seek(data);
        _reader.Skip(_fields[CpioFormat.FileSize], $"the data of \"{ImageText.Show(name)}\"");
        SkipPadding(start, "a member's data");
        return true;
    }

    private bool ReadHeader(bool isFirst)
    {
        long start = _reader.Position;
        Span<byte> header = stackalloc byte[CpioFormat.HeaderBytes];
        Span<byte> magic = header[..CpioFormat.MagicBytes];
        _reader.Read(magic, isFirst ? "the first header" : "a header (the archive has no trailer)");
        bool hasChecksum = magic.SequenceEqual(CpioFormat.MagicWithChecksum);
        if (!hasChecksum && !magic.SequenceEqual(CpioFormat.Magic))
        {
            throw new ImageFormatException(Unknown(magic, isFirst), start);
        }
        _reader.Read(header[CpioFormat.MagicBytes..], "a header");
        for (int i = 0; i < _fields.Length; i++)
        {
            ReadOnlySpan<byte> digits = header.Slice(CpioFormat.MagicBytes + (i * CpioFormat.FieldBytes), CpioFormat.FieldBytes);
            if (!Utf8Parser.TryParse(digits, out _fields[i], out int used, 'x') || used != CpioFormat.FieldBytes)
            {
                throw new ImageFormatException($"\"{ImageText.Show(digits)}\" is not a number of 8 hexadecimal digits", start + CpioFormat.MagicBytes + (i * CpioFormat.FieldBytes));
            }
        }
        return hasChecksum;
    }

    private void AddMember(ReadOnlySpan<byte> name, long start, long data, bool hasChecksum)
    {
        uint sizeBytes = _fields[CpioFormat.FileSize];
        var node = new PackedNode
        {
            Mode = _fields[CpioFormat.ModeField] & (Mode.TypeMask | Mode.PermissionMask),
            Uid = _fields[CpioFormat.Uid],
            Gid = _fields[CpioFormat.Gid],
            ModifyTime = new Timespec(_fields[CpioFormat.ModifyTime], 0),
        };
        switch (node.Type)
        {
            case FileType.Regular:
                node.SizeBytes = sizeBytes;
                node.Data = data;
                break;
            case FileType.Symlink:
                node.SizeBytes = sizeBytes;
                node.Data = sizeBytes > 0 ? ReadTarget(sizeBytes, start) : 0;
                break;
            case FileType.CharDevice or FileType.BlockDevice:
                node.Data = (long)DeviceNumber.Make(_fields[CpioFormat.RawDeviceMajor], _fields[CpioFormat.RawDeviceMinor]);
                break;
            case FileType.Unknown:
                throw new ImageFormatException($"member \"{ImageText.Show(name)}\" has mode 0x{_fields[CpioFormat.ModeField]:x}, which is no type of file", start);
        }
        int added = AddLinked(name, _options.ApplyTo(node), start);
        if (node.Type == FileType.Symlink && _tree.Builder[added].SizeBytes == 0)
        {
            throw new ImageFormatException($"symbolic link \"{ImageText.Show(name)}\" has no target", start);
        }
        if (hasChecksum && node.Type == FileType.Regular && sizeBytes > 0)
        {
            _checksums[added] = _fields[CpioFormat.Check];
        }
    }

    private int AddLinked(ReadOnlySpan<byte> name, in PackedNode node, long start)
    {
        if (node.IsDirectory || _fields[CpioFormat.LinkCount] < 2)
        {
            return _tree.Add(name, node, start);
        }
        var key = new LinkKey(_fields[CpioFormat.DeviceMajor], _fields[CpioFormat.DeviceMinor], _fields[CpioFormat.Ino], node.Type);
        if (!_links.TryGetValue(key, out int known))
        {
            known = _tree.Add(name, node, start);
            _links.Add(key, known);
            return known;
        }
        _tree.AddLink(name, known, start);
        ref PackedNode linked = ref _tree.Builder[known];
        if (node.SizeBytes > 0)
        {
            (linked.SizeBytes, linked.Data) = (node.SizeBytes, node.Data);
            _ = _checksums.Remove(known);
        }
        linked.ModifyTime = node.ModifyTime;
        return known;
    }

    private int ReadTarget(uint sizeBytes, long start)
    {
        if (sizeBytes > PackedTreeBuilder.MaxTargetBytes)
        {
            throw new ImageFormatException($"a symbolic link's target of {sizeBytes} bytes; up to {PackedTreeBuilder.MaxTargetBytes} are allowed", start);
        }
        Span<byte> target = stackalloc byte[(int)sizeBytes];
        _reader.Read(target, "a symbolic link's target");
        return _tree.Builder.AddTarget(target, start);
    }

    // Headers and data begin at multiples of 4, counted from the member's header. The last padding may be missing.
    private void SkipPadding(long start, string what)
    {
        long padding = -(_reader.Position - start) & (CpioFormat.Alignment - 1);
        _reader.Skip(Math.Min(padding, _reader.Remaining), what);
    }

    private static string Unknown(ReadOnlySpan<byte> magic, bool isFirst) => magic switch
    {
        [0x1F, 0x8B, ..] => "a gzip-compressed archive: decompress it first",
        [0xFD, (byte)'7', (byte)'z', ..] => "an xz-compressed archive: decompress it first",
        [0x28, 0xB5, 0x2F, 0xFD, ..] => "a zstd-compressed archive: decompress it first",
        [(byte)'B', (byte)'Z', (byte)'h', ..] => "a bzip2-compressed archive: decompress it first",
        [0x5D, 0x00, 0x00, ..] => "an lzma-compressed archive: decompress it first",
        [0x02, 0x21, 0x4C, 0x18, ..] or [0x04, 0x22, 0x4D, 0x18, ..] => "an lz4-compressed archive: decompress it first",
        [0x89, (byte)'L', (byte)'Z', (byte)'O', ..] => "an lzo-compressed archive: decompress it first",
        [(byte)'0', (byte)'7', (byte)'0', (byte)'7', (byte)'0', (byte)'7'] => "a cpio archive of the old portable format (odc); newc is understood",
        [0xC7, 0x71, ..] or [0x71, 0xC7, ..] => "a cpio archive of the old binary format; newc is understood",
        _ => isFirst ? "not a cpio archive of the newc format" : "neither a header nor zeros where the next member or archive should begin",
    };

    private readonly record struct LinkKey(uint Major, uint Minor, uint Ino, FileType Type);
}
