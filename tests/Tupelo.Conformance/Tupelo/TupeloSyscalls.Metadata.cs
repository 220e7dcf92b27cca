using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tupelo.Conformance;

// Attributes: Tupelo's structures against the kernel's.
public sealed partial class TupeloSyscalls
{
    public long FStat(int fd, ref KernelStat stat)
    {
        if (Unsafe.IsNullRef(in stat))
        {
            return _calls.FStat(fd, ref Unsafe.NullRef<Stat>());
        }
        var told = default(Stat);
        long result = _calls.FStat(fd, ref told);
        Fill(ref stat, told, result);
        return result;
    }

    public long NewFStatAt(int dirfd, ReadOnlySpan<byte> path, ref KernelStat stat, int flags)
    {
        if (Unsafe.IsNullRef(in stat))
        {
            return _calls.FStatAt(dirfd, path, ref Unsafe.NullRef<Stat>(), (AtFlags)flags);
        }
        var told = default(Stat);
        long result = _calls.FStatAt(dirfd, path, ref told, (AtFlags)flags);
        Fill(ref stat, told, result);
        return result;
    }

    public long StatX(int dirfd, ReadOnlySpan<byte> path, int flags, uint mask, ref KernelStatx statx)
    {
        if (Unsafe.IsNullRef(in statx))
        {
            return _calls.StatX(dirfd, path, (AtFlags)flags, (StatxMask)mask, ref Unsafe.NullRef<Statx>());
        }
        var told = default(Statx);
        long result = _calls.StatX(dirfd, path, (AtFlags)flags, (StatxMask)mask, ref told);
        if (result >= 0)
        {
            statx = new KernelStatx
            {
                Mask = (uint)told.Mask,
                BlockSizeBytes = told.Stat.BlockSizeBytes,
                Attributes = (ulong)told.Attributes,
                AttributesMask = (ulong)told.AttributesMask,
                LinkCount = told.Stat.LinkCount,
                Uid = told.Stat.Uid,
                Gid = told.Stat.Gid,
                Mode = (ushort)told.Stat.Mode,
                Ino = told.Stat.Ino,
                SizeBytes = (ulong)told.Stat.SizeBytes,
                Blocks512 = (ulong)told.Stat.Blocks512,
                AccessTime = Time(told.Stat.AccessTime),
                BirthTime = Time(told.Stat.BirthTime),
                ChangeTime = Time(told.Stat.ChangeTime),
                ModifyTime = Time(told.Stat.ModifyTime),
                RawDeviceMajor = DeviceNumber.Major(told.Stat.RawDevice),
                RawDeviceMinor = DeviceNumber.Minor(told.Stat.RawDevice),
                DeviceMajor = DeviceNumber.Major(told.Stat.Device),
                DeviceMinor = DeviceNumber.Minor(told.Stat.Device),
                MountId = told.MountId,
            };
        }
        return result;

        static KernelStatxTime Time(Timespec time) => new() { Seconds = time.Seconds, Nanoseconds = (uint)time.Nanoseconds };
    }

    public long StatFs(ReadOnlySpan<byte> path, ref KernelStatFs statfs)
    {
        if (Unsafe.IsNullRef(in statfs))
        {
            return _calls.StatFs(path, ref Unsafe.NullRef<StatFs>());
        }
        var told = default(StatFs);
        long result = _calls.StatFs(path, ref told);
        Fill(ref statfs, told, result);
        return result;
    }

    public long FStatFs(int fd, ref KernelStatFs statfs)
    {
        if (Unsafe.IsNullRef(in statfs))
        {
            return _calls.FStatFs(fd, ref Unsafe.NullRef<StatFs>());
        }
        var told = default(StatFs);
        long result = _calls.FStatFs(fd, ref told);
        Fill(ref statfs, told, result);
        return result;
    }

    public long FAccessAt2(int dirfd, ReadOnlySpan<byte> path, int mode, int flags) =>
        _calls.FAccessAt2(dirfd, path, (AccessModes)mode, (AtFlags)flags);

    public long FChMod(int fd, uint mode) => _calls.FChMod(fd, mode);

    public long FChModAt2(int dirfd, ReadOnlySpan<byte> path, uint mode, int flags) => _calls.FChModAt2(dirfd, path, mode, (AtFlags)flags);

    public long FChOwn(int fd, uint uid, uint gid) => _calls.FChOwn(fd, uid, gid);

    public long FChOwnAt(int dirfd, ReadOnlySpan<byte> path, uint uid, uint gid, int flags) =>
        _calls.FChOwnAt(dirfd, path, uid, gid, (AtFlags)flags);

    public long UtimeNsAt(int dirfd, ReadOnlySpan<byte> path, ReadOnlySpan<KernelTimespec> times, int flags)
    {
        if (times.IsEmpty)
        {
            return _calls.UtimeNsAt(dirfd, path, default, (AtFlags)flags);
        }
        Span<Timespec> converted = stackalloc Timespec[2];
        for (int i = 0; i < 2; i++)
        {
            converted[i] = new Timespec(times[i].Seconds, (int)times[i].Nanoseconds);
        }
        return _calls.UtimeNsAt(dirfd, path, converted, (AtFlags)flags);
    }

    private static void Fill(ref KernelStat stat, in Stat told, long result)
    {
        if (result < 0)
        {
            return;
        }
        stat = new KernelStat
        {
            Device = told.Device,
            Ino = told.Ino,
            LinkCount = told.LinkCount,
            Mode = told.Mode,
            Uid = told.Uid,
            Gid = told.Gid,
            RawDevice = told.RawDevice,
            SizeBytes = told.SizeBytes,
            BlockSizeBytes = told.BlockSizeBytes,
            Blocks512 = told.Blocks512,
            AccessTime = new KernelTimespec(told.AccessTime.Seconds, told.AccessTime.Nanoseconds),
            ModifyTime = new KernelTimespec(told.ModifyTime.Seconds, told.ModifyTime.Nanoseconds),
            ChangeTime = new KernelTimespec(told.ChangeTime.Seconds, told.ChangeTime.Nanoseconds),
        };
    }

    private static void Fill(ref KernelStatFs statfs, in StatFs told, long result)
    {
        if (result < 0)
        {
            return;
        }
        statfs = new KernelStatFs
        {
            Type = (long)told.Type,
            BlockSizeBytes = told.BlockSizeBytes,
            Blocks = told.BlockCount,
            FreeBlocks = told.FreeBlocks,
            AvailableBlocks = told.AvailableBlocks,
            Files = told.FileCount,
            FreeFiles = told.FreeFiles,
            FileSystemId = told.FileSystemId,
            NameMax = told.MaxNameBytes,
            FragmentSizeBytes = told.FragmentSizeBytes,
            Flags = (long)told.Flags,
        };
    }
}
