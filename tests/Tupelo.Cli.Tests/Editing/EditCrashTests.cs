using System.Text;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Cli.Tests;

/// <summary>Each editing command is one commit: whatever a power failure leaves of it is the tree as it was before or as it is after.</summary>
public sealed class EditCrashTests(ImageFolder folder, ITestOutputHelper output) : IClassFixture<ImageFolder>
{
    private const long VolumeBytes = 8 << 20;

    public static TheoryData<string> Commands =>
    [
        "mkdir -p image:/x/y/z image:/w", "rmdir image:/empty", "rm image:/etc/motd image:/hard1", "rm -r image:/tree image:/etc", "mv image:/tree image:/etc",
        "mv image:/big image:/etc/motd", "mv image:/etc/motd image:/hard1 image:/empty", "ln image:/big image:/tree/big2", "ln -sf elsewhere image:/etc/motd", "ln -f image:/big image:/etc/motd",
        "touch -d 2020-01-02T03:04:05Z image:/etc/motd image:/new image:/tree", "chmod -R 700 image:/", "chown -R 5:6 image:/", "truncate -s 100 image:/big", "truncate -s 5 image:/etc/motd",
        "truncate -s 1M image:/etc/motd image:/new", "xattr set image:/etc/motd user.note value", "xattr rm image:/big user.old", "set image program=/bin/new environment.A=1 environment.C=3",
        "unset image environment.A program", "cp HOST/small image:/etc/motd", "cp HOST/large image:/big", "cp -a HOST image:/copied", "cp -r HOST image:/tree", "cp -r image:/tree image:/tree2",
        "cp image:/big image:/etc/motd", "cp - image:/stdin", "batch image HOST/script",
    ];

    [Theory]
    [MemberData(nameof(Commands))]
    public void CrashAtAnyMoment_LeavesTheOldTreeOrTheNewOne(string line)
    {
        string host = HostTree();
        using CrashBlockDevice device = BaseImage();
        string file = folder.At("image");
        string[] words = [.. line.Split(' ').Select(word => word.StartsWith("image", StringComparison.Ordinal) ? file + word[5..] : word.Replace("HOST", host, StringComparison.Ordinal))];
        Dictionary<string, string> old = EditedTree.OfDevice(device);
        int begin = device.Mark(CrashMark.OperationBegin, 1);
        ulong commits = TfsVolume.Open(device).Log.LastCommitSequence;
        Invocation run = Invocation.RunOn(device, words, "from standard input");
        Assert.True(run.ExitCode == 0 && run.Error.Length == 0, run.Error);
        CrashRecording recording = device.Record();
        Assert.Equal(commits + 1, TfsVolume.Open(device).Log.LastCommitSequence);
        // What was said to be done is on the medium: the last thing that happened is a flush.
        Assert.Equal(CrashEventKind.Flush, recording.Events[^1].Kind);
        Dictionary<string, string> changed = EditedTree.OfDevice(device);
        Assert.NotEqual(old, changed);
        EditedTree.CheckIndependently(device, changed.Keys);
        var seen = new HashSet<UInt128>();
        int olds = 0;
        int news = 0;
        CopyOnWriteImage first = recording.Epochs[0].Durable;
        foreach (CrashEpoch epoch in recording.Epochs.Where(epoch => epoch.Changes[0].Sequence > begin))
        {
            foreach (KeptChange[] kept in StatesOf(epoch))
            {
                CopyOnWriteImage image = epoch.Materialize(kept);
                if (!seen.Add(image.Fingerprint(first)))
                {
                    continue;
                }
                using var after = new CrashBlockDevice(image.Freeze());
                Dictionary<string, string> found = EditedTree.OfDevice(after);
                bool isOld = Same(found, old);
                Assert.True(isOld || Same(found, changed), $"state {new CrashState(epoch.Index, kept)} of {line}:\n"
                    + $"not in the old tree:\n{string.Join('\n', found.Except(old))}\nnot in the new tree:\n{string.Join('\n', found.Except(changed))}");
                if (isOld && olds++ % 8 == 0)
                {
                    // The log goes on over what was not finished.
                    Assert.Equal(0, Invocation.RunOn(after, ["touch", file + ":/afterwards"]).ExitCode);
                    EditedTree.CheckIndependently(after, found.Keys.Append("/afterwards"));
                }
                if (!isOld)
                {
                    news++;
                    EditedTree.CheckIndependently(after, found.Keys);
                }
            }
        }
        output.WriteLine($"{olds} states show the old tree, {news} the new one");
        Assert.True(olds > 0 && news > 0, $"{olds} old, {news} new");
    }

    [Fact]
    public void FailingBatch_WritesNothingThatCounts()
    {
        using CrashBlockDevice device = BaseImage();
        Dictionary<string, string> old = EditedTree.OfDevice(device);
        ulong commits = TfsVolume.Open(device).Log.LastCommitSequence;
        string script = folder.Write("failing", Encoding.UTF8.GetBytes("mkdir /a\nrm -r /tree\ntruncate -s 3 /big\n# a comment\n\nrm /missing\nmkdir /never\n"));
        Invocation run = Invocation.RunOn(device, ["batch", folder.At("image"), script]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("line 6: cannot remove", run.Error, StringComparison.Ordinal);
        Assert.Contains("nothing was changed", run.Error, StringComparison.Ordinal);
        Assert.Equal(commits, TfsVolume.Open(device).Log.LastCommitSequence);
        Assert.True(Same(old, EditedTree.OfDevice(device)));
    }

    private static bool Same(Dictionary<string, string> left, Dictionary<string, string> right) =>
        left.Count == right.Count && left.All(pair => right.TryGetValue(pair.Key, out string? other) && other == pair.Value);

    // All choices of few changes; of many: prefixes, each alone, each missing. And multi-sector writes torn at several places.
    private static IEnumerable<KeptChange[]> StatesOf(CrashEpoch epoch)
    {
        int count = epoch.Changes.Count;
        for (int kept = 0; kept <= count; kept++)
        {
            yield return KeptChange.AllOf(kept);
        }
        for (int mask = 1; count <= 6 && mask < (1 << count) - 1; mask++)
        {
            yield return [.. Enumerable.Range(0, count).Where(i => (mask >> i & 1) != 0).Select(i => new KeptChange(i))];
        }
        for (int which = 0; count > 6 && which < count; which++)
        {
            yield return [new KeptChange(which)];
            yield return [.. Enumerable.Range(0, count).Where(i => i != which).Select(i => new KeptChange(i))];
        }
        for (int torn = 0; torn < count; torn++)
        {
            long sectors = epoch.Changes[torn].SectorCount(epoch.SectorBytes);
            for (long kept = 1; kept < sectors; kept += Math.Max(1, sectors / 6))
            {
                yield return [.. KeptChange.AllOf(torn), new KeptChange(torn, SectorChoice.First, (ulong)kept)];
                yield return [.. KeptChange.AllOf(torn), new KeptChange(torn, SectorChoice.Last, (ulong)kept)];
                yield return [.. KeptChange.AllOf(torn), new KeptChange(torn, SectorChoice.Random, (ulong)(kept * 7919) + 1)];
            }
        }
    }

    private string HostTree()
    {
        string host = folder.At("host");
        if (!Directory.Exists(host))
        {
            string root = Directory.CreateDirectory(host).FullName;
            Directory.CreateDirectory(Path.Combine(root, "sub"));
            File.WriteAllText(Path.Combine(root, "small"), "something new");
            byte[] large = new byte[200_000];
            new Random(3).NextBytes(large);
            File.WriteAllBytes(Path.Combine(root, "large"), large);
            for (int i = 0; i < 40; i++)
            {
                File.WriteAllText(Path.Combine(root, "sub", $"file-with-a-name-{i}"), new string('x', i * 100));
            }
            HostTool.Run(root, "ln sub/file-with-a-name-7 hard && ln -s small link");
            File.WriteAllText(Path.Combine(root, "script"),
                $"mkdir -p /opt/'a b'\ncp {root}/small :/opt/small # host to image\ncp :/big /opt; mv /tree /opt\nrm -r /etc\nchmod 600 /opt/small\nset environment.B=2\n"
                + "xattr set /opt/small user.x \\\n  value\ntruncate -s 10 /big\n");
        }
        return host;
    }

    private CrashBlockDevice BaseImage()
    {
        string file = folder.At("image");
        if (!File.Exists(file))
        {
            File.WriteAllBytes(file, []); // the name that commands are given; the bytes are the device's
        }
        using var empty = new MemoryBlockDevice(VolumeBytes);
        using (var builder = new TfsImageBuilder(empty, new TfsBuildOptions { FixedSize = true, MinSizeBytes = VolumeBytes, Uuid = new byte[16] }))
        {
            _ = builder.Complete();
        }
        string script = folder.Write("base",
            Encoding.UTF8.GetBytes($"mkdir -p /etc /empty /tree/sub/deep\ncp {folder.At("base")} :/etc/motd\ncp {Big()} :/big\nln /etc/motd /hard1\nln -s big /tree/link\ntouch /tree/sub/a /tree/sub/deep/b\n"
            + "xattr set /big user.old v\nset program=/bin/old environment.A=0 environment.B=0\n"));
        Invocation run = Invocation.RunOn(empty, ["batch", file, script]);
        Assert.True(run.ExitCode == 0, run.Error);
        return new CrashBlockDevice(CopyOnWriteImage.FromDevice(empty).Freeze());
    }

    private string Big()
    {
        byte[] bytes = new byte[150_001];
        new Random(1).NextBytes(bytes);
        return folder.Write("big", bytes);
    }
}
