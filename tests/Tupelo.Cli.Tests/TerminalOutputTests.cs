// What differs between a terminal and a pipe: colours, columns, and that a name can never drive the terminal.
using Tupelo.Testing.Images;

namespace Tupelo.Cli.Tests;

public sealed class TerminalOutputTests(ImageFolder folder) : IClassFixture<ImageFolder>
{
    private string Hostile()
    {
        var smith = new ImageSmith(volumeSectors: 64);
        int children = smith.BeginRoot();
        _ = smith.AddFile(children, "\x1b]0;owned\x07", "x"u8);
        _ = smith.AddFile(children, "line\nbreak", "x"u8);
        _ = smith.AddFile(children, "c1\xC2\x9B" + "31m", "x"u8);
        _ = smith.AddFile(children, "bidi\xE2\x80\xAE" + "gpj.exe", "x"u8);
        _ = smith.AddSymlink(children, "link", "to\x1b[2Jclear");
        return folder.Write("hostile.img", smith.Finish().Emit());
    }

    [Theory]
    [InlineData("ls")]
    [InlineData("ls", "-l")]
    [InlineData("ls", "-R")]
    [InlineData("tree")]
    [InlineData("find")]
    [InlineData("du", "-a")]
    [InlineData("dump")]
    [InlineData("log")]
    [InlineData("ls", "--json")]
    public void HostileNames_OnATerminal_AreEscaped(params string[] command)
    {
        Invocation run = Invocation.RunOnTerminal([.. command, "--color", "never", Hostile()]);
        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain(run.Output, static character => character is not ('\n' or '\t') && (char.IsControl(character) || character == '\u202E'));
    }

    [Fact]
    public void HostileNames_InErrors_AreEscaped()
    {
        Invocation run = Invocation.Run("stat", Hostile() + ":/\x1b[2J");
        Assert.Equal(1, run.ExitCode);
        Assert.DoesNotContain('\x1b', run.Error);
        Assert.Contains("\\x1B", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_InAPipe_AreAsTheyAre() =>
        Assert.Contains("line\nbreak\n", Invocation.Succeed("ls", Hostile()).Output, StringComparison.Ordinal);

    [Fact]
    public void Colour_IsForTerminals_UnlessAskedForOrRefused()
    {
        string image = folder.Golden("05-symlinks");
        Assert.DoesNotContain('\x1b', Invocation.Succeed("ls", image).Output);
        Assert.Contains('\x1b', Invocation.Succeed("ls", "--color", "always", image).Output);
        Assert.Contains('\x1b', Invocation.RunOnTerminal("ls", image).Output);
        Assert.DoesNotContain('\x1b', Invocation.RunOnTerminal("ls", "--color=never", image).Output);
        Assert.DoesNotContain('\x1b', Invocation.RunOnTerminal("df", "--color=never", image).Output);
    }

    [Fact]
    public void Ls_OnATerminal_FillsColumns()
    {
        string[] lines = Invocation.RunOnTerminal("ls", "--color=never", folder.Golden("05-symlinks")).Output.Split('\n');
        Assert.Equal(["a         dangling  long      loop2     utf", "abs       dirlink   loop1     rel", ""], lines);
    }
}
