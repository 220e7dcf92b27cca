// A ReadOnlyTree is what an image or archive has to tell about itself: numbered nodes, names, attributes, bytes. Nothing in it
// ever changes, so nothing in it needs a lock. ReadOnlyFileSystem turns one into a file system; a format implements this alone.
//
// Place: above it ReadOnlyFileSystem; below it whatever holds the bytes. It knows neither paths nor the core.
// Nodes are 0 .. NodeCount - 1; node 0 is the root directory. A directory has one parent, a file may have several names.
// Whoever makes a tree has checked it: names are 1..255 bytes without '/' and NUL, never "." or "..", no two in a directory are
// equal, and directories make a tree. What cannot be checked beforehand (bytes that cannot be read) comes out as an errno.
namespace Tupelo.Vfs;

/// <summary>A tree of files that never changes. Any thread, any time.</summary>
public abstract class ReadOnlyTree : IDisposable
{
    /// <summary>How many nodes there are; at least 1, the root.</summary>
    public abstract int NodeCount { get; }

    /// <summary>What <paramref name="node"/> is.</summary>
    public abstract FileType TypeOf(int node);

    /// <summary>Of a device node, else 0.</summary>
    public virtual ulong RawDeviceOf(int node) => 0;

    /// <summary>All attributes; of a symbolic link the size is its target's length. Link count 0: no name leads to it.</summary>
    public abstract void GetAttributes(int node, out VnodeAttributes attributes);

    /// <summary>Finds a name in a directory.</summary>
    /// <returns>None; ENOENT no such name; EIO or EUCLEAN the image cannot be read there.</returns>
    public abstract Errno Find(int directory, ReadOnlySpan<byte> name, out int child);

    /// <summary>Lists the entries after <paramref name="cookie"/> as <see cref="Vnode.ReadDirectory"/> does; inode numbers are node + 1.</summary>
    public abstract Errno List(int directory, long cookie, ref DirectoryWriter writer);

    /// <summary>The directory that this directory is in; the root's is itself.</summary>
    public abstract int ParentOf(int directory);

    /// <summary>A symbolic link's target, 1..4095 bytes.</summary>
    public abstract Errno ReadLink(int node, out ReadOnlyMemory<byte> target);

    /// <summary>Called when a regular file is opened: the place to verify a checksum, once.</summary>
    /// <remarks>Errors: EUCLEAN the bytes are not what they should be · EIO.</remarks>
    public virtual Errno Open(int node) => Errno.None;

    /// <summary>Reads bytes of a regular file that lie inside of it; holes are zeros.</summary>
    /// <returns>Bytes read, at least 1.</returns>
    public abstract IoResult Read(int node, long offsetBytes, Span<byte> buffer);

    /// <summary>SEEK_DATA and SEEK_HOLE; see <see cref="Vnode.FindData"/>. The default knows no holes.</summary>
    public virtual IoResult FindData(int node, long offsetBytes, bool hole)
    {
        if (!hole)
        {
            return IoResult.Bytes(offsetBytes);
        }
        GetAttributes(node, out VnodeAttributes attributes);
        return IoResult.Bytes(attributes.SizeBytes);
    }

    /// <summary>True when <see cref="GetXattr"/> and <see cref="ListXattrs"/> are there.</summary>
    public virtual bool HasXattrs => false;

    /// <summary>Reads an extended attribute; see <see cref="Vnode.GetXattr"/>.</summary>
    public virtual IoResult GetXattr(int node, ReadOnlySpan<byte> name, Span<byte> value) => Errno.EOPNOTSUPP;

    /// <summary>Lists extended attributes; see <see cref="Vnode.ListXattrs"/>.</summary>
    public virtual IoResult ListXattrs(int node, Span<byte> names) => Errno.EOPNOTSUPP;

    /// <summary>Fills in the type and the space that the image takes.</summary>
    public abstract void FillStatFs(ref StatFs stat);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
