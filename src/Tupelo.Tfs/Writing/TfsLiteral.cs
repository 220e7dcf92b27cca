// Values for the attributes of a volume's root or of a file, as a manifest or an option gives them: a small tree that is built once,
// encoded once and dropped. The mounted volume has its own, denser form; this one is for people's input.
// Not thread-safe.
namespace Tupelo.Tfs;

/// <summary>A value of the tuple language: string, number, presence flag, tuple or vector.</summary>
public abstract class TfsLiteral
{
    private protected TfsLiteral()
    {
    }
}

/// <summary>A byte string, in most cases UTF-8 text.</summary>
public sealed class StringLiteral : TfsLiteral
{
    private readonly byte[] _bytes;

    public StringLiteral(ReadOnlySpan<byte> bytes) => _bytes = bytes.ToArray();

    public StringLiteral(string text) => _bytes = System.Text.Encoding.UTF8.GetBytes(text);

    public ReadOnlySpan<byte> Bytes => _bytes;
}

/// <summary>A number from -(2^64-1) to 2^64-1, but never exactly 2^61, which Nanos misreads.</summary>
public sealed class IntegerLiteral : TfsLiteral
{
    public IntegerLiteral(ulong magnitude, bool negative = false)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(magnitude, TupleEncoder.ForbiddenInteger);
        Magnitude = magnitude;
        IsNegative = negative && magnitude != 0;
    }

    public ulong Magnitude { get; }

    public bool IsNegative { get; }
}

/// <summary>The value of an attribute that only has to be there.</summary>
public sealed class NullLiteral : TfsLiteral
{
    public static NullLiteral Instance { get; } = new();

    private NullLiteral()
    {
    }
}

/// <summary>An ordered list of values.</summary>
public sealed class VectorLiteral : TfsLiteral
{
    private readonly List<TfsLiteral> _items = [];

    public IReadOnlyList<TfsLiteral> Items => _items;

    public void Add(TfsLiteral item) => _items.Add(item);
}

/// <summary>Named values in the order in which the names first came. Setting a name again replaces its value.</summary>
public sealed class TupleLiteral : TfsLiteral
{
    private readonly OrderedDictionary<AttributeName, TfsLiteral> _pairs = [];

    public int Count => _pairs.Count;

    public AttributeName NameAt(int index) => _pairs.GetAt(index).Key;

    public TfsLiteral ValueAt(int index) => _pairs.GetAt(index).Value;

    /// <summary>The value of <paramref name="name"/>, or null.</summary>
    public TfsLiteral? this[ReadOnlySpan<byte> name] => _pairs.GetValueOrDefault(new AttributeName(name));

    /// <summary>Position of <paramref name="name"/>, or -1.</summary>
    public int IndexOf(ReadOnlySpan<byte> name) => _pairs.IndexOf(new AttributeName(name));

    public void Set(ReadOnlySpan<byte> name, TfsLiteral value) => _pairs[new AttributeName(name)] = value;

    public void Set(AttributeName name, TfsLiteral value) => _pairs[name] = value;

    public bool Remove(ReadOnlySpan<byte> name) => _pairs.Remove(new AttributeName(name));
}

/// <summary>An attribute's or file's name: bytes, compared as bytes.</summary>
public readonly struct AttributeName : IEquatable<AttributeName>
{
    private readonly byte[]? _bytes;

    public AttributeName(ReadOnlySpan<byte> bytes) => _bytes = bytes.ToArray();

    public ReadOnlySpan<byte> Bytes => _bytes;

    public bool Equals(AttributeName other) => Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is AttributeName other && Equals(other);

    public override int GetHashCode()
    {
        HashCode hash = default; // keyed at random per process
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    public override string ToString() => System.Text.Encoding.UTF8.GetString(Bytes);

    public static bool operator ==(AttributeName left, AttributeName right) => left.Equals(right);

    public static bool operator !=(AttributeName left, AttributeName right) => !left.Equals(right);
}
