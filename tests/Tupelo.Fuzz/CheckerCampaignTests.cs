using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Tupelo.Block;
using Tupelo.Fuzz.Images;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Fuzz;

/// <summary>The checker judges any damaged image without breaking, says "clean" when and only when the image can be read whole and written
/// to, and a repair leaves a clean volume in which everything is that could be read before.</summary>
public sealed class CheckerCampaignTests(ITestOutputHelper output)
{
    private const ulong Seed = 20261121;
    private const long Images = 3_000;
    private const int RoomBytes = 2 << 20;
    private const int HashedBytes = 1 << 16;

    [Fact]
    public void DamagedImages_AreJudgedRightAndRepairedWithoutLoss()
    {
        long clean = 0;
        long repaired = 0;
        long hopeless = 0;
        for (long number = 0; number < Images; number++)
        {
            byte[] image = new FuzzCase(Seed, number).Build();
            try
            {
                Outcome outcome = Judge(image);
                clean += outcome == Outcome.Clean ? 1 : 0;
                repaired += outcome == Outcome.Repaired ? 1 : 0;
                hopeless += outcome == Outcome.Hopeless ? 1 : 0;
            }
            catch (Exception problem)
            {
                throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"seed {Seed}, case {number}: {problem.Message}"), problem);
            }
        }
        output.WriteLine($"seed {Seed}: {clean} clean, {repaired} repaired, {hopeless} beyond repair");
        Assert.InRange(clean, Images / 20, Images);
        Assert.InRange(repaired, Images / 5, Images);
        Assert.InRange(hopeless, 1, Images / 3);
    }

    [Fact]
    public void Corpus_IsJudgedRightAndRepairedWithoutLoss()
    {
        foreach (string file in FuzzCorpus.Files())
        {
            _ = Judge(FuzzCorpus.Load(file));
        }
    }

    [Theory]
    [InlineData("02-one-file")]
    [InlineData("11-mutated")]
    [InlineData("18-v4-then-v5")]
    public void FlippedBytesOfAGoldenLog_AreJudgedRightAndRepairedWithoutLoss(string name)
    {
        byte[] golden = GoldenImage.Load(name).Bytes;
        int logEnd = checked((int)TfsVolume.Open(new ArrayBlockDevice(golden)).Log.Extensions[1].UsedBytes) + 512;
        var random = new FuzzRandom(Seed);
        for (int i = 0; i < 300; i++)
        {
            byte[] image = (byte[])golden.Clone();
            int at = random.Below(logEnd);
            image[at] ^= (byte)(1 << random.Below(8));
            _ = Judge(image);
        }
    }

    private static Outcome Judge(byte[] image)
    {
        // Room for a new log: without it a repair has to refuse.
        byte[] roomy = [.. image, .. new byte[RoomBytes + 511 - ((image.Length + 511) % 512)]];
        using var device = new MemoryBlockDevice(roomy);
        TfsCheckReport report = TfsChecker.Check(device);
        Dictionary<string, string>? before = List(device, out bool isSound);
        if (report.IsClean != isSound)
        {
            Assert.True(!report.IsClean, "the checker finds nothing, and the volume has damage");
            Assert.All(report.Findings, static finding => Assert.True(
                finding.Severity != TfsSeverity.Error || finding.Code is TfsFindingCode.LinkCountWrong or TfsFindingCode.DirectoryWithExtents
                    or TfsFindingCode.DirectoryOrphaned or TfsFindingCode.EntryLeadsNowhere or TfsFindingCode.ExtentDamaged or TfsFindingCode.SectorsOwnedTwice,
                $"the volume is sound to its reader, and the checker says {finding}"));
        }
        TfsCheckReport dry = TfsChecker.Repair(device, new TfsRepairOptions { DryRun = true });
        Assert.Equal(roomy, Read(device));
        TfsCheckReport repair = TfsChecker.Repair(device);
        Assert.Equal(dry.RepairProblem, repair.RepairProblem);
        Assert.Equal(report.ErrorCount, repair.ErrorCount);
        if (!report.NeedsRepair)
        {
            Assert.Equal(roomy, Read(device));
            return report.IsClean ? Outcome.Clean : Outcome.Hopeless;
        }
        if (repair.RepairProblem.Contains("no room", StringComparison.Ordinal))
        {
            Assert.Equal(report.Findings, TfsChecker.Check(device).Findings, static (a, b) => a.Code == b.Code && a.Message == b.Message);
            return Outcome.Hopeless; // a forged extent may claim everything
        }
        Assert.True(repair.RepairProblem.Length == 0, repair.RepairProblem);
        Assert.True(repair.IsRepaired);
        TfsCheckReport second = TfsChecker.Check(device);
        Assert.True(second.IsClean && !second.NeedsRepair);
        Dictionary<string, string>? after = List(device, out isSound);
        Assert.True(isSound);
        HashSet<string> wrong = [.. report.Findings.Select(static finding => Encoding.Latin1.GetString(finding.Path.Span))];
        foreach ((string path, string content) in before ?? [])
        {
            if (wrong.Any(bad => path == bad || (bad.Length > 1 && path.StartsWith(bad + "/", StringComparison.Ordinal))))
            {
                continue;
            }
            Assert.True(after!.TryGetValue(path, out string? kept), $"{path} is lost");
            Assert.Equal(content, kept);
        }
        using TfsMounted mounted = new(device);
        return Outcome.Repaired;
    }

    private static byte[] Read(MemoryBlockDevice device)
    {
        byte[] bytes = new byte[device.SizeBytes];
        Assert.Equal(Errno.None, device.Read(0, bytes));
        return bytes;
    }

    // All that can be read, by path. Null when the volume is refused.
    private static Dictionary<string, string>? List(BlockDevice device, out bool isSound)
    {
        isSound = false;
        TfsVolume volume;
        try
        {
            volume = TfsVolume.Open(device);
        }
        catch (TfsFormatException)
        {
            return null;
        }
        isSound = !volume.HasDamage && TfsSpaceMap.Build(volume).Faults.Count == 0;
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        var open = new Stack<(TfsNode Node, string Path)>();
        open.Push((volume.Root, ""));
        byte[] buffer = new byte[HashedBytes];
        while (open.TryPop(out (TfsNode Node, string Path) directory) && files.Count < 20_000)
        {
            if (directory.Path.Length > 4096)
            {
                continue; // very deep trees are looked at from above
            }
            foreach (TfsDirectoryEntries entry in volume.EntriesOf(directory.Node))
            {
                string path = directory.Path + "/" + Encoding.Latin1.GetString(entry.Name);
                FileType type = volume.TypeOf(entry.Node);
                switch (type)
                {
                    case FileType.Directory:
                        open.Push((entry.Node, path));
                        files[path] = "directory";
                        break;
                    case FileType.Symlink:
                        files[path] = "link to " + Convert.ToHexString(volume.TargetOf(entry.Node));
                        break;
                    case FileType.Regular when volume.OpenFile(entry.Node, out TfsFileReader? file) == Errno.None:
                        int count = (int)Math.Min(buffer.Length, file!.LengthBytes);
                        Assert.True(file.Read(0, buffer.AsSpan(0, count)).IsOk);
                        files[path] = string.Create(CultureInfo.InvariantCulture, $"{file.LengthBytes} bytes, {Convert.ToHexString(SHA256.HashData(buffer.AsSpan(0, count)))}");
                        break;
                    case FileType.Regular:
                        break;
                    default:
                        files[path] = type.ToString();
                        break;
                }
            }
        }
        return files;
    }

    private enum Outcome
    {
        Clean,
        Repaired,
        Hopeless,
    }

    // A repaired volume can be mounted for writing.
    private sealed class TfsMounted : IDisposable
    {
        private readonly TfsFileSystem _volume;

        public TfsMounted(BlockDevice device)
        {
            _volume = TfsFileSystem.Mount(device, new TfsMountOptions { FlushDelay = TimeSpan.Zero });
            Assert.Equal(Errno.None, _volume.Compact());
        }

        public void Dispose() => _volume.Shutdown();
    }
}
