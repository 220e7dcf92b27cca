// The numbers of the TFS format and its smallest encodings, both directions. Bytes: docs/tfs-format.md.
// Nothing here allocates or knows of devices; everything is checked, since images come from strangers.
namespace Tupelo.Tfs;

/// <summary>Constants of the on-disk format, version 5 (and 4 for reading).</summary>
public static class TfsFormat
{
    /// <summary>Unit of every address and length on disk, in bytes.</summary>
    public const int SectorBytes = 512;

    /// <summary>log2 of <see cref="SectorBytes"/>.</summary>
    public const int SectorShift = 9;

    /// <summary>Starts every log extension.</summary>
    public static ReadOnlySpan<byte> Magic => "NVMTFS"u8;

    public const int CurrentVersion = 5;

    /// <summary>The encoding without vectors, integers and typed strings: read, never written.</summary>
    public const int OldVersion = 4;

    /// <summary>Length of every log extension but the first, as all known writers make them.</summary>
    public const long ExtensionSectors = 1024;

    /// <summary>Bytes of the volume's identity, raw and random.</summary>
    public const int UuidBytes = 16;

    /// <summary>Longest label in bytes, its terminating NUL not counted.</summary>
    public const int MaxLabelBytes = 31;

    /// <summary>Longest file name in bytes (NAME_MAX).</summary>
    public const int MaxNameBytes = 255;

    /// <summary>Length of one extent at the most: 32 MiB.</summary>
    public const long MaxExtentSectors = 65536;

    /// <summary>Longest symbolic link target in bytes.</summary>
    public const int MaxTargetBytes = 4095;
}

/// <summary>What the leading byte of a log frame says.</summary>
internal static class TfsFrame
{
    public const byte EndOfLog = 1;
    public const byte TupleAvailable = 2;
    public const byte TupleExtended = 3;
    public const byte EndOfSegment = 4;
    public const byte ExtensionLink = 5;
}

/// <summary>Type field of a value header (bits 6..4 of its first byte, version 5).</summary>
internal enum TfsValueType : byte
{
    Buffer = 0,
    Tuple = 1,
    Vector = 2,
    Integer = 3,
    String = 4,
}

/// <summary>Names of the attributes that Nanos or Tupelo gives a meaning; UTF-8.</summary>
public static class TfsAttribute
{
    public static ReadOnlySpan<byte> Children => "children"u8;
    public static ReadOnlySpan<byte> Extents => "extents"u8;
    public static ReadOnlySpan<byte> FileLength => "filelength"u8;
    public static ReadOnlySpan<byte> LinkTarget => "linktarget"u8;
    public static ReadOnlySpan<byte> Socket => "socket"u8;
    public static ReadOnlySpan<byte> Special => "special"u8;
    public static ReadOnlySpan<byte> LinkCount => "nlink"u8;
    public static ReadOnlySpan<byte> AccessTime => "atime"u8;
    public static ReadOnlySpan<byte> ModifyTime => "mtime"u8;
    public static ReadOnlySpan<byte> Offset => "offset"u8;
    public static ReadOnlySpan<byte> Length => "length"u8;
    public static ReadOnlySpan<byte> Allocated => "allocated"u8;
    public static ReadOnlySpan<byte> Uninitialized => "uninited"u8;

    // Tupelo's own: kept and ignored by Nanos, invisible to its programs (no inner dot). docs/tfs-format.md#tupelo-attributes

    /// <summary>st_mode, type and permission bits, as an integer.</summary>
    public static ReadOnlySpan<byte> TupeloMode => "tupelo_mode"u8;
    public static ReadOnlySpan<byte> TupeloUid => "tupelo_uid"u8;
    public static ReadOnlySpan<byte> TupeloGid => "tupelo_gid"u8;

    /// <summary>Change time, 32.32 fixed point like mtime.</summary>
    public static ReadOnlySpan<byte> TupeloChangeTime => "tupelo_ctime"u8;

    /// <summary>Creation time, 32.32 fixed point.</summary>
    public static ReadOnlySpan<byte> TupeloBirthTime => "tupelo_btime"u8;

    /// <summary>Device number of a device node, packed as Linux' makedev does.</summary>
    public static ReadOnlySpan<byte> TupeloDevice => "tupelo_rdev"u8;

    /// <summary>On the root: the commit record. See docs/tfs-format.md#commit-record.</summary>
    public static ReadOnlySpan<byte> TupeloCommit => "tupelo_commit"u8;
}

/// <summary>Nanos' time stamps: seconds since 1970 in the upper 32 bits, 2^-32 s in the lower.</summary>
public static class TfsTime
{
    /// <summary>The value that stands for <paramref name="time"/>; instants before 1970 or after 2106 are clamped. Reading it back
    /// gives the same nanosecond.</summary>
    public static ulong Encode(Timespec time)
    {
        if (time.Seconds < 0)
        {
            return 0;
        }
        if (time.Seconds > uint.MaxValue)
        {
            return ulong.MaxValue;
        }
        // Rounded up, so that the reader's rounding down meets the same nanosecond again.
        ulong fraction = (((ulong)time.Nanoseconds << 32) + 999_999_999) / 1_000_000_000;
        ulong value = ((ulong)time.Seconds << 32) + fraction;
        return value == 1UL << 61 ? value + 1 : value; // Nanos mishandles exactly 2^61; the same nanosecond is one step on
    }

    /// <summary>The instant that <paramref name="value"/> stands for.</summary>
    public static Timespec Decode(ulong value) =>
        new((long)(value >> 32), (int)(((value & uint.MaxValue) * 1_000_000_000) >> 32));
}
