// Tupelo's file layer as one process: the same calls as the host's kernel, passed on to the layer's system call facade. Only shapes
// change hands here (the kernel's structures against Tupelo's); an answer is never made or altered.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tupelo.Vfs;
using Calls = Tupelo.Vfs.Syscalls;

namespace Tupelo.Conformance;

/// <summary>One process in Tupelo.</summary>
public sealed partial class TupeloSyscalls : ISyscalls
{
    private readonly Calls _calls;
    private readonly Action? _onEnd;

    /// <param name="context">The process; ended with this object.</param>
    /// <param name="onEnd">Called afterwards: the end of the machine, for its first process.</param>
    public TupeloSyscalls(VfsContext context, Action? onEnd = null)
    {
        _calls = new Calls(context);
        _onEnd = onEnd;
    }

    /// <summary>The process.</summary>
    public VfsContext Context => _calls.Context;

    public int DescriptorLimit => Context.Limits.MaxOpenFiles;

    public void Dispose()
    {
        UnmapAll();
        Context.Dispose();
        _onEnd?.Invoke();
    }

    public ISyscalls Fork() => new TupeloSyscalls(Context.Fork());

    public long SetCredentials(uint uid, uint gid, ReadOnlySpan<uint> groups)
    {
        Context.Credentials = new Credentials(uid, gid, groups);
        return 0;
    }

    public long Umask(uint mask) => _calls.Umask(mask);

    public long ChDir(ReadOnlySpan<byte> path) => _calls.ChDir(path);

    public long FChDir(int fd) => _calls.FChDir(fd);

    public long ChRoot(ReadOnlySpan<byte> path) => _calls.ChRoot(path);

    public long GetCwd(Span<byte> buffer) => _calls.GetCwd(buffer);

    public long OpenAt(int dirfd, ReadOnlySpan<byte> path, int flags, uint mode) => _calls.OpenAt(dirfd, path, (OpenFlags)flags, mode);

    public long OpenAt2(int dirfd, ReadOnlySpan<byte> path, ReadOnlySpan<byte> how, nuint sizeBytes) => _calls.OpenAt2(dirfd, path, how, sizeBytes);

    public long Close(int fd) => _calls.Close(fd);

    public long CloseRange(uint first, uint last, uint flags) => _calls.CloseRange(first, last, (CloseRangeFlags)flags);

    public long Dup(int fd) => _calls.Dup(fd);

    public long Dup2(int oldFd, int newFd) => _calls.Dup2(oldFd, newFd);

    public long Dup3(int oldFd, int newFd, int flags) => _calls.Dup3(oldFd, newFd, (OpenFlags)flags);

    public long Fcntl(int fd, int command, long argument) => _calls.Fcntl(fd, (FcntlCommand)command, argument);

    public long Fcntl(int fd, int command, ref KernelLock argument)
    {
        var request = new LockRequest
        {
            Type = (LockType)argument.Type,
            Whence = argument.Whence,
            Start = argument.Start,
            Length = argument.Length,
            ProcessId = argument.Pid,
        };
        long result = _calls.Fcntl(fd, (FcntlCommand)command, ref request);
        if (result >= 0)
        {
            argument = new KernelLock((short)request.Type, request.Start, request.Length, request.Whence) { Pid = request.ProcessId };
        }
        return result;
    }

    public long Read(int fd, Span<byte> buffer) => _calls.Read(fd, buffer);

    public long Write(int fd, ReadOnlySpan<byte> buffer) => _calls.Write(fd, buffer);

    public long PRead(int fd, Span<byte> buffer, long offset) => _calls.PRead(fd, buffer, offset);

    public long PWrite(int fd, ReadOnlySpan<byte> buffer, long offset) => _calls.PWrite(fd, buffer, offset);

    public long ReadV(int fd, ReadOnlySpan<KernelIoVec> vectors, int count) => _calls.ReadV(fd, Segments(vectors), count);

    public long WriteV(int fd, ReadOnlySpan<KernelIoVec> vectors, int count) => _calls.WriteV(fd, Segments(vectors), count);

    public long PReadV2(int fd, ReadOnlySpan<KernelIoVec> vectors, int count, long offset, int flags) =>
        _calls.PReadV2(fd, Segments(vectors), count, offset, (ReadWriteFlags)flags);

    public long PWriteV2(int fd, ReadOnlySpan<KernelIoVec> vectors, int count, long offset, int flags) =>
        _calls.PWriteV2(fd, Segments(vectors), count, offset, (ReadWriteFlags)flags);

    public long LSeek(int fd, long offset, int whence) => _calls.LSeek(fd, offset, (SeekWhence)whence);

    public long Truncate(ReadOnlySpan<byte> path, long length) => _calls.Truncate(path, length);

    public long FTruncate(int fd, long length) => _calls.FTruncate(fd, length);

    public long FAllocate(int fd, int mode, long offset, long length) => _calls.FAllocate(fd, (FallocateMode)mode, offset, length);

    public long FAdvise(int fd, long offset, long length, int advice) => _calls.FAdvise(fd, offset, length, (FileAdvice)advice);

    public long FSync(int fd) => _calls.FSync(fd);

    public long FDataSync(int fd) => _calls.FDataSync(fd);

    public long SyncFileRange(int fd, long offset, long length, uint flags) =>
        _calls.SyncFileRange(fd, offset, length, (SyncFileRangeFlags)flags);

    public long SyncFs(int fd) => _calls.SyncFs(fd);

    public long Sync() => _calls.Sync();

    public long MkDirAt(int dirfd, ReadOnlySpan<byte> path, uint mode) => _calls.MkDirAt(dirfd, path, mode);

    public long MkNodAt(int dirfd, ReadOnlySpan<byte> path, uint mode, ulong device) => _calls.MkNodAt(dirfd, path, mode, device);

    public long UnlinkAt(int dirfd, ReadOnlySpan<byte> path, int flags) => _calls.UnlinkAt(dirfd, path, (AtFlags)flags);

    public long RenameAt2(int oldDirfd, ReadOnlySpan<byte> oldPath, int newDirfd, ReadOnlySpan<byte> newPath, uint flags) =>
        _calls.RenameAt2(oldDirfd, oldPath, newDirfd, newPath, (RenameFlags)flags);

    public long LinkAt(int oldDirfd, ReadOnlySpan<byte> oldPath, int newDirfd, ReadOnlySpan<byte> newPath, int flags) =>
        _calls.LinkAt(oldDirfd, oldPath, newDirfd, newPath, (AtFlags)flags);

    public long SymlinkAt(ReadOnlySpan<byte> target, int dirfd, ReadOnlySpan<byte> path) => _calls.SymlinkAt(target, dirfd, path);

    // The facade takes the buffer's length for the size, and a size below 1 is one error.
    public long ReadLinkAt(int dirfd, ReadOnlySpan<byte> path, Span<byte> buffer, int sizeBytes) =>
        _calls.ReadLinkAt(dirfd, path, buffer[..Math.Clamp(sizeBytes, 0, buffer.Length)]);

    public long GetDents64(int fd, Span<byte> buffer) => _calls.GetDents64(fd, buffer);

    public long SetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags) =>
        _calls.SetXattrAt(AtFd.CurrentDirectory, path, AtFlags.None, name, value, (XattrFlags)flags);

    public long LSetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags) =>
        _calls.SetXattrAt(AtFd.CurrentDirectory, path, AtFlags.SymlinkNoFollow, name, value, (XattrFlags)flags);

    public long FSetXattr(int fd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags) =>
        _calls.FSetXattr(fd, name, value, (XattrFlags)flags);

    public long GetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, Span<byte> value) =>
        _calls.GetXattrAt(AtFd.CurrentDirectory, path, AtFlags.None, name, value);

    public long LGetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, Span<byte> value) =>
        _calls.GetXattrAt(AtFd.CurrentDirectory, path, AtFlags.SymlinkNoFollow, name, value);

    public long FGetXattr(int fd, ReadOnlySpan<byte> name, Span<byte> value) => _calls.FGetXattr(fd, name, value);

    public long ListXattr(ReadOnlySpan<byte> path, Span<byte> list) => _calls.ListXattrAt(AtFd.CurrentDirectory, path, AtFlags.None, list);

    public long LListXattr(ReadOnlySpan<byte> path, Span<byte> list) =>
        _calls.ListXattrAt(AtFd.CurrentDirectory, path, AtFlags.SymlinkNoFollow, list);

    public long FListXattr(int fd, Span<byte> list) => _calls.FListXattr(fd, list);

    public long RemoveXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name) =>
        _calls.RemoveXattrAt(AtFd.CurrentDirectory, path, AtFlags.None, name);

    public long LRemoveXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name) =>
        _calls.RemoveXattrAt(AtFd.CurrentDirectory, path, AtFlags.SymlinkNoFollow, name);

    public long FRemoveXattr(int fd, ReadOnlySpan<byte> name) => _calls.FRemoveXattr(fd, name);

    public long Flock(int fd, int operation) => _calls.Flock(fd, (FlockOperation)operation);

    public long Mount(ReadOnlySpan<byte> source, ReadOnlySpan<byte> target, ReadOnlySpan<byte> type, ulong flags, ReadOnlySpan<byte> data) =>
        _calls.Mount(source, target, type, (MountFlags)flags, data);

    public long Umount2(ReadOnlySpan<byte> target, int flags) => _calls.Umount2(target, (UnmountFlags)flags);

    public long PivotRoot(ReadOnlySpan<byte> newRoot, ReadOnlySpan<byte> putOld) => _calls.PivotRoot(newRoot, putOld);

    // struct iovec is laid out as Tupelo's IoVec is.
    private static ReadOnlySpan<IoVec> Segments(ReadOnlySpan<KernelIoVec> vectors) =>
        Unsafe.IsNullRef(in MemoryMarshal.GetReference(vectors))
            ? MemoryMarshal.CreateReadOnlySpan(ref Unsafe.NullRef<IoVec>(), vectors.Length)
            : MemoryMarshal.Cast<KernelIoVec, IoVec>(vectors);
}
