// The standard tree as images of the file systems that are read from one. Made once per run, from StandardTree alone: tar by the
// runtime's writer, cpio here, rofs by its own writer, TFS by writing into a mounted volume.
using System.Formats.Tar;
using System.Globalization;
using System.Text;
using Tupelo.Block;
using Tupelo.FileSystems;
using Tupelo.Tfs;
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>Images that hold <see cref="StandardTree"/>.</summary>
public static class StandardImages
{
    private const Features Held = Features.Symlinks;

    private static readonly Lazy<byte[]> LazyTar = new(MakeTar);
    private static readonly Lazy<byte[]> LazyCpio = new(MakeCpio);
    private static readonly Lazy<byte[]> LazyRoFs = new(MakeRoFs);

    public static ReadOnlySpan<byte> Tar => LazyTar.Value;

    public static ReadOnlySpan<byte> Cpio => LazyCpio.Value;

    public static ReadOnlySpan<byte> RoFs => LazyRoFs.Value;

    /// <summary>A device with an empty TFS volume.</summary>
    public static MemoryBlockDevice EmptyTfs(long sizeBytes)
    {
        var device = new MemoryBlockDevice(sizeBytes);
        using var builder = new TfsImageBuilder(device, new TfsBuildOptions { FixedSize = true, MinSizeBytes = sizeBytes });
        builder.Complete();
        return device;
    }

    private static byte[] MakeTar()
    {
        var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (StandardEntry entry in StandardTree.Entries(Held))
            {
                TarEntryType type = entry.Type switch
                {
                    S_IFDIR => TarEntryType.Directory,
                    S_IFLNK => TarEntryType.SymbolicLink,
                    _ => TarEntryType.RegularFile,
                };
                var made = new PaxTarEntry(type, entry.Path) { Mode = (UnixFileMode)entry.Permissions };
                if (type == TarEntryType.SymbolicLink)
                {
                    made.LinkName = Encoding.UTF8.GetString(entry.Content.Span);
                }
                else if (type == TarEntryType.RegularFile)
                {
                    made.DataStream = new MemoryStream(entry.Content.ToArray());
                }
                writer.WriteEntry(made);
            }
        }
        return stream.ToArray();
    }

    private static byte[] MakeCpio()
    {
        var stream = new MemoryStream();
        int ino = 1;
        foreach (StandardEntry entry in StandardTree.Entries(Held))
        {
            AddCpio(stream, ino++, entry.Path, entry.Type | entry.Permissions, entry.Content.Span);
        }
        AddCpio(stream, 0, "TRAILER!!!", 0, default);
        return stream.ToArray();
    }

    // "newc": thirteen numbers of eight hexadecimal digits, the name with a NUL, the bytes; name and bytes end at multiples of four.
    private static void AddCpio(MemoryStream stream, int ino, string path, uint mode, ReadOnlySpan<byte> content)
    {
        byte[] name = Encoding.UTF8.GetBytes(path);
        long[] fields = [ino, mode, 0, 0, 1, 1_700_000_000, content.Length, 0, 0, 0, 0, name.Length + 1, 0];
        stream.Write(Encoding.ASCII.GetBytes("070701" + string.Concat(fields.Select(field => field.ToString("X8", CultureInfo.InvariantCulture)))));
        stream.Write(name);
        stream.WriteByte(0);
        Pad();
        stream.Write(content);
        Pad();

        void Pad()
        {
            while (stream.Length % 4 != 0)
            {
                stream.WriteByte(0);
            }
        }
    }

    private static byte[] MakeRoFs()
    {
        using Tupelo.Vfs.ReadOnlyTree tree = TarFileSystemType.OpenImage(new MemoryBlockDevice(Tar));
        var stream = new MemoryStream();
        RoFsWriter.Write(tree, stream);
        return stream.ToArray();
    }
}
