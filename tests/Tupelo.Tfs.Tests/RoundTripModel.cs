// A tree in memory that is built into a volume and then asked of both readers: the model of the round-trip tests. What a file holds is
// computed from its number and the offset, so that a file of terabytes costs nothing.
using System.Text;
using Tupelo.Block;
using Tupelo.Testing.Images;

namespace Tupelo.Tfs.Tests;

internal sealed class ModelEntry
{
    public required byte[] Name { get; init; }

    public required FileType Type { get; init; }

    /// <summary>Of a directory.</summary>
    public List<ModelEntry> Children { get; } = [];

    public long SizeBytes { get; init; }

    /// <summary>Parts of a file that hold data; the rest are holes.</summary>
    public List<DataRange> Ranges { get; init; } = [];

    /// <summary>Data are computed from it; 0 for data that are zeros.</summary>
    public int ContentSeed { get; init; }

    public byte[] Target { get; init; } = [];

    public TfsEntryAttributes Attributes { get; init; } = new();

    /// <summary>The file that this is another name of.</summary>
    public ModelEntry? LinkOf { get; init; }

    public uint Links { get; set; } = 1;

    public uint Handle { get; set; }

    public ModelEntry Object => LinkOf ?? this;

    public void Fill(long offsetBytes, Span<byte> buffer)
    {
        if (ContentSeed == 0)
        {
            buffer.Clear();
            return;
        }
        for (int i = 0; i < buffer.Length; i++)
        {
            ulong at = (ulong)(offsetBytes + i);
            buffer[i] = (byte)(((at + (ulong)ContentSeed) * 0x9e3779b97f4a7c15 >> 56) | 1); // never 0, so that zeros are holes
        }
    }

    /// <summary>What a reader must give: data inside of the ranges, zeros elsewhere.</summary>
    public void Expect(long offsetBytes, Span<byte> buffer)
    {
        buffer.Clear();
        foreach (DataRange range in Ranges)
        {
            long first = Math.Max(offsetBytes, range.OffsetBytes);
            long last = Math.Min(offsetBytes + buffer.Length, range.OffsetBytes + range.LengthBytes);
            if (first < last)
            {
                Fill(first, buffer[(int)(first - offsetBytes)..(int)(last - offsetBytes)]);
            }
        }
    }

    public static ModelEntry Directory(string name) => new() { Name = Encoding.UTF8.GetBytes(name), Type = FileType.Directory };

    public static ModelEntry File(string name, long sizeBytes, int contentSeed = 1) => new()
    {
        Name = Encoding.UTF8.GetBytes(name),
        Type = FileType.Regular,
        SizeBytes = sizeBytes,
        Ranges = sizeBytes == 0 ? [] : [new DataRange(0, sizeBytes)],
        ContentSeed = contentSeed,
    };
}

internal sealed class RoundTripModel(TfsBuildOptions options)
{
    private const int CompareBytes = 1 << 16;

    public ModelEntry Root { get; } = ModelEntry.Directory("");

    public TfsBuildOptions Options { get; } = options;

    public TfsBuildSummary? Summary { get; private set; }

    /// <summary>Builds the volume.</summary>
    public MemoryBlockDevice Build(long fixedSizeBytes = 0)
    {
        var device = new MemoryBlockDevice(fixedSizeBytes);
        using var builder = new TfsImageBuilder(device, Options);
        var waiting = new Stack<(ModelEntry Directory, uint Handle)>();
        var linked = new List<ModelEntry>();
        var links = new List<(uint Parent, ModelEntry Link)>();
        waiting.Push((Root, builder.RootDirectory));
        var runs = new List<DataRun>();
        byte[] buffer = new byte[CompareBytes];
        while (waiting.TryPop(out (ModelEntry Directory, uint Handle) item))
        {
            foreach (ModelEntry entry in item.Directory.Children)
            {
                if (entry.LinkOf is not null)
                {
                    links.Add((item.Handle, entry));
                    continue;
                }
                entry.Handle = entry.Type switch
                {
                    FileType.Directory => builder.AddDirectory(item.Handle, entry.Name, entry.Attributes),
                    FileType.Symlink => builder.AddSymlink(item.Handle, entry.Name, entry.Attributes, entry.Target),
                    FileType.Regular => builder.AddFile(
                        item.Handle, entry.Name, entry.Attributes, entry.SizeBytes, entry.Ranges.ToArray(), runs),
                    _ => builder.AddSpecial(item.Handle, entry.Name, entry.Attributes, entry.Type),
                };
                if (entry.Type == FileType.Directory)
                {
                    waiting.Push((entry, entry.Handle));
                }
                else if (entry.Type == FileType.Regular)
                {
                    WriteData(builder, entry, runs, buffer);
                    if (entry.Links > 1)
                    {
                        linked.Add(entry);
                    }
                }
            }
        }
        foreach ((uint parent, ModelEntry link) in links)
        {
            builder.AddLink(parent, link.Name, link.LinkOf!.Handle);
        }
        foreach (ModelEntry entry in linked)
        {
            builder.SetLinkCount(entry.Handle, entry.Links);
        }
        Summary = builder.Complete();
        return device;
    }

    private static void WriteData(TfsImageBuilder builder, ModelEntry entry, List<DataRun> runs, byte[] buffer)
    {
        if (entry.ContentSeed == 0)
        {
            return;
        }
        foreach (DataRun run in runs)
        {
            for (long done = 0; done < run.LengthBytes; done += buffer.Length)
            {
                Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, run.LengthBytes - done));
                entry.Fill(run.FileOffsetBytes + done, part);
                builder.Data.Write(run.VolumeOffsetBytes + done, part);
            }
            builder.Data.PadSector();
        }
    }

    /// <summary>Builds the volume and compares: the product's reader, the independent reader, and the lint of what was written.</summary>
    public void AssertRoundTrip(bool readAll = true)
    {
        using MemoryBlockDevice device = Build();
        AssertReadsBack(device, readAll);
    }

    public void AssertReadsBack(BlockDevice device, bool readAll = true)
    {
        var bytes = new ImageBytes(device.SizeBytes, (offset, buffer) => Assert.Equal(Errno.None, device.Read(offset, buffer)));
        IndependentVolume independent = IndependentVolume.Read(bytes);
        Assert.Empty(VolumeLint.Check(independent, bytes, new LintOptions(Options.Plain)));
        Assert.Equal(Options.Label, Encoding.UTF8.GetString(independent.Log.Label));
        Assert.Equal(Summary!.Uuid, independent.Log.Uuid);

        TfsVolume volume = TfsVolume.Open(device);
        Assert.Empty(volume.Faults);
        Assert.Equal(independent.Log.Records.Count, volume.Log.RecordCount);
        Assert.Equal(independent.Log.DictionaryEntries, volume.Log.DictionaryCount);

        Dictionary<string, ImageEntry> found = independent.Entries.ToDictionary(entry => Encoding.Latin1.GetString(entry.Path), StringComparer.Ordinal);
        int expected = 0;
        var waiting = new Stack<(ModelEntry Entry, TfsNode Node, string Path)>();
        waiting.Push((Root, volume.Root, ""));
        var nodes = new Dictionary<ModelEntry, TfsNode>();
        while (waiting.TryPop(out (ModelEntry Entry, TfsNode Node, string Path) item))
        {
            expected++;
            Assert.True(found.TryGetValue(item.Path.Length == 0 ? "/" : item.Path, out ImageEntry? entry), $"{item.Path} is missing");
            Assert.Equal(nodes.TryAdd(item.Entry.Object, item.Node) ? item.Node : nodes[item.Entry.Object], item.Node);
            AssertSame(item.Entry.Object, volume, item.Node, independent, entry, readAll);
            if (item.Entry.Type == FileType.Directory)
            {
                Assert.Equal(item.Entry.Children.Count, volume.EntryCountOf(item.Node));
            }
            foreach (ModelEntry child in item.Entry.Children)
            {
                Assert.Equal(Errno.None, volume.Lookup(item.Node, child.Name, out TfsNode node));
                waiting.Push((child, node, item.Path + "/" + Encoding.Latin1.GetString(child.Name)));
            }
        }
        Assert.Equal(expected, independent.Entries.Count);
    }

    private void AssertSame(ModelEntry model, TfsVolume volume, TfsNode node, IndependentVolume independent, ImageEntry entry, bool readAll)
    {
        volume.GetStat(node, out Stat stat);
        Assert.Equal(model.Type, volume.TypeOf(node));
        Assert.Equal(IndependentListing.TypeName(entry.Kind), TypeName(model.Type));
        if (model.Type == FileType.Directory)
        {
            return;
        }
        Assert.Equal(model.Links, stat.LinkCount);
        Assert.Equal(model.Links, entry.LinkCount);
        if (!Options.Plain && model.Attributes.Mode is { } mode)
        {
            Assert.Equal(mode, stat.Mode);
            Assert.Equal((model.Attributes.Uid, model.Attributes.Gid), (stat.Uid, stat.Gid));
            Assert.Equal(mode, entry.Tuple["tupelo_mode"]!.AsNumber());
            Assert.Equal(model.Attributes.ModifyTime ?? default, stat.ModifyTime);
            Assert.Equal(model.Attributes.Device ?? 0, stat.RawDevice);
        }
        if (model.Type == FileType.Symlink)
        {
            Assert.Equal(model.Target, volume.TargetOf(node));
            Assert.Equal(model.Target, entry.Target);
        }
        if (model.Type != FileType.Regular)
        {
            return;
        }
        Assert.Equal(model.SizeBytes, stat.SizeBytes);
        Assert.Equal((ulong)model.SizeBytes, entry.Size);
        Assert.Equal(Errno.None, volume.OpenFile(node, out TfsFileReader? file));
        foreach ((long offset, int length) in Places(model, readAll))
        {
            byte[] want = new byte[length];
            byte[] got = new byte[length];
            model.Expect(offset, want);
            Assert.Equal(length, file!.Read(offset, got).Count);
            Assert.True(want.AsSpan().SequenceEqual(got), $"content at {offset} of {Encoding.Latin1.GetString(model.Name)}");
            independent.ReadContent(entry, (ulong)offset, got);
            Assert.True(want.AsSpan().SequenceEqual(got), $"content at {offset} of {Encoding.Latin1.GetString(model.Name)}, independently");
        }
        AssertHoles(model, file!);
    }

    // All of a file, or what lies around the ends of its data.
    private static IEnumerable<(long Offset, int Length)> Places(ModelEntry model, bool readAll)
    {
        if (readAll)
        {
            for (long offset = 0; offset < model.SizeBytes; offset += CompareBytes)
            {
                yield return (offset, (int)Math.Min(CompareBytes, model.SizeBytes - offset));
            }
            yield break;
        }
        foreach (long edge in model.Ranges.SelectMany(range => new[] { range.OffsetBytes, range.OffsetBytes + range.LengthBytes })
            .Append(0).Append(model.SizeBytes))
        {
            long first = Math.Max(0, edge - 1500);
            long last = Math.Min(model.SizeBytes, edge + 1500);
            if (first < last)
            {
                yield return (first, (int)(last - first));
            }
        }
    }

    private static void AssertHoles(ModelEntry model, TfsFileReader file)
    {
        long at = 0;
        foreach (DataRange range in model.Ranges)
        {
            Assert.Equal(range.OffsetBytes, file.NextData(at));
            at = Math.Min(model.SizeBytes, (range.OffsetBytes + range.LengthBytes + 511) / 512 * 512);
            if (!model.Ranges.Any(next => next.OffsetBytes == at))
            {
                Assert.Equal(at, file.NextHole(range.OffsetBytes));
            }
        }
        Assert.Equal(-1, file.NextData(at));
    }

    private static string TypeName(FileType type) => type switch
    {
        FileType.Directory => "dir",
        FileType.Regular => "file",
        FileType.Symlink => "symlink",
        FileType.Socket => "socket",
        FileType.Fifo => "fifo",
        FileType.CharDevice => "char",
        FileType.BlockDevice => "block",
        _ => "unknown",
    };

    /// <summary>A random tree; the same for the same seed.</summary>
    public static RoundTripModel Random(int seed, int entries)
    {
        var random = new Random(seed);
        bool plain = random.Next(4) == 0;
        var model = new RoundTripModel(new TfsBuildOptions
        {
            Plain = plain,
            Label = new string('l', random.Next(32)),
            Uuid = random.Next(2) == 0 ? null : RandomBytes(random, 16),
            FreeBytes = random.Next(3) * 100_000,
            RootAttributes = RandomAttributes(random, random.Next(4)),
        });
        var directories = new List<(ModelEntry Directory, HashSet<string> Names)> { (model.Root, new(StringComparer.Ordinal)) };
        var files = new List<ModelEntry>();
        for (int i = 0; i < entries; i++)
        {
            (ModelEntry parent, HashSet<string> names) = random.Next(3) == 0 ? directories[^1] : directories[random.Next(directories.Count)];
            byte[] name = RandomName(random);
            if (!names.Add(Encoding.Latin1.GetString(name)))
            {
                continue;
            }
            ModelEntry entry = RandomEntry(random, name, plain, files);
            parent.Children.Add(entry);
            if (entry.Type == FileType.Directory)
            {
                directories.Add((entry, new(StringComparer.Ordinal)));
            }
            else if (entry is { Type: FileType.Regular, LinkOf: null })
            {
                files.Add(entry);
            }
        }
        return model;
    }

    private static ModelEntry RandomEntry(Random random, byte[] name, bool plain, List<ModelEntry> files)
    {
        FileType type = random.Next(20) switch
        {
            < 5 => FileType.Directory,
            < 8 => FileType.Symlink,
            8 => FileType.Socket,
            9 when !plain => random.Next(3) switch { 0 => FileType.Fifo, 1 => FileType.CharDevice, _ => FileType.BlockDevice },
            _ => FileType.Regular,
        };
        if (type == FileType.Regular && files.Count > 0 && random.Next(8) == 0)
        {
            ModelEntry linked = files[random.Next(files.Count)];
            linked.Links++;
            return new ModelEntry { Name = name, Type = type, LinkOf = linked };
        }
        TfsEntryAttributes attributes = new();
        if (!plain && (random.Next(2) == 0 || type is FileType.Fifo or FileType.CharDevice or FileType.BlockDevice))
        {
            attributes.Mode = Mode.OfType(type) | (uint)random.Next(0x1000);
            attributes.Uid = (uint)random.Next();
            attributes.Gid = (uint)random.Next(3);
            attributes.ModifyTime = new Timespec(random.Next(), random.Next(1_000_000_000));
            attributes.Device = type is FileType.CharDevice or FileType.BlockDevice ? (ulong)random.Next(1 << 20) : null;
            if (random.Next(4) == 0)
            {
                attributes.Others.Add(new(new AttributeName("user.note"u8), new StringLiteral(RandomBytes(random, random.Next(800)))));
            }
        }
        long size = type == FileType.Regular ? RandomSize(random) : 0;
        return new ModelEntry
        {
            Name = name,
            Type = type,
            Attributes = attributes,
            SizeBytes = size,
            ContentSeed = 1 + random.Next(1 << 20),
            Ranges = RandomRanges(random, size),
            Target = type == FileType.Symlink ? RandomTarget(random) : [],
        };
    }

    private static long RandomSize(Random random) => random.Next(8) switch
    {
        0 => 0,
        1 => random.Next(2000),
        2 => (512 * random.Next(1, 20)) + random.Next(-1, 2),
        3 => (4096 * random.Next(1, 20)) + random.Next(-1, 2),
        4 => 65536 + random.Next(-1, 2),
        5 => random.Next(200_000),
        _ => random.Next(600),
    };

    private static List<DataRange> RandomRanges(Random random, long size)
    {
        if (size == 0)
        {
            return [];
        }
        if (random.Next(3) != 0)
        {
            return [new DataRange(0, size)];
        }
        var ranges = new List<DataRange>();
        long at = 512 * random.Next(3);
        while (at < size)
        {
            long length = Math.Min(size - at, random.Next(2) == 0 ? 512 * random.Next(1, 9) : random.Next(1, 3000));
            ranges.Add(new DataRange(at, length));
            at = ((at + length + 511) / 512 * 512) + (512 * random.Next(1, 5));
        }
        return ranges;
    }

    private static byte[] RandomName(Random random)
    {
        int length = random.Next(10) switch { 0 => 255, 1 => 254, 2 => random.Next(1, 256), _ => random.Next(1, 20) };
        while (true)
        {
            byte[] name = RandomBytes(random, length);
            for (int i = 0; i < name.Length; i++)
            {
                name[i] = name[i] is 0 or (byte)'/' ? (byte)'x' : name[i];
            }
            if (TfsName.IsValid(name))
            {
                return name;
            }
        }
    }

    private static byte[] RandomTarget(Random random)
    {
        byte[] target = RandomBytes(random, random.Next(4) == 0 ? random.Next(1, 4096) : random.Next(1, 60));
        for (int i = 0; i < target.Length; i++)
        {
            target[i] = target[i] == 0 ? (byte)'/' : target[i];
        }
        return target;
    }

    private static TupleLiteral RandomAttributes(Random random, int count)
    {
        var tuple = new TupleLiteral();
        for (int i = 0; i < count; i++)
        {
            TfsLiteral value = random.Next(5) switch
            {
                0 => new IntegerLiteral((ulong)random.NextInt64(), random.Next(2) == 0),
                1 => NullLiteral.Instance,
                2 => RandomAttributes(random, random.Next(3)),
                3 => new VectorLiteral(),
                _ => new StringLiteral(RandomBytes(random, random.Next(1, 700))),
            };
            if (value is VectorLiteral vector)
            {
                vector.Add(new StringLiteral("one"));
                vector.Add(RandomAttributes(random, 1));
                vector.Add(new VectorLiteral());
            }
            tuple.Set(Encoding.UTF8.GetBytes("config" + i), value);
        }
        return tuple;
    }

    private static byte[] RandomBytes(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
