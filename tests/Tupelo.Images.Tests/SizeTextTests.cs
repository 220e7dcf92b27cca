namespace Tupelo.Images.Tests;

public sealed class SizeTextTests
{
    [Theory]
    [InlineData("0", 0L)]
    [InlineData("512", 512L)]
    [InlineData("1k", 1024L)]
    [InlineData("4M", 4L << 20)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("3tb", 3L << 40)]
    public void TryParse_Size_GivesBytes(string text, long expected)
    {
        Assert.True(SizeText.TryParse(text, out long bytes));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1")]
    [InlineData("1.5G")]
    [InlineData("1Q")]
    [InlineData("1MM")]
    [InlineData("9223372036854775808")]
    [InlineData("9007199254740992T")]
    public void TryParse_OtherText_IsRefused(string text) => Assert.False(SizeText.TryParse(text, out _));
}
