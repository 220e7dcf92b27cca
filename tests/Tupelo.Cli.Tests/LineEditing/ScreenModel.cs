// A terminal's screen, as far as the line editor uses one: rows of characters, wrapping at the right edge (late, as terminals do: the
// cursor stays on a full row until there is more), scrolling, and the escape sequences that the editor sends. Anything else fails the test.
using System.Globalization;
using System.Text;
using Tupelo.Cli.LineEditing;

namespace Tupelo.Cli.Tests.LineEditing;

internal sealed class ScreenModel(int columns, int rows)
{
    private readonly string[,] _cells = new string[rows, columns];
    private bool _isFull; // The row is full and the cursor stays on its last column.

    public int Row { get; private set; }

    public int Column { get; private set; }

    public int Bells { get; private set; }

    /// <summary>The rows that have something on them, without blanks at their ends.</summary>
    public string Text
    {
        get
        {
            var lines = new List<string>();
            for (int row = 0; row < rows; row++)
            {
                var line = new StringBuilder();
                for (int column = 0; column < columns; column++)
                {
                    _ = line.Append(_cells[row, column] ?? " ");
                }
                lines.Add(line.ToString().TrimEnd());
            }
            return string.Join('\n', lines).TrimEnd('\n');
        }
    }

    public void Write(string text)
    {
        int at = 0;
        while (at < text.Length)
        {
            int length = StringInfo.GetNextTextElementLength(text, at);
            if (text[at] == '\u001b')
            {
                Assert.Equal('[', text[at + 1]);
                int end = at + 2;
                while (char.IsAsciiDigit(text[end]))
                {
                    end++;
                }
                Control(text[end], end > at + 2 ? int.Parse(text[(at + 2)..end], CultureInfo.InvariantCulture) : null);
                at = end + 1;
                continue;
            }
            // "\r\n" is one text element.
            foreach (string element in text.Substring(at, length) is "\r\n" ? ["\r", "\n"] : new[] { text.Substring(at, length) })
            {
                Put(element);
            }
            at += length;
        }
    }

    private void Put(string element)
    {
        switch (element)
        {
            case "\r":
                Column = 0;
                _isFull = false;
                return;
            case "\n":
                NextRow();
                _isFull = false;
                return;
            case "\a":
                Bells++;
                return;
            default:
                break;
        }
        Assert.False(char.IsControl(element[0]), $"control character {(int)element[0]} is shown");
        int wide = LineDisplay.WidthOf(element);
        if (_isFull || Column + wide > columns)
        {
            Column = 0;
            NextRow();
            _isFull = false;
        }
        for (int i = 0; i < wide; i++)
        {
            _cells[Row, Column + i] = i == 0 ? element : string.Empty;
        }
        Column += wide;
        if (Column == columns)
        {
            Column--;
            _isFull = true;
        }
    }

    private void NextRow()
    {
        if (Row < rows - 1)
        {
            Row++;
            return;
        }
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                _cells[row, column] = row + 1 < rows ? _cells[row + 1, column] : " ";
            }
        }
    }

    private void Control(char final, int? count)
    {
        _isFull = false;
        switch (final)
        {
            case 'A':
                Row = Math.Max(0, Row - (count ?? 1));
                break;
            case 'C':
                Column = Math.Min(columns - 1, Column + (count ?? 1));
                break;
            case 'H':
                (Row, Column) = (0, 0);
                break;
            case 'J':
                for (int cell = count == 2 ? 0 : (Row * columns) + Column; cell < rows * columns; cell++)
                {
                    _cells[cell / columns, cell % columns] = " ";
                }
                break;
            default:
                Assert.Fail($"the screen knows no sequence that ends with {final}");
                break;
        }
    }
}
