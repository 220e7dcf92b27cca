// Notify tells watchers what happened, after all locks are released.
namespace Tupelo.Vfs;

internal static class Notify
{
    internal static void Created(VfsContext context, Vnode parent, Dentry made, ReadOnlySpan<byte> name)
    {
    }

    internal static void Linked(VfsContext context, Vnode parent, Vnode vnode, ReadOnlySpan<byte> name)
    {
    }

    internal static void Removed(VfsContext context, Vnode parent, Vnode victim, ReadOnlySpan<byte> name, bool gone)
    {
    }

    internal static void Renamed(VfsContext context, Vnode oldParent, ReadOnlySpan<byte> oldName, Vnode newParent, ReadOnlySpan<byte> newName, Vnode moved)
    {
    }

    internal static void Replaced(VfsContext context, Vnode victim, bool gone)
    {
    }
}
