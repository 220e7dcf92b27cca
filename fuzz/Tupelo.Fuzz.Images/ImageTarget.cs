// What the fuzzer does with an image: everything that a reader can be asked for, and a digest of all that it answered.
//
// Allowed: success, TfsFormatException, an Errno. Whatever else is thrown escapes to the judge. Content is read up to a budget, since
// a file may claim any length.
using System.Text;
using Tupelo.Tfs;

namespace Tupelo.Fuzz.Images;

/// <summary>How a reader took an image.</summary>
/// <param name="Digest">Of every answer.</param>
/// <param name="Refused">The message, when the volume could not be opened.</param>
/// <param name="Faults">Damage that was survived.</param>
/// <param name="Outside">The first read that left the device, which is never allowed.</param>
public readonly record struct ImageOutcome(ulong Digest, string? Refused, int Faults, string? Outside);

public static class ImageTarget
{
    private const int ReadBudgetBytes = 1 << 20;

    public static ImageOutcome Run(byte[] image)
    {
        using var device = new ArrayBlockDevice(image);
        var digest = new Digest();
        TfsVolume volume;
        try
        {
            volume = TfsVolume.Open(device);
        }
        catch (TfsFormatException refused)
        {
            digest.Add(refused.Message);
            digest.Add((ulong)refused.Errno);
            return new ImageOutcome(digest.Value, refused.Message, 0, device.Outside);
        }
        DigestHeader(volume, ref digest);
        Walk(volume, ref digest);
        DigestNodes(volume, ref digest);
        DumpAttributes(volume, ref digest);
        TfsSpaceMap space = TfsSpaceMap.Build(volume);
        digest.Add((ulong)space.DataSectors);
        digest.Add((ulong)space.LargestFreeRun);
        digest.Add((ulong)space.Faults.Count);
        return new ImageOutcome(digest.Value, null, volume.Faults.Count, device.Outside);
    }

    private static void DigestHeader(TfsVolume volume, ref Digest digest)
    {
        digest.Add(volume.Uuid);
        digest.Add(volume.Label);
        digest.Add((ulong)volume.Log.RecordCount);
        digest.Add((ulong)volume.Log.CommitCount);
        digest.Add((ulong)volume.Log.DictionaryCount);
        foreach (TfsLogExtension extension in volume.Log.Extensions)
        {
            digest.Add((ulong)extension.UsedBytes);
        }
        foreach (TfsFault fault in volume.Faults)
        {
            digest.Add(fault.Message);
        }
    }

    // Every name, by paths, as `ls -R` goes.
    private static void Walk(TfsVolume volume, ref Digest digest)
    {
        var directories = new Stack<(TfsNode Node, int Depth)>();
        directories.Push((volume.Root, 0));
        int resolved = 0;
        while (directories.TryPop(out (TfsNode Node, int Depth) directory))
        {
            int count = 0;
            foreach (TfsDirectoryEntries entry in volume.EntriesOf(directory.Node))
            {
                count++;
                Require(TfsName.IsValid(entry.Name), "an impossible name is listed");
                digest.Add(entry.Name);
                digest.Add((ulong)directory.Depth);
                Require(volume.Lookup(directory.Node, entry.Name, out TfsNode found) == Errno.None && found == entry.Node, "a listed name is not found");
                FileType type = volume.TypeOf(entry.Node);
                digest.Add((ulong)type);
                if (type == FileType.Directory)
                {
                    directories.Push((entry.Node, directory.Depth + 1));
                }
                else if (type == FileType.Symlink)
                {
                    digest.Add(volume.TargetOf(entry.Node));
                }
                if (directory.Depth == 0 && ++resolved <= 32)
                {
                    digest.Add((ulong)volume.Resolve(entry.Name, followLast: true, out TfsNode end));
                    digest.Add((ulong)end.Id);
                    digest.Add((ulong)volume.Resolve([.. "/"u8, .. entry.Name, .. "/../x"u8], followLast: false, out end));
                }
            }
            Require(count == volume.EntryCountOf(directory.Node), "a directory's entries are not as many as it says");
        }
    }

    // Every file object once: stat, extents, content.
    private static void DigestNodes(TfsVolume volume, ref Digest digest)
    {
        byte[] buffer = new byte[8192];
        int budget = ReadBudgetBytes;
        var extents = new List<TfsExtent>();
        foreach (TfsNode node in volume.AllNodes())
        {
            volume.GetStat(node, out Stat stat);
            digest.Add((ulong)stat.SizeBytes);
            digest.Add(stat.Mode);
            digest.Add(((ulong)stat.Uid << 32) | stat.Gid);
            digest.Add(stat.LinkCount);
            digest.Add((ulong)stat.Blocks512);
            digest.Add((ulong)stat.ModifyTime.Seconds);
            digest.Add(stat.RawDevice);
            Require(stat.SizeBytes >= 0, "a negative size");
            Errno errno = volume.OpenFile(node, out TfsFileReader? file);
            digest.Add((ulong)errno);
            digest.Add((ulong)volume.GetExtents(node, extents));
            if (file is null)
            {
                continue;
            }
            long length = file.LengthBytes;
            foreach (long start in (ReadOnlySpan<long>)[0, length - 1, length / 2, long.MaxValue])
            {
                ReadSome(file, start, start == 0 ? 65536 : 2000, buffer, ref budget, ref digest);
            }
            digest.Add((ulong)file.NextData(0));
            digest.Add((ulong)file.NextHole(0));
            digest.Add((ulong)file.NextData(length / 2));
            digest.Add((ulong)file.NextHole(length / 2));
        }
    }

    private static void ReadSome(TfsFileReader file, long offset, int wanted, byte[] buffer, ref int budget, ref Digest digest)
    {
        for (int done = 0; done < wanted && budget > 0;)
        {
            IoResult read = file.Read(offset, buffer);
            digest.Add((ulong)read.Raw);
            if (!read.IsOk || read.Count == 0)
            {
                Require(!read.IsOk || offset >= file.LengthBytes || offset < 0, "nothing is read inside of a file");
                return;
            }
            digest.Add(buffer.AsSpan(0, (int)read.Count));
            offset += read.Count;
            done += (int)read.Count;
            budget -= (int)read.Count;
        }
    }

    // Every tuple that can be reached, as `dump` goes: the graph may have cycles.
    private static void DumpAttributes(TfsVolume volume, ref Digest digest)
    {
        var seen = new System.Collections.BitArray(volume.HighestNodeId + 1);
        var waiting = new Stack<TfsNode>();
        waiting.Push(volume.Root);
        while (waiting.TryPop(out TfsNode node))
        {
            if (seen[node.Id])
            {
                continue;
            }
            seen[node.Id] = true;
            foreach (TfsAttributes attribute in volume.AttributesOf(node))
            {
                digest.Add(attribute.Name);
                TfsValue value = attribute.Value;
                digest.Add((ulong)value.Kind);
                digest.Add(value.Bytes);
                digest.Add(value.TryGetNumber(out ulong number) ? number : 7);
                digest.Add(value.IsNull ? 1u : 0);
                if (!value.Composite.IsNone)
                {
                    waiting.Push(value.Composite);
                }
            }
            digest.Add((ulong)volume.AttributeOf(node, "children"u8).Kind);
        }
    }

    /// <summary>For messages: what the reader made of an image.</summary>
    public static string Describe(byte[] image)
    {
        ImageOutcome outcome = Run(image);
        return outcome.Refused is null
            ? new StringBuilder("opened").Append(outcome.Faults > 0 ? $" with {outcome.Faults} faults" : "").ToString()
            : "refused: " + outcome.Refused;
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new FuzzInvariantException(message);
        }
    }
}

/// <summary>The reader contradicts itself.</summary>
public sealed class FuzzInvariantException(string message) : Exception(message);
