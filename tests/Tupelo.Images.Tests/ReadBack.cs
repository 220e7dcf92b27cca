// Reads an image back with both readers: the product's and the independent one of the tests. Each gives the same listing, which is
// what tests compare with the host's tree.
using System.Security.Cryptography;
using System.Text;
using Tupelo.Block;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Images.Tests;

/// <summary>One entry of a tree as a line of text; names and targets are in Latin-1, so that any bytes are kept apart.</summary>
internal static class ReadBack
{
    public static string Line(string path, FileType type, ulong size, ulong links, string target, string hash) =>
        $"{path} {type} size={size} nlink={links} ->{target} {hash}";

    public static string Latin1(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public static ImageBytes Open(string path, out FileStream stream)
    {
        FileStream opened = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream = opened;
        return new ImageBytes(opened.Length, (offset, buffer) =>
        {
            opened.Position = offset;
            opened.ReadExactly(buffer);
        });
    }

    public static List<string> ListIndependently(string path, bool hash = true, bool plain = false) => ListIndependently(path, hash, plain, out _);

    public static List<string> ListIndependently(string path, bool hash, bool plain, out IndependentVolume volume)
    {
        ImageBytes bytes = Open(path, out FileStream stream);
        using (stream)
        {
            volume = IndependentVolume.Read(bytes);
            Assert.Empty(VolumeLint.Check(volume, bytes, new LintOptions(Plain: plain)));
            List<string> lines = [];
            foreach (ImageEntry entry in volume.Entries)
            {
                FileType type = entry.Kind switch
                {
                    ImageEntryKind.Directory => FileType.Directory,
                    ImageEntryKind.File => FileType.Regular,
                    ImageEntryKind.Symlink => FileType.Symlink,
                    ImageEntryKind.Socket => FileType.Socket,
                    ImageEntryKind.Fifo => FileType.Fifo,
                    ImageEntryKind.CharDevice => FileType.CharDevice,
                    ImageEntryKind.BlockDevice => FileType.BlockDevice,
                    _ => FileType.Unknown,
                };
                lines.Add(Line(Latin1(entry.Path), type, type == FileType.Regular ? entry.Size : 0,
                    type == FileType.Directory ? 0 : entry.LinkCount, Latin1(entry.Target),
                    hash && type == FileType.Regular ? volume.HashContent(entry) : ""));
            }
            lines.Sort(StringComparer.Ordinal);
            return lines;
        }
    }

    public static List<string> ListWithProduct(string path, bool hash = true)
    {
        using FileBlockDevice device = FileBlockDevice.Open(path, new FileBlockDeviceOptions { ReadOnly = true });
        TfsVolume volume = TfsVolume.Open(device);
        Assert.Empty(volume.Faults);
        List<string> lines = [];
        Stack<(string Path, TfsNode Node)> todo = new([("/", volume.Root)]);
        byte[] buffer = new byte[1 << 20];
        while (todo.TryPop(out (string Path, TfsNode Node) one))
        {
            volume.GetStat(one.Node, out Stat stat);
            string content = "";
            if (stat.Type == FileType.Regular && hash)
            {
                Assert.Equal(Errno.None, volume.OpenFile(one.Node, out TfsFileReader? file));
                using IncrementalHash sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                long at = 0;
                while (file!.Read(at, buffer) is { IsOk: true, Count: > 0 } read)
                {
                    sha.AppendData(buffer, 0, (int)read.Count);
                    at += read.Count;
                }
                Assert.Equal(stat.SizeBytes, at);
                content = Convert.ToHexStringLower(sha.GetHashAndReset());
            }
            lines.Add(Line(one.Path, stat.Type, stat.Type == FileType.Regular ? (ulong)stat.SizeBytes : 0,
                stat.Type == FileType.Directory ? 0 : stat.LinkCount,
                stat.Type == FileType.Symlink ? Latin1(volume.TargetOf(one.Node)) : "", content));
            if (stat.Type == FileType.Directory)
            {
                foreach (TfsDirectoryEntries entry in volume.EntriesOf(one.Node))
                {
                    todo.Push(((one.Path == "/" ? "" : one.Path) + "/" + Latin1(entry.Name), entry.Node));
                }
            }
        }
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }
}
