// Probes of the stat family, access, modes, owners, times, truncation, allocation and synchronization.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Conformance.ProbeSetting;
using static Tupelo.Conformance.ProbeTable;

namespace Tupelo.Conformance;

internal static class MetadataProbes
{
    private static readonly KernelTimespec Omit = new(0, UTIME_OMIT);

    public static Probe[] All { get; } =
    [
        Status("stat(\"\")", p => StatAt(p, AT_FDCWD, ""u8, 0)),
        Status("stat(NULL)", p => StatAt(p, AT_FDCWD, default, 0)),
        Status("fstatat(fd,\"\",AT_EMPTY_PATH)", p => StatAt(p, p.FileFd, ""u8, AT_EMPTY_PATH)),
        Status("fstatat(AT_FDCWD,\"\",AT_EMPTY_PATH)", p => StatAt(p, AT_FDCWD, ""u8, AT_EMPTY_PATH)),
        Status("fstatat(fd,\"\",0)", p => StatAt(p, p.FileFd, ""u8, 0)),
        Status("fstatat(bad flag)", p => StatAt(p, p.BaseFd, "f"u8, 0x8000)),
        Status("stat(f/)", p => StatAt(p, AT_FDCWD, "f/"u8, 0)),
        Status("lstat(sl/)", p => StatAt(p, AT_FDCWD, "sl/"u8, AT_SYMLINK_NOFOLLOW)),
        Value("lstat(sd/) is dir", p => p.LStat("sd/"u8).TypeBits == S_IFDIR ? 1 : 2),
        Status("stat(dangling)", p => StatAt(p, AT_FDCWD, "dang"u8, 0)),
        Status("stat(loop)", p => StatAt(p, AT_FDCWD, "loop1"u8, 0)),
        Status("stat bad pointer", p => p.S.NewFStatAt(AT_FDCWD, "f"u8, ref Absent.Ref<KernelStat>(), 0)),
        Status("fstatat(dirfd unused abs)", p => StatAt(p, -1, "/"u8, 0)),
        Value("nlink of dir with 1 subdir", p => (long)p.Stat("d"u8).LinkCount),
        Status("statx(mask reserved bit)", p => StatX(p, p.BaseFd, "f"u8, 0, 0x80000000, out _)),
        Status("statx(FORCE|DONT sync)", p =>
            StatX(p, p.BaseFd, "f"u8, AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, out _)),
        Value("statx(btime mask) has btime", p =>
        {
            long result = StatX(p, p.BaseFd, "f"u8, 0, STATX_BTIME, out KernelStatx statx);
            return result < 0 ? result : (statx.Mask & STATX_BTIME) != 0 ? 1 : 0;
        }),
        Status("statx(fd,NULL,AT_EMPTY_PATH)", p => StatX(p, p.FileFd, default, AT_EMPTY_PATH, STATX_BASIC_STATS, out _)),
        Status("statx(bad flag)", p => StatX(p, p.BaseFd, "f"u8, 0x10000000, STATX_BASIC_STATS, out _)),
        Value("statx mnt_id present", p =>
        {
            long result = StatX(p, p.BaseFd, "f"u8, 0, STATX_MNT_ID, out KernelStatx statx);
            return result < 0 ? result : (statx.Mask & STATX_MNT_ID) != 0 ? 1 : 0;
        }),
        Value("statx(/proc) MOUNT_ROOT attr", p =>
        {
            long result = StatX(p, p.BaseFd, "/proc"u8, 0, STATX_BASIC_STATS, out KernelStatx statx);
            return result < 0 ? result : (statx.Attributes & STATX_ATTR_MOUNT_ROOT) != 0 ? 1 : 0;
        }),
        Status("faccessat(bad mode 8)", p => p.S.FAccessAt2(p.BaseFd, "f"u8, 8, 0)),
        Status("access(F_OK missing)", p => p.S.Access("missing"u8, F_OK)),
        Status("faccessat2(AT_SYMLINK_NOFOLLOW dang)", p => p.S.FAccessAt2(p.BaseFd, "dang"u8, F_OK, AT_SYMLINK_NOFOLLOW)),
        Status("faccessat2(bad flag)", p => p.S.FAccessAt2(p.BaseFd, "f"u8, F_OK, 0x40000)),
        Status("faccessat2(fd,\"\",AT_EMPTY_PATH)", p => p.S.FAccessAt2(p.FileFd, ""u8, F_OK, AT_EMPTY_PATH)),
        Status("access(f,X_OK) root no x bits", p => p.S.Access("f"u8, X_OK)),
        Status("access(f,W_OK) ro fs /proc/version", p => p.S.Access("/proc/version"u8, W_OK)),
        Status("fchmodat2(sl,NOFOLLOW)", p => p.S.FChModAt2(p.BaseFd, "sl"u8, Oct(600), AT_SYMLINK_NOFOLLOW)),
        Status("fchmodat2(f,0)", p => p.S.FChModAt2(p.BaseFd, "f"u8, Oct(644), 0)),
        Status("chmod(dang)", p => p.S.ChMod("dang"u8, Oct(600))),
        Status("fchownat(sl,NOFOLLOW)", p => p.S.FChOwnAt(p.BaseFd, "sl"u8, 0, 0, AT_SYMLINK_NOFOLLOW)),
        Status("fchownat(-1,-1)", p => p.S.FChOwnAt(p.BaseFd, "f"u8, uint.MaxValue, uint.MaxValue, 0)),
        Status("fchownat(fd,\"\",AT_EMPTY_PATH)", p => p.S.FChOwnAt(p.FileFd, ""u8, 0, 0, AT_EMPTY_PATH)),
        Value("chown clears setuid", p =>
        {
            Must(p.S.ChMod("f"u8, Oct(4755)));
            long result = p.S.ChOwn("f"u8, 1, 1);
            return result < 0 ? result : p.Stat("f"u8).Permissions;
        }),
        Value("write clears setuid (root keeps)", p =>
        {
            Must(p.S.ChMod("f"u8, Oct(4755)));
            long result = p.S.Write(p.WriteFd, "h"u8);
            return result < 0 ? result : p.FStat(p.WriteFd).Permissions;
        }),
        Status("utimensat(OMIT,OMIT) on missing file", p => p.S.UtimeNsAt(p.BaseFd, "missing"u8, [Omit, Omit], 0)),
        Status("utimensat(OMIT,OMIT) existing", p => p.S.UtimeNsAt(p.BaseFd, "f"u8, [Omit, Omit], 0)),
        Status("utimensat(nsec 1e9)", p => p.S.UtimeNsAt(p.BaseFd, "f"u8, [new(0, 1_000_000_000), Omit], 0)),
        Status("utimensat(NOW, sec ignored)", p => p.S.UtimeNsAt(p.BaseFd, "f"u8, [new(-5, UTIME_NOW), Omit], 0)),
        Status("utimensat(negative sec)", p => p.S.UtimeNsAt(p.BaseFd, "f"u8, [new(-5, 0), Omit], 0)),
        Status("utimensat(sl,NOFOLLOW)", p => p.S.UtimeNsAt(p.BaseFd, "sl"u8, default, AT_SYMLINK_NOFOLLOW)),
        Status("utimensat(bad flag)", p => p.S.UtimeNsAt(p.BaseFd, "f"u8, default, 0x8000)),
        Status("utimensat(fd,NULL path)", p => p.S.UtimeNsAt(p.FileFd, default, default, 0)),
        Status("utimensat(AT_FDCWD,NULL path)", p => p.S.UtimeNsAt(AT_FDCWD, default, default, 0)),
        Status("utimensat(fd,\"\",0)", p => p.S.UtimeNsAt(p.FileFd, ""u8, default, 0)),
        Status("utimensat(fd,\"\",AT_EMPTY_PATH)", p => p.S.UtimeNsAt(p.FileFd, ""u8, default, AT_EMPTY_PATH)),
        Status("utimensat(\"f/\")", p => p.S.UtimeNsAt(p.BaseFd, "f/"u8, default, 0)),

        Status("truncate(f,-1)", p => p.S.Truncate("f"u8, -1)),
        Status("truncate(dir)", p => p.S.Truncate("d"u8, 0)),
        Status("ftruncate(O_RDONLY fd)", p => p.S.FTruncate(p.ReadFd, 0)),
        Status("ftruncate(dirfd)", p => p.S.FTruncate(p.DirectoryFd, 0)),
        Status("ftruncate(fifo fd)", p => p.S.FTruncate(p.Open("fifo"u8, O_RDWR | O_NONBLOCK), 0)),
        Status("truncate(fifo)", p => p.S.Truncate("fifo"u8, 0)),
        Status("truncate(\"\")", p => p.S.Truncate(""u8, 0)),
        Value("truncate extends with zeros", p =>
        {
            long result = p.S.Truncate("g"u8, 100);
            return result < 0 ? result : p.Stat("g"u8).SizeBytes;
        }),
        Status("fallocate(len 0)", p => p.S.FAllocate(p.FileFd, 0, 0, 0)),
        Status("fallocate(off -1)", p => p.S.FAllocate(p.FileFd, 0, -1, 1)),
        Status("fallocate(O_RDONLY fd)", p => p.S.FAllocate(p.ReadFd, 0, 0, 1)),
        Status("fallocate(dirfd)", p => p.S.FAllocate(p.DirectoryFd, 0, 0, 1)),
        Status("fallocate(fifo)", p => p.S.FAllocate(p.Open("fifo"u8, O_RDWR | O_NONBLOCK), 0, 0, 1)),
        Status("fallocate(PUNCH w/o KEEP)", p => p.S.FAllocate(p.FileFd, FALLOC_FL_PUNCH_HOLE, 0, 1)),
        Status("fallocate(PUNCH|KEEP)", p => p.S.FAllocate(p.FileFd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1)),
        Status("fallocate(ZERO_RANGE)", p => p.S.FAllocate(p.FileFd, FALLOC_FL_ZERO_RANGE, 0, 4096)),
        Status("fallocate(COLLAPSE unaligned)", p => p.S.FAllocate(p.FileFd, FALLOC_FL_COLLAPSE_RANGE, 1, 1)),
        Status("fallocate(INSERT)", p =>
        {
            // The recorded file had grown by a ZERO_RANGE before; an insertion must begin below the end.
            Must(p.S.FTruncate(p.FileFd, 8192));
            return p.S.FAllocate(p.FileFd, FALLOC_FL_INSERT_RANGE, 0, 4096);
        }),
        Value("fallocate(KEEP_SIZE) size unchanged", p =>
        {
            long before = p.FStat(p.FileFd).SizeBytes;
            long result = p.S.FAllocate(p.FileFd, FALLOC_FL_KEEP_SIZE, 0, 1 << 20);
            return result < 0 ? result : p.FStat(p.FileFd).SizeBytes == before ? 1 : -1;
        }),
        Status("fallocate(huge off+len overflow)", p => p.S.FAllocate(p.FileFd, 0, long.MaxValue - 1, 10)),
        Status("fallocate(unknown mode 0x1000)", p => p.S.FAllocate(p.FileFd, 0x1000, 0, 1)),
        Status("fsync(O_RDONLY fd)", p => p.S.FSync(p.ReadFd)),
        Status("fsync(dirfd)", p => p.S.FSync(p.DirectoryFd)),
        Status("fsync(fifo)", p => p.S.FSync(p.Open("fifo"u8, O_RDWR | O_NONBLOCK))),
        Status("fsync(O_PATH)", p => p.S.FSync(p.Open("f"u8, O_PATH))),
        Status("syncfs(O_PATH)", p => p.S.SyncFs(p.Open("f"u8, O_PATH))),
        Status("sync_file_range bad flags", p => p.S.SyncFileRange(p.FileFd, 0, 0, 0x80)),
        Status("sync_file_range(neg off)", p => p.S.SyncFileRange(p.FileFd, -1, 0, 0)),
    ];

    private static long StatAt(ProbeSetting p, int dirfd, ReadOnlySpan<byte> path, int flags)
    {
        var stat = default(KernelStat);
        return p.S.NewFStatAt(dirfd, path, ref stat, flags);
    }

    private static long StatX(ProbeSetting p, int dirfd, ReadOnlySpan<byte> path, int flags, uint mask, out KernelStatx statx)
    {
        statx = default;
        return p.S.StatX(dirfd, path, flags, mask, ref statx);
    }
}
