namespace Tupelo.FileSystems;

/// <summary>An open regular file of the host. The host knows its length, orders its writes and appends: no lock is needed here.</summary>
internal sealed class HostHandle(HostVnode vnode, HostDescriptor descriptor) : OpenHandle
{
    public override HandleTraits Traits => HandleTraits.SelfLocking | HandleTraits.OwnSize | HandleTraits.OwnAppend | HandleTraits.Mappable;

    public override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer, bool nonBlocking) =>
        buffer.IsEmpty ? IoResult.Bytes(0) : LinuxHost.Read(descriptor.Number, buffer, offsetBytes);

    public override IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer, bool nonBlocking)
    {
        IoResult result = buffer.IsEmpty ? IoResult.Bytes(0)
            : offsetBytes == AtEnd ? LinuxHost.Append(descriptor.Number, buffer)
            : LinuxHost.Write(descriptor.Number, buffer, offsetBytes);
        if (result.Count > 0)
        {
            vnode.ContentWritten(context);
        }
        return result;
    }

    public override IoResult Seek(VfsContext context, long offsetBytes, SeekWhence whence) => LinuxHost.Seek(descriptor.Number, offsetBytes, (int)whence);

    public override Errno Sync(VfsContext context, bool dataOnly) => LinuxHost.Sync(descriptor.Number, dataOnly);

    public override void Release()
    {
        descriptor.Release();
        vnode.Unpin();
    }
}
