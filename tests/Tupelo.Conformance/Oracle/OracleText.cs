// The oracle's recorded answers (tests/data/errno-oracle): lines of "probe's name, spaces, answer", headings begin with "==".
// An answer is OK, OK (value), an errno's name, or for poll the returned events in hexadecimal.
using System.Reflection;

namespace Tupelo.Conformance;

/// <summary>Recorded answers of one run of the oracle, by probe.</summary>
public sealed class OracleText
{
    private readonly Dictionary<string, string> _answers = new(StringComparer.Ordinal);

    private OracleText(string fileName)
    {
        foreach (string line in File.ReadLines(Path.Combine(DirectoryOfData(), fileName)))
        {
            if (line.Length == 0 || line.StartsWith("== ", StringComparison.Ordinal))
            {
                continue;
            }
            string trimmed = line.TrimEnd();
            int end = trimmed.EndsWith(')') ? trimmed.LastIndexOf(" (", StringComparison.Ordinal) : trimmed.Length;
            int start = trimmed.LastIndexOf(' ', end - 1);
            _answers.Add(trimmed[..start].TrimEnd(), trimmed[(start + 1)..]);
        }
    }

    /// <summary>404 probes on tmpfs.</summary>
    public static OracleText Tmpfs { get; } = new("tmpfs.txt");

    /// <summary>The same probes on ext4.</summary>
    public static OracleText Ext4 { get; } = new("ext4.txt");

    /// <summary>143 cases of two errors at once; tmpfs and ext4 agree.</summary>
    public static OracleText Precedence { get; } = new("precedence.txt");

    public IReadOnlyCollection<string> Names => _answers.Keys;

    public string AnswerOf(string probe) => _answers[probe];

    private static string DirectoryOfData()
    {
        for (string? at = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location); at is not null; at = Path.GetDirectoryName(at))
        {
            string candidate = Path.Combine(at, "tests", "data", "errno-oracle");
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }
        throw new DirectoryNotFoundException("tests/data/errno-oracle is not above the test program");
    }
}
