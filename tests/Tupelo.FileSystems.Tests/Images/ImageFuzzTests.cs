using System.Diagnostics;

namespace Tupelo.FileSystems.Tests;

/// <summary>
/// Mutated images: each one opens and can be walked and read, or is refused with an ImageFormatException. Nothing else may
/// happen: no other exception, no hang, no memory out of proportion. The seed is printed (TUPELO_FUZZ_SEED
/// repeats a run); TUPELO_FUZZ_IMAGES sets the number.
/// </summary>
public sealed class ImageFuzzTests(ITestOutputHelper output)
{
    private static readonly int s_images = int.TryParse(Environment.GetEnvironmentVariable("TUPELO_FUZZ_IMAGES"), out int n) ? n : 20_000;

    private static readonly TimeSpan s_limit = TimeSpan.FromMilliseconds(250);

    [Fact]
    public void MutatedRoFsImages_AreReadOrRefused()
    {
        using PackedTree tree = RandomTree.Make(1, 60);
        Run([RoFsTests.Write(tree)], RoFsFileSystemType.OpenImage);
    }

    [Fact]
    public void MutatedCpioArchives_AreReadOrRefused()
    {
        byte[] links = new CpioTests.Archive().Directory("d", 0x1ED).Symlink("l", "d").File("l/x", "x").File("a", "", 7, 2).File("b", "bb", 7, 2).Trailer();
        Run([File.ReadAllBytes(HostTool.DataFile("cpio/crc.cpio")), [.. links, .. new byte[64], .. links]], CpioFileSystemType.OpenImage);
    }

    [Fact]
    public void MutatedTarArchives_AreReadOrRefused()
    {
        byte[] plain = new TarTests.Archive().File("d/a", "a").Link("b", "d/a").Symlink("l", "d").File("l/c", "c").End();
        byte[] pax = new TarTests.Archive().Pax('g', ("uid", "1")).Pax(("path", "x/y"), ("SCHILY.xattr.user.k", "v"), ("mtime", "1.5")).File("f", "1")
            .Pax(("GNU.sparse.map", "0,1,5,2"), ("GNU.sparse.size", "8")).File("s", "abc")
            .Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "9"), ("GNU.sparse.name", "n")).File("t", "1\n0\n2\n".PadRight(512, '\0') + "xy")
            .File(new string('n', 200), "long").End();
        // Checksums are set right again after most mutations: otherwise nothing else would be looked at.
        Run([plain, pax], TarFileSystemType.OpenImage, Resign);
    }

    private void Run(byte[][] seeds, Func<BlockDevice, ReadOnlyTree> open, Action<byte[]>? repair = null)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("TUPELO_FUZZ_SEED"), out int given) ? given : Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        int opened = 0;
        for (int i = 0; i < s_images; i++)
        {
            byte[] image = Mutate(seeds[random.Next(seeds.Length)], random);
            if (repair is not null && random.Next(8) != 0)
            {
                repair(image);
            }
            (bool isOpen, TimeSpan took, long allocated) = Try(open, image, $"seed {seed}, image {i}");
            opened += isOpen ? 1 : 0;
            if (took > s_limit)
            {
                // The machine may have slept; an image that takes long takes long again.
                took = Try(open, image, $"seed {seed}, image {i}").Took;
            }
            Assert.True(allocated < (16 << 20) + (64L * image.Length), $"seed {seed}, image {i}: {allocated} bytes for {image.Length}");
            Assert.True(took < s_limit, $"seed {seed}, image {i}: {took}");
        }
        output.WriteLine($"{opened} of {s_images} opened");
        Assert.InRange(opened, s_images / 100, s_images - 1);
    }

    private static (bool IsOpen, TimeSpan Took, long Allocated) Try(Func<BlockDevice, ReadOnlyTree> open, byte[] image, string which)
    {
        bool isOpen = false;
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        try
        {
            using ReadOnlyTree tree = open(new MemoryBlockDevice(image));
            WalkAll(tree);
            isOpen = true;
        }
        catch (ImageFormatException problem) when (problem.Message.Length > 0)
        {
        }
        catch (Exception problem) when (problem is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{which}: {problem}");
        }
        return (isOpen, Stopwatch.GetElapsedTime(start), GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void WalkAll(ReadOnlyTree tree)
    {
        byte[] buffer = new byte[4096];
        int met = 0;
        foreach ((string _, int node) in TreeText.Walk(tree))
        {
            Assert.True(++met <= 100_000, "an endless tree");
            tree.GetAttributes(node, out VnodeAttributes attributes);
            if (tree.TypeOf(node) == FileType.Regular && attributes.SizeBytes > 0 && tree.Open(node) == Errno.None)
            {
                Assert.True(tree.Read(node, 0, buffer.AsSpan(0, (int)Math.Min(attributes.SizeBytes, buffer.Length))).Count > 0);
                Assert.True(tree.Read(node, attributes.SizeBytes - 1, buffer.AsSpan(0, 1)).Count == 1);
                Assert.True(tree.FindData(node, attributes.SizeBytes - 1, hole: true).IsOk);
            }
        }
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        byte[] image = (byte[])seed.Clone();
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            int at = random.Next(image.Length);
            switch (random.Next(7))
            {
                case 0:
                    image[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    image[at] = (byte)random.Next(256);
                    break;
                case 2:
                    // A digit for a digit keeps the fields of text formats numbers.
                    image[at] = (byte)"0123456789ABCDEF"[random.Next(16)];
                    break;
                case 3:
                    byte[] number = BitConverter.GetBytes(random.Next(5) switch { 0 => 0L, 1 => -1L, 2 => long.MaxValue, 3 => 1L << random.Next(63), _ => random.Next(100) });
                    number.AsSpan(0, Math.Min(8, image.Length - at)).CopyTo(image.AsSpan(at));
                    break;
                case 4:
                    image = image[..at];
                    if (image.Length == 0)
                    {
                        return image;
                    }
                    break;
                case 5:
                    // Move a piece over another.
                    int length = Math.Min(random.Next(1, 600), image.Length - at);
                    int to = random.Next(image.Length - length + 1);
                    image.AsSpan(at, length).ToArray().CopyTo(image, to);
                    break;
                default:
                    image.AsSpan(at, Math.Min(random.Next(1, 64), image.Length - at)).Clear();
                    break;
            }
        }
        return image;
    }

    private static void Resign(byte[] image)
    {
        for (int at = 0; at + 512 <= image.Length; at += 512)
        {
            if (image.AsSpan(at + 257, 5).SequenceEqual("ustar"u8))
            {
                byte[] header = image[at..(at + 512)];
                TarTests.Archive.Sign(header);
                header.CopyTo(image, at);
            }
        }
    }
}
