// Probes in which two errors apply at once: which of them a caller sees is part of the interface, as programs test for it.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Conformance.ProbeSetting;

namespace Tupelo.Conformance;

internal static class PrecedenceProbes
{
    private const int BadFlag = 0x8000000;

    private static readonly byte[] N256 = [.. Enumerable.Repeat((byte)'n', 256)];
    private static readonly byte[] L4500 = LongPath(4500, firstSlash: 1);
    private static readonly KernelTimespec[] BadNanoseconds = [new(0, 2_000_000_000), new(0, 0)];

    public static Probe[] All { get; } =
    [
        Case("open f/<256>", p => p.S.Open([.. "f/"u8, .. N256], 0)),
        Case("open nope/<256>", p => p.S.Open([.. "nope/"u8, .. N256], 0)),
        Case("open <256>/x", p => p.S.Open([.. N256, .. "/x"u8], 0)),
        Case("open d/<256> no create", p => p.S.Open([.. "d/"u8, .. N256], 0)),
        Case("openat(-1,\"\")", p => p.S.OpenAt(-1, ""u8, 0, 0)),
        Case("openat(-1,NULL)", p => p.S.OpenAt(-1, default, 0, 0)),
        Case("openat(-1,4500)", p => p.S.OpenAt(-1, L4500, 0, 0)),
        Case("openat(filefd,\"\")", p => p.S.OpenAt(p.FileFd, ""u8, 0, 0)),
        Case("unlinkat(-1,x,badflag)", p => p.S.UnlinkAt(-1, "x"u8, 1)),
        Case("unlinkat(cwd,NULL,badflag)", p => p.S.UnlinkAt(AT_FDCWD, default, 1)),
        Case("fstatat(-1,x,badflag)", p => StatAt(p, -1, "x"u8, BadFlag)),
        Case("fstatat(cwd,NULL,badflag)", p => StatAt(p, AT_FDCWD, default, BadFlag)),
        Case("renameat2(NULL,NULL,badflag)", p => p.S.RenameAt2(AT_FDCWD, default, AT_FDCWD, default, 0x80)),
        Case("renameat2(-1,a,-1,NULL)", p => p.S.RenameAt2(-1, "a"u8, -1, default, 0)),
        Case("renameat2(-1,a,cwd,\"\")", p => p.S.RenameAt2(-1, "a"u8, AT_FDCWD, ""u8, 0)),
        Case("renameat2(cwd,nope,cwd,nope2/x)", p => p.S.Rename("nope"u8, "nope2/x"u8)),
        Case("rename(nope, f/x)", p => p.S.Rename("nope"u8, "f/x"u8)),
        Case("rename(nope,.)", p => p.S.Rename("nope"u8, "."u8)),
        Case("rename(.,nope/x)", p => p.S.Rename("."u8, "nope/x"u8)),
        Case("renameat2(NOREPLACE,nope,f)", p => p.S.Rename("nope"u8, "f"u8, RENAME_NOREPLACE)),
        Case("renameat2(NOREPLACE,f,f)", p => p.S.Rename("f"u8, "f"u8, RENAME_NOREPLACE)),
        Case("renameat2(NOREPLACE,f,.)", p => p.S.Rename("f"u8, "."u8, RENAME_NOREPLACE)),
        Case("renameat2(NOREPLACE,d,d/s)", p => p.S.Rename("d"u8, "d/s"u8, RENAME_NOREPLACE)),
        Case("renameat2(EXCHANGE,f,f)", p => p.S.Rename("f"u8, "f"u8, RENAME_EXCHANGE)),
        Case("rename(d,d)", p => p.S.Rename("d"u8, "d"u8)),
        Case("rename(d,f)", p => p.S.Rename("d"u8, "f"u8)),
        Case("rename(f/,nope/)", p => p.S.Rename("f/"u8, "nope/"u8)),
        Case("rename(f/,d)", p => p.S.Rename("f/"u8, "d"u8)),
        Case("rename(f,d/)", p => p.S.Rename("f"u8, "d/"u8)),
        Case("rename(f,e) empty dir", p => p.S.Rename("f"u8, "e"u8)),
        Case("rename(d,e/../d/s/x)", p => p.S.Rename("d"u8, "e/../d/s/x"u8)),
        Case("rename(d/s,d)", p => p.S.Rename("d/s"u8, "d"u8)),
        Case("rename(sl/,x)", p => p.S.Rename("sl/"u8, "x"u8)),
        Case("rename(sd/,x)", p => p.S.Rename("sd/"u8, "x"u8)),
        Case("rename(e, <256>)", p => p.S.Rename("e"u8, N256)),
        Case("rename(nope,<256>)", p => p.S.Rename("nope"u8, N256)),
        Case("link(nope,f)", p => p.S.Link("nope"u8, "f"u8)),
        Case("link(d,f)", p => p.S.Link("d"u8, "f"u8)),
        Case("link(f,.)", p => p.S.Link("f"u8, "."u8)),
        Case("link(d,nope/x)", p => p.S.Link("d"u8, "nope/x"u8)),
        Case("linkat(-1,NULL,..badflag)", p => p.S.LinkAt(-1, default, -1, default, 1)),
        Case("link(d,x/)", p => p.S.Link("d"u8, "x/"u8)),
        Case("symlink(\"\",f)", p => p.S.Symlink(""u8, "f"u8)),
        Case("symlink(NULL,f)", p => p.S.Symlink(default, "f"u8)),
        Case("symlink(t,nope/x)", p => p.S.Symlink("t"u8, "nope/x"u8)),
        Case("symlink(t,.)", p => p.S.Symlink("t"u8, "."u8)),
        Case("symlink(t,f/)", p => p.S.Symlink("t"u8, "f/"u8)),
        Case("readlink(nope,0)", p => p.S.ReadLinkAt(AT_FDCWD, "nope"u8, p.Buffer, 0)),
        Case("readlink(f,-1)", p => p.S.ReadLinkAt(AT_FDCWD, "f"u8, p.Buffer, -1)),
        Case("truncate(nope,-1)", p => p.S.Truncate("nope"u8, -1)),
        Case("truncate(NULL,-1)", p => p.S.Truncate(default, -1)),
        Case("ftruncate(-1,-1)", p => p.S.FTruncate(-1, -1)),
        Case("truncate(d,-1)", p => p.S.Truncate("d"u8, -1)),
        Case("utimensat(nope,bad ns)", p => p.S.UtimeNsAt(AT_FDCWD, "nope"u8, BadNanoseconds, 0)),
        Case("utimensat(-1,x,bad ns,badflag)", p => p.S.UtimeNsAt(-1, "x"u8, BadNanoseconds, 0x80)),
        Case("utimensat(-1,NULL,null)", p => p.S.UtimeNsAt(-1, default, default, 0)),
        Case("utimensat(fd,NULL,NOFOLLOW)", p => p.S.UtimeNsAt(p.FileFd, default, default, AT_SYMLINK_NOFOLLOW)),
        Case("mknod(f,S_IFDIR)", p => p.S.MkNod("f"u8, S_IFDIR)),
        Case("mknod(f,S_IFLNK)", p => p.S.MkNod("f"u8, S_IFLNK)),
        Case("mknod(f,0170000)", p => p.S.MkNod("f"u8, S_IFMT)),
        Case("mknod(nope/x,S_IFDIR)", p => p.S.MkNod("nope/x"u8, S_IFDIR)),
        Case("mknod(f/,REG)", p => p.S.MkNod("f/"u8, S_IFREG)),
        Case("mknod(d/,REG)", p => p.S.MkNod("d/"u8, S_IFREG)),
        Case("mkdir(f/)", p => p.S.MkDir("f/"u8, Oct(755))),
        Case("mkdir(sl/)", p => p.S.MkDir("sl/"u8, Oct(755))),
        Case("mkdir(loop/)", p => p.S.MkDir("loop/"u8, Oct(755))),
        Case("mkdir(loop/x)", p => p.S.MkDir("loop/x"u8, Oct(755))),
        Case("mkdir(<256>)", p => p.S.MkDir(N256, Oct(755))),
        Case("unlink(nope/)", p => p.S.Unlink("nope/"u8)),
        Case("unlink(d/)", p => p.S.Unlink("d/"u8)),
        Case("unlink(nope/.)", p => p.S.Unlink("nope/."u8)),
        Case("unlink(f/.)", p => p.S.Unlink("f/."u8)),
        Case("rmdir(f/.)", p => p.S.RmDir("f/."u8)),
        Case("rmdir(nope/.)", p => p.S.RmDir("nope/."u8)),
        Case("rmdir(nope/)", p => p.S.RmDir("nope/"u8)),
        Case("rmdir(f/)", p => p.S.RmDir("f/"u8)),
        Case("rmdir(\"\")", p => p.S.RmDir(""u8)),
        Case("unlink(/)", p => p.S.Unlink("/"u8)),
        Case("unlink(dang/)", p => p.S.Unlink("dang/"u8)),
        Case("unlink(loop)", p => p.S.Unlink("no-such-loop"u8)),   // The recorded call named a link that was not there.
        Case("rmdir(loop)", p => p.S.RmDir("loop"u8)),
        Case("rmdir(dang)", p => p.S.RmDir("dang"u8)),
        Case("open d O_CREAT|O_EXCL", p => p.S.Open("d"u8, O_CREAT | O_EXCL, Oct(644))),
        Case("open d/ O_CREAT|O_EXCL", p => p.S.Open("d/"u8, O_CREAT | O_EXCL, Oct(644))),
        Case("open f/ O_CREAT|O_EXCL", p => p.S.Open("f/"u8, O_CREAT | O_EXCL, Oct(644))),
        Case("open nope/x O_CREAT", p => p.S.Open("nope/x"u8, O_CREAT, Oct(644))),
        Case("open nope/x/ O_CREAT", p => p.S.Open("nope/x/"u8, O_CREAT, Oct(644))),
        Case("open d O_CREAT|O_DIRECTORY existing", p => p.S.Open("d"u8, O_CREAT | O_DIRECTORY, Oct(644))),
        Case("open sl O_CREAT|O_NOFOLLOW", p => p.S.Open("sl"u8, O_CREAT | O_NOFOLLOW | O_RDWR, Oct(644))),
        Case("open dang O_CREAT|O_NOFOLLOW", p => p.S.Open("dang"u8, O_CREAT | O_NOFOLLOW | O_RDWR, Oct(644))),
        Case("open dang/ O_CREAT", p => p.S.Open("dang/"u8, O_CREAT | O_RDWR, Oct(644))),
        Case("open . O_CREAT", p => p.S.Open("."u8, O_CREAT | O_RDWR, Oct(644))),
        Case("open loop O_CREAT|O_EXCL", p => p.S.Open("loop"u8, O_CREAT | O_EXCL, Oct(644))),
        Case("open loop/ O_RDONLY", p => p.S.Open("loop/"u8, O_RDONLY)),
        Case("open f O_PATH|O_DIRECTORY", p => p.S.Open("f"u8, O_PATH | O_DIRECTORY)),
        Case("open nope O_PATH|O_CREAT", p => p.S.Open("nope"u8, O_PATH | O_CREAT, Oct(644))),
        Case("open f accmode 3", p => p.S.Open("f"u8, O_ACCMODE)),
        Case("read on accmode 3", p => p.S.Read(p.Open("f"u8, O_ACCMODE), p.Buffer.AsSpan(0, 1))),
        Case("open nope O_TMPFILE|O_RDWR", p => p.S.Open("nope"u8, O_TMPFILE | O_RDWR, Oct(600))),
        Case("open d O_TMPFILE|O_CREAT|O_RDWR", p => p.S.Open("d"u8, O_TMPFILE | O_CREAT | O_RDWR, Oct(600))),
        Case("open <256> O_CREAT|O_EXCL", p => p.S.Open(N256, O_CREAT | O_EXCL, Oct(600))),
        Case("open d O_WRONLY|O_DIRECTORY", p => p.S.Open("d"u8, O_WRONLY | O_DIRECTORY)),
        Case("open d O_WRONLY|O_PATH", p => p.S.Open("d"u8, O_WRONLY | O_PATH)),
        Case("openat2(NULL,how bad)", p => p.S.OpenAt2(AT_FDCWD, default, new KernelOpenHow { Flags = 1UL << 40 })),
        Case("openat2(tail nonzero)", p => p.S.OpenAt2(AT_FDCWD, "f"u8, [.. new byte[39], 1], 40)),
        Case("openat2(tail zero)", p => p.S.OpenAt2(AT_FDCWD, "f"u8, new byte[40], 40)),
        Case("openat2 how size 8192", p => p.S.OpenAt2(AT_FDCWD, "f"u8, new byte[8192], 8192)),
        Case("pread(-1,off -1)", p => p.S.PRead(-1, p.Buffer.AsSpan(0, 1), -1)),
        Case("pwrite(rdonly,-1)", p => p.S.PWrite(p.ReadFd, p.Buffer.AsSpan(0, 1), -1)),
        Case("read(fd,NULL,1)", p => p.S.Read(p.FileFd, Absent.Span<byte>(1))),
        Case("read(fd,NULL,0)", p => p.S.Read(p.FileFd, default)),
        Case("write(fd,NULL,0)", p => p.S.Write(p.FileFd, default)),
        Case("read(dir,b,0)", p => p.S.Read(p.DirectoryFd, p.Buffer.AsSpan(0, 0))),
        Case("lseek(-1,bad whence)", p => p.S.LSeek(-1, 0, 99)),
        Case("readv(-1,cnt -1)", p => p.S.ReadV(-1, [KernelIoVec.Over(p.Buffer)], -1)),
        Case("readv(fd,NULL,1)", p => p.S.ReadV(p.FileFd, Absent.Span<KernelIoVec>(1), 1)),
        Case("fallocate(rdonly,len 0)", p => p.S.FAllocate(p.ReadFd, 0, 0, 0)),
        Case("fallocate(-1,badmode)", p => p.S.FAllocate(-1, 0x1000, 0, 1)),
        Case("fallocate(rdonly,badmode)", p => p.S.FAllocate(p.ReadFd, 0x1000, 0, 1)),
        Case("fallocate(dir,O_RDONLY,len 0)", p => p.S.FAllocate(p.DirectoryFd, 0, 0, 0)),
        Case("faccessat2(NULL,badmode)", p => p.S.FAccessAt2(AT_FDCWD, default, 8, 0)),
        Case("faccessat2(nope,badflag)", p => p.S.FAccessAt2(AT_FDCWD, "nope"u8, F_OK, 1)),
        Case("getxattr(nope,badname)", p => p.S.GetXattr("nope"u8, "noprefix"u8, p.Buffer.AsSpan(0, 1))),
        Case("setxattr(nope,badflags)", p => p.S.SetXattr("nope"u8, "user.a"u8, "x"u8, 9)),
        Case("setxattr(nope,name256)", p => p.S.SetXattr("nope"u8, N256, "x"u8, 0)),
        Case("getdents(-1,size 0)", p => p.S.GetDents64(-1, p.Buffer.AsSpan(0, 0))),
        Case("getdents(file,size 0)", p => p.S.GetDents64(p.FileFd, p.Buffer.AsSpan(0, 0))),
        Case("getdents(dir,NULL,100)", p => p.S.GetDents64(p.DirectoryFd, Absent.Span<byte>(100))),
        Case("dup3(-1,-1,bad)", p => p.S.Dup3(-1, -1, 1)),
        Case("dup3(-1,-1,0)", p => p.S.Dup3(-1, -1, 0)),
        Case("fcntl(-1,bad)", p => p.S.Fcntl(-1, 9999)),
        Case("flock(-1,bad)", p => p.S.Flock(-1, 0)),
        Case("copy_file_range(-1,badflag)", p => p.S.CopyFileRange(-1, -1, 1, flags: 1)),
        Case("statx(-1,\"\",badflag)", p => StatX(p, -1, ""u8, BadFlag, STATX_BASIC_STATS)),
        Case("statx(NULL,badmask)", p => StatX(p, AT_FDCWD, default, 0, 0x80000000)),
        Case("fchmodat2(NULL,badflag)", p => p.S.FChModAt2(AT_FDCWD, default, 0, 1)),
        Case("fchownat(NULL,badflag)", p => p.S.FChOwnAt(AT_FDCWD, default, 0, 0, 1)),
        Case("getcwd(NULL,4096)", p => p.S.GetCwd(Absent.Span<byte>(4096))),
        Case("chdir(nope/)", p => p.S.ChDir("nope/"u8)),
        Case("chdir(f/)", p => p.S.ChDir("f/"u8)),
        Case("fchdir(-1)", p => p.S.FChDir(-1)),
        Case("mmap(-1 fd,len 0)", p => p.S.MMap(0, PROT_READ, MAP_SHARED, -1, 0)),
        Case("mmap(dir,len 0)", p => p.S.MMap(0, PROT_READ, MAP_SHARED, p.DirectoryFd, 0)),
    ];

    /// <summary>With d/s (a directory) and loop (a link to itself) added, and the file's position at its end.</summary>
    private static Probe Case(string name, Func<ProbeSetting, long> ask) => ProbeTable.Status(name, p =>
    {
        Must(p.S.MkDir("d/s"u8, Oct(755)));
        Must(p.S.Symlink("loop"u8, "loop"u8));
        Must(p.S.LSeek(p.FileFd, 0, SEEK_END));
        return ask(p);
    });

    private static long StatAt(ProbeSetting p, int dirfd, ReadOnlySpan<byte> path, int flags)
    {
        var stat = default(KernelStat);
        return p.S.NewFStatAt(dirfd, path, ref stat, flags);
    }

    private static long StatX(ProbeSetting p, int dirfd, ReadOnlySpan<byte> path, int flags, uint mask)
    {
        var statx = default(KernelStatx);
        return p.S.StatX(dirfd, path, flags, mask, ref statx);
    }
}
