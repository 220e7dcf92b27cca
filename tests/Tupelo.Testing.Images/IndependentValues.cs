// What a replayed log consists of, as plain as can be: byte strings, integers, null, and composites (tuples and vectors).
// Names and keys are strings of Latin-1 characters, one for each byte, so that any byte survives and comparing is comparing bytes.
using System.Globalization;
using System.Text;

namespace Tupelo.Testing.Images;

public abstract class IndependentValue
{
    /// <summary>The value as a number, where it is one or spells one in decimal; numbers may be written either way.</summary>
    public ulong? AsNumber() => this switch
    {
        IntegerValue { Negative: false } integer => integer.Magnitude,
        BytesValue bytes when bytes.Bytes.Length is > 0 and <= 20
            && bytes.Bytes.All(digit => digit is >= (byte)'0' and <= (byte)'9')
            && ulong.TryParse(Encoding.Latin1.GetString(bytes.Bytes), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) => number,
        _ => null,
    };
}

/// <summary>A string; <see cref="Typed"/> when its header said so, otherwise an untyped buffer (version 4, or carried over from it).</summary>
public sealed class BytesValue(byte[] bytes, bool typed) : IndependentValue
{
    public byte[] Bytes { get; } = bytes;

    public bool Typed { get; } = typed;
}

public sealed class IntegerValue(bool negative, ulong magnitude) : IndependentValue
{
    public bool Negative { get; } = negative;

    public ulong Magnitude { get; } = magnitude;
}

public sealed class NullValue : IndependentValue
{
    public static readonly NullValue Instance = new();
}

/// <summary>A tuple or a vector: an object with an identity, which its dictionary index is.</summary>
public sealed class CompositeValue(int index, bool isVector) : IndependentValue
{
    public int Index { get; } = index;

    public bool IsVector { get; } = isVector;

    /// <summary>A vector's keys are "0", "1" and so on.</summary>
    public Dictionary<string, IndependentValue> Attributes { get; } = new(StringComparer.Ordinal);

    public IndependentValue? this[string name] => Attributes.GetValueOrDefault(name);
}
