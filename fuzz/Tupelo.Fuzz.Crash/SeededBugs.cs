// Does the harness find anything? Each of these devices stands between the file system and the recorder and does to the writes what a bug
// in the file system would: forgets a flush, loses a sector, swaps data and log, spoils a checksum. The harness has to find every one.
// (Bugs in the source itself are seeded by `--mutants`: see SourceMutants.cs.)
using System.Buffers.Binary;
using Tupelo.Block;

namespace Tupelo.Fuzz.Crash;

/// <summary>What a write is, as its bytes tell.</summary>
internal enum WriteRole
{
    /// <summary>Sector 0.</summary>
    Header,

    /// <summary>A whole new log extension.</summary>
    Extension,

    /// <summary>Commits, or a part of one.</summary>
    Log,

    /// <summary>The link to another extension.</summary>
    Link,
    Data,
}

/// <summary>A bug by its name.</summary>
internal sealed record SeededBug(string Name, Func<BlockDevice, SeededBugDevice> Make)
{
    public static IReadOnlyList<SeededBug> All { get; } =
    [
        new("no flush at all", inner => new SeededBugDevice(inner) { DropsFlush = static _ => true }),
        new("no flush between data and log", inner => new SeededBugDevice(inner) { DropsFlush = static bug => bug.Last == WriteRole.Data }),
        new("no flush behind the log", inner => new SeededBugDevice(inner) { DropsFlush = static bug => bug.Last == WriteRole.Log }),
        new("no flush behind a new extension", inner => new SeededBugDevice(inner) { DropsFlush = static bug => bug.Last == WriteRole.Extension }),
        new("no flush behind sector 0", inner => new SeededBugDevice(inner) { DropsFlush = static bug => bug.Last == WriteRole.Header }),
        new("every second flush is forgotten", inner => new SeededBugDevice(inner) { DropsFlush = static bug => bug.Flushes % 2 == 1 }),
        new("every third flush is forgotten", inner => new SeededBugDevice(inner) { DropsFlush = static bug => bug.Flushes % 3 == 2 }),
        new("one flush in five is forgotten", inner => new SeededBugDevice(inner) { DropsFlush = static bug => bug.Flushes % 5 == 4 }),
        new("log writes lose their last sector", inner => new SeededBugDevice(inner) { Cuts = static (bug, role, bytes) => role == WriteRole.Log ? bytes.Length - 512 : bytes.Length }),
        new("log writes lose their first sector", inner => new SeededBugDevice(inner) { Skips = static (bug, role) => role == WriteRole.Log ? 512 : 0 }),
        new("every third log write is lost", inner => new SeededBugDevice(inner) { Skips = static (bug, role) => role == WriteRole.Log && bug.Writes % 3 == 0 ? int.MaxValue : 0 }),
        new("every second data write is lost", inner => new SeededBugDevice(inner) { Skips = static (bug, role) => role == WriteRole.Data && bug.Writes % 2 == 0 ? int.MaxValue : 0 }),
        new("data writes lose their last sector", inner => new SeededBugDevice(inner) { Cuts = static (bug, role, bytes) => role == WriteRole.Data ? bytes.Length - 512 : bytes.Length }),
        new("data writes lose their first sector", inner => new SeededBugDevice(inner) { Skips = static (bug, role) => role == WriteRole.Data ? 512 : 0 }),
        new("data writes lose their last byte", inner => new SeededBugDevice(inner) { Cuts = static (bug, role, bytes) => role == WriteRole.Data ? bytes.Length - 1 : bytes.Length }),
        new("data goes one sector too far", inner => new SeededBugDevice(inner) { Moves = static role => role == WriteRole.Data ? 512 : 0 }),
        new("data goes one page too far", inner => new SeededBugDevice(inner) { Moves = static role => role == WriteRole.Data ? 4096 : 0 }),
        new("log goes one sector too far", inner => new SeededBugDevice(inner) { Moves = static role => role == WriteRole.Log ? 512 : 0 }),
        new("zeros instead of data", inner => new SeededBugDevice(inner) { Spoils = static (bug, role, bytes) => Spoil(role == WriteRole.Data, bytes, static b => b.AsSpan().Clear()) }),
        new("one bit of data", inner => new SeededBugDevice(inner) { Spoils = static (bug, role, bytes) => Spoil(role == WriteRole.Data, bytes, static b => b[b.Length / 2] ^= 1) }),
        new("two pages of data change places", inner => new SeededBugDevice(inner) { Spoils = static (bug, role, bytes) => Spoil(role == WriteRole.Data && bytes.Length >= 8192, bytes, SwapPages) }),
        new("a commit's checksum is wrong", inner => new SeededBugDevice(inner) { Spoils = static (bug, role, bytes) => Spoil(role == WriteRole.Log, bytes, static b => b[b.AsSpan().LastIndexOfAnyExcept((byte)4)] ^= 0x40) }),
        new("a byte of a commit is wrong", inner => new SeededBugDevice(inner) { Spoils = static (bug, role, bytes) => Spoil(role == WriteRole.Log && bug.Writes % 4 == 0, bytes, static b => b[20] ^= 1) }),
        new("a commit without its mark", inner => new SeededBugDevice(inner) { Spoils = static (bug, role, bytes) => Spoil(role == WriteRole.Log, bytes, static b => b[0] = 1) }),
        new("a commit with half of its mark", inner => new SeededBugDevice(inner) { Spoils = static (bug, role, bytes) => Spoil(role == WriteRole.Log && bytes.Length > 512, bytes, static b => b[512] ^= 0x06) }),
        new("a new extension without END_OF_LOG", inner => new SeededBugDevice(inner) { Spoils = static (bug, role, bytes) => Spoil(role == WriteRole.Extension, bytes, static b => FillSectors(b, 0)) }),
        new("a new extension whose sectors are filler", inner => new SeededBugDevice(inner) { Spoils = static (bug, role, bytes) => Spoil(role == WriteRole.Extension, bytes, static b => FillSectors(b, 4)) }),
        new("only the first sector of a new extension is prepared", inner => new SeededBugDevice(inner) { Cuts = static (bug, role, bytes) => role == WriteRole.Extension ? 512 : bytes.Length }),
        new("sector 0 leads one sector too far", inner => new SeededBugDevice(inner) { Spoils = static (bug, role, bytes) => Spoil(role == WriteRole.Header, bytes, static b => b[LinkAt(b) + 1] ^= 1) }),
        new("sector 0 is never written", inner => new SeededBugDevice(inner) { Skips = static (bug, role) => role == WriteRole.Header ? int.MaxValue : 0 }),
        new("a link leads nowhere", inner => new SeededBugDevice(inner) { Spoils = static (bug, role, bytes) => Spoil(role == WriteRole.Link, bytes, static b => b[2] ^= 0x01) }),
        new("a link is never written", inner => new SeededBugDevice(inner) { Skips = static (bug, role) => role == WriteRole.Link ? int.MaxValue : 0 }),
        new("data is written after the flush that it needs", inner => new SeededBugDevice(inner) { Holds = WriteRole.Data }),
        new("the log is written after the flush that it needs", inner => new SeededBugDevice(inner) { Holds = WriteRole.Log }),
        new("sector 0 is written before the log that it leads to", inner => new SeededBugDevice(inner) { WritesHeaderEarly = true }),
        new("reads show the page before", inner => new SeededBugDevice(inner) { ReadsStale = true }),
    ];

    private static ReadOnlySpan<byte> Spoil(bool applies, ReadOnlySpan<byte> bytes, Action<byte[]> how)
    {
        if (!applies)
        {
            return bytes;
        }
        byte[] spoiled = bytes.ToArray();
        how(spoiled);
        return spoiled;
    }

    private static void SwapPages(byte[] bytes)
    {
        byte[] first = bytes[..4096];
        bytes.AsSpan(4096, 4096).CopyTo(bytes);
        first.CopyTo(bytes, 4096);
    }

    private static void FillSectors(byte[] bytes, byte with)
    {
        for (int sector = 512; sector < bytes.Length; sector += 512)
        {
            bytes[sector] = with;
        }
    }

    // Magic, version, length (two bytes at most each), identity, empty label, then the link.
    private static int LinkAt(byte[] bytes) => Array.IndexOf(bytes, (byte)5, 22);
}

/// <summary>One bug; each property is a part of what it does.</summary>
internal sealed class SeededBugDevice(BlockDevice inner) : FilterBlockDevice(inner, ownsInner: false)
{
    private readonly List<(long Offset, byte[] Bytes)> _held = [];
    private byte[]? _lastData;

    public delegate ReadOnlySpan<byte> Spoiler(SeededBugDevice bug, WriteRole role, ReadOnlySpan<byte> bytes);

    public delegate int Cutter(SeededBugDevice bug, WriteRole role, ReadOnlySpan<byte> bytes);

    public Func<SeededBugDevice, bool>? DropsFlush { get; init; }

    public Spoiler? Spoils { get; init; }

    public Cutter? Cuts { get; init; }

    public Func<SeededBugDevice, WriteRole, int>? Skips { get; init; }

    public Func<WriteRole, int>? Moves { get; init; }

    public WriteRole? Holds { get; init; }

    public bool WritesHeaderEarly { get; init; }

    public bool ReadsStale { get; init; }

    /// <summary>What was written last.</summary>
    public WriteRole Last { get; private set; } = WriteRole.Data;

    public long Flushes { get; private set; }

    public long Writes { get; private set; }

    public override Errno Read(long offsetBytes, Span<byte> buffer)
    {
        Errno errno = base.Read(offsetBytes, buffer);
        if (ReadsStale && errno == Errno.None && buffer.Length <= 4096 && _lastData is not null)
        {
            _lastData.AsSpan(0, Math.Min(_lastData.Length, buffer.Length)).CopyTo(buffer);
        }
        return errno;
    }

    public override Errno Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        WriteRole role = RoleOf(offsetBytes, buffer);
        Last = role;
        Writes++;
        if (role == Holds || (WritesHeaderEarly && role == WriteRole.Log))
        {
            _held.Add((offsetBytes, buffer.ToArray()));
            return WritesHeaderEarly && _held.Count > 1 ? ReleaseFirst() : Errno.None;
        }
        if (role == WriteRole.Data)
        {
            _lastData = buffer.ToArray();
        }
        int skip = Skips?.Invoke(this, role) ?? 0;
        if (skip >= buffer.Length)
        {
            return Errno.None;
        }
        ReadOnlySpan<byte> bytes = Spoils is null ? buffer : Spoils(this, role, buffer);
        int length = Cuts?.Invoke(this, role, bytes) ?? bytes.Length;
        long offset = offsetBytes + skip + (Moves?.Invoke(role) ?? 0);
        bytes = bytes[skip..Math.Max(skip, length)];
        return bytes.IsEmpty ? Errno.None : base.Write(offset, bytes[..(int)Math.Min(bytes.Length, SizeBytes - offset)]);
    }

    public override Errno Flush()
    {
        Flushes++;
        Errno errno = DropsFlush?.Invoke(this) == true ? Errno.None : base.Flush();
        while (_held.Count > 0 && errno == Errno.None)
        {
            errno = ReleaseFirst();
        }
        return errno;
    }

    private static WriteRole RoleOf(long offset, ReadOnlySpan<byte> bytes)
    {
        if (offset == 0)
        {
            return WriteRole.Header;
        }
        if (bytes.StartsWith("NVMTFS"u8))
        {
            return bytes.Length > 512 ? WriteRole.Extension : WriteRole.Header;
        }
        uint head = bytes.Length < 4 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (head == 0x04040404)
        {
            return WriteRole.Log;
        }
        return bytes.Length % 512 == 0 && bytes[0] == 5 && bytes[^500] == 0 ? WriteRole.Link : WriteRole.Data;
    }

    private Errno ReleaseFirst()
    {
        (long offset, byte[] bytes) = _held[0];
        _held.RemoveAt(0);
        return base.Write(offset, bytes);
    }
}

/// <summary>Runs the workloads that have to find a bug.</summary>
internal static class SeededBugHunt
{
    /// <summary>The first violation that a bug leads to, or null when it is not found.</summary>
    /// <param name="bug">The bug.</param>
    /// <param name="seed">Of the random workloads.</param>
    /// <param name="cases">How many cases were run.</param>
    public static string? Find(SeededBug bug, int seed, out int cases)
    {
        cases = 0;
        foreach (CrashCase made in Cases(seed))
        {
            cases++;
            var explorer = new Explorer();
            try
            {
                Violation? violation = made.Run(explorer, bug.Make);
                if (violation is not null)
                {
                    return violation.Message;
                }
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                return error.ToString(); // the workload itself went wrong
            }
        }
        return null;
    }

    /// <summary>What failures of the device bring to light, or null.</summary>
    public static string? FindByFaults(int seed)
    {
        CrashOperation[] operations = [.. CrashCampaign.Make(CampaignKind.Mixed, seed, 9).Operations.Where(static operation => operation.Kind != OperationKind.Remount).Take(25), new CrashOperation(OperationKind.Sync)];
        return FaultSweep.Run(BaseVolume.Of(new BaseVolumeOptions(4 << 20, StaleContent.Zeros, true)), operations, seed, new Explorer()).Failures is [string first, ..] ? first : null;
    }

    private static IEnumerable<CrashCase> Cases(int seed)
    {
        for (long number = 0; number < CrashCampaign.CountOf(CampaignKind.Seq1); number += 2)
        {
            yield return CrashCampaign.Make(CampaignKind.Seq1, seed, number) with { AgainEvery = 0 };
        }
        yield return new CrashCase(new BaseVolumeOptions(4 << 20, StaleContent.Zeros, true), RandomWorkloads.MakeGeometry(0), seed) { MaxStates = 3000 };
        for (long number = 0; number < 64; number++)
        {
            yield return CrashCampaign.Make(CampaignKind.Mixed, seed, number) is { Device: DeviceKind.Honest } made ? made : CrashCampaign.Make(CampaignKind.Seq3, seed, number);
        }
    }
}
