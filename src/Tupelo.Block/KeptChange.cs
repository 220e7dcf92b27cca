// A KeptChange is one write, discard or resize that reached the medium before the power went, whole or in part.
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tupelo.Block;

/// <summary>Which sectors of a change are meant.</summary>
public enum SectorChoice
{
    All,

    /// <summary>The first <see cref="KeptChange.Argument"/>.</summary>
    First,

    /// <summary>The last <see cref="KeptChange.Argument"/>.</summary>
    Last,

    /// <summary>About half, chosen by the seed <see cref="KeptChange.Argument"/>.</summary>
    Random,

    /// <summary>The first <see cref="KeptChange.Argument"/> bytes: a tear inside of a sector, which a device with atomic sectors does
    /// not make.</summary>
    FirstBytes,
}

/// <summary>What the sectors hold that are meant.</summary>
public enum SectorContent
{
    /// <summary>What was written.</summary>
    Written,

    /// <summary>Zeros, as where a medium lost them.</summary>
    Zeros,

    /// <summary>Bytes that were never written, chosen by the seed and the place.</summary>
    Garbage,
}

/// <summary>A change that reached the medium.</summary>
/// <param name="Index">Its place in <see cref="CrashEpoch.Changes"/>.</param>
/// <param name="Choice">How much of it.</param>
/// <param name="Argument">A count or a seed, as <paramref name="Choice"/> says.</param>
/// <param name="Content">What is there.</param>
public readonly record struct KeptChange(int Index, SectorChoice Choice = SectorChoice.All, ulong Argument = 0, SectorContent Content = SectorContent.Written)
{
    /// <summary>The first <paramref name="count"/> changes, whole and in order.</summary>
    public static KeptChange[] AllOf(int count)
    {
        var kept = new KeptChange[count];
        for (int i = 0; i < count; i++)
        {
            kept[i] = new KeptChange(i);
        }
        return kept;
    }

    /// <summary>"4", "4:first2", "4:random77=zeros".</summary>
    public override string ToString()
    {
        string choice = Choice == SectorChoice.All ? "" : string.Create(CultureInfo.InvariantCulture, $":{Name(Choice)}{Argument}");
        string content = Content == SectorContent.Written ? "" : "=" + Name(Content);
        return string.Create(CultureInfo.InvariantCulture, $"{Index}{choice}{content}");
    }

    /// <summary>The change that <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static KeptChange Parse(string text)
    {
        string[] halves = text.Split('=', 2);
        string[] parts = halves[0].Split(':', 2);
        var choice = SectorChoice.All;
        ulong argument = 0;
        if (parts.Length == 2)
        {
            int digits = parts[1].AsSpan().IndexOfAnyInRange('0', '9');
            choice = digits > 0 && Enum.TryParse(parts[1].AsSpan(0, digits), ignoreCase: true, out SectorChoice named)
                ? named : throw new FormatException(text);
            argument = ulong.Parse(parts[1].AsSpan(digits), NumberStyles.None, CultureInfo.InvariantCulture);
        }
        var content = SectorContent.Written;
        if (halves.Length == 2 && !Enum.TryParse(halves[1], ignoreCase: true, out content))
        {
            throw new FormatException(text);
        }
        return new KeptChange(int.Parse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture), choice, argument, content);
    }

    /// <summary>Puts what is kept of <paramref name="change"/> into <paramref name="image"/>.</summary>
    internal void Apply(CopyOnWriteImage image, CrashEvent change, int sectorBytes)
    {
        if (change.Kind == CrashEventKind.Resize)
        {
            image.Resize(change.LengthBytes);
            return;
        }
        long count = change.SectorCount(sectorBytes);
        switch (Choice)
        {
            case SectorChoice.All:
                Put(image, change, 0, change.LengthBytes, sectorBytes);
                break;
            case SectorChoice.FirstBytes:
                Put(image, change, 0, (long)Math.Min(Argument, (ulong)change.LengthBytes), sectorBytes);
                break;
            default:
                for (long sector = 0; sector < count; sector++)
                {
                    if (Chooses(sector, count))
                    {
                        long grid = change.OffsetBytes / sectorBytes * sectorBytes;
                        long start = Math.Max(grid + (sector * sectorBytes) - change.OffsetBytes, 0);
                        long end = Math.Min(grid + ((sector + 1) * sectorBytes) - change.OffsetBytes, change.LengthBytes);
                        Put(image, change, start, end, sectorBytes);
                    }
                }
                break;
        }
    }

    private bool Chooses(long sector, long count) => Choice switch
    {
        SectorChoice.First => (ulong)sector < Argument,
        SectorChoice.Last => (ulong)(count - sector) <= Argument,
        _ => (Mix(Argument + (ulong)sector) & 1) != 0,
    };

    // The bytes [start, end) of the change.
    private void Put(CopyOnWriteImage image, CrashEvent change, long start, long end, int sectorBytes)
    {
        long at = change.OffsetBytes + start;
        if (start == end)
        {
            return;
        }
        if (Content == SectorContent.Garbage)
        {
            byte[] garbage = new byte[sectorBytes];
            for (long done = start; done < end;)
            {
                int part = (int)Math.Min(sectorBytes, end - done);
                ulong seed = Mix(Argument ^ (ulong)(change.OffsetBytes + done));
                foreach (ref ulong word in MemoryMarshal.Cast<byte, ulong>(garbage.AsSpan()))
                {
                    word = Mix(seed++);
                }
                image.Write(change.OffsetBytes + done, garbage.AsSpan(0, part));
                done += part;
            }
        }
        else if (Content == SectorContent.Written && change.Kind == CrashEventKind.Write)
        {
            image.Write(at, change.Data.Span[(int)start..(int)end]);
        }
        else
        {
            // A discard may reach beyond an image whose growth was lost: there is nothing to make zero then.
            long inside = Math.Min(end - start, image.SizeBytes - at);
            if (inside > 0)
            {
                image.Zero(at, inside);
            }
        }
    }

    private static string Name<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    // SplitMix64: a good mix of every bit, and the same on every machine.
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
