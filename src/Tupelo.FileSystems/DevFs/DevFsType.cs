// "devfs": device nodes with stable numbers. One set of devices per type object, shared by its mounts; devices come and go at run time.
// null, zero, full, random, urandom, console and tty are always there; fd, stdin, stdout and stderr lead into /proc; pts, shm are empty
// directories to mount on. Nodes that mknod makes on other file systems reach the same drivers, through the kernel's registry.
using Tupelo.Block;

namespace Tupelo.FileSystems;

/// <summary>Makes /dev. Register it with one kernel.</summary>
public sealed class DevFsType : FileSystemType
{
    private const ulong StatFsMagic = 0x01021994; // As devtmpfs.
    private const uint BlockMajor = 259;
    private const uint Everybody = 0x1B6;
    private const uint OwnerAndGroup = 0x1B0;

    private readonly Lock _devicesMu = new();  // Guards _nodes, _instances, _lastMinor.
    private readonly List<Node> _nodes = [];
    private readonly List<SyntheticFileSystem> _instances = [];
    private readonly VfsKernel _kernel;
    private uint _lastMinor;

    /// <param name="kernel">Whose devices these are.</param>
    /// <param name="console">What console and tty are; without it they read as ended and swallow what is written.</param>
    public DevFsType(VfsKernel kernel, DeviceDriver? console = null)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        _kernel = kernel;
        DeviceDriver terminal = console ?? new MemoryDevice(MemoryDeviceKind.Null);
        AddStandard("null", 1, 3, new MemoryDevice(MemoryDeviceKind.Null));
        AddStandard("zero", 1, 5, new MemoryDevice(MemoryDeviceKind.Zero));
        AddStandard("full", 1, 7, new MemoryDevice(MemoryDeviceKind.Full));
        AddStandard("random", 1, 8, new MemoryDevice(MemoryDeviceKind.Random));
        AddStandard("urandom", 1, 9, new MemoryDevice(MemoryDeviceKind.Random));
        AddStandard("tty", 5, 0, terminal);
        AddStandard("console", 5, 1, terminal);
    }

    public override string Name => "devfs";

    /// <remarks>Errors: EINVAL there are no options.</remarks>
    public override Errno Create(MountRequest request, out FileSystem? fileSystem)
    {
        fileSystem = null;
        if (request.Options.Length > 0)
        {
            return Errno.EINVAL;
        }
        var made = new SyntheticFileSystem(this, request.Kernel, StatFsMagic, request.IsReadOnly) { Ended = Forget };
        SyntheticDirectory root = made.RootDirectory;
        root.AddLink("fd", "/proc/self/fd");
        root.AddLink("stdin", "/proc/self/fd/0");
        root.AddLink("stdout", "/proc/self/fd/1");
        root.AddLink("stderr", "/proc/self/fd/2");
        _ = root.AddDirectory("pts", 0x1ED);
        _ = root.AddDirectory("shm", 0x3FF);
        lock (_devicesMu)
        {
            foreach (Node node in _nodes)
            {
                root.AddDevice(node.Name, node.Type, node.Device, node.Permissions);
            }
            _instances.Add(made);
        }
        fileSystem = made;
        return Errno.None;
    }

    /// <summary>Adds a device to all mounts.</summary>
    /// <remarks>Errors: EEXIST the name is taken · EBUSY the number is taken.</remarks>
    public Errno Register(string name, FileType type, ulong device, DeviceDriver driver, uint permissions = OwnerAndGroup)
    {
        lock (_devicesMu)
        {
            if (_nodes.Exists(node => string.Equals(node.Name, name, StringComparison.Ordinal)) || name is "fd" or "stdin" or "stdout" or "stderr" or "pts" or "shm")
            {
                return Errno.EEXIST;
            }
            Errno errno = _kernel.Devices.Register(type, device, driver);
            if (errno != Errno.None)
            {
                return errno;
            }
            _nodes.Add(new Node(name, type, device, permissions));
            foreach (SyntheticFileSystem instance in _instances)
            {
                instance.RootDirectory.AddDevice(name, type, device, permissions);
            }
            return Errno.None;
        }
    }

    /// <summary>Adds a block device under the next free number; it stays the caller's.</summary>
    /// <remarks>Errors: EEXIST the name is taken.</remarks>
    public Errno RegisterBlockDevice(string name, BlockDevice device)
    {
        ulong number;
        lock (_devicesMu)
        {
            number = DeviceNumber.Make(BlockMajor, _lastMinor++);
        }
        return Register(name, FileType.BlockDevice, number, new BlockDeviceDriver(device));
    }

    /// <summary>Takes a device away; who has it open keeps it. Errors: ENOENT no such device.</summary>
    public Errno Unregister(string name)
    {
        lock (_devicesMu)
        {
            int index = _nodes.FindIndex(node => string.Equals(node.Name, name, StringComparison.Ordinal));
            if (index < 0)
            {
                return Errno.ENOENT;
            }
            foreach (SyntheticFileSystem instance in _instances)
            {
                _ = instance.RootDirectory.RemoveName(name);
            }
            _ = _kernel.Devices.Unregister(_nodes[index].Type, _nodes[index].Device);
            _nodes.RemoveAt(index);
            return Errno.None;
        }
    }

    // Its last mount is gone: devices that come and go are not its business any more.
    private void Forget(SyntheticFileSystem instance)
    {
        lock (_devicesMu)
        {
            _ = _instances.Remove(instance);
        }
    }

    private void AddStandard(string name, uint major, uint minor, DeviceDriver driver)
    {
        Errno errno = Register(name, FileType.CharDevice, DeviceNumber.Make(major, minor), driver, name is "console" ? 0x180 : Everybody);
        if (errno != Errno.None)
        {
            throw new InvalidOperationException($"the kernel has a device {major}:{minor} already: {errno}");
        }
    }

    private sealed record Node(string Name, FileType Type, ulong Device, uint Permissions);
}
