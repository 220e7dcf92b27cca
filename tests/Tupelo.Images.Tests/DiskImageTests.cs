using System.Text;
using Tupelo.Block;
using Tupelo.Testing.Images;

namespace Tupelo.Images.Tests;

public sealed class DiskImageTests
{
    private const int BootImageBytes = 4096;

    [Fact]
    public void Make_BootableDisk_HasTheGoldenTableAndTrees()
    {
        GoldenImage golden = GoldenImage.Load("13-disk-mbr");
        using TemporaryDirectory temporary = new();
        WriteParts(temporary, golden);
        foreach (string way in (string[])["--kernel", "boot", "/kernel"])
        {
            string kernel = $"(contents:(host:\"{temporary["kernel"]}\"))";
            string manifest = $"""
                (children:(hello.txt:(contents:(host:"{temporary["hello.txt"]}")){(way == "/kernel" ? $" kernel:{kernel}" : "")})
                 program:/hello.txt arguments:[hello.txt]{(way == "boot" ? $" boot:(children:(kernel:{kernel}))" : "")})
                """;
            ImageSummary made = Making.Make(new ImageRequest
            {
                ImagePath = temporary["disk"],
                Overwrite = true,
                Plain = true,
                Label = "rootvol",
                Manifest = ManifestParser.Parse(Encoding.UTF8.GetBytes(manifest), "m"),
                BootImage = temporary["boot.img"],
                Kernel = way == "--kernel" ? temporary["kernel"] : null,
                MinSizeBytes = golden.Bytes.Length,
            });
            byte[] disk = File.ReadAllBytes(temporary["disk"]);
            Assert.Equal(golden.Bytes.Length, disk.Length);
            Assert.Equal(golden.RootVolumeOffset, made.RootOffsetBytes);
            // Boot image with the partition table, then the empty kernel log.
            Assert.Equal(golden.Bytes[..BootImageBytes], disk[..BootImageBytes]);
            Assert.Equal(new byte[4096], disk[BootImageBytes..(BootImageBytes + 4096)]);
            ImageBytes image = new(disk);
            ImageBytes root = IndependentPartitions.RootVolume(image, out long offset);
            Assert.Equal(golden.RootVolumeOffset, offset);
            IndependentVolume volume = IndependentVolume.Read(root);
            Assert.Equal("rootvol", Encoding.UTF8.GetString(volume.Log.Label));
            Assert.Empty(VolumeLint.Check(volume, root, new LintOptions(Plain: true)));
            if (way != "/kernel")
            {
                Assert.Empty(GoldenImage.Differences(golden.Entries, IndependentListing.List(volume)));
            }
            Assert.Equal(IndependentListing.Canonical(golden.RootAttributes!.Value), IndependentListing.RootAttributes(volume));
            ImageBytes boot = IndependentPartitions.Volume(image, IndependentPartitions.Read(image)[0]);
            IndependentVolume bootVolume = IndependentVolume.Read(boot);
            Assert.Empty(VolumeLint.Check(bootVolume, boot, new LintOptions(Plain: true)));
            Assert.Empty(bootVolume.Log.Label);
            Assert.Empty(GoldenImage.Differences(golden.Partitions[0].GetProperty("tfs_entries"), IndependentListing.List(bootVolume)));
        }
    }

    [Fact]
    public void Make_BootableDiskTwiceReproducibly_GivesTheSameBytes()
    {
        using TemporaryDirectory temporary = new();
        WriteParts(temporary, GoldenImage.Load("13-disk-mbr"));
        List<byte[]> disks = [];
        for (int i = 0; i < 2; i++)
        {
            _ = Making.Make(new ImageRequest
            {
                ImagePath = temporary["disk"], Overwrite = true, Reproducible = true, BootImage = temporary["boot.img"], Kernel = temporary["kernel"],
            });
            disks.Add(File.ReadAllBytes(temporary["disk"]));
        }
        Assert.Equal(disks[0], disks[1]);
    }

    [Theory]
    [InlineData("type", "no record")]
    [InlineData("length", "it says that")]
    [InlineData("size", "whole sectors")]
    [InlineData("kernel", "too small")]
    [InlineData("none", "needs a kernel")]
    public void Make_SenselessPartsOfABootableDisk_AreRefused(string what, string message)
    {
        using TemporaryDirectory temporary = new();
        WriteParts(temporary, GoldenImage.Load("13-disk-mbr"));
        byte[] boot = File.ReadAllBytes(temporary["boot.img"]);
        switch (what)
        {
            case "type":
                boot[BootRegion.Offset + 16] = 11;
                break;
            case "length":
                boot[BootRegion.Offset + 9]++;
                break;
            case "size":
                Array.Resize(ref boot, 4000);
                break;
            case "kernel":
                File.WriteAllBytes(temporary["kernel"], new byte[12 << 20]);
                break;
        }
        File.WriteAllBytes(temporary["boot.img"], boot);
        IOException error = Assert.ThrowsAny<IOException>(() => Making.Make(new ImageRequest
        {
            ImagePath = temporary["disk"], BootImage = temporary["boot.img"], Kernel = what == "none" ? null : temporary["kernel"],
        }));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(temporary["disk"]));
    }

    // The synthetic boot loader and kernel are taken out of the golden disk itself; its table goes.
    private static void WriteParts(TemporaryDirectory temporary, GoldenImage golden)
    {
        byte[] boot = golden.Bytes[..BootImageBytes];
        boot.AsSpan(446, 64).Clear();
        File.WriteAllBytes(temporary["boot.img"], boot);
        ImageBytes image = new(golden.Bytes);
        Extract(IndependentVolume.Read(IndependentPartitions.Volume(image, IndependentPartitions.Read(image)[0])), "/kernel", temporary["kernel"]);
        Extract(IndependentVolume.Read(IndependentPartitions.RootVolume(image, out _)), "/hello.txt", temporary["hello.txt"]);
    }

    private static void Extract(IndependentVolume volume, string path, string target)
    {
        ImageEntry entry = volume.Entries.Single(entry => entry.PathText == path);
        byte[] content = new byte[entry.Size];
        volume.ReadContent(entry, 0, content);
        File.WriteAllBytes(target, content);
    }
}
