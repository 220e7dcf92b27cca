using System.Text;

namespace Tupelo.FileSystems.Tests;

/// <summary>Archives made by GNU tar here and now, in each of its formats, and archives built byte by byte.</summary>
public sealed class TarTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("v7", false)]
    [InlineData("ustar", false)]
    [InlineData("oldgnu", true)]
    [InlineData("gnu", true)]
    [InlineData("pax", true)]
    public void ArchiveOfGnuTar_ReadsToTheTreeOfTheHost(string format, bool anyLength)
    {
        string root = MakeTree(anyLength, special: format != "v7");
        HostTool.Run("tar", "-C", root, "--format=" + format, "--sort=name", "-cf", _directory["t.tar"], ".");
        using ReadOnlyTree tree = TarFileSystemType.OpenImage(FileBlockDevice.Open(_directory["t.tar"], new FileBlockDeviceOptions { ReadOnly = true }));
        string[] expected = HostTool.Run("find", root, "(", "-type", "d", "-printf", "/%P d %#m %U %G - %Ts \n", ")", "-o", "-printf", "/%P %y %#m %U %G %s %Ts %l\n")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Array.Sort(expected, StringComparer.Ordinal);
        var found = new List<string>();
        foreach ((string path, int node) in TreeText.Walk(tree))
        {
            tree.GetAttributes(node, out VnodeAttributes a);
            FileType type = tree.TypeOf(node);
            string letter = type switch { FileType.Directory => "d", FileType.Symlink => "l", FileType.Fifo => "p", FileType.CharDevice => "c", _ => "f" };
            string size = type == FileType.Directory ? "-" : a.SizeBytes.ToString();
            string target = type == FileType.Symlink ? TreeText.Target(tree, node) : string.Empty;
            found.Add($"{path} {letter} 0{Convert.ToString(a.Permissions, 8)} {a.Uid} {a.Gid} {size} {a.ModifyTime.Seconds} {target}");
            if (type == FileType.Regular)
            {
                Assert.Equal(File.ReadAllBytes(root + path), TreeText.Bytes(tree, node));
            }
        }
        found.Sort(StringComparer.Ordinal);
        Assert.Equal(expected, found);
        Assert.Equal(TreeText.Find(tree, "one"), TreeText.Find(tree, "d/two"));
    }

    [Theory]
    [InlineData("oldgnu", "")]
    [InlineData("pax", "0.0")]
    [InlineData("pax", "0.1")]
    [InlineData("pax", "1.0")]
    public void SparseFile_KeepsItsHoles(string format, string version)
    {
        string file = _directory["sparse"];
        using (FileStream stream = File.Create(file))
        {
            // More runs than fit GNU's first header and one block of more.
            for (int i = 0; i < 40; i++)
            {
                stream.Position = 65536L * (i * 3);
                stream.Write(Encoding.ASCII.GetBytes($"run {i}"));
            }
            stream.SetLength(5L << 30);
        }
        string[] versionArgument = version.Length > 0 ? ["--sparse-version=" + version] : [];
        HostTool.Run("tar", ["-C", _directory.Root, "--format=" + format, .. versionArgument, "-S", "-cf", _directory["s.tar"], "sparse"]);
        using ReadOnlyTree tree = TarFileSystemType.OpenImage(FileBlockDevice.Open(_directory["s.tar"], new FileBlockDeviceOptions { ReadOnly = true }));
        int node = TreeText.Find(tree, "sparse");
        tree.GetAttributes(node, out VnodeAttributes attributes);
        Assert.Equal(5L << 30, attributes.SizeBytes);
        Assert.InRange(attributes.Blocks512, 40, 40 * 128);
        byte[] expected = new byte[65536 * 3 * 40];
        using (FileStream stream = File.OpenRead(file))
        {
            stream.ReadExactly(expected);
        }
        byte[] found = new byte[expected.Length];
        Assert.Equal(found.Length, tree.Read(node, 0, found).Count);
        Assert.Equal(expected, found);
        byte[] end = [1, 2, 3];
        Assert.Equal(3, tree.Read(node, (5L << 30) - 3, end).Count);
        Assert.Equal([0, 0, 0], end);
        Assert.Equal(0, tree.FindData(node, 0, hole: false).Count);
        long hole = tree.FindData(node, 0, hole: true).Count;
        Assert.InRange(hole, 5, 65536);
        Assert.Equal(65536 * 3, tree.FindData(node, hole, hole: false).Count);
        Assert.Equal(Errno.ENXIO, tree.FindData(node, 4L << 30, hole: false).Errno);
        Assert.Equal(4L << 30, tree.FindData(node, 4L << 30, hole: true).Count);
    }

    [Fact]
    public void ExtendedAttributes_AreRead()
    {
        byte[] bytes = new Archive().Pax(("SCHILY.xattr.user.a", "1"), ("SCHILY.xattr.user.b", "x\ny\0z"), ("mtime", "1700000000.123456789")).File("f", "c").End();
        using ReadOnlyTree tree = Open(bytes);
        int node = TreeText.Find(tree, "f");
        byte[] room = new byte[64];
        Assert.Equal("user.a\0user.b\0"u8.ToArray(), room[..(int)tree.ListXattrs(node, room).Count]);
        Assert.Equal("x\ny\0z"u8.ToArray(), room[..(int)tree.GetXattr(node, "user.b"u8, room).Count]);
        Assert.Equal(5, tree.GetXattr(node, "user.b"u8, default).Count);
        Assert.Equal(Errno.ERANGE, tree.GetXattr(node, "user.b"u8, room.AsSpan(0, 4)).Errno);
        Assert.Equal(Errno.ENODATA, tree.GetXattr(node, "user.c"u8, room).Errno);
        Assert.Equal(Errno.ERANGE, tree.ListXattrs(node, room.AsSpan(0, 8)).Errno);
        Assert.Equal(14, tree.ListXattrs(node, default).Count);
        Assert.Equal(0, tree.ListXattrs(0, room).Count);
        tree.GetAttributes(node, out VnodeAttributes attributes);
        Assert.Equal(new Timespec(1700000000, 123456789), attributes.ModifyTime);
    }

    [Fact]
    public void GlobalHeader_CountsUntilItIsOverridden()
    {
        byte[] bytes = new Archive()
            .Pax('g', ("uid", "77"), ("comment", "nothing")).File("a", "1")
            .Pax(("uid", "78")).File("b", "2")
            .Pax(("uid", "")).File("c", "3")
            .Pax('g', ("uid", "")).File("d", "4").End();
        using ReadOnlyTree tree = Open(bytes);
        uint UidOf(string name)
        {
            tree.GetAttributes(TreeText.Find(tree, name), out VnodeAttributes attributes);
            return attributes.Uid;
        }
        Assert.Equal([77u, 78u, 0u, 0u], [UidOf("a"), UidOf("b"), UidOf("c"), UidOf("d")]);
    }

    [Theory]
    [InlineData("-0.5", -1, 500_000_000)]
    [InlineData("-3", -3, 0)]
    [InlineData("1.5", 1, 500_000_000)]
    [InlineData("7.1234567899999", 7, 123_456_789)]
    public void Times_MayBeNegativeAndHaveFractions(string text, long seconds, int nanoseconds)
    {
        using ReadOnlyTree tree = Open(new Archive().Pax(("mtime", text)).File("f", "c").End());
        tree.GetAttributes(TreeText.Find(tree, "f"), out VnodeAttributes attributes);
        Assert.Equal(new Timespec(seconds, nanoseconds), attributes.ModifyTime);
    }

    [Fact]
    public void ConcatenatedArchives_AreOneTree_AndTheLastOneWins()
    {
        byte[] first = new Archive().File("a", "old").File("kept", "k").End();
        byte[] second = new Archive().File("a", "new").End();
        using ReadOnlyTree tree = Open([.. first, .. new byte[9 * 512], .. second]);
        Assert.Equal("new", TreeText.Text(tree, "a"));
        Assert.Equal("k", TreeText.Text(tree, "kept"));
    }

    [Fact]
    public void WhateverStandsBehindTheEnd_DoesNotMatter()
    {
        using ReadOnlyTree tree = Open([.. new Archive().File("a", "1").End(), .. Enumerable.Repeat((byte)'#', 700)]);
        Assert.Single(TreeText.Children(tree, 0));
    }

    [Fact]
    public void ArchiveWithoutEnd_IsReadToItsLastMember()
    {
        byte[] bytes = new Archive().File("a", "1").End();
        using ReadOnlyTree tree = Open(bytes[..1024]);
        Assert.Equal("1", TreeText.Text(tree, "a"));
        using ReadOnlyTree unpadded = Open(bytes[..513]);
        Assert.Equal("1", TreeText.Text(unpadded, "a"));
    }

    [Fact]
    public void EmptyArchive_IsAnEmptyDirectory()
    {
        using ReadOnlyTree tree = Open(new byte[10240]);
        Assert.Empty(TreeText.Children(tree, 0));
    }

    [Fact]
    public void BinaryNumbers_AreUnderstood()
    {
        byte[] header = Archive.Header("f", '0', 0);
        // uid as GNU writes what octal cannot hold, mtime before 1970.
        byte[] uid = [0x80, 0, 0, 0, 0x12, 0x34, 0x56, 0x78];
        uid.CopyTo(header, 108);
        byte[] time = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE];
        time.CopyTo(header, 136);
        Archive.Sign(header);
        using ReadOnlyTree tree = Open([.. header, .. new byte[1024]]);
        tree.GetAttributes(TreeText.Find(tree, "f"), out VnodeAttributes attributes);
        Assert.Equal(0x12345678u, attributes.Uid);
        Assert.Equal(-2, attributes.ModifyTime.Seconds);
    }

    [Fact]
    public void HardLinks_NeedAFileThatComesBefore()
    {
        Assert.Contains("does not come before", Refused(new Archive().Link("a", "b").Link("b", "a").End()).Message, StringComparison.Ordinal);
        Assert.Contains("is a directory", Refused(new Archive().File("d/f", "x").Link("l", "d").End()).Message, StringComparison.Ordinal);
        using ReadOnlyTree tree = Open(new Archive().File("a", "x").Link("a", "a").Link("b", "./a").End());
        Assert.Equal("x", TreeText.Text(tree, "b"));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("/../x")]
    [InlineData("a/../../x")]
    public void ParentReferences_AreRefused_InNamesAndInLinksTargets(string name)
    {
        Assert.Contains("\"..\"", Refused(new Archive().File(name, "x").End()).Message, StringComparison.Ordinal);
        _ = Refused(new Archive().File("x", "x").Link("l", name).End());
    }

    [Fact]
    public void SymbolicLinksAreKeptAsTheyAre_AndNeverLeadOutOfTheRoot()
    {
        using ReadOnlyTree tree = Open(new Archive().Symlink("evil", "/../../etc").File("evil/passwd", "mine").End());
        Assert.Equal("/../../etc", TreeText.Target(tree, TreeText.Find(tree, "evil")));
        Assert.Equal("mine", TreeText.Text(tree, "etc/passwd"));
    }

    public static TheoryData<string, byte[]> Damaged()
    {
        byte[] good = new Archive().File("name", "content").End();
        byte[] Signed(Action<byte[]> change)
        {
            byte[] header = good[..512];
            change(header);
            Archive.Sign(header);
            return [.. header, .. good[512..]];
        }
        return new TheoryData<string, byte[]>
        {
            { "nothing at all", [] },
            { "no archive", Encoding.ASCII.GetBytes(new string('x', 2000)) },
            { "a wrong checksum", [(byte)(good[0] + 1), .. good[1..]] },
            { "cut in the data", good[..515] },
            { "cut in the second header", [.. good[..1024], .. good[..100]] },
            { "8 EiB of data", Signed(h => new byte[] { 0x80, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }.CopyTo(h, 124)) },
            { "2^70 bytes", Signed(h => new byte[] { 0x80, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0 }.CopyTo(h, 124)) },
            { "a negative size", Signed(h => Enumerable.Repeat((byte)0xFF, 12).ToArray().CopyTo(h, 124)) },
            { "a size that is no number", Signed(h => "12z45678901"u8.ToArray().CopyTo(h, 124)) },
            { "a user beyond 32 bits", Signed(h => new byte[] { 0x80, 0, 0, 1, 0, 0, 0, 0 }.CopyTo(h, 108)) },
            { "an empty name", Signed(h => h[0] = 0) },
            { "a part of several volumes", Signed(h => h[156] = (byte)'M') },
            { "a name component of 256 bytes", new Archive().File(new string('n', 256), "x").End() },
            { "an extended header that is too long for the archive", new Archive().Raw('x', new byte[100], 1L << 40).End() },
            { "a record without a length", new Archive().Raw('x', "path=x\n"u8.ToArray()).End() },
            { "a record that is longer than the header", new Archive().Raw('x', "99 path=x\n"u8.ToArray()).End() },
            { "a record without '='", new Archive().Raw('x', "8 pathx\n"u8.ToArray()).End() },
            { "a record without its end", new Archive().Raw('x', "9 path=xy"u8.ToArray()).End() },
            { "a long name that is too long", new Archive().Raw('L', new byte[70000]).File("x", "x").End() },
            { "too deep a name", new Archive().File(string.Concat(Enumerable.Repeat("d/", 5000)) + "f", "x").End() },
            { "a sparse run outside of its file", Sparse("10,5") },
            { "sparse runs that go back", Sparse("5,1,2,1") },
            { "sparse runs that overflow", Sparse("9223372036854775807,9223372036854775807") },
            { "a sparse run without data", Sparse("0,3,3,3") },
            { "a sparse map that is no numbers", Sparse("0,x") },
            { "an inline map of 2^62 runs", new Archive().Pax(("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "8")).File("s", "4611686018427387904\n").End() },
            { "an inline map without an end", new Archive().Pax(("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "8")).File("s", new string('1', 100)).End() },
        };
        static byte[] Sparse(string map) => new Archive().Pax(("GNU.sparse.map", map), ("GNU.sparse.size", "8")).File("s", "four").End();
    }

    [Theory]
    [MemberData(nameof(Damaged))]
    public void DamagedArchive_IsRefusedWithItsPlace(string what, byte[] bytes)
    {
        ImageFormatException problem = Refused(bytes);
        Assert.True(problem.OffsetBytes >= 0, what + ": " + problem.Message);
        Assert.Equal(Errno.EINVAL, problem.Errno);
    }

    private static ImageFormatException Refused(byte[] bytes) => Assert.Throws<ImageFormatException>(() => Open(bytes));

    internal static ReadOnlyTree Open(byte[] bytes) => TarFileSystemType.OpenImage(new MemoryBlockDevice(bytes));

    // Names beyond 100 bytes need more than V7; those beyond what ustar can split need GNU or pax.
    private string MakeTree(bool anyLength, bool special)
    {
        string root = _directory["tree"];
        Directory.CreateDirectory(Path.Combine(root, "d", "empty"));
        File.WriteAllText(Path.Combine(root, "one"), "linked");
        HostTool.Run("ln", Path.Combine(root, "one"), Path.Combine(root, "d", "two"));
        File.WriteAllBytes(Path.Combine(root, "zero"), []);
        File.WriteAllBytes(Path.Combine(root, "big"), Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7 / 3)).ToArray());
        File.CreateSymbolicLink(Path.Combine(root, "d", "link"), "../one");
        HostTool.Run("chmod", "4751", Path.Combine(root, "big"));
        if (special)
        {
            HostTool.Run("mkfifo", Path.Combine(root, "pipe"));
            string path = root;
            for (int i = 0; i < 2; i++)
            {
                path = Path.Combine(path, new string((char)('p' + i), 70));
            }
            Directory.CreateDirectory(path);
            File.WriteAllText(Path.Combine(path, "deep"), "deep");
        }
        if (anyLength)
        {
            string path = Path.Combine(root, new string('q', 255), new string('r', 255));
            Directory.CreateDirectory(path);
            File.WriteAllText(Path.Combine(path, new string('s', 255)), "long");
            File.CreateSymbolicLink(Path.Combine(root, "longlink"), new string('t', 255) + "/" + new string('u', 255));
            File.WriteAllText(Path.Combine(root, "ümläut"), "u");
        }
        return root;
    }

    /// <summary>Builds tar archives, valid or not.</summary>
    internal sealed class Archive
    {
        private readonly MemoryStream _bytes = new();

        public Archive File(string name, string content) => Raw('0', Encoding.UTF8.GetBytes(content), name: name);

        public Archive Link(string name, string target) => Raw('1', [], name: name, link: target);

        public Archive Symlink(string name, string target) => Raw('2', [], name: name, link: target);

        public Archive Pax(params (string Key, string Value)[] records) => Pax('x', records);

        public Archive Pax(char type, params (string Key, string Value)[] records)
        {
            var text = new StringBuilder();
            foreach ((string key, string value) in records)
            {
                int length = key.Length + value.Length + 3;
                int total = length + length.ToString().Length;
                total = length + total.ToString().Length;
                text.Append(total).Append(' ').Append(key).Append('=').Append(value).Append('\n');
            }
            return Raw(type, Encoding.Latin1.GetBytes(text.ToString()));
        }

        public Archive Raw(char type, byte[] data, long size = -1, string name = "header", string link = "")
        {
            if (Encoding.UTF8.GetByteCount(name) > 100)
            {
                _ = Raw('L', [.. Encoding.UTF8.GetBytes(name), 0]);
                name = name[..90];
            }
            byte[] header = Header(name, type, size < 0 ? data.Length : size, link);
            Sign(header);
            _bytes.Write(header);
            _bytes.Write(data);
            _bytes.Write(new byte[-_bytes.Length & 511]);
            return this;
        }

        public byte[] End()
        {
            _bytes.Write(new byte[1024]);
            return _bytes.ToArray();
        }

        public static byte[] Header(string name, char type, long size, string link = "")
        {
            byte[] header = new byte[512];
            Encoding.UTF8.GetBytes(name).CopyTo(header, 0);
            Encoding.ASCII.GetBytes("0000644").CopyTo(header, 100);
            Encoding.ASCII.GetBytes("0000000").CopyTo(header, 108);
            Encoding.ASCII.GetBytes("0000000").CopyTo(header, 116);
            if (size < 1L << 33)
            {
                Encoding.ASCII.GetBytes(Convert.ToString(size, 8).PadLeft(11, '0')).CopyTo(header, 124);
            }
            else
            {
                header[124] = 0x80;
                System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(128), size);
            }
            Encoding.ASCII.GetBytes("00000000000").CopyTo(header, 136);
            header[156] = (byte)type;
            Encoding.UTF8.GetBytes(link).CopyTo(header, 157);
            Encoding.ASCII.GetBytes("ustar\00000").CopyTo(header, 257);
            return header;
        }

        public static void Sign(byte[] header)
        {
            header.AsSpan(148, 8).Fill((byte)' ');
            Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(b => (int)b), 8).PadLeft(6, '0') + "\0 ").CopyTo(header, 148);
        }
    }
}
