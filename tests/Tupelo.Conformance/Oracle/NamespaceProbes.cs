// Probes of mkdir, mknod, unlink, rmdir, rename, link, symlink and readlink.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Conformance.ProbeSetting;
using static Tupelo.Conformance.ProbeTable;

namespace Tupelo.Conformance;

internal static class NamespaceProbes
{
    public static Probe[] All { get; } =
    [
        Status("mkdir(existing)", p => p.S.MkDir("d"u8, Oct(755))),
        Status("mkdir(existing symlink dangling)", p => p.S.MkDir("dang"u8, Oct(755))),
        Status("mkdir(\"nd/\")", p => p.S.MkDir("nd/"u8, Oct(755))),
        Status("mkdir(\".\")", p => p.S.MkDir("."u8, Oct(755))),
        Status("mkdir(\"..\")", p => p.S.MkDir(".."u8, Oct(755))),
        Status("mkdir(\"/\")", p => p.S.MkDir("/"u8, Oct(755))),
        Status("mkdir(\"\")", p => p.S.MkDir(""u8, Oct(755))),
        Status("mkdir(f/x)", p => p.S.MkDir("f/x"u8, Oct(755))),
        Status("mkdir(dangling + \"/\")", p => p.S.MkDir("dang/"u8, Oct(755))),
        Status("mkdirat(regular fd)", p => p.S.MkDirAt(p.FileFd, "x"u8, Oct(755))),
        Status("mknod(S_IFREG)", p => p.S.MkNod("mn"u8, S_IFREG | Oct(644))),
        Status("mknod(S_IFDIR)", p => p.S.MkNod("mnd"u8, S_IFDIR | Oct(755))),
        Status("mknod(mode type 0)", p => p.S.MkNod("mn0"u8, Oct(644))),
        Status("mknod(S_IFSOCK)", p => p.S.MkNod("mns"u8, S_IFSOCK | Oct(644))),
        Status("mknod(S_IFLNK)", p => p.S.MkNod("mnl"u8, S_IFLNK | Oct(644))),
        Status("mknod(\"mn2/\")", p => p.S.MkNod("mn2/"u8, S_IFREG | Oct(644))),
        Status("mknod(existing)", p => p.S.MkNod("f"u8, S_IFREG | Oct(644))),
        Status("rmdir(non-empty)", p => p.S.RmDir("d"u8)),
        Status("unlinkat(non-empty,AT_REMOVEDIR)", p => p.S.UnlinkAt(p.BaseFd, "d"u8, AT_REMOVEDIR)),
        Status("unlinkat(dir,0)", p => p.S.UnlinkAt(p.BaseFd, "e"u8, 0)),
        Status("unlinkat(file,AT_REMOVEDIR)", p => p.S.UnlinkAt(p.BaseFd, "f"u8, AT_REMOVEDIR)),
        Status("unlinkat(file + \"/\",0)", p => p.S.UnlinkAt(p.BaseFd, "f/"u8, 0)),
        Status("unlinkat(bad flags 0x1)", p => p.S.UnlinkAt(p.BaseFd, "f"u8, 1)),
        Status("unlinkat(missing)", p => p.S.UnlinkAt(p.BaseFd, "missing"u8, 0)),
        Status("unlinkat(NULL)", p => p.S.UnlinkAt(p.BaseFd, default, 0)),
        Status("rmdir(\".\")", p => p.S.RmDir("."u8)),
        Status("rmdir(\"d/sub/..\")", p => p.S.RmDir("d/sub/.."u8)),
        Status("rmdir(\"nd/.\")", p =>
        {
            Must(p.S.MkDir("nd"u8, Oct(755)));
            return p.S.RmDir("nd/."u8);
        }),
        Status("rmdir(symlink-to-dir)", p => p.S.RmDir("sd"u8)),
        Status("rmdir(symlink-to-dir + \"/\")", p => p.S.RmDir("sd/"u8)),
        Status("rmdir(\"/\")", p => p.S.RmDir("/"u8)),
        Status("rmdir(mountpoint /proc)", p => p.S.RmDir("/proc"u8)),
        Status("unlink(\"..\")", p => p.S.Unlink(".."u8)),
        Status("unlink(\".\")", p => p.S.Unlink("."u8)),
        Status("unlink(symlink-to-dir)", p => p.S.Unlink("sd"u8)),
        Status("unlink(symlink-to-dir + \"/\")", p => p.S.Unlink("sd/"u8)),
        Value("unlink open file then fstat nlink+1", p =>
        {
            p.Make("uo"u8);
            int fd = p.Open("uo"u8, O_RDWR);
            long unlinked = p.S.Unlink("uo"u8);
            long linkCount = (long)p.FStat(fd).LinkCount;
            return unlinked < 0 ? unlinked : p.S.Write(fd, "x"u8) == 1 ? linkCount + 1 : -1;
        }),
        Status("create in removed cwd dir", p => p.S.OpenAt(p.RemovedDirectory(), "x"u8, O_CREAT | O_WRONLY, Oct(644))),
        Status("mkdirat in removed dir", p => p.S.MkDirAt(p.RemovedDirectory(), "x"u8, Oct(755))),
        Status("openat(removed dir,\"..\")", p => p.S.OpenAt(p.RemovedDirectory(), ".."u8, O_RDONLY, 0)),
        Status("getcwd in removed dir", p =>
        {
            Must(p.S.FChDir(p.RemovedDirectory()));
            return p.S.GetCwd(p.Buffer.AsSpan(0, 64));
        }),
        Status("getdents64 on removed dir", p => p.S.GetDents64(p.RemovedDirectory(), p.Buffer.AsSpan(0, 64))),

        Renaming("rename(file,dir)", p => p.S.Rename("r1"u8, "rd1"u8)),
        Renaming("rename(dir,file)", p => p.S.Rename("rd1"u8, "r1"u8)),
        Renaming("rename(dir,nonempty dir)", p => p.S.Rename("rd1"u8, "rd2"u8)),
        Renaming("rename(dir,dir/child)", p => p.S.Rename("rd2"u8, "rd2/c"u8)),
        Renaming("rename(dir,ancestor)", p => p.S.Rename("d/sub"u8, "d"u8)),
        Renaming("rename(file,ancestor dir of itself)", p => p.S.Rename("d/sub/x"u8, "d"u8)),
        Renaming("rename(self,self)", p => p.S.Rename("r1"u8, "r1"u8)),
        Value("rename(f,hardlink of f) keeps both", p =>
        {
            long renamed = p.S.Rename("f"u8, "hl"u8);
            return renamed < 0 ? renamed : (long)p.Stat("f"u8).LinkCount;
        }),
        Renaming("rename(missing,x)", p => p.S.Rename("missing"u8, "x"u8)),
        Renaming("rename(x,\".\")", p => p.S.Rename("r1"u8, "."u8)),
        Renaming("rename(\".\",x)", p => p.S.Rename("."u8, "x"u8)),
        Renaming("rename(\"d/..\",x)", p => p.S.Rename("d/.."u8, "x"u8)),
        Renaming("rename(file + \"/\",x)", p => p.S.Rename("r1/"u8, "x"u8)),
        Renaming("rename(file, newname + \"/\")", p => p.S.Rename("r1"u8, "newx/"u8)),
        Renaming("rename(dir, newname + \"/\")", p => p.S.Rename("rd1"u8, "rd1n/"u8)),
        Renaming("rename(dir + \"/\", newname)", p => p.S.Rename("rd1/"u8, "rd1n"u8)),
        Renaming("rename(file, existing file + \"/\")", p => p.S.Rename("r1"u8, "r2/"u8)),
        Renaming("rename(\"\",x)", p => p.S.Rename(""u8, "x"u8)),
        Renaming("rename(x,\"\")", p => p.S.Rename("r1"u8, ""u8)),
        Renaming("renameat2(NOREPLACE,existing)", p => p.S.Rename("r1"u8, "r2"u8, RENAME_NOREPLACE)),
        Renaming("renameat2(NOREPLACE,dangling symlink)", p => p.S.Rename("r1"u8, "dang"u8, RENAME_NOREPLACE)),
        Renaming("renameat2(EXCHANGE,missing)", p => p.S.Rename("r1"u8, "missing"u8, RENAME_EXCHANGE)),
        Renaming("renameat2(EXCHANGE,file<->dir)", p => p.S.Rename("r1"u8, "rd2"u8, RENAME_EXCHANGE)),
        Renaming("renameat2(EXCHANGE, dir with its descendant)", p => p.S.Rename("d"u8, "d/sub"u8, RENAME_EXCHANGE)),
        Renaming("renameat2(EXCHANGE|NOREPLACE)", p => p.S.Rename("r1"u8, "r2"u8, RENAME_EXCHANGE | RENAME_NOREPLACE)),
        Renaming("renameat2(unknown flag)", p => p.S.Rename("r1"u8, "r2"u8, 0x80)),
        Renaming("renameat2(WHITEOUT)", p => p.S.Rename("r1"u8, "wh"u8, RENAME_WHITEOUT)),
        Value("rename(file,onto symlink) replaces link", p =>
        {
            long renamed = p.S.Rename("g"u8, "sl"u8);
            return renamed < 0 ? renamed : p.LStat("sl"u8).TypeBits == S_IFREG ? 1 : -1;
        }),
        Renaming("rename(dir, onto symlink-to-dir)", p => p.S.Rename("rd1"u8, "sd"u8)),
        Renaming("rename across mounts", p => p.S.Rename("r2"u8, "/shm/zz"u8)),
        Renaming("rename(\"/\",x)", p => p.S.Rename("/"u8, "x"u8)),
        Renaming("rename(x, mountpoint /proc)", p => p.S.Rename("rd2"u8, "/proc"u8)),
        Status("renameat(NULL)", p => p.S.RenameAt2(p.BaseFd, default, p.BaseFd, "x"u8, 0)),

        Status("link(dir)", p => p.S.Link("d"u8, "ld"u8)),
        Status("link(existing)", p => p.S.Link("f"u8, "g"u8)),
        Value("link(symlink) links the symlink", p =>
        {
            long linked = p.S.Link("sl"u8, "lsl"u8);
            return linked < 0 ? linked : p.LStat("lsl"u8).TypeBits == S_IFLNK ? 1 : -1;
        }),
        Value("linkat(AT_SYMLINK_FOLLOW)", p =>
        {
            long linked = p.S.LinkAt(p.BaseFd, "sl"u8, p.BaseFd, "lslf"u8, AT_SYMLINK_FOLLOW);
            return linked < 0 ? linked : p.LStat("lslf"u8).TypeBits == S_IFREG ? 1 : -1;
        }),
        Status("linkat(bad flag)", p => p.S.LinkAt(p.BaseFd, "f"u8, p.BaseFd, "x1"u8, 0x4000)),
        Status("linkat(fd,\"\",AT_EMPTY_PATH)", p => p.S.LinkAt(p.FileFd, ""u8, p.BaseFd, "lep"u8, AT_EMPTY_PATH)),
        Status("linkat(fd,\"\",0)", p => p.S.LinkAt(p.FileFd, ""u8, p.BaseFd, "lep2"u8, 0)),
        Status("link(f,\"new/\")", p => p.S.Link("f"u8, "new/"u8)),
        Status("link(f,dangling symlink)", p => p.S.Link("f"u8, "dang"u8)),
        Status("linkat O_TMPFILE via AT_EMPTY_PATH", p =>
            p.S.LinkAt(p.Open("."u8, O_TMPFILE | O_RDWR, Oct(600)), ""u8, p.BaseFd, "tmplinked"u8, AT_EMPTY_PATH)),
        Status("linkat O_TMPFILE|O_EXCL", p =>
            p.S.LinkAt(p.Open("."u8, O_TMPFILE | O_EXCL | O_RDWR, Oct(600)), ""u8, p.BaseFd, "tmplinked2"u8, AT_EMPTY_PATH)),
        Status("linkat unlinked-open file (nlink 0)", p =>
        {
            p.Make("uo"u8);
            int fd = p.Open("uo"u8, O_RDWR);
            Must(p.S.Unlink("uo"u8));
            return p.S.LinkAt(fd, ""u8, p.BaseFd, "revive"u8, AT_EMPTY_PATH);
        }),
        Status("link across mounts", p => p.S.Link("f"u8, "/shm/zz"u8)),
        Status("symlink(\"\",x)", p => p.S.Symlink(""u8, "x"u8)),
        Status("symlink(t,existing)", p => p.S.Symlink("t"u8, "f"u8)),
        Status("symlink(t,dangling)", p => p.S.Symlink("t"u8, "dang"u8)),
        Status("symlink(t,\"s/\")", p => p.S.Symlink("t"u8, "s/"u8)),
        Status("symlink(target 4096 bytes)", p => p.S.Symlink(Letters(4096), "sl4096"u8)),
        Status("symlink(target 4095 bytes)", p => p.S.Symlink(Letters(4095), "sl4095"u8)),
        Status("symlink(name 255)", p => p.S.Symlink("t"u8, Letters(255))),
        Status("symlink(name 256)", p => p.S.Symlink("t"u8, Letters(256))),
        Status("readlink(file)", p => p.S.ReadLink("f"u8, p.Buffer.AsSpan(0, 64))),
        Status("readlink(dir)", p => p.S.ReadLink("d"u8, p.Buffer.AsSpan(0, 64))),
        Status("readlink(sl,bufsz 0)", p => p.S.ReadLinkAt(AT_FDCWD, "sl"u8, p.Buffer, 0)),
        Value("readlink(sl,bufsz 1) truncates", p => p.S.ReadLink("sl"u8, p.Buffer.AsSpan(0, 1))),
        Value("readlinkat(O_PATH|NOFOLLOW fd,\"\")", p => p.S.ReadLinkAt(p.Open("sl"u8, O_PATH | O_NOFOLLOW), ""u8, p.Buffer, 64)),
        Status("readlinkat(regular fd,\"\")", p => p.S.ReadLinkAt(p.FileFd, ""u8, p.Buffer, 64)),
        Status("readlink(sd + \"/\")", p => p.S.ReadLink("sd/"u8, p.Buffer.AsSpan(0, 64))),
        Value("lstat size of symlink", p => p.LStat("sl"u8).SizeBytes),
    ];

    /// <summary>A probe of success or failure with files r1 and r2, an empty directory rd1 and rd2, which has a file.</summary>
    private static Probe Renaming(string name, Func<ProbeSetting, long> ask) => Status(name, p =>
    {
        p.Make("r1"u8);
        p.Make("r2"u8);
        Must(p.S.MkDir("rd1"u8, Oct(755)));
        Must(p.S.MkDir("rd2"u8, Oct(755)));
        p.Make("rd2/x"u8);
        return ask(p);
    });
}
