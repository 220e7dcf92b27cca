// A host file by the framework's portable calls: for systems whose own calls LinuxCalls does not know. See FileBlockDevice for what
// holds in general. No direct I/O, no holes, no block devices. Another program is kept out by the sharing mode that the file is
// opened with. Failures arrive as exceptions and leave as an Errno.
using Microsoft.Win32.SafeHandles;

namespace Tupelo.Block;

internal sealed class PortableFileBlockDevice : FileBlockDevice
{
    private PortableFileBlockDevice(string path, SafeFileHandle handle, FileBlockDeviceOptions options)
        : base(path, handle, options, RandomAccess.GetLength(handle))
    {
    }

    /// <summary>Opens as <see cref="FileBlockDevice.Open"/> does.</summary>
    internal static PortableFileBlockDevice OpenPath(string path, FileBlockDeviceOptions options)
    {
        if (options.Direct)
        {
            throw BlockDeviceException.Opening(path, Errno.EOPNOTSUPP, options);
        }
        if (Directory.Exists(path))
        {
            throw BlockDeviceException.Opening(path, Errno.EISDIR, options);
        }
        FileShare share = options.EffectiveLock switch
        {
            ImageLockMode.ExclusiveWriter => FileShare.None,
            ImageLockMode.SharedReader when !options.Force => FileShare.Read,
            _ => FileShare.ReadWrite,
        };
        SafeFileHandle? handle = null;
        bool created = false;
        try
        {
            // Creating is always exclusive, so that we know whether the file is ours.
            created = options.Creation == FileCreation.New || (options.Creation == FileCreation.IfMissing && !File.Exists(path));
            handle = File.OpenHandle(path, created ? FileMode.CreateNew : FileMode.Open,
                options.ReadOnly ? FileAccess.Read : FileAccess.ReadWrite, share, FileOptions.RandomAccess);
            if (created)
            {
                RandomAccess.SetLength(handle, options.SizeBytes);
            }
            return new PortableFileBlockDevice(path, handle, options);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            if (handle is not null)
            {
                handle.Dispose();
                if (created)
                {
                    File.Delete(path); // ours, and of no use to anybody
                }
            }
            throw BlockDeviceException.Opening(path, ToErrno(e), options, e);
        }
    }

    public override Errno Read(long offsetBytes, Span<byte> buffer)
    {
        Errno errno = CheckRange(offsetBytes, buffer.Length);
        if (errno != Errno.None)
        {
            return errno;
        }
        try
        {
            while (buffer.Length > 0)
            {
                int count = RandomAccess.Read(Handle, buffer, offsetBytes);
                if (count == 0)
                {
                    return Errno.EIO; // somebody made the file shorter
                }
                buffer = buffer[count..];
                offsetBytes += count;
            }
            return Errno.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ToErrno(e);
        }
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        if (IsReadOnly)
        {
            return Errno.EROFS;
        }
        Errno errno = CheckRange(offsetBytes, buffer.Length);
        if (errno != Errno.None)
        {
            return errno;
        }
        try
        {
            RandomAccess.Write(Handle, buffer, offsetBytes);
            return Errno.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ToErrno(e);
        }
    }

    private protected override Errno FlushCore()
    {
        try
        {
            RandomAccess.FlushToDisk(Handle);
            return Errno.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ToErrno(e);
        }
    }

    private protected override Errno DiscardCore(long offsetBytes, long lengthBytes) => Errno.EOPNOTSUPP;

    private protected override Errno ResizeCore(long sizeBytes)
    {
        try
        {
            RandomAccess.SetLength(Handle, sizeBytes);
            return Errno.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return e is ArgumentException ? Errno.EFBIG : ToErrno(e);
        }
    }

    // The framework gives Win32 errors as 0x8007nnnn, and the error numbers of a Unix as they are; those below 35 are the same on all.
    private static Errno ToErrno(Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => Errno.ENOENT,
        PathTooLongException => Errno.ENAMETOOLONG,
        UnauthorizedAccessException => Errno.EACCES,
        NotSupportedException => Errno.EOPNOTSUPP,
        ArgumentException => Errno.EINVAL,
        _ => exception.HResult switch
        {
            unchecked((int)0x80070050) or unchecked((int)0x800700B7) => Errno.EEXIST, // ERROR_FILE_EXISTS, ERROR_ALREADY_EXISTS
            unchecked((int)0x80070020) or unchecked((int)0x80070021) => Errno.EBUSY, // ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION
            unchecked((int)0x80070027) or unchecked((int)0x80070070) => Errno.ENOSPC, // ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
            unchecked((int)0x80070013) => Errno.EROFS, // ERROR_WRITE_PROTECT
            11 or 35 => Errno.EBUSY, // EWOULDBLOCK, by which a Unix refuses the sharing mode
            > 0 and < 35 and var number => (Errno)number,
            _ => Errno.EIO,
        },
    };
}
