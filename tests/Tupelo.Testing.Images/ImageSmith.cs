// Forges small TFS images: sound ones of any shape for seeds, and odd ones for tests of readers. It keeps the dictionary's numbers
// and leaves everything else to the caller, who says record by record what is written; the document can be bent afterwards.
//
//   var smith = new ImageSmith(volumeSectors: 32);
//   int children = smith.BeginRoot();                       // record 1: the root, with an empty `children`
//   int file = smith.AddFile(children, "a", "hello"u8);     // data goes behind the log
//   byte[] image = smith.Finish().Emit();
using System.Text;

namespace Tupelo.Testing.Images;

/// <summary>Writes the tokens of one record and counts dictionary numbers, as the format wants it.</summary>
public sealed class TokenWriter(Dictionary<string, int> symbols, Func<int> nextIndex)
{
    public List<LogToken> Tokens { get; } = [];

    /// <summary>A new tuple of so many attributes; returns its number.</summary>
    public int Tuple(int attributes)
    {
        Tokens.Add(new LogToken(LogTokenKind.NewComposite, true, 1, (ulong)attributes));
        return nextIndex();
    }

    public int Vector(int elements)
    {
        Tokens.Add(new LogToken(LogTokenKind.NewComposite, true, 2, (ulong)elements));
        return nextIndex();
    }

    public TokenWriter Reference(int index, int attributes = 0, bool vector = false)
    {
        Tokens.Add(new LogToken(LogTokenKind.CompositeReference, false, vector ? 2 : 1, (ulong)attributes));
        Tokens.Add(new LogToken(LogTokenKind.Index, true, 0, (ulong)index));
        return this;
    }

    /// <summary>An attribute's name; one character is one byte (Latin-1).</summary>
    public TokenWriter Symbol(string name)
    {
        if (symbols.TryGetValue(name, out int index))
        {
            Tokens.Add(new LogToken(LogTokenKind.SymbolReference, false, 0, (ulong)index));
            return this;
        }
        Tokens.Add(new LogToken(LogTokenKind.NewSymbol, true, 0, (ulong)name.Length));
        Tokens.Add(new LogToken(LogTokenKind.Bytes, true, 0, 0, Encoding.Latin1.GetBytes(name)));
        symbols[name] = nextIndex();
        return this;
    }

    public TokenWriter String(ReadOnlySpan<byte> value, bool typed = true)
    {
        Tokens.Add(new LogToken(LogTokenKind.StringHeader, true, typed ? 4 : 0, (ulong)value.Length));
        Tokens.Add(new LogToken(LogTokenKind.Bytes, true, 0, 0, value.ToArray()));
        return this;
    }

    public TokenWriter Integer(ulong magnitude, bool negative = false)
    {
        Tokens.Add(new LogToken(LogTokenKind.IntegerHeader, true, 3, negative ? 1u : 0));
        Tokens.Add(new LogToken(LogTokenKind.Magnitude, true, 0, magnitude));
        return this;
    }

    public TokenWriter Null() => String([0], typed: false);

    /// <summary>In a value's place: the attribute goes away.</summary>
    public TokenWriter Removal() => String([], typed: false);
}

public sealed class ImageSmith
{
    private readonly Dictionary<string, int> _symbols = new(StringComparer.Ordinal);
    private readonly LogDocument _document;
    private readonly List<LogFrame> _frames = [];
    private readonly ulong _sectors;
    private ulong _nextDataSector;
    private ulong _extensionStart;
    private ulong _extensionSectors;
    private int _extensionVersion;
    private ulong _commits;
    private int _next = 1;

    /// <param name="volumeSectors">Size of the volume.</param>
    /// <param name="extensionSectors">Size of the first linked extension, at sector 1.</param>
    /// <param name="version">5, or 4.</param>
    /// <param name="label">The volume's label.</param>
    public ImageSmith(int volumeSectors, int extensionSectors = 8, int version = 5, string label = "")
    {
        _sectors = (ulong)volumeSectors;
        _document = new LogDocument { Background = new byte[volumeSectors * LogDocument.SectorBytes], Label = Encoding.UTF8.GetBytes(label) };
        _document.Extensions.Add(new LogExtensionDocument(0, 1)
        {
            Version = version,
            Frames =
            [
                new LogFrame(LogFrameKind.Link) { First = 1, Second = (ulong)extensionSectors },
                new LogFrame(LogFrameKind.EndOfLog),
            ],
        });
        _extensionStart = 1;
        _extensionSectors = (ulong)extensionSectors;
        _extensionVersion = version;
        _nextDataSector = 1 + (ulong)extensionSectors;
    }

    public LogDocument Document => _document;

    /// <summary>At most so many bytes of the current extension are left.</summary>
    public int LogRoomBytes
    {
        get
        {
            int used = 64;
            foreach (LogFrame frame in _frames)
            {
                used += frame.Kind switch
                {
                    LogFrameKind.Record => LogDocument.Encode(frame.Tokens, _extensionVersion).Length + 12,
                    LogFrameKind.Commit or LogFrameKind.CommitMark => LogDocument.SectorBytes,
                    _ => 1,
                };
            }
            // Records that do not fit into the rest of a sector leave it empty.
            used += _document.SectorFramed ? used / 2 : 0;
            return (int)_extensionSectors * LogDocument.SectorBytes - used;
        }
    }

    /// <summary>Sectors of data not given away yet start here.</summary>
    public ulong NextDataSector => _nextDataSector;

    /// <summary>Takes sectors for data or for a log extension.</summary>
    public ulong TakeSectors(int count)
    {
        ulong start = _nextDataSector;
        _nextDataSector += (ulong)count;
        return _nextDataSector <= _sectors ? start : throw new InvalidOperationException("the volume is too small");
    }

    /// <summary>A record whose tokens the caller writes; it is cut into pieces of the given lengths and a last one.</summary>
    public void Record(Action<TokenWriter> write, params int[] pieces)
    {
        var tokens = new TokenWriter(_symbols, () => _next++);
        write(tokens);
        _frames.Add(new LogFrame(LogFrameKind.Record) { Tokens = tokens.Tokens, Pieces = pieces });
    }

    public void Frame(LogFrame frame) => _frames.Add(frame);

    /// <summary>A record whose first bytes end the current extension and whose others begin a new one.</summary>
    public void RecordAcrossExtensions(int firstPieceBytes, int newExtensionSectors, Action<TokenWriter> write)
    {
        var tokens = new TokenWriter(_symbols, () => _next++);
        write(tokens);
        byte[] record = LogDocument.Encode(tokens.Tokens, _extensionVersion);
        var first = new List<byte> { 2 };
        LogDocument.AddVarint(first, (ulong)record.Length);
        LogDocument.AddVarint(first, (ulong)firstPieceBytes);
        first.AddRange(record.AsSpan(0, firstPieceBytes));
        _frames.Add(new LogFrame(LogFrameKind.Raw) { RawBytes = [.. first] });
        Extend(newExtensionSectors);
        var rest = new List<byte> { 3 };
        LogDocument.AddVarint(rest, (ulong)(record.Length - firstPieceBytes));
        rest.AddRange(record.AsSpan(firstPieceBytes));
        _frames.Add(new LogFrame(LogFrameKind.Raw) { RawBytes = [.. rest] });
    }

    /// <summary>"Set attribute NAME of tuple SUBJECT", the usual record; returns what the value's writer returns.</summary>
    public int Assign(int subject, string name, Func<TokenWriter, int> value, params int[] pieces)
    {
        int result = 0;
        Record(
            tokens =>
            {
                _ = tokens.Reference(subject, 1).Symbol(name);
                result = value(tokens);
            },
            pieces);
        return result;
    }

    public void Assign(int subject, string name, Action<TokenWriter> value) => Assign(subject, name, tokens =>
    {
        value(tokens);
        return 0;
    });

    /// <summary>The first record: the root with an empty directory. Returns the number of its `children`; the root itself is 1.</summary>
    public int BeginRoot(params (string Name, string Value)[] attributes)
    {
        int children = 0;
        Record(tokens =>
        {
            _ = tokens.Tuple(1 + attributes.Length);
            _ = tokens.Symbol("children");
            children = tokens.Tuple(0);
            foreach ((string name, string value) in attributes)
            {
                _ = tokens.Symbol(name).String(Encoding.UTF8.GetBytes(value), typed: _extensionVersion == 5);
            }
        });
        return children;
    }

    /// <summary>Returns the number of the new directory's `children`.</summary>
    public int AddDirectory(int parentChildren, string name) => Assign(parentChildren, name, tokens =>
    {
        _ = tokens.Tuple(1);
        _ = tokens.Symbol("children");
        return tokens.Tuple(0);
    });

    public int AddSymlink(int parentChildren, string name, string target) => Assign(parentChildren, name, tokens =>
    {
        int link = tokens.Tuple(1);
        _ = tokens.Symbol("linktarget").String(Encoding.UTF8.GetBytes(target), typed: _extensionVersion == 5);
        return link;
    });

    /// <summary>A file in one extent, or an empty one; returns the file's number.</summary>
    public int AddFile(int parentChildren, string name, ReadOnlySpan<byte> content)
    {
        int sectors = (content.Length + LogDocument.SectorBytes - 1) / LogDocument.SectorBytes;
        ulong start = TakeSectors(sectors);
        content.CopyTo(_document.Background.AsSpan((int)start * LogDocument.SectorBytes));
        int length = content.Length;
        return Assign(parentChildren, name, tokens =>
        {
            int file = tokens.Tuple(2);
            _ = tokens.Symbol("extents").Tuple(sectors == 0 ? 0 : 1);
            if (sectors != 0)
            {
                _ = tokens.Symbol("0").Tuple(3);
                Number(tokens.Symbol("offset"), start);
                Number(tokens.Symbol("length"), (ulong)sectors);
                Number(tokens.Symbol("allocated"), (ulong)sectors);
            }
            Number(tokens.Symbol("filelength"), (ulong)length);
            return file;
        });
    }

    /// <summary>A number as this version of the format writes it.</summary>
    public void Number(TokenWriter tokens, ulong value)
    {
        if (_extensionVersion == 5)
        {
            _ = tokens.Integer(value);
        }
        else
        {
            _ = tokens.String(Encoding.ASCII.GetBytes(value.ToString(System.Globalization.CultureInfo.InvariantCulture)), typed: false);
        }
    }

    /// <summary>Begins a commit as Tupelo writes it: on a fresh sector.</summary>
    public void BeginCommit() => _frames.Add(new LogFrame(LogFrameKind.CommitMark));

    /// <summary>Closes it with its commit record.</summary>
    public void EndCommit()
    {
        var tokens = new TokenWriter(_symbols, () => _next++);
        _ = tokens.Reference(1, 1).Symbol(IndependentCommit.Attribute);
        tokens.Tokens.Add(new LogToken(LogTokenKind.StringHeader, true, 4, IndependentCommit.ValueBytes));
        _frames.Add(new LogFrame(LogFrameKind.Commit) { Tokens = tokens.Tokens, First = ++_commits });
    }

    /// <summary>Continues the log in a new extension.</summary>
    public void Extend(int sectors, int version = 5)
    {
        ulong start = TakeSectors(sectors);
        _frames.Add(new LogFrame(LogFrameKind.Link) { First = start, Second = (ulong)sectors });
        _frames.Add(new LogFrame(LogFrameKind.EndOfLog));
        CloseExtension();
        (_extensionStart, _extensionSectors, _extensionVersion) = (start, (ulong)sectors, version);
    }

    public LogDocument Finish()
    {
        _frames.Add(new LogFrame(LogFrameKind.EndOfLog));
        CloseExtension();
        return _document;
    }

    private void CloseExtension()
    {
        _document.Extensions.Add(new LogExtensionDocument(_extensionStart, _extensionSectors)
        {
            Version = _extensionVersion,
            Frames = [.. _frames],
        });
        _frames.Clear();
    }
}
