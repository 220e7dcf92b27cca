// The recorded answers of Linux, put to a file system: one case per probe. A difference must stand in the mount's table with its
// reason, and a listed difference that is none any more fails too, so the tables stay true.
namespace Tupelo.Conformance;

/// <summary>All probes of the errno oracle on <typeparamref name="TMount"/>.</summary>
public abstract class OracleTests<TMount>
    where TMount : TestMount, new()
{
    private readonly TMount _mount = new();

    /// <summary>Probes whose answer on this file system is not that of tmpfs: the answer and why.</summary>
    protected virtual IReadOnlyDictionary<string, (string Answer, string Reason)> Differences { get; } =
        new Dictionary<string, (string, string)>(StringComparer.Ordinal);

    [Fact]
    public void EachListedDifference_IsOne()
    {
        foreach ((string name, (string answer, string reason)) in Differences)
        {
            Probe? probe = ProbeTable.Calls.FirstOrDefault(candidate => string.Equals(candidate.Name, name, StringComparison.Ordinal));
            Assert.NotEqual(answer, probe?.Expected(OracleText.Tmpfs) ?? OracleText.Precedence.AnswerOf(name));
            Assert.NotEmpty(reason);
        }
    }

    /// <summary>Probes where ext4's recorded answer holds instead of tmpfs'.</summary>
    protected static Dictionary<string, (string Answer, string Reason)> AsExt4(string reason, params string[] names) => names.ToDictionary(
        name => name,
        name => (ProbeTable.Calls.Single(probe => string.Equals(probe.Name, name, StringComparison.Ordinal)).Expected(OracleText.Ext4), reason),
        StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(ProbeNames.Calls), MemberType = typeof(ProbeNames))]
    public void Call_AnswersAsLinux(string name) =>
        Check(ProbeTable.Calls.First(probe => string.Equals(probe.Name, name, StringComparison.Ordinal)), OracleText.Tmpfs);

    [Theory]
    [MemberData(nameof(ProbeNames.Precedence), MemberType = typeof(ProbeNames))]
    public void TwoErrorsAtOnce_AnswerAsLinux(string name) =>
        Check(ProbeTable.Precedence.First(probe => string.Equals(probe.Name, name, StringComparison.Ordinal)), OracleText.Precedence);

    /// <summary>Called before each case; a mount whose host differs by version skips here.</summary>
    protected virtual void Prepare()
    {
    }

    private void Check(Probe probe, OracleText text)
    {
        Prepare();
        string expected = Differences.TryGetValue(probe.Name, out (string Answer, string Reason) difference)
            ? difference.Answer
            : probe.Expected(text);
        Assert.Equal(expected, probe.Run(_mount));
    }
}

/// <summary>Probes whose answer depends on what a file system can do.</summary>
public static class ProbeGroups
{
    /// <summary>tmpfs has none of these modes of fallocate; ext4 has them all.</summary>
    public static string[] Ranges { get; } = ["fallocate(ZERO_RANGE)", "fallocate(COLLAPSE unaligned)", "fallocate(INSERT)"];
}

/// <summary>Names of the probes, as cases of a theory.</summary>
public static class ProbeNames
{
    public static TheoryData<string> Calls => [.. ProbeTable.Calls.Select(probe => probe.Name)];

    public static TheoryData<string> Precedence => [.. ProbeTable.Precedence.Select(probe => probe.Name)];
}

/// <summary>The probe tables against the recorded texts.</summary>
public sealed class ProbeTableTests
{
    [Fact]
    public void EveryRecordedCall_HasExactlyOneProbe()
    {
        Assert.Equal(404, OracleText.Tmpfs.Names.Count);
        Assert.Equal(OracleText.Tmpfs.Names, ProbeTable.Calls.Select(probe => probe.Name));
        Assert.Equal(OracleText.Ext4.Names, OracleText.Tmpfs.Names);
    }

    [Fact]
    public void EveryRecordedPrecedenceCase_HasExactlyOneProbe()
    {
        Assert.Equal(143, OracleText.Precedence.Names.Count);
        Assert.Equal(OracleText.Precedence.Names, ProbeTable.Precedence.Select(probe => probe.Name));
    }
}

/// <summary>The probes on the host's own tmpfs: they must give what was recorded, or the probes are wrong.</summary>
public sealed class HostTmpfsOracleTests : OracleTests<HostTmpfsMount>
{
    protected override void Prepare()
    {
        (int major, int minor) = OperatingSystem.IsLinux() ? HostTmpfsMount.KernelVersion() : default;
        Assert.SkipUnless((major, minor) == (6, 18), $"the answers were recorded on Linux 6.18; this is {major}.{minor}");
    }
}
