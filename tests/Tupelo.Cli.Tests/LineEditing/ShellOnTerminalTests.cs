// The whole program on a pseudo-terminal, which script(1) makes: the terminal is really raw while a line is typed and as before while a
// command runs, and the history is in its file afterwards.
using System.Diagnostics;
using System.Text;

namespace Tupelo.Cli.Tests.LineEditing;

public sealed class ShellOnTerminalTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _directory = Directory.CreateTempSubdirectory("tupelo-pty").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void LinesAreEdited_CompletedAndRemembered()
    {
        string output = Type(
            ("> ", "mkdir /directory\r"),
            ("> ", "cd /dir\t\r"),                       // completed
            ("/directory", ""),
            ("> ", "ecxho one\u0001\u001b[C\u001b[C\u001b[3~\r"), // Home, Right twice, Delete
            ("\none", ""),
            ("> ", "half a line\u0003"),                 // given up
            ("^C", ""),
            ("> ", "\u001b[A\r"),                        // the line before
            ("\none", ""),
            ("> ", "pwd\r"),
            ("\n/directory", ""),
            ("> ", "\u0012mkd\u0007\u0004"));            // a search given up, then the end
        Assert.DoesNotContain("no such command", output, StringComparison.Ordinal);
        Assert.Equal(
            ["mkdir /directory", "cd /directory/", "echo one", "pwd"],
            File.ReadAllLines(Path.Combine(_directory, "tupelo", "history")).Select(static line => line.TrimEnd()));
    }

    [Fact]
    public void AnOpenQuote_GoesOnInTheNextLine() => _ = Type(
        ("> ", "echo 'first\r"),
        ("\u001b[J> ", "second'\r"),
        ("\nfirst", ""),
        ("second", ""),
        ("> ", "exit 3\r"));

    // Waits for each text, then types.
    private string Type(params (string Expect, string Keys)[] steps)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "script(1) is not there to make a pseudo-terminal");
        string program = Path.Combine(AppContext.BaseDirectory, "tupelo.dll");
        var start = new ProcessStartInfo("/usr/bin/script", ["-qefc", $"stty cols 80 rows 24; exec '{Environment.ProcessPath}' '{program}' sh", "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardOutputEncoding = new UTF8Encoding(false),
        };
        start.Environment["XDG_STATE_HOME"] = _directory;
        start.Environment["TERM"] = "xterm";
        using Process process = Process.Start(start)!;
        var output = new StringBuilder();
        int read = 0;
        var reader = new Thread(() =>
        {
            int next;
            while ((next = process.StandardOutput.Read()) >= 0)
            {
                lock (output)
                {
                    _ = output.Append((char)next);
                }
            }
        });
        reader.Start();
        try
        {
            foreach ((string expect, string keys) in steps)
            {
                Assert.True(SpinWait.SpinUntil(() => Find(output, expect, ref read), s_patience), $"'{expect}' did not come; all that came:\n{output}");
                process.StandardInput.Write(keys);
                process.StandardInput.Flush();
            }
            Assert.True(process.WaitForExit(s_patience), $"the shell did not end:\n{output}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
        reader.Join();
        return output.ToString();
    }

    private static bool Find(StringBuilder output, string expect, ref int read)
    {
        lock (output)
        {
            int at = output.ToString().IndexOf(expect, read, StringComparison.Ordinal);
            if (at < 0)
            {
                return false;
            }
            read = at + expect.Length;
            return true;
        }
    }
}
