// TargetDirectory by Linux' own calls: every one relative to the open directory, with a single name, following nothing.
using System.Globalization;
using System.Text;
using Tupelo.Block;

namespace Tupelo.Images.Extraction;

internal sealed unsafe class LinuxTargetDirectory : TargetDirectory
{
    private readonly (ulong Device, ulong Ino) _identity;
    private readonly uint _modeAsMade;
    private int _descriptor;

    private LinuxTargetDirectory(int descriptor, in HostCalls.StatX stat)
    {
        _descriptor = descriptor;
        _identity = IdentityOf(stat);
        _modeAsMade = stat.Mode & Mode.PermissionMask;
        Ino = stat.Ino;
    }

    public override bool IsParked => _descriptor < 0;

    /// <summary>Opens the user's own directory.</summary>
    public static LinuxTargetDirectory Open(string path)
    {
        int descriptor = HostCalls.Open(path, HostCalls.O_RDONLY | HostCalls.O_DIRECTORY | HostCalls.O_CLOEXEC, 0);
        Errno errno = descriptor < 0 ? HostCalls.LastErrno : Errno.None;
        if (errno == Errno.None && (errno = Adopt(descriptor, out LinuxTargetDirectory? directory)) == Errno.None)
        {
            return directory!;
        }
        throw new ImageException($"cannot use the directory {path}", errno);
    }

    public override Errno OpenOrMake(ReadOnlySpan<byte> name, uint mode, out TargetDirectory? child, out bool created)
    {
        using var path = new NameBuffer(name);
        created = false;
        child = null;
        if (HostCalls.MakeDirectoryAt(_descriptor, path.Pointer, (mode & 0x1FF) | LinuxTargetFile.OwnerRights) == 0)
        {
            created = true;
        }
        else if (HostCalls.LastErrno != Errno.EEXIST)
        {
            return HostCalls.LastErrno;
        }
        Errno errno = OpenChild(path, out LinuxTargetDirectory? opened);
        if (errno != Errno.None)
        {
            return errno;
        }
        if (!created && WasPlaced(opened!.Ino))
        {
            opened.Dispose();
            return SameAsAnother;
        }
        NotePlaced(opened!.Ino);
        child = opened;
        return Errno.None;
    }

    public override Errno OpenExisting(ReadOnlySpan<byte> name, out TargetDirectory? child)
    {
        using var path = new NameBuffer(name);
        Errno errno = OpenChild(path, out LinuxTargetDirectory? opened);
        child = opened;
        return errno;
    }

    public override Errno CreateFile(uint mode, out TargetFile? file)
    {
        file = null;
        while (true)
        {
            byte[] name = TemporaryName();
            using var path = new NameBuffer(name);
            const uint OwnerReadsAndWrites = 0x180;
            int descriptor = HostCalls.OpenEntry(
                _descriptor, path.Pointer, HostCalls.O_WRONLY | HostCalls.O_CREAT | HostCalls.O_EXCL, (mode & 0x1FF) | OwnerReadsAndWrites);
            if (descriptor >= 0)
            {
                HostCalls.StatX stat;
                byte empty = 0;
                if (HostCalls.Statx(descriptor, &empty, HostCalls.AT_EMPTY_PATH, HostCalls.STATX_BASIC_STATS, &stat) == 0)
                {
                    file = new LinuxTargetFile(_descriptor, descriptor, name, stat);
                    return Errno.None;
                }
                Errno errno = HostCalls.LastErrno;
                _ = HostCalls.Close(descriptor);
                _ = HostCalls.UnlinkAt(_descriptor, path.Pointer, 0);
                return errno;
            }
            if (HostCalls.LastErrno != Errno.EEXIST)
            {
                return HostCalls.LastErrno;
            }
        }
    }

    public override Errno Place(TargetFile file, ReadOnlySpan<byte> name, bool overwrite)
    {
        var written = (LinuxTargetFile)file;
        using var from = new NameBuffer(written.Name);
        using var to = new NameBuffer(name);
        Errno errno = Rename(from, to, overwrite);
        if (errno == Errno.None)
        {
            written.Placed();
            NotePlaced(written.Ino);
        }
        return errno;
    }

    public override Errno MakeSymlink(ReadOnlySpan<byte> name, ReadOnlySpan<byte> target, bool overwrite, in TargetAttributes attributes, out Made made)
    {
        using var to = new NameBuffer(name);
        using var content = new NameBuffer(target);
        byte* pointer = content.Pointer;
        Errno errno = MakeNamed(to, overwrite, path => HostCalls.SymlinkAt(pointer, _descriptor, path));
        made = default;
        return errno == Errno.None ? FinishNamed(to, FileType.Symlink, attributes, out made) : errno;
    }

    public override Errno MakeNode(ReadOnlySpan<byte> name, FileType type, ulong device, bool overwrite, in TargetAttributes attributes, out Made made)
    {
        using var to = new NameBuffer(name);
        uint mode = Mode.OfType(type) | (attributes.Mode & 0x1FF);
        Errno errno = MakeNamed(to, overwrite, path => HostCalls.MakeNodeAt(_descriptor, path, mode, device));
        made = default;
        return errno == Errno.None ? FinishNamed(to, type, attributes, out made) : errno;
    }

    public override Errno Link(TargetDirectory source, ReadOnlySpan<byte> sourceName, ulong ino, ReadOnlySpan<byte> name, bool overwrite)
    {
        using var from = new NameBuffer(sourceName);
        using var to = new NameBuffer(name);
        byte* fromPointer = from.Pointer;
        int sourceDescriptor = ((LinuxTargetDirectory)source)._descriptor;
        // What is linked is looked at before it gets its name; a name of ours is removed again when it is not what it was.
        Errno errno = MakeNamed(to, overwrite, path =>
        {
            int result = HostCalls.LinkAt(sourceDescriptor, fromPointer, _descriptor, path, 0);
            if (result == 0 && (Stat(path, out HostCalls.StatX stat) != Errno.None || stat.Ino != ino))
            {
                _ = HostCalls.UnlinkAt(_descriptor, path, 0);
                System.Runtime.InteropServices.Marshal.SetLastPInvokeError((int)Errno.ESTALE);
                return -1;
            }
            return result;
        });
        if (errno == Errno.None)
        {
            NotePlaced(ino);
        }
        return errno;
    }

    public override Errno Finish(in TargetAttributes attributes, out int notRestored) =>
        LinuxTargetFile.Restore(_descriptor, _modeAsMade, attributes, out notRestored);

    public override void Park()
    {
        _ = HostCalls.Close(_descriptor);
        _descriptor = -1;
    }

    public override Errno Wake(TargetDirectory child)
    {
        // The parent of an open directory is found without a path; it must still be the one that it was.
        byte* dots = stackalloc byte[] { (byte)'.', (byte)'.', 0 };
        int descriptor = HostCalls.OpenAt(
            ((LinuxTargetDirectory)child)._descriptor, dots, HostCalls.O_RDONLY | HostCalls.O_DIRECTORY | HostCalls.O_CLOEXEC | HostCalls.O_NOFOLLOW, 0);
        if (descriptor < 0)
        {
            return HostCalls.LastErrno;
        }
        byte empty = 0;
        HostCalls.StatX stat;
        if (HostCalls.Statx(descriptor, &empty, HostCalls.AT_EMPTY_PATH, HostCalls.STATX_BASIC_STATS, &stat) != 0 || IdentityOf(stat) != _identity)
        {
            _ = HostCalls.Close(descriptor);
            return Errno.ESTALE;
        }
        _descriptor = descriptor;
        return Errno.None;
    }

    public override Errno Sync() => HostCalls.SyncFileSystem(_descriptor) == 0 ? Errno.None : HostCalls.LastErrno;

    protected override void Dispose(bool disposing)
    {
        if (_descriptor >= 0)
        {
            Park();
        }
        base.Dispose(disposing);
    }

    private static byte[] TemporaryName() => Encoding.ASCII.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $".tupelo-{System.Security.Cryptography.RandomNumberGenerator.GetHexString(16, lowercase: true)}.tmp"));

    private static (ulong Device, ulong Ino) IdentityOf(in HostCalls.StatX stat) => (((ulong)stat.DeviceMajor << 32) | stat.DeviceMinor, stat.Ino);

    private static Errno Adopt(int descriptor, out LinuxTargetDirectory? directory)
    {
        byte empty = 0;
        HostCalls.StatX stat;
        if (HostCalls.Statx(descriptor, &empty, HostCalls.AT_EMPTY_PATH, HostCalls.STATX_BASIC_STATS, &stat) != 0)
        {
            Errno errno = HostCalls.LastErrno;
            _ = HostCalls.Close(descriptor);
            directory = null;
            return errno;
        }
        directory = new LinuxTargetDirectory(descriptor, stat);
        return Errno.None;
    }

    private Errno OpenChild(NameBuffer name, out LinuxTargetDirectory? child)
    {
        child = null;
        int descriptor = HostCalls.OpenEntry(_descriptor, name.Pointer, HostCalls.O_RDONLY | HostCalls.O_DIRECTORY);
        if (descriptor < 0)
        {
            return HostCalls.LastErrno == Errno.ELOOP ? Errno.ENOTDIR : HostCalls.LastErrno;
        }
        return Adopt(descriptor, out child);
    }

    private Errno Stat(byte* name, out HostCalls.StatX stat)
    {
        HostCalls.StatX found;
        int result = HostCalls.Statx(_descriptor, name, HostCalls.AT_SYMLINK_NOFOLLOW | HostCalls.AT_NO_AUTOMOUNT, HostCalls.STATX_BASIC_STATS, &found);
        stat = found;
        return result == 0 ? Errno.None : HostCalls.LastErrno;
    }

    // Renames within the directory. The first try replaces nothing, so that an entry of this very extraction is never lost.
    private Errno Rename(NameBuffer from, NameBuffer to, bool overwrite)
    {
        if (HostCalls.RenameAt2(_descriptor, from.Pointer, _descriptor, to.Pointer, HostCalls.RENAME_NOREPLACE) == 0)
        {
            return Errno.None;
        }
        Errno errno = HostCalls.LastErrno;
        if (errno is not (Errno.EEXIST or Errno.EINVAL or Errno.ENOSYS))
        {
            return errno;
        }
        Errno found = Stat(to.Pointer, out HostCalls.StatX stat);
        if (found == Errno.None)
        {
            errno = MayReplace(stat, overwrite);
            if (errno != Errno.None)
            {
                return errno;
            }
        }
        else if (found != Errno.ENOENT)
        {
            return found;
        }
        return HostCalls.RenameAt(_descriptor, from.Pointer, _descriptor, to.Pointer) == 0 ? Errno.None : HostCalls.LastErrno;
    }

    private Errno MayReplace(in HostCalls.StatX existing, bool overwrite)
    {
        if (WasPlaced(existing.Ino))
        {
            return SameAsAnother;
        }
        if (Mode.TypeOf(existing.Mode) == FileType.Directory)
        {
            return Errno.EISDIR;
        }
        return overwrite ? Errno.None : Errno.EEXIST;
    }

    private delegate int Maker(byte* path);

    // Makes something that comes into being whole, under its name; when something has the name, under another one first.
    private Errno MakeNamed(NameBuffer name, bool overwrite, Maker make)
    {
        if (make(name.Pointer) == 0)
        {
            return Errno.None;
        }
        if (HostCalls.LastErrno != Errno.EEXIST)
        {
            return HostCalls.LastErrno;
        }
        Errno errno = Stat(name.Pointer, out HostCalls.StatX stat);
        errno = errno == Errno.None ? MayReplace(stat, overwrite) : errno == Errno.ENOENT ? Errno.None : errno;
        if (errno != Errno.None)
        {
            return errno;
        }
        using var temporary = new NameBuffer(TemporaryName());
        if (make(temporary.Pointer) != 0)
        {
            return HostCalls.LastErrno;
        }
        if (HostCalls.RenameAt(_descriptor, temporary.Pointer, _descriptor, name.Pointer) != 0)
        {
            errno = HostCalls.LastErrno;
        }
        // Also after success: renaming one name of a file over another of the same file does nothing.
        _ = HostCalls.UnlinkAt(_descriptor, temporary.Pointer, 0);
        return errno;
    }

    // Owner, mode and times of what cannot be opened for writing, through a descriptor that only names it: what has taken its place
    // meanwhile, a hard link to somebody else's file perhaps, is not touched.
    private Errno FinishNamed(NameBuffer name, FileType type, in TargetAttributes attributes, out Made made)
    {
        made = default;
        int notRestored = 0;
        int descriptor = HostCalls.OpenEntry(_descriptor, name.Pointer, HostCalls.O_PATH);
        if (descriptor < 0)
        {
            return HostCalls.LastErrno;
        }
        try
        {
            byte empty = 0;
            HostCalls.StatX stat;
            if (HostCalls.Statx(descriptor, &empty, HostCalls.AT_EMPTY_PATH, HostCalls.STATX_BASIC_STATS, &stat) != 0)
            {
                return HostCalls.LastErrno;
            }
            if (Mode.TypeOf(stat.Mode) != type)
            {
                return Errno.ESTALE;
            }
            NotePlaced(stat.Ino);
            if (attributes.Owner is { } owner && HostCalls.FchownAt(descriptor, &empty, owner.Uid, owner.Gid, HostCalls.AT_EMPTY_PATH) != 0)
            {
                return HostCalls.LastErrno;
            }
            using var self = new NameBuffer(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}")));
            if (type != FileType.Symlink && attributes.ExactMode is { } mode && HostCalls.Chmod(self.Pointer, mode) != 0)
            {
                return HostCalls.LastErrno;
            }
            foreach ((byte[] attribute, byte[] value) in attributes.Xattrs ?? [])
            {
                using var attributeName = new NameBuffer(attribute);
                fixed (byte* start = value)
                {
                    notRestored += HostCalls.SetXattrOfPath(self.Pointer, attributeName.Pointer, start == null ? &empty : start, value.Length, 0) == 0 ? 0 : 1;
                }
            }
            HostCalls.TimeSpec* times = stackalloc HostCalls.TimeSpec[2];
            if (LinuxTargetFile.TryGetTimes(attributes, times) && HostCalls.UtimensAt(descriptor, &empty, times, HostCalls.AT_EMPTY_PATH) != 0)
            {
                // Linux before 5.8 has no such call for a descriptor that only names. A wrong time harms nobody.
                _ = HostCalls.UtimensAt(_descriptor, name.Pointer, times, HostCalls.AT_SYMLINK_NOFOLLOW);
            }
            made = new Made(stat.Ino, notRestored);
            return Errno.None;
        }
        finally
        {
            _ = HostCalls.Close(descriptor);
        }
    }
}
