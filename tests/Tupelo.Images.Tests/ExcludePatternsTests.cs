using System.Text;

namespace Tupelo.Images.Tests;

public sealed class ExcludePatternsTests
{
    [Theory]
    [InlineData("*.o", "a.o", true)]
    [InlineData("*.o", "x/y/a.o", true)]
    [InlineData("*.o", "a.obj", false)]
    [InlineData("/a", "a", true)]
    [InlineData("/a", "b/a", false)]
    [InlineData("b/a", "b/a", true)]
    [InlineData("b/a", "c/b/a", false)]
    [InlineData("a/*", "a/b", true)]
    [InlineData("a/*", "a/b/c", false)]
    [InlineData("a/**", "a/b/c", true)]
    [InlineData("a/**", "a", false)]
    [InlineData("**/a", "a", true)]
    [InlineData("**/a", "x/y/a", true)]
    [InlineData("**/a", "x/ya", false)]
    [InlineData("a/**/b", "a/b", true)]
    [InlineData("a/**/b", "a/x/y/b", true)]
    [InlineData("a/**/b", "a/xb", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "aéc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[a-c]x", "dx", false)]
    [InlineData("[!a-c]x", "dx", true)]
    [InlineData("[!a-c]x", "éx", true)]
    [InlineData("[]-]", "]", true)]
    [InlineData("\\*", "*", true)]
    [InlineData("\\*", "a", false)]
    [InlineData("*", "anything", true)]
    [InlineData("a*b*c", "aXbYc", true)]
    [InlineData("a*b*c", "aXbY", false)]
    public void Match_PatternAndPath_AsGitignoreWould(string pattern, string path, bool expected) =>
        Assert.Equal(expected, new ExcludePatterns([pattern]).Match(Encoding.UTF8.GetBytes(path), isDirectory: false));

    [Fact]
    public void Match_PatternWithFinalSlash_MatchesDirectoriesOnly()
    {
        ExcludePatterns patterns = new(["cache/"]);
        Assert.True(patterns.Match("x/cache"u8, isDirectory: true));
        Assert.False(patterns.Match("x/cache"u8, isDirectory: false));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("!a")]
    [InlineData("[a")]
    [InlineData("a\\")]
    public void Constructor_SenselessPattern_IsRefused(string pattern) => Assert.Throws<FormatException>(() => new ExcludePatterns([pattern]));

    [Fact]
    public void Match_ManyStars_TakesNoExponentialTime()
    {
        ExcludePatterns patterns = new([string.Concat(Enumerable.Repeat("*a", 200)) + "b"]);
        Assert.False(patterns.Match(Encoding.ASCII.GetBytes(new string('a', 4000)), isDirectory: false));
    }
}
