// The table /etc/fstab: six fields a line, separated by blanks and tabs, with octal escapes for what cannot stand there. Source: fstab(5),
// getmntent(3). The order of the lines is the order of mounting; dump and pass are checked and not used.
using System.Globalization;
using System.Text;

namespace Tupelo.FileSystems;

/// <summary>Reads fstab.</summary>
public static class Fstab
{
    private const int MinFields = 3;
    private const int MaxFields = 6;

    /// <summary>All lines that mount something, in order; swap areas are passed over.</summary>
    /// <param name="text">The file.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="MountTableException">A line cannot be understood.</exception>
    public static IReadOnlyList<MountSpec> Parse(string text, string name = "fstab")
    {
        ArgumentNullException.ThrowIfNull(text);
        var specs = new List<MountSpec>();
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            string[] fields = line.TrimEnd('\r').Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length == 0 || fields[0].StartsWith('#'))
            {
                continue;
            }
            if (ParseLine(fields, $"{name} line {number.ToString(CultureInfo.InvariantCulture)}") is { } spec)
            {
                specs.Add(spec);
            }
        }
        return specs;
    }

    /// <summary>Undoes the escapes of one field: \040 and any other backslash with three octal digits.</summary>
    /// <returns>Null when what the digits stand for is not UTF-8 text.</returns>
    public static string? Unescape(string field)
    {
        ArgumentNullException.ThrowIfNull(field);
        if (!field.Contains('\\'))
        {
            return field;
        }
        byte[] bytes = Encoding.UTF8.GetBytes(field);
        int length = 0;
        for (int at = 0; at < bytes.Length; at++)
        {
            if (bytes[at] == '\\' && at + 3 < bytes.Length && IsOctal(bytes[at + 1], '3') && IsOctal(bytes[at + 2], '7') && IsOctal(bytes[at + 3], '7'))
            {
                bytes[length++] = (byte)(((bytes[at + 1] - '0') << 6) | ((bytes[at + 2] - '0') << 3) | (bytes[at + 3] - '0'));
                at += 3;
                continue;
            }
            bytes[length++] = bytes[at];
        }
        return System.Text.Unicode.Utf8.IsValid(bytes.AsSpan(0, length)) ? Encoding.UTF8.GetString(bytes, 0, length) : null;
    }

    private static MountSpec? ParseLine(string[] fields, string origin)
    {
        if (fields.Length is < MinFields or > MaxFields)
        {
            throw new MountTableException(origin, $"{fields.Length} fields; expected: source, mount point, type, and perhaps options, dump and pass");
        }
        for (int i = 4; i < fields.Length; i++)
        {
            if (!uint.TryParse(fields[i], NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                throw new MountTableException(origin, $"\"{fields[i]}\" is not a number");
            }
        }
        string[] plain = [.. fields.Take(4).Select(field => Unescape(field) ?? throw new MountTableException(origin, $"\"{field}\" is not UTF-8 text"))];
        (string source, string target, string type) = (plain[0], plain[1], plain[2]);
        if (type is "swap" or "ignore")
        {
            return null;
        }
        MountOptionList options = MountOptionList.Parse(plain.Length > 3 ? plain[3] : string.Empty);
        if (!target.StartsWith('/'))
        {
            throw new MountTableException(origin, $"the mount point \"{target}\" is not absolute");
        }
        return new MountSpec
        {
            Source = source is "none" ? string.Empty : source,
            Target = target,
            Type = type is "none" ? string.Empty : type,
            Flags = options.Flags,
            Options = options.Data,
            MayFail = options.MayFail,
            OnlyWhenAsked = options.OnlyWhenAsked,
            Origin = origin,
        };
    }

    private static bool IsOctal(byte digit, char last) => digit >= '0' && digit <= last;
}
