// A ComposedTree puts any file systems together, as an operating system does: a root in memory, and mounts in it.
using System.Text;
using Tupelo.FileSystems;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo;

/// <summary>A tree of mounted file systems. Any number of threads.</summary>
public sealed class ComposedTree : MountedTree
{
    private ComposedTree(VfsContext context)
        : base(context)
    {
    }

    /// <summary>A tree with an empty file system in memory as its root. Known types: ramfs, tfs, rofs, cpio, tar, hostfs, devfs, procfs,
    /// sysfs; others are registered with <see cref="Register"/>.</summary>
    public static ComposedTree Create(bool checksPermissions = false, TimeProvider? timeProvider = null)
    {
        var kernel = new VfsKernel(new VfsOptions
        {
            Permissions = checksPermissions ? PermissionModel.Unix : PermissionModel.None,
            Clock = ProviderClock.For(timeProvider ?? TimeProvider.System),
        });
        var sources = new ImageSources();
        foreach (FileSystemType type in (FileSystemType[])[
            new RamFsType(), new TfsFileSystemType(), new RoFsFileSystemType(sources), new CpioFileSystemType(sources), new TarFileSystemType(sources),
            new HostFileSystemType(), new DevFsType(kernel), new ProcFsType(), new SysFsType()])
        {
            _ = kernel.FileSystems.Register(type);
        }
        Failure.ThrowIf(kernel.Start("ramfs", "ramfs", MountFlags.None, string.Empty, out VfsContext? context), "make the tree", "");
        context!.Limits.MaxOpenFiles = int.MaxValue;
        return new ComposedTree(context);
    }

    /// <summary>Makes a type of file system known: one of the program's own.</summary>
    /// <exception cref="VolumeException">EEXIST: the name is taken.</exception>
    public void Register(FileSystemType type)
    {
        ArgumentNullException.ThrowIfNull(type);
        Failure.ThrowIf(Context.Kernel.FileSystems.Register(type), "register the file system type", type.Name);
    }

    /// <summary>Mounts a file system on a directory, which is made if it is missing.</summary>
    /// <param name="type">Its type: "tfs", "ramfs", "tar" ...</param>
    /// <param name="source">What it is made from: a path of the host, or nothing.</param>
    /// <param name="target">The directory.</param>
    /// <param name="readOnly">Whether nothing may be changed in it.</param>
    /// <param name="options">Its own options, as mount -o.</param>
    /// <exception cref="VolumeException">ENODEV no such type; EINVAL; EBUSY; ENOENT the source; EIO ...</exception>
    public void Mount(string type, string source, string target, bool readOnly = false, string options = "")
    {
        CreateDirectory(target);
        using WriteScope scope = EnterWrite();
        long result = Calls.Mount(
            Encoding.UTF8.GetBytes(source), Encoding.UTF8.GetBytes(target), Encoding.UTF8.GetBytes(type),
            readOnly ? MountFlags.ReadOnly : MountFlags.None, Encoding.UTF8.GetBytes(options));
        Fail(result, $"mount {type} '{source}' on", target);
    }

    /// <summary>Unmounts: changes are made durable first.</summary>
    /// <param name="target">The directory.</param>
    /// <param name="lazy">Away from the tree at once, and for good when its last file is closed.</param>
    /// <exception cref="VolumeException">EBUSY files in it are open; EINVAL nothing is mounted there.</exception>
    public void Unmount(string target, bool lazy = false)
    {
        using WriteScope scope = EnterWrite();
        Fail(Calls.Umount2(Encoding.UTF8.GetBytes(target), lazy ? UnmountFlags.Detach : UnmountFlags.None), "unmount", target);
    }
}
