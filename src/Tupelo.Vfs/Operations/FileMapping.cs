// FileMapping is mmap(2) of a file, as an object: memory that is the file (shared) or a copy of what is touched (private).
//
// A shared mapping keeps no copy: loads and stores go to the vnode's content under its lock, so it always agrees with read and
// write. A private mapping keeps the pages that were stored to. Past the file's last page there is nothing (EFAULT, where a
// process would get SIGBUS); the rest of the last page reads as zeros, and stores there are dropped.
// Locks: the vnode's, per call; _mu guards the private pages.
namespace Tupelo.Vfs;

/// <summary>A mapped part of a file. Dispose unmaps. Any thread.</summary>
public sealed unsafe class FileMapping : IDisposable
{
    private const int PageBytes = 4096;

    private readonly OpenFile _file;
    private readonly VfsContext _context;
    private readonly long _offset;
    private readonly MapProtection _protection;
    private readonly RankedLock _mu = new(LockRank.Mapping);
    private readonly Dictionary<long, byte[]>? _private;  // Stored-to pages of a private mapping, by page number in the mapping.
    private readonly bool _countsAsWriter;
    private int _disposed;

    private FileMapping(VfsContext context, OpenFile file, long offset, long length, MapProtection protection, bool shared)
    {
        _context = context;
        _file = file;
        _offset = offset;
        Length = length;
        _protection = protection;
        _private = shared ? null : [];
        _countsAsWriter = shared && file.CanWrite;
        if (_countsAsWriter)
        {
            _ = Interlocked.Increment(ref file.Vnode.Extension.WritableMappings);
        }
    }

    /// <summary>Bytes mapped.</summary>
    public long Length { get; }

    public bool IsShared => _private is null;

    /// <summary>mmap(2). The file's reference is taken over when it succeeds.</summary>
    /// <remarks>Errors: EINVAL length 0, no type · EACCES not readable, shared and written without write access · EPERM noexec, sealed · ENODEV · EOVERFLOW.</remarks>
    internal static Errno Map(VfsContext context, OpenFile file, long offset, nuint length, MapProtection protection, MapFlags flags, out FileMapping? mapping)
    {
        mapping = null;
        MapFlags type = flags & MapFlags.TypeMask;
        if (length == 0 || type is not (MapFlags.Shared or MapFlags.Private or MapFlags.SharedValidate))
        {
            return Errno.EINVAL;
        }
        if ((ulong)offset + length > long.MaxValue)
        {
            return Errno.EOVERFLOW;
        }
        bool shared = type != MapFlags.Private;
        bool writes = (protection & MapProtection.Write) != 0;
        if ((shared && writes && !file.CanWrite)
            || (shared && file.CanWrite && (file.Vnode.Flags & InodeFlags.AppendOnly) != 0)
            || !file.CanRead)
        {
            return Errno.EACCES;
        }
        if ((protection & MapProtection.Execute) != 0 && (file.Path.Mount.Flags & MountFlags.NoExec) != 0)
        {
            return Errno.EPERM;
        }
        if (!file.Vnode.IsRegular || (file.Handle is { } handle && (handle.Traits & HandleTraits.Mappable) == 0))
        {
            return Errno.ENODEV;
        }
        if (shared && writes && file.Vnode.ExtensionOrNull?.Seals is { } seals && (seals.Current & (Seals.Write | Seals.FutureWrite)) != 0)
        {
            return Errno.EPERM;
        }
        if ((file.Flags & OpenFlags.NoAccessTime) == 0)
        {
            AccessTimes.Touch(context, file.Path.Mount, file.Vnode);
        }
        mapping = new FileMapping(context, file, offset, (long)length, protection, shared);
        return Errno.None;
    }

    /// <summary>Loads bytes. Errors: EACCES not mapped for reading · EFAULT outside of the mapping, or past the file's last page · EIO.</summary>
    public Errno Load(long offsetBytes, Span<byte> buffer)
    {
        Errno errno = Check(offsetBytes, buffer.Length, MapProtection.Read | MapProtection.Write | MapProtection.Execute);
        if (errno != Errno.None)
        {
            return errno;
        }
        buffer.Clear();
        errno = LoadFile(_offset + offsetBytes, buffer);
        if (errno == Errno.None && _private is not null)
        {
            using (_mu.EnterScope())
            {
                ForPages(offsetBytes, buffer.Length, (page, within, at, count, bytes) =>
                {
                    if (_private.TryGetValue(page, out byte[]? copy))
                    {
                        copy.AsSpan(within, count).CopyTo(bytes.Slice(at, count));
                    }
                }, buffer);
            }
        }
        return errno;
    }

    /// <summary>Stores bytes. Errors: EACCES not mapped for writing · EFAULT · ENOSPC · EIO.</summary>
    public Errno Store(long offsetBytes, ReadOnlySpan<byte> data)
    {
        Errno errno = Check(offsetBytes, data.Length, MapProtection.Write);
        if (errno != Errno.None)
        {
            return errno;
        }
        return _private is null ? StoreShared(_offset + offsetBytes, data) : StorePrivate(offsetBytes, data);
    }

    /// <summary>msync(2): a shared mapping's stores become durable.</summary>
    /// <remarks>Errors: EINVAL flags · EIO.</remarks>
    public Errno Sync(MapSyncFlags flags)
    {
        const MapSyncFlags Known = MapSyncFlags.Async | MapSyncFlags.Invalidate | MapSyncFlags.Sync;
        const MapSyncFlags Both = MapSyncFlags.Async | MapSyncFlags.Sync;
        return (flags & ~Known) != 0 || (flags & Both) == Both ? Errno.EINVAL
            : (flags & MapSyncFlags.Sync) != 0 && _private is null ? Durability.Sync(_context, _file, dataOnly: false)
            : Errno.None;
    }

    /// <summary>munmap(2).</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            if (_countsAsWriter)
            {
                _ = Interlocked.Decrement(ref _file.Vnode.Extension.WritableMappings);
            }
            _file.Release();
        }
    }

    internal static int WritableCount(Vnode vnode) => vnode.ExtensionOrNull is { } extension ? Volatile.Read(ref extension.WritableMappings) : 0;

    private delegate void PageAction(long page, int within, int at, int count, Span<byte> bytes);

    private static void ForPages(long offset, int length, PageAction action, Span<byte> bytes)
    {
        int at = 0;
        while (at < length)
        {
            int within = (int)((offset + at) % PageBytes);
            int count = Math.Min(PageBytes - within, length - at);
            action((offset + at) / PageBytes, within, at, count, bytes);
            at += count;
        }
    }

    private Errno Check(long offset, int length, MapProtection needed)
    {
        if (_disposed != 0 || offset < 0 || length > Length - offset)
        {
            return Errno.EFAULT;
        }
        if ((_protection & needed) == 0)
        {
            return Errno.EACCES;
        }
        Errno errno = Attributes.Refresh(_context, _file.Vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        long size = _file.Vnode.SizeBytes;
        long lastPageEnd = size > long.MaxValue - PageBytes ? long.MaxValue : (size + PageBytes - 1) / PageBytes * PageBytes;
        return length > 0 && _offset + offset + length > lastPageEnd ? Errno.EFAULT : Errno.None;
    }

    private Errno LoadFile(long at, Span<byte> buffer)
    {
        fixed (byte* address = buffer)
        {
            IoVec segment = new(address, (nuint)buffer.Length);
            return FileIo.ReadVnode(_context, _file, _file.Vnode, new ReadOnlySpan<IoVec>(in segment), at).Errno;
        }
    }

    private Errno StoreShared(long at, ReadOnlySpan<byte> data)
    {
        Vnode vnode = _file.Vnode;
        VnodeLock.EnterWrite(vnode, LockRank.Data);
        IoResult result = IoResult.Bytes(0);
        int count = (int)Math.Clamp(vnode.SizeBytes - at, 0, data.Length);
        if (count > 0)
        {
            fixed (byte* address = data)
            {
                IoVec segment = new(address, (nuint)count);
                result = FileIo.WriteVnodeLocked(_context, vnode, new ReadOnlySpan<IoVec>(in segment), at, long.MaxValue, keepsSetId: true);
            }
        }
        VnodeLock.ExitWrite(vnode, LockRank.Data);
        return result.Errno;
    }

    private Errno StorePrivate(long offset, ReadOnlySpan<byte> data)
    {
        Errno errno = Errno.None;
        using (_mu.EnterScope())
        {
            int at = 0;
            while (at < data.Length && errno == Errno.None)
            {
                long page = (offset + at) / PageBytes;
                int within = (int)((offset + at) % PageBytes);
                int count = Math.Min(PageBytes - within, data.Length - at);
                if (!_private!.TryGetValue(page, out byte[]? copy))
                {
                    copy = new byte[PageBytes];
                    errno = LoadFile(_offset + (page * PageBytes), copy);
                    _private.Add(page, copy);
                }
                data.Slice(at, count).CopyTo(copy.AsSpan(within));
                at += count;
            }
        }
        return errno;
    }
}
