namespace Tupelo.Vfs;

// Locks and fcntl.
public sealed partial class Syscalls
{
    private LockOwner Owner => Context.LockOwner;

    /// <summary>flock(2).</summary>
    public long Flock(int fd, FlockOperation operation)
    {
        Errno errno = FlockList.Check(operation);
        if (errno != Errno.None)
        {
            return Result(errno);
        }
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        errno = (operation & FlockOperation.Unlock) == 0 && !file.CanRead && !file.CanWrite
            ? Errno.EBADF
            : file.Vnode.Extension.Flocks.Apply(file, operation, Context.Interrupt);
        file.Release();
        return Result(errno);
    }

    /// <summary>fcntl(2) with a number or nothing for an argument.</summary>
    public long Fcntl(int fd, FcntlCommand command, long argument = 0)
    {
        if (!TryGetAny(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        long result = file.IsPathOnly && !WorksOnPath(command) ? Result(Errno.EBADF) : Fcntl(file, fd, command, argument);
        file.Release();
        return result;
    }

    /// <summary>fcntl(2) with a struct flock: the six lock commands.</summary>
    public long Fcntl(int fd, FcntlCommand command, ref LockRequest request)
    {
        if (!TryGetFile(fd, out OpenFile file))
        {
            return Result(Errno.EBADF);
        }
        Errno errno = command switch
        {
            FcntlCommand.GetLock => GetLock(file, Owner, ref request),
            FcntlCommand.SetLock => SetLock(file, Owner, request, wait: false),
            FcntlCommand.SetLockWait => SetLock(file, Owner, request, wait: true),
            FcntlCommand.OfdGetLock => GetLock(file, LockOwner.ForOpenFile(file), ref request),
            FcntlCommand.OfdSetLock => SetLock(file, LockOwner.ForOpenFile(file), request, wait: false),
            FcntlCommand.OfdSetLockWait => SetLock(file, LockOwner.ForOpenFile(file), request, wait: true),
            _ => Errno.EINVAL,
        };
        // A lock that was granted while another thread closed the descriptor would never be dropped.
        if (errno == Errno.None && command is FcntlCommand.SetLock or FcntlCommand.SetLockWait && request.Type != LockType.Unlock
            && !IsStillOpen(fd, file))
        {
            file.Vnode.ExtensionOrNull?.LocksOrNull?.Release(Owner);
            errno = Errno.EBADF;
        }
        file.Release();
        return Result(errno);
    }

    private static bool WorksOnPath(FcntlCommand command) => command
        is FcntlCommand.DuplicateFd or FcntlCommand.DuplicateFdCloseOnExec or FcntlCommand.GetFdFlags or FcntlCommand.SetFdFlags
        or FcntlCommand.GetStatusFlags;

    private long Fcntl(OpenFile file, int fd, FcntlCommand command, long argument)
    {
        switch (command)
        {
            case FcntlCommand.DuplicateFd or FcntlCommand.DuplicateFdCloseOnExec:
                return argument < 0 || argument >= Context.Limits.MaxOpenFiles
                    ? Result(Errno.EINVAL)
                    : DupFrom(fd, (int)argument, command == FcntlCommand.DuplicateFdCloseOnExec);
            case FcntlCommand.GetFdFlags:
                return Context.Files.TryGetCloseOnExec(fd, out bool closeOnExec) ? (closeOnExec ? 1 : 0) : Result(Errno.EBADF);
            case FcntlCommand.SetFdFlags:
                return Context.Files.TrySetCloseOnExec(fd, (argument & (long)FdFlags.CloseOnExec) != 0) ? 0 : Result(Errno.EBADF);
            case FcntlCommand.GetStatusFlags:
                return (long)file.Flags;
            case FcntlCommand.SetStatusFlags:
                return Result(SetStatusFlags(file, (OpenFlags)argument));
            case FcntlCommand.SetLease:
                return Result(Leases.Set(Context, file, argument));
            case FcntlCommand.GetLease:
                return (long)(file.Vnode.ExtensionOrNull?.LeasesOrNull?.Get(file) ?? LockType.Unlock);
            case FcntlCommand.SetPipeSize:
                return file.Handle is FifoHandle setPipe
                    ? setPipe.Ring.SetCapacity((uint)Math.Clamp(argument, 0, uint.MaxValue), Access.Has(Context, Capabilities.Resources)).Raw
                    : Result(Errno.EBADF);
            case FcntlCommand.GetPipeSize:
                return file.Handle is FifoHandle getPipe ? getPipe.Ring.Capacity : Result(Errno.EBADF);
            case FcntlCommand.AddSeals:
                return Result(AddSeals(file, (Seals)argument));
            case FcntlCommand.GetSeals:
                return file.Vnode.ExtensionOrNull?.Seals is { } seals ? (long)seals.Current
                    : HasFixedSeals(file.Vnode) ? (long)Seals.Seal
                    : Result(Errno.EINVAL);
            default:
                return Result(Errno.EINVAL);
        }
    }

    private Errno SetStatusFlags(OpenFile file, OpenFlags flags)
    {
        const OpenFlags Settable = OpenFlags.Append | OpenFlags.NonBlock | OpenFlags.Direct | OpenFlags.NoAccessTime;
        OpenFlags now = file.Flags;
        if ((now & OpenFlags.Append) != 0 && (flags & OpenFlags.Append) == 0 && (file.Vnode.Flags & InodeFlags.AppendOnly) != 0)
        {
            return Errno.EPERM;
        }
        if ((flags & ~now & OpenFlags.NoAccessTime) != 0 && !Access.IsOwner(Context, file.Vnode))
        {
            return Errno.EPERM;
        }
        bool takesDirect = file.Handle is FifoHandle
            || (file.Vnode.IsRegular && file.Vnode.FileSystem.Supports(FileSystemFeatures.DirectIo) && file.Vnode.ExtensionOrNull?.Seals is null);
        if ((flags & OpenFlags.Direct) != 0 && !takesDirect)
        {
            return Errno.EINVAL;
        }
        file.SetStatusFlags(Settable, flags & Settable);
        _ = file.TrySetAsync((flags & OpenFlags.Async) != 0);
        return Errno.None;
    }

    private Errno SetLock(OpenFile file, LockOwner owner, in LockRequest request, bool wait) =>
        file.Vnode.Extension.Locks(Context.Kernel).SetLock(
            owner, request, file.Position, file.Vnode.SizeBytes, file.CanRead, file.CanWrite, wait, Context.Interrupt);

    private Errno GetLock(OpenFile file, LockOwner owner, ref LockRequest request) =>
        file.Vnode.Extension.Locks(Context.Kernel).GetLock(owner, ref request, file.Position, file.Vnode.SizeBytes);

    private bool IsStillOpen(int fd, OpenFile file)
    {
        if (!Context.Files.TryGet(fd, out OpenFile? now))
        {
            return false;
        }
        now!.Release();
        return ReferenceEquals(now, file);
    }

    // A file that was not made for sealing is sealed against it.
    private static bool HasFixedSeals(Vnode vnode) => vnode.IsRegular && vnode.FileSystem.Supports(FileSystemFeatures.Seals);

    private static Errno AddSeals(OpenFile file, Seals seals)
    {
        if (!file.CanWrite)
        {
            return Errno.EPERM;
        }
        if ((seals & ~Seals.All) != 0)
        {
            return Errno.EINVAL;
        }
        Vnode vnode = file.Vnode;
        if (vnode.ExtensionOrNull?.Seals is not { } set)
        {
            return HasFixedSeals(vnode) ? Errno.EPERM : Errno.EINVAL;
        }
        VnodeLock.EnterWrite(vnode, LockRank.Data);
        Errno errno = set.Add(seals, FileMapping.WritableCount(vnode), (vnode.Permissions & 0x49) != 0);
        VnodeLock.ExitWrite(vnode, LockRank.Data);
        return errno;
    }
}
