// Makes random trees on the host and says what an image of them must list. Sizes lie around the boundaries of the format.
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Tupelo.Images.Tests;

internal sealed partial class RandomTree
{
    private static readonly long[] Sizes =
    [
        0, 0, 1, 2, 100, 510, 511, 512, 513, 1023, 1024, 1025, 4095, 4096, 4097, 65_535, 65_536, 65_537, 66_000, 131_072, 524_287, 1_048_576,
        1_048_577, 1_100_000,
    ];

    private readonly Random _random;
    private readonly string _root;
    private readonly List<(string HostPath, string Path, string Hash, ulong Size, ulong Links)> _files = [];

    public RandomTree(string root, int seed)
    {
        _root = root;
        _random = new Random(seed);
        _ = Directory.CreateDirectory(root);
        Expected.Add(ReadBack.Line("/", FileType.Directory, 0, 0, "", ""));
    }

    public List<string> Expected { get; } = [];

    public List<string> SortedExpected()
    {
        List<string> lines = [.. Expected];
        foreach ((_, string path, string hash, ulong size, ulong links) in _files)
        {
            lines.Add(ReadBack.Line(path, FileType.Regular, size, links, "", hash));
        }
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    public void Fill(int entries)
    {
        List<(string Host, string Path)> directories = [(_root, "")];
        for (int i = 0; i < entries; i++)
        {
            (string host, string path) = directories[_random.Next(directories.Count)];
            string name = Name(i);
            string hostPath = Path.Combine(host, name);
            string inPath = path + "/" + Latin1(name);
            switch (_random.Next(20))
            {
                case < 4:
                    _ = Directory.CreateDirectory(hostPath);
                    directories.Add((hostPath, inPath));
                    Expected.Add(ReadBack.Line(inPath, FileType.Directory, 0, 0, "", ""));
                    break;
                case 4:
                    string target = Name(i) + "/../" + new string('t', _random.Next(1, 300));
                    _ = File.CreateSymbolicLink(hostPath, target);
                    Expected.Add(ReadBack.Line(inPath, FileType.Symlink, 0, 1, Latin1(target), ""));
                    break;
                case 5 when _files.Count > 0:
                    int linked = _random.Next(_files.Count);
                    (string oldHost, _, string hash, ulong size, ulong links) = _files[linked];
                    Assert.Equal(0, Link(oldHost, hostPath));
                    _files.Add((hostPath, inPath, hash, size, links));
                    for (int other = 0; other < _files.Count; other++)
                    {
                        if (_files[other].Hash == hash && SameObject(_files[other].HostPath, hostPath))
                        {
                            _files[other] = _files[other] with { Links = links + 1 };
                        }
                    }
                    break;
                case 6:
                    AddFile(hostPath, inPath, sparse: true);
                    break;
                default:
                    AddFile(hostPath, inPath, sparse: false);
                    break;
            }
        }
    }

    private readonly Dictionary<string, string> _objectOf = []; // host path -> first host path of the same object

    private bool SameObject(string a, string b) => ObjectOf(a) == ObjectOf(b);

    private string ObjectOf(string path) => _objectOf.GetValueOrDefault(path, path);

    private int Link(string oldPath, string newPath)
    {
        _objectOf[newPath] = ObjectOf(oldPath);
        return HardLink(oldPath, newPath);
    }

    private void AddFile(string hostPath, string path, bool sparse)
    {
        long size = _random.Next(4) == 0 ? _random.Next(200_000) : Sizes[_random.Next(Sizes.Length)];
        using (FileStream stream = File.Create(hostPath))
        {
            if (sparse)
            {
                for (long at = 0; at < 2_000_000 && _random.Next(4) > 0;)
                {
                    at += _random.Next(100_000);
                    stream.Position = at;
                    byte[] piece = Bytes(_random.Next(1, 30_000));
                    stream.Write(piece);
                    at += piece.Length;
                }
                stream.SetLength(_random.Next(2_500_000));
            }
            else
            {
                stream.Write(Bytes((int)size));
            }
        }
        byte[] content = File.ReadAllBytes(hostPath);
        _files.Add((hostPath, path, Convert.ToHexStringLower(SHA256.HashData(content)), (ulong)content.Length, 1));
    }

    private byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private string Name(int number)
    {
        string[] alphabets = ["abc", "äöüß€", "日本語", "𝄞🎵", " .-_~", "()[]:|\"#\\$*?", "children", "extents", "0123456789"];
        StringBuilder name = new(number.ToString(System.Globalization.CultureInfo.InvariantCulture));
        int length = _random.Next(8) == 0 ? 255 : _random.Next(1, 40);
        while (true)
        {
            string alphabet = alphabets[_random.Next(alphabets.Length)];
            Rune[] runes = [.. alphabet.EnumerateRunes()];
            string next = _random.Next(5) == 0 ? alphabet : runes[_random.Next(runes.Length)].ToString();
            if (Encoding.UTF8.GetByteCount(name.ToString()) + Encoding.UTF8.GetByteCount(next) > length)
            {
                return name.ToString();
            }
            _ = name.Append(next);
        }
    }

    public static string Latin1(string text) => ReadBack.Latin1(Encoding.UTF8.GetBytes(text));

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int HardLink(string oldPath, string newPath);
}
