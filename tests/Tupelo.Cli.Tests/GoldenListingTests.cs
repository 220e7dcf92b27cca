// The golden images as the program lists them: `tupelo ls -R --hash --json` against what their JSON says that went in.
using System.Text.Json;
using Tupelo.Testing.Images;

namespace Tupelo.Cli.Tests;

public sealed class GoldenListingTests(ImageFolder folder) : IClassFixture<ImageFolder>
{
    public static TheoryData<string> Names => [.. GoldenImage.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void LsRecursiveWithHashes_OfAGoldenImage_IsExactlyTheTreeThatWentIn(string name)
    {
        GoldenImage golden = GoldenImage.Load(name);
        Invocation run = Invocation.Succeed("ls", "-R", "--hash", "--json", folder.Golden(name));
        Assert.Empty(GoldenImage.Differences(golden.Entries, Listed(run.Json)));
    }

    [Fact]
    public void GoldenImages_AreAllTwentyTwo() => Assert.Equal(22, GoldenImage.Names.Count);

    internal static IEnumerable<ListedEntry> Listed(JsonElement array) => array.EnumerateArray().Select(static entry => new ListedEntry(
        entry.GetProperty("path").GetString()!,
        entry.GetProperty("type").GetString()!,
        entry.GetProperty("size").GetUInt64(),
        entry.GetProperty("nlink").GetUInt64(),
        entry.TryGetProperty("target", out JsonElement target) ? target.GetString() : null,
        entry.TryGetProperty("sha256", out JsonElement hash) ? hash.GetString() : null));
}
