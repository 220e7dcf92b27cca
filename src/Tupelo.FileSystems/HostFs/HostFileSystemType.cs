// "hostfs": a directory of the host. Options:
//   noxdev             other file systems mounted below are not entered (EXDEV)
//   devices            device nodes may be made; never are they opened on the host, with or without
//   xattr=user|all|no  which extended attributes pass; user by default
//   fds=N              descriptors kept for files that are known but not open; 1024 by default, 16 at least
// Linux only: containment rests on openat2 and on descriptors that stand for places. Elsewhere mounting gives EOPNOTSUPP.
using System.Globalization;
using System.Text;
using Tupelo.Block;

namespace Tupelo.FileSystems;

/// <summary>Which extended attributes pass.</summary>
public enum HostXattrs
{
    /// <summary>The user namespace alone: what a program sets for itself.</summary>
    User,

    /// <summary>None.</summary>
    None,

    /// <summary>All that this process may touch, capabilities and labels of the host included.</summary>
    All,
}

/// <summary>How a directory of the host is shown. Immutable.</summary>
public sealed record HostFileSystemOptions
{
    /// <summary>Whether file systems that are mounted below the directory are entered. Default true.</summary>
    public bool CrossDevices { get; init; } = true;

    /// <summary>Whether mknod may make device nodes on the host. Default false.</summary>
    public bool MakeDevices { get; init; }

    /// <summary>Which extended attributes pass. Default <see cref="HostXattrs.User"/>.</summary>
    public HostXattrs Xattrs { get; init; }

    /// <summary>Descriptors kept for files that are known but not open. 16 or more; default 1024.</summary>
    public int CachedDescriptors { get; init; } = 1024;

    internal static bool TryParse(string text, out HostFileSystemOptions options)
    {
        options = new HostFileSystemOptions();
        var reader = new MountOptionText(text);
        while (reader.TryNext(out ReadOnlySpan<char> name))
        {
            if (name is "noxdev" && !reader.HasValue)
            {
                options = options with { CrossDevices = false };
            }
            else if (name is "devices" && !reader.HasValue)
            {
                options = options with { MakeDevices = true };
            }
            else if (name is "xattr" && reader.Value is "user" or "all" or "no")
            {
                options = options with { Xattrs = reader.Value is "user" ? HostXattrs.User : reader.Value is "all" ? HostXattrs.All : HostXattrs.None };
            }
            else if (name is "fds" && reader.TryGetNumber(out uint count) && count is >= 16 and <= 1 << 20)
            {
                options = options with { CachedDescriptors = (int)count };
            }
            else
            {
                return false;
            }
        }
        return true;
    }

    internal string ToText()
    {
        var defaults = new HostFileSystemOptions();
        var text = new StringBuilder();
        void Add(bool wanted, string option) => _ = wanted ? (text.Length > 0 ? text.Append(',') : text).Append(option) : text;
        Add(!CrossDevices, "noxdev");
        Add(MakeDevices, "devices");
        Add(Xattrs != defaults.Xattrs, Xattrs == HostXattrs.All ? "xattr=all" : "xattr=no");
        Add(CachedDescriptors != defaults.CachedDescriptors, "fds=" + CachedDescriptors.ToString(CultureInfo.InvariantCulture));
        return text.ToString();
    }
}

/// <summary>Mounts directories of the host.</summary>
public sealed class HostFileSystemType : FileSystemType
{
    public override string Name => "hostfs";

    public override bool NeedsSource => true;

    /// <summary>True where this process can pass host directories through.</summary>
    public static bool IsSupported => HostCalls.AreKnown && Directory.Exists("/proc/self/fd");

    /// <remarks>Errors: EOPNOTSUPP not on this system · EINVAL options · ENOENT · ENOTDIR · EACCES · EMFILE.</remarks>
    public override Errno Create(MountRequest request, out FileSystem? fileSystem)
    {
        fileSystem = null;
        if (!IsSupported)
        {
            return Errno.EOPNOTSUPP;
        }
        if (request.Source.Contains('\0') || !HostFileSystemOptions.TryParse(request.Options, out HostFileSystemOptions options))
        {
            return Errno.EINVAL;
        }
        Errno errno = LinuxHost.OpenRoot(request.Source, out int descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        var root = new HostDescriptor(descriptor);
        errno = LinuxHost.Stat(descriptor, default, out HostCalls.StatX stat);
        if (errno != Errno.None)
        {
            root.Release();
            return errno;
        }
        fileSystem = new HostFileSystem(this, request, options, root, stat);
        return Errno.None;
    }
}
