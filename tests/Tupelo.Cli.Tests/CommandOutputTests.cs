// Every command once with --json, against the shapes that docs/cli.md promises, and once as text.
using System.Text.Json;
using Tupelo.Testing.Images;

namespace Tupelo.Cli.Tests;

public sealed class CommandOutputTests(ImageFolder folder) : IClassFixture<ImageFolder>
{
    public static TheoryData<string> GoldenNames => [.. GoldenImage.Names];

    private string Mutated => folder.Golden("11-mutated");

    [Theory]
    [MemberData(nameof(GoldenNames))]
    public void EnvJson_OfAGoldenImage_IsItsRootAttributes(string name)
    {
        GoldenImage golden = GoldenImage.Load(name);
        JsonElement found = Invocation.Succeed("env", "--json", folder.Golden(name)).Json;
        if (golden.RootAttributes is { } expected)
        {
            Assert.Equal(IndependentListing.Canonical(expected), Canonical(found));
        }
        else
        {
            Assert.Equal(JsonValueKind.Object, found.ValueKind);
        }
    }

    [Theory]
    [MemberData(nameof(GoldenNames))]
    public void InfoAndLogJson_OfAGoldenImage_CountWhatTheIndependentReaderCounted(string name)
    {
        GoldenImage golden = GoldenImage.Load(name);
        JsonElement info = Invocation.Succeed("info", "--json", folder.Golden(name)).Json;
        Assert.Equal(golden.Label, info.GetProperty("label").GetString());
        Assert.Equal(golden.Uuid, info.GetProperty("uuid").GetString()!.Replace("-", "", StringComparison.Ordinal));
        JsonElement log = info.GetProperty("log");
        JsonElement expected = golden.LogStatistics;
        Assert.Equal(expected.GetProperty("total_entries").GetInt64(), log.GetProperty("entries").GetInt64());
        Assert.Equal(expected.GetProperty("dictionary_entries").GetInt64(), log.GetProperty("dictionaryEntries").GetInt64());
        Assert.Equal(expected.GetProperty("split_records").GetInt64(), log.GetProperty("splitRecords").GetInt64());
        Assert.Equal(golden.RootVolumeOffset > 0, info.GetProperty("partitions").GetArrayLength() > 0);
        Assert.Empty(info.GetProperty("faults").EnumerateArray());

        JsonElement[] records = [.. Invocation.Succeed("log", "--json", folder.Golden(name)).Json.EnumerateArray()];
        Assert.Equal(log.GetProperty("records").GetInt64(), records.Length);
        Assert.Equal(expected.GetProperty("total_entries").GetInt64(), records.Sum(static record => record.GetProperty("entries").GetInt64()));
        Assert.All(records, static record => Assert.InRange(record.GetProperty("obsoleteEntries").GetInt64(), 0, record.GetProperty("entries").GetInt64()));
        Assert.Equal("tree", records[0].GetProperty("kind").GetString());
    }

    [Fact]
    public void LsLongJson_HasTheDetails()
    {
        JsonElement entry = Entry(Invocation.Succeed("ls", "-l", "--json", Mutated).Json, "/c");
        Assert.Equal("file", entry.GetProperty("type").GetString());
        Assert.Equal(5000, entry.GetProperty("size").GetInt64());
        Assert.Equal(2, entry.GetProperty("nlink").GetInt32());
        Assert.Equal("0666", entry.GetProperty("mode").GetString());
        Assert.Equal("2026-11-20T19:46:20.386495999Z", entry.GetProperty("mtime").GetString());
    }

    [Fact]
    public void TreeJson_NestsChildren()
    {
        JsonElement root = Invocation.Succeed("tree", "--json", folder.Golden("05-symlinks")).Json;
        Assert.Equal("/", root.GetProperty("name").GetString());
        JsonElement a = root.GetProperty("children").EnumerateArray().Single(static child => child.GetProperty("name").GetString() == "a");
        Assert.Equal(["target.txt", "up"], a.GetProperty("children").EnumerateArray().Select(static child => child.GetProperty("name").GetString()));
    }

    [Fact]
    public void StatJson_TellsExtents()
    {
        JsonElement file = Assert.Single(Invocation.Succeed("stat", "--json", folder.Golden("17-synthetic-v5") + ":/u").Json.EnumerateArray());
        JsonElement[] extents = [.. file.GetProperty("extents").EnumerateArray()];
        Assert.Equal([0, 2, 6], extents.Select(static extent => extent.GetProperty("fileSector").GetInt32()));
        Assert.Equal([false, true, false], extents.Select(static extent => extent.GetProperty("uninitialized").GetBoolean()));
    }

    [Fact]
    public void Find_WithConditions_FindsWhatFulfilsAll()
    {
        string[] Found(params string[] conditions) => Invocation.Succeed(["find", Mutated, .. conditions]).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["/d1/sl", "/ln"], Found("-type", "l"));
        Assert.Equal(["/big", "/hole"], Found("-type", "f", "-size", "+100k"));
        Assert.Equal(["/empty"], Found("-type", "f", "-empty"));
        Assert.Equal(["/rep2"], Found("-name", "r[a-f]p?"));
        Assert.Equal(["/d1/sl", "/d1/x"], Found("-path", "/d1/*"));
        Assert.Equal(["/c", "/e2/a"], Found("-links", "2", "-type", "f"));
        Assert.Equal(["/"], Found("-maxdepth", "0"));
        Assert.Equal("/ln\0"u8.ToArray(), Invocation.Succeed("find", Mutated, "-name", "ln", "-print0").OutputBytes);
        Assert.Equal(2, Invocation.Succeed("find", Mutated, "-type", "l", "--json").Json.GetArrayLength());
    }

    [Fact]
    public void Du_CountsAFileWithTwoNamesOnce()
    {
        JsonElement total = Assert.Single(Invocation.Succeed("du", "-s", "--json", Mutated).Json.EnumerateArray());
        long each = Invocation.Succeed("find", Mutated, "--json").Json.EnumerateArray().Sum(static file => file.GetProperty("size").GetInt64());
        Assert.Equal(each - 5000, total.GetProperty("apparentBytes").GetInt64());
    }

    [Fact]
    public void DfJson_OfADisk_HasBothVolumes()
    {
        JsonElement[] volumes = [.. Invocation.Succeed("df", "--json", folder.Golden("13-disk-mbr")).Json.EnumerateArray()];
        Assert.Equal(["boot", "root"], volumes.Select(static volume => volume.GetProperty("volume").GetString()));
        Assert.All(volumes, static volume => Assert.Equal(
            volume.GetProperty("totalBytes").GetInt64(), volume.GetProperty("usedBytes").GetInt64() + volume.GetProperty("freeBytes").GetInt64()));
    }

    [Theory]
    [InlineData("boot", "/kernel")]
    [InlineData("0", "/kernel")]
    [InlineData("root", "/hello.txt")]
    [InlineData("1", "/hello.txt")]
    public void Partition_ChoosesAVolumeOfADisk(string which, string path) =>
        Assert.Equal(path, Invocation.Succeed("find", "--partition", which, folder.Golden("13-disk-mbr"), "-type", "f").Output.TrimEnd());

    [Fact]
    public void Dump_PrintsASharedTupleOnce()
    {
        string text = Invocation.Succeed("dump", folder.Golden("17-synthetic-v5")).Output;
        Assert.Contains("h1: #8 (", text, StringComparison.Ordinal);
        Assert.Contains("h2: #8\n", text, StringComparison.Ordinal);
        JsonElement json = Invocation.Succeed("dump", "--json", folder.Golden("17-synthetic-v5")).Json;
        int id = json.GetProperty("children").GetProperty("h1").GetProperty("$id").GetInt32();
        Assert.Equal(id, json.GetProperty("children").GetProperty("dir").GetProperty("children").GetProperty("h2").GetProperty("$ref").GetInt32());
        Assert.Equal(ulong.MaxValue, json.GetProperty("big").GetUInt64());
    }

    [Fact]
    public void Log_MarksWhatLaterRecordsMadeObsolete()
    {
        JsonElement[] records = [.. Invocation.Succeed("log", "--json", Mutated).Json.EnumerateArray()];
        JsonElement gone = records.First(static record => record.GetProperty("effect").GetString() == "creates file /gone");
        Assert.True(gone.GetProperty("obsolete").GetBoolean());
        JsonElement empty = records.First(static record => record.GetProperty("effect").GetString() == "creates file /empty");
        Assert.False(empty.GetProperty("obsolete").GetBoolean());
        Assert.Contains("obsolete", Invocation.Succeed("log", Mutated).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("/gone", Invocation.Succeed("log", "--live", Mutated).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Cat_PrintsFilesByteForByte()
    {
        string image = folder.Golden("02-one-file");
        Assert.Equal("hello tfs world", Invocation.Succeed("cat", image + ":/hello.txt").Output);
        Assert.Equal("hello tfs worldhello tfs world", Invocation.Succeed("cat", image + ":hello.txt", image + "://hello.txt").Output);
        Assert.Equal("target\n", Invocation.Succeed("cat", folder.Golden("05-symlinks") + ":/rel").Output);
    }

    [Fact]
    public void Names_ThatAreNotUtf8_AreWholeInBase64()
    {
        var smith = new ImageSmith(volumeSectors: 32);
        int children = smith.BeginRoot();
        _ = smith.AddFile(children, "bad\xFF", "x"u8); // a character is a byte here
        string image = folder.Write("not-utf8.img", smith.Finish().Emit());
        JsonElement entry = Assert.Single(Invocation.Succeed("ls", "--json", image).Json.EnumerateArray());
        Assert.Equal("/bad\uFFFD", entry.GetProperty("path").GetString());
        Assert.Equal("/bad\xFF", System.Text.Encoding.Latin1.GetString(entry.GetProperty("pathBase64").GetBytesFromBase64()));
        Assert.Contains("$base64:", Invocation.Succeed("dump", "--json", image).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void ImageWithAColonInItsName_IsFound()
    {
        string image = folder.At("with:colon.img");
        File.Copy(folder.Golden("02-one-file"), image, overwrite: true);
        Assert.Equal("hello.txt\n", Invocation.Succeed("ls", image).Output);
        Assert.Equal("hello tfs world", Invocation.Succeed("cat", image + ":/hello.txt").Output);
    }

    private static JsonElement Entry(JsonElement array, string path) =>
        array.EnumerateArray().Single(entry => entry.GetProperty("path").GetString() == path);

    // Version 4 has no vectors: a tuple with the keys 0, 1, ... is meant as one.
    private static string Canonical(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Array:
                return "[" + string.Join(',', json.EnumerateArray().Select(Canonical)) + "]";
            case JsonValueKind.Object:
                JsonProperty[] members = [.. json.EnumerateObject()];
                string[] ordinals = [.. Enumerable.Range(0, members.Length).Select(static index => $"{index}")];
                return members.Length > 0 && ordinals.All(key => json.TryGetProperty(key, out _))
                    ? "[" + string.Join(',', ordinals.Select(key => Canonical(json.GetProperty(key)))) + "]"
                    : "{" + string.Join(',', members.OrderBy(static member => member.Name, StringComparer.Ordinal)
                        .Select(static member => JsonSerializer.Serialize(member.Name) + ":" + Canonical(member.Value))) + "}";
            default:
                return IndependentListing.Canonical(json);
        }
    }
}
