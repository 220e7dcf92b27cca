using System.Buffers;
using Tupelo.Block;

namespace Tupelo;

/// <summary>Copies a device into a file: zeros become holes, the name comes last.</summary>
internal static class DeviceCopy
{
    private const int PieceBytes = 1 << 20;

    /// <exception cref="VolumeException">EEXIST; EIO; ENOSPC ...</exception>
    /// <exception cref="BlockDeviceException">The file cannot be made.</exception>
    public static void Save(BlockDevice source, string path)
    {
        if (File.Exists(path))
        {
            throw new VolumeException(Errno.EEXIST, path, $"'{path}' exists already.");
        }
        string temporary = path + "." + Guid.NewGuid().ToString("N") + "~";
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            using (FileBlockDevice target = FileBlockDevice.Open(temporary, new FileBlockDeviceOptions { Creation = FileCreation.New, SizeBytes = source.SizeBytes }))
            {
                for (long at = 0; at < source.SizeBytes; at += PieceBytes)
                {
                    Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(PieceBytes, source.SizeBytes - at));
                    Failure.ThrowIf(source.Read(at, piece), "read the volume", path);
                    if (piece.ContainsAnyExcept((byte)0))
                    {
                        Failure.ThrowIf(target.Write(at, piece), "write", path);
                    }
                }
                Failure.ThrowIf(target.Flush(), "make durable", path);
            }
            File.Move(temporary, path, overwrite: false);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
