// Unikraft's kernel parameter vfs.fstab: a list in brackets of quoted entries
//   device:mountpoint:driver[:flags[:options[:ukopts]]]
// flags is a number as in C; options go to the driver; ukopts are mkmp (make the mount point and what is above it), ifinitrd0 and
// ifnoinitrd0. The driver "extract" unpacks a cpio archive (device initrd0 or embedded); its option ramfs[=0|1|2] mounts a ramfs first.
// Composition: compiled-in entries, then the user's; the fallback entries only when the user gave none.
using System.Buffers;
using System.Globalization;

namespace Tupelo.FileSystems;

/// <summary>Reads vfs.fstab.</summary>
public static class UnikraftFstab
{
    /// <summary>Most entries of the compiled-in and of the fallback table.</summary>
    public const int MaxBuiltIn = 4;

    /// <summary>Most entries of the user that can be configured; 16 by default.</summary>
    public const int MaxUserEntries = 255;

    private const string ParameterName = "vfs.fstab=";
    private const uint PointMode = 0x1C0; // 0700

    private static readonly SearchValues<char> s_separators = SearchValues.Create(" \t\r\n\"'");

    /// <summary>Reads the parameter's value, with or without its name in front.</summary>
    /// <param name="text">"[ "dev:/mnt:9pfs" ... ]", or one entry without brackets.</param>
    /// <param name="limit">Most entries: 1 to 255.</param>
    /// <exception cref="MountTableException">It is malformed, or has too many entries.</exception>
    public static IReadOnlyList<MountSpec> Parse(string text, int limit = 16)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxUserEntries);
        List<string> entries = Split(text.StartsWith(ParameterName, StringComparison.Ordinal) ? text[ParameterName.Length..] : text);
        if (entries.Count > limit)
        {
            throw new MountTableException("vfs.fstab", $"{entries.Count} entries; up to {limit} are allowed");
        }
        return [.. entries.Select((entry, index) => ParseEntry(entry, $"vfs.fstab entry {(index + 1).ToString(CultureInfo.InvariantCulture)}"))];
    }

    /// <summary>The table to carry out.</summary>
    public static IReadOnlyList<MountSpec> Compose(IReadOnlyList<MountSpec> compiledIn, IReadOnlyList<MountSpec> user, IReadOnlyList<MountSpec> fallback)
    {
        ArgumentNullException.ThrowIfNull(compiledIn);
        ArgumentNullException.ThrowIfNull(user);
        ArgumentNullException.ThrowIfNull(fallback);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(compiledIn.Count, MaxBuiltIn);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fallback.Count, MaxBuiltIn);
        return [.. compiledIn, .. user.Count > 0 ? user : fallback];
    }

    // Entries are separated by white space, in single or double quotes or bare.
    private static List<string> Split(string text)
    {
        string list = text.Trim();
        if (list.StartsWith('['))
        {
            list = list.EndsWith(']') ? list[1..^1] : throw new MountTableException("vfs.fstab", "the closing bracket is missing");
        }
        var entries = new List<string>();
        for (int at = 0; at < list.Length;)
        {
            if (char.IsWhiteSpace(list[at]))
            {
                at++;
                continue;
            }
            bool quoted = list[at] is '"' or '\'';
            int end = quoted ? list.IndexOf(list[at], at + 1) : list.AsSpan(at).IndexOfAny(s_separators);
            if (quoted && end < 0)
            {
                throw new MountTableException("vfs.fstab", "a closing quote is missing");
            }
            if (quoted)
            {
                entries.Add(list[(at + 1)..end]);
                at = end + 1;
                continue;
            }
            end = end < 0 ? list.Length : at + end;
            entries.Add(list[at..end]);
            at = end;
        }
        return entries;
    }

    private static MountSpec ParseEntry(string entry, string origin)
    {
        string[] fields = entry.Split(':');
        if (fields.Length is < 3 or > 6)
        {
            throw new MountTableException(origin, $"\"{entry}\" has {fields.Length} fields; expected: device:mountpoint:driver[:flags[:options[:ukopts]]]");
        }
        if (fields[2].Length == 0 || !fields[1].StartsWith('/'))
        {
            throw new MountTableException(origin, fields[2].Length == 0 ? "no driver" : $"the mount point \"{fields[1]}\" is not absolute");
        }
        var spec = new MountSpec
        {
            Source = fields[0],
            Target = fields[1],
            Type = fields[2],
            Flags = fields.Length > 3 ? ParseFlags(fields[3], origin) : 0,
            Options = fields.Length > 4 ? fields[4] : string.Empty,
            Origin = origin,
        };
        foreach (string word in fields.Length > 5 ? fields[5].Split(',', StringSplitOptions.RemoveEmptyEntries) : [])
        {
            spec = word switch
            {
                "mkmp" => spec with { MakePointMode = PointMode, MakeParents = true },
                "ifinitrd0" => spec with { Condition = MountCondition.WithInitrd },
                "ifnoinitrd0" => spec with { Condition = MountCondition.WithoutInitrd },
                _ => throw new MountTableException(origin, $"\"{word}\" is not one of mkmp, ifinitrd0, ifnoinitrd0"),
            };
        }
        if (spec.MakePointMode is not null && Array.Exists(spec.Target.Split('/'), name => name is "." or ".."))
        {
            throw new MountTableException(origin, $"mkmp does not make \"{spec.Target}\": \".\" and \"..\" are not allowed");
        }
        return spec.Type is "extract" ? ParseExtract(spec) : spec;
    }

    private static MountSpec ParseExtract(MountSpec spec)
    {
        if (spec.Source is not ("initrd0" or "embedded"))
        {
            throw new MountTableException(spec.Origin, $"\"{spec.Source}\" cannot be extracted; initrd0 and embedded can");
        }
        ExtractTarget target = spec.Options switch
        {
            "" or "ramfs=0" => ExtractTarget.Existing,
            "ramfs" or "ramfs=1" or "ramfs=2" => ExtractTarget.NewRamFs,
            _ => throw new MountTableException(spec.Origin, $"\"{spec.Options}\" is not an option of extract; ramfs[=0|1|2] is"),
        };
        return spec with { Options = string.Empty, Extract = target };
    }

    // Decimal, 0x hexadecimal or 0 octal, as strtol with base 0.
    private static MountFlags ParseFlags(string text, string origin)
    {
        if (text.Length == 0)
        {
            return 0;
        }
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool isOctal = !isHex && text.Length > 1 && text[0] == '0';
        ulong flags = 0;
        bool good = isHex ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out flags)
            : isOctal ? TryParseOctal(text, out flags)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out flags);
        return good ? (MountFlags)flags : throw new MountTableException(origin, $"\"{text}\" is not a number");
    }

    private static bool TryParseOctal(string text, out ulong number)
    {
        number = 0;
        foreach (char digit in text)
        {
            if (digit is < '0' or > '7' || number >> 61 != 0)
            {
                return false;
            }
            number = (number << 3) | (uint)(digit - '0');
        }
        return true;
    }
}
