// The host's kernel as an oracle for pipes, locks, epoll and inotify: raw calls, results as Linux system calls give them
// (a count, or the negated error number). Linux on x86-64 or arm64 only; tests that use it say so with Assert.SkipUnless.
using System.Runtime.InteropServices;

namespace Tupelo.Vfs.Tests;

internal static partial class HostKernel
{
    internal const int O_RDONLY = 0;
    internal const int O_WRONLY = 1;
    internal const int O_RDWR = 2;
    internal const int O_CREAT = 0x40;
    internal const int O_NONBLOCK = 0x800;
    internal const int O_CLOEXEC = 0x80000;
    internal const int F_GETFL = 3;
    internal const int F_SETFL = 4;
    internal const int F_GETLK = 5;
    internal const int F_SETLK = 6;
    internal const int F_OFD_GETLK = 36;
    internal const int F_OFD_SETLK = 37;
    internal const int F_SETPIPE_SZ = 1031;
    internal const int F_GETPIPE_SZ = 1032;
    internal const int F_ADD_SEALS = 1033;
    internal const int F_GET_SEALS = 1034;
    internal const uint FIONREAD = 0x541B;
    internal const uint SPLICE_F_NONBLOCK = 2;

    internal static readonly int DirectFlag = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    internal static bool IsAvailable => OperatingSystem.IsLinux();

    [StructLayout(LayoutKind.Sequential)]
    internal struct Flock64
    {
        internal short Type;
        internal short Whence;
        internal long Start;
        internal long Length;
        internal int Pid;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollFd
    {
        internal int Fd;
        internal short Events;
        internal short Returned;
    }

    internal static long Result(long value) => value < 0 ? -Marshal.GetLastPInvokeError() : value;

    internal static int Open(string path, int flags, int mode = 0x1B4) => (int)Result(open(path, flags, mode));

    internal static void Close(int fd) => _ = close(fd);

    internal static (int Read, int Write) Pipe(int flags)
    {
        Span<int> fds = stackalloc int[2];
        Assert.Equal(0, Result(pipe2(fds, flags)));
        return (fds[0], fds[1]);
    }

    internal static long Read(int fd, Span<byte> buffer) => Result(read(fd, buffer, buffer.Length));

    internal static long Write(int fd, ReadOnlySpan<byte> data) => Result(write(fd, data, data.Length));

    internal static long Fcntl(int fd, int command, long argument) => Result(fcntl(fd, command, (nint)argument));

    internal static unsafe long FcntlLock(int fd, int command, ref Flock64 request)
    {
        fixed (Flock64* pointer = &request)
        {
            return Result(fcntl(fd, command, (nint)pointer));
        }
    }

    internal static long QueuedBytes(int fd)
    {
        int bytes = 0;
        long result = Result(ioctl(fd, FIONREAD, ref bytes));
        return result < 0 ? result : bytes;
    }

    internal static long Splice(int input, int output, long length, uint flags)
        => Result(splice(input, 0, output, 0, (nint)length, flags));

    internal static long Tee(int input, int output, long length, uint flags) => Result(tee(input, output, (nint)length, flags));

    internal static int Poll(int fd, int events)
    {
        PollFd one = new() { Fd = fd, Events = (short)events };
        long result = Result(poll(ref one, 1, 0));
        Assert.True(result >= 0);
        return one.Returned & 0xFFFF;
    }

    internal static int EventFd(uint initial, int flags) => (int)Result(eventfd(initial, flags));

    internal static int EpollCreate() => (int)Result(epoll_create1(O_CLOEXEC));

    // struct epoll_event is packed on x86-64 only.
    internal static unsafe long EpollControl(int epoll, int operation, int fd, uint events, ulong data)
    {
        byte* raw = stackalloc byte[16];
        *(uint*)raw = events;
        *(ulong*)(raw + DataOffset) = data;
        return Result(epoll_ctl(epoll, operation, fd, (nint)raw));
    }

    internal static unsafe List<(uint Events, ulong Data)> EpollWait(int epoll, int maxEvents, int milliseconds)
    {
        int size = DataOffset + 8;
        byte[] buffer = new byte[size * maxEvents];
        List<(uint Events, ulong Data)> found = [];
        fixed (byte* raw = buffer)
        {
            long count = Result(epoll_wait(epoll, (nint)raw, maxEvents, milliseconds));
            Assert.True(count >= 0);
            for (int i = 0; i < count; i++)
            {
                found.Add((*(uint*)(raw + (i * size)), *(ulong*)(raw + (i * size) + DataOffset)));
            }
        }
        return found;
    }

    internal static int InotifyInit(int flags) => (int)Result(inotify_init1(flags));

    internal static int InotifyAdd(int fd, string path, uint mask) => (int)Result(inotify_add_watch(fd, path, mask));

    internal static int InotifyRemove(int fd, int descriptor) => (int)Result(inotify_rm_watch(fd, descriptor));

    internal static int Flock(int fd, int operation) => (int)Result(flock(fd, operation));

    internal static int MemFd(string name, uint flags) => (int)Result(memfd_create(name, flags));

    private static int DataOffset => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe2(Span<int> fds, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int fd, Span<byte> buffer, nint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int fd, ReadOnlySpan<byte> data, nint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int fd, nuint request, ref int value);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint splice(int input, nint inputOffset, int output, nint outputOffset, nint length, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint tee(int input, int output, nint length, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(ref PollFd fds, nuint count, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int fd, nint eventPointer);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, nint events, int maxEvents, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_init1(int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int inotify_add_watch(int fd, string path, uint mask);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int inotify_rm_watch(int fd, int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(int fd, int operation);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);
}
