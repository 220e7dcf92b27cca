// TupleCollector gives back the memory of what no file uses any more: tuples that nothing leads to, names that no tuple has. Only behind a
// compaction: the new log's dictionary then knows just what can be reached from the root, and what was added since; a name must not be
// forgotten while the log has a number for it, since no log may write a name out twice.
//
// What is alive without a number is a file in use that has no name, with all that it leads to: its owner marks these. What is made while
// the collection is under way is alive.
//
// Steps are short; between them anybody may change the store. Guarded by TfsMetadata's lock.
using System.Diagnostics;

namespace Tupelo.Tfs;

internal sealed class TupleCollector
{
    private readonly TupleStore _store;
    private readonly LogDictionary _dictionary;
    private readonly int _tupleCount;
    private readonly int _symbolCount;
    private readonly Stack<int> _open = new();
    private int _tuple = TupleStore.Root - 1;
    private int _symbol;

    public TupleCollector(TupleStore store, LogDictionary dictionary, TfsSymbols symbols)
    {
        _store = store;
        _dictionary = dictionary;
        _tupleCount = store.TupleCount;
        _symbolCount = store.Symbols.Count;
        store.BeginMarking();
        foreach (int symbol in symbols.All())
        {
            store.Symbols.Mark(symbol);
        }
    }

    /// <summary>A file that somebody uses: it stays, with or without a name.</summary>
    public void MarkInUse(int file)
    {
        if (_dictionary.OfTuple(file) != 0 || !_store.Exists(file) || !_store.Mark(file))
        {
            return;
        }
        _open.Push(file);
        while (_open.TryPop(out int tuple))
        {
            foreach (ref readonly AttributeSlot slot in _store.SlotsOf(tuple))
            {
                if (slot.Kind is TfsValueKind.Tuple or TfsValueKind.Vector && _dictionary.OfTuple((int)slot.Value) == 0 && _store.Mark((int)slot.Value))
                {
                    _open.Push((int)slot.Value);
                }
            }
        }
    }

    /// <summary>Gives more back. All marks must have been made.</summary>
    /// <returns>True when the collection is through.</returns>
    public bool Step(TimeSpan maxTime)
    {
        long begun = Stopwatch.GetTimestamp();
        for (int sinceLook = 0; _tuple < _tupleCount || _symbol < _symbolCount; sinceLook++)
        {
            if ((sinceLook & 0xFF) == 0xFF && Stopwatch.GetElapsedTime(begun) >= maxTime)
            {
                return false;
            }
            if (_tuple < _tupleCount)
            {
                Visit(++_tuple);
            }
            else if (!_store.Symbols.IsMarked(++_symbol) && _dictionary.OfSymbol(_symbol) == 0)
            {
                _store.Symbols.Free(_symbol);
            }
        }
        _store.EndMarking();
        return true;
    }

    private void Visit(int tuple)
    {
        if (!_store.Exists(tuple))
        {
            return;
        }
        if (_dictionary.OfTuple(tuple) == 0 && !_store.IsMarked(tuple))
        {
            _store.Free(tuple);
            return;
        }
        // A directory's names, and those of other large tuples, have numbers in the log if it knows the tuple.
        if (_dictionary.OfTuple(tuple) != 0)
        {
            return;
        }
        foreach (ref readonly AttributeSlot slot in _store.SlotsOf(tuple))
        {
            _store.Symbols.Mark(slot.Symbol);
        }
    }
}
