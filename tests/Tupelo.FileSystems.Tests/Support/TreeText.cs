using System.Text;

namespace Tupelo.FileSystems.Tests;

/// <summary>A whole tree as lines of text, read through ReadOnlyTree alone; and the paths of single files.</summary>
internal static class TreeText
{
    /// <summary>One line per file, sorted by path: "path mode uid gid nlink size mtime [-> target | device | content]".</summary>
    public static List<string> Lines(ReadOnlyTree tree)
    {
        var lines = new List<string>();
        foreach ((string path, int node) in Walk(tree))
        {
            tree.GetAttributes(node, out VnodeAttributes a);
            string tail = tree.TypeOf(node) switch
            {
                FileType.Regular => " " + Content(tree, node),
                FileType.Symlink => " -> " + Target(tree, node),
                FileType.CharDevice or FileType.BlockDevice => $" {DeviceNumber.Major(tree.RawDeviceOf(node))}:{DeviceNumber.Minor(tree.RawDeviceOf(node))}",
                _ => string.Empty,
            };
            string mode = Convert.ToString(Mode.OfType(tree.TypeOf(node)) | a.Permissions, 8);
            lines.Add($"{path} {mode} {a.Uid} {a.Gid} {a.LinkCount} {a.SizeBytes} {a.ModifyTime.Seconds}{tail}");
        }
        return lines;
    }

    /// <summary>All files from the root down, directories before what is in them.</summary>
    public static IEnumerable<(string Path, int Node)> Walk(ReadOnlyTree tree)
    {
        var pending = new Stack<(string Path, int Node)>();
        pending.Push(("/", 0));
        while (pending.TryPop(out (string Path, int Node) at))
        {
            yield return at;
            if (tree.TypeOf(at.Node) == FileType.Directory)
            {
                foreach ((string name, int node) in Enumerable.Reverse(Children(tree, at.Node)))
                {
                    pending.Push((at.Path.TrimEnd('/') + "/" + name, node));
                }
            }
        }
    }

    /// <summary>Names and nodes of a directory, read with a buffer that holds two entries or so.</summary>
    public static List<(string Name, int Node)> Children(ReadOnlyTree tree, int directory, int bufferBytes = 600)
    {
        var children = new List<(string, int)>();
        byte[] buffer = new byte[bufferBytes];
        for (long cookie = 0; ;)
        {
            var writer = new DirectoryWriter(buffer);
            Assert.Equal(Errno.None, tree.List(directory, cookie, ref writer));
            if (writer.BytesWritten == 0)
            {
                return children;
            }
            ReadOnlySpan<byte> records = buffer.AsSpan(0, writer.BytesWritten);
            while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
            {
                int node = (int)record.Ino - 1;
                Assert.Equal(tree.TypeOf(node), record.Type);
                Assert.Equal(Errno.None, tree.Find(directory, record.Name, out int found));
                Assert.Equal(node, found);
                Assert.True(record.Cookie > cookie && record.Cookie > 2);
                cookie = record.Cookie;
                children.Add((Encoding.UTF8.GetString(record.Name), node));
            }
        }
    }

    /// <summary>The node of a path; the test fails when there is none.</summary>
    public static int Find(ReadOnlyTree tree, string path)
    {
        int node = 0;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            Assert.Equal(Errno.None, tree.Find(node, Encoding.UTF8.GetBytes(name), out node));
        }
        return node;
    }

    public static bool Exists(ReadOnlyTree tree, string path)
    {
        int node = 0;
        return path.Split('/', StringSplitOptions.RemoveEmptyEntries)
            .All(name => tree.TypeOf(node) == FileType.Directory && tree.Find(node, Encoding.UTF8.GetBytes(name), out node) == Errno.None);
    }

    public static byte[] Bytes(ReadOnlyTree tree, int node)
    {
        Assert.Equal(Errno.None, tree.Open(node));
        tree.GetAttributes(node, out VnodeAttributes attributes);
        byte[] bytes = new byte[attributes.SizeBytes];
        bytes.AsSpan().Fill(0xEE);
        for (int done = 0; done < bytes.Length;)
        {
            // In odd pieces, so that every seam is crossed.
            IoResult read = tree.Read(node, done, bytes.AsSpan(done, Math.Min(977, bytes.Length - done)));
            Assert.True(read.Count > 0, read.ToString());
            done += (int)read.Count;
        }
        return bytes;
    }

    public static string Text(ReadOnlyTree tree, string path) => Encoding.UTF8.GetString(Bytes(tree, Find(tree, path)));

    public static string Target(ReadOnlyTree tree, int node)
    {
        Assert.Equal(Errno.None, tree.ReadLink(node, out ReadOnlyMemory<byte> target));
        return Encoding.UTF8.GetString(target.Span);
    }

    // Small texts as they are, the rest by its hash.
    private static string Content(ReadOnlyTree tree, int node)
    {
        byte[] bytes = Bytes(tree, node);
        return bytes.Length <= 16 ? $"\"{Encoding.UTF8.GetString(bytes).Replace("\n", "\\n", StringComparison.Ordinal)}\""
            : Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))[..16];
    }
}
