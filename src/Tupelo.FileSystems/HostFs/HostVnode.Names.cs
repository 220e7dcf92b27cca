// What directories of the host do. Every call is on the directory's descriptor and one name.
using System.Buffers;
using System.Buffers.Binary;
using Tupelo.Block;

namespace Tupelo.FileSystems;

internal sealed partial class HostVnode
{
    // Cookies are the host's offsets plus 3, so that they stay clear of 0, 1 and 2; the highest (the end, on some) stay as they are.
    private const long CookieShift = 3;
    private const int ListBytes = 32 * 1024;

    protected override Errno Lookup(VfsContext context, ReadOnlySpan<byte> name, out Vnode? child)
    {
        child = null;
        Errno errno = Acquire(out HostDescriptor? directory);
        if (errno == Errno.None)
        {
            errno = OpenChild(directory!, name, out HostVnode? found);
            child = found;
            directory!.Release();
        }
        return errno;
    }

    protected override bool Revalidate(VfsContext context, ReadOnlySpan<byte> name, Vnode? child)
    {
        if (Acquire(out HostDescriptor? directory) != Errno.None)
        {
            return false;
        }
        Errno errno = LinuxHost.Stat(directory!.Number, name, out HostCalls.StatX stat);
        directory.Release();
        if (child is not HostVnode known)
        {
            return errno == Errno.ENOENT;
        }
        if (errno != Errno.None || !known.IsSameFile(stat))
        {
            return false;
        }
        known.SetAlias(this, name);
        return true;
    }

    protected override Errno ReadDirectory(VfsContext context, long cookie, ref DirectoryWriter writer)
    {
        Errno errno = OpenForReading(out int descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ListBytes);
        if (cookie > 2)
        {
            errno = LinuxHost.Seek(descriptor, ToHostOffset(cookie), HostCalls.SEEK_SET).Errno;
        }
        while (errno == Errno.None)
        {
            IoResult read = LinuxHost.ReadDirectory(descriptor, buffer);
            errno = read.Errno;
            if (read.Count == 0 || !CopyEntries(buffer.AsSpan(0, (int)read.Count), ref writer))
            {
                break;
            }
        }
        ArrayPool<byte>.Shared.Return(buffer);
        LinuxHost.CloseDescriptor(descriptor);
        return errno;
    }

    protected override Errno Create(VfsContext context, ReadOnlySpan<byte> name, in NewVnode make, out Vnode? child)
    {
        child = null;
        if (make.Type is FileType.CharDevice or FileType.BlockDevice && !_owner.HostOptions.MakeDevices)
        {
            return Errno.EPERM;
        }
        Errno errno = Acquire(out HostDescriptor? directory);
        if (errno != Errno.None)
        {
            return errno;
        }
        HostVnode? made = null;
        HostDescriptor? created = null;
        errno = CreateOnHost(directory!, name, make, ref created);
        if (errno == Errno.None)
        {
            errno = created is null ? OpenChild(directory!, name, out made) : OpenCreated(created, name, out made);
            errno = errno == Errno.None ? made!.Complete(make) : errno;
            if (errno != Errno.None)
            {
                // Nothing half made stays behind.
                _ = LinuxHost.Unlink(directory!.Number, name, make.Type == FileType.Directory);
            }
        }
        if (errno == Errno.None)
        {
            made!.KeepForOpen(created);
            created = null;
            child = made;
        }
        created?.Release();
        directory!.Release();
        return errno;
    }

    protected override Errno CreateTemporary(VfsContext context, in NewVnode make, out Vnode? child)
    {
        child = null;
        Errno errno = Acquire(out HostDescriptor? directory);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = LinuxHost.OpenBeneath(directory!.Number, "."u8, HostCalls.O_TMPFILE | HostCalls.O_RDWR, 0x180, crossDevices: true, out int number);
        directory.Release();
        if (errno != Errno.None)
        {
            return errno is Errno.EISDIR or Errno.EINVAL ? Errno.EOPNOTSUPP : errno;
        }
        var created = new HostDescriptor(number);
        errno = OpenCreated(created, default, out HostVnode? made);
        errno = errno == Errno.None ? made!.Complete(make) : errno;
        if (errno != Errno.None)
        {
            created.Release();
            return errno;
        }
        made!.KeepUnnamed();
        made.KeepForOpen(created);
        child = made;
        return Errno.None;
    }

    protected override Errno Link(VfsContext context, ReadOnlySpan<byte> name, Vnode target)
    {
        Errno errno = Acquire(out HostDescriptor? directory);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = ((HostVnode)target).Acquire(out HostDescriptor? file);
        if (errno == Errno.None)
        {
            errno = LinuxHost.Link(file!.Number, directory!.Number, name);
            file.Release();
        }
        if (errno == Errno.None)
        {
            ((HostVnode)target).SetAlias(this, name);
        }
        directory!.Release();
        return errno;
    }

    protected override Errno Remove(VfsContext context, ReadOnlySpan<byte> name, Vnode victim)
    {
        Errno errno = Acquire(out HostDescriptor? directory);
        if (errno != Errno.None)
        {
            return errno;
        }
        ((HostVnode)victim).KeepUnnamed();
        errno = LinuxHost.Unlink(directory!.Number, name, victim.IsDirectory);
        directory.Release();
        return errno;
    }

    protected override Errno Rename(VfsContext context, ref RenameRequest request)
    {
        var target = (HostVnode)request.NewDirectory;
        Errno errno = Acquire(out HostDescriptor? from);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = target.Acquire(out HostDescriptor? to);
        if (errno == Errno.None)
        {
            var victim = (HostVnode?)request.Victim;
            if (victim is not null && !request.Exchange)
            {
                victim.KeepUnnamed();
            }
            errno = RenameOnHost(from!, to!, ref request);
            to!.Release();
        }
        from!.Release();
        if (errno == Errno.None)
        {
            ((HostVnode)request.Source).SetAlias(target, request.NewName);
            if (request.Exchange)
            {
                ((HostVnode)request.Victim!).SetAlias(this, request.OldName);
            }
        }
        return errno;
    }

    // Where the core found no file nothing may be lost that another program of the host put there meanwhile: EEXIST then.
    private static Errno RenameOnHost(HostDescriptor from, HostDescriptor to, ref RenameRequest request)
    {
        uint flags = request.Exchange ? HostCalls.RENAME_EXCHANGE : request.Victim is null ? HostCalls.RENAME_NOREPLACE : 0;
        Errno errno = LinuxHost.Rename(from.Number, request.OldName, to.Number, request.NewName, flags);
        // Some file systems know no flags.
        return errno == Errno.EINVAL && flags == HostCalls.RENAME_NOREPLACE
            ? LinuxHost.Rename(from.Number, request.OldName, to.Number, request.NewName, 0)
            : errno;
    }

    // A file that loses its last name cannot be found again: its descriptor stays until the last user is gone.
    private void KeepUnnamed()
    {
        if (Acquire(out HostDescriptor? held) == Errno.None)
        {
            Pin(held!);
            _ = Interlocked.Increment(ref _losses);
            _lostName = true;
            held!.Release();
        }
    }

    private static long ToHostOffset(long cookie) => cookie >= long.MaxValue - CookieShift ? cookie : cookie - CookieShift;

    private static long ToCookie(long offset) => offset >= long.MaxValue - CookieShift ? offset : offset + CookieShift;

    // False when the writer is full.
    private bool CopyEntries(ReadOnlySpan<byte> records, ref DirectoryWriter writer)
    {
        while (records.Length >= DirectoryWriter.HeaderBytes)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(records[16..]);
            ReadOnlySpan<byte> name = records[DirectoryWriter.HeaderBytes..length];
            name = name[..name.IndexOf((byte)0)];
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)
                && !writer.Add(
                    name,
                    _owner.InoOf(Key.Device, BinaryPrimitives.ReadUInt64LittleEndian(records)),
                    (FileType)records[18],
                    ToCookie(BinaryPrimitives.ReadInt64LittleEndian(records[8..]))))
            {
                return false;
            }
            records = records[length..];
        }
        return true;
    }

    private Errno OpenChild(HostDescriptor directory, ReadOnlySpan<byte> name, out HostVnode? child)
    {
        child = null;
        Errno errno = LinuxHost.OpenBeneath(directory.Number, name, HostCalls.O_PATH, 0, _owner.HostOptions.CrossDevices, out int number);
        return errno != Errno.None ? errno : Know(new HostDescriptor(number), name, out child);
    }

    // From a file that is open: an O_PATH descriptor of the same file, whatever its name means by now.
    private Errno OpenCreated(HostDescriptor created, ReadOnlySpan<byte> name, out HostVnode? child)
    {
        child = null;
        Errno errno = LinuxHost.Reopen(created.Number, HostCalls.O_PATH, out int number);
        return errno != Errno.None ? errno : Know(new HostDescriptor(number), name, out child);
    }

    // The vnode of a file that was just opened; takes the descriptor over.
    private Errno Know(HostDescriptor descriptor, ReadOnlySpan<byte> name, out HostVnode? vnode)
    {
        vnode = null;
        Errno errno = LinuxHost.Stat(descriptor.Number, default, out HostCalls.StatX stat);
        if (errno != Errno.None)
        {
            descriptor.Release();
            return errno;
        }
        vnode = _owner.GetOrAdd(stat);
        vnode.StoreAttributes(ToAttributes(stat));
        if (!name.IsEmpty)
        {
            vnode.SetAlias(this, name);
        }
        vnode.Adopt(descriptor);
        return Errno.None;
    }

    // Makes the file, for nobody but this process at first. A regular file stays open: its final mode may forbid opening it.
    private static Errno CreateOnHost(HostDescriptor directory, ReadOnlySpan<byte> name, in NewVnode make, ref HostDescriptor? created)
    {
        switch (make.Type)
        {
            case FileType.Regular:
                Errno errno = LinuxHost.OpenBeneath(
                    directory.Number, name, HostCalls.O_CREAT | HostCalls.O_EXCL | HostCalls.O_RDWR | HostCalls.O_NOCTTY, 0x180, crossDevices: true, out int number);
                created = errno == Errno.None ? new HostDescriptor(number) : null;
                return errno;
            case FileType.Directory:
                return LinuxHost.MakeDirectory(directory.Number, name, 0x1C0);
            case FileType.Symlink:
                return LinuxHost.MakeSymlink(make.Target, directory.Number, name);
            default:
                return LinuxHost.MakeNode(directory.Number, name, Mode.OfType(make.Type) | 0x180, make.RawDevice);
        }
    }

    // Owner and mode as the core decided. A process that is not root cannot give files away: they stay its own.
    private Errno Complete(in NewVnode make)
    {
        Errno errno = Acquire(out HostDescriptor? descriptor);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (LinuxHost.IsRoot)
        {
            errno = LinuxHost.ChangeOwner(descriptor!.Number, make.Uid, make.Gid);
        }
        if (errno == Errno.None && make.Type != FileType.Symlink)
        {
            errno = LinuxHost.ChangeMode(descriptor!.Number, make.Permissions);
        }
        if (errno == Errno.None)
        {
            errno = LinuxHost.Stat(descriptor!.Number, default, out HostCalls.StatX stat);
            if (errno == Errno.None)
            {
                StoreAttributes(ToAttributes(stat));
            }
        }
        descriptor!.Release();
        return errno;
    }

    private void KeepForOpen(HostDescriptor? created)
    {
        if (created is not null)
        {
            Interlocked.Exchange(ref _created, created)?.Release();
        }
    }
}
