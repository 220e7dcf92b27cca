// Turns the bytes of a terminal into keys: UTF-8, control characters, and the escape sequences of xterm and its kin (VT220 keys
// included). A sequence that nobody knows is swallowed whole, so that its letters do not end up in the line.
using System.Buffers;
using System.Text;

namespace Tupelo.Cli.LineEditing;

/// <summary>What was pressed.</summary>
internal enum KeyKind
{
    /// <summary>A character, in <see cref="Key.Rune"/>.</summary>
    Character,

    /// <summary>Ctrl with a letter, in <see cref="Key.Rune"/> (lower case).</summary>
    Control,
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    WordLeft,
    WordRight,
    Escape,

    /// <summary>A sequence without a meaning here.</summary>
    Unknown,

    /// <summary>No more input.</summary>
    EndOfInput,
}

/// <summary>One key press.</summary>
internal readonly record struct Key(KeyKind Kind, Rune Rune = default);

/// <summary>Reads keys from bytes.</summary>
/// <param name="readByte">The next byte, waiting for it; -1 at the end.</param>
/// <param name="hasMore">Whether another byte comes within the moment that a sequence takes; tells a lone Escape.</param>
internal sealed class KeyDecoder(Func<int> readByte, Func<bool> hasMore)
{
    private const byte EscapeByte = 0x1B;

    /// <summary>Waits for a key.</summary>
    public Key Read()
    {
        int first = readByte();
        return first switch
        {
            < 0 => new Key(KeyKind.EndOfInput),
            '\r' or '\n' => new Key(KeyKind.Enter),
            '\t' => new Key(KeyKind.Tab),
            0x7F or 0x08 => new Key(KeyKind.Backspace),
            EscapeByte => Sequence(),
            0 => new Key(KeyKind.Unknown),
            < 0x20 => new Key(KeyKind.Control, new Rune((char)(first + 'a' - 1))),
            _ => Character((byte)first),
        };
    }

    private Key Character(byte first)
    {
        Span<byte> bytes = [first, 0, 0, 0];
        int expected = first switch { >= 0xF0 => 4, >= 0xE0 => 3, >= 0xC0 => 2, _ => 1 };
        int count = 1;
        while (count < expected)
        {
            int next = readByte();
            if (next < 0)
            {
                break;
            }
            bytes[count++] = (byte)next;
        }
        return Rune.DecodeFromUtf8(bytes[..count], out Rune rune, out _) == OperationStatus.Done
            ? new Key(KeyKind.Character, rune)
            : new Key(KeyKind.Character, Rune.ReplacementChar);
    }

    private Key Sequence()
    {
        if (!hasMore())
        {
            return new Key(KeyKind.Escape);
        }
        int second = readByte();
        return second switch
        {
            '[' => ControlSequence(),
            'O' => new Key(Final(readByte(), "")),
            'b' or 'B' => new Key(KeyKind.WordLeft),
            'f' or 'F' => new Key(KeyKind.WordRight),
            EscapeByte => new Key(KeyKind.Escape),
            _ => new Key(KeyKind.Unknown),
        };
    }

    // CSI: parameters, then one final byte.
    private Key ControlSequence()
    {
        var parameters = new StringBuilder();
        while (true)
        {
            int next = readByte();
            if (next is < 0x20 or > 0x7E)
            {
                return new Key(next < 0 ? KeyKind.EndOfInput : KeyKind.Unknown);
            }
            if (next >= 0x40)
            {
                return new Key(Final(next, parameters.ToString()));
            }
            if (parameters.Length < 32)
            {
                _ = parameters.Append((char)next);
            }
        }
    }

    private static KeyKind Final(int final, string parameters)
    {
        // 5: with Ctrl, 3: with Alt.
        bool modified = parameters.EndsWith(";5", StringComparison.Ordinal) || parameters.EndsWith(";3", StringComparison.Ordinal);
        return final switch
        {
            'A' => KeyKind.Up,
            'B' => KeyKind.Down,
            'C' => modified ? KeyKind.WordRight : KeyKind.Right,
            'D' => modified ? KeyKind.WordLeft : KeyKind.Left,
            'H' => KeyKind.Home,
            'F' => KeyKind.End,
            '~' => parameters.Split(';')[0] switch
            {
                "1" or "7" => KeyKind.Home,
                "4" or "8" => KeyKind.End,
                "3" => KeyKind.Delete,
                _ => KeyKind.Unknown,
            },
            _ => KeyKind.Unknown,
        };
    }
}
