// Numbers and structures of poll(2), epoll(7), inotify(7), eventfd(2), timerfd_create(2).
namespace Tupelo;

/// <summary>poll(2) and epoll(7) readiness.</summary>
[Flags]
public enum PollEvents : uint
{
    None = 0,
    In = 1,
    Priority = 2,
    Out = 4,
    Error = 8,
    HangUp = 0x10,
    Invalid = 0x20,
    ReadNormal = 0x40,
    ReadBand = 0x80,
    WriteNormal = 0x100,
    WriteBand = 0x200,
    Message = 0x400,
    ReadHangUp = 0x2000,

    /// <summary>EPOLLEXCLUSIVE.</summary>
    Exclusive = 1u << 28,

    /// <summary>EPOLLWAKEUP.</summary>
    WakeUp = 1u << 29,

    /// <summary>EPOLLONESHOT.</summary>
    OneShot = 1u << 30,

    /// <summary>EPOLLET.</summary>
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

/// <summary>struct pollfd.</summary>
public struct PollFd
{
    public int Fd;
    public short Events;
    public short ReturnedEvents;
}

/// <summary>epoll_ctl(2)'s operation.</summary>
public enum EpollOperation
{
    Add = 1,
    Delete = 2,
    Modify = 3,
}

/// <summary>inotify(7) events and watch flags.</summary>
[Flags]
public enum InotifyMask : uint
{
    None = 0,
    Access = 1,
    Modify = 2,
    Attrib = 4,
    CloseWrite = 8,
    CloseNoWrite = 0x10,
    Open = 0x20,
    MovedFrom = 0x40,
    MovedTo = 0x80,
    Create = 0x100,
    Delete = 0x200,
    DeleteSelf = 0x400,
    MoveSelf = 0x800,

    /// <summary>IN_CLOSE.</summary>
    Close = CloseWrite | CloseNoWrite,

    /// <summary>IN_MOVE.</summary>
    Move = MovedFrom | MovedTo,

    /// <summary>All twelve kinds of event (IN_ALL_EVENTS).</summary>
    AllEvents = 0xFFF,
    Unmount = 0x2000,
    QueueOverflow = 0x4000,
    Ignored = 0x8000,
    OnlyDirectory = 0x1000000,
    DontFollow = 0x2000000,
    ExcludeUnlinked = 0x4000000,
    MaskCreate = 0x10000000,
    MaskAdd = 0x20000000,
    IsDirectory = 0x40000000,
    OneShot = 0x80000000,

    /// <summary>Every bit that a watch may have.</summary>
    Valid = AllEvents | Unmount | QueueOverflow | Ignored | OnlyDirectory | DontFollow | ExcludeUnlinked | MaskCreate | MaskAdd
        | IsDirectory | OneShot,
}

/// <summary>eventfd(2)'s flags.</summary>
[Flags]
public enum EventFdFlags
{
    None = 0,
    Semaphore = 1,
    NonBlock = 0x800,
    CloseOnExec = 0x80000,
}
