// Reads one line after another from a terminal, as people expect it: the cursor keys, Home and End, Ctrl-A E B F K U W Y L, history with
// Up and Down and Ctrl-R, completion with Tab. Ctrl-C gives the line up, Ctrl-D on an empty line ends the input.
//
// Above: a session that wants lines. Below: KeyDecoder (bytes to keys), LineBuffer (text), LineDisplay (screen), LineHistory. What the
// terminal is in the meantime (raw) is the caller's business: RawTerminal.
using System.Text;

namespace Tupelo.Cli.LineEditing;

/// <summary>What may stand at the cursor.</summary>
/// <param name="Start">Where the word begins that is to be completed.</param>
/// <param name="Candidates">Whole words as they are typed (quoted), in order.</param>
internal readonly record struct Completions(int Start, IReadOnlyList<string> Candidates);

/// <summary>An editor of lines. One thread.</summary>
internal sealed class LineEditor(KeyDecoder keys, Action<string> write, Func<int> width, LineHistory history, Func<string, int, Completions> complete)
{
    private const string SearchPrompt = "(search) ";

    private readonly LineBuffer _line = new();
    private readonly LineDisplay _display = new(write, width);
    private string _prompt = string.Empty;
    private int _historyIndex;          // Lines.Count: the line being typed, which _typed keeps meanwhile.
    private string _typed = string.Empty;
    private bool _tabbedBefore;

    /// <summary>Whether the last line was given up with Ctrl-C.</summary>
    public bool WasCancelled { get; private set; }

    /// <summary>Reads a line.</summary>
    /// <returns>The line; empty when it was given up; null at the end of the input.</returns>
    public string? Read(string prompt)
    {
        _prompt = prompt;
        _line.Set(string.Empty);
        _historyIndex = history.Lines.Count;
        _typed = string.Empty;
        _tabbedBefore = false;
        WasCancelled = false;
        Draw();
        while (true)
        {
            Key key = keys.Read();
            if (key.Kind == KeyKind.EndOfInput || (key is { Kind: KeyKind.Control, Rune.Value: 'd' } && _line.Text.Length == 0))
            {
                _display.Finish(_prompt, _line.Text);
                return null;
            }
            if (key is { Kind: KeyKind.Control, Rune.Value: 'r' } && !Search(out key))
            {
                continue;
            }
            if (key.Kind == KeyKind.Enter)
            {
                _display.Finish(_prompt, _line.Text);
                return _line.Text;
            }
            if (key is { Kind: KeyKind.Control, Rune.Value: 'c' })
            {
                _display.Finish(_prompt, _line.Text, "^C");
                WasCancelled = true;
                return string.Empty;
            }
            if (key.Kind == KeyKind.Tab)
            {
                Complete();
            }
            else
            {
                Edit(key);
                _tabbedBefore = false;
            }
            Draw();
        }
    }

    private void Draw() => _display.Draw(_prompt, _line.Text, _line.Cursor);

    private void Edit(Key key)
    {
        switch (key.Kind)
        {
            case KeyKind.Character:
                _line.Insert(key.Rune.ToString());
                break;
            case KeyKind.Backspace:
                _line.DeleteBefore();
                break;
            case KeyKind.Delete:
                _line.DeleteAfter();
                break;
            case KeyKind.Left:
                _line.Left();
                break;
            case KeyKind.Right:
                _line.Right();
                break;
            case KeyKind.WordLeft:
                _line.WordLeft();
                break;
            case KeyKind.WordRight:
                _line.WordRight();
                break;
            case KeyKind.Home:
                _line.Home();
                break;
            case KeyKind.End:
                _line.End();
                break;
            case KeyKind.Up:
                Recall(-1);
                break;
            case KeyKind.Down:
                Recall(1);
                break;
            case KeyKind.Control:
                EditControl((char)key.Rune.Value);
                break;
            default:
                break;
        }
    }

    private void EditControl(char letter)
    {
        switch (letter)
        {
            case 'a':
                _line.Home();
                break;
            case 'b':
                _line.Left();
                break;
            case 'd':
                _line.DeleteAfter();
                break;
            case 'e':
                _line.End();
                break;
            case 'f':
                _line.Right();
                break;
            case 'k':
                _line.KillToEnd();
                break;
            case 'l':
                _display.Clear();
                break;
            case 'n':
                Recall(1);
                break;
            case 'p':
                Recall(-1);
                break;
            case 'u':
                _line.KillToStart();
                break;
            case 'w':
                _line.KillWord();
                break;
            case 'y':
                _line.Yank();
                break;
            default:
                break;
        }
    }

    private void Recall(int step)
    {
        int index = _historyIndex + step;
        if (index < 0 || index > history.Lines.Count)
        {
            return;
        }
        if (_historyIndex == history.Lines.Count)
        {
            _typed = _line.Text;
        }
        _historyIndex = index;
        _line.Set(index == history.Lines.Count ? _typed : history.Lines[index]);
    }

    // Ctrl-R: what is typed is looked for in the history, Ctrl-R again goes further back. False when it was given up; otherwise the
    // line found is the line, and `key` is what ended the search and is still to be done.
    private bool Search(out Key key)
    {
        string before = _line.Text;
        int cursor = _line.Cursor;
        var wanted = new StringBuilder();
        int found = history.Lines.Count;
        while (true)
        {
            string text = found < history.Lines.Count ? history.Lines[found] : string.Empty;
            int at = text.IndexOf(wanted.ToString(), StringComparison.Ordinal);
            _display.Draw($"{SearchPrompt}{wanted}: ", text, Math.Max(at, 0));
            key = keys.Read();
            switch (key.Kind)
            {
                case KeyKind.Character:
                    _ = wanted.Append(key.Rune.ToString());
                    found = Older(wanted.ToString(), found, found + 1);
                    continue;
                case KeyKind.Backspace when wanted.Length > 0:
                    wanted.Length -= char.IsLowSurrogate(wanted[^1]) ? 2 : 1;
                    found = Older(wanted.ToString(), found, history.Lines.Count);
                    continue;
                case KeyKind.Control when key.Rune.Value == 'r':
                    found = Older(wanted.ToString(), found, found);
                    continue;
                case KeyKind.Control when key.Rune.Value is 'c' or 'g':
                case KeyKind.Escape:
                case KeyKind.EndOfInput:
                    _line.Set(before, cursor);
                    Draw();
                    return false;
                default:
                    if (found < history.Lines.Count)
                    {
                        _line.Set(text, Math.Max(at, 0));
                        _historyIndex = found;
                        if (key.Kind == KeyKind.Enter)
                        {
                            _line.End();
                        }
                    }
                    return true;
            }
        }
    }

    // Stays where it is when there is none.
    private int Older(string wanted, int now, int before)
    {
        int index = wanted.Length == 0 ? -1 : history.Search(wanted, before);
        return index >= 0 ? index : now;
    }

    private void Complete()
    {
        (int start, IReadOnlyList<string> candidates) = complete(_line.Text, _line.Cursor);
        if (candidates.Count == 0)
        {
            write("\a");
            return;
        }
        string typed = _line.Text[start.._line.Cursor];
        string common = CommonPrefix(candidates);
        if (candidates.Count == 1)
        {
            // A directory may go on; anything else is followed by a blank.
            _line.ReplaceToCursor(start, common.EndsWith('/') ? common : common + " ");
        }
        else if (common.Length > typed.Length)
        {
            _line.ReplaceToCursor(start, common);
        }
        else if (_tabbedBefore)
        {
            List(candidates);
        }
        else
        {
            write("\a");
        }
        _tabbedBefore = true;
    }

    private void List(IReadOnlyList<string> candidates)
    {
        const int MaxListed = 200;
        _display.Finish(_prompt, _line.Text);
        int widest = candidates.Max(static candidate => candidate.Length) + 2;
        int perRow = Math.Max(1, width() / widest);
        var text = new StringBuilder();
        for (int i = 0; i < Math.Min(candidates.Count, MaxListed); i++)
        {
            bool ends = i % perRow == perRow - 1 || i == candidates.Count - 1;
            _ = text.Append(ends ? candidates[i] : candidates[i].PadRight(widest)).Append(ends ? "\r\n" : "");
        }
        write(candidates.Count > MaxListed ? $"{text}... and {candidates.Count - MaxListed} more\r\n" : text.ToString());
    }

    private static string CommonPrefix(IReadOnlyList<string> candidates)
    {
        string common = candidates[0];
        foreach (string candidate in candidates)
        {
            int same = 0;
            while (same < common.Length && same < candidate.Length && common[same] == candidate[same])
            {
                same++;
            }
            common = common[..same];
        }
        return common.Length > 0 && char.IsHighSurrogate(common[^1]) ? common[..^1] : common;
    }
}
