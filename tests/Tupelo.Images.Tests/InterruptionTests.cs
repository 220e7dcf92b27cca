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

    [Fact]
    public void Listing_IntoAPipeThatCloses_EndsWithoutAWord()
    {
        using TemporaryDirectory temporary = new();
        _ = HostShell.Run(temporary.FullPath, $"mkdir t; cd t; seq -f 'a-rather-long-name-so-that-the-pipe-fills-%g' 1 5000 | xargs touch; cd ..; '{Program}' mkfs image --from t >/dev/null");
        string said = HostShell.Run(temporary.FullPath, $$"""
            set +o pipefail
            for command in 'ls -l image' 'ls -R --json image' 'find image' 'tree image' 'dump image' 'log image'; do
              '{{Program}}' $command 2>errors | head -n 1 >line; echo "$command ${PIPESTATUS[0]} $(wc -l <line) $(wc -c <errors)"
            done
            """);
        foreach (string line in said.TrimEnd().Split('\n'))
        {
            // Killed by SIGPIPE as other tools are, or done: but never a complaint or a stack trace.
            Assert.Matches("^.* (0|141) 1 0$", line);
        }
    }
}
