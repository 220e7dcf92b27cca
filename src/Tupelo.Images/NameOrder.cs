// The order of names in listings: that of their bytes, as `LC_ALL=C ls` sorts. An entry carries its name's first eight bytes as a
// number, which decides most comparisons without touching the name. A bottom-up merge sort: stable, no recursion, and no
// comparison that a hostile image could make quadratic.
using System.Buffers.Binary;

namespace Tupelo.Images;

internal static class NameOrder
{
    private const int RunLength = 8;

    /// <summary>The first eight bytes of <paramref name="name"/>, the first one most significant, filled up with zeros.</summary>
    public static ulong KeyOf(ReadOnlySpan<byte> name)
    {
        if (name.Length >= 8)
        {
            return BinaryPrimitives.ReadUInt64BigEndian(name);
        }
        ulong key = 0;
        for (int i = 0; i < name.Length; i++)
        {
            key |= (ulong)name[i] << (56 - (8 * i));
        }
        return key;
    }

    /// <summary>Compares the names of two entries, which lie in <paramref name="names"/>.</summary>
    public static int Compare(in TreeWalk.Entry left, in TreeWalk.Entry right, byte[] names)
    {
        if (left.Key != right.Key)
        {
            return left.Key < right.Key ? -1 : 1;
        }
        return names.AsSpan(left.NameStart, left.NameLength).SequenceCompareTo(names.AsSpan(right.NameStart, right.NameLength));
    }

    /// <summary>Sorts entries by name.</summary>
    public static void Sort(Span<TreeWalk.Entry> entries, byte[] names)
    {
        for (int start = 0; start < entries.Length; start += RunLength)
        {
            SortRun(entries.Slice(start, Math.Min(RunLength, entries.Length - start)), names);
        }
        if (entries.Length <= RunLength)
        {
            return;
        }
        var rented = new TreeWalk.Entry[entries.Length];
        Span<TreeWalk.Entry> source = entries;
        Span<TreeWalk.Entry> target = rented;
        for (int width = RunLength; width < entries.Length; width *= 2)
        {
            for (int start = 0; start < entries.Length; start += 2 * width)
            {
                int middle = Math.Min(start + width, entries.Length);
                int end = Math.Min(middle + width, entries.Length);
                Merge(source[start..middle], source[middle..end], target[start..end], names);
            }
            Span<TreeWalk.Entry> swapped = source;
            source = target;
            target = swapped;
        }
        if (source != entries)
        {
            source.CopyTo(entries);
        }
    }

    private static void SortRun(Span<TreeWalk.Entry> run, byte[] names)
    {
        for (int i = 1; i < run.Length; i++)
        {
            TreeWalk.Entry moved = run[i];
            int at = i;
            for (; at > 0 && Compare(moved, run[at - 1], names) < 0; at--)
            {
                run[at] = run[at - 1];
            }
            run[at] = moved;
        }
    }

    private static void Merge(ReadOnlySpan<TreeWalk.Entry> left, ReadOnlySpan<TreeWalk.Entry> right, Span<TreeWalk.Entry> target, byte[] names)
    {
        int fromLeft = 0;
        int fromRight = 0;
        for (int i = 0; i < target.Length; i++)
        {
            bool takeLeft = fromRight == right.Length
                || (fromLeft < left.Length && Compare(left[fromLeft], right[fromRight], names) <= 0);
            target[i] = takeLeft ? left[fromLeft++] : right[fromRight++];
        }
    }
}
