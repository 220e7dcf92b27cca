// PathWalk resolves a path: the one entry that every call with a path goes through. docs/vfs.md tells a lookup step by step.
//
// It walks without locks and without counting: from dentry to dentry through the cache, each hit validated by the dentry's
// sequence (TryMatch). A name that is not cached is looked up under the directory's lock (NameLookup). What the caller wants
// to keep is pinned at the end (TryPinEnd), and looked at once more; Restart says that it has gone in between.
// Whole-path snapshots: a directory that moved during the walk is told by the kernel's topology sequence; the walk is then
// repeated, twice at most, after that each step is only valid by itself, as in Linux' ref-walk.
//
// ".." is physical: the parent of where the walk really is. Links need no recursion and no copies: what remains of a path
// when a link is met waits on a stack, as a slice of the text that it came from.
// Errors come in the order in which the path is read; see each method.
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

/// <summary>How a path is to be resolved.</summary>
[Flags]
internal enum WalkFlags
{
    None = 0,

    /// <summary>A link in the last place is followed.</summary>
    FollowLast = 1,

    /// <summary>The end must be a directory (ENOTDIR).</summary>
    Directory = 2,

    /// <summary>An empty path means the start itself (AT_EMPTY_PATH).</summary>
    EmptyPath = 4,

    /// <summary>Passing through a mount is no use of it (MNT_EXPIRE looks at the mark).</summary>
    KeepExpiry = 8,

    /// <summary>A descriptor to begin at must be the caller's own, or the caller may read everything (linkat with AT_EMPTY_PATH): ENOENT.</summary>
    OwnDescriptor = 16,
}

/// <summary>What the last component of a path is.</summary>
internal enum LastKind
{
    /// <summary>A name.</summary>
    Normal,
    Dot,
    DotDot,

    /// <summary>There is none: the path is "/".</summary>
    Root,
}

/// <summary>A resolution in progress. Lives on the stack of one call; <see cref="Dispose"/> it.</summary>
internal ref struct PathWalk
{
    internal const int MaxPathBytes = 4096;
    internal const int MaxLinks = 40;

    // Directories that everybody may search need no look at their owner.
    private const uint SearchableByAll = 0x49; // 0111

    private readonly VfsContext _context;
    private readonly ReadOnlySpan<byte> _path;
    private readonly int _dirFd;
    private readonly ResolveFlags _resolve;
    private readonly bool _searchesAnything;
    private WalkFlags _flags;

    private PathRef _root;
    private Mount _mount;
    private Dentry _dentry;
    private Vnode? _vnode;
    private ReadOnlySpan<byte> _rest;
    private OpenFile? _startFile;
    private PathRef _magicPin;
    private PathRef _held;
    private LinkStack _links;
    private MountSnapshot _mounts;
    private Topology _topology;
    private int _attempts;
    private bool _wentUp;
    private bool _rootIsKnown;            // Linux asks for the root when it needs it first; before, no mount is the root's (RESOLVE_NO_XDEV).

    internal PathWalk(VfsContext context, int dirFd, ReadOnlySpan<byte> path, WalkFlags flags, ResolveFlags resolve = ResolveFlags.None)
    {
        _context = context;
        _dirFd = dirFd;
        _path = path;
        _flags = flags;
        _resolve = resolve;
        _mounts = MountSnapshot.Empty;
        _searchesAnything = Access.SearchesAnything(context);
        _mount = null!;
        _dentry = null!;
    }

    /// <summary>The mount that the walk is in.</summary>
    internal readonly Mount Mount => _mount;

    /// <summary>Where the walk is: the end, or the directory of the last component.</summary>
    internal readonly Dentry Dentry => _dentry;

    /// <summary>The file there.</summary>
    internal readonly Vnode Vnode => _vnode!;

    internal readonly PathRef Here => new(_mount, _dentry);

    internal readonly VfsContext Context => _context;

    /// <summary>After <see cref="ToParent"/>: the last component.</summary>
    internal NameKey Last { get; private set; }

    internal LastKind LastKind { get; private set; }

    /// <summary>A slash stood after the last component (of the path, or of a link in the last place).</summary>
    internal readonly bool WantsDirectory => (_flags & WalkFlags.Directory) != 0;

    internal bool HasTrailingSlash { get; private set; }

    /// <summary>Whether a path is given at all: checked before everything but flags.</summary>
    /// <remarks>Errors: EFAULT null · ENOENT empty (unless EmptyPath) · ENAMETOOLONG 4096 bytes or more.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Errno CheckPath(ReadOnlySpan<byte> path, bool mayBeEmpty)
    {
        if ((uint)(path.Length - 1) < MaxPathBytes - 1)
        {
            return Errno.None;
        }
        return Unsafe.IsNullRef(in System.Runtime.InteropServices.MemoryMarshal.GetReference(path)) ? Errno.EFAULT
            : path.IsEmpty ? (mayBeEmpty ? Errno.None : Errno.ENOENT)
            : Errno.ENAMETOOLONG;
    }

    /// <summary>Goes to the start: root, current directory or descriptor. Also restarts a walk that has to be repeated.</summary>
    /// <remarks>Errors: those of CheckPath · EBADF · ENOENT not the caller's own descriptor · ENOTDIR · EXDEV absolute with RESOLVE_BENEATH.</remarks>
    internal Errno Begin()
    {
        Errno errno = CheckPath(_path, (_flags & WalkFlags.EmptyPath) != 0);
        if (errno != Errno.None)
        {
            return errno;
        }
        _links.Restart();
        _wentUp = false;
        _rootIsKnown = (_resolve & (ResolveFlags.Beneath | ResolveFlags.InRoot)) != 0 || (!_path.IsEmpty && _path[0] == (byte)'/');
        HasTrailingSlash = false;
        _topology = _context.Kernel.Topology;
        _mounts = _context.Kernel.Mounts.Snapshot;
        _rest = _path;
        DirectoryState.Places places = _context.Directories.Now;
        _root = places.Root;
        if (!_path.IsEmpty && _path[0] == (byte)'/' && (_resolve & ResolveFlags.InRoot) == 0)
        {
            if ((_resolve & ResolveFlags.Beneath) != 0)
            {
                return Errno.EXDEV;
            }
            return StandAt(_root);
        }
        errno = _dirFd == AtFd.CurrentDirectory ? StandAt(places.Current) : StandAtDescriptor();
        if (errno != Errno.None)
        {
            return errno;
        }
        if ((_resolve & (ResolveFlags.Beneath | ResolveFlags.InRoot)) != 0)
        {
            _root = Here;
        }
        return Errno.None;
    }

    /// <summary>Resolves everything. Afterwards the walk stands at the file, which nothing keeps there.</summary>
    /// <remarks>Errors: as the path is read: ENOTDIR · EACCES · ENAMETOOLONG · ENOENT · ELOOP · EXDEV · EAGAIN · EIO.</remarks>
    internal Errno ToEnd()
    {
        Errno errno;
        do
        {
            errno = WalkToEnd();
        }
        while (MustRestart(ref errno));
        return errno;
    }

    /// <summary>As <see cref="ToEnd"/>; the place is pinned for the caller.</summary>
    internal Errno ToEndPinned(out PathRef path)
    {
        while (true)
        {
            Errno errno = ToEnd();
            if (errno != Errno.None || TryPin(out path))
            {
                path = errno == Errno.None ? Here : default;
                return errno;
            }
            errno = Begin();
            if (errno != Errno.None)
            {
                return errno;
            }
        }
    }

    /// <summary>Resolves all but the last component, which is left in <see cref="Last"/>. Call it again after <see cref="Follow"/>.</summary>
    /// <remarks>Errors: as <see cref="ToEnd"/>, without those of the last component.</remarks>
    internal Errno ToParent()
    {
        Errno errno;
        do
        {
            errno = WalkToParent();
        }
        while (MustRestart(ref errno));
        return errno;
    }

    /// <summary>As <see cref="ToParent"/>; the directory is pinned for the caller.</summary>
    internal Errno ToParentPinned(out PathRef directory)
    {
        while (true)
        {
            Errno errno = ToParent();
            if (errno != Errno.None || TryPin(out directory))
            {
                directory = errno == Errno.None ? Here : default;
                return errno;
            }
            errno = Begin();
            if (errno != Errno.None)
            {
                return errno;
            }
        }
    }

    /// <summary>Continues at a link that stands in the last place; <see cref="Here"/> is its directory.</summary>
    /// <remarks>Errors: ELOOP · EACCES · EXDEV · EIO.</remarks>
    internal Errno Follow(Vnode link)
    {
        if (!_links.TryCount() || (_resolve & ResolveFlags.NoSymlinks) != 0 || (_mount.Flags & MountFlags.NoSymlinkFollow) != 0)
        {
            return Errno.ELOOP;
        }
        if (!link.TryReference())
        {
            return Errno.ESTALE;
        }
        bool magic = link.TryFollowMagicLink(_context, out PathRef target, out Errno errno);
        ReadOnlyMemory<byte> text = default;
        if (!magic)
        {
            errno = link.ReadLink(_context, out text);
        }
        link.Release();
        if (magic || errno != Errno.None)
        {
            return errno != Errno.None ? errno : Jump(target);
        }
        if (text.IsEmpty)
        {
            return Errno.ENOENT;
        }
        AccessTimes.Touch(_context, _mount, link);
        _links.Push(ref _rest, text);
        if (_rest[0] == (byte)'/')
        {
            if ((_resolve & ResolveFlags.Beneath) != 0
                || ((_resolve & ResolveFlags.NoCrossDevice) != 0 && (!_rootIsKnown || !ReferenceEquals(_mount, _root.Mount))))
            {
                return Errno.EXDEV;
            }
            _rootIsKnown = true;
            return StandAt(_root);
        }
        return Errno.None;
    }

    /// <summary>Finds one name in the directory that the walk is in; null vnode: it does not exist (negative dentry).</summary>
    /// <remarks>Errors: ENAMETOOLONG · EAGAIN not cached with RESOLVE_CACHED · EIO and others of the file system.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal readonly Errno Lookup(in NameKey key, out Dentry child, out Vnode? vnode)
    {
        if (_dentry.Children is { } children && children.Find(_dentry, key, out vnode) is { } hit && (hit.Flags & DentryFlags.Revalidate) == 0)
        {
            hit.MarkUsed();
            child = hit;
            return Errno.None;
        }
        return NameLookup.Find(_context, _dentry, key, (_resolve & ResolveFlags.Cached) != 0, out child, out vnode);
    }

    /// <summary>Stands at what <see cref="Lookup"/> has found in the last place, and enters what is mounted there.</summary>
    /// <remarks>Errors: EXDEV with RESOLVE_NO_XDEV.</remarks>
    internal Errno Take(Dentry child, Vnode vnode)
    {
        _dentry = child;
        _vnode = vnode;
        return (child.Flags & DentryFlags.NeedsCare) != 0 ? Settle() : Errno.None;
    }

    /// <summary>Goes where ".", ".." or nothing in the last place lead.</summary>
    internal Errno TakeLastDots() => LastKind == LastKind.DotDot ? GoUp() : Errno.None;

    public void Dispose()
    {
        _startFile?.Release();
        _startFile = null;
        ReleaseMagicPin();
        if (!_held.IsNull)
        {
            _held.Unpin();
            _held = default;
        }
        _links.Dispose();
    }

    private Errno WalkToEnd()
    {
        while (true)
        {
            Errno errno = WalkToParent();
            if (errno != Errno.None)
            {
                return errno;
            }
            if (LastKind == LastKind.Normal)
            {
                errno = Lookup(Last, out Dentry child, out Vnode? vnode);
                if (errno != Errno.None)
                {
                    return errno;
                }
                if (vnode is null)
                {
                    return Errno.ENOENT;
                }
                if (vnode.Type == FileType.Symlink && (_flags & WalkFlags.FollowLast) != 0)
                {
                    errno = Follow(vnode);
                    if (errno != Errno.None)
                    {
                        return errno;
                    }
                    continue;
                }
                errno = Take(child, vnode);
            }
            else
            {
                errno = TakeLastDots();
            }
            return errno != Errno.None || (_flags & WalkFlags.Directory) == 0 || _vnode!.Type == FileType.Directory ? errno : Errno.ENOTDIR;
        }
    }

    private Errno WalkToParent()
    {
        while (true)
        {
            _rest = SkipSlashes(_rest);
            if (_rest.IsEmpty)
            {
                if (_links.TryPop(ref _rest))
                {
                    continue;
                }
                LastKind = LastKind.Root;
                return Errno.None;
            }
            if (_vnode!.Type != FileType.Directory)
            {
                return Errno.ENOTDIR;
            }
            Errno errno = CheckSearch();
            if (errno != Errno.None)
            {
                return errno;
            }
            NameKey key = NameKey.TakeComponent(ref _rest);
            LastKind kind = KindOf(key);
            if (IsLast())
            {
                if (!_rest.IsEmpty)
                {
                    HasTrailingSlash = true;
                    _flags |= WalkFlags.Directory | WalkFlags.FollowLast;
                    _rest = default;
                }
                Last = key;
                LastKind = kind;
                return Errno.None;
            }
            errno = kind switch
            {
                LastKind.Normal => Enter(key),
                LastKind.DotDot => GoUp(),
                _ => Errno.None,
            };
            if (errno != Errno.None)
            {
                return errno;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ReadOnlySpan<byte> SkipSlashes(ReadOnlySpan<byte> path)
    {
        int i = 0;
        while (i < path.Length && path[i] == (byte)'/')
        {
            i++;
        }
        return path[i..];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static LastKind KindOf(in NameKey key) =>
        key.Word0 == '.' && key.Length == 1 ? LastKind.Dot
        : key.Word0 == (('.' << 8) | '.') && key.Length == 2 ? LastKind.DotDot
        : LastKind.Normal;

    // Only slashes remain of the path, and no text waits on the stack of links.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool IsLast() => _links.IsEmpty && (_rest.IsEmpty || _rest[^1] == (byte)'/') && SkipSlashes(_rest).IsEmpty;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly Errno CheckSearch() =>
        _searchesAnything || ((_vnode!.Permissions & SearchableByAll) == SearchableByAll && _vnode.FileSystem.CachePolicy == CachePolicy.Exclusive)
            ? Errno.None
            : Access.Check(_context, _vnode!, AccessModes.Execute);

    // A component that is not the last one.
    private Errno Enter(in NameKey key)
    {
        Errno errno = Lookup(key, out Dentry child, out Vnode? vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (vnode is null)
        {
            return Errno.ENOENT;
        }
        return vnode.Type == FileType.Symlink ? Follow(vnode) : Take(child, vnode);
    }

    private Errno GoUp()
    {
        _wentUp = true;
        _rootIsKnown = true;
        Mount mount = _mount;
        Dentry dentry = _dentry;
        // Out of the mounts whose root this is, unless the walk's own root lies under them.
        bool isTop = IsAtRoot(mount, dentry);
        while (!isTop && ReferenceEquals(dentry, mount.Root))
        {
            if (mount.Attachment is { } at)
            {
                mount = at.Parent;
                dentry = at.MountPoint;
            }
            isTop = IsAtRoot(mount, dentry) || (ReferenceEquals(dentry, mount.Root) && mount.Attachment is null);
        }
        if (isTop ? (_resolve & ResolveFlags.Beneath) != 0 : (_resolve & ResolveFlags.NoCrossDevice) != 0 && !ReferenceEquals(mount, _mount))
        {
            return Errno.EXDEV;
        }
        if (!isTop)
        {
            _mount = mount;
            _dentry = dentry.Parent;
            _vnode = _dentry.Vnode;
        }
        return (_dentry.Flags & DentryFlags.NeedsCare) != 0 ? Settle() : Errno.None;
    }

    private readonly bool IsAtRoot(Mount mount, Dentry dentry) => ReferenceEquals(dentry, _root.Dentry) && ReferenceEquals(mount, _root.Mount);

    // Enters what is mounted here; and stays pinned where others may change the file system, because the questions that it will be
    // asked need its vnode in use. Errors: EXDEV · ESTALE gone since, which repeats the walk.
    private Errno Settle()
    {
        Errno errno = CrossMounts();
        return errno == Errno.None && (_dentry.Flags & DentryFlags.Revalidate) != 0 ? Hold() : errno;
    }

    private Errno Hold()
    {
        PathRef before = _held;
        if (!Here.TryPin())
        {
            return Errno.ESTALE;
        }
        _held = Here;
        if (!before.IsNull)
        {
            before.Unpin();
        }
        return ReferenceEquals(_dentry.Vnode, _vnode) ? Errno.None : Errno.ESTALE;
    }

    private Errno CrossMounts()
    {
        while ((_dentry.Flags & DentryFlags.MountPoint) != 0 && _mounts.Find(_mount, _dentry) is { } mounted)
        {
            if ((_resolve & ResolveFlags.NoCrossDevice) != 0)
            {
                return Errno.EXDEV;
            }
            if (mounted.IsExpiring && (_flags & WalkFlags.KeepExpiry) == 0)
            {
                mounted.IsExpiring = false;
            }
            _mount = mounted;
            _dentry = mounted.Root;
            _vnode = _dentry.Vnode;
        }
        return Errno.None;
    }

    // A magic link leads to a place, not to a path; its pin is ours until the next one.
    private Errno Jump(PathRef target)
    {
        ReleaseMagicPin();
        _magicPin = target;
        if ((_resolve & ResolveFlags.NoMagicLinks) != 0)
        {
            return Errno.ELOOP;
        }
        if ((_resolve & (ResolveFlags.Beneath | ResolveFlags.InRoot)) != 0
            || ((_resolve & ResolveFlags.NoCrossDevice) != 0 && !ReferenceEquals(_mount, target.Mount)))
        {
            return Errno.EXDEV;
        }
        return StandAt(target);
    }

    private Errno StandAt(PathRef place)
    {
        _mount = place.Mount;
        _dentry = place.Dentry;
        _vnode = _dentry.Vnode;
        return (_dentry.Flags & DentryFlags.Revalidate) != 0 ? Hold() : Errno.None;
    }

    private Errno StandAtDescriptor()
    {
        if (_startFile is null && !_context.Files.TryGet(_dirFd, out _startFile))
        {
            return Errno.EBADF;
        }
        // As Linux since 6.10.
        if ((_flags & WalkFlags.OwnDescriptor) != 0 && !ReferenceEquals(_startFile!.Credentials, _context.Credentials)
            && !Access.Has(_context, Capabilities.ReadSearch))
        {
            return Errno.ENOENT;
        }
        Errno errno = StandAt(_startFile!.Path);
        if (errno != Errno.None)
        {
            return errno;
        }
        _vnode = _startFile.Vnode;
        return _path.IsEmpty || _vnode.Type == FileType.Directory ? Errno.None : Errno.ENOTDIR;
    }

    private readonly bool TryPin(out PathRef path)
    {
        path = Here;
        if (!path.TryPin())
        {
            return false;
        }
        // Pinned now; it may have become something else just before.
        if (ReferenceEquals(_dentry.Vnode, _vnode))
        {
            return true;
        }
        path.Unpin();
        return false;
    }

    // True when a directory has moved during the walk, or vanished from the cache, and the walk stands at its beginning again.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MustRestart(ref Errno errno) => (errno == Errno.ESTALE || !_topology.IsCurrent(_context.Kernel)) && Restart(ref errno);

    private bool Restart(ref Errno errno)
    {
        if (errno == Errno.None && _wentUp && (_resolve & (ResolveFlags.Beneath | ResolveFlags.InRoot)) != 0)
        {
            errno = Errno.EAGAIN;
            return false;
        }
        const int MaxRestarts = 2;
        const int MaxStale = 32;
        if (_attempts >= (errno == Errno.ESTALE ? MaxStale : MaxRestarts))
        {
            return false;
        }
        _attempts++;
        errno = Begin();
        return errno == Errno.None;
    }

    private void ReleaseMagicPin()
    {
        if (!_magicPin.IsNull)
        {
            _magicPin.Unpin();
            _magicPin = default;
        }
    }
}
