using System.Text;
using Tupelo.Cli.LineEditing;

namespace Tupelo.Cli.Tests.LineEditing;

/// <summary>The line editor: keys go in as bytes, the screen shows what it draws.</summary>
public sealed class LineEditorTests
{
    private const string Up = "\u001b[A";
    private const string Down = "\u001b[B";
    private const string Left = "\u001b[D";
    private const string Right = "\u001b[C";
    private const string Home = "\u001b[H";
    private const string End = "\u001b[F";
    private const string Delete = "\u001b[3~";

    private readonly LineHistory _history = new(null);
    private ScreenModel _screen = new(40, 10);
    private Func<string, int, Completions> _complete = static (_, cursor) => new Completions(cursor, []);

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("ac" + Left + "b", "abc")]
    [InlineData("bc" + Home + "a" + End + "d", "abcd")]
    [InlineData("bc\u0001a\u0005d", "abcd")]                              // Ctrl-A, Ctrl-E
    [InlineData("bc\u001bOHa\u001bOFd", "abcd")]                          // keypad mode
    [InlineData("bc\u001b[1~a\u001b[4~d", "abcd")]                        // VT220
    [InlineData("abX\u007fc", "abc")]                                     // Backspace
    [InlineData("aXbc" + Left + Left + Left + Delete, "abc")]
    [InlineData("aXbc" + Left + Left + Left + "\u0004", "abc")]           // Ctrl-D in a line
    [InlineData("one two\u0001\u000bx", "x")]                             // Ctrl-K
    [InlineData("one two\u0015x", "x")]                                   // Ctrl-U
    [InlineData("one two  \u0017x", "one x")]                             // Ctrl-W
    [InlineData("one two\u0017\u0001\u0019", "twoone ")]                  // Ctrl-W, Ctrl-A, Ctrl-Y
    [InlineData("one two\u001b[1;5DX", "one Xtwo")]                       // Ctrl-Left
    [InlineData("one two\u0001\u001b[1;5CX", "oneX two")]                 // Ctrl-Right
    [InlineData("one two\u001bbX", "one Xtwo")]                           // Alt-B
    [InlineData("\u0001" + Left + "a" + Right + "b", "ab")]               // at the ends nothing happens
    [InlineData("a\u001b[99;3Xb\u001b[20~c", "abc")]                      // unknown sequences are swallowed
    [InlineData("\u00e4\u20ac\U0001F600" + Left + "\u007f", "\u00e4\U0001F600")]
    [InlineData("e\u0301x" + Left + "\u007f", "x")]                       // a letter and its accent are one step
    public void Keys_EditTheLine(string keys, string expected) => Assert.Equal(expected, Read(keys + "\r"));

    [Fact]
    public void TheScreen_ShowsPromptLineAndCursor()
    {
        _ = Read("abc" + Left, prompt: "> ");
        Assert.Equal("> abc", _screen.Text);
        Assert.Equal((1, 0), (_screen.Row, _screen.Column)); // The input ended: a new row.
        LineEditor editor = Editor("hello" + Left + Left, out _);
        Assert.Null(editor.Read("$ "));
    }

    // The cursor must be where the next character goes, on whatever row the line has reached, and nothing of older drawings may stay.
    [Theory]
    [InlineData(10, "0123456789abcdef", 16)]
    [InlineData(10, "01234567", 8)]           // prompt and line fill a row
    [InlineData(10, "012345678", 9)]
    [InlineData(10, "0123456789abcdef", 3)]
    [InlineData(10, "0123456789abcdef", 8)]
    [InlineData(10, "\u6f22\u5b57\u6f22\u5b57\u6f22\u5b57", 6)] // wide characters do not fit on the last column
    [InlineData(7, "\u6f22\u5b57\u6f22\u5b57\u6f22\u5b57", 2)]
    [InlineData(10, "a\u0301b\u0301c", 5)]
    [InlineData(10, "tab\there", 8)]
    public void LongLines_WrapAndKeepTheCursor(int columns, string text, int cursor)
    {
        _screen = new ScreenModel(columns, 10);
        var display = new LineDisplay(_screen.Write, () => columns);
        display.Draw("> ", string.Empty, 0);
        for (int i = 1; i <= text.Length; i++)
        {
            display.Draw("> ", text[..i], i);
        }
        display.Draw("> ", text, cursor);
        // What is typed there must come out there.
        (int row, int column) = (_screen.Row, _screen.Column);
        string shown = _screen.Text;
        display.Draw("> ", text, cursor);
        Assert.Equal((row, column, shown), (_screen.Row, _screen.Column, _screen.Text));
        Assert.Equal("> " + text.Replace("\t", "^I", StringComparison.Ordinal), shown.Replace("\n", "", StringComparison.Ordinal));
        var expected = new ScreenModel(columns, 10);
        expected.Write("> " + text[..cursor].Replace("\t", "^I", StringComparison.Ordinal));
        int next = LineDisplay.WidthOf(cursor < text.Length ? text[cursor].ToString() : "x");
        expected.Write(next == 2 ? "\u6f22" : "x");
        int after = (expected.Row * columns) + expected.Column;
        Assert.InRange((row * columns) + column, after - next - 1, after);
    }

    [Fact]
    public void DeletingFromALongLine_ClearsItsRows()
    {
        _screen = new ScreenModel(10, 10);
        _ = Read("0123456789abcdefghij\u0015short\r", prompt: "> ");
        Assert.Equal("> short", _screen.Text);
    }

    [Fact]
    public void CtrlL_ClearsTheScreen()
    {
        _screen.Write("old\r\nold\r\n");
        _ = Read("new\u000c\r", prompt: "> ");
        Assert.Equal("> new", _screen.Text);
    }

    [Fact]
    public void CtrlC_GivesTheLineUp()
    {
        LineEditor editor = Editor("some text\u0003next\r", out _);
        Assert.Equal(string.Empty, editor.Read("> "));
        Assert.True(editor.WasCancelled);
        Assert.Equal("next", editor.Read("> "));
        Assert.False(editor.WasCancelled);
        Assert.Equal("> some text^C\n> next", _screen.Text);
    }

    [Fact]
    public void CtrlD_EndsAnEmptyLineOnly()
    {
        Assert.Null(Editor("\u0004", out _).Read("> "));
        Assert.Equal("a", Read("a\u0004\r"));
    }

    [Fact]
    public void History_GoesUpAndDownAndKeepsWhatWasTyped()
    {
        _history.Add("first");
        _history.Add("second");
        Assert.Equal("second", Read(Up + "\r"));
        Assert.Equal("first", Read(Up + Up + Up + "\r"));
        Assert.Equal("second", Read(Up + Up + Down + "\r"));
        Assert.Equal("typed!", Read("typed" + Up + Up + Down + Down + Down + "!\r"));
        Assert.Equal("first, changed", Read("\u0010\u0010, changed\r")); // Ctrl-P
    }

    [Fact]
    public void Search_FindsOlderLines()
    {
        _history.Add("mount -t tfs a");
        _history.Add("ls /a");
        _history.Add("mount -t ramfs b");
        Assert.Equal("mount -t ramfs b", Read("\u0012mou\r"));
        Assert.Equal("mount -t tfs a", Read("\u0012mou\u0012\r"));
        Assert.Equal("mount -t tfs a", Read("\u0012mou\u0012\u0012\u0012\r"));      // no older one: stays
        Assert.Equal("ls /a", Read("\u0012lsx\u007f\r"));                           // Backspace in what is searched
        Assert.Equal("mount -t tfs a!", Read("\u0012tfs" + End + "!\r"));           // a key that edits takes the line
        Assert.Equal("typed", Read("typed\u0012mou\u0007\r"));                      // Ctrl-G gives up
        Assert.Equal("typed", Read("typed\u0012zzz\r"));                        // nothing found: the line stays
    }

    [Fact]
    public void Tab_CompletesListsAndRings()
    {
        string[] names = ["alpha", "alpine", "beta/"];
        _complete = (line, cursor) =>
        {
            int start = line[..cursor].LastIndexOf(' ') + 1;
            return new Completions(start, [.. names.Where(name => name.StartsWith(line[start..cursor], StringComparison.Ordinal))]);
        };
        Assert.Equal("cat alpha ", Read("cat alph\t\r"));
        Assert.Equal("cat beta/x", Read("cat b\tx\r"));
        Assert.Equal("cat alp", Read("cat a\t\r"));
        int bells = _screen.Bells;
        Assert.Equal("cat x", Read("cat x\t\r"));
        Assert.Equal(bells + 1, _screen.Bells);
        _screen = new ScreenModel(40, 10);
        Assert.Equal("cat alpha ", Read("cat a\t\t" + "ha\t\r", prompt: "> "));
        Assert.Equal("> cat alp\nalpha   alpine\n> cat alpha", _screen.Text);
    }

    [Fact]
    public void RandomKeys_LeaveTheScreenAsTheLineIs()
    {
        string[] keys = ["a", "b ", "\u6f22", "e\u0301", Left, Right, Home, End, Delete, "\u007f", "\u0017", "\u0019", "\u000b", Up, Down, "\u0012a" + End, "\t"];
        _history.Add("some older line that is rather long, so that it wraps");
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            int columns = random.Next(6, 30);
            _screen = new ScreenModel(columns, 60);
            var typed = new StringBuilder();
            for (int i = random.Next(40); i > 0; i--)
            {
                _ = typed.Append(keys[random.Next(keys.Length)]);
            }
            LineEditor editor = Editor(typed + "\r", out _, columns);
            string line = editor.Read("> ")!;
            var expected = new ScreenModel(columns, 60);
            expected.Write("> " + line);
            Assert.True(expected.Text == _screen.Text, $"seed {seed}:\n{_screen.Text}\nis not\n{expected.Text}");
        }
    }

    private string? Read(string keys, string prompt = "") => Editor(keys, out _).Read(prompt);

    private LineEditor Editor(string keys, out Queue<byte> left, int columns = 0)
    {
        var queue = new Queue<byte>(Encoding.UTF8.GetBytes(keys));
        left = queue;
        ScreenModel screen = _screen;
        int width = columns > 0 ? columns : 40;
        if (columns == 0 && screen.Text.Length == 0)
        {
            width = WidthOf(screen);
        }
        return new LineEditor(
            new KeyDecoder(() => queue.TryDequeue(out byte next) ? next : -1, () => queue.Count > 0),
            screen.Write, () => width, _history, (line, cursor) => _complete(line, cursor));
    }

    // How many characters an empty screen takes on a row.
    private static int WidthOf(ScreenModel screen)
    {
        screen.Write("\u001b[999C");
        int width = screen.Column + 1;
        screen.Write("\r");
        return width;
    }
}
