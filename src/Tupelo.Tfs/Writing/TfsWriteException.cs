namespace Tupelo.Tfs;

/// <summary>Why a volume could not be made: a sentence for the person who asked, and the error number where the device gave one.</summary>
public sealed class TfsWriteException : IOException
{
    public TfsWriteException(string message)
        : base(message)
    {
    }

    public TfsWriteException(string message, Errno errno)
        : base($"{message}: {errno.Describe()}") => Errno = errno;

    public TfsWriteException(string message, Exception inner)
        : base(message, inner)
    {
    }

    public TfsWriteException()
    {
    }

    /// <summary>What the device or the host's file system answered; <see cref="Errno.None"/> when the reason is another.</summary>
    public Errno Errno { get; }
}
