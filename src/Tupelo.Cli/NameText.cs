// Text that comes from an image, made fit for a terminal: control characters could move the cursor, rename the window or answer for
// the user, and direction marks could show a name backwards. They are shown as \n, \x1B or \u{202E}; bytes that are not UTF-8 as \xFF.
using System.Buffers;
using System.Globalization;
using System.Text;

namespace Tupelo.Cli;

internal static class NameText
{
    /// <summary>True when <paramref name="text"/> may be shown as it is.</summary>
    public static bool IsPlain(ReadOnlySpan<byte> text)
    {
        if (!text.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E))
        {
            return true;
        }
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(text, out Rune rune, out int length) != OperationStatus.Done || IsDangerous(rune))
            {
                return false;
            }
            text = text[length..];
        }
        return true;
    }

    /// <summary>Writes <paramref name="text"/> with what is dangerous escaped.</summary>
    public static void WriteEscaped(OutputWriter output, ReadOnlySpan<byte> text)
    {
        if (IsPlain(text))
        {
            output.Write(text);
        }
        else
        {
            output.Write(Escape(text));
        }
    }

    /// <summary><paramref name="text"/> with what is dangerous escaped.</summary>
    public static string Escape(ReadOnlySpan<byte> text)
    {
        var escaped = new StringBuilder(text.Length + 16);
        while (!text.IsEmpty)
        {
            bool valid = Rune.DecodeFromUtf8(text, out Rune rune, out int length) == OperationStatus.Done;
            if (!valid)
            {
                foreach (byte value in text[..length])
                {
                    escaped.Append(CultureInfo.InvariantCulture, $"\\x{value:X2}");
                }
            }
            else if (!IsDangerous(rune))
            {
                escaped.Append(rune.ToString());
            }
            else
            {
                escaped.Append(rune.Value switch
                {
                    '\n' => "\\n",
                    '\r' => "\\r",
                    '\t' => "\\t",
                    < 0x80 => string.Create(CultureInfo.InvariantCulture, $"\\x{rune.Value:X2}"),
                    _ => string.Create(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X4}}}"),
                });
            }
            text = text[length..];
        }
        return escaped.ToString();
    }

    /// <summary><paramref name="text"/> with what is dangerous escaped.</summary>
    public static string Escape(string text) => Escape(Encoding.UTF8.GetBytes(text));

    /// <summary>How many columns of a terminal the escaped text takes; wide characters of East Asia count two.</summary>
    public static int WidthOf(ReadOnlySpan<byte> text)
    {
        if (!text.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E))
        {
            return text.Length;
        }
        int width = 0;
        foreach (Rune rune in Escape(text).EnumerateRunes())
        {
            width += Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark ? 0 : IsWide(rune.Value) ? 2 : 1;
        }
        return width;
    }

    private static bool IsDangerous(Rune rune) => rune.Value is < 0x20 or (>= 0x7F and < 0xA0)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;

    private static bool IsWide(int value) => value is (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3)
        or (>= 0xF900 and <= 0xFAFF) or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0xFFE0 and <= 0xFFE6)
        or (>= 0x1F300 and <= 0x1FAFF) or (>= 0x20000 and <= 0x3FFFD);
}
