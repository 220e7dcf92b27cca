// What a workload did, as the oracle saw it: the tree after each step, and what each step that returned had made durable.
namespace Tupelo.Fuzz.Crash;

internal sealed class History
{
    private readonly List<UInt128> _names = [];
    private readonly List<Dictionary<UInt128, ModelFile>> _files = [];
    private readonly List<int> _durable = [];

    public History(ModelTree tree)
    {
        Tree = tree;
        Take(false);
    }

    /// <summary>The tree as of the last step.</summary>
    public ModelTree Tree { get; }

    /// <summary>Number of the last step; 0 is the base volume.</summary>
    public int LastStep => _names.Count - 1;

    /// <summary>Digest of names and attributes after a step.</summary>
    public UInt128 NamesAt(int step) => _names[step];

    /// <summary>Regular files by path after a step.</summary>
    public IReadOnlyDictionary<UInt128, ModelFile> FilesAt(int step) => _files[step];

    /// <summary>The last step, not after <paramref name="step"/>, whose return made all names and attributes durable.</summary>
    public int DurableAt(int step) => _durable[step];

    /// <summary>A step has returned, and the tree has taken it over.</summary>
    public void Take(bool madeDurable)
    {
        var files = new Dictionary<UInt128, ModelFile>();
        UInt128 names = Tree.Names(files);
        _files.Add(_names.Count > 0 && _names[^1] == names ? _files[^1] : files);
        _names.Add(names);
        _durable.Add(madeDurable || _durable.Count == 0 ? _durable.Count : _durable[^1]);
    }
}
