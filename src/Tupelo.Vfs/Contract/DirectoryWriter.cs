// DirectoryWriter lays directory entries into a caller's buffer as getdents64(2) defines them; file systems emit, doors decode.
// Record: u64 ino, s64 cookie of the entry, u16 record length, u8 type, name, NUL, zeros up to a multiple of 8.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

/// <summary>Collects entries until the buffer is full. Lives on the stack of one getdents call.</summary>
public ref struct DirectoryWriter
{
    /// <summary>Bytes before the name.</summary>
    public const int HeaderBytes = 19;

    /// <summary>Room that always suffices for one entry.</summary>
    public const int MaxRecordBytes = 280;

    private readonly Span<byte> _buffer;
    private int _used;
    private bool _full;
    private long _lastCookie;

    public DirectoryWriter(Span<byte> buffer)
    {
        _buffer = buffer;
        _lastCookie = -1;
    }

    /// <summary>Bytes of whole records in the buffer.</summary>
    public readonly int BytesWritten => _used;

    /// <summary>True when an entry was refused.</summary>
    public readonly bool IsFull => _full;

    // Where the next call goes on, or -1 when nothing was added.
    internal readonly long LastCookie => _lastCookie;

    /// <summary>The size of a record with a name of <paramref name="nameBytes"/> bytes.</summary>
    public static int RecordBytes(int nameBytes) => (HeaderBytes + nameBytes + 1 + 7) & ~7;

    /// <summary>Adds an entry, or refuses it for lack of room; then the file system stops.</summary>
    /// <param name="name">1..255 bytes.</param>
    /// <param name="ino">Number of the file.</param>
    /// <param name="type">Its type, or Unknown.</param>
    /// <param name="cookie">Continues after this entry; above 2.</param>
    public bool Add(scoped ReadOnlySpan<byte> name, ulong ino, FileType type, long cookie)
    {
        int record = RecordBytes(name.Length);
        if (record > _buffer.Length - _used)
        {
            _full = true;
            return false;
        }
        Span<byte> room = _buffer.Slice(_used, record);
        BinaryPrimitives.WriteInt64LittleEndian(room[(record - 8)..], 0); // NUL and padding; the name goes over its beginning.
        BinaryPrimitives.WriteUInt64LittleEndian(room, ino);
        BinaryPrimitives.WriteInt64LittleEndian(room[8..], cookie);
        BinaryPrimitives.WriteUInt16LittleEndian(room[16..], (ushort)record);
        room[18] = (byte)type;
        name.CopyTo(room[HeaderBytes..]);
        _used += record;
        _lastCookie = cookie;
        return true;
    }
}

/// <summary>One entry of a getdents64 buffer.</summary>
public readonly ref struct DirectoryRecord
{
    private DirectoryRecord(ReadOnlySpan<byte> name, ulong ino, FileType type, long cookie)
    {
        Name = name;
        Ino = ino;
        Type = type;
        Cookie = cookie;
    }

    public ReadOnlySpan<byte> Name { get; }

    public ulong Ino { get; }

    public FileType Type { get; }

    /// <summary>Continues after this entry.</summary>
    public long Cookie { get; }

    /// <summary>Takes the first record off <paramref name="records"/>; false when none is left.</summary>
    public static bool TryTake(ref ReadOnlySpan<byte> records, out DirectoryRecord record)
    {
        if (records.Length < DirectoryWriter.HeaderBytes)
        {
            record = default;
            return false;
        }
        int length = BinaryPrimitives.ReadUInt16LittleEndian(records[16..]);
        ReadOnlySpan<byte> name = records[DirectoryWriter.HeaderBytes..length];
        record = new DirectoryRecord(
            name[..name.IndexOf((byte)0)],
            BinaryPrimitives.ReadUInt64LittleEndian(records),
            (FileType)records[18],
            BinaryPrimitives.ReadInt64LittleEndian(records[8..]));
        records = records[length..];
        return true;
    }
}
