using System.Text;

namespace Tupelo.FileSystems;

/// <summary>Bytes from an image as text for a message: nothing in them can disturb a terminal, and they are not long.</summary>
internal static class ImageText
{
    private const int MaxShown = 80;

    public static string Show(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        foreach (byte b in bytes[..Math.Min(bytes.Length, MaxShown)])
        {
            _ = b is >= 0x20 and < 0x7F ? text.Append((char)b) : text.Append("\\x").Append(b.ToString("x2"));
        }
        return bytes.Length > MaxShown ? text.Append("...").ToString() : text.ToString();
    }
}
