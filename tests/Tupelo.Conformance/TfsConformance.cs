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
public sealed class LivedInTfsOracle : OracleTests<LivedInTfsMount>
{
    protected override IReadOnlyDictionary<string, (string Answer, string Reason)> Differences { get; } =
        AsExt4("TFS has every mode of fallocate, as ext4 does", ProbeGroups.Ranges);
}

public sealed class LivedInTfsDirectory : DirectorySuite<LivedInTfsMount>;

public sealed class LivedInTfsOpen : OpenSuite<LivedInTfsMount>;

public sealed class LivedInTfsRemove : RemoveSuite<LivedInTfsMount>;

public sealed class LivedInTfsRename : RenameSuite<LivedInTfsMount>;

public sealed class LivedInTfsLink : LinkSuite<LivedInTfsMount>;

public sealed class LivedInTfsReadWrite : ReadWriteSuite<LivedInTfsMount>;

public sealed class LivedInTfsSpace : SpaceSuite<LivedInTfsMount>;

public sealed class LivedInTfsReadDir : ReadDirSuite<LivedInTfsMount>;

public sealed class LivedInTfsXattr : XattrSuite<LivedInTfsMount>;

public sealed class LivedInTfsStat : StatSuite<LivedInTfsMount>;

public sealed class LivedInTfsPermission : PermissionSuite<LivedInTfsMount>;

public sealed class LivedInTfsName : NameSuite<LivedInTfsMount>;

public sealed class LivedInTfsDescriptor : DescriptorSuite<LivedInTfsMount>;

public sealed class LivedInTfsProcess : ProcessSuite<LivedInTfsMount>;

public sealed class LivedInTfsLock : LockSuite<LivedInTfsMount>;

public sealed class LivedInTfsInotify : InotifySuite<LivedInTfsMount>;

public sealed class LivedInTfsPipe : PipeSuite<LivedInTfsMount>;

public sealed class LivedInTfsCopy : CopySuite<LivedInTfsMount>;

public sealed class LivedInTfsMounts : MountSuite<LivedInTfsMount>;

public sealed class LivedInTfsConcurrency : ConcurrencySuite<LivedInTfsMount>;

public sealed class LivedInTfsRenameStorm : RenameStormSuite<LivedInTfsMount>;
