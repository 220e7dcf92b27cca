// A host file or block device by Linux' own calls. See FileBlockDevice for what holds in general.
// Every loop goes on after EINTR and after a short transfer; a transfer that moves nothing is the end of a file that somebody made
// shorter, and gives EIO. Nothing is allocated per transfer.
using Microsoft.Win32.SafeHandles;

namespace Tupelo.Block;

internal sealed unsafe class LinuxFileBlockDevice : FileBlockDevice
{
    // Vectors per call: 4 KiB of stack; a longer list takes more calls.
    private const int VectorsPerCall = 256;

    private LinuxFileBlockDevice(string path, SafeFileHandle handle, FileBlockDeviceOptions options, Geometry geometry)
        : base(path, handle, options, geometry.SizeBytes)
    {
        SectorBytes = geometry.SectorBytes;
        RequiresAlignment = options.Direct;
        IsHostBlockDevice = geometry.IsBlockDevice;
    }

    private readonly record struct Geometry(long SizeBytes, int SectorBytes, bool IsBlockDevice);

    public override int SectorBytes { get; }

    public override bool RequiresAlignment { get; }

    public override bool IsHostBlockDevice { get; }

    /// <summary>Opens as <see cref="FileBlockDevice.Open"/> does.</summary>
    internal static LinuxFileBlockDevice OpenPath(string path, FileBlockDeviceOptions options)
    {
        SafeFileHandle handle = OpenDescriptor(path, options, out bool created);
        try
        {
            _ = ReadGeometry(path, handle, options); // refuses what cannot be locked
            ImageLock.Acquire(handle, path, options.EffectiveLock, options.Force);
            if (created && LinuxCalls.Ftruncate(handle, options.SizeBytes) != 0)
            {
                throw BlockDeviceException.Opening(path, LinuxCalls.LastErrno, options);
            }
            Geometry geometry = ReadGeometry(path, handle, options);
            int flags = LinuxCalls.Fcntl(handle, LinuxCalls.F_GETFL, 0) & ~LinuxCalls.O_NONBLOCK;
            if (LinuxCalls.Fcntl(handle, LinuxCalls.F_SETFL, flags | (options.Direct ? LinuxCalls.O_DIRECT : 0)) != 0)
            {
                throw BlockDeviceException.Opening(path, LinuxCalls.LastErrno, options);
            }
            return new LinuxFileBlockDevice(path, handle, options, geometry);
        }
        catch
        {
            handle.Dispose();
            if (created)
            {
                _ = LinuxCalls.Unlink(path); // ours, and of no use to anybody
            }
            throw;
        }
    }

    private static SafeFileHandle OpenDescriptor(string path, FileBlockDeviceOptions options, out bool created)
    {
        // O_NONBLOCK so that a FIFO does not hang us; it is taken off when the file turned out to be none. O_DIRECT
        // comes then too: on a directory it would give EINVAL here instead of the truth.
        int flags = LinuxCalls.O_CLOEXEC | LinuxCalls.O_NOCTTY | LinuxCalls.O_NONBLOCK
            | (options.ReadOnly ? LinuxCalls.O_RDONLY : LinuxCalls.O_RDWR);
        if (options.EffectiveLock == ImageLockMode.ExclusiveWriter && IsBlockDevice(path))
        {
            flags |= LinuxCalls.O_EXCL; // EBUSY when it is mounted, or part of a volume: image locks say nothing to the kernel
        }
        for (int attempt = 0; ; attempt++)
        {
            // Creating is always exclusive, so that we know whether the file is ours.
            bool create = options.Creation == FileCreation.New;
            int descriptor = create ? -1 : LinuxCalls.Open(path, flags, 0);
            Errno errno = create || descriptor >= 0 ? Errno.None : LinuxCalls.LastErrno;
            if (errno == Errno.ENOENT && options.Creation == FileCreation.IfMissing)
            {
                create = true;
            }
            if (create)
            {
                descriptor = LinuxCalls.Open(path, flags | LinuxCalls.O_CREAT | LinuxCalls.O_EXCL, 0x1B6); // 0666, less the umask
                errno = descriptor >= 0 ? Errno.None : LinuxCalls.LastErrno;
            }
            if (errno == Errno.None)
            {
                created = create;
                return new SafeFileHandle(descriptor, ownsHandle: true);
            }
            // Somebody else created it just now: open that one. Again and again, it is a dangling symbolic link.
            bool raced = errno == Errno.EEXIST && options.Creation == FileCreation.IfMissing && attempt < 3;
            if (errno != Errno.EINTR && !raced)
            {
                if (errno == Errno.EBUSY)
                {
                    NameHolder(path, options);
                }
                throw BlockDeviceException.Opening(path, errno, options);
            }
        }
    }

    private static bool IsBlockDevice(string path)
    {
        LinuxCalls.StatX stat;
        return LinuxCalls.Statx(LinuxCalls.AT_FDCWD, path, 0, LinuxCalls.STATX_BASIC_STATS, &stat) == 0
            && Mode.TypeOf(stat.Mode) == FileType.BlockDevice;
    }

    // A block device that is claimed already: when it was by a program that holds image locks, let those tell who it is.
    private static void NameHolder(string path, FileBlockDeviceOptions options)
    {
        int descriptor = LinuxCalls.Open(path, LinuxCalls.O_CLOEXEC | LinuxCalls.O_NONBLOCK | LinuxCalls.O_RDONLY, 0);
        if (descriptor >= 0)
        {
            using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
            ImageLock.Acquire(handle, path, options.EffectiveLock, force: false);
        }
    }

    private static Geometry ReadGeometry(string path, SafeFileHandle handle, FileBlockDeviceOptions options)
    {
        LinuxCalls.StatX stat;
        if (LinuxCalls.Statx(handle, "", LinuxCalls.AT_EMPTY_PATH, LinuxCalls.STATX_BASIC_STATS | LinuxCalls.STATX_DIOALIGN, &stat) != 0)
        {
            throw BlockDeviceException.Opening(path, LinuxCalls.LastErrno, options);
        }
        long sizeBytes = stat.SizeBytes;
        int sectorBytes = 512;
        FileType type = Mode.TypeOf(stat.Mode);
        switch (type)
        {
            case FileType.Regular:
                if (options.Direct)
                {
                    // Before Linux 6.1 nobody says; 4096 is right for all disks.
                    bool known = (stat.Mask & LinuxCalls.STATX_DIOALIGN) != 0;
                    sectorBytes = known && Math.Max(stat.DirectOffsetAlign, stat.DirectMemoryAlign) <= 512 ? 512 : 4096;
                }
                break;
            case FileType.BlockDevice:
                if (LinuxCalls.Ioctl(handle, LinuxCalls.BLKGETSIZE64, &sizeBytes) != 0
                    || LinuxCalls.Ioctl(handle, LinuxCalls.BLKSSZGET, &sectorBytes) != 0)
                {
                    throw BlockDeviceException.Opening(path, LinuxCalls.LastErrno, options);
                }
                break;
            case FileType.Directory:
                throw BlockDeviceException.Opening(path, Errno.EISDIR, options);
            default:
                throw BlockDeviceException.Opening(path, Errno.ENOTBLK, options);
        }
        if (options.Direct && sizeBytes % sectorBytes != 0)
        {
            throw new BlockDeviceException(Errno.EINVAL, path, string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"Cannot open {path}: direct I/O needs a length that is a multiple of {sectorBytes} bytes, but it has {sizeBytes}."));
        }
        return new Geometry(sizeBytes, sectorBytes, type == FileType.BlockDevice);
    }

    public override Errno Read(long offsetBytes, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            Errno errno = CheckTransfer(offsetBytes, start, buffer.Length);
            return errno != Errno.None ? errno : Move(start, buffer.Length, offsetBytes, write: false);
        }
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        if (IsReadOnly)
        {
            return Errno.EROFS;
        }
        fixed (byte* start = buffer)
        {
            Errno errno = CheckTransfer(offsetBytes, start, buffer.Length);
            return errno != Errno.None ? errno : Move(start, buffer.Length, offsetBytes, write: true);
        }
    }

    public override Errno Read(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        Errno errno = CheckTransfer(offsetBytes, segments);
        return errno != Errno.None ? errno : MoveVector(segments, offsetBytes, write: false);
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        if (IsReadOnly)
        {
            return Errno.EROFS;
        }
        Errno errno = CheckTransfer(offsetBytes, segments);
        return errno != Errno.None ? errno : MoveVector(segments, offsetBytes, write: true);
    }

    private Errno CheckTransfer(long offsetBytes, byte* start, int lengthBytes)
    {
        Errno errno = CheckRange(offsetBytes, lengthBytes);
        return errno == Errno.None && RequiresAlignment && ((nuint)start & (nuint)(SectorBytes - 1)) != 0 ? Errno.EINVAL : errno;
    }

    private Errno CheckTransfer(long offsetBytes, ReadOnlySpan<IoSegment> segments)
    {
        Errno errno = CheckRange(offsetBytes, TotalBytes(segments));
        if (errno == Errno.None && RequiresAlignment)
        {
            nint bits = 0;
            foreach (IoSegment segment in segments)
            {
                bits |= segment.Address | segment.LengthBytes;
            }
            errno = (bits & (SectorBytes - 1)) != 0 ? Errno.EINVAL : Errno.None;
        }
        return errno;
    }

    private Errno Move(byte* start, nint lengthBytes, long offsetBytes, bool write)
    {
        while (lengthBytes > 0)
        {
            nint moved = write
                ? LinuxCalls.Pwrite(Handle, start, lengthBytes, offsetBytes)
                : LinuxCalls.Pread(Handle, start, lengthBytes, offsetBytes);
            if (moved <= 0)
            {
                Errno errno = moved == 0 ? Errno.EIO : LinuxCalls.LastErrno;
                if (errno != Errno.EINTR)
                {
                    return errno;
                }
                continue;
            }
            start += moved;
            lengthBytes -= moved;
            offsetBytes += moved;
        }
        return Errno.None;
    }

    private Errno MoveVector(ReadOnlySpan<IoSegment> segments, long offsetBytes, bool write)
    {
        LinuxCalls.IoVector* vectors = stackalloc LinuxCalls.IoVector[Math.Min(segments.Length, VectorsPerCall)];
        nint done = 0; // bytes of the first segment that have been moved already
        while (true)
        {
            while (segments.Length > 0 && done >= segments[0].LengthBytes)
            {
                done -= segments[0].LengthBytes;
                segments = segments[1..];
            }
            if (segments.Length == 0)
            {
                return Errno.None;
            }
            int count = Math.Min(segments.Length, VectorsPerCall);
            for (int i = 0; i < count; i++)
            {
                vectors[i] = new LinuxCalls.IoVector { Address = segments[i].Address, Length = segments[i].LengthBytes };
            }
            vectors[0].Address += done;
            vectors[0].Length -= done;
            nint moved = write
                ? LinuxCalls.Pwritev(Handle, vectors, count, offsetBytes)
                : LinuxCalls.Preadv(Handle, vectors, count, offsetBytes);
            if (moved <= 0)
            {
                Errno errno = moved == 0 ? Errno.EIO : LinuxCalls.LastErrno;
                if (errno != Errno.EINTR)
                {
                    return errno;
                }
                continue;
            }
            offsetBytes += moved;
            done += moved;
        }
    }

    private protected override Errno FlushCore()
    {
        Errno errno;
        do
        {
            errno = LinuxCalls.ErrnoOf(LinuxCalls.Fdatasync(Handle));
        }
        while (errno == Errno.EINTR);
        return errno;
    }

    private protected override Errno DiscardCore(long offsetBytes, long lengthBytes)
    {
        if (IsHostBlockDevice)
        {
            return DiscardSectors(offsetBytes, lengthBytes);
        }
        Errno errno;
        do
        {
            errno = LinuxCalls.ErrnoOf(LinuxCalls.Fallocate(Handle, LinuxCalls.FALLOC_FL_PUNCH_HOLE | LinuxCalls.FALLOC_FL_KEEP_SIZE, offsetBytes, lengthBytes));
        }
        while (errno == Errno.EINTR);
        return errno;
    }

    // BLKDISCARD takes whole sectors; what is left over at the ends keeps its content, as the contract allows.
    private Errno DiscardSectors(long offsetBytes, long lengthBytes)
    {
        long sector = SectorBytes;
        long start = (offsetBytes + sector - 1) / sector * sector;
        long end = (offsetBytes + lengthBytes) / sector * sector;
        if (start >= end)
        {
            return Errno.None;
        }
        ulong* range = stackalloc ulong[2] { (ulong)start, (ulong)(end - start) };
        Errno errno;
        do
        {
            errno = LinuxCalls.ErrnoOf(LinuxCalls.Ioctl(Handle, LinuxCalls.BLKDISCARD, range));
        }
        while (errno == Errno.EINTR);
        return errno;
    }

    private protected override Errno ResizeCore(long sizeBytes)
    {
        Errno errno;
        do
        {
            errno = LinuxCalls.ErrnoOf(LinuxCalls.Ftruncate(Handle, sizeBytes));
        }
        while (errno == Errno.EINTR);
        return errno;
    }
}
