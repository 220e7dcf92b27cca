// tupelo touch and tupelo truncate.
using System.CommandLine;
using System.Globalization;
using Tupelo.Images;

namespace Tupelo.Cli.Editing;

internal static class TouchCommand
{
    public static Command Create(CommandContext context) => Create(new EditDoor(context));

    public static Command Create(EditDoor door)
    {
        Argument<string[]> paths = door.Operands("Files; those that do not exist are made, empty.");
        var accessOnly = new Option<bool>("-a") { Description = "The access time only." };
        var modifyOnly = new Option<bool>("-m") { Description = "The modification time only." };
        var noCreate = new Option<bool>("--no-create", "-c") { Description = "Make no files." };
        var noFollow = new Option<bool>("--no-dereference", "-h") { Description = "Symbolic links themselves, not what they lead to." };
        var date = new Option<string?>("--date", "-d") { Description = "This time: 2026-11-21T08:15:30Z, '2026-11-21 08:15' (local), @1700000000.", HelpName = "TIME" };
        var stamp = new Option<string?>("-t") { Description = "This time.", HelpName = "[[CC]YY]MMDDhhmm[.ss]" };
        var reference = new Option<string?>("--reference", "-r") { Description = "The times of this file, of the host or in the image.", HelpName = "FILE" };
        var command = new Command("touch", "Set the times of files, and make files, all in one commit.") { paths, accessOnly, modifyOnly, noCreate, noFollow, date, stamp, reference };
        door.AddOptions(command);
        Examples.Add(command, "tupelo touch app.img:/etc/ready", "tupelo touch -d 2026-01-01T00:00:00Z app.img:/bin/app");
        command.SetAction(parsed =>
        {
            int sources = (parsed.GetValue(date) is null ? 0 : 1) + (parsed.GetValue(stamp) is null ? 0 : 1) + (parsed.GetValue(reference) is null ? 0 : 1);
            if (sources > 1)
            {
                throw new UsageException("one of -d, -t and -r says the time");
            }
            Timespec? time = parsed.GetValue(date) is { } text ? TimeInput.Parse(text) : parsed.GetValue(stamp) is { } digits ? TimeInput.ParseStamp(digits) : null;
            return door.Run(parsed, parsed.GetRequiredValue(paths), (session, operands) =>
            {
                Timespec[] times = TimesOf(door, session, time, parsed.GetValue(reference));
                times[0] = parsed.GetValue(modifyOnly) && !parsed.GetValue(accessOnly) ? new Timespec(0, UtimeNanoseconds.Omit) : times[0];
                times[1] = parsed.GetValue(accessOnly) && !parsed.GetValue(modifyOnly) ? new Timespec(0, UtimeNanoseconds.Omit) : times[1];
                foreach (byte[] path in operands)
                {
                    Touch(session, path, times, parsed.GetValue(noCreate), parsed.GetValue(noFollow));
                }
            });
        });
        return command;
    }

    public static Command CreateTruncate(CommandContext context) => CreateTruncate(new EditDoor(context));

    public static Command CreateTruncate(EditDoor door)
    {
        var size = new Option<string>("--size", "-s") { Description = "The new length: 4096, 64K, 1G; +N or -N from the present one.", HelpName = "SIZE", Required = true };
        Argument<string[]> paths = door.Operands("Files; those that do not exist are made.");
        var noCreate = new Option<bool>("--no-create", "-c") { Description = "Make no files." };
        var command = new Command("truncate", "Cut files, or lengthen them with zeros that take no space, all in one commit.") { size, paths, noCreate };
        door.AddOptions(command);
        Examples.Add(command, "tupelo truncate -s 0 app.img:/var/log/app.log");
        command.SetAction(parsed =>
        {
            string text = parsed.GetRequiredValue(size);
            int sign = text.StartsWith('+') ? 1 : text.StartsWith('-') ? -1 : 0;
            if (!SizeText.TryParse(sign == 0 ? text : text[1..], out long bytes))
            {
                throw new UsageException($"'{text}' is no size; for example 512K, 2G, +1M or -100");
            }
            return door.Run(parsed, parsed.GetRequiredValue(paths), (session, operands) =>
            {
                foreach (byte[] path in operands)
                {
                    Truncate(session, path, sign, bytes, parsed.GetValue(noCreate));
                }
            });
        });
        return command;
    }

    private static Timespec[] TimesOf(EditDoor door, EditSession session, Timespec? time, string? reference)
    {
        if (time is { } given)
        {
            return [given, given];
        }
        if (reference is null)
        {
            return [new Timespec(0, UtimeNanoseconds.Now), new Timespec(0, UtimeNanoseconds.Now)];
        }
        bool isInside = door.IsInImage(reference) && !door.IsElsewhere(reference);
        EditTree tree = isInside ? session.Image : session.Host;
        byte[] path = isInside ? door.PathOf(reference) : door.Context.Terminal.ArgumentBytes(reference);
        Errno errno = tree.Stat(path, follow: true, out Stat stat);
        return errno == Errno.None ? [stat.AccessTime, stat.ModifyTime] : throw new CommandException($"cannot read the times of {tree.Text(path)}: {errno.Describe()}");
    }

    private static void Touch(EditSession session, byte[] path, Timespec[] times, bool noCreate, bool noFollow)
    {
        AtFlags flags = noFollow ? AtFlags.SymlinkNoFollow : AtFlags.None;
        long set = session.Change(() => session.Calls.UtimeNsAt(AtFd.CurrentDirectory, path, times, flags));
        if (set == -(long)Errno.ENOENT)
        {
            if (noCreate)
            {
                return;
            }
            long fd = session.Change(() => session.Calls.Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.NonBlock, 0x1B6));
            if (!session.Check(fd, "make", path))
            {
                return;
            }
            _ = session.Calls.Close((int)fd);
            set = session.Change(() => session.Calls.UtimeNsAt(AtFd.CurrentDirectory, path, times, flags));
        }
        _ = session.Check(set, "set the times of", path);
    }

    private static void Truncate(EditSession session, byte[] path, int sign, long bytes, bool noCreate)
    {
        long fd = session.Change(() => session.Calls.Open(path, OpenFlags.WriteOnly | OpenFlags.NonBlock | (noCreate ? 0 : OpenFlags.Create), 0x1B6));
        if ((fd == -(long)Errno.ENOENT && noCreate) || !session.Check(fd, "open", path))
        {
            return;
        }
        Stat stat = default;
        _ = session.Calls.FStat((int)fd, ref stat);
        long size = sign switch { 0 => bytes, > 0 => bytes > long.MaxValue - stat.SizeBytes ? long.MaxValue : stat.SizeBytes + bytes, _ => Math.Max(0, stat.SizeBytes - bytes) };
        _ = session.Check(session.Change(() => session.Calls.FTruncate((int)fd, size)), "set the length of", path);
        _ = session.Calls.Close((int)fd);
    }
}

/// <summary>Times as people type them.</summary>
internal static class TimeInput
{
    private static readonly string[] Formats = ["yyyy-MM-dd", "yyyy-MM-dd HH:mm", "yyyy-MM-ddTHH:mm", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-ddTHH:mm:ss"];

    /// <summary>A date of ISO 8601 with or without time, fraction and zone (local without one), @seconds, or "now".</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static Timespec Parse(string text)
    {
        if (text == "now")
        {
            return Of(DateTimeOffset.UtcNow, 0);
        }
        string rest = text.Trim();
        int nanoseconds = 0;
        int dot = rest.IndexOf('.', StringComparison.Ordinal);
        if (dot >= 0)
        {
            int end = dot + 1;
            while (end < rest.Length && char.IsAsciiDigit(rest[end]))
            {
                end++;
            }
            string digits = rest[(dot + 1)..end];
            if (digits.Length is 0 or > 9)
            {
                throw Wrong(text);
            }
            nanoseconds = int.Parse(digits.PadRight(9, '0'), CultureInfo.InvariantCulture);
            rest = rest[..dot] + rest[end..];
        }
        if (rest.StartsWith('@'))
        {
            return long.TryParse(rest.AsSpan(1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds) ? new Timespec(seconds, nanoseconds) : throw Wrong(text);
        }
        bool hasZone = rest.EndsWith('Z') || (rest.Length > 11 && rest.AsSpan(11).IndexOfAny('+', '-') >= 0);
        foreach (string format in Formats)
        {
            if (DateTimeOffset.TryParseExact(rest, hasZone ? format + "K" : format, CultureInfo.InvariantCulture,
                hasZone ? DateTimeStyles.None : DateTimeStyles.AssumeLocal, out DateTimeOffset time))
            {
                return Of(time, nanoseconds);
            }
        }
        throw Wrong(text);
    }

    /// <summary>[[CC]YY]MMDDhhmm[.ss], local, as touch -t.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static Timespec ParseStamp(string text)
    {
        string digits = text;
        string seconds = "00";
        int dot = text.IndexOf('.', StringComparison.Ordinal);
        if (dot >= 0)
        {
            (digits, seconds) = (text[..dot], text[(dot + 1)..]);
        }
        // As POSIX: 69 to 99 are of the last century.
        digits = digits.Length switch
        {
            8 => DateTime.Now.Year.ToString("D4", CultureInfo.InvariantCulture) + digits,
            10 => (string.CompareOrdinal(digits[..2], "69") >= 0 ? "19" : "20") + digits,
            _ => digits,
        };
        return seconds.Length == 2 && DateTimeOffset.TryParseExact(digits + seconds, "yyyyMMddHHmmss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset time)
            ? Of(time, 0)
            : throw new UsageException($"'{text}' is no time of the form [[CC]YY]MMDDhhmm[.ss]");
    }

    private static Timespec Of(DateTimeOffset time, int nanoseconds) =>
        new(time.ToUnixTimeSeconds(), nanoseconds != 0 ? nanoseconds : (int)(time.Ticks % TimeSpan.TicksPerSecond) * 100);

    private static UsageException Wrong(string text) => new($"'{text}' is no time: 2026-11-21T08:15:30Z, '2026-11-21 08:15' or @1700000000, for example");
}
