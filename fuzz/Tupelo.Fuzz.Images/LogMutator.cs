// Bends log documents: the half of the fuzzer that knows the format. What it makes is encoded properly on the outside, so that
// the lie is met deep inside of a reader and not at its first check; commit records are made to fit afterwards, most of the time.
// ByteMutator is the other half, which knows nothing.
using System.Text;
using Tupelo.Testing.Images;

namespace Tupelo.Fuzz.Images;

/// <summary>One way of bending a document; returns false when there is nothing that it could bend.</summary>
public delegate bool LogMutation(LogDocument document, FuzzRandom random);

public static class LogMutator
{
    /// <summary>Numbers at which arithmetic goes wrong.</summary>
    public static readonly ulong[] Edges =
    [
        0, 1, 2, 3, 7, 8, 63, 64, 127, 128, 255, 256, 511, 512, 513, 1023, 1024, 4095, 4096, 16383, 16384, 65535, 65536, 65537,
        (1UL << 21) - 1, 1UL << 21, (1UL << 31) - 1, 1UL << 31, (1UL << 32) - 1, 1UL << 32, 1UL << 40, (1UL << 54) - 1, 1UL << 54,
        1UL << 55, (1UL << 61) - 1, 1UL << 61, (1UL << 63) - 1, 1UL << 63, (1UL << 63) + 1, ulong.MaxValue - 1024, ulong.MaxValue - 1, ulong.MaxValue,
    ];

    private static readonly byte[][] Names =
    [
        [], "."u8.ToArray(), ".."u8.ToArray(), "a/b"u8.ToArray(), "/"u8.ToArray(), [0], "a\0b"u8.ToArray(), [0xff, 0xfe], [0xc0, 0xaf],
        Filled(255), Filled(256), Filled(4096), "children"u8.ToArray(), "extents"u8.ToArray(), "linktarget"u8.ToArray(), "filelength"u8.ToArray(),
        "offset"u8.ToArray(), "length"u8.ToArray(), "allocated"u8.ToArray(), "uninited"u8.ToArray(), "nlink"u8.ToArray(), "socket"u8.ToArray(),
        "special"u8.ToArray(), "mtime"u8.ToArray(), "tupelo_mode"u8.ToArray(), "tupelo_commit"u8.ToArray(), "tupelo_rdev"u8.ToArray(), "user.x"u8.ToArray(),
        "0"u8.ToArray(), "1"u8.ToArray(), "65536"u8.ToArray(), "18446744073709551615"u8.ToArray(), "18446744073709551616"u8.ToArray(), "-1"u8.ToArray(),
        "no_encode"u8.ToArray(), "+1"u8.ToArray(), "00"u8.ToArray(), "36028797018963968"u8.ToArray(),
    ];

    /// <summary>Every mutation, with how often it is chosen relative to the others.</summary>
    public static readonly (string Name, int Weight, LogMutation Apply)[] All =
    [
        ("number", 12, ChangeNumber),
        ("reference", 10, ChangeReference),
        ("type", 6, ChangeType),
        ("name", 8, ChangeName),
        ("string", 4, ChangeString),
        ("overlong", 2, MakeOverlong),
        ("swap", 4, SwapRecords),
        ("duplicate", 4, DuplicateRecord),
        ("delete", 4, DeleteFrame),
        ("move", 3, MoveFrame),
        ("cut", 3, CutTokens),
        ("insert token", 3, InsertToken),
        ("assign", 14, AssignSomething),
        ("nest", 2, NestDeeply),
        ("fan", 1, FanOut),
        ("lengths", 5, LieAboutLengths),
        ("split", 4, SplitRecord),
        ("frame", 5, InsertFrame),
        ("link", 5, ChangeLink),
        ("extension", 3, ChangeExtension),
        ("layout", 1, ChangeLayout),
        ("label", 1, ChangeLabel),
    ];

    private static readonly int TotalWeight = All.Sum(mutation => mutation.Weight);

    /// <summary>Applies one mutation that has something to bend.</summary>
    public static string Mutate(LogDocument document, FuzzRandom random)
    {
        for (int attempt = 0; attempt < 20; attempt++)
        {
            int choice = random.Below(TotalWeight);
            foreach ((string name, int weight, LogMutation apply) in All)
            {
                choice -= weight;
                if (choice < 0)
                {
                    if (apply(document, random))
                    {
                        return name;
                    }
                    break;
                }
            }
        }
        return "none";
    }

    /// <summary>Puts frames of another document somewhere into this one: sound records whose numbers mean something else here.</summary>
    public static bool Splice(LogDocument document, LogDocument other, FuzzRandom random)
    {
        if (!PickExtension(document, random, out int target) || !PickExtension(other, random, out int source))
        {
            return false;
        }
        IReadOnlyList<LogFrame> foreign = other.Extensions[source].Frames;
        IReadOnlyList<LogFrame> own = document.Extensions[target].Frames;
        int from = random.Below(foreign.Count);
        int count = 1 + random.Below(Math.Min(8, foreign.Count - from));
        int at = random.Below(own.Count + 1);
        int keep = random.OneIn(2) ? at : Math.Min(own.Count, at + count);
        SetFrames(document, target, [.. own.Take(at), .. foreign.Skip(from).Take(count), .. own.Skip(keep)]);
        return true;
    }

    // --- tokens ---

    private static bool ChangeNumber(LogDocument document, FuzzRandom random) =>
        ChangeToken(document, random, token => token.IsHeader || token.IsVarint, token => token with { Number = OddNumber(token.Number, random) });

    private static ulong OddNumber(ulong old, FuzzRandom random) => random.Below(6) switch
    {
        0 => old + 1,
        1 => old - 1,
        2 => old ^ (1UL << random.Below(64)),
        3 => (ulong)random.Below(64),
        _ => random.Pick(Edges),
    };

    // To itself, its parent, something undefined, something later: all of it is "another number", but small numbers are the live ones.
    private static bool ChangeReference(LogDocument document, FuzzRandom random)
    {
        int known = CountIndexes(document);
        return ChangeToken(
            document, random,
            token => token.Kind is LogTokenKind.Index or LogTokenKind.SymbolReference,
            token => token with
            {
                Number = random.Below(5) switch
                {
                    0 => 1,
                    1 => (ulong)known + (ulong)random.Below(3),
                    2 => token.Number + (ulong)random.Below(3) - 1,
                    _ => (ulong)random.Below(known + 2),
                },
            });
    }

    private static bool ChangeType(LogDocument document, FuzzRandom random) =>
        ChangeToken(document, random, token => token.IsHeader, token => random.Below(4) switch
        {
            0 => token with { Immediate = !token.Immediate },
            _ => token with { Type = random.Below(8) },
        });

    private static bool ChangeName(LogDocument document, FuzzRandom random) =>
        ChangePayload(document, random, afterSymbol: true, _ => random.Pick(Names));

    private static bool ChangeString(LogDocument document, FuzzRandom random) =>
        ChangePayload(document, random, afterSymbol: false, old => random.Below(5) switch
        {
            0 => random.Pick(Names),
            1 => Filled(1 + random.Below(5000)),
            2 => Encoding.ASCII.GetBytes(random.Pick(Edges).ToString(System.Globalization.CultureInfo.InvariantCulture)),
            3 => [.. old, 0],
            _ => [],
        });

    private static bool MakeOverlong(LogDocument document, FuzzRandom random) =>
        ChangeToken(document, random, token => token.Kind != LogTokenKind.Bytes, token => token with { Overlong = 1 + random.Below(12) });

    private static bool CutTokens(LogDocument document, FuzzRandom random) => ChangeRecord(document, random, frame =>
    {
        int at = random.Below(frame.Tokens.Count);
        return frame with { Tokens = random.OneIn(2) ? [.. frame.Tokens.Take(at)] : [.. frame.Tokens.Take(at), .. frame.Tokens.Skip(at + 1)] };
    });

    private static bool InsertToken(LogDocument document, FuzzRandom random) => ChangeRecord(document, random, frame =>
    {
        int at = random.Below(frame.Tokens.Count + 1);
        LogToken token = random.OneIn(2) && frame.Tokens.Count > 0
            ? random.Pick(frame.Tokens)
            : new LogToken(LogTokenKind.NewComposite, random.OneIn(2), random.Below(8), (ulong)random.Below(4));
        return frame with { Tokens = [.. frame.Tokens.Take(at), token, .. frame.Tokens.Skip(at)] };
    });

    // --- records and frames ---

    private static bool SwapRecords(LogDocument document, FuzzRandom random)
    {
        if (!PickExtension(document, random, out int number) || document.Extensions[number].Frames.Count < 2)
        {
            return false;
        }
        LogFrame[] frames = [.. document.Extensions[number].Frames];
        int one = random.Below(frames.Length);
        int other = random.OneIn(2) ? Math.Min(one + 1, frames.Length - 1) : random.Below(frames.Length);
        (frames[one], frames[other]) = (frames[other], frames[one]);
        SetFrames(document, number, frames);
        return true;
    }

    private static bool DuplicateRecord(LogDocument document, FuzzRandom random)
    {
        if (!PickExtension(document, random, out int number))
        {
            return false;
        }
        IReadOnlyList<LogFrame> frames = document.Extensions[number].Frames;
        int from = random.Below(frames.Count);
        int to = random.OneIn(2) ? from : random.Below(frames.Count);
        SetFrames(document, number, [.. frames.Take(to), frames[from], .. frames.Skip(to)]);
        return true;
    }

    private static bool DeleteFrame(LogDocument document, FuzzRandom random)
    {
        if (!PickExtension(document, random, out int number))
        {
            return false;
        }
        IReadOnlyList<LogFrame> frames = document.Extensions[number].Frames;
        int at = random.Below(frames.Count);
        int count = random.OneIn(4) ? 1 + random.Below(frames.Count) : 1;
        SetFrames(document, number, [.. frames.Take(at), .. frames.Skip(at + count)]);
        return true;
    }

    private static bool MoveFrame(LogDocument document, FuzzRandom random)
    {
        if (!PickExtension(document, random, out int source) || !PickExtension(document, random, out int target))
        {
            return false;
        }
        LogFrame moved = document.Extensions[source].Frames[random.Below(document.Extensions[source].Frames.Count)];
        SetFrames(document, source, [.. document.Extensions[source].Frames.Where(frame => !ReferenceEquals(frame, moved))]);
        IReadOnlyList<LogFrame> frames = document.Extensions[target].Frames;
        int at = random.Below(frames.Count + 1);
        SetFrames(document, target, [.. frames.Take(at), moved, .. frames.Skip(at)]);
        return true;
    }

    // "Set an attribute of something to something": makes cycles, hard links to directories, files that turn into directories.
    private static bool AssignSomething(LogDocument document, FuzzRandom random)
    {
        int known = CountIndexes(document);
        var tokens = new List<LogToken>
        {
            new(LogTokenKind.CompositeReference, false, random.OneIn(8) ? 2 : 1, 1),
            new(LogTokenKind.Index, true, 0, (ulong)random.Below(known + 1)),
        };
        if (random.OneIn(2))
        {
            tokens.Add(new LogToken(LogTokenKind.SymbolReference, false, 0, (ulong)random.Below(known + 1)));
        }
        else
        {
            AddName(tokens, random.OneIn(2) ? random.Pick(Names) : "z"u8.ToArray());
        }
        AddValue(tokens, random, known, 0);
        return InsertAnywhere(document, random, new LogFrame(LogFrameKind.Record) { Tokens = tokens });
    }

    private static void AddValue(List<LogToken> tokens, FuzzRandom random, int known, int depth)
    {
        switch (random.Below(depth > 3 ? 5 : 8))
        {
            case 0:
                tokens.Add(new LogToken(LogTokenKind.StringHeader, true, 0, 0)); // removal
                break;
            case 1:
                tokens.Add(new LogToken(LogTokenKind.StringHeader, true, 0, 1));
                tokens.Add(new LogToken(LogTokenKind.Bytes, true, 0, 0, [0])); // null
                break;
            case 2:
                tokens.Add(new LogToken(LogTokenKind.IntegerHeader, true, 3, (ulong)random.Below(3)));
                tokens.Add(new LogToken(LogTokenKind.Magnitude, true, 0, random.Pick(Edges)));
                break;
            case 3:
                byte[] value = random.Pick(Names);
                tokens.Add(new LogToken(LogTokenKind.StringHeader, true, 4, (ulong)value.Length));
                tokens.Add(new LogToken(LogTokenKind.Bytes, true, 0, 0, value));
                break;
            case 4:
            case 5:
                tokens.Add(new LogToken(LogTokenKind.CompositeReference, false, random.OneIn(6) ? 2 : 1, 0));
                tokens.Add(new LogToken(LogTokenKind.Index, true, 0, (ulong)random.Below(known + 1)));
                break;
            default:
                int count = random.Below(4);
                bool vector = random.OneIn(4);
                tokens.Add(new LogToken(LogTokenKind.NewComposite, true, vector ? 2 : 1, (ulong)count));
                for (int i = 0; i < count; i++)
                {
                    if (!vector)
                    {
                        AddName(tokens, random.Pick(Names));
                    }
                    AddValue(tokens, random, known, depth + 1);
                }
                break;
        }
    }

    private static void AddName(List<LogToken> tokens, byte[] name)
    {
        tokens.Add(new LogToken(LogTokenKind.NewSymbol, true, 0, (ulong)name.Length));
        tokens.Add(new LogToken(LogTokenKind.Bytes, true, 0, 0, name));
    }

    private static bool NestDeeply(LogDocument document, FuzzRandom random)
    {
        int known = CountIndexes(document);
        var tokens = new List<LogToken>();
        bool inTree = random.OneIn(2);
        tokens.Add(new LogToken(LogTokenKind.CompositeReference, false, 1, 1));
        tokens.Add(new LogToken(LogTokenKind.Index, true, 0, (ulong)random.Below(known + 1)));
        AddName(tokens, "deep"u8.ToArray());
        ulong children = (ulong)known + 2;
        tokens.Add(new LogToken(LogTokenKind.NewComposite, true, 1, inTree ? 1u : 0));
        if (inTree)
        {
            AddName(tokens, "children"u8.ToArray());
            tokens.Add(new LogToken(LogTokenKind.NewComposite, true, 1, 0));
        }
        int depth = 1 + random.Below(random.OneIn(4) ? 8000 : 60);
        for (int level = 0; level < depth; level++)
        {
            tokens[^1] = tokens[^1] with { Number = 1 };
            tokens.Add(new LogToken(LogTokenKind.SymbolReference, false, 0, level % 2 == 0 ? (ulong)known : children));
            tokens.Add(new LogToken(LogTokenKind.NewComposite, true, level % 7 == 6 && !inTree ? 2 : 1, 0));
            if (tokens[^1].Type == 2)
            {
                tokens[^1] = tokens[^1] with { Number = 1 };
                tokens.Add(new LogToken(LogTokenKind.NewComposite, true, 1, 0));
            }
        }
        return InsertAnywhere(document, random, new LogFrame(LogFrameKind.Record) { Tokens = tokens });
    }

    // One directory that contains another twice, that one a third twice, and so on: 2^n paths in n records.
    private static bool FanOut(LogDocument document, FuzzRandom random)
    {
        int known = CountIndexes(document);
        var tokens = new List<LogToken>
        {
            new(LogTokenKind.CompositeReference, false, 1, 1),
            new(LogTokenKind.Index, true, 0, (ulong)random.Below(known + 1)),
        };
        AddName(tokens, "fan"u8.ToArray());
        int levels = 2 + random.Below(60);
        for (int level = 0; level < levels; level++)
        {
            tokens.Add(new LogToken(LogTokenKind.NewComposite, true, 1, 1));
            AddName(tokens, "children"u8.ToArray());
            tokens.Add(new LogToken(LogTokenKind.NewComposite, true, 1, 2));
            AddName(tokens, "a"u8.ToArray());
        }
        tokens.Add(new LogToken(LogTokenKind.NewComposite, true, 1, 0));
        // Numbers: `fan`, then five for each level: tuple, `children`, tuple, `a`. The second child refers to the first one.
        for (int level = levels - 1; level >= 0; level--)
        {
            AddName(tokens, "b"u8.ToArray());
            tokens.Add(new LogToken(LogTokenKind.CompositeReference, false, 1, 0));
            tokens.Add(new LogToken(LogTokenKind.Index, true, 0, (ulong)(known + 1 + (4 * (level + 1)))));
        }
        return InsertAnywhere(document, random, new LogFrame(LogFrameKind.Record) { Tokens = tokens });
    }

    private static bool LieAboutLengths(LogDocument document, FuzzRandom random) => ChangeRecord(document, random, frame =>
    {
        ulong length = (ulong)LogDocument.Encode(frame.Tokens, 5).Length;
        return random.Below(3) switch
        {
            0 => frame with { Total = OddNumber(length, random) },
            1 => frame with { Here = OddNumber(length, random) },
            _ => frame with { Total = OddNumber(length, random), Here = OddNumber(length, random) },
        };
    });

    private static bool SplitRecord(LogDocument document, FuzzRandom random) => ChangeRecord(document, random, frame =>
    {
        int[] pieces = new int[1 + random.Below(4)];
        for (int i = 0; i < pieces.Length; i++)
        {
            pieces[i] = random.Below(random.OneIn(2) ? 3 : 600);
        }
        return frame with { Pieces = pieces };
    });

    private static bool InsertFrame(LogDocument document, FuzzRandom random)
    {
        LogFrame frame = random.Below(8) switch
        {
            0 => new LogFrame(LogFrameKind.EndOfLog),
            1 => new LogFrame(LogFrameKind.EndOfSegment),
            2 => new LogFrame(LogFrameKind.PadSector),
            3 => new LogFrame(LogFrameKind.CommitMark),
            4 => new LogFrame(LogFrameKind.Link) { First = OddNumber(1, random), Second = OddNumber(8, random) },
            5 => new LogFrame(LogFrameKind.Raw) { RawBytes = [3, 1, 0x80] },
            6 => new LogFrame(LogFrameKind.Raw) { RawBytes = [(byte)random.Below(256)] },
            _ => new LogFrame(LogFrameKind.Raw) { RawBytes = [2, 2, 1, 0x91] },
        };
        return InsertAnywhere(document, random, frame);
    }

    private static bool ChangeLink(LogDocument document, FuzzRandom random)
    {
        var places = new List<(int Extension, int Frame)>();
        for (int number = 0; number < document.Extensions.Count; number++)
        {
            for (int at = 0; at < document.Extensions[number].Frames.Count; at++)
            {
                if (document.Extensions[number].Frames[at].Kind == LogFrameKind.Link)
                {
                    places.Add((number, at));
                }
            }
        }
        if (places.Count == 0)
        {
            return false;
        }
        (int extension, int place) = random.Pick(places);
        LogFrame[] frames = [.. document.Extensions[extension].Frames];
        LogFrame link = frames[place];
        frames[place] = random.Below(5) switch
        {
            0 => link with { First = random.Pick(document.Extensions).StartSector }, // itself, an earlier one, or another later one
            1 => link with { Second = OddNumber(link.Second, random) },
            2 => link with { First = (ulong)(document.Background.Length / 512) - (ulong)random.Below(3) },
            3 => link with { First = link.First + (ulong)random.Below(3) - 1, Second = link.Second + (ulong)random.Below(3) - 1 },
            _ => link with { First = OddNumber(link.First, random), Second = OddNumber(link.Second, random) },
        };
        SetFrames(document, extension, frames);
        return true;
    }

    private static bool ChangeExtension(LogDocument document, FuzzRandom random)
    {
        int number = random.Below(document.Extensions.Count);
        LogExtensionDocument extension = document.Extensions[number];
        document.Extensions[number] = random.Below(4) switch
        {
            0 => extension with { Version = random.Below(8) },
            1 => extension with { HeaderLength = OddNumber(extension.SectorCount, random) },
            2 => extension with { StartSector = extension.StartSector + 1 },
            _ => extension with { Version = 9 - extension.Version },
        };
        return true;
    }

    private static bool ChangeLayout(LogDocument document, FuzzRandom random)
    {
        document.SectorFramed ^= random.OneIn(2);
        document.PrepareSectors ^= random.OneIn(2);
        return true;
    }

    private static bool ChangeLabel(LogDocument document, FuzzRandom random)
    {
        document.Label = random.Below(4) switch
        {
            0 => Filled(random.Below(600)),
            1 => [0xff],
            2 => Filled(32),
            _ => Filled(31),
        };
        return true;
    }

    // --- places ---

    private static bool ChangeToken(LogDocument document, FuzzRandom random, Func<LogToken, bool> suits, Func<LogToken, LogToken> change) =>
        ChangeRecord(document, random, frame =>
        {
            int start = random.Below(frame.Tokens.Count);
            for (int i = 0; i < frame.Tokens.Count; i++)
            {
                int at = (start + i) % frame.Tokens.Count;
                if (suits(frame.Tokens[at]))
                {
                    LogToken[] tokens = [.. frame.Tokens];
                    tokens[at] = change(tokens[at]);
                    return frame with { Tokens = tokens };
                }
            }
            return null;
        });

    private static bool ChangePayload(LogDocument document, FuzzRandom random, bool afterSymbol, Func<byte[], byte[]> change) =>
        ChangeRecord(document, random, frame =>
        {
            int start = random.Below(frame.Tokens.Count);
            for (int i = 0; i < frame.Tokens.Count; i++)
            {
                int at = (start + i) % frame.Tokens.Count;
                if (at > 0 && frame.Tokens[at].Kind == LogTokenKind.Bytes && (frame.Tokens[at - 1].Kind == LogTokenKind.NewSymbol) == afterSymbol)
                {
                    LogToken[] tokens = [.. frame.Tokens];
                    byte[] payload = change(tokens[at].Payload ?? []);
                    tokens[at] = tokens[at] with { Payload = payload };
                    tokens[at - 1] = tokens[at - 1] with { Number = (ulong)payload.Length };
                    return frame with { Tokens = tokens };
                }
            }
            return null;
        });

    private static bool ChangeRecord(LogDocument document, FuzzRandom random, Func<LogFrame, LogFrame?> change)
    {
        if (!PickExtension(document, random, out int number))
        {
            return false;
        }
        IReadOnlyList<LogFrame> frames = document.Extensions[number].Frames;
        int start = random.Below(frames.Count);
        for (int i = 0; i < frames.Count; i++)
        {
            int at = (start + i) % frames.Count;
            if (frames[at].Tokens.Count > 0 && change(frames[at]) is { } changed)
            {
                LogFrame[] copy = [.. frames];
                copy[at] = changed;
                SetFrames(document, number, copy);
                return true;
            }
        }
        return false;
    }

    private static bool InsertAnywhere(LogDocument document, FuzzRandom random, LogFrame frame)
    {
        if (!PickExtension(document, random, out int number))
        {
            return false;
        }
        IReadOnlyList<LogFrame> frames = document.Extensions[number].Frames;
        // Not before the root's record too often, and rarely behind the end, where nobody looks.
        int at = Math.Min(frames.Count, 1 + random.Below(frames.Count));
        SetFrames(document, number, [.. frames.Take(at), frame, .. frames.Skip(at)]);
        return true;
    }

    private static bool PickExtension(LogDocument document, FuzzRandom random, out int number)
    {
        number = document.Extensions.Count == 1 || random.OneIn(20) ? 0 : 1 + random.Below(document.Extensions.Count - 1);
        return document.Extensions[number].Frames.Count > 0;
    }

    private static void SetFrames(LogDocument document, int number, IReadOnlyList<LogFrame> frames) =>
        document.Extensions[number] = document.Extensions[number] with { Frames = frames };

    private static int CountIndexes(LogDocument document)
    {
        int count = 0;
        foreach (LogExtensionDocument extension in document.Extensions)
        {
            foreach (LogFrame frame in extension.Frames)
            {
                for (int i = 0; i < frame.Tokens.Count; i++)
                {
                    count += frame.Tokens[i].Kind is LogTokenKind.NewComposite or LogTokenKind.NewSymbol ? 1 : 0;
                }
            }
        }
        return count;
    }

    private static byte[] Filled(int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, (byte)'n');
        return bytes;
    }
}
