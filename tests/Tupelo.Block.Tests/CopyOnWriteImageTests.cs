namespace Tupelo.Block.Tests;

public sealed class CopyOnWriteImageTests
{
    private const int Page = CopyOnWriteImage.PageBytes;

    /// <summary>A family of images, each beside a plain array: writes, zeroing, resizing and snapshots at random.</summary>
    [Fact]
    public void Image_BehavesAsAnArray_AndSnapshotsStayApart()
    {
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var family = new List<(CopyOnWriteImage Image, byte[] Model)> { (new CopyOnWriteImage(300_000), new byte[300_000]) };
        for (int i = 0; i < 3000; i++)
        {
            int which = random.Next(family.Count);
            (CopyOnWriteImage image, byte[] model) = family[which];
            int length = random.Next(0, 1 << random.Next(1, 17));
            int offset = random.Next(0, model.Length + 1);
            length = Math.Min(length, model.Length - offset);
            switch (random.Next(10))
            {
                case 0 when family.Count < 6:
                    family.Add((image.Snapshot(), (byte[])model.Clone()));
                    break;
                case 1:
                    image.Zero(offset, length);
                    model.AsSpan(offset, length).Clear();
                    break;
                case 2 when random.Next(10) == 0:
                    int size = random.Next(0, 2_000_000);
                    image.Resize(size);
                    Array.Resize(ref model, size);
                    family[which] = (image, model);
                    break;
                default:
                    byte[] data = new byte[length];
                    random.NextBytes(data);
                    image.Write(offset, data);
                    data.CopyTo(model, offset);
                    break;
            }
            if (i % 100 == 0)
            {
                Assert.All(family, member =>
                {
                    Assert.Equal(member.Model.Length, member.Image.SizeBytes);
                    Assert.True(member.Image.ToArray().AsSpan().SequenceEqual(member.Model));
                });
                (CopyOnWriteImage other, byte[] otherModel) = family[random.Next(family.Count)];
                Assert.Equal(DifferingPages(family[0].Model, otherModel), family[0].Image.DifferingPages(other));
                Assert.Equal(family[0].Image.DifferingPages(other), other.DifferingPages(family[0].Image));
            }
        }
    }

    private static List<long> DifferingPages(byte[] a, byte[] b)
    {
        int pages = (Math.Max(a.Length, b.Length) + Page - 1) / Page;
        Array.Resize(ref a, pages * Page);
        Array.Resize(ref b, pages * Page);
        return [.. Enumerable.Range(0, pages).Where(page => !a.AsSpan(page * Page, Page).SequenceEqual(b.AsSpan(page * Page, Page))).Select(page => (long)page)];
    }

    [Fact]
    public void Snapshot_CostsWhatIsTouched_NotTheImage()
    {
        byte[] content = new byte[64 << 20];
        content.AsSpan().Fill(1);
        CopyOnWriteImage image = CopyOnWriteImage.FromBytes(content).Freeze();
        byte[] sector = new byte[512];
        image.Snapshot().Write(0, sector); // warm
        long before = GC.GetAllocatedBytesForCurrentThread();
        CopyOnWriteImage state = image.Snapshot();
        state.Write(5_000_000, sector);
        state.Write(5_000_512, sector); // the same page
        state.Write(60_000_000, sector);
        long cost = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(cost, 2 * Page, (2 * Page) + (6 * 700) + 500);
        Assert.Equal([5_000_000 / Page, 60_000_000 / Page], state.DifferingPages(image));
    }

    [Fact]
    public void HugeImage_IsWrittenZeroedAndResized_AtNoCost()
    {
        var image = new CopyOnWriteImage(CopyOnWriteImage.MaxSizeBytes);
        image.Write(CopyOnWriteImage.MaxSizeBytes - 3, "end"u8);
        image.Write(1L << 40, "middle"u8);
        CopyOnWriteImage other = image.Snapshot();
        Assert.Empty(image.DifferingPages(other));
        image.Zero(1, CopyOnWriteImage.MaxSizeBytes - 1);
        Assert.Equal([1L << 28, (1L << 50) - 1], image.DifferingPages(other));
        Assert.Equal(2, image.DifferingPages(other).Count);
        byte[] three = new byte[3];
        other.Read(CopyOnWriteImage.MaxSizeBytes - 3, three);
        Assert.Equal("end"u8, three);
        other.Resize(10);
        other.Resize(CopyOnWriteImage.MaxSizeBytes);
        Assert.Empty(image.DifferingPages(other));
    }

    [Fact]
    public void Grown_ComparesWithShorter()
    {
        CopyOnWriteImage small = CopyOnWriteImage.FromBytes("abc"u8);
        CopyOnWriteImage large = small.Snapshot();
        large.Write(100_000_000, "x"u8);
        Assert.Equal(100_000_001, large.SizeBytes);
        Assert.Equal([100_000_000 / Page], large.DifferingPages(small));
        Assert.Equal([100_000_000 / Page], small.DifferingPages(large));
        small.Write(0, "A"u8);
        Assert.Equal([0, 100_000_000 / Page], large.DifferingPages(small));
    }

    [Fact]
    public void Fingerprint_TellsContents_NotHistories()
    {
        CopyOnWriteImage reference = CopyOnWriteImage.FromBytes(new byte[1 << 20]).Freeze();
        CopyOnWriteImage a = reference.Snapshot();
        CopyOnWriteImage b = reference.Snapshot();
        Assert.Equal(a.Fingerprint(reference), reference.Fingerprint(reference));
        a.Write(0, "one"u8);
        a.Write(90_000, "two"u8);
        b.Write(90_000, "xxx"u8);
        b.Write(90_000, "two"u8);
        b.Write(0, "one"u8);
        b.Write(500_000, "gone"u8);
        b.Zero(500_000, 4);
        Assert.Equal(a.Fingerprint(reference), b.Fingerprint(reference));

        var seen = new HashSet<UInt128> { a.Fingerprint(reference) };
        for (int bit = 0; bit < Page * 8; bit++) // every single bit of a page counts
        {
            CopyOnWriteImage c = reference.Snapshot();
            c.Write(8192 + (bit / 8), [(byte)(1 << (bit % 8))]);
            Assert.True(seen.Add(c.Fingerprint(reference)));
        }
        for (int page = 3; page < 256; page++) // and where the page is
        {
            CopyOnWriteImage c = reference.Snapshot();
            c.Write(page * (long)Page, [1]);
            Assert.True(seen.Add(c.Fingerprint(reference)));
        }
        CopyOnWriteImage longer = reference.Snapshot();
        longer.Resize((1 << 20) + 1);
        Assert.True(seen.Add(longer.Fingerprint(reference)));
    }

    [Fact]
    public void FrozenImage_RefusesChange_AndIsCopied()
    {
        CopyOnWriteImage image = CopyOnWriteImage.FromBytes("abc"u8).Freeze();
        Assert.True(image.IsFrozen);
        Assert.Throws<InvalidOperationException>(() => image.Write(0, "x"u8));
        Assert.Throws<InvalidOperationException>(() => image.Zero(0, 1));
        Assert.Throws<InvalidOperationException>(() => image.Resize(1));
        CopyOnWriteImage copy = image.Snapshot();
        copy.Write(0, "x"u8);
        Assert.Equal("xbc"u8, copy.ToArray());
        Assert.Equal("abc"u8, image.ToArray());
    }

    [Fact]
    public void OutsideOfTheImage_IsABug()
    {
        var image = new CopyOnWriteImage(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => image.Read(0, new byte[11]));
        Assert.Throws<ArgumentOutOfRangeException>(() => image.Read(-1, new byte[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => image.Read(long.MaxValue, new byte[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => image.Zero(5, 6));
        Assert.Throws<ArgumentOutOfRangeException>(() => image.Write(-1, "x"u8));
        Assert.Throws<ArgumentOutOfRangeException>(() => image.Write(long.MaxValue, "x"u8));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CopyOnWriteImage(-1));
    }

    [Fact]
    public void FromDevice_CopiesIt()
    {
        using var device = new MemoryBlockDevice((3 << 20) + 77);
        Assert.Equal(Errno.None, device.Write((1 << 20) - 2, "edge"u8));
        Assert.Equal(Errno.None, device.Write((3 << 20) + 74, "end"u8));
        CopyOnWriteImage image = CopyOnWriteImage.FromDevice(device);
        byte[] expected = new byte[device.SizeBytes];
        Assert.Equal(Errno.None, device.Read(0, expected));
        Assert.True(image.ToArray().AsSpan().SequenceEqual(expected));
        using var flaky = new FlakyBlockDevice(device);
        flaky.FailAt(BlockOperation.Read, 2, new Fault(Errno.EIO));
        Assert.Equal(Errno.EIO, Assert.Throws<BlockDeviceException>(() => CopyOnWriteImage.FromDevice(flaky)).Errno);
    }

    [Fact]
    public void FrozenImage_IsReadAndCopiedByManyThreads()
    {
        CopyOnWriteImage image = CopyOnWriteImage.FromBytes(new byte[1 << 20]).Freeze();
        Parallel.For(0, 200, i =>
        {
            CopyOnWriteImage state = image.Snapshot();
            state.Write(i * 4096, BitConverter.GetBytes(i + 1));
            Assert.Equal([i], state.DifferingPages(image).Select(page => (int)page));
        });
        Assert.False(image.ToArray().AsSpan().ContainsAnyExcept((byte)0));
    }
}
