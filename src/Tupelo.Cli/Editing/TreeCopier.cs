// Copies files and trees into the volume that is edited: from the host, from another image, or from the volume itself. What GNU cp does
// with the same options is the measure. Holes stay holes; with hard links kept, a file that was met before is linked and not copied.
using Tupelo.Vfs;

namespace Tupelo.Cli.Editing;

/// <summary>How to copy; cp's options.</summary>
internal sealed record CopyOptions
{
    public bool Recursive { get; init; }

    /// <summary>Mode, owner and times as the source has them.</summary>
    public bool Preserve { get; init; }

    /// <summary>Hard links and extended attributes too, and links are never followed.</summary>
    public bool Archive { get; init; }

    public bool NoClobber { get; init; }

    /// <summary>A file that cannot be opened for writing is removed first.</summary>
    public bool Force { get; init; }
}

internal sealed class TreeCopier(EditSession session, EditTree from, CopyOptions options)
{
    private const int BufferBytes = 1 << 20;
    private const uint PlainPermissions = 0x1FF;

    private readonly EditTree _to = session.Image;
    private readonly Dictionary<(ulong Device, ulong Ino), byte[]> _copied = []; // files with several names, and the first copy's path
    private readonly HashSet<(ulong Device, ulong Ino)> _made = [];              // directories made by this copy: not to be copied into themselves
    private readonly byte[] _buffer = new byte[BufferBytes];

    /// <summary>Bytes of files so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Entries so far.</summary>
    public long Entries { get; private set; }

    /// <summary>Copies one operand to a path.</summary>
    /// <param name="source">Path in the source tree.</param>
    /// <param name="target">Where it goes, itself.</param>
    /// <param name="contentsOnly">The target is a directory that takes what is in the source directory.</param>
    public void Copy(byte[] source, byte[] target, bool contentsOnly)
    {
        Errno errno = from.Stat(source, follow: !options.Recursive, out Stat stat);
        if (errno != Errno.None)
        {
            session.Fail("read", from, source, errno);
            return;
        }
        if (contentsOnly)
        {
            // A path that ends in "/." or "..", or the root: what it leads to, over links.
            _ = from.Stat(source, follow: true, out stat);
        }
        Entry(source, target, stat);
    }

    /// <summary>Copies what a stream gives to a file.</summary>
    public void CopyStream(Stream input, string name, byte[] target)
    {
        int fd = OpenTarget(target, 0x1B6);
        if (fd < 0)
        {
            return;
        }
        try
        {
            long at = 0;
            int count;
            while ((count = ReadStream(input, name)) > 0)
            {
                if (!Put(fd, target, _buffer.AsMemory(0, count), at))
                {
                    return;
                }
                at += count;
            }
            Entries++;
        }
        finally
        {
            _ = session.Calls.Close(fd);
        }
    }

    private int ReadStream(Stream input, string name)
    {
        try
        {
            return input.Read(_buffer);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"cannot read {name}: {problem.Message}");
        }
    }

    private void Entry(byte[] source, byte[] target, in Stat stat)
    {
        session.ThrowIfInterrupted();
        if (stat.Type == FileType.Directory)
        {
            if (!options.Recursive)
            {
                session.Fail($"{from.Text(source)} is a directory; -r copies those");
                return;
            }
            CopyDirectory(source, target, stat);
            return;
        }
        bool exists = _to.Stat(target, follow: stat.Type == FileType.Regular && !options.Archive, out Stat old) == Errno.None;
        bool isLink = !exists && _to.Stat(target, follow: false, out _) == Errno.None;
        if (exists && old.Type == FileType.Directory)
        {
            session.Fail($"cannot overwrite the directory {_to.Text(target)} with what is none");
            return;
        }
        if ((exists || isLink) && options.NoClobber)
        {
            return;
        }
        if (exists && ReferenceEquals(from, _to) && old.Ino == stat.Ino)
        {
            session.Fail($"{from.Text(source)} and {_to.Text(target)} are the same file");
            return;
        }
        if (isLink && stat.Type == FileType.Regular && !options.Archive)
        {
            if (!options.Force)
            {
                session.Fail($"{_to.Text(target)} is a symbolic link that leads nowhere; it is not written through (-f replaces it)");
                return;
            }
            if (!session.Check(session.Calls.UnlinkAt(AtFd.CurrentDirectory, target), "replace", target))
            {
                return;
            }
        }
        if (options.Archive && stat.LinkCount > 1)
        {
            if (_copied.TryGetValue((stat.Device, stat.Ino), out byte[]? first))
            {
                if (MakeWay(target) && session.Check(session.Change(() => session.Calls.LinkAt(AtFd.CurrentDirectory, first, AtFd.CurrentDirectory, target)), "link", target))
                {
                    Entries++;
                }
                return;
            }
            _copied.Add((stat.Device, stat.Ino), target);
        }
        Stat kept = stat;
        bool done = stat.Type switch
        {
            FileType.Regular => CopyFile(source, target, stat),
            FileType.Symlink => CopyLink(source, target),
            _ => CopySpecial(source, target, stat),
        };
        if (done)
        {
            Entries++;
            Preserve(source, target, kept, isNew: !exists);
        }
    }

    private void CopyDirectory(byte[] source, byte[] target, in Stat stat)
    {
        if (ReferenceEquals(from, _to) && IsBelow(target, stat))
        {
            session.Fail($"cannot copy the directory {from.Text(source)} into itself, {_to.Text(target)}");
            return;
        }
        bool exists = _to.Stat(target, follow: true, out Stat old) == Errno.None;
        if (exists && old.Type != FileType.Directory)
        {
            session.Fail($"cannot overwrite {_to.Text(target)}, which is no directory, with the directory {from.Text(source)}");
            return;
        }
        uint permissions = stat.Mode & PlainPermissions;
        // The owner may write into it while it is filled, whatever the source says.
        if (!exists && !session.Check(session.Change(() => session.Calls.MkDirAt(AtFd.CurrentDirectory, target, permissions | 0x1C0)), "make the directory", target))
        {
            return;
        }
        Entries++;
        if (ReferenceEquals(from, _to) && _to.Stat(target, follow: true, out Stat made) == Errno.None)
        {
            _ = _made.Add((made.Device, made.Ino));
        }
        var names = new List<(byte[] Name, FileType Type)>();
        Errno errno = ListOver(source, names);
        if (errno != Errno.None)
        {
            session.Fail("read", from, source, errno);
        }
        foreach ((byte[] name, _) in names)
        {
            byte[] child = PathBytes.Join(source, name);
            errno = from.Stat(child, follow: false, out Stat childStat);
            if (errno != Errno.None)
            {
                session.Fail("read", from, child, errno);
            }
            else if (!_made.Contains((childStat.Device, childStat.Ino)))
            {
                Entry(child, PathBytes.Join(target, name), childStat);
            }
        }
        Preserve(source, target, stat, isNew: !exists);
    }

    // A directory named on the command line may be reached over a link when its path says so.
    private Errno ListOver(byte[] source, List<(byte[] Name, FileType Type)> names)
    {
        Errno errno = from.List(source, names);
        return errno is Errno.ELOOP or Errno.ENOTDIR ? from.List(PathBytes.Join(source, "."u8), names) : errno;
    }

    private bool IsBelow(byte[] target, in Stat directory)
    {
        byte[] at = target;
        while (_to.Stat(at, follow: true, out Stat stat) != Errno.None)
        {
            at = PathBytes.Parent(at);
        }
        for (int depth = 0; depth < 4096; depth++)
        {
            if (_to.Stat(at, follow: true, out Stat stat) != Errno.None || stat.Ino == directory.Ino)
            {
                return true;
            }
            byte[] up = PathBytes.Join(at, ".."u8);
            if (_to.Stat(up, follow: true, out Stat parent) != Errno.None || parent.Ino == stat.Ino)
            {
                return false;
            }
            at = up;
        }
        return true;
    }

    // For what replaces an entry rather than its content.
    private bool MakeWay(byte[] target)
    {
        if (_to.Stat(target, follow: false, out Stat old) != Errno.None)
        {
            return true;
        }
        if (old.Type == FileType.Directory)
        {
            session.Fail($"cannot overwrite the directory {_to.Text(target)} with what is none");
            return false;
        }
        return session.Check(session.Calls.UnlinkAt(AtFd.CurrentDirectory, target), "replace", target);
    }

    private bool CopyFile(byte[] source, byte[] target, Stat stat)
    {
        long input = from.Calls.Open(source, OpenFlags.ReadOnly | OpenFlags.NonBlock);
        if (input < 0)
        {
            session.Fail("read", from, source, (Errno)(-input));
            return false;
        }
        int output = -1;
        try
        {
            if (options.Archive && _to.Stat(target, follow: false, out Stat old) == Errno.None && old.Type != FileType.Regular && !MakeWay(target))
            {
                return false;
            }
            output = OpenTarget(target, stat.Mode & PlainPermissions);
            return output >= 0 && CopyData((int)input, source, output, target, stat.SizeBytes);
        }
        finally
        {
            _ = from.Calls.Close((int)input);
            if (output >= 0)
            {
                _ = session.Calls.Close(output);
            }
        }
    }

    private int OpenTarget(byte[] target, uint permissions)
    {
        const OpenFlags Flags = OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate | OpenFlags.NonBlock;
        long fd = session.Change(() => session.Calls.Open(target, Flags, permissions));
        if (fd < 0 && options.Force && fd != -(long)Errno.ENOENT && session.Calls.UnlinkAt(AtFd.CurrentDirectory, target) == 0)
        {
            fd = session.Change(() => session.Calls.Open(target, Flags, permissions));
        }
        return session.Check(fd, "write", target) ? (int)fd : -1;
    }

    private bool CopyData(int input, byte[] source, int output, byte[] target, long sizeBytes)
    {
        long at = 0;
        while (at < sizeBytes)
        {
            long data = from.Calls.LSeek(input, at, SeekWhence.Data);
            if (data == -(long)Errno.ENXIO)
            {
                break;
            }
            long hole = data < 0 ? sizeBytes : from.Calls.LSeek(input, data, SeekWhence.Hole);
            at = data < 0 ? at : data; // a source that cannot tell is all data
            hole = hole < 0 ? sizeBytes : Math.Min(hole, sizeBytes);
            while (at < hole)
            {
                int wanted = (int)Math.Min(_buffer.Length, hole - at);
                long count = from.Calls.PRead(input, _buffer.AsSpan(0, wanted), at);
                if (count < 0)
                {
                    session.Fail("read", from, source, (Errno)(-count));
                    return false;
                }
                if (count == 0)
                {
                    session.Fail($"{from.Text(source)} became shorter while it was read; {at} of {sizeBytes} bytes were copied");
                    sizeBytes = at;
                    break;
                }
                if (!Put(output, target, _buffer.AsMemory(0, (int)count), at))
                {
                    return false;
                }
                at += count;
            }
        }
        return session.Check(session.Change(() => session.Calls.FTruncate(output, sizeBytes)), "write", target);
    }

    private bool Put(int output, byte[] target, ReadOnlyMemory<byte> bytes, long at)
    {
        while (bytes.Length > 0)
        {
            long count = session.Change(() => session.Calls.PWrite(output, bytes.Span, at), bytes.Length);
            if (!session.Check(count, "write", target))
            {
                return false;
            }
            bytes = bytes[(int)count..];
            at += count;
            Bytes += count;
        }
        return true;
    }

    private bool CopyLink(byte[] source, byte[] target)
    {
        Errno errno = from.ReadLink(source, out byte[] text);
        if (errno != Errno.None)
        {
            session.Fail("read", from, source, errno);
            return false;
        }
        return MakeWay(target) && session.Check(session.Change(() => session.Calls.SymlinkAt(text, AtFd.CurrentDirectory, target)), "make the symbolic link", target);
    }

    private bool CopySpecial(byte[] source, byte[] target, in Stat stat)
    {
        if (!options.Recursive)
        {
            session.Fail($"{from.Text(source)} is a {JsonText.TypeName(stat.Type)}, which has no content to copy; -r copies it as what it is");
            return false;
        }
        (uint mode, ulong device) = (Mode.OfType(stat.Type) | (stat.Mode & PlainPermissions), stat.RawDevice);
        return MakeWay(target) && session.Check(session.Change(() => session.Calls.MkNodAt(AtFd.CurrentDirectory, target, mode, device)), "make", target);
    }

    // Owner first: changing it drops set-id bits. Times last: everything else changes them.
    private void Preserve(byte[] source, byte[] target, Stat stat, bool isNew)
    {
        Syscalls calls = session.Calls;
        bool isLink = stat.Type == FileType.Symlink;
        if (!options.Preserve)
        {
            if (isNew && stat.Type == FileType.Directory && (stat.Mode & 0x1C0) != 0x1C0)
            {
                _ = _to.Stat(target, follow: false, out Stat now);
                _ = session.Check(session.Change(() => calls.FChModAt2(AtFd.CurrentDirectory, target, now.Mode & stat.Mode & PlainPermissions)), "set the mode of", target);
            }
            return;
        }
        _ = session.Check(session.Change(() => calls.FChOwnAt(AtFd.CurrentDirectory, target, stat.Uid, stat.Gid, AtFlags.SymlinkNoFollow)), "set the owner of", target);
        if (!isLink)
        {
            _ = session.Check(session.Change(() => calls.FChModAt2(AtFd.CurrentDirectory, target, stat.Mode & Mode.PermissionMask)), "set the mode of", target);
        }
        if (options.Archive)
        {
            CopyXattrs(source, target);
        }
        Timespec[] times = [stat.AccessTime, stat.ModifyTime];
        _ = session.Check(session.Change(() => calls.UtimeNsAt(AtFd.CurrentDirectory, target, times, AtFlags.SymlinkNoFollow)), "set the times of", target);
    }

    private void CopyXattrs(byte[] source, byte[] target)
    {
        if (from.ListXattrs(source, follow: false, out List<byte[]> names) != Errno.None)
        {
            return; // a source that has none
        }
        foreach (byte[] name in names)
        {
            Errno errno = from.GetXattr(source, follow: false, name, out byte[] value);
            if (errno == Errno.None)
            {
                long set = session.Change(() => session.Calls.SetXattrAt(AtFd.CurrentDirectory, target, AtFlags.SymlinkNoFollow, name, value, XattrFlags.None));
                errno = set < 0 ? (Errno)(-set) : Errno.None;
            }
            // EOPNOTSUPP and EPERM: names that mean something to the host alone, or that a link cannot have.
            if (errno is not (Errno.None or Errno.EOPNOTSUPP or Errno.EPERM or Errno.ENODATA))
            {
                session.Fail($"cannot keep the attribute {System.Text.Encoding.UTF8.GetString(name)} of {_to.Text(target)}: {errno.Describe()}");
            }
        }
    }
}
