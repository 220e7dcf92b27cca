// NodeCalls is the file layer for doors whose clients hold nodes and name one entry at a time: FUSE, virtio-fs, 9P, NFS.
// A node is a pinned place (PathRef); an open file is an OpenFile. There are no paths, no descriptors, no current directory and
// no umask here; symbolic links are the client's to follow. Mounts are crossed: a looked-up directory that something is mounted
// on is the mounted root.
//
// It converts and delegates as Syscalls does; every check is in Operations/, once. Results that are places come pinned and are
// the caller's to unpin; places given must stay pinned by the caller during the call.
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

/// <summary>Linux' file system calls on nodes and open files, for one context. Any thread that may use the context.</summary>
public sealed partial class NodeCalls
{
    public NodeCalls(VfsContext context) => Context = context;

    /// <summary>As whom the calls are made; a door swaps its credentials before each request.</summary>
    public VfsContext Context { get; }

    /// <summary>Takes one more pin on a place that the caller has pinned.</summary>
    public static void Pin(PathRef place)
    {
        place.Mount.Pin();
        place.Dentry.Pin();
    }

    /// <summary>True when the name that a place was found under is gone from the cache: removed, replaced, or no longer believed.</summary>
    public static bool IsOutOfDate(PathRef place) => place.Dentry.IsUnhashed && !place.Dentry.IsRoot;

    /// <summary>Finds a name in a directory. "." is the directory, ".." its parent, across mounts, and stays at the context's root.</summary>
    /// <remarks>Errors: ENOTDIR · EACCES search · EINVAL no name · ENAMETOOLONG · ENOENT · EIO and others of the file system.</remarks>
    public Errno Lookup(PathRef directory, ReadOnlySpan<byte> name, out PathRef child)
    {
        child = default;
        Vnode parent = directory.Vnode;
        if (!parent.IsDirectory)
        {
            return Errno.ENOTDIR;
        }
        Errno errno = Access.SearchesAnything(Context) ? Errno.None : Access.Check(Context, parent, AccessModes.Execute);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (!TryParse(name, out NameKey key, out LastKind kind))
        {
            return Errno.EINVAL;
        }
        if (kind != LastKind.Normal)
        {
            child = kind == LastKind.DotDot ? ParentOf(directory) : directory;
            Pin(child);
            return Errno.None;
        }
        while (true)
        {
            errno = NameLookup.Find(Context, directory.Dentry, key, cachedOnly: false, out Dentry found, out Vnode? vnode);
            if (errno != Errno.None || vnode is null)
            {
                return errno != Errno.None ? errno : Errno.ENOENT;
            }
            PathRef place = Enter(directory.Mount, found);
            // Evicted, or removed and made again, between finding and pinning: look again.
            if (place.TryPin())
            {
                if (!ReferenceEquals(place.Dentry, found) || ReferenceEquals(found.Vnode, vnode))
                {
                    child = place;
                    return Errno.None;
                }
                place.Unpin();
            }
        }
    }

    /// <summary>Makes a directory, device node, FIFO, socket or empty file.</summary>
    /// <param name="mode">Type and permissions, as mknod(2); the umask has been taken off.</param>
    /// <remarks>Errors: EINVAL · EEXIST · ENAMETOOLONG · ENOENT removed directory · EROFS · EACCES · EPERM · EMLINK · ENOSPC ...</remarks>
    public Errno Make(PathRef directory, ReadOnlySpan<byte> name, uint mode, ulong rawDevice, out PathRef made)
    {
        FileType type = (mode & Mode.TypeMask) == 0 ? FileType.Regular : Mode.TypeOf(mode);
        made = default;
        return type is FileType.Unknown or FileType.Symlink
            ? Errno.EINVAL
            : Create(directory, name, type, mode, type is FileType.CharDevice or FileType.BlockDevice ? rawDevice : 0, default, out made);
    }

    /// <summary>symlink(2). Errors: ENOENT empty target · ENAMETOOLONG 4096 bytes or more · those of <see cref="Make"/>.</summary>
    public Errno MakeSymlink(PathRef directory, ReadOnlySpan<byte> name, ReadOnlySpan<byte> target, out PathRef made)
    {
        made = default;
        Errno errno = PathWalk.CheckPath(target, mayBeEmpty: false);
        return errno != Errno.None ? errno : Create(directory, name, FileType.Symlink, 0x1FF, 0, target, out made);
    }

    /// <summary>unlink(2); with <paramref name="wantsDirectory"/> rmdir(2).</summary>
    /// <remarks>Errors: ENOTDIR · EINVAL · EISDIR · EROFS · ENAMETOOLONG · ENOENT · EACCES · EPERM · EBUSY · ENOTEMPTY ...</remarks>
    public Errno Remove(PathRef directory, ReadOnlySpan<byte> name, bool wantsDirectory)
    {
        Errno errno = CheckName(directory, name, out NameKey key, out LastKind kind);
        return errno != Errno.None ? errno : NameOperations.Remove(Context, directory, key, kind, trailingSlash: false, wantsDirectory);
    }

    /// <summary>renameat2(2).</summary>
    /// <remarks>Errors: EINVAL flags · ENOTDIR · and those of rename(2), in Linux' order.</remarks>
    public Errno Rename(PathRef oldDirectory, ReadOnlySpan<byte> oldName, PathRef newDirectory, ReadOnlySpan<byte> newName, RenameFlags flags)
    {
        Errno errno = RenameOperation.CheckFlags(flags);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = CheckName(oldDirectory, oldName, out NameKey oldKey, out LastKind oldKind);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = CheckName(newDirectory, newName, out NameKey newKey, out LastKind newKind);
        return errno != Errno.None
            ? errno
            : RenameOperation.Run(Context, oldDirectory, oldKey, oldKind, oldSlash: false, newDirectory, newKey, newKind, newSlash: false, flags);
    }

    /// <summary>link(2): one more name for <paramref name="source"/>.</summary>
    /// <remarks>Errors: ENOTDIR · EINVAL · EEXIST · ENAMETOOLONG · ENOENT · EROFS · EXDEV · EPERM · EACCES · EMLINK · ENOSPC ...</remarks>
    public Errno Link(PathRef source, PathRef directory, ReadOnlySpan<byte> name)
    {
        Errno errno = CheckName(directory, name, out NameKey key, out LastKind kind);
        return errno != Errno.None ? errno : NameOperations.Link(Context, source, directory, key, kind, trailingSlash: false);
    }

    /// <summary>readlink(2): the target, cut at the buffer's end.</summary>
    /// <remarks>Errors: EINVAL no link · EIO.</remarks>
    public IoResult ReadLink(PathRef place, Span<byte> buffer) => SymbolicLinks.Read(Context, place, buffer);

    /// <summary>Lists a directory in getdents64's records (<see cref="DirectoryRecord"/>) from a cookie on; the cookie moves.</summary>
    /// <param name="cookie">0, or the cookie of the last entry that was taken.</param>
    /// <returns>Bytes of records, 0 at the end.</returns>
    /// <remarks>Errors: ENOTDIR · ENOENT removed · EINVAL no room for one record · EIO. The permission to read is asked by opening.</remarks>
    public IoResult ReadDirectory(PathRef place, ref long cookie, Span<byte> buffer)
    {
        Vnode directory = place.Vnode;
        if (!directory.IsDirectory)
        {
            return Errno.ENOTDIR;
        }
        IoResult result = DirectoryReader.Read(Context, place, directory, ref cookie, buffer);
        if (result.Errno != Errno.ENOENT)
        {
            AccessTimes.Touch(Context, place.Mount, directory);
        }
        return result;
    }

    // What a mount hides is not seen.
    private PathRef Enter(Mount mount, Dentry dentry)
    {
        while ((dentry.Flags & DentryFlags.MountPoint) != 0 && Context.Kernel.Mounts.Snapshot.Find(mount, dentry) is { } mounted)
        {
            mount = mounted;
            dentry = mounted.Root;
        }
        return new PathRef(mount, dentry);
    }

    // Pins are not needed: the caller's pin on the child keeps its parents.
    private PathRef ParentOf(PathRef place)
    {
        PathRef root = Context.Directories.Now.Root;
        Mount mount = place.Mount;
        Dentry dentry = place.Dentry;
        while (new PathRef(mount, dentry) != root)
        {
            if (!ReferenceEquals(dentry, mount.Root))
            {
                dentry = dentry.Parent;
                break;
            }
            if (mount.Attachment is not { } at)
            {
                break;
            }
            mount = at.Parent;
            dentry = at.MountPoint;
        }
        return Enter(mount, dentry);
    }

    private Errno Create(
        PathRef directory, ReadOnlySpan<byte> name, FileType type, uint mode, ulong rawDevice, ReadOnlySpan<byte> target, out PathRef made)
    {
        made = default;
        Errno errno = CheckName(directory, name, out NameKey key, out LastKind kind);
        if (errno == Errno.None)
        {
            errno = NameOperations.Create(Context, directory, key, kind, trailingSlash: false, type, mode, rawDevice, target, out Dentry? dentry);
            if (errno == Errno.None)
            {
                directory.Mount.Pin();
                made = new PathRef(directory.Mount, dentry!);
            }
        }
        return errno;
    }

    // Errors: ENOTDIR · EINVAL no name.
    private static Errno CheckName(PathRef directory, ReadOnlySpan<byte> name, out NameKey key, out LastKind kind)
    {
        if (!TryParse(name, out key, out kind))
        {
            return Errno.EINVAL;
        }
        return directory.Vnode.IsDirectory ? Errno.None : Errno.ENOTDIR;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryParse(ReadOnlySpan<byte> name, out NameKey key, out LastKind kind)
    {
        key = new NameKey(name);
        kind = name is [(byte)'.'] ? LastKind.Dot : name is [(byte)'.', (byte)'.'] ? LastKind.DotDot : LastKind.Normal;
        return name.Length > 0 && name.IndexOfAny((byte)'/', (byte)0) < 0;
    }
}
