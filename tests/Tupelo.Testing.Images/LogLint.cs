// Checks the log that a writer left, beyond what any reader needs: the placement that keeps a volume safe when power fails, as
// docs/tfs-format.md lays it down for what Tupelo writes. Written against the document, not against the writer.
//
//   every sector begins a frame; a record that fits into a sector lies in one; longer ones are cut at ends of sectors
//   padding is 04, sectors not used yet are 01 and zeros, nothing is left over from anything
//   room for a link is kept at the end of each extension
//   each commit: mark, records, commit record with the right sequence, count, length and checksum
using System.Globalization;

namespace Tupelo.Testing.Images;

/// <summary>What the writer was asked to do.</summary>
/// <param name="Plain">No commits, and nothing else that Nanos would not write.</param>
/// <param name="Fresh">Made in one go: no value was ever replaced, except the commit record.</param>
public sealed record LintOptions(bool Plain = false, bool Fresh = true);

public sealed class LogLint
{
    private const int SectorBytes = IndependentLog.SectorBytes;
    private const int LinkReserve = 21;
    private const int FrameReserve = 21;
    private const int MinFrame = 53;
    private const int MaxComplaints = 50;

    private readonly IndependentLog _log;
    private readonly LintOptions _options;
    private readonly List<string> _complaints = [];

    private LogLint(IndependentLog log, LintOptions options)
    {
        _log = log;
        _options = options;
    }

    /// <summary>What is wrong; empty when nothing is.</summary>
    public static List<string> Check(IndependentLog log, LintOptions options)
    {
        var lint = new LogLint(log, options);
        foreach (IndependentRemark remark in log.Remarks)
        {
            lint.Complain($"encoding: {remark}");
        }
        for (int extension = 0; extension < log.Extensions.Count; extension++)
        {
            lint.CheckExtension(extension);
        }
        lint.CheckRoot();
        lint.CheckCommits();
        if (options.Fresh)
        {
            lint.CheckFresh();
        }
        return lint._complaints;
    }

    private void CheckExtension(int number)
    {
        IndependentExtension extension = _log.Extensions[number];
        Require(extension.Version == 5, $"extension {number} has version {extension.Version}");
        Require(extension.HeaderLength == extension.SectorCount, $"extension {number} says {extension.HeaderLength} sectors");
        Require(extension.SectorCount == (number == 0 ? 1u : 1024u), $"extension {number} has {extension.SectorCount} sectors");
        Require(extension.StartSector % 8 == 0, $"extension {number} starts at sector {extension.StartSector}, which is no multiple of 4 KiB");

        List<IndependentFrame> frames = FramesOf(number);
        var starts = frames.Select(frame => frame.Position).ToHashSet();
        int expected = extension.HeaderBytes;
        foreach (IndependentFrame frame in frames)
        {
            Require(frame.Position == expected, $"frame at {Place(frame)} does not follow the one before");
            expected = frame.End;
            CheckFrame(frame, extension);
        }
        for (int sector = SectorBytes; sector < extension.UsedBytes; sector += SectorBytes)
        {
            Require(starts.Contains(sector), $"sector {sector / SectorBytes} of extension {number} does not begin with a frame");
        }
        CheckTail(number, extension, frames[^1]);
    }

    private void CheckFrame(IndependentFrame frame, IndependentExtension extension)
    {
        int inSector = frame.Position % SectorBytes;
        int lastSector = (frame.End - 1) / SectorBytes;
        Require(frame.Position / SectorBytes == lastSector, $"the frame at {Place(frame)} straddles sectors");
        if (frame.Kind is 2 or 3)
        {
            int size = (int)extension.SectorCount * SectorBytes;
            Require(frame.Position + LinkReserve + MinFrame < size, $"the frame at {Place(frame)} begins too near to the extension's end");
            Require((int)frame.Here <= size - frame.Position - LinkReserve - FrameReserve, $"the frame at {Place(frame)} leaves no room for a link");
            Require(frame.Here > 0, $"the frame at {Place(frame)} is empty");
        }
        if (frame.Kind == 2 && frame.Here < frame.Total)
        {
            ulong whole = 1 + (2 * VarintBytes(frame.Total)) + frame.Total;
            Require(whole > SectorBytes, $"the record at {Place(frame)} is split, but fits into a sector");
            Require(SectorBytes - (frame.End % SectorBytes) <= 2 || frame.End % SectorBytes == 0, $"the piece at {Place(frame)} leaves room in its sector");
        }
        if (frame.Kind == 3)
        {
            Require(inSector == 0 || frame.Position == extension.HeaderBytes, $"the continuation at {Place(frame)} does not begin a sector");
        }
        if (frame.Kind == 5)
        {
            Require(frame.Here == 1024, $"the link at {Place(frame)} leads to {frame.Here} sectors");
        }
    }

    // Behind the last frame: END_OF_LOG and zeros, then prepared sectors.
    private void CheckTail(int number, IndependentExtension extension, IndependentFrame last)
    {
        ReadOnlySpan<byte> content = extension.Content;
        int at = extension.UsedBytes;
        if (last.Kind == 5)
        {
            Require(content[at] == 1, $"the link at {Place(last)} is not followed by END_OF_LOG");
            Require(number == 0 || last.Position % SectorBytes == 0, $"the link at {Place(last)} shares its sector with records");
            at++;
        }
        else
        {
            Require(last.Position % SectorBytes == 0, $"END_OF_LOG at {Place(last)} shares its sector with records");
        }
        int sectorEnd = (at + SectorBytes - 1) / SectorBytes * SectorBytes;
        Require(!content[at..sectorEnd].ContainsAnyExcept((byte)0), $"extension {number} holds something behind its end at {at}");
        for (int sector = sectorEnd; sector < content.Length; sector += SectorBytes)
        {
            Require(
                content[sector] == 1 && !content.Slice(sector + 1, SectorBytes - 1).ContainsAnyExcept((byte)0),
                $"sector {sector / SectorBytes} of extension {number} is not prepared");
        }
    }

    private void CheckRoot()
    {
        IndependentRecord first = _log.Records[0];
        Require(first.Subject.Index == 1 && first.SubjectIsNew, "the first record is not the root tuple");
        foreach (IndependentRecord record in _log.Records.Skip(1))
        {
            Require(record is { SubjectIsNew: false, AttributeCount: 1 }, $"the record in frame {record.FirstFrame} is not one assignment");
        }
    }

    private void CheckCommits()
    {
        ulong sequence = 0;
        bool open = false;
        bool closed = false; // and its sector is being filled
        int openedIn = 0;
        bool spanned = false;
        var commit = new IndependentCommit();
        int record = 0;
        for (int i = 0; i < _log.Frames.Count; i++)
        {
            IndependentFrame frame = _log.Frames[i];
            bool sectorStart = frame.Position % SectorBytes == 0;
            if (sectorStart && frame.Kind == 4)
            {
                Require(!_options.Plain, $"a commit mark at {Place(frame)} of a plain volume");
                Require(IsMark(frame), $"sector at {Place(frame)} begins with padding that is no commit mark");
                Require(!open, $"the commit before {Place(frame)} is not closed");
                open = true;
                closed = false;
                openedIn = frame.Extension;
                spanned = false;
                commit = new IndependentCommit();
                continue;
            }
            if (frame.Kind is 1 or 5)
            {
                Require(!open || frame.Kind == 5, $"the commit before {Place(frame)} is not closed");
                spanned |= open;
                closed = false;
                continue;
            }
            if (frame.Kind == 4 || _log.Records[record].LastFrame != i)
            {
                continue; // padding, or a piece of a record that goes on
            }
            IndependentRecord whole = _log.Records[record++];
            Require(_options.Plain || open, $"the record at {Place(_log.Frames[whole.FirstFrame])} is outside of a commit");
            Require(!closed, $"the record at {Place(_log.Frames[whole.FirstFrame])} shares a sector with the commit before");
            byte[] bytes = BytesOf(whole);
            if (whole.FirstName != IndependentCommit.Attribute || whole.Subject.Index != 1 || whole.SubjectIsNew)
            {
                commit.Add(bytes);
                continue;
            }
            Require(!_options.Plain, "a commit record in a plain volume");
            sequence++;
            if (!_options.Fresh && sequence == 1)
            {
                // A log that compaction began goes on counting where the one before it ended.
                sequence = System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(bytes.Length - IndependentCommit.ValueBytes));
            }
            byte[] expected = commit.Value(sequence);
            Require(bytes.AsSpan().EndsWith(expected), $"commit {sequence} at {Place(frame)} does not fit its records");
            Require(bytes.Length > 22 && bytes[^22] == 0xc8 && bytes[^21] == 20, $"the value of commit {sequence} is not a string of 20 bytes");
            // Only what one extension cannot hold: a very long record, or, when it was not written by a builder, one large operation.
            Require(!spanned || commit.LongestRecord > SectorBytes * 1000 || (!_options.Fresh && commit.LengthBytes > SectorBytes * 400), $"commit {sequence} goes from extension {openedIn} to {frame.Extension}");
            open = false;
            closed = true;
        }
        Require(!open, "the last commit is not closed");
        Require(_options.Plain || sequence > 0, "there is no commit");
    }

    private void CheckFresh()
    {
        long commits = _log.Records.Count(record => record.FirstName == IndependentCommit.Attribute && record.Subject.Index == 1);
        Require(_log.ObsoleteEntries == Math.Max(0, commits - 1), $"{_log.ObsoleteEntries} values were replaced in a fresh volume of {commits} commits");
        var reached = new HashSet<CompositeValue>();
        var waiting = new Stack<CompositeValue>();
        waiting.Push(_log.Root);
        while (waiting.TryPop(out CompositeValue? composite))
        {
            if (reached.Add(composite))
            {
                foreach (IndependentValue value in composite.Attributes.Values)
                {
                    if (value is CompositeValue child)
                    {
                        waiting.Push(child);
                    }
                    Require(value is not BytesValue { Typed: false }, "a string is written as an untyped buffer");
                }
            }
        }
        Require(reached.Count == _log.Dictionary.Count(entry => entry is CompositeValue), "a tuple was written twice, or nothing leads to it");
    }

    private bool IsMark(IndependentFrame frame) =>
        _log.Extensions[frame.Extension].Content.AsSpan(frame.Position, 4).SequenceEqual(new byte[] { 4, 4, 4, 4 });

    private byte[] BytesOf(IndependentRecord record)
    {
        var bytes = new List<byte>(record.LengthBytes);
        for (int i = record.FirstFrame; i <= record.LastFrame; i++)
        {
            IndependentFrame frame = _log.Frames[i];
            if (frame.Kind is 2 or 3)
            {
                bytes.AddRange(_log.Extensions[frame.Extension].Content.AsSpan(frame.Position + frame.HeaderBytes, (int)frame.Here));
            }
        }
        return [.. bytes];
    }

    private List<IndependentFrame> FramesOf(int extension) => [.. _log.Frames.Where(frame => frame.Extension == extension)];

    private string Place(IndependentFrame frame) =>
        string.Create(CultureInfo.InvariantCulture, $"byte {frame.Position} of extension {frame.Extension}");

    private static ulong VarintBytes(ulong value) => (ulong)Math.Max(1, (64 - System.Numerics.BitOperations.LeadingZeroCount(value) + 6) / 7);

    private void Require(bool condition, string complaint)
    {
        if (!condition)
        {
            Complain(complaint);
        }
    }

    private void Complain(string complaint)
    {
        if (_complaints.Count < MaxComplaints)
        {
            _complaints.Add(complaint);
        }
    }
}
