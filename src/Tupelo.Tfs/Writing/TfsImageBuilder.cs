// TfsImageBuilder makes a new volume in one pass: every file becomes a record as soon as it is added, its data follow one another on
// the volume, and the log's extensions are taken from the same space as they fill up. What stays in memory is the dictionary of
// names. Sector 0, which makes the volume valid, is written last, after a flush of everything it leads to.
//
//   sector 0 | log extension | data ... | log extension | data ... | free: two areas for Nanos' log, what was asked for | copy of sector 0
//
// A directory or file is one record: its name assigned in the parent's `children`, with all its attributes inline. Only a file of
// many extents takes further records. Where the bytes go: docs/tfs-format.md
// Not thread-safe; file data may be written to the volume by others at the places that AddFile tells.
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Tupelo.Block;

namespace Tupelo.Tfs;

/// <summary>Builds one volume on a device.</summary>
public sealed class TfsImageBuilder : ILogSink, IDisposable
{
    private const int SectorBytes = TfsFormat.SectorBytes;
    private const int PageSectors = 8;
    private const int MaxInlineExtents = 4;
    private const long GrowthStepBytes = 64L << 20;
    private const long SizeGranularityBytes = 512 * 1024;

    /// <summary>Files of at least this length begin at a multiple of 4 KiB.</summary>
    public const int AlignedFileBytes = 64 * 1024;

    /// <summary>Free space that is kept for the log: one area for its next extension, one for its compaction.</summary>
    public const long LogReserveBytes = 2L * LogExtension.SizeBytes;

    private readonly BlockDevice _volume;
    private readonly TfsBuildOptions _options;
    private readonly byte[] _label;
    private readonly TupleEncoder _encoder = new();
    private readonly TfsLogWriter _log;
    private readonly IncrementalHash? _identity;
    private long _nextSector = PageSectors;
    private long _dataSectors;

    /// <summary>Starts a volume with an empty root directory.</summary>
    /// <exception cref="TfsWriteException">The label is too long, a root attribute is not allowed, or the device is too small.</exception>
    public TfsImageBuilder(BlockDevice volume, TfsBuildOptions options)
    {
        _volume = volume;
        _options = options;
        _label = Encoding.UTF8.GetBytes(options.Label);
        if (_label.Length > TfsFormat.MaxLabelBytes || _label.AsSpan().Contains((byte)0))
        {
            throw new TfsWriteException(
                $"the label is {_label.Length} bytes long; at most {TfsFormat.MaxLabelBytes} bytes of UTF-8 without NUL are possible");
        }
        if (options.Uuid is { } uuid && uuid.Length != TfsFormat.UuidBytes)
        {
            throw new ArgumentException("a UUID has 16 bytes", nameof(options));
        }
        if (options.Uuid is null)
        {
            _identity = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            _identity.AppendData(_label);
        }
        Data = new DataStager(volume);
        try
        {
            _log = new TfsLogWriter(this, _encoder, hasCommits: !options.Plain);
            RootDirectory = WriteRoot();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Handle of the root directory, for the Add methods.</summary>
    public uint RootDirectory { get; }

    /// <summary>For writing file data at the places that <see cref="AddFile"/> tells.</summary>
    public DataStager Data { get; }

    /// <summary>The device.</summary>
    public BlockDevice Volume => _volume;

    /// <summary>Adds an empty directory.</summary>
    /// <returns>Its handle, to be used as a parent.</returns>
    public uint AddDirectory(uint parent, ReadOnlySpan<byte> name, TfsEntryAttributes attributes)
    {
        BeginEntry(parent, name);
        _ = _encoder.Tuple(1 + CountOf(attributes));
        _ = _encoder.Symbol(TfsAttribute.Children);
        uint children = _encoder.Tuple(0);
        WriteAttributes(attributes);
        EndRecord();
        return children;
    }

    /// <summary>Adds a regular file and takes space for its data, which the caller then writes.</summary>
    /// <param name="parent">Handle of the directory.</param>
    /// <param name="name">1 to 255 bytes.</param>
    /// <param name="attributes">What is stored with it.</param>
    /// <param name="sizeBytes">Its length.</param>
    /// <param name="ranges">Its parts that hold data, ascending, not overlapping, inside of the length,
    /// each beginning at a sector's start; the rest are holes.</param>
    /// <param name="runs">Filled with the places where the data belong. What the last sector of a run holds behind the data reads as
    /// part of the file if it grows, so the caller must leave zeros there.</param>
    /// <returns>The file's number, for <see cref="AddLink"/>.</returns>
    public uint AddFile(uint parent, ReadOnlySpan<byte> name, TfsEntryAttributes attributes, long sizeBytes,
        ReadOnlySpan<DataRange> ranges, ICollection<DataRun> runs)
    {
        runs.Clear();
        int extentCount = CountExtents(ranges, out long sectors);
        long next = Allocate(sectors, sizeBytes >= AlignedFileBytes ? PageSectors : 1);
        _dataSectors += sectors;
        BeginEntry(parent, name);
        uint file = _encoder.Tuple(2 + CountOf(attributes));
        _ = _encoder.Symbol(TfsAttribute.FileLength);
        _encoder.Integer((ulong)sizeBytes);
        WriteAttributes(attributes);
        _ = _encoder.Symbol(TfsAttribute.Extents);
        bool inline = extentCount <= MaxInlineExtents;
        uint extents = _encoder.Tuple(inline ? extentCount : 0);
        if (!inline)
        {
            EndRecord();
        }
        foreach (DataRange range in ranges)
        {
            long fileSector = range.OffsetBytes / SectorBytes;
            long end = SectorsUp(range.OffsetBytes + range.LengthBytes);
            runs.Add(new DataRun(range.OffsetBytes, next * SectorBytes, range.LengthBytes));
            while (fileSector < end)
            {
                long length = Math.Min(end - fileSector, TfsFormat.MaxExtentSectors);
                if (!inline)
                {
                    _encoder.Clear();
                    _encoder.TupleReference(extents, 1);
                }
                WriteExtent(fileSector, next, length);
                if (!inline)
                {
                    EndRecord();
                }
                fileSector += length;
                next += length;
            }
        }
        if (inline)
        {
            EndRecord();
        }
        return file;
    }

    /// <summary>Adds a symbolic link.</summary>
    /// <param name="target">1 to 4095 bytes, no NUL.</param>
    public uint AddSymlink(uint parent, ReadOnlySpan<byte> name, TfsEntryAttributes attributes, ReadOnlySpan<byte> target)
    {
        if (target.Length is 0 or > TfsFormat.MaxTargetBytes || target.Contains((byte)0))
        {
            throw new TfsWriteException($"the symbolic link {TfsText.Quote(name)} has a target of {target.Length} bytes; 1 to 4095 without NUL are possible");
        }
        BeginEntry(parent, name);
        uint link = _encoder.Tuple(1 + CountOf(attributes));
        _ = _encoder.Symbol(TfsAttribute.LinkTarget);
        _encoder.String(target);
        WriteAttributes(attributes);
        EndRecord();
        return link;
    }

    /// <summary>Adds a socket, FIFO or device node: the type is in the attributes' mode. In a plain volume only sockets exist.</summary>
    public uint AddSpecial(uint parent, ReadOnlySpan<byte> name, TfsEntryAttributes attributes, FileType type)
    {
        bool isSocket = type == FileType.Socket;
        if (!isSocket && (_options.Plain || attributes.Mode is null))
        {
            throw new TfsWriteException($"{TfsText.Quote(name)} is neither file, directory, symbolic link nor socket: a plain volume cannot hold it");
        }
        BeginEntry(parent, name);
        uint special = _encoder.Tuple((isSocket ? 1 : 0) + CountOf(attributes));
        if (isSocket)
        {
            _ = _encoder.Symbol(TfsAttribute.Socket);
            _encoder.Null();
        }
        WriteAttributes(attributes);
        EndRecord();
        return special;
    }

    /// <summary>Adds an entry that has exactly these attributes.</summary>
    public uint AddTuple(uint parent, ReadOnlySpan<byte> name, TupleLiteral tuple)
    {
        BeginEntry(parent, name);
        uint index = _encoder.NextIndex;
        _encoder.Value(tuple);
        EndRecord();
        return index;
    }

    /// <summary>Adds another name for the file with number <paramref name="file"/>. Its link count is set by <see cref="SetLinkCount"/>.</summary>
    public void AddLink(uint parent, ReadOnlySpan<byte> name, uint file)
    {
        BeginEntry(parent, name);
        _encoder.TupleReference(file, 0);
        EndRecord();
    }

    /// <summary>Stores how many names a file has, for files with more than one.</summary>
    public void SetLinkCount(uint file, uint count)
    {
        _encoder.Clear();
        _encoder.TupleReference(file, 1);
        _ = _encoder.Symbol(TfsAttribute.LinkCount);
        _encoder.Integer(count);
        EndRecord();
    }

    /// <summary>Lets <paramref name="bytes"/> count for the derived identity (the log counts by itself).</summary>
    public void AddToIdentity(ReadOnlySpan<byte> bytes) => _identity?.AppendData(bytes);

    /// <summary>Ends the volume: its size, the last of the log, and, after a flush, sector 0 and its copy, which are flushed too.</summary>
    public TfsBuildSummary Complete()
    {
        Data.Drain();
        _log.Finish();
        long end = _nextSector * SectorBytes;
        long size = _volume.SizeBytes;
        if (!_options.FixedSize)
        {
            long wanted = end + LogReserveBytes + _options.FreeBytes + SectorBytes;
            wanted = (wanted + SizeGranularityBytes - 1) / SizeGranularityBytes * SizeGranularityBytes;
            size = Math.Max(wanted, (_options.MinSizeBytes + SectorBytes - 1) / SectorBytes * SectorBytes);
            Check(_volume.Resize(size), "resize");
        }
        byte[] uuid = _options.Uuid ?? _identity!.GetHashAndReset()[..TfsFormat.UuidBytes];
        Check(_volume.Flush(), "flush");
        Span<byte> header = stackalloc byte[SectorBytes];
        VolumeHeader.Write(header, uuid, _label, _log.FirstSector);
        Check(_volume.Write((size / SectorBytes * SectorBytes) - SectorBytes, header), "write");
        Check(_volume.Write(0, header), "write");
        Check(_volume.Flush(), "flush");
        return new TfsBuildSummary
        {
            SizeBytes = size,
            DataBytes = _dataSectors * SectorBytes,
            LogBytes = (long)_log.ExtensionCount * LogExtension.SizeBytes,
            RecordCount = _log.RecordCount,
            Uuid = uuid,
        };
    }

    public void Dispose()
    {
        Data.Dispose();
        _identity?.Dispose();
    }

    long ILogSink.AllocateExtension() => Allocate(TfsFormat.ExtensionSectors, PageSectors);

    void ILogSink.WriteExtension(LogExtension extension)
    {
        _identity?.AppendData(extension.Bytes);
        Check(_volume.Write(extension.StartSector * SectorBytes, extension.Bytes), "write");
    }

    private uint WriteRoot()
    {
        TupleLiteral own = _options.RootAttributes;
        if (own[TfsAttribute.Children] is not null || own[TfsAttribute.TupeloCommit] is not null)
        {
            throw new TfsWriteException("the root attributes `children` and `tupelo_commit` cannot be set");
        }
        _encoder.Clear();
        _ = _encoder.Tuple(1 + own.Count + CountOf(_options.Root));
        _ = _encoder.Symbol(TfsAttribute.Children);
        uint children = _encoder.Tuple(0);
        WriteAttributes(_options.Root);
        for (int i = 0; i < own.Count; i++)
        {
            _ = _encoder.Symbol(own.NameAt(i).Bytes);
            _encoder.Value(own.ValueAt(i));
        }
        EndRecord();
        // A commit of its own: from here on commit records name their symbol by its number.
        _log.SealCommit();
        return children;
    }

    private void BeginEntry(uint parent, ReadOnlySpan<byte> name)
    {
        if (!TfsName.IsValid(name))
        {
            throw new TfsWriteException(
                $"{TfsText.Quote(name)} cannot be a file's name: 1 to 255 bytes other than NUL and '/' are needed, and not \".\" or \"..\"");
        }
        _encoder.Clear();
        _encoder.TupleReference(parent, 1);
        _ = _encoder.Symbol(name);
    }

    private void EndRecord() => _log.Append(_encoder.Record);

    private int CountOf(TfsEntryAttributes attributes)
    {
        int own = _options.Plain
            ? 0
            : (attributes.Mode is null ? 0 : 3) + (attributes.ModifyTime is null ? 0 : 1) + (attributes.AccessTime is null ? 0 : 1)
                + (attributes.Device is null ? 0 : 1);
        return own + attributes.Others.Count;
    }

    private void WriteAttributes(TfsEntryAttributes attributes)
    {
        if (!_options.Plain)
        {
            WriteOwnAttributes(attributes);
        }
        foreach (KeyValuePair<AttributeName, TfsLiteral> other in attributes.Others)
        {
            _ = _encoder.Symbol(other.Key.Bytes);
            _encoder.Value(other.Value);
        }
    }

    private void WriteOwnAttributes(TfsEntryAttributes attributes)
    {
        if (attributes.Mode is { } mode)
        {
            WriteInteger(TfsAttribute.TupeloMode, mode);
            WriteInteger(TfsAttribute.TupeloUid, attributes.Uid);
            WriteInteger(TfsAttribute.TupeloGid, attributes.Gid);
        }
        if (attributes.ModifyTime is { } modified)
        {
            WriteInteger(TfsAttribute.ModifyTime, TfsTime.Encode(modified));
        }
        if (attributes.AccessTime is { } accessed)
        {
            WriteInteger(TfsAttribute.AccessTime, TfsTime.Encode(accessed));
        }
        if (attributes.Device is { } device)
        {
            WriteInteger(TfsAttribute.TupeloDevice, device);
        }
    }

    private void WriteInteger(ReadOnlySpan<byte> name, ulong value)
    {
        _ = _encoder.Symbol(name);
        _encoder.Integer(value);
    }

    private void WriteExtent(long fileSector, long volumeSector, long length)
    {
        Span<byte> key = stackalloc byte[20];
        _ = Utf8Formatter.TryFormat(fileSector, key, out int keyBytes);
        _ = _encoder.Symbol(key[..keyBytes]);
        _ = _encoder.Tuple(3);
        WriteInteger(TfsAttribute.Offset, (ulong)volumeSector);
        WriteInteger(TfsAttribute.Length, (ulong)length);
        WriteInteger(TfsAttribute.Allocated, (ulong)length);
    }

    private static int CountExtents(ReadOnlySpan<DataRange> ranges, out long sectors)
    {
        long count = 0;
        sectors = 0;
        foreach (DataRange range in ranges)
        {
            if (range.OffsetBytes % SectorBytes != 0)
            {
                throw new ArgumentException("a range of data begins at a sector's start", nameof(ranges));
            }
            long length = SectorsUp(range.OffsetBytes + range.LengthBytes) - (range.OffsetBytes / SectorBytes);
            count += (length + TfsFormat.MaxExtentSectors - 1) / TfsFormat.MaxExtentSectors;
            sectors = checked(sectors + length);
        }
        return (int)Math.Min(count, int.MaxValue);
    }

    private static long SectorsUp(long bytes) => (bytes / SectorBytes) + (bytes % SectorBytes == 0 ? 0 : 1);

    private long Allocate(long sectors, int alignmentSectors)
    {
        if (sectors == 0)
        {
            return _nextSector;
        }
        long start = (_nextSector + alignmentSectors - 1) / alignmentSectors * alignmentSectors;
        long endBytes = checked((start + sectors) * SectorBytes);
        if (_options.FixedSize)
        {
            if (endBytes > _volume.SizeBytes - LogReserveBytes - SectorBytes)
            {
                throw new TfsWriteException(
                    $"the volume of {_volume.SizeBytes} bytes is too small: {endBytes} bytes of content, {LogReserveBytes} for the growth of its log", Errno.ENOSPC);
            }
        }
        else if (endBytes > _volume.SizeBytes)
        {
            Check(_volume.Resize((endBytes + GrowthStepBytes - 1) / GrowthStepBytes * GrowthStepBytes), "extend");
        }
        _nextSector = start + sectors;
        return start;
    }

    private void Check(Errno errno, string verb)
    {
        if (errno != Errno.None)
        {
            throw new TfsWriteException($"cannot {verb} {_volume.Name}", errno);
        }
    }
}
