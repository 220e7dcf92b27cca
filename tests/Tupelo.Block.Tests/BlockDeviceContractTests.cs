using System.Runtime.InteropServices;

namespace Tupelo.Block.Tests;

/// <summary>What every <see cref="BlockDevice"/> promises, written once; a device's own tests derive from it.</summary>
public abstract unsafe class BlockDeviceContractTests
{
    protected const int Size = 1 << 20;

    /// <summary>Memory at a multiple of 4096, as direct I/O wants it.</summary>
    protected sealed class AlignedMemory(int lengthBytes) : IDisposable
    {
        private void* _start = NativeMemory.AlignedAlloc((nuint)lengthBytes, 4096);

        public Span<byte> Span => new(_start, lengthBytes);

        public IoSegment Segment(int offset, int count) => new((nint)_start + offset, count);

        public void Dispose()
        {
            NativeMemory.AlignedFree(_start);
            _start = null;
        }
    }

    /// <summary>A new writable device of <see cref="Size"/> zero bytes.</summary>
    protected abstract BlockDevice Create();

    /// <summary>True for a device that keeps a copy of everything written to it: only its reads allocate nothing.</summary>
    protected virtual bool RecordsWrites => false;

    /// <summary>Bytes that tell where they belong.</summary>
    protected static void FillPattern(Span<byte> buffer, int seed)
    {
        for (int i = 0; i < buffer.Length; i++)
        {
            buffer[i] = (byte)(((i + 1) * 31) + (i >> 8) + seed);
        }
    }

    [Fact]
    public void NewDevice_ReadsAsZeros()
    {
        using BlockDevice device = Create();
        using var memory = new AlignedMemory(Size);
        memory.Span.Fill(0xAA);
        Assert.Equal(Size, device.SizeBytes);
        Assert.False(device.IsReadOnly);
        Assert.NotEmpty(device.Name);
        Assert.Equal(Errno.None, device.Read(0, memory.Span));
        Assert.False(memory.Span.ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void WhatIsWritten_IsReadBack_AndNothingElseChanges()
    {
        using BlockDevice device = Create();
        using var expected = new AlignedMemory(Size);
        using var actual = new AlignedMemory(Size);
        using var piece = new AlignedMemory(Size);
        expected.Span.Clear();
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        int unit = device.RequiresAlignment ? device.SectorBytes : 1;
        for (int i = 0; i < 200; i++)
        {
            int length = Math.Min(unit == 1 ? random.Next(0, 1 << random.Next(1, 19)) : random.Next(0, 32) * unit, Size);
            int offset = random.Next(0, ((Size - length) / unit) + 1) * unit;
            random.NextBytes(piece.Span[..length]);
            piece.Span[..length].CopyTo(expected.Span[offset..]);
            Assert.Equal(Errno.None, device.Write(offset, piece.Span[..length]));
            Assert.Equal(Errno.None, device.Read(offset, actual.Span[..length]));
            Assert.True(actual.Span[..length].SequenceEqual(piece.Span[..length]));
            if (i % 20 == 0)
            {
                Assert.Equal(Errno.None, device.Flush());
            }
        }
        Assert.Equal(Errno.None, device.Read(0, actual.Span));
        Assert.True(actual.Span.SequenceEqual(expected.Span));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(300)]
    [InlineData(1100)]
    public void Vectors_AreOneContiguousRange(int count)
    {
        using BlockDevice device = Create();
        int unit = device.RequiresAlignment ? device.SectorBytes : 1;
        int stride = unit == 1 ? 700 : unit;
        while (count * stride > Size / 2)
        {
            count /= 2;
        }
        using var source = new AlignedMemory(count * stride);
        using var target = new AlignedMemory(count * stride);
        FillPattern(source.Span, 7);
        target.Span.Clear();
        // Segments of unequal length, some of them empty, in the memory's order.
        var written = new List<IoSegment>();
        var read = new List<IoSegment>();
        for (int at = 0, i = 0; at < count * stride; i++)
        {
            int length = unit == 1 ? Math.Min((i * 37 % 1400) + 1, (count * stride) - at) : unit;
            if (i % 5 == 0)
            {
                written.Add(source.Segment(at, 0));
            }
            written.Add(source.Segment(at, length));
            read.Insert(0, target.Segment(at, length));
            at += length;
        }
        read.Reverse();
        int start = unit == 1 ? 12_345 : unit * 3;
        Assert.Equal(Errno.None, device.Write(start, CollectionsMarshal.AsSpan(written)));
        Assert.Equal(Errno.None, device.Read(start, CollectionsMarshal.AsSpan(read)));
        Assert.True(source.Span.SequenceEqual(target.Span));
        target.Span.Clear();
        Assert.Equal(Errno.None, device.Read(start, target.Span));
        Assert.True(source.Span.SequenceEqual(target.Span));
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(-4096, 4096)]
    [InlineData(long.MinValue, 4096)]
    [InlineData(Size, 4096)]
    [InlineData(Size - 4096, 8192)]
    [InlineData(Size + 4096L, 0)]
    [InlineData(long.MaxValue, 4096)]
    [InlineData(long.MaxValue - 4095, 4096)]
    public void OutsideOfTheDevice_IsEINVAL_AndChangesNothing(long offset, int length)
    {
        using BlockDevice device = Create();
        using var memory = new AlignedMemory(8192);
        memory.Span.Fill(0x55);
        IoSegment[] halves = [memory.Segment(0, length / 2), memory.Segment(length / 2, length - (length / 2))];
        Assert.Equal(Errno.EINVAL, device.Write(offset, memory.Span[..length]));
        Assert.Equal(Errno.EINVAL, device.Read(offset, memory.Span[..length]));
        Assert.Equal(Errno.EINVAL, device.Write(offset, halves));
        Assert.Equal(Errno.EINVAL, device.Read(offset, halves));
        Assert.Equal(Errno.EINVAL, device.Discard(offset, length));
        Assert.False(memory.Span.ContainsAnyExcept((byte)0x55));
        Assert.Equal(Size, device.SizeBytes);
        using var all = new AlignedMemory(Size);
        Assert.Equal(Errno.None, device.Read(0, all.Span));
        Assert.False(all.Span.ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void NegativeOrHugeDiscard_IsEINVAL()
    {
        using BlockDevice device = Create();
        Assert.Equal(Errno.EINVAL, device.Discard(0, -1));
        Assert.Equal(Errno.EINVAL, device.Discard(0, long.MaxValue));
        Assert.Equal(Errno.EINVAL, device.Discard(4096, Size));
    }

    [Fact]
    public void EmptyTransfer_Succeeds_AlsoAtTheEnd()
    {
        using BlockDevice device = Create();
        Assert.Equal(Errno.None, device.Read(Size, Span<byte>.Empty));
        Assert.Equal(Errno.None, device.Write(Size, ReadOnlySpan<byte>.Empty));
        Assert.Equal(Errno.None, device.Read(0, ReadOnlySpan<IoSegment>.Empty));
        Assert.Equal(Errno.None, device.Write(0, ReadOnlySpan<IoSegment>.Empty));
    }

    [Fact]
    public void Discard_LeavesZerosOrTheOldBytes_AndTouchesNothingElse()
    {
        using BlockDevice device = Create();
        using var before = new AlignedMemory(Size);
        using var after = new AlignedMemory(Size);
        FillPattern(before.Span, 3);
        Assert.Equal(Errno.None, device.Write(0, before.Span));
        Errno errno = device.Discard(100_000, 300_000);
        Assert.True(errno is Errno.None or Errno.EOPNOTSUPP, errno.ToString());
        Assert.Equal(Errno.None, device.Read(0, after.Span));
        Assert.True(after.Span[..100_000].SequenceEqual(before.Span[..100_000]));
        Assert.True(after.Span[400_000..].SequenceEqual(before.Span[400_000..]));
        for (int i = 100_000; i < 400_000; i++)
        {
            Assert.True(after.Span[i] == 0 || (after.Span[i] == before.Span[i]));
        }
    }

    [Fact]
    public void WarmTransfers_AllocateNothing()
    {
        using BlockDevice device = Create();
        using var memory = new AlignedMemory(65536);
        memory.Span.Fill(1);
        IoSegment[] segments = [memory.Segment(0, 4096), memory.Segment(8192, 4096)];
        long Round()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 300; i++)
            {
                if (!RecordsWrites)
                {
                    _ = device.Write(4096, memory.Span[..4096]);
                    _ = device.Write(8192, segments);
                }
                _ = device.Read(4096, memory.Span[..4096]);
                _ = device.Read(8192, segments);
            }
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        _ = Round();
        Assert.Equal(0, Round());
    }

    [Fact]
    public void DisjointWritersAndReaders_DoNotDisturbEachOther()
    {
        using BlockDevice device = Create();
        const int Workers = 4;
        const int Share = Size / Workers;
        int failures = 0;
        var threads = new Thread[Workers];
        for (int w = 0; w < Workers; w++)
        {
            int worker = w;
            threads[w] = new Thread(() =>
            {
                using var mine = new AlignedMemory(16384);
                using var back = new AlignedMemory(16384);
                var random = new Random(worker);
                for (int i = 0; i < 300; i++)
                {
                    int length = random.Next(1, 5) * 4096;
                    long offset = (worker * Share) + (random.Next(0, ((Share - length) / 4096) + 1) * 4096L);
                    FillPattern(mine.Span[..length], i + worker);
                    bool ok = device.Write(offset, mine.Span[..length]) == Errno.None
                        && (i % 50 != 0 || device.Flush() == Errno.None)
                        && device.Read(offset, back.Span[..length]) == Errno.None
                        && back.Span[..length].SequenceEqual(mine.Span[..length]);
                    if (!ok)
                    {
                        Interlocked.Increment(ref failures);
                    }
                }
            });
        }
        foreach (Thread thread in threads)
        {
            thread.Start();
        }
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        Assert.Equal(0, failures);
    }

    [Fact]
    public void Resize_ShowsZerosInNewBytes_OrIsNotSupported()
    {
        using BlockDevice device = Create();
        using var memory = new AlignedMemory(Size);
        memory.Span.Fill(0x77);
        Assert.Equal(Errno.None, device.Write(0, memory.Span));
        Errno errno = device.Resize(Size / 2);
        if (errno == Errno.EOPNOTSUPP)
        {
            Assert.Equal(Size, device.SizeBytes);
            return;
        }
        Assert.Equal(Errno.None, errno);
        Assert.Equal(Size / 2, device.SizeBytes);
        Assert.Equal(Errno.EINVAL, device.Read(Size / 2, memory.Span[..4096]));
        Assert.Equal(Errno.None, device.Resize(Size));
        Assert.Equal(Errno.None, device.Read(0, memory.Span));
        Assert.False(memory.Span[..(Size / 2)].ContainsAnyExcept((byte)0x77));
        Assert.False(memory.Span[(Size / 2)..].ContainsAnyExcept((byte)0));
        Assert.Equal(Errno.EINVAL, device.Resize(-1));
        Assert.Equal(Size, device.SizeBytes);
    }
}
