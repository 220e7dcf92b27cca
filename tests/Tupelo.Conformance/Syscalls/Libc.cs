// The older calls which libc makes out of the newer ones, so that cases read as C programs do; and a few words that nearly every
// case needs (make a file, read it all, stat it). None of these hides a result that a case might want to see.
using System.Runtime.InteropServices;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>What libc adds over the system calls.</summary>
public static class Libc
{
    public static long Open(this ISyscalls s, ReadOnlySpan<byte> path, int flags, uint mode = 0) => s.OpenAt(AT_FDCWD, path, flags, mode);

    public static long Creat(this ISyscalls s, ReadOnlySpan<byte> path, uint mode) =>
        s.OpenAt(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);

    public static long OpenAt2(this ISyscalls s, int dirfd, ReadOnlySpan<byte> path, KernelOpenHow how)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<KernelOpenHow>(in how));
        return s.OpenAt2(dirfd, path, bytes, (nuint)bytes.Length);
    }

    public static long MkDir(this ISyscalls s, ReadOnlySpan<byte> path, uint mode) => s.MkDirAt(AT_FDCWD, path, mode);

    public static long MkNod(this ISyscalls s, ReadOnlySpan<byte> path, uint mode, ulong device = 0) => s.MkNodAt(AT_FDCWD, path, mode, device);

    public static long MkFifo(this ISyscalls s, ReadOnlySpan<byte> path, uint mode) => s.MkNodAt(AT_FDCWD, path, S_IFIFO | mode, 0);

    public static long RmDir(this ISyscalls s, ReadOnlySpan<byte> path) => s.UnlinkAt(AT_FDCWD, path, AT_REMOVEDIR);

    public static long Unlink(this ISyscalls s, ReadOnlySpan<byte> path) => s.UnlinkAt(AT_FDCWD, path, 0);

    public static long Rename(this ISyscalls s, ReadOnlySpan<byte> oldPath, ReadOnlySpan<byte> newPath) =>
        s.RenameAt2(AT_FDCWD, oldPath, AT_FDCWD, newPath, 0);

    public static long Rename(this ISyscalls s, ReadOnlySpan<byte> oldPath, ReadOnlySpan<byte> newPath, uint flags) =>
        s.RenameAt2(AT_FDCWD, oldPath, AT_FDCWD, newPath, flags);

    public static long Link(this ISyscalls s, ReadOnlySpan<byte> oldPath, ReadOnlySpan<byte> newPath) =>
        s.LinkAt(AT_FDCWD, oldPath, AT_FDCWD, newPath, 0);

    public static long Symlink(this ISyscalls s, ReadOnlySpan<byte> target, ReadOnlySpan<byte> path) => s.SymlinkAt(target, AT_FDCWD, path);

    public static long ReadLink(this ISyscalls s, ReadOnlySpan<byte> path, Span<byte> buffer) =>
        s.ReadLinkAt(AT_FDCWD, path, buffer, buffer.Length);

    public static long Stat(this ISyscalls s, ReadOnlySpan<byte> path, ref KernelStat stat) => s.NewFStatAt(AT_FDCWD, path, ref stat, 0);

    public static long LStat(this ISyscalls s, ReadOnlySpan<byte> path, ref KernelStat stat) =>
        s.NewFStatAt(AT_FDCWD, path, ref stat, AT_SYMLINK_NOFOLLOW);

    public static long Access(this ISyscalls s, ReadOnlySpan<byte> path, int mode) => s.FAccessAt2(AT_FDCWD, path, mode, 0);

    public static long ChMod(this ISyscalls s, ReadOnlySpan<byte> path, uint mode) => s.FChModAt2(AT_FDCWD, path, mode, 0);

    public static long ChOwn(this ISyscalls s, ReadOnlySpan<byte> path, uint uid, uint gid) => s.FChOwnAt(AT_FDCWD, path, uid, gid, 0);

    public static long LChOwn(this ISyscalls s, ReadOnlySpan<byte> path, uint uid, uint gid) =>
        s.FChOwnAt(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);

    public static long Fcntl(this ISyscalls s, int fd, int command) => s.Fcntl(fd, command, 0);

    public static long Umount(this ISyscalls s, ReadOnlySpan<byte> target) => s.Umount2(target, 0);

    /// <summary>Copies without moving either open file's position.</summary>
    public static long CopyFileRange(this ISyscalls s, int inFd, long inOffset, int outFd, long outOffset, nuint length) =>
        s.CopyFileRange(inFd, ref inOffset, outFd, ref outOffset, length, 0);

    /// <summary>Copies from and to the open files' positions.</summary>
    public static long CopyFileRange(this ISyscalls s, int inFd, int outFd, nuint length, uint flags = 0) =>
        s.CopyFileRange(inFd, ref Absent.Ref<long>(), outFd, ref Absent.Ref<long>(), length, flags);

    public static long Splice(this ISyscalls s, int inFd, int outFd, nuint length, uint flags = 0) =>
        s.Splice(inFd, ref Absent.Ref<long>(), outFd, ref Absent.Ref<long>(), length, flags);

    /// <summary>The name of the errno in a negative result; the value otherwise.</summary>
    public static string Describe(long result) => result >= 0
        ? result.ToString(System.Globalization.CultureInfo.InvariantCulture)
        : (Errno)(-result) switch
        {
            Errno.EAGAIN => nameof(Errno.EAGAIN),           // Two names with one number: the older one.
            Errno.EOPNOTSUPP => nameof(Errno.EOPNOTSUPP),
            Errno errno => errno.ToString(),
        };
}
