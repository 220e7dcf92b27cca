using System.Text;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Images.Tests;

public sealed class ManifestParserTests
{
    [Theory]
    [InlineData("(a:b)", "(a:b)")]
    [InlineData("  # first\n ( a:b# in a value\n c : d )# end", "(a:b# in a value)", false)]
    [InlineData("(a:b c:d)", "(a:b c:d)")]
    [InlineData("(a:b a:c)", "(a:c)")]
    [InlineData("(a:b)(c:d)", "(c:d)")]
    [InlineData("(path:/bin:/usr/bin)", "(path:/bin:/usr/bin)")]
    [InlineData("(v:[a b [c] [] (d:e)])", "(v:[a b [c] [] (d:e)])")]
    [InlineData("(\"a b\":\"c\\\"d\\\\e\" empty:\"\")", "(a b:c\"d\\e empty:)")]
    [InlineData("(a:() b:[] c:(d:()))", "(a:() b:[] c:(d:()))")]
    [InlineData("(a:\n# comment\nb)", "(a:b)")]
    [InlineData("(nl:\"x\\ny\")", "(nl:xny)")]
    [InlineData("(a:b[c])", "(a:b)", false)]
    public void Parse_LegalText_GivesItsTuple(string text, string expected, bool isLegal = true)
    {
        if (isLegal)
        {
            Assert.Equal(expected, Show(ManifestParser.Parse(Encoding.UTF8.GetBytes(text), "m")));
        }
        else
        {
            _ = Assert.Throws<ImageException>(() => ManifestParser.Parse(Encoding.UTF8.GetBytes(text), "m"));
        }
    }

    [Theory]
    [InlineData("", "m:1:1: there is no tuple")]
    [InlineData("# only\n  ", "m:2:3: there is no tuple")]
    [InlineData("word", "m:1:5: a manifest consists of tuples")]
    [InlineData("(a:b", "m:1:1: this '(' has no ')'")]
    [InlineData("(a:[b\n(c:d)", "m:1:4: this '[' has no ']'")]
    [InlineData("(a b)", "m:1:4: after the name \"a\" ':' is expected")]
    [InlineData("(a/b:c)", "m:1:3: after the name \"a\" ':' is expected")]
    [InlineData("(:c)", "m:1:2: a name is expected, not ':'")]
    [InlineData("(a:)", "m:1:4: a value is expected, not ')'")]
    [InlineData("(a:\"b)", "m:1:4: this '\"' has no end")]
    [InlineData("(a:\"b\\", "m:1:4: this '\"' has no end")]
    [InlineData("(a:b))", "m:1:6: a value is expected, not ')'")]
    [InlineData("(a:[b)]", "m:1:6: a value is expected, not ')'")]
    [InlineData("(a:", "m:1:4: a value is expected, but the text ends")]
    public void Parse_IllegalText_SaysWhere(string text, string message)
    {
        ImageException error = Assert.Throws<ImageException>(() => ManifestParser.Parse(Encoding.UTF8.GetBytes(text), "m"));
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_NestingOf100000_IsRefusedWithoutRecursion()
    {
        byte[] text = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("(a:", 100_000)));
        Assert.Contains("nested deeper", Assert.Throws<ImageException>(() => ManifestParser.Parse(text, "m")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_RandomBytes_NeverFailOtherwiseThanWithAnImageException()
    {
        const int Seed = 20261121;
        Random random = new(Seed);
        string alphabet = "()[]:\"\\# \nab/|";
        int parsed = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] text = new byte[random.Next(24)];
            for (int at = 0; at < text.Length; at++)
            {
                text[at] = random.Next(50) == 0 ? (byte)random.Next(256) : (byte)alphabet[random.Next(alphabet.Length)];
            }
            try
            {
                _ = ManifestParser.Parse(text, "m");
                parsed++;
            }
            catch (ImageException error)
            {
                Assert.StartsWith("m:", error.Message, StringComparison.Ordinal);
            }
        }
        Assert.True(parsed > 10, $"only {parsed} of the texts with seed {Seed} were legal");
    }

    [Fact]
    public void Make_GoldenManifest_ReadsToTheGoldenTree()
    {
        GoldenImage golden = GoldenImage.Load("06-manifest-attrs");
        IndependentVolume original = IndependentVolume.Read(new ImageBytes(golden.Bytes));
        using TemporaryDirectory temporary = new();
        ImageEntry app = original.Entries.Single(entry => entry.PathText == "/bin/app");
        byte[] content = new byte[app.Size];
        original.ReadContent(app, 0, content);
        _ = Directory.CreateDirectory(temporary["root/s06/bin"]);
        File.WriteAllBytes(temporary["root/s06/bin/app"], content);
        byte[] text = File.ReadAllBytes(Path.Combine(GoldenImage.Directory, "06-manifest-attrs.manifest"));
        foreach (bool plain in (bool[])[true, false])
        {
            _ = Making.Make(new ImageRequest
            {
                ImagePath = temporary["image"],
                Overwrite = true,
                Plain = plain,
                Manifest = ManifestParser.Parse(text, "06"),
                TargetRoot = temporary["root"],
            });
            _ = ReadBack.ListIndependently(temporary["image"], hash: false, plain, out IndependentVolume made);
            using FileStream stream = File.OpenRead(temporary["image"]);
            Assert.True(stream.Length >= 4 << 20, "imagesize:4M");
            made = IndependentVolume.Read(new ImageBytes(File.ReadAllBytes(temporary["image"])));
            Assert.Empty(GoldenImage.Differences(golden.Entries, IndependentListing.List(made)));
            _ = made.Log.Root.Attributes.Remove("tupelo_commit");
            Assert.Equal(IndependentListing.RootAttributes(original), IndependentListing.RootAttributes(made));
            CompositeValue special = made.Entries.Single(entry => entry.PathText == "/special").Tuple;
            Assert.Equal("\"0644\"", IndependentListing.Canonical(special["mode"]!));
            Assert.Equal("""{"deep":{"deeper":["1","2",{"k":"v"}]}}""", IndependentListing.Canonical(special["custom"]!));
        }
    }

    private static string Show(TfsLiteral value) => value switch
    {
        StringLiteral text => Encoding.UTF8.GetString(text.Bytes),
        VectorLiteral vector => "[" + string.Join(' ', vector.Items.Select(Show)) + "]",
        TupleLiteral tuple => "(" + string.Join(' ', Enumerable.Range(0, tuple.Count).Select(i => $"{tuple.NameAt(i)}:{Show(tuple.ValueAt(i))}")) + ")",
        _ => "?",
    };
}
