namespace Tupelo.Block.Tests;

public sealed class FlakyBlockDeviceTests : BlockDeviceContractTests
{
    protected override BlockDevice Create() => new FlakyBlockDevice(new MemoryBlockDevice(Size), ownsInner: true);

    private static byte[] Filled(int length, byte value)
    {
        byte[] buffer = new byte[length];
        buffer.AsSpan().Fill(value);
        return buffer;
    }

    private static byte[] Content(BlockDevice device)
    {
        byte[] content = new byte[device.SizeBytes];
        Assert.Equal(Errno.None, device.Read(0, content));
        return content;
    }

    [Fact]
    public void NthCallOfAKind_Fails_AndDoesNothing()
    {
        using var memory = new MemoryBlockDevice(4096);
        using var device = new FlakyBlockDevice(memory);
        device.FailAt(BlockOperation.Write, 1, new Fault(Errno.EIO));
        Assert.Equal(Errno.None, device.Write(0, "a"u8));
        Assert.Equal(Errno.None, device.Read(0, new byte[1]));
        Assert.Equal(Errno.EIO, device.Write(0, "b"u8));
        Assert.Equal((byte)'a', Content(memory)[0]);
        Assert.Equal(Errno.None, device.Write(0, "c"u8));
        Assert.Equal(1, device.FaultCount);
        Assert.Equal(3, device.CountOf(BlockOperation.Write));
        Assert.Equal(1, device.CountOf(BlockOperation.Read));
    }

    [Theory]
    [InlineData(BlockOperation.Read)]
    [InlineData(BlockOperation.Write)]
    [InlineData(BlockOperation.Flush)]
    [InlineData(BlockOperation.Discard)]
    [InlineData(BlockOperation.Resize)]
    public unsafe void EveryKind_CanFail_AlsoVectored(BlockOperation operation)
    {
        using var memory = new MemoryBlockDevice(Filled(4096, 1));
        using var device = new FlakyBlockDevice(memory);
        device.FailWhen(request => request.Operation == operation ? new Fault(Errno.ENOMEM) : default);
        byte[] buffer = Filled(100, 7);
        fixed (byte* start = buffer)
        {
            IoSegment[] segments = [new((nint)start, 100)];
            Errno[] results = operation switch
            {
                BlockOperation.Read => [device.Read(0, buffer), device.Read(0, segments)],
                BlockOperation.Write => [device.Write(0, buffer), device.Write(0, segments)],
                BlockOperation.Flush => [device.Flush()],
                BlockOperation.Discard => [device.Discard(0, 4096)],
                _ => [device.Resize(100)],
            };
            Assert.All(results, result => Assert.Equal(Errno.ENOMEM, result));
            Assert.Equal(results.Length, device.FaultCount);
        }
        Assert.Equal(Filled(100, 7), buffer);
        Assert.Equal(Filled(4096, 1), Content(memory));
        device.Heal();
        Assert.Equal(Errno.None, device.Flush());
    }

    [Fact]
    public unsafe void ShortTransfer_MovesItsBeginning_ThenFails()
    {
        using var memory = new MemoryBlockDevice(Filled(4096, 1));
        using var device = new FlakyBlockDevice(memory);
        device.FailWhen(_ => new Fault(Errno.ENOSPC, DoneBytes: 30));
        Assert.Equal(Errno.ENOSPC, device.Write(100, Filled(50, 2)));
        byte[] expected = Filled(4096, 1);
        expected.AsSpan(100, 30).Fill(2);
        Assert.Equal(expected, Content(memory));
        byte[] read = new byte[50];
        Assert.Equal(Errno.ENOSPC, device.Read(90, read));
        Assert.Equal([.. Filled(10, 1), .. Filled(20, 2), .. new byte[20]], read);
        read.AsSpan().Clear();
        byte[] more = Filled(50, 3);
        fixed (byte* target = read, source = more)
        {
            Assert.Equal(Errno.ENOSPC, device.Read(90, [new IoSegment((nint)target, 5), new IoSegment((nint)target + 5, 45)]));
            Assert.Equal(Errno.ENOSPC, device.Write(200, [new IoSegment((nint)source, 25), new IoSegment((nint)source + 25, 25)]));
        }
        Assert.Equal([.. Filled(10, 1), .. Filled(20, 2), .. new byte[20]], read);
        expected.AsSpan(200, 30).Fill(3);
        Assert.Equal(Errno.ENOSPC, device.Discard(300, 40));
        expected.AsSpan(300, 30).Clear();
        Assert.Equal(expected, Content(memory));
        Assert.Equal(Errno.ENOSPC, device.Resize(512)); // carried out all the same
        Assert.Equal(512, memory.SizeBytes);
    }

    [Fact]
    public void DeviceFullAtAByte_IsARule()
    {
        using var device = new FlakyBlockDevice(new MemoryBlockDevice(4096), ownsInner: true);
        device.FailWhen(request => request.Operation == BlockOperation.Write && request.OffsetBytes + request.LengthBytes > 1000
            ? new Fault(Errno.ENOSPC, Math.Max(0, 1000 - request.OffsetBytes)) : default);
        Assert.Equal(Errno.None, device.Write(0, Filled(1000, 1)));
        Assert.Equal(Errno.ENOSPC, device.Write(900, Filled(200, 2)));
        byte[] content = Content(device);
        Assert.Equal(2, content[999]);
        Assert.Equal(0, content[1000]);
    }

    [Theory]
    [InlineData(FaultLatch.None, false, false)]
    [InlineData(FaultLatch.Changes, false, true)]
    [InlineData(FaultLatch.Everything, true, true)]
    public void LatchedFault_GoesOnFailing_UntilHealed(FaultLatch latch, bool readsFail, bool writesFail)
    {
        using var device = new FlakyBlockDevice(new MemoryBlockDevice(4096), ownsInner: true);
        device.FailAt(BlockOperation.Flush, 0, new Fault(Errno.EIO, Latch: latch));
        Assert.Equal(Errno.EIO, device.Flush());
        Assert.Equal(latch != FaultLatch.None, device.IsLatched);
        Assert.Equal(readsFail ? Errno.EIO : Errno.None, device.Read(0, new byte[1]));
        Assert.Equal(writesFail ? Errno.EIO : Errno.None, device.Write(0, new byte[1]));
        Assert.Equal(writesFail ? Errno.EIO : Errno.None, device.Flush());
        Assert.Equal(writesFail ? Errno.EIO : Errno.None, device.Discard(0, 1));
        Assert.Equal(writesFail ? Errno.EIO : Errno.None, device.Resize(4096));
        device.Heal();
        Assert.False(device.IsLatched);
        Assert.Equal(Errno.None, device.Flush());
    }

    /// <summary>The loop that the device is for: every call fails once, then nothing fails any more.</summary>
    [Fact]
    public void Sweep_EndsWhenNoFaultFires()
    {
        int faulty = 0;
        for (long at = 0; ; at++)
        {
            using var device = new FlakyBlockDevice(new MemoryBlockDevice(4096), ownsInner: true);
            long n = at;
            device.FailWhen(request => request.Sequence == n ? new Fault(Errno.EIO) : default);
            bool ok = device.Write(0, "a"u8) == Errno.None && device.Flush() == Errno.None && device.Read(0, new byte[1]) == Errno.None;
            if (device.FaultCount == 0)
            {
                Assert.True(ok);
                break;
            }
            Assert.False(ok);
            faulty++;
        }
        Assert.Equal(3, faulty);
    }
}
