// Mounts a crash state and looks at it: does it mount, what does its tree say, can it be written to, and is it the same when it is
// mounted again. What is found is an outcome by itself; whether it is right depends on the moment of the crash, and Judge decides that
// by the history. The same image at two moments is looked at once and judged twice.
using System.Globalization;
using System.Text;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Fuzz.Crash;

/// <summary>What a crash state shows.</summary>
internal sealed record StateOutcome
{
    /// <summary>Why it does not mount; null when it does.</summary>
    public string? Refusal { get; init; }

    /// <summary>What is wrong at any moment; null when nothing is.</summary>
    public string? Wrong { get; init; }

    public UInt128 Names { get; init; }

    public FoundFile[] Files { get; init; } = [];
}

/// <summary>Between which steps a crash state may be, and what may be asked of it.</summary>
/// <param name="Durable">The last step that had returned and made everything before it durable.</param>
/// <param name="Returned">The last step that had returned.</param>
/// <param name="Begun">The last step that had begun.</param>
/// <param name="MayRefuse">The device broke its word on sectors: the volume may refuse to mount.</param>
internal readonly record struct CrashMoment(int Durable, int Returned, int Begun, bool MayRefuse);

internal sealed class StateChecker
{
    private const int ProbeFile = 0x7FFE;
    private const int ProbeStep = 1_000_000;
    private const int SectorBytes = 512;

    private static readonly CrashOperation[] Probe =
    [
        new(OperationKind.Write, "/.p1", "", 100, 5000),
        new(OperationKind.FSync, "/.p1"),
        new(OperationKind.Write, "/.p2", "", 0, 300),
        new(OperationKind.Rename, "/.p1", "/.p3"),
        new(OperationKind.Unlink, "/.p2"),
        new(OperationKind.Sync),
    ];

    private static readonly UInt128 ProbeAttributes = TreeDigest.Attributes(FileType.Regular, 0x1A4, 0, 0, 1, 0, [], StepClock.TimeOf(ProbeStep), 0);
    private static readonly UInt128 First = TreeDigest.File(ProbeAttributes, TreeDigest.Path(TreeDigest.RootPath, ".p1"u8));
    private static readonly UInt128 Second = TreeDigest.File(ProbeAttributes, TreeDigest.Path(TreeDigest.RootPath, ".p2"u8));
    private static readonly UInt128 ThirdPath = TreeDigest.Path(TreeDigest.RootPath, ".p3"u8);
    private static readonly UInt128 Third = TreeDigest.File(ProbeAttributes, ThirdPath);

    // What each step of the probe adds to the tree's digest, all together.
    private static readonly UInt128[] Added = [0, First, First, First + Second, Third + Second, Third, Third];

    private static readonly UInt128 ThirdContent = MakeThirdContent();

    private readonly TreeReader _reader = new();
    private readonly StepClock _clock = new() { Step = ProbeStep };

    /// <summary>Looks at a state.</summary>
    /// <param name="image">The state; it is not changed.</param>
    /// <param name="probe">Whether it is written to and mounted again.</param>
    /// <param name="again">Whether crashes while it is written to are tried as well: how often, at the most.</param>
    public StateOutcome Examine(CopyOnWriteImage image, bool probe, CrashRecorder? again = null)
    {
        BlockDevice device = again is null ? new ImageBlockDevice(image.Snapshot()) : again.Begin(image);
        string doing = "mounting";
        try
        {
            TfsFileSystem volume = TfsFileSystem.Mount(device, CrashMachine.MountOptions);
            doing = "reading";
            UInt128 names = _reader.Read(volume.Volume, withContent: true, out string? wrong);
            var outcome = new StateOutcome { Names = names, Files = [.. _reader.Files], Wrong = wrong };
            if (wrong is not null || !probe)
            {
                return outcome;
            }
            doing = "writing to it";
            wrong = WriteTo(volume, device, outcome, again, ref doing);
            return wrong is null ? outcome : outcome with { Wrong = wrong };
        }
        catch (TfsFormatException error) when (doing == "mounting")
        {
            return new StateOutcome { Refusal = error.Message };
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return new StateOutcome { Wrong = $"{doing}: {error}" };
        }
    }

    /// <summary>Says what is wrong with an outcome at a moment, or null.</summary>
    public static string? Judge(StateOutcome outcome, History history, in CrashMoment moment, CopyOnWriteImage image)
    {
        if (outcome.Refusal is not null)
        {
            return moment.MayRefuse ? null : "it does not mount: " + outcome.Refusal;
        }
        if (outcome.Wrong is not null)
        {
            return outcome.Wrong;
        }
        // Several steps in a row may have the same names: any of them will do.
        string? wrong = null;
        for (int at = moment.Begun; at >= moment.Durable; at--)
        {
            if (history.NamesAt(at) != outcome.Names)
            {
                continue;
            }
            string? here = JudgeFiles(outcome, history, at, moment, image);
            if (here is null)
            {
                return null;
            }
            wrong ??= here;
        }
        return wrong ?? string.Create(CultureInfo.InvariantCulture, $"the tree is of no moment between steps {moment.Durable} and {moment.Begun}:\n{TreeReader.Describe(Open(image))}the oracle's last:\n{history.Tree.Describe()}");
    }

    private static string? JudgeFiles(StateOutcome outcome, History history, int at, in CrashMoment moment, CopyOnWriteImage image)
    {
        foreach (FoundFile found in outcome.Files)
        {
            string? wrong = JudgeFile(found, history.FilesAt(at)[found.Path], at, moment, image);
            if (wrong is not null)
            {
                return wrong;
            }
        }
        return null;
    }

    private static string? JudgeFile(in FoundFile found, ModelFile file, int at, in CrashMoment moment, CopyOnWriteImage image)
    {
        int first = file.VersionAt(file.LastSync(moment.Returned));
        bool sizeIsKnown = false;
        bool timeIsKnown = false;
        bool contentIsKnown = false;
        for (int i = first; i < file.Versions.Count; i++)
        {
            ContentVersion version = file.Versions[i];
            if (i > first && version.Step > moment.Begun)
            {
                break;
            }
            contentIsKnown |= version.Hash == found.Content && version.Content.Length == found.SizeBytes;
            if (i == first || version.Step <= at)
            {
                sizeIsKnown |= version.Content.Length == found.SizeBytes;
                timeIsKnown |= version.ModifyTime == found.ModifyTime;
            }
        }
        if (sizeIsKnown && timeIsKnown && contentIsKnown)
        {
            return null;
        }
        if (!sizeIsKnown)
        {
            return $"{NameOf(found, image)} has {found.SizeBytes} bytes, a length that it did not have since step {file.Versions[first].Step}";
        }
        if (!timeIsKnown)
        {
            return $"{NameOf(found, image)} has the modification time {found.ModifyTime}, which it did not have since step {file.Versions[first].Step}";
        }
        return JudgeBytes(found, file, first, moment, image);
    }

    // Sector by sector (word by word where a sector may be torn): each must be as in one of the versions that the crash may show.
    private static string? JudgeBytes(in FoundFile found, ModelFile file, int first, in CrashMoment moment, CopyOnWriteImage image)
    {
        byte[] bytes = TreeReader.ContentOf(Open(image), found.Node);
        int unit = moment.MayRefuse ? 1 : SectorBytes;
        for (int offset = 0; offset < bytes.Length; offset += unit)
        {
            ReadOnlySpan<byte> part = bytes.AsSpan(offset, Math.Min(unit, bytes.Length - offset));
            bool known = false;
            for (int i = first; i < file.Versions.Count && !known && (i == first || file.Versions[i].Step <= moment.Begun); i++)
            {
                known = Holds(file.Versions[i].Content, offset, part);
            }
            if (!known)
            {
                int word = part.Length;
                for (int i = 0; i < part.Length && word == part.Length; i += 8)
                {
                    word = Holds(file.Versions[first].Content, offset + i, part.Slice(i, Math.Min(8, part.Length - i))) ? word : i;
                }
                word = word == part.Length ? 0 : word;
                return string.Create(CultureInfo.InvariantCulture, $"{NameOf(found, image)} (file {file.Id}) shows at {offset + word} {Stamp.Describe(part[word..Math.Min(word + 8, part.Length)])}, which it did not hold since step {file.Versions[first].Step}");
            }
        }
        return null;
    }

    private static bool Holds(byte[] content, int offset, ReadOnlySpan<byte> part)
    {
        int inside = Math.Clamp(content.Length - offset, 0, part.Length);
        return part[..inside].SequenceEqual(content.AsSpan(Math.Min(offset, content.Length), inside)) && !part[inside..].ContainsAnyExcept((byte)0);
    }

    private static TfsVolume Open(CopyOnWriteImage image) => TfsVolume.Open(new ImageBlockDevice(image.Snapshot(), readOnly: true));

    private static string NameOf(FoundFile found, CopyOnWriteImage image)
    {
        var paths = new Dictionary<UInt128, string>();
        _ = TreeReader.Describe(Open(image), paths);
        return paths.GetValueOrDefault(found.Path) ?? "a file";
    }

    private static UInt128 MakeThirdContent()
    {
        byte[] content = new byte[5100];
        Stamp.Fill(content.AsSpan(100), ProbeFile, 1, 100);
        return Digest.Of(content);
    }

    // Create, write, fsync, rename, delete, sync; then mount again: what was there before is there, and the new file besides.
    private string? WriteTo(TfsFileSystem volume, BlockDevice device, StateOutcome before, CrashRecorder? again, ref string doing)
    {
        var machine = new CrashMachine(volume, _clock);
        int done = 0;
        foreach (CrashOperation operation in Probe)
        {
            again?.Mark(CrashMark.OperationBegin, done + 1);
            long result = machine.Execute(operation, 1, ProbeFile, 0);
            if (result == -(long)Errno.ENOSPC || (operation.Kind == OperationKind.Write && result < operation.Y && done > 0))
            {
                break; // a full volume: it must only stay as it is
            }
            if (result < 0)
            {
                return $"{operation} on it gives {(Errno)(-result)}";
            }
            done++;
            again?.Mark(CrashMark.OperationEnd, done);
        }
        machine.Dispose();
        doing = "mounting again";
        TfsFileSystem second = TfsFileSystem.Mount(device, CrashMachine.MountOptions);
        UInt128 names = _reader.Read(second.Volume, withContent: true, out string? wrong);
        if (wrong is not null)
        {
            return "after it was written to: " + wrong;
        }
        if (names != before.Names + Added[done])
        {
            return $"after it was written to and mounted again (step {done}) the tree is another:\n{TreeReader.Describe(second.Volume)}";
        }
        return CompareFiles(before, done == Probe.Length, "after it was written to and mounted again");
    }

    private string? CompareFiles(StateOutcome before, bool hasThird, string when)
    {
        int matched = 0;
        foreach (FoundFile now in _reader.Files)
        {
            if (now.Path == ThirdPath && hasThird)
            {
                if (now.Content != ThirdContent)
                {
                    return when + " the new file holds something else than what was written";
                }
                continue;
            }
            foreach (FoundFile then in before.Files)
            {
                if (then.Path == now.Path)
                {
                    matched++;
                    if (then.Content != now.Content || then.SizeBytes != now.SizeBytes || then.ModifyTime != now.ModifyTime)
                    {
                        return when + " a file that nobody touched has another content, length or time";
                    }
                }
            }
        }
        return matched == before.Files.Length ? null : when + " a file is missing";
    }

    /// <summary>A crash while a crash state was recovered and written to: the old files must be as they were, and of the probe's steps
    /// those that were acknowledged.</summary>
    public string? JudgeAgain(StateOutcome before, CopyOnWriteImage image, int durable, int begun)
    {
        StateOutcome outcome = Examine(image, probe: false);
        if (outcome.Refusal is not null || outcome.Wrong is not null)
        {
            return "after a second crash: " + (outcome.Refusal ?? outcome.Wrong);
        }
        bool isKnown = false;
        for (int step = durable; step <= begun; step++)
        {
            isKnown |= outcome.Names == before.Names + Added[step];
        }
        if (!isKnown)
        {
            return string.Create(CultureInfo.InvariantCulture, $"after a second crash the tree is of no moment between the probe's steps {durable} and {begun}:\n{TreeReader.Describe(Open(image))}");
        }
        foreach (FoundFile then in before.Files)
        {
            int index = Array.FindIndex(outcome.Files, now => now.Path == then.Path);
            if (index < 0 || outcome.Files[index].Content != then.Content || outcome.Files[index].SizeBytes != then.SizeBytes)
            {
                return "after a second crash a file that nobody touched has another content or length";
            }
        }
        return null;
    }

    /// <summary>Of a step of the probe: the last one, not after it, that made everything before it durable.</summary>
    public static int ProbeDurableAt(int step) => step >= 6 ? 6 : step >= 2 ? 2 : 0;
}

/// <summary>Records what recovery and the first writes after it do, for crashes in the middle of that.</summary>
internal sealed class CrashRecorder
{
    private CrashBlockDevice? _device;

    public BlockDevice Begin(CopyOnWriteImage image) => _device = new CrashBlockDevice(image);

    public void Mark(CrashMark mark, int step) => _ = _device!.Mark(mark, step);

    public CrashRecording Record() => _device!.Record();
}
