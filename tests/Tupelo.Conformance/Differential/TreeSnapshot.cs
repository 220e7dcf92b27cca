// The tree as it stands at the end of a run: every name with its type, attributes, content, and identity, read through system calls.
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance.Differential;

/// <summary>One name of a tree.</summary>
/// <param name="Stat">lstat of it.</param>
/// <param name="Content">A digest of what it holds: bytes, target, attributes.</param>
internal sealed record TreeEntry(KernelStat Stat, string Content);

/// <summary>Reads whole trees.</summary>
internal static class TreeSnapshot
{
    // Names below a directory that a run has moved into itself by a mount would never end.
    private const int MaxDepth = 40;
    private const int MaxContentBytes = 1 << 20;

    /// <summary>Everything below the observer's working directory, by path.</summary>
    public static SortedDictionary<string, TreeEntry> Take(ISyscalls s)
    {
        SortedDictionary<string, TreeEntry> tree = new(StringComparer.Ordinal);
        long root = s.Open("."u8, O_RDONLY | O_DIRECTORY);
        Assert.True(root >= 0, $"the tree's root does not open: {Libc.Describe(root)}");
        // A run may have bound the machine's root, and with it /proc, into the tree: what is in there is the process', not the tree's.
        KernelStat proc = default;
        ulong leftOut = s.NewFStatAt(AT_FDCWD, "/proc"u8, ref proc, 0) == 0 ? proc.Device : 0;
        Add(s, tree, (int)root, ".", "."u8.ToArray(), 0, leftOut);
        _ = s.Close((int)root);
        return tree;
    }

    /// <summary>Null when the trees are the same; otherwise the first difference.</summary>
    public static string? Compare(SortedDictionary<string, TreeEntry> host, SortedDictionary<string, TreeEntry> ours, Judge judge)
    {
        foreach ((string path, TreeEntry entry) in host)
        {
            if (!ours.TryGetValue(path, out TreeEntry? other))
            {
                return $"{path}: only on the host";
            }
            if (judge.CompareStats(entry.Stat, other.Stat) is { } difference)
            {
                return $"{path}: {difference}";
            }
            if (entry.Content != other.Content)
            {
                return $"{path}: host {entry.Content}, ours {other.Content}";
            }
        }
        return ours.Keys.FirstOrDefault(path => !host.ContainsKey(path)) is { } extra ? $"{extra}: only here" : null;
    }

    private static void Add(ISyscalls s, SortedDictionary<string, TreeEntry> tree, int parent, string path, byte[] name, int depth, ulong leftOut)
    {
        KernelStat stat = default;
        long result = s.NewFStatAt(parent, name, ref stat, AT_SYMLINK_NOFOLLOW);
        Assert.True(result == 0, $"{path}: {Libc.Describe(result)}");
        if (stat.Device == leftOut)
        {
            return;
        }
        string content = stat.TypeBits switch
        {
            S_IFLNK => ReadLink(s, parent, name),
            S_IFREG => ReadFile(s, parent, name, stat.SizeBytes),
            _ => string.Empty,
        };
        tree.Add(path, new TreeEntry(stat, content + Attributes(s, parent, name, stat)));
        if (stat.TypeBits != S_IFDIR || depth >= MaxDepth)
        {
            return;
        }
        long directory = s.OpenAt(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME, 0);
        Assert.True(directory >= 0, $"{path}: {Libc.Describe(directory)}");
        foreach (byte[] child in Names(s, (int)directory))
        {
            Add(s, tree, (int)directory, $"{path}/{Call.Quote(child).Trim('"')}", child, depth + 1, leftOut);
        }
        _ = s.Close((int)directory);
    }

    private static List<byte[]> Names(ISyscalls s, int directory)
    {
        List<byte[]> names = [];
        byte[] buffer = new byte[8192];
        long result;
        while ((result = s.GetDents64(directory, buffer)) > 0)
        {
            for (int at = 0; at < result; at += MemoryMarshal.Read<ushort>(buffer.AsSpan(at + 16)))
            {
                ReadOnlySpan<byte> name = buffer.AsSpan(at + 19);
                name = name[..name.IndexOf((byte)0)];
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                {
                    names.Add(name.ToArray());
                }
            }
        }
        // A directory that was removed, and is still mounted somewhere, has no entries.
        Assert.True(result is 0 or -(long)Errno.ENOENT, $"getdents64: {Libc.Describe(result)}");
        // In one order on both machines: what is bound to two places is read twice, and reading moves access times.
        names.Sort(static (left, right) => left.AsSpan().SequenceCompareTo(right));
        return names;
    }

    private static string ReadLink(ISyscalls s, int parent, byte[] name)
    {
        byte[] target = new byte[PATH_MAX];
        long length = s.ReadLinkAt(parent, name, target, target.Length);
        return length < 0 ? Libc.Describe(length) : Call.Quote(target.AsSpan(0, (int)length));
    }

    // The data of a file, page by page: where it lies, and what it is.
    private static string ReadFile(ISyscalls s, int parent, byte[] name, long size)
    {
        long fd = s.OpenAt(parent, name, O_RDONLY | O_NOFOLLOW | O_NOATIME, 0);
        if (fd < 0)
        {
            return Libc.Describe(fd);
        }
        StringBuilder text = new();
        byte[] page = new byte[4096];
        long read = 0;
        long at = 0;
        while (at < size && read < MaxContentBytes && (at = s.LSeek((int)fd, at, SEEK_DATA)) >= 0)
        {
            // Whole pages, whatever unit a file system's holes have.
            long end = (s.LSeek((int)fd, at, SEEK_HOLE) + page.Length - 1) / page.Length * page.Length;
            at = at / page.Length * page.Length;
            for (long position = at; position < end && read < MaxContentBytes;)
            {
                long count = s.PRead((int)fd, page.AsSpan(0, (int)Math.Min(page.Length, end - position)), position);
                if (count <= 0)
                {
                    text.Append($" {Libc.Describe(count)}");
                    break;
                }
                // Pages of zeros and holes read the same.
                if (page.AsSpan(0, (int)count).IndexOfAnyExcept((byte)0) >= 0)
                {
                    text.Append($" {position}:{Convert.ToHexStringLower(SHA256.HashData(page.AsSpan(0, (int)count)).AsSpan(0, 4))}");
                }
                position += count;
                read += count;
            }
            at = end;
        }
        _ = s.Close((int)fd);
        return text.ToString();
    }

    private static string Attributes(ISyscalls s, int parent, byte[] name, in KernelStat stat)
    {
        if (stat.TypeBits is not (S_IFREG or S_IFDIR))
        {
            return string.Empty; // Only these can have attributes in the user namespace.
        }
        long fd = s.OpenAt(parent, name, O_RDONLY | O_NOFOLLOW | O_NOATIME, 0);
        byte[] list = new byte[1 << 16];
        long length = s.FListXattr((int)fd, list);
        StringBuilder text = new();
        if (length > 0)
        {
            string[] names = Encoding.Latin1.GetString(list, 0, (int)length - 1).Split('\0');
            Array.Sort(names, StringComparer.Ordinal);
            byte[] value = new byte[1 << 16];
            foreach (string attribute in names)
            {
                long count = s.FGetXattr((int)fd, Encoding.Latin1.GetBytes(attribute), value);
                text.Append($" {attribute}={(count < 0 ? Libc.Describe(count) : Call.Quote(value.AsSpan(0, (int)count)))}");
            }
        }
        _ = s.Close((int)fd);
        return text.ToString();
    }
}
