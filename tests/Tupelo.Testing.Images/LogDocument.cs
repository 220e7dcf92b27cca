// A TFS log as a document that can be edited: extensions, frames, records, and the tokens that records consist of.
//
// It knows how things are encoded and nothing of what they mean: a document may be right, or wrong in any way that a test wants
// (lengths that lie, references to nowhere, links in circles). ImageSmith makes documents, Parse takes an image apart, Emit puts
// the bytes together. Lists are replaced, not changed, by those who share them: Clone is cheap.
using System.Numerics;

namespace Tupelo.Testing.Images;

/// <summary>What a token of a record is.</summary>
public enum LogTokenKind : byte
{
    /// <summary>A symbol written out; its bytes follow as a <see cref="Bytes"/> token.</summary>
    NewSymbol,
    /// <summary>A symbol by number.</summary>
    SymbolReference,
    /// <summary>A tuple or vector that begins; Number counts its attributes.</summary>
    NewComposite,
    /// <summary>A known tuple or vector; Number counts the attributes that follow its <see cref="Index"/> token.</summary>
    CompositeReference,
    /// <summary>A varint: the dictionary index of a reference.</summary>
    Index,
    /// <summary>Header of an integer; Number is the sign.</summary>
    IntegerHeader,
    /// <summary>A varint: an integer's absolute value.</summary>
    Magnitude,
    /// <summary>Header of a string or buffer; Number is its length.</summary>
    StringHeader,
    /// <summary>Bytes as they are.</summary>
    Bytes,
}

/// <summary>One token: a value header, a varint, or bytes.</summary>
public readonly record struct LogToken(LogTokenKind Kind, bool Immediate, int Type, ulong Number, byte[]? Payload = null, int Overlong = 0)
{
    public bool IsHeader => Kind is not (LogTokenKind.Index or LogTokenKind.Magnitude or LogTokenKind.Bytes);

    public bool IsVarint => Kind is LogTokenKind.Index or LogTokenKind.Magnitude;
}

public enum LogFrameKind
{
    /// <summary>A record in as many frames as <see cref="LogFrame.Pieces"/> says, or as the layout needs.</summary>
    Record,
    /// <summary>A record whose value the emitter fills in as a commit record for the records since the last mark.</summary>
    Commit,
    /// <summary>Padding to the next sector, then the four bytes that begin a commit.</summary>
    CommitMark,
    /// <summary>One END_OF_SEGMENT byte.</summary>
    EndOfSegment,
    /// <summary>Padding with END_OF_SEGMENT up to the end of the sector.</summary>
    PadSector,
    EndOfLog,
    Link,
    /// <summary>Bytes as they are.</summary>
    Raw,
}

/// <summary>One frame of the document. For a record, Total and Here override what its first frame says.</summary>
public sealed record LogFrame(LogFrameKind Kind)
{
    public IReadOnlyList<LogToken> Tokens { get; init; } = [];

    /// <summary>Piece lengths of a record; the last piece is what is left, if anything. Empty: one piece, or as the sectors ask.</summary>
    public IReadOnlyList<int> Pieces { get; init; } = [];

    public ulong? Total { get; init; }

    public ulong? Here { get; init; }

    /// <summary>Link: start sector. Commit: sequence number.</summary>
    public ulong First { get; init; }

    /// <summary>Link: sector count.</summary>
    public ulong Second { get; init; }

    public byte[] RawBytes { get; init; } = [];
}

public sealed record LogExtensionDocument(ulong StartSector, ulong SectorCount)
{
    public int Version { get; init; } = 5;

    public ulong? HeaderLength { get; init; }

    public IReadOnlyList<LogFrame> Frames { get; init; } = [];
}

public sealed class LogDocument
{
    public const int SectorBytes = IndependentLog.SectorBytes;

    public byte[] Uuid { get; set; } = [.. Enumerable.Range(0, 16).Select(value => (byte)value)];

    public byte[] Label { get; set; } = [];

    /// <summary>What the image holds outside of its log; the log is written over it.</summary>
    public byte[] Background { get; set; } = [];

    public List<LogExtensionDocument> Extensions { get; private set; } = [];

    /// <summary>True: every sector begins a frame, as Tupelo writes. False: frames follow each other, as Nanos writes.</summary>
    public bool SectorFramed { get; set; }

    /// <summary>Fills unused sectors of an extension with END_OF_LOG, as Tupelo prepares them.</summary>
    public bool PrepareSectors { get; set; }

    public LogDocument Clone() => new()
    {
        Uuid = Uuid,
        Label = Label,
        Background = Background,
        Extensions = [.. Extensions],
        SectorFramed = SectorFramed,
        PrepareSectors = PrepareSectors,
    };

    /// <summary>The image's bytes. What does not fit into its extension or the image is cut off.</summary>
    public byte[] Emit()
    {
        byte[] image = [.. Background];
        var commit = new IndependentCommit();
        for (int number = 0; number < Extensions.Count; number++)
        {
            LogExtensionDocument extension = Extensions[number];
            ulong sectors = (ulong)image.Length / SectorBytes;
            if (extension.StartSector >= sectors || extension.SectorCount == 0)
            {
                continue;
            }
            ulong count = Math.Min(extension.SectorCount, sectors - extension.StartSector);
            var emitter = new Emitter(this, image.AsMemory((int)extension.StartSector * SectorBytes, (int)count * SectorBytes), extension.Version);
            commit = emitter.Emit(extension, number == 0, commit);
        }
        return image;
    }

    /// <summary>Takes the log of a sound image apart.</summary>
    public static LogDocument Parse(byte[] image)
    {
        IndependentLog log = IndependentLog.Replay(new ImageBytes(image));
        var document = new LogDocument { Uuid = log.Uuid, Label = log.Label, Background = image };
        var frames = new List<LogFrame>();
        int record = 0;
        byte[] partial = [];
        var pieces = new List<int>();
        for (int number = 0, next = 0; number < log.Extensions.Count; number++)
        {
            IndependentExtension extension = log.Extensions[number];
            frames = [];
            for (; next < log.Frames.Count && log.Frames[next].Extension == number; next++)
            {
                IndependentFrame frame = log.Frames[next];
                switch (frame.Kind)
                {
                    case 1:
                        frames.Add(new LogFrame(LogFrameKind.EndOfLog));
                        break;
                    case 4:
                        frames.Add(new LogFrame(LogFrameKind.EndOfSegment));
                        break;
                    case 5:
                        frames.Add(new LogFrame(LogFrameKind.Link) { First = frame.Total, Second = frame.Here });
                        frames.Add(new LogFrame(LogFrameKind.EndOfLog));
                        break;
                    default:
                        pieces.Add((int)frame.Here);
                        partial = [.. partial, .. extension.Content.AsSpan(frame.Position + frame.HeaderBytes, (int)frame.Here)];
                        if (log.Records[record].LastFrame == next)
                        {
                            frames.Add(new LogFrame(LogFrameKind.Record)
                            {
                                Tokens = Tokenize(partial, extension.Version),
                                Pieces = pieces.Count == 1 ? [] : [.. pieces[..^1]],
                            });
                            record++;
                            partial = [];
                            pieces.Clear();
                        }
                        break;
                }
            }
            document.Extensions.Add(new LogExtensionDocument(extension.StartSector, extension.SectorCount)
            {
                Version = extension.Version,
                Frames = frames,
            });
        }
        return document;
    }

    /// <summary>Cuts a sound record into tokens.</summary>
    public static List<LogToken> Tokenize(ReadOnlySpan<byte> record, int version)
    {
        var tokens = new List<LogToken>();
        var remaining = new Stack<(ulong Count, bool Vector)>();
        int at = 0;
        remaining.Push((1, true)); // the record itself stands where a vector's element would
        while (remaining.TryPop(out (ulong Count, bool Vector) level))
        {
            if (level.Count == 0)
            {
                continue;
            }
            remaining.Push((level.Count - 1, level.Vector));
            if (!level.Vector)
            {
                LogToken symbol = Header(record, ref at, version, LogTokenKind.NewSymbol);
                if (symbol.Immediate)
                {
                    tokens.Add(symbol);
                    tokens.Add(Bytes(record, ref at, symbol.Number));
                }
                else
                {
                    tokens.Add(symbol with { Kind = LogTokenKind.SymbolReference });
                }
            }
            LogToken value = Header(record, ref at, version, LogTokenKind.StringHeader);
            if (value.Type is 1 or 2)
            {
                tokens.Add(value with { Kind = value.Immediate ? LogTokenKind.NewComposite : LogTokenKind.CompositeReference });
                if (!value.Immediate)
                {
                    tokens.Add(Varint(record, ref at, LogTokenKind.Index));
                }
                remaining.Push((value.Number, value.Type == 2));
            }
            else if (value.Type == 3)
            {
                tokens.Add(value with { Kind = LogTokenKind.IntegerHeader });
                tokens.Add(Varint(record, ref at, LogTokenKind.Magnitude));
            }
            else
            {
                tokens.Add(value);
                tokens.Add(Bytes(record, ref at, value.Number));
            }
        }
        return tokens;
    }

    /// <summary>The bytes of a record.</summary>
    public static byte[] Encode(IReadOnlyList<LogToken> tokens, int version)
    {
        var bytes = new List<byte>(64);
        Encode(bytes, tokens, version);
        return [.. bytes];
    }

    private static void Encode(List<byte> bytes, IReadOnlyList<LogToken> tokens, int version)
    {
        for (int i = 0; i < tokens.Count; i++)
        {
            LogToken token = tokens[i];
            if (token.Kind == LogTokenKind.Bytes)
            {
                bytes.AddRange(token.Payload ?? []);
            }
            else if (token.IsVarint)
            {
                AddVarint(bytes, token.Number, token.Overlong);
            }
            else
            {
                AddHeader(bytes, token, version);
            }
        }
    }

    /// <summary>A number, most significant group first, with some groups of zeros too many in front.</summary>
    public static void AddVarint(List<byte> bytes, ulong value, int overlong = 0)
    {
        int groups = Math.Max(1, (64 - BitOperations.LeadingZeroCount(value) + 6) / 7);
        for (int i = 0; i < overlong; i++)
        {
            bytes.Add(0x80);
        }
        for (int group = groups - 1; group >= 0; group--)
        {
            bytes.Add((byte)(((value >> (7 * group)) & 0x7f) | (group > 0 ? 0x80u : 0)));
        }
    }

    private static void AddHeader(List<byte> bytes, LogToken token, int version)
    {
        int lowBits = version == 4 ? 5 : 3;
        int bits = 64 - BitOperations.LeadingZeroCount(token.Number);
        int more = bits <= lowBits ? 0 : (bits - lowBits + 6) / 7;
        int groups = more + token.Overlong;
        int first = token.Immediate ? 0x80 : 0;
        first |= version == 4 ? (token.Type & 1) << 6 : (token.Type & 7) << 4;
        if (groups > 0)
        {
            first |= version == 4 ? 0x20 : 0x08;
        }
        bool firstHasBits = token.Overlong == 0 && 7 * groups < 64;
        bytes.Add((byte)(first | (firstHasBits ? (int)(token.Number >> (7 * groups)) : 0)));
        for (int group = groups - 1; group >= 0; group--)
        {
            uint low = 7 * group < 64 ? (uint)(token.Number >> (7 * group)) & 0x7f : 0;
            bytes.Add((byte)(low | (group > 0 ? 0x80u : 0)));
        }
    }

    private static LogToken Header(ReadOnlySpan<byte> record, ref int at, int version, LogTokenKind kind)
    {
        byte first = record[at++];
        bool more = (first & (version == 4 ? 0x20 : 0x08)) != 0;
        ulong number = (ulong)(first & (version == 4 ? 0x1f : 0x07));
        while (more)
        {
            byte next = record[at++];
            number = (number << 7) | (uint)(next & 0x7f);
            more = (next & 0x80) != 0;
        }
        return new LogToken(kind, (first & 0x80) != 0, version == 4 ? (first >> 6) & 1 : (first >> 4) & 7, number);
    }

    private static LogToken Varint(ReadOnlySpan<byte> record, ref int at, LogTokenKind kind)
    {
        ulong number = 0;
        byte next;
        do
        {
            next = record[at++];
            number = (number << 7) | (uint)(next & 0x7f);
        }
        while ((next & 0x80) != 0);
        return new LogToken(kind, true, 0, number);
    }

    private static LogToken Bytes(ReadOnlySpan<byte> record, ref int at, ulong length)
    {
        byte[] bytes = record.Slice(at, (int)length).ToArray();
        at += (int)length;
        return new LogToken(LogTokenKind.Bytes, true, 0, 0, bytes);
    }

    private sealed class Emitter(LogDocument document, Memory<byte> target, int version)
    {
        private readonly List<byte> _scratch = new(256);
        private int _at;

        public IndependentCommit Emit(LogExtensionDocument extension, bool first, IndependentCommit commit)
        {
            target.Span.Clear();
            if (document.PrepareSectors && !first)
            {
                for (int sector = SectorBytes; sector < target.Length; sector += SectorBytes)
                {
                    target.Span[sector] = 1;
                }
            }
            Put("NVMTFS"u8);
            PutVarint((ulong)extension.Version);
            PutVarint(extension.HeaderLength ?? extension.SectorCount);
            if (first)
            {
                Put(document.Uuid);
                Put(document.Label);
                Put(0);
            }
            foreach (LogFrame frame in extension.Frames)
            {
                switch (frame.Kind)
                {
                    case LogFrameKind.Record:
                        byte[] record = Encode(frame.Tokens, version);
                        commit.Add(record);
                        PutRecord(record, frame);
                        break;
                    case LogFrameKind.Commit:
                        PutRecord([.. Encode(frame.Tokens, version), .. commit.Value(frame.First)], frame);
                        PadSector();
                        commit = new IndependentCommit();
                        break;
                    case LogFrameKind.CommitMark:
                        PadSector();
                        Put([4, 4, 4, 4]);
                        commit = new IndependentCommit();
                        break;
                    case LogFrameKind.PadSector:
                        PadSector();
                        break;
                    case LogFrameKind.EndOfSegment:
                        Put(4);
                        break;
                    case LogFrameKind.EndOfLog:
                        Put(1);
                        break;
                    case LogFrameKind.Link:
                        Put(5);
                        PutVarint(frame.First);
                        PutVarint(frame.Second);
                        break;
                    default:
                        Put(frame.RawBytes);
                        break;
                }
            }
            return commit;
        }

        private void PutRecord(ReadOnlySpan<byte> record, LogFrame frame)
        {
            ulong total = frame.Total ?? (ulong)record.Length;
            int at = 0;
            for (int piece = 0; piece < frame.Pieces.Count; piece++)
            {
                int length = Math.Clamp(frame.Pieces[piece], 0, record.Length - at);
                PutPiece(record.Slice(at, length), piece == 0, total, piece == 0 ? frame.Here : null);
                at += length;
            }
            if (at == record.Length && at > 0)
            {
                return;
            }
            if (!document.SectorFramed || frame.Pieces.Count > 0)
            {
                PutPiece(record[at..], frame.Pieces.Count == 0, total, frame.Pieces.Count == 0 ? frame.Here : null);
                return;
            }
            // As Tupelo places them: inside of one sector where that is possible, otherwise cut at the ends of sectors.
            int header = 1 + VarintBytes(total) + VarintBytes((ulong)record.Length);
            int room = SectorBytes - (_at % SectorBytes);
            if (header + record.Length > room && header + record.Length <= SectorBytes)
            {
                PadSector();
            }
            bool firstPiece = true;
            do
            {
                room = SectorBytes - (_at % SectorBytes);
                int length = record.Length - at;
                while (1 + (firstPiece ? VarintBytes(total) : 0) + VarintBytes((ulong)length) + length > room)
                {
                    length = Math.Min(length - 1, room);
                }
                if (length <= 0 && record.Length > at)
                {
                    PadSector();
                    continue;
                }
                PutPiece(record.Slice(at, length), firstPiece, total, firstPiece ? frame.Here : null);
                firstPiece = false;
                at += length;
            }
            while (at < record.Length && _at < target.Length);
        }

        private void PutPiece(ReadOnlySpan<byte> piece, bool first, ulong total, ulong? here)
        {
            Put(first ? (byte)2 : (byte)3);
            if (first)
            {
                PutVarint(total);
            }
            PutVarint(here ?? (ulong)piece.Length);
            Put(piece);
        }

        private void PadSector()
        {
            while (_at % SectorBytes != 0 && _at < target.Length)
            {
                target.Span[_at++] = 4;
            }
        }

        private void PutVarint(ulong value)
        {
            _scratch.Clear();
            AddVarint(_scratch, value);
            Put(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_scratch));
        }

        private void Put(byte value) => Put([value]);

        private void Put(ReadOnlySpan<byte> bytes)
        {
            int length = Math.Min(bytes.Length, target.Length - _at);
            bytes[..length].CopyTo(target.Span[_at..]);
            _at += length;
        }

        private static int VarintBytes(ulong value) => Math.Max(1, (64 - BitOperations.LeadingZeroCount(value) + 6) / 7);
    }
}
