// The maps of sparse members: which runs of the file are stored. Three ways of writing them down: in GNU's own headers (type S), in pax
// records (0.0 and 0.1), or in front of the data (1.0). All become segments, checked here.
using System.Buffers.Text;

namespace Tupelo.FileSystems;

internal static class TarSparse
{
    /// <summary>Offset and length, 12 bytes each.</summary>
    public const int EntryBytes = 24;

    private const int EntriesPerBlock = 21;
    private const int MoreAt = 504;
    private const int MaxDigits = 20;

    /// <summary>GNU's header and the blocks of entries that follow it.</summary>
    public static List<long> ReadOld(TarHeader header, SourceReader reader)
    {
        var map = new List<long>();
        AddEntries(header.SparseTable, map, reader.Position);
        bool more = header.HasMoreSparse;
        Span<byte> block = stackalloc byte[TarHeader.BlockBytes];
        while (more)
        {
            reader.Read(block, "a sparse map");
            AddEntries(block[..(EntriesPerBlock * EntryBytes)], map, reader.Position);
            more = block[MoreAt] != 0;
        }
        return map;
    }

    /// <summary>Format 1.0: decimal numbers, one a line, first how many runs; padded to a block. The reader is left at the data.</summary>
    public static List<long> ReadInline(SourceReader reader, long end)
    {
        long start = reader.Position;
        long count = ReadLine(reader, end);
        if (count > (end - reader.Position) / 4) // A run takes at least "0\n0\n".
        {
            throw new ImageFormatException($"a sparse map of {count} runs does not fit its member", start);
        }
        var map = new List<long>();
        for (long i = 0; i < count * 2; i++)
        {
            map.Add(ReadLine(reader, end));
        }
        long padding = -(reader.Position - start) & (TarHeader.BlockBytes - 1);
        reader.Skip(Math.Min(padding, end - reader.Position), "a sparse map");
        return map;
    }

    /// <summary>Turns offset, length, offset, length ... into segments of a file whose stored bytes are at [data, end).</summary>
    public static List<PackedSegment> ToSegments(List<long> map, long realSizeBytes, long data, long end, long offset)
    {
        var segments = new List<PackedSegment>();
        long last = 0;
        for (int i = 0; i + 1 < map.Count; i += 2)
        {
            (long at, long length) = (map[i], map[i + 1]);
            if (at < last || length < 0 || at > realSizeBytes || length > realSizeBytes - at || length > end - data)
            {
                throw new ImageFormatException($"a sparse map has the run {at}+{length}, which does not follow the one before, or is outside of the file or of its data", offset);
            }
            if (length > 0)
            {
                segments.Add(new PackedSegment(at, length, data));
            }
            data += length;
            last = at + length;
        }
        return segments;
    }

    private static void AddEntries(ReadOnlySpan<byte> table, List<long> map, long offset)
    {
        for (; !table.IsEmpty; table = table[EntryBytes..])
        {
            if (table[0] == 0 && table[12] == 0)
            {
                return;
            }
            if (!TarHeader.TryReadNumber(table[..12], out long at) || !TarHeader.TryReadNumber(table[12..24], out long length) || at < 0 || length < 0)
            {
                throw new ImageFormatException("a sparse map has an entry that is not a pair of numbers", offset);
            }
            map.Add(at);
            map.Add(length);
        }
    }

    private static long ReadLine(SourceReader reader, long end)
    {
        Span<byte> line = stackalloc byte[MaxDigits];
        int length = 0;
        while (length < MaxDigits && reader.Position < end)
        {
            reader.Read(line.Slice(length, 1), "a sparse map");
            if (line[length] == '\n')
            {
                break;
            }
            length++;
        }
        return Utf8Parser.TryParse(line[..length], out long number, out int used) && used == length && number >= 0
            ? number
            : throw new ImageFormatException($"a sparse map has \"{ImageText.Show(line[..length])}\" for a number", reader.Position);
    }
}
