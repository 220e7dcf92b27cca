// What the program does when it cannot do what was asked: exit codes, one line on standard error, never a stack trace.
namespace Tupelo.Cli.Tests;

public sealed class CommandErrorTests(ImageFolder folder) : IClassFixture<ImageFolder>
{
    public static TheoryData<string> Commands =>
        ["ls", "tree", "cat", "cp", "stat", "find", "du", "df", "info", "env", "dump", "log", "mkfs", "fsck", "compact", "resize", "trim", "completion",
            "mv", "rm", "mkdir", "rmdir", "ln", "touch", "truncate", "chmod", "chown", "xattr", "set", "unset", "batch"];

    [Theory]
    [InlineData("lss", "did you mean 'ls'?")]
    [InlineData("ls --jsn x", "did you mean '--json'?")]
    [InlineData("ls", "missing")]
    [InlineData("", "--help")]
    [InlineData("ls --partition", "--partition")]
    [InlineData("ls --color sometimes x", "sometimes")]
    [InlineData("completion tcsh", "tcsh")]
    [InlineData("cp x", "where to")]
    [InlineData("cat x", "no such file")]
    public void WrongUsage_ExitsWithTwoOrOne_AndSaysWhatToDo(string arguments, string hint)
    {
        Invocation run = Invocation.Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(arguments == "cat x" ? 1 : 2, run.ExitCode);
        Assert.StartsWith("tupelo: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(hint, run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Help_OfEachCommand_HasExamples(string command)
    {
        Invocation run = Invocation.Succeed(command, "--help");
        Assert.Contains("Examples:", run.Output, StringComparison.Ordinal);
        Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
        Assert.Contains($"  {command} ", Invocation.Succeed("--help").Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ls")]
    [InlineData("tree")]
    [InlineData("stat")]
    [InlineData("find")]
    [InlineData("du")]
    [InlineData("df")]
    [InlineData("info")]
    [InlineData("env")]
    [InlineData("dump")]
    [InlineData("log")]
    public void BadImages_GiveOneClearErrorAndExitWithOne(string command)
    {
        string truncated = folder.Write("truncated.img", File.ReadAllBytes(folder.Golden("02-one-file")).AsSpan(0, 700));
        byte[] damaged = File.ReadAllBytes(folder.Golden("02-one-file"));
        damaged[0x20C] = 0x55;
        foreach ((string image, string reason) in (ReadOnlySpan<(string, string)>)
            [
                (folder.At("missing.img"), "no such file"),
                (folder.Path, "directory"),
                (folder.Write("empty.img", []), "TFS"),
                (folder.Write("text.img", new byte[4096]), "NVMTFS"),
                (truncated, "beyond the end"),
                (folder.Write("damaged.img", damaged), "damaged log"),
            ])
        {
            Invocation run = Invocation.Run(command, image);
            Assert.Equal(1, run.ExitCode);
            Assert.StartsWith("tupelo: ", run.Error, StringComparison.Ordinal);
            Assert.Contains(reason, run.Error, StringComparison.Ordinal);
            Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
    }

    [Fact]
    public void Paths_ThatLeadNowhere_AreNamed()
    {
        string image = folder.Golden("05-symlinks");
        foreach ((string path, string reason) in (ReadOnlySpan<(string, string)>)
            [("/nothing", "No such file"), ("/a/target.txt/x", "Not a directory"), ("/loop1/x", "symbolic links"), ("/dangling/x", "No such file")])
        {
            Invocation run = Invocation.Run("stat", image + ":" + path);
            Assert.Equal(1, run.ExitCode);
            Assert.Contains(path, run.Error, StringComparison.Ordinal);
            Assert.Contains(reason, run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Partition_ThatIsNotThere_IsAnErrorThatNamesThoseThatAre()
    {
        Invocation missing = Invocation.Run("ls", "--partition", "3", folder.Golden("13-disk-mbr"));
        Assert.Equal(1, missing.ExitCode);
        Assert.Contains("boot", missing.Error, StringComparison.Ordinal);
        Assert.Equal(2, Invocation.Run("ls", "--partition", "7", folder.Golden("13-disk-mbr")).ExitCode);
        Assert.Equal(1, Invocation.Run("ls", "--partition", "boot", folder.Golden("02-one-file")).ExitCode);
    }

    [Fact]
    public void CommandsForWholeImages_RefuseAPath()
    {
        foreach (string command in (ReadOnlySpan<string>)["info", "df", "env", "log"])
        {
            Assert.Equal(2, Invocation.Run(command, folder.Golden("02-one-file") + ":/hello.txt").ExitCode);
        }
    }

    [Fact]
    public void Version_IsPrinted() => Assert.Matches(@"^\d+\.\d+\.\d+", Invocation.Succeed("--version").Output);
}
