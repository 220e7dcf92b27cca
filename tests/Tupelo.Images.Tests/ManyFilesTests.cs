using Tupelo.Block;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Images.Tests;

public sealed class ManyFilesTests
{
    [Fact]
    public void Make_200000Files_FillsManyExtensionsInBoundedMemory()
    {
        const int Directories = 200;
        const int FilesEach = 1000;
        using TemporaryDirectory temporary = new();
        _ = HostShell.Run(temporary.FullPath, $$"""
            perl -e 'mkdir "t"; for my $d (0 .. {{Directories - 1}}) { mkdir "t/d$d"; for my $f (0 .. {{FilesEach - 1}}) {
              open F, ">", "t/d$d/file-$d-$f" or die $!; print F "$d/$f" if $f % 10 == 0; close F } }'
            """);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long peak = 0;
        void Measure()
        {
            GC.Collect();
            peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: false) - before);
        }
        BuildProgress progress = new();
        using (Timer timer = new(_ => Measure(), null, 200, 1000))
        {
            _ = Making.Make(new ImageRequest { ImagePath = temporary["image"], SourceDirectory = temporary["t"] }, progress: progress);
        }
        Assert.Equal(Directories * FilesEach, progress.Files);
        Assert.InRange(peak, 0, (16 << 20) + (300L * Directories * FilesEach)); // of the managed heap; the buffers are 2 MiB more
        using FileBlockDevice device = FileBlockDevice.Open(temporary["image"], new FileBlockDeviceOptions { ReadOnly = true });
        TfsVolume volume = TfsVolume.Open(device);
        Assert.Empty(volume.Faults);
        Assert.True(volume.Log.Extensions.Count > 20);
        byte[] buffer = new byte[32];
        foreach ((int directory, int file) in (ReadOnlySpan<(int, int)>)[(0, 0), (17, 990), (199, 10), (100, 999)])
        {
            Assert.Equal(Errno.None, volume.Resolve(System.Text.Encoding.ASCII.GetBytes($"d{directory}/file-{directory}-{file}"), followLast: false, out TfsNode node));
            Assert.Equal(Errno.None, volume.OpenFile(node, out TfsFileReader? reader));
            string expected = file % 10 == 0 ? $"{directory}/{file}" : "";
            Assert.Equal(expected, System.Text.Encoding.ASCII.GetString(buffer.AsSpan(0, (int)reader!.Read(0, buffer).Count)));
        }
        _ = ReadBack.ListIndependently(temporary["image"], hash: false, plain: false, out IndependentVolume independent);
        Assert.Equal(1 + Directories + (Directories * FilesEach), independent.Entries.Count);
    }
}
