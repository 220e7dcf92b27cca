// An OpenHandle is what one open file needs beyond its vnode: a device, a pipe's end, a snapshot of generated text, a host
// descriptor. Most files have none; then the vnode's own primitives serve, under the vnode's lock.
namespace Tupelo.Vfs;

/// <summary>How the core drives an <see cref="OpenHandle"/>.</summary>
[Flags]
public enum HandleTraits
{
    None = 0,

    /// <summary>No position: lseek, pread and pwrite give ESPIPE (pipes, sockets, terminals).</summary>
    Stream = 1,

    /// <summary>Reads and writes are serialized by the handle itself: the core takes neither vnode nor position lock.</summary>
    SelfLocking = 2,

    /// <summary>The handle knows where its data ends: the core neither clips reads to the vnode's size nor moves the size after writes.</summary>
    OwnSize = 4,

    /// <summary>The handle appends by itself: the core passes <see cref="OpenHandle.AtEnd"/>, and asks <see cref="OpenHandle.Seek"/> where the end is then.</summary>
    OwnAppend = 8,

    /// <summary>The position lives in the handle; lseek asks <see cref="OpenHandle.Seek"/>.</summary>
    OwnPosition = 16,

    /// <summary>Cannot be read at all: EINVAL, also for no bytes (epoll).</summary>
    Unreadable = 32,

    /// <summary>Cannot be written at all: EINVAL, also for no bytes (epoll, inotify, timers).</summary>
    Unwritable = 64,

    /// <summary>Reads take no flags of preadv2 but RWF_HIPRI: EOPNOTSUPP.</summary>
    PlainRead = 128,

    /// <summary>Writes take no flags of pwritev2 but RWF_HIPRI: EOPNOTSUPP.</summary>
    PlainWrite = 256,

    /// <summary>May be mapped: the vnode's own primitives read and write the same content.</summary>
    Mappable = 512,
}

/// <summary>Per-open state with its own operations; the third and smallest class that a file system may derive from.</summary>
public abstract class OpenHandle
{
    /// <summary>The offset of a write that is to be appended, for handles with <see cref="HandleTraits.OwnAppend"/>.</summary>
    public const long AtEnd = -1;

    /// <summary>Never changes.</summary>
    public virtual HandleTraits Traits => HandleTraits.None;

    /// <summary>Reads. May sleep until there is something, ended by the context's interrupt (EINTR).</summary>
    /// <param name="nonBlocking">Do not sleep: EAGAIN.</param>
    /// <returns>Bytes read, 0 at the end.</returns>
    /// <remarks>Locks: the vnode shared, unless SelfLocking; a handle that sleeps must be.</remarks>
    public virtual IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer, bool nonBlocking) => Errno.EINVAL;

    /// <summary>Writes; sleeping as <see cref="Read"/>.</summary>
    /// <remarks>Locks: the vnode exclusive, unless SelfLocking.</remarks>
    public virtual IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer, bool nonBlocking) => Errno.EINVAL;

    /// <summary>lseek(2) where the position is the handle's own, or the end is not at the vnode's size.</summary>
    public virtual IoResult Seek(VfsContext context, long offsetBytes, SeekWhence whence) => Errno.ESPIPE;

    /// <summary>Whom poll and epoll ask; null: always readable and writable, and nothing for epoll (EPERM).</summary>
    public virtual IPollable? Pollable => null;

    /// <summary>fsync and fdatasync on this open file.</summary>
    public virtual Errno Sync(VfsContext context, bool dataOnly) => Errno.EINVAL;

    public virtual IoResult Ioctl(VfsContext context, uint request, Span<byte> argument) => Errno.ENOTTY;

    /// <summary>The status flags changed (F_SETFL): O_APPEND, O_NONBLOCK, O_DIRECT.</summary>
    public virtual void StatusFlagsChanged(OpenFlags flags)
    {
    }

    /// <summary>close(2) of one descriptor, before the last: its error is close's.</summary>
    public virtual Errno Flush(VfsContext context) => Errno.None;

    /// <summary>The last descriptor is gone. Once.</summary>
    public virtual void Release()
    {
    }
}
