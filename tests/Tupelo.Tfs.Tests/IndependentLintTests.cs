using System.Text;
using Tupelo.Block;
using Tupelo.Testing.Images;

namespace Tupelo.Tfs.Tests;

/// <summary>The lint that vouches for the writer must notice: every rule is broken here once, in a volume that is right otherwise.</summary>
public sealed class IndependentLintTests
{
    private const int LogStart = 8 * 512; // the first extension of a volume that the builder makes

    [Fact]
    public void RightVolume_HasNoComplaints() => Assert.Empty(Lint(Volume()));

    [Fact]
    public void PaddingThatIsNotPadding_IsNoticed()
    {
        byte[] image = Volume();
        Assert.Equal(4, image[LogStart + 9]);
        image[LogStart + 9] = 1; // END_OF_LOG behind the header: the rest of the log is gone
        Assert.NotEmpty(Lint(image));
    }

    [Fact]
    public void SectorThatIsNotPrepared_IsNoticed()
    {
        byte[] image = Volume();
        int last = LogStart + (1023 * 512);
        Assert.Equal(1, image[last]);
        image[last] = 0;
        AssertNoticed(image, "is not prepared");
        image[last] = 1;
        image[last + 100] = 7;
        AssertNoticed(image, "is not prepared");
    }

    [Fact]
    public void RubbishBehindTheEnd_IsNoticed()
    {
        byte[] image = Volume();
        image[40] = 9; // in sector 0, behind its END_OF_LOG
        image[^(512 - 40)] = 9; // and in its copy
        AssertNoticed(image, "holds something behind its end");
    }

    [Fact]
    public void LostCopyOfSectorZero_IsNoticed()
    {
        byte[] image = Volume();
        image.AsSpan(image.Length - 512).Clear();
        AssertNoticed(image, "not a copy of sector 0");
    }

    [Fact]
    public void RubbishInFreeSpace_IsNoticed()
    {
        byte[] image = Volume();
        image[image.Length - 2000] = 1;
        AssertNoticed(image, "is not empty");
    }

    [Fact]
    public void RubbishBehindTheEndOfAFile_IsNoticed()
    {
        byte[] image = Volume();
        IndependentVolume volume = IndependentVolume.Read(new ImageBytes(image));
        ImageExtent extent = volume.Entries.Single(entry => entry.PathText == "/one").Extents[0];
        image[(int)extent.StorageSector * 512 + 511] = 1;
        AssertNoticed(image, "behind the file's end");
    }

    [Fact]
    public void CommitOfOtherRecords_IsNoticed()
    {
        byte[] image = Volume();
        int at = image.AsSpan().IndexOf("/target"u8);
        image[at + 1] ^= 1;
        AssertNoticed(image, "does not fit its records");
    }

    [Theory]
    [InlineData(0)] // sequence
    [InlineData(8)] // records
    [InlineData(12)] // bytes
    [InlineData(16)] // checksum
    public void CommitRecordThatIsWrong_IsNoticed(int offset)
    {
        byte[] image = Volume();
        int at = image.AsSpan().IndexOf((ReadOnlySpan<byte>)[.. "tupelo_commit"u8, 0xc8, 20]);
        image[at + 15 + offset] ^= 1;
        AssertNoticed(image, "does not fit its records");
    }

    [Fact]
    public void BentDocuments_AreNoticed()
    {
        // The same rules, broken in documents whose other parts are made to fit.
        AssertNoticed(Forge((smith, children) => smith.Assign(children, "a", tokens => tokens.Reference(children))), "has 16 sectors");
        AssertNoticed(Forge((smith, children) => smith.Frame(Split(children, 20))), "fits into a sector");
        AssertNoticed(
            Forge((smith, _) =>
            {
                smith.Frame(new LogFrame(LogFrameKind.PadSector));
                smith.Frame(new LogFrame(LogFrameKind.EndOfSegment));
            }),
            "begins with padding");
        AssertNoticed(Forge((smith, _) => smith.BeginCommit()), "is not closed");
        AssertNoticed(
            Forge((smith, children) =>
            {
                for (int i = 0; i < 3; i++)
                {
                    int number = i;
                    // Pieces of its own choosing: the whole record in one frame, wherever it falls.
                    smith.Frame(new LogFrame(LogFrameKind.Record) { Tokens = RemovalOf(children, number), Pieces = [1000] });
                }
            }),
            "straddles sectors");
        AssertNoticed(
            Forge((smith, children) =>
            {
                smith.Assign(1, "x", tokens => tokens.Integer(1));
                smith.Assign(1, "x", tokens => tokens.Integer(1));
            }),
            "were replaced");
        AssertNoticed(Forge((smith, _) => smith.Assign(1, "x", tokens => tokens.Integer(1UL << 61))), "2^61");
        AssertNoticed(Forge((smith, _) => smith.Assign(1, "x", tokens => tokens.String("text"u8, typed: false))), "untyped");
        AssertNoticed(Forge((smith, children) => smith.AddFile(children, "f", new byte[70_000])), "begins at sector");
        AssertNoticed(Forge((smith, children) => smith.Assign(smith.AddFile(children, "f", "x"u8), "nlink", tokens => tokens.Integer(2))), "1 names and says 2");
        AssertNoticed(Forge((smith, children) => smith.Assign(smith.AddFile(children, "f", "x"u8), "..", tokens => tokens.Reference(1))), "attribute '..'");
        AssertNoticed(
            Forge((smith, children) => smith.Record(tokens =>
            {
                _ = tokens.Reference(1, 2).Symbol("x").Integer(1);
                _ = tokens.Symbol("y").Integer(2);
            })),
            "is not one assignment");
        AssertNoticed(
            Forge((smith, children) =>
            {
                ulong sector = smith.NextDataSector;
                foreach (string name in (string[])["f", "g"])
                {
                    smith.Assign(children, name, tokens =>
                    {
                        _ = tokens.Tuple(2);
                        _ = tokens.Symbol("filelength").Integer(512);
                        _ = tokens.Symbol("extents").Tuple(1);
                        _ = tokens.Symbol("0").Tuple(3);
                        _ = tokens.Symbol("offset").Integer(sector).Symbol("length").Integer(1).Symbol("allocated").Integer(1);
                    });
                }
            }),
            "belongs to");
        AssertNoticed(
            Forge((smith, _) => smith.Frame(new LogFrame(LogFrameKind.Record)
            {
                Tokens =
                [
                    new LogToken(LogTokenKind.CompositeReference, false, 1, 1), new LogToken(LogTokenKind.Index, true, 0, 1),
                    new LogToken(LogTokenKind.NewSymbol, true, 0, 8), new LogToken(LogTokenKind.Bytes, true, 0, 0, "children"u8.ToArray()),
                    new LogToken(LogTokenKind.CompositeReference, false, 1, 0), new LogToken(LogTokenKind.Index, true, 0, 3),
                ],
            })),
            "written out a second time");
        AssertNoticed(
            Forge((smith, _) => smith.Frame(new LogFrame(LogFrameKind.Record)
            {
                Tokens =
                [
                    new LogToken(LogTokenKind.CompositeReference, false, 1, 1), new LogToken(LogTokenKind.Index, true, 0, 1, null, Overlong: 1),
                    new LogToken(LogTokenKind.SymbolReference, false, 0, 2),
                    new LogToken(LogTokenKind.CompositeReference, false, 1, 0), new LogToken(LogTokenKind.Index, true, 0, 3),
                ],
            })),
            "is written with");
    }

    [Fact]
    public void RecordsOutsideOfCommits_AreNoticed()
    {
        var smith = new ImageSmith(64, extensionSectors: 16);
        smith.Document.SectorFramed = true;
        smith.Document.PrepareSectors = true;
        _ = smith.BeginRoot();
        smith.Frame(new LogFrame(LogFrameKind.PadSector));
        AssertNoticed(smith.Finish().Emit(), "is outside of a commit");
    }

    [Fact]
    public void CommitsInAPlainVolume_AreNoticed() => AssertNoticed(Volume(), new LintOptions(Plain: true), "of a plain volume");

    private static LogFrame Split(int children, int piece) => new(LogFrameKind.Record) { Tokens = RemovalOf(children, 7), Pieces = [piece] };

    // "Remove the attribute whose name is 200 bytes long", which nothing has.
    private static List<LogToken> RemovalOf(int children, int number) =>
    [
        new(LogTokenKind.CompositeReference, false, 1, 1), new(LogTokenKind.Index, true, 0, (ulong)children),
        new(LogTokenKind.NewSymbol, true, 0, 200), new(LogTokenKind.Bytes, true, 0, 0, Encoding.ASCII.GetBytes(new string((char)('a' + number), 200))),
        new(LogTokenKind.StringHeader, true, 0, 0), new(LogTokenKind.Bytes, true, 0, 0, []),
    ];

    // A volume like the builder's but for what the caller adds, and for its small size, which is noticed too.
    private static byte[] Forge(Action<ImageSmith, int> add)
    {
        var smith = new ImageSmith(256, extensionSectors: 16);
        smith.Document.SectorFramed = true;
        smith.Document.PrepareSectors = true;
        smith.BeginCommit();
        int children = smith.BeginRoot();
        add(smith, children);
        smith.EndCommit();
        return smith.Finish().Emit();
    }

    private static byte[] Volume()
    {
        var model = new RoundTripModel(new TfsBuildOptions { Label = "lint" });
        model.Root.Children.Add(ModelEntry.File("one", 100));
        model.Root.Children.Add(ModelEntry.File("big", 100_000, 5));
        model.Root.Children.Add(new ModelEntry { Name = "link"u8.ToArray(), Type = FileType.Symlink, Target = "/target"u8.ToArray() });
        using MemoryBlockDevice device = model.Build();
        return RoundTripVolumeTests.Bytes(device);
    }

    private static List<string> Lint(byte[] image) => Lint(image, new LintOptions());

    private static List<string> Lint(byte[] image, LintOptions options)
    {
        var bytes = new ImageBytes(image);
        try
        {
            return VolumeLint.Check(IndependentVolume.Read(bytes), bytes, options);
        }
        catch (DamagedImageException damaged)
        {
            return [damaged.Message];
        }
    }

    private static void AssertNoticed(byte[] image, params string[] words) => AssertNoticed(image, new LintOptions(), words);

    private static void AssertNoticed(byte[] image, LintOptions options, params string[] words)
    {
        List<string> complaints = Lint(image, options);
        Assert.True(
            words.Any(word => complaints.Any(complaint => complaint.Contains(word, StringComparison.Ordinal))),
            $"none of '{string.Join("', '", words)}' in: {string.Join("; ", complaints)}");
    }
}
