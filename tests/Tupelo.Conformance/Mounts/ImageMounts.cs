// File systems that live in an image: archives and rofs, which are read-only, and TFS, which is either.
using Tupelo.Block;
using Tupelo.FileSystems;
using Tupelo.Tfs;
using Tupelo.Vfs;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>A read-only file system, straight from an image of the standard tree.</summary>
public abstract class ImageMount : TupeloMount
{
    private readonly ImageSources _sources = new() { AllowHostFiles = false };

    public override Features Features => Features.Symlinks | Features.Ownership | Features.MemoryMaps;

    protected override void Prepare(VfsKernel kernel)
    {
        FileSystemType type = Open(_sources, out byte[] image);
        _ = _sources.Unregister("image");
        Assert.Equal(Errno.None, _sources.Register("image", new MemoryBlockDevice(image)));
        Register(kernel, type);
        TypeName = System.Text.Encoding.UTF8.GetBytes(type.Name);
    }

    protected override void MountWork(ISyscalls s) => ProbeSetting.Must(s.Mount("image"u8, "/work"u8, TypeName, MS_RDONLY, default));

    /// <summary>The file system type, and what to read.</summary>
    protected abstract FileSystemType Open(ImageSources sources, out byte[] image);

    private byte[] TypeName { get; set; } = [];
}

/// <summary>A tar archive.</summary>
public sealed class TarFsMount : ImageMount
{
    public override string Name => "TarFs";

    protected override FileSystemType Open(ImageSources sources, out byte[] image)
    {
        image = StandardImages.Tar.ToArray();
        return new TarFileSystemType(sources);
    }
}

/// <summary>A cpio archive.</summary>
public sealed class CpioFsMount : ImageMount
{
    public override string Name => "CpioFs";

    protected override FileSystemType Open(ImageSources sources, out byte[] image)
    {
        image = StandardImages.Cpio.ToArray();
        return new CpioFileSystemType(sources);
    }
}

/// <summary>An image of rofs, which holds no owners and no permissions.</summary>
public sealed class RoFsMount : ImageMount
{
    public override string Name => "RoFs";

    public override Features Features => base.Features & ~Features.Ownership;

    protected override FileSystemType Open(ImageSources sources, out byte[] image)
    {
        image = StandardImages.RoFs.ToArray();
        return new RoFsFileSystemType(sources);
    }
}

/// <summary>A TFS volume in memory, mounted for reading and writing.</summary>
public sealed class TfsMount : TupeloMount
{
    private const long SizeBytes = 64L << 20;

    public override string Name => "TFS";

    public override Features Features => Features.All;

    protected override void Prepare(VfsKernel kernel) => Register(kernel, new TfsFileSystemType(
        _ => (Errno.None, StandardImages.EmptyTfs(SizeBytes))));

    protected override void MountWork(ISyscalls s)
    {
        ProbeSetting.Must(s.Mount("volume"u8, "/work"u8, "tfs"u8, 0, default));
        ProbeSetting.Must(s.ChMod("/work"u8, Oct(755)));
    }
}

/// <summary>A TFS volume with the standard tree, written, unmounted, and mounted read-only.</summary>
public sealed class ReadOnlyTfsMount : TupeloMount
{
    private const long SizeBytes = 64L << 20;

    private MemoryBlockDevice? _device;

    public override string Name => "TFS, read-only";

    public override Features Features => Features.Symlinks | Features.Ownership | Features.MemoryMaps;

    protected override void Prepare(VfsKernel kernel)
    {
        _device = StandardImages.EmptyTfs(SizeBytes);
        Register(kernel, new TfsFileSystemType(request =>
            (Errno.None, new SliceBlockDevice(_device, 0, _device.SizeBytes, ownsInner: false, isReadOnly: request.IsReadOnly))));
    }

    protected override void MountWork(ISyscalls s)
    {
        ProbeSetting.Must(s.Mount("volume"u8, "/work"u8, "tfs"u8, 0, default));
        ProbeSetting.Must(s.Umask(Oct(22)));
        ProbeSetting.Must(s.ChDir("/work"u8));
        StandardTree.Build(s, Features);
        ProbeSetting.Must(s.ChDir("/"u8));
        ProbeSetting.Must(s.Umount("/work"u8));
        ProbeSetting.Must(s.Mount("volume"u8, "/work"u8, "tfs"u8, MS_RDONLY, default));
    }
}
