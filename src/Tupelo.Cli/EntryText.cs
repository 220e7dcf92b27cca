// How one entry of a listing is printed: its mode string, its colour, its line in `ls -l`, its object in --json.
using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class EntryText
{
    private const int HashBufferBytes = 1 << 20;

    /// <summary>drwxr-xr-x</summary>
    public static string ModeText(uint mode)
    {
        return string.Create(10, mode, static (text, mode) =>
        {
            text[0] = Mode.TypeOf(mode) switch
            {
                FileType.Directory => 'd',
                FileType.Symlink => 'l',
                FileType.Fifo => 'p',
                FileType.Socket => 's',
                FileType.CharDevice => 'c',
                FileType.BlockDevice => 'b',
                _ => '-',
            };
            for (int i = 0; i < 9; i++)
            {
                text[i + 1] = (mode & (0x100u >> i)) != 0 ? "rwx"[i % 3] : '-';
            }
            Special(text, 3, (mode & Mode.SetUid) != 0, 's');
            Special(text, 6, (mode & Mode.SetGid) != 0, 's');
            Special(text, 9, (mode & Mode.Sticky) != 0, 't');
        });
    }

    /// <summary>Prints a name in the colour of its kind; one that is no plain text is escaped on a terminal.</summary>
    public static void PrintName(CommandContext context, TfsVolume volume, TfsNode node, FileType type, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> color = context.UseColor ? ColorOf(volume, node, type) : default;
        if (!color.IsEmpty)
        {
            context.Output.Write("\x1b["u8);
            context.Output.Write(color);
            context.Output.Write((byte)'m');
        }
        context.Output.Name(name);
        if (!color.IsEmpty)
        {
            context.Output.Write("\x1b[0m"u8);
        }
    }

    /// <summary>The object of one entry in the listings of ls, find and du. Shape: docs/cli.md.</summary>
    public static void WriteJson(CommandContext context, Utf8JsonWriter json, TfsVolume volume, TfsNode node, FileType type, ReadOnlySpan<byte> path, bool details, bool hash)
    {
        volume.GetStat(node, out Stat stat);
        json.WriteStartObject();
        json.WriteText("path", path);
        json.WriteString("type", JsonText.TypeName(type));
        json.WriteNumber("size", stat.SizeBytes);
        json.WriteNumber("nlink", stat.LinkCount);
        if (type == FileType.Symlink)
        {
            json.WriteText("target", volume.TargetOf(node));
        }
        if (details)
        {
            WriteDetails(json, type, stat);
        }
        if (hash && type == FileType.Regular)
        {
            string? digest = HashOf(context, volume, node, path);
            if (digest is not null)
            {
                json.WriteString("sha256", digest);
            }
        }
        json.WriteEndObject();
    }

    /// <summary>mode, owner, time, and the number of a device.</summary>
    public static void WriteDetails(Utf8JsonWriter json, FileType type, in Stat stat)
    {
        json.WriteString("mode", Octal(stat.Mode));
        json.WriteNumber("uid", stat.Uid);
        json.WriteNumber("gid", stat.Gid);
        json.WriteTime("mtime", stat.ModifyTime);
        if (type is FileType.CharDevice or FileType.BlockDevice)
        {
            json.WriteNumber("major", DeviceNumber.MajorOf(stat.RawDevice));
            json.WriteNumber("minor", DeviceNumber.MinorOf(stat.RawDevice));
        }
    }

    /// <summary>Permission bits as four octal digits.</summary>
    public static string Octal(uint mode) => Convert.ToString((int)(mode & Mode.PermissionMask), 8).PadLeft(4, '0');

    /// <summary>SHA-256 of a file's content in hexadecimal; null, and an error reported, when it cannot be read.</summary>
    public static string? HashOf(CommandContext context, TfsVolume volume, TfsNode node, ReadOnlySpan<byte> path)
    {
        Errno errno = volume.OpenFile(node, out TfsFileReader? file);
        if (errno == Errno.None)
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(file!.LengthBytes, 1, HashBufferBytes));
            try
            {
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                for (long at = 0; at < file.LengthBytes;)
                {
                    context.ThrowIfInterrupted();
                    IoResult read = file.Read(at, buffer);
                    if (!read.IsOk)
                    {
                        errno = read.Errno;
                        break;
                    }
                    hash.AppendData(buffer, 0, (int)read.Count);
                    at += read.Count;
                }
                if (errno == Errno.None)
                {
                    return Convert.ToHexStringLower(hash.GetHashAndReset());
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
        context.Error($"{System.Text.Encoding.UTF8.GetString(path)}: cannot be read: {errno.Describe()}");
        return null;
    }

    private static void Special(Span<char> text, int place, bool isSet, char letter)
    {
        if (isSet)
        {
            text[place] = text[place] == 'x' ? letter : char.ToUpperInvariant(letter);
        }
    }

    private static ReadOnlySpan<byte> ColorOf(TfsVolume volume, TfsNode node, FileType type)
    {
        switch (type)
        {
            case FileType.Directory:
                return "1;34"u8;
            case FileType.Symlink:
                return "1;36"u8;
            case FileType.Fifo:
                return "33"u8;
            case FileType.Socket:
                return "1;35"u8;
            case FileType.CharDevice or FileType.BlockDevice:
                return "1;33"u8;
            default:
                volume.GetStat(node, out Stat stat);
                return (stat.Mode & 0x49) != 0 ? "1;32"u8 : default;
        }
    }
}

/// <summary>Device numbers as Linux packs them into 64 bits. Source: makedev(3) of glibc.</summary>
internal static class DeviceNumber
{
    public static uint MajorOf(ulong device) => (uint)(((device >> 8) & 0xFFF) | ((device >> 32) & ~0xFFFu));

    public static uint MinorOf(ulong device) => (uint)((device & 0xFF) | ((device >> 12) & ~0xFFu));
}
