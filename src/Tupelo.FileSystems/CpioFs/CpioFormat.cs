// cpio's "new ASCII" format (newc), as boot images use it. A member is a header of 110 characters: magic and 13 fields of 8 hexadecimal
// digits; then the name with its NUL, padded with zeros so that header and name are a multiple of 4; then the data, padded likewise.
// The member "TRAILER!!!" ends an archive; more archives may follow, after zeros. Source: cpio(5); Linux, buffer-format of the initramfs.
namespace Tupelo.FileSystems;

internal static class CpioFormat
{
    /// <summary>f_type of statfs: "cpio".</summary>
    public const ulong StatFsMagic = 0x6370696F;

    public const int MagicBytes = 6;
    public const int HeaderBytes = 110;
    public const int FieldBytes = 8;
    public const int Alignment = 4;

    /// <summary>Zeros that may stand between two archives.</summary>
    public const long MaxGapBytes = 16 << 20;

    public const int Ino = 0;
    public const int ModeField = 1;
    public const int Uid = 2;
    public const int Gid = 3;
    public const int LinkCount = 4;
    public const int ModifyTime = 5;
    public const int FileSize = 6;
    public const int DeviceMajor = 7;
    public const int DeviceMinor = 8;
    public const int RawDeviceMajor = 9;
    public const int RawDeviceMinor = 10;
    public const int NameSize = 11;
    public const int Check = 12;
    public const int FieldCount = 13;

    public static ReadOnlySpan<byte> Magic => "070701"u8;

    public static ReadOnlySpan<byte> MagicWithChecksum => "070702"u8;

    public static ReadOnlySpan<byte> Trailer => "TRAILER!!!"u8;
}
