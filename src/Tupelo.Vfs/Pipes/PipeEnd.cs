// PipeEnd is one open description of a pipe or FIFO: which ends it stands at, and its readiness. The open file that owns it closes it.
// Locks: none of its own; _closed makes a second Close harmless.
namespace Tupelo.Vfs;

/// <summary>An opened end of a pipe: the reading one, the writing one, or both (a FIFO opened O_RDWR). Any thread.</summary>
public sealed class PipeEnd : IPollable
{
    /// <summary>No count of writers: a hang-up is always told.</summary>
    internal const long Never = -1;

    private readonly long _noHangUpAt;
    private int _closed;

    internal PipeEnd(PipeRing ring, bool canRead, bool canWrite, long noHangUpAt)
    {
        Ring = ring;
        CanRead = canRead;
        CanWrite = canWrite;
        _noHangUpAt = noHangUpAt;
    }

    /// <summary>What is between the ends.</summary>
    public PipeRing Ring { get; }

    /// <summary>Opened for reading.</summary>
    public bool CanRead { get; }

    /// <summary>Opened for writing.</summary>
    public bool CanWrite { get; }

    /// <inheritdoc/>
    public PollQueue Waiters => Ring.Waiters;

    /// <inheritdoc/>
    public PollEvents PossibleEvents => (CanRead ? PollEvents.Readable : PollEvents.None) | (CanWrite ? PollEvents.Writable : PollEvents.None);

    /// <inheritdoc/>
    public PollEvents GetReady() => Ring.GetReady(CanRead, CanWrite, _noHangUpAt);

    /// <summary>See <see cref="PipeRing.Read"/>; EBADF when this is not a reading end.</summary>
    public IoResult Read(Span<byte> buffer, bool nonBlocking, Interrupt? interrupt)
        => CanRead ? Ring.Read(buffer, nonBlocking, interrupt) : Errno.EBADF;

    /// <summary>See <see cref="PipeRing.Write"/>; EBADF when this is not a writing end.</summary>
    public IoResult Write(ReadOnlySpan<byte> data, bool nonBlocking, bool asPackets, Interrupt? interrupt)
        => CanWrite ? Ring.Write(data, nonBlocking, asPackets, interrupt) : Errno.EBADF;

    /// <summary>The description's last close. Those at the other end see EOF or EPIPE when nobody is left here.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            Ring.CloseEnd(CanRead, CanWrite);
        }
    }
}
