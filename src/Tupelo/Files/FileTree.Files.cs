// Files as wholes: read all, write all, replace, append, copy; and opening them.
using System.Buffers;
using System.Text;
using Tupelo.Vfs;

namespace Tupelo;

public abstract partial class FileTree
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Opens a file for positional reading and writing.</summary>
    /// <param name="path">Its path; symbolic links are followed.</param>
    /// <param name="mode">As everywhere in .NET.</param>
    /// <param name="access">What for.</param>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="DirectoryNotFoundException">Its directory is not there, or is none.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a directory, or permissions forbid it.</exception>
    /// <exception cref="VolumeException">EEXIST with <see cref="FileMode.CreateNew"/>; EROFS, ENOSPC, ELOOP, ENAMETOOLONG, EIO ...</exception>
    public VolumeFile OpenFile(VolumePath path, FileMode mode = FileMode.Open, FileAccess access = FileAccess.ReadWrite)
    {
        OpenFlags flags = mode switch
        {
            FileMode.Open => OpenFlags.ReadOnly,
            FileMode.OpenOrCreate => OpenFlags.Create,
            FileMode.CreateNew => OpenFlags.Create | OpenFlags.Exclusive,
            FileMode.Create => OpenFlags.Create | OpenFlags.Truncate,
            FileMode.Truncate => OpenFlags.Truncate,
            FileMode.Append => OpenFlags.Create | OpenFlags.Append,
            _ => throw new ArgumentOutOfRangeException(nameof(mode)),
        };
        flags |= access switch
        {
            FileAccess.Read => OpenFlags.ReadOnly,
            FileAccess.Write => OpenFlags.WriteOnly,
            FileAccess.ReadWrite => OpenFlags.ReadWrite,
            _ => throw new ArgumentOutOfRangeException(nameof(access)),
        };
        if (access == FileAccess.Read && mode is not (FileMode.Open or FileMode.OpenOrCreate))
        {
            throw new ArgumentException("This mode writes, and the access is for reading only.", nameof(access));
        }
        return OpenFile(path, flags, NewFileMode);
    }

    /// <summary>Opens a file as a stream.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public VolumeStream OpenStream(VolumePath path, FileMode mode, FileAccess access = FileAccess.ReadWrite) =>
        new(OpenFile(path, mode, mode == FileMode.Append && access == FileAccess.ReadWrite ? FileAccess.Write : access), ownsFile: true);

    /// <summary>Opens a file for reading.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public VolumeStream OpenRead(VolumePath path) => OpenStream(path, FileMode.Open, FileAccess.Read);

    /// <summary>Opens a file for writing; makes it when it is missing, and keeps what is in it.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public VolumeStream OpenWrite(VolumePath path) => OpenStream(path, FileMode.OpenOrCreate, FileAccess.Write);

    /// <summary>Makes a file, empty if there is one already, for reading and writing.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public VolumeStream CreateFile(VolumePath path) => OpenStream(path, FileMode.Create, FileAccess.ReadWrite);

    /// <summary>The whole content.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public byte[] ReadAllBytes(VolumePath path)
    {
        using VolumeFile file = OpenFile(path, OpenFlags.ReadOnly, 0);
        long length = file.Length;
        if (length > Array.MaxLength)
        {
            throw new VolumeException(Errno.EFBIG, path.ToString(), $"'{file.Path}' is too long for one array: {length} bytes.");
        }
        byte[] content = GC.AllocateUninitializedArray<byte>((int)length);
        int read = file.Read(0, content);
        return read == content.Length ? content : content[..read];
    }

    /// <summary>The content, into <paramref name="buffer"/>, as much as fits: no array is made.</summary>
    /// <returns>Bytes read.</returns>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public int ReadAllBytes(VolumePath path, Span<byte> buffer)
    {
        using OperationGate.Scope all = EnterRead();
        Errno errno = OpenDescription(path, OpenFlags.ReadOnly, 0, out OpenFile? file);
        Fail(errno, "open", path);
        IoResult result = VolumeFile.ReadFully(Nodes, file!, buffer, 0);
        file!.Release();
        Fail(result.Errno, "read", path);
        return (int)result.Count;
    }

    /// <summary>The whole content as text: UTF-8, or as its byte order mark says.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public string ReadAllText(VolumePath path)
    {
        using var reader = new StreamReader(OpenRead(path), Utf8);
        return reader.ReadToEnd();
    }

    /// <summary>The lines of a text, read as they are asked for.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public IEnumerable<string> ReadLines(VolumePath path) => LinesOf(OpenRead(path));

    /// <summary>Replaces the content; makes the file when it is missing. A crash in the middle may leave a part: see
    /// <see cref="ReplaceAllBytes"/>.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public void WriteAllBytes(VolumePath path, ReadOnlySpan<byte> content)
    {
        using WriteScope scope = EnterWrite();
        Fail(WriteWhole(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate, content), "write", path);
    }

    /// <summary>Replaces the content with text, UTF-8 without a byte order mark.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public void WriteAllText(VolumePath path, ReadOnlySpan<char> text)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(Utf8.GetMaxByteCount(text.Length));
        try
        {
            WriteAllBytes(path, bytes.AsSpan(0, Utf8.GetBytes(text, bytes)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <inheritdoc cref="WriteAllText(VolumePath, ReadOnlySpan{char})"/>
    public void WriteAllText(VolumePath path, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        WriteAllText(path, text.AsSpan());
    }

    /// <summary>Adds to the end, in one piece also when others do so at the same time; makes the file when it is missing.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public void AppendAllBytes(VolumePath path, ReadOnlySpan<byte> content)
    {
        using WriteScope scope = EnterWrite();
        Fail(WriteWhole(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Append, content), "append to", path);
    }

    /// <summary>Adds text to the end, as <see cref="AppendAllBytes"/>.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public void AppendAllText(VolumePath path, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        AppendAllBytes(path, Utf8.GetBytes(text));
    }

    /// <summary>Replaces a file whole: whoever opens it, and whatever crash comes, finds the content before or the one after. With
    /// <paramref name="durable"/> the one after, once this has returned (in a transaction: once that is committed). Mode and owner of a file that is replaced are kept.</summary>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public void ReplaceAllBytes(VolumePath path, ReadOnlySpan<byte> content, bool durable = false)
    {
        using WriteScope scope = EnterWrite();
        byte[] target = path.ToBytes();
        byte[] temporary = [.. target, .. Utf8.GetBytes($".{Guid.NewGuid():N}~")];
        Stat before = default;
        bool exists = Calls.Stat(target, ref before) == 0;
        Errno errno = OpenDescription(temporary, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, NewFileMode, out OpenFile? file);
        Fail(errno, "replace", path);
        errno = WriteFully(file!, content);
        if (errno == Errno.None && exists)
        {
            errno = Nodes.SetMode(file!.Path, before.Mode & Mode.PermissionMask);
            errno = errno == Errno.None ? Nodes.SetOwner(file.Path, before.Uid, before.Gid) : errno;
        }
        // The data goes first, so that no crash shows the new name with old sectors.
        errno = errno == Errno.None && !IsTransaction ? Nodes.Sync(file!, dataOnly: true) : errno;
        while (errno == Errno.None)
        {
            errno = ErrnoOf(Calls.RenameAt2(AtFd.CurrentDirectory, temporary, AtFd.CurrentDirectory, target));
            if (!TryMakeRoom(errno))
            {
                break;
            }
            errno = Errno.None;
        }
        bool renamed = errno == Errno.None;
        errno = renamed && durable && !IsTransaction ? Nodes.Sync(file!, dataOnly: false) : errno;
        file!.Release();
        if (!renamed)
        {
            _ = Calls.UnlinkAt(AtFd.CurrentDirectory, temporary);
        }
        Fail(errno, "replace", path);
    }

    /// <summary>Copies a file's content, mode, times and extended attributes; holes stay holes.</summary>
    /// <param name="source">A regular file; symbolic links are followed.</param>
    /// <param name="target">The copy's path.</param>
    /// <param name="overwrite">Whether a file may be there already.</param>
    /// <exception cref="VolumeException">EEXIST there is one; EISDIR; ENOSPC ...</exception>
    /// <inheritdoc cref="OpenFile(VolumePath, FileMode, FileAccess)"/>
    public void CopyFile(VolumePath source, VolumePath target, bool overwrite = false)
    {
        using WriteScope scope = EnterWrite();
        Errno errno = OpenDescription(source, OpenFlags.ReadOnly, 0, out OpenFile? from);
        Fail(errno, "copy", source);
        OpenFlags flags = OpenFlags.WriteOnly | OpenFlags.Create | (overwrite ? OpenFlags.ReadOnly : OpenFlags.Exclusive);
        errno = OpenDescription(target, flags, NewFileMode, out OpenFile? to);
        if (errno != Errno.None)
        {
            from!.Release();
            Fail(errno, "copy to", target);
        }
        errno = CopyContent(from!, to!);
        from!.Release();
        to!.Release();
        Fail(errno, "copy to", target);
    }

    /// <inheritdoc cref="ReadAllBytes(VolumePath)"/>
    public Task<byte[]> ReadAllBytesAsync(string path, CancellationToken cancellationToken = default) =>
        Task.Run(() => ReadAllBytes(path), cancellationToken);

    /// <inheritdoc cref="ReadAllText(VolumePath)"/>
    public Task<string> ReadAllTextAsync(string path, CancellationToken cancellationToken = default) =>
        Task.Run(() => ReadAllText(path), cancellationToken);

    /// <inheritdoc cref="WriteAllBytes(VolumePath, ReadOnlySpan{byte})"/>
    public Task WriteAllBytesAsync(string path, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        Task.Run(() => WriteAllBytes(path, content.Span), cancellationToken);

    /// <inheritdoc cref="WriteAllText(VolumePath, string)"/>
    public Task WriteAllTextAsync(string path, string text, CancellationToken cancellationToken = default) =>
        Task.Run(() => WriteAllText(path, text), cancellationToken);

    /// <inheritdoc cref="ReplaceAllBytes"/>
    public Task ReplaceAllBytesAsync(string path, ReadOnlyMemory<byte> content, bool durable = false, CancellationToken cancellationToken = default) =>
        Task.Run(() => ReplaceAllBytes(path, content.Span, durable), cancellationToken);

    private static IEnumerable<string> LinesOf(VolumeStream stream)
    {
        using var reader = new StreamReader(stream, Utf8);
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    private VolumeFile OpenFile(VolumePath path, OpenFlags flags, uint mode)
    {
        bool writes = (flags & (OpenFlags.AccessMode | OpenFlags.Create | OpenFlags.Truncate)) != 0;
        using WriteScope scope = writes ? EnterWrite() : new WriteScope(EnterRead(), default);
        Errno errno = OpenDescription(path, flags, mode, out OpenFile? file);
        // .NET programs expect this one for a directory, as File.Open gives it.
        Fail(errno == Errno.EISDIR ? Errno.EACCES : errno, "open", path);
        if (file!.Vnode.IsDirectory)
        {
            file.Release();
            Fail(Errno.EACCES, "open", path);
        }
        var opened = new VolumeFile(this, file, path.ToString());
        Opened(opened);
        return opened;
    }

    // Opens by path and takes the description out of the descriptor table again: it lives by its reference.
    private protected Errno OpenDescription(VolumePath path, OpenFlags flags, uint mode, out OpenFile? file)
    {
        ReadOnlySpan<byte> bytes = path.Encode(stackalloc byte[PathRoom]);
        long fd;
        do
        {
            fd = Calls.Open(bytes, flags | OpenFlags.CloseOnExec, mode);
        }
        while (fd < 0 && TryMakeRoom((Errno)(-fd)));
        file = fd < 0 ? null : Context.Files.Remove((int)fd);
        return fd < 0 ? (Errno)(-fd) : Errno.None;
    }

    private Errno WriteWhole(VolumePath path, OpenFlags flags, ReadOnlySpan<byte> content)
    {
        Errno errno = OpenDescription(path, flags, NewFileMode, out OpenFile? file);
        if (errno == Errno.None)
        {
            errno = WriteFully(file!, content);
            file!.Release();
        }
        return errno;
    }

    private Errno WriteFully(OpenFile file, ReadOnlySpan<byte> content)
    {
        IoResult result = VolumeFile.WriteFully(this, file, content, 0, out _);
        return result.Errno;
    }

    private unsafe Errno CopyContent(OpenFile from, OpenFile to)
    {
        Stat before = default;
        Stat over = default;
        Errno errno = Nodes.GetStat(from.Path, ref before);
        errno = errno == Errno.None ? Nodes.GetStat(to.Path, ref over) : errno;
        if (errno != Errno.None)
        {
            return errno;
        }
        if (before.Type != FileType.Regular)
        {
            return before.Type == FileType.Directory ? Errno.EISDIR : Errno.EINVAL;
        }
        if (before.Ino == over.Ino && before.Device == over.Device)
        {
            return Errno.None; // a file is a copy of itself
        }
        errno = Nodes.Truncate(to, 0);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
        try
        {
            long at = 0;
            while (errno == Errno.None)
            {
                IoResult data = Nodes.Seek(from, at, SeekWhence.Data);
                if (data.Errno == Errno.ENXIO)
                {
                    break; // no data any more
                }
                IoResult hole = data.IsOk ? Nodes.Seek(from, data.Count, SeekWhence.Hole) : data;
                errno = hole.Errno;
                for (at = data.Count; errno == Errno.None && at < hole.Count;)
                {
                    IoResult read = VolumeFile.ReadFully(Nodes, from, buffer.AsSpan(0, (int)Math.Min(buffer.Length, hole.Count - at)), at);
                    errno = read.Errno;
                    if (errno != Errno.None || read.Count == 0)
                    {
                        break;
                    }
                    errno = VolumeFile.WriteFully(this, to, buffer.AsSpan(0, (int)read.Count), at, out _).Errno;
                    at += read.Count;
                }
                at = Math.Max(at, hole.Count);
            }
            errno = errno == Errno.None ? Nodes.Truncate(to, before.SizeBytes) : errno;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        errno = errno == Errno.None ? Nodes.SetMode(to.Path, before.Mode & 0x1FF) : errno;
        errno = errno == Errno.None ? CopyXattrs(from.Path, to.Path) : errno;
        return errno == Errno.None ? Nodes.SetTimes(to.Path, before.AccessTime, before.ModifyTime) : errno;
    }

    private static Errno ErrnoOf(long result) => result < 0 ? (Errno)(-result) : Errno.None;
}
