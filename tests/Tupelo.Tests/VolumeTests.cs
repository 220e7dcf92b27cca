using System.Text;

namespace Tupelo.Tests;

public sealed class VolumeTests
{
    [Fact]
    public void FiveLines_MakeAFileSystemThatIsThereTheNextTime()
    {
        using HostDirectory host = new();
        using (Volume volume = Volume.Create(host["app.tfs"]))
        {
            volume.CreateDirectory("/notes/2026");
            volume.WriteAllText("/notes/2026/today.txt", "hello");
        }
        using Volume again = Volume.Open(host["app.tfs"]);
        Assert.Equal("hello", again.ReadAllText("/notes/2026/today.txt"));
    }

    [Fact]
    public void Open_OfWhatIsNotThere_OrIsNoVolume_SaysSo()
    {
        using HostDirectory host = new();
        IOException missing = Assert.ThrowsAny<IOException>(() => Volume.Open(host["missing"]));
        Assert.Contains("missing", missing.Message, StringComparison.Ordinal);
        File.WriteAllBytes(host["noise"], new byte[4096]);
        VolumeException noise = Assert.Throws<VolumeException>(() => Volume.Open(host["noise"]));
        Assert.Equal(Errno.EUCLEAN, noise.Errno);
        Assert.Contains("not a TFS volume", noise.Message, StringComparison.Ordinal);
        File.WriteAllText(host["there"], "");
        Assert.ThrowsAny<IOException>(() => Volume.Create(host["there"]));
        Assert.True(File.Exists(host["there"]));
    }

    [Fact]
    public void AFileInUse_IsRefusedToASecondWriter()
    {
        using HostDirectory host = new();
        using Volume volume = Volume.Create(host["app.tfs"]);
        IOException refused = Assert.ThrowsAny<IOException>(() => Volume.Open(host["app.tfs"]));
        Assert.Contains("in use", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadOnly_ReadsAndRefusesChanges()
    {
        using HostDirectory host = new();
        using (Volume volume = Volume.Create(host["app.tfs"], new VolumeOptions { Label = "mine" }))
        {
            volume.WriteAllText("a", "1");
        }
        byte[] before = File.ReadAllBytes(host["app.tfs"]);
        using (Volume volume = Volume.Open(host["app.tfs"], new VolumeOptions { ReadOnly = true }))
        {
            Assert.Equal("mine", volume.Label);
            Assert.Equal("1", volume.ReadAllText("a"));
            VolumeException refused = Assert.Throws<VolumeException>(() => volume.WriteAllText("a", "2"));
            Assert.Equal(Errno.EROFS, refused.Errno);
        }
        Assert.Equal(before, File.ReadAllBytes(host["app.tfs"]));
        using Volume embedded = Volume.OpenReadOnly(before);
        Assert.Equal("1", embedded.ReadAllText("a"));
        using Volume streamed = Volume.OpenReadOnly(new MemoryStream(before));
        Assert.Equal("1", streamed.ReadAllText("a"));
    }

    [Fact]
    public void InMemory_CanBeSaved()
    {
        using HostDirectory host = new();
        using (Volume volume = Volume.InMemory())
        {
            volume.WriteAllBytes("/data", Encoding.UTF8.GetBytes("kept"));
            volume.SaveTo(host["saved.tfs"]);
            volume.WriteAllBytes("/data", Encoding.UTF8.GetBytes("lost"));
            Assert.Equal(Errno.EEXIST, Assert.Throws<VolumeException>(() => volume.SaveTo(host["saved.tfs"])).Errno);
        }
        using Volume saved = Volume.Open(host["saved.tfs"]);
        Assert.Equal("kept", saved.ReadAllText("/data"));
    }

    [Fact]
    public void Errors_AreTheOnesThatDotnetProgramsKnow_AndKeepTheirNumber()
    {
        using Volume volume = Volume.InMemory();
        volume.CreateDirectory("/d");
        volume.WriteAllText("/f", "x");
        Assert.Equal(Errno.ENOENT, ((IErrnoException)Assert.ThrowsAny<FileNotFoundException>(() => volume.ReadAllText("/none"))).Errno);
        Assert.Equal(Errno.ENOENT, ((IErrnoException)Assert.ThrowsAny<DirectoryNotFoundException>(() => volume.ReadAllText("/none/file"))).Errno);
        Assert.Equal(Errno.ENOTDIR, ((IErrnoException)Assert.ThrowsAny<DirectoryNotFoundException>(() => volume.ReadAllText("/f/file"))).Errno);
        Assert.ThrowsAny<UnauthorizedAccessException>(() => volume.ReadAllText("/d"));
        Assert.Equal(Errno.ENOTEMPTY, Fails(() =>
        {
            volume.WriteAllText("/d/inner", "");
            volume.Delete("/d");
        }));
        Assert.Equal(Errno.EEXIST, Fails(() => volume.OpenFile("/f", FileMode.CreateNew)));
        Assert.Equal(Errno.EEXIST, Fails(() => volume.CreateDirectory("/f")));
        Assert.Equal(Errno.EINVAL, Fails(() => volume.ReadSymbolicLink("/f")));
        Assert.Equal(Errno.ENAMETOOLONG, Fails(() => volume.WriteAllText("/" + new string('n', 256), "")));
        Assert.ThrowsAny<DirectoryNotFoundException>(() => volume.Enumerate("/none").ToList());
    }

    [Fact]
    public void Names_AreTextOrBytes()
    {
        using Volume volume = Volume.InMemory();
        volume.WriteAllText("/grüße", "utf-8");
        Assert.Equal("utf-8", volume.ReadAllText("/gr\u00fc\u00dfe"u8));
        volume.WriteAllBytes((ReadOnlySpan<byte>)[(byte)'/', 0xFF, 0xFE], "raw"u8);
        Assert.Equal("raw"u8.ToArray(), volume.ReadAllBytes((ReadOnlySpan<byte>)[(byte)'/', 0xFF, 0xFE]));
        Assert.Equal(["grüße", "\uFFFD\uFFFD"], volume.Enumerate("/").Select(static entry => entry.Name).Order(StringComparer.Ordinal));
        string deep = "/" + string.Join('/', Enumerable.Repeat(new string('d', 100), 20));
        volume.CreateDirectory(deep);
        volume.WriteAllText(deep + "/file", "deep");
        Assert.Equal("deep", volume.ReadAllText(deep + "/file"));
    }

    [Fact]
    public void Trees_AreListedCopiedMovedAndRemoved()
    {
        using Volume volume = Volume.InMemory();
        for (int i = 0; i < 2_000; i++)
        {
            volume.CreateDirectory($"/src/d{i % 20}/e{i % 7}");
            volume.WriteAllText($"/src/d{i % 20}/e{i % 7}/f{i}", $"content {i}");
        }
        volume.CreateSymbolicLink("/src/link", "d0");
        volume.SetExtendedAttribute("/src/d0/e0/f0", "user.note", "kept"u8);
        volume.SetMode("/src/d0/e0/f0", UnixFileMode.UserRead);
        Assert.Equal(2_000 + 20 + 140 + 1, volume.Enumerate("/src", recursive: true).Count());
        Assert.Equal(21, volume.Enumerate("/src").Count());
        volume.Copy("/src", "/copy");
        Assert.Equal(Listing(volume, "/src"), Listing(volume, "/copy"));
        Assert.Equal("kept"u8.ToArray(), volume.GetExtendedAttribute("/copy/d0/e0/f0", "user.note"));
        Assert.Equal(UnixFileMode.UserRead, volume.GetEntry("/copy/d0/e0/f0").Mode);
        Assert.Equal("d0", volume.ReadSymbolicLink("/copy/link"));
        Assert.Equal(Errno.EEXIST, Fails(() => volume.Copy("/src", "/copy")));
        volume.Copy("/src", "/copy", overwrite: true);
        Assert.Equal(Errno.EINVAL, Fails(() => volume.Copy("/src", "/src/d1/within")));
        Assert.Equal(Errno.EEXIST, Fails(() => volume.Move("/copy", "/src")));
        volume.Move("/copy", "/moved");
        Assert.Equal(Listing(volume, "/src"), Listing(volume, "/moved"));
        volume.Delete("/moved", recursive: true);
        Assert.False(volume.Exists("/moved"));
        Assert.False(volume.TryDelete("/moved"));
        Assert.True(volume.DirectoryExists("/src/link"));
        Assert.True(volume.GetEntry("/src/link", followLinks: false).IsSymbolicLink);
    }

    [Fact]
    public void Replace_KeepsModeAndOwner_AndLeavesNoOtherFile()
    {
        using Volume volume = Volume.InMemory();
        volume.WriteAllText("/conf", "one");
        volume.SetMode("/conf", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using VolumeFile before = volume.OpenFile("/conf", FileMode.Open, FileAccess.Read);
        volume.ReplaceAllBytes("/conf", "two"u8, durable: true);
        Assert.Equal("two", volume.ReadAllText("/conf"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, volume.GetEntry("/conf").Mode);
        byte[] old = new byte[3];
        Assert.Equal(3, before.Read(0, old));
        Assert.Equal("one"u8.ToArray(), old);
        Assert.Equal(["conf"], volume.Enumerate("/").Select(static entry => entry.Name));
    }

    [Fact]
    public void Volume_GrowsWhenItMust_AndNotBeyondItsLimit()
    {
        using HostDirectory host = new();
        var options = new VolumeOptions { InitialSizeBytes = 2 << 20, MaxSizeBytes = 24 << 20 };
        using (Volume volume = Volume.Create(host["app.tfs"], options))
        {
            for (int i = 0; i < 10; i++)
            {
                volume.WriteAllBytes($"/f{i}", new byte[1 << 20]);
            }
            volume.Flush();
            Assert.InRange(volume.SizeBytes, 11L << 20, 24L << 20);
            Assert.Equal(Errno.ENOSPC, Fails(() => volume.WriteAllBytes("/large", new byte[32 << 20])));
            volume.Delete("/large");
        }
        using Volume again = Volume.Open(host["app.tfs"], options);
        Assert.Equal(10, again.Enumerate("/").Count());
    }

    private static Errno Fails(Action action) => Assert.ThrowsAny<VolumeException>(action).Errno;

    private static List<string> Listing(Volume volume, string directory) =>
    [
        .. volume.Enumerate(directory, recursive: true)
            .Select(entry => $"{entry.Path[directory.Length..]} {entry.Type} {entry.Length} {entry.Mode} {(entry.IsFile ? volume.ReadAllText(entry.Path) : "")}")
            .Order(StringComparer.Ordinal),
    ];
}
