// Runs programs for tests, with a limit of time: what hangs is ended, and fails its test.
using System.Diagnostics;

namespace Tupelo.Fuse.Tests;

internal static class Shell
{
    /// <summary>Runs a script of bash; it must end well.</summary>
    /// <returns>What it printed.</returns>
    public static string Run(string script, string? directory = null, int seconds = 60)
    {
        (int code, string output) = TryRun(script, directory, seconds);
        Assert.True(code == 0, $"exit code {code}:\n{output}");
        return output;
    }

    /// <summary>Runs a script of bash.</summary>
    public static (int Code, string Output) TryRun(string script, string? directory = null, int seconds = 60)
    {
        var start = new ProcessStartInfo("timeout")
        {
            ArgumentList = { "-k", "5", seconds.ToString(System.Globalization.CultureInfo.InvariantCulture), "bash", "-euo", "pipefail", "-c", "exec 2>&1\n" + script },
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            WorkingDirectory = directory ?? "/",
            Environment = { ["LC_ALL"] = "C", ["HOME"] = Path.GetTempPath() },
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
