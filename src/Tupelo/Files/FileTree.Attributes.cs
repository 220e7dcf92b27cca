// What is known of a file besides its content: sizes, times, permissions, extended attributes, space.
using System.Buffers;
using System.Text;
using Tupelo.Vfs;

namespace Tupelo;

public abstract partial class FileTree
{
    private const int MaxXattrBytes = 65536;

    /// <summary>What is known of a file, directory or link.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="followLinks">Whether a symbolic link at the end is followed.</param>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    public FileEntry GetEntry(VolumePath path, bool followLinks = true)
    {
        using OperationGate.Scope all = EnterRead();
        Stat stat = default;
        Fail(StatOf(path, followLinks, ref stat), "look at", path);
        return EntryOf(path, stat);
    }

    /// <summary>The same; false when it is not there, or the way to it is not.</summary>
    public bool TryGetEntry(VolumePath path, bool followLinks, out FileEntry entry)
    {
        using OperationGate.Scope all = EnterRead();
        Stat stat = default;
        Errno errno = StatOf(path, followLinks, ref stat);
        if (errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ENAMETOOLONG or Errno.ELOOP)
        {
            entry = default;
            return false;
        }
        Fail(errno, "look at", path);
        entry = EntryOf(path, stat);
        return true;
    }

    /// <summary>stat(2) as it is: nothing is allocated, nothing thrown for a name that is not there.</summary>
    /// <returns>None, or why not: ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EIO.</returns>
    public Errno TryGetStat(VolumePath path, ref Stat stat, bool followLinks = true)
    {
        using OperationGate.Scope all = EnterRead();
        return StatOf(path, followLinks, ref stat);
    }

    /// <summary>Changes the permissions.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    public void SetMode(VolumePath path, UnixFileMode mode)
    {
        using WriteScope scope = EnterWrite();
        Fail(Calls.FChModAt2(AtFd.CurrentDirectory, path.Encode(stackalloc byte[PathRoom]), (uint)mode), "change the mode of", path);
    }

    /// <summary>Changes owner and group.</summary>
    /// <inheritdoc cref="SetMode"/>
    public void SetOwner(VolumePath path, uint user, uint group)
    {
        using WriteScope scope = EnterWrite();
        Fail(Calls.FChOwnAt(AtFd.CurrentDirectory, path.Encode(stackalloc byte[PathRoom]), user, group), "change the owner of", path);
    }

    /// <summary>Sets times; null leaves one as it is.</summary>
    /// <inheritdoc cref="SetMode"/>
    public void SetTimes(VolumePath path, DateTimeOffset? lastWriteTime, DateTimeOffset? lastAccessTime = null)
    {
        using WriteScope scope = EnterWrite();
        ReadOnlySpan<Timespec> times = [TimeOf(lastAccessTime), TimeOf(lastWriteTime)];
        Fail(Calls.UtimeNsAt(AtFd.CurrentDirectory, path.Encode(stackalloc byte[PathRoom]), times), "set the times of", path);
    }

    /// <summary>Makes a file longer, with a hole, or shorter.</summary>
    /// <exception cref="VolumeException">EISDIR; EFBIG; EROFS ...</exception>
    /// <inheritdoc cref="SetMode"/>
    public void SetLength(VolumePath path, long lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        using WriteScope scope = EnterWrite();
        Fail(Calls.Truncate(path.Encode(stackalloc byte[PathRoom]), lengthBytes), "change the length of", path);
    }

    /// <summary>An extended attribute; null when there is none of this name.</summary>
    /// <param name="path">The file's path; symbolic links are followed.</param>
    /// <param name="name">With its class: "user.comment".</param>
    /// <exception cref="FileNotFoundException">The file is not there.</exception>
    public byte[]? GetExtendedAttribute(VolumePath path, string name)
    {
        using OperationGate.Scope all = EnterRead();
        byte[] room = ArrayPool<byte>.Shared.Rent(MaxXattrBytes);
        try
        {
            long length = Calls.GetXattrAt(
                AtFd.CurrentDirectory, path.Encode(stackalloc byte[PathRoom]), AtFlags.None, Encoding.UTF8.GetBytes(name), room.AsSpan(0, MaxXattrBytes));
            if (length == -(long)Errno.ENODATA)
            {
                return null;
            }
            Fail(length, "read an extended attribute of", path);
            return room.AsSpan(0, (int)length).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room);
        }
    }

    /// <summary>Sets an extended attribute.</summary>
    /// <exception cref="VolumeException">EOPNOTSUPP a class that is not known; ERANGE a name over 255 bytes; E2BIG; ENOSPC ...</exception>
    /// <inheritdoc cref="GetExtendedAttribute"/>
    public void SetExtendedAttribute(VolumePath path, string name, ReadOnlySpan<byte> value)
    {
        using WriteScope scope = EnterWrite();
        long result = Calls.SetXattrAt(
            AtFd.CurrentDirectory, path.Encode(stackalloc byte[PathRoom]), AtFlags.None, Encoding.UTF8.GetBytes(name), value, XattrFlags.None);
        Fail(result, "set an extended attribute of", path);
    }

    /// <summary>Removes an extended attribute; says whether it was there.</summary>
    /// <inheritdoc cref="GetExtendedAttribute"/>
    public bool RemoveExtendedAttribute(VolumePath path, string name)
    {
        using WriteScope scope = EnterWrite();
        long result = Calls.RemoveXattrAt(AtFd.CurrentDirectory, path.Encode(stackalloc byte[PathRoom]), AtFlags.None, Encoding.UTF8.GetBytes(name));
        if (result == -(long)Errno.ENODATA)
        {
            return false;
        }
        Fail(result, "remove an extended attribute of", path);
        return true;
    }

    /// <summary>Names of the extended attributes.</summary>
    /// <inheritdoc cref="GetExtendedAttribute"/>
    public IReadOnlyList<string> ListExtendedAttributes(VolumePath path)
    {
        using OperationGate.Scope all = EnterRead();
        byte[] room = ArrayPool<byte>.Shared.Rent(MaxXattrBytes);
        try
        {
            long length = Calls.ListXattrAt(AtFd.CurrentDirectory, path.Encode(stackalloc byte[PathRoom]), AtFlags.None, room.AsSpan(0, MaxXattrBytes));
            Fail(length, "list the extended attributes of", path);
            return length == 0 ? [] : Encoding.UTF8.GetString(room, 0, (int)length - 1).Split('\0');
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room);
        }
    }

    /// <summary>Space of the file system that holds <paramref name="path"/>, in bytes.</summary>
    public (long Total, long Free) GetSpace(VolumePath path)
    {
        using OperationGate.Scope all = EnterRead();
        StatFs space = default;
        Fail(Calls.StatFs(path.Encode(stackalloc byte[PathRoom]), ref space), "look at", path);
        return ((long)space.BlockCount * space.BlockSizeBytes, (long)space.AvailableBlocks * space.BlockSizeBytes);
    }

    /// <summary>Whether a path below a directory leads to something in it: no name on the way, and no symbolic link, leads out, not even to
    /// come back. For paths that strangers have made.</summary>
    /// <param name="directory">Where to begin.</param>
    /// <param name="path">Relative to it; "" is the directory itself.</param>
    public bool IsBeneath(VolumePath directory, VolumePath path)
    {
        using OperationGate.Scope all = EnterRead();
        long root = Calls.Open(directory.Encode(stackalloc byte[PathRoom]), OpenFlags.Path | OpenFlags.Directory | OpenFlags.CloseOnExec);
        if (root < 0)
        {
            return false;
        }
        var how = new OpenHow { Flags = (ulong)(OpenFlags.Path | OpenFlags.CloseOnExec), Resolve = ResolveFlags.Beneath };
        bool isThere = path.IsEmpty;
        if (!isThere)
        {
            long found = Calls.OpenAt2((int)root, path.Encode(stackalloc byte[PathRoom]), how);
            isThere = found >= 0;
            if (isThere)
            {
                _ = Calls.Close((int)found);
            }
        }
        _ = Calls.Close((int)root);
        return isThere;
    }

    private static Timespec TimeOf(DateTimeOffset? time) =>
        time is { } given ? Timespec.FromDateTimeOffset(given) : new Timespec(0, UtimeNanoseconds.Omit);

    private static FileEntry EntryOf(VolumePath path, in Stat stat)
    {
        string text = path.ToString().TrimEnd('/');
        int slash = text.LastIndexOf('/');
        return slash < 0 ? new FileEntry("", text, stat) : new FileEntry(slash == 0 ? "/" : text[..slash], text[(slash + 1)..], stat);
    }

    private Errno StatOf(VolumePath path, bool followLinks, ref Stat stat)
    {
        ReadOnlySpan<byte> bytes = path.Encode(stackalloc byte[PathRoom]);
        return ErrnoOf(followLinks ? Calls.Stat(bytes, ref stat) : Calls.LStat(bytes, ref stat));
    }

    private Errno CopyXattrs(PathRef from, PathRef to)
    {
        byte[] names = ArrayPool<byte>.Shared.Rent(MaxXattrBytes);
        byte[] value = ArrayPool<byte>.Shared.Rent(MaxXattrBytes);
        try
        {
            IoResult listed = Nodes.ListXattrs(from, names.AsSpan(0, MaxXattrBytes));
            if (listed.Errno == Errno.EOPNOTSUPP)
            {
                return Errno.None;
            }
            ReadOnlySpan<byte> rest = names.AsSpan(0, (int)listed.Count);
            Errno errno = listed.Errno;
            while (errno == Errno.None && !rest.IsEmpty)
            {
                int length = rest.IndexOf((byte)0);
                ReadOnlySpan<byte> name = rest[..length];
                rest = rest[(length + 1)..];
                IoResult read = Nodes.GetXattr(from, name, value.AsSpan(0, MaxXattrBytes));
                errno = read.Errno == Errno.ENODATA ? Errno.None : read.Errno;
                if (read.IsOk)
                {
                    errno = Nodes.SetXattr(to, name, value.AsSpan(0, (int)read.Count), XattrFlags.None);
                }
            }
            return errno;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(names);
            ArrayPool<byte>.Shared.Return(value);
        }
    }
}
