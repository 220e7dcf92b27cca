// What all files of RamFs have in common: an owner, extended attributes, and an end.
using Tupelo.Vfs;

namespace Tupelo.FileSystems;

internal abstract class RamVnode : Vnode
{
    private RamXattrs? _xattrs;  // Made on first use; under the vnode's lock.

    protected RamVnode(RamFs fileSystem, ulong ino, in NewVnode make, bool named = true)
        : base(fileSystem, ino, fileSystem.Generation, make.Type, make.RawDevice, make.ToAttributes(named)) => Owner = fileSystem;

    protected RamFs Owner { get; }

    protected override IoResult GetXattr(VfsContext context, ReadOnlySpan<byte> name, Span<byte> value) =>
        _xattrs is null ? Errno.ENODATA : _xattrs.Get(name, value);

    protected override Errno SetXattr(VfsContext context, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrFlags flags) =>
        (_xattrs ??= new RamXattrs()).Set(name, value, flags);

    protected override IoResult ListXattrs(VfsContext context, Span<byte> names) => _xattrs is null ? IoResult.Bytes(0) : _xattrs.List(names);

    protected override Errno RemoveXattr(VfsContext context, ReadOnlySpan<byte> name) => _xattrs is null ? Errno.ENODATA : _xattrs.Remove(name);

    protected override void Evict() => Owner.FileGone(this);
}

/// <summary>A FIFO, a socket or a device node: a name and attributes; what it does is the core's business.</summary>
internal sealed class RamSpecialFile(RamFs fileSystem, ulong ino, in NewVnode make) : RamVnode(fileSystem, ino, make);

/// <summary>A symbolic link.</summary>
internal sealed class RamSymlink(RamFs fileSystem, ulong ino, in NewVnode make) : RamVnode(fileSystem, ino, make)
{
    private readonly byte[] _target = make.Target.ToArray();

    protected override Errno ReadLink(VfsContext context, out ReadOnlyMemory<byte> target)
    {
        target = _target;
        return Errno.None;
    }
}
