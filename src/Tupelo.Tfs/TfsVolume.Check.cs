// What opening a volume checks beyond the log: that the tree is a tree, that names can be names, that extents lie on the volume.
// One pass over the tree, without recursion. What is wrong is reported and left out of what callers see.
using System.Globalization;

namespace Tupelo.Tfs;

public sealed partial class TfsVolume
{
    private const int MaxFaults = 1000;

    private void CheckTree()
    {
        if (_known.Children == 0 || _store.Get(TupleStore.Root, _known.Children).Kind != TfsValueKind.Tuple)
        {
            Fault("the root is not a directory; it is shown as an empty one");
            return;
        }
        var seen = new System.Collections.BitArray(_store.TupleCount + 1);
        var directories = new Stack<int>();
        var left = new List<int>();
        seen[TupleStore.Root] = true;
        directories.Push(TupleStore.Root);
        var scratch = new List<TfsExtent>();
        while (directories.TryPop(out int directory))
        {
            AttributeSlot held = _store.Get(directory, _known.Children);
            int children = (int)held.Value;
            // Two directories that share one table of entries would be two names for a directory.
            if (seen[children])
            {
                _ = _store.Remove(directory, _known.Children);
                Report("a directory uses the entries of another; it is shown as a file");
                continue;
            }
            seen[children] = true;
            left.Clear();
            foreach (ref readonly AttributeSlot slot in _store.SlotsOf(children))
            {
                if (slot.IsVacant)
                {
                    continue;
                }
                string? wrong = CheckEntry(slot, seen, directories, scratch);
                if (wrong is not null)
                {
                    left.Add(slot.Symbol);
                    Report($"entry {Printable(_store.Symbols.NameOf(slot.Symbol))} {wrong}; it is left out");
                }
            }
            foreach (int symbol in left)
            {
                _ = _store.Remove(children, symbol);
            }
        }
    }

    private string? CheckEntry(AttributeSlot slot, System.Collections.BitArray seen, Stack<int> directories, List<TfsExtent> scratch)
    {
        if (slot.Kind != TfsValueKind.Tuple)
        {
            return "leads to no file";
        }
        if (!TfsName.IsValid(_store.Symbols.NameOf(slot.Symbol)))
        {
            return "has an impossible name";
        }
        int child = (int)slot.Value;
        if (_store.IsVector(child))
        {
            return "leads to a list";
        }
        AttributeSlot grandchildren = _store.Get(child, _known.Children);
        bool isDirectory = !grandchildren.IsVacant;
        if (isDirectory && (grandchildren.Kind != TfsValueKind.Tuple || _store.IsVector((int)grandchildren.Value)))
        {
            return "is a directory whose entries cannot be read";
        }
        if (seen[child])
        {
            if (isDirectory || child == TupleStore.Root)
            {
                return "is a second name of a directory";
            }
            _extraNames[child] = _extraNames.GetValueOrDefault(child) + 1;
            return null;
        }
        seen[child] = true;
        if (isDirectory)
        {
            directories.Push(child);
        }
        else if (Has(child, _known.LinkTarget) && Get(child, _known.LinkTarget).Kind is not (TfsValueKind.String or TfsValueKind.Buffer))
        {
            return "is a symbolic link whose target is not a string";
        }
        else if ((Has(child, _known.Extents) || Has(child, _known.FileLength)) && !TryReadExtents(child, scratch, out string problem))
        {
            _ = _damagedFiles.Add(child);
            Report($"file {Printable(_store.Symbols.NameOf(slot.Symbol))} cannot be read: {problem}");
        }
        return null;
    }

    private void Report(string message)
    {
        if (_faults.Count < MaxFaults)
        {
            Fault(message);
        }
        else if (_faults.Count == MaxFaults)
        {
            Fault(string.Create(CultureInfo.InvariantCulture, $"more than {MaxFaults} faults: the rest is not listed"));
        }
    }
}
