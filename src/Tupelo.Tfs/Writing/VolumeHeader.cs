// Sector 0 of a volume: the first extension of its log, one sector long, with identity, label and one link to where the log goes on.
// Writing this sector makes a volume valid (and, when a compaction is over, switches to the new log). Tupelo keeps a copy in the
// volume's last sector, outside of every extent, for the repair of a volume whose sector 0 is lost. Bytes: docs/tfs-format.md#sector-0
namespace Tupelo.Tfs;

internal static class VolumeHeader
{
    /// <summary>Fills <paramref name="sector"/>, which is zeroed behind the last frame.</summary>
    /// <param name="sector">Exactly one sector.</param>
    /// <param name="uuid">16 bytes.</param>
    /// <param name="label">At most <see cref="TfsFormat.MaxLabelBytes"/> bytes, no NUL.</param>
    /// <param name="nextStartSector">First sector of the extension that follows.</param>
    public static void Write(Span<byte> sector, ReadOnlySpan<byte> uuid, ReadOnlySpan<byte> label, long nextStartSector)
    {
        sector.Clear();
        TfsFormat.Magic.CopyTo(sector);
        int at = TfsFormat.Magic.Length;
        at += TfsVarint.Write(sector[at..], TfsFormat.CurrentVersion);
        at += TfsVarint.Write(sector[at..], 1);
        uuid.CopyTo(sector[at..]);
        at += TfsFormat.UuidBytes;
        label.CopyTo(sector[at..]);
        at += label.Length + 1;
        sector[at++] = TfsFrame.ExtensionLink;
        at += TfsVarint.Write(sector[at..], (ulong)nextStartSector);
        at += TfsVarint.Write(sector[at..], (ulong)TfsFormat.ExtensionSectors);
        sector[at] = TfsFrame.EndOfLog;
    }
}
