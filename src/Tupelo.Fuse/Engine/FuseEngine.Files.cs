using Tupelo.Vfs;

namespace Tupelo.Fuse;

// Open files and their bytes. A client that opens without asking sends handle 0: then one open file of the node serves it.
public sealed partial class FuseEngine
{
    private const int WriteInBytes = 40;

    private const OpenFlags IgnoredFlags = OpenFlags.Append | OpenFlags.Direct | OpenFlags.NonBlock | OpenFlags.Async | OpenFlags.CloseOnExec;

    // What the kernel has decided already or does itself: it knows where the end of the file is.
    private OpenFlags ServedFlags(uint flags)
    {
        OpenFlags served = (OpenFlags)flags & ~IgnoredFlags;
        // The kernel's cache reads whole pages around what is written.
        return (_flags & FuseInitFlags.WritebackCache) != 0 && (served & OpenFlags.AccessMode) == OpenFlags.WriteOnly
            ? (served & ~OpenFlags.AccessMode) | OpenFlags.ReadWrite
            : served;
    }

    private Errno Open(ref FuseCall call)
    {
        if (!call.TryTake(out FuseOpenIn open))
        {
            return Errno.EINVAL;
        }
        if (_opensNothing)
        {
            return Errno.ENOSYS;
        }
        PathRef place = call.Place;
        if (((OpenFlags)open.Flags & OpenFlags.Direct) != 0 && !place.Vnode.FileSystem.Supports(FileSystemFeatures.DirectIo))
        {
            return Errno.EINVAL;
        }
        if ((open.OpenFlags & FuseRequestFlags.OpenKillSetIds) != 0)
        {
            call.Worker.BecomeCaller(call.Header.Uid, call.Header.Gid, keepsSetIds: false);
        }
        Errno errno = call.Calls.Open(place, ServedFlags(open.Flags), out OpenFile? file);
        if (errno == Errno.None)
        {
            FillOpen(ref call.Add<FuseOpenOut>(), file!);
        }
        return errno;
    }

    // The file's reference goes to the table.
    private void FillOpen(ref FuseOpenOut reply, OpenFile file)
    {
        reply.FileHandle = _files.Add(file);
        bool ownSize = file.Handle is { } handle && (handle.Traits & (HandleTraits.OwnSize | HandleTraits.Stream)) != 0;
        reply.Flags = ownSize ? FuseOpenReplyFlags.DirectIo
            : file.Vnode.FileSystem.CachePolicy == CachePolicy.Exclusive ? FuseOpenReplyFlags.KeepCache | FuseOpenReplyFlags.ParallelDirectWrites
            : FuseOpenReplyFlags.None;
    }

    private Errno Create(ref FuseCall call)
    {
        if (!call.TryTake(out FuseCreateIn create) || !call.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.EINVAL;
        }
        return _opensNothing ? CreateUnopened(ref call, create, name) : CreateOpened(ref call, create, name);
    }

    private Errno CreateUnopened(ref FuseCall call, in FuseCreateIn create, ReadOnlySpan<byte> name)
    {
        PathRef place;
        Errno errno;
        do
        {
            errno = call.Calls.Make(call.Place, name, Mode.Regular | (create.Mode & Mode.PermissionMask), 0, out place);
            if (errno == Errno.EEXIST && ((OpenFlags)create.Flags & OpenFlags.Exclusive) == 0)
            {
                errno = call.Calls.Lookup(call.Place, name, out place);
            }
        }
        while (errno == Errno.ENOENT && !call.Node!.Vnode.IsDead);
        errno = errno == Errno.None ? ReplyEntry(ref call, place) : errno;
        if (errno == Errno.None)
        {
            call.Add<FuseOpenOut>().Flags = FuseOpenReplyFlags.KeepCache | FuseOpenReplyFlags.ParallelDirectWrites;
        }
        return errno;
    }

    private Errno CreateOpened(ref FuseCall call, in FuseCreateIn create, ReadOnlySpan<byte> name)
    {
        Errno errno = call.Calls.Create(call.Place, name, ServedFlags(create.Flags), create.Mode, out OpenFile? file);
        return errno == Errno.None ? ReplyOpened(ref call, file!) : errno;
    }

    private Errno TmpFile(ref FuseCall call)
    {
        if (!call.TryTake(out FuseCreateIn create))
        {
            return Errno.EINVAL;
        }
        Errno errno = call.Calls.CreateTemporary(call.Place, ServedFlags(create.Flags), create.Mode, out OpenFile? file);
        if (errno == Errno.None)
        {
            errno = ReplyOpened(ref call, file!);
        }
        return errno;
    }

    // A new file's entry and its handle. Takes over the file's reference.
    private Errno ReplyOpened(ref FuseCall call, OpenFile file)
    {
        PathRef place = file.Path;
        NodeCalls.Pin(place);
        Errno errno = ReplyEntry(ref call, place);
        if (errno != Errno.None || _opensNothing)
        {
            // The client sends no handle: the file is opened again when it is used.
            _ = call.Add<FuseOpenOut>();
            file.Release();
            return errno;
        }
        FillOpen(ref call.Add<FuseOpenOut>(), file);
        return Errno.None;
    }

    // The open file of a handle, to be released; with handle 0 the node's own. Errors: EBADF · those of opening.
    private Errno UseFile(ref FuseCall call, ulong handle, bool writes, out OpenFile? file)
    {
        if (handle != 0)
        {
            file = _files[handle];
            return file is not null && file.TryAcquire() ? Errno.None : Errno.EBADF;
        }
        return UseNodeFile(ref call, call.Node!, writes, out file);
    }

    private static Errno UseNodeFile(ref FuseCall call, FuseNode node, bool writes, out OpenFile? file)
    {
        file = node.SharedFile;
        if (file is not null && (!writes || file.CanWrite) && file.TryAcquire())
        {
            return Errno.None;
        }
        // The client has asked itself whether its caller may.
        Credentials caller = call.Worker.Context.Credentials;
        call.Worker.Context.Credentials = Credentials.Root;
        Errno errno = call.Calls.Open(node.Place, node.Vnode.IsDirectory ? OpenFlags.ReadOnly : OpenFlags.ReadWrite, out file);
        if (errno != Errno.None && !writes)
        {
            errno = call.Calls.Open(node.Place, OpenFlags.ReadOnly, out file);
        }
        call.Worker.Context.Credentials = caller;
        if (errno == Errno.None && file!.TryAcquire() && !node.TryShare(file))
        {
            file.Release(); // Somebody was faster, or it could only be read: this one serves this call.
        }
        return errno;
    }

    private Errno Release(ref FuseCall call)
    {
        if (!call.TryTake(out FuseReleaseIn release))
        {
            return Errno.EINVAL;
        }
        if (release.FileHandle != 0)
        {
            _files.Remove(release.FileHandle)?.Release();
        }
        return Errno.None;
    }

    private Errno Flush(ref FuseCall call)
    {
        if (!call.TryTake(out FuseFlushIn flush))
        {
            return Errno.EINVAL;
        }
        if (_opensNothing)
        {
            return Errno.ENOSYS; // Nothing to flush, ever.
        }
        Errno errno = UseFile(ref call, flush.FileHandle, writes: false, out OpenFile? file);
        if (errno == Errno.None)
        {
            errno = call.Calls.Flush(file!);
            file!.Release();
        }
        return errno;
    }

    private Errno Read(ref FuseCall call)
    {
        if (!call.TryTake(out FuseReadIn read))
        {
            return Errno.EINVAL;
        }
        Errno errno = read.FileHandle == 0 && ((OpenFlags)read.Flags & OpenFlags.NoAccessTime) != 0
            ? call.Calls.Open(call.Place, OpenFlags.ReadOnly | OpenFlags.NoAccessTime, out OpenFile? file) // as it was opened, though nobody told
            : UseFile(ref call, read.FileHandle, writes: false, out file);
        if (errno != Errno.None)
        {
            return errno;
        }
        int count = (int)Math.Min(read.Size, (uint)Options.MaxIoBytes);
        IoResult result = call.Calls.Read(file!, call.Frame.ReplyData(count), (long)read.Offset);
        file!.Release();
        call.ReplyBytes = (int)result.Count;
        return result.Errno;
    }

    private Errno Write(ref FuseCall call)
    {
        if (!call.TryTake(out FuseWriteIn write) || write.Size > (uint)Options.MaxIoBytes)
        {
            return Errno.EINVAL;
        }
        ReadOnlySpan<IoVec> data = call.Frame.RequestData(FuseInHeader.Bytes + WriteInBytes, (int)write.Size);
        if (data.IsEmpty && write.Size > 0)
        {
            return Errno.EINVAL;
        }
        Errno errno = UseFile(ref call, write.FileHandle, writes: true, out OpenFile? file);
        if (errno != Errno.None)
        {
            return errno;
        }
        if ((write.WriteFlags & FuseRequestFlags.WriteKillSetIds) != 0)
        {
            call.Worker.BecomeCaller(call.Header.Uid, call.Header.Gid, keepsSetIds: false);
        }
        IoResult result = call.Calls.Write(file!, data, (long)write.Offset);
        file!.Release();
        if (result.IsOk)
        {
            call.Add<FuseSizeOut>().Size = (uint)result.Count;
        }
        return result.Errno;
    }

    private Errno FSync(ref FuseCall call)
    {
        if (!call.TryTake(out FuseFSyncIn sync))
        {
            return Errno.EINVAL;
        }
        Errno errno = UseFile(ref call, sync.FileHandle, writes: false, out OpenFile? file);
        if (errno == Errno.None)
        {
            errno = call.Calls.Sync(file!, (sync.Flags & FuseRequestFlags.SyncDataOnly) != 0);
            file!.Release();
        }
        return errno;
    }

    private static Errno FSyncDir(ref FuseCall call) =>
        call.TryTake(out FuseFSyncIn sync) ? call.Calls.Sync(call.Place, (sync.Flags & FuseRequestFlags.SyncDataOnly) != 0) : Errno.EINVAL;

    private Errno FAllocate(ref FuseCall call)
    {
        if (!call.TryTake(out FuseFAllocateIn allocate))
        {
            return Errno.EINVAL;
        }
        Errno errno = UseFile(ref call, allocate.FileHandle, writes: true, out OpenFile? file);
        if (errno == Errno.None)
        {
            errno = call.Calls.Allocate(file!, (FallocateMode)allocate.Mode, (long)allocate.Offset, (long)allocate.Length);
            file!.Release();
        }
        return errno;
    }

    private Errno LSeek(ref FuseCall call)
    {
        if (!call.TryTake(out FuseLSeekIn seek))
        {
            return Errno.EINVAL;
        }
        Errno errno = UseFile(ref call, seek.FileHandle, writes: false, out OpenFile? file);
        if (errno != Errno.None)
        {
            return errno;
        }
        IoResult result = call.Calls.Seek(file!, (long)seek.Offset, (SeekWhence)seek.Whence);
        file!.Release();
        if (result.IsOk)
        {
            call.Add<ulong>() = (ulong)result.Count;
        }
        return result.Errno;
    }

    private Errno CopyFileRange(ref FuseCall call, bool wide)
    {
        if (!call.TryTake(out FuseCopyRangeIn copy))
        {
            return Errno.EINVAL;
        }
        FuseNode? target = _nodes.Acquire(copy.TargetNodeId);
        if (target is null)
        {
            return Errno.ESTALE;
        }
        Errno errno = UseFile(ref call, copy.SourceHandle, writes: false, out OpenFile? from);
        if (errno == Errno.None)
        {
            errno = UseTarget(ref call, target, copy.TargetHandle, out OpenFile? to);
            if (errno == Errno.None)
            {
                // A narrow reply has 32 bits for the count; the caller goes on from where it stopped.
                const ulong MaxNarrow = 0x7FFFF000;
                IoResult result = call.Calls.CopyRange(
                    from!, (long)copy.SourceOffset, to!, (long)copy.TargetOffset, wide ? copy.Length : Math.Min(copy.Length, MaxNarrow));
                to!.Release();
                errno = result.Errno;
                if (result.IsOk && wide)
                {
                    call.Add<ulong>() = (ulong)result.Count;
                }
                else if (result.IsOk)
                {
                    call.Add<FuseSizeOut>().Size = (uint)result.Count;
                }
            }
            from!.Release();
        }
        _nodes.Release(target);
        return errno;
    }

    private Errno UseTarget(ref FuseCall call, FuseNode target, ulong handle, out OpenFile? file) =>
        handle != 0 ? UseFile(ref call, handle, writes: true, out file) : UseNodeFile(ref call, target, writes: true, out file);

    // Only requests of the fixed form come here: their arguments' length is in the number.
    private Errno Ioctl(ref FuseCall call)
    {
        if (!call.TryTake(out FuseIoctlIn request) || request.InSize > (uint)call.Body.Length || request.OutSize > MaxValueBytes)
        {
            return Errno.EINVAL;
        }
        if (request.Command == ShutdownRequest && Options.AllowShutdown)
        {
            return ShutDown(ref call);
        }
        Errno errno = (request.Flags & FuseRequestFlags.IoctlIsDirectory) != 0
            ? UseNodeFile(ref call, call.Node!, writes: false, out OpenFile? file)
            : UseFile(ref call, request.FileHandle, writes: false, out file);
        if (errno != Errno.None)
        {
            return errno;
        }
        ref FuseIoctlOut reply = ref call.Add<FuseIoctlOut>();
        Span<byte> argument = call.ReplyRoom.Slice(call.ReplyBytes, (int)Math.Max(request.InSize, request.OutSize));
        argument.Clear();
        call.Body[..(int)request.InSize].CopyTo(argument);
        IoResult result = call.Calls.Ioctl(file!, request.Command, argument);
        file!.Release();
        if (result.IsOk)
        {
            reply.Result = (int)result.Count;
            call.ReplyBytes += (int)request.OutSize;
        }
        return result.Errno;
    }

    // _IOR('X', 125, __u32), as ext4 and xfs have it: from now on nothing is written any more.
    private const uint ShutdownRequest = 0x8004587D;

    private Errno ShutDown(ref FuseCall call)
    {
        if (call.Header.Uid != 0)
        {
            return Errno.EPERM;
        }
        _shutDown = true;
        _ = call.Add<FuseIoctlOut>();
        return Errno.None;
    }
}
