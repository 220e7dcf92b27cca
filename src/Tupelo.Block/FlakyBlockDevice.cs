// A FlakyBlockDevice fails when it is told to: at the N-th call of a kind, or whenever a rule says so. With it a test visits every
// error branch of a file system: fault at call 0, then at call 1, and so on until no fault fires any more.
//
// A failed call does nothing to the device behind, or only its beginning, as the Fault says. In particular a failed Flush is not
// passed on, so that behind it nothing became durable. A latched fault goes on failing, as a device does that was pulled out.
// Threads: any; the rule is called by the thread of the call and must allow that.
namespace Tupelo.Block;

/// <summary>Which calls go on failing after a fault.</summary>
public enum FaultLatch
{
    /// <summary>None: the next call works again.</summary>
    None,

    /// <summary>Write, Flush, Discard and Resize.</summary>
    Changes,

    /// <summary>All.</summary>
    Everything,
}

/// <summary>How a call fails; the default value is not at all.</summary>
/// <param name="Errno">What it returns, or None to let it pass.</param>
/// <param name="DoneBytes">How much of a transfer or discard is carried out before it fails. For Flush and Resize anything above 0 means
/// that it is carried out, and the failure is a lie.</param>
/// <param name="Latch">What fails from then on, with the same errno.</param>
public readonly record struct Fault(Errno Errno, long DoneBytes = 0, FaultLatch Latch = FaultLatch.None);

/// <summary>Injects failures into the calls on another device.</summary>
public sealed class FlakyBlockDevice(BlockDevice inner, bool ownsInner = false) : FilterBlockDevice(inner, ownsInner)
{
    private readonly BlockRequestCounter _requests = new();
    private Func<BlockRequest, Fault>? _rule; // Volatile.
    private long _faults; // Interlocked.
    private int _latched; // Volatile: (errno << 2) | FaultLatch, so that one store sets both.

    /// <summary>Calls that failed by injection.</summary>
    public long FaultCount => Interlocked.Read(ref _faults);

    /// <summary>True while a latched fault holds.</summary>
    public bool IsLatched => Volatile.Read(ref _latched) != 0;

    /// <summary>Calls of a kind so far, those that failed included.</summary>
    public long CountOf(BlockOperation operation) => _requests[operation];

    /// <summary>Fails the call of kind <paramref name="operation"/> before which there were <paramref name="index"/> others, counted from
    /// the device's beginning. Replaces the rule before it.</summary>
    public void FailAt(BlockOperation operation, long index, Fault fault) =>
        FailWhen(request => request.Operation == operation && request.Index == index ? fault : default);

    /// <summary>Asks <paramref name="rule"/> about every call. Replaces the rule before it.</summary>
    public void FailWhen(Func<BlockRequest, Fault> rule) => Volatile.Write(ref _rule, rule);

    /// <summary>Lets every call pass from now on.</summary>
    public void Heal()
    {
        Volatile.Write(ref _rule, null);
        Volatile.Write(ref _latched, 0);
    }

    public override Errno Read(long offsetBytes, Span<byte> buffer)
    {
        Fault fault = Decide(BlockOperation.Read, offsetBytes, buffer.Length);
        if (fault.Errno == Errno.None)
        {
            return Inner.Read(offsetBytes, buffer);
        }
        if (fault.DoneBytes > 0)
        {
            _ = Inner.Read(offsetBytes, buffer[..(int)Math.Min(fault.DoneBytes, buffer.Length)]);
        }
        return fault.Errno;
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        Fault fault = Decide(BlockOperation.Write, offsetBytes, buffer.Length);
        if (fault.Errno == Errno.None)
        {
            return Inner.Write(offsetBytes, buffer);
        }
        if (fault.DoneBytes > 0)
        {
            _ = Inner.Write(offsetBytes, buffer[..(int)Math.Min(fault.DoneBytes, buffer.Length)]);
        }
        return fault.Errno;
    }

    public override Errno Read(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        Fault fault = Decide(BlockOperation.Read, offsetBytes, TotalBytes(segments));
        if (fault.Errno == Errno.None)
        {
            return Inner.Read(offsetBytes, segments);
        }
        long left = fault.DoneBytes;
        for (int i = 0; i < segments.Length && left > 0; i++)
        {
            Span<byte> part = segments[i].Span[..(int)Math.Min(left, segments[i].LengthBytes)];
            _ = Inner.Read(offsetBytes, part);
            offsetBytes += part.Length;
            left -= part.Length;
        }
        return fault.Errno;
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        Fault fault = Decide(BlockOperation.Write, offsetBytes, TotalBytes(segments));
        if (fault.Errno == Errno.None)
        {
            return Inner.Write(offsetBytes, segments);
        }
        long left = fault.DoneBytes;
        for (int i = 0; i < segments.Length && left > 0; i++)
        {
            Span<byte> part = segments[i].Span[..(int)Math.Min(left, segments[i].LengthBytes)];
            _ = Inner.Write(offsetBytes, part);
            offsetBytes += part.Length;
            left -= part.Length;
        }
        return fault.Errno;
    }

    public override Errno Flush()
    {
        Fault fault = Decide(BlockOperation.Flush, 0, 0);
        if (fault.Errno == Errno.None)
        {
            return Inner.Flush();
        }
        if (fault.DoneBytes > 0)
        {
            _ = Inner.Flush();
        }
        return fault.Errno;
    }

    public override Errno Discard(long offsetBytes, long lengthBytes)
    {
        Fault fault = Decide(BlockOperation.Discard, offsetBytes, lengthBytes);
        if (fault.Errno == Errno.None)
        {
            return Inner.Discard(offsetBytes, lengthBytes);
        }
        if (fault.DoneBytes > 0)
        {
            _ = Inner.Discard(offsetBytes, Math.Min(fault.DoneBytes, lengthBytes));
        }
        return fault.Errno;
    }

    public override Errno Resize(long sizeBytes)
    {
        Fault fault = Decide(BlockOperation.Resize, 0, sizeBytes);
        if (fault.Errno == Errno.None)
        {
            return Inner.Resize(sizeBytes);
        }
        if (fault.DoneBytes > 0)
        {
            _ = Inner.Resize(sizeBytes);
        }
        return fault.Errno;
    }

    private Fault Decide(BlockOperation operation, long offsetBytes, long lengthBytes)
    {
        BlockRequest request = _requests.Next(operation, offsetBytes, lengthBytes);
        int latched = Volatile.Read(ref _latched);
        Fault fault = default;
        if (latched != 0 && ((FaultLatch)(latched & 3) == FaultLatch.Everything || operation != BlockOperation.Read))
        {
            fault = new Fault((Errno)(latched >> 2));
        }
        else if (Volatile.Read(ref _rule) is { } rule)
        {
            fault = rule(request);
            if (fault.Errno != Errno.None && fault.Latch != FaultLatch.None)
            {
                Volatile.Write(ref _latched, ((int)fault.Errno << 2) | (int)fault.Latch);
            }
        }
        if (fault.Errno != Errno.None)
        {
            _ = Interlocked.Increment(ref _faults);
        }
        return fault;
    }
}
