// The image while it is being built: a file that has no name yet, so that whatever happens (an error, Ctrl-C, kill -9) leaves nothing
// behind. Publish gives it its name when everything in it is durable. Where the host has no nameless files (O_TMPFILE) it is a hidden
// file beside the image, removed by Dispose.
// A block device for the builder. Threads: transfers from any; Publish and Dispose when they are over.
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Tupelo.Block;

namespace Tupelo.Images;

internal sealed class ImageFile : BlockDevice
{
    private const int WriteBackBytes = 16 << 20;

    private readonly SafeFileHandle _handle;
    private readonly string _path;         // after symbolic links
    private readonly bool _overwrite;
    private string? _temporaryPath;        // null while nameless
    private long _sizeBytes;

    private readonly Lock _writeBackMu = new(); // Guards the two below.
    private long _writeBackStart;               // written since, without a gap, and not yet on its way to the disk
    private long _writtenEnd;

    private ImageFile(string name, string path, bool overwrite, SafeFileHandle handle, string? temporaryPath)
    {
        Name = name;
        _path = path;
        _overwrite = overwrite;
        _handle = handle;
        _temporaryPath = temporaryPath;
    }

    /// <summary>Begins the image that is to be called <paramref name="name"/>.</summary>
    /// <param name="name">Its path. Its directory must exist.</param>
    /// <param name="overwrite">Whether a file of that name may be replaced in the end.</param>
    /// <exception cref="ImageException">Something of that name exists, or the directory does not, or it may not be written.</exception>
    public static ImageFile Create(string name, bool overwrite)
    {
        if (name.Length == 0 || name.Contains('\0'))
        {
            throw new ImageException("an image's name cannot be empty or contain NUL");
        }
        try
        {
            string path = Path.GetFullPath(name);
            FileInfo info = new(path);
            if (info.LinkTarget is not null)
            {
                path = info.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
            }
            if (Directory.Exists(path))
            {
                throw new ImageException($"{name} is a directory; give the image another name");
            }
            if (File.Exists(path))
            {
                if (!overwrite)
                {
                    throw new ImageException($"{name} exists already; it is replaced with --force only");
                }
                if (HostCalls.AreKnown && !IsRegular(path))
                {
                    throw new ImageException($"{name} is not a regular file and cannot be replaced by an image");
                }
                RefuseWhileWritten(path);
            }
            string directory = Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : ".";
            if (!Directory.Exists(directory))
            {
                throw new ImageException($"cannot make {name}: the directory {directory} does not exist");
            }
            SafeFileHandle? nameless = OpenNameless(directory);
            if (nameless is not null)
            {
                return new ImageFile(name, path, overwrite, nameless, null);
            }
            string temporary = TemporaryPathFor(path);
            return new ImageFile(name, path, overwrite,
                File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete), temporary);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not ImageException))
        {
            throw new ImageException($"cannot make {name}: {e.Message}", e);
        }
    }

    public override long SizeBytes => Volatile.Read(ref _sizeBytes);

    public override bool IsReadOnly => false;

    public override string Name { get; }

    /// <summary>The open file, for the system's copying calls.</summary>
    public SafeFileHandle Handle => _handle;

    public override Errno Read(long offsetBytes, Span<byte> buffer)
    {
        if (!Contains(offsetBytes, buffer.Length))
        {
            return Errno.EINVAL;
        }
        try
        {
            while (!buffer.IsEmpty)
            {
                int count = RandomAccess.Read(_handle, buffer, offsetBytes);
                if (count == 0)
                {
                    return Errno.EIO;
                }
                buffer = buffer[count..];
                offsetBytes += count;
            }
            return Errno.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ErrnoOf(e);
        }
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        if (!Contains(offsetBytes, buffer.Length))
        {
            return Errno.EINVAL;
        }
        try
        {
            RandomAccess.Write(_handle, buffer, offsetBytes);
            StartWriteBack(offsetBytes, buffer.Length);
            return Errno.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ErrnoOf(e);
        }
    }

    public override Errno Flush()
    {
        try
        {
            RandomAccess.FlushToDisk(_handle);
            return Errno.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ErrnoOf(e);
        }
    }

    public override Errno Resize(long sizeBytes)
    {
        try
        {
            RandomAccess.SetLength(_handle, sizeBytes);
            Volatile.Write(ref _sizeBytes, sizeBytes);
            return Errno.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ErrnoOf(e);
        }
    }

    /// <summary>Gives the finished, flushed image its name, durably.</summary>
    /// <exception cref="ImageException">A file of that name has appeared meanwhile, or the host refuses.</exception>
    public void Publish()
    {
        try
        {
            if (_overwrite && File.Exists(_path) && !OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(_handle, File.GetUnixFileMode(_path)); // what was private stays private
            }
            if (_temporaryPath is null)
            {
                string target = _overwrite ? TemporaryPathFor(_path) : _path;
                if (HostCalls.LinkAt(HostCalls.AT_FDCWD, DescriptorPath, HostCalls.AT_FDCWD, target, HostCalls.AT_SYMLINK_FOLLOW) != 0)
                {
                    Errno errno = HostCalls.LastErrno;
                    throw errno == Errno.EEXIST
                        ? new ImageException($"{Name} was made by somebody else meanwhile; it is replaced with --force only")
                        : new ImageException($"cannot give {Name} its name", errno);
                }
                _temporaryPath = _overwrite ? target : null;
            }
            if (_temporaryPath is not null)
            {
                File.Move(_temporaryPath, _path, _overwrite);
                _temporaryPath = null;
            }
            FlushDirectory();
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not ImageException))
        {
            throw new ImageException($"cannot give {Name} its name: {e.Message}", e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _handle.Dispose();
            if (_temporaryPath is not null)
            {
                try
                {
                    File.Delete(_temporaryPath);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // Whoever took the directory away has taken the file, too.
                }
            }
        }
        base.Dispose(disposing);
    }

    // The host would otherwise keep everything back until Flush, and the disk would idle meanwhile.
    private void StartWriteBack(long offsetBytes, int lengthBytes)
    {
        if (!HostCalls.AreKnown)
        {
            return;
        }
        long start;
        long count;
        lock (_writeBackMu)
        {
            if (offsetBytes != _writtenEnd)
            {
                _writeBackStart = offsetBytes;
            }
            _writtenEnd = offsetBytes + lengthBytes;
            start = _writeBackStart;
            count = _writtenEnd - start;
            if (count < WriteBackBytes)
            {
                return;
            }
            _writeBackStart = _writtenEnd;
        }
        // Best effort: what goes wrong here, Flush will tell.
        _ = HostCalls.SyncFileRange((int)_handle.DangerousGetHandle(), start, count, HostCalls.SYNC_FILE_RANGE_WRITE);
    }

    private string DescriptorPath => $"/proc/self/fd/{_handle.DangerousGetHandle()}";

    // Somebody who writes to the old image (a mount, a virtual machine) would go on with a file that has no name any more.
    private static void RefuseWhileWritten(string path)
    {
        try
        {
            FileBlockDevice.Open(path, new FileBlockDeviceOptions { ReadOnly = true }).Dispose();
        }
        catch (BlockDeviceException e) when (e.Errno is Errno.EACCES or Errno.EPERM)
        {
            // Who may not read it may still replace it.
        }
        catch (BlockDeviceException e)
        {
            throw new ImageException(e.Message, e);
        }
    }

    private static SafeFileHandle? OpenNameless(string directory)
    {
        if (!HostCalls.AreKnown || !Directory.Exists("/proc/self/fd"))
        {
            return null;
        }
        int descriptor = HostCalls.Open(directory, HostCalls.O_TMPFILE | HostCalls.O_RDWR | HostCalls.O_CLOEXEC, 0x1B6); // 0666, less the umask
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    private static unsafe bool IsRegular(string path)
    {
        HostCalls.StatX stat;
        fixed (byte* name = System.Text.Encoding.UTF8.GetBytes(path + "\0"))
        {
            return HostCalls.Statx(HostCalls.AT_FDCWD, name, 0, HostCalls.STATX_BASIC_STATS, &stat) == 0
                && Mode.TypeOf(stat.Mode) == FileType.Regular;
        }
    }

    private static string TemporaryPathFor(string path) =>
        Path.Combine(Path.GetDirectoryName(path) ?? ".", $".tupelo-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp");

    private void FlushDirectory()
    {
        if (!HostCalls.AreKnown)
        {
            return;
        }
        int descriptor = HostCalls.Open(Path.GetDirectoryName(_path) ?? "/", HostCalls.O_RDONLY | HostCalls.O_DIRECTORY | HostCalls.O_CLOEXEC, 0);
        if (descriptor < 0)
        {
            return; // a directory that may be written but not read
        }
        int result = HostCalls.Fsync(descriptor);
        Errno errno = HostCalls.LastErrno;
        _ = HostCalls.Close(descriptor);
        if (result != 0 && errno is not (Errno.EINVAL or Errno.EROFS))
        {
            throw new ImageException($"{Name} is complete, but its name may not survive a crash", errno);
        }
    }

    // On Unix the framework keeps the error number in HResult for most errors.
    private static Errno ErrnoOf(Exception e) =>
        e is UnauthorizedAccessException ? Errno.EACCES
        : !OperatingSystem.IsWindows() && e.HResult is > 0 and < 134 ? (Errno)e.HResult
        : Errno.EIO;
}
