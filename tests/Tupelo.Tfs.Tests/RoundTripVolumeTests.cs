using System.Text;
using Tupelo.Block;
using Tupelo.Testing.Images;

namespace Tupelo.Tfs.Tests;

/// <summary>What goes into a volume comes out of it, for both readers, and the bytes are as the format says.</summary>
public sealed class RoundTripVolumeTests
{
    private const long MaxExtentBytes = TfsFormat.MaxExtentSectors * TfsFormat.SectorBytes;

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void RandomTree_ComesBack(int seed) => RoundTripModel.Random(seed, seed * 3).AssertRoundTrip();

    [Fact]
    public void RandomTreeOfManyEntries_ComesBack() => RoundTripModel.Random(1000, 5000).AssertRoundTrip();

    [Fact]
    public void FileOfEverySizeAroundSectors_ComesBack()
    {
        var model = new RoundTripModel(new TfsBuildOptions());
        for (int size = 0; size <= 1100; size++)
        {
            model.Root.Children.Add(ModelEntry.File("f" + size, size, size + 1));
        }
        model.AssertRoundTrip();
    }

    [Fact]
    public void FileAroundTheLongestExtent_ComesBack()
    {
        var model = new RoundTripModel(new TfsBuildOptions());
        foreach (long extents in (ReadOnlySpan<long>)[1, 2, 4, 5, 7])
        {
            foreach (long more in (ReadOnlySpan<long>)[-513, -512, -511, -1, 0, 1, 511, 512, 513])
            {
                model.Root.Children.Add(ModelEntry.File($"f{extents}+{more}", (extents * MaxExtentBytes) + more, contentSeed: 0));
            }
        }
        // Not all zeros: the seams between extents must be in the right order.
        model.Root.Children.Add(ModelEntry.File("seams", (2 * MaxExtentBytes) + 100, contentSeed: 77));
        model.AssertRoundTrip(readAll: false);
    }

    [Fact]
    public void FileOfManyRanges_ComesBack()
    {
        var model = new RoundTripModel(new TfsBuildOptions());
        for (int count = 1; count < 12; count++)
        {
            model.Root.Children.Add(new ModelEntry
            {
                Name = Encoding.UTF8.GetBytes("ranges" + count),
                Type = FileType.Regular,
                SizeBytes = (count * 8192) + 5000,
                ContentSeed = count,
                Ranges = [.. Enumerable.Range(0, count).Select(index => new DataRange((index * 8192) + 4096, 1 + (index * 600)))],
            });
        }
        model.AssertRoundTrip();
    }

    [Fact]
    public void SparseFileOfFiveGigabytes_ComesBack()
    {
        const long Size = 5L << 30;
        var model = new RoundTripModel(new TfsBuildOptions());
        model.Root.Children.Add(new ModelEntry
        {
            Name = "sparse"u8.ToArray(),
            Type = FileType.Regular,
            SizeBytes = Size,
            ContentSeed = 5,
            Ranges = [new(0, 1), new(4096, 4096), new(1L << 31, 100_000), new((1L << 32) - 512, 1024), new(Size - 512, 512)],
        });
        model.Root.Children.Add(new ModelEntry
        {
            Name = "hole"u8.ToArray(),
            Type = FileType.Regular,
            SizeBytes = Size + 1,
        });
        model.Root.Children.Add(ModelEntry.File("dense", Size, contentSeed: 0));
        using MemoryBlockDevice device = model.Build();
        Assert.InRange(device.SizeBytes, Size, Size + (Size / 50));
        model.AssertReadsBack(device, readAll: false);
    }

    [Fact]
    public void SparseFileOfTerabytes_ComesBack()
    {
        const long Size = 8L << 40;
        var model = new RoundTripModel(new TfsBuildOptions());
        model.Root.Children.Add(new ModelEntry
        {
            Name = "sparse"u8.ToArray(),
            Type = FileType.Regular,
            SizeBytes = Size,
            ContentSeed = 5,
            Ranges = [new(0, 70_000), new(3L << 40, 5000), new(Size - 512, 512)],
        });
        model.AssertRoundTrip(readAll: false);
    }

    [Fact]
    public void TwoHundredThousandFiles_ComeBack()
    {
        var model = new RoundTripModel(new TfsBuildOptions());
        for (int directory = 0; directory < 200; directory++)
        {
            ModelEntry parent = ModelEntry.Directory("d" + directory);
            model.Root.Children.Add(parent);
            for (int file = 0; file < 1000; file++)
            {
                parent.Children.Add(ModelEntry.File($"file-{directory}-{file}", file % 3, file + 1));
            }
        }
        using MemoryBlockDevice device = model.Build();
        model.AssertReadsBack(device);
    }

    [Fact]
    public void LogOfManyExtensions_ComesBack()
    {
        var model = new RoundTripModel(new TfsBuildOptions());
        for (int file = 0; file < 15_000; file++)
        {
            model.Root.Children.Add(ModelEntry.File(file.ToString("D6", null) + new string('n', 200), 1 + (file % 700), file + 1));
        }
        using MemoryBlockDevice device = model.Build();
        model.AssertReadsBack(device);
        Assert.InRange(TfsVolume.Open(device).Log.Extensions.Count, 8, 40);
    }

    [Fact]
    public void SymbolicLinkOfEveryLength_ComesBack()
    {
        // Records of every length from a few bytes to nine sectors, at every kind of place.
        var model = new RoundTripModel(new TfsBuildOptions());
        for (int length = 1; length <= TfsFormat.MaxTargetBytes; length++)
        {
            model.Root.Children.Add(new ModelEntry
            {
                Name = Encoding.UTF8.GetBytes("l" + length),
                Type = FileType.Symlink,
                Target = Encoding.UTF8.GetBytes(new string('t', length)),
            });
        }
        model.AssertRoundTrip();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RecordsOfAnyLengthAtTheEndOfAnExtension_ComeBack(bool plain)
    {
        // The extension is nearly filled, then records of all lengths go over its end: that fit, that are split, that must go on behind.
        for (int seed = 0; seed < 120; seed++)
        {
            var random = new Random(seed);
            var model = new RoundTripModel(new TfsBuildOptions { Plain = plain });
            for (int i = 0; i < 118; i++)
            {
                model.Root.Children.Add(new ModelEntry { Name = Encoding.UTF8.GetBytes("f" + i), Type = FileType.Symlink, Target = Filled(4095) });
            }
            for (int i = 0; i < 200; i++)
            {
                int length = 1 + random.Next(random.Next(3) switch { 0 => 40, 1 => 520, _ => 1600 });
                model.Root.Children.Add(new ModelEntry { Name = Encoding.UTF8.GetBytes("x" + i), Type = FileType.Symlink, Target = Filled(length) });
            }
            using MemoryBlockDevice device = model.Build();
            Assert.Equal(3, TfsVolume.Open(device).Log.Extensions.Count);
            model.AssertReadsBack(device);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RecordLongerThanAnExtension_ComesBack(bool plain)
    {
        var attributes = new TupleLiteral();
        attributes.Set("huge"u8, new StringLiteral(Filled(1_700_000)));
        var vector = new VectorLiteral();
        for (int i = 0; i < 100_000; i++)
        {
            vector.Add(new StringLiteral("argument " + i));
        }
        attributes.Set("many"u8, vector);
        var model = new RoundTripModel(new TfsBuildOptions { Plain = plain, RootAttributes = attributes });
        model.Root.Children.Add(ModelEntry.File("a", 100));
        model.AssertRoundTrip();
    }

    [Fact]
    public void DirectoriesTwoThousandDeep_ComeBack()
    {
        var model = new RoundTripModel(new TfsBuildOptions());
        ModelEntry at = model.Root;
        for (int depth = 0; depth < 2000; depth++)
        {
            ModelEntry next = ModelEntry.Directory("d");
            at.Children.Add(next);
            at.Children.Add(ModelEntry.File("f", 3, depth + 1));
            at = next;
        }
        model.AssertRoundTrip();
    }

    [Fact]
    public void NameOfEveryByteAndEveryLength_ComesBack()
    {
        var model = new RoundTripModel(new TfsBuildOptions());
        for (int value = 1; value < 256; value++)
        {
            if (value is not ('/' or '.'))
            {
                model.Root.Children.Add(new ModelEntry { Name = [(byte)value], Type = FileType.Directory });
            }
            model.Root.Children.Add(new ModelEntry { Name = [.. Enumerable.Repeat((byte)0xc3, value)], Type = FileType.Directory });
        }
        model.Root.Children.RemoveAll(entry => entry.Name is [0xc3]);
        foreach (string name in (string[])["...", ". ", ".. ", ".a", "children", "extents", "linktarget", "tupelo_commit", "00", "filelength"])
        {
            model.Root.Children.Add(ModelEntry.File(name, 600, 3));
        }
        model.AssertRoundTrip();
    }

    [Fact]
    public void VolumeOfFixedSize_KeepsItsSize()
    {
        const long Size = 8L << 20;
        var model = new RoundTripModel(new TfsBuildOptions { FixedSize = true, Uuid = new byte[16] });
        model.Root.Children.Add(ModelEntry.File("a", 1_000_000));
        using MemoryBlockDevice device = model.Build(Size);
        Assert.Equal(Size, device.SizeBytes);
        model.AssertReadsBack(device);
    }

    [Fact]
    public void SameTree_GivesTheSameBytes()
    {
        using MemoryBlockDevice one = RoundTripModel.Random(4242, 400).Build();
        using MemoryBlockDevice other = RoundTripModel.Random(4242, 400).Build();
        Assert.Equal(Bytes(one), Bytes(other));
    }

    internal static byte[] Bytes(MemoryBlockDevice device)
    {
        byte[] bytes = new byte[device.SizeBytes];
        Assert.Equal(Errno.None, device.Read(0, bytes));
        return bytes;
    }

    private static byte[] Filled(int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, (byte)'t');
        return bytes;
    }
}
