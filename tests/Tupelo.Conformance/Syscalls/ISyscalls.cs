// One process as its system calls see it: the narrow waist of the conformance suite. Whoever implements this interface can be
// tested: the host's kernel (HostSyscalls) and Tupelo (TupeloSyscalls) both do, so each case runs on either and their answers
// can be compared.
//
// Conventions, those of the kernel:
// - a result >= 0 is the call's value, a result < 0 is a negated errno; nothing throws for what a file system may answer;
// - paths and names are bytes without a terminating NUL;
// - a NULL pointer is a null reference: `default` for a path or a span, Absent.Ref<T>() for a ref, Absent.Span(n) for a buffer
//   that claims n bytes at address NULL;
// - a descriptor, a lock, the working directory, the root, the umask and the credentials belong to the process that this object
//   stands for; Fork gives another process with copies of them.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tupelo.Conformance;

/// <summary>The file system calls of one process, with Linux' signatures.</summary>
public interface ISyscalls : IDisposable
{
    // Processes

    /// <summary>Another process: a copy of this one's descriptors, directories, umask and credentials.</summary>
    ISyscalls Fork();

    /// <summary>Takes these ids (real, effective, saved and for files) and supplementary groups. Leaving uid 0 gives up all capabilities.</summary>
    long SetCredentials(uint uid, uint gid, ReadOnlySpan<uint> groups);

    /// <summary>The first descriptor number that may not be used (RLIMIT_NOFILE).</summary>
    int DescriptorLimit { get; }

    long Umask(uint mask);
    long ChDir(ReadOnlySpan<byte> path);
    long FChDir(int fd);
    long ChRoot(ReadOnlySpan<byte> path);
    long GetCwd(Span<byte> buffer);

    // Opening, descriptors
    long OpenAt(int dirfd, ReadOnlySpan<byte> path, int flags, uint mode);
    long OpenAt2(int dirfd, ReadOnlySpan<byte> path, ReadOnlySpan<byte> how, nuint sizeBytes);
    long Close(int fd);
    long CloseRange(uint first, uint last, uint flags);
    long Dup(int fd);
    long Dup2(int oldFd, int newFd);
    long Dup3(int oldFd, int newFd, int flags);
    long Fcntl(int fd, int command, long argument);
    long Fcntl(int fd, int command, ref KernelLock argument);
    long Pipe2(Span<int> fds, int flags);
    long MemfdCreate(ReadOnlySpan<byte> name, uint flags);
    long EventFd2(uint initial, int flags);

    // I/O
    long Read(int fd, Span<byte> buffer);
    long Write(int fd, ReadOnlySpan<byte> buffer);
    long PRead(int fd, Span<byte> buffer, long offset);
    long PWrite(int fd, ReadOnlySpan<byte> buffer, long offset);
    long ReadV(int fd, ReadOnlySpan<KernelIoVec> vectors, int count);
    long WriteV(int fd, ReadOnlySpan<KernelIoVec> vectors, int count);
    long PReadV2(int fd, ReadOnlySpan<KernelIoVec> vectors, int count, long offset, int flags);
    long PWriteV2(int fd, ReadOnlySpan<KernelIoVec> vectors, int count, long offset, int flags);
    long LSeek(int fd, long offset, int whence);
    long Truncate(ReadOnlySpan<byte> path, long length);
    long FTruncate(int fd, long length);
    long FAllocate(int fd, int mode, long offset, long length);
    long FAdvise(int fd, long offset, long length, int advice);
    long FSync(int fd);
    long FDataSync(int fd);
    long SyncFileRange(int fd, long offset, long length, uint flags);
    long SyncFs(int fd);
    long Sync();
    long CopyFileRange(int inFd, ref long inOffset, int outFd, ref long outOffset, nuint length, uint flags);
    long SendFile(int outFd, int inFd, ref long offset, nuint count);
    long Splice(int inFd, ref long inOffset, int outFd, ref long outOffset, nuint length, uint flags);
    long Tee(int inFd, int outFd, nuint length, uint flags);
    long IoCtl(int fd, uint request, Span<byte> argument);

    /// <summary>Maps a file; the value names the mapping for the three calls below.</summary>
    long MMap(nuint length, int protection, int flags, int fd, long offset);

    long MUnmap(long mapping, nuint length);
    long MSync(long mapping, nuint length, int flags);

    /// <summary>Reads mapped memory. The range must lie in the mapping and below the end of the file's last page.</summary>
    void Load(long mapping, int offset, Span<byte> buffer);

    /// <summary>Writes mapped memory, under the same rule.</summary>
    void Store(long mapping, int offset, ReadOnlySpan<byte> bytes);

    long Poll(Span<KernelPollFd> fds, int timeoutMilliseconds);
    long EpollCreate1(int flags);
    long EpollCtl(int epollFd, int operation, int fd, ref KernelEpollEvent change);
    long EpollWait(int epollFd, Span<KernelEpollEvent> events, int timeoutMilliseconds);

    // Namespace
    long MkDirAt(int dirfd, ReadOnlySpan<byte> path, uint mode);
    long MkNodAt(int dirfd, ReadOnlySpan<byte> path, uint mode, ulong device);
    long UnlinkAt(int dirfd, ReadOnlySpan<byte> path, int flags);
    long RenameAt2(int oldDirfd, ReadOnlySpan<byte> oldPath, int newDirfd, ReadOnlySpan<byte> newPath, uint flags);
    long LinkAt(int oldDirfd, ReadOnlySpan<byte> oldPath, int newDirfd, ReadOnlySpan<byte> newPath, int flags);
    long SymlinkAt(ReadOnlySpan<byte> target, int dirfd, ReadOnlySpan<byte> path);
    long ReadLinkAt(int dirfd, ReadOnlySpan<byte> path, Span<byte> buffer, int sizeBytes);
    long GetDents64(int fd, Span<byte> buffer);

    // Metadata
    long FStat(int fd, ref KernelStat stat);
    long NewFStatAt(int dirfd, ReadOnlySpan<byte> path, ref KernelStat stat, int flags);
    long StatX(int dirfd, ReadOnlySpan<byte> path, int flags, uint mask, ref KernelStatx statx);
    long StatFs(ReadOnlySpan<byte> path, ref KernelStatFs statfs);
    long FStatFs(int fd, ref KernelStatFs statfs);
    long FAccessAt2(int dirfd, ReadOnlySpan<byte> path, int mode, int flags);
    long FChMod(int fd, uint mode);
    long FChModAt2(int dirfd, ReadOnlySpan<byte> path, uint mode, int flags);
    long FChOwn(int fd, uint uid, uint gid);
    long FChOwnAt(int dirfd, ReadOnlySpan<byte> path, uint uid, uint gid, int flags);

    /// <summary><paramref name="times"/> is empty for NULL, or access and modification time.</summary>
    long UtimeNsAt(int dirfd, ReadOnlySpan<byte> path, ReadOnlySpan<KernelTimespec> times, int flags);

    long SetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags);
    long LSetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags);
    long FSetXattr(int fd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags);
    long GetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, Span<byte> value);
    long LGetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, Span<byte> value);
    long FGetXattr(int fd, ReadOnlySpan<byte> name, Span<byte> value);
    long ListXattr(ReadOnlySpan<byte> path, Span<byte> list);
    long LListXattr(ReadOnlySpan<byte> path, Span<byte> list);
    long FListXattr(int fd, Span<byte> list);
    long RemoveXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name);
    long LRemoveXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name);
    long FRemoveXattr(int fd, ReadOnlySpan<byte> name);

    // Locks, notification, mounts
    long Flock(int fd, int operation);
    long InotifyInit1(int flags);
    long InotifyAddWatch(int fd, ReadOnlySpan<byte> path, uint mask);
    long InotifyRmWatch(int fd, int watch);
    long Mount(ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, ReadOnlySpan<byte> type, ulong flags, ReadOnlySpan<byte> data);
    long Umount2(ReadOnlySpan<byte> target, int flags);
    long PivotRoot(ReadOnlySpan<byte> newRoot, ReadOnlySpan<byte> putOld);

    /// <summary><paramref name="handle"/> is a struct file_handle: u32 bytes available, s32 type, bytes.</summary>
    long NameToHandleAt(int dirfd, ReadOnlySpan<byte> path, Span<byte> handle, ref int mountId, int flags);

    long OpenByHandleAt(int mountFd, ReadOnlySpan<byte> handle, int flags);
}

/// <summary>NULL pointers, where a call takes a reference or a buffer.</summary>
public static class Absent
{
    /// <summary>A NULL pointer to a <typeparamref name="T"/>.</summary>
    public static ref T Ref<T>()
        where T : struct => ref Unsafe.NullRef<T>();

    /// <summary>A buffer that claims <paramref name="length"/> elements at address NULL. Only to be handed to a call.</summary>
    public static Span<T> Span<T>(int length)
        where T : struct => MemoryMarshal.CreateSpan(ref Unsafe.NullRef<T>(), length);
}
