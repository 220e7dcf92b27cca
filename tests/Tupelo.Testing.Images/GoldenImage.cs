// The golden images of tests/data/golden and what they must read to. See the README beside them.
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Tupelo.Testing.Images;

/// <summary>What a reader says about one entry, in the words of `ls -R --hash --json`; null where it does not apply.</summary>
public sealed record ListedEntry(string Path, string Type, ulong? Size, ulong? LinkCount, string? Target, string? Sha256);

public sealed class GoldenImage
{
    private readonly JsonElement _json;

    private GoldenImage(string name, byte[] bytes, JsonElement json)
    {
        Name = name;
        Bytes = bytes;
        _json = json;
    }

    public static string Directory { get; } = FindDirectory();

    public static IReadOnlyList<string> Names { get; } =
    [
        .. System.IO.Directory.GetFiles(Directory, "*.img.gz").Select(file => Path.GetFileName(file)[..^".img.gz".Length])
            .Order(StringComparer.Ordinal),
    ];

    public string Name { get; }

    /// <summary>The unpacked image; the caller may change this copy.</summary>
    public byte[] Bytes { get; }

    public long RootVolumeOffset => _json.GetProperty("root_fs_offset").GetInt64();

    public string Label => _json.GetProperty("label").GetString()!;

    /// <summary>32 hexadecimal digits.</summary>
    public string Uuid => _json.GetProperty("uuid").GetString()!;

    public JsonElement LogStatistics => _json.GetProperty("log_stats_from_independent_python_reader");

    /// <summary>The entries of the partition table, with `tfs_entries` where one is another volume; none for a bare volume.</summary>
    public IReadOnlyList<JsonElement> Partitions =>
        _json.TryGetProperty("partitions", out JsonElement partitions) ? [.. partitions.EnumerateArray()] : [];

    public JsonElement Entries => _json.GetProperty("entries");

    /// <summary>Absent where the expectation does not state them.</summary>
    public JsonElement? RootAttributes => _json.TryGetProperty("root_attributes", out JsonElement attributes) ? attributes : null;

    public static GoldenImage Load(string name)
    {
        byte[] bytes = Unpack(Path.Combine(Directory, name + ".img.gz"));
        string plain = Path.Combine(Directory, name + ".json");
        byte[] json = File.Exists(plain) ? File.ReadAllBytes(plain) : Unpack(plain + ".gz");
        var image = new GoldenImage(name, bytes, JsonDocument.Parse(json).RootElement);
        return image._json.GetProperty("image_sha256").GetString() == Convert.ToHexStringLower(SHA256.HashData(bytes))
            ? image
            : throw new InvalidDataException($"golden image {name} is not the one that its expectation describes");
    }

    /// <summary>Differences between what a reader listed and what the JSON states; empty when they agree.</summary>
    public static List<string> Differences(JsonElement expectedEntries, IEnumerable<ListedEntry> listed)
    {
        var differences = new List<string>();
        var found = new Dictionary<string, ListedEntry>(StringComparer.Ordinal);
        foreach (ListedEntry entry in listed)
        {
            if (!found.TryAdd(entry.Path, entry))
            {
                differences.Add($"{entry.Path} is listed twice");
            }
        }
        foreach (JsonElement expected in expectedEntries.EnumerateArray())
        {
            string path = expected.GetProperty("path").GetString()!;
            if (!found.Remove(path, out ListedEntry? entry))
            {
                differences.Add($"{path} is missing");
                continue;
            }
            Compare(differences, path, "type", expected.GetProperty("type").GetString(), entry.Type);
            if (expected.TryGetProperty("size", out JsonElement size))
            {
                Compare(differences, path, "size", size.GetUInt64(), entry.Size);
            }
            if (expected.TryGetProperty("nlink", out JsonElement links))
            {
                Compare(differences, path, "nlink", links.GetUInt64(), entry.LinkCount);
            }
            if (expected.TryGetProperty("target", out JsonElement target))
            {
                Compare(differences, path, "target", target.GetString(), entry.Target);
            }
            if (expected.TryGetProperty("sha256", out JsonElement hash))
            {
                Compare(differences, path, "sha256", hash.GetString(), entry.Sha256);
            }
        }
        differences.AddRange(found.Keys.Select(path => $"{path} is not expected"));
        return differences;
    }

    private static void Compare<T>(List<string> differences, string path, string what, T expected, T found)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, found))
        {
            differences.Add(string.Create(CultureInfo.InvariantCulture, $"{path}: {what} is {found}, expected {expected}"));
        }
    }

    private static byte[] Unpack(string file)
    {
        using var packed = new GZipStream(File.OpenRead(file), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        packed.CopyTo(memory);
        return memory.ToArray();
    }

    private static string FindDirectory()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Tupelo.slnx")))
        {
            directory = Path.GetDirectoryName(directory);
        }
        return Path.Combine(
            directory ?? throw new InvalidOperationException("The repository's root was not found above the test's directory."),
            "tests", "data", "golden");
    }
}

/// <summary>The independent reader's findings in the words of the golden expectations.</summary>
public static class IndependentListing
{
    public static IEnumerable<ListedEntry> List(IndependentVolume volume) => volume.Entries.Select(entry => new ListedEntry(
        entry.PathText,
        TypeName(entry.Kind),
        entry.Kind is ImageEntryKind.Directory ? null : entry.Size,
        entry.LinkCount,
        entry.Target is null ? null : Encoding.UTF8.GetString(entry.Target),
        entry.Kind == ImageEntryKind.File ? volume.HashContent(entry) : null));

    public static string TypeName(ImageEntryKind kind) => kind switch
    {
        ImageEntryKind.Directory => "dir",
        ImageEntryKind.File => "file",
        ImageEntryKind.Symlink => "symlink",
        ImageEntryKind.Socket => "socket",
        ImageEntryKind.Fifo => "fifo",
        ImageEntryKind.CharDevice => "char",
        ImageEntryKind.BlockDevice => "block",
        _ => "special",
    };

    /// <summary>A value as canonical JSON text: sorted keys, and a tuple with the keys 0, 1, ... as the vector that version 4 means by it.</summary>
    public static string Canonical(IndependentValue value)
    {
        switch (value)
        {
            case BytesValue bytes:
                return JsonSerializer.Serialize(Encoding.UTF8.GetString(bytes.Bytes));
            case IntegerValue integer:
                return string.Create(CultureInfo.InvariantCulture, $"{(integer.Negative ? "-" : "")}{integer.Magnitude}");
            case NullValue:
                return """{"$null":true}""";
            default:
                {
                    Dictionary<string, IndependentValue> attributes = ((CompositeValue)value).Attributes;
                    string[] ordinals = [.. Enumerable.Range(0, attributes.Count).Select(index => index.ToString(CultureInfo.InvariantCulture))];
                    bool isVector = ((CompositeValue)value).IsVector || (ordinals.Length > 0 && ordinals.All(attributes.ContainsKey));
                    return isVector
                        ? "[" + string.Join(',', ordinals.Select(key => Canonical(attributes[key]))) + "]"
                        : "{" + string.Join(',', attributes.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair =>
                            JsonSerializer.Serialize(Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(pair.Key))) + ":" + Canonical(pair.Value))) + "}";
                }
        }
    }

    /// <summary>The same canonical text for JSON.</summary>
    public static string Canonical(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Array => "[" + string.Join(',', json.EnumerateArray().Select(Canonical)) + "]",
        JsonValueKind.Object => "{" + string.Join(',', json.EnumerateObject().OrderBy(property => property.Name, StringComparer.Ordinal)
            .Select(property => JsonSerializer.Serialize(property.Name) + ":" + Canonical(property.Value))) + "}",
        JsonValueKind.String => JsonSerializer.Serialize(json.GetString()),
        _ => json.GetRawText(),
    };

    /// <summary>The root's attributes as one canonical JSON object, without the directory that it also is and without times.</summary>
    public static string RootAttributes(IndependentVolume volume)
    {
        CompositeValue root = volume.Log.Root;
        return "{" + string.Join(',', root.Attributes.Where(pair => pair.Key is not ("children" or "atime" or "mtime" or "." or ".."))
            .OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => JsonSerializer.Serialize(pair.Key) + ":" + Canonical(pair.Value))) + "}";
    }
}
