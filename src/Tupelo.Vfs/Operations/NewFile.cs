// NewFile decides what a new file gets: permissions after umask, owner, group and set-gid from the directory.
// Source: umask(2), inode(7) "S_ISGID", mkdir(2).
namespace Tupelo.Vfs;

internal static class NewFile
{
    private const uint GroupExecute = 0x8;

    internal static NewVnode Describe(
        VfsContext context, Vnode directory, FileType type, uint mode, ulong rawDevice = 0, ReadOnlySpan<byte> target = default)
    {
        Credentials credentials = context.Credentials;
        uint permissions = mode & Mode.PermissionMask & ~context.Directories.Umask;
        uint gid = credentials.Gid;
        directory.ReadAccess(out uint directoryPermissions, out _, out uint directoryGid);
        if ((directoryPermissions & Mode.SetGid) != 0)
        {
            gid = directoryGid;
            if (type == FileType.Directory)
            {
                permissions |= Mode.SetGid;
            }
            else if ((mode & (Mode.SetGid | GroupExecute)) == (Mode.SetGid | GroupExecute) // As asked for, before the umask.
                && !credentials.IsInGroup(gid) && !Access.Has(context, Capabilities.KeepSetId))
            {
                permissions &= ~Mode.SetGid;
            }
        }
        return new NewVnode
        {
            Type = type,
            Permissions = type == FileType.Symlink ? 0x1FF : permissions,
            Uid = credentials.Uid,
            Gid = gid,
            Time = context.Now,
            RawDevice = rawDevice,
            Target = target,
        };
    }
}
