// Every suite and probe through Linux: its system calls on a FUSE mount of RamFs, served by this process.
namespace Tupelo.Conformance;

public sealed class FuseRamFsOracle : OracleTests<FuseRamFsMount>
{
    protected override IReadOnlyDictionary<string, (string Answer, string Reason)> Differences => FuseDifferences.Table;
}

public sealed class FuseRamFsDirectory : DirectorySuite<FuseRamFsMount>;

public sealed class FuseRamFsOpen : OpenSuite<FuseRamFsMount>;

public sealed class FuseRamFsRemove : RemoveSuite<FuseRamFsMount>;

public sealed class FuseRamFsRename : RenameSuite<FuseRamFsMount>;

public sealed class FuseRamFsLink : LinkSuite<FuseRamFsMount>;

public sealed class FuseRamFsReadWrite : ReadWriteSuite<FuseRamFsMount>;

public sealed class FuseRamFsSpace : SpaceSuite<FuseRamFsMount>;

public sealed class FuseRamFsReadDir : ReadDirSuite<FuseRamFsMount>;

public sealed class FuseRamFsXattr : XattrSuite<FuseRamFsMount>;

public sealed class FuseRamFsStat : StatSuite<FuseRamFsMount>;

public sealed class FuseRamFsPermission : PermissionSuite<FuseRamFsMount>;

public sealed class FuseRamFsName : NameSuite<FuseRamFsMount>;

public sealed class FuseRamFsDescriptor : DescriptorSuite<FuseRamFsMount>;

public sealed class FuseRamFsProcess : ProcessSuite<FuseRamFsMount>;

public sealed class FuseRamFsLock : LockSuite<FuseRamFsMount>;

public sealed class FuseRamFsInotify : InotifySuite<FuseRamFsMount>;

public sealed class FuseRamFsPipe : PipeSuite<FuseRamFsMount>;

public sealed class FuseRamFsCopy : CopySuite<FuseRamFsMount>;

public sealed class FuseRamFsMounts : MountSuite<FuseRamFsMount>;

public sealed class FuseRamFsConcurrency : ConcurrencySuite<FuseRamFsMount>;

public sealed class FuseRamFsRenameStorm : RenameStormSuite<FuseRamFsMount>;
