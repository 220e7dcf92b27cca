// The event bits of poll(2) and epoll(7). One enum serves both: their numbers agree below bit 16.
namespace Tupelo.Vfs;

/// <summary>What a descriptor is ready for, or what a caller waits for. Source: poll(2), epoll_ctl(2).</summary>
[Flags]
public enum PollEvents : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>POLLIN: a read would not block.</summary>
    In = 0x1,

    /// <summary>POLLPRI: an exceptional condition.</summary>
    Priority = 0x2,

    /// <summary>POLLOUT: a write would not block.</summary>
    Out = 0x4,

    /// <summary>POLLERR: always reported; the read end of a pipe is gone.</summary>
    Error = 0x8,

    /// <summary>POLLHUP: always reported; the other side hung up.</summary>
    HangUp = 0x10,

    /// <summary>POLLNVAL: always reported; not a pollable descriptor. Never in an epoll event.</summary>
    Invalid = 0x20,

    /// <summary>POLLRDNORM, reported together with <see cref="In"/>.</summary>
    ReadNormal = 0x40,

    /// <summary>POLLRDBAND.</summary>
    ReadBand = 0x80,

    /// <summary>POLLWRNORM, reported together with <see cref="Out"/>.</summary>
    WriteNormal = 0x100,

    /// <summary>POLLWRBAND.</summary>
    WriteBand = 0x200,

    /// <summary>POLLMSG.</summary>
    Message = 0x400,

    /// <summary>POLLRDHUP: the peer of a stream socket shut its writing half.</summary>
    ReadHangUp = 0x2000,

    /// <summary>EPOLLEXCLUSIVE: wake one of the epoll instances that wait on the same source.</summary>
    Exclusive = 1u << 28,

    /// <summary>EPOLLWAKEUP: accepted, has no meaning here.</summary>
    WakeUp = 1u << 29,

    /// <summary>EPOLLONESHOT: disarm after one report.</summary>
    OneShot = 1u << 30,

    /// <summary>EPOLLET: report a change once.</summary>
    EdgeTriggered = 1u << 31,

    /// <summary>Readable, as a source reports it.</summary>
    Readable = In | ReadNormal,

    /// <summary>Writable, as a source reports it.</summary>
    Writable = Out | WriteNormal,

    /// <summary>Reported whether asked for or not.</summary>
    Always = Error | HangUp,

    /// <summary>The bits of an epoll registration that are not events.</summary>
    EpollFlags = Exclusive | WakeUp | OneShot | EdgeTriggered,
}
