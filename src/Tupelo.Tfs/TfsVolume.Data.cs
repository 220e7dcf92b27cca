// Where a file's bytes are, and reading them.
using System.Buffers.Text;
using System.Globalization;

namespace Tupelo.Tfs;

public sealed partial class TfsVolume
{
    /// <summary>The extents of a regular file, ordered by their place in the file.</summary>
    /// <remarks>Errors, first match wins: EISDIR · EINVAL no regular file · EUCLEAN the extents are damaged (see <see cref="Faults"/>).</remarks>
    public Errno GetExtents(TfsNode file, List<TfsExtent> extents)
    {
        extents.Clear();
        FileType type = TypeOf(file);
        if (type != FileType.Regular)
        {
            return type == FileType.Directory ? Errno.EISDIR : Errno.EINVAL;
        }
        return TryReadExtents(file.Id, extents, out _) ? Errno.None : Errno.EUCLEAN;
    }

    /// <summary>Prepares a regular file for reading.</summary>
    /// <remarks>Errors as <see cref="GetExtents"/>.</remarks>
    public Errno OpenFile(TfsNode node, out TfsFileReader? file)
    {
        var extents = new List<TfsExtent>();
        Errno errno = GetExtents(node, extents);
        file = errno == Errno.None ? new TfsFileReader(Device, LengthOf(node), [.. extents]) : null;
        return errno;
    }

    /// <summary>True when opening the volume found that this file's extents are damaged: reading it gives EUCLEAN.</summary>
    public bool IsDamaged(TfsNode file) => _damagedFiles.Contains(file.Id);

    private long AllocatedSectorsOf(TfsNode file)
    {
        AttributeSlot held = Get(file.Id, _known.Extents);
        long sectors = 0;
        if (held.Kind == TfsValueKind.Tuple && !IsDamaged(file))
        {
            foreach (ref readonly AttributeSlot slot in _store.SlotsOf((int)held.Value))
            {
                if (slot.Kind == TfsValueKind.Tuple && TryGetNumber((int)slot.Value, _known.Allocated, out ulong allocated))
                {
                    sectors += (long)allocated;
                }
            }
        }
        return sectors;
    }

    private bool TryReadExtents(int file, List<TfsExtent> extents, out string problem)
    {
        extents.Clear();
        AttributeSlot held = Get(file, _known.Extents);
        problem = "";
        if (Has(file, _known.FileLength) && (!TryGetNumber(file, _known.FileLength, out ulong length) || length > long.MaxValue))
        {
            problem = "its length is not a number of 63 bits";
            return false;
        }
        if (held.IsVacant)
        {
            return true;
        }
        if (held.Kind != TfsValueKind.Tuple || _store.IsVector((int)held.Value))
        {
            problem = "its extents are not a tuple";
            return false;
        }
        bool sorted = true;
        foreach (ref readonly AttributeSlot slot in _store.SlotsOf((int)held.Value))
        {
            if (slot.IsVacant)
            {
                continue;
            }
            if (!TryReadExtent(slot, out TfsExtent extent, out problem))
            {
                return false;
            }
            sorted &= extents.Count == 0 || extents[^1].FileSector < extent.FileSector;
            extents.Add(extent);
        }
        if (!sorted)
        {
            extents.Sort(static (a, b) => a.FileSector.CompareTo(b.FileSector));
        }
        for (int i = 1; i < extents.Count; i++)
        {
            if (extents[i].FileSector < extents[i - 1].FileSector + extents[i - 1].SectorCount)
            {
                problem = string.Create(CultureInfo.InvariantCulture, $"two of its extents cover sector {extents[i].FileSector}");
                return false;
            }
        }
        return true;
    }

    private bool TryReadExtent(AttributeSlot slot, out TfsExtent extent, out string problem)
    {
        extent = default;
        problem = "";
        long limit = long.MaxValue / TfsFormat.SectorBytes;
        ReadOnlySpan<byte> key = _store.Symbols.NameOf(slot.Symbol);
        if (!Utf8Parser.TryParse(key, out long fileSector, out int consumed) || consumed != key.Length || fileSector < 0 || fileSector > limit)
        {
            problem = $"an extent is named {Printable(key)}, which is no sector number";
            return false;
        }
        if (slot.Kind != TfsValueKind.Tuple
            || !TryGetNumber((int)slot.Value, _known.Offset, out ulong offset)
            || !TryGetNumber((int)slot.Value, _known.Length, out ulong length)
            || !TryGetNumber((int)slot.Value, _known.Allocated, out ulong allocated))
        {
            problem = string.Create(CultureInfo.InvariantCulture, $"its extent at sector {fileSector} has no offset, length or allocation");
            return false;
        }
        ulong volumeSectors = (ulong)(Device.SizeBytes / TfsFormat.SectorBytes);
        if (offset == 0 || offset > volumeSectors || allocated > volumeSectors - offset || allocated == 0)
        {
            problem = string.Create(CultureInfo.InvariantCulture, $"its extent at sector {fileSector} lies at sectors {offset}+{allocated}, outside of the volume ({volumeSectors} sectors)");
            return false;
        }
        if (length > allocated || (ulong)fileSector + length > (ulong)limit)
        {
            problem = string.Create(CultureInfo.InvariantCulture, $"its extent at sector {fileSector} is longer than its allocation");
            return false;
        }
        extent = new TfsExtent(fileSector, (long)offset, (long)length, (long)allocated, Has((int)slot.Value, _known.Uninitialized));
        return true;
    }
}

/// <summary>Reads one regular file. Any thread; nothing is allocated per read.</summary>
public sealed class TfsFileReader
{
    private readonly BlockDevice _device;
    private readonly TfsExtent[] _extents;

    internal TfsFileReader(BlockDevice device, long lengthBytes, TfsExtent[] extents)
    {
        _device = device;
        _extents = extents;
        LengthBytes = lengthBytes;
    }

    /// <summary>Length of the file.</summary>
    public long LengthBytes { get; }

    /// <summary>Where its bytes are, ordered by their place in the file.</summary>
    public ReadOnlySpan<TfsExtent> Extents => _extents;

    /// <summary>Reads at a place (pread).</summary>
    /// <returns>Bytes read: all that were asked for, fewer only at the end of the file. Holes and uninitialized extents read as zeros.</returns>
    /// <remarks>Errors, first match wins: EINVAL negative offset · EIO device.</remarks>
    public IoResult Read(long offsetBytes, Span<byte> buffer)
    {
        if (offsetBytes < 0)
        {
            return Errno.EINVAL;
        }
        if (offsetBytes >= LengthBytes)
        {
            return IoResult.Bytes(0);
        }
        int wanted = (int)Math.Min(buffer.Length, LengthBytes - offsetBytes);
        int done = 0;
        int index = FirstExtentEndingAfter(offsetBytes);
        while (done < wanted)
        {
            long at = offsetBytes + done;
            Span<byte> rest = buffer[done..wanted];
            if (index == _extents.Length)
            {
                rest.Clear();
                break;
            }
            ref readonly TfsExtent extent = ref _extents[index];
            long startBytes = extent.FileSector * TfsFormat.SectorBytes;
            long endBytes = startBytes + (extent.SectorCount * TfsFormat.SectorBytes);
            if (at < startBytes)
            {
                int hole = (int)Math.Min(rest.Length, startBytes - at);
                rest[..hole].Clear();
                done += hole;
                continue;
            }
            int count = (int)Math.Min(rest.Length, endBytes - at);
            if (extent.IsUninitialized)
            {
                rest[..count].Clear();
            }
            else
            {
                Errno errno = _device.Read((extent.StartSector * TfsFormat.SectorBytes) + (at - startBytes), rest[..count]);
                if (errno != Errno.None)
                {
                    return done > 0 ? IoResult.Bytes(done) : errno;
                }
            }
            done += count;
            index++;
        }
        return IoResult.Bytes(wanted);
    }

    /// <summary>Where data begins at or after <paramref name="offsetBytes"/> (SEEK_DATA); -1 when only a hole is left.</summary>
    public long NextData(long offsetBytes)
    {
        for (int index = FirstExtentEndingAfter(offsetBytes); index < _extents.Length; index++)
        {
            if (!_extents[index].IsUninitialized)
            {
                long start = Math.Max(offsetBytes, _extents[index].FileSector * TfsFormat.SectorBytes);
                return start < LengthBytes ? start : -1;
            }
        }
        return -1;
    }

    /// <summary>Where the next hole begins at or after <paramref name="offsetBytes"/> (SEEK_HOLE); the end of the file counts as one.</summary>
    public long NextHole(long offsetBytes)
    {
        for (int index = FirstExtentEndingAfter(offsetBytes); index < _extents.Length; index++)
        {
            if (_extents[index].IsUninitialized || _extents[index].FileSector * TfsFormat.SectorBytes > offsetBytes)
            {
                break;
            }
            offsetBytes = (_extents[index].FileSector + _extents[index].SectorCount) * TfsFormat.SectorBytes;
        }
        return Math.Min(offsetBytes, LengthBytes);
    }

    private int FirstExtentEndingAfter(long offsetBytes)
    {
        int low = 0;
        int high = _extents.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if ((_extents[middle].FileSector + _extents[middle].SectorCount) * TfsFormat.SectorBytes > offsetBytes)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        return low;
    }
}
