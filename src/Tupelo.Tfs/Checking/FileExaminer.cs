// What a checker looks at in one file: its attributes, its extents one by one. Every extent that can be kept is entered into Extents, for
// SectorExaminer to find those that claim the same sectors. Fixes are made in the store; see TreeExaminer.
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tupelo.Tfs;

/// <summary>An extent of some file: its place on the volume, and where it is kept.</summary>
/// <param name="StartSector">First sector.</param>
/// <param name="AllocatedSectors">Sectors owned.</param>
/// <param name="SectorCount">Of them, sectors with the file's data.</param>
/// <param name="File">The file's tuple.</param>
/// <param name="Extent">The extent's tuple.</param>
/// <param name="Extents">The file's tuple of extents.</param>
/// <param name="FileSector">Where in the file.</param>
/// <param name="IsUninitialized">Owned but never written.</param>
internal readonly record struct OwnedExtent(long StartSector, long AllocatedSectors, long SectorCount, int File, int Extent, int Extents, long FileSector, bool IsUninitialized);

internal sealed class FileExaminer(TupleStore store, TfsSymbols symbols, long volumeSectors, TupleRoles roles, TfsCheckReport report)
{
    private const long MaxFileSectors = long.MaxValue / TfsFormat.SectorBytes;

    private readonly List<(long FileSector, long SectorCount, int Symbol, int Extent)> _inFile = [];

    public List<OwnedExtent> Extents { get; } = [];

    /// <summary>Examines what is no directory.</summary>
    /// <returns>What it is; null for a symbolic link that has no target, and nothing else either.</returns>
    public FileType? Examine(int file, int special, Func<byte[]> path)
    {
        CheckNumbers(file, path);
        AttributeSlot target = store.Get(file, symbols.LinkTarget);
        if (target.Kind is TfsValueKind.String or TfsValueKind.Buffer)
        {
            int length = store.BytesOf(target).Length;
            if (length is 0 or > TfsFormat.MaxTargetBytes || store.BytesOf(target).Contains((byte)0))
            {
                Add(TfsFindingCode.LinkTargetDamaged, TfsSeverity.Warning, "a symbolic link's target is empty, too long, or holds a NUL", path, "");
            }
            return FileType.Symlink;
        }
        if (!target.IsVacant)
        {
            if (store.Get(file, symbols.Extents).IsVacant)
            {
                return null;
            }
            Add(TfsFindingCode.LinkTargetDamaged, TfsSeverity.Error, "a symbolic link's target is not a string", path, "it becomes a file, since it has extents");
            _ = store.Remove(file, symbols.LinkTarget);
        }
        if (!store.Get(file, symbols.Socket).IsVacant || (special != 0 && !store.Get(file, special).IsVacant))
        {
            return store.Get(file, symbols.Socket).IsVacant ? FileType.CharDevice : FileType.Socket;
        }
        if (store.Get(file, symbols.Extents).IsVacant && store.TryGetNumber(store.Get(file, symbols.Mode), out ulong mode)
            && Mode.TypeOf((uint)mode) is FileType.Fifo or FileType.CharDevice or FileType.BlockDevice)
        {
            return Mode.TypeOf((uint)mode);
        }
        ExamineExtents(file, path);
        CheckLength(file, path);
        return FileType.Regular;
    }

    /// <summary>Attributes that are numbers wherever they are.</summary>
    public void CheckNumbers(int node, Func<byte[]> path)
    {
        foreach (int symbol in (ReadOnlySpan<int>)
            [symbols.Mode, symbols.Uid, symbols.Gid, symbols.Device, symbols.AccessTime, symbols.ModifyTime, symbols.ChangeTime, symbols.BirthTime])
        {
            AttributeSlot held = store.Get(node, symbol);
            if (!held.IsVacant && !store.TryGetNumber(held, out _))
            {
                Add(TfsFindingCode.AttributeDamaged, TfsSeverity.Warning, $"attribute {TfsText.Quote(store.Symbols.NameOf(symbol))} is not a number", path, "it is removed");
                _ = store.Remove(node, symbol);
            }
        }
    }

    private void CheckLength(int file, Func<byte[]> path)
    {
        AttributeSlot held = store.Get(file, symbols.FileLength);
        if (held.IsVacant || (store.TryGetNumber(held, out ulong length) && length <= long.MaxValue))
        {
            return;
        }
        long end = 0;
        foreach ((long FileSector, long SectorCount, int Symbol, int Extent) extent in _inFile)
        {
            end = Math.Max(end, extent.FileSector + extent.SectorCount);
        }
        Add(TfsFindingCode.FileLengthDamaged, TfsSeverity.Error, "the file's length is not a number of 63 bits", path,
            string.Create(CultureInfo.InvariantCulture, $"it is set to where its extents end, byte {end * TfsFormat.SectorBytes}"));
        _ = store.Set(file, symbols.FileLength, TfsValueKind.Integer, (ulong)end * TfsFormat.SectorBytes);
    }

    private void ExamineExtents(int file, Func<byte[]> path)
    {
        _inFile.Clear();
        AttributeSlot held = store.Get(file, symbols.Extents);
        if (held.IsVacant)
        {
            return;
        }
        if (held.Kind != TfsValueKind.Tuple || store.IsVector((int)held.Value))
        {
            Add(TfsFindingCode.ExtentsUnreadable, TfsSeverity.Error, "the file's extents are not a tuple", path, "the file loses its content");
            _ = store.Set(file, symbols.Extents, TfsValueKind.Tuple, (ulong)store.NewTuple(false, 0));
            return;
        }
        int extents = (int)held.Value;
        if (!roles.Take(extents, TupleRole.Extents))
        {
            Add(TfsFindingCode.SectorsOwnedTwice, TfsSeverity.Error, "the file uses the extents of another", path, "it gets extents of its own");
            extents = Copy(extents);
            _ = store.Set(file, symbols.Extents, TfsValueKind.Tuple, (ulong)extents);
        }
        foreach (AttributeSlot slot in store.SlotsOf(extents).ToArray())
        {
            if (!slot.IsVacant)
            {
                ExamineExtent(file, extents, slot, path);
            }
        }
        CutOverlaps(file, path);
    }

    private void ExamineExtent(int file, int extents, AttributeSlot slot, Func<byte[]> path)
    {
        ReadOnlySpan<byte> key = store.Symbols.NameOf(slot.Symbol);
        bool isKey = Utf8Parser.TryParse(key, out long fileSector, out int consumed) && consumed == key.Length && fileSector is >= 0 and <= MaxFileSectors;
        if (!isKey || (key.Length > 1 && key[0] is (byte)'0' or (byte)'+'))
        {
            RenameExtent(file, extents, slot, isKey ? fileSector : -1, path);
            return;
        }
        if (slot.Kind != TfsValueKind.Tuple || store.IsVector((int)slot.Value)
            || !TryGetNumber(slot, symbols.Offset, out ulong offset) || !TryGetNumber(slot, symbols.Length, out ulong length)
            || !TryGetNumber(slot, symbols.Allocated, out ulong allocated) || allocated == 0 || length > MaxFileSectors || (ulong)fileSector + length > MaxFileSectors)
        {
            Drop(extents, slot, TfsFindingCode.ExtentDamaged, $"the extent at sector {fileSector} of the file has no sound offset, length or allocation", path);
            return;
        }
        int extent = (int)slot.Value;
        if (!roles.Take(extent, TupleRole.Extent))
        {
            // The sectors are found to be owned twice later, and get a copy then.
            extent = Copy(extent);
            _ = store.Set(extents, slot.Symbol, TfsValueKind.Tuple, (ulong)extent);
        }
        if (offset == 0 || offset >= (ulong)volumeSectors)
        {
            Drop(extents, slot, TfsFindingCode.ExtentOutOfBounds, $"the extent at sector {fileSector} of the file lies at sector {offset}, and the volume has {volumeSectors}", path);
            return;
        }
        if (allocated > (ulong)volumeSectors - offset)
        {
            Add(TfsFindingCode.ExtentOutOfBounds, TfsSeverity.Error,
                string.Create(CultureInfo.InvariantCulture, $"the extent at sector {fileSector} of the file lies at sectors {offset}+{allocated}, and the volume has {volumeSectors}"),
                path, "it is cut at the end of the volume; what lay behind reads as zeros", (long)offset * TfsFormat.SectorBytes);
            allocated = (ulong)volumeSectors - offset;
            Set(extent, symbols.Allocated, allocated);
            if (length > allocated)
            {
                length = allocated;
                Set(extent, symbols.Length, length);
            }
        }
        if (length > allocated)
        {
            Add(TfsFindingCode.ExtentDamaged, TfsSeverity.Error, string.Create(CultureInfo.InvariantCulture, $"the extent at sector {fileSector} of the file is longer than its allocation"),
                path, "it is cut to its allocation; what lay behind reads as zeros", (long)offset * TfsFormat.SectorBytes);
            length = allocated;
            Set(extent, symbols.Length, length);
        }
        bool isUninitialized = !store.Get(extent, symbols.Uninitialized).IsVacant;
        _inFile.Add((fileSector, (long)length, slot.Symbol, extent));
        Extents.Add(new OwnedExtent((long)offset, (long)allocated, (long)length, file, extent, extents, fileSector, isUninitialized));
    }

    // "+7" or "007" is sector 7 to a lenient reader, and another place to the next one.
    private void RenameExtent(int file, int extents, AttributeSlot slot, long fileSector, Func<byte[]> path)
    {
        int symbol = fileSector < 0 ? 0 : symbols.ExtentKey(fileSector);
        bool isFree = symbol != 0 && store.Get(extents, symbol).IsVacant;
        Add(TfsFindingCode.ExtentDamaged, TfsSeverity.Error, $"an extent is named {TfsText.Quote(store.Symbols.NameOf(slot.Symbol))}, which is no sector number", path,
            isFree ? "it gets its proper name" : "it is removed; that part of the file reads as zeros");
        _ = store.Remove(extents, slot.Symbol);
        if (isFree)
        {
            _ = store.Set(extents, symbol, slot.Kind, slot.Value);
            ExamineExtent(file, extents, store.Get(extents, symbol), path);
        }
    }

    private void Drop(int extents, AttributeSlot slot, TfsFindingCode code, FormattableString problem, Func<byte[]> path)
    {
        Add(code, TfsSeverity.Error, problem.ToString(CultureInfo.InvariantCulture), path, "it is removed; that part of the file reads as zeros");
        _ = store.Remove(extents, slot.Symbol);
    }

    // Of two extents that cover the same part of the file, the one that begins first ends where the other begins.
    private void CutOverlaps(int file, Func<byte[]> path)
    {
        _inFile.Sort(static (a, b) => a.FileSector.CompareTo(b.FileSector));
        for (int i = 1; i < _inFile.Count; i++)
        {
            (long fileSector, long sectorCount, int symbol, int extent) = _inFile[i - 1];
            if (fileSector + sectorCount <= _inFile[i].FileSector)
            {
                continue;
            }
            long kept = _inFile[i].FileSector - fileSector;
            Add(TfsFindingCode.ExtentCoversAnother, TfsSeverity.Error,
                string.Create(CultureInfo.InvariantCulture, $"two extents cover sector {_inFile[i].FileSector} of the file"), path, "the one that begins first is cut where the other begins");
            Set(extent, symbols.Length, (ulong)kept);
            _inFile[i - 1] = (fileSector, kept, symbol, extent);
            Span<OwnedExtent> all = CollectionsMarshal.AsSpan(Extents);
            for (int owned = all.Length - 1; owned >= 0 && all[owned].File == file; owned--)
            {
                if (all[owned].Extent == extent)
                {
                    all[owned] = all[owned] with { SectorCount = kept };
                }
            }
        }
    }

    private int Copy(int tuple)
    {
        AttributeSlot[] slots = store.SlotsOf(tuple).ToArray();
        int copy = store.NewTuple(false, slots.Length);
        foreach (AttributeSlot slot in slots)
        {
            if (!slot.IsVacant && slot.Symbol != 0)
            {
                _ = store.Set(copy, slot.Symbol, slot.Kind, slot.Value);
            }
        }
        return copy;
    }

    private bool TryGetNumber(AttributeSlot slot, int symbol, out ulong number) => store.TryGetNumber(store.Get((int)slot.Value, symbol), out number);

    private void Set(int tuple, int symbol, ulong value) => _ = store.Set(tuple, symbol, TfsValueKind.Integer, value);

    private void Add(TfsFindingCode code, TfsSeverity severity, string message, Func<byte[]> path, string remedy, long offsetBytes = -1) =>
        report.Add(new TfsFinding(code, severity, message) { Path = path(), Remedy = remedy, OffsetBytes = offsetBytes });
}
