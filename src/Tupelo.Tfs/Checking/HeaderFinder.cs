// Where a volume's log begins, when sector 0 says so and when it does not: the copy of sector 0 in the last sector, and failing that
// whatever looks like the beginning of a log. The candidate that most records can be read from is taken.
using System.Globalization;

namespace Tupelo.Tfs;

internal static class HeaderFinder
{
    private const int MaxCandidates = 64;
    private const int ScanBytes = 1 << 20;

    /// <summary>Reads a sector. False when the device fails, or has no such sector.</summary>
    public static bool TryRead(BlockDevice device, long sector, Span<byte> bytes) =>
        sector >= 0 && (sector + 1) * TfsFormat.SectorBytes <= device.SizeBytes && device.Read(sector * TfsFormat.SectorBytes, bytes) == Errno.None;

    /// <summary>True for what could be sector 0 of a volume: magic, version, one sector long.</summary>
    public static bool IsHeader(ReadOnlySpan<byte> sector) =>
        sector.StartsWith(TfsFormat.Magic) && sector[TfsFormat.Magic.Length] is TfsFormat.CurrentVersion or TfsFormat.OldVersion && sector[TfsFormat.Magic.Length + 1] == 1;

    /// <summary>The identity in a header.</summary>
    public static ReadOnlySpan<byte> UuidOf(ReadOnlySpan<byte> header) => header.Slice(TfsFormat.Magic.Length + 2, TfsFormat.UuidBytes);

    /// <summary>Finds another way to the log of a volume whose sector 0 leads nowhere.</summary>
    /// <param name="device">The volume.</param>
    /// <param name="how">Where it was found, for the report.</param>
    /// <returns>The log behind it; null when there is none.</returns>
    public static ReplayedLog? Find(BlockDevice device, out string how)
    {
        byte[] header = new byte[TfsFormat.SectorBytes];
        how = "the copy of sector 0 in the last sector";
        long last = (device.SizeBytes / TfsFormat.SectorBytes) - 1;
        if (last > 0 && TryRead(device, last, header) && IsHeader(header))
        {
            ReplayedLog log = Through(device, header);
            if (log.HasRoot)
            {
                return log;
            }
        }
        byte[] sector0 = new byte[TfsFormat.SectorBytes];
        bool hasIdentity = TryRead(device, 0, sector0) && IsHeader(sector0);
        ReplayedLog? best = null;
        foreach (long start in FindExtensions(device))
        {
            byte[] candidate = new byte[TfsFormat.SectorBytes];
            VolumeHeader.Write(candidate, hasIdentity ? UuidOf(sector0) : Guid.NewGuid().ToByteArray(), [], start);
            ReplayedLog log = Through(device, candidate);
            if (log.HasRoot && (best is null || log.RecordCount > best.RecordCount))
            {
                best = log;
                how = string.Create(CultureInfo.InvariantCulture, $"a log that begins at sector {start}; the label is not known{(hasIdentity ? "" : ", the identity is a new one")}");
            }
        }
        return best;
    }

    private static ReplayedLog Through(BlockDevice device, byte[] header)
    {
        var overlay = new OverlayBlockDevice(device);
        Errno errno = overlay.Write(0, header);
        System.Diagnostics.Debug.Assert(errno == Errno.None);
        return ReplayedLog.Read(overlay);
    }

    // Sectors that begin like an extension of the usual length, the first ones of the volume.
    private static List<long> FindExtensions(BlockDevice device)
    {
        var found = new List<long>();
        byte[] buffer = new byte[ScanBytes];
        for (long at = 0; at < device.SizeBytes && found.Count < MaxCandidates; at += ScanBytes)
        {
            int count = (int)Math.Min(ScanBytes, device.SizeBytes - at) / TfsFormat.SectorBytes * TfsFormat.SectorBytes;
            if (count == 0 || device.Read(at, buffer.AsSpan(0, count)) != Errno.None)
            {
                continue;
            }
            for (int offset = 0; offset < count && found.Count < MaxCandidates; offset += TfsFormat.SectorBytes)
            {
                ReadOnlySpan<byte> sector = buffer.AsSpan(offset, TfsFormat.SectorBytes);
                if (at + offset > 0 && sector.StartsWith(TfsFormat.Magic) && sector[TfsFormat.Magic.Length] is TfsFormat.CurrentVersion or TfsFormat.OldVersion
                    && TfsVarint.TryRead(sector[(TfsFormat.Magic.Length + 1)..], out ulong length, out _) && length == (ulong)TfsFormat.ExtensionSectors)
                {
                    found.Add((at + offset) / TfsFormat.SectorBytes);
                }
            }
        }
        return found;
    }
}
