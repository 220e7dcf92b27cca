// What workloads start from: a small volume with some files, all durable, and the oracle's tree of it. The space that nothing uses holds
// zeros, or random bytes, or what a cunning past may have left: pieces of a valid log, and the data of other files. What a crash leaves
// unwritten shows that.
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Fuzz.Crash;

/// <summary>What free space holds.</summary>
internal enum StaleContent
{
    Zeros,
    Random,

    /// <summary>Log extensions, commits and stamped data of another volume.</summary>
    OldVolume,
}

/// <summary>How a base volume is made; also its name in saved cases.</summary>
/// <param name="SizeBytes">Length.</param>
/// <param name="Stale">What free space holds.</param>
/// <param name="HasFiles">Whether there are some files and directories.</param>
/// <param name="LogSectorsLeft">How many sectors the log's extension has left; 0: nearly all of them.</param>
internal sealed record BaseVolumeOptions(int SizeBytes, StaleContent Stale, bool HasFiles, int LogSectorsLeft = 0)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{SizeBytes} {Stale} {HasFiles} {LogSectorsLeft}");

    public static BaseVolumeOptions Parse(string text)
    {
        string[] parts = text.Split(' ');
        return new BaseVolumeOptions(int.Parse(parts[0], CultureInfo.InvariantCulture), Enum.Parse<StaleContent>(parts[1]), bool.Parse(parts[2]), int.Parse(parts[3], CultureInfo.InvariantCulture));
    }
}

internal sealed class BaseVolume
{
    private static readonly ConcurrentDictionary<BaseVolumeOptions, Lazy<BaseVolume>> Made = new();

    // What is there at the beginning: something to remove, to replace, to cut, with one and with two names.
    private static readonly CrashOperation[] Files =
    [
        new(OperationKind.MakeDirectory, "/A"),
        new(OperationKind.MakeDirectory, "/B"),
        new(OperationKind.Write, "/foo", "", 0, 12288),
        new(OperationKind.Append, "/foo", "", 500),
        new(OperationKind.Write, "/A/foo", "", 0, 5000),
        new(OperationKind.Link, "/A/foo", "/A/twin"),
        new(OperationKind.SetXattr, "/foo", "old", 30),
    ];

    private readonly ModelTree _tree;

    private BaseVolume(BaseVolumeOptions options)
    {
        Options = options;
        using var device = new MemoryBlockDevice(options.SizeBytes);
        FillFree(device, options.Stale);
        using (var builder = new TfsImageBuilder(device, new TfsBuildOptions { FixedSize = true, MinSizeBytes = options.SizeBytes, Uuid = new byte[16] }))
        {
            _ = builder.Complete();
        }
        _tree = new ModelTree();
        var clock = new StepClock();
        var machine = new CrashMachine(device, clock);
        int step = 30_000; // apart from the steps of workloads
        foreach (CrashOperation operation in options.HasFiles ? Files : [])
        {
            Do(machine, clock, operation, ++step);
        }
        machine.Dispose();
        while (options.LogSectorsLeft > 0 && SectorsLeft(device) is var left && left > options.LogSectorsLeft)
        {
            // A large value takes about as many sectors as it is long; small ones at the end take one each.
            int length = left - options.LogSectorsLeft > 80 ? 15000 : 100;
            machine = new CrashMachine(device, clock);
            Do(machine, clock, new CrashOperation(OperationKind.SetXattr, "/", "pad", length), ++step);
            machine.Dispose();
        }
        FreeRuns = TfsSpaceMap.Build(TfsVolume.Open(device)).FreeRuns;
        Image = CopyOnWriteImage.FromDevice(device).Freeze();
        Identity = Digest.Of(Encoding.UTF8.GetBytes(options.ToString()));
    }

    /// <summary>Tells its states from those of other base volumes.</summary>
    public UInt128 Identity { get; }

    public BaseVolumeOptions Options { get; }

    /// <summary>The device's content. Frozen.</summary>
    public CopyOnWriteImage Image { get; }

    /// <summary>Sectors that hold nothing.</summary>
    public IReadOnlyList<(long StartSector, long SectorCount)> FreeRuns { get; }

    /// <summary>The base volume of these options; made once.</summary>
    public static BaseVolume Of(BaseVolumeOptions options) => Made.GetOrAdd(options, static key => new Lazy<BaseVolume>(() => new BaseVolume(key))).Value;

    /// <summary>A copy of the oracle's tree, all of it durable as of step 0.</summary>
    public ModelTree Tree() => _tree.Copy();

    // Up to the two that the log keeps for itself.
    private static int SectorsLeft(BlockDevice device)
    {
        TfsLogExtension last = TfsVolume.Open(device).Log.Extensions[^1];
        return (int)(last.SectorCount - 2 - ((last.UsedBytes + 510) / 512));
    }

    private void Do(CrashMachine machine, StepClock clock, CrashOperation operation, int step)
    {
        clock.Step = step;
        long result = machine.Execute(operation, step, _tree.IdFor(operation), _tree.Find(operation.A)?.Content.Length ?? 0);
        if (result < 0)
        {
            throw new InvalidOperationException($"a base volume of {Options} cannot be made: {operation} gives {(Errno)(-result)}");
        }
        _tree.Apply(operation, step, result);
        foreach (string path in new[] { operation.A, operation.B })
        {
            if (_tree.Find(path) is { Type: FileType.Regular } file)
            {
                file.SetModifyTime(step, machine.ModifyTimeOf(path));
            }
        }
    }

    private static void FillFree(MemoryBlockDevice device, StaleContent stale)
    {
        if (stale == StaleContent.Zeros)
        {
            return;
        }
        byte[] bytes = new byte[device.SizeBytes];
        if (stale == StaleContent.Random)
        {
            new Random(1).NextBytes(bytes);
        }
        else
        {
            FillFromOldVolume(bytes);
        }
        Errno errno = device.Write(0, bytes);
        if (errno != Errno.None)
        {
            throw new InvalidOperationException($"memory cannot be written: {errno}");
        }
    }

    // The extension of a volume with a log of its own, and foreign stamps, in turns of 16 sectors, so that any place may hold either.
    private static void FillFromOldVolume(byte[] bytes)
    {
        BaseVolume old = Of(new BaseVolumeOptions(4 << 20, StaleContent.Zeros, true));
        TfsVolume volume = TfsVolume.Open(new ImageBlockDevice(old.Image.Snapshot(), readOnly: true));
        long start = volume.Log.Extensions[^1].StartSector * 512L;
        byte[] log = new byte[64 * 512];
        old.Image.Read(start, log);
        for (int at = 0; at < bytes.Length; at += 8192)
        {
            Span<byte> part = bytes.AsSpan(at, Math.Min(8192, bytes.Length - at));
            int turn = at / 8192 % 4;
            if (turn < 3)
            {
                log.AsSpan(turn * 16 * 512, part.Length).CopyTo(part);
            }
            else
            {
                Stamp.Fill(part, 0x7ABC, 0xDEAD, at);
            }
        }
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, 0);
    }
}
