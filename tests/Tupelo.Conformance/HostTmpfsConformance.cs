// The suites on the host's own tmpfs. Linux is right by definition here: what fails is the suite.
namespace Tupelo.Conformance;

public sealed class HostTmpfsDirectory : DirectorySuite<HostTmpfsMount>;

public sealed class HostTmpfsOpen : OpenSuite<HostTmpfsMount>;

public sealed class HostTmpfsRemove : RemoveSuite<HostTmpfsMount>;

public sealed class HostTmpfsRename : RenameSuite<HostTmpfsMount>;

public sealed class HostTmpfsLink : LinkSuite<HostTmpfsMount>;

public sealed class HostTmpfsReadWrite : ReadWriteSuite<HostTmpfsMount>;

public sealed class HostTmpfsSpace : SpaceSuite<HostTmpfsMount>;

public sealed class HostTmpfsReadDir : ReadDirSuite<HostTmpfsMount>;

public sealed class HostTmpfsXattr : XattrSuite<HostTmpfsMount>;

public sealed class HostTmpfsStat : StatSuite<HostTmpfsMount>;

public sealed class HostTmpfsPermission : PermissionSuite<HostTmpfsMount>;

public sealed class HostTmpfsName : NameSuite<HostTmpfsMount>;

public sealed class HostTmpfsDescriptor : DescriptorSuite<HostTmpfsMount>;

public sealed class HostTmpfsProcess : ProcessSuite<HostTmpfsMount>;

public sealed class HostTmpfsLock : LockSuite<HostTmpfsMount>;

public sealed class HostTmpfsInotify : InotifySuite<HostTmpfsMount>;

public sealed class HostTmpfsPipe : PipeSuite<HostTmpfsMount>;

public sealed class HostTmpfsCopy : CopySuite<HostTmpfsMount>;

public sealed class HostTmpfsMounts : MountSuite<HostTmpfsMount>;

public sealed class HostTmpfsConcurrency : ConcurrencySuite<HostTmpfsMount>;

public sealed class HostTmpfsRenameStorm : RenameStormSuite<HostTmpfsMount>;

public sealed class HostTmpfsReadOnly : ReadOnlySuite<HostReadOnlyTmpfsMount>;
