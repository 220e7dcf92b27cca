// Errors of the friendly door. Inside, an errno is a value; here it becomes the exception that a .NET program expects for it, and
// keeps the number. One place decides which: Failure.From.
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Tupelo;

/// <summary>Carried by every exception that stands for an error number.</summary>
public interface IErrnoException
{
    /// <summary>Which error it was, as Linux numbers them.</summary>
    Errno Errno { get; }

    /// <summary>The path that the call was about, or "".</summary>
    string Path { get; }
}

/// <summary>An error without an exception of its own in .NET: ENOSPC, EEXIST, ENOTEMPTY, EXDEV, EIO, EROFS ...</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "It always has an errno.")]
public class VolumeException : IOException, IErrnoException
{
    public VolumeException(Errno errno, string path, string message, Exception? inner = null)
        : base(message, inner)
    {
        Errno = errno;
        Path = path;
    }

    /// <inheritdoc/>
    public Errno Errno { get; }

    /// <inheritdoc/>
    public string Path { get; }
}

/// <summary>ENOENT for a file. Caught as <see cref="FileNotFoundException"/>.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "It always has an errno.")]
public sealed class VolumeFileNotFoundException(string path, string message) : FileNotFoundException(message, path), IErrnoException
{
    /// <inheritdoc/>
    public Errno Errno => Errno.ENOENT;

    /// <inheritdoc/>
    public string Path => FileName ?? "";
}

/// <summary>ENOENT or ENOTDIR for a directory, or on the way. Caught as <see cref="DirectoryNotFoundException"/>.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "It always has an errno.")]
public sealed class VolumeDirectoryNotFoundException(Errno errno, string path, string message) : DirectoryNotFoundException(message), IErrnoException
{
    /// <inheritdoc/>
    public Errno Errno => errno;

    /// <inheritdoc/>
    public string Path => path;
}

/// <summary>EACCES or EPERM. Caught as <see cref="UnauthorizedAccessException"/>.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "It always has an errno.")]
public sealed class VolumeAccessException(Errno errno, string path, string message) : UnauthorizedAccessException(message), IErrnoException
{
    /// <inheritdoc/>
    public Errno Errno => errno;

    /// <inheritdoc/>
    public string Path => path;
}

/// <summary>Turns error numbers into exceptions.</summary>
internal static class Failure
{
    /// <summary>Throws when <paramref name="errno"/> is one.</summary>
    public static void ThrowIf(Errno errno, string doing, VolumePath path)
    {
        if (errno != Errno.None)
        {
            Throw(errno, doing, path);
        }
    }

    /// <summary>The value of a call, or its exception.</summary>
    public static long Check(long result, string doing, VolumePath path)
    {
        if (result < 0)
        {
            Throw((Errno)(-result), doing, path);
        }
        return result;
    }

    [DoesNotReturn]
    public static void Throw(Errno errno, string doing, VolumePath path, bool isDirectory = false) =>
        throw From(errno, doing, path.ToString(), isDirectory);

    /// <summary>The exception for an error.</summary>
    /// <param name="doing">What was tried, as a sentence goes on after "cannot": "open", "remove".</param>
    public static Exception From(Errno errno, string doing, string path, bool isDirectory = false)
    {
        string message = path.Length == 0
            ? string.Create(CultureInfo.InvariantCulture, $"Cannot {doing}: {errno.Describe()} ({errno}).")
            : string.Create(CultureInfo.InvariantCulture, $"Cannot {doing} '{path}': {errno.Describe()} ({errno}).");
        return errno switch
        {
            Errno.ENOENT when isDirectory => new VolumeDirectoryNotFoundException(errno, path, message),
            Errno.ENOENT => new VolumeFileNotFoundException(path, message),
            Errno.ENOTDIR => new VolumeDirectoryNotFoundException(errno, path, message),
            Errno.EACCES or Errno.EPERM => new VolumeAccessException(errno, path, message),
            _ => new VolumeException(errno, path, message),
        };
    }
}
