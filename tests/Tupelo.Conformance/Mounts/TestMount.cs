// What a file system brings to be tested: a way to start a machine that has it mounted, and an honest list of what it cannot do.
// A plug-in author writes one of these and one line per suite (see RamFsConformance.cs), and runs the project.
namespace Tupelo.Conformance;

/// <summary>What not every file system can do. A suite skips, with the name, a case whose feature is not declared.</summary>
[Flags]
public enum Features : long
{
    None = 0,

    /// <summary>More than one name for a file.</summary>
    HardLinks = 1L << 0,

    /// <summary>Symbolic links.</summary>
    Symlinks = 1L << 1,

    /// <summary>FIFOs and sockets by mknod.</summary>
    SpecialFiles = 1L << 2,

    /// <summary>Device nodes.</summary>
    DeviceNodes = 1L << 3,

    /// <summary>Attributes of the user namespace.</summary>
    UserXattrs = 1L << 4,

    /// <summary>Attributes of the trusted namespace.</summary>
    TrustedXattrs = 1L << 5,

    /// <summary>Owners, groups and permission bits that stay as set.</summary>
    Ownership = 1L << 6,

    /// <summary>O_TMPFILE.</summary>
    TmpFile = 1L << 7,

    /// <summary>renameat2 with NOREPLACE and EXCHANGE.</summary>
    RenameFlags = 1L << 8,

    /// <summary>renameat2 with WHITEOUT.</summary>
    Whiteout = 1L << 9,

    /// <summary>Holes: unwritten ranges take no space and SEEK_HOLE finds them.</summary>
    Sparse = 1L << 10,

    /// <summary>fallocate without flags and with KEEP_SIZE.</summary>
    Preallocate = 1L << 11,

    /// <summary>fallocate with PUNCH_HOLE.</summary>
    PunchHole = 1L << 12,

    /// <summary>fallocate with ZERO_RANGE, COLLAPSE_RANGE and INSERT_RANGE.</summary>
    ShiftRanges = 1L << 13,

    /// <summary>Time stamps that can be set to any nanosecond.</summary>
    NanosecondTimes = 1L << 14,

    /// <summary>Creation time in statx.</summary>
    BirthTime = 1L << 15,

    /// <summary>Shared and private file mappings.</summary>
    MemoryMaps = 1L << 16,

    /// <summary>Names of any bytes but '/' and NUL; without it, names must be UTF-8.</summary>
    ByteNames = 1L << 17,

    /// <summary>A directory's link count is 2 and one per subdirectory.</summary>
    DirectoryLinkCount = 1L << 18,

    /// <summary>name_to_handle_at and open_by_handle_at.</summary>
    FileHandles = 1L << 19,

    /// <summary>A size limit given at mount (option size=) that writes meet as ENOSPC.</summary>
    SizeLimit = 1L << 20,

    /// <summary>Sizes beyond 4 GiB.</summary>
    LargeFiles = 1L << 21,

    /// <summary>Files that were unlinked while open stay usable.</summary>
    OpenUnlinked = 1L << 22,

    /// <summary>Writes of any kind. Without it only the read-only suite runs.</summary>
    Writable = 1L << 23,

    /// <summary>Regular files cannot be watched by epoll (EPERM), since they are always ready.</summary>
    FilesRefuseEpoll = 1L << 24,

    /// <summary>A FIFO's times move with what passes through it.</summary>
    FifoTimes = 1L << 25,

    /// <summary>Set-id bits fall, and sticky directories refuse devices, by who the caller is: not where a kernel below sees only who runs
    /// Tupelo.</summary>
    CallersRights = 1L << 26,

    /// <summary>Histories of concurrent calls can be recorded on it.</summary>
    Histories = 1L << 27,

    All = (1L << 28) - 1,
}

/// <summary>A file system under test.</summary>
public abstract class TestMount
{
    /// <summary>Its name in test results.</summary>
    public abstract string Name { get; }

    /// <summary>What it can do.</summary>
    public abstract Features Features { get; }

    /// <summary>The name by which mount(2) makes one more empty, writable instance of some file system in this machine.</summary>
    public abstract ReadOnlySpan<byte> ScratchType { get; }

    /// <summary>
    /// Starts a machine and gives its first process: uid 0 with all capabilities, umask 022, no descriptors but 0 to 2 at most, its
    /// working directory /work. The file system under test is mounted there, empty; "/" , "/proc" and "/shm" are other mounts, of
    /// any kind; /shm is empty and writable, and /proc has a directory "self" and a file "version". Disposing the process ends the machine.
    /// </summary>
    /// <remarks>Skips the running test, with the reason, where the environment cannot provide it.</remarks>
    public abstract ISyscalls Boot();

    /// <summary>Which thread waits for which lock, where that is known: for a test that stands still.</summary>
    public virtual string DescribeLocks() => $"{Name} does not say who waits for whom";
}
