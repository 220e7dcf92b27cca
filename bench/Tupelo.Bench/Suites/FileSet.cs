using System.Globalization;
using System.Text;

namespace Tupelo.Bench;

/// <summary>The paths of many files, in the order in which they are used: as bytes side by side for Tupelo and as strings for System.IO, so that
/// reading them costs neither a cache miss per file.</summary>
internal sealed class FileSet
{
    private readonly byte[] _bytes;
    private readonly int _stride;

    /// <param name="prefix">Ends with a slash.</param>
    /// <param name="files">Numbers of files, in the order of use.</param>
    /// <param name="perDirectory">Files in a directory.</param>
    /// <param name="suffix">After the number.</param>
    public FileSet(string prefix, ReadOnlySpan<int> files, int perDirectory, string suffix = "")
    {
        Strings = new string[files.Length];
        for (int i = 0; i < files.Length; i++)
        {
            Strings[i] = string.Create(CultureInfo.InvariantCulture, $"{prefix}d{files[i] / perDirectory:D4}/f{files[i]:D7}{suffix}");
        }
        _stride = Strings[0].Length;
        _bytes = Encoding.UTF8.GetBytes(string.Concat(Strings));
    }

    public string[] Strings { get; }

    public int Count => Strings.Length;

    public ReadOnlySpan<byte> this[int index] => _bytes.AsSpan(index * _stride, _stride);

    /// <summary>0 .. count - 1, in an order that depends on the seed only.</summary>
    public static int[] Shuffled(int count, int seed = 1)
    {
        int[] numbers = [.. Enumerable.Range(0, count)];
        new Random(seed).Shuffle(numbers);
        return numbers;
    }
}
