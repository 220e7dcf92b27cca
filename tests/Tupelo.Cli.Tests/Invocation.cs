// Runs the program's own entry point inside of the test process, with streams that the test reads.
using System.Text;
using System.Text.Json;
using Tupelo.Block;

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

    /// <summary>Runs it with something on standard input.</summary>
    public static Invocation RunWithInput(string input, params string[] arguments) => Run(isTerminal: false, arguments, input);

    /// <summary>Runs it on an image that is this device instead of the file of that name.</summary>
    public static Invocation RunOn(BlockDevice device, string[] arguments, string input = "") => Run(isTerminal: false, arguments, input, (_, _) => new KeptOpen(device));

    /// <summary>As <see cref="RunOn"/>, and expects success.</summary>
    public static Invocation Succeeded(BlockDevice device, params string[] arguments) =>
        RunOn(device, arguments) is { ExitCode: 0 } run ? run : throw new InvalidOperationException(RunOn(device, arguments).Error);

    private static Invocation Run(bool isTerminal, string[] arguments, string input = "", Func<string, bool, BlockDevice>? image = null)
    {
        using var output = new MemoryStream();
        using var error = new StringWriter();
        int code = CommandLine.Run(arguments, new Terminal
        {
            Output = output,
            Error = error,
            OutputIsTerminal = isTerminal,
            ErrorIsTerminal = isTerminal,
            Input = () => new MemoryStream(Encoding.UTF8.GetBytes(input)),
            OpenImage = image ?? new Terminal { Output = output, Error = error }.OpenImage,
        });
        Assert.DoesNotContain("   at ", error.ToString(), StringComparison.Ordinal);
        return new Invocation(code, output.ToArray(), error.ToString());
    }

    // A device that outlives the command.
    private sealed class KeptOpen(BlockDevice device) : FilterBlockDevice(device, ownsInner: false);
}
