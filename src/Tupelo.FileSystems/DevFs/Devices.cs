// The drivers behind /dev: memory devices, and block devices of Tupelo.Block as files.
using System.Buffers.Binary;
using System.Security.Cryptography;
using Tupelo.Block;

namespace Tupelo.FileSystems;

internal enum MemoryDeviceKind
{
    Null,
    Zero,
    Full,
    Random,
}

/// <summary>null, zero, full, random: no state, no position.</summary>
internal sealed class MemoryDevice(MemoryDeviceKind kind) : DeviceDriver
{
    private readonly MemoryHandle _handle = new(kind);

    public override Errno Open(VfsContext context, ulong device, OpenFlags flags, out OpenHandle? handle)
    {
        handle = _handle;
        return Errno.None;
    }

    private sealed class MemoryHandle(MemoryDeviceKind kind) : OpenHandle
    {
        // Seeking is allowed and means nothing, as on Linux.
        public override HandleTraits Traits => HandleTraits.SelfLocking | HandleTraits.OwnSize | HandleTraits.OwnPosition;

        public override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer, bool nonBlocking)
        {
            switch (kind)
            {
                case MemoryDeviceKind.Null:
                    return IoResult.Bytes(0);
                case MemoryDeviceKind.Random:
                    RandomNumberGenerator.Fill(buffer);
                    break;
                default:
                    buffer.Clear();
                    break;
            }
            return IoResult.Bytes(buffer.Length);
        }

        public override IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer, bool nonBlocking) =>
            kind == MemoryDeviceKind.Full ? Errno.ENOSPC : IoResult.Bytes(buffer.Length);

        public override IoResult Seek(VfsContext context, long offsetBytes, SeekWhence whence) => IoResult.Bytes(0);
    }
}

/// <summary>A block device as a file: any offset and length, bounded by its size.</summary>
internal sealed class BlockDeviceDriver(BlockDevice device) : DeviceDriver
{
    public override Errno Open(VfsContext context, ulong number, OpenFlags flags, out OpenHandle? handle)
    {
        handle = null;
        if ((flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly && device.IsReadOnly)
        {
            return Errno.EACCES;
        }
        handle = new BlockHandle(device);
        return Errno.None;
    }

    private sealed class BlockHandle(BlockDevice device) : OpenHandle
    {
        public override HandleTraits Traits => HandleTraits.SelfLocking | HandleTraits.OwnSize;

        public override IoResult Read(VfsContext context, long offsetBytes, Span<byte> buffer, bool nonBlocking)
        {
            int count = (int)Math.Clamp(device.SizeBytes - offsetBytes, 0, buffer.Length);
            Errno errno = count > 0 ? device.Read(offsetBytes, buffer[..count]) : Errno.None;
            return errno == Errno.None ? IoResult.Bytes(count) : errno;
        }

        public override IoResult Write(VfsContext context, long offsetBytes, ReadOnlySpan<byte> buffer, bool nonBlocking)
        {
            int count = (int)Math.Clamp(device.SizeBytes - offsetBytes, 0, buffer.Length);
            if (count == 0)
            {
                return buffer.IsEmpty ? IoResult.Bytes(0) : Errno.ENOSPC;
            }
            Errno errno = device.Write(offsetBytes, buffer[..count]);
            return errno == Errno.None ? IoResult.Bytes(count) : errno;
        }

        public override IoResult Seek(VfsContext context, long offsetBytes, SeekWhence whence) =>
            whence == SeekWhence.End && offsetBytes >= -device.SizeBytes && offsetBytes <= long.MaxValue - device.SizeBytes
                ? IoResult.Bytes(device.SizeBytes + offsetBytes)
                : Errno.EINVAL;

        public override Errno Sync(VfsContext context, bool dataOnly) => device.Flush();

        public override IoResult Ioctl(VfsContext context, uint request, Span<byte> argument)
        {
            switch (request)
            {
                case IoctlRequest.BlockSizeInBytes when argument.Length >= 8:
                    BinaryPrimitives.WriteInt64LittleEndian(argument, device.SizeBytes);
                    return IoResult.Bytes(0);
                case IoctlRequest.BlockSizeInSectors when argument.Length >= 8:
                    BinaryPrimitives.WriteInt64LittleEndian(argument, device.SizeBytes / 512);
                    return IoResult.Bytes(0);
                case IoctlRequest.BlockSectorSize when argument.Length >= 4:
                    BinaryPrimitives.WriteInt32LittleEndian(argument, device.SectorBytes);
                    return IoResult.Bytes(0);
                case IoctlRequest.BlockReadOnlyGet when argument.Length >= 4:
                    BinaryPrimitives.WriteInt32LittleEndian(argument, device.IsReadOnly ? 1 : 0);
                    return IoResult.Bytes(0);
                case IoctlRequest.BlockFlush:
                    Errno flushed = device.Flush();
                    return flushed == Errno.None ? IoResult.Bytes(0) : flushed;
                case IoctlRequest.BlockDiscard when argument.Length >= 16:
                    Errno discarded = device.Discard(BinaryPrimitives.ReadInt64LittleEndian(argument), BinaryPrimitives.ReadInt64LittleEndian(argument[8..]));
                    return discarded == Errno.None ? IoResult.Bytes(0) : discarded;
                default:
                    return Errno.ENOTTY;
            }
        }
    }
}
