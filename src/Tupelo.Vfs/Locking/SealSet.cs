// SealSet is the set of promises on a memory file (memfd): bits are added, never taken away. The write path asks it under the
// inode's content lock, and Add is called with that lock held exclusively, so that a seal and a write do not pass each other.
// Locks: none of its own.
namespace Tupelo.Vfs;

/// <summary>Seals of a memory file. Source: fcntl(2), F_ADD_SEALS.</summary>
[Flags]
public enum Seals : uint
{
    None = 0,

    /// <summary>F_SEAL_SEAL: no more seals.</summary>
    Seal = 0x1,

    /// <summary>F_SEAL_SHRINK: the size may not become smaller.</summary>
    Shrink = 0x2,

    /// <summary>F_SEAL_GROW: the size may not become larger.</summary>
    Grow = 0x4,

    /// <summary>F_SEAL_WRITE: the content may not change.</summary>
    Write = 0x8,

    /// <summary>F_SEAL_FUTURE_WRITE: as Write, except through mappings that exist.</summary>
    FutureWrite = 0x10,

    /// <summary>F_SEAL_EXEC: the execute bits may not change.</summary>
    Exec = 0x20,

    /// <summary>Every seal there is.</summary>
    All = Seal | Shrink | Grow | Write | FutureWrite | Exec,
}

/// <summary>The seals of one inode. A file that was not made for sealing starts, and stays, with <see cref="Seals.Seal"/>.</summary>
public sealed class SealSet
{
    private uint _seals;

    /// <param name="allowSealing">MFD_ALLOW_SEALING.</param>
    public SealSet(bool allowSealing) => _seals = allowSealing ? 0 : (uint)Seals.Seal;

    /// <summary>F_GET_SEALS; one field read.</summary>
    public Seals Current => (Seals)Volatile.Read(ref _seals);

    /// <summary>F_ADD_SEALS. The caller holds the inode's content lock exclusively and has checked that the descriptor is writable (EPERM).</summary>
    /// <param name="writableMappings">Shared writable mappings of the file.</param>
    /// <param name="isExecutable">The file's mode has an execute bit.</param>
    /// <remarks>Errors, first match wins: EINVAL unknown seal · EPERM sealed against sealing · EBUSY Write with writable mappings.</remarks>
    public Errno Add(Seals seals, int writableMappings, bool isExecutable)
    {
        if ((seals & ~Seals.All) != 0)
        {
            return Errno.EINVAL;
        }
        Seals current = Current;
        if ((current & Seals.Seal) != 0)
        {
            return Errno.EPERM;
        }
        if ((seals & ~current & Seals.Write) != 0 && writableMappings > 0)
        {
            return Errno.EBUSY;
        }
        if ((seals & Seals.Exec) != 0 && isExecutable)
        {
            // As Linux: sealing the execute bit of a program seals its content too.
            seals |= Seals.Shrink | Seals.Grow | Seals.Write | Seals.FutureWrite;
        }
        Volatile.Write(ref _seals, (uint)(current | seals));
        return Errno.None;
    }

    /// <summary>May bytes be written at <paramref name="offset"/> of a file of <paramref name="size"/> bytes?</summary>
    /// <returns>None, or EPERM. A write that only partly grows a Grow-sealed file is cut by the caller at the size.</returns>
    public Errno CheckWrite(long offset, long size)
    {
        Seals current = Current;
        return (current & (Seals.Write | Seals.FutureWrite)) != 0 || ((current & Seals.Grow) != 0 && offset >= size) ? Errno.EPERM : Errno.None;
    }

    /// <summary>May the size change?</summary>
    /// <returns>None, or EPERM.</returns>
    public Errno CheckResize(long oldSize, long newSize)
    {
        Seals current = Current;
        return ((current & Seals.Shrink) != 0 && newSize < oldSize) || ((current & Seals.Grow) != 0 && newSize > oldSize) ? Errno.EPERM : Errno.None;
    }
}
