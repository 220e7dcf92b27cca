// A tuple and all below it as JSON: tuples are objects, vectors arrays, integers numbers, strings and buffers strings. What JSON has
// no word for is an object of one member whose name begins with '$', and so that names cannot be mistaken for these, an attribute
// that begins with '$' is written with one '$' more:
//   {"$null":true}         the null value                 {"$base64":"..."}   a string that is not UTF-8
//   {"$removed":true}      a removed element of a vector  {"$ref":12}         tuple 12, which was written before with "$id":12
//   {"$deeper":12}         tuple 12, left out: too deep   "$base64:...":      an attribute whose name is not UTF-8
// A tuple that several attributes lead to is written once, so a small image cannot blow up into an endless text; its "$id" tells
// which it is. A vector that several lead to is the object {"$id":12,"$vector":[...]} where it is written.
using System.Text.Json;
using System.Text.Unicode;
using Tupelo.Tfs;

namespace Tupelo.Images;

/// <summary>Writes tuples as JSON.</summary>
public sealed class TupleJson
{
    /// <summary>Nesting that common readers of JSON accept.</summary>
    public const int DefaultMaxDepth = 900;

    private readonly TfsVolume _volume;
    private readonly TupleReferences _references;
    private readonly Stack<Level> _open = new();

    /// <param name="volume">The volume.</param>
    /// <param name="start">What will be written.</param>
    public TupleJson(TfsVolume volume, TfsNode start)
    {
        _volume = volume;
        _references = new TupleReferences(volume, start);
    }

    /// <summary>How deep objects and arrays may nest.</summary>
    public int MaxDepth { get; init; } = DefaultMaxDepth;

    /// <summary>True when something was left out because of <see cref="MaxDepth"/>.</summary>
    public bool DepthExceeded { get; private set; }

    /// <summary>Which attributes of the start are written; default: all.</summary>
    public WalkFilter? Filter { get; init; }

    /// <summary>Writes the value at <paramref name="start"/>.</summary>
    public void Write(Utf8JsonWriter json, TfsNode start)
    {
        Begin(json, start);
        while (_open.TryPop(out Level level))
        {
            TfsAttributes attributes = _volume.AttributesOf(level.Node, level.Position);
            bool descended = false;
            while (!descended && attributes.MoveNext())
            {
                if (level.Node == start && Filter is not null && !Filter(attributes.Name, attributes.Value.Composite))
                {
                    continue;
                }
                if (!level.IsVector)
                {
                    WriteName(json, attributes.Name);
                }
                TfsNode composite = attributes.Value.Composite;
                if (composite.IsNone)
                {
                    WriteScalar(json, attributes.Value);
                }
                else if (_references.IsShared(composite) && _references.IsWritten(composite))
                {
                    WriteMarker(json, "$ref"u8, composite);
                }
                else if (_open.Count + 1 >= MaxDepth)
                {
                    DepthExceeded = true;
                    WriteMarker(json, "$deeper"u8, composite);
                }
                else
                {
                    _open.Push(level with { Position = attributes.Position });
                    Begin(json, composite);
                    descended = true;
                }
            }
            if (!descended)
            {
                End(json, level);
            }
        }
    }

    private void Begin(Utf8JsonWriter json, TfsNode node)
    {
        bool isVector = _volume.IsVector(node);
        bool isShared = _references.IsShared(node);
        if (isShared)
        {
            _references.MarkWritten(node);
        }
        if (!isVector || isShared)
        {
            json.WriteStartObject();
        }
        if (isShared)
        {
            json.WriteNumber("$id"u8, node.Id);
        }
        if (isVector)
        {
            if (isShared)
            {
                json.WritePropertyName("$vector"u8);
            }
            json.WriteStartArray();
        }
        _open.Push(new Level(node, 0, isVector, isShared));
    }

    private static void End(Utf8JsonWriter json, Level level)
    {
        if (level.IsVector)
        {
            json.WriteEndArray();
        }
        if (!level.IsVector || level.IsShared)
        {
            json.WriteEndObject();
        }
    }

    private static void WriteName(Utf8JsonWriter json, ReadOnlySpan<byte> name)
    {
        if (!Utf8.IsValid(name))
        {
            json.WritePropertyName("$base64:" + Convert.ToBase64String(name));
        }
        else if (name.StartsWith("$"u8))
        {
            json.WritePropertyName((ReadOnlySpan<byte>)[(byte)'$', .. name]);
        }
        else
        {
            json.WritePropertyName(name);
        }
    }

    private static void WriteScalar(Utf8JsonWriter json, TfsValue value)
    {
        switch (value.Kind)
        {
            case TfsValueKind.Integer:
                json.WriteNumberValue(value.Magnitude);
                break;
            case TfsValueKind.NegativeInteger:
                json.WriteRawValue("-" + value.Magnitude.ToString(System.Globalization.CultureInfo.InvariantCulture));
                break;
            case TfsValueKind.Removed or TfsValueKind.None:
                json.WriteStartObject();
                json.WriteBoolean("$removed"u8, true);
                json.WriteEndObject();
                break;
            default:
                if (value.IsNull)
                {
                    json.WriteStartObject();
                    json.WriteBoolean("$null"u8, true);
                    json.WriteEndObject();
                }
                else if (Utf8.IsValid(value.Bytes))
                {
                    json.WriteStringValue(value.Bytes);
                }
                else
                {
                    json.WriteStartObject();
                    json.WriteBase64String("$base64"u8, value.Bytes);
                    json.WriteEndObject();
                }
                break;
        }
    }

    private static void WriteMarker(Utf8JsonWriter json, ReadOnlySpan<byte> name, TfsNode node)
    {
        json.WriteStartObject();
        json.WriteNumber(name, node.Id);
        json.WriteEndObject();
    }

    private readonly record struct Level(TfsNode Node, int Position, bool IsVector, bool IsShared);
}
