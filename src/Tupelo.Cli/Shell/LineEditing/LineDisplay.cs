// Shows a prompt and a line on a terminal, over as many rows as they take, and puts the cursor where it belongs. Knows nothing about
// what else is on the screen: it draws from the row where the prompt began to the end of the screen.
//
// Invariant between two calls: the terminal's cursor is on row _cursorRow of what was drawn.
using System.Globalization;
using System.Text;

namespace Tupelo.Cli.LineEditing;

/// <summary>The drawn line.</summary>
/// <param name="write">To the terminal.</param>
/// <param name="width">Its columns now.</param>
internal sealed class LineDisplay(Action<string> write, Func<int> width)
{
    private int _cursorRow;

    /// <summary>Draws again, in place of what was drawn before.</summary>
    /// <param name="cursor">Where in <paramref name="text"/>, in UTF-16 units.</param>
    public void Draw(string prompt, string text, int cursor)
    {
        int columns = Math.Max(2, width());
        string shownPrompt = Visible(prompt);
        string shownText = Visible(text);
        (int row, int column) = Position(shownPrompt + Visible(text[..cursor]), columns);
        (int lastRow, int lastColumn) = Position(shownPrompt + shownText, columns);
        var output = new StringBuilder("\r");
        Up(output, _cursorRow);
        _ = output.Append("\u001b[J").Append(shownPrompt).Append(shownText);
        if (lastColumn == 0 && lastRow > 0)
        {
            // A full row: terminals stay on it until there is more.
            _ = output.Append("\r\n");
        }
        Up(output, lastRow - row);
        _ = output.Append('\r');
        if (column > 0)
        {
            _ = output.Append("\u001b[").Append(column.ToString(CultureInfo.InvariantCulture)).Append('C');
        }
        _cursorRow = row;
        write(output.ToString());
    }

    /// <summary>Leaves what is drawn, with the cursor at its end, and goes to a new row.</summary>
    public void Finish(string prompt, string text, string mark = "")
    {
        Draw(prompt, text + mark, text.Length + mark.Length);
        write("\r\n");
        _cursorRow = 0;
    }

    /// <summary>Clears the screen; the next drawing begins at its top.</summary>
    public void Clear()
    {
        write("\u001b[H\u001b[2J");
        _cursorRow = 0;
    }

    /// <summary>Columns that a text element takes.</summary>
    internal static int WidthOf(string element)
    {
        Rune rune = Rune.GetRuneAt(element, 0);
        return Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format ? 0
            : rune.Value is (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3) or (>= 0xF900 and <= 0xFAFF)
                or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0xFFE0 and <= 0xFFE6) or (>= 0x1F300 and <= 0x1F64F)
                or (>= 0x1F900 and <= 0x1F9FF) or (>= 0x20000 and <= 0x3FFFD) ? 2
            : 1;
    }

    private static void Up(StringBuilder output, int rows)
    {
        if (rows > 0)
        {
            _ = output.Append("\u001b[").Append(rows.ToString(CultureInfo.InvariantCulture)).Append('A');
        }
    }

    // Control characters would move the cursor: they are shown as ^X.
    private static string Visible(string text)
    {
        if (!text.Any(char.IsControl))
        {
            return text;
        }
        var visible = new StringBuilder();
        foreach (char c in text)
        {
            _ = char.IsControl(c) ? visible.Append('^').Append((char)((c & 0x1F) + 0x40)) : visible.Append(c);
        }
        return visible.ToString();
    }

    private static (int Row, int Column) Position(string text, int columns)
    {
        int row = 0;
        int column = 0;
        TextElementEnumerator elements = StringInfo.GetTextElementEnumerator(text);
        while (elements.MoveNext())
        {
            int wide = WidthOf(elements.GetTextElement());
            if (column + wide > columns)
            {
                row++;
                column = 0;
            }
            column += wide;
            if (column == columns)
            {
                row++;
                column = 0;
            }
        }
        return (row, column);
    }
}
