// Splits a command line into words as a POSIX shell does, as far as this shell goes: single and double quotes, backslash, comments,
// ';' between commands, and the redirections > and >>.
using System.Text;

namespace Tupelo.Cli;

/// <summary>One command: its words, and where its output goes.</summary>
/// <param name="Words">Name and arguments; never empty.</param>
/// <param name="Output">A path, or null for standard output.</param>
/// <param name="Append">">>".</param>
internal sealed record ShellLine(IReadOnlyList<string> Words, string? Output, bool Append);

internal static class ShellWords
{
    /// <summary>The commands of one line, in order.</summary>
    /// <exception cref="UsageException">A quote is not closed, or a redirection has no file.</exception>
    public static List<ShellLine> Parse(string line)
    {
        var commands = new List<ShellLine>();
        var words = new List<string>();
        string? output = null;
        bool append = false;
        bool expectsFile = false;
        int at = 0;
        while (true)
        {
            while (at < line.Length && line[at] is ' ' or '\t' or '\r')
            {
                at++;
            }
            bool ends = at == line.Length || line[at] is ';' or '#' or '\n';
            if (ends)
            {
                if (expectsFile || (words.Count == 0 && output is not null))
                {
                    throw new UsageException("a redirection needs a command and a file");
                }
                if (words.Count > 0)
                {
                    commands.Add(new ShellLine(words, output, append));
                }
                if (at < line.Length && line[at] == '#')
                {
                    int next = line.IndexOf('\n', at);
                    at = next < 0 ? line.Length : next;
                }
                if (at == line.Length)
                {
                    return commands;
                }
                at++;
                (words, output, append) = ([], null, false);
                continue;
            }
            if (line[at] == '>')
            {
                append = at + 1 < line.Length && line[at + 1] == '>';
                at += append ? 2 : 1;
                expectsFile = !expectsFile ? true : throw new UsageException("a redirection needs a file");
                continue;
            }
            string word = Word(line, ref at);
            if (expectsFile)
            {
                output = word;
                expectsFile = false;
            }
            else
            {
                words.Add(word);
            }
        }
    }

    /// <summary>Whether a line goes on in the next: a quote is not closed, or it ends with a backslash, which is taken away.</summary>
    public static bool GoesOn(ref string line)
    {
        char quote = '\0';
        for (int at = 0; at < line.Length; at++)
        {
            char c = line[at];
            if (c == '#' && quote == '\0' && (at == 0 || line[at - 1] is ' ' or '\t' or ';' or '\n'))
            {
                int next = line.IndexOf('\n', at);
                if (next < 0)
                {
                    return false;
                }
                at = next;
            }
            else if (c == '\\' && quote != '\'')
            {
                if (++at == line.Length)
                {
                    line = line[..^1];
                    return true;
                }
            }
            else if (c == quote)
            {
                quote = '\0';
            }
            else if (quote == '\0' && c is '\'' or '"')
            {
                quote = c;
            }
        }
        if (quote != '\0')
        {
            line += '\n';
        }
        return quote != '\0';
    }

    /// <summary>The word at the end of a line that is being typed.</summary>
    /// <returns>Where it begins, what it means so far (quotes and backslashes taken away), and whether it is a command's name.</returns>
    public static (int Start, string Word, bool IsCommand) WordAt(string line)
    {
        int start = 0;
        bool isCommand = true;
        var word = new StringBuilder();
        char quote = '\0';
        for (int at = 0; at < line.Length; at++)
        {
            char c = line[at];
            if (quote == '\0' && c is ' ' or '\t' or ';' or '>')
            {
                // After a command's name come its arguments; a redirection's file is no command either.
                isCommand = c == ';' || (c is ' ' or '\t' && isCommand && word.Length == 0);
                start = at + 1;
                _ = word.Clear();
            }
            else if (c == '\\' && quote != '\'')
            {
                if (++at < line.Length)
                {
                    _ = word.Append(line[at]);
                }
            }
            else if (c == quote)
            {
                quote = '\0';
            }
            else if (quote == '\0' && c is '\'' or '"')
            {
                quote = c;
            }
            else
            {
                _ = word.Append(c);
            }
        }
        return (start, word.ToString(), isCommand);
    }

    /// <summary>A word as it must be typed to mean itself.</summary>
    public static string Quote(string word)
    {
        var quoted = new StringBuilder();
        foreach (char c in word)
        {
            if (c is ' ' or '\t' or '\r' or '\n' or ';' or '>' or '\'' or '"' or '\\' or '#')
            {
                _ = quoted.Append('\\');
            }
            _ = quoted.Append(c);
        }
        return quoted.ToString();
    }

    private static string Word(string line, ref int at)
    {
        var word = new StringBuilder();
        while (at < line.Length && line[at] is not (' ' or '\t' or '\r' or '\n' or ';' or '>'))
        {
            char c = line[at++];
            if (c is '\'' or '"')
            {
                while (at < line.Length && line[at] != c)
                {
                    // In double quotes a backslash guards these two alone.
                    if (c == '"' && line[at] == '\\' && at + 1 < line.Length && line[at + 1] is '"' or '\\')
                    {
                        at++;
                    }
                    word.Append(line[at++]);
                }
                if (at++ == line.Length)
                {
                    throw new UsageException($"a quote ({c}) is not closed");
                }
            }
            else
            {
                word.Append(c == '\\' && at < line.Length ? line[at++] : c);
            }
        }
        return word.ToString();
    }
}
