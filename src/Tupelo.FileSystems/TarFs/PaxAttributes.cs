// What the extended headers of POSIX pax say about the member that follows (type x) or all that follow (type g): records
// "LENGTH KEY=VALUE\n", where LENGTH counts the whole record in decimal. Unknown keys are passed over; an empty value takes back
// what a global header said.
using System.Buffers.Text;
using System.Text;

namespace Tupelo.FileSystems;

internal sealed class PaxAttributes
{
    /// <summary>Longest extended header.</summary>
    public const int MaxHeaderBytes = 4 << 20;

    private const int MaxXattrNameBytes = 255;
    private const int MaxXattrValueBytes = 65536;
    private const int MaxXattrs = 1024;

    private List<PackedXattr>? _xattrs;

    public byte[]? Path { get; private set; }

    public byte[]? LinkPath { get; private set; }

    public long? SizeBytes { get; private set; }

    public long? Uid { get; private set; }

    public long? Gid { get; private set; }

    public Timespec? ModifyTime { get; private set; }

    /// <summary>GNU.sparse.name: the real path of a sparse member.</summary>
    public byte[]? SparseName { get; private set; }

    /// <summary>GNU.sparse.size or realsize: the length of the sparse file itself.</summary>
    public long? SparseSizeBytes { get; private set; }

    /// <summary>GNU.sparse.major; 1 means that the map stands before the data.</summary>
    public long? SparseMajor { get; private set; }

    /// <summary>Offset, length, offset, length ... of the formats 0.0 and 0.1.</summary>
    public List<long>? SparseMap { get; private set; }

    public PackedXattr[]? Xattrs => _xattrs?.ToArray();

    /// <summary>A copy to be overridden by the header of one member.</summary>
    public PaxAttributes Copy()
    {
        var copy = (PaxAttributes)MemberwiseClone();
        copy._xattrs = _xattrs is null ? null : [.. _xattrs];
        copy.SparseMap = SparseMap is null ? null : [.. SparseMap];
        return copy;
    }

    /// <summary>Reads all records of one extended header.</summary>
    /// <exception cref="ImageFormatException">A record is malformed.</exception>
    public void Read(ReadOnlySpan<byte> records, long offset)
    {
        while (!records.IsEmpty)
        {
            if (!Utf8Parser.TryParse(records, out int length, out int digits) || digits > 9 || length > records.Length || length < digits + 4
                || records[digits] != ' ' || records[length - 1] != '\n')
            {
                throw new ImageFormatException($"extended header: \"{ImageText.Show(records)}\" is not a record", offset);
            }
            ReadOnlySpan<byte> record = records[(digits + 1)..(length - 1)];
            int equals = record.IndexOf((byte)'=');
            if (equals < 1)
            {
                throw new ImageFormatException($"extended header: \"{ImageText.Show(record)}\" has no key", offset);
            }
            Set(record[..equals], record[(equals + 1)..], offset);
            records = records[length..];
        }
    }

    private void Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long offset)
    {
        ReadOnlySpan<byte> xattrPrefix = "SCHILY.xattr."u8;
        if (key.StartsWith(xattrPrefix))
        {
            SetXattr(key[xattrPrefix.Length..], value, offset);
            return;
        }
        switch (Encoding.Latin1.GetString(key))
        {
            case "path":
                Path = Bytes(value);
                break;
            case "linkpath":
                LinkPath = Bytes(value);
                break;
            case "size":
                SizeBytes = Number(key, value, offset);
                break;
            case "uid":
                Uid = Number(key, value, offset);
                break;
            case "gid":
                Gid = Number(key, value, offset);
                break;
            case "mtime":
                ModifyTime = Time(key, value, offset);
                break;
            case "GNU.sparse.name":
                SparseName = Bytes(value);
                break;
            case "GNU.sparse.size" or "GNU.sparse.realsize":
                SparseSizeBytes = Number(key, value, offset);
                break;
            case "GNU.sparse.major":
                SparseMajor = Number(key, value, offset);
                break;
            case "GNU.sparse.numblocks":
                SparseMap = [];
                break;
            case "GNU.sparse.offset" or "GNU.sparse.numbytes":
                (SparseMap ??= []).Add(Number(key, value, offset) ?? 0);
                break;
            case "GNU.sparse.map":
                SparseMap = List(key, value, offset);
                break;
        }
    }

    private void SetXattr(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long offset)
    {
        if (name.IsEmpty || name.Length > MaxXattrNameBytes || name.Contains((byte)0) || value.Length > MaxXattrValueBytes)
        {
            throw new ImageFormatException($"extended attribute \"{ImageText.Show(name)}\" of {value.Length} bytes: too long, or a bad name", offset);
        }
        byte[] key = name.ToArray();
        _ = (_xattrs ??= []).RemoveAll(known => known.Name.AsSpan().SequenceEqual(key));
        if (_xattrs.Count == MaxXattrs)
        {
            throw new ImageFormatException($"more than {MaxXattrs} extended attributes of one file", offset);
        }
        _xattrs.Add(new PackedXattr(key, value.ToArray()));
    }

    private static byte[]? Bytes(ReadOnlySpan<byte> value) => value.IsEmpty ? null : value.ToArray();

    private static long? Number(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long offset)
    {
        if (value.IsEmpty)
        {
            return null;
        }
        if (!Utf8Parser.TryParse(value, out long number, out int used) || used != value.Length || number < 0)
        {
            throw new ImageFormatException($"extended header: {ImageText.Show(key)} is \"{ImageText.Show(value)}\"", offset);
        }
        return number;
    }

    private static List<long> List(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long offset)
    {
        var numbers = new List<long>();
        while (!value.IsEmpty)
        {
            int comma = value.IndexOf((byte)',');
            numbers.Add(Number(key, comma < 0 ? value : value[..comma], offset) ?? 0);
            value = comma < 0 ? default : value[(comma + 1)..];
        }
        return numbers;
    }

    // Decimal seconds with any number of decimals, perhaps negative.
    private static Timespec? Time(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long offset)
    {
        if (value.IsEmpty)
        {
            return null;
        }
        int point = value.IndexOf((byte)'.');
        ReadOnlySpan<byte> whole = point < 0 ? value : value[..point];
        ReadOnlySpan<byte> fraction = point < 0 ? default : value[(point + 1)..];
        if (!Utf8Parser.TryParse(whole, out long seconds, out int used) || used != whole.Length || fraction.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
        {
            throw new ImageFormatException($"extended header: {ImageText.Show(key)} is \"{ImageText.Show(value)}\"", offset);
        }
        int nanoseconds = 0;
        for (int i = 0; i < 9; i++)
        {
            nanoseconds = (nanoseconds * 10) + (i < fraction.Length ? fraction[i] - '0' : 0);
        }
        bool negative = whole is [(byte)'-', ..];
        return negative && nanoseconds > 0
            ? new Timespec(seconds - 1, 1_000_000_000 - nanoseconds)
            : new Timespec(seconds, nanoseconds);
    }
}
