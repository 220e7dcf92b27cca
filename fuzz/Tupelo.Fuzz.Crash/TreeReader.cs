// Reads the tree of a real volume into a digest, and the regular files into a list. One reader is used over and over; nothing in it is
// allocated per state but what the volume itself allocates.
using System.Globalization;
using System.Text;
using Tupelo.Tfs;

namespace Tupelo.Fuzz.Crash;

/// <summary>A regular file as it was found.</summary>
internal readonly record struct FoundFile(UInt128 Path, TfsNode Node, long SizeBytes, UInt128 Content, Timespec ModifyTime);

internal sealed class TreeReader
{
    private const long MaxContentBytes = 4 << 20;

    private readonly Stack<(TfsNode Directory, UInt128 Path)> _directories = new();
    private readonly List<(int Node, UInt128 Attributes, UInt128 Paths)> _linked = [];
    private readonly List<FoundFile> _files = [];
    private byte[] _content = new byte[64 << 10];

    /// <summary>The regular files of the last tree read, one for each name.</summary>
    public IReadOnlyList<FoundFile> Files => _files;

    /// <summary>Reads all names and attributes, and content when asked to.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="withContent">Whether files are read as well.</param>
    /// <param name="wrong">What cannot be read, or null.</param>
    public UInt128 Read(TfsVolume volume, bool withContent, out string? wrong)
    {
        wrong = null;
        _directories.Clear();
        _linked.Clear();
        _files.Clear();
        UInt128 total = TreeDigest.File(AttributesOf(volume, volume.Root, out _), TreeDigest.RootPath);
        _directories.Push((volume.Root, TreeDigest.RootPath));
        while (_directories.TryPop(out (TfsNode Directory, UInt128 Path) top))
        {
            foreach (TfsDirectoryEntries entry in volume.EntriesOf(top.Directory))
            {
                TfsNode node = entry.Node;
                UInt128 path = TreeDigest.Path(top.Path, entry.Name);
                UInt128 attributes = AttributesOf(volume, node, out Stat stat);
                if (stat.Type == FileType.Directory)
                {
                    total += TreeDigest.File(attributes, path);
                    _directories.Push((node, path));
                    continue;
                }
                if (stat.LinkCount == 1)
                {
                    total += TreeDigest.File(attributes, path);
                }
                else
                {
                    AddLink(node.Id, attributes, path);
                }
                if (stat.Type == FileType.Regular)
                {
                    UInt128 content = 0;
                    if (withContent && !TryReadContent(volume, node, out content))
                    {
                        wrong = $"'{Encoding.UTF8.GetString(entry.Name)}' cannot be read";
                    }
                    _files.Add(new FoundFile(path, node, stat.SizeBytes, content, stat.ModifyTime));
                }
            }
        }
        foreach ((_, UInt128 attributes, UInt128 paths) in _linked)
        {
            total += TreeDigest.File(attributes, paths);
        }
        return total;
    }

    /// <summary>All bytes of a file.</summary>
    public static byte[] ContentOf(TfsVolume volume, TfsNode node)
    {
        byte[] bytes = new byte[volume.LengthOf(node)];
        return volume.OpenFile(node, out TfsFileReader? file) == Errno.None && file!.Read(0, bytes).IsOk ? bytes : [];
    }

    /// <summary>The tree as text, for messages; paths of regular files are added to <paramref name="paths"/>.</summary>
    public static string Describe(TfsVolume volume, Dictionary<UInt128, string>? paths = null)
    {
        var text = new StringBuilder();
        var stack = new Stack<(string Path, TfsNode Node, UInt128 Hash)>();
        stack.Push(("/", volume.Root, TreeDigest.RootPath));
        while (stack.TryPop(out (string Path, TfsNode Node, UInt128 Hash) top))
        {
            volume.GetStat(top.Node, out Stat stat);
            var xattrs = new StringBuilder();
            foreach (TfsAttributes attribute in volume.AttributesOf(top.Node))
            {
                if (IsXattr(attribute.Name))
                {
                    _ = xattrs.Append(CultureInfo.InvariantCulture, $" {Encoding.UTF8.GetString(attribute.Name)}={Digest.Of(attribute.Value.Bytes):X8}");
                }
            }
            _ = text.AppendLine(CultureInfo.InvariantCulture, $"  {top.Path} {stat.Type} {Convert.ToString(stat.Mode & Mode.PermissionMask, 8)} {stat.Uid}:{stat.Gid} n{stat.LinkCount} born {stat.BirthTime.Seconds} dev {stat.RawDevice:X} {Encoding.UTF8.GetString(volume.TargetOf(top.Node))}{xattrs}{(stat.Type == FileType.Regular ? $" size {stat.SizeBytes}" : "")}");
            _ = paths?.TryAdd(top.Hash, top.Path);
            foreach (TfsDirectoryEntries entry in volume.EntriesOf(top.Node))
            {
                stack.Push((top.Path.TrimEnd('/') + "/" + Encoding.UTF8.GetString(entry.Name), entry.Node, TreeDigest.Path(top.Hash, entry.Name)));
            }
        }
        return text.ToString();
    }

    private static UInt128 AttributesOf(TfsVolume volume, TfsNode node, out Stat stat)
    {
        volume.GetStat(node, out stat);
        UInt128 xattrs = 0;
        foreach (TfsAttributes attribute in volume.AttributesOf(node))
        {
            if (attribute.Value.Kind is TfsValueKind.String or TfsValueKind.Buffer && IsXattr(attribute.Name))
            {
                xattrs += TreeDigest.Xattr(attribute.Name, attribute.Value.Bytes);
            }
        }
        return TreeDigest.Attributes(stat.Type, stat.Mode & Mode.PermissionMask, stat.Uid, stat.Gid, stat.LinkCount, stat.RawDevice, volume.TargetOf(node), node == volume.Root ? default : stat.BirthTime, xattrs);
    }

    private static bool IsXattr(ReadOnlySpan<byte> name) => name.Length > 2 && name[1..^1].Contains((byte)'.');

    private void AddLink(int node, UInt128 attributes, UInt128 path)
    {
        for (int i = 0; i < _linked.Count; i++)
        {
            if (_linked[i].Node == node)
            {
                _linked[i] = (node, attributes, _linked[i].Paths + path);
                return;
            }
        }
        _linked.Add((node, attributes, path));
    }

    private bool TryReadContent(TfsVolume volume, TfsNode node, out UInt128 content)
    {
        content = 0;
        if (volume.OpenFile(node, out TfsFileReader? file) != Errno.None || file!.LengthBytes > MaxContentBytes)
        {
            return false;
        }
        if (_content.Length < file.LengthBytes)
        {
            _content = new byte[file.LengthBytes * 2];
        }
        Span<byte> bytes = _content.AsSpan(0, (int)file.LengthBytes);
        if (!file.Read(0, bytes).IsOk)
        {
            return false;
        }
        content = Digest.Of(bytes);
        return true;
    }
}
