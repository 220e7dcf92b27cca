// The numbers that symbols, tuples and vectors have in one log, from the writer's side: which number a thing got when it was last
// written out, and which comes next. Mounting takes them over from the decoder; compaction starts an empty one.
// Guarded by TfsMetadata's lock.
namespace Tupelo.Tfs;

internal sealed class LogDictionary
{
    private readonly ChunkedArray<uint> _symbols = new();
    private readonly ChunkedArray<uint> _tuples = new();

    private List<(ChunkedArray<uint> Numbers, int Thing)>? _noted; // what got a number since Note

    /// <summary>The number that the next symbol, tuple or vector gets.</summary>
    public uint Next { get; private set; } = 1;

    /// <summary>Number of a symbol; 0 when this log does not have it yet.</summary>
    public uint OfSymbol(int symbol) => symbol < _symbols.Count ? _symbols[symbol] : 0;

    /// <summary>Number of a tuple or vector; 0 when this log does not have it yet.</summary>
    public uint OfTuple(int tuple) => tuple < _tuples.Count ? _tuples[tuple] : 0;

    /// <summary>Gives a symbol its number.</summary>
    public uint AddSymbol(int symbol) => Put(_symbols, symbol);

    /// <summary>Gives a tuple or vector its number.</summary>
    public uint AddTuple(int tuple) => Put(_tuples, tuple);

    /// <summary>The numbers of a log that <paramref name="decoder"/> has read to its end. A symbol that was written out twice (an old
    /// builder's mistake) keeps its first number; the count goes on from the true one.</summary>
    public static LogDictionary From(TupleDecoder decoder)
    {
        var dictionary = new LogDictionary();
        for (int index = 1; index <= decoder.DictionaryCount; index++)
        {
            int symbol = decoder.SymbolAt((ulong)index);
            if (symbol == 0)
            {
                Grow(dictionary._tuples, decoder.TupleAt((ulong)index)) = (uint)index;
            }
            else
            {
                ref uint number = ref Grow(dictionary._symbols, symbol);
                number = number == 0 ? (uint)index : number;
            }
        }
        dictionary.Next = (uint)decoder.DictionaryCount + 1;
        return dictionary;
    }

    /// <summary>From now on additions can be taken back; until <see cref="Keep"/> or <see cref="TakeBack"/>.</summary>
    public void Note() => _noted = [];

    /// <summary>What was added since <see cref="Note"/> stays.</summary>
    public void Keep() => _noted = null;

    /// <summary>What was added since <see cref="Note"/> has no number any more.</summary>
    public void TakeBack()
    {
        foreach ((ChunkedArray<uint> numbers, int thing) in _noted!)
        {
            numbers[thing] = 0;
        }
        Next -= (uint)_noted.Count;
        _noted = null;
    }

    private uint Put(ChunkedArray<uint> numbers, int thing)
    {
        _noted?.Add((numbers, thing));
        Grow(numbers, thing) = Next;
        return Next++;
    }

    private static ref uint Grow(ChunkedArray<uint> numbers, int thing)
    {
        while (numbers.Count <= thing)
        {
            _ = numbers.Add(0);
        }
        return ref numbers[thing];
    }
}
