// What opening a device, or reading its partition table, throws: the one place of this floor where a sentence for people matters
// more than speed. Transfers on an open device never throw it; they return an Errno.
namespace Tupelo.Block;

/// <summary>A device could not be opened, or what is on it does not allow the use asked for.</summary>
public sealed class BlockDeviceException : IOException
{
    /// <param name="errno">The kind of failure; also in <see cref="Exception.HResult"/>.</param>
    /// <param name="path">The device's name, as the caller gave it.</param>
    /// <param name="message">What, where, and what to do.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public BlockDeviceException(Errno errno, string path, string message, Exception? inner = null)
        : base(message, inner)
    {
        Errno = errno;
        Path = path;
        HResult = (int)errno;
    }

    public Errno Errno { get; }

    public string Path { get; }

    /// <summary>The failure of open(2) on <paramref name="path"/>, in words.</summary>
    internal static BlockDeviceException Opening(string path, Errno errno, FileBlockDeviceOptions options, Exception? inner = null)
    {
        string reason = errno switch
        {
            Errno.ENOENT when options.Creation == FileCreation.Never => "there is no such file",
            Errno.ENOENT => "the directory to create it in does not exist",
            Errno.EEXIST when options.Creation == FileCreation.IfMissing => "it is a symbolic link to a file that does not exist",
            Errno.EEXIST => "it exists already, and would be overwritten",
            Errno.EACCES or Errno.EPERM when options.ReadOnly => "you may not read it",
            Errno.EACCES or Errno.EPERM => "you may not write it; open it read-only, or as another user",
            Errno.EROFS => "it lies on a read-only file system; open it read-only",
            Errno.EISDIR => "it is a directory, not an image",
            Errno.ENOTBLK => "it is neither a regular file nor a block device",
            Errno.ETXTBSY => "it is a program that is running",
            Errno.EBUSY => "it is mounted, or in use by another program",
            Errno.EINVAL when options.Direct => "its file system does not support direct I/O",
            Errno.EOPNOTSUPP when options.Direct => "direct I/O is not available on this system",
            Errno.EFBIG => string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"a length of {options.SizeBytes} bytes is more than its file system can hold in one file"),
            _ => errno.Describe(),
        };
        return new BlockDeviceException(errno, path, $"Cannot open {path}: {reason}.", inner);
    }
}
