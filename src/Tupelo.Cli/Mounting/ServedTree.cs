// The tree that a mount shows: a kernel of its own whose root is the file system asked for, with others mounted inside.
using System.Text;
using Tupelo.Block;
using Tupelo.FileSystems;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo.Cli;

internal sealed class ServedTree : IDisposable
{
    private readonly BootMounter _mounter;

    private ServedTree(VfsContext context, BootMounter mounter)
    {
        Context = context;
        _mounter = mounter;
    }

    /// <summary>Its root directory is what the mount shows.</summary>
    public VfsContext Context { get; }

    /// <summary>Whether there is a file system type of this name.</summary>
    public static bool IsType(string name)
    {
        var kernel = new VfsKernel();
        FileSystemTypes.Register(kernel, static _ => { });
        return kernel.FileSystems.TryFind(name, out _);
    }

    /// <summary>Opens the file systems.</summary>
    /// <exception cref="CommandException">One cannot be opened.</exception>
    public static ServedTree Open(MountSettings settings, Action<string> report)
    {
        var kernel = new VfsKernel(new VfsOptions { ProtectHardLinks = !settings.Door.KernelChecksPermissions });
        string? detail = null;
        FileSystemTypes.Register(kernel, message => detail = message);
        Errno errno = kernel.Start(settings.Type, settings.Source, settings.Flags, settings.Data, out VfsContext? context);
        if (context is null)
        {
            throw new CommandException($"cannot mount {settings.Source}: {detail ?? Explain(settings, errno)}");
        }
        var mounter = new BootMounter(context) { Report = failure => report(failure.ToString()) };
        if (mounter.Mount(settings.Inner) is { } failure)
        {
            mounter.UnmountAll();
            context.Dispose();
            throw new CommandException(failure.ToString());
        }
        return new ServedTree(context, mounter);
    }

    /// <summary>Everything is written, and the sources are given back.</summary>
    public void Dispose()
    {
        _mounter.UnmountAll();
        Context.Dispose();
    }

    // mount(2) has only numbers for what the volume's own code says in words.
    private static string Explain(MountSettings settings, Errno errno)
    {
        if (settings.Type != "tfs")
        {
            return errno == Errno.ENODEV ? $"there is no file system type '{settings.Type}'" : errno.Describe();
        }
        if (settings.Data.Length > 0)
        {
            return $"unknown option '{settings.Data}'";
        }
        try
        {
            using BlockDevice disk = FileBlockDevice.Open(settings.Source, new FileBlockDeviceOptions { ReadOnly = settings.IsReadOnly });
            using BlockDevice device = PartitionTable.Read(disk).Open(disk, PartitionRole.Root, ownsDevice: false);
            TfsVolume volume = TfsVolume.Open(device);
            return volume.Faults.Count > 0 ? $"{volume.Faults[0].Message} (-o ro mounts it for reading)" : errno.Describe();
        }
        catch (Exception problem) when (problem is BlockDeviceException or TfsFormatException)
        {
            return problem.Message.TrimEnd('.');
        }
    }
}
