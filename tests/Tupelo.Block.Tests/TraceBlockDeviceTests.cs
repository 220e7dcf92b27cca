namespace Tupelo.Block.Tests;

public sealed class TraceBlockDeviceTests : BlockDeviceContractTests
{
    protected override BlockDevice Create() => new TraceBlockDevice(new MemoryBlockDevice(Size), ownsInner: true);

    [Fact]
    public unsafe void Counts_AreOfCallsAndBytes_FailuresApart()
    {
        using var device = new TraceBlockDevice(new MemoryBlockDevice(8192), ownsInner: true);
        byte[] buffer = new byte[1024];
        fixed (byte* start = buffer)
        {
            IoSegment[] segments = [new((nint)start, 100), new((nint)start + 500, 200)];
            Assert.Equal(Errno.None, device.Write(0, segments));
            Assert.Equal(Errno.None, device.Read(0, segments));
        }
        BlockCounts vectors = device.Counts;
        Assert.Equal(new BlockCounts(1, 300, 1, 300, 0, 0, 0, 0, 0), vectors);
        Assert.Equal(Errno.None, device.Write(0, buffer));
        Assert.Equal(Errno.EINVAL, device.Write(8000, buffer));
        Assert.Equal(Errno.None, device.Read(1, buffer.AsSpan(0, 7)));
        Assert.Equal(Errno.None, device.Flush());
        Assert.Equal(Errno.None, device.Discard(0, 4096));
        Assert.Equal(Errno.None, device.Resize(16384));
        Assert.Equal(new BlockCounts(1, 7, 2, 1024, 1, 1, 4096, 1, 1), device.Counts.Since(vectors));
    }

    [Fact]
    public void Log_HoldsEveryCallWhileItIsOn_AndOnlyThen()
    {
        using var device = new TraceBlockDevice(new MemoryBlockDevice(8192), ownsInner: true);
        Assert.Empty(device.StopLog());
        Assert.Equal(Errno.None, device.Flush());
        device.StartLog();
        Assert.Equal(Errno.None, device.Write(512, new byte[10]));
        Assert.Equal(Errno.EINVAL, device.Read(8192, new byte[1]));
        Assert.Equal(Errno.None, device.Flush());
        IReadOnlyList<TraceEntry> log = device.StopLog();
        Assert.Equal(Errno.None, device.Flush());
        Assert.Equal(
            [
                (new BlockRequest(BlockOperation.Write, 0, 1, 512, 10), Errno.None),
                (new BlockRequest(BlockOperation.Read, 0, 2, 8192, 1), Errno.EINVAL),
                (new BlockRequest(BlockOperation.Flush, 1, 3, 0, 0), Errno.None),
            ],
            log.Select(entry => (entry.Request, entry.Result)));
        Assert.StartsWith("write 512+10: None, ", log[0].ToString(), StringComparison.Ordinal);
        Assert.Empty(device.StopLog());
    }

    [Fact]
    public void ManyThreads_LoseNoCount()
    {
        using var device = new TraceBlockDevice(new MemoryBlockDevice(8192), ownsInner: true);
        device.StartLog();
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 5000; i++)
            {
                if (device.Write(0, "x"u8) != Errno.None)
                {
                    return;
                }
            }
        }))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        Assert.Equal(20_000, device.Counts.Writes);
        Assert.Equal(20_000, device.Counts.WrittenBytes);
        IReadOnlyList<TraceEntry> log = device.StopLog();
        Assert.Equal(20_000, log.Select(entry => entry.Request.Index).Distinct().Count());
    }
}
