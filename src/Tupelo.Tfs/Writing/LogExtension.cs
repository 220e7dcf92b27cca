// The bytes of one extension of the log while it is being filled: header, frames, filler, link. Memory only; TfsLogWriter decides
// when they go to the device. Bytes: docs/tfs-format.md#log
//
// Invariants, which make every reader's life safe, Nanos' included:
//   every sector begins a frame, and every sector not yet used begins with END_OF_LOG and is zero behind it;
//   a record that fits into one sector lies in one sector;
//   the last sector is kept for the link to the next extension, so there is always room for it.
using System.Buffers;
using System.Diagnostics;

namespace Tupelo.Tfs;

internal sealed class LogExtension
{
    /// <summary>Length in bytes.</summary>
    public const int SizeBytes = (int)TfsFormat.ExtensionSectors * TfsFormat.SectorBytes;

    private const int SectorBytes = TfsFormat.SectorBytes;

    /// <summary>Length of the header; an extension with more in use holds records.</summary>
    public const int HeaderBytes = 9;

    // Most bytes of a piece's frame in front of the piece: the first one's, and the others'.
    private const int MaxFirstHeadBytes = 1 + 5 + 2;
    private const int MaxHeadBytes = 1 + 2;

    // A split record does not begin in a sector that has less room left than this.
    private const int MinFirstPieceBytes = 64;

    private byte[] _bytes = []; // SizeBytes of a pooled array, from Begin or Load on

    /// <summary>First sector on the volume.</summary>
    public long StartSector { get; private set; }

    /// <summary>Bytes filled so far.</summary>
    public int Used { get; private set; }

    /// <summary>Bytes left in the sector that is being filled; a whole sector when the next frame begins one.</summary>
    public int RoomInSector => SectorBytes - (Used % SectorBytes);

    /// <summary>All bytes, the prepared ones behind <see cref="Used"/> included.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, SizeBytes);

    /// <summary>Makes this the empty extension at <paramref name="startSector"/>: header, then END_OF_LOG in every sector.</summary>
    public void Begin(long startSector)
    {
        StartSector = startSector;
        HaveBytes();
        Span<byte> bytes = _bytes.AsSpan(0, SizeBytes);
        bytes[..SectorBytes].Clear();
        Prepare(bytes[SectorBytes..]);
        TfsFormat.Magic.CopyTo(bytes);
        Used = TfsFormat.Magic.Length;
        Used += TfsVarint.Write(bytes[Used..], TfsFormat.CurrentVersion);
        Used += TfsVarint.Write(bytes[Used..], (ulong)TfsFormat.ExtensionSectors);
        Debug.Assert(Used == HeaderBytes);
    }

    /// <summary>Whether a record fits into the rest of this extension, whole; a split one by a careful estimate.</summary>
    /// <param name="recordBytes">Its length.</param>
    /// <param name="withMark">It begins a commit, whose mark stands in front of it in a fresh sector.</param>
    /// <param name="endBytes">Where frames must end, a sector's start.</param>
    public bool HasRoom(int recordBytes, bool withMark, int endBytes)
    {
        int at = withMark ? SectorUp(Used) + CommitRecord.Mark.Length : Used;
        int next = SectorUp(at);
        int frame = FrameBytes(recordBytes);
        if (frame <= SectorBytes)
        {
            return (frame <= next - at ? at : next) + frame <= endBytes;
        }
        long here = next - at >= MinFirstPieceBytes ? next - at - MaxFirstHeadBytes : MaxHeadBytes - MaxFirstHeadBytes;
        return here + ((endBytes - next) / SectorBytes * (SectorBytes - MaxHeadBytes)) >= recordBytes;
    }

    /// <summary>Takes over an extension that is on the device, to go on behind what it holds. Nothing is read yet: <see cref="Load"/>
    /// comes before the first change.</summary>
    /// <param name="startSector">Where it lies.</param>
    /// <param name="tail">Where its content ends: frames are appended from the next sector on.</param>
    public void Resume(long startSector, int tail)
    {
        StartSector = startSector;
        Used = SectorUp(tail);
    }

    /// <summary>Reads what <see cref="Resume"/> took over, from the tail's sector on.</summary>
    /// <param name="device">The volume.</param>
    /// <param name="tail">As there.</param>
    /// <param name="unprepared">-1 when the device holds just these bytes; otherwise the position from which on it does not: the sectors
    /// behind <see cref="Used"/> are to be written first, then what lies in front.</param>
    /// <remarks>Errors: EIO.</remarks>
    public Errno Load(BlockDevice device, int tail, out int unprepared)
    {
        unprepared = -1;
        HaveBytes();
        int first = tail / SectorBytes * SectorBytes;
        Span<byte> bytes = _bytes.AsSpan(first, SizeBytes - first);
        Errno errno = device.Read((StartSector * SectorBytes) + first, bytes);
        if (errno != Errno.None)
        {
            return errno;
        }
        Span<byte> filler = _bytes.AsSpan(tail, Used - tail);
        bool isPrepared = !filler.ContainsAnyExcept(TfsFrame.EndOfSegment);
        for (int sector = Used; sector < SizeBytes && isPrepared; sector += SectorBytes)
        {
            isPrepared = _bytes[sector] == TfsFrame.EndOfLog && !_bytes.AsSpan(sector + 1, SectorBytes - 1).ContainsAnyExcept((byte)0);
        }
        if (!isPrepared)
        {
            unprepared = first;
            filler.Fill(TfsFrame.EndOfSegment);
            Prepare(_bytes.AsSpan(Used, SizeBytes - Used));
        }
        return Errno.None;
    }

    /// <summary>Gives the memory back; <see cref="Used"/> and <see cref="StartSector"/> stay.</summary>
    public void Release()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    /// <summary>Appends as much of a record as belongs here.</summary>
    /// <param name="record">The encoded record.</param>
    /// <param name="done">Bytes of it that were placed already, in an earlier extension; 0 at first.</param>
    /// <param name="endBytes">Where frames must end, a sector's start.</param>
    /// <returns>The new <paramref name="done"/>; less than the record's length when this extension is full.</returns>
    public int Append(ReadOnlySpan<byte> record, int done, int endBytes)
    {
        while (done < record.Length && Used < endBytes)
        {
            int rest = record.Length - done;
            int room = RoomInSector;
            int head = done == 0 ? 1 + TfsVarint.LengthOf((ulong)record.Length) : 1;
            int here = LargestPiece(room - head, rest);
            bool beginsHere = here == rest || room == SectorBytes
                || (room >= MinFirstPieceBytes && (done > 0 || FrameBytes(record.Length) > SectorBytes));
            if (beginsHere)
            {
                Place(record, done, here);
                done += here;
            }
            if (done < record.Length)
            {
                PadSector();
            }
        }
        return done;
    }

    /// <summary>Length of the frame that holds a whole record of <paramref name="recordBytes"/>.</summary>
    public static int FrameBytes(int recordBytes) => 1 + (2 * TfsVarint.LengthOf((ulong)recordBytes)) + recordBytes;

    /// <summary>Begins a commit in a fresh sector with its mark.</summary>
    public void MarkCommit()
    {
        PadSector();
        CommitRecord.Mark.CopyTo(_bytes.AsSpan(Used));
        Used += CommitRecord.Mark.Length;
    }

    /// <summary>Fills the rest of the sector in use with END_OF_SEGMENT, which readers skip.</summary>
    public void PadSector()
    {
        int rest = (SectorBytes - (Used % SectorBytes)) % SectorBytes;
        _bytes.AsSpan(Used, rest).Fill(TfsFrame.EndOfSegment);
        Used += rest;
    }

    /// <summary>Ends this extension with the link to the next one, in a sector of its own.</summary>
    public void Link(long startSector)
    {
        PadSector();
        Debug.Assert(Used + SectorBytes <= SizeBytes);
        int at = Used;
        _bytes[at++] = TfsFrame.ExtensionLink;
        at += TfsVarint.Write(_bytes.AsSpan(at), (ulong)startSector);
        at += TfsVarint.Write(_bytes.AsSpan(at), (ulong)TfsFormat.ExtensionSectors);
        _bytes[at] = TfsFrame.EndOfLog;
        Used += SectorBytes;
    }

    private void HaveBytes()
    {
        if (_bytes.Length == 0)
        {
            _bytes = ArrayPool<byte>.Shared.Rent(SizeBytes);
        }
    }

    // Sectors without content: END_OF_LOG, then zeros.
    private static void Prepare(Span<byte> sectors)
    {
        sectors.Clear();
        for (int sector = 0; sector < sectors.Length; sector += SectorBytes)
        {
            sectors[sector] = TfsFrame.EndOfLog;
        }
    }

    private static int SectorUp(int position) => (position + SectorBytes - 1) / SectorBytes * SectorBytes;

    private void Place(ReadOnlySpan<byte> record, int done, int here)
    {
        int at = Used;
        _bytes[at++] = done == 0 ? TfsFrame.TupleAvailable : TfsFrame.TupleExtended;
        if (done == 0)
        {
            at += TfsVarint.Write(_bytes.AsSpan(at), (ulong)record.Length);
        }
        at += TfsVarint.Write(_bytes.AsSpan(at), (ulong)here);
        record.Slice(done, here).CopyTo(_bytes.AsSpan(at));
        Used = at + here;
    }

    // The longest piece, up to `rest`, that fits into `room` together with its own length.
    private static int LargestPiece(int room, int rest)
    {
        int here = Math.Min(rest, room - 1);
        if (here > 0 && TfsVarint.LengthOf((ulong)here) + here > room)
        {
            here--;
        }
        return Math.Max(0, here);
    }
}
