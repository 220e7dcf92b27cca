// ReadOnlyFileSystem mounts a ReadOnlyTree. It makes one vnode per node that is asked for, and refuses to become writable.
//
// Lifetime: owns the tree and disposes of it at Shutdown. A vnode lives as long as somebody refers to it; a name that leaves the cache
// takes its vnode along, so that a walk over a large image does not fill the memory.
// Locks: none. _vnodes is changed by compare-and-swap, so each node has one living vnode at most: one that nobody refers to is first
// made unusable (TryKill), then taken out. Who is handed it in between asks again.
namespace Tupelo.Vfs;

/// <summary>A mounted tree that never changes. Any thread.</summary>
public sealed class ReadOnlyFileSystem : FileSystem
{
    private readonly ReadOnlyVnode?[] _vnodes;

    /// <param name="type">The type that made it.</param>
    /// <param name="tree">What it shows; disposed of when the file system ends.</param>
    /// <param name="sourceName">What /proc/mounts shows as source.</param>
    /// <param name="optionsText">What /proc/mounts shows as options of its own.</param>
    public ReadOnlyFileSystem(FileSystemType type, ReadOnlyTree tree, string sourceName, string optionsText = "")
        : base(type, FileSystemFeatures.Handles | FileSystemFeatures.StatelessOpen | (tree.HasXattrs ? FileSystemFeatures.Xattrs : FileSystemFeatures.None), readOnly: true)
    {
        Tree = tree;
        SourceName = sourceName;
        OptionsText = optionsText;
        _vnodes = new ReadOnlyVnode?[tree.NodeCount];
    }

    /// <summary>What it shows.</summary>
    public ReadOnlyTree Tree { get; }

    public override Vnode Root => VnodeOf(0);

    public override string SourceName { get; }

    public override string OptionsText { get; }

    public override Errno StatFs(ref StatFs stat)
    {
        Tree.FillStatFs(ref stat);
        stat.FileCount = (ulong)Tree.NodeCount;
        return Errno.None;
    }

    /// <remarks>Errors: EROFS cannot become writable · EINVAL options cannot change.</remarks>
    public override Errno Remount(bool readOnly, string options)
    {
        if (!readOnly)
        {
            return Errno.EROFS;
        }
        return options.Length == 0 || string.Equals(options, OptionsText, StringComparison.Ordinal) ? Errno.None : Errno.EINVAL;
    }

    public override Errno FindVnode(ulong ino, ulong generation, out Vnode? vnode)
    {
        bool found = ino - 1 < (ulong)_vnodes.Length && generation == 0;
        vnode = found ? VnodeOf((int)(ino - 1)) : null;
        if (vnode is null || vnode.LinkCount == 0)
        {
            vnode = null;
            return Errno.ESTALE;
        }
        return Errno.None;
    }

    public override void Shutdown() => Tree.Dispose();

    // Nobody refers to it. The root stays.
    internal void Drop(ReadOnlyVnode vnode, int node)
    {
        if (node != 0 && vnode.TryForget())
        {
            _ = Interlocked.CompareExchange(ref _vnodes[node], null, vnode);
        }
    }

    /// <summary>Vnodes in memory; for tests.</summary>
    internal int VnodeCount => _vnodes.Count(static vnode => vnode is not null);

    internal ReadOnlyVnode VnodeOf(int node)
    {
        ReadOnlyVnode? vnode = Volatile.Read(ref _vnodes[node]);
        if (vnode is null)
        {
            Tree.GetAttributes(node, out VnodeAttributes attributes);
            var made = new ReadOnlyVnode(this, node, Tree.TypeOf(node), Tree.RawDeviceOf(node), attributes);
            vnode = Interlocked.CompareExchange(ref _vnodes[node], made, null) ?? made;
        }
        return vnode;
    }
}

/// <summary>One file of a <see cref="ReadOnlyFileSystem"/>. What changes something is never called.</summary>
internal sealed class ReadOnlyVnode : Vnode
{
    private readonly ReadOnlyFileSystem _owner;
    private readonly int _node;

    internal ReadOnlyVnode(ReadOnlyFileSystem owner, int node, FileType type, ulong rawDevice, in VnodeAttributes attributes)
        : base(owner, (ulong)node + 1, 0, type, rawDevice, attributes)
    {
        _owner = owner;
        _node = node;
    }

    protected internal override Errno Lookup(VfsContext context, ReadOnlySpan<byte> name, out Vnode? child)
    {
        Errno errno = _owner.Tree.Find(_node, name, out int node);
        child = errno == Errno.None ? _owner.VnodeOf(node) : null;
        return errno;
    }

    internal bool TryForget() => TryKill();

    protected internal override void Inactivate() => _owner.Drop(this, _node);

    protected internal override Errno ReadDirectory(VfsContext context, long cookie, ref DirectoryWriter writer) =>
        _owner.Tree.List(_node, cookie, ref writer);

    protected internal override Errno GetParent(VfsContext context, out Vnode? parent)
    {
        parent = _owner.VnodeOf(_owner.Tree.ParentOf(_node));
        return Errno.None;
    }

    protected internal override Errno ReadLink(VfsContext context, out ReadOnlyMemory<byte> target) => _owner.Tree.ReadLink(_node, out target);

    protected internal override Errno Open(VfsContext context, OpenFlags flags, out OpenHandle? handle)
    {
        handle = null;
        return IsRegular ? _owner.Tree.Open(_node) : base.Open(context, flags, out handle);
    }

    protected internal override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer) =>
        _owner.Tree.Read(_node, offsetBytes, buffer);

    protected internal override IoResult FindData(VfsContext context, long offsetBytes, bool hole) =>
        _owner.Tree.FindData(_node, offsetBytes, hole);

    protected internal override IoResult GetXattr(VfsContext context, ReadOnlySpan<byte> name, Span<byte> value) =>
        _owner.Tree.GetXattr(_node, name, value);

    protected internal override IoResult ListXattrs(VfsContext context, Span<byte> names) => _owner.Tree.ListXattrs(_node, names);
}
