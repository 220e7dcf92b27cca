using System.Buffers;

namespace Tupelo.Vfs;

// Readiness and notification: poll, epoll, inotify, eventfd, timerfd; memory files; ioctl; handles.
public sealed partial class Syscalls
{
    /// <summary>poll(2). A negative timeout waits for ever.</summary>
    public long Poll(Span<PollFd> fds, int timeoutMilliseconds)
    {
        if (fds.Length > Context.Limits.MaxOpenFiles)
        {
            return Result(Errno.EINVAL);
        }
        PollRequest[] requests = ArrayPool<PollRequest>.Shared.Rent(fds.Length);
        OpenFile?[] files = ArrayPool<OpenFile?>.Shared.Rent(fds.Length);
        for (int i = 0; i < fds.Length; i++)
        {
            files[i] = null;
            requests[i] = RequestFor(fds[i], out files[i]);
        }
        IoResult result = Tupelo.Vfs.Poll.Wait(
            requests.AsSpan(0, fds.Length), WaitTimeout.AfterMilliseconds(TimeProvider.System, timeoutMilliseconds), timeoutMilliseconds == 0, Context.Interrupt);
        for (int i = 0; i < fds.Length; i++)
        {
            fds[i].ReturnedEvents = (short)requests[i].Returned;
            files[i]?.Release();
        }
        Array.Clear(requests, 0, fds.Length);
        Array.Clear(files, 0, fds.Length);
        ArrayPool<PollRequest>.Shared.Return(requests);
        ArrayPool<OpenFile?>.Shared.Return(files);
        return result.Raw;
    }

    /// <summary>epoll_create1(2).</summary>
    public long EpollCreate1(OpenFlags flags = OpenFlags.ReadOnly) =>
        (flags & ~OpenFlags.CloseOnExec) != 0
            ? Result(Errno.EINVAL)
            : InstallAnonymous("anon_inode"u8, new EpollHandle(new EpollInstance()), OpenFlags.ReadWrite, flags);

    /// <summary>epoll_ctl(2).</summary>
    public long EpollCtl(int epollFd, EpollOperation operation, int fd, PollEvents events, ulong data)
    {
        if (!TryGetTwo(epollFd, fd, out OpenFile epollFile, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        IPollable? pollable = file.Handle?.Pollable;
        Errno errno = pollable is null ? Errno.EPERM
            : epollFile.Handle is not EpollHandle epoll || ReferenceEquals(epollFile, file) ? Errno.EINVAL
            : epoll.Epoll.Control(operation, pollable, fd, events, data);
        epollFile.Release();
        file.Release();
        return Result(errno);
    }

    /// <summary>epoll_wait(2).</summary>
    public long EpollWait(int epollFd, Span<EpollEvent> events, int timeoutMilliseconds)
    {
        if (!TryGetFile(epollFd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = file.Handle is EpollHandle epoll && !events.IsEmpty
            ? epoll.Epoll.Wait(events, WaitTimeout.AfterMilliseconds(TimeProvider.System, timeoutMilliseconds), timeoutMilliseconds == 0, Context.Interrupt)
            : Errno.EINVAL;
        file.Release();
        return result.Raw;
    }

    /// <summary>inotify_init1(2).</summary>
    public long InotifyInit1(OpenFlags flags = OpenFlags.ReadOnly) =>
        (flags & ~(OpenFlags.CloseOnExec | OpenFlags.NonBlock)) != 0
            ? Result(Errno.EINVAL)
            : InstallAnonymous("anon_inode"u8, new InotifyHandle(new InotifyInstance()), flags & OpenFlags.NonBlock, flags);

    /// <summary>inotify_add_watch(2).</summary>
    public long InotifyAddWatch(int fd, ReadOnlySpan<byte> path, InotifyMask mask)
    {
        if ((mask & InotifyMask.Valid) == 0)
        {
            return Result(Errno.EINVAL);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = InotifyInstance.CheckMask(mask);
        long result = errno == Errno.None && file.Handle is InotifyHandle handle ? AddWatch(handle.Inotify, path, mask) : Result(Errno.EINVAL);
        file.Release();
        return result;
    }

    /// <summary>inotify_rm_watch(2).</summary>
    public long InotifyRmWatch(int fd, int watch)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = file.Handle is InotifyHandle handle ? handle.Inotify.RemoveWatch(watch) : Errno.EINVAL;
        file.Release();
        return Result(errno);
    }

    /// <summary>eventfd2(2).</summary>
    public long EventFd2(uint initial, EventFdFlags flags = EventFdFlags.None) =>
        (flags & ~(EventFdFlags.Semaphore | EventFdFlags.NonBlock | EventFdFlags.CloseOnExec)) != 0
            ? Result(Errno.EINVAL)
            : InstallAnonymous(
                "anon_inode"u8, new EventFdHandle(new EventFd(initial, (flags & EventFdFlags.Semaphore) != 0)),
                OpenFlags.ReadWrite | ((OpenFlags)flags & OpenFlags.NonBlock), (OpenFlags)flags);

    /// <summary>timerfd_create(2); the flags are CloseOnExec and NonBlock.</summary>
    public long TimerFdCreate(TimerClock clock, OpenFlags flags = OpenFlags.ReadOnly) =>
        (flags & ~(OpenFlags.CloseOnExec | OpenFlags.NonBlock)) != 0 || clock is not (TimerClock.Realtime or TimerClock.Monotonic)
            ? Result(Errno.EINVAL)
            : InstallAnonymous(
                "anon_inode"u8, new TimerFdHandle(new TimerFd(TimeProvider.System, clock)), OpenFlags.ReadWrite | (flags & OpenFlags.NonBlock), flags);

    /// <summary>timerfd_settime(2).</summary>
    public long TimerFdSetTime(int fd, TimerFdFlags flags, TimerSetting setting, out TimerSetting previous)
    {
        previous = default;
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = file.Handle is TimerFdHandle handle ? handle.Timer.SetTime(flags, setting, out previous) : Errno.EINVAL;
        file.Release();
        return Result(errno);
    }

    /// <summary>timerfd_gettime(2).</summary>
    public long TimerFdGetTime(int fd, out TimerSetting setting)
    {
        setting = default;
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = Errno.EINVAL;
        if (file.Handle is TimerFdHandle handle)
        {
            setting = handle.Timer.GetTime();
            errno = Errno.None;
        }
        file.Release();
        return Result(errno);
    }

    /// <summary>memfd_create(2).</summary>
    public long MemfdCreate(ReadOnlySpan<byte> name, MemfdFlags flags = MemfdFlags.None)
    {
        const MemfdFlags Exec = MemfdFlags.NoExecSeal | MemfdFlags.Exec;
        if ((flags & ~(MemfdFlags.CloseOnExec | MemfdFlags.AllowSealing | Exec)) != 0 || (flags & Exec) == Exec)
        {
            return Result(Errno.EINVAL);
        }
        if (IsNull(name))
        {
            return Result(Errno.EFAULT);
        }
        const int MaxName = 249; // 255 less "memfd:"
        if (name.Length > MaxName)
        {
            return Result(Errno.EINVAL);
        }
        Span<byte> label = stackalloc byte[255];
        "memfd:"u8.CopyTo(label);
        name.CopyTo(label[6..]);
        bool noExec = (flags & MemfdFlags.NoExecSeal) != 0;
        bool sealing = noExec || (flags & MemfdFlags.AllowSealing) != 0;
        Errno errno = Context.Kernel.Anonymous.OpenMemory(Context, label[..(6 + name.Length)], noExec ? 0x1B6u : 0x1FFu, sealing, out OpenFile? file);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        if (noExec)
        {
            _ = file!.Vnode.Extension.Seals!.Add(Seals.Exec, writableMappings: 0, isExecutable: false);
        }
        return Install(file!, (flags & MemfdFlags.CloseOnExec) != 0 ? OpenFlags.CloseOnExec : OpenFlags.ReadOnly);
    }

    /// <summary>ioctl(2). The argument is the memory that the pointer leads to; its size is the request's.</summary>
    public long IoCtl(int fd, uint request, Span<byte> argument)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        IoResult result = Ioctls.Run(Context, fd, file, request, argument);
        file.Release();
        return result.Raw;
    }

    /// <summary>name_to_handle_at(2). The handle begins with the room behind its header of 8 bytes.</summary>
    public long NameToHandleAt(int dirFd, ReadOnlySpan<byte> path, Span<byte> handle, out int mountId, AtFlags flags = AtFlags.None)
    {
        mountId = 0;
        if ((flags & ~(AtFlags.SymlinkFollow | AtFlags.EmptyPath | AtFlags.HandleFid)) != 0)
        {
            return Result(Errno.EINVAL);
        }
        Errno errno = Resolve(dirFd, path, (flags & AtFlags.SymlinkFollow) != 0, (flags & AtFlags.EmptyPath) != 0, out PathRef place);
        if (errno == Errno.None)
        {
            mountId = place.Mount.Id;
            errno = FileHandles.Write(place.Vnode, handle, (flags & AtFlags.HandleFid) != 0);
            place.Unpin();
        }
        return Result(errno);
    }

    /// <summary>open_by_handle_at(2).</summary>
    public long OpenByHandleAt(int mountFd, ReadOnlySpan<byte> handle, OpenFlags flags)
    {
        Errno errno = FileHandles.CheckSize(handle);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        PathRef at;
        OpenFile? mountFile = null;
        if (mountFd == AtFd.CurrentDirectory)
        {
            at = Context.Directories.Now.Current;
        }
        else if (TryGetFile(mountFd, out OpenFile file))
        {
            mountFile = file;
            at = file.Path;
        }
        else
        {
            return Result(Errno.EBADF);
        }
        PathRef place = default;
        errno = Access.Has(Context, Capabilities.ReadSearch) ? FileHandles.Find(Context, at.Mount, handle, out place) : Errno.EPERM;
        mountFile?.Release();
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        flags = OpenOperation.Completed(flags & OpenOperation.Known & ~(OpenFlags.Create | OpenFlags.Exclusive));
        // A link is told as such (ELOOP), unless it is only looked at.
        bool isLinkToOpen = place.Vnode.Type == FileType.Symlink && (flags & OpenFlags.Path) == 0;
        if ((flags & OpenFlags.Directory) != 0 && !place.Vnode.IsDirectory && !isLinkToOpen)
        {
            place.Unpin();
            return Result(Errno.ENOTDIR);
        }
        errno = OpenOperation.OpenPinned(Context, place, flags, out OpenFile? opened);
        return errno != Errno.None ? Result(errno) : Install(opened!, flags);
    }

    private PollRequest RequestFor(PollFd fd, out OpenFile? file)
    {
        file = null;
        var asked = (PollEvents)(ushort)fd.Events;
        if (fd.Fd < 0)
        {
            return default;
        }
        if (!TryGetFile(fd.Fd, out OpenFile open))
        {
            return new PollRequest { Returned = PollEvents.Invalid };
        }
        file = open;
        return open.Handle?.Pollable is { } pollable
            ? new PollRequest { File = pollable, Events = asked }
            : new PollRequest { Returned = asked & (PollEvents.Readable | PollEvents.Writable) };
    }

    private long AddWatch(InotifyInstance inotify, ReadOnlySpan<byte> path, InotifyMask mask)
    {
        var walk = new PathWalk(
            Context, AtFd.CurrentDirectory, path,
            ((mask & InotifyMask.DontFollow) == 0 ? WalkFlags.FollowLast : 0) | ((mask & InotifyMask.OnlyDirectory) != 0 ? WalkFlags.Directory : 0));
        Errno errno = walk.Begin();
        PathRef place = default;
        if (errno == Errno.None)
        {
            errno = walk.ToEndPinned(out place);
        }
        walk.Dispose();
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        int descriptor = 0;
        errno = Access.Check(Context, place.Vnode, AccessModes.Read);
        if (errno == Errno.None)
        {
            _ = place.Vnode.FileSystem.Watched.TryAdd(place.Vnode, true);
            errno = inotify.AddWatch(place.Vnode.Extension.Watches, mask, out descriptor);
        }
        place.Unpin();
        return errno != Errno.None ? Result(errno) : descriptor;
    }

    private long InstallAnonymous(ReadOnlySpan<byte> kind, OpenHandle handle, OpenFlags flags, OpenFlags callFlags) =>
        Install(Context.Kernel.Anonymous.Open(Context, kind, FileType.Unknown, handle, flags), callFlags);
}
