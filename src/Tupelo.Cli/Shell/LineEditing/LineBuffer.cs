// The line being edited: text, cursor, and what was cut last. A step of the cursor is a text element (a letter with its accents, a
// flag), so that nothing is cut in two. No terminal here.
using System.Globalization;

namespace Tupelo.Cli.LineEditing;

/// <summary>Text with a cursor.</summary>
internal sealed class LineBuffer
{
    private string _killed = string.Empty;

    public string Text { get; private set; } = string.Empty;

    /// <summary>In UTF-16 units, always between two text elements.</summary>
    public int Cursor { get; private set; }

    public void Set(string text) => Set(text, text.Length);

    public void Set(string text, int cursor) => (Text, Cursor) = (text, cursor);

    public void Insert(string text) => Set(Text.Insert(Cursor, text), Cursor + text.Length);

    /// <summary>Puts <paramref name="text"/> where [start, cursor) was.</summary>
    public void ReplaceToCursor(int start, string text) => Set(Text[..start] + text + Text[Cursor..], start + text.Length);

    public void Left() => Cursor = Before(Cursor);

    public void Right() => Cursor = After(Cursor);

    public void Home() => Cursor = 0;

    public void End() => Cursor = Text.Length;

    public void WordLeft() => Cursor = WordStart();

    public void WordRight()
    {
        while (Cursor < Text.Length && !char.IsLetterOrDigit(Text[Cursor]))
        {
            Right();
        }
        while (Cursor < Text.Length && char.IsLetterOrDigit(Text[Cursor]))
        {
            Right();
        }
    }

    /// <summary>Backspace.</summary>
    public void DeleteBefore() => Remove(Before(Cursor), Cursor);

    public void DeleteAfter() => Remove(Cursor, After(Cursor));

    /// <summary>Ctrl-K.</summary>
    public void KillToEnd() => Kill(Cursor, Text.Length);

    /// <summary>Ctrl-U.</summary>
    public void KillToStart() => Kill(0, Cursor);

    /// <summary>Ctrl-W: back to the blank before the word.</summary>
    public void KillWord()
    {
        int start = Cursor;
        while (start > 0 && Text[start - 1] == ' ')
        {
            start--;
        }
        while (start > 0 && Text[start - 1] != ' ')
        {
            start--;
        }
        Kill(start, Cursor);
    }

    /// <summary>Ctrl-Y: what was killed last.</summary>
    public void Yank() => Insert(_killed);

    private void Kill(int start, int end)
    {
        if (end > start)
        {
            _killed = Text[start..end];
            Remove(start, end);
        }
    }

    private void Remove(int start, int end) => Set(Text.Remove(start, end - start), start);

    private int After(int at) => at >= Text.Length ? at : at + StringInfo.GetNextTextElementLength(Text, at);

    private int Before(int at)
    {
        int previous = 0;
        for (int next = 0; next < at; next = After(next))
        {
            previous = next;
        }
        return previous;
    }

    private int WordStart()
    {
        int start = Cursor;
        while (start > 0 && !char.IsLetterOrDigit(Text[start - 1]))
        {
            start--;
        }
        while (start > 0 && char.IsLetterOrDigit(Text[start - 1]))
        {
            start--;
        }
        return start;
    }
}
