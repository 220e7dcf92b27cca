// TFS against RamFs: random calls must give the same answers, over syncs and compactions at any time, and leave the same tree, which is
// there again when the volume is mounted again. RamFs in turn is held against the host's kernel (RamFsDifferentialTests).
using Tupelo.Block;
using Tupelo.Tfs;
using Tupelo.Vfs;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance.Differential;

public sealed class TfsDifferentialTests(ITestOutputHelper output)
{
    private const int CallsPerRun = 500;

    // TFS keeps no attribute flags; what space a file takes, and where its holes are, is its own.
    private const Themes Compared = (Themes.All & ~Themes.InodeFlags) | Themes.OnDisk;

    // TUPELO_CALLS makes it as long as you like (CONTRIBUTING.md, "Campaigns"). A campaign only: the judge pairs the two machines' device
    // numbers as it does for the host's, and now and then takes a reused one for a difference.
    [Fact(Explicit = true)]
    public void RandomCalls_AnswerAsOnRamFs_AndLeaveTheSameTreeOverRemounts()
    {
        long calls = Environment.GetEnvironmentVariable("TUPELO_CALLS") is { Length: > 0 } given ? long.Parse(given) : 60_000;
        DifferentialCampaign campaign = new(static () => new TfsMachine(), DifferentialCampaign.ChooseSeed(), CallsPerRun, output.WriteLine, Compared)
        {
            Workers = DifferentialCampaign.Number("TUPELO_WORKERS", 1),
            MostFailures = DifferentialCampaign.Number("TUPELO_FAILURES", 1),
        };
        string? failure = campaign.Run(calls, new long[Enum.GetValues<CallKind>().Length]);
        Assert.True(failure is null, failure);
    }

    private sealed class TfsMachine : MachineUnderTest
    {
        private readonly RamFsMount _reference = new();
        private VolumeMount? _mount;

        public override ReadOnlySpan<byte> ScratchType => "ramfs"u8;

        public override ReadOnlySpan<byte> ReferenceScratchType => "ramfs"u8;

        public override bool SpaceCounts => false;

        public override ISyscalls BootReference() => _reference.Boot();

        public override ISyscalls Boot()
        {
            _mount = new VolumeMount();
            return _mount.Boot();
        }

        public override void Between(int index)
        {
            if (index % 29 == 28)
            {
                Assert.Equal(Errno.None, _mount!.Volume!.Sync());
            }
            if (index % 113 == 112)
            {
                Assert.Equal(Errno.None, _mount!.Volume!.Compact());
            }
        }

        public override string? FindLoss(SortedDictionary<string, TreeEntry> reference, bool hadMounts)
        {
            var volume = TfsVolume.Open(_mount!.Device);
            if (volume.Faults.Count > 0 || TfsSpaceMap.Build(volume).Faults.Count > 0)
            {
                return string.Join("; ", [.. volume.Faults, .. TfsSpaceMap.Build(volume).Faults]);
            }
            if (hadMounts)
            {
                return null; // what was seen in the tree need not have been on the volume
            }
            using ISyscalls again = _mount.Boot();
            SortedDictionary<string, TreeEntry> found = TreeSnapshot.Take(again);
            // An access time alone is not worth a write: it is kept when something else is written, and may be older after a remount.
            foreach ((string path, TreeEntry entry) in reference.ToArray())
            {
                if (found.TryGetValue(path, out TreeEntry? other))
                {
                    KernelStat stat = other.Stat;
                    stat.AccessTime = entry.Stat.AccessTime;
                    found[path] = other with { Stat = stat };
                }
            }
            return TreeSnapshot.Compare(reference, found, new Judge(new HashSet<ulong>()) { SpaceCounts = false });
        }
    }

    /// <summary>A volume that outlives its machine, and whose mounted instance is at hand.</summary>
    private sealed class VolumeMount : TupeloMount
    {
        public override string Name => "TFS";

        public override Features Features => Features.All;

        public MemoryBlockDevice Device { get; } = StandardImages.EmptyTfs(256L << 20);

        public TfsFileSystem? Volume { get; private set; }

        protected override void Prepare(VfsKernel kernel) => Register(kernel, new VolumeType(this));

        protected override void MountWork(ISyscalls s)
        {
            bool isNew = Volume is null;
            ProbeSetting.Must(s.Mount("volume"u8, "/work"u8, "tfs"u8, 0, default));
            if (isNew)
            {
                ProbeSetting.Must(s.ChMod("/work"u8, Oct(755)));
                ProbeSetting.Must(s.UtimeNsAt(AT_FDCWD, "/work"u8, default, 0)); // a volume just made says nothing of its root's times
            }
        }

        private sealed class VolumeType(VolumeMount mount) : FileSystemType
        {
            public override string Name => "tfs";

            public override bool NeedsSource => true;

            public override Errno Create(MountRequest request, out FileSystem? fileSystem)
            {
                mount.Volume = TfsFileSystem.Mount(mount.Device, new TfsMountOptions { FlushDelay = TimeSpan.Zero }, this);
                fileSystem = mount.Volume;
                return Errno.None;
            }
        }
    }
}
