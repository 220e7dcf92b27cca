// DeviceRegistry finds who is behind a device node: (type, major, minor) -> driver. A node on any file system works, unless its
// mount says nodev. Drivers come and go at run time; an open device stays with the driver it was opened with.
using System.Collections.Concurrent;

namespace Tupelo.Vfs;

/// <summary>What opening a device node leads to. Any thread.</summary>
public abstract class DeviceDriver
{
    /// <summary>Opens the device.</summary>
    /// <remarks>Errors: ENXIO · EBUSY · EACCES · EIO.</remarks>
    public abstract Errno Open(VfsContext context, ulong device, OpenFlags flags, out OpenHandle? handle);
}

/// <summary>The devices of a kernel, by number. Any thread.</summary>
public sealed class DeviceRegistry
{
    private readonly ConcurrentDictionary<(FileType Type, ulong Device), DeviceDriver> _drivers = new();

    /// <summary>Puts a driver behind a number. Errors: EBUSY taken.</summary>
    public Errno Register(FileType type, ulong device, DeviceDriver driver) => _drivers.TryAdd((type, device), driver) ? Errno.None : Errno.EBUSY;

    /// <summary>Takes it away. Errors: ENXIO nobody there.</summary>
    public Errno Unregister(FileType type, ulong device) => _drivers.TryRemove((type, device), out _) ? Errno.None : Errno.ENXIO;

    internal Errno Open(VfsContext context, Vnode vnode, OpenFlags flags, out OpenHandle? handle)
    {
        handle = null;
        return _drivers.TryGetValue((vnode.Type, vnode.RawDevice), out DeviceDriver? driver)
            ? driver.Open(context, vnode.RawDevice, flags, out handle)
            : Errno.ENXIO;
    }
}
