// SpecialFiles opens what is no file of bytes: FIFOs, devices by number, sockets.
namespace Tupelo.Vfs;

internal static class SpecialFiles
{
    // Errors: ENXIO nobody behind it · EINTR, ENXIO of a FIFO.
    internal static Errno Open(VfsContext context, Vnode vnode, OpenFlags flags, out OpenHandle? handle)
    {
        handle = null;
        return vnode.Type switch
        {
            FileType.Regular or FileType.Directory => Errno.None,
            FileType.Fifo => FifoHandle.Open(context, vnode, flags, out handle),
            FileType.CharDevice or FileType.BlockDevice => context.Kernel.Devices.Open(context, vnode, flags, out handle),
            _ => Errno.ENXIO,
        };
    }
}
