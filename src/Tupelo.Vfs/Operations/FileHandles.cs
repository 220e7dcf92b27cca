// FileHandles turns files into handles and back: name_to_handle_at(2), open_by_handle_at(2), and what NFS-like doors need.
// A handle is (ino, generation) inside of a file system; it survives renames and remounts of the caller, not the file's death.
using System.Buffers.Binary;

namespace Tupelo.Vfs;

internal static class FileHandles
{
    internal const int HeaderBytes = 8;
    internal const int BodyBytes = 16;
    private const int MaxBodyBytes = 128;
    private const int HandleType = 0x54;

    /// <summary>Writes a struct file_handle: u32 room, s32 type, ino, generation.</summary>
    /// <remarks>Errors: EOPNOTSUPP · EFAULT · EINVAL room above 128 · EOVERFLOW room too small (then it says how much is needed).</remarks>
    internal static Errno Write(Vnode vnode, Span<byte> handle, bool onlyIdentity)
    {
        if (!onlyIdentity && !vnode.FileSystem.Supports(FileSystemFeatures.Handles))
        {
            return Errno.EOPNOTSUPP;
        }
        if (handle.Length < HeaderBytes || Syscalls.IsNull<byte>(handle))
        {
            return Errno.EFAULT;
        }
        uint room = BinaryPrimitives.ReadUInt32LittleEndian(handle);
        if (room > MaxBodyBytes)
        {
            return Errno.EINVAL;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(handle, BodyBytes);
        BinaryPrimitives.WriteInt32LittleEndian(handle[4..], HandleType);
        if (room < BodyBytes)
        {
            return Errno.EOVERFLOW;
        }
        if (handle.Length < HeaderBytes + BodyBytes)
        {
            return Errno.EFAULT;
        }
        BinaryPrimitives.WriteUInt64LittleEndian(handle[8..], vnode.Ino);
        BinaryPrimitives.WriteUInt64LittleEndian(handle[16..], vnode.Generation);
        if (vnode.FileSystem.Supports(FileSystemFeatures.Handles))
        {
            vnode.FileSystem.HandleMade(vnode);
        }
        return Errno.None;
    }

    /// <summary>What is checked of a handle before its mount is looked at.</summary>
    /// <remarks>Errors: EFAULT · EINVAL empty, or above 128 bytes.</remarks>
    internal static Errno CheckSize(ReadOnlySpan<byte> handle) =>
        handle.Length < HeaderBytes || Syscalls.IsNull(handle) ? Errno.EFAULT
        : BinaryPrimitives.ReadUInt32LittleEndian(handle) is 0 or > MaxBodyBytes ? Errno.EINVAL
        : Errno.None;

    /// <summary>Finds the place of a handle, whose size is checked, in a mount; pinned.</summary>
    /// <remarks>Errors: EFAULT · ESTALE.</remarks>
    internal static Errno Find(VfsContext context, Mount mount, ReadOnlySpan<byte> handle, out PathRef place)
    {
        place = default;
        uint bytes = BinaryPrimitives.ReadUInt32LittleEndian(handle);
        if (handle.Length < HeaderBytes + (int)bytes)
        {
            return Errno.EFAULT;
        }
        if (bytes != BodyBytes || BinaryPrimitives.ReadInt32LittleEndian(handle[4..]) != HandleType)
        {
            return Errno.ESTALE;
        }
        return Find(
            context, mount, BinaryPrimitives.ReadUInt64LittleEndian(handle[8..]), BinaryPrimitives.ReadUInt64LittleEndian(handle[16..]), out place);
    }

    internal static Errno Find(VfsContext context, Mount mount, ulong ino, ulong generation, out PathRef place)
    {
        place = default;
        FileSystem fileSystem = mount.FileSystem;
        if (!fileSystem.Supports(FileSystemFeatures.Handles))
        {
            return Errno.ESTALE;
        }
        Errno errno = fileSystem.FindVnode(ino, generation, out Vnode? vnode);
        // One that was just let go: the file system makes another one, or knows that the file is gone.
        for (int tries = 0; errno == Errno.None && !vnode!.TryReference(); tries++)
        {
            errno = tries < 100 ? fileSystem.FindVnode(ino, generation, out vnode) : Errno.ESTALE;
        }
        if (errno != Errno.None)
        {
            return errno;
        }
        Dentry? dentry;
        if (vnode!.IsDirectory)
        {
            errno = Connect(context, fileSystem, vnode, out dentry);
        }
        else
        {
            dentry = Dentry.MakeUnhashed(vnode, new NameKey("?"u8));
        }
        vnode.Release();
        if (errno != Errno.None)
        {
            return errno;
        }
        if (!mount.TryPin())
        {
            dentry!.Unpin();
            return Errno.ESTALE;
        }
        place = new PathRef(mount, dentry!);
        return Errno.None;
    }

    // The dentry of a directory, found from the root down: parents first, then the name that each has in its parent. Pinned.
    private static Errno Connect(VfsContext context, FileSystem fileSystem, Vnode directory, out Dentry? dentry)
    {
        dentry = null;
        const int MaxDepth = 4096;
        var chain = new Stack<Vnode>();
        for (Vnode at = directory; !ReferenceEquals(at, fileSystem.Root);)
        {
            chain.Push(at);
            Errno errno = at.GetParent(context, out Vnode? parent);
            if (errno != Errno.None || at.IsDead || ReferenceEquals(parent, at) || chain.Count > MaxDepth)
            {
                return errno != Errno.None ? errno : Errno.ESTALE;
            }
            at = parent!;
        }
        Dentry current = fileSystem.RootDentry;
        current.Pin();
        while (chain.TryPop(out Vnode? next))
        {
            Errno errno = FindName(context, current, next, out Dentry? child);
            current.Unpin();
            if (errno != Errno.None)
            {
                return errno;
            }
            current = child!;
        }
        dentry = current;
        return Errno.None;
    }

    // Looks through a directory for the name of a vnode.
    private static Errno FindName(VfsContext context, Dentry parent, Vnode wanted, out Dentry? child)
    {
        child = null;
        Vnode directory = parent.Vnode!;
        byte[] buffer = new byte[16 * 1024];
        var place = new PathRef(null!, parent);
        long position = 0;
        while (true)
        {
            IoResult read = DirectoryReader.Read(context, place, directory, ref position, buffer);
            if (read.Count == 0)
            {
                return read.IsOk ? Errno.ESTALE : read.Errno;
            }
            ReadOnlySpan<byte> records = buffer.AsSpan(0, (int)read.Count);
            while (DirectoryRecord.TryTake(ref records, out DirectoryRecord record))
            {
                if (record.Ino != wanted.Ino || record.Name is [(byte)'.'] or [(byte)'.', (byte)'.'])
                {
                    continue;
                }
                Errno errno = NameLookup.Find(context, parent, new NameKey(record.Name), cachedOnly: false, out Dentry found, out Vnode? vnode);
                if (errno == Errno.None && ReferenceEquals(vnode, wanted) && found.TryPin())
                {
                    child = found;
                    return Errno.None;
                }
            }
        }
    }
}
