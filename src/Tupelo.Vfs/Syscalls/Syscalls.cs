// Syscalls is the file layer with Linux' system call signatures: descriptors, bytes for paths, a negative errno for failure.
//
// Conventions: a result >= 0 is the call's value, below 0 a negated errno; nothing is thrown for what a file system may answer.
// A path is bytes without NUL; a null reference (`default`) is a NULL pointer and gives EFAULT, an empty span is "". A span that
// the call fills may be a null reference too. Each file of this class is one group of calls; it converts and delegates, the
// semantics are in Operations/. The order of errors is written in docs/vfs.md and proved by the conformance suite.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tupelo.Vfs;

/// <summary>Linux' file system calls for one context. Any thread that may use the context.</summary>
public sealed partial class Syscalls
{
    public Syscalls(VfsContext context) => Context = context;

    /// <summary>As whom the calls are made.</summary>
    public VfsContext Context { get; }

    internal static bool IsNull<T>(ReadOnlySpan<T> span) => Unsafe.IsNullRef(in MemoryMarshal.GetReference(span));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Result(Errno errno) => -(long)errno;

    private static long Result(IoResult result) => result.Raw;

    // An open descriptor that is more than a place: EBADF for O_PATH ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryGetFile(int fd, out OpenFile file)
    {
        if (!Context.Files.TryGet(fd, out OpenFile? found))
        {
            file = null!;
            return false;
        }
        file = found!;
        if (!file.IsPathOnly)
        {
            return true;
        }
        file.Release();
        return false;
    }

    // Any open descriptor.
    private bool TryGetAny(int fd, out OpenFile file)
    {
        bool found = Context.Files.TryGet(fd, out OpenFile? any);
        file = any!;
        return found;
    }

    // Resolves a path to its end and pins it; with AT_EMPTY_PATH an empty path is the descriptor itself.
    private Errno Resolve(int dirFd, ReadOnlySpan<byte> path, bool follow, bool mayBeEmpty, out PathRef place) =>
        Resolve(dirFd, path, (follow ? WalkFlags.FollowLast : 0) | (mayBeEmpty ? WalkFlags.EmptyPath : 0), out place);

    private Errno Resolve(int dirFd, ReadOnlySpan<byte> path, WalkFlags flags, out PathRef place)
    {
        var walk = new PathWalk(Context, dirFd, path, flags);
        Errno errno = walk.Begin();
        if (errno == Errno.None)
        {
            errno = walk.ToEndPinned(out place);
        }
        else
        {
            place = default;
        }
        walk.Dispose();
        return errno;
    }

    // Puts a file that was just opened into the descriptor table; its reference goes there.
    private long Install(OpenFile file, OpenFlags flags)
    {
        IoResult fd = Context.Files.Install(file, 0, Context.Limits.MaxOpenFiles, (flags & OpenFlags.CloseOnExec) != 0);
        if (!fd.IsOk)
        {
            file.Release();
        }
        return fd.Raw;
    }
}
