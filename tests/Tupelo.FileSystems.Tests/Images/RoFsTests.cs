using System.Buffers.Binary;
using System.Text;

namespace Tupelo.FileSystems.Tests;

/// <summary>OSv's read-only format: the bytes of a known image, round trips, and what must be refused.</summary>
public sealed class RoFsTests
{
    // The tree of KnownImage, in the order in which its generator meets the files:
    //   /a.txt "hello"   /d/ (/d/empty, /d/s -> ../a.txt)   /z 600 bytes
    private static byte[] KnownImage()
    {
        var image = new MemoryStream();
        void Numbers(params ulong[] numbers)
        {
            foreach (ulong number in numbers)
            {
                image.Write(BitConverter.GetBytes(number));
            }
        }
        void Entry(ulong ino, string name)
        {
            Numbers(ino);
            image.Write(BitConverter.GetBytes((ushort)Encoding.UTF8.GetByteCount(name)));
            image.Write(Encoding.UTF8.GetBytes(name));
        }
        Numbers(0xDEADBEAD, 1, 512, 4, 1, 5, 1, 6);
        image.SetLength(512);
        image.Position = 512;
        image.Write("hello"u8);                              // block 1: a.txt
        image.SetLength(1024);
        image.Position = 1024;                               // d/empty would be here: it takes nothing
        image.Write(Enumerable.Repeat((byte)'z', 600).ToArray()); // blocks 2 and 3: z
        image.SetLength(2048);
        image.Position = 2048;
        Entry(4, "empty");                                   // d's entries come before those of the root
        Entry(5, "s");
        Entry(2, "a.txt");
        Entry(3, "d");
        Entry(6, "z");
        image.Write(BitConverter.GetBytes((ushort)8));
        image.Write("../a.txt"u8);
        Numbers(0x4000, 1, 2, 3);
        Numbers(0x8000, 2, 1, 5);
        Numbers(0x4000, 3, 0, 2);
        Numbers(0x8000, 4, 2, 0);
        Numbers(0xA000, 5, 0, 1);
        Numbers(0x8000, 6, 2, 600);
        image.SetLength(2560);
        return image.ToArray();
    }

    [Fact]
    public void KnownImage_ReadsToItsTree()
    {
        using ReadOnlyTree tree = Open(KnownImage());
        Assert.Equal(
            [
                "/ 40555 0 0 3 0 0",
                "/a.txt 100555 0 0 1 5 0 \"hello\"",
                "/d 40555 0 0 2 0 0",
                "/d/empty 100555 0 0 1 0 0 \"\"",
                "/d/s 120777 0 0 1 8 0 -> ../a.txt",
                "/z 100555 0 0 1 600 0 " + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Enumerable.Repeat((byte)'z', 600).ToArray()))[..16],
            ],
            TreeText.Lines(tree));
    }

    [Fact]
    public void Writer_MakesTheKnownImage_BitForBit()
    {
        using ReadOnlyTree tree = Open(KnownImage());
        Assert.Equal(Convert.ToHexString(KnownImage()), Convert.ToHexString(Write(tree)));
    }

    // 9 inodes (288 bytes), 8 entries of 10 bytes and 112 bytes of names, 1 symlink of 2 + 30 bytes: 512 together.
    [Fact]
    public void StructureOfWholeBlocks_IsFollowedByOneBlockThatIsNotCounted()
    {
        var builder = new PackedTreeBuilder();
        _ = builder.AddNode(new PackedNode { Mode = Mode.Directory });
        for (int i = 0; i < 8; i++)
        {
            int node = i == 0
                ? builder.AddNode(new PackedNode { Mode = Mode.Symlink, SizeBytes = 30, Data = builder.AddTarget(Encoding.ASCII.GetBytes(new string('t', 30)), 0) })
                : builder.AddNode(new PackedNode { Mode = Mode.Regular });
            builder.SetName(0, Encoding.ASCII.GetBytes(new string((char)('a' + i), 14)), node, 0);
        }
        using var tree = new PackedTree(builder, new MemoryBlockDevice([]), 1);
        byte[] image = Write(tree);
        Assert.Equal(3 * 512, image.Length);
        Assert.Equal(1ul, BinaryPrimitives.ReadUInt64LittleEndian(image.AsSpan(32)));
        using ReadOnlyTree again = Open(image);
        Assert.Equal(9, again.NodeCount);
    }

    [Fact]
    public void RandomTrees_ReadBackEqual()
    {
        int seed = Random.Shared.Next();
        for (int i = 0; i < 60; i++)
        {
            using PackedTree tree = RandomTree.Make(seed + i, 1 + (i * i));
            byte[] image = Write(tree);
            using ReadOnlyTree again = Open(image);
            // Modes and times do not survive the format; everything else does, hard links included.
            Assert.True(Shape(tree).SequenceEqual(Shape(again)), $"seed {seed + i}");
            Assert.Equal(Convert.ToHexString(image), Convert.ToHexString(Write(again)));
        }
        static IEnumerable<string> Shape(ReadOnlyTree tree) => TreeText.Lines(tree).Select(line =>
        {
            string[] words = line.Split(' ');
            words[1] = words[1][..^3];
            return string.Join(' ', words);
        });
    }

    [Fact]
    public void Writer_RefusesWhatTheFormatCannotHold()
    {
        var builder = new PackedTreeBuilder();
        _ = builder.AddNode(new PackedNode { Mode = Mode.Directory });
        builder.SetName(0, "pipe"u8, builder.AddNode(new PackedNode { Mode = Mode.Fifo }), 0);
        using var tree = new PackedTree(builder, new MemoryBlockDevice([]), 1);
        Assert.Contains("pipe", Assert.Throws<IOException>(() => Write(tree)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, int, ulong> BadNumbers() => new()
    {
        // What, byte of the known image, 64-bit value to put there.
        { "no magic", 0, 0xDEADBEAE },
        { "a magic with a high half", 0, 0x1_DEADBEAD },
        { "version 2", 8, 2 },
        { "blocks of 1024", 16, 1024 },
        { "structure in the superblock", 24, 0 },
        { "structure beyond the end", 24, 5 },
        { "structure that overflows", 24, ulong.MaxValue },
        { "a structure of no blocks", 32, 0 },
        { "a structure that is too long", 32, 2 },
        { "a structure whose end overflows", 32, ulong.MaxValue - 3 },
        { "too many entries", 40, 1000 },
        { "2^63 entries", 40, 1ul << 63 },
        { "too many symlinks", 48, 500 },
        { "no inodes", 56, 0 },
        { "too many inodes", 56, 17 },
        { "an entry for inode 0", 2048, 0 },
        { "an entry for inode 7 of 6", 2048, 7 },
        { "an entry for inode 2^64-1", 2048, ulong.MaxValue },
        { "an entry that leads back to the root", 2048, 1 },
        { "a root that is a file", Inode(1), 0x8000 },
        { "a mode that is none", Inode(2), 0x6000 },
        { "a mode with a high half", Inode(2), 0x1_0000_8000 },
        { "an inode at another's place", Inode(2) + 8, 3 },
        { "entries beyond the table", Inode(1) + 16, 3 },
        { "an entry index that overflows", Inode(1) + 16, ulong.MaxValue },
        { "more entries than there are", Inode(1) + 24, 4 },
        { "a count that overflows", Inode(1) + 24, ulong.MaxValue },
        { "entries that two directories share", Inode(3) + 24, 3 },
        { "data beyond the end", Inode(2) + 16, 5 },
        { "a block that overflows", Inode(2) + 16, ulong.MaxValue / 512 },
        { "a size beyond the end", Inode(6) + 24, 2000 },
        { "a size of 2^63", Inode(6) + 24, 1ul << 63 },
        { "a symlink beyond the table", Inode(5) + 16, 1 },
    };

    [Theory]
    [MemberData(nameof(BadNumbers))]
    public void DamagedImage_IsRefusedWithItsPlace(string what, int at, ulong value)
    {
        byte[] image = KnownImage();
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(at), value);
        ImageFormatException problem = Assert.Throws<ImageFormatException>(() => Open(image));
        Assert.True(problem.OffsetBytes >= 0, what + ": " + problem.Message);
        Assert.Equal(Errno.EINVAL, problem.Errno);
    }

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b.t")]
    [InlineData("a\0txt")]
    public void HostileNames_AreRefused(string name)
    {
        byte[] image = KnownImage();
        int at = image.AsSpan().IndexOf("a.txt"u8);
        byte[] bytes = Encoding.ASCII.GetBytes(name);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(at - 2), (ushort)bytes.Length);
        // A shorter name shifts what follows; only the name is looked at before that matters.
        bytes.CopyTo(image, at);
        Assert.Throws<ImageFormatException>(() => Open(image));
    }

    [Fact]
    public void TwoEntriesOfOneName_AreRefused()
    {
        byte[] image = KnownImage();
        image.AsSpan().Replace((byte)'z', (byte)'d'); // z's data and its name: there are two "d" now.
        Assert.Contains("two entries", Assert.Throws<ImageFormatException>(() => Open(image)).Message, StringComparison.Ordinal);
    }

    private static int Inode(int ino) => 2048 + (5 * 10) + 13 + 2 + 8 + ((ino - 1) * 32);

    private static ReadOnlyTree Open(byte[] image) => RoFsFileSystemType.OpenImage(new MemoryBlockDevice(image));

    internal static byte[] Write(ReadOnlyTree tree)
    {
        var output = new MemoryStream();
        RoFsWriter.Write(tree, output);
        return output.ToArray();
    }
}
