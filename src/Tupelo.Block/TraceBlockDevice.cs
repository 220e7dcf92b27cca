// A TraceBlockDevice counts what goes through it and, while asked to, keeps a log of every call: to see how a file system behaves,
// to prove in a test that a sync flushes once, or that a read needs no write.
// Threads: counters are interlocked; the log is guarded by _logMu, a leaf. With the log off a call costs three interlocked additions.
namespace Tupelo.Block;

/// <summary>Sums over the life of a device. A vectored transfer is one call; a call that failed counts, and its bytes do not.</summary>
public readonly record struct BlockCounts(
    long Reads, long ReadBytes, long Writes, long WrittenBytes, long Flushes, long Discards, long DiscardedBytes, long Resizes, long Failures)
{
    /// <summary>What was added since <paramref name="earlier"/>.</summary>
    public BlockCounts Since(BlockCounts earlier) => new(
        Reads - earlier.Reads, ReadBytes - earlier.ReadBytes, Writes - earlier.Writes, WrittenBytes - earlier.WrittenBytes,
        Flushes - earlier.Flushes, Discards - earlier.Discards, DiscardedBytes - earlier.DiscardedBytes, Resizes - earlier.Resizes,
        Failures - earlier.Failures);
}

/// <summary>One call in the log, in order of completion.</summary>
/// <param name="Request">What was asked.</param>
/// <param name="Result">What came of it.</param>
/// <param name="Duration">How long it took.</param>
public readonly record struct TraceEntry(BlockRequest Request, Errno Result, TimeSpan Duration)
{
    /// <summary>"write 512+4096: None, 12.3 us".</summary>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"{Request}: {Result}, {Duration.TotalMicroseconds:0.0} us");
}

/// <summary>Counts and logs the calls on another device.</summary>
public sealed class TraceBlockDevice(BlockDevice inner, bool ownsInner = false) : FilterBlockDevice(inner, ownsInner)
{
    private readonly BlockRequestCounter _requests = new();
    private readonly Lock _logMu = new(); // Guards the content of _log.
    private List<TraceEntry>? _log; // Volatile; null while off.
    private long _readBytes; // Interlocked, as those below.
    private long _writtenBytes;
    private long _discardedBytes;
    private long _failures;

    /// <summary>The sums up to now. Taken while calls run, they need not fit each other.</summary>
    public BlockCounts Counts => new(
        _requests[BlockOperation.Read], Interlocked.Read(ref _readBytes), _requests[BlockOperation.Write], Interlocked.Read(ref _writtenBytes),
        _requests[BlockOperation.Flush], _requests[BlockOperation.Discard], Interlocked.Read(ref _discardedBytes),
        _requests[BlockOperation.Resize], Interlocked.Read(ref _failures));

    /// <summary>Begins a new, empty log.</summary>
    public void StartLog() => Volatile.Write(ref _log, []);

    /// <summary>Ends the log and returns it; empty when there was none.</summary>
    public IReadOnlyList<TraceEntry> StopLog()
    {
        List<TraceEntry>? log = Interlocked.Exchange(ref _log, null);
        lock (_logMu)
        {
            return log is null ? [] : [.. log]; // a copy: a call that began before may still be adding to it
        }
    }

    public override Errno Read(long offsetBytes, Span<byte> buffer)
    {
        (BlockRequest request, long start) = Begin(BlockOperation.Read, offsetBytes, buffer.Length);
        return End(request, start, Inner.Read(offsetBytes, buffer), ref _readBytes);
    }

    public override Errno Read(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        (BlockRequest request, long start) = Begin(BlockOperation.Read, offsetBytes, TotalBytes(segments));
        return End(request, start, Inner.Read(offsetBytes, segments), ref _readBytes);
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        (BlockRequest request, long start) = Begin(BlockOperation.Write, offsetBytes, buffer.Length);
        return End(request, start, Inner.Write(offsetBytes, buffer), ref _writtenBytes);
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        (BlockRequest request, long start) = Begin(BlockOperation.Write, offsetBytes, TotalBytes(segments));
        return End(request, start, Inner.Write(offsetBytes, segments), ref _writtenBytes);
    }

    public override Errno Flush()
    {
        (BlockRequest request, long start) = Begin(BlockOperation.Flush, 0, 0);
        long nothing = 0;
        return End(request, start, Inner.Flush(), ref nothing);
    }

    public override Errno Discard(long offsetBytes, long lengthBytes)
    {
        (BlockRequest request, long start) = Begin(BlockOperation.Discard, offsetBytes, lengthBytes);
        return End(request, start, Inner.Discard(offsetBytes, lengthBytes), ref _discardedBytes);
    }

    public override Errno Resize(long sizeBytes)
    {
        (BlockRequest request, long start) = Begin(BlockOperation.Resize, 0, sizeBytes);
        long nothing = 0;
        return End(request, start, Inner.Resize(sizeBytes), ref nothing);
    }

    private (BlockRequest Request, long Start) Begin(BlockOperation operation, long offsetBytes, long lengthBytes) =>
        (_requests.Next(operation, offsetBytes, lengthBytes), Volatile.Read(ref _log) is null ? 0 : System.Diagnostics.Stopwatch.GetTimestamp());

    private Errno End(BlockRequest request, long start, Errno result, ref long bytes)
    {
        if (result == Errno.None)
        {
            _ = Interlocked.Add(ref bytes, request.LengthBytes);
        }
        else
        {
            _ = Interlocked.Increment(ref _failures);
        }
        if (start != 0 && Volatile.Read(ref _log) is { } log)
        {
            var entry = new TraceEntry(request, result, System.Diagnostics.Stopwatch.GetElapsedTime(start));
            lock (_logMu)
            {
                log.Add(entry);
            }
        }
        return result;
    }
}
