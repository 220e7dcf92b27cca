// Notify tells inotify watchers what happened, after all locks are released. When nobody watches the vnode or its directory, an
// event costs two field reads.
using System.Runtime.CompilerServices;

namespace Tupelo.Vfs;

internal static class Notify
{
    internal static void Opened(OpenFile file) => OnFile(file.Vnode, file.Path.Dentry, InotifyMask.Open, byDescriptor: true);

    // An open that failed at its last check: as Linux, it is told as a close.
    internal static void OpenFailed(Vnode vnode, Dentry dentry, bool writes) =>
        OnFile(vnode, dentry, writes ? InotifyMask.CloseWrite : InotifyMask.CloseNoWrite, byDescriptor: true);

    internal static void Closed(OpenFile file)
    {
        if (!file.IsPathOnly)
        {
            OnFile(file.Vnode, file.Path.Dentry, file.CanWrite ? InotifyMask.CloseWrite : InotifyMask.CloseNoWrite, byDescriptor: true);
        }
    }

    internal static void Accessed(OpenFile file) => OnFile(file.Vnode, file.Path.Dentry, InotifyMask.Access, byDescriptor: true);

    internal static void Modified(OpenFile file) => OnFile(file.Vnode, file.Path.Dentry, InotifyMask.Modify, byDescriptor: true);

    internal static void Modified(Vnode vnode, Dentry dentry) => OnFile(vnode, dentry, InotifyMask.Modify);

    internal static void AttributesChanged(Vnode vnode, Dentry dentry) => OnFile(vnode, dentry, InotifyMask.Attrib);

    // Bytes were written; `before` are the permissions until then: a write by others than root takes set-id bits away first.
    internal static void Written(OpenFile file, uint before)
    {
        if (HasDropped(file.Vnode, before))
        {
            AttributesChanged(file.Vnode, file.Path.Dentry);
        }
        Modified(file);
    }

    // The same when the size was set: one event.
    internal static void Resized(Vnode vnode, Dentry dentry, uint before) =>
        OnFile(vnode, dentry, HasDropped(vnode, before) ? InotifyMask.Modify | InotifyMask.Attrib : InotifyMask.Modify);

    private static bool HasDropped(Vnode vnode, uint before) =>
        (before & (Mode.SetUid | Mode.SetGid)) != 0 && (before & ~vnode.Permissions & (Mode.SetUid | Mode.SetGid)) != 0;

    internal static void Changed(Vnode vnode, Dentry dentry, InotifyMask mask) => OnFile(vnode, dentry, mask);

    internal static void Created(Vnode parent, Vnode child, ReadOnlySpan<byte> name) => OnName(parent, child, InotifyMask.Create, name);

    internal static void Linked(Vnode parent, Vnode child, ReadOnlySpan<byte> name)
    {
        child.ExtensionOrNull?.WatchesOrNull?.Notify(InotifyMask.Attrib, []);
        OnName(parent, child, InotifyMask.Create, name);
    }

    // The death itself is told when the last user lets go (VnodeExtension.VnodeGone).
    internal static void Removed(Vnode parent, Vnode child, ReadOnlySpan<byte> name)
    {
        child.ExtensionOrNull?.WatchesOrNull?.Notify(InotifyMask.Attrib | DirectoryBit(child), []);
        OnName(parent, child, InotifyMask.Delete, name);
    }

    internal static void Replaced(Vnode victim) => victim.ExtensionOrNull?.WatchesOrNull?.Notify(InotifyMask.Attrib | DirectoryBit(victim), []);

    internal static void Renamed(Vnode oldParent, ReadOnlySpan<byte> oldName, Vnode newParent, ReadOnlySpan<byte> newName, Vnode moved)
    {
        WatchList? from = oldParent.ExtensionOrNull?.WatchesOrNull;
        WatchList? to = newParent.ExtensionOrNull?.WatchesOrNull;
        WatchList? self = moved.ExtensionOrNull?.WatchesOrNull;
        if (from is null && to is null && self is null)
        {
            return;
        }
        uint cookie = EventBatch.NewCookie();
        from?.Notify(InotifyMask.MovedFrom | DirectoryBit(moved), oldName, cookie);
        to?.Notify(InotifyMask.MovedTo | DirectoryBit(moved), newName, cookie);
        self?.Notify(InotifyMask.MoveSelf, []);
    }

    private static InotifyMask DirectoryBit(Vnode vnode) => vnode.IsDirectory ? InotifyMask.IsDirectory : InotifyMask.None;

    private static void OnName(Vnode parent, Vnode child, InotifyMask mask, ReadOnlySpan<byte> name) =>
        parent.ExtensionOrNull?.WatchesOrNull?.Notify(mask | DirectoryBit(child), name);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OnFile(Vnode vnode, Dentry dentry, InotifyMask mask, bool byDescriptor = false)
    {
        Vnode? parent = dentry.Parent.Vnode;
        if (vnode.ExtensionOrNull is not null || parent?.ExtensionOrNull is not null)
        {
            OnWatched(vnode, parent, dentry, mask, unlinked: byDescriptor && dentry.IsUnhashed && !dentry.IsRoot);
        }
    }

    // `unlinked`: through a descriptor whose name is gone, which IN_EXCL_UNLINK does not want to hear.
    private static void OnWatched(Vnode vnode, Vnode? parent, Dentry dentry, InotifyMask mask, bool unlinked)
    {
        // As Linux: the directory hears first.
        // What goes through pipes and devices is not told to those who may only look at the directory.
        bool mayBeHeard = (mask & (InotifyMask.Access | InotifyMask.Modify)) == 0 || vnode.Type is FileType.Regular or FileType.Directory;
        if (parent is not null && mayBeHeard && !ReferenceEquals(parent, vnode) && parent.ExtensionOrNull?.WatchesOrNull is { } watches && (watches.Mask & mask) != 0)
        {
            Span<byte> name = stackalloc byte[256];
            int length = dentry.CopyName(name);
            watches.Notify(mask | DirectoryBit(vnode), name[..length], childUnlinked: unlinked);
        }
        vnode.ExtensionOrNull?.WatchesOrNull?.Notify(mask | DirectoryBit(vnode), [], childUnlinked: unlinked);
    }
}
