// Runs the program's own entry point inside of the test process, with streams that the test reads.
using System.Text;
using System.Text.Json;

namespace Tupelo.Cli.Tests;

/// <summary>What one run of the program came to.</summary>
internal sealed record Invocation(int ExitCode, byte[] OutputBytes, string Error)
{
    public string Output => Encoding.UTF8.GetString(OutputBytes);

    public JsonElement Json => JsonDocument.Parse(OutputBytes, new JsonDocumentOptions { MaxDepth = 10_000 }).RootElement;

    /// <summary>Runs `tupelo arguments`, into pipes.</summary>
    public static Invocation Run(params string[] arguments) => Run(isTerminal: false, arguments);

    /// <summary>Runs it as on a terminal of 80 columns.</summary>
    public static Invocation RunOnTerminal(params string[] arguments) => Run(isTerminal: true, arguments);

    /// <summary>Runs it and expects success without a word on standard error.</summary>
    public static Invocation Succeed(params string[] arguments)
    {
        Invocation run = Run(arguments);
        Assert.True(run.ExitCode == 0, $"tupelo {string.Join(' ', arguments)} ended with {run.ExitCode}: {run.Error}");
        Assert.Equal("", run.Error);
        return run;
    }

    private static Invocation Run(bool isTerminal, string[] arguments)
    {
        using var output = new MemoryStream();
        using var error = new StringWriter();
        int code = CommandLine.Run(arguments, new Terminal
        {
            Output = output,
            Error = error,
            OutputIsTerminal = isTerminal,
            ErrorIsTerminal = isTerminal,
        });
        Assert.DoesNotContain("   at ", error.ToString(), StringComparison.Ordinal);
        return new Invocation(code, output.ToArray(), error.ToString());
    }
}
