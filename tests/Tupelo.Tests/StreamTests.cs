using System.IO.Compression;

namespace Tupelo.Tests;

// A listener of another test would be allocated for.
[Collection("telemetry")]
public sealed class StreamTests
{
    [Fact]
    public async Task Stream_DoesWhatStreamsDo()
    {
        using Volume volume = Volume.InMemory();
        await using (VolumeStream stream = volume.CreateFile("/s"))
        {
            Assert.True(stream.CanRead && stream.CanWrite && stream.CanSeek);
            stream.Write("hello "u8);
            await stream.WriteAsync("world"u8.ToArray());
            stream.WriteByte((byte)'!');
            Assert.Equal(12, stream.Position);
            Assert.Equal(12, stream.Length);
            Assert.Equal(6, stream.Seek(-6, SeekOrigin.End));
            byte[] buffer = new byte[10];
            Assert.Equal(6, await stream.ReadAsync(buffer));
            Assert.Equal("world!"u8.ToArray(), buffer[..6]);
            Assert.Equal(-1, stream.ReadByte());
            stream.Position = 20;
            stream.WriteByte(1);
            Assert.Equal(21, stream.Length);
            stream.SetLength(5);
            Assert.Equal(5, stream.Position);
            Assert.Throws<IOException>(() => stream.Seek(-1, SeekOrigin.Begin));
            stream.Flush(flushToDisk: true);
            using CancellationTokenSource cancelled = new();
            await cancelled.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stream.ReadAsync(buffer, cancelled.Token).AsTask());
        }
        Assert.Equal("hello", volume.ReadAllText("/s"));
        using VolumeStream reader = volume.OpenRead("/s");
        Assert.False(reader.CanWrite);
        Assert.Throws<NotSupportedException>(() => reader.WriteByte(0));
        reader.Dispose();
        Assert.Throws<ObjectDisposedException>(() => reader.ReadByte());
        Assert.False(reader.CanRead);
    }

    [Fact]
    public void Append_GoesToTheEnd_WhoeverWritesToo()
    {
        using Volume volume = Volume.InMemory();
        volume.WriteAllText("/log", "0");
        using VolumeStream one = volume.OpenStream("/log", FileMode.Append);
        using VolumeStream other = volume.OpenStream("/log", FileMode.Append);
        one.Write("1"u8);
        other.Write("2"u8);
        one.Write("3"u8);
        volume.AppendAllText("/log", "4");
        Assert.Equal("01234", volume.ReadAllText("/log"));
        Assert.Equal(4, one.Position);
    }

    [Fact]
    public void AZipArchive_LivesInAVolume()
    {
        using Volume volume = Volume.InMemory();
        using (var archive = new ZipArchive(volume.CreateFile("/a.zip"), ZipArchiveMode.Create))
        {
            for (int i = 0; i < 100; i++)
            {
                using StreamWriter writer = new(archive.CreateEntry($"e{i}").Open());
                writer.Write(new string((char)('a' + (i % 26)), i * 100));
            }
        }
        using var again = new ZipArchive(volume.OpenRead("/a.zip"), ZipArchiveMode.Read);
        Assert.Equal(100, again.Entries.Count);
        using StreamReader reader = new(again.GetEntry("e99")!.Open());
        Assert.Equal(9_900, reader.ReadToEnd().Length);
    }

    [Fact]
    public void Handles_ArePositional_AndKnowHoles()
    {
        using Volume volume = Volume.InMemory();
        using VolumeFile file = volume.OpenFile("/sparse", FileMode.Create);
        file.Write(1 << 20, [new byte[] { 1, 2 }, new byte[] { 3 }]);
        Assert.Equal((1 << 20) + 3, file.Length);
        Assert.Equal(1 << 20, file.NextData(0));
        Assert.Equal(0, file.NextHole(0));
        Assert.Equal(-1, file.NextData(2 << 20));
        byte[] a = new byte[2];
        byte[] b = new byte[2];
        Assert.Equal(3, file.Read(1 << 20, [a, b]));
        Assert.Equal([1, 2, 3, 0], [.. a, .. b]);
        file.PunchHole(1 << 20, 4096);
        Assert.Equal(-1, file.NextData(0));
        file.Allocate(0, 8 << 20);
        Assert.Equal(8 << 20, file.Length);
        file.SetLength(10);
        Assert.Equal(10, file.Length);
        file.Flush(FlushMode.Data);
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Length);
    }

    [Fact]
    public void WarmReadsAndStats_AllocateNothing()
    {
        using Volume volume = Volume.InMemory();
        using VolumeFile file = volume.OpenFile("/d", FileMode.Create);
        file.Write(0, new byte[1 << 20]);
        byte[] buffer = new byte[4096];
        Stat stat = default;
        void Round()
        {
            for (int i = 0; i < 200; i++)
            {
                _ = file.Read(i * 4096, buffer);
                _ = volume.TryGetStat("/d", ref stat);
            }
        }
        for (int i = 0; i < 20; i++)
        {
            Round(); // until the code is compiled and the pages are there
        }
        long least = long.MaxValue;
        for (int i = 0; i < 10; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }
}
