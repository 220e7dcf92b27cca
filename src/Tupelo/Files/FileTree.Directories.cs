// Directories and names: listing, making, moving, removing, links.
using System.Buffers;
using System.Text;
using Tupelo.Vfs;

namespace Tupelo;

public abstract partial class FileTree
{
    private const int ListingBytes = 32 << 10;

    /// <summary>Whether anything has this name; a symbolic link counts although it leads nowhere.</summary>
    public bool Exists(VolumePath path) => TryGetEntry(path, followLinks: false, out _);

    /// <summary>Whether it is a regular file, or a link to one.</summary>
    public bool FileExists(VolumePath path) => TryGetEntry(path, followLinks: true, out FileEntry entry) && entry.IsFile;

    /// <summary>Whether it is a directory, or a link to one.</summary>
    public bool DirectoryExists(VolumePath path) => TryGetEntry(path, followLinks: true, out FileEntry entry) && entry.IsDirectory;

    /// <summary>Makes a directory and those above it that are missing; nothing happens when it is there.</summary>
    /// <exception cref="VolumeException">EEXIST: a file has the name. ENOSPC, EROFS, ENAMETOOLONG ...</exception>
    /// <exception cref="DirectoryNotFoundException">Something on the way is no directory.</exception>
    public void CreateDirectory(VolumePath path)
    {
        using WriteScope scope = EnterWrite();
        ReadOnlySpan<byte> bytes = path.Encode(stackalloc byte[PathRoom]);
        Errno errno = MakeDirectory(bytes);
        if (errno == Errno.ENOENT)
        {
            for (int at = 1; at < bytes.Length; at++)
            {
                if (bytes[at] == '/' && bytes[at - 1] != '/')
                {
                    errno = MakeDirectory(bytes[..at]);
                    if (errno is not (Errno.None or Errno.EEXIST))
                    {
                        break;
                    }
                }
            }
            errno = errno is Errno.None or Errno.EEXIST ? MakeDirectory(bytes) : errno;
        }
        if (errno == Errno.EEXIST)
        {
            Stat stat = default;
            if (Calls.Stat(bytes, ref stat) == 0 && stat.Type == FileType.Directory)
            {
                return;
            }
        }
        Fail(errno, "make the directory", path, isDirectory: true);
    }

    /// <summary>Removes a file, a symbolic link (not what it leads to), or with <paramref name="recursive"/> a directory with all in it;
    /// without, an empty one.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    /// <exception cref="VolumeException">ENOTEMPTY; EBUSY something is mounted there; EROFS ...</exception>
    public void Delete(VolumePath path, bool recursive = false)
    {
        using WriteScope scope = EnterWrite();
        ReadOnlySpan<byte> bytes = path.Encode(stackalloc byte[PathRoom]);
        Errno errno = ErrnoOf(Calls.UnlinkAt(AtFd.CurrentDirectory, bytes));
        if (errno == Errno.EISDIR)
        {
            errno = RemoveDirectory(bytes, recursive);
        }
        Fail(errno, "remove", path);
    }

    /// <summary>Removes a file if it is there; says whether it was.</summary>
    /// <inheritdoc cref="Delete"/>
    public bool TryDelete(VolumePath path)
    {
        using WriteScope scope = EnterWrite();
        ReadOnlySpan<byte> bytes = path.Encode(stackalloc byte[PathRoom]);
        Errno errno = ErrnoOf(Calls.UnlinkAt(AtFd.CurrentDirectory, bytes));
        if (errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return false;
        }
        Fail(errno, "remove", path);
        return true;
    }

    /// <summary>Gives a file or directory another name, in one step: at every moment, and after every crash, it has the one or the other.</summary>
    /// <param name="source">The name that it has.</param>
    /// <param name="target">The name that it gets; not a directory to move into.</param>
    /// <param name="overwrite">Whether a file, or an empty directory, that has the name goes.</param>
    /// <exception cref="FileNotFoundException">The source is not there.</exception>
    /// <exception cref="VolumeException">EEXIST; ENOTEMPTY; EINVAL into itself; EXDEV another mounted file system; EROFS ...</exception>
    public void Move(VolumePath source, VolumePath target, bool overwrite = false)
    {
        using WriteScope scope = EnterWrite();
        ReadOnlySpan<byte> from = source.Encode(stackalloc byte[PathRoom]);
        ReadOnlySpan<byte> to = target.Encode(stackalloc byte[PathRoom]);
        long result;
        do
        {
            result = Calls.RenameAt2(AtFd.CurrentDirectory, from, AtFd.CurrentDirectory, to, overwrite ? RenameFlags.None : RenameFlags.NoReplace);
        }
        while (result < 0 && TryMakeRoom((Errno)(-result)));
        Fail(result, "move", source);
    }

    /// <summary>Two files or directories change names, in one step.</summary>
    /// <exception cref="FileNotFoundException">One of them is not there.</exception>
    public void Exchange(VolumePath first, VolumePath second)
    {
        using WriteScope scope = EnterWrite();
        ReadOnlySpan<byte> one = first.Encode(stackalloc byte[PathRoom]);
        ReadOnlySpan<byte> other = second.Encode(stackalloc byte[PathRoom]);
        Fail(Calls.RenameAt2(AtFd.CurrentDirectory, one, AtFd.CurrentDirectory, other, RenameFlags.Exchange), "exchange", first);
    }

    /// <summary>Makes a symbolic link. The target is kept as it is written and need not exist.</summary>
    /// <exception cref="VolumeException">EEXIST; ENOSPC; EROFS ...</exception>
    public void CreateSymbolicLink(VolumePath path, VolumePath target)
    {
        using WriteScope scope = EnterWrite();
        ReadOnlySpan<byte> place = path.Encode(stackalloc byte[PathRoom]);
        ReadOnlySpan<byte> content = target.Encode(stackalloc byte[PathRoom]);
        long result;
        do
        {
            result = Calls.SymlinkAt(content, AtFd.CurrentDirectory, place);
        }
        while (result < 0 && TryMakeRoom((Errno)(-result)));
        Fail(result, "make the symbolic link", path);
    }

    /// <summary>Gives a file one more name.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="VolumeException">EEXIST; EXDEV; ENOSPC; EROFS ...</exception>
    public void CreateHardLink(VolumePath path, VolumePath existing)
    {
        using WriteScope scope = EnterWrite();
        ReadOnlySpan<byte> place = path.Encode(stackalloc byte[PathRoom]);
        ReadOnlySpan<byte> source = existing.Encode(stackalloc byte[PathRoom]);
        long result;
        do
        {
            result = Calls.LinkAt(AtFd.CurrentDirectory, source, AtFd.CurrentDirectory, place);
        }
        while (result < 0 && TryMakeRoom((Errno)(-result)));
        Fail(result, "link", existing);
    }

    /// <summary>What a symbolic link says.</summary>
    /// <exception cref="FileNotFoundException">There is no such link.</exception>
    /// <exception cref="VolumeException">EINVAL: it is none.</exception>
    public string ReadSymbolicLink(VolumePath path)
    {
        using OperationGate.Scope all = EnterRead();
        Span<byte> room = stackalloc byte[4096];
        long length = Calls.ReadLinkAt(AtFd.CurrentDirectory, path.Encode(stackalloc byte[PathRoom]), room);
        Fail(length, "read the symbolic link", path);
        return Encoding.UTF8.GetString(room[..(int)length]);
    }

    /// <summary>Lists a directory, lazily: with attributes, in no particular order, without "." and "..".</summary>
    /// <param name="path">The directory.</param>
    /// <param name="recursive">Directories below too, each before what is in it. Symbolic links are listed, not followed.</param>
    /// <remarks>An entry that is there all the while is listed once; one that comes or goes meanwhile may be listed or not.</remarks>
    /// <exception cref="DirectoryNotFoundException">It is not there, or is no directory.</exception>
    public IEnumerable<FileEntry> Enumerate(string path = "/", bool recursive = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        OpenFile directory = OpenDirectory(path);
        return List(path, directory, recursive);
    }

    /// <summary>Copies a directory with all in it, or a file; symbolic links stay what they are, hard links become files of their own.</summary>
    /// <param name="source">What to copy.</param>
    /// <param name="target">The copy's path. A directory that is there is merged with.</param>
    /// <param name="overwrite">Whether files may be there already.</param>
    /// <exception cref="VolumeException">EEXIST; EINVAL the target lies in the source; ENOSPC ...</exception>
    public void Copy(string source, string target, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        FileEntry entry = GetEntry(source, followLinks: false);
        if (entry.IsSymbolicLink)
        {
            CopyLink(source, target, overwrite);
            return;
        }
        if (!entry.IsDirectory)
        {
            CopyFile(source, target, overwrite);
            return;
        }
        if (IsWithin(target, entry.Id, entry.Stat.Device))
        {
            Fail(Errno.EINVAL, "copy into itself", source);
        }
        CreateDirectory(target);
        foreach (FileEntry found in Enumerate(source, recursive: true))
        {
            string to = target + found.Path[source.Length..];
            if (found.IsDirectory)
            {
                CreateDirectory(to);
            }
            else if (found.IsSymbolicLink)
            {
                CopyLink(found.Path, to, overwrite);
            }
            else
            {
                CopyFile(found.Path, to, overwrite);
            }
        }
    }

    private void CopyLink(string source, string target, bool overwrite)
    {
        if (overwrite)
        {
            _ = TryDelete(target);
        }
        CreateSymbolicLink(target, ReadSymbolicLink(source));
    }

    // Whether a path, as far as it exists, lies in the directory with this number: looked up by going up from there.
    private bool IsWithin(string path, ulong id, ulong device)
    {
        string at = path;
        while (!Exists(at))
        {
            int slash = at.TrimEnd('/').LastIndexOf('/');
            at = slash <= 0 ? "/" : at[..slash];
        }
        ulong last = 0;
        while (TryGetEntry(at, followLinks: true, out FileEntry entry) && entry.Id != last)
        {
            if (entry.Id == id && entry.Stat.Device == device)
            {
                return true;
            }
            last = entry.Id;
            at += "/..";
        }
        return false;
    }

    private OpenFile OpenDirectory(string path)
    {
        using OperationGate.Scope all = EnterRead();
        Errno errno = OpenDescription(path, OpenFlags.Directory, 0, out OpenFile? file);
        Fail(errno, "list", path, isDirectory: true);
        return file!;
    }

    // A stack of the directories that are open on the way down; nothing recurses.
    private IEnumerable<FileEntry> List(string path, OpenFile start, bool recursive)
    {
        var open = new Stack<Listing>();
        open.Push(new Listing(path, start));
        try
        {
            while (open.TryPeek(out Listing? listing))
            {
                if (listing.TryTake(this, out FileEntry entry))
                {
                    yield return entry;
                    if (recursive && entry.IsDirectory && TryOpenDirectory(entry.Path) is { } below)
                    {
                        open.Push(new Listing(entry.Path, below)); // its entries come right behind it
                    }
                }
                else
                {
                    open.Pop().Directory.Release();
                }
            }
        }
        finally
        {
            while (open.TryPop(out Listing? listing))
            {
                listing.Directory.Release();
            }
        }
    }

    // Null when it has gone meanwhile.
    private OpenFile? TryOpenDirectory(string path)
    {
        using OperationGate.Scope all = EnterRead();
        Errno errno = OpenDescription(path, OpenFlags.Directory | OpenFlags.NoFollow, 0, out OpenFile? file);
        if (errno is not (Errno.None or Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP))
        {
            Fail(errno, "list", path, isDirectory: true);
        }
        return file;
    }

    private void TakeBatch(Listing listing)
    {
        using OperationGate.Scope all = EnterRead();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ListingBytes);
        try
        {
            PathRef directory = listing.Directory.Path;
            IoResult result = Nodes.ReadDirectory(directory, ref listing.Cookie, buffer);
            if (result.Errno is not (Errno.None or Errno.ENOENT))
            {
                Fail(result.Errno, "list", listing.Path);
            }
            listing.IsAtEnd = result.Count == 0;
            ReadOnlySpan<byte> records = buffer.AsSpan(0, (int)result.Count);
            while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
            {
                if (record.Name is [(byte)'.'] or [(byte)'.', (byte)'.'] || Nodes.Lookup(directory, record.Name, out PathRef child) != Errno.None)
                {
                    continue; // or gone meanwhile
                }
                Stat stat = default;
                Errno errno = Nodes.GetStat(child, ref stat);
                child.Unpin();
                if (errno == Errno.None)
                {
                    listing.Batch.Add(new FileEntry(listing.Path, Encoding.UTF8.GetString(record.Name), stat));
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private Errno MakeDirectory(ReadOnlySpan<byte> path)
    {
        long result;
        do
        {
            result = Calls.MkDirAt(AtFd.CurrentDirectory, path, NewDirectoryMode);
        }
        while (result < 0 && TryMakeRoom((Errno)(-result)));
        return ErrnoOf(result);
    }

    // Removes what is in a directory, then the directory, without recursion: the deepest first.
    private Errno RemoveDirectory(ReadOnlySpan<byte> path, bool recursive)
    {
        Errno errno = ErrnoOf(Calls.UnlinkAt(AtFd.CurrentDirectory, path, AtFlags.RemoveDirectory));
        if (errno != Errno.ENOTEMPTY || !recursive)
        {
            return errno;
        }
        errno = OpenDescription(path, OpenFlags.Directory | OpenFlags.NoFollow, 0, out OpenFile? top);
        if (errno != Errno.None)
        {
            return errno;
        }
        var open = new Stack<(OpenFile Directory, byte[] Name)>();
        open.Push((top!, []));
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ListingBytes);
        try
        {
            while (errno == Errno.None && open.TryPeek(out (OpenFile Directory, byte[] Name) frame))
            {
                errno = EmptyDirectory(frame.Directory, buffer, out byte[]? below);
                if (errno == Errno.None && below is not null)
                {
                    errno = Nodes.Lookup(frame.Directory.Path, below, out PathRef child);
                    if (errno == Errno.None)
                    {
                        errno = Nodes.Open(child, OpenFlags.Directory, out OpenFile? opened);
                        child.Unpin();
                        if (errno == Errno.None)
                        {
                            open.Push((opened!, below));
                        }
                    }
                    errno = errno is Errno.ENOENT or Errno.ENOTDIR ? Errno.None : errno; // somebody else removed it
                    continue;
                }
                _ = open.Pop();
                frame.Directory.Release();
                if (errno == Errno.None && open.TryPeek(out (OpenFile Directory, byte[] Name) above))
                {
                    errno = Nodes.Remove(above.Directory.Path, frame.Name, wantsDirectory: true);
                    errno = errno is Errno.ENOENT or Errno.ENOTEMPTY ? Errno.None : errno; // looked at again by the round above
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            while (open.TryPop(out (OpenFile Directory, byte[] Name) frame))
            {
                frame.Directory.Release();
            }
        }
        return errno == Errno.None ? ErrnoOf(Calls.UnlinkAt(AtFd.CurrentDirectory, path, AtFlags.RemoveDirectory)) : errno;
    }

    // Removes everything in a directory that is no directory; names the first one that is.
    private Errno EmptyDirectory(OpenFile directory, byte[] buffer, out byte[]? below)
    {
        below = null;
        long cookie = 0;
        while (true)
        {
            IoResult result = Nodes.ReadDirectory(directory.Path, ref cookie, buffer);
            if (result.Count == 0)
            {
                return result.Errno == Errno.ENOENT ? Errno.None : result.Errno;
            }
            ReadOnlySpan<byte> records = buffer.AsSpan(0, (int)result.Count);
            while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
            {
                if (record.Name is [(byte)'.'] or [(byte)'.', (byte)'.'])
                {
                    continue;
                }
                Errno errno = record.Type == FileType.Directory ? Errno.EISDIR : Nodes.Remove(directory.Path, record.Name, wantsDirectory: false);
                if (errno == Errno.EISDIR)
                {
                    below ??= record.Name.ToArray();
                }
                else if (errno is not (Errno.None or Errno.ENOENT))
                {
                    return errno;
                }
            }
        }
    }

    // A directory that is being listed, some entries at a time.
    private sealed class Listing(string path, OpenFile directory)
    {
        public long Cookie;
        private int _next;

        public string Path { get; } = path;

        public OpenFile Directory { get; } = directory;

        public List<FileEntry> Batch { get; } = [];

        public bool IsAtEnd { get; set; }

        public bool TryTake(FileTree tree, out FileEntry entry)
        {
            while (_next == Batch.Count && !IsAtEnd)
            {
                Batch.Clear();
                _next = 0;
                tree.TakeBatch(this);
            }
            bool any = _next < Batch.Count;
            entry = any ? Batch[_next++] : default;
            return any;
        }
    }
}
