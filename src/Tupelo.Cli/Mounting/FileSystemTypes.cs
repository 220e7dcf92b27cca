// Every file system type that the program knows, for commands that compose a tree: sh, mount.
using Tupelo.FileSystems;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo.Cli;

internal static class FileSystemTypes
{
    /// <summary>Makes them known to a kernel.</summary>
    /// <param name="kernel">Which.</param>
    /// <param name="report">Told what is wrong with a source, beyond an error number.</param>
    public static void Register(VfsKernel kernel, Action<string> report)
    {
        var sources = new ImageSources { Report = report };
        foreach (FileSystemType type in new FileSystemType[]
        {
            new RamFsType(), new TfsFileSystemType(), new RoFsFileSystemType(sources), new CpioFileSystemType(sources), new TarFileSystemType(sources),
            new HostFileSystemType(), new DevFsType(kernel), new ProcFsType(), new SysFsType(),
        })
        {
            _ = kernel.FileSystems.Register(type);
        }
    }
}
