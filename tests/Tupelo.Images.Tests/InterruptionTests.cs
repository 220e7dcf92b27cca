// What is left when the program is killed in the middle: nothing under the image's name, and no other file either.
using System.Diagnostics;
using Tupelo.Testing.Images;

namespace Tupelo.Images.Tests;

public sealed class InterruptionTests
{
    private static readonly string Program = Path.GetFullPath(Path.Combine(GoldenImage.Directory, "..", "..", "..", "tupelo"));

    [Theory]
    [InlineData("KILL", 137)]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    public void Mkfs_EndedBySignal_LeavesNothing(string signal, int exitCode)
    {
        using TemporaryDirectory temporary = new();
        _ = HostShell.Run(temporary.FullPath, "mkdir t out; for i in $(seq 1 20); do head -c 8000000 /dev/urandom >t/$i; done");
        _ = HostShell.Run(temporary.FullPath, $"'{Program}' --version");
        int interrupted = 0;
        foreach (int milliseconds in (int[])[80, 120, 160])
        {
            using Process process = HostShell.Start(Program, ["mkfs", temporary["out/image"], "--from", temporary["t"]], temporary.FullPath);
            Thread.Sleep(milliseconds);
            _ = HostShell.Run(temporary.FullPath, $"kill -{signal} {process.Id} 2>/dev/null || true");
            process.WaitForExit();
            if (process.ExitCode == 0)
            {
                _ = ReadBack.ListIndependently(temporary["out/image"], hash: false); // it was faster, so the image is whole
                File.Delete(temporary["out/image"]);
                continue;
            }
            Assert.Equal(exitCode, process.ExitCode);
            Assert.Empty(Directory.GetFileSystemEntries(temporary["out"]));
            interrupted++;
        }
        Assert.True(interrupted > 0, "every run ended before the signal came");
    }
}
