// TargetDirectory by System.IO, for hosts whose calls are not known here: Windows and macOS. A path is checked for symbolic links and
// junctions before each use; somebody who changes directories at the very moment could outrun the check, which Linux' calls exclude.
// Hard links, nodes, owners and extended attributes are beyond System.IO: links become copies, the others are reported.
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Tupelo.Images.Extraction;

internal sealed class PortableTargetDirectory : TargetDirectory
{
    private readonly string _path;
    private readonly PortableTargetDirectory? _parent;
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);

    private PortableTargetDirectory(string path, PortableTargetDirectory? parent)
    {
        _path = path;
        _parent = parent;
    }

    public override bool IsParked => false;

    public static PortableTargetDirectory Open(string path)
    {
        try
        {
            if (!Directory.Exists(path))
            {
                throw new ImageException($"cannot use the directory {path}: it does not exist");
            }
            return new PortableTargetDirectory(Path.GetFullPath(path), null);
        }
        catch (UnauthorizedAccessException)
        {
            throw new ImageException($"cannot use the directory {path}", Errno.EACCES);
        }
    }

    public override Errno OpenOrMake(ReadOnlySpan<byte> name, uint mode, out TargetDirectory? child, out bool created)
    {
        child = null;
        bool made = false;
        PortableTargetDirectory? opened = null;
        Errno errno = At(name, path =>
        {
            if (!IsDirectory(path))
            {
                if (Exists(path))
                {
                    return Errno.ENOTDIR;
                }
                if (OperatingSystem.IsWindows())
                {
                    _ = Directory.CreateDirectory(path);
                }
                else
                {
                    _ = Directory.CreateDirectory(path, (UnixFileMode)((mode & 0x1FF) | 0x1C0));
                }
                made = true;
            }
            opened = new PortableTargetDirectory(path, this);
            return Errno.None;
        });
        if (errno == Errno.None && !_names.Add(Encoding.UTF8.GetString(name)) && !made)
        {
            errno = SameAsAnother;
        }
        child = errno == Errno.None ? opened : null;
        created = made;
        return errno;
    }

    public override Errno OpenExisting(ReadOnlySpan<byte> name, out TargetDirectory? child)
    {
        PortableTargetDirectory? opened = null;
        Errno errno = At(name, path =>
        {
            opened = IsDirectory(path) ? new PortableTargetDirectory(path, this) : null;
            return opened is null ? Errno.ENOTDIR : Errno.None;
        });
        child = opened;
        return errno;
    }

    public override Errno CreateFile(uint mode, out TargetFile? file)
    {
        TargetFile? made = null;
        Errno errno = At(
            Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $".tupelo-{System.Security.Cryptography.RandomNumberGenerator.GetHexString(16, lowercase: true)}.tmp")),
            path =>
            {
                var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
                if (!OperatingSystem.IsWindows())
                {
                    options.UnixCreateMode = (UnixFileMode)((mode & 0x1FF) | 0x180);
                }
                made = new PortableTargetFile(path, new FileStream(path, options));
                return Errno.None;
            });
        file = made;
        return errno;
    }

    public override Errno Place(TargetFile file, ReadOnlySpan<byte> name, bool overwrite)
    {
        var written = (PortableTargetFile)file;
        return MakeAt(name, overwrite, path =>
        {
            written.Close();
            File.Move(written.Path, path, overwrite: false);
            written.Placed();
        });
    }

    public override Errno MakeSymlink(ReadOnlySpan<byte> name, ReadOnlySpan<byte> target, bool overwrite, in TargetAttributes attributes, out Made made)
    {
        made = new Made(0, attributes.Xattrs?.Count ?? 0);
        if (!Utf8.IsValid(target))
        {
            return Errno.EILSEQ;
        }
        string text = Encoding.UTF8.GetString(target);
        return MakeAt(name, overwrite, path => _ = File.CreateSymbolicLink(path, text));
    }

    public override Errno MakeNode(ReadOnlySpan<byte> name, FileType type, ulong device, bool overwrite, in TargetAttributes attributes, out Made made)
    {
        made = default;
        return Errno.EOPNOTSUPP;
    }

    public override Errno Link(TargetDirectory source, ReadOnlySpan<byte> sourceName, ulong ino, ReadOnlySpan<byte> name, bool overwrite) => Errno.EOPNOTSUPP;

    public override Errno Finish(in TargetAttributes attributes, out int notRestored)
    {
        notRestored = attributes.Xattrs?.Count ?? 0;
        DateTime? time = attributes.ModifyTime?.ToDateTimeOffset().UtcDateTime;
        uint mode = attributes.Mode;
        return Try(() =>
        {
            if (!OperatingSystem.IsWindows() && (mode & 0x1C0) != 0x1C0)
            {
                File.SetUnixFileMode(_path, File.GetUnixFileMode(_path) & (UnixFileMode)(mode | ~0x1C0u));
            }
            if (time is not null)
            {
                Directory.SetLastWriteTimeUtc(_path, time.Value);
            }
            return Errno.None;
        });
    }

    public override void Park()
    {
    }

    public override Errno Wake(TargetDirectory child) => Errno.None;

    public override Errno Sync() => Errno.EOPNOTSUPP;

    private static bool Exists(string path) => new FileInfo(path) is { } info && (info.Exists || Directory.Exists(path) || info.LinkTarget is not null);

    private static bool IsDirectory(string path) => Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null
        && (File.GetAttributes(path) & FileAttributes.ReparsePoint) == 0;

    private Errno MakeAt(ReadOnlySpan<byte> name, bool overwrite, Action<string> make)
    {
        string text = Encoding.UTF8.GetString(name);
        Errno errno = At(name, path =>
        {
            if (Exists(path))
            {
                if (_names.Contains(text))
                {
                    return SameAsAnother;
                }
                if (IsDirectory(path))
                {
                    return Errno.EISDIR;
                }
                if (!overwrite)
                {
                    return Errno.EEXIST;
                }
                File.Delete(path);
            }
            make(path);
            return Errno.None;
        });
        if (errno == Errno.None)
        {
            _ = _names.Add(text);
        }
        return errno;
    }

    // The path of an entry, when all directories that lead to it are still what they were, and the host can bear the name.
    private Errno At(ReadOnlySpan<byte> name, Func<string, Errno> use)
    {
        if (!Utf8.IsValid(name))
        {
            return Errno.EILSEQ;
        }
        string text = Encoding.UTF8.GetString(name);
        if (OperatingSystem.IsWindows() && !WindowsName.IsPossible(text))
        {
            return Errno.EINVAL;
        }
        return Try(() =>
        {
            for (PortableTargetDirectory? directory = this; directory?._parent is not null; directory = directory._parent)
            {
                if (!IsDirectory(directory._path))
                {
                    return Errno.ESTALE;
                }
            }
            return use(Path.Combine(_path, text));
        });
    }

    internal static Errno Try(Func<Errno> action)
    {
        try
        {
            return action();
        }
        catch (PathTooLongException)
        {
            return Errno.ENAMETOOLONG;
        }
        catch (Exception problem) when (problem is FileNotFoundException or DirectoryNotFoundException)
        {
            return Errno.ENOENT;
        }
        catch (UnauthorizedAccessException)
        {
            return Errno.EACCES;
        }
        catch (IOException problem)
        {
            // On Unix the number is the system's own; on Windows the two that matter.
            return OperatingSystem.IsWindows()
                ? (problem.HResult & 0xFFFF) switch { 80 or 183 => Errno.EEXIST, 112 or 39 => Errno.ENOSPC, _ => Errno.EIO }
                : problem.HResult is > 0 and < 200 ? (Errno)problem.HResult : Errno.EIO;
        }
    }
}

internal sealed class PortableTargetFile(string path, FileStream stream) : TargetFile
{
    private bool _isPlaced;

    /// <summary>Its path for now.</summary>
    public string Path => path;

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> bytes)
    {
        byte[] copy = bytes.ToArray();
        return PortableTargetDirectory.Try(() =>
        {
            RandomAccess.Write(stream.SafeFileHandle, copy, offsetBytes);
            return Errno.None;
        });
    }

    public override Errno SetLength(long lengthBytes) => PortableTargetDirectory.Try(() =>
    {
        RandomAccess.SetLength(stream.SafeFileHandle, lengthBytes);
        return Errno.None;
    });

    public override Errno Finish(in TargetAttributes attributes, out int notRestored)
    {
        notRestored = attributes.Xattrs?.Count ?? 0;
        DateTime? time = attributes.ModifyTime?.ToDateTimeOffset().UtcDateTime;
        uint mode = attributes.Mode;
        return PortableTargetDirectory.Try(() =>
        {
            if (!OperatingSystem.IsWindows() && (mode & 0x180) != 0x180)
            {
                UnixFileMode made = File.GetUnixFileMode(stream.SafeFileHandle);
                File.SetUnixFileMode(stream.SafeFileHandle, made & (UnixFileMode)(mode | ~0x1C0u));
            }
            if (time is not null)
            {
                File.SetLastWriteTimeUtc(stream.SafeFileHandle, time.Value);
            }
            return Errno.None;
        });
    }

    /// <summary>Closes it, so that every host lets it be renamed.</summary>
    public void Close() => stream.Dispose();

    /// <summary>The file has its name: it is not to be removed any more.</summary>
    public void Placed() => _isPlaced = true;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            stream.Dispose();
            if (!_isPlaced)
            {
                _ = PortableTargetDirectory.Try(() =>
                {
                    File.Delete(path);
                    return Errno.None;
                });
            }
        }
        base.Dispose(disposing);
    }
}

/// <summary>What Windows does not let be a file's name, or takes for something else.</summary>
internal static class WindowsName
{
    private static readonly System.Buffers.SearchValues<char> Impossible = System.Buffers.SearchValues.Create("<>:\"/\\|?*");

    private static readonly string[] Devices =
    [
        "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$",
        "COM0", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "COM\u00B9", "COM\u00B2", "COM\u00B3",
        "LPT0", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9", "LPT\u00B9", "LPT\u00B2", "LPT\u00B3",
    ];

    /// <summary>True for a name that names a file in its directory, and nothing else.</summary>
    public static bool IsPossible(string name)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAny(Impossible) || name[^1] is ' ' or '.' || name.Any(static letter => letter < ' '))
        {
            return false;
        }
        string stem = name.Split('.')[0].TrimEnd(' ');
        return !Devices.Contains(stem, StringComparer.OrdinalIgnoreCase);
    }
}
