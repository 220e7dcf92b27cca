using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tupelo.Vfs;

namespace Tupelo.Conformance;

// Copies, mappings, pipes, waiting and notification, handles.
public sealed partial class TupeloSyscalls
{
    private readonly ConcurrentDictionary<long, FileMapping> _mappings = new();
    private long _lastMapping;

    public long CopyFileRange(int inFd, ref long inOffset, int outFd, ref long outOffset, nuint length, uint flags) =>
        _calls.CopyFileRange(inFd, ref inOffset, outFd, ref outOffset, length, flags);

    public long SendFile(int outFd, int inFd, ref long offset, nuint count) => _calls.SendFile(outFd, inFd, ref offset, count);

    public long Splice(int inFd, ref long inOffset, int outFd, ref long outOffset, nuint length, uint flags) =>
        _calls.Splice(inFd, ref inOffset, outFd, ref outOffset, length, (SpliceFlags)flags);

    public long Tee(int inFd, int outFd, nuint length, uint flags) => _calls.Tee(inFd, outFd, length, (SpliceFlags)flags);

    public long IoCtl(int fd, uint request, Span<byte> argument) => _calls.IoCtl(fd, request, argument);

    public long MMap(nuint length, int protection, int flags, int fd, long offset)
    {
        long result = _calls.MMap(length, (MapProtection)protection, (MapFlags)flags, fd, offset, out FileMapping? mapping);
        if (result < 0)
        {
            return result;
        }
        long name = Interlocked.Increment(ref _lastMapping);
        _mappings[name] = mapping!;
        return name;
    }

    public long MUnmap(long mapping, nuint length)
    {
        if (!_mappings.TryRemove(mapping, out FileMapping? found))
        {
            return -(long)Errno.EINVAL;
        }
        found.Dispose();
        return 0;
    }

    public long MSync(long mapping, nuint length, int flags) => -(long)_mappings[mapping].Sync((MapSyncFlags)flags);

    public void Load(long mapping, int offset, Span<byte> buffer) => ProbeSetting.Must(-(long)_mappings[mapping].Load(offset, buffer));

    public void Store(long mapping, int offset, ReadOnlySpan<byte> bytes) => ProbeSetting.Must(-(long)_mappings[mapping].Store(offset, bytes));

    public long Pipe2(Span<int> fds, int flags) => _calls.Pipe2(fds, (OpenFlags)flags);

    public long MemfdCreate(ReadOnlySpan<byte> name, uint flags) => _calls.MemfdCreate(name, (MemfdFlags)flags);

    public long EventFd2(uint initial, int flags) => _calls.EventFd2(initial, (EventFdFlags)flags);

    // struct pollfd is laid out as Tupelo's PollFd is.
    public long Poll(Span<KernelPollFd> fds, int timeoutMilliseconds) =>
        _calls.Poll(MemoryMarshal.Cast<KernelPollFd, PollFd>(fds), timeoutMilliseconds);

    public long EpollCreate1(int flags) => _calls.EpollCreate1((OpenFlags)flags);

    public long EpollCtl(int epollFd, int operation, int fd, ref KernelEpollEvent change)
    {
        KernelEpollEvent given = Unsafe.IsNullRef(in change) ? default : change;
        return _calls.EpollCtl(epollFd, (EpollOperation)operation, fd, (PollEvents)given.Events, given.Data);
    }

    public long EpollWait(int epollFd, Span<KernelEpollEvent> events, int timeoutMilliseconds)
    {
        var told = new EpollEvent[events.Length];
        long count = _calls.EpollWait(epollFd, told, timeoutMilliseconds);
        for (int i = 0; i < count; i++)
        {
            events[i] = new KernelEpollEvent { Events = (uint)told[i].Events, Data = told[i].Data };
        }
        return count;
    }

    public long InotifyInit1(int flags) => _calls.InotifyInit1((OpenFlags)flags);

    public long InotifyAddWatch(int fd, ReadOnlySpan<byte> path, uint mask) => _calls.InotifyAddWatch(fd, path, (InotifyMask)mask);

    public long InotifyRmWatch(int fd, int watch) => _calls.InotifyRmWatch(fd, watch);

    public long NameToHandleAt(int dirfd, ReadOnlySpan<byte> path, Span<byte> handle, ref int mountId, int flags)
    {
        long result = _calls.NameToHandleAt(dirfd, path, handle, out int told, (AtFlags)flags);
        if (result >= 0)
        {
            mountId = told;
        }
        return result;
    }

    public long OpenByHandleAt(int mountFd, ReadOnlySpan<byte> handle, int flags) => _calls.OpenByHandleAt(mountFd, handle, (OpenFlags)flags);

    private void UnmapAll()
    {
        foreach (FileMapping mapping in _mappings.Values)
        {
            mapping.Dispose();
        }
        _mappings.Clear();
    }
}
