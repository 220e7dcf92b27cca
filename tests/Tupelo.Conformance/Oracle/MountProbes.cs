// Probes of mount, umount2, read-only mounts, binds and pivot_root, and of what an unprivileged process may do.
using static Tupelo.Conformance.LinuxAbi;
using static Tupelo.Conformance.ProbeSetting;
using static Tupelo.Conformance.ProbeTable;

namespace Tupelo.Conformance;

internal static class MountProbes
{
    private static readonly KernelTimespec[] OneSecond = [new(1, 0), new(1, 0)];

    public static Probe[] All { get; } =
    [
        Status("mount(unknown fs)", p =>
        {
            Must(p.S.MkDir("mp"u8, Oct(755)));
            return p.S.Mount("x"u8, "mp"u8, "nosuchfs"u8, 0, default);
        }),
        Status("mount(tmpfs on missing)", p => p.S.Mount("t"u8, "missing"u8, p.TestMount.ScratchType, 0, default)),
        Status("mount(tmpfs on file)", p => p.S.Mount("t"u8, "f"u8, p.TestMount.ScratchType, 0, default)),
        Status("mount(tmpfs mp)", p =>
        {
            Must(p.S.MkDir("mp"u8, Oct(755)));
            return p.S.Mount("t"u8, "mp"u8, p.TestMount.ScratchType, 0, "size=1m"u8);
        }),
        Status("mount(tmpfs mp again: stacks)", p =>
        {
            p.MountScratch();
            return p.S.Mount("t2"u8, "mp"u8, p.TestMount.ScratchType, 0, default);
        }),
        Status("umount(mp) top", p =>
        {
            p.MountScratch();
            return p.S.Umount("mp"u8);
        }),
        Status("umount busy (open file)", p =>
        {
            p.MountWithFile();
            p.Open("mp/x"u8, O_RDWR);
            return p.S.Umount("mp"u8);
        }),
        Status("umount2(MNT_EXPIRE) busy", p =>
        {
            p.MountWithFile();
            p.Open("mp/x"u8, O_RDWR);
            return p.S.Umount2("mp"u8, MNT_EXPIRE);
        }),
        OnMount("rename(mountpoint)", p => p.S.Rename("mp"u8, "mpx"u8)),
        OnMount("rmdir(mountpoint)", p => p.S.RmDir("mp"u8)),
        OnMount("remount ro with writer open", p =>
        {
            p.Open("mp/x"u8, O_RDWR);
            return p.S.Mount("t"u8, "mp"u8, default, MS_REMOUNT | MS_RDONLY, default);
        }),
        OnMount("remount ro", p => p.S.Mount("t"u8, "mp"u8, default, MS_REMOUNT | MS_RDONLY, default)),
        OnReadOnly("create on ro", p => p.S.Open("mp/y"u8, O_CREAT | O_WRONLY, Oct(644))),
        OnReadOnly("open existing O_WRONLY on ro", p => p.S.Open("mp/x"u8, O_WRONLY)),
        OnReadOnly("mkdir existing on ro", p => p.S.MkDir("mp/."u8, Oct(755))),
        OnReadOnly("mkdir new on ro", p => p.S.MkDir("mp/q"u8, Oct(755))),
        OnReadOnly("mkdir existing name on ro", p => p.S.MkDir("mp/x"u8, Oct(755))),
        OnReadOnly("unlink missing on ro", p => p.S.Unlink("mp/missing"u8)),
        OnReadOnly("unlink existing on ro", p => p.S.Unlink("mp/x"u8)),
        OnReadOnly("open O_CREAT existing rdonly on ro", p => p.S.Open("mp/x"u8, O_CREAT | O_RDONLY, Oct(644))),
        OnReadOnly("access W_OK on ro", p => p.S.Access("mp/x"u8, W_OK)),
        OnReadOnly("chmod on ro", p => p.S.ChMod("mp/x"u8, Oct(600))),
        OnReadOnly("utimensat on ro", p => p.S.UtimeNsAt(p.BaseFd, "mp/x"u8, default, 0)),
        OnReadOnly("setxattr on ro", p => p.S.SetXattr("mp/x"u8, "user.a"u8, "v"u8, 0)),
        OnReadOnly("truncate on ro", p => p.S.Truncate("mp/x"u8, 0)),
        Status("mount --bind d mp2", p =>
        {
            Must(p.S.MkDir("mp2"u8, Oct(755)));
            return p.S.Mount("d"u8, "mp2"u8, default, MS_BIND, default);
        }),
        OnBind("rename across bind of same fs", p => p.S.Rename("mp2/sub"u8, "d/sub2"u8)),
        OnBind("link across bind of same fs", p => p.S.Link("mp2/sub/x"u8, "d/lx"u8)),
        new("stat mp2/.. == .", AnswerKind.Value, p =>
        {
            p.Bind();
            return p.Stat("mp2/.."u8).Ino == p.Stat("."u8).Ino ? 1 : -1;
        }),
        Status("umount(non-mountpoint)", p => p.S.Umount("e"u8)),
        OnMount("umount2(bad flag)", p => p.S.Umount2("mp"u8, 0x100)),
        OnMount("umount2(MNT_EXPIRE|MNT_FORCE)", p => p.S.Umount2("mp"u8, MNT_EXPIRE | MNT_FORCE)),
        OnReadOnly("umount2(MNT_DETACH) busy", p =>
        {
            p.Open("mp/x"u8, O_RDONLY);
            return p.S.Umount2("mp"u8, MNT_DETACH);
        }),
        OnBind("umount mp2", p => p.S.Umount("mp2"u8)),
        OnMount("umount(symlink, UMOUNT_NOFOLLOW)", p =>
        {
            Must(p.S.Symlink("mp"u8, "smp"u8));
            return p.S.Umount2("smp"u8, UMOUNT_NOFOLLOW);
        }),
        Status("mount(MS_REMOUNT non-mount)", p => p.S.Mount("t"u8, "e"u8, default, MS_REMOUNT, default)),
        Status("pivot_root bogus", p => p.S.PivotRoot("d"u8, "d"u8)),

        Unprivileged("open(ro,O_WRONLY)", p => p.S.Open("ro"u8, O_WRONLY)),
        Unprivileged("stat(priv/x)", p =>
        {
            var stat = default(KernelStat);
            return p.S.Stat("priv/x"u8, ref stat);
        }),
        Unprivileged("open(new in 0755 root dir)", p => p.S.Open("nn"u8, O_CREAT | O_WRONLY, Oct(644))),
        Unprivileged("unlink(sticky/a) other's file", p => p.S.Unlink("sticky/a"u8)),
        Unprivileged("rename(sticky/a)", p => p.S.Rename("sticky/a"u8, "sticky/b"u8)),
        Unprivileged("unlink root's file in 0777 dir", p => p.S.Unlink("open777/w"u8)),
        Unprivileged("chmod not owner", p => p.S.ChMod("ro"u8, Oct(777))),
        Unprivileged("chown", p => p.S.ChOwn("ro"u8, 65534, 65534)),
        Unprivileged("utimensat(NULL times) no write", p => p.S.UtimeNsAt(AT_FDCWD, "ro"u8, default, 0)),
        Unprivileged("utimensat(explicit) not owner", p => p.S.UtimeNsAt(AT_FDCWD, "ro"u8, OneSecond, 0)),
        Unprivileged("O_NOATIME not owner", p => p.S.Open("ro"u8, O_RDONLY | O_NOATIME)),
        Unprivileged("mknod(S_IFCHR)", p => p.S.MkNod("open777/c"u8, S_IFCHR | Oct(644), 0x103)),
        Unprivileged("link to other's 0600 file (protected_hardlinks)", p => p.S.Link("nox"u8, "open777/l"u8)),
        Unprivileged("chroot", p => p.S.ChRoot("."u8)),
        Unprivileged("mount", p => p.S.Mount("t"u8, "open777"u8, p.TestMount.ScratchType, 0, default)),
        Unprivileged("truncate(ro,0)", p => p.S.Truncate("ro"u8, 0)),
        Unprivileged("access(nox,R_OK)", p => p.S.Access("nox"u8, R_OK)),
        Unprivileged("setxattr user on ro file", p => p.S.SetXattr("ro"u8, "user.q"u8, "v"u8, 0)),
        Unprivileged("setxattr trusted", p => p.S.SetXattr("open777"u8, "trusted.q"u8, "v"u8, 0)),
        Unprivileged("getxattr trusted", p => p.S.GetXattr("open777"u8, "trusted.q"u8, p.Buffer.AsSpan(0, 64))),
        Unprivileged("getdents(priv)", p => p.S.Open("priv"u8, O_RDONLY | O_DIRECTORY)),
        new("creat mode&~umask", AnswerKind.Value, p =>
        {
            p.BecomeUnprivileged();
            Must(p.S.Umask(Oct(27)));
            return p.FStat(p.Open("open777/um"u8, O_CREAT | O_RDWR, Oct(777))).Permissions & Oct(777);
        }),
    ];

    /// <summary>With a scratch file system at mp, which has a file x.</summary>
    private static Probe OnMount(string name, Func<ProbeSetting, long> ask) => Status(name, p =>
    {
        p.MountWithFile();
        return ask(p);
    });

    private static Probe OnReadOnly(string name, Func<ProbeSetting, long> ask) => Status(name, p =>
    {
        p.MountReadOnly();
        return ask(p);
    });

    private static Probe OnBind(string name, Func<ProbeSetting, long> ask) => Status(name, p =>
    {
        p.Bind();
        return ask(p);
    });

    private static Probe Unprivileged(string name, Func<ProbeSetting, long> ask) => Status(name, p =>
    {
        p.BecomeUnprivileged();
        return ask(p);
    });
}
