// Values for the attributes of a volume's root or of a file, as a manifest or an option gives them: a small tree that is built once,
// encoded once and dropped. The mounted volume has its own, denser form; this one is for people's input.
// Not thread-safe.
namespace Tupelo.Tfs.Writing;

/// <summary>A value of the tuple language: string, number, presence flag, tuple or vector.</summary>
public abstract class TfsValue
{
    private protected TfsValue()
    {
    }
}

/// <summary>A byte string, in most cases UTF-8 text.</summary>
public sealed class TfsString : TfsValue
{
    private readonly byte[] _bytes;

    public TfsString(ReadOnlySpan<byte> bytes) => _bytes = bytes.ToArray();

    public TfsString(string text) => _bytes = System.Text.Encoding.UTF8.GetBytes(text);

    public ReadOnlySpan<byte> Bytes => _bytes;
}

/// <summary>A number from -(2^64-1) to 2^64-1, but never exactly 2^61, which Nanos misreads.</summary>
public sealed class TfsInteger : TfsValue
{
    public TfsInteger(ulong magnitude, bool negative = false)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(magnitude, TupleEncoder.ForbiddenInteger);
        Magnitude = magnitude;
        IsNegative = negative && magnitude != 0;
    }

    public ulong Magnitude { get; }

    public bool IsNegative { get; }
}

/// <summary>The value of an attribute that only has to be there.</summary>
public sealed class TfsNull : TfsValue
{
    public static TfsNull Instance { get; } = new();

    private TfsNull()
    {
    }
}

/// <summary>An ordered list of values.</summary>
public sealed class TfsVector : TfsValue
{
    private readonly List<TfsValue> _items = [];

    public IReadOnlyList<TfsValue> Items => _items;

    public void Add(TfsValue item) => _items.Add(item);
}

/// <summary>Named values in the order in which the names first came. Setting a name again replaces its value.</summary>
public sealed class TfsTuple : TfsValue
{
    private readonly OrderedDictionary<TfsName, TfsValue> _pairs = [];

    public int Count => _pairs.Count;

    public TfsName NameAt(int index) => _pairs.GetAt(index).Key;

    public TfsValue ValueAt(int index) => _pairs.GetAt(index).Value;

    /// <summary>The value of <paramref name="name"/>, or null.</summary>
    public TfsValue? this[ReadOnlySpan<byte> name] => _pairs.GetValueOrDefault(new TfsName(name));

    public void Set(ReadOnlySpan<byte> name, TfsValue value) => _pairs[new TfsName(name)] = value;

    public void Set(TfsName name, TfsValue value) => _pairs[name] = value;

    public bool Remove(ReadOnlySpan<byte> name) => _pairs.Remove(new TfsName(name));
}

/// <summary>An attribute's or file's name: bytes, compared as bytes.</summary>
public readonly struct TfsName : IEquatable<TfsName>
{
    private readonly byte[]? _bytes;

    public TfsName(ReadOnlySpan<byte> bytes) => _bytes = bytes.ToArray();

    public ReadOnlySpan<byte> Bytes => _bytes;

    public bool Equals(TfsName other) => Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is TfsName other && Equals(other);

    public override int GetHashCode()
    {
        HashCode hash = default; // keyed at random per process
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    public override string ToString() => System.Text.Encoding.UTF8.GetString(Bytes);

    public static bool operator ==(TfsName left, TfsName right) => left.Equals(right);

    public static bool operator !=(TfsName left, TfsName right) => !left.Equals(right);
}
