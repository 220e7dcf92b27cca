using System.Text;
using Tupelo.Fuzz.Images;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Fuzz;

/// <summary>The dangers that are known by name, each built on purpose and judged like any case of a campaign.</summary>
public sealed class DangerTests
{
    [Fact]
    public void HundredThousandNestedDirectories_AreReadWithoutRecursion()
    {
        const int Depth = 100_000;
        byte[] image = Nested(Depth, asDirectories: true);
        AssertAllowed(image, opens: true);
        TfsVolume volume = TfsVolume.Open(new ArrayBlockDevice(image));
        Assert.Equal(Depth + 2, volume.AllNodes().Count());
    }

    [Fact]
    public void HundredThousandNestedTuples_AreReadWithoutRecursion() => AssertAllowed(Nested(100_000, asDirectories: false), opens: true);

    [Fact]
    public void DirectoryThatContainsItself_IsReported()
    {
        var smith = new ImageSmith(32);
        int children = smith.BeginRoot();
        int directory = smith.AddDirectory(children, "d");
        smith.Assign(directory, "self", tokens => tokens.Reference(directory - 1)); // `children` is the next number after its directory's
        AssertReported(smith.Finish().Emit());
    }

    [Fact]
    public void DirectoryThatContainsTheRoot_IsReported()
    {
        var smith = new ImageSmith(32);
        int children = smith.BeginRoot();
        smith.Assign(smith.AddDirectory(children, "d"), "up", tokens => tokens.Reference(1));
        AssertReported(smith.Finish().Emit());
    }

    [Fact]
    public void ChildrenThatAreTheirOwnEntry_AreReported()
    {
        var smith = new ImageSmith(32);
        int children = smith.BeginRoot();
        smith.Assign(children, "children", tokens => tokens.Reference(children));
        smith.Assign(children, "again", tokens => tokens.Reference(children));
        AssertReported(smith.Finish().Emit());
    }

    [Fact]
    public void ParentLinksThatNanosLetSlip_AreIgnored()
    {
        var smith = new ImageSmith(32);
        int children = smith.BeginRoot();
        int directory = smith.AddDirectory(children, "d");
        smith.Assign(directory, "..", tokens => tokens.Reference(1));
        smith.Assign(directory, ".", tokens => tokens.Reference(directory));
        smith.Assign(1, "..", tokens => tokens.Reference(1));
        byte[] image = smith.Finish().Emit();
        AssertAllowed(image, opens: true);
        Assert.Empty(TfsVolume.Open(new ArrayBlockDevice(image)).Faults);
    }

    [Fact]
    public void DoublingDirectories_AreNotWalkedTwoToTheSixtyTimes()
    {
        var smith = new ImageSmith(64, extensionSectors: 32);
        int children = smith.BeginRoot();
        int next = smith.AddDirectory(children, "start");
        for (int level = 0; level < 60; level++)
        {
            int directory = 0;
            int grandchildren = smith.Assign(next, "a", tokens =>
            {
                directory = tokens.Tuple(1);
                return tokens.Symbol("children").Tuple(0);
            });
            smith.Assign(next, "b", tokens => tokens.Reference(directory));
            next = grandchildren;
        }
        AssertReported(smith.Finish().Emit());
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 8)]
    [InlineData(2, 4)]
    [InlineData(31, 2)]
    [InlineData(32, 1)]
    [InlineData(9, 0)]
    [InlineData(9, ulong.MaxValue)]
    [InlineData(ulong.MaxValue, 1)]
    [InlineData(1UL << 55, 1)]
    [InlineData(ulong.MaxValue, ulong.MaxValue)]
    public void LogLink_ToItselfOrNowhere_IsRefused(ulong start, ulong count)
    {
        var smith = new ImageSmith(32);
        _ = smith.BeginRoot();
        smith.Frame(new LogFrame(LogFrameKind.Link) { First = start, Second = count });
        AssertRefused(smith.Finish().Emit());
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(1UL << 32)]
    [InlineData((1UL << 31) - 1)]
    [InlineData(4097)]
    public void LengthThatLies_IsRefused(ulong length)
    {
        foreach (LogTokenKind kind in Enum.GetValues<LogTokenKind>())
        {
            if (kind is LogTokenKind.Bytes or LogTokenKind.IntegerHeader or LogTokenKind.Magnitude)
            {
                continue; // any number is right there
            }
            var smith = new ImageSmith(32);
            int children = smith.BeginRoot();
            _ = smith.AddFile(children, "a", "x"u8);
            smith.Assign(children, "b", tokens => tokens.Reference(children, 1).Symbol("a").String("text"u8));
            LogDocument document = smith.Finish();
            LogFrame[] frames = [.. document.Extensions[1].Frames];
            bool bent = false;
            for (int i = 1; i < frames.Length && !bent; i++)
            {
                LogToken[] tokens = [.. frames[i].Tokens];
                int at = Array.FindIndex(tokens, token => token.Kind == kind);
                if (at >= 0)
                {
                    tokens[at] = tokens[at] with { Number = length };
                    frames[i] = frames[i] with { Tokens = tokens };
                    bent = true;
                }
            }
            Assert.True(bent, kind.ToString());
            document.Extensions[1] = document.Extensions[1] with { Frames = frames };
            AssertRefused(document.Emit());
        }
    }

    [Theory]
    [InlineData(ulong.MaxValue, null)]
    [InlineData(1UL << 40, null)]
    [InlineData(null, ulong.MaxValue)]
    [InlineData(null, 5000UL)]
    [InlineData(ulong.MaxValue, ulong.MaxValue)]
    [InlineData(1UL << 31, null)]
    public void FrameThatLies_IsRefusedWithoutAllocating(ulong? total, ulong? here)
    {
        var smith = new ImageSmith(32);
        _ = smith.BeginRoot(("a", "b"));
        LogDocument document = smith.Finish();
        LogFrame[] frames = [.. document.Extensions[1].Frames];
        frames[0] = frames[0] with { Total = total, Here = here };
        document.Extensions[1] = document.Extensions[1] with { Frames = frames };
        byte[] image = document.Emit();
        AssertAllowed(image, opens: false);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("/")]
    [InlineData("\0")]
    [InlineData("x\0y")]
    [InlineData("256")]
    [InlineData("4096")]
    public void ImpossibleName_IsNeverListed(string name)
    {
        var smith = new ImageSmith(64, extensionSectors: 32);
        int children = smith.BeginRoot();
        _ = smith.AddFile(children, int.TryParse(name, out int length) ? new string('n', length) : name, "x"u8);
        _ = smith.AddFile(children, "good", "y"u8);
        byte[] image = smith.Finish().Emit();
        AssertAllowed(image, opens: true);
        TfsVolume volume = TfsVolume.Open(new ArrayBlockDevice(image));
        var names = new List<string>();
        foreach (TfsDirectoryEntries entry in volume.EntriesOf(volume.Root))
        {
            names.Add(Encoding.UTF8.GetString(entry.Name));
        }
        Assert.Equal(["good"], names);
    }

    [Theory]
    [InlineData(31, 2, 2)]
    [InlineData(32, 1, 1)]
    [InlineData(1UL << 55, 1, 1)]
    [InlineData(ulong.MaxValue, 1, 1)]
    [InlineData(10, ulong.MaxValue, ulong.MaxValue)]
    [InlineData(10, 1UL << 55, 1UL << 55)]
    [InlineData(10, 2, 1)]
    [InlineData(0, 1, 1)]
    public void ExtentOutsideOfTheVolume_CannotBeRead(ulong offset, ulong length, ulong allocated)
    {
        byte[] image = WithExtent("0", offset, length, allocated);
        AssertReported(image);
        TfsVolume volume = TfsVolume.Open(new ArrayBlockDevice(image));
        Assert.Equal(Errno.None, volume.Resolve("f"u8, followLast: true, out TfsNode file));
        Assert.Equal(Errno.EUCLEAN, volume.OpenFile(file, out _));
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("18446744073709551615")]
    [InlineData("18014398509481984")]
    [InlineData("18446744073709551616")]
    public void ExtentAtAnImpossiblePlaceInItsFile_CannotBeRead(string key) => AssertReported(WithExtent(key, 10, 1, 1));

    [Theory]
    [InlineData("0", 3, "2", 1)]
    [InlineData("5", 1, "05", 1)]
    [InlineData("0", 2, "00", 1)]
    [InlineData("7", 1, "0", 8)]
    public void ExtentsThatOverlapInTheirFile_CannotBeRead(string one, ulong oneLength, string other, ulong otherLength)
    {
        var smith = new ImageSmith(64);
        int children = smith.BeginRoot();
        smith.Assign(children, "f", tokens =>
        {
            _ = tokens.Tuple(2);
            _ = tokens.Symbol("filelength").Integer(5000);
            _ = tokens.Symbol("extents").Tuple(2);
            _ = tokens.Symbol(one).Tuple(3);
            _ = tokens.Symbol("offset").Integer(20).Symbol("length").Integer(oneLength).Symbol("allocated").Integer(oneLength);
            _ = tokens.Symbol(other).Tuple(3);
            _ = tokens.Symbol("offset").Integer(40).Symbol("length").Integer(otherLength).Symbol("allocated").Integer(otherLength);
        });
        AssertReported(smith.Finish().Emit());
    }

    [Fact]
    public void LengthThatIsNoNumber_IsReportedEvenWithoutExtents()
    {
        // It once read as an empty file, and nobody was told.
        var smith = new ImageSmith(32);
        int children = smith.BeginRoot();
        smith.Assign(children, "f", tokens =>
        {
            _ = tokens.Tuple(1);
            _ = tokens.Symbol("filelength").String("12x"u8);
        });
        byte[] image = smith.Finish().Emit();
        AssertReported(image);
        TfsVolume volume = TfsVolume.Open(new ArrayBlockDevice(image));
        Assert.Equal(Errno.None, volume.Resolve("f"u8, followLast: true, out TfsNode file));
        Assert.Equal(Errno.EUCLEAN, volume.OpenFile(file, out _));
    }

    [Fact]
    public void SymbolicLinkWhoseTargetIsNoString_IsReported()
    {
        var smith = new ImageSmith(32);
        int children = smith.BeginRoot();
        smith.Assign(children, "l", tokens =>
        {
            _ = tokens.Tuple(1);
            _ = tokens.Symbol("linktarget").Integer(7);
        });
        AssertReported(smith.Finish().Emit());
    }

    [Fact]
    public void SymbolicLinksInACircle_EndInELOOP()
    {
        var smith = new ImageSmith(32);
        int children = smith.BeginRoot();
        _ = smith.AddSymlink(children, "a", "b/x");
        _ = smith.AddSymlink(children, "b", "a/y");
        _ = smith.AddSymlink(children, "long", string.Concat(Enumerable.Repeat("long/", 800)));
        byte[] image = smith.Finish().Emit();
        AssertAllowed(image, opens: true);
        TfsVolume volume = TfsVolume.Open(new ArrayBlockDevice(image));
        Assert.Equal(Errno.ELOOP, volume.Resolve("a"u8, followLast: true, out _));
        Assert.Contains(volume.Resolve("long"u8, followLast: true, out _), new[] { Errno.ELOOP, Errno.ENAMETOOLONG });
    }

    [Fact]
    public void MillionEmptyTuples_StayWithinTheMemoryLimit()
    {
        // The densest image there is: one byte for each object.
        var smith = new ImageSmith(2200, extensionSectors: 2100);
        _ = smith.BeginRoot();
        smith.Assign(1, "v", tokens =>
        {
            _ = tokens.Vector(1_000_000);
            for (int i = 0; i < 1_000_000; i++)
            {
                _ = tokens.Tuple(0);
            }
        });
        AssertAllowed(smith.Finish().Emit(), opens: true);
    }

    [Fact]
    public void QuarterMillionAttributes_StayWithinTheMemoryLimit()
    {
        var smith = new ImageSmith(2200, extensionSectors: 2100);
        int children = smith.BeginRoot();
        for (int record = 0; record < 5; record++)
        {
            // The same attribute of the same tuple again and again: nothing may pile up.
            smith.Record(tokens =>
            {
                _ = tokens.Reference(children, 50_000);
                for (int i = 0; i < 50_000; i++)
                {
                    _ = tokens.Symbol("s").Reference(1);
                }
            });
        }
        AssertAllowed(smith.Finish().Emit(), opens: true);
    }

    [Fact]
    public void RecordThatNeverEnds_IsReported()
    {
        var smith = new ImageSmith(32);
        _ = smith.BeginRoot();
        smith.Frame(new LogFrame(LogFrameKind.Raw) { RawBytes = [2, 10, 3, 0x91, 0x81, 0x30] });
        AssertReported(smith.Finish().Emit());
    }

    [Fact]
    public void EmptyInput_IsRefused()
    {
        foreach (int length in (ReadOnlySpan<int>)[0, 1, 6, 7, 29, 511, 512, 1024])
        {
            AssertRefused(new byte[length]);
            byte[] magic = new byte[length];
            "NVMTFS"u8[..Math.Min(6, length)].CopyTo(magic);
            AssertRefused(magic);
        }
    }

    private static byte[] Nested(int depth, bool asDirectories)
    {
        int sectors = (depth * 6 / 512) + 16;
        var smith = new ImageSmith(sectors + 8, extensionSectors: sectors);
        int children = smith.BeginRoot();
        smith.Assign(asDirectories ? children : 1, "d", tokens =>
        {
            for (int level = 0; level < depth; level++)
            {
                _ = tokens.Tuple(1);
                _ = tokens.Symbol("children").Tuple(1);
                _ = tokens.Symbol("d");
            }
            _ = tokens.Tuple(0);
        });
        return smith.Finish().Emit();
    }

    private static byte[] WithExtent(string key, ulong offset, ulong length, ulong allocated)
    {
        var smith = new ImageSmith(32);
        int children = smith.BeginRoot();
        smith.Assign(children, "f", tokens =>
        {
            _ = tokens.Tuple(2);
            _ = tokens.Symbol("filelength").Integer(700);
            _ = tokens.Symbol("extents").Tuple(1);
            _ = tokens.Symbol(key).Tuple(3);
            _ = tokens.Symbol("offset").Integer(offset).Symbol("length").Integer(length).Symbol("allocated").Integer(allocated);
        });
        return smith.Finish().Emit();
    }

    private static ImageOutcome AssertAllowed(byte[] image, bool opens)
    {
        string? verdict = Judge.Try(image, out ImageOutcome outcome);
        Assert.True(verdict is null, verdict);
        Assert.True(outcome.Refused is null == opens, outcome.Refused ?? "was opened");
        return outcome;
    }

    private static void AssertRefused(byte[] image) => AssertAllowed(image, opens: false);

    private static void AssertReported(byte[] image) => Assert.True(AssertAllowed(image, opens: true).Faults > 0, "opened without a fault");
}
