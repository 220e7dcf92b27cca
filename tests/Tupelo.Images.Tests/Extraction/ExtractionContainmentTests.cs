// Hostile images and hostile destinations: whatever they hold, not a byte is written outside of the destination.
using Tupelo.Images.Extraction;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Images.Tests.Extraction;

public sealed class ExtractionContainmentTests
{
    [Fact]
    public void TwoHundredHostileTrees_WriteNothingOutside()
    {
        string[] targets = ["/", "..", "../outside", "../outside/sub", "../../../../../../tmp", ".", "./../outside", "self", "/proc/self/cwd", "OUTSIDE", "OUTSIDE/sub"];
        var random = new Random(20_260_101);
        for (int trial = 0; trial < 220; trial++)
        {
            using var bench = new ExtractionBench();
            TfsVolume volume = ExtractionBench.Forge((smith, root) =>
            {
                // The same few names as link, directory and file, over and over: the last one of a name counts, in every directory.
                var directories = new List<int> { root };
                var files = new List<int>();
                for (int i = 0; i < 24; i++)
                {
                    int directory = directories[random.Next(directories.Count)];
                    string name = ((string[])["a", "A", "b", "link", "sub", "canary"])[random.Next(6)];
                    switch (random.Next(5))
                    {
                        case 0 or 1:
                            _ = smith.AddSymlink(directory, name, targets[random.Next(targets.Length)].Replace("OUTSIDE", bench.Outside, StringComparison.Ordinal));
                            break;
                        case 2:
                            directories.Add(smith.AddDirectory(directory, name));
                            break;
                        case 3 when files.Count > 0:
                            smith.Assign(directory, name, tokens => tokens.Reference(files[random.Next(files.Count)]));
                            break;
                        default:
                            files.Add(smith.AddFile(directory, name, "evil"u8));
                            break;
                    }
                }
            });
            PlantLinks(bench, random);
            bench.Extract(volume, new ExtractionOptions { SafeLinks = trial % 2 == 0, PreserveAll = trial % 3 == 0, Portable = trial % 5 == 0 });
            bench.AssertNothingOutsideChanged();
            bench.AssertNoTemporaryFiles();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SymlinkInTheDestination_WhereADirectoryIsToGo_IsNotFollowed(bool portable)
    {
        using var bench = new ExtractionBench();
        _ = Directory.CreateSymbolicLink(bench.At("sub"), Path.Combine(bench.Outside, "sub"));
        bench.Extract(ExtractionBench.Forge((smith, root) => _ = smith.AddFile(smith.AddDirectory(root, "sub"), "evil", "evil"u8)), new ExtractionOptions { Portable = portable });
        Assert.True(Assert.Single(bench.Notices).IsFailure);
        bench.AssertNothingOutsideChanged();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SymlinkInTheDestination_WhereAFileIsToGo_IsReplacedAndNotWrittenThrough(bool portable)
    {
        using var bench = new ExtractionBench();
        _ = File.CreateSymbolicLink(bench.At("canary"), Path.Combine(bench.Outside, "canary"));
        bench.Extract(ExtractionBench.Forge((smith, root) => _ = smith.AddFile(root, "canary", "evil"u8)), new ExtractionOptions { Portable = portable });
        Assert.Null(new FileInfo(bench.At("canary")).LinkTarget);
        Assert.Equal("evil", File.ReadAllText(bench.At("canary")));
        bench.AssertNothingOutsideChanged();
    }

    [Theory]
    [InlineData("a", 0, true)]
    [InlineData("a/b/c", 0, true)]
    [InlineData("..", 0, false)]
    [InlineData("..", 1, true)]
    [InlineData("../../x", 1, false)]
    [InlineData("./../x", 1, true)]
    [InlineData("/x", 5, false)]
    [InlineData("", 5, false)]
    [InlineData("d/..", 3, false)] // d may be a link
    [InlineData("a//b", 0, true)]
    public void LinkSafety_KnowsWhereALinkCanLead(string target, int depth, bool inside) =>
        Assert.Equal(inside, LinkSafety.StaysInside(System.Text.Encoding.UTF8.GetBytes(target), depth));

    [Fact]
    public void SafeLinks_LeavesUnsafeLinksOut_AndOtherwiseTheyAreMadeVerbatim()
    {
        static void Fill(ImageSmith smith, int root)
        {
            _ = smith.AddSymlink(root, "absolute", "/etc/passwd");
            _ = smith.AddSymlink(root, "up", "../outside");
            _ = smith.AddSymlink(root, "fine", "absolute");
        }
        using var strict = new ExtractionBench();
        strict.Extract(ExtractionBench.Forge(Fill), new ExtractionOptions { SafeLinks = true });
        Assert.Equal(["fine"], Directory.GetFileSystemEntries(strict.Destination).Select(Path.GetFileName));
        Assert.All(strict.Notices, static notice => Assert.False(notice.IsFailure));
        using var verbatim = new ExtractionBench();
        verbatim.Extract(ExtractionBench.Forge(Fill));
        Assert.Equal("/etc/passwd", new FileInfo(verbatim.At("absolute")).LinkTarget);
        Assert.Equal("../outside", new FileInfo(verbatim.At("up")).LinkTarget);
    }

    [Fact]
    public void DirectoriesThatBecomeLinksMeanwhile_LeadNowhere()
    {
        using var bench = new ExtractionBench();
        TfsVolume volume = ExtractionBench.Forge(static (smith, root) =>
        {
            int directory = smith.AddDirectory(smith.AddDirectory(smith.AddDirectory(root, "flip"), "b"), "c");
            for (int i = 0; i < 20; i++)
            {
                _ = smith.AddFile(directory, $"f{i}", "evil"u8);
            }
        });
        string flip = bench.At("flip");
        string aside = bench.At("aside");
        Directory.CreateDirectory(Path.Combine(bench.Outside, "sub"));
        using var stop = new CancellationTokenSource();
        long flips = 0;
        var attacker = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    Directory.Move(flip, aside);
                    _ = File.CreateSymbolicLink(flip, bench.Outside);
                    File.Delete(flip);
                    Directory.Move(aside, flip);
                    flips++;
                }
                catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
                {
                    Recover(flip, aside);
                }
            }
        });
        attacker.Start();
        try
        {
            // TUPELO_RACE_FLIPS=1000000 is the campaign; see CONTRIBUTING.md.
            long wanted = long.Parse(Environment.GetEnvironmentVariable("TUPELO_RACE_FLIPS") ?? "200", System.Globalization.CultureInfo.InvariantCulture);
            var limit = TimeSpan.FromSeconds(30 + (wanted / 2_000));
            var clock = System.Diagnostics.Stopwatch.StartNew();
            for (int round = 0; round < 200 || (Interlocked.Read(ref flips) < wanted && clock.Elapsed < limit); round++)
            {
                try
                {
                    bench.Extract(volume);
                }
                catch (ImageException)
                {
                    // Directories that somebody moves end the extraction: a fine answer.
                }
            }
        }
        finally
        {
            stop.Cancel();
            attacker.Join();
        }
        Assert.True(flips >= 100, $"only {flips} flips");
        bench.AssertNothingOutsideChanged();
    }

    // The extraction has made the directory anew, or is writing in it: makes room for the next flip.
    private static void Recover(string flip, string aside)
    {
        try
        {
            if (!Directory.Exists(aside))
            {
                return;
            }
            if (Path.Exists(flip))
            {
                Directory.Delete(aside, recursive: true);
            }
            else
            {
                Directory.Move(aside, flip);
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // Next time.
        }
    }

    private static void PlantLinks(ExtractionBench bench, Random random)
    {
        foreach (string name in (ReadOnlySpan<string>)["a", "b", "link", "sub", "canary"])
        {
            if (random.Next(3) == 0)
            {
                _ = File.CreateSymbolicLink(bench.At(name), random.Next(2) == 0 ? bench.Outside : Path.Combine(bench.Outside, "canary"));
            }
        }
    }
}
