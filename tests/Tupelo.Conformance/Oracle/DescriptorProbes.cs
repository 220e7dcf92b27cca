// Probes of fcntl, dup, locks, directories, polling, inotify, mappings, extended attributes and what else works on descriptors.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Conformance.ProbeSetting;
using static Tupelo.Conformance.ProbeTable;

namespace Tupelo.Conformance;

internal static class DescriptorProbes
{
    public static Probe[] All { get; } =
    [
        Status("dup(-1)", p => p.S.Dup(-1)),
        Value("dup2(3,3) valid", p => p.S.Dup2(p.DirectoryFd, p.DirectoryFd) == p.DirectoryFd ? 1 : 0),
        Status("dup2(-1,-1)", p => p.S.Dup2(-1, -1)),
        Status("dup3(3,3,0)", p => p.S.Dup3(p.DirectoryFd, p.DirectoryFd, 0)),
        Status("dup3(flags bad)", p => p.S.Dup3(p.DirectoryFd, 90, 1)),
        Status("dup2(fd,-1)", p => p.S.Dup2(p.DirectoryFd, -1)),
        Status("dup2(fd,1<<20)", p => p.S.Dup2(p.DirectoryFd, 1 << 20)),
        Status("F_DUPFD(min -1)", p => p.S.Fcntl(p.DirectoryFd, F_DUPFD, -1)),
        Status("F_DUPFD(min 1<<20)", p => p.S.Fcntl(p.DirectoryFd, F_DUPFD, 1 << 20)),
        Value("F_DUPFD_CLOEXEC(min 50) fd", p => p.S.Fcntl(p.DirectoryFd, F_DUPFD_CLOEXEC, 50)),
        Value("F_GETFD on it", p => p.S.Fcntl((int)p.S.Fcntl(p.DirectoryFd, F_DUPFD_CLOEXEC, 50), F_GETFD)),
        Value("F_GETFD on orig", p =>
        {
            Must(p.S.Fcntl(p.DirectoryFd, F_DUPFD_CLOEXEC, 50));
            return p.S.Fcntl(p.DirectoryFd, F_GETFD);
        }),
        Value("dup of CLOEXEC fd: F_GETFD", p =>
        {
            int closeOnExec = (int)Must(p.S.Fcntl(p.DirectoryFd, F_DUPFD_CLOEXEC, 50));
            return p.S.Fcntl((int)Must(p.S.Dup(closeOnExec)), F_GETFD);
        }),
        Value("F_SETFL O_RDWR ignored; F_GETFL acc", p =>
        {
            Must(p.S.Fcntl(p.ReadFd, F_SETFL, O_RDWR | O_APPEND));
            long flags = p.S.Fcntl(p.ReadFd, F_GETFL);
            return flags < 0 ? flags : flags & (O_ACCMODE | O_APPEND);
        }),
        Value("F_GETFL(O_PATH)", p =>
        {
            long flags = p.S.Fcntl(p.Open("f"u8, O_PATH), F_GETFL);
            return flags < 0 ? flags : flags & O_PATH;
        }),
        Status("F_SETFL(O_PATH)", p => p.S.Fcntl(p.Open("f"u8, O_PATH), F_SETFL, 0)),
        Status("fcntl unknown cmd", p => p.S.Fcntl(p.ReadFd, 9999)),
        Status("close_range(5,3,0)", p => p.S.CloseRange(5, 3, 0)),
        Status("close_range(bad flag)", p => p.S.CloseRange(60, 61, 8)),
        Status("flock(op 0)", p => p.S.Flock(p.FileFd, 0)),
        Status("flock(SH) O_RDONLY", p => p.S.Flock(p.ReadFd, LOCK_SH)),
        Status("flock(EX|NB) other ofd while SH held", p =>
        {
            Must(p.S.Flock(p.ReadFd, LOCK_SH));
            return p.S.Flock(p.FileFd, LOCK_EX | LOCK_NB);
        }),
        Status("flock convert SH->EX same ofd", p =>
        {
            Must(p.S.Flock(p.ReadFd, LOCK_SH));
            return p.S.Flock(p.ReadFd, LOCK_EX | LOCK_NB);
        }),
        Status("flock(UN)", p => p.S.Flock(p.ReadFd, LOCK_UN)),
        Status("flock(O_PATH)", p => p.S.Flock(p.Open("f"u8, O_PATH), LOCK_SH)),
        Status("flock(dirfd)", p => p.S.Flock(p.DirectoryFd, LOCK_EX | LOCK_NB)),
        Status("F_SETLK WRLCK on O_RDONLY fd", p => Lock(p, p.ReadFd, F_SETLK, new(F_WRLCK, 0, 10))),
        Status("F_SETLK WRLCK on RDWR", p => Lock(p, p.FileFd, F_SETLK, new(F_WRLCK, 0, 10))),
        Status("F_OFD_SETLK RDLCK other ofd vs POSIX WRLCK", p =>
        {
            Must(Lock(p, p.FileFd, F_SETLK, new(F_WRLCK, 0, 10)));
            return Lock(p, p.ReadFd, F_OFD_SETLK, new(F_RDLCK, 0, 10));
        }),
        Status("F_SETLK neg range before 0", p => Lock(p, p.FileFd, F_SETLK, new(F_WRLCK, 0, -20))),
        Status("F_SETLK bad type", p => Lock(p, p.FileFd, F_SETLK, new(99, 0, 10))),
        Status("F_OFD_GETLK l_pid!=0", p => Lock(p, p.FileFd, F_OFD_GETLK, new(F_WRLCK, 0, 0) { Pid = 1 })),
        Status("F_GETLK type F_UNLCK", p => Lock(p, p.FileFd, F_GETLK, new(F_UNLCK, 0, 0))),
        Status("close any fd of file drops POSIX lock", p =>
        {
            Must(Lock(p, p.FileFd, F_SETLK, new(F_WRLCK, 0, 10)));
            Must(p.S.Close(p.Open("f"u8, O_RDONLY)));
            return Lock(p, p.Open("f"u8, O_RDWR), F_OFD_SETLK, new(F_WRLCK, 0, 10));
        }),
        Status("F_SETLEASE", p => p.S.Fcntl(p.ReadFd, F_SETLEASE, F_RDLCK)),
        Status("F_GETPIPE_SZ on file", p => p.S.Fcntl(p.ReadFd, F_GETPIPE_SZ)),

        Status("getdents64(file fd)", p => p.S.GetDents64(p.FileFd, p.Buffer.AsSpan(0, 64))),
        Status("getdents64(buf too small 10)", p => p.S.GetDents64(p.DirectoryFd, p.Buffer.AsSpan(0, 10))),
        Value("getdents64(buf 24 for '.')", p => p.S.GetDents64(p.DirectoryFd, p.Buffer.AsSpan(0, 24))),
        Status("getdents64(O_PATH)", p => p.S.GetDents64(p.Open("d"u8, O_PATH), p.Buffer.AsSpan(0, 64))),
        Status("chdir(file)", p => p.S.ChDir("f"u8)),
        Status("chdir(\"\")", p => p.S.ChDir(""u8)),
        Status("fchdir(file fd)", p => p.S.FChDir(p.FileFd)),
        Status("fchdir(O_PATH dir)", p => p.S.FChDir(p.Open("."u8, O_PATH))),
        Status("getcwd(size 1)", p => p.S.GetCwd(p.Buffer.AsSpan(0, 1))),
        Status("getcwd(NULL,0) raw", p => p.S.GetCwd(default)),
        Status("chroot(file)", p => p.S.ChRoot("f"u8)),
        Value("umask returns old", p =>
        {
            Must(p.S.Umask(0));
            Must(p.S.Umask(Oct(22)));
            return p.S.Umask(Oct(777));
        }),
        Value("umask masks to 0777", p =>
        {
            Must(p.S.Umask(Oct(7777)));
            return p.S.Umask(Oct(22));
        }),
        Hex("poll(regular) revents", p => Poll(p, p.FileFd)),
        Hex("poll(dir) revents", p => Poll(p, p.DirectoryFd)),
        Hex("poll(O_PATH) revents", p => Poll(p, p.Open("f"u8, O_PATH))),
        Status("epoll_ctl(ADD regular)", p => EpollAdd(p, p.FileFd)),
        Status("epoll_ctl(ADD dir)", p => EpollAdd(p, p.DirectoryFd)),
        Value("inotify_add_watch(d)", p => p.S.InotifyAddWatch(Inotify(p), "d"u8, IN_ALL_EVENTS)),
        Status("inotify_add_watch(file,IN_ONLYDIR)", p => p.S.InotifyAddWatch(Inotify(p), "f"u8, IN_ALL_EVENTS | IN_ONLYDIR)),
        Status("inotify_add_watch(mask 0)", p => p.S.InotifyAddWatch(Inotify(p), "f"u8, 0)),
        Status("inotify_rm_watch(bad wd)", p => p.S.InotifyRmWatch(Inotify(p), 99)),
        Status("inotify_add_watch(non-inotify fd)", p => p.S.InotifyAddWatch(p.FileFd, "f"u8, IN_OPEN)),
        Status("mmap(O_WRONLY, PROT_READ)", p => Map(p, p.WriteFd, PROT_READ, MAP_SHARED)),
        Status("mmap(O_RDONLY, PROT_WRITE, SHARED)", p => Map(p, p.ReadFd, PROT_WRITE, MAP_SHARED)),
        Status("mmap(O_RDONLY, PROT_WRITE, PRIVATE)", p => Map(p, p.ReadFd, PROT_WRITE, MAP_PRIVATE)),
        Status("mmap(dir)", p => Map(p, p.DirectoryFd, PROT_READ, MAP_SHARED)),
        Status("mmap(offset unaligned)", p => Map(p, p.ReadFd, PROT_READ, MAP_SHARED, offset: 1)),
        Status("mmap(len 0)", p => Map(p, p.ReadFd, PROT_READ, MAP_SHARED, length: 0)),
        Status("setxattr(user.a)", p => p.S.SetXattr("f"u8, "user.a"u8, "v"u8, 0)),
        Status("setxattr(user.a,XATTR_CREATE)", p =>
        {
            Must(p.S.SetXattr("f"u8, "user.a"u8, "v"u8, 0));
            return p.S.SetXattr("f"u8, "user.a"u8, "v"u8, XATTR_CREATE);
        }),
        Status("setxattr(user.z,XATTR_REPLACE)", p => p.S.SetXattr("f"u8, "user.z"u8, "v"u8, XATTR_REPLACE)),
        Status("setxattr(bad flags)", p => p.S.SetXattr("f"u8, "user.a"u8, "v"u8, 8)),
        Status("setxattr(noprefix)", p => p.S.SetXattr("f"u8, "abc"u8, "v"u8, 0)),
        Status("setxattr(\"user.\")", p => p.S.SetXattr("f"u8, "user."u8, "v"u8, 0)),
        Status("setxattr(\"\")", p => p.S.SetXattr("f"u8, ""u8, "v"u8, 0)),
        Status("setxattr(sl user.* via lsetxattr)", p => p.S.LSetXattr("sl"u8, "user.a"u8, "v"u8, 0)),
        Status("setxattr(fifo user.*)", p => p.S.SetXattr("fifo"u8, "user.a"u8, "v"u8, 0)),
        Value("getxattr(size 0)", p =>
        {
            Must(p.S.SetXattr("f"u8, "user.a"u8, "v"u8, 0));
            return p.S.GetXattr("f"u8, "user.a"u8, default);
        }),
        Status("setxattr 2 bytes; getxattr(buf 1)", p =>
        {
            Must(p.S.SetXattr("f"u8, "user.b"u8, "vv"u8, 0));
            return p.S.GetXattr("f"u8, "user.b"u8, p.Buffer.AsSpan(0, 1));
        }),
        Status("getxattr(missing)", p => p.S.GetXattr("f"u8, "user.nope"u8, p.Buffer.AsSpan(0, 64))),
        Status("removexattr(missing)", p => p.S.RemoveXattr("f"u8, "user.nope"u8)),
        Value("listxattr(size 0)", p =>
        {
            Must(p.S.SetXattr("f"u8, "user.a"u8, "v"u8, 0));
            Must(p.S.SetXattr("f"u8, "user.b"u8, "vv"u8, 0));
            return p.S.ListXattr("f"u8, default);
        }),
        Status("listxattr(buf 1)", p =>
        {
            Must(p.S.SetXattr("f"u8, "user.a"u8, "v"u8, 0));
            return p.S.ListXattr("f"u8, p.Buffer.AsSpan(0, 1));
        }),
        Status("setxattr(value 65537)", p => p.S.SetXattr("f"u8, "user.big"u8, new byte[65537], 0)),
        Status("setxattr(name 256)", p => p.S.SetXattr("f"u8, [.. "user."u8, .. Letters(251)], "v"u8, 0)),
        Status("copy_file_range same file overlap", p => p.S.CopyFileRange(p.FileFd, 0, p.FileFd, 1, 3)),
        Status("copy_file_range flags 1", p => p.S.CopyFileRange(p.FileFd, p.WriteFd, 1, flags: 1)),
        Status("copy_file_range dir", p => p.S.CopyFileRange(p.DirectoryFd, p.WriteFd, 1)),
        Status("copy_file_range to O_APPEND", p =>
        {
            p.Make("ap"u8);
            long from = 0;
            return p.S.CopyFileRange(p.FileFd, ref from, p.Open("ap"u8, O_WRONLY | O_APPEND), ref Absent.Ref<long>(), 1, 0);
        }),
        Status("copy_file_range in O_WRONLY", p => p.S.CopyFileRange(p.WriteFd, p.FileFd, 1)),
        Status("sendfile(out O_APPEND)", p =>
        {
            p.Make("ap"u8);
            long from = 0;
            return p.S.SendFile(p.Open("ap"u8, O_WRONLY | O_APPEND), p.FileFd, ref from, 1);
        }),
        Status("posix_fadvise bad", p => p.S.FAdvise(p.FileFd, 0, 0, 77)),
        Status("ioctl unknown on file", p => p.S.IoCtl(p.FileFd, 0x1234, default)),
        Status("ioctl FIONREAD", p => p.S.IoCtl(p.FileFd, FIONREAD, p.Buffer.AsSpan(0, 4))),
        Status("statfs(missing)", p =>
        {
            var statfs = default(KernelStatFs);
            return p.S.StatFs("missing"u8, ref statfs);
        }),
        Status("fstatfs(O_PATH)", p =>
        {
            var statfs = default(KernelStatFs);
            return p.S.FStatFs(p.Open("f"u8, O_PATH), ref statfs);
        }),
        Status("fstatfs(pipe)", p =>
        {
            int[] ends = new int[2];
            Must(p.S.Pipe2(ends, 0));
            var statfs = default(KernelStatFs);
            return p.S.FStatFs(ends[0], ref statfs);
        }),
    ];

    private static long Lock(ProbeSetting p, int fd, int command, KernelLock description) => p.S.Fcntl(fd, command, ref description);

    private static long Poll(ProbeSetting p, int fd)
    {
        KernelPollFd[] fds = [new(fd, POLLIN | POLLOUT)];
        long ready = p.S.Poll(fds, 0);
        return ready < 0 ? ready : fds[0].ReturnedEvents;
    }

    private static long EpollAdd(ProbeSetting p, int fd)
    {
        var change = new KernelEpollEvent { Events = EPOLLIN };
        return p.S.EpollCtl((int)Must(p.S.EpollCreate1(0)), EPOLL_CTL_ADD, fd, ref change);
    }

    private static int Inotify(ProbeSetting p) => (int)Must(p.S.InotifyInit1(0));

    private static long Map(ProbeSetting p, int fd, int protection, int flags, int length = 4096, long offset = 0)
    {
        long mapping = p.S.MMap((nuint)length, protection, flags, fd, offset);
        return mapping < 0 ? mapping : p.S.MUnmap(mapping, (nuint)length);
    }
}
