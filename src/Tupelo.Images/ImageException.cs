namespace Tupelo.Images;

/// <summary>Why an image could not be made, as a sentence for the person who asked: what, where, and what to do.</summary>
public sealed class ImageException : IOException
{
    public ImageException(string message)
        : base(message)
    {
    }

    public ImageException(string message, Errno errno)
        : base($"{message}: {errno.Describe()}") => Errno = errno;

    public ImageException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public ImageException()
    {
    }

    /// <summary>What the host answered; <see cref="Errno.None"/> when the reason is another.</summary>
    public Errno Errno { get; }
}
