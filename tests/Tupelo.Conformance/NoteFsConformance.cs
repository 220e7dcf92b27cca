// Every suite and probe on the sample plug-in; what it does not declare is skipped, or listed here with what it answers.
namespace Tupelo.Conformance;

public sealed class NoteFsOracle : OracleTests<NoteFsMount>
{
    // Each line is an answer that comes from a feature that NoteFs does not declare; the core gives all of them.
    protected override IReadOnlyDictionary<string, (string Answer, string Reason)> Differences { get; } = List(
        ("no hard links", "EPERM", [
            "link(symlink) links the symlink", "linkat(AT_SYMLINK_FOLLOW)", "linkat(fd,\"\",AT_EMPTY_PATH)", "linkat unlinked-open file (nlink 0)"]),
        ("no hard links, so the setting has no hl", "setting: ENOENT", ["rename(f,hardlink of f) keeps both"]),
        ("no special files", "EPERM", ["mknod(S_IFSOCK)"]),
        ("no special files, so the setting has no fifo", "ENOENT", [
            "open(fifo,O_WRONLY|O_NONBLOCK) no reader", "open(fifo,O_RDONLY|O_NONBLOCK)", "truncate(fifo)", "setxattr(fifo user.*)"]),
        ("no special files, so the setting has no fifo", "setting: ENOENT", [
            "pread(fifo)", "lseek(fifo)", "ftruncate(fifo fd)", "fallocate(fifo)", "fsync(fifo)"]),
        ("no temporary files", "EOPNOTSUPP", ["open(dir,O_TMPFILE|O_RDWR)"]),
        ("no temporary files", "setting: EOPNOTSUPP", ["linkat O_TMPFILE via AT_EMPTY_PATH", "linkat O_TMPFILE|O_EXCL"]),
        ("no whiteouts", "EINVAL", ["renameat2(WHITEOUT)"]),
        ("no direct access", "EINVAL", ["open(O_RDONLY|O_DIRECT)"]),
        ("no allocation in advance", "EOPNOTSUPP", ["fallocate(PUNCH|KEEP)", "fallocate(KEEP_SIZE) size unchanged"]),
        ("no extended attributes", "EOPNOTSUPP", [
            "setxattr(user.a)", "setxattr(user.z,XATTR_REPLACE)", "setxattr(\"user.\")", "getxattr(missing)", "removexattr(missing)"]),
        ("no extended attributes", "setting: EOPNOTSUPP", [
            "setxattr(user.a,XATTR_CREATE)", "getxattr(size 0)", "setxattr 2 bytes; getxattr(buf 1)", "listxattr(size 0)", "listxattr(buf 1)"]));

    private static Dictionary<string, (string Answer, string Reason)> List(params (string Reason, string Answer, string[] Probes)[] groups) => groups
        .SelectMany(group => group.Probes.Select(probe => (probe, group.Answer, group.Reason)))
        .ToDictionary(item => item.probe, item => (item.Answer, item.Reason), StringComparer.Ordinal);
}

public sealed class NoteFsDirectory : DirectorySuite<NoteFsMount>;

public sealed class NoteFsOpen : OpenSuite<NoteFsMount>;

public sealed class NoteFsRemove : RemoveSuite<NoteFsMount>;

public sealed class NoteFsRename : RenameSuite<NoteFsMount>;

public sealed class NoteFsLink : LinkSuite<NoteFsMount>;

public sealed class NoteFsReadWrite : ReadWriteSuite<NoteFsMount>;

public sealed class NoteFsSpace : SpaceSuite<NoteFsMount>;

public sealed class NoteFsReadDir : ReadDirSuite<NoteFsMount>;

public sealed class NoteFsXattr : XattrSuite<NoteFsMount>;

public sealed class NoteFsStat : StatSuite<NoteFsMount>;

public sealed class NoteFsPermission : PermissionSuite<NoteFsMount>;

public sealed class NoteFsName : NameSuite<NoteFsMount>;

public sealed class NoteFsDescriptor : DescriptorSuite<NoteFsMount>;

public sealed class NoteFsProcess : ProcessSuite<NoteFsMount>;

public sealed class NoteFsLock : LockSuite<NoteFsMount>;

public sealed class NoteFsInotify : InotifySuite<NoteFsMount>;

public sealed class NoteFsPipe : PipeSuite<NoteFsMount>;

public sealed class NoteFsCopy : CopySuite<NoteFsMount>;

public sealed class NoteFsMounts : MountSuite<NoteFsMount>;

public sealed class NoteFsConcurrency : ConcurrencySuite<NoteFsMount>;

public sealed class NoteFsRenameStorm : RenameStormSuite<NoteFsMount>;
