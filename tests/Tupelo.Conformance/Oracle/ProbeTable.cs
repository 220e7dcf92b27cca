// All probes, and the words with which their tables are written.
namespace Tupelo.Conformance;

/// <summary>The probes by name.</summary>
public static class ProbeTable
{
    /// <summary>One call, one answer; the order is that of tmpfs.txt.</summary>
    public static IReadOnlyList<Probe> Calls { get; } =
    [
        .. OpenProbes.All, .. NamespaceProbes.All, .. MetadataProbes.All, .. DescriptorProbes.All, .. MountProbes.All,
    ];

    /// <summary>Two errors at once; the order is that of precedence.txt.</summary>
    public static IReadOnlyList<Probe> Precedence => PrecedenceProbes.All;

    internal static Probe Status(string name, Func<ProbeSetting, long> ask) => new(name, AnswerKind.Status, ask);

    internal static Probe Value(string name, Func<ProbeSetting, long> ask) => new(name, AnswerKind.Value, ask);

    internal static Probe Hex(string name, Func<ProbeSetting, long> ask) => new(name, AnswerKind.Hex, ask);
}
