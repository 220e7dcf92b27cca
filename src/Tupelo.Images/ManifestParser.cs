// The manifest language, in which Nanos' tools describe an image:
//   value  := tuple | vector | string        tuple := '(' { name ':' value } ')'        vector := '[' { value } ']'
// Names and strings are bare or in double quotes; in quotes a backslash takes the next character as it is. A bare name ends at white
// space ( ) [ ] : | and /, a bare string at white space ( ) [ ]. '#' where white space may be begins a comment up to the end of the
// line. Every scalar is a string. A name that occurs twice keeps the last value. Of several tuples on the top level the last counts.
// One pass over the bytes with a stack of open tuples and vectors of its own. docs/tfs-format.md has nothing of this: it is text.
using System.Globalization;
using Tupelo.Tfs;

namespace Tupelo.Images;

/// <summary>Reads manifests.</summary>
public ref struct ManifestParser
{
    /// <summary>Deeper nesting is refused: Nanos' own readers are recursive.</summary>
    public const int MaxDepth = 1000;

    private readonly ReadOnlySpan<byte> _text;
    private readonly string _source;
    private int _at;

    private ManifestParser(ReadOnlySpan<byte> text, string source)
    {
        _text = text;
        _source = source;
        _at = 0;
    }

    /// <summary>Reads a whole manifest.</summary>
    /// <param name="text">UTF-8, or any bytes.</param>
    /// <param name="source">What to call it in messages.</param>
    /// <exception cref="ImageException">It is not a manifest; the message begins with source:line:column.</exception>
    public static TupleLiteral Parse(ReadOnlySpan<byte> text, string source)
    {
        ManifestParser parser = new(text, source);
        TupleLiteral? last = null;
        parser.SkipSpace();
        while (parser._at < text.Length)
        {
            last = parser.ParseOne() as TupleLiteral ?? throw parser.Error("a manifest consists of tuples: '(' is expected here");
            parser.SkipSpace();
        }
        return last ?? throw parser.Error("there is no tuple in it: '(' is expected");
    }

    /// <summary>Reads one value, which must be all of the text.</summary>
    /// <inheritdoc cref="Parse"/>
    public static TfsLiteral ParseValue(ReadOnlySpan<byte> text, string source)
    {
        ManifestParser parser = new(text, source);
        parser.SkipSpace();
        TfsLiteral value = parser.ParseOne();
        parser.SkipSpace();
        return parser._at == text.Length ? value : throw parser.Error("there is more behind the value");
    }

    private TfsLiteral ParseOne()
    {
        Stack<(TfsLiteral Composite, AttributeName Name, int Start)> open = new();
        AttributeName name = default; // of the value that comes next, in a tuple
        while (true)
        {
            int start = _at;
            TfsLiteral? value = null;
            byte next = Peek();
            if (next is (byte)'(' or (byte)'[')
            {
                _at++;
                if (open.Count == MaxDepth)
                {
                    throw Error($"tuples and vectors are nested deeper than {MaxDepth} levels", start);
                }
                open.Push((next == '(' ? new TupleLiteral() : new VectorLiteral(), name, start));
            }
            else
            {
                value = new StringLiteral(ReadString(" \t\r\n\v\f()[]"u8, "a value"));
            }
            // The value is complete, and so may be what it completes.
            while (true)
            {
                if (value is not null)
                {
                    if (!open.TryPeek(out (TfsLiteral Composite, AttributeName Name, int Start) parent))
                    {
                        return value;
                    }
                    if (parent.Composite is TupleLiteral tuple)
                    {
                        tuple.Set(name, value);
                    }
                    else
                    {
                        ((VectorLiteral)parent.Composite).Add(value);
                    }
                }
                SkipSpace();
                (TfsLiteral composite, AttributeName outerName, int opened) = open.Peek();
                bool isTuple = composite is TupleLiteral;
                if (_at == _text.Length)
                {
                    throw Error(isTuple ? "this '(' has no ')'" : "this '[' has no ']'", opened);
                }
                if (Peek() != (isTuple ? (byte)')' : (byte)']'))
                {
                    break;
                }
                _at++;
                _ = open.Pop();
                name = outerName;
                value = composite;
            }
            if (open.Peek().Composite is TupleLiteral)
            {
                name = ReadName();
            }
        }
    }

    private AttributeName ReadName()
    {
        AttributeName name = new(ReadString(" \t\r\n\v\f()[]:|/"u8, "a name"));
        if (name.Bytes.IsEmpty || name.Bytes.Length > TupleEncoder.MaxSymbolBytes)
        {
            throw Error($"a name has 1 to {TupleEncoder.MaxSymbolBytes} bytes");
        }
        SkipSpace();
        if (Peek() != ':')
        {
            throw Error($"after the name {TfsText.Quote(name.Bytes)} ':' is expected");
        }
        _at++;
        SkipSpace();
        return name;
    }

    private byte[] ReadString(ReadOnlySpan<byte> ends, string what)
    {
        int start = _at;
        if (Peek() != '"')
        {
            int length = _text[_at..].IndexOfAny(ends);
            length = length < 0 ? _text.Length - _at : length;
            if (length == 0)
            {
                throw Error(_at == _text.Length ? $"{what} is expected, but the text ends" : $"{what} is expected, not '{Shown(_text[_at])}'");
            }
            _at += length;
            return _text.Slice(start, length).ToArray();
        }
        _at++;
        List<byte> quoted = [];
        while (_at < _text.Length)
        {
            byte next = _text[_at++];
            if (next == '"')
            {
                return [.. quoted];
            }
            if (next == '\\')
            {
                if (_at == _text.Length)
                {
                    break;
                }
                next = _text[_at++];
            }
            quoted.Add(next);
        }
        throw Error("this '\"' has no end", start);
    }

    private readonly byte Peek() => _at < _text.Length ? _text[_at] : (byte)0;

    private void SkipSpace()
    {
        while (_at < _text.Length)
        {
            byte next = _text[_at];
            if (next == '#')
            {
                int end = _text[_at..].IndexOf((byte)'\n');
                _at = end < 0 ? _text.Length : _at + end;
            }
            else if (next is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r'))
            {
                _at++;
            }
            else
            {
                return;
            }
        }
    }

    private static string Shown(byte value) => value is > 0x20 and < 0x7F ? ((char)value).ToString() : $"\\x{value:x2}";

    private readonly ImageException Error(string message, int at = -1)
    {
        ReadOnlySpan<byte> before = _text[..(at < 0 ? _at : at)];
        int line = before.Count((byte)'\n') + 1;
        int column = before.Length - before.LastIndexOf((byte)'\n');
        return new ImageException(string.Create(CultureInfo.InvariantCulture, $"{_source}:{line}:{column}: {message}"));
    }
}
