// A pattern as the shell has them: * any run, ? one character, [a-z] one of a set, \x x itself. Bytes that are not UTF-8 count as a
// character each. Unlike a path pattern, * and ? match '/' too, as find's -path has it. Matching goes back only to the last *, so its
// time is at most length of name x length of pattern.
using System.Buffers;
using System.Text;

namespace Tupelo.Cli;

internal sealed class NamePattern
{
    private readonly List<Piece> _pieces = [];
    private readonly bool _ignoreCase;

    /// <summary>Takes the pattern.</summary>
    public NamePattern(string pattern, bool ignoreCase = false)
    {
        _ignoreCase = ignoreCase;
        Rune[] runes = [.. pattern.EnumerateRunes()];
        for (int i = 0; i < runes.Length; i++)
        {
            switch (runes[i].Value)
            {
                case '*':
                    if (_pieces.Count == 0 || _pieces[^1].Kind != PieceKind.Run)
                    {
                        _pieces.Add(new Piece(PieceKind.Run));
                    }
                    break;
                case '?':
                    _pieces.Add(new Piece(PieceKind.One));
                    break;
                case '[' when TryReadSet(runes, ref i, out Piece set):
                    _pieces.Add(set);
                    break;
                case '\\' when i + 1 < runes.Length:
                    _pieces.Add(new Piece(PieceKind.Same, Fold(runes[++i].Value)));
                    break;
                default:
                    _pieces.Add(new Piece(PieceKind.Same, Fold(runes[i].Value)));
                    break;
            }
        }
    }

    /// <summary>True when the whole of <paramref name="name"/> matches.</summary>
    public bool Matches(ReadOnlySpan<byte> name)
    {
        int piece = 0;
        int at = 0;
        int runPiece = -1;
        int runAt = 0;
        while (at < name.Length)
        {
            int character = CharacterAt(name[at..], out int length);
            if (piece < _pieces.Count && _pieces[piece].Kind == PieceKind.Run)
            {
                runPiece = piece++;
                runAt = at;
            }
            else if (piece < _pieces.Count && IsMatch(_pieces[piece], character))
            {
                piece++;
                at += length;
            }
            else if (runPiece >= 0)
            {
                CharacterAt(name[runAt..], out int skipped);
                runAt += skipped;
                at = runAt;
                piece = runPiece + 1;
            }
            else
            {
                return false;
            }
        }
        while (piece < _pieces.Count && _pieces[piece].Kind == PieceKind.Run)
        {
            piece++;
        }
        return piece == _pieces.Count;
    }

    // A byte that is not UTF-8 is a character of its own, negative.
    private int CharacterAt(ReadOnlySpan<byte> text, out int length)
    {
        if (Rune.DecodeFromUtf8(text, out Rune rune, out length) == OperationStatus.Done)
        {
            return Fold(rune.Value);
        }
        length = 1;
        return -text[0];
    }

    private int Fold(int character) => _ignoreCase ? Rune.ToLowerInvariant(new Rune(character)).Value : character;

    private bool IsMatch(Piece piece, int character)
    {
        switch (piece.Kind)
        {
            case PieceKind.One:
                return true;
            case PieceKind.Same:
                return piece.Character == character;
            default:
                bool found = false;
                foreach ((int low, int high) in piece.Ranges!)
                {
                    found |= character >= low && character <= high;
                }
                return found != piece.IsNegated;
        }
    }

    private bool TryReadSet(Rune[] runes, ref int i, out Piece set)
    {
        int at = i + 1;
        bool negated = at < runes.Length && runes[at].Value is '!' or '^';
        at += negated ? 1 : 0;
        var ranges = new List<(int Low, int High)>();
        for (int first = at; at < runes.Length; at++)
        {
            if (runes[at].Value == ']' && at > first)
            {
                set = new Piece(PieceKind.Set) { Ranges = ranges, IsNegated = negated };
                i = at;
                return true;
            }
            int low = runes[at].Value == '\\' && at + 1 < runes.Length ? runes[++at].Value : runes[at].Value;
            int high = low;
            if (at + 2 < runes.Length && runes[at + 1].Value == '-' && runes[at + 2].Value != ']')
            {
                at += 2;
                high = runes[at].Value;
            }
            ranges.Add((Fold(low), Fold(high)));
        }
        set = default; // without its ']' the '[' is a plain character
        return false;
    }

    private enum PieceKind
    {
        Same,
        One,
        Run,
        Set,
    }

    private readonly record struct Piece(PieceKind Kind, int Character = 0)
    {
        public List<(int Low, int High)>? Ranges { get; init; }

        public bool IsNegated { get; init; }
    }
}
