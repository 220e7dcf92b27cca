namespace Tupelo.FileSystems;

/// <summary>An image or archive is damaged, hostile, or not what it is taken for: thrown when it is opened, never later.</summary>
public sealed class ImageFormatException : IOException
{
    public ImageFormatException(string message, long offsetBytes = -1, Errno errno = Errno.EINVAL)
        : base(offsetBytes < 0 ? message : $"{message} (at byte {offsetBytes})")
    {
        OffsetBytes = offsetBytes;
        Errno = errno;
    }

    /// <summary>What mount(2) answers: EINVAL for what is not a sound image, EIO where the device failed.</summary>
    public Errno Errno { get; }

    /// <summary>Where in the image, in bytes; -1 when no single place is to blame.</summary>
    public long OffsetBytes { get; }
}
