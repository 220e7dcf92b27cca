// ImageSources turns mount(2)'s source argument into a block device to read an image from: a device that was registered under that
// name, or a file or block device of the host. One object is shared by the file system types that mount images.
// Locks: _devicesMu is a leaf.
using Tupelo.Block;

namespace Tupelo.FileSystems;

/// <summary>Where images are mounted from. Any thread.</summary>
public sealed class ImageSources
{
    private readonly Lock _devicesMu = new();  // Guards _devices.
    private readonly Dictionary<string, BlockDevice> _devices = new(StringComparer.Ordinal);

    /// <summary>Whether a source that is not registered is opened as a path of the host. True unless guests choose what to mount.</summary>
    public bool AllowHostFiles { get; init; } = true;

    /// <summary>Told, in one sentence, why an image could not be mounted: mount(2) itself can only answer with a number.</summary>
    public Action<string>? Report { get; init; }

    /// <summary>Gives a name to a device, which stays the caller's and must outlive what is mounted from it. Errors: EBUSY the name is taken.</summary>
    public Errno Register(string name, BlockDevice device)
    {
        lock (_devicesMu)
        {
            return _devices.TryAdd(name, device) ? Errno.None : Errno.EBUSY;
        }
    }

    /// <summary>Takes a name away; what is mounted stays. Errors: ENOENT.</summary>
    public Errno Unregister(string name)
    {
        lock (_devicesMu)
        {
            return _devices.Remove(name) ? Errno.None : Errno.ENOENT;
        }
    }

    /// <summary>Opens a source for reading; the caller disposes of what comes out.</summary>
    /// <remarks>Errors: EINVAL no source · ENOENT · EACCES host files are not allowed, or not readable · what the host says.</remarks>
    public Errno Open(string source, out BlockDevice? device)
    {
        device = null;
        if (source.Length == 0)
        {
            return Errno.EINVAL;
        }
        lock (_devicesMu)
        {
            if (_devices.TryGetValue(source, out BlockDevice? registered))
            {
                device = new SliceBlockDevice(registered, 0, registered.SizeBytes, ownsInner: false, isReadOnly: true);
                return Errno.None;
            }
        }
        if (!AllowHostFiles)
        {
            return Errno.EACCES;
        }
        try
        {
            device = FileBlockDevice.Open(source, new FileBlockDeviceOptions { ReadOnly = true });
            return Errno.None;
        }
        catch (BlockDeviceException problem)
        {
            Report?.Invoke(problem.Message);
            return problem.Errno;
        }
    }
}
