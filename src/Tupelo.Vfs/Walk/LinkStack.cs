// LinkStack holds what remains of paths whose links are being followed, and counts the links.
//
// The first remainder is a slice of the caller's path, the others are slices of link texts, which never change. The array for
// the latter is lent by the thread, so that following links allocates nothing once warm.
namespace Tupelo.Vfs;

internal ref struct LinkStack
{
    [ThreadStatic]
    private static ReadOnlyMemory<byte>[]? t_spare;

    private ReadOnlyMemory<byte>[]? _texts;
    private ReadOnlySpan<byte> _original;   // The bottom of the stack.
    private ReadOnlyMemory<byte> _current;  // The text that is being read, when _following.
    private int _depth;                     // Remainders waiting.
    private int _count;                     // Links followed.
    private bool _following;

    internal readonly bool IsEmpty => _depth == 0;

    // False when one link too many would be followed.
    internal bool TryCount() => ++_count <= PathWalk.MaxLinks;

    // Continues in a link's text; what remains of the present text waits, if anything does.
    internal void Push(ref ReadOnlySpan<byte> rest, ReadOnlyMemory<byte> text)
    {
        if (!rest.IsEmpty)
        {
            if (_following)
            {
                _texts ??= t_spare ?? new ReadOnlyMemory<byte>[PathWalk.MaxLinks];
                t_spare = null;
                _texts[_depth] = _current[^rest.Length..];
            }
            else
            {
                _original = rest;
            }
            _depth++;
        }
        _following = true;
        _current = text;
        rest = text.Span;
    }

    // The present text is read to its end: goes on with what waited last.
    internal bool TryPop(ref ReadOnlySpan<byte> rest)
    {
        if (_depth == 0)
        {
            return false;
        }
        _depth--;
        if (_depth == 0 && !_original.IsEmpty)
        {
            rest = _original;
            _original = default;
            _following = false;
        }
        else
        {
            _current = _texts![_depth];
            rest = _current.Span;
        }
        return true;
    }

    internal void Restart()
    {
        _depth = 0;
        _count = 0;
        _following = false;
        _original = default;
        _current = default;
    }

    internal void Dispose()
    {
        if (_texts is not null)
        {
            Array.Clear(_texts);
            t_spare = _texts;
            _texts = null;
        }
    }
}
