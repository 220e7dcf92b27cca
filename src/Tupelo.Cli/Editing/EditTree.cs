// A tree that editing commands work on: one file system as the root of a kernel of its own, reached through the system calls alone. The
// volume that is edited is one; the host's files are another, read-only, so that paths and symbolic links mean in each what they mean there.
using System.Text;
using Tupelo.FileSystems;
using Tupelo.Vfs;

namespace Tupelo.Cli.Editing;

internal sealed class EditTree : IDisposable
{
    private const int ListBytes = 32 << 10;

    private readonly VfsContext _context;
    private readonly string _prefix;

    private EditTree(FileSystemType type, string source, MountFlags flags, string options, string prefix)
    {
        var kernel = new VfsKernel();
        Errno errno = kernel.FileSystems.Register(type);
        VfsContext? context = null;
        errno = errno == Errno.None ? kernel.Start(type.Name, source, flags, options, out context) : errno;
        _context = context ?? throw new CommandException($"cannot work with {source}: {errno.Describe()}");
        Calls = new Syscalls(_context);
        _prefix = prefix;
    }

    /// <summary>The system calls on this tree.</summary>
    public Syscalls Calls { get; }

    /// <summary>The host's files, as this process sees them.</summary>
    public static EditTree OfHost()
    {
        if (!HostFileSystemType.IsSupported)
        {
            throw new CommandException("copying from the host needs Linux here; 'tupelo mkfs --from' makes images everywhere");
        }
        var tree = new EditTree(new HostFileSystemType(), "/", MountFlags.ReadOnly, "xattr=all", "");
        long errno = tree.Calls.ChDir(Encoding.UTF8.GetBytes(Environment.CurrentDirectory));
        return errno == 0 ? tree : throw new CommandException($"{Environment.CurrentDirectory}: {((Errno)(-errno)).Describe()}");
    }

    /// <summary>A mounted volume.</summary>
    /// <param name="volume">Ends with the tree.</param>
    /// <param name="imagePath">For messages.</param>
    public static EditTree OfVolume(FileSystem volume, string imagePath) =>
        new(new MountedType(volume), imagePath, volume.IsReadOnly ? MountFlags.ReadOnly : MountFlags.None, "", imagePath + ":");

    /// <summary>A path of this tree, for messages.</summary>
    public string Text(ReadOnlySpan<byte> path) => _prefix + Encoding.UTF8.GetString(path);

    /// <summary>What a path leads to. Errno.None, or why not.</summary>
    public Errno Stat(byte[] path, bool follow, out Stat stat)
    {
        stat = default;
        long result = follow ? Calls.Stat(path, ref stat) : Calls.LStat(path, ref stat);
        return result < 0 ? (Errno)(-result) : Errno.None;
    }

    /// <summary>Whether a path leads to a directory, over links.</summary>
    public bool IsDirectory(byte[] path) => Stat(path, follow: true, out Stat stat) == Errno.None && stat.Type == FileType.Directory;

    /// <summary>Names in a directory, in the order of their bytes, without "." and "..".</summary>
    public Errno List(byte[] path, List<(byte[] Name, FileType Type)> names)
    {
        names.Clear();
        long fd = Calls.Open(path, OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.NoFollow);
        if (fd < 0)
        {
            return (Errno)(-fd);
        }
        byte[] buffer = new byte[ListBytes];
        long count;
        while ((count = Calls.GetDents64((int)fd, buffer)) > 0)
        {
            ReadOnlySpan<byte> records = buffer.AsSpan(0, (int)count);
            while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
            {
                if (!record.Name.SequenceEqual("."u8) && !record.Name.SequenceEqual(".."u8))
                {
                    names.Add((record.Name.ToArray(), record.Type));
                }
            }
        }
        _ = Calls.Close((int)fd);
        names.Sort(static (left, right) => left.Name.AsSpan().SequenceCompareTo(right.Name));
        return count < 0 ? (Errno)(-count) : Errno.None;
    }

    /// <summary>Target of a symbolic link.</summary>
    public Errno ReadLink(byte[] path, out byte[] target)
    {
        byte[] room = new byte[4096];
        long length = Calls.ReadLinkAt(AtFd.CurrentDirectory, path, room);
        target = length < 0 ? [] : room[..(int)length];
        return length < 0 ? (Errno)(-length) : Errno.None;
    }

    /// <summary>Names of a file's extended attributes, not over links.</summary>
    public Errno ListXattrs(byte[] path, bool follow, out List<byte[]> names)
    {
        names = [];
        AtFlags flags = follow ? AtFlags.None : AtFlags.SymlinkNoFollow;
        byte[] room = new byte[4096];
        long length;
        while ((length = Calls.ListXattrAt(AtFd.CurrentDirectory, path, flags, room)) == -(long)Errno.ERANGE && room.Length < 1 << 24)
        {
            room = new byte[room.Length * 4];
        }
        if (length < 0)
        {
            return (Errno)(-length);
        }
        for (ReadOnlySpan<byte> rest = room.AsSpan(0, (int)length); !rest.IsEmpty;)
        {
            int end = rest.IndexOf((byte)0);
            names.Add(rest[..end].ToArray());
            rest = rest[(end + 1)..];
        }
        return Errno.None;
    }

    /// <summary>Value of an extended attribute.</summary>
    public Errno GetXattr(byte[] path, bool follow, byte[] name, out byte[] value)
    {
        AtFlags flags = follow ? AtFlags.None : AtFlags.SymlinkNoFollow;
        byte[] room = new byte[65536];
        long length = Calls.GetXattrAt(AtFd.CurrentDirectory, path, flags, name, room);
        value = length < 0 ? [] : room[..(int)length];
        return length < 0 ? (Errno)(-length) : Errno.None;
    }

    public void Dispose() => _context.Dispose();

    private sealed class MountedType(FileSystem volume) : FileSystemType
    {
        public override string Name => "volume";

        public override Errno Create(MountRequest request, out FileSystem? fileSystem)
        {
            fileSystem = volume;
            return Errno.None;
        }
    }
}
