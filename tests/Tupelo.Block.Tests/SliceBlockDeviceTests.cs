namespace Tupelo.Block.Tests;

public sealed class SliceBlockDeviceTests : BlockDeviceContractTests
{
    protected override BlockDevice Create() => new SliceBlockDevice(new MemoryBlockDevice(Size * 3), Size - 77, Size, ownsInner: true);

    [Fact]
    public void NothingOutsideOfTheWindow_IsTouched()
    {
        using var whole = new MemoryBlockDevice(3 * 4096);
        byte[] content = new byte[3 * 4096];
        FillPattern(content, 9);
        Assert.Equal(Errno.None, whole.Write(0, content));
        using var slice = new SliceBlockDevice(whole, 4096, 4096);
        Assert.Equal(4096, slice.StartBytes);
        byte[] actual = new byte[4096];
        Assert.Equal(Errno.None, slice.Read(0, actual));
        Assert.True(actual.AsSpan().SequenceEqual(content.AsSpan(4096, 4096)));
        Assert.Equal(Errno.None, slice.Write(0, new byte[4096]));
        Assert.Equal(Errno.None, slice.Discard(0, 4096));
        Assert.Equal(Errno.EINVAL, slice.Write(4090, new byte[7]));
        Assert.Equal(Errno.EINVAL, slice.Write(-1, new byte[1]));
        Assert.Equal(Errno.EOPNOTSUPP, slice.Resize(8192));
        content.AsSpan(4096, 4096).Clear();
        byte[] after = new byte[3 * 4096];
        Assert.Equal(Errno.None, whole.Read(0, after));
        Assert.Equal(content, after);
    }

    [Theory]
    [InlineData(-1, 10)]
    [InlineData(0, -1)]
    [InlineData(4097, 0)]
    [InlineData(4096, 1)]
    [InlineData(1, 4096)]
    [InlineData(long.MaxValue, 1)]
    [InlineData(1, long.MaxValue)]
    public void WindowOutsideOfTheDevice_IsABug(long start, long length)
    {
        using var whole = new MemoryBlockDevice(4096);
        Assert.Throws<ArgumentOutOfRangeException>(() => new SliceBlockDevice(whole, start, length));
    }

    [Fact]
    public void ReadOnlyWindow_RefusesChangesOfAWritableDevice()
    {
        using var whole = new MemoryBlockDevice(4096);
        using var slice = new SliceBlockDevice(whole, 0, 512, isReadOnly: true);
        Assert.True(slice.IsReadOnly);
        Assert.Equal(Errno.EROFS, slice.Write(0, "x"u8));
        Assert.Equal(Errno.EROFS, slice.Write(0, [new IoSegment(0, 0)]));
        Assert.Equal(Errno.EROFS, slice.Discard(0, 1));
        Assert.Equal(Errno.EROFS, slice.Resize(1));
    }

    [Fact]
    public void WholeDevice_LivesOn_UnlessTheWindowOwnsIt()
    {
        var whole = new MemoryBlockDevice(4096);
        new SliceBlockDevice(whole, 0, 512).Dispose();
        Assert.Equal(Errno.None, whole.Write(0, "x"u8));
        new SliceBlockDevice(whole, 0, 512, ownsInner: true).Dispose();
        Assert.Throws<ObjectDisposedException>(() => whole.Write(0, "x"u8));
    }

    [Fact]
    public void WindowOfAWindow_Adds()
    {
        using var whole = new MemoryBlockDevice(4096);
        using var inner = new SliceBlockDevice(new SliceBlockDevice(whole, 1000, 2000), 500, 100);
        Assert.Equal(Errno.None, inner.Write(99, "x"u8));
        Span<byte> one = stackalloc byte[1];
        Assert.Equal(Errno.None, whole.Read(1599, one));
        Assert.Equal((byte)'x', one[0]);
    }
}
