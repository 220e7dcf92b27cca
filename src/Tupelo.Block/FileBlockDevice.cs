// A FileBlockDevice is a regular file or block device of the host as a row of bytes. This file holds what is common: opening,
// checks, the length. The calls themselves are made by one of two implementations, chosen once when opening:
//   LinuxFileBlockDevice     the system's own calls on raw pointers: vectors, direct I/O, holes, block devices, image locks
//   PortableFileBlockDevice  System.IO.RandomAccess, wherever the other does not apply
//
// The length is read when opening and changed by Resize alone. A file that somebody else makes shorter meanwhile fails with EIO
// where bytes are missing; one that somebody else makes longer does not grow here.
// Threads: no locks; the host orders transfers. Dispose while a call is running closes the descriptor when that call is done.
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Tupelo.Block;

/// <summary>A host file or block device.</summary>
public abstract class FileBlockDevice : BlockDevice
{
    private long _sizeBytes; // Volatile: any thread reads it, Resize writes it.
    private int _flushFailure; // Volatile: the Errno of the first Flush that failed; never cleared.

    private protected FileBlockDevice(string path, SafeFileHandle handle, FileBlockDeviceOptions options, long sizeBytes)
    {
        Name = path;
        Handle = handle;
        IsReadOnly = options.ReadOnly;
        _sizeBytes = sizeBytes;
    }

    /// <summary>Opens <paramref name="path"/>, and creates it where <paramref name="options"/> say so.</summary>
    /// <exception cref="BlockDeviceException">It cannot be opened; the message says why, and what to do.</exception>
    /// <remarks>A file that this call created is removed again when a later step fails.</remarks>
    public static FileBlockDevice Open(string path, FileBlockDeviceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        options ??= new FileBlockDeviceOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.SizeBytes, nameof(options));
        if (options.ReadOnly && options.Creation != FileCreation.Never)
        {
            throw new ArgumentException("A file that is created must be writable.", nameof(options));
        }
        if (!options.ReadOnly && options.EffectiveLock == ImageLockMode.SharedReader)
        {
            throw new ArgumentException("A reader's lock does not keep other writers away.", nameof(options));
        }
        if (path.Length == 0 || path.Contains('\0'))
        {
            throw new BlockDeviceException(Errno.EINVAL, path, "Cannot open a file without a name, or with a NUL in its name.");
        }
        return LinuxCalls.AreKnown && !options.Portable
            ? LinuxFileBlockDevice.OpenPath(path, options)
            : PortableFileBlockDevice.OpenPath(path, options);
    }

    /// <summary>The open file. The device owns it: do not close it, and move nothing but data (copy_file_range, sendfile) through it.</summary>
    public SafeFileHandle Handle { get; }

    public sealed override long SizeBytes => Volatile.Read(ref _sizeBytes);

    public sealed override bool IsReadOnly { get; }

    public sealed override string Name { get; }

    /// <summary>True for a block device of the host, whose length is fixed.</summary>
    public virtual bool IsHostBlockDevice => false;

    /// <inheritdoc/>
    /// <remarks>Latched: once a flush has failed, every later one fails with the same errno, since the host forgets which writes it
    /// lost (the kernel reports a failed write-back once, and then calls the pages clean). Open the file again to go on.</remarks>
    public sealed override Errno Flush()
    {
        var failed = (Errno)Volatile.Read(ref _flushFailure);
        if (failed != Errno.None)
        {
            return failed;
        }
        Errno errno = IsReadOnly ? Errno.None : FlushCore();
        if (errno != Errno.None)
        {
            _ = Interlocked.CompareExchange(ref _flushFailure, (int)errno, 0);
        }
        return errno;
    }

    public sealed override Errno Discard(long offsetBytes, long lengthBytes)
    {
        if (IsReadOnly)
        {
            return Errno.EROFS;
        }
        if (!Contains(offsetBytes, lengthBytes))
        {
            return Errno.EINVAL;
        }
        return lengthBytes == 0 ? Errno.None : DiscardCore(offsetBytes, lengthBytes);
    }

    public sealed override Errno Resize(long sizeBytes)
    {
        if (IsReadOnly)
        {
            return Errno.EROFS;
        }
        if (IsHostBlockDevice)
        {
            return Errno.EOPNOTSUPP;
        }
        if (sizeBytes < 0 || (RequiresAlignment && sizeBytes % SectorBytes != 0))
        {
            return Errno.EINVAL;
        }
        Errno errno = ResizeCore(sizeBytes);
        if (errno == Errno.None)
        {
            Volatile.Write(ref _sizeBytes, sizeBytes);
        }
        return errno;
    }

    private protected abstract Errno FlushCore();

    private protected abstract Errno DiscardCore(long offsetBytes, long lengthBytes);

    private protected abstract Errno ResizeCore(long sizeBytes);

    /// <summary>EINVAL when the range lies outside of the device, or is unaligned where that matters.</summary>
    private protected Errno CheckRange(long offsetBytes, long lengthBytes)
    {
        if (!Contains(offsetBytes, lengthBytes))
        {
            return Errno.EINVAL;
        }
        return RequiresAlignment && ((offsetBytes | lengthBytes) & (SectorBytes - 1)) != 0 ? Errno.EINVAL : Errno.None;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Handle.Dispose();
        }
        base.Dispose(disposing);
    }
}
