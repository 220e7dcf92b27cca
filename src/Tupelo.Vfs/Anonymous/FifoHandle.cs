namespace Tupelo.Vfs;

/// <summary>An open end of a pipe or FIFO: the ring does the work.</summary>
internal sealed class FifoHandle(PipeEnd end, bool asPackets) : OpenHandle
{
    private volatile bool _asPackets = asPackets;

    public override HandleTraits Traits => HandleTraits.Stream | HandleTraits.SelfLocking | HandleTraits.OwnSize | HandleTraits.OwnAppend;

    public override IPollable Pollable => end;

    internal PipeEnd End => end;

    internal PipeRing Ring => end.Ring;

    /// <summary>open(2) of a FIFO: waits for the other side, unless told not to.</summary>
    internal static Errno Open(VfsContext context, Vnode vnode, OpenFlags flags, out OpenHandle? handle)
    {
        handle = null;
        OpenFlags access = flags & OpenFlags.AccessMode;
        bool reads = access is OpenFlags.ReadOnly or OpenFlags.ReadWrite;
        bool writes = access is OpenFlags.WriteOnly or OpenFlags.ReadWrite;
        Errno errno = vnode.Extension.Fifo.OpenEnd(reads, writes, (flags & OpenFlags.NonBlock) != 0, context.Interrupt, out PipeEnd? end);
        if (errno == Errno.None)
        {
            handle = new FifoHandle(end!, asPackets: false);
        }
        return errno;
    }

    public override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer, bool nonBlocking) =>
        end.Read(buffer, nonBlocking, context.Interrupt);

    public override IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer, bool nonBlocking) =>
        end.Write(buffer, nonBlocking, _asPackets, context.Interrupt);

    public override IoResult Ioctl(VfsContext context, uint request, Span<byte> argument)
    {
        if (request != IoctlRequest.FileBytesReadable)
        {
            return Errno.ENOTTY;
        }
        if (argument.Length < sizeof(int))
        {
            return Errno.EFAULT;
        }
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(argument, end.Ring.QueuedBytes);
        return IoResult.Bytes(0);
    }

    // O_DIRECT of a pipe means packets.
    public override void StatusFlagsChanged(OpenFlags flags) => _asPackets = (flags & OpenFlags.Direct) != 0;

    public override void Release() => end.Close();
}
