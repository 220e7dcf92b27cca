// tupelo dump: the tuples themselves, as the log left them: all attributes of every file, also those that nobody knows. Text in the
// manner of a manifest, or JSON (TupleJson). A tuple that several attributes lead to is printed once, with its number.
using System.Buffers;
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Tupelo.Images;
using Tupelo.Tfs;

namespace Tupelo.Cli;

internal static class DumpCommand
{
    public static Command Create(CommandContext context)
    {
        Argument<string> address = OpenedImage.AddressArgument(context);
        Option<string?> partition = OpenedImage.PartitionOption();
        var json = new Option<bool>("--json") { Description = "Print JSON; see docs/cli.md." };
        var command = new Command("dump", "Print the tuples of a volume, or of one file.") { address, json, partition };
        Examples.Add(command, "tupelo dump demo.img", "tupelo dump --json demo.img:/etc/passwd");
        command.SetAction(parsed =>
        {
            using OpenedImage image = OpenedImage.Open(context, parsed.GetRequiredValue(address), parsed.GetValue(partition));
            TfsNode start = image.Find(followLast: false);
            if (parsed.GetValue(json))
            {
                PrintJson(context, image.Volume, start);
            }
            else
            {
                new TupleText(context, image.Volume, start).Print(start);
            }
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Prints a tuple as JSON.</summary>
    /// <param name="filter">Which attributes of the start.</param>
    public static void PrintJson(CommandContext context, TfsVolume volume, TfsNode start, WalkFilter? filter = null)
    {
        var tuples = new TupleJson(volume, start) { Filter = filter };
        using (Utf8JsonWriter writer = JsonText.Writer(context.Output, indented: context.Terminal.OutputIsTerminal))
        {
            tuples.Write(writer, start);
        }
        context.Output.NewLine();
        if (tuples.DepthExceeded)
        {
            context.Error(string.Create(CultureInfo.InvariantCulture, $"tuples nested deeper than {TupleJson.DefaultMaxDepth} levels are left out; name a file further down to go on from there"));
        }
    }
}

/// <summary>Prints tuples as text.</summary>
internal sealed class TupleText(CommandContext context, TfsVolume volume, TfsNode start)
{
    private const int MaxIndent = 40;     // levels; deeper ones are numbered, or a deep tree would print gigabytes of blanks
    private const int MaxInline = 6;      // attributes of a tuple that is printed on one line
    private const int MaxInlineBytes = 80;

    private static readonly SearchValues<byte> NeedsQuotes = SearchValues.Create(" \t\n:()[]|/\"\\#"u8);

    private readonly OutputWriter _output = context.Output;
    private readonly TupleReferences _references = new(volume, start);
    private readonly Stack<(TfsNode Node, int Position)> _open = new();

    /// <summary>Which attributes of the start are printed; default: all.</summary>
    public WalkFilter? Filter { get; init; }

    /// <summary>Prints the tuple, its attributes one to a line.</summary>
    public void Print(TfsNode node)
    {
        Begin(node);
        while (_open.TryPop(out (TfsNode Node, int Position) level))
        {
            context.ThrowIfInterrupted();
            TfsAttributes attributes = volume.AttributesOf(level.Node, level.Position);
            bool isVector = volume.IsVector(level.Node);
            bool descended = false;
            while (!descended && attributes.MoveNext())
            {
                if (level.Node == node && Filter is not null && !Filter(attributes.Name, attributes.Value.Composite))
                {
                    continue;
                }
                Indent(_open.Count + 1);
                if (!isVector)
                {
                    Name(attributes.Name);
                    _output.Write(": "u8);
                }
                TfsNode composite = attributes.Value.Composite;
                if (!composite.IsNone && !TryPrintInline(composite))
                {
                    _open.Push((level.Node, attributes.Position));
                    Begin(composite);
                    descended = true;
                    continue;
                }
                if (composite.IsNone)
                {
                    Scalar(attributes.Value);
                }
                _output.NewLine();
            }
            if (!descended)
            {
                Indent(_open.Count);
                _output.Write(isVector ? "]\n"u8 : ")\n"u8);
            }
        }
    }

    private void Begin(TfsNode node)
    {
        if (_references.IsShared(node))
        {
            _references.MarkWritten(node);
            _output.Write(string.Create(CultureInfo.InvariantCulture, $"#{node.Id} "));
        }
        _output.Write(volume.IsVector(node) ? "[\n"u8 : "(\n"u8);
        _open.Push((node, 0));
    }

    // A tuple that was printed before, an empty one, or a small one without tuples in it.
    private bool TryPrintInline(TfsNode node)
    {
        if (_references.IsShared(node))
        {
            if (_references.IsWritten(node))
            {
                _output.Write(string.Create(CultureInfo.InvariantCulture, $"#{node.Id}"));
                return true;
            }
            if (IsSmall(node))
            {
                _references.MarkWritten(node);
                _output.Write(string.Create(CultureInfo.InvariantCulture, $"#{node.Id} "));
            }
        }
        if (!IsSmall(node))
        {
            return false;
        }
        bool isVector = volume.IsVector(node);
        _output.Write(isVector ? (byte)'[' : (byte)'(');
        bool any = false;
        foreach (TfsAttributes attribute in volume.AttributesOf(node))
        {
            if (any)
            {
                _output.Write((byte)' ');
            }
            any = true;
            if (!isVector)
            {
                Name(attribute.Name);
                _output.Write((byte)':');
            }
            Scalar(attribute.Value);
        }
        _output.Write(isVector ? (byte)']' : (byte)')');
        return true;
    }

    private bool IsSmall(TfsNode node)
    {
        int count = 0;
        int length = 0;
        foreach (TfsAttributes attribute in volume.AttributesOf(node))
        {
            length += attribute.Name.Length + attribute.Value.Bytes.Length;
            if (!attribute.Value.Composite.IsNone || ++count > MaxInline || length > MaxInlineBytes)
            {
                return false;
            }
        }
        return true;
    }

    private void Indent(int depth)
    {
        if (depth > MaxIndent)
        {
            _output.Write(string.Create(CultureInfo.InvariantCulture, $"[{depth}]"));
        }
        for (int i = 0; i < Math.Min(depth, MaxIndent); i++)
        {
            _output.Write("  "u8);
        }
    }

    private void Name(ReadOnlySpan<byte> name)
    {
        if (!name.IsEmpty && !name.ContainsAny(NeedsQuotes) && NameText.IsPlain(name))
        {
            _output.Write(name);
        }
        else
        {
            Quoted(name);
        }
    }

    private void Scalar(TfsValue value)
    {
        switch (value.Kind)
        {
            case TfsValueKind.Integer:
                _output.Write(value.Magnitude.ToString(CultureInfo.InvariantCulture));
                break;
            case TfsValueKind.NegativeInteger:
                _output.Write("-" + value.Magnitude.ToString(CultureInfo.InvariantCulture));
                break;
            case TfsValueKind.Removed or TfsValueKind.None:
                _output.Write("<removed>"u8);
                break;
            default:
                if (value.IsNull)
                {
                    _output.Write("<null>"u8);
                }
                else
                {
                    Quoted(value.Bytes);
                }
                break;
        }
    }

    // Escaped on a terminal and in a pipe alike: the text is to be read, and its structure must hold.
    private void Quoted(ReadOnlySpan<byte> text)
    {
        _output.Write((byte)'"');
        string escaped = NameText.Escape(text.IndexOfAny((byte)'"', (byte)'\\') < 0
            ? text
            : Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)));
        _output.Write(escaped);
        _output.Write((byte)'"');
    }
}
