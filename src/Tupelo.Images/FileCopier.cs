// Moves a host file's data to their places on the volume. Small pieces are read straight into the stager's buffers, which go out in
// large writes by another thread.
using Tupelo.Tfs;

namespace Tupelo.Images;

internal sealed class FileCopier(TfsImageBuilder builder, BuildProgress progress, bool countsForIdentity, CancellationToken cancellation)
{
    /// <summary>Copies all runs of <paramref name="file"/>.</summary>
    /// <exception cref="ImageException">It cannot be read, or it has become shorter than it was when its length was asked for.</exception>
    public void Copy(HostFile file, List<DataRun> runs)
    {
        uint crc = 0;
        foreach (DataRun run in runs)
        {
            crc = CopyRun(file, run, crc);
        }
        if (countsForIdentity)
        {
            Span<byte> bytes = stackalloc byte[sizeof(uint)];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes, crc);
            builder.AddToIdentity(bytes);
        }
    }

    private uint CopyRun(HostFile file, DataRun run, uint crc)
    {
        DataStager data = builder.Data;
        long done = 0;
        while (done < run.LengthBytes)
        {
            Span<byte> room = data.Room(run.VolumeOffsetBytes + done);
            if (room.Length > run.LengthBytes - done)
            {
                room = room[..(int)(run.LengthBytes - done)];
            }
            IoResult read = file.Read(run.FileOffsetBytes + done, room);
            if (!read.IsOk)
            {
                throw new ImageException("cannot read it", read.Errno);
            }
            if (read.Count < room.Length)
            {
                throw new ImageException($"it became shorter while it was read: {file.Entry.SizeBytes} bytes were expected, "
                    + $"{run.FileOffsetBytes + done + read.Count} found. Try again when nobody writes to it");
            }
            if (countsForIdentity)
            {
                crc = Crc32C.Append(crc, room);
            }
            data.Advance(room.Length);
            done += room.Length;
            progress.AddBytes(room.Length);
            cancellation.ThrowIfCancellationRequested();
        }
        data.PadSector();
        return crc;
    }
}
