using System.Diagnostics;

namespace Tupelo.Images.Tests;

/// <summary>Runs the host's own tools.</summary>
internal static class HostShell
{
    /// <summary>Runs a bash script in <paramref name="directory"/>; it must succeed.</summary>
    public static string Run(string directory, string script)
    {
        using Process process = Start("bash", ["-euc", script], directory);
        string output = process.StandardOutput.ReadToEnd();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
        return output;
    }

    public static Process Start(string program, IEnumerable<string> arguments, string directory) =>
        Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
}
