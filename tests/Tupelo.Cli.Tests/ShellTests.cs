using System.Text;

namespace Tupelo.Cli.Tests;

/// <summary>The shell, told as stories: what is typed, and what comes out.</summary>
public sealed class ShellTests : IDisposable
{
    private readonly MemoryStream _output = new();
    private readonly StringWriter _errors = new();
    private readonly Shell _shell;

    public ShellTests() => _shell = new Shell(_output, _errors);

    public void Dispose() => _shell.Dispose();

    private (int Code, string Output, string Errors) Run(string script)
    {
        _output.SetLength(0);
        _errors.GetStringBuilder().Clear();
        int code = _shell.Run(new StringReader(script));
        return (code, Encoding.UTF8.GetString(_output.ToArray()), _errors.ToString());
    }

    [Fact]
    public void FilesAreMadeCopiedMovedLinkedAndRemoved()
    {
        Assert.Equal(
            (0, "one\ntwo\none\ntwo\n/d/e\ncopy\nhard\nlink\n", string.Empty),
            Run("""
                mkdir -p /d/e   # with what is above it
                cd /d/e
                echo one > f; echo two >> f
                cat f
                cp f copy; mv f moved; ln moved hard; ln -s hard link
                cat link
                pwd
                rm moved
                ls
                """));
        Assert.Equal((0, "0\n", string.Empty), Run("cp -r /d /g; rm -r /d; echo 0"));
        Assert.Equal((0, "/g\n/g/e\n/g/e/copy\n/g/e/hard\n/g/e/link\n", string.Empty), Run("find /g"));
    }

    [Fact]
    public void QuotesKeepWordsTogether()
    {
        Assert.Equal((0, "a  b|c\"d|e f|#\n", string.Empty), Run("""echo 'a  b|'"c\"d"'|'e\ f'|#' # a comment"""));
        Assert.Equal(2, Run("echo 'open").Code);
        Assert.Equal(2, Run("echo >").Code);
    }

    [Fact]
    public void MountsAreListedAndTakenAway()
    {
        Assert.Equal(0, Run("mkdir /m; mount -t ramfs -o ro,nosuid none /m").Code);
        Assert.Contains("none /m ramfs ro,nosuid", Run("mount").Output, StringComparison.Ordinal);
        Assert.Equal((1, "", "sh: touch: /m/x: Read-only file system\n"), Run("touch /m/x"));
        Assert.Equal((0, "", ""), Run("umount /m; touch /m/x"));
        Assert.Equal((1, "", "sh: mount: /m: No such device\n"), Run("mount -t nosuch none /m"));
    }

    [Fact]
    public void SetE_StopsAtTheFirstFailure()
    {
        Assert.Equal((0, "on\n", "sh: cat: /none: No such file or directory\n"), Run("cat /none\necho on"));
        Assert.Equal((1, "", "sh: cat: /none: No such file or directory\n"), Run("set -e\ncat /none\necho on"));
    }

    [Fact]
    public void ExitEndsTheScript() => Assert.Equal((7, "a\n", ""), Run("echo a; exit 7; echo b"));

    [Fact]
    public void ADirectoryIsNotCopiedIntoItself()
    {
        (int code, string _, string errors) = Run("mkdir /d; touch /d/f; cp -r /d /d/sub");
        Assert.Equal(1, code);
        Assert.Contains("inside of", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void UnknownCommandsAndOptionsAreRefused()
    {
        Assert.Equal((2, "", "sh: frobnicate: no such command; 'help' lists them\n"), Run("frobnicate"));
        Assert.Equal((2, "", "sh: ls: '-z' is no option here\n"), Run("ls -z"));
    }

    [Theory]
    [InlineData("m", "mkdir|mount|mv")]
    [InlineData("  unknown", "")]
    [InlineData("ls; tou", "touch")]
    [InlineData("cat /dir/", "/dir/a\\ b|/dir/sub/")]
    [InlineData("cat /dir/a\\ ", "/dir/a\\ b")]
    [InlineData("cat '/dir/a ", "/dir/a\\ b")]
    [InlineData("cat /dir/.", "/dir/.hidden")]
    [InlineData("echo x >/d", "/dir/")]
    [InlineData("cat /nowhere/x", "")]
    [InlineData("cat ", "dir/")]
    public void Tab_OffersCommandsAndPaths(string line, string expected)
    {
        Assert.Equal(0, Run("mkdir -p /dir/sub; touch '/dir/a b' /dir/.hidden").Code);
        Assert.Equal(expected, string.Join('|', _shell.Complete(line, line.Length).Candidates));
    }

    // What is offered must be what the shell understands.
    [Theory]
    [InlineData("plain")]
    [InlineData("a b;c>d#e'f\"g\\h")]
    public void QuotedWords_MeanThemselves(string word)
    {
        Assert.Equal((0, word + "\n", ""), Run("echo " + ShellWords.Quote(word)));
        Assert.Equal((5, word, false), ShellWords.WordAt("echo " + ShellWords.Quote(word)));
    }

    // Every command that is offered exists.
    [Fact]
    public void OfferedCommands_AreThoseOfHelp()
    {
        string help = Run("help").Output;
        foreach (string name in _shell.Complete("", 0).Candidates.Where(static name => name != "help"))
        {
            Assert.Contains(name, help, StringComparison.Ordinal);
            Assert.DoesNotContain("no such command", Run(name + " -?").Errors, StringComparison.Ordinal);
            if (_shell.Exit is not null)
            {
                break;
            }
        }
    }
}
