// Every suite on RamFs, which declares everything; and the oracle's probes.
namespace Tupelo.Conformance;

/// <summary>RamFs answers as tmpfs does, but where it can do more than tmpfs; there it answers as ext4 does.</summary>
public sealed class RamFsOracle : OracleTests<RamFsMount>
{
    protected override IReadOnlyDictionary<string, (string Answer, string Reason)> Differences { get; } =
        new Dictionary<string, (string, string)>(StringComparer.Ordinal)
        {
            ["preadv2(RWF_NOWAIT)"] = ("OK (1)", "memory never makes a reader wait; tmpfs does not declare it, ext4 does"),
            ["fallocate(ZERO_RANGE)"] = ("OK", "RamFs has the mode, as ext4 does"),
            ["fallocate(COLLAPSE unaligned)"] = ("EINVAL", "RamFs has the mode, as ext4 does"),
            ["fallocate(INSERT)"] = ("OK", "RamFs has the mode, as ext4 does"),
        };

    [Fact]
    public void EachDifference_IsExt4sAnswer()
    {
        foreach ((string name, (string answer, _)) in Differences)
        {
            Probe probe = ProbeTable.Calls.Single(candidate => string.Equals(candidate.Name, name, StringComparison.Ordinal));
            Assert.Equal(probe.Expected(OracleText.Ext4), answer);
            Assert.NotEqual(probe.Expected(OracleText.Tmpfs), answer);
        }
    }
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

public sealed class RamFsReadOnly : ReadOnlySuite<ReadOnlyRamFsMount>;
