// Lines that were entered, oldest first, and the file that keeps them: one line each, backslash and newline written as \\ and \n. The
// file is this user's alone (0600), is added to line by line, so that two shells at once lose nothing, and is rewritten when it has
// grown to twice its bound. What cannot be read or written is not worth an error: the history is then that of this session.
namespace Tupelo.Cli.LineEditing;

/// <summary>The history of one user.</summary>
internal sealed class LineHistory
{
    private const int MaxLines = 1000;

    private readonly List<string> _lines = [];
    private readonly string? _path;

    /// <param name="path">Where it is kept; null: nowhere.</param>
    public LineHistory(string? path)
    {
        _path = path;
        if (path is null || !File.Exists(path))
        {
            return;
        }
        Try(() =>
        {
            string[] kept = File.ReadAllLines(path);
            _lines.AddRange(kept.TakeLast(MaxLines).Select(Decode));
            if (kept.Length > MaxLines * 2)
            {
                string temporary = path + ".new";
                File.WriteAllLines(temporary, kept.TakeLast(MaxLines));
                Protect(temporary);
                File.Move(temporary, path, overwrite: true);
            }
        });
    }

    public IReadOnlyList<string> Lines => _lines;

    /// <summary>$XDG_STATE_HOME/tupelo/history, or that of ~/.local/state; null when there is no home.</summary>
    public static string? DefaultPath(Func<string, string?> variable)
    {
        string? state = variable("XDG_STATE_HOME");
        if (string.IsNullOrEmpty(state) || !Path.IsPathRooted(state))
        {
            string? home = variable("HOME");
            if (string.IsNullOrEmpty(home))
            {
                return null;
            }
            state = Path.Combine(home, ".local", "state");
        }
        return Path.Combine(state, "tupelo", "history");
    }

    /// <summary>Remembers a line, unless it is empty, begins with a blank, or is the last one again.</summary>
    public void Add(string line)
    {
        if (string.IsNullOrWhiteSpace(line) || line[0] == ' ' || (_lines.Count > 0 && string.Equals(_lines[^1], line, StringComparison.Ordinal)))
        {
            return;
        }
        _lines.Add(line);
        if (_lines.Count > MaxLines)
        {
            _lines.RemoveAt(0);
        }
        if (_path is { } path)
        {
            Try(() =>
            {
                _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                bool isNew = !File.Exists(path);
                if (isNew)
                {
                    File.WriteAllText(path, string.Empty);
                    Protect(path);
                }
                File.AppendAllText(path, Encode(line) + "\n");
            });
        }
    }

    /// <summary>The newest line before index <paramref name="before"/> that has <paramref name="text"/> in it; -1 for none.</summary>
    public int Search(string text, int before)
    {
        for (int i = Math.Min(before, _lines.Count) - 1; i >= 0; i--)
        {
            if (_lines[i].Contains(text, StringComparison.Ordinal))
            {
                return i;
            }
        }
        return -1;
    }

    private static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // See above.
        }
    }

    private static void Protect(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    private static string Encode(string line) => line.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Decode(string line)
    {
        var text = new System.Text.StringBuilder(line.Length);
        for (int i = 0; i < line.Length; i++)
        {
            bool escapes = line[i] == '\\' && i + 1 < line.Length;
            _ = text.Append(!escapes ? line[i] : line[++i] == 'n' ? '\n' : line[i]);
        }
        return text.ToString();
    }
}
