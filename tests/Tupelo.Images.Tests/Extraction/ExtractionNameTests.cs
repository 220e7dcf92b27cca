// Names that could lead elsewhere never reach the host, and names that a host cannot bear are refused rather than bent.
using Tupelo.Images.Extraction;
using Tupelo.Tfs;

namespace Tupelo.Images.Tests.Extraction;

public sealed class ExtractionNameTests
{
    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../outside/evil")]
    [InlineData("a/b")]
    [InlineData("/etc/evil")]
    [InlineData("nul\0byte")]
    public void ImpossibleNames_AreLeftOut_AndNothingIsWrittenOutside(string name)
    {
        using var bench = new ExtractionBench();
        TfsVolume volume = ExtractionBench.Forge((smith, root) =>
        {
            _ = smith.AddFile(root, name, "evil"u8);
            int directory = smith.AddDirectory(root, "d");
            _ = smith.AddFile(directory, name, "evil"u8);
            _ = smith.AddFile(directory, "good", "good"u8);
        });
        bench.Extract(volume);
        Assert.Equal("good", File.ReadAllText(bench.At("d/good")));
        Assert.Equal(2, Directory.EnumerateFileSystemEntries(bench.Destination, "*", SearchOption.AllDirectories).Count());
        bench.AssertNothingOutsideChanged();
    }

    [Fact]
    public void NamesOf256Bytes_AreLeftOut_AndOf255_AreKept()
    {
        using var bench = new ExtractionBench();
        bench.Extract(ExtractionBench.Forge((smith, root) =>
        {
            _ = smith.AddFile(root, new string('x', 256), "long"u8);
            _ = smith.AddFile(root, new string('y', 255), "fits"u8);
        }));
        Assert.Equal([new string('y', 255)], Directory.GetFiles(bench.Destination).Select(Path.GetFileName));
    }

    [Fact]
    public void NamesThatAreNotUtf8_AreKeptByteForByte()
    {
        using var bench = new ExtractionBench();
        bench.Extract(ExtractionBench.Forge(static (smith, root) => _ = smith.AddFile(root, "bad\xFF", "x"u8)));
        Assert.Empty(bench.Notices);
        Assert.Single(Directory.GetFiles(bench.Destination));
    }

    [Theory]
    [InlineData("CON", false)]
    [InlineData("nul.txt", false)]
    [InlineData("COM1", false)]
    [InlineData("a:b", false)]
    [InlineData("a\\b", false)]
    [InlineData("dot.", false)]
    [InlineData("space ", false)]
    [InlineData("tab\t", false)]
    [InlineData("CONSOLE", true)]
    [InlineData("a.b.c", true)]
    public void NamesThatWindowsTakesForSomethingElse_AreKnown(string name, bool possible) => Assert.Equal(possible, WindowsName.IsPossible(name));
}
