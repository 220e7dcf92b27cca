// AnonymousFiles makes open files that no path leads to: pipes, eventfds, timers, epoll and inotify instances. Each has a vnode
// on a hidden file system, so that fstat, fstatfs, poll and /proc/self/fd treat them as they treat all files; memory files
// (memfd) live on a hidden mount of a file system that keeps bytes.
namespace Tupelo.Vfs;

/// <summary>The hidden mounts of a kernel. Made on first use, ended with the kernel's last context.</summary>
internal sealed class AnonymousFiles(VfsKernel kernel)
{
    private readonly RankedLock _mu = new(LockRank.Leaf); // Guards changes of the two mounts.
    private Mount? _mount;
    private Mount? _memory;

    /// <summary>Opens a new anonymous file around a handle, which it owns from here on.</summary>
    /// <param name="kind">What its path text says: "pipe" gives "pipe:[17]".</param>
    internal OpenFile Open(VfsContext context, ReadOnlySpan<byte> kind, FileType type, OpenHandle handle, OpenFlags flags)
    {
        Mount mount = AnonymousMount;
        Vnode vnode = ((AnonymousFileSystem)mount.FileSystem).Make(type, context);
        return new OpenFile(context, Place(mount, vnode, kind), vnode, flags, handle, claimsWrite: false);
    }

    /// <summary>pipe2(2): both ends are one file.</summary>
    internal void OpenPipe(VfsContext context, OpenFlags flags, out OpenFile reading, out OpenFile writing)
    {
        PipeRing.CreatePair(out PipeEnd readEnd, out PipeEnd writeEnd);
        bool packets = (flags & OpenFlags.Direct) != 0;
        Mount mount = AnonymousMount;
        Vnode vnode = ((AnonymousFileSystem)mount.FileSystem).Make(FileType.Fifo, context);
        PathRef place = Place(mount, vnode, "pipe"u8);
        mount.Pin();
        place.Dentry.Pin();
        reading = new OpenFile(context, place, vnode, flags & ~OpenFlags.Direct, new FifoHandle(readEnd, packets), claimsWrite: false);
        writing = new OpenFile(context, place, vnode, flags | OpenFlags.WriteOnly, new FifoHandle(writeEnd, packets), claimsWrite: false);
    }

    /// <summary>memfd_create(2): a regular file without a name.</summary>
    /// <remarks>Errors: ENOSYS no file system for memory files is registered · ENOSPC.</remarks>
    internal Errno OpenMemory(VfsContext context, ReadOnlySpan<byte> name, uint permissions, bool allowSealing, out OpenFile? file)
    {
        file = null;
        Errno errno = GetMemoryMount(context, out Mount? mount);
        if (errno != Errno.None)
        {
            return errno;
        }
        var make = new NewVnode
        {
            Type = FileType.Regular,
            Permissions = permissions,
            Uid = context.Credentials.Uid,
            Gid = context.Credentials.Gid,
            Time = context.Now,
        };
        errno = mount!.FileSystem.Root.CreateTemporary(context, make, out Vnode? vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        vnode!.FileSystem.CountOrphan(1);
        vnode.Extension.Seals = new SealSet(allowSealing);
        mount.Pin();
        var place = new PathRef(mount, Dentry.MakeUnhashed(vnode, new NameKey(name)));
        _ = mount.BeginWrite();
        file = new OpenFile(context, place, vnode, OpenFlags.ReadWrite | OpenFlags.LargeFile, handle: null, claimsWrite: true);
        return Errno.None;
    }

    // The kernel has no context any more: the hidden mounts end, as far as nobody has their files open.
    internal void End()
    {
        Mount? mount;
        Mount? memory;
        using (_mu.EnterScope())
        {
            mount = _mount;
            memory = _memory;
            _mount = null;
            _memory = null;
        }
        kernel.Mounts.EndHidden(mount);
        kernel.Mounts.EndHidden(memory);
    }

    private static PathRef Place(Mount mount, Vnode vnode, ReadOnlySpan<byte> kind)
    {
        Span<byte> name = stackalloc byte[64];
        kind.CopyTo(name);
        ":["u8.CopyTo(name[kind.Length..]);
        int length = kind.Length + 2;
        _ = System.Buffers.Text.Utf8Formatter.TryFormat(vnode.Ino, name[length..], out int digits);
        length += digits;
        name[length++] = (byte)']';
        mount.Pin();
        return new PathRef(mount, Dentry.MakeUnhashed(vnode, new NameKey(name[..length])));
    }

    private Mount AnonymousMount
    {
        get
        {
            if (Volatile.Read(ref _mount) is { } mount)
            {
                return mount;
            }
            Mount made = kernel.Mounts.MakeHidden(new AnonymousFileSystem(AnonymousFileSystemType.Instance));
            using (_mu.EnterScope())
            {
                mount = _mount ??= made;
            }
            if (!ReferenceEquals(mount, made))
            {
                kernel.Mounts.EndHidden(made);
            }
            return mount;
        }
    }

    private Errno GetMemoryMount(VfsContext context, out Mount? mount)
    {
        mount = _memory;
        if (mount is not null)
        {
            return Errno.None;
        }
        if (!kernel.FileSystems.TryFind(kernel.Options.MemoryFileSystem, out FileSystemType? type))
        {
            return Errno.ENOSYS;
        }
        Errno errno = kernel.MakeFileSystem(context, type, string.Empty, MountFlags.None, string.Empty, out FileSystem? fileSystem);
        if (errno != Errno.None)
        {
            return errno;
        }
        Mount made = kernel.Mounts.MakeHidden(fileSystem!);
        using (_mu.EnterScope())
        {
            mount = _memory ??= made;
        }
        if (!ReferenceEquals(mount, made))
        {
            kernel.Mounts.EndHidden(made);
        }
        return Errno.None;
    }
}

/// <summary>The type of the hidden file system; in no registry.</summary>
internal sealed class AnonymousFileSystemType : FileSystemType
{
    internal static readonly AnonymousFileSystemType Instance = new();

    public override string Name => "anon_inodefs";

    public override Errno Create(MountRequest request, out FileSystem? fileSystem)
    {
        fileSystem = null;
        return Errno.ENODEV;
    }
}

/// <summary>Vnodes without content: what they do is in their open files' handles.</summary>
internal sealed class AnonymousFileSystem : FileSystem
{
    private const ulong Magic = 0x09041934; // ANON_INODE_FS_MAGIC

    private readonly AnonymousVnode _root;
    private long _lastIno;

    internal AnonymousFileSystem(FileSystemType type)
        : base(type, FileSystemFeatures.None, readOnly: false) =>
        _root = new AnonymousVnode(this, 1, FileType.Directory, new VnodeAttributes { Permissions = 0x1C0, LinkCount = 2 });

    public override Vnode Root => _root;

    public override Errno StatFs(ref StatFs stat)
    {
        stat.Type = Magic;
        return Errno.None;
    }

    internal Vnode Make(FileType type, VfsContext context)
    {
        Timespec now = context.Now;
        return new AnonymousVnode(this, 1 + (ulong)Interlocked.Increment(ref _lastIno), type, new VnodeAttributes
        {
            Permissions = 0x180,
            // Linux' eventfds and their like share one inode of root's; a pipe is its maker's.
            Uid = type == FileType.Unknown ? 0 : context.Credentials.Uid,
            Gid = type == FileType.Unknown ? 0 : context.Credentials.Gid,
            LinkCount = 1,
            AccessTime = now,
            ModifyTime = now,
            ChangeTime = now,
        });
    }

    private sealed class AnonymousVnode(FileSystem fileSystem, ulong ino, FileType type, in VnodeAttributes attributes)
        : Vnode(fileSystem, ino, 1, type, 0, attributes)
    {
        protected internal override Errno SetAttributes(VfsContext context, in AttributeChange change) =>
            Type == FileType.Unknown ? Errno.EOPNOTSUPP : Errno.None;
    }
}
