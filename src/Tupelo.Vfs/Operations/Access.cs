// Access decides who may do what: mode bits, owners and groups, sticky directories, capabilities, immutable files.
// Under PermissionModel.None only immutable and append-only are honoured. Source: inode(7), path_resolution(7), capabilities(7).
namespace Tupelo.Vfs;

internal static class Access
{
    // True when no directory can refuse a search to this caller.
    internal static bool SearchesAnything(VfsContext context) =>
        context.Kernel.Options.Permissions == PermissionModel.None
        || (context.Credentials.Capabilities & (Capabilities.OverrideAccess | Capabilities.ReadSearch)) != 0;

    internal static bool Has(VfsContext context, Capabilities capability) =>
        context.Kernel.Options.Permissions == PermissionModel.None || context.Credentials.Has(capability);

    /// <summary>Whether the caller may read, write, or execute (search) a file.</summary>
    /// <remarks>Errors: EPERM writing an immutable file · EACCES.</remarks>
    internal static Errno Check(VfsContext context, Vnode vnode, AccessModes wanted) => Check(context, context.Credentials, vnode, wanted);

    internal static Errno Check(VfsContext context, Credentials credentials, Vnode vnode, AccessModes wanted)
    {
        Errno errno = Attributes.Refresh(context, vnode);
        if (errno != Errno.None)
        {
            return errno;
        }
        if ((wanted & AccessModes.Write) != 0 && (vnode.Flags & InodeFlags.Immutable) != 0)
        {
            return Errno.EPERM;
        }
        return context.Kernel.Options.Permissions == PermissionModel.None ? Errno.None : CheckMode(credentials, vnode, wanted);
    }

    /// <summary>Whether the caller may add a name to a directory. Caller holds its lock.</summary>
    /// <remarks>Errors: ENOENT removed · EPERM immutable · EACCES.</remarks>
    internal static Errno CheckCreate(VfsContext context, Vnode directory) =>
        directory.IsDead ? Errno.ENOENT : Check(context, directory, AccessModes.Write | AccessModes.Execute);

    /// <summary>Whether the caller may take a name out of a directory, and whether the kind fits. Caller holds the directory's lock.</summary>
    /// <remarks>Errors: EACCES · EPERM sticky, immutable, append-only · ENOTDIR · EISDIR · ENOENT removed.</remarks>
    internal static Errno CheckRemove(VfsContext context, Vnode directory, Vnode victim, bool wantsDirectory)
    {
        Errno errno = Check(context, directory, AccessModes.Write | AccessModes.Execute);
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = Attributes.Refresh(context, victim);
        if (errno != Errno.None)
        {
            return errno;
        }
        if ((directory.Flags & InodeFlags.AppendOnly) != 0
            || (victim.Flags & (InodeFlags.AppendOnly | InodeFlags.Immutable)) != 0
            || IsStickyAgainst(context, directory, victim))
        {
            return Errno.EPERM;
        }
        return wantsDirectory != victim.IsDirectory ? (wantsDirectory ? Errno.ENOTDIR : Errno.EISDIR)
            : directory.IsDead ? Errno.ENOENT
            : Errno.None;
    }

    internal static bool IsOwner(VfsContext context, Vnode vnode)
    {
        if (Has(context, Capabilities.FileOwner))
        {
            return true;
        }
        vnode.ReadAccess(out _, out uint uid, out _);
        return context.Credentials.Uid == uid;
    }

    // protected_hardlinks: who does not own a file links it only when it is harmless.
    internal static bool MayLink(VfsContext context, Vnode vnode)
    {
        if (!context.Kernel.Options.ProtectHardLinks)
        {
            return true;
        }
        if (Attributes.Refresh(context, vnode) != Errno.None)
        {
            return false;
        }
        if (IsOwner(context, vnode))
        {
            return true;
        }
        uint permissions = vnode.Permissions;
        bool setGidProgram = (permissions & (Mode.SetGid | 0x8)) == (Mode.SetGid | 0x8);
        return vnode.IsRegular && (permissions & Mode.SetUid) == 0 && !setGidProgram
            && Check(context, vnode, AccessModes.Read | AccessModes.Write) == Errno.None;
    }

    private static bool IsStickyAgainst(VfsContext context, Vnode directory, Vnode victim)
    {
        directory.ReadAccess(out uint permissions, out uint directoryUid, out _);
        if ((permissions & Mode.Sticky) == 0)
        {
            return false;
        }
        victim.ReadAccess(out _, out uint uid, out _);
        uint caller = context.Credentials.Uid;
        return caller != uid && caller != directoryUid && !Has(context, Capabilities.FileOwner);
    }

    private static Errno CheckMode(Credentials credentials, Vnode vnode, AccessModes wanted)
    {
        vnode.ReadAccess(out uint permissions, out uint uid, out uint gid);
        uint bits = credentials.Uid == uid ? permissions >> 6
            : credentials.IsInGroup(gid) ? permissions >> 3
            : permissions;
        if (((uint)wanted & ~bits) == 0)
        {
            return Errno.None;
        }
        Capabilities capabilities = credentials.Capabilities;
        bool overrides = (capabilities & Capabilities.OverrideAccess) != 0;
        bool searches = (capabilities & Capabilities.ReadSearch) != 0;
        if (vnode.IsDirectory)
        {
            return overrides || (searches && (wanted & AccessModes.Write) == 0) ? Errno.None : Errno.EACCES;
        }
        // A capability does not make a file executable that nobody may execute.
        bool executable = (wanted & AccessModes.Execute) == 0 || (permissions & 0x49) != 0;
        return (overrides && executable) || (searches && wanted == AccessModes.Read) ? Errno.None : Errno.EACCES;
    }
}
