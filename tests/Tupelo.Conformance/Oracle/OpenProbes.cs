// Probes of open, openat, openat2, read, write and lseek.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Conformance.ProbeSetting;
using static Tupelo.Conformance.ProbeTable;

namespace Tupelo.Conformance;

internal static class OpenProbes
{
    public static Probe[] All { get; } =
    [
        Status("openat(AT_FDCWD,NULL)", p => p.S.OpenAt(AT_FDCWD, default, O_RDONLY, 0)),
        Status("open(\"\")", p => p.S.Open(""u8, O_RDONLY)),
        Status("openat(dirfd,\"\",O_RDONLY)", p => p.S.OpenAt(p.DirectoryFd, ""u8, O_RDONLY, 0)),
        Status("openat(-1,\"f\")", p => p.S.OpenAt(-1, "f"u8, O_RDONLY, 0)),
        Status("openat(-1,abs path)", p => p.S.OpenAt(-1, "/"u8, O_RDONLY, 0)),
        Status("openat(regular-file-fd,\"x\")", p => p.S.OpenAt(p.FileFd, "x"u8, O_RDONLY, 0)),
        Status("open(file + \"/\") O_RDONLY", p => p.S.Open("f/"u8, O_RDONLY)),
        Status("open(newname + \"/\", O_CREAT)", p => p.S.Open("newf/"u8, O_CREAT | O_WRONLY, Oct(644))),
        Status("open(dir + \"/\", O_CREAT)", p => p.S.Open("d/"u8, O_CREAT | O_WRONLY, Oct(644))),
        Status("open(dir, O_WRONLY)", p => p.S.Open("d"u8, O_WRONLY)),
        Status("open(dir, O_RDONLY|O_TRUNC)", p => p.S.Open("d"u8, O_RDONLY | O_TRUNC)),
        Status("open(dir, O_CREAT|O_RDONLY)", p => p.S.Open("d"u8, O_CREAT | O_RDONLY, Oct(644))),
        Status("open(file, O_DIRECTORY)", p => p.S.Open("f"u8, O_DIRECTORY)),
        Status("open(missing, O_CREAT|O_DIRECTORY)", p => p.S.Open("newd"u8, O_CREAT | O_DIRECTORY | O_RDONLY, Oct(644))),
        Status("open(symlink, O_NOFOLLOW)", p => p.S.Open("sl"u8, O_NOFOLLOW)),
        Status("open(symlink-to-dir, O_NOFOLLOW|O_DIRECTORY)", p => p.S.Open("sd"u8, O_NOFOLLOW | O_DIRECTORY)),
        Status("open(symlink-to-dir + \"/\", O_NOFOLLOW)", p => p.S.Open("sd/"u8, O_NOFOLLOW)),
        Status("open(symlink, O_PATH|O_NOFOLLOW)", p => p.S.Open("sl"u8, O_PATH | O_NOFOLLOW)),
        Status("open(dangling symlink, O_CREAT) creates target", p =>
        {
            long fd = p.S.Open("dang"u8, O_CREAT | O_WRONLY, Oct(644));
            return fd < 0 ? fd : p.LStat("nope"u8).TypeBits == S_IFREG ? 0 : -1;
        }),
        Status("open(dangling symlink, O_CREAT|O_EXCL)", p => p.S.Open("dang"u8, O_CREAT | O_EXCL | O_WRONLY, Oct(644))),
        Status("open(existing, O_CREAT|O_EXCL)", p => p.S.Open("f"u8, O_CREAT | O_EXCL | O_WRONLY, Oct(644))),
        Status("open(loop)", p => p.S.Open("loop1"u8, O_RDONLY)),
        Status("open(f/x) component not dir", p => p.S.Open("f/x"u8, O_RDONLY)),
        Status("open(missing/x)", p => p.S.Open("missing/x"u8, O_RDONLY)),
        Status("open(dir,O_TMPFILE|O_RDWR)", p => p.S.Open("."u8, O_TMPFILE | O_RDWR, Oct(600))),
        Status("open(dir,O_TMPFILE|O_RDONLY)", p => p.S.Open("."u8, O_TMPFILE | O_RDONLY, Oct(600))),
        Status("open(file,O_TMPFILE|O_RDWR)", p => p.S.Open("f"u8, O_TMPFILE | O_RDWR, Oct(600))),
        Status("open(name of 256 bytes, O_CREAT)", p => p.S.Open(Letters(256), O_CREAT | O_WRONLY, Oct(644))),
        Status("open(name of 255 bytes, O_CREAT)", p => p.S.Open(Letters(255), O_CREAT | O_WRONLY, Oct(644))),
        Status("open(path of 4096 bytes w/o NUL)", p => p.S.Open(LongPath(4096, 0), O_RDONLY)),
        Status("open(path of 4095 bytes)", p => p.S.Open(LongPath(4095, 0), O_RDONLY)),
        Status("open(O_RDONLY|O_DIRECT)", p => p.S.Open("f"u8, O_RDONLY | O_DIRECT)),
        Status("open(fifo,O_WRONLY|O_NONBLOCK) no reader", p => p.S.Open("fifo"u8, O_WRONLY | O_NONBLOCK)),
        Status("open(fifo,O_RDONLY|O_NONBLOCK)", p => p.S.Open("fifo"u8, O_RDONLY | O_NONBLOCK)),
        Status("openat2(dirfd,\"../f\",RESOLVE_BENEATH)", p => p.S.OpenAt2(p.DirectoryFd, "../f"u8, Resolve(RESOLVE_BENEATH))),
        Status("openat2(dirfd,\"../sub/x\",RESOLVE_IN_ROOT)", p => p.S.OpenAt2(p.DirectoryFd, "../sub/x"u8, Resolve(RESOLVE_IN_ROOT))),
        Status("openat2(cwd,\"sl\",RESOLVE_NO_SYMLINKS)", p => p.S.OpenAt2(p.BaseFd, "sl"u8, Resolve(RESOLVE_NO_SYMLINKS))),
        Status("openat2(\"/proc/self\",RESOLVE_NO_XDEV)", p => p.S.OpenAt2(AT_FDCWD, "/proc/self"u8, Resolve(RESOLVE_NO_XDEV))),
        Status("openat2(mode!=0 without O_CREAT)", p => p.S.OpenAt2(p.BaseFd, "f"u8, new KernelOpenHow { Mode = Oct(644) })),
        Status("openat2(unknown flag)", p => p.S.OpenAt2(p.BaseFd, "f"u8, new KernelOpenHow { Flags = 0x80_0000_0000 })),
        Status("openat2(unknown resolve)", p => p.S.OpenAt2(p.BaseFd, "f"u8, Resolve(0x8000))),
        Status("openat2(size 4)", p => p.S.OpenAt2(p.BaseFd, "f"u8, new byte[24], 4)),

        Status("read(dirfd)", p => p.S.Read(p.DirectoryFd, p.Buffer.AsSpan(0, 1))),
        Status("read(O_WRONLY fd)", p => p.S.Read(p.WriteFd, p.Buffer.AsSpan(0, 1))),
        Status("write(O_RDONLY fd)", p => p.S.Write(p.ReadFd, "x"u8)),
        Status("read(-1)", p => p.S.Read(-1, p.Buffer.AsSpan(0, 1))),
        Status("read(O_PATH fd)", p => p.S.Read(p.Open("f"u8, O_PATH), p.Buffer.AsSpan(0, 1))),
        Status("fstat(O_PATH fd)", p =>
        {
            var stat = default(KernelStat);
            return p.S.FStat(p.Open("f"u8, O_PATH), ref stat);
        }),
        Status("fchmod(O_PATH fd)", p => p.S.FChMod(p.Open("f"u8, O_PATH), Oct(644))),
        Status("pread(offset -1)", p => p.S.PRead(p.ReadFd, p.Buffer.AsSpan(0, 1), -1)),
        Value("pread past EOF", p => p.S.PRead(p.ReadFd, p.Buffer.AsSpan(0, 1), 1000)),
        Status("pread(fifo)", p => p.S.PRead(p.Open("fifo"u8, O_RDONLY | O_NONBLOCK), p.Buffer.AsSpan(0, 1), 0)),
        Value("readv(iovcnt 0)", p => p.S.ReadV(p.ReadFd, OneByte(p), 0)),
        Status("readv(iovcnt -1)", p => p.S.ReadV(p.ReadFd, OneByte(p), -1)),
        Status("readv(iovcnt 1025)", p => p.S.ReadV(p.ReadFd, new KernelIoVec[1025], 1025)),
        Value("readv(iovcnt 1024, all len 0)", p => p.S.ReadV(p.ReadFd, new KernelIoVec[1024], 1024)),
        Status("readv(len -1)", p => p.S.ReadV(p.ReadFd, [KernelIoVec.Over(p.Buffer) with { Length = nuint.MaxValue }], 1)),
        Value("preadv2(RWF_APPEND on read)", p => p.S.PReadV2(p.ReadFd, OneByte(p), 1, 0, RWF_APPEND)),
        Status("preadv2(unknown flag)", p => p.S.PReadV2(p.ReadFd, OneByte(p), 1, 0, int.MinValue)),
        Value("preadv2(off -1 uses position)", p => p.S.PReadV2(p.ReadFd, OneByte(p), 1, -1, 0)),
        Value("pwritev2(RWF_APPEND, off 0)", p => p.S.PWriteV2(p.WriteFd, OneByte(p), 1, 0, RWF_APPEND)),
        Value("preadv2(RWF_NOWAIT)", p => p.S.PReadV2(p.ReadFd, OneByte(p), 1, 0, RWF_NOWAIT)),
        Status("lseek(fd,-1,SEEK_SET)", p => p.S.LSeek(p.ReadFd, -1, SEEK_SET)),
        Status("lseek whence 99", p => p.S.LSeek(p.ReadFd, 0, 99)),
        Status("lseek(fifo)", p => p.S.LSeek(p.Open("fifo"u8, O_RDONLY | O_NONBLOCK), 0, SEEK_SET)),
        Value("lseek(rd,1<<40,SEEK_SET)", p => p.S.LSeek(p.ReadFd, 1L << 40, SEEK_SET)),
        Status("lseek SEEK_DATA past EOF", p => p.S.LSeek(p.ReadFd, 100000, SEEK_DATA)),
        Value("lseek SEEK_HOLE 0", p =>
        {
            Must(p.S.PWrite(p.WriteFd, "!"u8, 5));
            return p.S.LSeek(p.ReadFd, 0, SEEK_HOLE);
        }),
        Value("lseek SEEK_DATA 0", p => p.S.LSeek(p.ReadFd, 0, SEEK_DATA)),
        Value("pwrite(O_APPEND fd, off 0) then size", p =>
        {
            int fd = p.Open("ap"u8, O_CREAT | O_RDWR | O_APPEND, Oct(644));
            Must(p.S.Write(fd, "12345"u8));
            long written = p.S.PWrite(fd, "Z"u8, 0);
            return written < 0 ? written : p.FStat(fd).SizeBytes;
        }),
        Status("write size 0 on O_RDONLY", p => p.S.Write(p.ReadFd, ""u8)),
    ];

    private static KernelOpenHow Resolve(ulong resolve) => new() { Resolve = resolve };

    private static KernelIoVec[] OneByte(ProbeSetting p) => [KernelIoVec.Over(p.Buffer) with { Length = 1 }];
}
