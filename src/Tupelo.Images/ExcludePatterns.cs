// Patterns that leave parts of a tree out, in the style of .gitignore:
//   *       any run of characters but '/'          ?       one character but '/'
//   [a-z]   one character of a set, [!a-z] of none  \x      x itself
//   **/     any directories, also none              /**     everything below
// A pattern with a '/' before its end counts from the tree's root; one without counts in every directory. A '/' at the end: directories
// only. What is below an excluded directory is excluded. There are no negated patterns.
// Each pattern is a small automaton that is run without backtracking: the time is at most length of path x length of pattern.
using System.Text;

namespace Tupelo.Images;

/// <summary>A set of patterns.</summary>
public sealed class ExcludePatterns
{
    private enum Kind : byte
    {
        Byte,          // this byte
        One,           // one byte but '/'
        Continuation,  // any number of UTF-8 continuation bytes
        Set,           // one byte of a set
        Run,           // any run without '/'
        Directories,   // zero or more whole components, each with its '/'
        InDirectories, // inside of one of those
        Rest,          // one byte or more, of any kind
        RestMore,
    }

    private sealed record Token(Kind Kind, byte Value = 0, bool[]? Set = null);

    private sealed record Pattern(List<Token> Tokens, bool Anchored, bool DirectoriesOnly);

    private readonly List<Pattern> _patterns = [];

    /// <summary>Takes the patterns.</summary>
    /// <exception cref="FormatException">One of them makes no sense; the message says which.</exception>
    public ExcludePatterns(IEnumerable<string> patterns)
    {
        foreach (string pattern in patterns)
        {
            _patterns.Add(Parse(pattern));
        }
    }

    /// <summary>True when nothing can match.</summary>
    public bool IsEmpty => _patterns.Count == 0;

    /// <summary>Whether the entry at <paramref name="path"/> (from the tree's root, without a leading '/') is left out. Its parent is not.</summary>
    public bool Match(ReadOnlySpan<byte> path, bool isDirectory)
    {
        ReadOnlySpan<byte> name = path[(path.LastIndexOf((byte)'/') + 1)..];
        foreach (Pattern pattern in _patterns)
        {
            if ((isDirectory || !pattern.DirectoriesOnly) && Run(pattern.Tokens, pattern.Anchored ? path : name))
            {
                return true;
            }
        }
        return false;
    }

    private static Pattern Parse(string pattern)
    {
        ReadOnlySpan<byte> rest = Encoding.UTF8.GetBytes(pattern);
        if (rest.IsEmpty || rest.SequenceEqual("/"u8))
        {
            throw new FormatException($"the pattern '{pattern}' matches nothing");
        }
        if (rest[0] == '!')
        {
            throw new FormatException($"the pattern '{pattern}' is negated, which is not possible here; write \\! for a name that begins with '!'");
        }
        bool directoriesOnly = rest[^1] == '/';
        if (directoriesOnly)
        {
            rest = rest[..^1];
        }
        bool anchored = rest.Contains((byte)'/');
        if (rest[0] == '/')
        {
            rest = rest[1..];
        }
        List<Token> tokens = [];
        bool atComponent = true;
        while (!rest.IsEmpty)
        {
            if (atComponent && rest.StartsWith("**/"u8))
            {
                tokens.Add(new Token(Kind.Directories));
                tokens.Add(new Token(Kind.InDirectories));
                rest = rest[3..];
                continue;
            }
            if (atComponent && anchored && rest.SequenceEqual("**"u8))
            {
                tokens.Add(new Token(Kind.Rest));
                tokens.Add(new Token(Kind.RestMore));
                break;
            }
            byte first = rest[0];
            rest = rest[1..];
            atComponent = first == '/';
            switch (first)
            {
                case (byte)'*':
                    tokens.Add(new Token(Kind.Run));
                    break;
                case (byte)'?':
                    tokens.Add(new Token(Kind.One));
                    tokens.Add(new Token(Kind.Continuation));
                    break;
                case (byte)'[':
                    rest = ParseSet(pattern, rest, tokens);
                    break;
                case (byte)'\\':
                    if (rest.IsEmpty)
                    {
                        throw new FormatException($"the pattern '{pattern}' ends with a lone backslash");
                    }
                    tokens.Add(new Token(Kind.Byte, rest[0]));
                    rest = rest[1..];
                    break;
                default:
                    tokens.Add(new Token(Kind.Byte, first));
                    break;
            }
        }
        return new Pattern(tokens, anchored, directoriesOnly);
    }

    private static ReadOnlySpan<byte> ParseSet(string pattern, ReadOnlySpan<byte> rest, List<Token> tokens)
    {
        bool negated = !rest.IsEmpty && rest[0] is (byte)'!' or (byte)'^';
        if (negated)
        {
            rest = rest[1..];
        }
        bool[] set = new bool[256];
        for (bool any = false; ; any = true)
        {
            if (rest.IsEmpty)
            {
                throw new FormatException($"the pattern '{pattern}' has a '[' without its ']'");
            }
            if (rest[0] == ']' && any)
            {
                break;
            }
            byte low = rest[0] == '\\' && rest.Length > 1 ? rest[1] : rest[0];
            rest = rest[(rest[0] == '\\' && rest.Length > 1 ? 2 : 1)..];
            byte high = low;
            if (rest.Length > 1 && rest[0] == '-' && rest[1] != ']')
            {
                high = rest[1];
                rest = rest[2..];
            }
            if (low >= 0x80 || high >= 0x80)
            {
                throw new FormatException($"the pattern '{pattern}' has a set with other than ASCII characters");
            }
            for (int value = low; value <= high; value++)
            {
                set[value] = true;
            }
        }
        for (int value = 0; negated && value < 256; value++)
        {
            set[value] = !set[value];
        }
        set['/'] = false;
        tokens.Add(new Token(Kind.Set, 0, set));
        if (negated)
        {
            tokens.Add(new Token(Kind.Continuation));
        }
        return rest[1..];
    }

    // A state is "the tokens before this one have matched"; all states that are possible go forward together.
    private static bool Run(List<Token> tokens, ReadOnlySpan<byte> text)
    {
        int count = tokens.Count;
        Span<bool> now = count < 512 ? stackalloc bool[count + 1] : new bool[count + 1];
        Span<bool> next = count < 512 ? stackalloc bool[count + 1] : new bool[count + 1];
        now.Clear();
        now[0] = true;
        SkipEmpty(tokens, now);
        foreach (byte value in text)
        {
            next.Clear();
            for (int i = 0; i < count; i++)
            {
                if (!now[i])
                {
                    continue;
                }
                switch (tokens[i].Kind)
                {
                    case Kind.Byte:
                        next[i + 1] |= value == tokens[i].Value;
                        break;
                    case Kind.One:
                        next[i + 1] |= value != '/';
                        break;
                    case Kind.Continuation:
                        next[i] |= (value & 0xC0) == 0x80;
                        break;
                    case Kind.Set:
                        next[i + 1] |= tokens[i].Set![value];
                        break;
                    case Kind.Run:
                        next[i] |= value != '/';
                        break;
                    case Kind.Directories:
                        next[i + 1] |= value != '/';
                        break;
                    case Kind.InDirectories:
                        next[value == '/' ? i - 1 : i] = true;
                        break;
                    case Kind.Rest:
                        next[i + 1] = true;
                        break;
                    case Kind.RestMore:
                        next[i] = true;
                        break;
                }
            }
            SkipEmpty(tokens, next);
            Span<bool> swap = now;
            now = next;
            next = swap;
        }
        return now[count];
    }

    private static void SkipEmpty(List<Token> tokens, Span<bool> states)
    {
        for (int i = 0; i < tokens.Count; i++)
        {
            if (states[i])
            {
                switch (tokens[i].Kind)
                {
                    case Kind.Continuation or Kind.Run or Kind.RestMore:
                        states[i + 1] = true;
                        break;
                    case Kind.Directories:
                        states[i + 2] = true;
                        break;
                }
            }
        }
    }
}
