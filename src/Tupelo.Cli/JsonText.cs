// What all --json outputs have in common. An array's elements stand one to a line, each written and let go of before the next, so
// that a listing of any length costs no memory. Text that is not UTF-8 has its bad bytes replaced by U+FFFD in NAME, and comes whole
// in NAMEBase64 beside it. See docs/cli.md.
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Tupelo.Cli;

internal static class JsonText
{
    /// <summary>A writer of one value to standard output.</summary>
    public static Utf8JsonWriter Writer(OutputWriter output, bool indented) => new(output, new JsonWriterOptions
    {
        // It is no HTML. Control characters are escaped all the same, and on a terminal whatever is not ASCII: direction marks among it.
        Encoder = output.IsTerminal ? JavaScriptEncoder.Default : JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Indented = indented,
        SkipValidation = true,
        MaxDepth = int.MaxValue,
    });

    /// <summary>Prints one object, indented.</summary>
    public static void PrintObject(OutputWriter output, Action<Utf8JsonWriter> members)
    {
        using (Utf8JsonWriter json = Writer(output, indented: true))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        output.NewLine();
    }

    /// <summary>A member whose value is text from an image.</summary>
    public static void WriteText(this Utf8JsonWriter json, string name, ReadOnlySpan<byte> text)
    {
        if (Utf8.IsValid(text))
        {
            json.WriteString(name, text);
        }
        else
        {
            json.WriteString(name, Encoding.UTF8.GetString(text));
            json.WriteBase64String(name + "Base64", text);
        }
    }

    /// <summary>A member whose value is a time, ISO 8601 in UTC with nanoseconds; null when the image does not say.</summary>
    public static void WriteTime(this Utf8JsonWriter json, string name, Timespec time)
    {
        if (time == default)
        {
            json.WriteNull(name);
        }
        else
        {
            json.WriteString(name, TimeText.Exact(time));
        }
    }

    /// <summary>The word for a kind of file.</summary>
    public static string TypeName(FileType type) => type switch
    {
        FileType.Regular => "file",
        FileType.Directory => "dir",
        FileType.Symlink => "symlink",
        FileType.Fifo => "fifo",
        FileType.Socket => "socket",
        FileType.CharDevice => "char",
        FileType.BlockDevice => "block",
        _ => "unknown",
    };
}

/// <summary>Prints the elements of an array as they come.</summary>
internal sealed class JsonArray : IDisposable
{
    private readonly OutputWriter _output;
    private readonly Utf8JsonWriter _json;
    private bool _any;

    public JsonArray(OutputWriter output)
    {
        _output = output;
        _json = JsonText.Writer(output, indented: false);
        output.Write((byte)'[');
    }

    /// <summary>Begins an element; the writer is for it alone.</summary>
    public Utf8JsonWriter Begin()
    {
        _output.Write(_any ? ",\n"u8 : "\n"u8);
        _any = true;
        return _json;
    }

    /// <summary>Ends the element.</summary>
    public void End()
    {
        _json.Flush();
        _json.Reset();
    }

    /// <summary>Ends the array.</summary>
    public void Close() => _output.Write(_any ? "\n]\n"u8 : "]\n"u8);

    public void Dispose() => _json.Dispose();
}
