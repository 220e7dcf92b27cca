using System.Globalization;
using System.Text;

namespace Tupelo.FileSystems.Tests;

/// <summary>The archives in tests/data/cpio were made by GNU cpio; the others are built here, byte by byte.</summary>
public sealed class CpioTests
{
    // Of the same directory: newc from inside ("."), crc from outside ("dir").
    private static readonly string[] Expected =
    [
        "/a.txt 100644 0 0 3 6 1700000000 \"hello\\n\"",
        "/b.txt 100644 0 0 3 6 1700000000 \"hello\\n\"",
        "/empty 100644 1000 1001 1 0 1700000000 \"\"",
        "/" + new string('n', 255) + " 100644 0 0 1 5 1700000000 \"long\\n\"",
        "/null 20644 0 0 1 0 1700000000 1:3",
        "/pipe 10644 0 0 1 0 1700000000",
        "/sub 40755 0 0 2 0 1700000000",
        "/sub/c.txt 100644 0 0 3 6 1700000000 \"hello\\n\"",
        "/sub/link 120777 0 0 1 8 1700000000 -> ../a.txt",
        "/xs 104755 0 0 1 5000 1700000000 " + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Enumerable.Repeat((byte)'x', 5000).ToArray()))[..16],
        "/ümläut 100644 0 0 1 2 1700000000 \"u\\n\"",
    ];

    [Fact]
    public void ArchiveOfGnuCpio_ReadsToItsTree()
    {
        using ReadOnlyTree tree = CpioFileSystemType.OpenImage(FileBlockDevice.Open(HostTool.DataFile("cpio/newc.cpio"), new FileBlockDeviceOptions { ReadOnly = true }));
        Assert.Equal(["/ 40755 0 0 3 0 1700000001", .. Expected], TreeText.Lines(tree));
    }

    [Fact]
    public void ArchiveWithChecksums_ReadsToItsTree()
    {
        using ReadOnlyTree tree = Open(File.ReadAllBytes(HostTool.DataFile("cpio/crc.cpio")));
        List<string> lines = TreeText.Lines(tree);
        Assert.Equal("/ 40755 0 0 3 0 0", lines[0]);
        Assert.StartsWith("/dir 40755 0 0 3 0 ", lines[1], StringComparison.Ordinal);
        Assert.Equal(Expected.Select(line => "/dir" + line), lines.Skip(2));
    }

    [Fact]
    public void ChecksumThatIsWrong_RefusesThatFileAlone()
    {
        byte[] bytes = File.ReadAllBytes(HostTool.DataFile("cpio/crc.cpio"));
        int data = bytes.AsSpan().IndexOf("xxxxxxxx"u8);
        bytes[data + 4000]++;
        using ReadOnlyTree tree = Open(bytes);
        int damaged = TreeText.Find(tree, "dir/xs");
        Assert.Equal(Errno.EUCLEAN, tree.Open(damaged));
        Assert.Equal(Errno.EUCLEAN, tree.Open(damaged)); // Not only the first time.
        Assert.Equal("hello\n", TreeText.Text(tree, "dir/a.txt"));
    }

    [Fact]
    public void ConcatenatedArchives_AreOneTree_AndTheLastOneWins()
    {
        byte[] first = new Archive().Directory("etc", 0x1ED).File("etc/hosts", "old").File("etc/kept", "kept").Trailer();
        byte[] second = new Archive().File("etc/hosts", "new").File("added", "x").Trailer();
        byte[] third = new Archive().Symlink("etc/kept", "hosts").Trailer();
        using ReadOnlyTree tree = Open([.. first, .. new byte[512], .. second, .. third, .. new byte[1000]]);
        Assert.Equal("new", TreeText.Text(tree, "etc/hosts"));
        Assert.Equal("x", TreeText.Text(tree, "added"));
        Assert.Equal("hosts", TreeText.Target(tree, TreeText.Find(tree, "etc/kept")));
        Assert.Equal(2, TreeText.Children(tree, TreeText.Find(tree, "etc")).Count);
    }

    [Fact]
    public void HardLinks_AreOneFile_AndDoNotReachIntoTheNextArchive()
    {
        byte[] first = new Archive().File("a", string.Empty, ino: 7, links: 2).File("b", "data", ino: 7, links: 2).Trailer();
        byte[] second = new Archive().File("c", "other", ino: 7, links: 2).Trailer();
        using ReadOnlyTree tree = Open([.. first, .. second]);
        Assert.Equal(TreeText.Find(tree, "a"), TreeText.Find(tree, "b"));
        Assert.NotEqual(TreeText.Find(tree, "a"), TreeText.Find(tree, "c"));
        Assert.Equal("data", TreeText.Text(tree, "a"));
        tree.GetAttributes(TreeText.Find(tree, "a"), out VnodeAttributes attributes);
        Assert.Equal(2u, attributes.LinkCount);
    }

    [Fact]
    public void MemberBelowASymbolicLink_GoesWhereTheLinkLeadsInsideOfTheRoot()
    {
        byte[] bytes = new Archive()
            .Directory("usr", 0x1ED).Directory("usr/lib", 0x1ED).Symlink("lib", "/usr/lib").File("lib/module", "m")
            .Symlink("out", "../../../../usr").File("out/lib/second", "s").Trailer();
        using ReadOnlyTree tree = Open(bytes);
        Assert.Equal("m", TreeText.Text(tree, "usr/lib/module"));
        Assert.Equal("s", TreeText.Text(tree, "usr/lib/second"));
    }

    [Fact]
    public void AbsoluteNames_AreRelativeToTheRoot()
    {
        using ReadOnlyTree tree = Open(new Archive().File("//etc//./passwd", "p").Trailer());
        Assert.Equal("p", TreeText.Text(tree, "etc/passwd"));
    }

    [Theory]
    [InlineData("../escape")]
    [InlineData("a/../../escape")]
    [InlineData("a/..")]
    public void NamesWithParentReference_AreRefused(string name)
    {
        ImageFormatException problem = Assert.Throws<ImageFormatException>(() => Open(new Archive().File(name, "x").Trailer()));
        Assert.Contains("\"..\"", problem.Message, StringComparison.Ordinal);
        Assert.Contains("at byte 0", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SymbolicLinksInACircle_AreRefusedOnTheWay()
    {
        ImageFormatException problem = Assert.Throws<ImageFormatException>(
            () => Open(new Archive().Symlink("a", "b").Symlink("b", "a").File("a/file", "x").Trailer()));
        Assert.Contains("symbolic links", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FileWithADirectorysName_DoesNotReplaceWhatIsInIt()
    {
        ImageFormatException problem = Assert.Throws<ImageFormatException>(() => Open(new Archive().File("a/b", "x").File("a", "y").Trailer()));
        Assert.Contains("not empty", problem.Message, StringComparison.Ordinal);
        Assert.Throws<ImageFormatException>(() => Open(new Archive().File("a", "x").File("a/b", "y").Trailer()));
    }

    public static TheoryData<string, byte[]> Damaged()
    {
        byte[] good = new Archive().File("name", "content").Trailer();
        byte[] Change(int at, string text)
        {
            byte[] bytes = (byte[])good.Clone();
            Encoding.ASCII.GetBytes(text).CopyTo(bytes, at);
            return bytes;
        }
        return new TheoryData<string, byte[]>
        {
            { "nothing at all", [] },
            { "no header", "hello, world"u8.ToArray() },
            { "no trailer", good[..128] },
            { "cut in a header", good[..140] },
            { "cut in the data", good[..118] },
            { "a digit that is none", Change(14, "0000g1a4") },
            { "a data size beyond the end", Change(54, "FFFFFFFF") },
            { "a name size of 1", Change(94, "00000001") },
            { "a name size of 4 GiB", Change(94, "FFFFFFFF") },
            { "a name that ends early", Change(110, "na\0e") },
            { "a name without its NUL", Change(94, "00000004") },
            { "a type that is none", Change(14, "0000F1A4") },
            { "a symbolic link of 4 GiB", Change(14, "0000A1FF0000000000000000000000010000000080000000") },
            { "a gzip archive", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0] },
            { "the old portable format", "070707000000"u8.ToArray() },
            { "something after the end", [.. good, .. "garbage"u8] },
        };
    }

    [Theory]
    [MemberData(nameof(Damaged))]
    public void DamagedArchive_IsRefusedWithItsPlace(string what, byte[] bytes)
    {
        ImageFormatException problem = Assert.Throws<ImageFormatException>(() => Open(bytes));
        Assert.True(problem.OffsetBytes >= 0, what);
        Assert.Equal(Errno.EINVAL, problem.Errno);
    }

    internal static ReadOnlyTree Open(byte[] bytes) => CpioFileSystemType.OpenImage(new MemoryBlockDevice(bytes));

    /// <summary>Builds newc archives, valid or not.</summary>
    internal sealed class Archive
    {
        private readonly MemoryStream _bytes = new();
        private uint _ino = 1000;

        public Archive File(string name, string content, uint ino = 0, uint links = 1) => Member(name, Mode.Regular | 0x1A4, content, ino, links);

        public Archive Directory(string name, uint permissions) => Member(name, Mode.Directory | permissions, string.Empty, 0, 2);

        public Archive Symlink(string name, string target) => Member(name, Mode.Symlink | 0x1FF, target, 0, 1);

        public byte[] Trailer()
        {
            _ = Member("TRAILER!!!", 0, string.Empty, 0, 1);
            return _bytes.ToArray();
        }

        private Archive Member(string name, uint mode, string content, uint ino, uint links)
        {
            byte[] nameBytes = [.. Encoding.UTF8.GetBytes(name), 0];
            byte[] data = Encoding.UTF8.GetBytes(content);
            uint[] fields = [ino != 0 ? ino : _ino++, mode, 0, 0, links, 0, (uint)data.Length, 0, 1, 0, 0, (uint)nameBytes.Length, 0];
            _bytes.Write(Encoding.ASCII.GetBytes("070701" + string.Concat(fields.Select(f => f.ToString("X8", CultureInfo.InvariantCulture)))));
            _bytes.Write(nameBytes);
            Pad();
            _bytes.Write(data);
            Pad();
            return this;
        }

        private void Pad() => _bytes.Write(new byte[-_bytes.Length & 3]);
    }
}
