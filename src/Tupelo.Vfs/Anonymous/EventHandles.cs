// The open files around the event mechanisms: eventfd, timerfd, epoll, inotify. Each only forwards.
namespace Tupelo.Vfs;

internal abstract class EventHandle : OpenHandle
{
    protected const HandleTraits Common =
        HandleTraits.Stream | HandleTraits.SelfLocking | HandleTraits.OwnSize | HandleTraits.OwnAppend | HandleTraits.OwnPosition;

    public override HandleTraits Traits => Common;

    // As Linux: seeking is allowed and does nothing.
    public override IoResult Seek(VfsContext context, long offsetBytes, SeekWhence whence) => IoResult.Bytes(0);
}

internal sealed class EventFdHandle(EventFd eventFd) : EventHandle
{
    public override HandleTraits Traits => Common | HandleTraits.PlainWrite;

    public override IPollable Pollable => eventFd;

    public override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer, bool nonBlocking) =>
        eventFd.Read(buffer, nonBlocking, context.Interrupt);

    public override IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer, bool nonBlocking) =>
        eventFd.Write(buffer, nonBlocking, context.Interrupt);
}

internal sealed class TimerFdHandle(TimerFd timer) : EventHandle
{
    public override HandleTraits Traits => Common | HandleTraits.Unwritable;

    public override IPollable Pollable => timer;

    internal TimerFd Timer => timer;

    public override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer, bool nonBlocking) =>
        timer.Read(buffer, nonBlocking, context.Interrupt);

    public override void Release() => timer.Dispose();
}

internal sealed class EpollHandle(EpollInstance epoll) : EventHandle
{
    public override HandleTraits Traits => Common | HandleTraits.Unreadable | HandleTraits.Unwritable;

    public override IPollable Pollable => epoll;

    internal EpollInstance Epoll => epoll;

    public override IoResult Ioctl(VfsContext context, uint request, Span<byte> argument) => Errno.EINVAL;

    public override void Release() => epoll.Close();
}

internal sealed class InotifyHandle(InotifyInstance inotify) : EventHandle
{
    public override HandleTraits Traits => Common | HandleTraits.PlainRead | HandleTraits.Unwritable;

    public override IPollable Pollable => inotify;

    internal InotifyInstance Inotify => inotify;

    public override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer, bool nonBlocking) =>
        inotify.Read(buffer, nonBlocking, context.Interrupt);

    public override IoResult Ioctl(VfsContext context, uint request, Span<byte> argument)
    {
        if (request != IoctlRequest.FileBytesReadable)
        {
            return Errno.ENOTTY;
        }
        if (argument.Length < sizeof(int))
        {
            return Errno.EFAULT;
        }
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(argument, inotify.QueuedBytes);
        return IoResult.Bytes(0);
    }

    public override void Release() => inotify.Close();
}
