// One run of the data exerciser: steps on a mounted volume, and on arrays of bytes beside it. After each step what the step told is
// compared, now and then all of a file, and after a remount all of all files. When room runs out a step may do a part, or nothing, but
// never anything else.
using System.Globalization;
using System.Text;
using Tupelo.Block;
using Tupelo.Tests;
using Tupelo.Vfs;

namespace Tupelo.Tfs.Tests;

/// <summary>What a run is like.</summary>
/// <param name="VolumeBytes">Small ones are full most of the time.</param>
/// <param name="Files">How many files.</param>
/// <param name="MaxFileBytes">How long they get.</param>
/// <param name="DirtyBytes">Limit of the page cache.</param>
internal sealed record DataSetting(long VolumeBytes, int Files, int MaxFileBytes, long DirtyBytes)
{
    /// <summary>Settings by turns: roomy and nearly full, small and large page cache.</summary>
    public static DataSetting Of(int run) => new(
        (run % 4) switch { 0 => 4 << 20, 1 => 6 << 20, 2 => 16 << 20, _ => 32 << 20 }, 2 + (run % 3),
        (run % 5) switch { 0 => 2 << 20, 1 => 64 << 10, _ => 400 << 10 }, run % 2 == 0 ? 64 << 10 : 64 << 20);
}

/// <summary>The volume, the model, and the steps on both.</summary>
internal sealed class DataMachine : IDisposable
{
    private readonly DataSetting _setting;
    private readonly MemoryBlockDevice _device;
    private readonly byte[][] _model;
    private readonly int[] _descriptors;
    private readonly byte[] _scratch;
    private VfsMachine _machine = null!; // set by Mount
    private TfsTransaction? _transaction;
    private byte[][]? _before; // the model as it was when the transaction began

    private DataMachine(DataSetting setting)
    {
        _setting = setting;
        _device = new MemoryBlockDevice(setting.VolumeBytes);
        MountedModelTests.MakeEmptyVolume(_device);
        _model = [.. Enumerable.Range(0, setting.Files).Select(static _ => Array.Empty<byte>())];
        _descriptors = new int[setting.Files];
        _scratch = new byte[setting.MaxFileBytes + 100_000];
        _machine = Mount();
    }

    /// <summary>Makes steps until one shows a difference.</summary>
    /// <param name="next">Gives step number i, or null at the end.</param>
    /// <returns>Null, or the difference and the number of the step.</returns>
    public static (int Index, string Text)? Run(DataSetting setting, Func<int, DataStep?> next)
    {
        using var run = new DataMachine(setting);
        int index = 0;
        try
        {
            for (; next(index) is { } step; index++)
            {
                string? wrong = run.Make(step) ?? (index % 64 == 63 ? run.CompareFile(step.File) : null);
                if (wrong is not null)
                {
                    return (index, wrong);
                }
            }
            return run.Remount() is { } last ? (index, "at the end: " + last) : null;
        }
        catch (Exception bug)
        {
            return (index, bug.ToString());
        }
    }

    public void Dispose()
    {
        _transaction?.Dispose();
        _machine.Dispose();
        _device.Dispose();
    }

    private Syscalls Calls => _machine.Calls;

    private string? Make(in DataStep step)
    {
        int file = step.File % _setting.Files;
        int size = _model[file].Length;
        int length = Math.Min(step.Length, _setting.MaxFileBytes - step.Offset);
        switch (step.Kind)
        {
            case DataStepKind.Write:
                return Write(file, step.Offset, Bytes(step.Seed, length));
            case DataStepKind.Append:
                return Append(file, Bytes(step.Seed, Math.Min(step.Length, _setting.MaxFileBytes - size)));
            case DataStepKind.Read:
                return Read(file, _descriptors[file], step.Offset, step.Length);
            case DataStepKind.Truncate:
                return Sized(file, Calls.FTruncate(_descriptors[file], step.Offset), step.Offset, from: 0, to: 0);
            case DataStepKind.Allocate:
                return Sized(file, Calls.FAllocate(_descriptors[file], FallocateMode.None, step.Offset, length), Math.Max(size, step.Offset + length), 0, 0);
            case DataStepKind.AllocateKeepingSize:
                return Sized(file, Calls.FAllocate(_descriptors[file], FallocateMode.KeepSize, step.Offset, length), size, 0, 0);
            case DataStepKind.Punch:
                return Sized(file, Calls.FAllocate(_descriptors[file], FallocateMode.PunchHole | FallocateMode.KeepSize, step.Offset, length), size, step.Offset, step.Offset + length);
            case DataStepKind.ZeroRange:
                return Sized(file, Calls.FAllocate(_descriptors[file], FallocateMode.ZeroRange, step.Offset, length), Math.Max(size, step.Offset + length), step.Offset, step.Offset + length);
            case DataStepKind.ZeroRangeKeepingSize:
                return Sized(file, Calls.FAllocate(_descriptors[file], FallocateMode.ZeroRange | FallocateMode.KeepSize, step.Offset, length), size, step.Offset, step.Offset + length);
            case DataStepKind.Collapse or DataStepKind.Insert:
                return Shift(file, step);
            case DataStepKind.CopyRange:
                return CopyRange(file, step.OtherFile % _setting.Files, step, length);
            case DataStepKind.MapRead or DataStepKind.MapWrite:
                return Map(file, step);
            case DataStepKind.DirectWrite or DataStepKind.DirectRead:
                return Direct(file, step);
            case DataStepKind.SeekData:
                return SeekData(file, step.Offset);
            case DataStepKind.FSync:
                return _transaction is null ? Expect(Calls.FSync(_descriptors[file]), 0, "fsync") : Expect(Calls.FSync(_descriptors[file]), -(long)Errno.EBUSY, "fsync in a transaction");
            case DataStepKind.Recreate:
                return Recreate(file);
            case DataStepKind.Sync:
                return _transaction is null ? Expect(Calls.Sync(), 0, "sync") ?? Whole() : null;
            case DataStepKind.Compact:
                return _transaction is null && _machine.Volume!.Compact() is var errno and not (Errno.None or Errno.ENOSPC) ? $"compaction: {errno}" : null;
            case DataStepKind.Remount:
                return Remount();
            case DataStepKind.Begin:
                return Begin();
            case DataStepKind.Commit:
                return Commit();
            default:
                return Abort();
        }
    }

    private string? Write(int file, int offset, byte[] bytes) => Written(file, offset, bytes, Calls.PWrite(_descriptors[file], bytes, offset));

    private string? Append(int file, byte[] bytes)
    {
        if (bytes.Length == 0)
        {
            return null;
        }
        int fd = Open(file, OpenFlags.WriteOnly | OpenFlags.Append);
        long count = Calls.Write(fd, bytes);
        return Written(file, _model[file].Length, bytes, count) ?? Expect(Calls.Close(fd), 0, "close");
    }

    // What was told to be written is; a part only when room ran out.
    private string? Written(int file, int offset, byte[] bytes, long count)
    {
        if (count == -(long)Errno.ENOSPC)
        {
            return CompareSize(file);
        }
        if (count < 1 || count > bytes.Length)
        {
            return $"writing {bytes.Length} bytes gives {Text(count)}";
        }
        Resize(file, Math.Max(_model[file].Length, offset + (int)count));
        bytes.AsSpan(0, (int)count).CopyTo(_model[file].AsSpan(offset));
        return CompareSize(file);
    }

    private string? Read(int file, int fd, int offset, int length)
    {
        Span<byte> buffer = _scratch.AsSpan(0, length);
        buffer.Fill(0xA5);
        long count = Calls.PRead(fd, buffer, offset);
        int expected = Math.Clamp(_model[file].Length - offset, 0, length);
        return count != expected ? $"file {file}: reading {length} bytes at {offset} of {_model[file].Length} gives {Text(count)}" : Compare(file, offset, buffer[..expected]);
    }

    // A change of the length, and zeros in [from, to); all of it, or, without room, nothing or a part of the zeros.
    private string? Sized(int file, long result, int newSize, int from, int to)
    {
        if (result == -(long)Errno.ENOSPC)
        {
            return TakeOver(file, from, to);
        }
        if (result != 0)
        {
            return $"the call gives {Text(result)}";
        }
        Resize(file, newSize);
        from = Math.Min(from, newSize);
        _model[file].AsSpan(from, Math.Max(0, Math.Min(to, newSize) - from)).Clear();
        return CompareSize(file);
    }

    // ENOSPC in the middle: bytes in [from, to) may be zeros now, all others are as they were.
    private string? TakeOver(int file, int from, int to)
    {
        string? wrong = CompareSize(file);
        if (wrong is not null)
        {
            return wrong;
        }
        byte[] model = _model[file];
        Span<byte> found = _scratch.AsSpan(0, model.Length);
        long count = model.Length == 0 ? 0 : Calls.PRead(_descriptors[file], found, 0);
        if (count != model.Length)
        {
            return $"after ENOSPC reading gives {Text(count)}";
        }
        for (int at = Math.Min(from, model.Length); at < Math.Min(to, model.Length); at++)
        {
            if (found[at] == 0)
            {
                model[at] = 0;
            }
        }
        return Compare(file, 0, found);
    }

    private string? Shift(int file, in DataStep step)
    {
        const int Block = 4096;
        int size = _model[file].Length;
        int offset = step.Offset / Block * Block;
        int length = ((step.Length / Block) + 1) * Block;
        bool collapses = step.Kind == DataStepKind.Collapse;
        if (!collapses && size + length > _setting.MaxFileBytes)
        {
            return null;
        }
        long result = Calls.FAllocate(_descriptors[file], collapses ? FallocateMode.CollapseRange : FallocateMode.InsertRange, offset, length);
        bool isPossible = collapses ? offset + length < size : offset < size;
        if (!isPossible)
        {
            return Expect(result, -(long)Errno.EINVAL, step.Kind.ToString());
        }
        if (result == -(long)Errno.ENOSPC)
        {
            return TakeOver(file, 0, 0);
        }
        if (result != 0)
        {
            return $"{step.Kind} gives {Text(result)}";
        }
        byte[] old = _model[file];
        _model[file] = collapses ? [.. old[..offset], .. old[(offset + length)..]] : [.. old[..offset], .. new byte[length], .. old[offset..]];
        return CompareSize(file);
    }

    private string? CopyRange(int from, int to, in DataStep step, int length)
    {
        long source = step.Other;
        long target = step.Offset;
        if (length == 0)
        {
            return null;
        }
        long available = Math.Clamp(_model[from].Length - source, 0, length);
        bool overlaps = from == to && Math.Abs(source - target) < available; // as Linux: of what there is to copy
        byte[] bytes = available == 0 ? [] : _model[from].AsSpan((int)source, (int)available).ToArray();
        long count = Calls.CopyFileRange(_descriptors[from], ref source, _descriptors[to], ref target, (nuint)length);
        if (overlaps)
        {
            return Expect(count, -(long)Errno.EINVAL, "an overlapping copy");
        }
        if (bytes.Length == 0)
        {
            return Expect(count, 0, "copying nothing");
        }
        return Written(to, step.Offset, bytes, count) ?? (source != step.Other + Math.Max(0, count) ? $"the source's offset is {source}" : null);
    }

    // A shared mapping, which stores page by page.
    private string? Map(int file, in DataStep step)
    {
        int size = _model[file].Length;
        if (size == 0)
        {
            return null;
        }
        int start = Math.Min(step.Offset, size - 1) / 4096 * 4096;
        int at = Math.Min(step.Offset, size - 1) - start;
        int length = Math.Min(step.Length, size - start - at);
        long mapped = Calls.MMap((nuint)(at + length), MapProtection.Read | MapProtection.Write, MapFlags.Shared, _descriptors[file], start, out FileMapping? mapping);
        if (mapping is null)
        {
            return $"mmap gives {Text(mapped)}";
        }
        using (mapping)
        {
            if (step.Kind == DataStepKind.MapRead)
            {
                Errno loaded = mapping.Load(at, _scratch.AsSpan(0, length));
                return loaded != Errno.None ? $"loading gives {loaded}" : Compare(file, start + at, _scratch.AsSpan(0, length));
            }
            byte[] bytes = Bytes(step.Seed, length);
            Errno errno = mapping.Store(at, bytes);
            errno = errno == Errno.None && _transaction is null && step.Seed % 3 == 0 ? mapping.Sync(MapSyncFlags.Sync) : errno;
            if (errno is not (Errno.None or Errno.ENOSPC or Errno.EFAULT))
            {
                return $"storing gives {errno}";
            }
            return errno == Errno.None ? Written(file, start + at, bytes, length) : TakeOverStored(file, start + at, bytes);
        }
    }

    // Each byte of the range is the old one or the stored one.
    private string? TakeOverStored(int file, int offset, byte[] bytes)
    {
        byte[] found = new byte[bytes.Length];
        long count = Calls.PRead(_descriptors[file], found, offset);
        if (count != found.Length)
        {
            return $"after a store without room reading gives {Text(count)}";
        }
        for (int i = 0; i < found.Length; i++)
        {
            if (found[i] != bytes[i] && found[i] != _model[file][offset + i])
            {
                return $"file {file}: after a store without room byte {offset + i} is {found[i]}, neither {_model[file][offset + i]} nor {bytes[i]}";
            }
            _model[file][offset + i] = found[i];
        }
        return null;
    }

    private string? Direct(int file, in DataStep step)
    {
        int offset = step.Offset / 4096 * 4096;
        int length = Math.Min(((step.Length / 4096) + 1) * 4096, ((_setting.MaxFileBytes - offset) / 4096) * 4096);
        if (length <= 0)
        {
            return null;
        }
        int fd = Open(file, OpenFlags.ReadWrite | OpenFlags.Direct);
        string? wrong;
        if (step.Kind == DataStepKind.DirectRead)
        {
            wrong = Read(file, fd, offset, length);
        }
        else
        {
            byte[] bytes = Bytes(step.Seed, length);
            wrong = Written(file, offset, bytes, Calls.PWrite(fd, bytes, offset));
        }
        return wrong ?? Expect(Calls.Close(fd), 0, "close");
    }

    // A hole has zeros only, and lies where data and holes are told to meet.
    private string? SeekData(int file, int offset)
    {
        byte[] model = _model[file];
        if (offset >= model.Length)
        {
            return Expect(Calls.LSeek(_descriptors[file], offset, SeekWhence.Data), -(long)Errno.ENXIO, "SEEK_DATA behind the end");
        }
        long data = Calls.LSeek(_descriptors[file], offset, SeekWhence.Data);
        long end = data == -(long)Errno.ENXIO ? model.Length : data;
        if (end < offset || end > model.Length)
        {
            return $"file {file}: SEEK_DATA from {offset} of {model.Length} gives {Text(data)}";
        }
        if (model.AsSpan(offset, (int)end - offset).ContainsAnyExcept((byte)0))
        {
            return $"file {file}: SEEK_DATA from {offset} leads to {end}, over bytes that are not zero";
        }
        long hole = data < 0 ? offset : Calls.LSeek(_descriptors[file], data, SeekWhence.Hole);
        return data >= 0 && (hole <= data || hole > model.Length) ? $"file {file}: SEEK_HOLE from {data} gives {Text(hole)}" : null;
    }

    private string? Recreate(int file)
    {
        long removed = Calls.UnlinkAt(AtFd.CurrentDirectory, Name(file));
        if (removed != 0)
        {
            return $"unlink gives {Text(removed)}";
        }
        // The old file is there as long as it is open.
        string? wrong = Read(file, _descriptors[file], 0, Math.Min(_model[file].Length, 10_000));
        _ = Calls.Close(_descriptors[file]);
        _model[file] = [];
        long fd = Calls.Open(Name(file), OpenFlags.Create | OpenFlags.ReadWrite, 0x1A4);
        if (fd == -(long)Errno.ENOSPC && _transaction is null && Calls.Sync() == 0)
        {
            fd = Calls.Open(Name(file), OpenFlags.Create | OpenFlags.ReadWrite, 0x1A4); // what was removed is free only now
        }
        if (fd == -(long)Errno.ENOSPC && _transaction is not null)
        {
            return Abort();
        }
        _descriptors[file] = (int)fd;
        return wrong ?? (fd < 0 ? $"create gives {Text(fd)}" : null);
    }

    private string? Begin()
    {
        if (_transaction is not null)
        {
            return null;
        }
        Errno errno = _machine.Volume!.BeginTransaction(out _transaction);
        _before = [.. _model.Select(static bytes => bytes.ToArray())];
        return errno == Errno.None ? null : $"begin of a transaction gives {errno}";
    }

    private string? Commit()
    {
        if (_transaction is null)
        {
            return null;
        }
        Errno errno = _transaction.Commit();
        if (errno == Errno.ENOSPC)
        {
            return Abort();
        }
        (_transaction, _before) = (null, null);
        return errno == Errno.None ? null : $"commit gives {errno}";
    }

    private string? Abort()
    {
        if (_transaction is null)
        {
            return null;
        }
        _transaction.Abort();
        _transaction = null;
        _before!.CopyTo(_model, 0);
        _before = null;
        for (int file = 0; file < _setting.Files; file++)
        {
            _ = Calls.Close(_descriptors[file]);
            _descriptors[file] = Open(file, OpenFlags.ReadWrite);
        }
        return Whole();
    }

    private string? Remount()
    {
        string? wrong = Abort();
        if (wrong is null && Calls.Sync() is var synced && synced != 0)
        {
            wrong = $"sync gives {Text(synced)}";
        }
        _machine.Dispose();
        MountedModelTests.CheckVolume(_device, 0, 0);
        _machine = Mount();
        return wrong ?? Whole();
    }

    private string? Whole()
    {
        for (int file = 0; file < _setting.Files; file++)
        {
            if (CompareFile(file) is { } wrong)
            {
                return wrong;
            }
        }
        return null;
    }

    private string? CompareFile(int file) => CompareSize(file) ?? Read(file % _setting.Files, _descriptors[file % _setting.Files], 0, _model[file % _setting.Files].Length + 1);

    private string? CompareSize(int file)
    {
        file %= _setting.Files;
        Stat stat = default;
        long result = Calls.FStat(_descriptors[file], ref stat);
        return result != 0 || stat.SizeBytes != _model[file].Length ? $"file {file}: its length is {stat.SizeBytes}, not {_model[file].Length} ({Text(result)})" : null;
    }

    private string? Compare(int file, int offset, ReadOnlySpan<byte> found)
    {
        if (found.IsEmpty)
        {
            return null;
        }
        ReadOnlySpan<byte> expected = _model[file].AsSpan(offset, found.Length);
        int same = expected.CommonPrefixLength(found);
        return same == found.Length ? null : string.Create(CultureInfo.InvariantCulture,
            $"file {file}: byte {offset + same} is {found[same]:X2}, not {expected[same]:X2}; length {_model[file].Length}");
    }

    private VfsMachine Mount()
    {
        _machine = new VfsMachine(_device, new TfsMountOptions { FlushDelay = TimeSpan.Zero, Cache = new PageCacheOptions { DirtyLimitBytes = _setting.DirtyBytes } });
        for (int file = 0; file < _setting.Files; file++)
        {
            _descriptors[file] = Open(file, OpenFlags.ReadWrite | OpenFlags.Create);
        }
        return _machine;
    }

    private int Open(int file, OpenFlags flags)
    {
        long fd = Calls.Open(Name(file), flags, 0x1A4);
        return fd >= 0 ? (int)fd : throw new InvalidOperationException($"open of file {file} gives {Text(fd)}");
    }

    private void Resize(int file, int size)
    {
        if (size != _model[file].Length)
        {
            Array.Resize(ref _model[file], size);
        }
    }

    private static byte[] Name(int file) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/file{file}"));

    // Never zero, so that a lost write is not taken for a hole.
    private static byte[] Bytes(int seed, int length)
    {
        byte[] bytes = new byte[Math.Max(0, length)];
        uint state = (uint)seed | 1;
        for (int i = 0; i < bytes.Length; i++)
        {
            state = (state * 1_664_525) + 1_013_904_223;
            bytes[i] = (byte)((state >> 24) | 1);
        }
        return bytes;
    }

    private static string? Expect(long got, long expected, string what) => got == expected ? null : $"{what} gives {Text(got)}, not {Text(expected)}";

    private static string Text(long result) => result < 0 ? ((Errno)(-result)).ToString() : result.ToString(CultureInfo.InvariantCulture);
}
