using Tupelo.Cli.LineEditing;

namespace Tupelo.Cli.Tests.LineEditing;

public sealed class LineHistoryTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tupelo-history").FullName;

    private string FilePath => Path.Combine(_directory, "state", "tupelo", "history");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Lines_AreKeptForTheNextSession()
    {
        var first = new LineHistory(FilePath);
        first.Add("ls");
        first.Add("ls");               // the same again
        first.Add(" secret");          // begins with a blank
        first.Add("");
        first.Add("echo 'a\nb' \\ \\n");
        Assert.Equal(["ls", "echo 'a\nb' \\ \\n"], new LineHistory(FilePath).Lines);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
    }

    [Fact]
    public void TwoSessionsAtOnce_LoseNothing()
    {
        var one = new LineHistory(FilePath);
        var two = new LineHistory(FilePath);
        one.Add("one");
        two.Add("two");
        one.Add("three");
        Assert.Equal(["one", "two", "three"], new LineHistory(FilePath).Lines);
    }

    [Fact]
    public void TheFile_DoesNotGrowForEver()
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        File.WriteAllLines(FilePath, Enumerable.Range(0, 5000).Select(i => $"line {i}"));
        var history = new LineHistory(FilePath);
        Assert.Equal(1000, history.Lines.Count);
        Assert.Equal("line 4999", history.Lines[^1]);
        Assert.Equal(1000, File.ReadAllLines(FilePath).Length);
    }

    [Fact]
    public void WhatCannotBeKept_IsNoError()
    {
        _ = Directory.CreateDirectory(FilePath); // A directory where the file should be.
        var history = new LineHistory(FilePath);
        history.Add("ls");
        Assert.Equal(["ls"], history.Lines);
    }

    [Theory]
    [InlineData("/state", "/home/u", "/state/tupelo/history")]
    [InlineData(null, "/home/u", "/home/u/.local/state/tupelo/history")]
    [InlineData("relative", "/home/u", "/home/u/.local/state/tupelo/history")]
    [InlineData(null, null, null)]
    public void ThePlace_IsThatOfTheXdgDirectories(string? state, string? home, string? expected) =>
        Assert.Equal(expected, LineHistory.DefaultPath(name => name == "XDG_STATE_HOME" ? state : name == "HOME" ? home : null));
}
