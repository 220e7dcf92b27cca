using System.Globalization;
using Tupelo.Fuzz.Crash;

namespace Tupelo.Crash;

/// <summary>The harness itself: bugs are put between the file system and the device, and each must be found.</summary>
public sealed class SeededBugTests(ITestOutputHelper output)
{
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("TUPELO_SEED") ?? "1", CultureInfo.InvariantCulture);

    public static TheoryData<string> Names() => [.. SeededBug.All.Select(static bug => bug.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void SeededBug_IsFound(string name)
    {
        string? found = SeededBugHunt.Find(SeededBug.All.Single(bug => bug.Name == name), Seed, out int cases);
        output.WriteLine($"seed {Seed}, case {cases}: {found?.Split('\n')[0]}");
        Assert.True(found is not null, $"'{name}' was not found in {cases} cases");
    }

    [Fact]
    public void WithoutABug_NothingIsFound()
    {
        string? found = SeededBugHunt.Find(new SeededBug("none", static inner => new SeededBugDevice(inner)), Seed, out _);
        Assert.True(found is null, found);
    }
}
