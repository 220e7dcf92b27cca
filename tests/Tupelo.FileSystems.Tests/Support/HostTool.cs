using System.Diagnostics;

namespace Tupelo.FileSystems.Tests;

/// <summary>Runs a program of the host to its end, and finds the data that the tests bring.</summary>
internal static class HostTool
{
    /// <summary>What it printed; the test fails when it failed.</summary>
    public static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}\n{output}{errors.GetAwaiter().GetResult()}");
        return output;
    }

    /// <summary>A file below tests/data.</summary>
    public static string DataFile(string name)
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Tupelo.slnx")))
        {
            directory = Path.GetDirectoryName(directory);
        }
        return Path.Combine(directory ?? throw new InvalidOperationException("the repository's root was not found"), "tests", "data", name);
    }
}
