// A commit is what one flush made durable. In the log it is:
//
//   four END_OF_SEGMENT bytes (04 04 04 04) at the start of a sector: the commit mark. Nanos never writes more than one in a row.
//   the records, each in TUPLE_AVAILABLE (and TUPLE_EXTENDED) frames, padded with 04 so that every sector begins a frame
//   the commit record: root attribute `tupelo_commit` = a string of 20 bytes, little endian:
//       u64 sequence   one more than the commit before it in this volume
//       u32 count      of the records before it in this commit
//       u32 length     of these records together, in bytes, without frames (modulo 2^32)
//       u32 checksum   CRC32C of these records' bytes, then of the 16 bytes above
//   04 up to the end of the sector.
//
// A reader applies a commit when it has met its commit record and found it right; otherwise the commit, and all that Tupelo wrote
// after it, was never acknowledged and is dropped. What stands outside of a commit was written by Nanos and is applied record by
// record. A sector inside of an open commit that starts with 04 and is no commit mark is Nanos' first append after it had replayed
// the open commit's records: they are applied, and Nanos' after them. Bytes: docs/tfs-format.md#commit-record.
using System.Buffers.Binary;

namespace Tupelo.Tfs;

/// <summary>Running checksum over the records of one commit, in the order in which they stand in the log.</summary>
internal struct CommitChecksum
{
    private uint _crc;

    /// <summary>Records so far.</summary>
    public uint RecordCount { get; private set; }

    /// <summary>Their bytes, modulo 2^32.</summary>
    public uint LengthBytes { get; private set; }

    /// <summary>Takes one whole record.</summary>
    public void Append(ReadOnlySpan<byte> record)
    {
        _crc = Crc32C.Append(_crc, record);
        RecordCount++;
        LengthBytes += (uint)record.Length;
    }

    /// <summary>Fills <paramref name="value"/> (<see cref="CommitRecord.ValueBytes"/>) for commit number <paramref name="sequence"/>.</summary>
    public readonly void Write(ulong sequence, Span<byte> value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(value, sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(value[8..], RecordCount);
        BinaryPrimitives.WriteUInt32LittleEndian(value[12..], LengthBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(value[16..], Crc32C.Append(_crc, value[..16]));
    }

    /// <summary>True when <paramref name="value"/> is the commit record of just these records.</summary>
    public readonly bool Matches(ReadOnlySpan<byte> value)
    {
        if (value.Length != CommitRecord.ValueBytes)
        {
            return false;
        }
        Span<byte> expected = stackalloc byte[CommitRecord.ValueBytes];
        Write(CommitRecord.SequenceOf(value), expected);
        return expected.SequenceEqual(value);
    }
}

/// <summary>How a commit is marked and closed in the log.</summary>
internal static class CommitRecord
{
    /// <summary>Length of the attribute's value.</summary>
    public const int ValueBytes = 20;

    /// <summary>Stands at the start of a commit's first sector.</summary>
    public static ReadOnlySpan<byte> Mark => [TfsFrame.EndOfSegment, TfsFrame.EndOfSegment, TfsFrame.EndOfSegment, TfsFrame.EndOfSegment];

    /// <summary>The commit's number.</summary>
    public static ulong SequenceOf(ReadOnlySpan<byte> value) => BinaryPrimitives.ReadUInt64LittleEndian(value);

    /// <summary>Recognises a commit record by its bytes: attribute `tupelo_commit` of tuple 1, its name immediate or
    /// <paramref name="symbolIndex"/>, the number that it has in this log (0 when it has none yet). The value is returned.</summary>
    public static bool TryRecognize(ReadOnlySpan<byte> record, ulong symbolIndex, out ReadOnlySpan<byte> value)
    {
        value = default;
        // 11 01: tuple, by reference, one attribute; dictionary number 1, the root.
        if (record.Length < 4 || record[0] != 0x11 || record[1] != 0x01)
        {
            return false;
        }
        var reader = new TupleReader(record[2..], old: false, offsetBytes: -1);
        try
        {
            Header name = reader.ReadHeader();
            if (name.IsImmediate
                ? !reader.ReadBytes(name.Count).SequenceEqual(TfsAttribute.TupeloCommit)
                : name.Count != symbolIndex || symbolIndex == 0)
            {
                return false;
            }
            Header header = reader.ReadHeader();
            if (!header.IsImmediate || header.Type is not (TfsValueType.String or TfsValueType.Buffer))
            {
                return false;
            }
            value = reader.ReadBytes(header.Count);
            return reader.AtEnd && value.Length == ValueBytes;
        }
        catch (TfsFormatException)
        {
            return false;
        }
    }
}
