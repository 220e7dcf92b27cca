using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Images.Tests;

public sealed class RoundTripTests
{
    [Theory]
    [InlineData(1, 20)]
    [InlineData(2, 300)]
    [InlineData(3, 1000)]
    public void RandomTree_BuiltAndReadBack_IsTheSameForBothReaders(int seed, int entries)
    {
        using TemporaryDirectory temporary = new();
        RandomTree tree = new(temporary["tree"], seed);
        tree.Fill(entries);
        string image = temporary["image"];
        foreach (bool plain in (bool[])[false, true])
        {
            _ = Making.Make(new ImageRequest { ImagePath = image, SourceDirectory = temporary["tree"], Overwrite = true, Plain = plain });
            List<string> expected = tree.SortedExpected();
            Assert.Equal(expected, ReadBack.ListIndependently(image, plain: plain));
            Assert.Equal(expected, ReadBack.ListWithProduct(image));
        }
    }
}

internal static class Making
{
    public static ImageSummary Make(ImageRequest request, List<string>? warnings = null, BuildProgress? progress = null) =>
        ImageMaker.Make(request, progress ?? new BuildProgress(), warnings is null ? _ => { } : warnings.Add, default);
}
