// The walk of a checker over the tuples of a volume: is the tree a tree, are names names, do extents lie where they may, do link counts
// count. Whatever is wrong is reported and put right in the store in the same step, so that what a repair writes is what the check
// found sound; a mere check throws the store away. What needs sectors (files that share them) is left to SectorExaminer and TfsRepair.
//
// The order of the fixes: nothing sound is changed; of two claims to one thing the one met first keeps it; what is taken out of the tree
// and is a file or a directory goes to lost+found.
using System.Collections;
using System.Globalization;

namespace Tupelo.Tfs;

internal sealed class TreeExaminer
{
    private readonly TupleStore _store;
    private readonly TfsSymbols _symbols;
    private readonly int _special;
    private readonly TfsCheckReport _report;
    private readonly ulong _now;
    private readonly FileExaminer _files;
    private readonly Dictionary<int, (int Parent, int Symbol)> _directories = []; // directory -> where it was met first
    private readonly Dictionary<int, (int Directory, int Symbol)> _links = [];    // file with a link count or a second name -> a name
    private readonly Dictionary<int, int> _extraNames = [];                       // file -> names besides the first
    private readonly HashSet<int> _lost = [];                                     // files and directories to be salvaged
    private readonly Stack<int> _open = new();
    private readonly TupleRoles _roles;

    public TreeExaminer(TupleStore store, TfsSymbols symbols, long volumeSectors, TfsCheckReport report, DateTimeOffset now)
    {
        _store = store;
        _symbols = symbols;
        _special = store.Symbols.Find(TfsAttribute.Special);
        _report = report;
        _now = TfsTime.Encode(Timespec.FromDateTimeOffset(now));
        _roles = new TupleRoles(store.TupleCount);
        _files = new FileExaminer(store, symbols, volumeSectors, _roles, report);
    }

    /// <summary>The extents of all files, as they are in the store.</summary>
    public List<OwnedExtent> Extents => _files.Extents;

    /// <summary>Walks all of it.</summary>
    public void Run()
    {
        ExamineRoot();
        Walk();
        FindOrphans();
        BringBackLost();
        CheckLinkCounts();
    }

    /// <summary>The path of a file that was met; found by looking for it.</summary>
    public byte[] PathOf(int file)
    {
        if (file == TupleStore.Root || _directories.ContainsKey(file))
        {
            return DirectoryPath(file);
        }
        foreach (int directory in _directories.Keys)
        {
            foreach (ref readonly AttributeSlot slot in _store.SlotsOf(ChildrenOf(directory)))
            {
                if (slot.Kind == TfsValueKind.Tuple && (int)slot.Value == file)
                {
                    return EntryPath(directory, slot.Symbol);
                }
            }
        }
        return [];
    }

    private void ExamineRoot()
    {
        AttributeSlot children = _store.Get(TupleStore.Root, _symbols.Children);
        if (children.Kind != TfsValueKind.Tuple || _store.IsVector((int)children.Value))
        {
            _report.Add(new TfsFinding(TfsFindingCode.RootWithoutDirectory, TfsSeverity.Error, "the root is no directory") { Path = "/"u8.ToArray(), Remedy = "the root becomes an empty directory" });
            _ = _store.Set(TupleStore.Root, _symbols.Children, TfsValueKind.Tuple, (ulong)_store.NewTuple(false, 0));
        }
        _ = _roles.Take(TupleStore.Root, TupleRole.Node);
        _ = _roles.Take(ChildrenOf(TupleStore.Root), TupleRole.Entries);
        _directories[TupleStore.Root] = (TupleStore.Root, 0);
        _report.DirectoryCount++;
        _files.CheckNumbers(TupleStore.Root, static () => "/"u8.ToArray());
        _open.Push(TupleStore.Root);
    }

    private void Walk()
    {
        while (_open.TryPop(out int directory))
        {
            int children = ChildrenOf(directory);
            foreach (AttributeSlot slot in _store.SlotsOf(children).ToArray())
            {
                if (!slot.IsVacant)
                {
                    ExamineEntry(directory, children, slot);
                }
            }
        }
    }

    private void ExamineEntry(int directory, int children, AttributeSlot slot)
    {
        if (slot.Kind != TfsValueKind.Tuple || _store.IsVector((int)slot.Value)
            || _roles.Of((int)slot.Value) is not (TupleRole.None or TupleRole.Node))
        {
            Remove(directory, children, slot, TfsFindingCode.EntryLeadsNowhere, "leads to no file", "the entry is removed");
            return;
        }
        int child = (int)slot.Value;
        if (!TfsName.IsValid(_store.Symbols.NameOf(slot.Symbol)))
        {
            Remove(directory, children, slot, TfsFindingCode.EntryNameImpossible, "has a name that no file can have", "the file gets a name in /lost+found");
            _ = _lost.Add(child);
            return;
        }
        bool isDirectory = !_store.Get(child, _symbols.Children).IsVacant;
        if (_roles.Of(child) == TupleRole.Node)
        {
            if (_directories.ContainsKey(child))
            {
                bool isAbove = IsAbove(child, directory);
                Remove(directory, children, slot, isAbove ? TfsFindingCode.DirectoryCycle : TfsFindingCode.DirectorySecondName,
                    isAbove ? "leads back to a directory that it lies in" : "is a second name of a directory", "the entry is removed; the directory keeps its other name");
            }
            else
            {
                _extraNames[child] = _extraNames.GetValueOrDefault(child) + 1;
                _links[child] = (directory, slot.Symbol);
            }
            return;
        }
        isDirectory = isDirectory && IsDirectoryStill(directory, slot, child);
        _ = _roles.Take(child, TupleRole.Node);
        if (isDirectory)
        {
            EnterDirectory(child, directory, slot.Symbol);
            return;
        }
        byte[] path() => EntryPath(directory, slot.Symbol);
        FileType? type = _files.Examine(child, _special, path);
        if (type is null)
        {
            Remove(directory, children, slot, TfsFindingCode.LinkTargetDamaged, "is a symbolic link whose target is not a string", "the entry is removed");
            return;
        }
        _report.FileCount += type == FileType.Regular ? 1 : 0;
        _report.OtherCount += type == FileType.Regular ? 0 : 1;
        if (!_store.Get(child, _symbols.LinkCount).IsVacant)
        {
            _links[child] = (directory, slot.Symbol);
        }
    }

    // Whether what has `children` is a directory once these are put right.
    private bool IsDirectoryStill(int directory, AttributeSlot slot, int child)
    {
        AttributeSlot held = _store.Get(child, _symbols.Children);
        bool isTable = held.Kind == TfsValueKind.Tuple && !_store.IsVector((int)held.Value);
        if (isTable && _roles.Take((int)held.Value, TupleRole.Entries) && (int)held.Value != child)
        {
            return true;
        }
        bool stays = _store.Get(child, _symbols.Extents).IsVacant;
        string remedy = stays ? "it becomes an empty directory" : "it becomes a file, since it has extents";
        if (isTable)
        {
            Add(TfsFindingCode.DirectoryShared, directory, slot.Symbol, "is a directory that uses the entries of another", remedy + "; the entries are in the other");
        }
        else
        {
            Add(TfsFindingCode.DirectoryUnreadable, directory, slot.Symbol, "is a directory whose entries cannot be read", remedy);
        }
        if (!stays)
        {
            _ = _store.Remove(child, _symbols.Children);
            return false;
        }
        int empty = _store.NewTuple(false, 0);
        _ = _store.Set(child, _symbols.Children, TfsValueKind.Tuple, (ulong)empty);
        return true;
    }

    private void EnterDirectory(int child, int parent, int symbol)
    {
        _directories[child] = (parent, symbol);
        _report.DirectoryCount++;
        if (!_store.Get(child, _symbols.Extents).IsVacant)
        {
            Add(TfsFindingCode.DirectoryWithExtents, parent, symbol, "is a directory and has extents: Nanos would take it for a file", "the extents are removed");
            _ = _store.Remove(child, _symbols.Extents);
        }
        _files.CheckNumbers(child, () => EntryPath(parent, symbol));
        _open.Push(child);
    }

    // Deleting leaves tuples without a name behind, and that is all right; but nobody deletes a directory with something in it.
    private void FindOrphans()
    {
        var orphans = new List<int>();
        var named = new BitArray(_store.TupleCount + 1);
        int count = _store.TupleCount;
        for (int tuple = TupleStore.Root + 1; tuple <= count; tuple++)
        {
            if (_roles.Of(tuple) != TupleRole.None || _store.IsVector(tuple) || !TryGetTable(tuple, out int children))
            {
                continue;
            }
            bool hasEntries = false;
            foreach (ref readonly AttributeSlot slot in _store.SlotsOf(children))
            {
                if (slot.Kind == TfsValueKind.Tuple && !_store.IsVector((int)slot.Value) && _roles.Of((int)slot.Value) == TupleRole.None && LooksLikeNode((int)slot.Value))
                {
                    hasEntries = true;
                    named[(int)slot.Value] = true;
                }
            }
            if (hasEntries && !_lost.Contains(tuple))
            {
                orphans.Add(tuple);
            }
        }
        // First those that nothing leads to; what is left then are circles, which are cut somewhere.
        foreach (bool isNamed in (ReadOnlySpan<bool>)[false, true])
        {
            foreach (int orphan in orphans)
            {
                if (named[orphan] == isNamed && _roles.Of(orphan) == TupleRole.None)
                {
                    _report.Add(new TfsFinding(TfsFindingCode.DirectoryOrphaned, TfsSeverity.Error,
                        string.Create(CultureInfo.InvariantCulture, $"a directory with {_store.CountOf(ChildrenOf(orphan))} entries has no name")) { Remedy = "it gets a name in /lost+found" });
                    Salvage(orphan);
                }
            }
        }
    }

    private void BringBackLost()
    {
        foreach (int lost in _lost)
        {
            if (_roles.Of(lost) == TupleRole.None)
            {
                Salvage(lost);
            }
        }
    }

    private void Salvage(int node)
    {
        int directory = LostAndFound();
        int children = ChildrenOf(directory);
        string name = string.Create(CultureInfo.InvariantCulture, $"#{node}");
        int symbol = _store.Symbols.Intern(System.Text.Encoding.ASCII.GetBytes(name));
        for (int attempt = 1; !_store.Get(children, symbol).IsVacant; attempt++)
        {
            name = string.Create(CultureInfo.InvariantCulture, $"#{node}.{attempt}"); // the plain one is an earlier repair's
            symbol = _store.Symbols.Intern(System.Text.Encoding.ASCII.GetBytes(name));
        }
        _ = _store.Set(children, symbol, TfsValueKind.Tuple, (ulong)node);
        ExamineEntry(directory, children, _store.Get(children, symbol));
        Walk();
        _report.Did($"{System.Text.Encoding.UTF8.GetString(EntryPath(directory, symbol))} is what was found without a name");
    }

    private int LostAndFound()
    {
        int root = ChildrenOf(TupleStore.Root);
        for (int attempt = 0; ; attempt++)
        {
            byte[] name = attempt == 0 ? "lost+found"u8.ToArray() : System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"lost+found.{attempt}"));
            int symbol = _store.Symbols.Intern(name);
            AttributeSlot held = _store.Get(root, symbol);
            if (held.Kind == TfsValueKind.Tuple && _directories.ContainsKey((int)held.Value))
            {
                return (int)held.Value;
            }
            if (held.IsVacant)
            {
                int directory = _store.NewTuple(false, 4);
                _ = _store.Set(directory, _symbols.Children, TfsValueKind.Tuple, (ulong)_store.NewTuple(false, 0));
                _ = _store.Set(directory, _symbols.Mode, TfsValueKind.Integer, Mode.OfType(FileType.Directory) | 0x1C0);
                _ = _store.Set(directory, _symbols.ModifyTime, TfsValueKind.Integer, _now);
                _ = _store.Set(directory, _symbols.ChangeTime, TfsValueKind.Integer, _now);
                _ = _store.Set(root, symbol, TfsValueKind.Tuple, (ulong)directory);
                _directories[directory] = (TupleStore.Root, symbol);
                return directory;
            }
        }
    }

    private void CheckLinkCounts()
    {
        foreach ((int file, (int Directory, int Symbol) place) in _links)
        {
            ulong names = 1 + (ulong)_extraNames.GetValueOrDefault(file);
            AttributeSlot held = _store.Get(file, _symbols.LinkCount);
            ulong count = 1;
            if (!held.IsVacant && !_store.TryGetNumber(held, out count))
            {
                count = 0;
            }
            if (count == names)
            {
                continue;
            }
            // Nanos gives the file's sectors away when the count is used up, whatever names there are.
            TfsSeverity severity = count < names ? TfsSeverity.Error : TfsSeverity.Warning;
            _report.Add(new TfsFinding(TfsFindingCode.LinkCountWrong, severity,
                string.Create(CultureInfo.InvariantCulture, $"the link count is {count}, but there are {names} names")) { Path = EntryPath(place.Directory, place.Symbol), Remedy = "the link count is set right" });
            _ = _store.Set(file, _symbols.LinkCount, TfsValueKind.Integer, names);
        }
    }

    private void Remove(int directory, int children, AttributeSlot slot, TfsFindingCode code, string problem, string remedy)
    {
        Add(code, directory, slot.Symbol, problem, remedy);
        _ = _store.Remove(children, slot.Symbol);
    }

    private void Add(TfsFindingCode code, int directory, int symbol, string problem, string remedy) =>
        _report.Add(new TfsFinding(code, TfsSeverity.Error, problem) { Path = EntryPath(directory, symbol), Remedy = remedy });

    private bool IsAbove(int above, int directory)
    {
        while (directory != above && directory != TupleStore.Root)
        {
            directory = _directories[directory].Parent;
        }
        return directory == above;
    }

    private bool TryGetTable(int tuple, out int children)
    {
        AttributeSlot held = _store.Get(tuple, _symbols.Children);
        children = (int)held.Value;
        return held.Kind == TfsValueKind.Tuple && !_store.IsVector(children) && children != tuple && _roles.Of(children) == TupleRole.None;
    }

    private bool LooksLikeNode(int tuple) =>
        !_store.Get(tuple, _symbols.Children).IsVacant || !_store.Get(tuple, _symbols.Extents).IsVacant || !_store.Get(tuple, _symbols.LinkTarget).IsVacant
        || !_store.Get(tuple, _symbols.FileLength).IsVacant || !_store.Get(tuple, _symbols.Mode).IsVacant;

    private int ChildrenOf(int directory) => (int)_store.Get(directory, _symbols.Children).Value;

    private byte[] DirectoryPath(int directory)
    {
        var names = new List<int>();
        while (directory != TupleStore.Root)
        {
            (directory, int symbol) = _directories[directory];
            names.Add(symbol);
        }
        var path = new List<byte>();
        for (int i = names.Count - 1; i >= 0; i--)
        {
            path.Add((byte)'/');
            path.AddRange(_store.Symbols.NameOf(names[i]));
        }
        return path.Count == 0 ? "/"u8.ToArray() : [.. path];
    }

    private byte[] EntryPath(int directory, int symbol)
    {
        byte[] above = DirectoryPath(directory);
        return above.Length == 1 ? [.. above, .. _store.Symbols.NameOf(symbol)] : [.. above, (byte)'/', .. _store.Symbols.NameOf(symbol)];
    }
}

/// <summary>What a tuple is used as: nothing can be two things.</summary>
internal enum TupleRole : byte
{
    None = 0,

    /// <summary>A file or directory.</summary>
    Node,

    /// <summary>A directory's `children`.</summary>
    Entries,

    /// <summary>A file's `extents`.</summary>
    Extents,

    /// <summary>One extent.</summary>
    Extent,
}

/// <summary>The roles of all tuples. Those that a repair makes have none.</summary>
internal sealed class TupleRoles(int tupleCount)
{
    private readonly byte[] _roles = new byte[tupleCount + 1];

    public TupleRole Of(int tuple) => tuple < _roles.Length ? (TupleRole)_roles[tuple] : TupleRole.Node;

    /// <summary>Gives a tuple a role. False when it has one already.</summary>
    public bool Take(int tuple, TupleRole role)
    {
        if (tuple >= _roles.Length)
        {
            return true;
        }
        if (_roles[tuple] != 0)
        {
            return false;
        }
        _roles[tuple] = (byte)role;
        return true;
    }
}
