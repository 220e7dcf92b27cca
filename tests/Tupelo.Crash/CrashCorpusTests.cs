using Tupelo.Fuzz.Crash;

namespace Tupelo.Crash;

/// <summary>Cases that were once a bug; each file in tests/data/crash-corpus tells its story. All their states are looked at again, on each
/// kind of free space.</summary>
public sealed class CrashCorpusTests
{
    public static TheoryData<string> Files()
    {
        var files = new TheoryData<string>();
        foreach (string path in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "crash-corpus"), "*.crash").Order(StringComparer.Ordinal))
        {
            files.Add(Path.GetFileName(path));
        }
        return files;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void RepairedCase_StaysRepaired(string file)
    {
        CrashCase saved = CrashCase.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "crash-corpus", file)));
        foreach (StaleContent stale in Enum.GetValues<StaleContent>())
        {
            Violation? violation = (saved with { State = null, Start = saved.Start with { Stale = stale } }).Run(new Explorer());
            Assert.True(violation is null, violation?.ToString());
        }
    }

    [Fact]
    public void SavedCase_ReadsBackAsItWas()
    {
        var made = new CrashCase(new BaseVolumeOptions(2 << 20, StaleContent.OldVolume, false, 3), RandomWorkloads.Make(5, new ModelTree()), 77, DeviceKind.TornSectors, 9)
        {
            State = new Block.CrashState(3, [new Block.KeptChange(1, Block.SectorChoice.Last, 2)]),
        };
        CrashCase read = CrashCase.Parse(made.ToString());
        Assert.Equal(made.ToString(), read.ToString());
        Assert.Equal(made.Operations, read.Operations);
    }
}
