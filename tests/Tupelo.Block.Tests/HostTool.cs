using System.Diagnostics;

namespace Tupelo.Block.Tests;

/// <summary>Runs a program of the host to its end.</summary>
internal static class HostTool
{
    /// <summary>What it printed; the test fails when it failed.</summary>
    public static string Run(string program, params string[] arguments)
    {
        (int exitCode, string output) = TryRun(program, arguments);
        Assert.True(exitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {exitCode}\n{output}");
        return output;
    }

    /// <summary>Exit code, and what it printed on both outputs.</summary>
    public static (int ExitCode, string Output) TryRun(string program, params string[] arguments)
    {
        using Process process = Start(program, arguments);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.GetAwaiter().GetResult());
    }

    public static Process Start(string program, params string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        UseShellExecute = false,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}
