// EventFd is a 64-bit counter to wait on. Above it: an open file on the hidden file system of anonymous objects.
//
// Invariant: the counter is at most Max = 2^64 - 2; 2^64 - 1 cannot be reached by writing.
// Locks: _mu is a leaf; waiters are woken after it is released.
using System.Buffers.Binary;

namespace Tupelo.Vfs;

/// <summary>An eventfd object. Source: eventfd(2).</summary>
public sealed class EventFd : IPollable
{
    private const ulong Max = ulong.MaxValue - 1;
    private const int WordBytes = sizeof(ulong);

    private readonly RankedLock _mu = new(LockRank.Leaf); // Guards _counter.
    private readonly PollQueue _waiters = new();
    private readonly bool _isSemaphore;
    private ulong _counter;

    /// <param name="initialValue">The counter's first value.</param>
    /// <param name="isSemaphore">EFD_SEMAPHORE: a read takes one instead of all.</param>
    public EventFd(uint initialValue, bool isSemaphore)
    {
        _counter = initialValue;
        _isSemaphore = isSemaphore;
    }

    /// <inheritdoc/>
    public PollQueue Waiters => _waiters;

    /// <summary>The counter, as /proc/self/fdinfo shows it.</summary>
    public ulong Counter
    {
        get
        {
            using (_mu.EnterScope())
            {
                return _counter;
            }
        }
    }

    /// <summary>Takes the counter (or one, for a semaphore) as eight bytes in the machine's order.</summary>
    /// <remarks>Errors, first match wins: EINVAL <paramref name="buffer"/> below 8 bytes · EAGAIN zero and <paramref name="nonBlocking"/> ·
    /// EINTR. Any thread.</remarks>
    public IoResult Read(Span<byte> buffer, bool nonBlocking, Interrupt? interrupt)
    {
        if (buffer.Length < WordBytes)
        {
            return Errno.EINVAL;
        }
        if (!TryTake(out ulong taken))
        {
            if (nonBlocking)
            {
                return Errno.EAGAIN;
            }
            using BlockingWait wait = new(_waiters, PollEvents.In, interrupt);
            while (!TryTake(out taken))
            {
                Errno error = wait.Sleep();
                if (error != Errno.None)
                {
                    return error;
                }
            }
        }
        BinaryPrimitives.WriteUInt64LittleEndian(buffer, taken);
        _waiters.Wake(PollEvents.Out);
        return IoResult.Bytes(WordBytes);
    }

    /// <summary>Adds the eight bytes of <paramref name="data"/> to the counter; waits while that would overflow it.</summary>
    /// <remarks>Errors, first match wins: EINVAL not 8 bytes or the value 2^64-1 · EAGAIN overflow and
    /// <paramref name="nonBlocking"/> · EINTR. Any thread.</remarks>
    public IoResult Write(ReadOnlySpan<byte> data, bool nonBlocking, Interrupt? interrupt)
    {
        if (data.Length != WordBytes)
        {
            return Errno.EINVAL;
        }
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(data);
        if (value == ulong.MaxValue)
        {
            return Errno.EINVAL;
        }
        if (!TryAdd(value))
        {
            if (nonBlocking)
            {
                return Errno.EAGAIN;
            }
            using BlockingWait wait = new(_waiters, PollEvents.Out, interrupt);
            while (!TryAdd(value))
            {
                Errno error = wait.Sleep();
                if (error != Errno.None)
                {
                    return error;
                }
            }
        }
        _waiters.Wake(PollEvents.In);
        return IoResult.Bytes(WordBytes);
    }

    /// <inheritdoc/>
    public PollEvents GetReady()
    {
        ulong counter = Counter;
        PollEvents ready = PollEvents.None;
        if (counter > 0)
        {
            ready |= PollEvents.In;
        }
        if (counter < Max)
        {
            ready |= PollEvents.Out;
        }
        return ready;
    }

    private bool TryTake(out ulong taken)
    {
        using (_mu.EnterScope())
        {
            taken = _isSemaphore && _counter > 0 ? 1 : _counter;
            _counter -= taken;
            return taken > 0;
        }
    }

    private bool TryAdd(ulong value)
    {
        using (_mu.EnterScope())
        {
            if (Max - _counter < value)
            {
                return false;
            }
            _counter += value;
            return true;
        }
    }
}
