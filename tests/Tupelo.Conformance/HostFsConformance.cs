// Every suite and probe on a directory of the host, through HostFs.
namespace Tupelo.Conformance;

public sealed class HostFsOracle : OracleTests<HostFsMount>
{
    protected override IReadOnlyDictionary<string, (string Answer, string Reason)> Differences { get; } =
        new Dictionary<string, (string Answer, string Reason)>(StringComparer.Ordinal)
        {
            ["renameat2(WHITEOUT)"] = ("EINVAL", "a whiteout is a device node, and the host's overlays would take it for theirs"),
            ["fallocate(COLLAPSE unaligned)"] = ("EINVAL", "what the host's file system can do is known when it is asked; the range is judged before, as on ext4"),
        };
}

public sealed class HostFsDirectory : DirectorySuite<HostFsMount>;

public sealed class HostFsOpen : OpenSuite<HostFsMount>;

public sealed class HostFsRemove : RemoveSuite<HostFsMount>;

public sealed class HostFsRename : RenameSuite<HostFsMount>;

public sealed class HostFsLink : LinkSuite<HostFsMount>;

public sealed class HostFsReadWrite : ReadWriteSuite<HostFsMount>;

public sealed class HostFsSpace : SpaceSuite<HostFsMount>;

public sealed class HostFsReadDir : ReadDirSuite<HostFsMount>;

public sealed class HostFsXattr : XattrSuite<HostFsMount>;

public sealed class HostFsStat : StatSuite<HostFsMount>;

public sealed class HostFsPermission : PermissionSuite<HostFsMount>;

public sealed class HostFsName : NameSuite<HostFsMount>;

public sealed class HostFsDescriptor : DescriptorSuite<HostFsMount>;

public sealed class HostFsProcess : ProcessSuite<HostFsMount>;

public sealed class HostFsLock : LockSuite<HostFsMount>;

public sealed class HostFsInotify : InotifySuite<HostFsMount>;

public sealed class HostFsPipe : PipeSuite<HostFsMount>;

public sealed class HostFsCopy : CopySuite<HostFsMount>;

public sealed class HostFsMounts : MountSuite<HostFsMount>;

public sealed class HostFsConcurrency : ConcurrencySuite<HostFsMount>
{
    // Each call is several of the host's.
    protected override int HistoryCount => 40;
}


public sealed class HostFsRenameStorm : RenameStormSuite<HostFsMount>;
public sealed class HostFsReadOnly : ReadOnlySuite<ReadOnlyHostFsMount>;
