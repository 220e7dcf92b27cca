// What a file system overrides. Each default gives the errno of a file system that lacks the operation.
//
// What the core has done before a primitive is called, so that no file system checks it again:
//   names are 1..MaxNameBytes bytes, not "." or "..", without '/' and NUL; permissions, read-only mounts, sticky bits,
//   types, existence, emptiness, loops and limits are checked under the locks named here; ranges are not negative and do not
//   overflow; a read lies inside of the file. A primitive only does its work, all or nothing, and may fail for its own reasons
//   (ENOSPC, EDQUOT, EIO, ENOMEM, EROFS, EUCLEAN).
// What the core does afterwards: link counts, times, sizes, dentries, events.
// A primitive never calls back into the core's operations.
namespace Tupelo.Vfs;

/// <summary>rename's arguments, all checked; see <see cref="Vnode.Rename"/>.</summary>
public ref struct RenameRequest
{
    public required ReadOnlySpan<byte> OldName { get; init; }

    /// <summary>What <see cref="OldName"/> names.</summary>
    public required Vnode Source { get; init; }

    /// <summary>The directory moved into; often the one moved out of.</summary>
    public required Vnode NewDirectory { get; init; }
    public required ReadOnlySpan<byte> NewName { get; init; }

    /// <summary>What <see cref="NewName"/> names now: replaced, or exchanged. An empty directory or a file of the source's kind when replaced.</summary>
    public Vnode? Victim { get; init; }

    /// <summary>Put the victim under the old name instead of removing it.</summary>
    public bool Exchange { get; init; }

    /// <summary>Leave a character device 0/0 with these attributes under the old name; it goes out in <see cref="WhiteoutVnode"/>.</summary>
    public bool Whiteout { get; init; }

    /// <summary>Of the whiteout; meaningful with <see cref="Whiteout"/>.</summary>
    public NewVnode NewWhiteout { get; init; }

    /// <summary>Out: the whiteout made.</summary>
    public Vnode? WhiteoutVnode { get; set; }
}

public abstract partial class Vnode
{
    // ---- Directories

    /// <summary>Finds a name in this directory.</summary>
    /// <returns>None with the one object of that file; ENOENT and null when there is no such name (which is then cached).</returns>
    /// <remarks>Locks: this, shared (concurrent lookups of different and of equal names).</remarks>
    protected internal virtual Errno Lookup(VfsContext context, ReadOnlySpan<byte> name, out Vnode? child)
    {
        child = null;
        return Errno.ENOENT;
    }

    /// <summary>Lists entries after <paramref name="cookie"/> in a stable order, until <see cref="DirectoryWriter.Add"/> returns false.</summary>
    /// <remarks>
    /// "." and ".." are the core's: cookies 0, 1 and 2 mean the beginning; an entry's own cookie is above 2 and never changes while the entry
    /// lives, whatever is added or removed. Locks: this, shared.
    /// </remarks>
    protected internal virtual Errno ReadDirectory(VfsContext context, long cookie, ref DirectoryWriter writer) => Errno.None;

    /// <summary>Whether the directory has no names. The default asks <see cref="ReadDirectory"/>.</summary>
    /// <remarks>Locks: this, exclusive.</remarks>
    protected internal virtual Errno IsEmpty(VfsContext context, out bool empty)
    {
        Span<byte> room = stackalloc byte[DirectoryWriter.MaxRecordBytes];
        var writer = new DirectoryWriter(room);
        Errno errno = ReadDirectory(context, 0, ref writer);
        empty = writer.BytesWritten == 0 && !writer.IsFull;
        return errno;
    }

    /// <summary>Makes a file of any type, a symbolic link included, under a name that does not exist.</summary>
    /// <returns>The new vnode, with the attributes of <see cref="NewVnode.ToAttributes"/>.</returns>
    /// <remarks>Locks: this, exclusive. Errors: ENOSPC · EDQUOT · EIO · EPERM this file system has no such type.</remarks>
    protected internal virtual Errno Create(VfsContext context, ReadOnlySpan<byte> name, in NewVnode make, out Vnode? child)
    {
        child = null;
        return Errno.EPERM;
    }

    /// <summary>Makes a regular file without a name (O_TMPFILE), which <see cref="Link"/> may name later. Link count 0.</summary>
    /// <remarks>Locks: none. Needs <see cref="FileSystemFeatures.TemporaryFiles"/>.</remarks>
    protected internal virtual Errno CreateTemporary(VfsContext context, in NewVnode make, out Vnode? child)
    {
        child = null;
        return Errno.EOPNOTSUPP;
    }

    /// <summary>Gives a file that is not a directory one more name, which does not exist.</summary>
    /// <remarks>Locks: this and <paramref name="target"/>, exclusive. Needs <see cref="FileSystemFeatures.HardLinks"/>.</remarks>
    protected internal virtual Errno Link(VfsContext context, ReadOnlySpan<byte> name, Vnode target) => Errno.EPERM;

    /// <summary>Takes a name away: of a file, or of an empty directory. The file itself lives on until <see cref="Evict"/>.</summary>
    /// <remarks>Locks: this and <paramref name="victim"/>, exclusive.</remarks>
    protected internal virtual Errno Remove(VfsContext context, ReadOnlySpan<byte> name, Vnode victim) => Errno.EPERM;

    /// <summary>Moves a name, in one step that no crash can split.</summary>
    /// <remarks>Locks: this, the new directory, source and victim, exclusive; the file system's rename mutex when the directories differ
    /// (unless neither source nor victim is a directory).</remarks>
    protected internal virtual Errno Rename(VfsContext context, ref RenameRequest request) => Errno.EPERM;

    /// <summary>The directory that this directory is in; the root's is itself. Needed with <see cref="FileSystemFeatures.Handles"/>.</summary>
    /// <remarks>Locks: none.</remarks>
    protected internal virtual Errno GetParent(VfsContext context, out Vnode? parent)
    {
        parent = null;
        return Errno.EOPNOTSUPP;
    }

    /// <summary>Whether <paramref name="name"/> still means <paramref name="child"/> (null: still missing). Not asked under CachePolicy.Exclusive.</summary>
    /// <remarks>Locks: none.</remarks>
    protected internal virtual bool Revalidate(VfsContext context, ReadOnlySpan<byte> name, Vnode? child) => false;

    // ---- Attributes

    /// <summary>Reads all attributes from where they live, into <see cref="StoreAttributes"/>. Not asked under CachePolicy.Exclusive.</summary>
    /// <remarks>Locks: any. Errors: ESTALE the file is gone · EIO.</remarks>
    protected internal virtual Errno FetchAttributes(VfsContext context) => Errno.None;

    /// <summary>Stores a change of mode, owner, times or flags; the core's copy changes afterwards.</summary>
    /// <remarks>Locks: this, exclusive. Errors: EPERM cannot be stored · EIO · ENOSPC.</remarks>
    protected internal virtual Errno SetAttributes(VfsContext context, in AttributeChange change) =>
        FileSystem.CachePolicy == CachePolicy.Exclusive ? Errno.None : Errno.EPERM;

    /// <summary>Something in <see cref="Attributes"/> was changed by the core: a file system that keeps them elsewhere notes it.</summary>
    /// <remarks>Locks: this, exclusive; for the access time alone, any. Must not sleep.</remarks>
    protected internal virtual void AttributesChanged(AttributeMask what)
    {
    }

    /// <summary>A symbolic link's target: 1..4095 bytes. The memory must never change afterwards.</summary>
    /// <remarks>Locks: none.</remarks>
    protected internal virtual Errno ReadLink(VfsContext context, out ReadOnlyMemory<byte> target)
    {
        target = default;
        return Errno.EINVAL;
    }

    /// <summary>A link that leads to an object rather than to a path, as those in /proc/self/fd do. False for every other link.</summary>
    /// <remarks>Locks: none. The result is pinned; the caller releases it.</remarks>
    protected internal virtual bool TryFollowMagicLink(VfsContext context, out PathRef target, out Errno errno)
    {
        target = default;
        errno = Errno.None;
        return false;
    }

    // ---- Content of regular files

    /// <summary>Called at each open, after all checks, before truncation. A handle takes over the open file's reading, writing and polling.</summary>
    /// <remarks>Locks: none. <paramref name="handle"/> null: the vnode's own primitives serve.</remarks>
    protected internal virtual Errno Open(VfsContext context, OpenFlags flags, out OpenHandle? handle)
    {
        handle = null;
        return Errno.None;
    }

    /// <summary>Reads bytes that lie inside of the file; holes are zeros.</summary>
    /// <param name="offsetBytes">0 or more, below <see cref="SizeBytes"/>.</param>
    /// <param name="buffer">Not empty; ends at or before the end of the file.</param>
    /// <returns>Bytes read, at least 1; fewer than asked only before an error.</returns>
    /// <remarks>Locks: this, shared.</remarks>
    protected internal virtual IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer) => Errno.EINVAL;

    /// <summary>Writes bytes anywhere below <see cref="FileSystem.MaxFileBytes"/>. The gap to the old end reads as zeros.</summary>
    /// <returns>Bytes written, at least 1; fewer than asked when space ran out in the middle. The core then moves the size.</returns>
    /// <remarks>Locks: this, exclusive.</remarks>
    protected internal virtual IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer) => Errno.EINVAL;

    /// <summary>Cuts or lengthens the file; new bytes read as zeros, also those beyond the old end in its last block. Unless it grows, what
    /// was allocated beyond the end is freed, also when the size stays.</summary>
    /// <remarks>Locks: this, exclusive. Errors: ENOSPC · EIO · EINVAL cannot change.</remarks>
    protected internal virtual Errno SetSize(VfsContext context, long sizeBytes) => Errno.EINVAL;

    /// <summary>fallocate(2) for one of the modes that <see cref="FileSystem.Features"/> names; KeepSize is the core's concern.</summary>
    /// <param name="mode">None (reserve space), PunchHole, ZeroRange, CollapseRange or InsertRange; the latter two are aligned to blocks.</param>
    /// <remarks>Locks: this, exclusive. All or nothing, ENOSPC included.</remarks>
    protected internal virtual Errno Allocate(VfsContext context, FallocateMode mode, long offsetBytes, long lengthBytes) => Errno.EOPNOTSUPP;

    /// <summary>lseek's SEEK_DATA and SEEK_HOLE at an offset inside of the file. The default knows no holes.</summary>
    /// <returns>The first byte at or after the offset that is data (a hole); the size when there is no more; ENXIO no more data.</returns>
    /// <remarks>Locks: this, shared.</remarks>
    protected internal virtual IoResult FindData(VfsContext context, long offsetBytes, bool hole) => IoResult.Bytes(hole ? SizeBytes : offsetBytes);

    /// <summary>Makes the file's bytes durable, and with <paramref name="dataOnly"/> false all of its attributes.</summary>
    /// <remarks>Locks: none. Also of directories. Errors: EIO · ENOSPC; reported once per open file.</remarks>
    protected internal virtual Errno Sync(VfsContext context, bool dataOnly) => Errno.None;

    /// <summary>ioctl(2) requests that the core does not answer itself.</summary>
    /// <remarks>Locks: none.</remarks>
    protected internal virtual IoResult Ioctl(VfsContext context, uint request, Span<byte> argument) => Errno.ENOTTY;

    // ---- Extended attributes: names are checked ("user.x", 1..255 bytes), permissions too.

    /// <returns>Length of the value; with an empty buffer nothing is copied; ERANGE too small; ENODATA.</returns>
    /// <remarks>Locks: this, shared.</remarks>
    protected internal virtual IoResult GetXattr(VfsContext context, ReadOnlySpan<byte> name, Span<byte> value) => Errno.EOPNOTSUPP;

    /// <summary>Stores a value of at most 65,536 bytes; with Create it must be new (EEXIST), with Replace old (ENODATA).</summary>
    /// <remarks>Locks: this, exclusive.</remarks>
    protected internal virtual Errno SetXattr(VfsContext context, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrFlags flags) => Errno.EOPNOTSUPP;

    /// <returns>Length of all names, each ended by NUL; with an empty buffer nothing is copied; ERANGE too small.</returns>
    /// <remarks>Locks: this, shared. "trusted." names are hidden by the core from those who may not see them.</remarks>
    protected internal virtual IoResult ListXattrs(VfsContext context, Span<byte> names) => Errno.EOPNOTSUPP;

    /// <remarks>Locks: this, exclusive. Errors: ENODATA.</remarks>
    protected internal virtual Errno RemoveXattr(VfsContext context, ReadOnlySpan<byte> name) => Errno.EOPNOTSUPP;

    // ---- Life

    /// <summary>No dentry, open file or server refers to it now; a table of vnodes may drop it after <see cref="TryKill"/>. It may come back through Lookup.</summary>
    /// <remarks>Locks: none.</remarks>
    protected internal virtual void Inactivate()
    {
    }

    /// <summary>The last name and the last user are gone: free the storage. Nothing will be called afterwards.</summary>
    /// <remarks>Locks: none. Once.</remarks>
    protected internal virtual void Evict()
    {
    }
}
