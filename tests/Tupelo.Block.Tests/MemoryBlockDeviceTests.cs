namespace Tupelo.Block.Tests;

public sealed class MemoryBlockDeviceTests : BlockDeviceContractTests
{
    protected override BlockDevice Create() => new MemoryBlockDevice(Size);

    [Fact]
    public void HugeDevice_TakesMemoryOnlyForWhatIsWritten()
    {
        using var device = new MemoryBlockDevice(1L << 50);
        Assert.Equal(0, device.AllocatedBytes);
        Assert.Equal(Errno.None, device.Write((1L << 50) - 3, "end"u8));
        Assert.Equal(Errno.None, device.Write((1L << 49) - 1, "ab"u8)); // on both sides of a page's edge
        Assert.Equal(3L * MemoryBlockDevice.PageBytes, device.AllocatedBytes);
        Span<byte> buffer = stackalloc byte[4];
        Assert.Equal(Errno.None, device.Read((1L << 49) - 2, buffer));
        Assert.True(buffer.SequenceEqual("\0ab\0"u8));
        Assert.Equal(Errno.EINVAL, device.Write((1L << 50) - 2, "end"u8));
    }

    [Fact]
    public void Zeros_WrittenToAHole_KeepTheHole()
    {
        using var device = new MemoryBlockDevice(1 << 20);
        Assert.Equal(Errno.None, device.Write(0, new byte[1 << 20]));
        Assert.Equal(0, device.AllocatedBytes);
    }

    [Fact]
    public void Discard_GivesWholePagesBack_AndClearsParts()
    {
        using var device = new MemoryBlockDevice(1 << 20);
        byte[] ones = new byte[1 << 20];
        ones.AsSpan().Fill(1);
        Assert.Equal(Errno.None, device.Write(0, ones));
        Assert.Equal(Errno.None, device.Discard(10, (3 * 65536) + 5));
        Assert.Equal((1 << 20) - (2 * 65536), device.AllocatedBytes);
        ones.AsSpan(10, (3 * 65536) + 5).Clear();
        Assert.Equal(Errno.None, device.Discard((5 * 65536) + 7, 9)); // inside of one page
        ones.AsSpan((5 * 65536) + 7, 9).Clear();
        Assert.Equal(Errno.None, device.Discard(6 * 65536, 65536)); // exactly one
        ones.AsSpan(6 * 65536, 65536).Clear();
        byte[] actual = new byte[1 << 20];
        Assert.Equal(Errno.None, device.Read(0, actual));
        Assert.True(actual.AsSpan().SequenceEqual(ones));
        Assert.Equal((1 << 20) - (3 * 65536), device.AllocatedBytes);
    }

    [Fact]
    public void Discard_OfAnEndlessRange_IsQuick()
    {
        using var device = new MemoryBlockDevice(MemoryBlockDevice.MaxSizeBytes);
        Assert.Equal(Errno.None, device.Write(1L << 61, "x"u8));
        Assert.Equal(Errno.None, device.Discard(1, MemoryBlockDevice.MaxSizeBytes - 1));
        Assert.Equal(0, device.AllocatedBytes);
        Assert.Equal(Errno.EFBIG, device.Resize(MemoryBlockDevice.MaxSizeBytes + 1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(200_000)]
    public void FromStreamAndFromBytes_HoldTheContent(int length)
    {
        byte[] content = new byte[length];
        FillPattern(content, 1);
        using var stream = new MemoryStream(content);
        using var fromStream = MemoryBlockDevice.FromStream(stream, "some.img", isReadOnly: true);
        using var fromBytes = new MemoryBlockDevice(content);
        content = (byte[])content.Clone();
        foreach (MemoryBlockDevice device in new[] { fromStream, fromBytes })
        {
            byte[] actual = new byte[length];
            Assert.Equal(length, device.SizeBytes);
            Assert.Equal(Errno.None, device.Read(0, actual));
            Assert.Equal(content, actual);
        }
        Assert.Equal("some.img", fromStream.Name);
    }

    [Fact]
    public void ReadOnly_RefusesEveryChange()
    {
        using var device = new MemoryBlockDevice("content"u8, isReadOnly: true);
        Assert.True(device.IsReadOnly);
        Assert.Equal(Errno.EROFS, device.Write(0, "x"u8));
        Assert.Equal(Errno.EROFS, device.Write(99, "x"u8)); // EROFS comes first
        Assert.Equal(Errno.EROFS, device.Discard(0, 1));
        Assert.Equal(Errno.EROFS, device.Resize(0));
        Assert.Equal(Errno.None, device.Flush());
    }

    [Fact]
    public void PageIsWrittenWhole_AlsoWhenTwoWriteIt()
    {
        using var device = new MemoryBlockDevice(65536);
        bool mixed = false;
        using var stop = new CancellationTokenSource();
        void WriteAll(byte value)
        {
            byte[] buffer = new byte[65536];
            buffer.AsSpan().Fill(value);
            for (int i = 0; i < 2000; i++)
            {
                _ = device.Write(0, buffer);
            }
        }
        var reader = new Thread(() =>
        {
            byte[] buffer = new byte[65536];
            while (!stop.IsCancellationRequested)
            {
                _ = device.Read(0, buffer);
                mixed |= buffer.AsSpan().ContainsAnyExcept(buffer[0]);
            }
        });
        var writer = new Thread(() => WriteAll(1));
        reader.Start();
        writer.Start();
        WriteAll(2);
        writer.Join();
        stop.Cancel();
        reader.Join();
        Assert.False(mixed);
    }
}
