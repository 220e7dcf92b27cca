using Tupelo.Vfs;

namespace Tupelo.Vfs.Tests.Pipes;

public sealed class PipeRingTests
{
    private const int Page = PipeRing.AtomicBytes;

    private readonly PipeEnd _read;
    private readonly PipeEnd _write;

    public PipeRingTests() => PipeRing.CreatePair(out _read, out _write);

    private PipeRing Ring => _read.Ring;

    [Fact]
    public void Read_ReturnsWhatWasWritten_AcrossPieces()
    {
        Write("hello "u8);
        Write("world"u8);
        Assert.Equal("hello wo"u8.ToArray(), Read(8));
        Assert.Equal("rld"u8.ToArray(), Read(8));
    }

    [Fact]
    public void Read_FromEmptyPipe_ReturnsEAGAIN_AndZeroOnceTheWriterIsGone()
    {
        Assert.Equal(Errno.EAGAIN, _read.Read(new byte[1], true, null).Errno);
        Write("x"u8);
        _write.Close();
        Assert.Single(Read(10));
        Assert.Equal(0, _read.Read(new byte[1], true, null).Raw);
        Assert.Equal(0, _read.Read(new byte[1], false, null).Raw);
    }

    [Fact]
    public void Write_WithoutReader_ReturnsEPIPE_ButNothingForNothing()
    {
        _read.Close();
        Assert.Equal(Errno.EPIPE, _write.Write("x"u8, false, false, null).Errno);
        Assert.Equal(0, _write.Write([], false, false, null).Raw);
    }

    [Fact]
    public void EndsRefuseTheOtherDirection_WithEBADF()
    {
        Assert.Equal(Errno.EBADF, _read.Write("x"u8, true, false, null).Errno);
        Assert.Equal(Errno.EBADF, _write.Read(new byte[1], true, null).Errno);
    }

    [Fact]
    public void Write_ToFullPipe_ReturnsEAGAIN_AndAtomicWritesGoInWholly()
    {
        Assert.Equal(65536, _write.Write(new byte[70000], true, false, null).Raw);
        Assert.Equal(Errno.EAGAIN, _write.Write("x"u8, true, false, null).Errno);
        _ = Read(Page - 1);
        Assert.Equal(Errno.EAGAIN, _write.Write("x"u8, true, false, null).Errno);
        _ = Read(1);
        Assert.Equal(Page, _write.Write(new byte[Page], true, false, null).Raw);
        Assert.Equal(65536, Ring.QueuedBytes);
    }

    [Fact]
    public void Packets_AreReadOneByOne_AndWhatDoesNotFitIsLost()
    {
        Assert.Equal(5, _write.Write("first"u8, true, asPackets: true, null).Raw);
        Assert.Equal(6, _write.Write("second"u8, true, asPackets: true, null).Raw);
        Assert.Equal("fir"u8.ToArray(), Read(3));
        Assert.Equal("second"u8.ToArray(), Read(100));
    }

    [Theory]
    [InlineData(0u, Page)]
    [InlineData(1u, Page)]
    [InlineData(4097u, 8192)]
    [InlineData(1u << 20, 1 << 20)]
    public void SetCapacity_RoundsUpToAPowerOfTwoOfPages(uint asked, int given)
    {
        Assert.Equal(given, Ring.SetCapacity(asked, false).Raw);
        Assert.Equal(given, Ring.Capacity);
    }

    [Fact]
    public void SetCapacity_BeyondTheLimits_ReturnsEPERM_EINVAL_EBUSY()
    {
        Assert.Equal(Errno.EPERM, Ring.SetCapacity((1 << 20) + 1, false).Errno);
        Assert.Equal(2 << 20, Ring.SetCapacity((1 << 20) + 1, true).Raw);
        Assert.Equal(1 << 20, Ring.SetCapacity(1 << 20, false).Raw);
        Assert.Equal(Errno.EINVAL, Ring.SetCapacity((1u << 31) + 1, true).Errno);
        Write(new byte[3 * Page]);
        Assert.Equal(Errno.EBUSY, Ring.SetCapacity(2 * Page, true).Errno);
        Assert.Equal(4 * Page, Ring.SetCapacity(3 * Page, true).Raw);
        Assert.Equal(Page, _write.Write(new byte[2 * Page], true, false, null).Raw);
    }

    [Fact]
    public void Poll_TellsReadable_Writable_HangUp_Error()
    {
        Assert.Equal(PollEvents.None, _read.GetReady());
        Assert.Equal(PollEvents.Writable, _write.GetReady());
        _ = _write.Write(new byte[65536], true, false, null);
        Assert.Equal(PollEvents.Readable, _read.GetReady());
        Assert.Equal(PollEvents.None, _write.GetReady());
        _write.Close();
        Assert.Equal(PollEvents.Readable | PollEvents.HangUp, _read.GetReady());
        PipeRing.CreatePair(out PipeEnd read, out PipeEnd write);
        read.Close();
        Assert.Equal(PollEvents.Writable | PollEvents.Error, write.GetReady());
    }

    [Fact]
    public void BlockingRead_IsWokenByAWrite_AndByTheLastWritersClose()
    {
        byte[] got = [];
        TestThread reader = TestThread.Run(() => got = ReadBlocking(4));
        TestThread.WaitUntil(() => Ring.Waiters.HasWaiters);
        Write("abc"u8);
        reader.Join();
        Assert.Equal("abc"u8.ToArray(), got);
        reader = TestThread.Run(() => got = ReadBlocking(4));
        TestThread.WaitUntil(() => Ring.Waiters.HasWaiters);
        _write.Close();
        reader.Join();
        Assert.Empty(got);
    }

    [Fact]
    public void BlockingWrite_GoesOnAsTheReaderMakesRoom_AndEndsWithTheReader()
    {
        IoResult written = default;
        TestThread writer = TestThread.Run(() => written = _write.Write(new byte[100_000], false, false, null));
        TestThread.WaitUntil(() => Ring.Waiters.HasWaiters);
        int total = 0;
        while (total < 100_000)
        {
            total += ReadBlocking(5000).Length;
        }
        writer.Join();
        Assert.Equal(100_000, written.Raw);
        writer = TestThread.Run(() => written = _write.Write(new byte[100_000], false, false, null));
        TestThread.WaitUntil(() => Ring.Waiters.HasWaiters);
        _read.Close();
        writer.Join();
        Assert.Equal(65536, written.Raw);
    }

    [Fact]
    public void Interrupt_EndsBlockedReadsAndWrites_WithEINTR_OrWhatWasDone()
    {
        Interrupt interrupt = new();
        IoResult result = default;
        TestThread blocked = TestThread.Run(() => result = _read.Read(new byte[1], false, interrupt));
        TestThread.WaitUntil(() => Ring.Waiters.HasWaiters);
        interrupt.Raise();
        blocked.Join();
        Assert.Equal(Errno.EINTR, result.Errno);
        Assert.Equal(Errno.EINTR, _read.Read(new byte[1], false, interrupt).Errno);
        interrupt.Clear();
        blocked = TestThread.Run(() => result = _write.Write(new byte[70_000], false, false, interrupt));
        TestThread.WaitUntil(() => Ring.Waiters.HasWaiters);
        interrupt.Raise();
        blocked.Join();
        Assert.Equal(65536, result.Raw);
        Assert.Equal(Errno.EINTR, _write.Write("x"u8, false, false, interrupt).Errno);
    }

    [Fact]
    public void Fifo_OpenedForReading_WaitsForAWriter_AndTheOtherWayRound()
    {
        PipeRing fifo = new();
        PipeEnd? reader = null;
        TestThread opening = TestThread.Run(() => Assert.Equal(Errno.None, fifo.OpenEnd(true, false, false, null, out reader)));
        TestThread.WaitUntil(() => fifo.Waiters.HasWaiters);
        Assert.Equal(Errno.None, fifo.OpenEnd(false, true, false, null, out PipeEnd? writer));
        opening.Join();
        writer!.Close();
        reader!.Close();
        Assert.True(fifo.IsUnused);
        opening = TestThread.Run(() => Assert.Equal(Errno.None, fifo.OpenEnd(false, true, false, null, out writer)));
        TestThread.WaitUntil(() => fifo.Waiters.HasWaiters);
        Assert.Equal(Errno.None, fifo.OpenEnd(true, false, false, null, out reader));
        opening.Join();
    }

    [Fact]
    public void Fifo_NonBlocking_ReaderOpensAlone_WriterGetsENXIO()
    {
        PipeRing fifo = new();
        Assert.Equal(Errno.ENXIO, fifo.OpenEnd(false, true, true, null, out _));
        Assert.True(fifo.IsUnused);
        Assert.Equal(Errno.None, fifo.OpenEnd(true, false, true, null, out PipeEnd? reader));
        Assert.Equal(0, reader!.Read(new byte[1], true, null).Raw);
        Assert.Equal(PollEvents.None, reader.GetReady());
        Assert.Equal(Errno.None, fifo.OpenEnd(false, true, true, null, out PipeEnd? writer));
        writer!.Close();
        Assert.Equal(PollEvents.HangUp, reader.GetReady());
    }

    [Fact]
    public void Fifo_OpenedForBoth_NeverWaits()
    {
        PipeRing fifo = new();
        Assert.Equal(Errno.None, fifo.OpenEnd(true, true, false, null, out PipeEnd? both));
        Assert.Equal(3, both!.Write("abc"u8, false, false, null).Raw);
        byte[] buffer = new byte[3];
        Assert.Equal(3, both.Read(buffer, false, null).Raw);
        Assert.Equal(Errno.EAGAIN, both.Read(buffer, true, null).Errno);
    }

    [Fact]
    public void Fifo_OpenInterrupted_ReturnsEINTR_AndLeavesTheFifoUnused()
    {
        PipeRing fifo = new();
        Interrupt interrupt = new();
        TestThread opening = TestThread.Run(() => Assert.Equal(Errno.EINTR, fifo.OpenEnd(true, false, false, interrupt, out _)));
        TestThread.WaitUntil(() => fifo.Waiters.HasWaiters);
        interrupt.Raise();
        opening.Join();
        Assert.True(fifo.IsUnused);
    }

    [Fact]
    public void Fifo_AllEndsClosed_ForgetsItsBytesAndItsCapacity()
    {
        PipeRing fifo = new();
        Assert.Equal(Errno.None, fifo.OpenEnd(true, true, false, null, out PipeEnd? both));
        _ = both!.Write("left"u8, true, false, null);
        _ = fifo.SetCapacity(Page, true);
        both.Close();
        both.Close();
        Assert.Equal(0, fifo.QueuedBytes);
        Assert.Equal(PipeRing.DefaultCapacity, fifo.Capacity);
    }

    [Fact]
    public void Splice_BetweenPipes_MovesPages_AndTeeKeepsThem()
    {
        PipeRing.CreatePair(out PipeEnd otherRead, out PipeEnd otherWrite);
        Write("0123456789"u8);
        Assert.Equal(4, Ring.TeeTo(otherWrite.Ring, 4, true, null).Raw);
        Assert.Equal(10, Ring.QueuedBytes);
        Assert.Equal(3, Ring.SpliceTo(otherWrite.Ring, 3, true, null).Raw);
        Assert.Equal("3456789"u8.ToArray(), Read(100));
        byte[] buffer = new byte[100];
        Assert.Equal(7, otherRead.Read(buffer, true, null).Raw);
        Assert.Equal("0123012"u8.ToArray(), buffer[..7]);
        Assert.Equal(Errno.EAGAIN, Ring.SpliceTo(otherWrite.Ring, 3, true, null).Errno);
        Assert.Equal(Errno.EINVAL, Ring.SpliceTo(Ring, 3, true, null).Errno);
        Assert.Equal(Errno.EINVAL, Ring.TeeTo(Ring, 3, true, null).Errno);
        otherRead.Close();
        Write("x"u8);
        Assert.Equal(Errno.EPIPE, Ring.SpliceTo(otherWrite.Ring, 3, true, null).Errno);
    }

    [Fact]
    public void AppendingToATeedPage_IsNotSeenInTheCopy()
    {
        PipeRing.CreatePair(out PipeEnd otherRead, out PipeEnd otherWrite);
        Write("abc"u8);
        Assert.Equal(3, Ring.TeeTo(otherWrite.Ring, 100, true, null).Raw);
        Write("def"u8);
        Assert.Equal(3, otherWrite.Write("xyz"u8, true, false, null).Raw);
        Assert.Equal("abcdef"u8.ToArray(), Read(100));
        byte[] buffer = new byte[100];
        Assert.Equal(6, otherRead.Read(buffer, true, null).Raw);
        Assert.Equal("abcxyz"u8.ToArray(), buffer[..6]);
    }

    [Fact]
    public void Drain_LeavesWhatTheSinkDidNotTake()
    {
        Write("0123456789"u8);
        LimitedSink sink = new(4);
        Assert.Equal(4, Ring.Drain(ref sink, 100, true, null).Raw);
        Assert.Equal("0123"u8.ToArray(), sink.Taken.ToArray());
        Assert.Equal(Errno.ENOSPC, Ring.Drain(ref sink, 100, true, null).Errno);
        Assert.Equal("456789"u8.ToArray(), Read(100));
        _write.Close();
        Assert.Equal(0, Ring.Drain(ref sink, 100, false, null).Raw);
    }

    [Fact]
    public void Drain_MakesOtherReadersWait_SoNothingIsReadTwice()
    {
        Write("0123456789"u8);
        using SlowSink sink = new();
        TestThread drainer = TestThread.Run(() =>
        {
            SlowSink mine = sink;
            Assert.Equal(5, Ring.Drain(ref mine, 5, false, null).Raw);
        });
        sink.Entered.Wait();
        byte[] got = [];
        TestThread reader = TestThread.Run(() => got = Read(100));
        TestThread.WaitUntil(() => Ring.Waiters.HasWaiters);
        Write("ab"u8);
        sink.Continue.Set();
        drainer.Join();
        reader.Join();
        Assert.Equal("56789ab"u8.ToArray(), got);
    }

    [Fact]
    public void Fill_TakesAsManyPagesAsFit_CutAtTheSourcesPageBoundary()
    {
        CountingSource source = new(200_000);
        Assert.Equal((16 * Page) - 100, Ring.Fill(ref source, 200_000, 100, true, null).Raw);
        Assert.Equal(Errno.EAGAIN, Ring.Fill(ref source, 1, 0, true, null).Errno);
        byte[] got = Read(200_000);
        Assert.Equal((16 * Page) - 100, got.Length);
        for (int i = 0; i < got.Length; i++)
        {
            Assert.Equal((byte)(i % 251), got[i]);
        }
        CountingSource end = new(0);
        Assert.Equal(0, Ring.Fill(ref end, 10, 0, true, null).Raw);
        _read.Close();
        Assert.Equal(Errno.EPIPE, Ring.Fill(ref source, 1, 0, true, null).Errno);
    }

    [Fact]
    public void ReadAndWrite_WhenWarm_AllocateNothing()
    {
        byte[] data = new byte[10_000];
        byte[] buffer = new byte[10_000];
        Cycle();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            Cycle();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Cycle()
        {
            _ = _write.Write(data, true, false, null);
            _ = _read.Read(buffer, true, null);
        }
    }

    [Fact]
    public void TwoWriters_AtomicRecordsStayWhole()
    {
        const int Records = 20_000;
        const int Size = 60;
        TestThread[] writers = [.. Enumerable.Range(1, 2).Select(number => TestThread.Run(() =>
        {
            byte[] record = new byte[Size];
            for (int i = 0; i < Records; i++)
            {
                record.AsSpan().Fill((byte)(number + (i % 100)));
                record[0] = (byte)number;
                BitConverter.TryWriteBytes(record.AsSpan(1), i);
                Assert.Equal(Size, _write.Write(record, false, false, null).Raw);
            }
        }))];
        int[] next = [0, 0, 0];
        byte[] buffer = new byte[Size];
        for (int i = 0; i < 2 * Records; i++)
        {
            int filled = 0;
            while (filled < Size)
            {
                IoResult result = _read.Read(buffer.AsSpan(filled), false, null);
                Assert.True(result.IsOk && result.Count > 0);
                filled += (int)result.Count;
            }
            int number = buffer[0];
            Assert.Equal(next[number]++, BitConverter.ToInt32(buffer, 1));
            Assert.True(buffer.AsSpan(5).IndexOfAnyExcept((byte)(number + ((next[number] - 1) % 100))) < 0);
        }
        foreach (TestThread writer in writers)
        {
            writer.Join();
        }
    }

    private void Write(ReadOnlySpan<byte> data) => Assert.Equal(data.Length, _write.Write(data, true, false, null).Raw);

    private byte[] Read(int count)
    {
        byte[] buffer = new byte[count];
        IoResult result = _read.Read(buffer, true, null);
        Assert.True(result.IsOk, result.ToString());
        return buffer[..(int)result.Count];
    }

    private byte[] ReadBlocking(int count)
    {
        byte[] buffer = new byte[count];
        IoResult result = _read.Read(buffer, false, null);
        Assert.True(result.IsOk, result.ToString());
        return buffer[..(int)result.Count];
    }

    private sealed class LimitedSink(int room) : IPipeSink
    {
        private int _room = room;

        internal MemoryStream Taken { get; } = new();

        public IoResult Write(ReadOnlySpan<byte> data)
        {
            if (_room == 0)
            {
                return Errno.ENOSPC;
            }
            int count = Math.Min(_room, data.Length);
            _room -= count;
            Taken.Write(data[..count]);
            return IoResult.Bytes(count);
        }
    }

    private sealed class SlowSink : IPipeSink, IDisposable
    {
        internal ManualResetEventSlim Entered { get; } = new();

        internal ManualResetEventSlim Continue { get; } = new();

        public IoResult Write(ReadOnlySpan<byte> data)
        {
            Entered.Set();
            Continue.Wait();
            return IoResult.Bytes(data.Length);
        }

        public void Dispose()
        {
            Entered.Dispose();
            Continue.Dispose();
        }
    }

    private struct CountingSource(int length) : IPipeSource
    {
        private int _position;

        public IoResult Read(Span<byte> buffer)
        {
            int count = Math.Min(buffer.Length, length - _position);
            for (int i = 0; i < count; i++)
            {
                buffer[i] = (byte)((_position + i) % 251);
            }
            _position += count;
            return IoResult.Bytes(count);
        }
    }
}
