// A directory of the host that an extraction fills. Every operation takes a single name and happens in this directory, whatever
// others do to the paths that lead to it meanwhile; no symbolic link is followed, and a file gets its name when it is complete.
// Place: TreeExtractor stands on it. Two implementations: LinuxTargetDirectory works relative to open directories;
// PortableTargetDirectory has paths only and checks them first, which somebody who changes them at that moment can outrun.
//
// Names have been checked (TfsName.IsValid) before they come here. One caller at a time.
using Tupelo.Block;

namespace Tupelo.Images.Extraction;

/// <summary>What is restored of a file's attributes; null: left as the host makes it.</summary>
internal readonly record struct TargetAttributes
{
    /// <summary>Permission bits for a new file, within the umask.</summary>
    public uint Mode { get; init; }

    /// <summary>Permission, set-id and sticky bits exactly, umask or not.</summary>
    public uint? ExactMode { get; init; }

    public (uint Uid, uint Gid)? Owner { get; init; }

    public Timespec? ModifyTime { get; init; }

    public Timespec? AccessTime { get; init; }

    public List<(byte[] Name, byte[] Value)>? Xattrs { get; init; }
}

/// <summary>What making an entry came to.</summary>
/// <param name="Ino">Its number on its file system; 0 where the host cannot say.</param>
/// <param name="NotRestored">Extended attributes that the host did not take.</param>
internal readonly record struct Made(ulong Ino, int NotRestored);

internal abstract class TargetDirectory : IDisposable
{
    /// <summary>Answer for an entry that another entry of this extraction already is, on a host that tells names apart less finely.</summary>
    public const Errno SameAsAnother = Errno.ENOTUNIQ;

    private readonly HashSet<ulong> _placed = [];

    /// <summary>Opens the existing directory at <paramref name="path"/>, which is the user's own and followed wherever it leads.</summary>
    /// <exception cref="ImageException">There is none, or it may not be used.</exception>
    public static TargetDirectory OpenRoot(string path, bool portable)
    {
        if (path.Length == 0 || path.Contains('\0'))
        {
            throw new ImageException("a directory's name cannot be empty or contain NUL");
        }
        return HostCalls.AreKnown && !portable ? LinuxTargetDirectory.Open(path) : PortableTargetDirectory.Open(path);
    }

    /// <summary>Number of the object on its file system; 0 where the host cannot say.</summary>
    public ulong Ino { get; protected init; }

    /// <summary>Opens a directory in this one, made when it is not there.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="mode">Permission bits for a new one; the owner may always use it until <see cref="Finish"/>.</param>
    /// <param name="child">The directory.</param>
    /// <param name="created">True when it was made.</param>
    /// <remarks>Errors, first match wins: ENOTDIR something else has the name, a symbolic link to a directory too · EACCES · ENOSPC ·
    /// whatever the host answers.</remarks>
    public abstract Errno OpenOrMake(ReadOnlySpan<byte> name, uint mode, out TargetDirectory? child, out bool created);

    /// <summary>Opens a directory in this one.</summary>
    public abstract Errno OpenExisting(ReadOnlySpan<byte> name, out TargetDirectory? child);

    /// <summary>Makes a file that has no name that anybody would look for, until <see cref="Place"/> gives it one.</summary>
    public abstract Errno CreateFile(uint mode, out TargetFile? file);

    /// <summary>Gives a complete file its name.</summary>
    /// <param name="file">The file, which is closed by this when it succeeds.</param>
    /// <param name="name">Its name.</param>
    /// <param name="overwrite">Take the place of a file or link that has the name.</param>
    /// <remarks>Errors, first match wins: EEXIST · EISDIR a directory has the name · <see cref="SameAsAnother"/>.</remarks>
    public abstract Errno Place(TargetFile file, ReadOnlySpan<byte> name, bool overwrite);

    /// <summary>Makes a symbolic link.</summary>
    /// <remarks>Errors as <see cref="Place"/>.</remarks>
    public abstract Errno MakeSymlink(ReadOnlySpan<byte> name, ReadOnlySpan<byte> target, bool overwrite, in TargetAttributes attributes, out Made made);

    /// <summary>Makes a device node, FIFO or socket.</summary>
    /// <remarks>Errors as <see cref="Place"/>; EOPNOTSUPP where the host has none.</remarks>
    public abstract Errno MakeNode(ReadOnlySpan<byte> name, FileType type, ulong device, bool overwrite, in TargetAttributes attributes, out Made made);

    /// <summary>Gives a file of <paramref name="source"/> another name, here.</summary>
    /// <param name="source">Where it is.</param>
    /// <param name="sourceName">Its name there.</param>
    /// <param name="ino">Its number: when another file has taken the name meanwhile, nothing is made.</param>
    /// <param name="name">The new name.</param>
    /// <param name="overwrite">As for <see cref="Place"/>.</param>
    /// <remarks>Errors as <see cref="Place"/>; ESTALE another file has taken the name · EMLINK · EOPNOTSUPP.</remarks>
    public abstract Errno Link(TargetDirectory source, ReadOnlySpan<byte> sourceName, ulong ino, ReadOnlySpan<byte> name, bool overwrite);

    /// <summary>Restores the directory's own attributes when all in it is done.</summary>
    /// <param name="attributes">What to restore; <see cref="TargetAttributes.Mode"/> takes owner's rights away again that filling it needed.</param>
    /// <param name="notRestored">Attributes that the host did not take.</param>
    public abstract Errno Finish(in TargetAttributes attributes, out int notRestored);

    /// <summary>Gives the host's resources back until <see cref="Wake"/>; nothing else may be called meanwhile.</summary>
    public abstract void Park();

    /// <summary>True after <see cref="Park"/>.</summary>
    public abstract bool IsParked { get; }

    /// <summary>Takes the resources again.</summary>
    /// <param name="child">A directory in this one, open.</param>
    /// <remarks>Errors, first match wins: ESTALE somebody has moved the directories meanwhile.</remarks>
    public abstract Errno Wake(TargetDirectory child);

    /// <summary>Makes all that was written durable.</summary>
    public abstract Errno Sync();

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Remembers that this object is an entry of this extraction in this directory.</summary>
    protected void NotePlaced(ulong ino)
    {
        if (ino != 0)
        {
            _ = _placed.Add(ino);
        }
    }

    /// <summary>True when it is.</summary>
    protected bool WasPlaced(ulong ino) => ino != 0 && _placed.Contains(ino);
}

/// <summary>A file that is being written. Disposing one that was not placed removes it.</summary>
internal abstract class TargetFile : IDisposable
{
    /// <summary>Number of the object on its file system; 0 where the host cannot say.</summary>
    public ulong Ino { get; protected init; }

    /// <summary>Stores bytes.</summary>
    public abstract Errno Write(long offsetBytes, ReadOnlySpan<byte> bytes);

    /// <summary>Sets the length; what was not written is a hole.</summary>
    /// <remarks>Errors: EFBIG · ENOSPC.</remarks>
    public abstract Errno SetLength(long lengthBytes);

    /// <summary>Restores attributes when all is written.</summary>
    /// <param name="attributes">What to restore.</param>
    /// <param name="notRestored">Attributes that the host did not take.</param>
    public abstract Errno Finish(in TargetAttributes attributes, out int notRestored);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
