// One 512-byte header block of a tar archive: where its fields are, and how numbers are written in them.
//   0 name 100      100 mode 8      108 uid 8      116 gid 8     124 size 12    136 mtime 12   148 checksum 8
//   156 type 1      157 link 100    257 magic 8    329 major 8   337 minor 8
//   345 prefix 155 (POSIX)          GNU: 386 four sparse entries of 24, 482 more follow 1, 483 real size 12
// Numbers are octal text, or with the first byte's top bit set big-endian binary (GNU). Source: tar(5), POSIX pax, GNU tar manual.
namespace Tupelo.FileSystems;

internal readonly ref struct TarHeader(ReadOnlySpan<byte> block)
{
    public const int BlockBytes = 512;

    private const int NameAt = 0;
    private const int LinkAt = 157;
    private const int PathFieldBytes = 100;
    private const int ChecksumAt = 148;
    private const int ChecksumBytes = 8;
    private const int PrefixAt = 345;
    private const int PrefixBytes = 155;
    private const int SparseEntriesAt = 386;
    private const int SparseEntries = 4;
    private const int SparseMoreAt = 482;
    private const int RealSizeAt = 483;

    private readonly ReadOnlySpan<byte> _block = block;

    public byte Type => _block[156];

    /// <summary>POSIX magic: the prefix field is part of the name.</summary>
    public bool IsPosix => _block.Slice(257, 6).SequenceEqual("ustar\0"u8);

    public ReadOnlySpan<byte> Name => Text(NameAt, PathFieldBytes);

    public ReadOnlySpan<byte> Prefix => Text(PrefixAt, PrefixBytes);

    public ReadOnlySpan<byte> Link => Text(LinkAt, PathFieldBytes);

    public long ModeField => Number(100, 8);

    public long Uid => Number(108, 8);

    public long Gid => Number(116, 8);

    public long SizeBytes => Number(124, 12);

    public long ModifySeconds => Number(136, 12);

    public long DeviceMajor => Number(329, 8);

    public long DeviceMinor => Number(337, 8);

    public long RealSizeBytes => Number(RealSizeAt, 12);

    public bool HasMoreSparse => _block[SparseMoreAt] != 0;

    public ReadOnlySpan<byte> SparseTable => _block.Slice(SparseEntriesAt, SparseEntries * TarSparse.EntryBytes);

    /// <summary>The sum of all bytes with the field itself as spaces; some old programs summed signed bytes.</summary>
    public bool HasValidChecksum
    {
        get
        {
            int unsigned = 0;
            int signed = 0;
            for (int i = 0; i < BlockBytes; i++)
            {
                byte b = i is >= ChecksumAt and < ChecksumAt + ChecksumBytes ? (byte)' ' : _block[i];
                unsigned += b;
                signed += (sbyte)b;
            }
            return TryReadNumber(_block.Slice(ChecksumAt, ChecksumBytes), out long sum) && (sum == unsigned || sum == signed);
        }
    }

    /// <summary>A numeric field; blank is 0.</summary>
    public static bool TryReadNumber(ReadOnlySpan<byte> field, out long number)
    {
        number = 0;
        if ((field[0] & 0x80) != 0)
        {
            return TryReadBinary(field, out number);
        }
        int at = 0;
        while (at < field.Length && field[at] is (byte)' ' or 0)
        {
            at++;
        }
        for (; at < field.Length && field[at] is not ((byte)' ' or 0); at++)
        {
            if (field[at] is < (byte)'0' or > (byte)'7')
            {
                return false;
            }
            number = (number << 3) | (uint)(field[at] - '0');
        }
        return true;
    }

    // Two's complement over the whole field, but for the top bit, which is the mark and repeats the sign.
    private static bool TryReadBinary(ReadOnlySpan<byte> field, out long number)
    {
        bool negative = (field[0] & 0x40) != 0;
        ReadOnlySpan<byte> low = field[(field.Length - Math.Min(8, field.Length))..];
        ulong bits = negative ? ulong.MaxValue : 0;
        foreach (byte b in low)
        {
            bits = (bits << 8) | b;
        }
        if (field.Length == 8)
        {
            // The mark is inside of the number.
            bits = negative ? bits | 0x8000_0000_0000_0000 : bits & 0x7FFF_FFFF_FFFF_FFFF;
        }
        number = (long)bits;
        byte fill = negative ? (byte)0xFF : (byte)0;
        bool fits = (number < 0) == negative;
        for (int i = 0; i < field.Length - 8; i++)
        {
            fits &= (i == 0 ? (byte)(negative ? field[i] : field[i] & 0x7F) : field[i]) == fill;
        }
        return fits;
    }

    private long Number(int at, int length) =>
        TryReadNumber(_block.Slice(at, length), out long number) ? number : throw new FormatException($"\"{ImageText.Show(_block.Slice(at, length))}\" is not a number");

    private ReadOnlySpan<byte> Text(int at, int length)
    {
        ReadOnlySpan<byte> field = _block.Slice(at, length);
        int end = field.IndexOf((byte)0);
        return end < 0 ? field : field[..end];
    }
}
