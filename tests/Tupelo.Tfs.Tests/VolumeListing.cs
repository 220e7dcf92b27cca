using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Tupelo.Testing.Images;

namespace Tupelo.Tfs.Tests;

/// <summary>What the product's reader says, in the same words as the golden expectations and the independent reader.</summary>
internal static class VolumeListing
{
    /// <summary>Every entry from '/' down; children by the bytes of their names.</summary>
    public static List<ListedEntry> List(TfsVolume volume, bool hash = true)
    {
        var listed = new List<ListedEntry>();
        var waiting = new Stack<(byte[] Path, TfsNode Node)>();
        waiting.Push(("/"u8.ToArray(), volume.Root));
        while (waiting.TryPop(out (byte[] Path, TfsNode Node) item))
        {
            listed.Add(Describe(volume, item.Path, item.Node, hash));
            var children = new List<(byte[] Name, TfsNode Node)>();
            foreach (TfsDirectoryEntries entry in volume.EntriesOf(item.Node))
            {
                children.Add((entry.Name.ToArray(), entry.Node));
            }
            children.Sort((one, other) => other.Name.AsSpan().SequenceCompareTo(one.Name));
            foreach ((byte[] name, TfsNode node) in children)
            {
                waiting.Push(([.. item.Path.Length == 1 ? [] : item.Path, (byte)'/', .. name], node));
            }
        }
        return listed;
    }

    public static string HashContent(TfsVolume volume, TfsNode node)
    {
        Assert.Equal(Errno.None, volume.OpenFile(node, out TfsFileReader? file));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[(int)Math.Min(file!.LengthBytes, 1 << 20)];
        for (long offset = 0; offset < file.LengthBytes;)
        {
            IoResult read = file.Read(offset, buffer);
            Assert.True(read.IsOk && read.Count > 0, $"read at {offset}: {read}");
            hash.AppendData(buffer.AsSpan(0, (int)read.Count));
            offset += read.Count;
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The root's attributes in the canonical words of <see cref="IndependentListing.RootAttributes"/>.</summary>
    public static string RootAttributes(TfsVolume volume)
    {
        var parts = new List<(string Name, string Text)>();
        foreach (TfsAttributes attribute in volume.AttributesOf(volume.Root))
        {
            string name = Encoding.UTF8.GetString(attribute.Name);
            if (name is not ("children" or "atime" or "mtime" or "." or ".."))
            {
                parts.Add((name, Canonical(volume, attribute.Value)));
            }
        }
        return "{" + string.Join(',', parts.OrderBy(part => part.Name, StringComparer.Ordinal)
            .Select(part => JsonSerializer.Serialize(part.Name) + ":" + part.Text)) + "}";
    }

    private static string Canonical(TfsVolume volume, TfsValue value)
    {
        switch (value.Kind)
        {
            case TfsValueKind.Integer or TfsValueKind.NegativeInteger:
                return string.Create(CultureInfo.InvariantCulture, $"{(value.Kind == TfsValueKind.NegativeInteger ? "-" : "")}{value.Magnitude}");
            case TfsValueKind.Tuple or TfsValueKind.Vector:
                var parts = new Dictionary<string, string>(StringComparer.Ordinal);
                foreach (TfsAttributes attribute in volume.AttributesOf(value.Composite))
                {
                    string name = value.Kind == TfsValueKind.Vector
                        ? parts.Count.ToString(CultureInfo.InvariantCulture)
                        : Encoding.UTF8.GetString(attribute.Name);
                    parts.Add(name, Canonical(volume, attribute.Value));
                }
                string[] ordinals = [.. Enumerable.Range(0, parts.Count).Select(index => index.ToString(CultureInfo.InvariantCulture))];
                return value.Kind == TfsValueKind.Vector || (parts.Count > 0 && ordinals.All(parts.ContainsKey))
                    ? "[" + string.Join(',', ordinals.Select(key => parts[key])) + "]"
                    : "{" + string.Join(',', parts.OrderBy(pair => pair.Key, StringComparer.Ordinal)
                        .Select(pair => JsonSerializer.Serialize(pair.Key) + ":" + pair.Value)) + "}";
            default:
                return value.IsNull ? """{"$null":true}""" : JsonSerializer.Serialize(Encoding.UTF8.GetString(value.Bytes));
        }
    }

    private static ListedEntry Describe(TfsVolume volume, byte[] path, TfsNode node, bool hash)
    {
        volume.GetStat(node, out Stat stat);
        FileType type = volume.TypeOf(node);
        return new ListedEntry(
            Encoding.UTF8.GetString(path),
            type switch
            {
                FileType.Directory => "dir",
                FileType.Regular => "file",
                FileType.Symlink => "symlink",
                FileType.Socket => "socket",
                FileType.Fifo => "fifo",
                FileType.CharDevice => "char",
                FileType.BlockDevice => "block",
                _ => type.ToString(),
            },
            type == FileType.Directory ? null : (ulong)stat.SizeBytes,
            type == FileType.Directory ? 1 : stat.LinkCount,
            type == FileType.Symlink ? Encoding.UTF8.GetString(volume.TargetOf(node)) : null,
            type == FileType.Regular && hash ? HashContent(volume, node) : null);
    }
}
