// Every suite and probe through Linux: its system calls on a FUSE mount of a TFS volume, served by this process.
namespace Tupelo.Conformance;

public sealed class FuseTfsOracle : OracleTests<FuseTfsMount>
{
    protected override IReadOnlyDictionary<string, (string Answer, string Reason)> Differences => FuseDifferences.Table;
}

public sealed class FuseTfsDirectory : DirectorySuite<FuseTfsMount>;

public sealed class FuseTfsOpen : OpenSuite<FuseTfsMount>;

public sealed class FuseTfsRemove : RemoveSuite<FuseTfsMount>;

public sealed class FuseTfsRename : RenameSuite<FuseTfsMount>;

public sealed class FuseTfsLink : LinkSuite<FuseTfsMount>;

public sealed class FuseTfsReadWrite : ReadWriteSuite<FuseTfsMount>;

public sealed class FuseTfsSpace : SpaceSuite<FuseTfsMount>;

public sealed class FuseTfsReadDir : ReadDirSuite<FuseTfsMount>;

public sealed class FuseTfsXattr : XattrSuite<FuseTfsMount>;

public sealed class FuseTfsStat : StatSuite<FuseTfsMount>;

public sealed class FuseTfsPermission : PermissionSuite<FuseTfsMount>;

public sealed class FuseTfsName : NameSuite<FuseTfsMount>;

public sealed class FuseTfsDescriptor : DescriptorSuite<FuseTfsMount>;

public sealed class FuseTfsProcess : ProcessSuite<FuseTfsMount>;

public sealed class FuseTfsLock : LockSuite<FuseTfsMount>;

public sealed class FuseTfsInotify : InotifySuite<FuseTfsMount>;

public sealed class FuseTfsPipe : PipeSuite<FuseTfsMount>;

public sealed class FuseTfsCopy : CopySuite<FuseTfsMount>;

public sealed class FuseTfsMounts : MountSuite<FuseTfsMount>;

public sealed class FuseTfsConcurrency : ConcurrencySuite<FuseTfsMount>;

public sealed class FuseReadOnlyTfs : ReadOnlySuite<FuseReadOnlyTfsMount>;

public sealed class FuseTfsRenameStorm : RenameStormSuite<FuseTfsMount>;
