using System.Text;

namespace Tupelo.Tfs;

/// <summary>Names, which may be any bytes, as text for messages.</summary>
public static class TfsText
{
    /// <summary>The name in double quotes; control characters and bytes that are not UTF-8 as \xNN, so that a terminal is safe.</summary>
    public static string Quote(ReadOnlySpan<byte> name)
    {
        StringBuilder text = new("\"", name.Length + 2);
        while (!name.IsEmpty)
        {
            bool valid = Rune.DecodeFromUtf8(name, out Rune rune, out int length) == System.Buffers.OperationStatus.Done;
            if (!valid || Rune.IsControl(rune))
            {
                foreach (byte one in name[..length])
                {
                    _ = text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\x{one:x2}");
                }
            }
            else if (rune.Value is '"' or '\\')
            {
                _ = text.Append('\\').Append((char)rune.Value);
            }
            else
            {
                _ = text.Append(rune.ToString());
            }
            name = name[length..];
        }
        return text.Append('"').ToString();
    }
}
