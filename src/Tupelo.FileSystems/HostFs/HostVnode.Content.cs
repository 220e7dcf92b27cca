// Content and extended attributes of files of the host.
using Tupelo.Block;

namespace Tupelo.FileSystems;

internal sealed partial class HostVnode
{
    private static ReadOnlySpan<byte> UserPrefix => "user."u8;

    // Only regular files are opened on the host; what is in _place is one, or not, for good.
    protected override Errno Open(VfsContext context, OpenFlags flags, out OpenHandle? handle)
    {
        handle = null;
        if (!IsRegular)
        {
            return base.Open(context, flags, out handle);
        }
        Errno errno = Acquire(out HostDescriptor? place);
        if (errno != Errno.None)
        {
            return errno;
        }
        HostDescriptor? created = Interlocked.Exchange(ref _created, null);
        if (created is null || (flags & (OpenFlags.Sync | OpenFlags.Direct)) != 0)
        {
            created?.Release();
            errno = LinuxHost.Reopen(place!.Number, ToHostFlags(flags), out int number);
            if (errno == Errno.EPERM && (flags & OpenFlags.NoAccessTime) != 0)
            {
                // The core allowed it; this process is not the owner.
                errno = LinuxHost.Reopen(place.Number, ToHostFlags(flags & ~OpenFlags.NoAccessTime), out number);
            }
            created = errno == Errno.None ? new HostDescriptor(number) : null;
        }
        if (errno == Errno.None)
        {
            Pin(place!);
            handle = new HostHandle(this, created!);
        }
        place!.Release();
        return errno;
    }

    protected override Errno ReadLink(VfsContext context, out ReadOnlyMemory<byte> target)
    {
        target = default;
        Errno errno = Acquire(out HostDescriptor? descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        Span<byte> room = stackalloc byte[4096];
        errno = LinuxHost.ReadLink(descriptor!.Number, room, out int length);
        descriptor.Release();
        if (errno == Errno.None)
        {
            // A longer one cannot be followed by anybody.
            errno = length is 0 or 4096 ? Errno.EIO : Errno.None;
            target = errno == Errno.None ? room[..length].ToArray() : default;
        }
        return errno;
    }

    // Reached where the core reads for itself: mappings, copies.
    protected override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer)
    {
        Errno errno = OpenContent(HostCalls.O_RDONLY, out int descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        IoResult result = LinuxHost.Read(descriptor, buffer, offsetBytes);
        LinuxHost.CloseDescriptor(descriptor);
        return result;
    }

    protected override IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        Errno errno = OpenContent(HostCalls.O_WRONLY, out int descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        IoResult result = LinuxHost.Write(descriptor, buffer, offsetBytes);
        LinuxHost.CloseDescriptor(descriptor);
        ContentWritten(context);
        return result;
    }

    protected override Errno SetSize(VfsContext context, long sizeBytes)
    {
        // By descriptor: the times change even if the size does not, as ftruncate and O_TRUNC want it.
        Errno errno = OpenContent(HostCalls.O_WRONLY, out int descriptor);
        if (errno == Errno.None)
        {
            errno = LinuxHost.Truncate(descriptor, sizeBytes);
            LinuxHost.CloseDescriptor(descriptor);
            ContentWritten(context);
        }
        return errno;
    }

    protected override Errno Allocate(VfsContext context, FallocateMode mode, long offsetBytes, long lengthBytes)
    {
        Errno errno = OpenContent(HostCalls.O_RDWR, out int descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        // The size is the core's to move, but for the modes that shift.
        int keep = mode is FallocateMode.CollapseRange or FallocateMode.InsertRange ? 0 : HostCalls.FALLOC_FL_KEEP_SIZE;
        errno = LinuxHost.Allocate(descriptor, (int)mode | keep, offsetBytes, lengthBytes);
        LinuxHost.CloseDescriptor(descriptor);
        ContentWritten(context);
        return errno;
    }

    protected override IoResult FindData(VfsContext context, long offsetBytes, bool hole)
    {
        Errno errno = OpenContent(HostCalls.O_RDONLY, out int descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        IoResult result = LinuxHost.Seek(descriptor, offsetBytes, (int)(hole ? SeekWhence.Hole : SeekWhence.Data));
        LinuxHost.CloseDescriptor(descriptor);
        return result;
    }

    protected override Errno Sync(VfsContext context, bool dataOnly)
    {
        Errno errno = IsDirectory ? OpenForReading(out int descriptor) : OpenContent(HostCalls.O_RDONLY, out descriptor);
        if (errno == Errno.None)
        {
            errno = LinuxHost.Sync(descriptor, dataOnly);
            LinuxHost.CloseDescriptor(descriptor);
        }
        return errno;
    }

    protected override IoResult GetXattr(VfsContext context, ReadOnlySpan<byte> name, Span<byte> value)
    {
        Errno errno = CheckXattrName(name);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = Acquire(out HostDescriptor? descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        IoResult result = LinuxHost.GetXattr(descriptor!.Number, name, value);
        descriptor.Release();
        return result;
    }

    protected override Errno SetXattr(VfsContext context, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrFlags flags)
    {
        Errno errno = CheckXattrName(name);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = Acquire(out HostDescriptor? descriptor);
        if (errno == Errno.None)
        {
            errno = LinuxHost.SetXattr(descriptor!.Number, name, value, (int)flags);
            descriptor.Release();
        }
        return errno;
    }

    protected override Errno RemoveXattr(VfsContext context, ReadOnlySpan<byte> name)
    {
        Errno errno = CheckXattrName(name);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = Acquire(out HostDescriptor? descriptor);
        if (errno == Errno.None)
        {
            errno = LinuxHost.RemoveXattr(descriptor!.Number, name);
            descriptor.Release();
        }
        return errno;
    }

    protected override IoResult ListXattrs(VfsContext context, Span<byte> names)
    {
        Errno errno = Acquire(out HostDescriptor? descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (_owner.HostOptions.Xattrs == HostXattrs.All)
        {
            IoResult all = LinuxHost.ListXattrs(descriptor!.Number, names);
            descriptor.Release();
            return all;
        }
        // The whole list is at most 64 KiB.
        byte[] list = System.Buffers.ArrayPool<byte>.Shared.Rent(65536);
        IoResult found = LinuxHost.ListXattrs(descriptor!.Number, list);
        descriptor.Release();
        IoResult result = found.IsOk ? KeepUserNames(list.AsSpan(0, (int)found.Count), names) : found;
        System.Buffers.ArrayPool<byte>.Shared.Return(list);
        return result;
    }

    // Set-id bits fall with a change of content, unless the caller may keep them: as the host would do, if the caller were known there.
    internal void ContentWritten(VfsContext context)
    {
        uint permissions = Permissions;
        if ((permissions & (Mode.SetUid | Mode.SetGid)) == 0 || context.Credentials.Has(Capabilities.KeepSetId))
        {
            return;
        }
        const uint GroupExecute = 0x8;
        uint dropped = (permissions & GroupExecute) != 0 ? Mode.SetUid | Mode.SetGid : Mode.SetUid;
        if ((permissions & dropped) != 0 && Acquire(out HostDescriptor? descriptor) == Errno.None)
        {
            _ = LinuxHost.ChangeMode(descriptor!.Number, permissions & ~dropped);
            descriptor.Release();
        }
    }

    // An open directory to list or to sync.
    internal Errno OpenForReading(out int descriptor)
    {
        descriptor = -1;
        Errno errno = Acquire(out HostDescriptor? place);
        if (errno == Errno.None)
        {
            // Listing moves the access time on the host, which a read-only file system must not.
            int flags = HostCalls.O_RDONLY | HostCalls.O_DIRECTORY;
            int quiet = _owner.IsReadOnly ? HostCalls.O_NOATIME : 0;
            errno = LinuxHost.OpenBeneath(place!.Number, "."u8, flags | quiet, 0, crossDevices: true, out descriptor);
            if (errno == Errno.EPERM && quiet != 0)
            {
                errno = LinuxHost.OpenBeneath(place.Number, "."u8, flags, 0, crossDevices: true, out descriptor);
            }
            place.Release();
        }
        return errno;
    }

    private Errno OpenContent(int flags, out int descriptor)
    {
        descriptor = -1;
        if (!IsRegular)
        {
            return Errno.EINVAL;
        }
        Errno errno = Acquire(out HostDescriptor? place);
        if (errno == Errno.None)
        {
            int quiet = _owner.IsReadOnly ? HostCalls.O_NOATIME : 0;
            errno = LinuxHost.Reopen(place!.Number, flags | quiet | HostCalls.O_NONBLOCK, out descriptor);
            if (errno == Errno.EPERM && quiet != 0)
            {
                errno = LinuxHost.Reopen(place.Number, flags | HostCalls.O_NONBLOCK, out descriptor);
            }
            place.Release();
        }
        return errno;
    }

    private static int ToHostFlags(OpenFlags flags)
    {
        int host = (flags & OpenFlags.AccessMode) switch
        {
            OpenFlags.ReadOnly => HostCalls.O_RDONLY,
            OpenFlags.WriteOnly => HostCalls.O_WRONLY,
            _ => HostCalls.O_RDWR,
        };
        host |= (flags & OpenFlags.NoAccessTime) != 0 ? HostCalls.O_NOATIME : 0;
        host |= (flags & OpenFlags.Direct) != 0 ? HostCalls.O_DIRECT : 0;
        host |= (flags & OpenFlags.Sync) == OpenFlags.Sync ? HostCalls.O_SYNC : (flags & OpenFlags.DataSync) != 0 ? HostCalls.O_DSYNC : 0;
        return host | HostCalls.O_NONBLOCK;
    }

    private Errno CheckXattrName(ReadOnlySpan<byte> name) =>
        _owner.HostOptions.Xattrs == HostXattrs.All || name.StartsWith(UserPrefix) ? Errno.None : Errno.EOPNOTSUPP;

    private static IoResult KeepUserNames(ReadOnlySpan<byte> list, Span<byte> names)
    {
        int used = 0;
        while (!list.IsEmpty)
        {
            ReadOnlySpan<byte> name = list[..(list.IndexOf((byte)0) + 1)];
            list = list[name.Length..];
            if (!name.StartsWith(UserPrefix))
            {
                continue;
            }
            if (!names.IsEmpty)
            {
                if (names.Length - used < name.Length)
                {
                    return Errno.ERANGE;
                }
                name.CopyTo(names[used..]);
            }
            used += name.Length;
        }
        return IoResult.Bytes(used);
    }
}
