// Every suite on RamFs, which declares everything; and the oracle's probes.
namespace Tupelo.Conformance;

/// <summary>RamFs answers as tmpfs does, but where it can do more than tmpfs; there it answers as ext4 does.</summary>
public sealed class RamFsOracle : OracleTests<RamFsMount>
{
    protected override IReadOnlyDictionary<string, (string Answer, string Reason)> Differences { get; } =
        AsExt4("RamFs has what ext4 has: every mode of fallocate, and reads that never wait", [.. ProbeGroups.Ranges, "preadv2(RWF_NOWAIT)"]);
}

public sealed class RamFsDirectory : DirectorySuite<RamFsMount>;

public sealed class RamFsOpen : OpenSuite<RamFsMount>;

public sealed class RamFsRemove : RemoveSuite<RamFsMount>;

public sealed class RamFsRename : RenameSuite<RamFsMount>;

public sealed class RamFsLink : LinkSuite<RamFsMount>;

public sealed class RamFsReadWrite : ReadWriteSuite<RamFsMount>;

public sealed class RamFsSpace : SpaceSuite<RamFsMount>;

public sealed class RamFsReadDir : ReadDirSuite<RamFsMount>;

public sealed class RamFsXattr : XattrSuite<RamFsMount>;

public sealed class RamFsStat : StatSuite<RamFsMount>;

public sealed class RamFsPermission : PermissionSuite<RamFsMount>;

public sealed class RamFsName : NameSuite<RamFsMount>;

public sealed class RamFsDescriptor : DescriptorSuite<RamFsMount>;

public sealed class RamFsProcess : ProcessSuite<RamFsMount>;

public sealed class RamFsLock : LockSuite<RamFsMount>;

public sealed class RamFsInotify : InotifySuite<RamFsMount>;

public sealed class RamFsPipe : PipeSuite<RamFsMount>;

public sealed class RamFsCopy : CopySuite<RamFsMount>;

public sealed class RamFsMounts : MountSuite<RamFsMount>;

public sealed class RamFsConcurrency : ConcurrencySuite<RamFsMount>;

public sealed class RamFsRenameStorm : RenameStormSuite<RamFsMount>;

public sealed class RamFsReadOnly : ReadOnlySuite<ReadOnlyRamFsMount>;
