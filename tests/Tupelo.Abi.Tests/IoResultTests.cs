using System.Runtime.CompilerServices;

namespace Tupelo.Abi.Tests;

public sealed class IoResultTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(long.MaxValue)]
    public void Count_IsKept(long count)
    {
        var result = IoResult.Bytes(count);
        Assert.True(result.IsOk);
        Assert.Equal(count, result.Count);
        Assert.Equal(count, result.Raw);
        Assert.Equal(Errno.None, result.Errno);
        Assert.Equal(count.ToString(), result.ToString());
    }

    [Fact]
    public void EveryErrno_IsKept_AsTheKernelReturnsIt()
    {
        foreach (Errno errno in Enum.GetValues<Errno>().Where(errno => errno != Errno.None))
        {
            IoResult result = errno;
            Assert.Equal(IoResult.Fail(errno), result);
            Assert.False(result.IsOk);
            Assert.Equal(errno, result.Errno);
            Assert.Equal(0, result.Count);
            Assert.Equal(-(long)errno, result.Raw);
            Assert.Equal(errno.ToString(), result.ToString());
        }
    }

    [Fact]
    public void Default_IsNoBytes()
    {
        Assert.Equal(IoResult.Bytes(0), default);
        Assert.True(default(IoResult).IsOk);
    }

    [Fact]
    public void Equality_IsThatOfTheRawNumber()
    {
        Assert.True(IoResult.Bytes(5) == IoResult.Bytes(5));
        Assert.True(IoResult.Bytes(5) != IoResult.Fail(Errno.EIO));
        Assert.False(IoResult.Bytes(5).Equals((object)5));
        Assert.Equal(IoResult.Bytes(5).GetHashCode(), IoResult.Bytes(5).GetHashCode());
    }

    [Fact]
    public void Result_FitsARegister() => Assert.Equal(8, Unsafe.SizeOf<IoResult>());
}
