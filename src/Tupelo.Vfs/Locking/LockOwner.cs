// LockOwner says to whom a record lock belongs. Linux has two kinds that live in one list and conflict with each other: a process
// (POSIX locks, fcntl F_SETLK) and an open file description (F_OFD_SETLK). A door's client brings its own numbers: FUSE an owner
// of 64 bits, 9P a client string and a process id; the Number tells apart the owners behind one Key object.
namespace Tupelo.Vfs;

/// <summary>Identity of a lock's owner: compared by <see cref="Key"/> (by reference), <see cref="Number"/> and kind.</summary>
public readonly struct LockOwner : IEquatable<LockOwner>
{
    private LockOwner(object key, ulong number, int processId, bool isOpenFile)
    {
        Key = key;
        Number = number;
        ProcessId = processId;
        IsOpenFile = isOpenFile;
    }

    /// <summary>An owner of POSIX locks.</summary>
    /// <param name="key">One object per process (its fd table, its connection).</param>
    /// <param name="processId">What F_GETLK tells others.</param>
    /// <param name="number">Tells apart several owners behind one <paramref name="key"/>.</param>
    public static LockOwner ForProcess(object key, int processId, ulong number = 0) => new(key, number, processId, false);

    /// <summary>An owner of OFD locks: an open file description.</summary>
    public static LockOwner ForOpenFile(object openFile) => new(openFile, 0, -1, true);

    /// <summary>The object behind the owner.</summary>
    public object Key { get; }

    /// <summary>Tells apart several owners behind one <see cref="Key"/>.</summary>
    public ulong Number { get; }

    /// <summary>What F_GETLK reports; -1 for an open file description.</summary>
    public int ProcessId { get; }

    /// <summary>True for OFD locks: they are not part of deadlock detection.</summary>
    public bool IsOpenFile { get; }

    public bool Equals(LockOwner other) => ReferenceEquals(Key, other.Key) && Number == other.Number && IsOpenFile == other.IsOpenFile;

    public override bool Equals(object? obj) => obj is LockOwner other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(Key), Number, IsOpenFile);

    public static bool operator ==(LockOwner left, LockOwner right) => left.Equals(right);

    public static bool operator !=(LockOwner left, LockOwner right) => !left.Equals(right);
}
