// Every suite and probe on a mounted TFS volume.
namespace Tupelo.Conformance;

public sealed class TfsOracle : OracleTests<TfsMount>
{
    protected override IReadOnlyDictionary<string, (string Answer, string Reason)> Differences { get; } =
        AsExt4("TFS has every mode of fallocate, as ext4 does", ProbeGroups.Ranges);
}

public sealed class TfsDirectory : DirectorySuite<TfsMount>;

public sealed class TfsOpen : OpenSuite<TfsMount>;

public sealed class TfsRemove : RemoveSuite<TfsMount>;

public sealed class TfsRename : RenameSuite<TfsMount>;

public sealed class TfsLink : LinkSuite<TfsMount>;

public sealed class TfsReadWrite : ReadWriteSuite<TfsMount>;

public sealed class TfsSpace : SpaceSuite<TfsMount>;

public sealed class TfsReadDir : ReadDirSuite<TfsMount>;

public sealed class TfsXattr : XattrSuite<TfsMount>;

public sealed class TfsStat : StatSuite<TfsMount>;

public sealed class TfsPermission : PermissionSuite<TfsMount>;

public sealed class TfsName : NameSuite<TfsMount>;

public sealed class TfsDescriptor : DescriptorSuite<TfsMount>;

public sealed class TfsProcess : ProcessSuite<TfsMount>;

public sealed class TfsLock : LockSuite<TfsMount>;

public sealed class TfsInotify : InotifySuite<TfsMount>;

public sealed class TfsPipe : PipeSuite<TfsMount>;

public sealed class TfsCopy : CopySuite<TfsMount>;

public sealed class TfsMounts : MountSuite<TfsMount>;

public sealed class TfsConcurrency : ConcurrencySuite<TfsMount>;

public sealed class TfsRenameStorm : RenameStormSuite<TfsMount>;

// The same over a volume that was lived in, mounted again, and is compacted meanwhile.
