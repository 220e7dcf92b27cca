// The kit for file systems whose files are made up: directories that a program fills and empties, texts that are generated when
// they are opened, links, device nodes. DevFs, ProcFs and SysFs are built with it, and so may be a program's own.
//
// Names can appear and vanish at any time, and what a name means may depend on who asks: each use asks again (CachePolicy.Revalidate).
// Attributes live in the core's copy; chmod, chown and times are accepted and last as long as the file system.
// Only the program adds and removes names: mkdir, create, rename and unlink answer EPERM.
namespace Tupelo.FileSystems;

/// <summary>A tree of made-up files. Any thread.</summary>
public sealed class SyntheticFileSystem : FileSystem
{
    private readonly ulong _magic;
    private readonly SyntheticDirectory _root;
    private long _lastIno;

    /// <param name="type">The type that makes it.</param>
    /// <param name="kernel">For time stamps.</param>
    /// <param name="magic">f_type of statfs.</param>
    /// <param name="readOnly">Nothing may be changed through the file layer.</param>
    public SyntheticFileSystem(FileSystemType type, VfsKernel kernel, ulong magic, bool readOnly = false)
        : base(type, FileSystemFeatures.None, readOnly, CachePolicy.Revalidate)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        Kernel = kernel;
        _magic = magic;
        _root = new SyntheticDirectory(this, 0x1ED);
    }

    /// <summary>Called when its last mount is gone.</summary>
    public Action<SyntheticFileSystem>? Ended { get; init; }

    /// <summary>The core that it lives in.</summary>
    public VfsKernel Kernel { get; }

    public override Vnode Root => _root;

    /// <summary>The root, to be filled.</summary>
    public SyntheticDirectory RootDirectory => _root;

    public override Errno StatFs(ref StatFs stat)
    {
        stat.Type = _magic;
        stat.BlockSizeBytes = 4096;
        stat.FragmentSizeBytes = 4096;
        return Errno.None;
    }

    public override void Shutdown() => Ended?.Invoke(this);

    internal ulong NextIno() => (ulong)Interlocked.Increment(ref _lastIno);
}

/// <summary>What all made-up files share: a number, attributes that the core keeps, and no way to be changed but by the program.</summary>
public abstract class SyntheticVnode : Vnode
{
    private protected SyntheticVnode(SyntheticFileSystem fileSystem, FileType type, uint permissions, ulong rawDevice = 0)
        : base(fileSystem, fileSystem.NextIno(), 0, type, rawDevice, First(fileSystem, type, permissions))
    {
    }

    protected override Errno SetAttributes(VfsContext context, in AttributeChange change)
    {
        if (change.Has(AttributeMask.Flags))
        {
            return Errno.EPERM;
        }
        VnodeAttributes now = Attributes;
        now.Permissions = change.Has(AttributeMask.Mode) ? change.Permissions : now.Permissions;
        now.Uid = change.Has(AttributeMask.Uid) ? change.Uid : now.Uid;
        now.Gid = change.Has(AttributeMask.Gid) ? change.Gid : now.Gid;
        now.AccessTime = change.Has(AttributeMask.AccessTime) ? change.AccessTime : now.AccessTime;
        now.ModifyTime = change.Has(AttributeMask.ModifyTime) ? change.ModifyTime : now.ModifyTime;
        now.ChangeTime = change.Has(AttributeMask.ChangeTime) ? change.ChangeTime : now.ChangeTime;
        StoreAttributes(now);
        return Errno.None;
    }

    // A file of /proc is cut to nothing before it is written, and that changes nothing.
    protected override Errno SetSize(VfsContext context, long sizeBytes) => Errno.None;

    protected override Errno Sync(VfsContext context, bool dataOnly) => Errno.None;

    private static VnodeAttributes First(SyntheticFileSystem fileSystem, FileType type, uint permissions)
    {
        Timespec now = fileSystem.Kernel.Clock.Now;
        return new VnodeAttributes
        {
            Permissions = permissions,
            LinkCount = type == FileType.Directory ? 2u : 1u,
            AccessTime = now,
            ModifyTime = now,
            ChangeTime = now,
            BirthTime = now,
        };
    }
}
