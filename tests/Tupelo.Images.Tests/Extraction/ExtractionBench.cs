// What the tests of extraction have in common: a place to extract to with something outside that must not change, and forged volumes.
using System.Security.Cryptography;
using Tupelo.Block;
using Tupelo.Images.Extraction;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Images.Tests.Extraction;

/// <summary>A destination, and a canary tree beside it.</summary>
public sealed class ExtractionBench : IDisposable
{
    private readonly TemporaryDirectory _temporary = new();
    private readonly string _canaryBefore;

    public ExtractionBench()
    {
        Directory.CreateDirectory(Path.Combine(Outside, "sub"));
        File.WriteAllText(Path.Combine(Outside, "canary"), "untouched");
        File.WriteAllText(Path.Combine(Outside, "sub", "canary"), "untouched");
        Directory.CreateDirectory(Destination);
        _canaryBefore = Snapshot(Outside);
    }

    /// <summary>Where to extract to.</summary>
    public string Destination => _temporary["destination"];

    /// <summary>What must stay as it is.</summary>
    public string Outside => _temporary["outside"];

    public List<ExtractionNotice> Notices { get; } = [];

    public ExtractionProgress Progress { get; private set; } = new();

    /// <summary>A path below the destination.</summary>
    public string At(string path) => Path.Combine(Destination, path);

    /// <summary>Forges a volume, and opens it.</summary>
    public static TfsVolume Forge(Action<ImageSmith, int> fill, int sectors = 256, int extensionSectors = 128)
    {
        var smith = new ImageSmith(sectors, extensionSectors);
        fill(smith, smith.BeginRoot());
        return Open(smith.Finish().Emit());
    }

    /// <summary>Opens an image in memory.</summary>
    public static TfsVolume Open(byte[] image)
    {
        var device = new MemoryBlockDevice(image.Length);
        Assert.Equal(Errno.None, device.Write(0, image));
        return TfsVolume.Open(device);
    }

    /// <summary>Extracts all of a volume into the destination.</summary>
    public void Extract(TfsVolume volume, ExtractionOptions? options = null, CancellationToken cancellation = default)
    {
        Progress = new ExtractionProgress();
        new TreeExtractor(volume, options ?? new ExtractionOptions(), Progress, Notices.Add, cancellation).ExtractInto(volume.Root, "/"u8, Destination);
    }

    /// <summary>Asserts that nothing outside of the destination is other than it was.</summary>
    public void AssertNothingOutsideChanged()
    {
        Assert.Equal(_canaryBefore, Snapshot(Outside));
        Assert.Equal(["destination", "outside"], Directory.GetFileSystemEntries(_temporary.FullPath).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    /// <summary>Asserts that no file has a name that is not final.</summary>
    public void AssertNoTemporaryFiles() =>
        Assert.Empty(Directory.EnumerateFiles(
            Destination, ".tupelo-*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }));

    public void Dispose() => _temporary.Dispose();

    private static string Snapshot(string directory) => string.Join('\n', Directory.EnumerateFileSystemEntries(directory, "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)
        .Select(static path => File.Exists(path)
            ? $"{path} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))} {File.GetUnixFileMode(path)} {File.GetLastWriteTimeUtc(path).Ticks}"
            : $"{path} {File.GetUnixFileMode(path)}"));
}
