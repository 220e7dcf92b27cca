// The system calls of the host's kernel, as a process of HostThread makes them: the oracle of the suite.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using N = Tupelo.Conformance.SyscallNumber;

namespace Tupelo.Conformance;

/// <summary>One process on the host's kernel. x86-64 only.</summary>
public sealed unsafe class HostSyscalls : ISyscalls
{
    private const int RLimitNoFile = 7;

    private readonly HostThread _process;

    private HostSyscalls(HostThread process) => _process = process;

    /// <summary>A descriptor that every process on the host has besides 0, 1 and 2, or -1; it must not be closed or replaced.</summary>
    public static int ReservedDescriptor => HostThread.ReservedDescriptor;

    /// <summary>The host's open files limit, which all processes share.</summary>
    public int DescriptorLimit
    {
        get
        {
            Span<long> softAndHard = stackalloc long[2];
            fixed (long* p = softAndHard)
            {
                _ = _process.Call(N.GetRLimit, RLimitNoFile, (long)p);
            }
            return (int)softAndHard[0];
        }
    }

    /// <summary>A process in a new mount namespace, still with the host's root.</summary>
    /// <returns>0, or the negated errno of a host that does not permit it.</returns>
    public static long TryStart(out HostSyscalls? process)
    {
        long result = HostThread.TryStart(out HostThread thread);
        process = result == 0 ? new HostSyscalls(thread) : null;
        return result;
    }

    /// <summary>Executes <paramref name="work"/> on this process' own thread, where each call costs no thread switch.</summary>
    public void Run(Action work) => _process.Run(work);

    public ISyscalls Fork() => new HostSyscalls(_process.Fork());

    /// <summary>What is to be ended after this process.</summary>
    public Action? Ended { get; set; }

    public void Dispose()
    {
        _process.Dispose();
        Ended?.Invoke();
    }

    public long SetCredentials(uint uid, uint gid, ReadOnlySpan<uint> groups)
    {
        fixed (uint* p = &MemoryMarshal.GetReference(groups))
        {
            long result = _process.Call(N.SetGroups, groups.Length, (long)p);
            result = result < 0 ? result : _process.Call(N.SetResGid, gid, gid, gid);
            return result < 0 ? result : _process.Call(N.SetResUid, uid, uid, uid);
        }
    }

    public long Umask(uint mask) => _process.Call(N.Umask, mask);

    public long ChDir(ReadOnlySpan<byte> path) => OnPath(N.ChDir, path);

    public long FChDir(int fd) => _process.Call(N.FChDir, fd);

    public long ChRoot(ReadOnlySpan<byte> path) => OnPath(N.ChRoot, path);

    public long GetCwd(Span<byte> buffer)
    {
        fixed (byte* p = &MemoryMarshal.GetReference(buffer))
        {
            return _process.Call(N.GetCwd, (long)p, buffer.Length);
        }
    }

    public long OpenAt(int dirfd, ReadOnlySpan<byte> path, int flags, uint mode) => OnPath(N.OpenAt, dirfd, path, flags, mode);

    public long OpenAt2(int dirfd, ReadOnlySpan<byte> path, ReadOnlySpan<byte> how, nuint sizeBytes)
    {
        fixed (byte* h = &MemoryMarshal.GetReference(how))
        {
            return OnPath(N.OpenAt2, dirfd, path, (long)h, (long)sizeBytes);
        }
    }

    public long Close(int fd) => _process.Call(N.Close, fd);

    public long CloseRange(uint first, uint last, uint flags) => _process.Call(N.CloseRange, first, last, flags);

    public long Dup(int fd) => _process.Call(N.Dup, fd);

    public long Dup2(int oldFd, int newFd) => _process.Call(N.Dup2, oldFd, newFd);

    public long Dup3(int oldFd, int newFd, int flags) => _process.Call(N.Dup3, oldFd, newFd, flags);

    public long Fcntl(int fd, int command, long argument) => _process.Call(N.Fcntl, fd, command, argument);

    public long Fcntl(int fd, int command, ref KernelLock argument)
    {
        fixed (KernelLock* p = &argument)
        {
            return _process.Call(N.Fcntl, fd, command, (long)p);
        }
    }

    public long Pipe2(Span<int> fds, int flags)
    {
        fixed (int* p = &MemoryMarshal.GetReference(fds))
        {
            return _process.Call(N.Pipe2, (long)p, flags);
        }
    }

    public long MemfdCreate(ReadOnlySpan<byte> name, uint flags) => OnPath(N.MemfdCreate, name, flags);

    public long EventFd2(uint initial, int flags) => _process.Call(N.EventFd2, initial, flags);

    public long Read(int fd, Span<byte> buffer) => OnBuffer(N.Read, fd, buffer, 0);

    public long Write(int fd, ReadOnlySpan<byte> buffer) => OnBuffer(N.Write, fd, buffer, 0);

    public long PRead(int fd, Span<byte> buffer, long offset) => OnBuffer(N.PRead64, fd, buffer, offset);

    public long PWrite(int fd, ReadOnlySpan<byte> buffer, long offset) => OnBuffer(N.PWrite64, fd, buffer, offset);

    public long ReadV(int fd, ReadOnlySpan<KernelIoVec> vectors, int count) => OnVectors(N.ReadV, fd, vectors, count, 0, 0);

    public long WriteV(int fd, ReadOnlySpan<KernelIoVec> vectors, int count) => OnVectors(N.WriteV, fd, vectors, count, 0, 0);

    public long PReadV2(int fd, ReadOnlySpan<KernelIoVec> vectors, int count, long offset, int flags) =>
        OnVectors(N.PReadV2, fd, vectors, count, offset, flags);

    public long PWriteV2(int fd, ReadOnlySpan<KernelIoVec> vectors, int count, long offset, int flags) =>
        OnVectors(N.PWriteV2, fd, vectors, count, offset, flags);

    public long LSeek(int fd, long offset, int whence) => _process.Call(N.LSeek, fd, offset, whence);

    public long Truncate(ReadOnlySpan<byte> path, long length) => OnPath(N.Truncate, path, length);

    public long FTruncate(int fd, long length) => _process.Call(N.FTruncate, fd, length);

    public long FAllocate(int fd, int mode, long offset, long length) => _process.Call(N.FAllocate, fd, mode, offset, length);

    public long FAdvise(int fd, long offset, long length, int advice) => _process.Call(N.FAdvise64, fd, offset, length, advice);

    public long FSync(int fd) => _process.Call(N.FSync, fd);

    public long FDataSync(int fd) => _process.Call(N.FDataSync, fd);

    public long SyncFileRange(int fd, long offset, long length, uint flags) => _process.Call(N.SyncFileRange, fd, offset, length, flags);

    public long SyncFs(int fd) => _process.Call(N.SyncFs, fd);

    public long Sync() => _process.Call(N.Sync);

    public long CopyFileRange(int inFd, ref long inOffset, int outFd, ref long outOffset, nuint length, uint flags)
    {
        fixed (long* i = &inOffset, o = &outOffset)
        {
            return _process.Call(N.CopyFileRange, inFd, (long)i, outFd, (long)o, (long)length, flags);
        }
    }

    public long SendFile(int outFd, int inFd, ref long offset, nuint count)
    {
        fixed (long* p = &offset)
        {
            return _process.Call(N.SendFile, outFd, inFd, (long)p, (long)count);
        }
    }

    public long Splice(int inFd, ref long inOffset, int outFd, ref long outOffset, nuint length, uint flags)
    {
        fixed (long* i = &inOffset, o = &outOffset)
        {
            return _process.Call(N.Splice, inFd, (long)i, outFd, (long)o, (long)length, flags);
        }
    }

    public long Tee(int inFd, int outFd, nuint length, uint flags) => _process.Call(N.Tee, inFd, outFd, (long)length, flags);

    public long IoCtl(int fd, uint request, Span<byte> argument)
    {
        fixed (byte* p = &MemoryMarshal.GetReference(argument))
        {
            return _process.Call(N.IoCtl, fd, request, (long)p);
        }
    }

    public long MMap(nuint length, int protection, int flags, int fd, long offset) =>
        _process.Call(N.MMap, 0, (long)length, protection, flags, fd, offset);

    public long MUnmap(long mapping, nuint length) => _process.Call(N.MUnmap, mapping, (long)length);

    public long MSync(long mapping, nuint length, int flags) => _process.Call(N.MSync, mapping, (long)length, flags);

    public void Load(long mapping, int offset, Span<byte> buffer) => new ReadOnlySpan<byte>((byte*)mapping + offset, buffer.Length).CopyTo(buffer);

    public void Store(long mapping, int offset, ReadOnlySpan<byte> bytes) => bytes.CopyTo(new Span<byte>((byte*)mapping + offset, bytes.Length));

    public long Poll(Span<KernelPollFd> fds, int timeoutMilliseconds)
    {
        fixed (KernelPollFd* p = &MemoryMarshal.GetReference(fds))
        {
            return _process.Call(N.Poll, (long)p, fds.Length, timeoutMilliseconds);
        }
    }

    public long EpollCreate1(int flags) => _process.Call(N.EpollCreate1, flags);

    public long EpollCtl(int epollFd, int operation, int fd, ref KernelEpollEvent change)
    {
        fixed (KernelEpollEvent* p = &change)
        {
            return _process.Call(N.EpollCtl, epollFd, operation, fd, (long)p);
        }
    }

    public long EpollWait(int epollFd, Span<KernelEpollEvent> events, int timeoutMilliseconds)
    {
        fixed (KernelEpollEvent* p = &MemoryMarshal.GetReference(events))
        {
            return _process.Call(N.EpollWait, epollFd, (long)p, events.Length, timeoutMilliseconds);
        }
    }

    public long MkDirAt(int dirfd, ReadOnlySpan<byte> path, uint mode) => OnPath(N.MkDirAt, dirfd, path, mode);

    public long MkNodAt(int dirfd, ReadOnlySpan<byte> path, uint mode, ulong device) => OnPath(N.MkNodAt, dirfd, path, mode, (long)device);

    public long UnlinkAt(int dirfd, ReadOnlySpan<byte> path, int flags) => OnPath(N.UnlinkAt, dirfd, path, flags);

    public long RenameAt2(int oldDirfd, ReadOnlySpan<byte> oldPath, int newDirfd, ReadOnlySpan<byte> newPath, uint flags) =>
        OnTwoPaths(N.RenameAt2, oldDirfd, oldPath, newDirfd, newPath, flags);

    public long LinkAt(int oldDirfd, ReadOnlySpan<byte> oldPath, int newDirfd, ReadOnlySpan<byte> newPath, int flags) =>
        OnTwoPaths(N.LinkAt, oldDirfd, oldPath, newDirfd, newPath, flags);

    public long SymlinkAt(ReadOnlySpan<byte> target, int dirfd, ReadOnlySpan<byte> path)
    {
        fixed (byte* t = Terminate(target, stackalloc byte[StackPathBytes]), p = Terminate(path, stackalloc byte[StackPathBytes]))
        {
            return _process.Call(N.SymlinkAt, (long)t, dirfd, (long)p);
        }
    }

    public long ReadLinkAt(int dirfd, ReadOnlySpan<byte> path, Span<byte> buffer, int sizeBytes)
    {
        fixed (byte* b = &MemoryMarshal.GetReference(buffer))
        {
            return OnPath(N.ReadLinkAt, dirfd, path, (long)b, sizeBytes);
        }
    }

    public long GetDents64(int fd, Span<byte> buffer) => OnBuffer(N.GetDents64, fd, buffer, 0);

    public long FStat(int fd, ref KernelStat stat)
    {
        fixed (KernelStat* p = &stat)
        {
            return _process.Call(N.FStat, fd, (long)p);
        }
    }

    public long NewFStatAt(int dirfd, ReadOnlySpan<byte> path, ref KernelStat stat, int flags)
    {
        fixed (KernelStat* p = &stat)
        {
            return OnPath(N.NewFStatAt, dirfd, path, (long)p, flags);
        }
    }

    public long StatX(int dirfd, ReadOnlySpan<byte> path, int flags, uint mask, ref KernelStatx statx)
    {
        fixed (KernelStatx* p = &statx)
        {
            return OnPath(N.StatX, dirfd, path, flags, mask, (long)p);
        }
    }

    public long StatFs(ReadOnlySpan<byte> path, ref KernelStatFs statfs)
    {
        fixed (KernelStatFs* p = &statfs)
        {
            return OnPath(N.StatFs, path, (long)p);
        }
    }

    public long FStatFs(int fd, ref KernelStatFs statfs)
    {
        fixed (KernelStatFs* p = &statfs)
        {
            return _process.Call(N.FStatFs, fd, (long)p);
        }
    }

    public long FAccessAt2(int dirfd, ReadOnlySpan<byte> path, int mode, int flags) => OnPath(N.FAccessAt2, dirfd, path, mode, flags);

    public long FChMod(int fd, uint mode) => _process.Call(N.FChMod, fd, mode);

    public long FChModAt2(int dirfd, ReadOnlySpan<byte> path, uint mode, int flags) => OnPath(N.FChModAt2, dirfd, path, mode, flags);

    public long FChOwn(int fd, uint uid, uint gid) => _process.Call(N.FChOwn, fd, uid, gid);

    public long FChOwnAt(int dirfd, ReadOnlySpan<byte> path, uint uid, uint gid, int flags) => OnPath(N.FChOwnAt, dirfd, path, uid, gid, flags);

    public long UtimeNsAt(int dirfd, ReadOnlySpan<byte> path, ReadOnlySpan<KernelTimespec> times, int flags)
    {
        fixed (KernelTimespec* p = times)
        {
            return OnPath(N.UtimeNsAt, dirfd, path, (long)p, flags);
        }
    }

    public long SetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags) =>
        OnXattr(N.SetXattr, path, name, value, flags);

    public long LSetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags) =>
        OnXattr(N.LSetXattr, path, name, value, flags);

    public long FSetXattr(int fd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags) => OnXattr(N.FSetXattr, fd, name, value, flags);

    public long GetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, Span<byte> value) => OnXattr(N.GetXattr, path, name, value, 0);

    public long LGetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, Span<byte> value) => OnXattr(N.LGetXattr, path, name, value, 0);

    public long FGetXattr(int fd, ReadOnlySpan<byte> name, Span<byte> value) => OnXattr(N.FGetXattr, fd, name, value, 0);

    public long ListXattr(ReadOnlySpan<byte> path, Span<byte> list) => OnXattrList(N.ListXattr, path, list);

    public long LListXattr(ReadOnlySpan<byte> path, Span<byte> list) => OnXattrList(N.LListXattr, path, list);

    public long FListXattr(int fd, Span<byte> list) => OnBuffer(N.FListXattr, fd, list, 0);

    public long RemoveXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name) => OnXattr(N.RemoveXattr, path, name, default, 0);

    public long LRemoveXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name) => OnXattr(N.LRemoveXattr, path, name, default, 0);

    public long FRemoveXattr(int fd, ReadOnlySpan<byte> name) => OnXattr(N.FRemoveXattr, fd, name, default, 0);

    public long Flock(int fd, int operation) => _process.Call(N.Flock, fd, operation);

    public long InotifyInit1(int flags) => _process.Call(N.InotifyInit1, flags);

    public long InotifyAddWatch(int fd, ReadOnlySpan<byte> path, uint mask) => OnPath(N.InotifyAddWatch, fd, path, mask);

    public long InotifyRmWatch(int fd, int watch) => _process.Call(N.InotifyRmWatch, fd, watch);

    public long Mount(ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, ReadOnlySpan<byte> type, ulong flags, ReadOnlySpan<byte> data)
    {
        fixed (byte* s = Terminate(source, stackalloc byte[StackPathBytes]), y = Terminate(type, stackalloc byte[StackPathBytes]),
            d = Terminate(data, stackalloc byte[StackPathBytes]))
        {
            fixed (byte* t = Terminate(target, stackalloc byte[StackPathBytes]))
            {
                return _process.Call(N.Mount, (long)s, (long)t, (long)y, (long)flags, (long)d);
            }
        }
    }

    public long Umount2(ReadOnlySpan<byte> target, int flags) => OnPath(N.Umount2, target, flags);

    public long PivotRoot(ReadOnlySpan<byte> newRoot, ReadOnlySpan<byte> putOld)
    {
        fixed (byte* n = Terminate(newRoot, stackalloc byte[StackPathBytes]), o = Terminate(putOld, stackalloc byte[StackPathBytes]))
        {
            return _process.Call(N.PivotRoot, (long)n, (long)o);
        }
    }

    public long NameToHandleAt(int dirfd, ReadOnlySpan<byte> path, Span<byte> handle, ref int mountId, int flags)
    {
        fixed (byte* h = &MemoryMarshal.GetReference(handle))
        {
            fixed (int* m = &mountId)
            {
                return OnPath(N.NameToHandleAt, dirfd, path, (long)h, (long)m, flags);
            }
        }
    }

    public long OpenByHandleAt(int mountFd, ReadOnlySpan<byte> handle, int flags)
    {
        fixed (byte* h = &MemoryMarshal.GetReference(handle))
        {
            return _process.Call(N.OpenByHandleAt, mountFd, (long)h, flags);
        }
    }

    private const int StackPathBytes = 256;

    /// <summary><paramref name="bytes"/> with a NUL behind, in <paramref name="scratch"/> if they fit; empty for NULL.</summary>
    private static Span<byte> Terminate(ReadOnlySpan<byte> bytes, Span<byte> scratch)
    {
        if (Unsafe.IsNullRef(ref MemoryMarshal.GetReference(bytes)))
        {
            return default;
        }
        Span<byte> copy = bytes.Length < scratch.Length ? scratch[..(bytes.Length + 1)] : new byte[bytes.Length + 1];
        bytes.CopyTo(copy);
        copy[bytes.Length] = 0;
        return copy;
    }

    private long OnPath(long number, ReadOnlySpan<byte> path, long b = 0)
    {
        fixed (byte* p = Terminate(path, stackalloc byte[StackPathBytes]))
        {
            return _process.Call(number, (long)p, b);
        }
    }

    private long OnPath(long number, long dirfd, ReadOnlySpan<byte> path, long c, long d = 0, long e = 0)
    {
        fixed (byte* p = Terminate(path, stackalloc byte[StackPathBytes]))
        {
            return _process.Call(number, dirfd, (long)p, c, d, e);
        }
    }

    private long OnTwoPaths(long number, int oldDirfd, ReadOnlySpan<byte> oldPath, int newDirfd, ReadOnlySpan<byte> newPath, long flags)
    {
        fixed (byte* o = Terminate(oldPath, stackalloc byte[StackPathBytes]), n = Terminate(newPath, stackalloc byte[StackPathBytes]))
        {
            return _process.Call(number, oldDirfd, (long)o, newDirfd, (long)n, flags);
        }
    }

    private long OnBuffer(long number, int fd, ReadOnlySpan<byte> buffer, long offset)
    {
        fixed (byte* p = &MemoryMarshal.GetReference(buffer))
        {
            return _process.Call(number, fd, (long)p, buffer.Length, offset);
        }
    }

    private long OnVectors(long number, int fd, ReadOnlySpan<KernelIoVec> vectors, int count, long offset, int flags)
    {
        fixed (KernelIoVec* p = &MemoryMarshal.GetReference(vectors))
        {
            return _process.Call(number, fd, (long)p, count, offset, 0, flags);
        }
    }

    private long OnXattr(long number, ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long flags)
    {
        fixed (byte* n = Terminate(name, stackalloc byte[StackPathBytes]), p = Terminate(path, stackalloc byte[StackPathBytes]),
            v = &MemoryMarshal.GetReference(value))
        {
            return _process.Call(number, (long)p, (long)n, (long)v, value.Length, flags);
        }
    }

    private long OnXattr(long number, int fd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long flags)
    {
        fixed (byte* n = Terminate(name, stackalloc byte[StackPathBytes]), v = &MemoryMarshal.GetReference(value))
        {
            return _process.Call(number, fd, (long)n, (long)v, value.Length, flags);
        }
    }

    private long OnXattrList(long number, ReadOnlySpan<byte> path, Span<byte> list)
    {
        fixed (byte* p = Terminate(path, stackalloc byte[StackPathBytes]), l = &MemoryMarshal.GetReference(list))
        {
            return _process.Call(number, (long)p, (long)l, list.Length);
        }
    }
}
