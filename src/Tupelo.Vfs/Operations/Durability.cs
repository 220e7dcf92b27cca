// Durability makes what was written survive: fsync, fdatasync, sync_file_range, syncfs, sync.
//
// An error that a file system met while writing back is told once to each open file: the vnode's error sequence moves, and each
// open file remembers up to where it has been told (as Linux' errseq).
namespace Tupelo.Vfs;

internal static class Durability
{
    /// <summary>fsync(2), fdatasync(2).</summary>
    /// <remarks>Errors: EINVAL nothing to sync (FIFO, socket) · EIO · ENOSPC · EDQUOT.</remarks>
    internal static Errno Sync(VfsContext context, OpenFile file, bool dataOnly)
    {
        LockRanks.AssertMayCallFileSystem();
        Errno errno = file.Handle is { } handle ? handle.Sync(context, dataOnly)
            : file.Vnode.Type is FileType.Regular or FileType.Directory ? file.Vnode.Sync(context, dataOnly)
            : Errno.EINVAL;
        Errno earlier = file.TakeWriteError();
        return errno != Errno.None ? errno : earlier;
    }

    /// <summary>sync_file_range(2): here as fdatasync when it is to wait, nothing else otherwise.</summary>
    /// <remarks>Errors: EINVAL flags, range · ESPIPE no file · EIO.</remarks>
    internal static Errno SyncRange(VfsContext context, OpenFile file, long offsetBytes, long lengthBytes, SyncFileRangeFlags flags)
    {
        const SyncFileRangeFlags Known = SyncFileRangeFlags.WaitBefore | SyncFileRangeFlags.Write | SyncFileRangeFlags.WaitAfter;
        if ((flags & ~Known) != 0 || offsetBytes < 0 || lengthBytes < 0 || offsetBytes > long.MaxValue - lengthBytes)
        {
            return Errno.EINVAL;
        }
        if (file.Vnode.Type is not (FileType.Regular or FileType.Directory or FileType.BlockDevice or FileType.Symlink))
        {
            return Errno.ESPIPE;
        }
        return flags == SyncFileRangeFlags.None ? Errno.None : Sync(context, file, dataOnly: true);
    }

    /// <summary>syncfs(2).</summary>
    internal static Errno SyncFileSystem(OpenFile file) => file.Vnode.FileSystem.IsReadOnly ? Errno.None : file.Vnode.FileSystem.Sync();

    /// <summary>sync(2): every file system that is mounted anywhere; errors are told by fsync.</summary>
    internal static void SyncAll(VfsKernel kernel)
    {
        foreach (FileSystem fileSystem in kernel.Mounts.FileSystemsNow())
        {
            if (!fileSystem.IsReadOnly)
            {
                _ = fileSystem.Sync();
            }
        }
    }
}
